/* SPDX-License-Identifier: MIT */
/*
 * The graph of who waits for whom; see pi.h. One lock for all of it, held for
 * moments: a walk along a chain, the donors of a task. Where the kernel
 * schedules it is a spinlock, since a lock that sleeps would need a loan itself.
 *
 * The graph has no cycle, since pi_wait refuses one; every task has at most one
 * edge. Loans are made along it: a change goes up the chain until it makes no
 * difference.
 */
#include "core/pi.h"
#include "core/lock.h"
#include "core/sched.h"
#include "core/task.h"
#include "platform/platform.h"

static uint32_t spin;
static struct mutex host_lock = MUTEX_INIT;

static void graph_lock(void)
{
	if (!PLAT_SCHEDULES) {
		mutex_lock(&host_lock);
		return;
	}
	plat_preempt_off();
	while (__atomic_exchange_n(&spin, 1, __ATOMIC_ACQUIRE))
		plat_relax();
}

static void graph_unlock(void)
{
	if (!PLAT_SCHEDULES) {
		mutex_unlock(&host_lock);
		return;
	}
	__atomic_store_n(&spin, 0, __ATOMIC_RELEASE);
	plat_preempt_on();
}

uint64_t pi_claim(const struct task *t)
{
	uint64_t own = __atomic_load_n(&t->pi.own, __ATOMIC_RELAXED);
	uint64_t lent = __atomic_load_n(&t->pi.lent, __ATOMIC_RELAXED);

	return MAX(own, lent);
}

/* A fresh task's node is zero. */
static struct list *donors_of(struct task *t)
{
	if (!t->pi.donors.next)
		list_init(&t->pi.donors);
	return &t->pi.donors;
}

static void set_lent(struct task *t, uint64_t claim)
{
	__atomic_store_n(&t->pi.lent, claim, __ATOMIC_RELAXED);
	plat_task_lend(t, claim);
}

/* One of t's donors has come or is worth more: up the chain. */
static void raise_locked(struct task *t, uint64_t claim)
{
	for (; t && t->pi.lent < claim; t = t->pi.to)
		set_lent(t, claim);
}

/* One of t's donors has left or is worth less: up the chain. */
static void settle_locked(struct task *t)
{
	for (; t; t = t->pi.to) {
		uint64_t best = 0;

		list_for_each(l, donors_of(t))
			best = MAX(best, pi_claim(list_entry(l, struct task,
							     pi.link)));
		if (best == t->pi.lent)
			return;
		set_lent(t, best);
	}
}

static void detach_locked(struct task *t)
{
	struct task *to = t->pi.to;

	if (!to)
		return;
	t->pi.to = NULL;
	list_remove(&t->pi.link);
	if (to != current_task())
		settle_locked(to);
}

static int attach_locked(struct task *t, struct task *to)
{
	uint32_t depth = 0;

	for (const struct task *p = to; p; p = p->pi.to)
		if (p == t || ++depth > PI_DEPTH_MAX)
			return -EDEADLK;
	__atomic_store_n(&t->pi.own, plat_task_claim(t), __ATOMIC_RELAXED);
	t->pi.to = to;
	list_append(donors_of(to), &t->pi.link);
	raise_locked(to, pi_claim(t));
	return 0;
}

int pi_wait(struct task *t, struct task *to)
{
	int err = 0;

	graph_lock();
	detach_locked(t);
	if (to && to != t)
		err = attach_locked(t, to);
	graph_unlock();
	return err;
}

int pi_wait_like(struct task *t, const struct task *like)
{
	int err = -ESRCH;

	graph_lock();
	detach_locked(t);
	if (like->pi.to)
		err = like->pi.to == t ? -EDEADLK :
		      attach_locked(t, like->pi.to);
	graph_unlock();
	return err;
}

void pi_settle(void)
{
	struct task *t = current_task();

	/* only we take back what we were lent; more may come meanwhile */
	if (!__atomic_load_n(&t->pi.lent, __ATOMIC_RELAXED))
		return;
	graph_lock();
	settle_locked(t);
	graph_unlock();
}

void pi_changed(struct task *t)
{
	graph_lock();
	if (t->pi.to) {
		__atomic_store_n(&t->pi.own, plat_task_claim(t),
				 __ATOMIC_RELAXED);
		settle_locked(t->pi.to);
	}
	graph_unlock();
}

void pi_task_gone(struct task *t)
{
	/* who finds it here has done so before it could not be found any more */
	if (!t->pi.donors.next || list_is_empty(&t->pi.donors))
		return;
	graph_lock();
	list_for_each_safe(l, donors_of(t)) {
		list_remove(l);
		list_entry(l, struct task, pi.link)->pi.to = NULL;
	}
	graph_unlock();
}
