/* SPDX-License-Identifier: MIT */
/*
 * The system-call table. kernel/linux/syscalls.tbl is the one list: number,
 * name, handler or "-" (missing), argument kinds. tools/gen-syscalls makes
 * from it <gen/syscalls.h> (a prototype for every handler:
 * `long sys_NAME(uint64_t a, ...)`, one uint64_t for each argument listed,
 * and the kinds as enum syscall_arg), the dispatch table, and docs/syscalls.md. A handler returns a result >= 0
 * or a negative errno; -ERESTART* when a sleep was interrupted.
 */
#pragma once
#include "lib/types.h"

struct regs;
typedef long (*syscall_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
			   uint64_t);

#define NR_SYSCALLS 512u
/* Where the handlers are, from here: half of the size of pointers. 0: missing. */
extern const int32_t syscall_offsets[NR_SYSCALLS];

/* The handler of a number below NR_SYSCALLS; NULL: missing, -ENOSYS and counted. */
static inline syscall_fn syscall_handler(uint64_t nr)
{
	int64_t offset = syscall_offsets[nr];

	return offset ? (syscall_fn)((uint64_t)syscall_offsets + offset) : NULL;
}

/* Linux's name of a call, NULL if it has none; *args: the kinds of its arguments
 * for --strace (enum syscall_arg, 0 at the end). */
const char *syscall_name(uint64_t nr, const char **args);
extern uint64_t syscall_count[NR_SYSCALLS];	/* atomic, relaxed */
extern uint64_t syscall_trapped[NR_SYSCALLS];	/* of them, trapped */

/* From the entry code. */
void syscall_dispatch(struct regs *regs);
