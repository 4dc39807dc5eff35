/* SPDX-License-Identifier: MIT */
/* Part of struct task: the host thread that carries the task. */
#pragma once
#include "lib/types.h"

struct plat_task {
	uint32_t host_tid;	/* written by the host */
	uint32_t host_tgid;
	uint32_t space;		/* enum plat_space it was started with */
	uint32_t hand_over;	/* word: the old host thread left the stack */
	uint8_t *boot_stack;	/* of the process that took it over */
};
