/* SPDX-License-Identifier: MIT */
/*
 * Part of struct task: what the scheduler and the switch need. The state goes
 * RUNNING -> SLEEPING by the task itself, SLEEPING -> READY by whoever wakes
 * it, READY -> RUNNING by the CPU that takes it from a run queue.
 */
#pragma once
#include "lib/types.h"
#include "platform/kvm/sched_entity.h"

struct space;

enum run_state { RUN_NEW, RUN_READY, RUN_RUNNING, RUN_SLEEPING, RUN_DEAD };

struct plat_task {
	uint64_t sp;		/* kernel stack pointer while switched out */
	uint64_t fs_base, gs_base;	/* the program's, while switched out */
	struct space *space;	/* NULL: system task; changed by itself only */
	struct sched_entity sched;
	uint64_t promised;	/* task.c: processor time by its deadline */
	/* atomic */
	uint32_t state;		/* enum run_state */
	uint32_t on_cpu;	/* its stack is in use by a CPU */
	uint32_t cpu;		/* where it runs or ran last */
	uint32_t fpu_cpu;	/* whose registers hold its state, plus 1 */
	uint64_t cpu_ns;	/* processor time up to the last switch */
};

/*
 * The task's block: page 0 holds struct task and, from here on, the image of
 * its vector state; page 1 is unmapped, so that a stack that grows too far
 * faults instead of overwriting them.
 */
#define PLAT_FPU_OFFSET		1024u
#define PLAT_FPU_SIZE		3072u
#define PLAT_GUARD_OFFSET	4096u
