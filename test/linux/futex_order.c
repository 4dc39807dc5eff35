/* SPDX-License-Identifier: MIT */
/*
 * Who is woken first of those that wait for one word, also where it was not
 * they that chose it: real-time classes by priority, the others by arrival.
 */
#include "futex_help.h"

static uint32_t word, word2;
static int tids[8];

static const struct {
	int policy, priority;
} classes[] = {
	{ SCHED_OTHER, 0 }, { SCHED_FIFO, 10 }, { SCHED_RR, 40 },
	{ SCHED_BATCH, 0 }, { SCHED_FIFO, 40 }, { SCHED_FIFO, 99 },
	{ SCHED_OTHER, 0 },
};
#define NR_CLASSES	(int)(sizeof(classes) / sizeof(classes[0]))

static volatile int last_woken;

static long wait_as(void *arg)
{
	int i = (int)(intptr_t)arg;
	struct sched_param p = { .sched_priority = classes[i].priority };
	long r;

	if (sched_setscheduler(0, classes[i].policy, &p))
		last_woken = -2;
	r = futex(&word, F_WAIT | F_PRIVATE, 0, NULL, NULL, 0);
	__atomic_store_n(&last_woken, i, __ATOMIC_RELEASE);
	return r;
}

/* By priority those of real-time classes, then the others; by arrival. */
static void show_order(int requeued)
{
	struct sleeper s[NR_CLASSES];
	pthread_t t[NR_CLASSES];
	uint32_t *at = requeued ? &word2 : &word;

	for (intptr_t i = 0; i < NR_CLASSES; i++)
		t[i] = sleeps(&s[i], wait_as, (void *)i, &tids[i]);
	if (last_woken == -2)
		say("no classes");
	if (requeued)
		show(futex(&word, F_CMP_REQUEUE | F_PRIVATE, 0, (void *)100l,
			   &word2, 0));
	for (int i = 0; i < NR_CLASSES; i++) {
		last_woken = -1;
		show(futex(at, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0));
		while (__atomic_load_n(&last_woken, __ATOMIC_ACQUIRE) == -1)
			usleep(1000);
		show(last_woken);
	}
	for (int i = 0; i < NR_CLASSES; i++)
		join(t[i]);
}

static void need_rt(void)
{
	struct sched_param p = { .sched_priority = 1 }, none = { 0 };

	if (sched_setscheduler(0, SCHED_FIFO, &p))
		skip("no real-time classes");
	sched_setscheduler(0, SCHED_OTHER, &none);
}

TEST(woken_by_priority)
{
	need_rt();
	show_order(0);
}

TEST(woken_by_priority_requeued)
{
	need_rt();
	show_order(1);
}
