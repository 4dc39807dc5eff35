/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "test/native/harness.h"
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures;	/* of the test that runs */

void check(long got, long want, const char *what, int line)
{
	if (got == want)
		return;
	printf("# line %d: %s is %ld, not %ld\n", line, what, got, want);
	failures++;
}

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

pid_t child(int (*fn)(uint32_t parent))
{
	uint32_t parent = (uint32_t)mica_self();
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(fn(parent) & 0xff);
	return pid;
}

int result(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) :
	       (int)(int8_t)WEXITSTATUS(status);
}

int run_tests(const char *program, const struct test *tests, size_t n,
	      unsigned int seconds)
{
	int bad = 0;

	alarm(seconds);
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		failures = 0;
		tests[i].fn();
		printf("%s %zu - %s: %s\n", failures ? "not ok" : "ok", i + 1,
		       program, tests[i].name);
		bad += failures;
	}
	return bad != 0;
}
