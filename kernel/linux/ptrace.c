/* SPDX-License-Identifier: MIT */
/*
 * ptrace(2), the tracer's side: who traces whom, letting tracees go on, and the
 * requests. Everything but attaching wants a tracee of the calling thread that
 * is stopped: -ESRCH otherwise.
 */
#include "linux/ptrace.h"
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "fs/cred.h"
#include "lib/string.h"
#include "linux/pid_ns.h"
#include "linux/process_priv.h"
#include "linux/ptrace_calls.h"
#include "linux/signal_priv.h"
#include "platform/platform.h"
#include <asm/siginfo.h>
#include <linux/capability.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

/* --- bookkeeping -----------------------------------------------------------------*/
bool ptrace_may_access_locked(const struct thread *t, bool fs)
{
	const struct cred *c = current_thread()->cred, *o = t->cred;
	uint32_t uid = fs ? c->fsuid : c->uid, gid = fs ? c->fsgid : c->gid;

	if (t->process == current_process() ||
	    cred_has_cap_in(c, o->user_ns, CAP_SYS_PTRACE))
		return true;
	/* who is confined does not look at the same user outside */
	return o->user_ns == c->user_ns && uid == o->euid && uid == o->suid && uid == o->uid &&
	       gid == o->egid && gid == o->sgid && gid == o->gid &&
	       t->process->dumpable == 1;
}

static bool is_leader(const struct tracee *tr)
{
	return tr->tid == tr->process->pid;
}

/* tr is the caller's to give away. */
static void link_locked(struct tracee *tr, struct thread *t,
			struct thread *tracer)
{
	tr->thread = t;
	tr->tracer = tracer;
	tr->process = process_get(t->process);
	tr->tid = t->tid;
	list_append(&tracer->tracees, &tr->link);
	mutex_lock(&t->process->signals.lock);
	t->trace = tr;
	if (is_leader(tr))
		t->process->leader_trace = tr;
	mutex_unlock(&t->process->signals.lock);
}

static void unlink_locked(struct tracee *tr)
{
	struct process *p = tr->process;

	mutex_lock(&p->signals.lock);
	if (p->leader_trace == tr)
		p->leader_trace = NULL;
	if (tr->thread)
		tr->thread->trace = NULL;
	mutex_unlock(&p->signals.lock);
	list_remove(&tr->link);
	process_put(p);
	if (!tr->thread)
		pid_release_locked(tr->tid);
	kfree(tr);
}

static void go_on_locked(struct tracee *tr, uint32_t signo, uint8_t mode,
			 bool step)
{
	struct ptrace_stop *s = tr->stop;

	s->signo = signo;
	s->mode = mode;
	s->step = step;
	s->resumed = true;
	tr->stop = NULL;
	tr->report = 0;
	tr->listening = false;
	task_unpark(tr->thread->task);
}

static void detach_locked(struct tracee *tr, uint32_t signo)
{
	struct thread *t = tr->thread;

	if (tr->stop)
		go_on_locked(tr, signo, TRACE_CONT, false);
	unlink_locked(tr);
	/* a stop of the process holds for it again */
	if (t && t->process->signals.group_stop)
		task_post_work(t->task, TASK_WORK_STOP);
}

void ptrace_detach_locked(struct tracee *tr)
{
	detach_locked(tr, 0);
}

void ptrace_notify_locked(struct tracee *tr, int code, int status)
{
	struct process *to = tr->tracer->process, *p = tr->process;
	const struct ksigaction *a = &to->signals.action[SIGCHLD - 1];
	bool death = code == CLD_EXITED || code == CLD_KILLED ||
		     code == CLD_DUMPED;
	struct ksiginfo i = { .signo = SIGCHLD, .code = code };

	i.child.pid = (int32_t)pid_seen_locked(to->pid_ns, tr->tid);
	i.child.uid = tr->thread ? tr->thread->cred->uid : p->exit_uid;
	i.child.status = status;
	if (death || !(a->flags & SA_NOCLDSTOP))
		signal_send_process(to, SIGCHLD, &i);
	wait_wake_all(&to->child_wait, 0);
}

static void notify_death(struct tracee *tr, uint32_t status)
{
	int sig = status & 0x7f;

	tr->zombie = true;
	tr->status = status;
	ptrace_notify_locked(tr, wait_code(status),
			     sig ? sig : (int)(status >> 8 & 0xff));
}

bool ptrace_is_by_parent_locked(const struct process *c)
{
	return c->leader_trace && c->leader_trace->tracer->process == c->parent;
}

/* Nobody traces it any more: whose child it is may know that it ended. */
static void drop_locked(struct tracee *tr)
{
	struct process *p = tr->process;
	bool tell = is_leader(tr) && p->state == PROC_ZOMBIE &&
		    !ptrace_is_by_parent_locked(p);

	process_get(p);
	detach_locked(tr, 0);
	if (tell)
		process_zombie_to_parent_locked(p);
	process_put(p);
}

void ptrace_reap_locked(struct tracee *tr)
{
	drop_locked(tr);
}

void ptrace_thread_gone_locked(struct thread *t, uint32_t status)
{
	struct tracee *tr = t->trace;

	list_for_each_safe(l, &t->tracees) {
		struct tracee *of = list_entry(l, struct tracee, link);

		if (of->options & PTRACE_O_EXITKILL && of->thread)
			signal_send_process(of->process, SIGKILL, NULL);
		drop_locked(of);
	}
	if (!tr)
		return;
	mutex_lock(&t->process->signals.lock);
	t->trace = NULL;
	mutex_unlock(&t->process->signals.lock);
	if (!is_leader(tr))
		notify_death(tr, status);
	tr->thread = NULL;
}

bool ptrace_process_gone_locked(struct process *p, uint32_t status)
{
	bool by_parent = ptrace_is_by_parent_locked(p);

	if (!p->leader_trace)
		return false;
	if (by_parent) {
		p->leader_trace->zombie = true;
		p->leader_trace->status = status;
	} else {
		notify_death(p->leader_trace, status);
	}
	return !by_parent;
}

void ptrace_set_tid_locked(struct thread *t)
{
	struct process *p = t->process;

	if (p->leader_trace)
		unlink_locked(p->leader_trace);
	if (!t->trace)
		return;
	t->trace->tid = t->tid;
	p->leader_trace = t->trace;
}

int ptrace_child_locked(struct thread *t, struct thread *self, uint64_t flags,
			uint32_t event)
{
	struct tracee *by = self->trace, *tr;

	if (!by || !(event || flags & CLONE_PTRACE))
		return 0;
	tr = kzalloc(sizeof(*tr));
	if (!tr)
		return -ENOMEM;
	tr->options = by->options;
	tr->seized = by->seized;
	link_locked(tr, t, by->tracer);
	if (tr->seized)
		tr->traps = TRAP_STOP;
	else
		t->sig.pending.set |= sig_bit(SIGSTOP);
	t->task->arch.work |= TASK_WORK_STOP;
	return 0;
}

/* --- attaching ---------------------------------------------------------------------*/
/* Who forked the caller. */
static struct thread *parent_thread_locked(void)
{
	struct process *p = current_process();
	struct thread *t = thread_find(p->forked_by);

	if (t && t->process == p->parent)
		return t;
	if (!p->parent || list_is_empty(&p->parent->threads))
		return NULL;
	return list_first(&p->parent->threads, struct thread, link);
}

static long trace_me(void)
{
	struct thread *t = current_thread(), *parent;
	struct tracee *tr = kzalloc(sizeof(*tr));

	if (!tr)
		return -ENOMEM;
	plat_watch_calls();
	mutex_lock(&process_lock);
	parent = t->trace ? NULL : parent_thread_locked();
	if (parent)
		link_locked(tr, t, parent);
	mutex_unlock(&process_lock);
	if (!parent)
		kfree(tr);
	return parent ? 0 : -EPERM;
}

static int check_attach_locked(const struct thread *t)
{
	if (!t)
		return -ESRCH;
	return t->process == current_process() || t->exiting || t->trace ||
	       !ptrace_may_access_locked(t, false) ? -EPERM : 0;
}

static long attach(uint32_t tid, bool seize, uint32_t options)
{
	struct tracee *tr = kzalloc(sizeof(*tr));
	struct thread *t;
	int err;

	if (!tr)
		return -ENOMEM;
	tr->seized = seize;
	tr->options = options;
	plat_watch_calls();
	mutex_lock(&process_lock);
	t = thread_find_user(tid);
	err = check_attach_locked(t);
	if (!err) {
		link_locked(tr, t, current_thread());
		if (!seize)
			signal_send_thread(t, SIGSTOP, NULL);
		if (t->process->signals.group_stop)
			task_post_work(t->task, TASK_WORK_STOP);
	}
	mutex_unlock(&process_lock);
	if (err)
		kfree(tr);
	return err;
}

/* --- a tracee of the caller -----------------------------------------------------------*/
struct tracee *ptrace_mine_locked(uint32_t tid, bool stopped)
{
	struct thread *t = thread_find_user(tid);
	struct tracee *tr = t ? t->trace : NULL;

	if (!tr || tr->tracer != current_thread() ||
	    (stopped && (!tr->stop || tr->listening)))
		return NULL;
	return tr;
}

/* Make it look for what it has to stop for. */
static void set_trap_locked(struct tracee *tr)
{
	__atomic_fetch_or(&tr->traps, TRAP_STOP, __ATOMIC_RELAXED);
	task_post_work(tr->thread->task, TASK_WORK_STOP);
}

static long listen_locked(struct tracee *tr)
{
	if (!tr->seized || tr->code >> 8 != PTRACE_EVENT_STOP)
		return -EIO;
	tr->listening = true;
	/* what came meanwhile stops it again */
	task_unpark(tr->thread->task);
	return 0;
}

static long set_options_locked(struct tracee *tr, uint64_t options)
{
	if (options & ~(uint64_t)PTRACE_O_MASK)
		return -EINVAL;
	if (options & PTRACE_O_SUSPEND_SECCOMP)
		return -EPERM;
	tr->options = (uint32_t)options;
	return 0;
}

static long resume_locked(struct tracee *tr, uint64_t request, uint64_t signo)
{
	bool step = request == PTRACE_SINGLESTEP ||
		    request == PTRACE_SYSEMU_SINGLESTEP;

	if (signo > 64)
		return -EIO;
	if (request == PTRACE_DETACH)
		detach_locked(tr, (uint32_t)signo);
	else
		go_on_locked(tr, (uint32_t)signo,
			     request == PTRACE_SYSCALL ? TRACE_SYSCALL :
			     request == PTRACE_SYSEMU ||
			     request == PTRACE_SYSEMU_SINGLESTEP ?
			     TRACE_EMULATE : TRACE_CONT, step);
	return 0;
}

/* What needs neither the caller's memory nor the tracee's help. */
static long control_locked(struct tracee *tr, uint64_t request, uint64_t data)
{
	switch (request) {
	case PTRACE_KILL:
		return signal_send_process(tr->process, SIGKILL, NULL);
	case PTRACE_INTERRUPT:
		if (!tr->seized)
			return -EIO;
		set_trap_locked(tr);
		return 0;
	case PTRACE_LISTEN:
		return listen_locked(tr);
	case PTRACE_SETOPTIONS:
	case PTRACE_OLDSETOPTIONS:
		return set_options_locked(tr, data);
	default:
		return resume_locked(tr, request, data);
	}
}

static long control(uint64_t request, uint32_t tid, uint64_t data)
{
	struct tracee *tr;
	long ret = -ESRCH;

	mutex_lock(&process_lock);
	tr = ptrace_mine_locked(tid, request != PTRACE_KILL &&
				request != PTRACE_INTERRUPT);
	if (tr)
		ret = control_locked(tr, request, data);
	mutex_unlock(&process_lock);
	return ret;
}

long sys_ptrace(uint64_t request, uint64_t pid, uint64_t addr, uint64_t data)
{
	uint32_t tid = (uint32_t)pid;

	switch (request) {
	case PTRACE_TRACEME:
		return trace_me();
	case PTRACE_ATTACH:
		return attach(tid, false, 0);
	case PTRACE_SEIZE:
		if (addr || data & ~(uint64_t)PTRACE_O_MASK)
			return -EIO;
		return data & PTRACE_O_SUSPEND_SECCOMP ? -EPERM :
		       attach(tid, true, (uint32_t)data);
	case PTRACE_KILL:
	case PTRACE_INTERRUPT:
	case PTRACE_LISTEN:
	case PTRACE_SETOPTIONS:
	case PTRACE_OLDSETOPTIONS:
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP:
	case PTRACE_DETACH:
		return control(request, tid, data);
	default:
		return ptrace_look(request, tid, addr, data);
	}
}
