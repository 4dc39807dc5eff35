/* SPDX-License-Identifier: MIT */
#include "test/unit/tap.h"

static uint32_t failures;	/* atomic; since the last test */

void check_failed(const char *expr, const char *file, int line, long got)
{
	printf("# %s:%d: %s (got %ld)\n", file, line, expr, got);
	__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
}

static uint32_t take_failures(void)
{
	return __atomic_exchange_n(&failures, 0, __ATOMIC_RELAXED);
}

int unit_run(const char *program, const struct unit_test *tests, size_t n,
	     void (*before)(void), void (*after)(void))
{
	uint32_t all = take_failures();

	printf("1..%lu\n", n);
	for (size_t i = 0; i < n; i++) {
		uint32_t failed;

		if (before)
			before();
		tests[i].run();
		if (after)
			after();
		failed = take_failures();
		printf("%s %lu - %s: %s\n", failed ? "not ok" : "ok", i + 1,
		       program, tests[i].name);
		all += failed;
	}
	return all != 0;
}
