/* SPDX-License-Identifier: MIT */
/*
 * Who may run: one queue of ready tasks for each CPU, in three classes.
 * Decisions only, with the time as an argument; locks, switches and interrupts
 * are sched.c's.
 *
 * Deadline: earliest deadline first. A task may run runtime_ns in a period; if
 * it uses them up it is fair until the next period, so it can not starve the
 * others.
 * Fixed priority: the highest first; equals in turn of arrival, those of policy
 * RR for RR_SLICE_NS each. One that is preempted stays first of its priority.
 * In each RT_PERIOD_NS these two classes have RT_RUNTIME_NS of a processor, then
 * fixed priorities of programs come after all others until the period is over:
 * one that never waits stops neither system tasks nor a shell for ever.
 * Fair: each queue has a virtual time, which advances by the real time divided
 * by the load of all its tasks; a task's own advances by the time it ran,
 * divided by its load. The difference is its lag, what it is owed: it is kept
 * while a task sleeps or moves (at most LAG_MAX_NS), and the one with the
 * largest lag runs next. A process's load is that of one task, shared by those
 * that are ready.
 * A task that was lent a claim runs by the better of that and its own: by a
 * fixed priority, by a deadline without a budget, or with another load.
 */
#pragma once
#include "core/sched.h"
#include "core/task.h"
#include "lib/avl.h"
#include "platform/kvm/spin.h"
#include "platform/kvm/timerq.h"

#define FAIR_SLICE_NS	3000000ull
#define FAIR_WAKE_NS	1000000ull	/* undisturbed by the woken */
#define RR_SLICE_NS	100000000ull
#define LAG_MAX_NS	10000000ll
/* As in /proc/sys/kernel (linux/proc/sysctl.c). */
#define RT_PERIOD_NS	1000000000ull
#define RT_RUNTIME_NS	950000000ull

enum run_class {
	RUN_CLASS_DEADLINE, RUN_CLASS_FIXED, RUN_CLASS_FAIR,
	RUN_CLASS_THROTTLED	/* fixed priority, for now behind all others */
};

#define NR_PRIORITIES	(SCHED_PRIORITY_MAX + 1)

struct runq {
	struct spinlock lock;
	/* under lock */
	struct avl_tree deadline;	/* by due_ns */
	struct list fixed[NR_PRIORITIES];
	uint64_t fixed_bits[2];	/* priorities that have tasks */
	struct avl_tree fair;	/* by vruntime */
	uint64_t vtime;		/* virtual time of this queue */
	uint64_t load;		/* of those whose home this is */
	uint32_t nr_exhausted;	/* queued, waiting for their next period */
	uint64_t rt_begin_ns;	/* of the period of that limit */
	uint64_t rt_used_ns;	/* by both classes since then */
	bool rt_throttled;	/* programs come last; read freely as a hint */
	/* written under lock, read freely as hints */
	uint32_t nr;		/* ready tasks */
	uint32_t nr_urgent;	/* of those, deadline and fixed priority */
	uint64_t cpus;		/* where one of them may run, at least */
};

/* Counters of one CPU since boot. Only that CPU, interrupts off. */
struct sched_stats {
	uint64_t switches;	/* from one task to another */
	uint64_t preemptions;	/* of those, not asked for */
	uint64_t wakes;
	uint64_t kicks;		/* interrupts sent to other CPUs */
	uint64_t steals;
	uint64_t halts;
	uint64_t timer_irqs;
	/* counted by trap.c */
	uint64_t interrupts;	/* all, timer and kicks included */
	uint64_t exceptions;	/* page faults included */
	uint64_t page_faults;
};

void runq_init(struct runq *q);
/* A task that is in no queue yet. group: counter of its process, or NULL. */
void runq_task_init(struct task *t, const struct sched_request *r,
		    uint32_t *group);
/* A new request or loan (request_state) takes effect. t is in no queue and at
 * home nowhere, and nobody else makes it ready. Returns true for a request. */
bool runq_take_request(struct task *t);
/* The claim that r alone gives; now_ns: when it begins. */
uint64_t runq_claim_of(const struct sched_request *r, uint64_t now_ns);
/* That of t alone, without what it was lent. */
uint64_t runq_own_claim(const struct task *t);
/* By what it asked for and was lent. */
static inline enum run_class runq_class_of(const struct task *t)
{
	uint64_t claim = t->arch.plat.sched.claim;

	if (likely(!claim_is_urgent(claim)))
		return RUN_CLASS_FAIR;
	return claim >= CLAIM_DEADLINE_MIN ? RUN_CLASS_DEADLINE :
					     RUN_CLASS_FIXED;
}
bool runq_may_run_on(const struct task *t, uint32_t cpu);

/* --- the caller holds q->lock ------------------------------------------------*/
/* first: before its equals (it was preempted). */
void runq_push_locked(struct runq *q, struct task *t, bool first,
		      uint64_t now_ns);
/*
 * Take out the task that should run on this CPU now: the best one, or if
 * `running` goes on otherwise, one that is to replace it. NULL: none. It stays
 * at home in q while it runs on q's CPU.
 */
struct task *runq_pop_locked(struct runq *q, uint32_t cpu,
			     const struct task *running, uint64_t now_ns);
/* As pop, but nothing is taken out. */
struct task *runq_first_locked(struct runq *q, uint32_t cpu, uint64_t now_ns);
/* Out of q, t is in no queue and not at home. */
void runq_remove_locked(struct runq *q, struct task *t);
/* t, which is at home here, goes away: to sleep, or to another CPU. */
void runq_leave_locked(struct runq *q, struct task *t);
/* t, which runs on q's CPU, is at home here from now on. */
void runq_join_locked(struct runq *q, struct task *t);
/* t has run for ns up to now. */
void runq_charge_locked(struct runq *q, struct task *t, uint64_t ns,
			uint64_t now_ns);
/* The fair class's part of that, of one that is at home here. */
void runq_charge_fair_locked(struct runq *q, struct task *t, uint64_t ns);
/* How long t may run until the scheduler has to look again; from now. */
uint64_t runq_limit_ns_locked(struct runq *q, const struct task *t,
			      uint64_t now_ns);
/* Should t, ready on q's CPU, take the place of `running`, which has run for
 * ran_ns? */
bool runq_preempts_locked(const struct runq *q, const struct task *t,
			  const struct task *running, uint64_t ran_ns);
/* The same as runq_take_request for t, which runs on q's CPU. */
void runq_apply_locked(struct runq *q, struct task *t, uint64_t now_ns);

/* --- between CPUs ---------------------------------------------------------------*/
enum request_state { REQUEST_NONE, REQUEST_NEW, REQUEST_BUSY };

/*
 * How good a claim to a processor is, to compare tasks of different queues:
 * higher is better, fair tasks are all 1, nobody 0. Context: any; a hint.
 */
uint64_t runq_rank(const struct task *t);
/*
 * Where a task goes that an idle CPU should have: to `last` if that one is
 * idle, else to an idle one, best the caller's own (no interrupt needed), else
 * to the caller's all the same. idle: one bit a CPU.
 */
uint32_t runq_choose_cpu(uint64_t idle, uint32_t last, uint32_t self);
