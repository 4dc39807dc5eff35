/* SPDX-License-Identifier: MIT */
/*
 * What the stress programs share. A program is given SECONDS and, if wanted, a
 * number of THREADS, does one kind of thing with all processors for that time,
 * checks every result, and prints how often. Exit status 0: nothing was wrong.
 * The first wrong thing is printed and ends the program with status 1.
 */
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096
#define MAX_THREADS	64

static double seconds_wanted = 2;
static long nr_threads = 4;
static uint64_t end_ns;
static atomic_ulong rounds;

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static inline int time_is_over(void)
{
	return now_ns() >= end_ns;
}

/* Prints what is wrong and ends the whole program. */
__attribute__((noreturn, format(printf, 1, 2)))
static inline void fail(const char *format, ...)
{
	char text[256];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	n = n < (int)sizeof(text) - 1 ? n : (int)sizeof(text) - 2;
	text[n] = '\n';
	if (write(1, text, n + 1) < 0)
		_exit(2);
	_exit(1);
}

static inline void must(int good, const char *what)
{
	if (!good)
		fail("%s: %s", what, strerror(errno));
}

/* xorshift; *state must not be 0. */
static inline uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Waits for a child, which must end with status 0. */
static inline void await(pid_t pid)
{
	int status;
	pid_t got;

	must(pid > 0, "fork");
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	must(got == pid, "waitpid");
	if (status)
		fail("a child ended with wait status 0x%x", status);
}

/* Runs fn(number) in nr_threads threads until all return. */
static inline void run_threads(void *(*fn)(void *))
{
	pthread_t threads[MAX_THREADS];

	for (long i = 0; i < nr_threads; i++) {
		errno = pthread_create(&threads[i], NULL, fn, (void *)i);
		must(!errno, "pthread_create");
	}
	for (long i = 0; i < nr_threads; i++) {
		errno = pthread_join(threads[i], NULL);
		must(!errno, "pthread_join");
	}
}

static inline void stress_start(int argc, char **argv)
{
	if (argc > 1)
		seconds_wanted = atof(argv[1]);
	if (argc > 2)
		nr_threads = atol(argv[2]);
	if (nr_threads < 1 || nr_threads > MAX_THREADS)
		fail("threads: 1 to %d", MAX_THREADS);
	end_ns = now_ns() + (uint64_t)(seconds_wanted * 1e9);
}

static inline int stress_end(void)
{
	printf("%lu rounds\n", atomic_load(&rounds));
	return atomic_load(&rounds) == 0;
}
