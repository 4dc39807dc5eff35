/* SPDX-License-Identifier: MIT */
/*
 * Resource limits and usage: getrlimit, setrlimit, prlimit64, getrusage,
 * times. Limits belong to the process and are changed under process_lock.
 */
#include <linux/capability.h>
#include <linux/resource.h>
#include <asm/param.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/timer.h"
#include "lib/string.h"
#include "linux/clocks.h"
#include "linux/mm.h"
#include "linux/pid_ns.h"
#include "linux/process.h"

#define NOFILE_MAX (1u << 20)
#define NSEC_PER_TICK (NSEC_PER_SEC / 100)	/* USER_HZ */

static int limit_check(uint32_t res, const struct klimit *old,
		       const struct klimit *n)
{
	if (n->cur > n->max)
		return -EINVAL;
	if (res == RLIMIT_NOFILE && n->max > NOFILE_MAX)
		return -EPERM;
	if (n->max > old->max &&
	    !cred_has_cap(current_thread()->cred, CAP_SYS_RESOURCE))
		return -EPERM;
	return 0;
}

/* May the caller look at and change the limits of p? */
static bool limit_allowed_locked(struct process *p)
{
	const struct cred *me = current_thread()->cred, *c;
	struct thread *t;

	if (p == current_process() || cred_has_cap(me, CAP_SYS_RESOURCE))
		return true;
	if (list_is_empty(&p->threads))
		return false;
	t = list_first(&p->threads, struct thread, link);
	c = t->cred;
	if (cred_has_cap_in(me, c->user_ns, CAP_SYS_RESOURCE))
		return true;
	return me->uid == c->euid && me->uid == c->suid && me->uid == c->uid &&
	       me->gid == c->egid && me->gid == c->sgid && me->gid == c->gid;
}

static struct process *process_by_tid_locked(int32_t pid)
{
	struct process *p;
	struct thread *t;

	if (!pid)
		return current_process();
	p = process_find_user((uint32_t)pid);
	t = p ? NULL : thread_find_user((uint32_t)pid);
	return t ? t->process : p;
}

/* n NULL: only read. */
static long limit_exchange(int32_t pid, uint32_t res, const struct klimit *n,
			   struct klimit *old)
{
	struct process *p;
	int err = 0;

	if (res >= NR_RLIMITS)
		return -EINVAL;
	mutex_lock(&process_lock);
	p = process_by_tid_locked(pid);
	if (!p) {
		err = -ESRCH;
	} else if (!limit_allowed_locked(p)) {
		err = -EPERM;
	} else {
		*old = p->limits[res];
		if (n)
			err = limit_check(res, old, n);
		if (n && !err)
			p->limits[res] = *n;
	}
	mutex_unlock(&process_lock);
	if (n && !err && res == RLIMIT_CPU && p == current_process())
		itimers_limit_changed();
	if (n && !err && res == RLIMIT_STACK && p == current_process())
		mm_stack_limited(p->mm, n->cur, current_thread()->regs->rsp);
	return err;
}

long sys_prlimit64(uint64_t pid, uint64_t res, uint64_t new_user,
		   uint64_t old_user)
{
	struct klimit n, old;
	long ret;

	if (new_user && copy_from_user(&n, (void *)new_user, sizeof(n)))
		return -EFAULT;
	ret = limit_exchange((int32_t)pid, (uint32_t)res, new_user ? &n : NULL,
			     &old);
	if (!ret && old_user)
		ret = copy_to_user((void *)old_user, &old, sizeof(old));
	return ret;
}

long sys_getrlimit(uint64_t res, uint64_t user)
{
	struct klimit old;
	long ret = limit_exchange(0, (uint32_t)res, NULL, &old);

	return ret ? ret : copy_to_user((void *)user, &old, sizeof(old));
}

long sys_setrlimit(uint64_t res, uint64_t user)
{
	struct klimit n, old;

	if (copy_from_user(&n, (void *)user, sizeof(n)))
		return -EFAULT;
	return limit_exchange(0, (uint32_t)res, &n, &old);
}

/* --- usage ----------------------------------------------------------------*/
struct usage {
	struct timeval_pair {
		int64_t sec, usec;
	} user, sys;
	int64_t max_rss, counters[13];
};
_Static_assert(sizeof(struct usage) == 144, "struct rusage layout");

/* Of the live threads of p, where the platform tells. */
static uint64_t threads_cpu_ns(struct process *p)
{
	uint64_t sum = 0, ns;

	list_for_each(l, &p->threads) {
		struct thread *t = list_entry(l, struct thread, link);

		if (!t->charged && !plat_clock_other_cpu_ns(t->task, &ns))
			sum += ns;
	}
	return sum;
}

/*
 * The platform tells processor time in one sum: all of it counts as user time.
 * Of other processes it may know only what their ended threads used.
 */
uint64_t process_cpu_ns(struct process *p, bool user)
{
	struct thread *t = current_thread();

	if (t && t->process == p)
		return user ? plat_clock_process_cpu_ns() : 0;
	return user ? p->cpu_user_ns + threads_cpu_ns(p) : p->cpu_sys_ns;
}

static struct timeval_pair timeval(uint64_t ns)
{
	return (struct timeval_pair){ (int64_t)(ns / NSEC_PER_SEC),
				      (int64_t)(ns % NSEC_PER_SEC / 1000) };
}

long sys_getrusage(uint64_t who, uint64_t user)
{
	struct process *p = current_process();
	uint64_t user_ns, sys_ns = 0;
	struct usage u;

	switch ((int)who) {
	case RUSAGE_SELF:
		user_ns = process_cpu_ns(p, true);
		sys_ns = process_cpu_ns(p, false);
		break;
	case RUSAGE_CHILDREN:
		user_ns = p->children_user_ns;
		sys_ns = p->children_sys_ns;
		break;
	case 1:	/* RUSAGE_THREAD */
		user_ns = plat_clock_task_cpu_ns();
		break;
	default:
		return -EINVAL;
	}
	memset(&u, 0, sizeof(u));
	u.user = timeval(user_ns);
	u.sys = timeval(sys_ns);
	if ((int)who != RUSAGE_CHILDREN && p->mm)
		u.max_rss = (int64_t)(MAX(p->mm->high_water_bytes,
					  p->mm->total_bytes) / 1024);
	return copy_to_user((void *)user, &u, sizeof(u));
}

long sys_times(uint64_t user)
{
	struct process *p = current_process();
	uint64_t t[4];

	if (user) {
		t[0] = process_cpu_ns(p, true) / NSEC_PER_TICK;
		t[1] = process_cpu_ns(p, false) / NSEC_PER_TICK;
		t[2] = p->children_user_ns / NSEC_PER_TICK;
		t[3] = p->children_sys_ns / NSEC_PER_TICK;
		if (copy_to_user((void *)user, t, sizeof(t)))
			return -EFAULT;
	}
	return (long)(clock_mono_ns() / NSEC_PER_TICK);
}
