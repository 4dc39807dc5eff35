/* SPDX-License-Identifier: MIT */
/*
 * Bases of the program's segments FS and GS. They are live in the processor
 * while the task runs, also in the kernel: the program's GS base is then in
 * the MSR that swapgs exchanges.
 */
#pragma once
#include "lib/types.h"

#define MSR_FS_BASE		0xc0000100u
#define MSR_GS_BASE		0xc0000101u
#define MSR_KERNEL_GS_BASE	0xc0000102u

extern bool plat_has_fsgsbase;	/* set once, before the first program */

static inline uint64_t segment_msr_read(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void segment_msr_write(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 : : "c"(msr), "a"((uint32_t)v),
			     "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t arch_get_fs(void)
{
	uint64_t v;

	if (!plat_has_fsgsbase)
		return segment_msr_read(MSR_FS_BASE);
	__asm__ volatile("rdfsbase %0" : "=r"(v));
	return v;
}

static inline void arch_set_fs(uint64_t v)
{
	if (plat_has_fsgsbase)
		__asm__ volatile("wrfsbase %0" : : "r"(v));
	else
		segment_msr_write(MSR_FS_BASE, v);
}

static inline uint64_t arch_get_gs(void)
{
	return segment_msr_read(MSR_KERNEL_GS_BASE);
}

/* Returns 0; the program may use GS here. */
static inline int arch_set_gs(uint64_t v)
{
	segment_msr_write(MSR_KERNEL_GS_BASE, v);
	return 0;
}
