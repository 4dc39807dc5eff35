/* SPDX-License-Identifier: MIT */
/*
 * Locks of the kernel inherit priorities. On one processor a thread of low
 * priority writes to a file, again and again; one of high priority wakes one of
 * middle priority, that spins, and writes to the same file: it waits for the
 * lower one inside the kernel, which the middle one would keep from running.
 * (On Linux itself it may wait: its inodes' locks inherit nothing.)
 */
#include "futex_calls.h"
#include <sched.h>
#include <stdbool.h>

#define LENGTH		(2u << 20)
#define PATIENCE_NS	20000000000ull

static int file;
static uint32_t turn;		/* the middle one spins in it */
static uint32_t turn_over;	/* the high one has written in it */

static bool become(int priority)
{
	struct sched_param p = { .sched_priority = priority };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	must(!sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
	return !sched_setscheduler(0, SCHED_FIFO, &p);
}

static void *low(void *unused)
{
	char *text = calloc(1, LENGTH);

	(void)unused;
	must(text && become(2), "low priority");
	while (!time_is_over())
		must(pwrite(file, text, LENGTH, 0) == LENGTH, "write");
	free(text);
	return NULL;
}

static void *middle(void *unused)
{
	(void)unused;
	must(become(5), "middle priority");
	for (uint32_t seen = 0; !time_is_over(); seen = load(&turn)) {
		uint64_t end = now_ns() + PATIENCE_NS;

		while (load(&turn_over) != load(&turn))
			if (now_ns() > end)
				fail("the high one waits for the low one");
		futex(&turn, WAIT, seen, NULL, NULL, 0);
	}
	return NULL;
}

static void *high(void *unused)
{
	(void)unused;
	must(become(10), "high priority");
	do {
		struct timespec ts = { 0, 1000000 + (now_ns() & 0xfffff) };

		must(!nanosleep(&ts, NULL), "nanosleep");
		__atomic_fetch_add(&turn, 1, __ATOMIC_SEQ_CST);
		futex(&turn, WAKE, 1, NULL, NULL, 0);
		must(pwrite(file, "", 1, 0) == 1, "write");
		__atomic_store_n(&turn_over, turn, __ATOMIC_SEQ_CST);
		atomic_fetch_add(&rounds, 1);
	} while (!time_is_over());
	__atomic_fetch_add(&turn_over, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&turn, 1, __ATOMIC_SEQ_CST);
	futex(&turn, WAKE, 1, NULL, NULL, 0);
	return NULL;
}

int main(int argc, char **argv)
{
	static void *(*const fns[])(void *) = { high, middle, low };
	pthread_t threads[3];

	stress_start(argc, argv);
	file = memfd_create("inversion", 0);
	must(file >= 0, "memfd_create");
	if (!become(20)) {
		printf("no right to real-time priorities\n");
		return 0;
	}
	for (int i = 0; i < 3; i++)
		must(!pthread_create(&threads[i], NULL, fns[i], NULL),
		     "pthread_create");
	for (int i = 0; i < 3; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	return stress_end();
}
