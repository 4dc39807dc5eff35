/* SPDX-License-Identifier: MIT */
/*
 * wait4 and waitid: the caller enqueues on its own child_wait first, then
 * looks at its children under process_lock, then sleeps.
 */
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "lib/string.h"
#include "linux/pid_ns.h"
#include "linux/process_priv.h"
#include "linux/ptrace.h"
#include "linux/signal_priv.h"
#include "linux/exit_hooks.h"
#include <asm/siginfo.h>
#include <linux/resource.h>
#include <linux/wait.h>

struct wait_query {
	enum wait_which { WAIT_ANY, WAIT_PID, WAIT_PGRP, WAIT_PIDFD } which;
	uint32_t id;
	uint32_t options;	/* WEXITED | WSTOPPED | WCONTINUED | ... */
	struct process *pidfd_process;
	bool nonblock;		/* the pidfd is: nothing yet is -EAGAIN */
};

struct wait_result {
	uint32_t pid, uid, status;
	int code;		/* CLD_* */
	uint64_t user_ns, sys_ns;
};

static bool matches(const struct wait_query *q, const struct process *c)
{
	bool clone_child = c->exit_signal != SIGCHLD;

	switch (q->which) {
	case WAIT_PID:
		if (c->pid != q->id)
			return false;
		break;
	case WAIT_PGRP:
		if (c->pgid != q->id)
			return false;
		break;
	case WAIT_PIDFD:
		if (c != q->pidfd_process)
			return false;
		break;
	default:
		break;
	}
	if (q->options & __WALL)
		return true;
	return clone_child == !!(q->options & __WCLONE);
}

static void take_zombie(struct process *c, const struct wait_query *q,
			struct wait_result *r)
{
	struct process *self = current_process();

	r->status = c->wait_status;
	r->code = wait_code(r->status);
	r->user_ns = c->cpu_user_ns + c->children_user_ns;
	r->sys_ns = c->cpu_sys_ns + c->children_sys_ns;
	if (q->options & WNOWAIT)
		return;
	self->children_user_ns += r->user_ns;
	self->children_sys_ns += r->sys_ns;
	process_unlink_locked(c);
}

/* Anything to report of c? */
static bool take_event(struct process *c, const struct wait_query *q,
		       struct wait_result *r)
{
	r->pid = pid_seen_locked(own_pid_ns(), c->pid);
	r->uid = c->exit_uid;
	if (c->state == PROC_ZOMBIE) {
		if (!(q->options & WEXITED))
			return false;
		take_zombie(c, q, r);
		return true;
	}
	if (!c->stop_status)
		return false;
	if (c->stop_status == 0xffff ? !(q->options & WCONTINUED) :
				       !(q->options & WSTOPPED))
		return false;
	r->status = c->stop_status;
	r->code = c->stop_status == 0xffff ? CLD_CONTINUED : CLD_STOPPED;
	if (!(q->options & WNOWAIT))
		c->stop_status = 0;
	return true;
}

/* Anything of a tracee of ours, which may be our child too? */
static bool take_trace(struct tracee *tr, const struct wait_query *q,
		       struct wait_result *r)
{
	struct process *p = tr->process;
	bool is_child = p->leader_trace == tr &&
			ptrace_is_by_parent_locked(p);

	r->pid = pid_seen_locked(own_pid_ns(), tr->tid);
	r->uid = p->exit_uid;
	if (is_child && (p->state == PROC_ZOMBIE ||
			 (p->stop_status == 0xffff && !tr->report))) {
		if (p->state == PROC_ZOMBIE && q->options & WEXITED &&
		    !(q->options & WNOWAIT))
			ptrace_detach_locked(tr);
		return take_event(p, q, r);
	}
	if (tr->zombie) {
		if (!(q->options & WEXITED))
			return false;
		r->status = tr->status;
		r->code = wait_code(r->status);
		if (!(q->options & WNOWAIT))
			ptrace_reap_locked(tr);
		return true;
	}
	if (!tr->report)
		return false;
	r->status = tr->report << 8 | 0x7f;
	r->code = CLD_TRAPPED;
	if (!(q->options & WNOWAIT))
		tr->report = 0;
	return true;
}

static bool is_asked_for(const struct tracee *tr, const struct wait_query *q)
{
	const struct process *p = tr->process;

	switch (q->which) {
	case WAIT_PID:
		return tr->tid == q->id;
	case WAIT_PGRP:
		return p->pgid == q->id;
	case WAIT_PIDFD:
		return p == q->pidfd_process && p->leader_trace == tr;
	default:
		return true;
	}
}

/* As look(), of those whom t traces. */
static int look_at_tracees_locked(struct thread *t, const struct wait_query *q,
				  struct wait_result *r)
{
	int found = -ECHILD;

	list_for_each_safe(l, &t->tracees) {
		struct tracee *tr = list_entry(l, struct tracee, link);

		if (!is_asked_for(tr, q))
			continue;
		if (take_trace(tr, q, r))
			return 1;
		found = 0;
	}
	return found;
}

static int look_at_all_tracees_locked(const struct wait_query *q,
				      struct wait_result *r)
{
	struct thread *self = current_thread();
	int found = -ECHILD;

	list_for_each(l, &self->process->threads) {
		struct thread *t = list_entry(l, struct thread, link);
		int of;

		if (q->options & __WNOTHREAD && t != self)
			continue;
		of = look_at_tracees_locked(t, q, r);
		if (of > 0)
			return of;
		found = MAX(found, of);
	}
	return found;
}

/* 1 found, 0 nothing yet, -ECHILD */
static int look(const struct wait_query *q, struct wait_result *r)
{
	struct process *self = current_process();
	int found;

	mutex_lock(&process_lock);
	found = look_at_all_tracees_locked(q, r);
	list_for_each_safe(l, &self->children) {
		struct process *c = list_entry(l, struct process, sibling);

		if (found > 0)
			break;
		if (!matches(q, c) || ptrace_is_by_parent_locked(c))
			continue;
		found = 0;
		/* its end is its tracer's first */
		if (c->state == PROC_ZOMBIE && c->leader_trace)
			continue;
		found = take_event(c, q, r);
	}
	mutex_unlock(&process_lock);
	return found;
}

static long do_wait(const struct wait_query *q, struct wait_result *r)
{
	struct process *self = current_process();
	struct waiter w;
	long found;

	found = look(q, r);
	if (!found && q->nonblock && !(q->options & WNOHANG))
		return -EAGAIN;
	if (found || q->options & WNOHANG)
		return found;
	wait_begin(&w, &self->child_wait);
	while (!(found = look(q, r))) {
		if (wait_sleep(&w, DEADLINE_NEVER, true) == -EINTR) {
			/* the signal may well be the child's */
			found = look(q, r);
			if (!found)
				found = -ERESTARTSYS;
			break;
		}
	}
	wait_end(&w);
	return found;
}

static int store_usage(uint64_t user, const struct wait_result *r)
{
	struct rusage u;

	if (!user)
		return 0;
	memset(&u, 0, sizeof(u));
	u.ru_utime.tv_sec = (long)(r->user_ns / NSEC_PER_SEC);
	u.ru_utime.tv_usec = (long)(r->user_ns % NSEC_PER_SEC / 1000);
	u.ru_stime.tv_sec = (long)(r->sys_ns / NSEC_PER_SEC);
	u.ru_stime.tv_usec = (long)(r->sys_ns % NSEC_PER_SEC / 1000);
	return copy_to_user((void *)user, &u, sizeof(u));
}

long sys_wait4(uint64_t pid_arg, uint64_t status, uint64_t options,
	       uint64_t usage)
{
	struct wait_query q = { .options = (uint32_t)options | WEXITED };
	struct wait_result r = { 0 };
	int pid = (int)pid_arg;
	long found;

	if ((uint32_t)options & ~(uint32_t)(WNOHANG | WUNTRACED | WCONTINUED |
					    __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == (int)0x80000000)
		return -ESRCH;
	q.which = pid > 0 ? WAIT_PID : pid == -1 ? WAIT_ANY : WAIT_PGRP;
	q.id = pid ? pid_from_user((uint32_t)(pid > 0 ? pid : -pid)) :
	       current_process()->pgid;
	found = do_wait(&q, &r);
	if (found <= 0)
		return found;
	if (status && user_store32((void *)status, r.status))
		return -EFAULT;
	if (store_usage(usage, &r))
		return -EFAULT;
	return r.pid;
}

static int make_query(struct wait_query *q, uint32_t type, int id)
{
	switch (type) {
	case P_ALL:
		q->which = WAIT_ANY;
		return 0;
	case P_PID:
		q->which = WAIT_PID;
		break;
	case P_PGID:
		q->which = WAIT_PGRP;
		if (!id) {
			q->id = current_process()->pgid;
			return 0;
		}
		break;
	case P_PIDFD:
		q->which = WAIT_PIDFD;
		q->pidfd_process = pidfd_process_get(id, &q->nonblock);
		return q->pidfd_process ? 0 : -EBADF;
	default:
		return -EINVAL;
	}
	if (id <= 0)
		return -EINVAL;
	q->id = pid_from_user((uint32_t)id);
	return 0;
}

long sys_waitid(uint64_t type, uint64_t id, uint64_t info_p, uint64_t options,
		uint64_t usage)
{
	struct wait_query q = { .options = (uint32_t)options };
	struct wait_result r = { 0 };
	struct ksiginfo i = { 0 };
	long found;
	int err;

	if (q.options & ~(uint32_t)(WNOHANG | WNOWAIT | WEXITED | WSTOPPED |
				    WCONTINUED | __WNOTHREAD | __WCLONE |
				    __WALL) ||
	    !(q.options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	err = make_query(&q, (uint32_t)type, (int)id);
	if (err)
		return err;
	found = do_wait(&q, &r);
	if (q.pidfd_process)
		process_put(q.pidfd_process);
	if (found < 0)
		return found;
	if (found) {
		i.signo = SIGCHLD;
		i.code = r.code;
		i.child.pid = (int32_t)r.pid;
		i.child.uid = id_show(current_thread()->cred->user_ns,
				      ID_USER, r.uid);
		i.child.status = r.code == CLD_EXITED ?
			(int32_t)(r.status >> 8 & 0xff) :
			r.code == CLD_STOPPED || r.code == CLD_TRAPPED ?
			(int32_t)(r.status >> 8) :
			r.code == CLD_CONTINUED ? SIGCONT :
			(int32_t)(r.status & 0x7f);
		if (store_usage(usage, &r))
			return -EFAULT;
	}
	if (info_p && copy_to_user((void *)info_p, &i, 40))
		return -EFAULT;
	return 0;
}
