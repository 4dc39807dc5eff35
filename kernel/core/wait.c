/* SPDX-License-Identifier: MIT */
/*
 * Wait queues; the argument why no wake-up is lost is in wait.h. Wakers that
 * find the queue empty take no lock: the waiter's enqueueing and the waker's
 * look are ordered by full fences (see wait_begin and wait_wake).
 */
#include "core/wait.h"
#include "platform/platform.h"

void waitq_init(struct waitq *q)
{
	mutex_init(&q->lock);
	list_init(&q->waiters);
}

static void enqueue(struct waiter *w, struct waitq *q)
{
	w->q = q;
	mutex_lock(&q->lock);
	if (w->exclusive)
		list_append(&q->waiters, &w->link);
	else
		list_prepend(&q->waiters, &w->link);
	mutex_unlock(&q->lock);
	/* Partner: the fence in wait_wake. Enqueue, then test the condition;
	 * the waker changes the condition, then tests the queue. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void wait_begin(struct waiter *w, struct waitq *q)
{
	*w = (struct waiter){ .task = current_task() };
	enqueue(w, q);
}

int wait_sleep(struct waiter *w, uint64_t deadline_ns, bool interruptible)
{
	return task_park(deadline_ns, interruptible);
}

void wait_end(struct waiter *w)
{
	wait_remove(w);
}

void wait_add(struct waiter *w, struct waitq *q,
	      bool (*wake)(struct waiter *, uint32_t))
{
	w->wake = wake;
	enqueue(w, q);
}

void wait_remove(struct waiter *w)
{
	if (!w->q)
		return;
	mutex_lock(&w->q->lock);
	list_remove(&w->link);
	mutex_unlock(&w->q->lock);
	w->q = NULL;
}

void task_wakes_begin(void)
{
	current_task()->defer_depth++;
}

void task_wakes_flush(void)
{
	struct task *t = current_task();

	/* One that is awake by now: the wake-up finds nobody. */
	for (uint32_t i = 0; i < t->nr_deferred; i++)
		plat_unpark(t->deferred[i]);
	t->nr_deferred = 0;
}

void task_wakes_end(void)
{
	struct task *t = current_task();

	if (!--t->defer_depth && t->nr_deferred)
		task_wakes_flush();
}

void task_wake_later(struct task *woken)
{
	struct task *t = current_task();

	if (t->defer_depth && t->nr_deferred < TASK_DEFER_MAX)
		t->deferred[t->nr_deferred++] = woken;
	else
		plat_unpark(woken);
}

void wait_wake(struct waitq *q, uint32_t nr_exclusive, uint32_t key)
{
	bool taken = false;

	/* Partner: the fence in enqueue. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (waitq_is_empty(q))
		return;
	task_wakes_begin();
	mutex_lock(&q->lock);
	list_for_each_safe(p, &q->waiters) {
		struct waiter *w = list_entry(p, struct waiter, link);

		if (w->exclusive && !nr_exclusive)
			break;
		if (w->exclusive && w->wake && taken)
			continue;
		if (!w->wake)
			task_unpark(w->task);
		else if (!w->wake(w, key))
			continue;
		taken |= w->exclusive && w->wake;
		nr_exclusive -= w->exclusive;
	}
	mutex_unlock(&q->lock);
	task_wakes_end();
}
