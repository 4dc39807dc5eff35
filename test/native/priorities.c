/* SPDX-License-Identifier: MIT */
/*
 * Priorities and messages: a server has its best caller's, all along a chain of
 * calls, and the best sender is served first. Prints TAP.
 */
#define _GNU_SOURCE
#include "test/native/harness.h"
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECONDS_MAX	20

static struct {
	uint32_t first, second;	/* ids of a chain of servers */
	uint32_t over;		/* the answer is here */
	uint32_t ready;
} *shown;

/* On one processor with all others; 0: fair. */
static int become(int priority)
{
	struct sched_param p = { .sched_priority = priority };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return -1;
	return sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &p);
}

static void wait_for(uint32_t *word, uint32_t value)
{
	int64_t end = now_ns() + SECONDS_MAX * 1000 * MS;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value &&
	       now_ns() < end)
		usleep(1000);
}

static int last_server(uint32_t parent)
{
	struct mica_msg m;

	become(0);
	__atomic_store_n(&shown->second, (uint32_t)mica_self(),
			 __ATOMIC_RELEASE);
	for (int err = mica_receive(&m, NULL, MICA_FOREVER); !err;
	     err = mica_reply_receive(m.from, &m, NULL, MICA_FOREVER))
		m.word[0]++;
	return 1;
}

/* Asks the last one before it answers. */
static int middle_server(uint32_t parent)
{
	struct mica_msg m, ask = { 0 };

	become(0);
	wait_for(&shown->second, 1);
	__atomic_store_n(&shown->first, (uint32_t)mica_self(),
			 __ATOMIC_RELEASE);
	for (int err = mica_receive(&m, NULL, MICA_FOREVER); !err;
	     err = mica_reply_receive(m.from, &m, NULL, MICA_FOREVER)) {
		mica_call(shown->second, &ask, NULL, MICA_FOREVER);
		m.word[0] = ask.word[0];
	}
	return 1;
}

/* Leaves the processor to nobody below it until the answer is here. */
static int hog(uint32_t parent)
{
	int64_t end = now_ns() + SECONDS_MAX * 1000 * MS;

	become(5);
	__atomic_fetch_add(&shown->ready, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&shown->over, __ATOMIC_ACQUIRE))
		if (now_ns() > end)
			return 1;
	return 0;
}

/* A caller of priority 10 is served by fair servers while one of 5 spins. */
static void inheritance(void)
{
	struct mica_msg m = { 0 };
	pid_t pids[3];

	if (become(10)) {
		printf("# no real-time priorities here\n");
		return;
	}
	shown = mmap(NULL, sizeof(*shown), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pids[0] = child(last_server);
	pids[1] = child(middle_server);
	wait_for(&shown->first, 1);
	pids[2] = child(hog);
	wait_for(&shown->ready, 1);
	for (int i = 1; i <= 3; i++) {
		CHECK_EQ(mica_call(shown->first, &m, NULL, 5000 * MS), 0);
		CHECK_EQ(m.word[0], i);
	}
	__atomic_store_n(&shown->over, 1, __ATOMIC_RELEASE);
	CHECK_EQ(result(pids[2]), 0);
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		result(pids[i]);
	}
	become(0);
}

static int client(uint32_t server)
{
	uint32_t number = __atomic_fetch_add(&shown->ready, 1,
					     __ATOMIC_ACQ_REL);
	struct mica_msg m = { .type = number };

	become(number == 1 ? 20 : number == 2 ? 10 : 0);
	return mica_call(server, &m, NULL, 5000 * MS) || m.word[0] != 7;
}

/* Senders are served by their priorities, not by arrival. */
static void best_first(void)
{
	uint32_t want[3] = { 1, 2, 0 };
	struct mica_msg m;
	pid_t pids[3];

	if (become(30)) {
		printf("# no real-time priorities here\n");
		return;
	}
	shown->ready = 0;
	for (uint32_t i = 0; i < 3; i++) {
		pids[i] = child(client);
		wait_for(&shown->ready, i + 1);
		usleep(20000);	/* until it waits; later is only weaker */
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(mica_receive(&m, NULL, 5000 * MS), 0);
		CHECK_EQ(m.type, want[i]);
		m.word[0] = 7;
		CHECK_EQ(mica_reply(m.from, &m, NULL), 0);
	}
	for (int i = 0; i < 3; i++)
		CHECK_EQ(result(pids[i]), 0);
	become(0);
}

int main(void)
{
	static const struct test tests[] = {
		{ "inheritance", inheritance }, { "best first", best_first },
	};

	return run_tests("priorities", tests, sizeof(tests) / sizeof(*tests),
			 60);
}
