/* SPDX-License-Identifier: MIT */
/*
 * Parking, unparking and pending work (model: test/models/park.pml). The park
 * word decides each race between a task that goes to sleep and who wakes it.
 */
#include "core/task.h"
#include "platform/platform.h"

/* The last of those that t has to wake, whom it can hand its processor. */
static struct task *take_deferred(struct task *t)
{
	struct task *last = NULL;

	if (t->nr_deferred)
		last = t->deferred[--t->nr_deferred];
	if (unlikely(t->nr_deferred))
		task_wakes_flush();
	return last;
}

static void (*run_errands)(void);	/* set once */

void task_set_errands(void (*run)(void))
{
	run_errands = run;
}

static uint32_t work_of(const struct task *t)
{
	return __atomic_load_n(&t->arch.work, __ATOMIC_ACQUIRE) &
	       ~(uint32_t)TASK_WORK_SLOW;
}

bool task_has_work(void)
{
	return work_of(current_task()) & ~(uint32_t)TASK_WORK_ERRAND;
}

bool task_is_interrupted(void)
{
	if (work_of(current_task()) & TASK_WORK_ERRAND)
		run_errands();
	return task_has_work();
}

/* to: woken, but for the word that its park is told. */
static inline __attribute__((always_inline)) int
park(struct task *t, struct task *to, uint64_t deadline_ns, bool interruptible)
{
	uint32_t none = WAKE_NONE;
	int err = 0;

	task_check_stack(t);
	if (interruptible && work_of(t)) {
		__atomic_store_n(&t->wake, WAKE_NONE, __ATOMIC_RELAXED);
		if (to)
			plat_unpark(to);
		return task_is_interrupted() ? -EINTR : 0;
	}
	if (!PLAT_SCHEDULES) {
		if (to)
			plat_unpark(to);
		to = NULL;
		plat_park_spin(t);
	}
	/* Partner: the exchange in task_unpark; whoever is first decides. */
	if (__atomic_compare_exchange_n(&t->wake, &none, WAKE_ASLEEP, false,
					__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		/* work may have been posted before ASLEEP was visible */
		if (!interruptible || !work_of(t)) {
			err = plat_park(WAKE_ASLEEP, deadline_ns, to);
			to = NULL;
		}
	}
	if (unlikely(to != NULL))
		plat_unpark(to);
	if (__atomic_exchange_n(&t->wake, WAKE_NONE, __ATOMIC_SEQ_CST) ==
	    WAKE_NOTIFIED)
		err = 0;
	if (interruptible && work_of(t) && task_is_interrupted())
		return -EINTR;
	return err == -ETIMEDOUT ? err : 0;
}

int task_park(uint64_t deadline_ns, bool interruptible)
{
	struct task *t = current_task();

	return park(t, take_deferred(t), deadline_ns, interruptible);
}

/* Returns true if its sleep has to be ended. */
static bool notify(struct task *t)
{
	return __atomic_exchange_n(&t->wake, WAKE_NOTIFIED,
				   __ATOMIC_SEQ_CST) == WAKE_ASLEEP;
}

void task_unpark(struct task *t)
{
	if (notify(t))
		task_wake_later(t);
}

int task_hand_over(struct task *to, uint64_t deadline_ns, bool interruptible)
{
	struct task *t = current_task();

	if (unlikely(t->nr_deferred))
		task_wakes_flush();
	if (to && !notify(to))
		to = NULL;
	return park(t, to, deadline_ns, interruptible);
}

void task_post_work(struct task *t, uint32_t bits)
{
	__atomic_fetch_or(&t->arch.work, bits, __ATOMIC_SEQ_CST);
	if (t == current_task())
		return;
	/*
	 * Asleep: the changed word wakes it. Awake: it may be in user mode or
	 * in a host call; only a kick reaches it there.
	 */
	if (notify(t))
		plat_unpark(t);
	else
		plat_kick(t);
}

void task_clear_work(uint32_t bits)
{
	__atomic_fetch_and(&current_task()->arch.work, ~bits,
			   __ATOMIC_SEQ_CST);
}
