/* SPDX-License-Identifier: MIT */
/*
 * The known race of futexes with an owner: threads hammer one lock whose
 * critical section is nearly empty. If the unlocker looks for waiters and
 * changes the word in two steps, a locker that comes in between sleeps on a
 * free word. They unlock by the call even if nobody waits, which is what makes
 * the window, and meet after a few turns, so that no later unlock helps the
 * sleeper. A stall ends the program with status 1; so does a lock that two have
 * at once. test/unit/linux/pi_race_test.c has the mistake in it, and stalls.
 */
#include "stress.h"
#include <linux/futex.h>
#include <sys/syscall.h>

#define STALL_NS	20000000000ull	/* nobody had the lock for so long */

static uint32_t word;
static volatile uint32_t inside, turns;
static uint32_t met, begun, over;	/* atomic */

static long futex(uint32_t *addr, int op)
{
	return syscall(SYS_futex, addr, op | FUTEX_PRIVATE_FLAG, 0, NULL, NULL,
		       0);
}

static void lock(uint32_t tid)
{
	uint32_t is_free = 0;

	if (__atomic_compare_exchange_n(&word, &is_free, tid, 0,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	must(futex(&word, FUTEX_LOCK_PI) == 0, "FUTEX_LOCK_PI");
}

static void turn(uint32_t tid)
{
	lock(tid);
	if (inside++)
		fail("two have the lock");
	turns++;
	inside--;
	must(futex(&word, FUTEX_UNLOCK_PI) == 0, "FUTEX_UNLOCK_PI");
}

/* Both are here; false: the time is over, which the second one decides. */
static int meet(uint32_t round)
{
	uint32_t n = __atomic_add_fetch(&met, 1, __ATOMIC_SEQ_CST);

	if (n == 2 * (round + 1)) {
		if (time_is_over())
			__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&begun, round + 1, __ATOMIC_SEQ_CST);
	}
	while (__atomic_load_n(&begun, __ATOMIC_SEQ_CST) != round + 1)
		sched_yield();
	return !__atomic_load_n(&over, __ATOMIC_SEQ_CST);
}

static void *hammer(void *arg)
{
	uint32_t tid = gettid();

	(void)arg;
	for (uint32_t round = 0; meet(round); round++)
		for (uint32_t n = round % 4 + 1; n; n--)
			turn(tid);
	return NULL;
}

/* The watcher: ends the program if nobody gets the lock any more. */
static void *watch(void *arg)
{
	uint32_t seen = turns;
	uint64_t since = now_ns();

	(void)arg;
	for (;;) {
		usleep(100000);
		if (turns != seen) {
			seen = turns;
			since = now_ns();
		} else if (now_ns() - since > STALL_NS) {
			fail("stalled after %u turns, word %#x", seen, word);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t, watcher;

	stress_start(argc, argv);
	must(pthread_create(&watcher, NULL, watch, NULL) == 0, "thread");
	must(pthread_create(&t, NULL, hammer, NULL) == 0, "thread");
	hammer(NULL);
	must(pthread_join(t, NULL) == 0, "join");
	if (word)
		fail("word %#x at the end", word);
	rounds = turns;
	return stress_end();
}
