/* SPDX-License-Identifier: MIT */
/* What the tests of the native interface share: checks, children, TAP. */
#pragma once
#include "native/mica.h"
#include <stddef.h>
#include <sys/types.h>

#define MS		1000000ll	/* ns */

#define CHECK_EQ(a, b) check((long)(a), (long)(b), #a, __LINE__)
/* Says what is not as wanted; the test has failed then. */
void check(long got, long want, const char *what, int line);

int64_t now_ns(void);
/* A child that runs fn(parent's id) and exits with its result. */
pid_t child(int (*fn)(uint32_t parent));
/* Waits for a child: its exit status, 1000 + the signal that ended it, or -1. */
int result(pid_t pid);

struct test {
	const char *name;
	void (*fn)(void);
};

/* Runs all, for `seconds` at most. Returns main()'s result. */
int run_tests(const char *program, const struct test *tests, size_t n,
	      unsigned int seconds);
