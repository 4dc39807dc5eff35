/* SPDX-License-Identifier: MIT */
/*
 * Priority inheritance: who runs when a task of a low priority holds what one
 * of a high priority waits for, and one in between never stops. All on one
 * processor, so the order in which they end tells. Where the host grants no
 * real-time classes, both sides skip that; cycles of locks are found anyway.
 */
#include "futex_help.h"
#include "sched_help.h"

#define NR_ACTORS 8

static char order[2 * NR_ACTORS + 1];	/* who was done, one letter each */
static uint32_t words[NR_ACTORS];
static volatile int release, holding;
static pthread_t threads[NR_ACTORS];
static int tids[NR_ACTORS];

static long futex_own(void *addr, int op, uint32_t val, const void *timeout,
		      void *addr2, uint32_t val3)
{
	return futex(addr, op | F_PRIVATE, val, timeout, addr2, val3);
}

static void done(char who)
{
	size_t n = strlen(order);

	order[n] = who;
}

/* The test itself is above all others. */
static void direct(void)
{
	one_processor();
	if (set(SCHED_FIFO, 50))
		skip("no real-time classes");
}

static void *hog(void *arg)
{
	struct timespec t, now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - t.tv_sec) * 1000 +
		 (now.tv_nsec - t.tv_nsec) / 1000000 < 100);
	done('m');
	return NULL;
}

static void start_actor(int i, int priority, void *(*fn)(void *), void *arg)
{
	struct sched_param p = { .sched_priority = priority };
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	if (priority) {
		pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
		pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
		pthread_attr_setschedparam(&attr, &p);
	}
	must0(pthread_create(&threads[i], &attr, fn, arg));
	sleep_ms(30);
}

static void finish(int n)
{
	for (int i = 0; i < n; i++)
		must0(pthread_join(threads[i], NULL));
	say("%s", order);
}

/* --- the C library's mutexes ---------------------------------------------------*/
static pthread_mutex_t locks[2];

static void make(pthread_mutex_t *m, int protocol)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	must0(pthread_mutexattr_setprotocol(&a, protocol));
	must0(pthread_mutex_init(m, &a));
}

static void *low(void *arg)
{
	pthread_mutex_lock(&locks[0]);
	holding = 1;
	while (!release)
		sleep_ms(2);
	pthread_mutex_unlock(&locks[0]);
	done('l');
	return NULL;
}

static void *high(void *arg)
{
	pthread_mutex_lock(&locks[0]);
	done('h');
	pthread_mutex_unlock(&locks[0]);
	return NULL;
}

static void *middle_of_chain(void *arg)
{
	pthread_mutex_lock(&locks[1]);
	pthread_mutex_lock(&locks[0]);
	pthread_mutex_unlock(&locks[0]);
	pthread_mutex_unlock(&locks[1]);
	done('c');
	return NULL;
}

static void *high_of_chain(void *arg)
{
	pthread_mutex_lock(&locks[1]);
	done('h');
	pthread_mutex_unlock(&locks[1]);
	return NULL;
}

static void inversion(int protocol)
{
	direct();
	make(&locks[0], protocol);
	start_actor(0, 1, low, NULL);
	show(holding);
	start_actor(1, 5, high, NULL);
	start_actor(2, 3, hog, NULL);
	release = 1;
	finish(3);
}

TEST(high_gets_the_lock)
{
	inversion(PTHREAD_PRIO_INHERIT);
}

TEST(plain_locks_invert)
{
	inversion(PTHREAD_PRIO_NONE);
}

TEST(through_a_chain)
{
	direct();
	make(&locks[0], PTHREAD_PRIO_INHERIT);
	make(&locks[1], PTHREAD_PRIO_INHERIT);
	start_actor(0, 1, low, NULL);
	start_actor(1, 2, middle_of_chain, NULL);
	start_actor(2, 5, high_of_chain, NULL);
	start_actor(3, 3, hog, NULL);
	release = 1;
	finish(4);
}

/* A fair task holds the lock. */
TEST(fair_owner)
{
	direct();
	make(&locks[0], PTHREAD_PRIO_INHERIT);
	set(SCHED_OTHER, 0);
	start_actor(0, 0, low, NULL);
	set(SCHED_FIFO, 50);
	start_actor(1, 5, high, NULL);
	start_actor(2, 3, hog, NULL);
	release = 1;
	finish(3);
}

/* The waiter becomes better while it waits. */
TEST(raised_while_it_waits)
{
	struct sched_param p = { .sched_priority = 5 };

	direct();
	make(&locks[0], PTHREAD_PRIO_INHERIT);
	start_actor(0, 2, low, NULL);
	start_actor(1, 1, high, NULL);
	show(pthread_setschedparam(threads[0], SCHED_FIFO,
				   &(struct sched_param){
				   .sched_priority = 1 }));
	show(pthread_setschedparam(threads[1], SCHED_FIFO, &p));
	start_actor(2, 3, hog, NULL);
	release = 1;
	finish(3);
}

/* --- the calls themselves ---------------------------------------------------------*/
static void *high_for_a_while(void *arg)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 50000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	show(pthread_mutex_timedlock(&locks[0], &t));
	done('h');
	return NULL;
}

/* Its time is over: the owner is what it was. */
TEST(given_back_after_a_timeout)
{
	direct();
	make(&locks[0], PTHREAD_PRIO_INHERIT);
	start_actor(0, 1, low, NULL);
	start_actor(1, 5, high_for_a_while, NULL);
	must0(pthread_join(threads[1], NULL));
	start_actor(1, 3, hog, NULL);
	release = 1;
	finish(2);
}

static void *waiter(void *arg)
{
	char who = (char)(uintptr_t)arg;

	must(futex_own(&words[0], F_LOCK_PI, 0, NULL, NULL, 0));
	done(who);
	must(futex_own(&words[0], F_UNLOCK_PI, 0, NULL, NULL, 0));
	return NULL;
}

/* They are served by priority, equals by arrival. */
TEST(order_of_waiters)
{
	static const int priorities[] = { 2, 9, 5, 9, 1 };

	direct();
	must(futex_own(&words[0], F_LOCK_PI, 0, NULL, NULL, 0));
	for (int i = 0; i < 5; i++)
		start_actor(i, priorities[i], waiter, (void *)(uintptr_t)('a' + i));
	show(futex_own(&words[0], F_UNLOCK_PI, 0, NULL, NULL, 0));
	finish(5);
	num(words[0]);
}

TEST(order_of_equals)
{
	one_processor();
	must(futex_own(&words[0], F_LOCK_PI, 0, NULL, NULL, 0));
	for (int i = 0; i < 4; i++)
		start_actor(i, 0, waiter, (void *)(uintptr_t)('a' + i));
	show(futex_own(&words[0], F_UNLOCK_PI, 0, NULL, NULL, 0));
	finish(4);
	num(words[0]);
}

/* One that is raised while it waits goes before the others. */
TEST(order_after_a_change)
{
	static const int priorities[] = { 4, 3, 2 };
	struct sched_param p = { .sched_priority = 9 };

	direct();
	must(futex_own(&words[0], F_LOCK_PI, 0, NULL, NULL, 0));
	for (int i = 0; i < 3; i++)
		start_actor(i, priorities[i], waiter, (void *)(uintptr_t)('a' + i));
	show(pthread_setschedparam(threads[2], SCHED_FIFO, &p));
	show(futex_own(&words[0], F_UNLOCK_PI, 0, NULL, NULL, 0));
	finish(3);
}

static void *dying_owner(void *arg)
{
	must(futex_own(&words[0], F_LOCK_PI, 0, NULL, NULL, 0));
	while (!release)
		sleep_ms(5);
	syscall(SYS_exit, 0);
	return NULL;
}

/* The owner ends with the lock: the best of those that wait has it. */
TEST(order_after_a_death)
{
	direct();
	start_actor(0, 1, dying_owner, NULL);
	start_actor(1, 2, waiter, (void *)'a');
	start_actor(2, 9, waiter, (void *)'b');
	start_actor(3, 5, waiter, (void *)'c');
	release = 1;
	finish(4);
	say("%#x", words[0]);
}

static void *sleeper(void *arg)
{
	char who = (char)(uintptr_t)arg;

	must(futex_own(&words[1], F_WAIT_REQUEUE_PI, 0, NULL, &words[0], 0));
	done(who);
	must(futex_own(&words[0], F_UNLOCK_PI, 0, NULL, NULL, 0));
	return NULL;
}

/* Moved from a condition to the lock: likewise. */
TEST(order_after_a_requeue)
{
	static const int priorities[] = { 2, 9, 5 };

	direct();
	must(futex_own(&words[0], F_LOCK_PI, 0, NULL, NULL, 0));
	for (int i = 0; i < 3; i++)
		start_actor(i, priorities[i], sleeper, (void *)(uintptr_t)('a' + i));
	show(futex_own(&words[1], F_CMP_REQUEUE_PI, 1, (void *)9, &words[0], 0));
	show(futex_own(&words[0], F_UNLOCK_PI, 0, NULL, NULL, 0));
	finish(3);
	num(words[0]);
}

static void *release_later(void *arg)
{
	must(futex_own(&words[0], F_LOCK_PI, 0, NULL, NULL, 0));
	holding = 1;
	while (!release)
		sleep_ms(2);
	must(futex_own(&words[0], F_UNLOCK_PI, 0, NULL, NULL, 0));
	done('l');
	return NULL;
}

/* Whoever was moved to the lock lends too. */
TEST(requeued_lend)
{
	direct();
	start_actor(0, 5, sleeper, (void *)'h');
	start_actor(1, 1, release_later, NULL);
	show(futex_own(&words[1], F_CMP_REQUEUE_PI, 1, (void *)9, &words[0], 0));
	start_actor(2, 3, hog, NULL);
	release = 1;
	finish(3);
}

/* --- cycles, which all platforms find ----------------------------------------------*/
static void *holds_and_waits(void *arg)
{
	uint32_t *mine = arg, *next = mine + 1;

	tids[mine - words] = gettid();
	must(futex_own(mine, F_LOCK_PI, 0, NULL, NULL, 0));
	must(futex_own(next, F_LOCK_PI, 0, NULL, NULL, 0));
	must(futex_own(next, F_UNLOCK_PI, 0, NULL, NULL, 0));
	must(futex_own(mine, F_UNLOCK_PI, 0, NULL, NULL, 0));
	return NULL;
}

/* n threads that wait for each other, the last one for us. */
static void cycle(int n)
{
	struct timespec past = { 1, 0 };

	must(futex_own(&words[n], F_LOCK_PI, 0, NULL, NULL, 0));
	for (int i = n - 1; i >= 0; i--) {
		must0(pthread_create(&threads[i], NULL, holds_and_waits,
				     &words[i]));
		while (!(__atomic_load_n(&words[i + 1], __ATOMIC_SEQ_CST) &
			 WAITERS))
			sleep_ms(1);
	}
	sleep_ms(50);
	show(futex_own(&words[0], F_LOCK_PI, 0, NULL, NULL, 0));
	show(futex_own(&words[0], F_LOCK_PI, 0, &past, NULL, 0));
	fact((words[0] & ~WAITERS) == (uint32_t)tids[0]);
	show(futex_own(&words[n], F_UNLOCK_PI, 0, NULL, NULL, 0));
	for (int i = 0; i < n; i++)
		must0(pthread_join(threads[i], NULL));
	num(words[n]);
}

TEST(cycle_of_two)
{
	cycle(1);
}

TEST(cycle_of_five)
{
	cycle(4);
}
