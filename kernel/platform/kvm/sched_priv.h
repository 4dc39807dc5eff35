/* SPDX-License-Identifier: MIT */
/*
 * What the files of the scheduler share: sched.c (the switch), sched_queues.c
 * (ready tasks between CPUs), sched_request.c, sched_time.c. All with interrupts
 * off, c and self being this CPU unless said otherwise.
 */
#pragma once
#include "platform/kvm/clock.h"
#include "platform/kvm/sched.h"
#include "platform/kvm/space_priv.h"
#include "platform/platform.h"

/* --- sched_time.c ---------------------------------------------------------------*/
/* Count the time of the running task, whose address space is s, not of its turn.
 * Returns the time. */
static inline uint64_t sched_count_time_in(struct cpu *c, struct task *t,
					   struct space *s)
{
	uint64_t now = clock_now_ns();
	uint64_t ns = now - c->switched_ns;

	/* written by this CPU only, in one instruction */
	t->arch.plat.cpu_ns += ns;
	if (s)
		__atomic_fetch_add(&s->cpu_ns, ns, __ATOMIC_RELAXED);
	__atomic_store_n(&c->switched_ns, now, __ATOMIC_RELAXED);
	return now;
}
static inline uint64_t sched_count_time(struct cpu *c, struct task *t)
{
	return sched_count_time_in(c, t, t->arch.plat.space);
}

/* Count the running task's time, and its turn's. */
void sched_charge_cpu(struct cpu *c);
/* For the earliest of what this CPU waits for. */
void sched_set_timer(struct cpu *c);

/* --- sched_queues.c -------------------------------------------------------------*/
extern uint64_t sched_idle_cpus;	/* that halt or are about to; atomic */

void sched_kick(uint32_t cpu);
/* Take an idle CPU of `cpus` for a task, so that the next waker takes another
 * one; `self` if there is none. */
uint32_t sched_claim_cpu(uint64_t cpus, uint32_t last, uint32_t self);
/* Tasks wait in our own queue: one idle CPU may come for one of them. */
void sched_offer(struct cpu *c);
/* Into the queue of c, any CPU's; first: before its equals. */
void sched_push(struct cpu *c, struct task *t, bool first);
/* What runs next on `to`, out of the queue of `from`, in place of `running`
 * (NULL: of nobody). NULL: none. */
struct task *sched_pop(struct cpu *from, const struct cpu *to,
		       const struct task *running);
/* From another queue; urgent: only of the better classes. */
struct task *sched_steal(struct cpu *self, bool urgent);
bool sched_is_work_for(const struct cpu *self);
/* t is ready: into a queue. first: it was preempted. */
void sched_make_ready(struct cpu *self, struct task *t, bool first);
/* t had to leave the CPU, but wants to go on. */
void sched_requeue(struct cpu *c, struct task *t);
