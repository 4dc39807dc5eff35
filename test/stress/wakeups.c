/* SPDX-License-Identifier: MIT */
/*
 * Sleeping and waking across processors: rings of processes that pass a token
 * by pipes, threads that sleep for random short times (never less than asked),
 * and poll with time limits. A lost wake-up shows as a token that stays away:
 * the ring then ends with a message.
 */
#include "stress.h"
#include <poll.h>
#include <sched.h>

#define RING		4
#define TOKEN_MS	20000	/* far more than any machine needs */

static void move_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Passes each token on, plus one; 0 ends it. */
static void ring_member(int in, int out, int number)
{
	uint32_t token, state = number + 1;

	for (;;) {
		struct pollfd wait = { in, POLLIN, 0 };

		if (poll(&wait, 1, TOKEN_MS) != 1)
			fail("member %d: no token within %d ms", number,
			     TOKEN_MS);
		must(read(in, &token, 4) == 4, "read");
		if (random_next(&state) % 64 == 0)
			move_to(state >> 8);
		token += token != 0;
		must(write(out, &token, 4) == 4, "write");
		if (!token)
			_exit(0);
	}
}

static void run_ring(void)
{
	int pipes[RING + 1][2];
	pid_t pids[RING];
	uint32_t token = 1;

	for (int i = 0; i <= RING; i++)
		must(!pipe(pipes[i]), "pipe");
	for (int i = 0; i < RING; i++) {
		pids[i] = fork();
		if (!pids[i])
			ring_member(pipes[i][0], pipes[i + 1][1], i);
	}
	for (int turn = 0; turn < 200 && token; turn++) {
		struct pollfd wait = { pipes[RING][0], POLLIN, 0 };
		uint32_t sent = turn == 199 ? 0 : token, got;

		must(write(pipes[0][1], &sent, 4) == 4, "write");
		if (poll(&wait, 1, TOKEN_MS) != 1)
			fail("no token within %d ms", TOKEN_MS);
		must(read(pipes[RING][0], &got, 4) == 4, "read");
		if (got != (sent ? sent + RING : 0))
			fail("token %u came back as %u", sent, got);
		token = got;
	}
	for (int i = 0; i < RING; i++)
		await(pids[i]);
	for (int i = 0; i <= RING; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

/* Never less than asked for. */
static void sleep_a_little(uint32_t random)
{
	struct timespec ts = { 0, random % 3000000 };
	uint64_t before = now_ns(), took;

	must(!nanosleep(&ts, NULL), "nanosleep");
	took = now_ns() - before;
	if (took < (uint64_t)ts.tv_nsec)
		fail("slept %lu ns instead of %ld", (unsigned long)took,
		     ts.tv_nsec);
}

static uint64_t read_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Never before the time that was named, very near ones included. */
static void sleep_until(clockid_t clock, uint32_t random)
{
	uint64_t at = read_ns(clock) + random % (random % 2 ? 20000 : 2000000);
	struct timespec ts = { at / 1000000000, at % 1000000000 };
	uint64_t now;

	errno = clock_nanosleep(clock, TIMER_ABSTIME, &ts, NULL);
	must(!errno, "clock_nanosleep");
	now = read_ns(clock);
	if (now < at)
		fail("clock %d: awake %lu ns too early", (int)clock,
		     (unsigned long)(at - now));
}

static void *work(void *arg)
{
	uint32_t state = (uintptr_t)arg * 5 + 1;

	do {
		if ((uintptr_t)arg % 2) {
			sleep_a_little(random_next(&state));
			for (int i = 0; i < 20; i++)
				sleep_until(i % 2 ? CLOCK_MONOTONIC :
					    CLOCK_REALTIME,
					    random_next(&state));
		} else {
			run_ring();
		}
		atomic_fetch_add(&rounds, 1);
	} while (!time_is_over());
	return NULL;
}

int main(int argc, char **argv)
{
	stress_start(argc, argv);
	run_threads(work);
	return stress_end();
}
