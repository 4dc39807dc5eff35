/* SPDX-License-Identifier: MIT */
/*
 * Condition variables with every kind of mutex and clock, and barriers.
 */
#include "pthread_help.h"

#define NORMAL		PTHREAD_MUTEX_NORMAL
#define CHECKED		PTHREAD_MUTEX_ERRORCHECK
#define RECURSIVE	PTHREAD_MUTEX_RECURSIVE
#define INHERIT		PTHREAD_PRIO_INHERIT

static const struct kind kinds[] = {
	{ "normal", NORMAL, 0, false, true },
	{ "checked", CHECKED, 0, false, true },
	{ "recursive", RECURSIVE, 0, false, true },
	{ "robust", NORMAL, 0, true, true },
	{ "inherit", NORMAL, INHERIT, false, true },
	{ "inherit robust", CHECKED, INHERIT, true, true },
};

#define for_each_kind(k) \
	for (const struct kind *k = kinds; k < kinds + ARRAY_SIZE(kinds); k++)

struct place {
	pthread_cond_t cond;
	pthread_mutex_t *m;
	int waiting, tids[8];		/* told before the wait */
	int tokens, taken, value;	/* under the mutex */
};

static struct place *place_of(const struct kind *k, clockid_t clock)
{
	struct place *p = shared();
	pthread_condattr_t a;

	p->m = mutex_of(k);
	must0(pthread_condattr_init(&a));
	must0(pthread_condattr_setpshared(&a, 1));
	must0(pthread_condattr_setclock(&a, clock));
	must0(pthread_cond_init(&p->cond, &a));
	return p;
}

TEST(attributes)
{
	pthread_condattr_t a;
	clockid_t clock;
	int v;

	must0(pthread_condattr_init(&a));
	show_err(pthread_condattr_getclock(&a, &clock));
	num(clock);
	show_err(pthread_condattr_getpshared(&a, &v));
	num(v);
	show_err(pthread_condattr_setclock(&a, CLOCK_PROCESS_CPUTIME_ID));
	show_err(pthread_condattr_setclock(&a, CLOCK_BOOTTIME));
	show_err(pthread_condattr_setclock(&a, CLOCK_MONOTONIC));
	show_err(pthread_condattr_setpshared(&a, 2));
	show_err(pthread_condattr_getclock(&a, &clock));
	num(clock);
}

TEST(limits_of_all_kinds)
{
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 }, t;
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };

	for_each_kind(k) {
		for (int c = 0; c < 2; c++) {
			struct place *p = place_of(k, clocks[c]);
			long long since = now_ms();

			say("--- %s, clock %d", k->name, clocks[c]);
			must0(pthread_mutex_lock(p->m));
			t = at_ms(clocks[c], 15);
			show_err(pthread_cond_timedwait(&p->cond, p->m, &t));
			fact(now_ms() - since >= 14);
			show_err(pthread_cond_timedwait(&p->cond, p->m,
							&past));
			show_err(pthread_cond_timedwait(&p->cond, p->m, &bad));
			since = now_ms();
			t = at_ms(clocks[!c], 15);
			show_err(pthread_cond_clockwait(&p->cond, p->m,
							clocks[!c], &t));
			fact(now_ms() - since >= 14);
			show_err(pthread_cond_clockwait(&p->cond, p->m, 99,
							&t));
			show_free(p->m);
			must0(pthread_mutex_unlock(p->m));
			show_err(pthread_cond_destroy(&p->cond));
		}
	}
}

TEST(mutex_is_not_mine)
{
	struct place *p = place_of(&kinds[1], CLOCK_REALTIME);
	struct timespec t = at_ms(CLOCK_REALTIME, 20);

	show_err(pthread_cond_wait(&p->cond, p->m));
	show_err(pthread_cond_timedwait(&p->cond, p->m, &t));
}

/* --- many waiters ----------------------------------------------------------*/
/* Wait for a token; at most a minute. */
static void *take_token(void *arg)
{
	struct place *p = arg;
	struct timespec t = at_ms(CLOCK_MONOTONIC, 60000);
	int me, err = 0;

	must0(pthread_mutex_lock(p->m));
	me = p->waiting;
	__atomic_store_n(&p->tids[me], gettid(), __ATOMIC_SEQ_CST);
	add(&p->waiting);
	while (!p->tokens && !err)
		err = pthread_cond_timedwait(&p->cond, p->m, &t);
	if (!err) {
		p->tokens--;
		p->taken++;
	}
	must0(pthread_mutex_unlock(p->m));
	return (void *)(long)err;
}

static void give(struct place *p, int n, bool all)
{
	must0(pthread_mutex_lock(p->m));
	p->tokens += n;
	if (all)
		must0(pthread_cond_broadcast(&p->cond));
	else
		for (int i = 0; i < n; i++)
			must0(pthread_cond_signal(&p->cond));
	must0(pthread_mutex_unlock(p->m));
}

static void taken_is(struct place *p, int n)
{
	until(&p->taken, n);
	must0(pthread_mutex_lock(p->m));
	say("taken %d, tokens %d", p->taken, p->tokens);
	must0(pthread_mutex_unlock(p->m));
}

TEST(signal_and_broadcast_threads)
{
	for_each_kind(k) {
		struct place *p = place_of(k, CLOCK_MONOTONIC);
		pthread_t t[8];
		long sum = 0;

		say("--- %s", k->name);
		for (int i = 0; i < 8; i++)
			t[i] = start(take_token, p);
		until(&p->waiting, 8);
		for (int i = 0; i < 8; i++)
			asleep(getpid(), p->tids[i]);
		give(p, 1, false);
		taken_is(p, 1);
		give(p, 3, false);
		taken_is(p, 4);
		give(p, 2, true);
		taken_is(p, 6);
		give(p, 2, true);
		taken_is(p, 8);
		for (int i = 0; i < 8; i++)
			sum += join(t[i]);
		num(sum);
		show_err(pthread_cond_destroy(&p->cond));
	}
}

TEST(signal_and_broadcast_processes)
{
	for_each_kind(k) {
		struct place *p = place_of(k, CLOCK_MONOTONIC);
		pid_t pid[6];
		int sum = 0;

		say("--- %s", k->name);
		for (int i = 0; i < 6; i++) {
			pid[i] = must(fork());
			if (!pid[i])
				_exit((int)(long)take_token(p));
		}
		until(&p->waiting, 6);
		give(p, 2, false);
		taken_is(p, 2);
		give(p, 4, true);
		taken_is(p, 6);
		for (int i = 0; i < 6; i++)
			sum += await(pid[i]);
		num(sum);
	}
}

/* Processes that wait are killed: the others get their signals. */
TEST(killed_waiters)
{
	struct place *p = place_of(&kinds[0], CLOCK_MONOTONIC);
	pid_t pid[6];

	for (int i = 0; i < 6; i++) {
		pid[i] = must(fork());
		if (!pid[i])
			_exit((int)(long)take_token(p));
	}
	until(&p->waiting, 6);
	for (int i = 0; i < 6; i++)
		asleep(pid[i], pid[i]);
	for (int i = 0; i < 6; i += 2) {
		must(kill(pid[i], SIGKILL));
		await(pid[i]);
	}
	give(p, 3, true);
	taken_is(p, 3);
	for (int i = 1; i < 6; i += 2)
		show_exit("child", pid[i]);
}

struct turns {
	struct place *p;
	int me;
};

static void *turn(void *arg)
{
	struct turns *u = arg;
	struct place *p = u->p;

	for (int i = 0; i < 300; i++) {
		must0(pthread_mutex_lock(p->m));
		while (p->value % 3 != u->me)
			must0(pthread_cond_wait(&p->cond, p->m));
		p->value++;
		must0(pthread_cond_broadcast(&p->cond));
		must0(pthread_mutex_unlock(p->m));
	}
	return NULL;
}

TEST(turns_of_three)
{
	for_each_kind(k) {
		struct place *p = place_of(k, CLOCK_REALTIME);
		struct turns u[3] = { { p, 0 }, { p, 1 }, { p, 2 } };
		pthread_t t[3];

		for (int i = 0; i < 3; i++)
			t[i] = start(turn, &u[i]);
		for (int i = 0; i < 3; i++)
			join(t[i]);
		say("%s: %d", k->name, p->value);
	}
}

static void give_back(void *m)
{
	say("clean up: %s", err_name(pthread_mutex_unlock(m)));
}

static void *wait_to_be_cancelled(void *arg)
{
	struct place *p = arg;

	must0(pthread_mutex_lock(p->m));
	pthread_cleanup_push(give_back, p->m);
	__atomic_store_n(&p->tids[0], gettid(), __ATOMIC_SEQ_CST);
	for (;;)
		pthread_cond_wait(&p->cond, p->m);
	pthread_cleanup_pop(0);
	return NULL;
}

/* The handler runs with the mutex held. */
TEST(cancelled_waiter)
{
	for_each_kind(k) {
		struct place *p = place_of(k, CLOCK_REALTIME);
		pthread_t t = start(wait_to_be_cancelled, p);

		say("--- %s", k->name);
		told_and_asleep(&p->tids[0]);
		must0(pthread_mutex_lock(p->m));
		must0(pthread_cancel(t));
		sleep_ms(20);
		say("mine");
		must0(pthread_mutex_unlock(p->m));
		fact((void *)join(t) == PTHREAD_CANCELED);
		show_free(p->m);
	}
}

/* A signal handler runs, the wait goes on (or ends for nothing). */
TEST(signals_while_waiting)
{
	struct place *p = place_of(&kinds[0], CLOCK_MONOTONIC);
	pthread_t t;

	on_signal(SIGUSR1, count_signal, 0);
	t = start(take_token, p);
	until(&p->waiting, 1);
	for (int i = 1; i <= 5; i++) {
		asleep(getpid(), p->tids[0]);
		must0(pthread_kill(t, SIGUSR1));
		while (signal_count < i)
			sleep_ms(1);
	}
	give(p, 1, false);
	num(join(t));
	num(p->taken);
}

/* --- barriers --------------------------------------------------------------*/
static pthread_barrier_t *barrier_for(unsigned int count)
{
	pthread_barrier_t *b = shared();
	pthread_barrierattr_t a;

	must0(pthread_barrierattr_init(&a));
	must0(pthread_barrierattr_setpshared(&a, 1));
	must0(pthread_barrier_init(b, &a, count));
	return b;
}

TEST(barrier_results)
{
	pthread_barrier_t b, *one = barrier_for(1);
	pthread_barrierattr_t a;
	int v;

	show_err(pthread_barrier_init(&b, NULL, 0));
	must0(pthread_barrierattr_init(&a));
	show_err(pthread_barrierattr_setpshared(&a, 2));
	show_err(pthread_barrierattr_getpshared(&a, &v));
	num(v);
	for (int i = 0; i < 3; i++)
		num(pthread_barrier_wait(one));
	show_err(pthread_barrier_destroy(one));
}

#define ROUNDS 40

struct meeting {
	pthread_barrier_t *b;
	int arrived[ROUNDS], serial, early;
};

static void *meet(void *arg)
{
	struct meeting *s = arg;

	for (int r = 0; r < ROUNDS; r++) {
		add(&s->arrived[r]);
		if (pthread_barrier_wait(s->b))
			add(&s->serial);
		if (__atomic_load_n(&s->arrived[r], __ATOMIC_SEQ_CST) != 5)
			add(&s->early);
	}
	return NULL;
}

TEST(barrier_of_threads)
{
	struct meeting *s = shared();
	pthread_t t[5];

	s->b = barrier_for(5);
	for (int i = 0; i < 5; i++)
		t[i] = start(meet, s);
	for (int i = 0; i < 5; i++)
		join(t[i]);
	say("%d serial, %d early", s->serial, s->early);
	show_err(pthread_barrier_destroy(s->b));
}

TEST(barrier_of_processes)
{
	struct meeting *s = shared();
	pid_t pid[5];

	s->b = barrier_for(5);
	for (int i = 0; i < 5; i++) {
		pid[i] = must(fork());
		if (!pid[i]) {
			meet(s);
			_exit(0);
		}
	}
	for (int i = 0; i < 5; i++)
		await(pid[i]);
	say("%d serial, %d early", s->serial, s->early);
	show_err(pthread_barrier_destroy(s->b));
}

static void *wait_barrier(void *b)
{
	pthread_barrier_wait(b);
	return NULL;
}

/* Destroy waits for those who are still leaving. */
TEST(barrier_destroyed_at_once)
{
	int bad = 0;

	for (int i = 0; i < 100; i++) {
		struct meeting s = { .b = barrier_for(2) };
		pthread_t t = start(wait_barrier, s.b);

		pthread_barrier_wait(s.b);
		bad += pthread_barrier_destroy(s.b) != 0;
		pthread_join(t, NULL);
		munmap(s.b, PAGE);
	}
	num(bad);
}
