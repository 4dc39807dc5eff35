/* SPDX-License-Identifier: MIT */
/*
 * Cancellation of threads.
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, fn, arg));
	return t;
}

static void *join(pthread_t t)
{
	void *r = NULL;

	must0(pthread_join(t, &r));
	return r;
}

static void clean(void *arg)
{
	say("cleanup %ld", (long)arg);
}

static void *cancel_me(void *arg)
{
	pthread_cleanup_push(clean, (void *)1);
	pthread_cleanup_push(clean, (void *)2);
	*(volatile int *)arg = 1;
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}

TEST(cancel_in_call)
{
	volatile int up = 0;
	pthread_t t = start(cancel_me, (void *)&up);

	while (!up)
		sched_yield();
	sleep_ms(20);
	must0(pthread_cancel(t));
	fact(join(t) == PTHREAD_CANCELED);
}

static volatile int is_cancelled;

static void *cancel_later(void *arg)
{
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	*(volatile int *)arg = 1;
	while (!is_cancelled)
		sched_yield();
	say("not yet");
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
	pthread_testcancel();
	say("not reached");
	return NULL;
}

TEST(cancel_disabled)
{
	volatile int up = 0;
	pthread_t t = start(cancel_later, (void *)&up);

	while (!up)
		sched_yield();
	must0(pthread_cancel(t));
	is_cancelled = 1;
	fact(join(t) == PTHREAD_CANCELED);
}

static void *cancel_spinning(void *arg)
{
	int old;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	for (*(volatile int *)arg = 1;;)
		;
	return NULL;
}

TEST(cancel_asynchronous)
{
	volatile int up = 0;
	pthread_t t = start(cancel_spinning, (void *)&up);

	while (!up)
		sched_yield();
	must0(pthread_cancel(t));
	fact(join(t) == PTHREAD_CANCELED);
}
