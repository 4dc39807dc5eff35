/* SPDX-License-Identifier: MIT */
/*
 * Timers, kept sorted by deadline in one list and run by the system task
 * "clock" (core/clock.h), which is started by the first timer_set. Tickless:
 * the task sleeps until the earliest deadline.
 */
#include "core/timer.h"
#include "core/clock.h"
#include "core/lock.h"
#include "platform/platform.h"

static struct {
	struct mutex lock;
	/* under lock */
	struct list sorted;
	struct timer *running;
	uint32_t done;		/* bumped after each callback; word */
} timers = { .lock = MUTEX_INIT, .sorted = LIST_INIT(timers.sorted) };

uint64_t clock_mono_ns(void)
{
	return plat_clock_mono_ns();
}

uint64_t clock_real_ns(void)
{
	return plat_clock_real_ns();
}

void timer_init(struct timer *t, void (*fn)(struct timer *))
{
	list_init(&t->link);
	t->deadline_ns = 0;
	t->fn = fn;
}

uint64_t timer_run_expired(void)
{
	struct timer *t;

	mutex_lock(&timers.lock);
	if (list_is_empty(&timers.sorted)) {
		mutex_unlock(&timers.lock);
		return DEADLINE_NEVER;
	}
	t = list_first(&timers.sorted, struct timer, link);
	if (t->deadline_ns > clock_mono_ns()) {
		uint64_t next = t->deadline_ns;

		mutex_unlock(&timers.lock);
		return next;
	}
	list_remove(&t->link);
	timers.running = t;
	mutex_unlock(&timers.lock);
	t->fn(t);
	/* t may be gone now: compare addresses only */
	mutex_lock(&timers.lock);
	timers.running = NULL;
	__atomic_fetch_add(&timers.done, 1, __ATOMIC_RELEASE);
	mutex_unlock(&timers.lock);
	plat_word_wake(&timers.done, UINT32_MAX);
	return 0;
}

int timer_set(struct timer *t, uint64_t deadline_ns)
{
	bool first;
	int err = clock_start();

	if (err)
		return err;
	mutex_lock(&timers.lock);
	list_remove(&t->link);
	t->deadline_ns = deadline_ns;
	struct list *pos = timers.sorted.next;

	while (pos != &timers.sorted &&
	       list_entry(pos, struct timer, link)->deadline_ns <= deadline_ns)
		pos = pos->next;
	list_add_before(pos, &t->link);
	first = timers.sorted.next == &t->link;
	mutex_unlock(&timers.lock);
	if (first)
		clock_poke();
	return 0;
}

void timer_cancel(struct timer *t)
{
	for (;;) {
		uint32_t done;
		bool running;

		mutex_lock(&timers.lock);
		list_remove(&t->link);
		running = timers.running == t;
		done = timers.done;
		mutex_unlock(&timers.lock);
		if (!running)
			return;
		plat_word_wait(&timers.done, done, DEADLINE_NEVER);
	}
}
