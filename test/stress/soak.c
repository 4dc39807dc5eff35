/* SPDX-License-Identifier: MIT */
/*
 * All futex operations at once, at random, with time limits, signals, requeues
 * and deaths, and with counts of sleeps and wake-ups that must agree:
 *
 *	pools	plain waits and wakes of every form: each wake-up that a call
 *		counted ended one wait, and the other way round. In the second
 *		pool processes are killed: of those that were in a wait it is
 *		not known, each may have been woken.
 *	many	futex_waitv: one wait may be counted by several wakers
 *	turns	pairs that wake each other: what is lost here is missed at once
 *	locks	robust mutexes with and without PI, whose owners end
 *	moved	WAIT_REQUEUE_PI and CMP_REQUEUE_PI
 *
 * At the end all queues are empty.
 */
#include "futex_calls.h"
#include <limits.h>
#include <sched.h>
#include <signal.h>

#define NR_WORDS	4
#define NR_LOCKS	3
#define NR_MORTALS	2
#define TID_MASK	0x3fffffffu
#define STUCK_NS	30000000000ull	/* far more than any machine needs */

struct lock {
	pthread_mutex_t mutex;
	atomic_int inside;
	uint64_t a, b;
};

struct pool {
	uint32_t words[NR_WORDS];
	atomic_ulong sleeps, wakes, unknown;
};

struct shared {
	struct pool pools[2];
	uint32_t many[NR_WORDS];
	atomic_ulong many_sleeps, many_wakes;
	uint32_t turn[MAX_THREADS];
	struct lock locks[NR_LOCKS];
	atomic_int in_wait[NR_MORTALS];
	atomic_ulong deaths, signals, turns;
};

static struct shared *s;
static int has_futex2;

/* --- group "moved", private to each process ---------------------------------*/
static uint32_t moved_word, moved_lock;
static atomic_ulong moved_sleeps, moved_wakes, moved_maybe;
static atomic_int moved_inside;

/* --- pool --------------------------------------------------------------------*/
static void pool_sleep(struct pool *p, uint32_t r)
{
	uint32_t *word = &p->words[r % NR_WORDS], value = load(word);
	uint32_t bits = r & 16 ? ~0u : 1u << (r >> 8 & 1);
	struct timespec t;
	long err;

	switch (r >> 10 & 3) {
	case 0:
		err = futex(word, WAIT, value, limit(&t, -1, r >> 4), NULL, 0);
		break;
	case 1:
		err = futex(word, WAIT_BITSET, value,
			    limit(&t, CLOCK_MONOTONIC, r >> 4), NULL, bits);
		break;
	case 2:
		err = futex(word, WAIT_BITSET | REALTIME, value,
			    limit(&t, CLOCK_REALTIME, r >> 4), NULL, bits);
		break;
	default:
		if (!has_futex2)
			return;
		err = syscall(NR_FUTEX_WAIT, word, value, bits, U32,
			      limit(&t, CLOCK_MONOTONIC, r >> 4),
			      CLOCK_MONOTONIC);
	}
	if (!err)
		atomic_fetch_add(&p->sleeps, 1);
	else if (errno != ETIMEDOUT && errno != EINTR && errno != EAGAIN)
		fail("a wait: %s", strerror(errno));
}

/* What a requeue says: woken and moved; the first are the woken ones. */
static long woken_of(long counted, long wake)
{
	return counted < wake ? counted : wake;
}

static long pool_requeue(uint32_t *from, uint32_t *to, uint32_t r)
{
	struct waitv v[2] = { { load(from), (uintptr_t)from, U32, 0 },
		{ 0, (uintptr_t)to, U32, 0 } };
	long wake = r >> 4 & 1, move = 1 + (r >> 5 & 1);

	if (r & 1 << 6)
		return woken_of(futex(from, REQUEUE, wake, (void *)move, to, 0),
				wake);
	if (!has_futex2 || r & 1 << 7)
		return woken_of(futex(from, CMP_REQUEUE, wake, (void *)move,
				      to, load(from)), wake);
	return woken_of(syscall(NR_FUTEX_REQUEUE, v, 0, wake, move), wake);
}

static void pool_wake(struct pool *p, uint32_t r)
{
	uint32_t *word = &p->words[r % NR_WORDS];
	uint32_t *other = &p->words[(r >> 2) % NR_WORDS];
	uint32_t bits = r & 16 ? ~0u : 1u << (r >> 8 & 1);
	long n, want = 1 + (r >> 12) % 3;

	if (r % 7 == 0)
		__atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
	switch (r >> 16 & 7) {
	case 0:
	case 1:
		n = futex(word, WAKE, want, NULL, NULL, 0);
		break;
	case 2:
		n = futex(word, WAKE_BITSET, want, NULL, NULL, bits);
		break;
	case 3:
		/* *other += 1; if it was not 0, wake one there, too */
		n = futex(word, WAKE_OP, 1, (void *)1, other,
			  1u << 28 | 1u << 24 | 1u << 12);
		break;
	case 4:
		n = !has_futex2 ? 0 :
		    syscall(NR_FUTEX_WAKE, word, bits, want, U32);
		break;
	default:
		n = pool_requeue(word, other, r);
		if (n < 0 && errno == EAGAIN)
			n = 0;
	}
	if (n < 0)
		fail("a wake: %s", strerror(errno));
	atomic_fetch_add(&p->wakes, n);
}

/* --- many --------------------------------------------------------------------*/
static void many_sleep(uint32_t r)
{
	struct waitv v[NR_WORDS];
	uint32_t n = 1 + (r >> 8) % NR_WORDS;
	struct timespec t;
	long which;

	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct waitv){ load(&s->many[i]),
				       (uintptr_t)&s->many[i], U32, 0 };
	which = syscall(NR_FUTEX_WAITV, v, n, 0,
			limit(&t, CLOCK_MONOTONIC, r >> 4), CLOCK_MONOTONIC);
	if (which >= (long)n)
		fail("waitv: word %ld of %u", which, n);
	if (which >= 0)
		atomic_fetch_add(&s->many_sleeps, 1);
	else if (errno != ETIMEDOUT && errno != EINTR && errno != EAGAIN)
		fail("waitv: %s", strerror(errno));
}

static void many_wake(uint32_t r)
{
	uint32_t *word = &s->many[r % NR_WORDS];

	if (r % 7 == 0)
		__atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
	atomic_fetch_add(&s->many_wakes,
			 futex(word, WAKE, 1 + (r >> 8 & 1), NULL, NULL, 0));
}

/* --- turns -------------------------------------------------------------------*/
static void turn_wait(uint32_t *turn, uint32_t other, uint32_t r)
{
	struct waitv v = { other, (uintptr_t)turn, U32, 0 };
	uint64_t end = now_ns() + STUCK_NS;
	struct timespec t = { end / 1000000000, end % 1000000000 };
	long err;

	if (r & 1)
		err = futex(turn, WAIT_BITSET, other, &t, NULL, ~0u);
	else if (r & 2)
		err = syscall(NR_FUTEX_WAITV, &v, 1, 0, &t, CLOCK_MONOTONIC);
	else
		err = futex(turn, WAIT, other, NULL, NULL, 0);
	if (err < 0 && errno == ETIMEDOUT)
		fail("turns: a wake-up was lost");
}

static void turn_give(uint32_t *turn, uint32_t to, uint32_t r)
{
	if (r & 4) {	/* set and wake in one call */
		futex(&s->turn[MAX_THREADS - 1], WAKE_OP, 1, (void *)1, turn,
		      0u << 28 | (1u - to) | to << 12);
		return;
	}
	__atomic_store_n(turn, to, __ATOMIC_SEQ_CST);
	if (r & 8)
		futex(turn, WAKE_BITSET, INT_MAX, NULL, NULL, 4);
	else
		futex(turn, WAKE, 1, NULL, NULL, 0);
}

/* Two of them, me = 0 and 1; the first one ends both by giving 2. */
static void take_turns(uint32_t *turn, uint32_t me)
{
	uint32_t state = me + 7, now;

	for (;;) {
		while ((now = load(turn)) != me) {
			if (now == 2)
				return;
			turn_wait(turn, now, random_next(&state));
		}
		if (!me && time_is_over()) {
			__atomic_store_n(turn, 2, __ATOMIC_SEQ_CST);
			futex(turn, WAKE, 1, NULL, NULL, 0);
			return;
		}
		turn_give(turn, 1 - me, random_next(&state));
		atomic_fetch_add(&s->turns, 1);
	}
}

/* --- locks -------------------------------------------------------------------*/
static void locks_init(void)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	for (int i = 0; i < NR_LOCKS; i++) {
		pthread_mutexattr_setprotocol(&a, i ? PTHREAD_PRIO_INHERIT :
					      PTHREAD_PRIO_NONE);
		pthread_mutex_init(&s->locks[i].mutex, &a);
	}
}

static int lock_some_way(struct lock *l, uint32_t r)
{
	struct timespec t;

	switch (r & 3) {
	case 0:
		return pthread_mutex_trylock(&l->mutex);
	case 1:
		if (limit(&t, CLOCK_REALTIME, r >> 4))
			return pthread_mutex_timedlock(&l->mutex, &t);
		break;
	case 2:
		if (limit(&t, CLOCK_MONOTONIC, r >> 4))
			return pthread_mutex_clocklock(&l->mutex,
						       CLOCK_MONOTONIC, &t);
	}
	return pthread_mutex_lock(&l->mutex);
}

/* Returns with the lock (true), whoever had it before. */
static int lock_taken(struct lock *l, uint32_t r)
{
	int err = lock_some_way(l, r);

	if (err == EBUSY || err == ETIMEDOUT)
		return 0;
	if (err == EOWNERDEAD) {
		atomic_store(&l->inside, 0);
		l->b = l->a;
		err = pthread_mutex_consistent(&l->mutex);
	}
	if (err)
		fail("a lock: %s", strerror(err));
	if (atomic_exchange(&l->inside, 1) || l->a != l->b)
		fail("two within one lock");
	l->a++;
	return 1;
}

static void use_lock(uint32_t r)
{
	struct lock *l = &s->locks[(r >> 8) % NR_LOCKS];
	int err;

	if (!lock_taken(l, r))
		return;
	if (r >> 16 & 1)
		sched_yield();
	l->b++;
	atomic_store(&l->inside, 0);
	err = pthread_mutex_unlock(&l->mutex);
	if (err)
		fail("an unlock: %s", strerror(err));
}

/* A thread that ends within. */
static void *end_with_lock(void *arg)
{
	lock_taken(arg, 3);
	return NULL;
}

static void lock_and_end(uint32_t r)
{
	pthread_t t;

	errno = pthread_create(&t, NULL, end_with_lock,
			       &s->locks[(r >> 8) % NR_LOCKS]);
	must(!errno, "pthread_create");
	pthread_join(t, NULL);
	atomic_fetch_add(&s->deaths, 1);
}

/* --- moved -------------------------------------------------------------------*/
static void moved_leave(void)
{
	uint32_t tid = syscall(SYS_gettid);

	if ((load(&moved_lock) & TID_MASK) != tid)
		fail("moved: not the owner");
	if (atomic_exchange(&moved_inside, 1))
		fail("moved: two within one lock");
	atomic_store(&moved_inside, 0);
	if (!__atomic_compare_exchange_n(&moved_lock, &tid, 0, 0,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		must(!futex(&moved_lock, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0),
		     "UNLOCK_PI");
}

static void moved_sleep(uint32_t r)
{
	struct timespec t;

	if (!futex(&moved_word, WAIT_REQUEUE_PI | PRIVATE, load(&moved_word),
		   limit(&t, CLOCK_MONOTONIC, r >> 4), &moved_lock, 0)) {
		moved_leave();
		atomic_fetch_add(&moved_sleeps, 1);
	} else {
		/* it may have been moved before */
		if (errno != ETIMEDOUT && errno != EAGAIN && errno != EINTR)
			fail("WAIT_REQUEUE_PI: %s", strerror(errno));
		atomic_fetch_add(&moved_maybe, 1);
	}
}

static void moved_wake(uint32_t r)
{
	uint32_t free = 0;
	long n;

	if (!__atomic_compare_exchange_n(&moved_lock, &free,
					 syscall(SYS_gettid), 0,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		must(!futex(&moved_lock, LOCK_PI | PRIVATE, 0, NULL, NULL, 0),
		     "LOCK_PI");
	__atomic_add_fetch(&moved_word, 1, __ATOMIC_SEQ_CST);
	n = futex(&moved_word, CMP_REQUEUE_PI | PRIVATE, 1,
		  (void *)(long)(r % 2 ? INT_MAX : r >> 4 & 1), &moved_lock,
		  load(&moved_word));
	if (n < 0 && errno != EAGAIN)
		fail("CMP_REQUEUE_PI: %s", strerror(errno));
	atomic_fetch_add(&moved_wakes, n < 0 ? 0 : n);
	moved_leave();
}

/* --- who does all that -------------------------------------------------------*/
static void on_signal(int sig)
{
	(void)sig;
}

static void *mix(void *arg)
{
	uint32_t state = (uintptr_t)arg * 77 + (uint32_t)getpid();

	while (!time_is_over()) {
		uint32_t r = random_next(&state);

		switch (r >> 28) {
		case 0 ... 2:
			pool_sleep(&s->pools[r >> 27 & 1], r);
			break;
		case 3 ... 6:
			pool_wake(&s->pools[r >> 27 & 1], r);
			break;
		case 7:
			many_sleep(r);
			break;
		case 8:
		case 9:
			many_wake(r);
			break;
		case 10 ... 11:
			moved_sleep(r);
			break;
		case 12:
			moved_wake(r);
			break;
		default:
			if (r % 64)
				use_lock(r);
			else
				lock_and_end(r);
		}
	}
	return NULL;
}

static long wake_all(uint32_t *words)
{
	long n = 0;

	for (int i = 0; i < NR_WORDS; i++)
		n += futex(&words[i], WAKE, INT_MAX, NULL, NULL, 0);
	return n;
}

static void drain_shared(void)
{
	for (int i = 0; i < 2; i++)
		atomic_fetch_add(&s->pools[i].wakes,
				 wake_all(s->pools[i].words));
	atomic_fetch_add(&s->many_wakes, wake_all(s->many));
}

/* n threads, disturbed by signals until they end. */
static void mix_process(long n)
{
	pthread_t threads[MAX_THREADS];
	uint32_t state = (uint32_t)getpid();
	uint64_t sleeps, wakes;

	for (long i = 0; i < n; i++) {
		errno = pthread_create(&threads[i], NULL, mix, (void *)(i + 1));
		must(!errno, "pthread_create");
	}
	for (long i = 0; i < n;) {
		struct timespec t = { 0, 200000 };

		pthread_kill(threads[i + random_next(&state) % (n - i)],
			     SIGUSR1);
		atomic_fetch_add(&s->signals, 1);
		nanosleep(&t, NULL);
		moved_wake(state >> 8);
		if (!time_is_over())
			continue;
		drain_shared();
		if (now_ns() > end_ns + STUCK_NS)
			fail("a thread does not end");
		i += !pthread_tryjoin_np(threads[i], NULL);
	}
	sleeps = moved_sleeps;
	wakes = moved_wakes;
	if (wakes < sleeps || wakes > sleeps + moved_maybe)
		fail("moved: %lu wake-ups, %lu sleeps, %lu unknown",
		     (unsigned long)wakes, (unsigned long)sleeps,
		     (unsigned long)moved_maybe);
	if (moved_lock)
		fail("moved: the lock is not free");
}

/* Sleeps and locks until it is killed. */
static void mortal(int number, uint32_t state)
{
	for (;;) {
		uint32_t r = random_next(&state);

		atomic_store(&s->in_wait[number], 1);
		pool_sleep(&s->pools[1], r);
		atomic_store(&s->in_wait[number], 0);
		for (int i = 0; i < 10; i++)
			use_lock(random_next(&state));
	}
}

static pid_t start_mortal(int number, uint32_t state)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (!pid)
		mortal(number, state);
	return pid;
}

static void kill_mortal(int number, pid_t pid)
{
	int status;

	must(!kill(pid, SIGKILL), "kill");
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail("a child ended with wait status 0x%x", status);
	atomic_fetch_add(&s->pools[1].unknown,
			 atomic_load(&s->in_wait[number]));
	atomic_fetch_add(&s->deaths, 1);
}

static void kill_and_replace(void)
{
	uint32_t state = 99;
	pid_t pids[NR_MORTALS];

	for (int i = 0; i < NR_MORTALS; i++)
		pids[i] = start_mortal(i, i + 1);
	while (!time_is_over()) {
		int which = random_next(&state) % NR_MORTALS;
		struct timespec t = { 0, state % 4000000 };

		nanosleep(&t, NULL);
		kill_mortal(which, pids[which]);
		pids[which] = start_mortal(which, state | 1);
	}
	for (int i = 0; i < NR_MORTALS; i++)
		kill_mortal(i, pids[i]);
}

static void check_counts(void)
{
	for (int i = 0; i < 2; i++) {
		struct pool *p = &s->pools[i];

		if (wake_all(p->words))
			fail("somebody is left in pool %d", i);
		if (p->wakes < p->sleeps || p->wakes > p->sleeps + p->unknown)
			fail("pool %d: %lu wake-ups, %lu sleeps, %lu unknown",
			     i, p->wakes, p->sleeps, p->unknown);
	}
	if (wake_all(s->many))
		fail("somebody is left in a queue of several");
	if (s->many_wakes < s->many_sleeps ||
	    s->many_wakes > s->many_sleeps * NR_WORDS)
		fail("many: %lu wake-ups, %lu sleeps", s->many_wakes,
		     s->many_sleeps);
	for (int i = 0; i < NR_LOCKS; i++)
		if (!lock_taken(&s->locks[i], 3))
			fail("a lock is not free");
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal };
	pid_t children[4];

	stress_start(argc, argv);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(s != MAP_FAILED, "mmap");
	has_futex2 = syscall(NR_FUTEX_WAKE, s->many, 1, 0, U32) == 0;
	sigaction(SIGUSR1, &act, NULL);
	locks_init();
	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		if (i < 2)
			take_turns(&s->turn[0], i);
		else
			mix_process(i == 2 ? nr_threads : nr_threads / 2 + 1);
		_exit(0);
	}
	kill_and_replace();
	for (int i = 0; i < 4; i++)
		await(children[i]);
	check_counts();
	printf("%lu + %lu sleeps, %lu of several, %lu turns, %lu deaths\n",
	       s->pools[0].sleeps, s->pools[1].sleeps, s->many_sleeps,
	       s->turns, s->deaths);
	return 0;
}
