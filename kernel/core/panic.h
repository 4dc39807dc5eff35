/* SPDX-License-Identifier: MIT */
/*
 * Broken promises of the kernel itself: report (task, registers, backtrace
 * with symbols) on the log, then stop the sandbox. Never for hostile input.
 */
#pragma once
#include "lib/types.h"

void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
/* The same for a fault at pc with frame pointer fp: the trace starts there. */
void panic_at(uint64_t pc, uint64_t fp, const char *fmt, ...)
	__printf(3, 4) __noreturn;
void assert_failed(const char *expr, const char *file, int line) __noreturn;
#define assert(e) \
	((e) ? (void)0 : assert_failed(#e, __FILE_NAME__, __LINE__))
/* One line on the log descriptor (debugging, --strace uses its own). */
void klog(const char *fmt, ...) __printf(1, 2);

/* Has a panic been reported (or is being)? Context: any. */
bool is_panicking(void);
