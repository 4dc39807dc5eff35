/* SPDX-License-Identifier: MIT */
/* The calling task goes to sleep: see park.c. Interrupts off. */
#pragma once
#include "platform/kvm/sched.h"

/* We are SLEEPING, but want to go on. False: somebody has made us READY and
 * waits until we have left the processor. */
static inline bool park_stay(struct task *t)
{
	uint32_t sleeping = RUN_SLEEPING;

	return __atomic_compare_exchange_n(&t->arch.plat.state, &sleeping,
					   RUN_RUNNING, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* park_begin has found an unpark. True: t goes on. */
bool park_take_back(struct task *t);
/*
 * Both in one, the state and the park word of task_park. False: t, which was
 * unparked before, goes on, and its next park ends at once. One exchange is
 * enough: who unparks t changes the word first, so it comes before, and is seen
 * here, or finds t SLEEPING.
 */
static inline bool park_begin(struct task *t)
{
	__atomic_store_n(&t->arch.plat.state, RUN_SLEEPING, __ATOMIC_RELAXED);
	return likely(__atomic_exchange_n(&t->wake, WAKE_ASLEEP,
					  __ATOMIC_SEQ_CST) == WAKE_NONE) ||
	       !park_take_back(t);
}
