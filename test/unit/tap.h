/* SPDX-License-Identifier: MIT */
/*
 * Programs of unit tests: their checks and their loop, which prints TAP. Also
 * the host's functions that they call, whose headers do not go with the
 * kernel's.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct unit_test {
	const char *name;
	void (*run)(void);
};

/* Counts a failure of the test that runs. Context: any thread. */
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

/*
 * Run all tests, before() and after() around each (NULL: nothing), whose
 * failures are the test's. What failed earlier counts for the result too.
 * Returns: main()'s result.
 */
int unit_run(const char *program, const struct unit_test *tests, size_t n,
	     void (*before)(void), void (*after)(void));

int printf(const char *fmt, ...);
int pthread_create(unsigned long *t, const void *attr, void *(*fn)(void *),
		   void *arg);
int pthread_join(unsigned long t, void **ret);
int sched_yield(void);
