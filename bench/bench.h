/* SPDX-License-Identifier: MIT */
/*
 * What all micro benchmarks share: a clock, a table of named measurements and
 * a main loop. A measurement performs `n` operations; bench_main() finds an n
 * that takes about BATCH_NS, runs BATCHES batches and prints the median as
 * "name ns_per_op", one line per measurement.
 */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCHES		7
#define BATCH_NS	10000000ull
#define MAX_OPS		(1ull << 28)

struct bench {
	const char *name;
	void (*run)(uint64_t n);	/* performs n operations */
	void (*setup)(void);		/* or NULL; not measured */
};

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Ends the program with the name of what failed: no figure without its work. */
static inline void must(int good, const char *what)
{
	if (!good) {
		perror(what);
		exit(1);
	}
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static inline double bench_batch(const struct bench *b, uint64_t n)
{
	uint64_t start = now_ns();

	b->run(n);
	return (double)(now_ns() - start);
}

static inline void bench_one(const struct bench *b)
{
	double results[BATCHES], took;
	uint64_t n = 1;

	if (b->setup)
		b->setup();
	while ((took = bench_batch(b, n)) < BATCH_NS / 4 && n < MAX_OPS)
		n *= 2;
	n = n * (BATCH_NS / (took + 1));
	n = n ? n : 1;
	for (int i = 0; i < BATCHES; i++)
		results[i] = bench_batch(b, n) / n;
	qsort(results, BATCHES, sizeof(results[0]), bench_compare);
	printf("%s %.2f\n", b->name, results[BATCHES / 2]);
	fflush(stdout);
}

/* Runs those named in argv, or all. */
static inline int bench_main(const struct bench *table, size_t count, int argc,
			     char **argv)
{
	int ran = 0;

	for (size_t i = 0; i < count; i++) {
		int wanted = argc < 2;

		for (int a = 1; a < argc; a++)
			wanted |= !strcmp(argv[a], table[i].name);
		if (wanted)
			bench_one(&table[i]);
		ran += wanted;
	}
	return ran ? 0 : 2;
}
