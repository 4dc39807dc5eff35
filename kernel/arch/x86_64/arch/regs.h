/* SPDX-License-Identifier: MIT */
/*
 * The register record of a user task, at a fixed place under the top of its
 * kernel stack. Every way into the kernel fills the same record.
 */
#pragma once
#include "lib/types.h"

struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax;	/* system call number, -1 if none */
	uint64_t rip, rflags, rsp;
	uint64_t fs_base;	/* saved only by the slow paths */
};
_Static_assert(sizeof(struct regs) == 160, "entry.S knows this layout");
