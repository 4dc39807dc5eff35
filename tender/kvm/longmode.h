/* SPDX-License-Identifier: MIT */
/* A virtual processor in 64-bit mode with flat segments. */
#pragma once
#include "abi/machine.h"
#include <linux/kvm.h>
#include <stdint.h>

#define CR0_PE		(1ull << 0)
#define CR0_MP		(1ull << 1)
#define CR0_ET		(1ull << 4)
#define CR0_NE		(1ull << 5)
#define CR0_WP		(1ull << 16)
#define CR0_PG		(1ull << 31)
#define CR4_PAE		(1ull << 5)
#define CR4_OSFXSR	(1ull << 9)
#define CR4_OSXMMEXCPT	(1ull << 10)
#define EFER_SCE	(1ull << 0)
#define EFER_LME	(1ull << 8)
#define EFER_LMA	(1ull << 10)
#define EFER_NXE	(1ull << 11)

struct longmode_start {
	uint64_t rip, rsp, rdi, cr3;
	uint64_t gdt_base;	/* guest virtual; 0: none */
	uint16_t gdt_limit;
};

/*
 * The GDT of ABI_SEL_*: entries for code, data and a task state segment (of
 * two entries, address 0).
 */
#define LONGMODE_GDT_ENTRIES	10u
void longmode_fill_gdt(uint64_t gdt[LONGMODE_GDT_ENTRIES]);
/* Set registers of the vCPU. Returns 0 or -errno. */
int longmode_set(int vcpu_fd, const struct longmode_start *start);
/* A further processor: it begins at once instead of waiting for INIT. */
int longmode_set_runnable(int vcpu_fd);
