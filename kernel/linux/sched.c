/* SPDX-License-Identifier: MIT */
/*
 * Scheduling calls. What a program asks for is kept, reported, and handed to
 * the platform, which may refuse a class (plat_task_schedule). Niceness is in
 * nice.c.
 */
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/sched.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/pid_ns.h"
#include "linux/process_priv.h"

#define RR_INTERVAL_NS 100000000ll
#define FAIR_INTERVAL_NS 4000000ll
#define DEADLINE_RUNTIME_MIN_NS 1024u	/* as in Linux */
#define PRIO_RT_MAX 99

long sys_sched_yield(void)
{
	plat_yield();
	return 0;
}

/* The thread `pid` (0 = the caller). Caller holds process_lock. */
static struct thread *thread_by_pid_locked(int32_t pid)
{
	return pid ? thread_find_user((uint32_t)pid) : current_thread();
}

static bool may_change_locked(const struct thread *t)
{
	const struct cred *me = current_thread()->cred;

	return me->euid == t->cred->euid || me->euid == t->cred->uid ||
	       cred_has_cap_in(me, t->cred->user_ns, CAP_SYS_NICE);
}

/* The first process has no threads to change, only defaults to tell. */
static long ask_threadless_locked(int32_t pid, bool change,
				  long (*fn)(struct thread *t, void *arg),
				  void *arg)
{
	struct thread defaults = {
		.process = process_find_user((uint32_t)pid)
	};

	if (!defaults.process)
		return -ESRCH;
	return change ? -EPERM : fn(&defaults, arg);
}

/* Run fn on a thread under process_lock. -ESRCH: there is none. */
static long with_thread(int32_t pid, bool change,
			long (*fn)(struct thread *t, void *arg), void *arg)
{
	struct thread *t;
	long ret;

	mutex_lock(&process_lock);
	t = thread_by_pid_locked(pid);
	if (!t)
		ret = ask_threadless_locked(pid, change, fn, arg);
	else if (change && !may_change_locked(t))
		ret = -EPERM;
	else
		ret = fn(t, arg);
	mutex_unlock(&process_lock);
	return ret;
}

/* --- what the platform is asked for ----------------------------------------*/
static uint32_t policy_of(uint32_t kept)
{
	return kept & ~(uint32_t)SCHED_RESET_ON_FORK;
}

static bool is_rt(uint32_t policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static struct sched_request request_of(const struct thread *t)
{
	struct sched_request r = {
		.priority = t->sched_priority, .nice = t->process->nice,
		.runtime_ns = t->sched_runtime_ns,
		.deadline_ns = t->sched_deadline_ns,
		.period_ns = t->sched_period_ns, .cpus = t->cpu_mask,
	};

	switch (policy_of(t->sched_policy)) {
	case SCHED_FIFO:
		r.policy = SCHED_POLICY_FIFO;
		break;
	case SCHED_RR:
		r.policy = SCHED_POLICY_RR;
		break;
	case SCHED_DEADLINE:
		r.policy = SCHED_POLICY_DEADLINE;
		break;
	case SCHED_IDLE:
		r.policy = SCHED_POLICY_IDLE;
		break;
	default:
		r.policy = SCHED_POLICY_FAIR;
	}
	return r;
}

int sched_apply(struct thread *t)
{
	struct sched_request r = request_of(t);
	int err = plat_task_schedule(t->task, &r);

	if (!err)
		pi_changed(t->task);
	return err;
}

int sched_inherit(struct thread *child, const struct thread *parent)
{
	struct sched_request r;

	child->cpu_mask = parent->cpu_mask;
	child->sched_policy = parent->sched_policy;
	child->sched_priority = parent->sched_priority;
	child->ioprio = parent->ioprio;
	child->mem_policy = parent->mem_policy;
	if (parent->sched_policy & SCHED_RESET_ON_FORK) {
		uint32_t policy = policy_of(parent->sched_policy);

		child->sched_policy = is_rt(policy) || policy == SCHED_DEADLINE ?
				      SCHED_NORMAL : policy;
		child->sched_priority = 0;
	} else if (policy_of(parent->sched_policy) == SCHED_DEADLINE) {
		return -EAGAIN;	/* a budget is not handed on */
	}
	r = request_of(child);
	if (r.policy == SCHED_POLICY_FAIR && !r.nice && !r.cpus)
		return 0;
	return plat_task_schedule(child->task, &r);
}

/* --- affinity -------------------------------------------------------------*/
static uint32_t nr_cpus(void)
{
	return boot->nr_cpus ? boot->nr_cpus : 1;
}

static uint64_t all_cpus(void)
{
	return nr_cpus() >= 64 ? ~0ull : (1ull << nr_cpus()) - 1;
}

static long affinity_set(struct thread *t, void *arg)
{
	uint64_t mask = *(uint64_t *)arg & all_cpus();

	if (!mask)
		return -EINVAL;
	if (mask == all_cpus())
		mask = 0;
	if (mask && policy_of(t->sched_policy) == SCHED_DEADLINE)
		return -EBUSY;
	t->cpu_mask = mask;
	return sched_apply(t);
}

static long affinity_get(struct thread *t, void *arg)
{
	*(uint64_t *)arg = t->cpu_mask ? t->cpu_mask : all_cpus();
	return 0;
}

long sys_sched_setaffinity(uint64_t pid, uint64_t len, uint64_t user)
{
	uint64_t mask = 0;

	if (copy_from_user(&mask, (void *)user,
			   MIN((uint32_t)len, sizeof(mask))))
		return -EFAULT;
	return with_thread((int32_t)pid, true, affinity_set, &mask);
}

long sys_sched_getaffinity(uint64_t pid, uint64_t len, uint64_t user)
{
	uint32_t bytes = ALIGN_UP(nr_cpus(), 64u) / 8, n = (uint32_t)len;
	uint64_t mask;
	long ret;

	if (n * 8ull < nr_cpus() || n & 7)
		return -EINVAL;
	ret = with_thread((int32_t)pid, false, affinity_get, &mask);
	if (ret)
		return ret;
	n = MIN(n, bytes);
	for (uint32_t at = 0; at < n; at += 8) {
		uint32_t first = at * 8;
		uint64_t word = at ? ~0ull : mask;

		if (at && first + 64 > nr_cpus())
			word = (1ull << (nr_cpus() - first)) - 1;
		if (copy_to_user((char *)user + at, &word, 8))
			return -EFAULT;
	}
	return n;
}

long sys_getcpu(uint64_t cpu, uint64_t node, uint64_t cache)
{
	uint32_t n = plat_cpu_current(), zero = 0;

	if (cpu && copy_to_user((void *)cpu, &n, sizeof(n)))
		return -EFAULT;
	if (node && copy_to_user((void *)node, &zero, sizeof(zero)))
		return -EFAULT;
	return 0;
}

/* --- policy ---------------------------------------------------------------*/
struct policy {
	uint32_t policy;	/* with SCHED_RESET_ON_FORK */
	int32_t priority;
	bool keep;		/* sched_setparam: policy stays */
	uint64_t runtime_ns, deadline_ns, period_ns;
};

static int check_deadline(const struct thread *t, struct policy *p)
{
	if (!p->period_ns)
		p->period_ns = p->deadline_ns;
	if (p->priority || p->runtime_ns < DEADLINE_RUNTIME_MIN_NS ||
	    p->runtime_ns > p->deadline_ns || p->deadline_ns > p->period_ns ||
	    (int64_t)p->period_ns < 0)
		return -EINVAL;
	return t->cpu_mask ? -EPERM : 0;
}

/* sched(7), "Privileges and resource limits". */
static bool may_have(const struct thread *t, const struct policy *p)
{
	uint64_t limit = t->process->limits[RLIMIT_RTPRIO].cur;

	if (cred_has_cap(current_thread()->cred, CAP_SYS_NICE))
		return true;
	if ((t->sched_policy & SCHED_RESET_ON_FORK) &&
	    !(p->policy & SCHED_RESET_ON_FORK))
		return false;
	if (policy_of(p->policy) == SCHED_DEADLINE)
		return false;
	return !is_rt(policy_of(p->policy)) ||
	       (uint64_t)p->priority <= limit ||
	       (policy_of(p->policy) == policy_of(t->sched_policy) &&
		(uint32_t)p->priority <= t->sched_priority);
}

/* What can be said without the thread; it comes before the rights. */
static int check_priority(const struct policy *p)
{
	switch (policy_of(p->policy)) {
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return p->priority ? -EINVAL : 0;
	case SCHED_FIFO:
	case SCHED_RR:
		return p->priority < 1 || p->priority > PRIO_RT_MAX ? -EINVAL :
								      0;
	case SCHED_DEADLINE:
		return 0;
	default:
		return -EINVAL;
	}
}

static long policy_set(struct thread *t, void *arg)
{
	struct policy *p = arg;
	struct thread old = *t;
	int err;

	if (p->keep)
		p->policy = t->sched_policy;
	err = policy_of(p->policy) == SCHED_DEADLINE ? check_deadline(t, p) :
						       check_priority(p);
	if (err)
		return err;
	if (!may_have(t, p))
		return -EPERM;
	t->sched_policy = p->policy;
	t->sched_priority = (uint32_t)p->priority;
	t->sched_runtime_ns = p->runtime_ns;
	t->sched_deadline_ns = p->deadline_ns;
	t->sched_period_ns = p->period_ns;
	err = sched_apply(t);
	if (err) {
		t->sched_policy = old.sched_policy;
		t->sched_priority = old.sched_priority;
		t->sched_runtime_ns = old.sched_runtime_ns;
		t->sched_deadline_ns = old.sched_deadline_ns;
		t->sched_period_ns = old.sched_period_ns;
	}
	return err;
}

static long policy_get(struct thread *t, void *arg)
{
	return (long)t->sched_policy;
}

static long priority_get(struct thread *t, void *arg)
{
	*(int32_t *)arg = (int32_t)t->sched_priority;
	return 0;
}

long sys_sched_setscheduler(uint64_t pid, uint64_t policy, uint64_t param)
{
	struct policy p = { .policy = (uint32_t)policy };

	if ((int)policy < 0 || !param || (int)pid < 0)
		return -EINVAL;
	if (copy_from_user(&p.priority, (void *)param, sizeof(p.priority)))
		return -EFAULT;
	if (check_priority(&p) && with_thread((int32_t)pid, false, policy_get,
					      NULL) != -ESRCH)
		return -EINVAL;
	return with_thread((int32_t)pid, true, policy_set, &p);
}

long sys_sched_getscheduler(uint64_t pid)
{
	if ((int)pid < 0)
		return -EINVAL;
	return with_thread((int32_t)pid, false, policy_get, NULL);
}

long sys_sched_setparam(uint64_t pid, uint64_t param)
{
	struct policy p = { .keep = true };

	if (!param || (int)pid < 0)
		return -EINVAL;
	if (copy_from_user(&p.priority, (void *)param, sizeof(p.priority)))
		return -EFAULT;
	return with_thread((int32_t)pid, true, policy_set, &p);
}

long sys_sched_getparam(uint64_t pid, uint64_t param)
{
	int32_t priority = 0;
	long ret;

	if (!param || (int)pid < 0)
		return -EINVAL;
	ret = with_thread((int32_t)pid, false, priority_get, &priority);
	if (ret < 0)
		return ret;
	return copy_to_user((void *)param, &priority, sizeof(priority));
}

static long attr_get(struct thread *t, void *arg)
{
	struct sched_attr *a = arg;

	a->sched_policy = policy_of(t->sched_policy);
	if (is_rt(a->sched_policy))
		a->sched_priority = t->sched_priority;
	else
		a->sched_nice = t->process->nice;
	a->sched_runtime = t->sched_runtime_ns;
	a->sched_deadline = t->sched_deadline_ns;
	a->sched_period = t->sched_period_ns;
	if (t->sched_policy & SCHED_RESET_ON_FORK)
		a->sched_flags = SCHED_FLAG_RESET_ON_FORK;
	return 0;
}

long sys_sched_getattr(uint64_t pid, uint64_t user, uint64_t size,
		       uint64_t flags)
{
	struct sched_attr a;
	uint32_t n = MIN((uint32_t)size, sizeof(a));
	long ret;

	if (!user || (int)pid < 0 || flags || (uint32_t)size < SCHED_ATTR_SIZE_VER0 ||
	    (uint32_t)size > PAGE_SIZE)
		return -EINVAL;
	memset(&a, 0, sizeof(a));
	a.size = n;
	ret = with_thread((int32_t)pid, false, attr_get, &a);
	return ret ? ret : copy_to_user((void *)user, &a, n);
}

static long attr_set(struct thread *t, void *arg)
{
	struct sched_attr *a = arg;
	struct policy p = { .policy = a->sched_policy,
			    .priority = (int32_t)a->sched_priority };
	int32_t nice = t->process->nice;
	long ret;

	if (a->sched_policy == SCHED_DEADLINE) {
		p.runtime_ns = a->sched_runtime;
		p.deadline_ns = a->sched_deadline;
		p.period_ns = a->sched_period;
	} else if (a->sched_policy == SCHED_NORMAL ||
		   a->sched_policy == SCHED_BATCH) {
		t->process->nice = MIN(MAX(a->sched_nice, -20), 19);
	}

	if (a->sched_flags & SCHED_FLAG_RESET_ON_FORK)
		p.policy |= SCHED_RESET_ON_FORK;
	ret = policy_set(t, &p);
	if (ret)
		t->process->nice = nice;
	return ret;
}

long sys_sched_setattr(uint64_t pid, uint64_t user, uint64_t flags)
{
	struct sched_attr a;
	uint32_t size;
	int err;

	if (!user || (int)pid < 0 || flags)
		return -EINVAL;
	if (copy_from_user(&size, (void *)user, sizeof(size)))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	memset(&a, 0, sizeof(a));
	err = size < SCHED_ATTR_SIZE_VER0 ? -E2BIG :
	      copy_struct_from_user(&a, sizeof(a), (void *)user, size);
	/* the caller may want to know what is known */
	if (err == -E2BIG && user_store32((uint32_t *)user, sizeof(a)))
		return -EFAULT;
	if (err)
		return err;
	if (a.sched_flags & ~(uint64_t)SCHED_FLAG_ALL)
		return -EINVAL;
	if (a.sched_nice < current_process()->nice &&
	    !cred_has_cap(current_thread()->cred, CAP_SYS_NICE))
		return -EPERM;
	return with_thread((int32_t)pid, true, attr_set, &a);
}

static bool is_fair(uint64_t policy)
{
	return (int)policy == SCHED_NORMAL || (int)policy == SCHED_BATCH ||
	       (int)policy == SCHED_IDLE || (int)policy == SCHED_DEADLINE;
}

long sys_sched_get_priority_max(uint64_t policy)
{
	return is_rt((uint32_t)policy) ? PRIO_RT_MAX : is_fair(policy) ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(uint64_t policy)
{
	return is_rt((uint32_t)policy) ? 1 : is_fair(policy) ? 0 : -EINVAL;
}

long sys_sched_rr_get_interval(uint64_t pid, uint64_t user)
{
	int64_t ts[2] = { 0, FAIR_INTERVAL_NS };
	long ret;

	if ((int)pid < 0)
		return -EINVAL;
	ret = with_thread((int32_t)pid, false, policy_get, NULL);
	if (ret >= 0 && policy_of((uint32_t)ret) == SCHED_RR)
		ts[1] = RR_INTERVAL_NS;
	else if (ret >= 0 && policy_of((uint32_t)ret) == SCHED_FIFO)
		ts[1] = 0;
	return ret < 0 ? ret : copy_to_user((void *)user, ts, sizeof(ts));
}
