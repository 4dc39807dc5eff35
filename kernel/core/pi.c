/* SPDX-License-Identifier: MIT */
/*
 * The graph of who waits for whom; see pi.h. One lock for all of it, held for
 * moments: a walk along a chain, the donors of a task. It is the platform's,
 * since a mutex would need a loan itself.
 *
 * The edges `wait` have no cycle, since pi_wait refuses one. A task that has
 * one may besides wait for a mutex of the kernel, for moments: loans go that way
 * meanwhile, and the other edge is brought up to date after. Loans are made
 * along the edges: a change goes up the chain until it makes no difference.
 *
 * The holder of a mutex stands in its word. One that is marked as wanted can
 * only be released under the lock of the graph, so the holder lives until then.
 * After a release those that still sleep lend to nobody, until the best, which
 * was woken, has it or sleeps again: it is worth at least as much as they. One
 * that becomes worth more meanwhile finds the new holder (holder_locked), or is
 * woken itself if there is none.
 */
#include "core/pi.h"
#include "core/lock.h"
#include "core/panic.h"
#include "core/sched.h"
#include "core/task.h"
#include "platform/platform.h"

static uint32_t graph;

static void graph_lock(void)
{
	plat_brief_lock(&graph);
}

static void graph_unlock(void)
{
	plat_brief_unlock(&graph);
}

/* A fresh task's node is zero. */
static struct list *donors_of(struct task *t)
{
	if (!t->pi.donors.next)
		list_init(&t->pi.donors);
	return &t->pi.donors;
}

static void link_locked(struct pi_edge *e, struct task *from, struct task *to)
{
	e->from = from;
	e->to = to;
	list_append(donors_of(to), &e->link);
}

static void unlink_locked(struct pi_edge *e)
{
	if (!e->to)
		return;
	e->to = NULL;
	list_remove(&e->link);
}

/* The holder of the mutex t waits for; t lends to it from now on. NULL: none. */
static struct task *holder_locked(struct task *t)
{
	struct mutex *m = t->pi.mutex;
	struct task *holder;

	holder = (struct task *)(mutex_mark_wanted(m) & ~MUTEX_WANTED);
	if (!holder)
		plat_word_wake((uint32_t *)&m->word, 1);
	if (holder == t->pi.by_mutex.to)
		return holder;
	unlink_locked(&t->pi.by_mutex);
	if (holder && holder != t)
		link_locked(&t->pi.by_mutex, t, holder);
	return t->pi.by_mutex.to;
}

/* Whom t waits for first: the way loans go. */
static struct task *next_locked(struct task *t)
{
	return t->pi.mutex ? holder_locked(t) : t->pi.wait.to;
}

static void set_lent(struct task *t, uint64_t claim)
{
	__atomic_store_n(&t->pi.lent, claim, __ATOMIC_RELAXED);
	plat_task_lend(t, claim);
}

/* One of t's donors has come or is worth more: up the chain. */
static void raise_locked(struct task *t, uint64_t claim)
{
	for (; t && t->pi.lent < claim; t = next_locked(t))
		set_lent(t, claim);
}

/* One of t's donors has left or is worth less: up the chain. */
static void settle_locked(struct task *t)
{
	for (uint32_t n = 0; t && n < PI_DEPTH_MAX; n++, t = next_locked(t)) {
		uint64_t best = 0;

		list_for_each(l, donors_of(t))
			best = MAX(best, pi_claim(list_entry(l, struct pi_edge,
							     link)->from));
		if (best == t->pi.lent)
			return;
		set_lent(t, best);
	}
}

static void detach_locked(struct pi_edge *e)
{
	struct task *to = e->to;

	unlink_locked(e);
	if (to && to != current_task())
		settle_locked(to);
}

static int attach_locked(struct task *t, struct task *to)
{
	uint32_t depth = 0;

	for (const struct task *p = to; p; p = p->pi.wait.to)
		if (p == t || ++depth > PI_DEPTH_MAX)
			return -EDEADLK;
	__atomic_store_n(&t->pi.own, plat_task_claim(t), __ATOMIC_RELAXED);
	link_locked(&t->pi.wait, t, to);
	raise_locked(to, pi_claim(t));
	return 0;
}

int pi_wait(struct task *t, struct task *to)
{
	int err = 0;

	graph_lock();
	detach_locked(&t->pi.wait);
	if (to && to != t)
		err = attach_locked(t, to);
	graph_unlock();
	return err;
}

int pi_wait_like(struct task *t, const struct task *like)
{
	int err = -ESRCH;

	graph_lock();
	detach_locked(&t->pi.wait);
	if (like->pi.wait.to)
		err = like->pi.wait.to == t ? -EDEADLK :
		      attach_locked(t, like->pi.wait.to);
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
	if (t->pi.mutex || t->pi.wait.to) {
		__atomic_store_n(&t->pi.own, plat_task_claim(t),
				 __ATOMIC_RELAXED);
		settle_locked(next_locked(t));
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
		unlink_locked(list_entry(l, struct pi_edge, link));
	}
	graph_unlock();
}

/* --- mutexes of the kernel ----------------------------------------------------*/
uint64_t pi_mutex_wait(struct mutex *m)
{
	struct task *t = current_task(), *holder;
	uint64_t word;

	graph_lock();
	word = mutex_mark_wanted(m);
	if (word) {
		__atomic_store_n(&t->pi.own, plat_task_claim(t),
				 __ATOMIC_RELAXED);
		t->pi.mutex = m;
		holder = holder_locked(t);
		if (holder)
			raise_locked(holder, pi_claim(t));
	}
	graph_unlock();
	return word;
}

void pi_mutex_wait_end(void)
{
	struct task *t = current_task();

	graph_lock();
	t->pi.mutex = NULL;
	detach_locked(&t->pi.by_mutex);
	settle_locked(t->pi.wait.to);
	graph_unlock();
}

void pi_mutex_unlock(struct mutex *m, uint32_t *word)
{
	struct task *holder;

	graph_lock();
	holder = (struct task *)(__atomic_exchange_n(&m->word, 0,
						     __ATOMIC_RELEASE) &
				 ~MUTEX_WANTED);
	assert(holder);
	list_for_each_safe(l, donors_of(holder)) {
		struct pi_edge *e = list_entry(l, struct pi_edge, link);

		if (e == &e->from->pi.by_mutex && e->from->pi.mutex == m)
			unlink_locked(e);
	}
	plat_word_wake(word, 1);
	settle_locked(holder);
	graph_unlock();
}
