/* SPDX-License-Identifier: MIT */
/*
 * Stops of a traced thread, by itself: at signals, system calls, events, and
 * where the tracer wants one. It waits until the tracer lets it go on, is
 * killed, or its tracer is gone, and meanwhile serves requests.
 *
 * No wake-up is lost: whoever lets it go on or asks changes its struct
 * ptrace_stop under process_lock and then unparks it; it looks at that under the
 * same lock before it parks.
 */
#include "linux/pid_ns.h"
#include "linux/ptrace.h"
#include "linux/remote.h"
#include "lib/string.h"
#include "linux/signal_priv.h"
#include "linux/text.h"
#include <asm/siginfo.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

#define RFLAGS_TF	(1ull << 8)
#define SYSGOOD		0x80u

static bool is_ending(const struct thread *t)
{
	return t->process->group_exit ||
	       __atomic_load_n(&t->task->arch.work, __ATOMIC_ACQUIRE) &
	       TASK_WORK_EXIT;
}

/* Killed, or listening and something happened: go on without the tracer. */
static bool is_over(const struct thread *t, const struct ptrace_stop *s,
		    bool dying)
{
	const struct tracee *tr = t->trace;

	return (dying ? t->process->kills != s->kills : is_ending(t)) ||
	       (tr->listening && tr->traps);
}

/* Until it may go on. process_lock is held. */
static void serve_locked(struct thread *t, struct ptrace_stop *s, bool dying)
{
	for (;;) {
		if (!list_is_empty(&s->requests)) {
			struct ptrace_request *r = list_first(&s->requests,
				struct ptrace_request, link);

			list_remove(&r->link);
			mutex_unlock(&process_lock);
			r->ret = r->fn(t, r);
			mutex_lock(&process_lock);
			ptrace_finish(r, r->ret);
			continue;
		}
		if (s->resumed)
			return;
		if (is_over(t, s, dying)) {
			t->trace->stop = NULL;
			t->trace->report = 0;
			t->trace->listening = false;
			return;
		}
		mutex_unlock(&process_lock);
		task_park(DEADLINE_NEVER, false);
		remote_serve_if_asked();
		mutex_lock(&process_lock);
	}
}

static void set_watch(struct thread *t, bool on)
{
	if (on)
		__atomic_fetch_or(&t->watch, THREAD_WATCH_TRACE,
				  __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&t->watch, ~(uint32_t)THREAD_WATCH_TRACE,
				   __ATOMIC_RELAXED);
}

/* As the tracer said. process_lock is held. */
static void go_on_locked(struct thread *t, const struct ptrace_stop *s)
{
	struct tracee *tr = t->trace;

	if (tr) {
		tr->mode = s->mode;
		tr->step = s->step;
	}
	set_watch(t, tr && (s->mode != TRACE_CONT || s->step));
	if (!tr || !s->step)
		return;
	t->regs->rflags |= RFLAGS_TF;
	task_post_work(t->task, TASK_WORK_SLOW);
}

int ptrace_stop(uint32_t code, uint64_t message, struct ksiginfo *info,
		bool dying)
{
	struct thread *t = current_thread();
	struct ptrace_stop s = { .info = info };
	bool is_event_stop = code >> 8 == PTRACE_EVENT_STOP;
	struct tracee *tr;

	list_init(&s.requests);
	mutex_lock(&process_lock);
	tr = t->trace;
	if (!tr || (!dying && is_ending(t))) {
		mutex_unlock(&process_lock);
		return -1;
	}
	s.kills = t->process->kills;
	if (tr->step)
		t->regs->rflags &= ~RFLAGS_TF;
	tr->step = false;
	__atomic_fetch_and(&tr->traps, (uint8_t)(is_event_stop ? 0 :
						 ~TRAP_STOP),
			   __ATOMIC_RELAXED);
	tr->code = tr->report = code;
	tr->message = message;
	tr->stop = &s;
	ptrace_notify_locked(tr, info && !is_event_stop ? CLD_TRAPPED :
			     CLD_STOPPED, (int)(code & 0x7f));
	serve_locked(t, &s, dying);
	go_on_locked(t, &s);
	mutex_unlock(&process_lock);
	return s.resumed ? (int)s.signo : -1;
}

/* What the tracer sees of a stop that is no signal. */
static int notify(uint32_t code, uint64_t message, bool dying)
{
	struct thread *t = current_thread();
	struct ksiginfo info = { .signo = (int)(code & 0x7f),
				 .code = (int)code };

	info.kill.pid = (int32_t)t->nr;
	info.kill.uid = t->cred->uid;
	return ptrace_stop(code, message, &info, dying);
}

/* --- system calls --------------------------------------------------------------*/
struct watching {
	uint32_t options;
	uint8_t mode;
	bool step;
};

static struct watching what_for(struct thread *t)
{
	struct watching w = { 0 };
	struct tracee *tr;

	mutex_lock(&process_lock);
	tr = t->trace;
	if (tr)
		w = (struct watching){ tr->options, tr->mode, tr->step };
	mutex_unlock(&process_lock);
	return w;
}

static void stop_at_call(struct thread *t, uint32_t options, uint8_t op)
{
	uint32_t code = SIGTRAP | (options & PTRACE_O_TRACESYSGOOD ?
				   SYSGOOD : 0);
	int signo = notify(code, op, false);

	if (signo > 0)
		signal_send_thread(t, signo, NULL);
}

bool ptrace_call_enter(struct thread *t, struct regs *r)
{
	struct watching w = what_for(t);

	if (w.mode == TRACE_CONT)
		return true;
	r->rax = (uint64_t)-ENOSYS;
	stop_at_call(t, w.options, PTRACE_EVENTMSG_SYSCALL_ENTRY);
	return w.mode != TRACE_EMULATE && !is_ending(t) &&
	       (int32_t)r->orig_rax != -1;
}

void ptrace_call_exit(struct thread *t, struct regs *r)
{
	struct ksiginfo info = { .signo = SIGTRAP, .code = TRAP_BRKPT };
	struct watching w = what_for(t);

	if (is_ending(t))
		return;
	if (w.step && text_is_trampoline(t->process->mm, r->rip)) {
		/* what follows the call in the text comes first */
		r->rflags |= RFLAGS_TF;
		task_post_work(t->task, TASK_WORK_SLOW);
	} else if (w.step) {
		/* the call was the one instruction */
		r->rflags &= ~RFLAGS_TF;
		info.fault.addr = r->rip;
		signal_force(SIGTRAP, &info);
	} else if (w.mode == TRACE_SYSCALL) {
		stop_at_call(t, w.options, PTRACE_EVENTMSG_SYSCALL_EXIT);
	}
}

static bool wants(struct thread *t, uint32_t event)
{
	return t->trace && what_for(t).options >> event & 1;
}

void ptrace_event(struct thread *t, uint32_t event, uint64_t message)
{
	if (event && wants(t, event))
		notify(SIGTRAP | event << 8, message,
		       event == PTRACE_EVENT_EXIT);
}

uint32_t ptrace_seen(struct thread *t, uint32_t id)
{
	if (likely(!t->trace))
		return 0;
	mutex_lock(&process_lock);
	id = t->trace ? pid_seen_locked(t->trace->tracer->process->pid_ns, id) :
	     0;
	mutex_unlock(&process_lock);
	return id;
}

bool ptrace_hides_step(struct thread *t, const struct regs *r)
{
	return what_for(t).step && text_is_trampoline(t->process->mm, r->rip);
}

bool ptrace_seccomp(struct thread *t, struct regs *r, uint32_t data)
{
	r->rax = (uint64_t)-ENOSYS;
	if (!wants(t, PTRACE_EVENT_SECCOMP))
		return false;
	ptrace_event(t, PTRACE_EVENT_SECCOMP, data);
	return !is_ending(t) && (int32_t)r->orig_rax != -1;
}

/* --- signals --------------------------------------------------------------------*/
int ptrace_signal(struct thread *t, int signo, struct ksiginfo *info)
{
	struct process *p = t->process;
	int chosen = ptrace_stop((uint32_t)signo, 0, info, false);

	if (!chosen || is_ending(t))
		return 0;
	if (chosen < 0)
		return signo;
	if (chosen != info->signo) {
		*info = (struct ksiginfo){ .signo = chosen, .code = SI_USER };
		info->kill.pid = (int32_t)pid_to_user(process_ppid(p));
	}
	if (!(t->sig.blocked & sig_bit(chosen)))
		return chosen;
	mutex_lock(&p->signals.lock);
	(void)!signal_send_locked(p, t, chosen, info);
	mutex_unlock(&p->signals.lock);
	return 0;
}

void ptrace_handler_ready(struct thread *t)
{
	if (what_for(t).step)
		notify(SIGTRAP, 0, false);
}

/* The code of the stop that is due, 0: none; *plain: a group stop of one who
 * was not seized. */
static uint32_t trap_code(struct thread *t, bool stopping, bool *plain)
{
	struct signal_state *s = &t->process->signals;
	struct tracee *tr;
	uint32_t code = 0;

	mutex_lock(&process_lock);
	tr = t->trace;
	stopping = stopping && s->group_stop;
	if (tr && (stopping || tr->traps)) {
		code = s->group_stop ? s->group_stop_sig : SIGTRAP;
		*plain = !tr->seized;
		if (tr->seized)
			code |= PTRACE_EVENT_STOP << 8;
		else if (!s->group_stop)
			code = 0;
		tr->traps = 0;
	}
	mutex_unlock(&process_lock);
	return code;
}

void ptrace_trap(struct thread *t, bool stopping)
{
	uint32_t code;
	bool plain;

	task_clear_work(TASK_WORK_STOP);
	while (!is_ending(t) && (code = trap_code(t, stopping, &plain))) {
		stopping = false;
		if (plain)
			ptrace_stop(code, 0, NULL, false);
		else
			notify(code, 0, false);
	}
	signal_end_stop(t->process);
}

/* --- events ------------------------------------------------------------------------*/
void ptrace_exec(struct thread *t, uint32_t old_tid)
{
	struct ksiginfo info = { .signo = SIGTRAP, .code = SI_USER };
	bool signal;

	mutex_lock(&process_lock);
	signal = t->trace && !t->trace->seized &&
		 !(t->trace->options & PTRACE_O_TRACEEXEC);
	mutex_unlock(&process_lock);
	info.kill.pid = (int32_t)t->process->nr;
	info.kill.uid = t->cred->uid;
	ptrace_event(t, PTRACE_EVENT_EXEC, old_tid);
	if (signal)
		signal_send_thread(t, SIGTRAP, &info);
}

uint32_t ptrace_clone_event(struct thread *self, uint64_t flags,
			    uint32_t exit_signal)
{
	uint32_t event = flags & CLONE_VFORK ? PTRACE_EVENT_VFORK :
			 exit_signal != SIGCHLD ? PTRACE_EVENT_CLONE :
			 PTRACE_EVENT_FORK;

	return flags & CLONE_UNTRACED || !wants(self, event) ? 0 : event;
}

/* --- from senders of signals --------------------------------------------------------*/
void ptrace_continued_locked(struct thread *t, int signo)
{
	if (signo != SIGCONT || !t->trace || !t->trace->seized)
		return;
	__atomic_fetch_or(&t->trace->traps, TRAP_NOTIFY, __ATOMIC_RELAXED);
	task_post_work(t->task, TASK_WORK_STOP);
}

void ptrace_kill_locked(struct process *p)
{
	__atomic_fetch_add(&p->kills, 1, __ATOMIC_RELAXED);
	list_for_each(l, &p->threads)
		task_unpark(list_entry(l, struct thread, link)->task);
}
