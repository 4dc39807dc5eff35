/* SPDX-License-Identifier: MIT */
/*
 * Futex queues: see futex.h for the protocol. Waiters lie on the stacks of
 * the sleeping tasks; a task that is unparked after it has gone on, or even
 * ended, only wakes once more than needed, since task blocks are never given
 * back.
 */
#include "core/futex.h"
#include "core/sched.h"
#include "platform/platform.h"

#define NR_BUCKETS 256u

/* The lists are made at their first use. */
static struct futex_bucket buckets[NR_BUCKETS];

static struct futex_bucket *bucket_of(const struct futex_key *k)
{
	uint64_t h = (k->a ^ (k->b >> 2)) * 0x9e3779b97f4a7c15ull;

	h ^= (k->b >> 12) * 0xc2b2ae3d27d4eb4full;
	return &buckets[(h >> 32) % NR_BUCKETS];
}

/* b's lock was taken. */
static void make_ready_locked(struct futex_bucket *b)
{
	if (unlikely(!b->waiters.next))
		list_init(&b->waiters);
}

static void lock_bucket(struct futex_bucket *b)
{
	mutex_lock(&b->lock);
	make_ready_locked(b);
}

struct futex_bucket *futex_lock(const struct futex_key *k)
{
	struct futex_bucket *b = bucket_of(k);

	lock_bucket(b);
	return b;
}

void futex_unlock(struct futex_bucket *b)
{
	mutex_unlock(&b->lock);
}

void futex_lock_two(const struct futex_key *k1, const struct futex_key *k2,
		    struct futex_bucket **b1, struct futex_bucket **b2)
{
	*b1 = bucket_of(k1);
	*b2 = bucket_of(k2);
	mutex_lock_two(&(*b1)->lock, &(*b2)->lock);
	make_ready_locked(*b1);
	make_ready_locked(*b2);
}

void futex_unlock_two(struct futex_bucket *b1, struct futex_bucket *b2)
{
	mutex_unlock_two(&b1->lock, &b2->lock);
}

/* --- waiting ---------------------------------------------------------------*/
struct futex_bucket *futex_wait_lock(const struct futex_key *k)
{
	struct futex_bucket *b = bucket_of(k);

	/* Partner: the fence in futex_wake; see the head of futex.h. */
	__atomic_fetch_add(&b->nr_waiters, 1, __ATOMIC_SEQ_CST);
	lock_bucket(b);
	return b;
}

void futex_wait_abort(struct futex_bucket *b)
{
	__atomic_fetch_sub(&b->nr_waiters, 1, __ATOMIC_RELAXED);
	mutex_unlock(&b->lock);
}

/* Of the calling task. All deadlines are equal. */
static uint64_t rank_of(const struct task *t)
{
	uint64_t claim = 0;

	if (unlikely(plat_task_is_urgent(t)))
		claim = plat_task_claim(t);
	return claim_is_urgent(claim) ? MIN(claim, CLAIM_DEADLINE_MIN) : 0;
}

/* Few are urgent, so these are looked at, not the others. */
static void enqueue_locked(struct futex_bucket *b, struct futex_waiter *w)
{
	struct list *at = &b->waiters;

	if (unlikely(w->rank)) {
		at = at->next;
		while (at != &b->waiters &&
		       list_entry(at, struct futex_waiter, link)->rank >=
		       w->rank)
			at = at->next;
	}
	list_add_before(at, &w->link);
}

void futex_wait_commit(struct futex_bucket *b, struct futex_waiter *w,
		       const struct futex_key *k)
{
	w->key = *k;
	w->woken = 0;
	w->rank = rank_of(w->task);
	__atomic_store_n(&w->bucket, b, __ATOMIC_RELAXED);
	enqueue_locked(b, w);
	mutex_unlock(&b->lock);
}

static bool any_woken(struct futex_waiter *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		/* Partner: the release in futex_wake_locked. */
		if (__atomic_load_n(&w[i].woken, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

int futex_wait_sleep(struct futex_waiter *w, uint32_t n, uint64_t deadline_ns)
{
	int err = 0;

	while (!err && !any_woken(w, n))
		err = task_park(deadline_ns, true);
	return err;
}

struct futex_bucket *futex_lock_of(struct futex_waiter *w)
{
	for (;;) {
		struct futex_bucket *b = __atomic_load_n(&w->bucket,
							 __ATOMIC_RELAXED);

		lock_bucket(b);
		/* a requeue changes it only with both locks held */
		if (b == __atomic_load_n(&w->bucket, __ATOMIC_RELAXED))
			return b;
		mutex_unlock(&b->lock);
	}
}

void futex_remove_locked(struct futex_waiter *w)
{
	list_remove(&w->link);
	__atomic_fetch_sub(&w->bucket->nr_waiters, 1, __ATOMIC_RELAXED);
}

uint32_t futex_wait_end(struct futex_waiter *w)
{
	uint32_t reason = __atomic_load_n(&w->woken, __ATOMIC_ACQUIRE);
	struct futex_bucket *b;

	if (reason)
		return reason;
	b = futex_lock_of(w);
	reason = w->woken;
	if (!reason)
		futex_remove_locked(w);
	mutex_unlock(&b->lock);
	return reason;
}

/* --- waking ----------------------------------------------------------------*/
struct futex_waiter *futex_next_locked(struct futex_bucket *b,
				       const struct futex_key *k,
				       struct futex_waiter *after)
{
	struct list *p = after ? after->link.next : b->waiters.next;

	for (; p != &b->waiters; p = p->next) {
		struct futex_waiter *w;

		w = list_entry(p, struct futex_waiter, link);
		if (futex_key_equal(&w->key, k))
			return w;
	}
	return NULL;
}

void futex_wakes_send(struct futex_wakes *wakes)
{
	for (uint32_t i = 0; i < wakes->nr; i++)
		task_unpark(wakes->task[i]);
	wakes->nr = 0;
}

void futex_wake_locked(struct futex_waiter *w, uint32_t reason,
		       struct futex_wakes *out)
{
	if (out->nr == FUTEX_WAKES_MAX)
		futex_wakes_send(out);
	out->task[out->nr++] = w->task;
	futex_remove_locked(w);
	/* Partner: the acquire in futex_wait_end. w may be gone after this. */
	__atomic_store_n(&w->woken, reason, __ATOMIC_RELEASE);
}

int futex_wake_key_locked(struct futex_bucket *b, const struct futex_key *k,
			  uint32_t max, uint32_t bitset,
			  struct futex_wakes *out)
{
	int n = 0;

	list_for_each_safe(p, &b->waiters) {
		struct futex_waiter *w;

		if ((uint32_t)n >= max)
			break;
		w = list_entry(p, struct futex_waiter, link);
		if (!futex_key_equal(&w->key, k))
			continue;
		if (w->owner_wait)
			return -EINVAL;
		if (!(w->bitset & bitset))
			continue;
		futex_wake_locked(w, 1, out);
		n++;
	}
	return n;
}

int futex_wake(const struct futex_key *k, uint32_t max, uint32_t bitset)
{
	struct futex_bucket *b = bucket_of(k);
	struct futex_wakes wakes;
	int n;

	/* Partner: the counter in futex_wait_lock. The word was changed
	 * before; without the fence its store could pass this load. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&b->nr_waiters, __ATOMIC_RELAXED))
		return 0;
	wakes.nr = 0;
	lock_bucket(b);
	n = futex_wake_key_locked(b, k, max, bitset, &wakes);
	mutex_unlock(&b->lock);
	futex_wakes_send(&wakes);
	return n;
}

void futex_move_locked(struct futex_waiter *w, struct futex_bucket *to,
		       const struct futex_key *k)
{
	list_remove(&w->link);
	if (to != w->bucket) {
		__atomic_fetch_sub(&w->bucket->nr_waiters, 1,
				   __ATOMIC_RELAXED);
		__atomic_fetch_add(&to->nr_waiters, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&w->bucket, to, __ATOMIC_RELAXED);
	}
	w->key = *k;
	enqueue_locked(to, w);
}

void futex_for_each(void (*fn)(struct futex_waiter *w, void *arg), void *arg)
{
	for (uint32_t i = 0; i < NR_BUCKETS; i++) {
		struct futex_bucket *b = &buckets[i];

		if (!__atomic_load_n(&b->nr_waiters, __ATOMIC_SEQ_CST))
			continue;
		lock_bucket(b);
		list_for_each_safe(p, &b->waiters)
			fn(list_entry(p, struct futex_waiter, link), arg);
		mutex_unlock(&b->lock);
	}
}
