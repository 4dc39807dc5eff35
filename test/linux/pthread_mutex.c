/* SPDX-License-Identifier: MIT */
/*
 * Mutexes of all types and protocols: what each call returns to the owner and
 * to others, time limits on both clocks, exclusion, priority ceilings.
 */
#include "pthread_help.h"

#define NORMAL		PTHREAD_MUTEX_NORMAL
#define CHECKED		PTHREAD_MUTEX_ERRORCHECK
#define RECURSIVE	PTHREAD_MUTEX_RECURSIVE
#define ADAPTIVE	PTHREAD_MUTEX_ADAPTIVE_NP
#define INHERIT		PTHREAD_PRIO_INHERIT
#define PROTECT		PTHREAD_PRIO_PROTECT

static const struct kind kinds[] = {
	{ "normal", NORMAL, 0, false, false },
	{ "adaptive", ADAPTIVE, 0, false, false },
	{ "checked", CHECKED, 0, false, false },
	{ "recursive", RECURSIVE, 0, false, false },
	{ "normal pshared", NORMAL, 0, false, true },
	{ "adaptive pshared", ADAPTIVE, 0, false, true },
	{ "checked pshared", CHECKED, 0, false, true },
	{ "recursive pshared", RECURSIVE, 0, false, true },
	{ "normal robust", NORMAL, 0, true, false },
	{ "adaptive robust", ADAPTIVE, 0, true, false },
	{ "checked robust", CHECKED, 0, true, false },
	{ "recursive robust", RECURSIVE, 0, true, false },
	{ "normal inherit", NORMAL, INHERIT, false, false },
	{ "adaptive inherit", ADAPTIVE, INHERIT, false, false },
	{ "checked inherit", CHECKED, INHERIT, false, false },
	{ "recursive inherit", RECURSIVE, INHERIT, false, false },
	{ "normal inherit pshared", NORMAL, INHERIT, false, true },
	{ "checked inherit pshared", CHECKED, INHERIT, false, true },
	{ "recursive inherit pshared", RECURSIVE, INHERIT, false, true },
	{ "normal inherit robust", NORMAL, INHERIT, true, false },
	{ "checked inherit robust", CHECKED, INHERIT, true, false },
	{ "recursive inherit robust", RECURSIVE, INHERIT, true, false },
	{ "all", CHECKED, INHERIT, true, true },
};

#define for_each_kind(k) \
	for (const struct kind *k = kinds; k < kinds + ARRAY_SIZE(kinds); k++)

static bool is_checked(const struct kind *k)
{
	return k->type == CHECKED || k->type == RECURSIVE || k->robust ||
	       k->protocol == INHERIT;
}

TEST(attributes)
{
	pthread_mutexattr_t a;
	int v;

	must0(pthread_mutexattr_init(&a));
	show_err(pthread_mutexattr_gettype(&a, &v));
	num(v);
	show_err(pthread_mutexattr_getprotocol(&a, &v));
	num(v);
	show_err(pthread_mutexattr_getrobust(&a, &v));
	num(v);
	show_err(pthread_mutexattr_getpshared(&a, &v));
	num(v);
	show_err(pthread_mutexattr_settype(&a, 4));
	show_err(pthread_mutexattr_settype(&a, -1));
	show_err(pthread_mutexattr_setprotocol(&a, 3));
	show_err(pthread_mutexattr_setrobust(&a, 2));
	show_err(pthread_mutexattr_setpshared(&a, 2));
	show_err(pthread_mutexattr_setprioceiling(&a, 0));
	show_err(pthread_mutexattr_setprioceiling(&a, 100));
	show_err(pthread_mutexattr_setprioceiling(&a, 99));
	show_err(pthread_mutexattr_getprioceiling(&a, &v));
	num(v);
	show_err(pthread_mutexattr_destroy(&a));
}

TEST(results_of_all_kinds)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);

		say("--- %s", k->name);
		show_err(pthread_mutex_lock(m));
		show_err(pthread_mutex_trylock(m));
		if (k->type == RECURSIVE)
			show_err(pthread_mutex_unlock(m));
		show_free(m);
		show_err(pthread_mutex_destroy(m));
		if (is_checked(k))
			show_error("unlock by other",
				   (int)join(start(in_unlock, m)));
		show_err(pthread_mutex_unlock(m));
		if (is_checked(k))
			show_err(pthread_mutex_unlock(m));
		show_free(m);
		show_err(pthread_mutex_destroy(m));
	}
}

/* The owner locks once more, with a limit where it would wait for ever. */
TEST(relock_of_all_kinds)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);
		struct timespec t = at_ms(CLOCK_REALTIME, 20);

		say("--- %s", k->name);
		must0(pthread_mutex_lock(m));
		show_err(pthread_mutex_timedlock(m, &t));
		if (k->type == CHECKED || k->type == RECURSIVE)
			show_err(pthread_mutex_lock(m));
	}
}

/* --- time limits -----------------------------------------------------------*/
static pthread_mutex_t *held;

static void *limits(void *arg)
{
	struct timespec t = at_ms(CLOCK_REALTIME, 15), past = { 1, 0 };
	struct timespec mono = at_ms(CLOCK_MONOTONIC, 15);
	struct timespec bad = { 1, 1000000000 }, negative = { -1, 0 };
	long long since = now_ms();

	show_err(pthread_mutex_timedlock(held, &t));
	fact(now_ms() - since >= 14);
	show_err(pthread_mutex_timedlock(held, &past));
	show_err(pthread_mutex_timedlock(held, &negative));
	show_err(pthread_mutex_timedlock(held, &bad));
	mono = at_ms(CLOCK_MONOTONIC, 15);
	since = now_ms();
	show_err(pthread_mutex_clocklock(held, CLOCK_MONOTONIC, &mono));
	fact(now_ms() - since >= 14);
	t = at_ms(CLOCK_REALTIME, 15);
	show_err(pthread_mutex_clocklock(held, CLOCK_REALTIME, &t));
	show_err(pthread_mutex_clocklock(held, CLOCK_MONOTONIC, &past));
	show_err(pthread_mutex_clocklock(held, CLOCK_PROCESS_CPUTIME_ID, &t));
	return NULL;
}

TEST(time_limits_of_all_kinds)
{
	for_each_kind(k) {
		say("--- %s", k->name);
		held = mutex_of(k);
		must0(pthread_mutex_lock(held));
		join(start(limits, NULL));
		show_err(pthread_mutex_unlock(held));
		show_free(held);
	}
}

static int sleeper_tid;

static void *lock_in_time(void *arg)
{
	struct timespec t = at_ms(CLOCK_MONOTONIC, 60000);
	long err;

	tell_tid(&sleeper_tid);
	err = pthread_mutex_clocklock(arg, CLOCK_MONOTONIC, &t);
	if (!err)
		err = pthread_mutex_unlock(arg);
	return (void *)err;
}

TEST(limit_is_not_reached)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);
		pthread_t t;

		must0(pthread_mutex_lock(m));
		sleeper_tid = 0;
		t = start(lock_in_time, m);
		told_and_asleep(&sleeper_tid);
		must0(pthread_mutex_unlock(m));
		say("%s: %s", k->name, err_name((int)join(t)));
		show_free(m);
	}
}

/* A mutex is waited for whatever signals come. */
static void *lock_with_signals(void *arg)
{
	tell_tid(&sleeper_tid);
	return (void *)(long)pthread_mutex_lock(arg);
}

TEST(signals_do_not_end_a_wait)
{
	on_signal(SIGUSR1, count_signal, 0);
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);
		pthread_t t;

		must0(pthread_mutex_lock(m));
		sleeper_tid = signal_count = 0;
		t = start(lock_with_signals, m);
		told_and_asleep(&sleeper_tid);
		for (int i = 1; i <= 3; i++) {
			must0(pthread_kill(t, SIGUSR1));
			while (signal_count < i)
				sleep_ms(1);
			told_and_asleep(&sleeper_tid);
		}
		must0(pthread_mutex_unlock(m));
		say("%s: %s", k->name, err_name((int)join(t)));
	}
}

/* --- exclusion -------------------------------------------------------------*/
static volatile int counter[2];

static void *hammer(void *arg)
{
	pthread_mutex_t *m = arg;
	long bad = 0;

	for (int i = 0; i < 1500; i++) {
		if (i % 8 == 7) {
			struct timespec t = at_ms(CLOCK_REALTIME, 0);

			t.tv_nsec += t.tv_nsec < 999000000 ? 50000 : 0;
			if (pthread_mutex_timedlock(m, &t))
				pthread_mutex_lock(m);
		} else if (i % 4 || pthread_mutex_trylock(m)) {
			pthread_mutex_lock(m);
		}
		bad += counter[0] != counter[1];
		counter[0]++;
		counter[1]++;
		bad += pthread_mutex_unlock(m) != 0;
	}
	return (void *)bad;
}

TEST(exclusion_of_all_kinds)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);
		pthread_t t[4];
		long bad = 0;

		counter[0] = counter[1] = 0;
		for (int i = 0; i < 4; i++)
			t[i] = start(hammer, m);
		for (int i = 0; i < 4; i++)
			bad += join(t[i]);
		say("%s: %d %ld", k->name, counter[0], bad);
	}
}

TEST(exclusion_of_processes)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);
		volatile int *n = shared();
		pid_t pid[3];

		if (!k->pshared)
			continue;
		for (int i = 0; i < 3; i++) {
			pid[i] = must(fork());
			if (pid[i])
				continue;
			for (int j = 0; j < 1000; j++) {
				must0(pthread_mutex_lock(m));
				++*n;
				must0(pthread_mutex_unlock(m));
			}
			_exit(0);
		}
		for (int i = 0; i < 3; i++)
			must(await(pid[i]) ? -1 : 0);
		say("%s: %d", k->name, *n);
	}
}

/* A child's copy of a locked private mutex is its own. */
TEST(fork_with_a_locked_mutex)
{
	static pthread_mutex_t m = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
	pid_t pid;

	must0(pthread_mutex_lock(&m));
	pid = must(fork());
	if (!pid) {
		show_err(pthread_mutex_trylock(&m));
		show_err(pthread_mutex_unlock(&m));
		_exit(0);
	}
	show_exit("child", pid);
	show_err(pthread_mutex_unlock(&m));
}

/* --- priority ceilings -----------------------------------------------------*/
static bool may_use_rt(void)
{
	struct sched_param p = { .sched_priority = 1 }, none = { 0 };

	if (sched_setscheduler(0, SCHED_FIFO, &p))
		return false;
	must(sched_setscheduler(0, SCHED_OTHER, &none));
	return true;
}

static pthread_mutex_t *ceiling_mutex(int type, int ceiling)
{
	pthread_mutex_t *m = shared();
	pthread_mutexattr_t a;

	must0(pthread_mutexattr_init(&a));
	must0(pthread_mutexattr_settype(&a, type));
	must0(pthread_mutexattr_setprotocol(&a, PROTECT));
	must0(pthread_mutexattr_setprioceiling(&a, ceiling));
	must0(pthread_mutex_init(m, &a));
	return m;
}

static void show_sched(void)
{
	struct sched_param p;
	int policy = sched_getscheduler(0);

	must(sched_getparam(0, &p));
	say("policy %d, priority %d", policy, p.sched_priority);
}

TEST(ceiling_without_rights)
{
	pthread_mutex_t *m = ceiling_mutex(NORMAL, 10);
	int old;

	if (may_use_rt()) {

		if (getuid())
			skip("an ordinary user with real-time rights");
		must(setgid(65534));
		must(setuid(65534));
		if (may_use_rt())
			skip("everybody has real-time rights");
	}
	show_err(pthread_mutex_lock(m));
	show_err(pthread_mutex_trylock(m));
	show_err(pthread_mutex_getprioceiling(m, &old));
	num(old);
	show_sched();
}

TEST(ceiling_raises)
{
	static const int types[] = { NORMAL, CHECKED, RECURSIVE };

	if (!may_use_rt())
		skip("no real-time rights");
	for (int i = 0; i < 3; i++) {
		pthread_mutex_t *m = ceiling_mutex(types[i], 10 + i);
		pthread_mutex_t *n = ceiling_mutex(types[i], 20);
		struct timespec t = at_ms(CLOCK_REALTIME, 20);

		show_err(pthread_mutex_lock(m));
		show_sched();
		show_err(pthread_mutex_lock(n));
		show_sched();
		show_err(pthread_mutex_trylock(m));
		if (types[i] == RECURSIVE)
			show_err(pthread_mutex_unlock(m));
		show_err(pthread_mutex_timedlock(n, &t));
		if (types[i] == RECURSIVE)
			show_err(pthread_mutex_unlock(n));
		show_free(m);
		show_err(pthread_mutex_unlock(n));
		show_sched();
		show_err(pthread_mutex_unlock(m));
		show_sched();
		show_free(m);
	}
}

TEST(ceiling_changes)
{
	struct sched_param p = { .sched_priority = 30 };
	pthread_mutex_t *m = ceiling_mutex(NORMAL, 20);
	int old;

	if (!may_use_rt())
		skip("no real-time rights");
	must0(pthread_setschedparam(pthread_self(), SCHED_FIFO, &p));
	show_err(pthread_mutex_lock(m));
	show_err(pthread_mutex_setprioceiling(m, 40, &old));
	num(old);
	show_err(pthread_mutex_lock(m));
	show_sched();
	show_err(pthread_mutex_unlock(m));
	show_sched();
	show_err(pthread_mutex_setprioceiling(m, 0, &old));
	show_err(pthread_mutex_getprioceiling(m, &old));
	num(old);
}

TEST(ceiling_exclusion)
{
	pthread_mutex_t *m = ceiling_mutex(NORMAL, 5);
	pthread_t t[4];
	long bad = 0;

	if (!may_use_rt())
		skip("no real-time rights");
	for (int i = 0; i < 4; i++)
		t[i] = start(hammer, m);
	for (int i = 0; i < 4; i++)
		bad += join(t[i]);
	say("%d %ld", counter[0], bad);
	show_sched();
}
