/* SPDX-License-Identifier: MIT */
/* Names of constants for --strace. */
#pragma once
#include <gen/syscalls.h>
#include "lib/types.h"

struct strace_flag {
	const char *name;
	uint32_t value, mask;	/* (v & mask) == value; mask 0: v == value */
};

/* The table of an argument's kind, NULL if it has none. */
const struct strace_flag *strace_flags_of(enum syscall_arg kind);
const char *strace_signal_name(int signo);
const char *strace_errno_name(int err);
