/* SPDX-License-Identifier: MIT */
/*
 * launch COUNT PROGRAM [ARG...]: start PROGRAM COUNT times, one after the
 * other, and print "median minimum" in nanoseconds from vfork to the end of
 * waiting. Fails if the program does.
 */
#include "bench.h"
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static double launch_once(char **argv)
{
	uint64_t start = now_ns();
	int status;
	pid_t pid;

	must(!posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ), argv[0]);
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	if (status != 0) {
		fprintf(stderr, "%s: status 0x%x\n", argv[0], status);
		exit(1);
	}
	return (double)(now_ns() - start);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[1]) : 0;
	double *times;

	if (count < 1) {
		fprintf(stderr, "usage: launch COUNT PROGRAM [ARG...]\n");
		return 2;
	}
	times = calloc(count, sizeof(*times));
	must(times != NULL, "calloc");
	for (int i = 0; i < count; i++)
		times[i] = launch_once(argv + 2);
	qsort(times, count, sizeof(*times), bench_compare);
	printf("%.0f %.0f\n", times[count / 2], times[0]);
	return 0;
}
