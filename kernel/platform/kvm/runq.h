/* SPDX-License-Identifier: MIT */
/*
 * Who may run: queues of ready tasks and of sleepers with a deadline. Pure
 * lists; locks, switches and interrupts are sched.c's. Two classes: system
 * tasks (drivers, the clock: they carry interrupts) before programs' tasks;
 * round robin within a class.
 */
#pragma once
#include "core/task.h"
#include "lib/avl.h"
#include "platform/kvm/spin.h"

/* The class of a task, and how far down a taker is willing to go. */
enum run_class { RUN_CLASS_SYSTEM, RUN_CLASS_USER, NR_RUN_CLASSES };

struct runq {
	struct spinlock lock;
	/* under lock */
	struct list ready[NR_RUN_CLASSES];
	uint32_t nr;		/* read without the lock as a hint */
};

static inline enum run_class run_class_of(const struct task *t)
{
	return t->kind == TASK_SYSTEM ? RUN_CLASS_SYSTEM : RUN_CLASS_USER;
}

/* The caller holds q->lock for all but init. */
void runq_init(struct runq *q);
void runq_push_locked(struct runq *q, struct task *t);
/* The first of the best class, of class `lowest` or better; NULL: none. */
struct task *runq_pop_locked(struct runq *q, enum run_class lowest);
bool runq_has_locked(const struct runq *q, enum run_class lowest);

/*
 * Where a task goes that an idle CPU should have: to `last` if that one is
 * idle, else to an idle one, best the caller's own (no interrupt needed), else
 * to the caller's all the same. idle: one bit a CPU.
 */
uint32_t runq_choose_cpu(uint64_t idle, uint32_t last, uint32_t self);

struct sleeper {
	struct avl_node node;
	uint64_t deadline_ns;
	struct task *task;
	bool in_queue, expired;	/* under the lock of its timerq */
};

struct timerq {
	struct spinlock lock;
	struct avl_tree tree;	/* under lock; by deadline */
	uint64_t first_ns;	/* earliest; written under lock, read freely */
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

void timerq_init(struct timerq *q);
void timerq_add_locked(struct timerq *q, struct sleeper *s);
void timerq_remove_locked(struct timerq *q, struct sleeper *s);
/* With the earliest deadline; NULL: none. */
struct sleeper *timerq_first_locked(const struct timerq *q);
/* Take out the first whose time has come, marked expired; NULL: none. */
struct sleeper *timerq_expire_locked(struct timerq *q, uint64_t now_ns);
