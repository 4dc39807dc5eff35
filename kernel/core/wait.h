/* SPDX-License-Identifier: MIT */
/*
 * Wait queues. The waiter enqueues first, then tests its condition, then
 * sleeps; the waker changes the condition first, then wakes. Since the park
 * word remembers a wake-up that came early, none is lost.
 *
 *	struct waiter w;
 *
 *	wait_begin(&w, &q);
 *	while (!condition && !err)
 *		err = wait_sleep(&w, deadline_ns, true);
 *	wait_end(&w);
 */
#pragma once
#include "core/lock.h"
#include "core/task.h"
#include "lib/list.h"

struct waitq {
	struct mutex lock;
	struct list waiters;	/* struct waiter.link; under lock */
};

struct waiter {
	struct list link;
	struct waitq *q;
	struct task *task;
	/*
	 * Called under q->lock by wakers; NULL = unpark task. `key` is what
	 * the waker passed (poll event bits). Context: may not sleep on q.
	 * Of the exclusive ones that have it, one that returns true is enough.
	 */
	bool (*wake)(struct waiter *w, uint32_t key);
	bool exclusive;		/* counted by wait_wake's max */
};

#define WAITQ_INIT(q) { MUTEX_INIT, LIST_INIT((q).waiters) }

void waitq_init(struct waitq *q);
static inline bool waitq_is_empty(struct waitq *q)
{
	return __atomic_load_n(&q->waiters.next, __ATOMIC_RELAXED) ==
	       &q->waiters;
}
void wait_begin(struct waiter *w, struct waitq *q);
/* Sleep once. Returns 0 (look again), -ETIMEDOUT or -EINTR. */
int wait_sleep(struct waiter *w, uint64_t deadline_ns, bool interruptible);
void wait_end(struct waiter *w);

/* With a callback and without sleeping (poll, epoll). */
void wait_add(struct waiter *w, struct waitq *q,
	      bool (*wake)(struct waiter *, uint32_t));
void wait_remove(struct waiter *w);

/* Wake all non-exclusive waiters and up to nr_exclusive exclusive ones. */
void wait_wake(struct waitq *q, uint32_t nr_exclusive, uint32_t key);
static inline void wait_wake_all(struct waitq *q, uint32_t key)
{
	wait_wake(q, UINT32_MAX, key);
}
