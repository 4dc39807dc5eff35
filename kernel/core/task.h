/* SPDX-License-Identifier: MIT */
/*
 * Tasks: schedulable threads of execution, of kind system or user. A task
 * lives at the bottom of its own aligned block (TASK_BLOCK_SIZE), which also
 * holds its kernel stack; `current_task()` finds it from a register.
 */
#pragma once
#include "lib/types.h"
#include "core/heap.h"
#include "core/pi.h"
#include "lib/list.h"
#include "arch/arch_task.h"

#define TASK_BLOCK_SIZE	65536ul

#define TASK_DEFER_MAX	8u	/* wake-ups held back at a time */

enum task_kind { TASK_SYSTEM, TASK_USER };

/* struct task.work: why a task must pass the slow exit path. atomic. */
enum task_work {
	TASK_WORK_SIGNAL = 1u << 0,	/* personality: look at signals */
	TASK_WORK_EXIT	 = 1u << 1,	/* personality: end this task */
	TASK_WORK_SLOW	 = 1u << 2,	/* registers changed: full restore */
	TASK_WORK_STOP	 = 1u << 3,	/* personality: job-control stop */
	TASK_WORK_ERRAND = 1u << 4,	/* personality: others ask for something */
};

/* The park word: of an unpark that came before, of a task that sleeps. */
enum task_wake { WAKE_NONE, WAKE_NOTIFIED, WAKE_ASLEEP };

struct task {
	struct arch_task arch;	/* first: the entry code knows its layout */
	/* set once */
	uint32_t id;		/* unique; never reused while it lives */
	uint32_t kind;		/* enum task_kind */
	void *personality;	/* struct thread of linux/, or NULL */
	void (*entry)(void *arg);	/* system tasks */
	void *arg;
	struct list link;	/* all tasks, under task_list lock */
	/* atomic */
	uint32_t wake;		/* park word: enum task_wake */
	/* only the task itself */
	struct heap_cache heap_cache;
	uint32_t defer_depth, nr_deferred;
	struct task *deferred[TASK_DEFER_MAX];	/* to be woken */
	struct pi_node pi;	/* whom it waits for, who for it (core/pi.h) */
	/* messages (core/msg.h) */
	struct port *port;	/* NULL: none yet */
	uint32_t notified;	/* bits not received yet; atomic */
	char name[16];
};

/* The calling task. Context: any. const: a function's stack is one task's. */
#ifndef MICA_KERNEL	/* unit tests choose theirs */
struct task *current_task(void) __attribute__((const));
#else
static inline __attribute__((const)) struct task *current_task(void)
{
	return arch_current_task();
}
#endif

/*
 * Panics if the calling task, t, has left its kernel stack at the lower end,
 * where the platform has no unmapped page to catch that. Called where any deep
 * path comes through. Not from signal handlers of the process platform.
 */
#ifdef PLAT_STACK_OFFSET
void task_stack_overflowed(void) __noreturn;
static inline void task_check_stack(const struct task *t)
{
	if (unlikely((uint64_t)__builtin_frame_address(0) - (uint64_t)t <
		     PLAT_STACK_OFFSET))
		task_stack_overflowed();
}
#else
static inline void task_check_stack(const struct task *t)
{
}
#endif

/* What t is worth while it waits, its loans included. Context: any; a hint. */
static inline uint64_t pi_claim(const struct task *t)
{
	uint64_t own = __atomic_load_n(&t->pi.own, __ATOMIC_RELAXED);
	uint64_t lent = __atomic_load_n(&t->pi.lent, __ATOMIC_RELAXED);

	return MAX(own, lent);
}

/*
 * Sleep until unparked or until deadline_ns (monotonic, DEADLINE_NEVER for
 * none). An unpark that came before is not lost: it ends the park at once.
 * May also return spuriously: callers loop on their condition.
 *
 * Returns: 0, -ETIMEDOUT, or -EINTR if `interruptible` and work is pending.
 */
int task_park(uint64_t deadline_ns, bool interruptible);
void task_unpark(struct task *t);
/* Unpark `to` (NULL: nobody) and park, in one: it gets the processor at once if
 * nobody better waits for it. Returns as task_park. */
int task_hand_over(struct task *to, uint64_t deadline_ns, bool interruptible);

/*
 * Between begin and end, the calling task's unparks only mark their targets;
 * the host calls that make them run follow at end, or before this task sleeps
 * itself. So the woken do not run into locks that the waker still holds, and the
 * last one gets the processor straight from a waker that parks.
 * Nests. (core/wait.c)
 */
void task_wakes_begin(void);
void task_wakes_end(void);
void task_wakes_flush(void);
/* Wake t, whose park word has changed, now or at the end of the above. */
void task_wake_later(struct task *t);

/* True if the current task has work that interrupts a sleep. */
bool task_has_work(void);
/* Set work bits of t and make it notice: wakes it from an interruptible park,
 * or forces it out of user mode. */
void task_post_work(struct task *t, uint32_t bits);
void task_clear_work(uint32_t bits);	/* of the current task */
/* Who is told TASK_WORK_ERRAND calls run, which clears it, in an interruptible
 * park; the park then ends as if by an unpark. Context: init. */
void task_set_errands(void (*run)(void));
/* Do errands now. Returns task_has_work(). No lock is held. */
bool task_is_interrupted(void);

/* Allocate a task block (not started). NULL: no memory or limit. */
struct task *task_create(enum task_kind kind, const char *name);
/* Free a block that was never started. */
void task_destroy(struct task *t);
/* The calling task is about to end for good: only the platform calls this. */
void task_retire(struct task *t);
/* Processor part of a fresh task (arch). */
void arch_task_init(struct task *t);
/* Register record of a user task. */
struct regs *task_regs(struct task *t);
/* Start a system task. Returns 0 or -errno. */
int task_start_system(const char *name, void (*entry)(void *), void *arg,
		      struct task **out);
uint32_t task_count(void);
