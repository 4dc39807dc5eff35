/* SPDX-License-Identifier: MIT */
/*
 * The system-call table. kernel/linux/syscalls.tbl is the one list: number,
 * name, handler or "-" (missing), argument kinds. tools/gen-syscalls makes
 * from it <gen/syscalls.h> (a prototype for every handler:
 * `long sys_NAME(uint64_t a, ...)`, one uint64_t for each argument listed),
 * the dispatch table, and docs/syscalls.md. A handler returns a result >= 0
 * or a negative errno; -ERESTART* when a sleep was interrupted.
 */
#pragma once
#include "lib/types.h"

struct regs;
typedef long (*syscall_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
			   uint64_t);

struct syscall_info {
	const char *name;
	syscall_fn fn;		/* NULL: missing, -ENOSYS and counted */
	uint8_t nr_args;
	const char *args;	/* kinds for --strace, e.g. "fd,path,oflags" */
};

#define NR_SYSCALLS 512u
extern const struct syscall_info syscall_table[NR_SYSCALLS];
extern uint64_t syscall_count[NR_SYSCALLS];	/* atomic, relaxed */
extern uint64_t syscall_trapped[NR_SYSCALLS];	/* of them, trapped */

/* From the entry code. */
void syscall_dispatch(struct regs *regs);
