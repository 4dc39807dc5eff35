/* SPDX-License-Identifier: MIT */
/*
 * What surrounds an access to program memory: SMAP forbids the kernel to touch
 * it except between these two (the flag AC), so a stray pointer faults.
 */
#pragma once
#include "lib/types.h"

extern bool plat_has_smap;	/* set once, before the first program */

static inline void plat_user_begin(void)
{
	if (plat_has_smap)
		__asm__ volatile("stac" : : : "memory");
}

static inline void plat_user_end(void)
{
	if (plat_has_smap)
		__asm__ volatile("clac" : : : "memory");
}
