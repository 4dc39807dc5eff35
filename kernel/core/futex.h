/* SPDX-License-Identifier: MIT */
/*
 * Futex queues: waiters hashed by a key of two words. The word itself belongs
 * to the program and is only looked at by the layer above, under the lock of
 * the bucket.
 *
 * No wake-up is lost, and a wake without waiters takes no lock:
 *
 *	waiter				waker
 *	nr_waiters++  (full fence)	change the word
 *	lock				full fence
 *	word still as expected?		nr_waiters == 0? done
 *	enqueue				lock, take waiters out, unlock
 *	unlock, park			unpark
 *
 * Either the waiter sees the changed word, or the waker sees the counter.
 * A waiter that was taken out is `woken` and never touches the bucket again.
 *
 * Tasks with a real-time class come first, by their own claim (not what they were
 * lent), as of when they began to wait; others, and equals, by arrival. So as on
 * Linux.
 */
#pragma once
#include "core/lock.h"
#include "core/task.h"
#include "lib/list.h"

struct futex_key {
	uint64_t a, b;
};

struct futex_bucket {
	struct mutex lock;
	uint32_t nr_waiters;	/* atomic: enqueued, or about to be */
	struct list waiters;	/* under lock; by rank, equals by arrival */
};

struct futex_waiter {
	/* under the lock of the bucket it is in */
	struct list link;
	struct futex_key key;
	struct futex_bucket *bucket;	/* changed by requeue; atomic */
	/* set once */
	uint64_t rank;	/* an urgent claim (core/sched.h), or 0 */
	struct task *task;
	uint32_t bitset;
	/* 0, then set by the waker to a nonzero reason; atomic */
	uint32_t woken;
	/* For the layer above (ownership protocols), under the lock */
	void *owner_wait;	/* not NULL: plain wakes are refused */
	const struct futex_key *requeue_to;
};

/* Tasks to unpark once the locks are released. */
#define FUTEX_WAKES_MAX 16u
struct futex_wakes {
	uint32_t nr;
	struct task *task[FUTEX_WAKES_MAX];
};


static inline bool futex_key_equal(const struct futex_key *x,
				   const struct futex_key *y)
{
	return x->a == y->a && x->b == y->b;
}

/*
 * Lock the bucket of k as one who may enqueue there: counts a waiter. Follow
 * by futex_wait_commit or futex_wait_abort.
 */
struct futex_bucket *futex_wait_lock(const struct futex_key *k);
/* Enqueue w (task, bitset are set by the caller) and unlock. */
void futex_wait_commit(struct futex_bucket *b, struct futex_waiter *w,
		       const struct futex_key *k);
void futex_wait_abort(struct futex_bucket *b);
/*
 * Sleep until one of the n waiters of the calling task is woken.
 * Returns 0, -ETIMEDOUT, -EINTR; in any case follow by futex_wait_end.
 */
int futex_wait_sleep(struct futex_waiter *w, uint32_t n, uint64_t deadline_ns);
/* Out of the queue. Returns why it was woken, 0 if it was not. */
uint32_t futex_wait_end(struct futex_waiter *w);

/* Wake up to max waiters of k whose bitset meets bitset. Returns how many, or
 * -EINVAL if one waits for ownership. */
int futex_wake(const struct futex_key *k, uint32_t max, uint32_t bitset);

/* --- pieces for calls that do several things under the locks ----------------*/
struct futex_bucket *futex_lock(const struct futex_key *k);
void futex_unlock(struct futex_bucket *b);
void futex_lock_two(const struct futex_key *k1, const struct futex_key *k2,
		    struct futex_bucket **b1, struct futex_bucket **b2);
void futex_unlock_two(struct futex_bucket *b1, struct futex_bucket *b2);
/* The bucket w is in now, locked. */
struct futex_bucket *futex_lock_of(struct futex_waiter *w);
/* The first waiter of k behind `after` (NULL: from the start), or NULL. */
struct futex_waiter *futex_next_locked(struct futex_bucket *b,
				       const struct futex_key *k,
				       struct futex_waiter *after);
/* Take w out and mark it; it is gone after the unlock. */
void futex_wake_locked(struct futex_waiter *w, uint32_t reason,
		       struct futex_wakes *out);
/* As futex_wake, with the lock held. */
int futex_wake_key_locked(struct futex_bucket *b, const struct futex_key *k,
			  uint32_t max, uint32_t bitset,
			  struct futex_wakes *out);
void futex_remove_locked(struct futex_waiter *w);
/* Move w to bucket `to`, with key k, behind its equals. */
void futex_move_locked(struct futex_waiter *w, struct futex_bucket *to,
		       const struct futex_key *k);
/* After the unlock. */
void futex_wakes_send(struct futex_wakes *wakes);
/* Call fn, under the bucket's lock, for every waiter there is. */
void futex_for_each(void (*fn)(struct futex_waiter *w, void *arg), void *arg);
