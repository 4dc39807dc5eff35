/* SPDX-License-Identifier: MIT */
/* What the pthread families share. */
#pragma once
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

static inline pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, fn, arg));
	return t;
}

static inline long join(pthread_t t)
{
	void *r = NULL;

	must0(pthread_join(t, &r));
	return (long)r;
}

/* The time of a clock in ms milliseconds (in the past, if negative). */
static inline struct timespec at_ms(clockid_t clock, int ms)
{
	struct timespec t;
	long long ns;

	clock_gettime(clock, &t);
	ns = t.tv_sec * 1000000000ll + t.tv_nsec + ms * 1000000ll;
	t.tv_sec = ns / 1000000000;
	t.tv_nsec = ns % 1000000000;
	return t;
}

/* Zeroed memory that children share. */
static inline void *shared(void)
{
	return (void *)must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

/* Wait until *n is at least want, 15 seconds at most. */
static inline void until(const int *n, int want)
{
	for (int i = 0; i < 15000; i++) {
		if (__atomic_load_n(n, __ATOMIC_SEQ_CST) >= want)
			return;
		sleep_ms(1);
	}
	say("it never came to %d", want);
	exit(99);
}

static inline void add(int *n)
{
	__atomic_add_fetch(n, 1, __ATOMIC_SEQ_CST);
}

/* Wait until a thread (of any process) sleeps, 15 seconds at most. */
static inline void asleep(int pid, int tid)
{
	char path[64], text[512], *end;
	int fd, n;

	sprintf(path, "/proc/%d/task/%d/stat", pid, tid);
	for (int i = 0; i < 15000; i++) {
		fd = must(open(path, O_RDONLY));
		n = must(read(fd, text, sizeof(text) - 1));
		close(fd);
		text[n] = 0;
		end = strrchr(text, ')');
		if (end && end[1] && end[2] == 'S')
			return;
		sleep_ms(1);
	}
	say("it never slept");
	exit(99);
}

/* For threads that tell who they are before they sleep. */
static inline void tell_tid(int *tid)
{
	__atomic_store_n(tid, gettid(), __ATOMIC_SEQ_CST);
}

static inline void told_and_asleep(const int *tid)
{
	until(tid, 1);
	asleep(getpid(), __atomic_load_n(tid, __ATOMIC_SEQ_CST));
}

struct kind {
	const char *name;
	int type, protocol;
	bool robust, pshared;
};

/* A mutex in memory that children share. */
static inline pthread_mutex_t *mutex_of(const struct kind *k)
{
	pthread_mutex_t *m = shared();
	pthread_mutexattr_t a;

	must0(pthread_mutexattr_init(&a));
	must0(pthread_mutexattr_settype(&a, k->type));
	must0(pthread_mutexattr_setprotocol(&a, k->protocol));
	if (k->robust)
		must0(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
	if (k->pshared)
		must0(pthread_mutexattr_setpshared(&a, 1));
	must0(pthread_mutex_init(m, &a));
	must0(pthread_mutexattr_destroy(&a));
	return m;
}

static inline void *in_trylock(void *m)
{
	long err = pthread_mutex_trylock(m);

	if (!err)
		pthread_mutex_unlock(m);
	return (void *)err;
}

static inline void *in_unlock(void *m)
{
	return (void *)(long)pthread_mutex_unlock(m);
}

/* What another thread gets from trylock: is it free? */
#define show_free(m) show_error("free", (int)join(start(in_trylock, (m))))
