/* SPDX-License-Identifier: MIT */
/* The pretend core's switches, and the checks of the tests. */
#pragma once
#include "lib/types.h"

extern int fake_interrupt;	/* sleeps end with -EINTR */
extern uint64_t fake_pages_used;

struct fs_test {
	const char *name;
	void (*run)(void);
};

void check_failed(const char *expr, const char *file, int line, long got);
#define CHECK(e) \
	do { \
		if (!(e)) \
			check_failed(#e, __FILE_NAME__, __LINE__, 0); \
	} while (0)
#define CHECK_EQ(a, b) \
	do { \
		long a_ = (long)(a); \
		if (a_ != (long)(b)) \
			check_failed(#a " == " #b, __FILE_NAME__, __LINE__, \
				     a_); \
	} while (0)
