/* SPDX-License-Identifier: MIT */
/*
 * Bases of the program's segments. FS is the program's; GS finds the kernel's
 * task and can not be given away.
 */
#pragma once
#include "lib/types.h"

static inline uint64_t arch_get_fs(void)
{
	uint64_t v;

	__asm__ volatile("rdfsbase %0" : "=r"(v));
	return v;
}

static inline void arch_set_fs(uint64_t v)
{
	__asm__ volatile("wrfsbase %0" : : "r"(v));
}

static inline uint64_t arch_get_gs(void)
{
	return 0;
}

/* Returns -EINVAL: not here. */
static inline int arch_set_gs(uint64_t v)
{
	return -EINVAL;
}
