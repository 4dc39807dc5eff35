/* SPDX-License-Identifier: MIT */
/*
 * Parked tasks (platform.h). The task is known from its word, so there is
 * nothing to look up, and nothing but the task's state decides:
 *
 *	sleeper				waker
 *	state = SLEEPING		word = new
 *	word == val?			state SLEEPING -> READY
 *	switch away			into a run queue
 *
 * All in sequentially consistent order: if the sleeper still sees the old word,
 * the waker finds it SLEEPING. If not, it goes on; but if the waker was faster
 * to change its state it has to go through the queue like all that are READY.
 *
 * A waker may come late, when the task has gone on and sleeps elsewhere: every
 * wait may end early, so that does no harm.
 */
#include "arch/irqflags.h"
#include "core/panic.h"
#include "platform/kvm/park.h"
#include "platform/platform.h"

bool park_take_back(struct task *t)
{
	__atomic_store_n(&t->wake, WAKE_NOTIFIED, __ATOMIC_SEQ_CST);
	return park_stay(t);
}

/* Interrupts are off. */
static inline __attribute__((always_inline)) void
sleep(struct task *t, uint32_t val, struct sleeper *s, struct task *to)
{
	/* before we can be waited for: two that wake each other */
	if (to && !sched_catch(to))
		to = NULL;
	__atomic_store_n(&t->arch.plat.state, RUN_SLEEPING, __ATOMIC_SEQ_CST);
	/* Partner: the change of the word before plat_unpark. */
	if (likely(__atomic_load_n(&t->wake, __ATOMIC_SEQ_CST) == val) ||
	    !park_stay(t))
		sched_sleep(s, to);
	else if (to)
		sched_put_caught(to);
}

static __attribute__((noinline)) int
sleep_until(struct task *t, uint32_t val, uint64_t deadline_ns, struct task *to)
{
	struct sleeper s = { .deadline_ns = deadline_ns, .task = t };
	uint32_t cpu = this_cpu()->id;

	sleep(t, val, &s, to);
	sched_forget_sleeper(&s, cpu);
	return s.expired ? -ETIMEDOUT : 0;
}

int plat_park(uint32_t val, uint64_t deadline_ns, struct task *to)
{
	struct task *t = current_task();
	uint64_t flags = irq_save();
	int err = 0;

	if (!(flags & RFLAGS_IF))
		panic("sleep with interrupts off");
	if (likely(deadline_ns == DEADLINE_NEVER))
		sleep(t, val, NULL, to);
	else
		err = sleep_until(t, val, deadline_ns, to);
	irq_restore(flags);
	return err;
}

void plat_unpark(struct task *t)
{
	sched_wake(t);
}
