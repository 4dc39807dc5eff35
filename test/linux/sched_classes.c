/* SPDX-License-Identifier: MIT */
/*
 * Scheduling classes: what the calls keep and report, and that the classes are
 * obeyed: on one processor a better one keeps a worse one out. Where the host
 * grants no real-time classes, both sides skip.
 */
#include "sched_help.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#define POLICY_DEADLINE	6

/* sched_setattr(2) */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int has_rt(void)
{
	struct sched_param p = { .sched_priority = 1 };
	struct sched_param none = { .sched_priority = 0 };

	if (sched_setscheduler(0, SCHED_FIFO, &p))
		return 0;
	sched_setscheduler(0, SCHED_OTHER, &none);
	return 1;
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void work_ms(int ms)
{
	int64_t end = now_ns(CLOCK_MONOTONIC) + ms * 1000000ll;

	while (now_ns(CLOCK_MONOTONIC) < end)
		;
}

TEST(policies)
{
	struct sched_param p;
	struct timespec t;

	if (!has_rt())
		skip("no real-time classes");
	show(set(SCHED_FIFO, 10));
	show(sched_getscheduler(0));
	show(sched_getparam(0, &p));
	show(p.sched_priority);
	show(set(SCHED_FIFO, 0));
	show(set(SCHED_RR, 100));
	show(set(SCHED_RR, 99));
	show(sched_rr_get_interval(0, &t));
	show(t.tv_sec == 0 && t.tv_nsec > 0);
	show(set(SCHED_FIFO | SCHED_RESET_ON_FORK, 3));
	show(sched_getscheduler(0));
	show(sched_rr_get_interval(0, &t));
	show(t.tv_nsec);
	show(set(SCHED_OTHER, 0));
	show(sched_getscheduler(0));
}

TEST(inherited)
{
	int status;

	if (!has_rt())
		skip("no real-time classes");
	show(set(SCHED_FIFO, 10));
	if (fork() == 0)
		_exit(sched_getscheduler(0));
	wait(&status);
	show(WEXITSTATUS(status));
	show(set(SCHED_FIFO | SCHED_RESET_ON_FORK, 10));
	if (fork() == 0)
		_exit(sched_getscheduler(0));
	wait(&status);
	show(WEXITSTATUS(status));
}

TEST(rights)
{
	struct rlimit limit = { 5, 5 };

	if (!has_rt() || getuid())
		skip("no real-time classes, or not root");
	if (setrlimit(RLIMIT_RTPRIO, &limit))
		skip("no right to set limits");
	show(setgid(65534));
	show(setuid(65534));
	show(set(SCHED_FIFO, 5));
	show(set(SCHED_FIFO, 6));
	show(set(SCHED_RR, 1));
	show(set(SCHED_FIFO | SCHED_RESET_ON_FORK, 5));
	show(set(SCHED_FIFO, 5));
	show(set(SCHED_OTHER | SCHED_RESET_ON_FORK, 0));
}

TEST(deadline_calls)
{
	struct attr a = { .size = sizeof(a),
				.policy = POLICY_DEADLINE,
				.runtime = 2000000,
				.deadline = 10000000,
				.period = 10000000 };
	struct attr got = { 0 };

	if (!has_rt() || syscall(SYS_sched_setattr, 0, &a, 0))
		skip("no deadline class");
	show(sched_getscheduler(0));
	show(syscall(SYS_sched_getattr, 0, &got, sizeof(got), 0));
	show(got.policy);
	show(got.runtime);
	show(got.deadline);
	show(got.period);
	show(fork());
	show(errno);
	a.runtime = a.deadline;	/* all of a processor, and a second time */
	show(syscall(SYS_sched_setattr, 0, &a, 0) == 0 ||
	     errno == EBUSY);
	a.deadline = 1000000;
	show(syscall(SYS_sched_setattr, 0, &a, 0));
	show(errno);
	a.deadline = 10000000;
	a.runtime = 100;
	show(syscall(SYS_sched_setattr, 0, &a, 0));
	show(errno);
	show(set(SCHED_OTHER, 0));
}

static volatile int counter;

static void *count(void *arg)
{
	while (!*(volatile int *)arg)
		counter++;
	return NULL;
}

/* While a task of fixed priority works, an ordinary one gets nothing. */
TEST(fifo_keeps_fair_out)
{
	volatile int stop = 0;
	pthread_t t;
	int before, after;

	if (!has_rt())
		skip("no real-time classes");
	one_processor();
	pthread_create(&t, NULL, count, (void *)&stop);
	while (!counter)
		sched_yield();
	show(set(SCHED_FIFO, 10));
	before = counter;
	work_ms(30);
	after = counter;
	show(after == before);
	show(set(SCHED_OTHER, 0));
	stop = 1;
	pthread_join(t, NULL);
}

static volatile char order[8];
static volatile int nr_ran;

static void *run_at(void *arg)
{
	int priority = *(int *)arg;

	set(SCHED_FIFO, priority);
	order[nr_ran++] = (char)('0' + priority);
	return NULL;
}

/* Several become ready while a better one runs: they run by priority. */
TEST(order_of_priorities)
{
	int priorities[4] = { 3, 1, 4, 2 };
	pthread_attr_t attr;
	struct sched_param p;
	pthread_t t[4];
	int err = 0, ran;

	if (!has_rt())
		skip("no real-time classes");
	one_processor();
	show(set(SCHED_FIFO, 9));	/* nothing that sleeps from here on */
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	for (int i = 0; i < 4; i++) {
		p.sched_priority = priorities[i];
		pthread_attr_setschedparam(&attr, &p);
		err |= pthread_create(&t[i], &attr, run_at, &priorities[i]);
	}
	work_ms(10);
	ran = nr_ran;
	show(err);
	show(ran);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%s\n", (const char *)order);
}

/* A woken task of higher priority runs at once, before its waker goes on. */
static int pipe_fds[2];
static volatile int woken;

static void *reader(void *arg)
{
	char c;

	set(SCHED_FIFO, 20);
	*(volatile int *)arg = 1;
	if (read(pipe_fds[0], &c, 1) == 1)
		woken = 1;
	return NULL;
}

TEST(wakeup_preempts)
{
	volatile int ready = 0;
	int written, was_woken;
	pthread_t t;

	if (!has_rt())
		skip("no real-time classes");
	one_processor();
	show(pipe(pipe_fds));
	pthread_create(&t, NULL, reader, (void *)&ready);
	while (!ready)
		sched_yield();
	usleep(20000);
	show(set(SCHED_FIFO, 10));
	written = write(pipe_fds[1], "x", 1);
	was_woken = woken;
	show(written);
	show(was_woken);
	pthread_join(t, NULL);
}

/* Niceness decides how an ordinary processor is shared. */
TEST(nice_shares)
{
	int status, fds[2], start[2];
	int64_t took[2] = { 0, 0 };
	char c;

	one_processor();
	show(pipe(fds));
	show(pipe(start));
	for (int i = 0; i < 2; i++) {
		if (fork())
			continue;
		if (i)
			nice(10);
		/* both begin together; long, for hosts that take time away */
		close(start[1]);
		if (read(start[0], &c, 1))
			_exit(1);
		work_ms(1200);
		took[0] = i;
		took[1] = now_ns(CLOCK_PROCESS_CPUTIME_ID);
		write(fds[1], took, sizeof(took));
		_exit(0);
	}
	int64_t by[2];

	close(start[1]);
	for (int i = 0; i < 2; i++) {
		if (read(fds[0], took, sizeof(took)) == sizeof(took))
			by[took[0]] = took[1];
		wait(&status);
	}
	show(by[0] > 3 * by[1]);
}

/* The limit of real-time classes is what it is by default. */
static void need_limit(void)
{
	long us = 0;
	FILE *f = fopen("/proc/sys/kernel/sched_rt_runtime_us", "r");

	if (!has_rt())
		skip("no real-time classes");
	if (!f || fscanf(f, "%ld", &us) != 1 || us != 950000)
		skip("the limit of real-time classes was changed");
	fclose(f);
}

/* One that never waits leaves an ordinary one its part: 50 ms in a second. */
TEST(runaway_leaves_a_part)
{
	volatile int stop = 0;
	struct timespec ran;
	clockid_t clock;
	pthread_t t;
	int64_t ms;

	need_limit();
	one_processor();
	pthread_create(&t, NULL, count, (void *)&stop);
	pthread_getcpuclockid(t, &clock);
	show(set(SCHED_FIFO, 99));
	work_ms(3000);
	clock_gettime(clock, &ran);
	ms = ran.tv_sec * 1000 + ran.tv_nsec / 1000000;
	show(ms >= 50);
	show(ms <= 400);
	show(set(SCHED_OTHER, 0));
	stop = 1;
	pthread_join(t, NULL);
}

static volatile sig_atomic_t nr_alarms;

static void on_alarm(int signo)
{
	nr_alarms++;
}

static void *run_away(void *arg)
{
	int64_t end = now_ns(CLOCK_MONOTONIC) + 6000000000ll;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(*(int *)arg, &one);
	sched_setaffinity(0, sizeof(one), &one);
	set(SCHED_FIFO, 99);
	while (!nr_alarms && now_ns(CLOCK_MONOTONIC) < end)
		;
	return NULL;
}

/* Some on all processors do not keep the kernel from what it has to do. */
TEST(runaways_hear_timers)
{
	struct itimerval in_200ms = { .it_value.tv_usec = 200000 };
	pthread_t t[64];
	int cpus[64], nr = 0;
	cpu_set_t all;
	int64_t start = now_ns(CLOCK_MONOTONIC);

	need_limit();
	sched_getaffinity(0, sizeof(all), &all);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &in_200ms, NULL);
	for (int i = 0; i < 64 && nr < 64; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		cpus[nr] = i;
		pthread_create(&t[nr], NULL, run_away, &cpus[nr]);
		nr++;
	}
	for (int i = 0; i < nr; i++)
		pthread_join(t[i], NULL);
	show(nr_alarms);
	show(now_ns(CLOCK_MONOTONIC) - start < 5000000000ll);
}

TEST(affinity_moves)
{
	cpu_set_t all, one;
	int good = 1;

	sched_getaffinity(0, sizeof(all), &all);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		good &= !sched_setaffinity(0, sizeof(one), &one);
		good &= sched_getcpu() == i;
	}
	show(good);
	show(sched_setaffinity(0, sizeof(all), &all));
}
