/* SPDX-License-Identifier: MIT */
/*
 * The part of a switch of tasks that all of them have (sched.c, message.c): all
 * but address space, the program's registers, and stacks. Interrupts off.
 */
#pragma once
#include "platform/kvm/sched_priv.h"

void switch_stacks(uint64_t *save_sp, uint64_t load_sp);	/* switch.S */

static inline __attribute__((always_inline)) void
switch_begin(struct cpu *c, struct task *prev, struct task *next)
{
	struct plat_task *p = &next->arch.plat;

	c->stats.switches++;
	c->prev = prev;
	__atomic_store_n(&c->current, next, __ATOMIC_RELAXED);
	c->kernel_sp = next->arch.kernel_sp;
	cpu_set_kernel_stack(c, (uint64_t)next + TASK_BLOCK_SIZE);
	p->state = RUN_RUNNING;
	__atomic_store_n(&p->cpu, c->id, __ATOMIC_RELAXED);
	/* Partner: the load in plat_kick. It posted work first: either it sees
	 * us here, or we see the work before we go to user mode. */
	__atomic_store_n(&p->on_cpu, 1, __ATOMIC_SEQ_CST);
	/* Partner: request_deliver, which did not find it anywhere. */
	if (unlikely(__atomic_load_n(&p->sched.request_state,
				     __ATOMIC_SEQ_CST) != REQUEST_NONE))
		sched_kick(c->id);
}

/* sched_finish_switch for who was caught and given our turn: nothing is left to do but to
 * say that prev has left. */
static inline bool sched_finish_handed(struct cpu *c)
{
	if (unlikely(!c->is_handed))
		return false;
	/* prev is asleep, not at home any more; timer and turn go on */
	c->is_handed = false;
	/* Partner: the wait in sched_catch. */
	__atomic_store_n(&c->prev->arch.plat.on_cpu, 0, __ATOMIC_RELEASE);
	return true;
}
