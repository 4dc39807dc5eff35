/* SPDX-License-Identifier: MIT */
/*
 * Synchronisation of threads and processes: mutexes of all kinds, condition
 * variables, read-write locks, barriers, semaphores, robust mutexes.
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, fn, arg));
	return t;
}

static long join(pthread_t t)
{
	void *r = NULL;

	must0(pthread_join(t, &r));
	return (long)r;
}

/* CLOCK_REALTIME plus ms, for the timed calls. */
static struct timespec after_ms(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ms * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void *shared_page(void)
{
	return (void *)must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static pthread_mutex_t *make_mutex(int type, bool robust, int protocol)
{
	pthread_mutex_t *m = shared_page();
	pthread_mutexattr_t a;

	must0(pthread_mutexattr_init(&a));
	must0(pthread_mutexattr_settype(&a, type));
	must0(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED));
	if (robust)
		must0(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
	if (protocol)
		must0(pthread_mutexattr_setprotocol(&a, protocol));
	must0(pthread_mutex_init(m, &a));
	return m;
}

static void *try_lock(void *arg)
{
	return (void *)(long)pthread_mutex_trylock(arg);
}

static void *try_unlock(void *arg)
{
	return (void *)(long)pthread_mutex_unlock(arg);
}

TEST(mutex_normal)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

	show_err(pthread_mutex_lock(&m));
	show_err(pthread_mutex_trylock(&m));
	show_err(join(start(try_lock, &m)));
	show_err(pthread_mutex_unlock(&m));
	show_err(pthread_mutex_trylock(&m));
	show_err(pthread_mutex_unlock(&m));
	show_err(pthread_mutex_destroy(&m));
}

TEST(mutex_recursive)
{
	pthread_mutex_t *m = make_mutex(PTHREAD_MUTEX_RECURSIVE, false, 0);

	show_err(pthread_mutex_lock(m));
	show_err(pthread_mutex_lock(m));
	show_err(pthread_mutex_unlock(m));
	show_err(join(start(try_lock, m)));
	show_err(join(start(try_unlock, m)));
	show_err(pthread_mutex_unlock(m));
	show_err(join(start(try_lock, m)));
}

TEST(mutex_errorcheck)
{
	pthread_mutex_t *m = make_mutex(PTHREAD_MUTEX_ERRORCHECK, false, 0);

	show_err(pthread_mutex_unlock(m));
	show_err(pthread_mutex_lock(m));
	show_err(pthread_mutex_lock(m));
	show_err(join(start(try_unlock, m)));
	show_err(pthread_mutex_unlock(m));
}

static void *timed(void *arg)
{
	struct timespec t = after_ms(30);

	return (void *)(long)pthread_mutex_timedlock(arg, &t);
}

TEST(mutex_timed)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 };

	must0(pthread_mutex_lock(&m));
	show_err(join(start(timed, &m)));
	show_err(pthread_mutex_timedlock(&m, &past));
	show_err(pthread_mutex_timedlock(&m, &bad));
}

static int counter;
static pthread_mutex_t *hot;

static void *hammer(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(hot);
		counter++;
		pthread_mutex_unlock(hot);
	}
	return NULL;
}

static void contend(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		t[i] = start(hammer, NULL);
	for (int i = 0; i < 4; i++)
		join(t[i]);
	num(counter);
}

TEST(mutex_contended)
{
	hot = make_mutex(PTHREAD_MUTEX_NORMAL, false, 0);
	contend();
}

TEST(mutex_contended_pi)
{
	hot = make_mutex(PTHREAD_MUTEX_NORMAL, false, PTHREAD_PRIO_INHERIT);
	contend();
}

TEST(mutex_pi)
{
	pthread_mutex_t *m = make_mutex(PTHREAD_MUTEX_ERRORCHECK, false,
					PTHREAD_PRIO_INHERIT);

	show_err(pthread_mutex_lock(m));
	show_err(pthread_mutex_lock(m));
	show_err(join(start(try_lock, m)));
	show_err(join(start(timed, m)));
	show_err(pthread_mutex_unlock(m));
	show_err(pthread_mutex_unlock(m));
}

static void *lock_and_die(void *arg)
{
	return (void *)(long)pthread_mutex_lock(arg);
}

TEST(robust_thread_dies)
{
	pthread_mutex_t *m = make_mutex(PTHREAD_MUTEX_NORMAL, true, 0);

	show_err(join(start(lock_and_die, m)));
	show_err(pthread_mutex_lock(m));
	show_err(pthread_mutex_consistent(m));
	show_err(pthread_mutex_unlock(m));
	show_err(pthread_mutex_lock(m));
}

TEST(robust_process_dies)
{
	pthread_mutex_t *m = make_mutex(PTHREAD_MUTEX_NORMAL, true, 0);
	pid_t pid = fork();

	if (pid == 0) {
		pthread_mutex_lock(m);
		raise(SIGKILL);
	}
	show_exit("child", pid);
	show_err(pthread_mutex_lock(m));
	show_err(pthread_mutex_unlock(m));
	show_err(pthread_mutex_lock(m));
}

static void *wait_lock(void *arg)
{
	return (void *)(long)pthread_mutex_lock(arg);
}

TEST(robust_wakes_waiter)
{
	pthread_mutex_t *m = make_mutex(PTHREAD_MUTEX_NORMAL, true, 0);
	volatile int *locked = shared_page();
	pthread_t t;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_mutex_lock(m);
		*locked = 1;
		sleep_ms(60);
		_exit(0);
	}
	while (!*locked)
		sleep_ms(1);
	t = start(wait_lock, m);
	show_exit("child", pid);
	show_err(join(t));
}

TEST(robust_pi_process_dies)
{
	pthread_mutex_t *m = make_mutex(PTHREAD_MUTEX_NORMAL, true,
					PTHREAD_PRIO_INHERIT);
	pid_t pid = fork();

	if (pid == 0) {
		pthread_mutex_lock(m);
		_exit(0);
	}
	show_exit("child", pid);
	show_err(pthread_mutex_lock(m));
	show_err(pthread_mutex_consistent(m));
	show_err(pthread_mutex_unlock(m));
}

TEST(mutex_between_processes)
{
	int *count = shared_page();
	pid_t pid[3];

	hot = make_mutex(PTHREAD_MUTEX_NORMAL, false, 0);
	for (int p = 0; p < 3; p++) {
		pid[p] = fork();
		if (pid[p] == 0) {
			for (int i = 0; i < 5000; i++) {
				pthread_mutex_lock(hot);
				++*(volatile int *)count;
				pthread_mutex_unlock(hot);
			}
			_exit(0);
		}
	}
	for (int p = 0; p < 3; p++)
		await(pid[p]);
	num(*count);
}

struct channel {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int value;
};

static struct channel *make_channel(void)
{
	struct channel *c = shared_page();
	pthread_mutexattr_t ma;
	pthread_condattr_t ca;

	must0(pthread_mutexattr_init(&ma));
	must0(pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED));
	must0(pthread_mutex_init(&c->lock, &ma));
	must0(pthread_condattr_init(&ca));
	must0(pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED));
	must0(pthread_cond_init(&c->changed, &ca));
	return c;
}

/* Take turns: wait until value % 2 == parity, then add one; 1000 times. */
static void take_turns(struct channel *c, int parity)
{
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&c->lock);
		while (c->value % 2 != parity)
			pthread_cond_wait(&c->changed, &c->lock);
		c->value++;
		pthread_cond_signal(&c->changed);
		pthread_mutex_unlock(&c->lock);
	}
}

static void *odd_turns(void *arg)
{
	take_turns(arg, 1);
	return NULL;
}

TEST(cond_ping_pong_threads)
{
	struct channel *c = make_channel();
	pthread_t t = start(odd_turns, c);

	take_turns(c, 0);
	join(t);
	num(c->value);
}

TEST(cond_ping_pong_processes)
{
	struct channel *c = make_channel();
	pid_t pid = fork();

	if (pid == 0) {
		take_turns(c, 1);
		_exit(0);
	}
	take_turns(c, 0);
	show_exit("child", pid);
	num(c->value);
}

static void *wait_for_five(void *arg)
{
	struct channel *c = arg;

	pthread_mutex_lock(&c->lock);
	while (c->value != 5)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
	return (void *)1;
}

TEST(cond_broadcast)
{
	struct channel *c = make_channel();
	pthread_t t[8];
	long sum = 0;

	for (int i = 0; i < 8; i++)
		t[i] = start(wait_for_five, c);
	sleep_ms(20);
	pthread_mutex_lock(&c->lock);
	c->value = 5;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	for (int i = 0; i < 8; i++)
		sum += join(t[i]);
	num(sum);
}

TEST(cond_timed)
{
	struct channel *c = make_channel();
	struct timespec t = after_ms(30), past = { 1, 0 };

	pthread_mutex_lock(&c->lock);
	show_err(pthread_cond_timedwait(&c->changed, &c->lock, &t));
	show_err(pthread_cond_timedwait(&c->changed, &c->lock, &past));
	show_err(join(start(try_lock, &c->lock)));
}

TEST(cond_monotonic_clock)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_condattr_t a;
	pthread_cond_t c;
	struct timespec t;
	long long start_ms = now_ms();

	must0(pthread_condattr_init(&a));
	must0(pthread_condattr_setclock(&a, CLOCK_MONOTONIC));
	must0(pthread_cond_init(&c, &a));
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 40000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	pthread_mutex_lock(&m);
	show_err(pthread_cond_timedwait(&c, &m, &t));
	fact(now_ms() - start_ms >= 39);
}

static void *try_read(void *arg)
{
	return (void *)(long)pthread_rwlock_tryrdlock(arg);
}

static void *try_write(void *arg)
{
	return (void *)(long)pthread_rwlock_trywrlock(arg);
}

TEST(rwlock)
{
	pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
	struct timespec t = after_ms(20);

	show_err(pthread_rwlock_rdlock(&l));
	show_err(join(start(try_read, &l)));
	show_err(join(start(try_write, &l)));
	show_err(pthread_rwlock_unlock(&l));
	show_err(pthread_rwlock_timedwrlock(&l, &t));
	show_err(pthread_rwlock_unlock(&l));
	show_err(pthread_rwlock_wrlock(&l));
	show_err(join(start(try_read, &l)));
	show_err(pthread_rwlock_unlock(&l));
}

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static volatile int pair[2];

static void *rw_worker(void *arg)
{
	long bad = 0;

	for (int i = 0; i < 2000; i++) {
		if (arg) {
			pthread_rwlock_wrlock(&rw);
			pair[0]++;
			pair[1]++;
		} else {
			pthread_rwlock_rdlock(&rw);
			bad += pair[0] != pair[1];
		}
		pthread_rwlock_unlock(&rw);
	}
	return (void *)bad;
}

TEST(rwlock_contended)
{
	pthread_t t[4];
	long bad = 0;

	for (long i = 0; i < 4; i++)
		t[i] = start(rw_worker, (void *)(i & 1));
	for (int i = 0; i < 4; i++)
		bad += join(t[i]);
	num(bad);
	num(pair[0]);
}

static pthread_barrier_t barrier;
static int arrived[3];

static void *meet(void *arg)
{
	long serial = 0;

	for (int r = 0; r < 3; r++) {
		__atomic_add_fetch(&arrived[r], 1, __ATOMIC_SEQ_CST);
		if (pthread_barrier_wait(&barrier) ==
		    PTHREAD_BARRIER_SERIAL_THREAD)
			serial++;
		if (__atomic_load_n(&arrived[r], __ATOMIC_SEQ_CST) != 5)
			serial += 100;
	}
	return (void *)serial;
}

TEST(barrier_rounds)
{
	pthread_t t[5];
	long sum = 0;

	must0(pthread_barrier_init(&barrier, NULL, 5));
	for (int i = 0; i < 5; i++)
		t[i] = start(meet, NULL);
	for (int i = 0; i < 5; i++)
		sum += join(t[i]);
	num(sum);
}

TEST(semaphore)
{
	struct timespec t = after_ms(20);
	sem_t s;
	int v;

	show(sem_init(&s, 0, 2));
	show(sem_wait(&s));
	show(sem_trywait(&s));
	show(sem_trywait(&s));
	show(sem_timedwait(&s, &t));
	show(sem_post(&s));
	must(sem_getvalue(&s, &v));
	num(v);
}

TEST(semaphore_between_processes)
{
	sem_t *a = shared_page(), *b = a + 1;
	int *n = (int *)(a + 2);
	pid_t pid;

	must(sem_init(a, 1, 0));
	must(sem_init(b, 1, 0));
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 500; i++) {
			must(sem_wait(a));
			++*n;
			must(sem_post(b));
		}
		_exit(0);
	}
	for (int i = 0; i < 500; i++) {
		must(sem_post(a));
		must(sem_wait(b));
	}
	show_exit("child", pid);
	num(*n);
}

TEST(semaphore_interrupted)
{
	sem_t s;

	must(sem_init(&s, 0, 0));
	ticks_start(0);
	show(sem_wait(&s));
	ticks_stop();
}

TEST(semaphore_named)
{
	char name[64];
	sem_t *s;
	int v;

	sprintf(name, "/linux-test-%d", (int)getpid());
	s = sem_open(name, O_CREAT | O_EXCL, 0600, 3);
	if (s == SEM_FAILED)
		skip("no named semaphores: %s", err_name(errno));
	must(sem_wait(s));
	must(sem_getvalue(s, &v));
	num(v);
	fact(sem_open(name, O_CREAT | O_EXCL, 0600, 3) == SEM_FAILED);
	show(sem_unlink(name));
	show(sem_unlink(name));
}
