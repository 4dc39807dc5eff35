/* SPDX-License-Identifier: MIT */
/*
 * What the families of long fixed sequences share: numbers that look like random
 * ones, and a sum of all that the calls gave.
 */
#pragma once
#include "harness.h"

#include <stdarg.h>

#define SUM_START	14695981039346656037ull
#define SUM_STEP	1099511628211ull

static uint64_t state, sum = SUM_START;
static bool traces;		/* show each call */

static inline uint32_t rnd(uint32_t n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % n;
}

static inline void add(uint64_t x)
{
	sum = (sum ^ x) * SUM_STEP;
}

static inline void add_bytes(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(((const unsigned char *)p)[i]);
}

/* One call and its result. */
static inline void done(long r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static inline void done(long r, const char *fmt, ...)
{
	int err = r == -1 ? errno : 0;

	add((uint64_t)r);
	add((uint64_t)err);
	if (traces) {
		char line[300];
		va_list ap;

		va_start(ap, fmt);
		vsnprintf(line, sizeof(line), fmt, ap);
		va_end(ap);
		say("%s = %ld %s", line, r, err ? err_name(err) : "");
	}
}
