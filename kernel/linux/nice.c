/* SPDX-License-Identifier: MIT */
/*
 * Niceness and I/O priority, of one process, a group or a user's. The I/O
 * priority is only kept.
 */
#include <linux/capability.h>
#include <linux/resource.h>
#include <gen/syscalls.h>
#include "linux/pid_ns.h"
#include "linux/process_priv.h"

#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_CLASS_MAX 3
#define IOPRIO_WHO_PROCESS_NR 1
#define IOPRIO_WHO_USER_NR 3
#define PRIO_PROCESS_NR 0
#define PRIO_USER_NR 2

struct who {
	uint32_t which, id;	/* PRIO_PROCESS, PRIO_PGRP, PRIO_USER */
	bool set, is_io;
	int32_t value;
	int32_t best;		/* highest priority found */
	long ret;		/* -ESRCH until one is found */
};

static bool who_matches_locked(const struct who *w, const struct process *p,
			       const struct thread *t)
{
	switch (w->which) {
	case PRIO_PROCESS_NR:
		return p->pid == w->id;
	case PRIO_USER_NR:
		return t && t->cred->uid == w->id &&
		       pid_seen_locked(own_pid_ns(), p->pid);
	default:
		return p->pgid == w->id;
	}
}

static long nice_set_locked(struct process *p, const struct thread *t,
			    int32_t nice)
{
	const struct cred *me = current_thread()->cred;
	uint64_t limit = p->limits[RLIMIT_NICE].cur;

	if (me->euid != t->cred->euid && me->euid != t->cred->uid &&
	    !cred_has_cap_in(me, t->cred->user_ns, CAP_SYS_NICE))
		return -EPERM;
	if (nice < p->nice && (uint64_t)(20 - nice) > limit &&
	    !cred_has_cap(me, CAP_SYS_NICE))
		return -EACCES;
	p->nice = nice;
	list_for_each(l, &p->threads)
		(void)!sched_apply(list_entry(l, struct thread, link));
	return 0;
}

static bool who_apply(struct process *p, void *arg)
{
	struct who *w = arg;
	struct thread *t = NULL;
	long ret = 0;

	if (!list_is_empty(&p->threads))
		t = list_first(&p->threads, struct thread, link);
	if (!who_matches_locked(w, p, t))
		return true;
	if (!t) {	/* the first process or a zombie: nothing changes */
		if (w->ret == -ESRCH)
			w->ret = w->set && p->state != PROC_ZOMBIE ? -EPERM : 0;
		w->best = MAX(w->best, w->is_io ? 0 : 20 - p->nice);
		return true;
	}
	if (w->is_io && w->set)
		t->ioprio = w->value;
	else if (w->is_io)
		w->best = MAX(w->best, t->ioprio);
	else if (w->set)
		ret = nice_set_locked(p, t, w->value);
	else
		w->best = MAX(w->best, 20 - p->nice);
	if (w->ret == -ESRCH || ret)
		w->ret = ret;
	return true;
}

static void who_run(struct who *w)
{
	struct process *p = current_process();

	w->ret = -ESRCH;
	mutex_lock(&process_lock);
	if (w->id && w->which == PRIO_USER_NR)
		w->id = id_from_user(current_thread()->cred->user_ns, ID_USER,
				     w->id);
	else if (w->id && !(w->id = pid_from_user_locked(w->id)))
		w->id = NO_ID;
	if (!w->id)
		w->id = w->which == PRIO_PROCESS_NR ? p->pid :
			w->which == PRIO_USER_NR ? current_thread()->cred->uid :
						   p->pgid;
	if (w->which == PRIO_PROCESS_NR) {
		struct thread *t = thread_find(w->id);

		if (t)
			w->id = t->process->pid;
	}
	process_for_each(who_apply, w);
	mutex_unlock(&process_lock);
}

long sys_getpriority(uint64_t which, uint64_t id)
{
	struct who w = { .which = (uint32_t)which, .id = (uint32_t)id };

	if (w.which > PRIO_USER_NR)
		return -EINVAL;
	who_run(&w);
	return w.ret ? w.ret : w.best;
}

long sys_setpriority(uint64_t which, uint64_t id, uint64_t nice)
{
	struct who w = { .which = (uint32_t)which, .id = (uint32_t)id,
			 .set = true };

	if (w.which > PRIO_USER_NR)
		return -EINVAL;
	w.value = MIN(MAX((int32_t)nice, -20), 19);
	who_run(&w);
	return w.ret;
}

long sys_ioprio_set(uint64_t which, uint64_t id, uint64_t prio)
{
	struct who w = { .which = (uint32_t)which - IOPRIO_WHO_PROCESS_NR,
			 .id = (uint32_t)id, .set = true, .is_io = true,
			 .value = (uint16_t)prio };
	uint32_t class = (uint32_t)prio >> IOPRIO_CLASS_SHIFT & 7;

	if ((uint32_t)which < IOPRIO_WHO_PROCESS_NR ||
	    (uint32_t)which > IOPRIO_WHO_USER_NR || class > IOPRIO_CLASS_MAX ||
	    (!class && prio & 7))
		return -EINVAL;
	if (class == 1 && !cred_has_cap(current_thread()->cred, CAP_SYS_NICE))
		return -EPERM;
	who_run(&w);
	return w.ret;
}

long sys_ioprio_get(uint64_t which, uint64_t id)
{
	struct who w = { .which = (uint32_t)which - IOPRIO_WHO_PROCESS_NR,
			 .id = (uint32_t)id, .is_io = true };

	if ((uint32_t)which < IOPRIO_WHO_PROCESS_NR ||
	    (uint32_t)which > IOPRIO_WHO_USER_NR)
		return -EINVAL;
	who_run(&w);
	return w.ret ? w.ret : w.best;
}
