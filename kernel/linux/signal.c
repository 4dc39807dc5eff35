/* SPDX-License-Identifier: MIT */
/*
 * Signals: sending, queueing, taking. Delivery to a program is in
 * signal_deliver.c, the system calls in signal_calls.c.
 *
 * A sender changes the pending sets under signals.lock, then posts work to
 * one task that can take the signal. A thread that changes its mask or takes
 * a signal does so under the same lock, so no wake-up is lost.
 */
#include "linux/signal_priv.h"
#include "core/heap.h"
#include "core/panic.h"
#include "lib/string.h"
#include "linux/pid_ns.h"
#include "linux/process.h"
#include "linux/process_priv.h"
#include "linux/ptrace.h"
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <linux/resource.h>

void signal_state_init(struct signal_state *s)
{
	memset(s, 0, sizeof(*s));
	mutex_init(&s->lock);
	list_init(&s->shared.queue);
	waitq_init(&s->signalfd_wait);
}

bool signal_default_is_ignore(int signo)
{
	return sig_bit(signo) & SIGNALS_IGNORED_BY_DEFAULT;
}

/* Does it tell who sent it, or whose end it tells? */
static bool has_sender(const struct ksiginfo *i)
{
	return i->code > 0 ? i->signo == SIGCHLD :
			     i->code != SI_TIMER && i->code != SI_SIGIO;
}

/* Is it the kernel's, or that of somebody whom p's namespace does not know? */
static bool is_from_above(const struct process *p, const struct ksiginfo *i)
{
	const struct thread *self = current_thread();

	return !i || (self && !pid_ns_is_below(self->process->pid_ns,
					       p->pid_ns));
}

/* What an init does not handle does not come to it, but for the two that those
 * above can send (pid_namespaces(7)). */
static bool is_refused(const struct process *p, int signo, bool from_above)
{
	return unlikely(p->is_init) &&
	       p->signals.action[signo - 1].handler == SIGNAL_DEFAULT &&
	       !(from_above && sig_bit(signo) & SIGNALS_FORCED);
}

static bool is_ignored(struct process *p, struct thread *t, int signo,
		       bool from_above)
{
	uint64_t h = p->signals.action[signo - 1].handler;

	/* a blocked signal is kept: its action may change before it is taken;
	 * a tracer sees all */
	if (t && (t->sig.blocked & sig_bit(signo) || t->trace))
		return false;
	return h == SIGNAL_IGNORE || is_refused(p, signo, from_above) ||
	       (h == SIGNAL_DEFAULT && signal_default_is_ignore(signo));
}

static void flush(struct sigpending *q, uint64_t set, struct process *p)
{
	q->set &= ~set;
	list_for_each_safe(l, &q->queue) {
		struct sigqueue *s = list_entry(l, struct sigqueue, link);

		if (!(sig_bit(s->info.signo) & set))
			continue;
		list_remove(l);
		p->signals.nr_queued--;
		kfree(s);
	}
}

void signal_flush_all(struct process *p, struct sigpending *q)
{
	flush(q, ~0ull, p);
}

static void flush_everywhere(struct process *p, uint64_t set)
{
	flush(&p->signals.shared, set, p);
	list_for_each(l, &p->threads)
		flush(&list_entry(l, struct thread, link)->sig.pending, set, p);
}

/* Caller holds signals.lock. */
void signal_group_exit_locked(struct process *p, uint32_t status)
{
	if (p->group_exit)
		return;
	p->group_exit = true;
	p->group_status = status;
	p->signals.group_stop = false;
	list_for_each(l, &p->threads)
		task_post_work(list_entry(l, struct thread, link)->task,
			       TASK_WORK_EXIT);
}

/* SIGCONT and stop signals undo each other, whatever their actions. */
static void prepare_job_control(struct process *p, int signo)
{
	if (sig_bit(signo) & SIGNALS_STOP) {
		flush_everywhere(p, sig_bit(SIGCONT));
	} else if (signo == SIGCONT || signo == SIGKILL) {
		flush_everywhere(p, SIGNALS_STOP);
		if (!p->signals.group_stop)
			return;
		p->signals.group_stop = false;
		if (signo == SIGCONT)
			p->signals.continued = true;
		list_for_each(l, &p->threads) {
			struct thread *t = list_entry(l, struct thread, link);

			ptrace_continued_locked(t, signo);
			task_post_work(t->task, TASK_WORK_SIGNAL);
			task_unpark(t->task);
		}
	}
}

/* A thread that would take signo now; NULL: it stays pending. */
static struct thread *choose_thread(struct process *p, int signo)
{
	struct thread *self = current_task()->personality;
	struct thread *found = NULL;

	list_for_each(l, &p->threads) {
		struct thread *t = list_entry(l, struct thread, link);
		uint64_t open = ~t->sig.blocked | t->sig.waiting;

		if (t->exiting || !(open & sig_bit(signo)))
			continue;
		if (t == self || t->sig.waiting & sig_bit(signo))
			return t;
		if (!found)
			found = t;
	}
	return found;
}

static int queue(struct process *p, struct sigpending *q, int signo,
		 const struct ksiginfo *i, bool must_queue)
{
	struct sigqueue *s;

	if (p->signals.nr_queued >= p->limits[RLIMIT_SIGPENDING].cur &&
	    must_queue)
		return -EAGAIN;
	s = kmalloc(sizeof(*s));
	if (!s && must_queue)
		return -EAGAIN;
	if (s) {
		s->owner = NULL;
		s->info = i ? *i : (struct ksiginfo){ .code = SI_KERNEL };
		s->info.signo = signo;
		list_append(&q->queue, &s->link);
		p->signals.nr_queued++;
	}
	q->set |= sig_bit(signo);
	return 0;
}

/* Caller holds signals.lock. t NULL: to the process. */
int signal_send_locked(struct process *p, struct thread *t, int signo,
		       const struct ksiginfo *i)
{
	struct thread *first = list_is_empty(&p->threads) ? NULL :
		list_first(&p->threads, struct thread, link);
	bool must_queue = signo >= SIGRTMIN && i && i->code < 0;
	bool from_above = is_from_above(p, i);
	struct ksiginfo unseen;
	struct sigpending *q;
	int err = 0;

	if (signo == SIGKILL && is_refused(p, signo, from_above))
		return 0;
	if (unlikely(from_above) && i && has_sender(i)) {
		unseen = *i;
		unseen.kill.pid = 0;
		i = &unseen;
	}
	if (signo == SIGKILL)
		ptrace_kill_locked(p);
	if (p->group_exit || !first)
		return 0;
	prepare_job_control(p, signo);
	if (signo == SIGKILL) {
		signal_group_exit_locked(p, SIGKILL);
		return 0;
	}
	if (is_ignored(p, t ? t : first, signo, from_above) &&
	    !((t ? t : first)->sig.waiting & sig_bit(signo)))
		return 0;
	q = t ? &t->sig.pending : &p->signals.shared;
	if (signo >= SIGRTMIN || !(q->set & sig_bit(signo)))
		err = queue(p, q, signo, i, must_queue);
	if (err)
		return err;
	if (!t)
		t = choose_thread(p, signo);
	else if (!((~t->sig.blocked | t->sig.waiting) & sig_bit(signo)))
		t = NULL;
	if (t)
		task_post_work(t->task, TASK_WORK_SIGNAL);
	wait_wake_all(&p->signals.signalfd_wait, 1);
	return 0;
}

int signal_send_process(struct process *p, int signo, const struct ksiginfo *i)
{
	int err;

	mutex_lock(&p->signals.lock);
	err = signal_send_locked(p, NULL, signo, i);
	mutex_unlock(&p->signals.lock);
	return err;
}

int signal_send_thread(struct thread *t, int signo, const struct ksiginfo *i)
{
	struct process *p = t->process;
	int err;

	mutex_lock(&p->signals.lock);
	err = signal_send_locked(p, t, signo, i);
	mutex_unlock(&p->signals.lock);
	return err;
}

struct pgrp_send {
	uint32_t pgid;
	int signo, sent;
	const struct ksiginfo *info;
};

static bool send_if_member(struct process *p, void *arg)
{
	struct pgrp_send *s = arg;

	if (p->pgid == s->pgid && p->state != PROC_ZOMBIE &&
	    p->state != PROC_DEAD && p->nr_threads) {
		s->sent++;
		if (s->signo)
			signal_send_process(p, s->signo, s->info);
	}
	return true;
}

int signal_send_pgrp_locked(uint32_t pgid, int signo, const struct ksiginfo *i)
{
	struct pgrp_send s = { pgid, signo, 0, i };

	process_for_each(send_if_member, &s);
	return s.sent ? 0 : -ESRCH;
}

int signal_send_pgrp(uint32_t pgid, int signo, const struct ksiginfo *i)
{
	int err;

	mutex_lock(&process_lock);
	err = signal_send_pgrp_locked(pgid, signo, i);
	mutex_unlock(&process_lock);
	return err;
}

void signal_force(int signo, const struct ksiginfo *i)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct ksigaction *a = &p->signals.action[signo - 1];

	mutex_lock(&p->signals.lock);
	if (a->handler == SIGNAL_IGNORE || t->sig.blocked & sig_bit(signo)) {
		a->handler = SIGNAL_DEFAULT;
		t->sig.blocked &= ~sig_bit(signo);
	}
	if (a->handler == SIGNAL_DEFAULT)
		p->is_init = false;
	/* it must arrive: without memory for its information, die of it */
	flush(&t->sig.pending, sig_bit(signo), p);
	if (queue(p, &t->sig.pending, signo, i, false))
		signal_group_exit_locked(p, (uint32_t)signo);
	task_post_work(t->task, TASK_WORK_SIGNAL);
	mutex_unlock(&p->signals.lock);
}

static uint64_t deliverable(struct thread *t)
{
	return (t->sig.pending.set | t->process->signals.shared.set) &
	       ~t->sig.blocked;
}

bool signal_is_pending(struct thread *t)
{
	return t->process->group_exit || deliverable(t);
}

static int lowest(uint64_t set)
{
	uint64_t sync = set & SIGNALS_SYNCHRONOUS;

	if (sync)
		set = sync;
	return __builtin_ctzll(set) + 1;
}

static void take(struct process *p, struct sigpending *q, int signo,
		 struct ksiginfo *out)
{
	bool more = false, found = false;

	*out = (struct ksiginfo){ .signo = signo, .code = SI_USER };
	list_for_each_safe(l, &q->queue) {
		struct sigqueue *s = list_entry(l, struct sigqueue, link);

		if (s->info.signo != signo)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = true;
		*out = s->info;
		list_remove(l);
		p->signals.nr_queued--;
		kfree(s);
	}
	if (!more)
		q->set &= ~sig_bit(signo);
}

/* Caller holds signals.lock. */
int signal_dequeue_locked(struct thread *t, uint64_t mask,
			  struct ksiginfo *out)
{
	struct process *p = t->process;
	uint64_t own = t->sig.pending.set & mask;
	uint64_t shared = p->signals.shared.set & mask;
	int signo;

	if (!(own | shared))
		return 0;
	signo = lowest(own ? own : shared);
	take(p, own ? &t->sig.pending : &p->signals.shared, signo, out);
	if (unlikely(t->cred->user_ns != &user_ns_first) && has_sender(out))
		out->kill.uid = id_show(t->cred->user_ns, ID_USER,
					out->kill.uid);
	return signo;
}

int signal_dequeue(struct thread *t, uint64_t mask, struct ksiginfo *out)
{
	int signo;

	mutex_lock(&t->process->signals.lock);
	signo = signal_dequeue_locked(t, mask, out);
	mutex_unlock(&t->process->signals.lock);
	return signo;
}

bool signal_is_ignored_or_blocked(int signo)
{
	struct thread *t = current_thread();

	return t->sig.blocked & sig_bit(signo) ||
	       t->process->signals.action[signo - 1].handler == SIGNAL_IGNORE;
}

/* Of what came to the process, t will not take these: others may. */
static void leave_to_others(struct thread *t, uint64_t set)
{
	set &= t->process->signals.shared.set;
	while (set) {
		int signo = lowest(set);
		struct thread *other = choose_thread(t->process, signo);

		set &= ~sig_bit(signo);
		if (other && other != t)
			task_post_work(other->task, TASK_WORK_SIGNAL);
	}
}

/* The calling thread's mask changed: look again at what is pending. */
void signal_set_blocked(struct thread *t, uint64_t mask)
{
	struct signal_state *s = &t->process->signals;

	mask &= ~(sig_bit(SIGKILL) | sig_bit(SIGSTOP));
	mutex_lock(&s->lock);
	t->sig.blocked = mask;
	if (deliverable(t))
		task_post_work(t->task, TASK_WORK_SIGNAL);
	leave_to_others(t, mask);
	mutex_unlock(&s->lock);
}

void signal_set_temp_mask(uint64_t mask)
{
	struct thread *t = current_thread();

	t->sig.saved_mask = t->sig.blocked;
	t->sig.restore_saved = true;
	/* the slow exit puts the saved mask back */
	task_post_work(t->task, TASK_WORK_SLOW);
	signal_set_blocked(t, mask);
}

void signal_reset_handlers(struct process *p)
{
	mutex_lock(&p->signals.lock);
	for (int i = 0; i < 64; i++) {
		struct ksigaction *a = &p->signals.action[i];

		if (a->handler != SIGNAL_IGNORE)
			a->handler = SIGNAL_DEFAULT;
		a->flags = a->restorer = a->mask = 0;
	}
	mutex_unlock(&p->signals.lock);
}

void signal_reset_on_exec(struct process *p)
{
	struct thread *t = current_thread();

	signal_reset_handlers(p);
	mutex_lock(&p->signals.lock);
	t->sig.alt_sp = t->sig.alt_size = 0;
	t->sig.alt_flags = 2 /* SS_DISABLE */;
	mutex_unlock(&p->signals.lock);
}

/* The action became "ignore": what is pending of it goes. */
void signal_discard_locked(struct process *p, int signo)
{
	flush_everywhere(p, sig_bit(signo));
}

void signal_thread_gone_locked(struct thread *t)
{
	signal_flush_all(t->process, &t->sig.pending);
	leave_to_others(t, ~t->sig.blocked);
}
