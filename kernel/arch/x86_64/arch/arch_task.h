/* SPDX-License-Identifier: MIT */
/*
 * Processor part of struct task, addressed by the entry code through %gs.
 * The offsets are in entry.S; the assertions below keep them true.
 */
#pragma once
#include "lib/types.h"
#include "plat/plat_task.h"

struct task;

enum arch_fault_kind { ARCH_FAULT_NONE, ARCH_FAULT_SIGNAL };

/* A fault of the program, as the processor reported it. */
struct arch_fault {
	uint32_t signo, code;	/* Linux signal number and si_code */
	uint64_t addr;		/* si_addr */
	uint64_t trapno, error;	/* for the signal frame */
};

struct arch_task {
	uint64_t self;		/* 0: this structure's own address */
	uint64_t kernel_sp;	/* 8: top of the kernel stack = end of regs */
	uint64_t user_sp;	/* 16: scratch while entering */
	uint64_t entry_fast;	/* 24: where trampolines jump */
	uint64_t resume;	/* 32: scratch while leaving */
	uint32_t work;		/* 40: enum task_work; atomic */
	uint32_t busy;		/* 44: 1 while the block is in use; 0 by exit */
	uint64_t reserved;	/* 48 */
	uint64_t patched_calls;	/* 56: counters of --stats */
	uint64_t trapped_calls;	/* 64 */
	struct arch_fault fault;	/* 72 */
	struct plat_task plat;
};
_Static_assert(offsetof(struct arch_task, work) == 40, "entry.S");

/* See current_task. One instruction: right even if we move to another CPU. */
static inline __attribute__((const)) struct task *arch_current_task(void)
{
	struct task *t;

	__asm__("mov %%gs:0, %0" : "=r"(t));
	return t;
}
_Static_assert(offsetof(struct arch_task, busy) == 44, "entry.S");
_Static_assert(offsetof(struct arch_task, trapped_calls) == 64, "entry.S");
