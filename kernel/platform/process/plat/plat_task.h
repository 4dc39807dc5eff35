/* SPDX-License-Identifier: MIT */
/* Part of struct task: the host thread that carries the task. */
#pragma once
#include "lib/types.h"

struct plat_task {
	uint32_t host_tid;	/* written by the host */
	uint32_t host_tgid;
	uint32_t space;		/* enum plat_space it was started with */
	uint32_t hand_over;	/* word: the old host thread left the stack */
	/* Real-time class (plat_task_schedule), and the host thread's */
	uint32_t want_class, lent_class;	/* atomic */
	uint32_t host_class;
	bool leaving;		/* single step: on the way to the program */
	/* only the task itself: plat_park_spin */
	int32_t spin_debt;	/* > 0: looking has not paid off lately */
	uint32_t spins_missed;
	uint8_t *boot_stack;	/* of the process that took it over */
};

/*
 * The task's block: struct task, the alternate signal stack, the kernel stack.
 * No page of it can be unmapped, since every host process would have to do so;
 * instead the stack pointer is looked at (task_check_stack). A stack that has
 * grown too far meets the alternate stack first, which is idle then.
 */
#define PLAT_ALT_STACK_OFFSET	4096u
#define PLAT_ALT_STACK_SIZE	20480u
#define PLAT_STACK_OFFSET	(PLAT_ALT_STACK_OFFSET + PLAT_ALT_STACK_SIZE)
