/* SPDX-License-Identifier: MIT */
/*
 * The scheduler of the kvm platform: one run queue for each CPU (classes and
 * their rules: runq.h), idle CPUs steal. The kernel is preemptible wherever interrupts
 * are on and preempt_disable is not in force.
 */
#pragma once
#include "core/task.h"
#include "platform/kvm/cpu.h"
#include "platform/kvm/runq.h"

/* Sum over all CPUs. */
void sched_stats_sum(struct sched_stats *out);

/*
 * Make this CPU ready to schedule: `current` is the task that runs on it now,
 * idle the one that runs when nothing else can (it may be the same).
 * Context: init, interrupts off.
 */
void sched_init_cpu(struct task *current, struct task *idle);
/* The idle task of a CPU; never started, its stack is for the caller to use:
 * begin with rsp = arch.kernel_sp. NULL: no memory. Context: task. */
struct task *sched_create_idle(uint32_t cpu);
/* An idle task's life. Interrupts are off at first. */
void sched_idle_loop(void) __noreturn;

/* t is to be scheduled as r says from now on (from its next turn, if it runs
 * on another CPU). r is valid. Context: task. */
void sched_request(struct task *t, const struct sched_request *r);
/* t's own claim, with a request that is not in force yet. Context: any. */
uint64_t sched_own_claim(struct task *t);
/* As plat_task_lend. */
void sched_lend(struct task *t, uint64_t claim);
/* The calling task belongs to another process now (NULL: none): the counter of
 * that one's ready tasks. Interrupts off. */
void sched_set_group(uint32_t *group);

/* Let others run that have the same right; returns when it is our turn again.
 * Context: task, or interrupts off with no lock held. */
void schedule(void);
/* First run of t, not known to the scheduler before. */
void sched_start(struct task *t);
/*
 * Make t ready if it is asleep. Several may try at once, one succeeds.
 * Context: any but NMI.
 */
void sched_wake(struct task *t);
/* t is leaving its CPU: until it has left. Interrupts off. */
void sched_wait_off(const struct task *t);
/*
 * The same in two steps: t, if it is asleep, is the caller's to make ready,
 * which it does very soon, by sched_put_caught or sched_sleep. Returns true if
 * so. Interrupts off, the caller RUN_RUNNING.
 */
static inline bool sched_catch(struct task *t)
{
	uint32_t sleeping = RUN_SLEEPING;

	if (!__atomic_compare_exchange_n(&t->arch.plat.state, &sleeping,
					 RUN_READY, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_RELAXED))
		return false;
	/* Partner: sched_finish_switch on the CPU it is leaving. */
	if (unlikely(__atomic_load_n(&t->arch.plat.on_cpu, __ATOMIC_ACQUIRE)))
		sched_wait_off(t);
	return true;
}

void sched_put_caught(struct task *t);
/* The calling task has set its state to RUN_SLEEPING and let go of what
 * guards its wake-up; s (NULL: none) is put into the queue of deadlines of
 * this CPU. to (NULL: nobody), which was caught, gets the processor and what
 * is left of our turn, if the classes allow it; else it is ready like others.
 * Returns after sched_wake. Interrupts off. */
void sched_sleep(struct sleeper *s, struct task *to);
/* Take s out again; nobody refers to it afterwards. */
void sched_forget_sleeper(struct sleeper *s, uint32_t cpu);
/* The calling task ends; its block is free for reuse afterwards. */
void sched_exit(void) __noreturn;

/* What a task that runs for the first time owes the one before it; on its own
 * stack, interrupts off. */
void sched_finish_switch(void);

/* Interrupt handlers (platform/kvm/irq.c). Interrupts off. */
void sched_timer_irq(void);
void sched_resched_irq(void);
/* At the end of an interrupt that came while interrupts were on. */
void sched_preempt_irq(void);

/* Count the calling task's time now, before it changes its address space.
 * Interrupts off. */
void sched_charge(void);
/* Processor time of t, which may be running. */
uint64_t sched_task_cpu_ns(const struct task *t);
/* Time of the running tasks of s that is not counted in the space yet. */
uint64_t sched_running_ns(const struct space *s);

/* No preemption in between; does not sleep; nests. One instruction each, so
 * right wherever the task runs. Offset: preempt_off of struct cpu. */
static inline void preempt_disable(void)
{
	__asm__ volatile("incl %%gs:40" : : : "memory");
}

void preempt_check(void);
static inline void preempt_enable(void)
{
	bool zero;

	__asm__ volatile("decl %%gs:40" : "=@ccz"(zero) : : "memory");
	if (zero)
		preempt_check();
}
