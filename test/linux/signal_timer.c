/* SPDX-License-Identifier: MIT */
/*
 * Timers that send signals, and sleeping that signals interrupt.
 */
#include "harness.h"

#include <sys/time.h>

static siginfo_t info;
static int expirations;		/* as the signals of a timer report them */

static void keep_info(int sig, siginfo_t *si, void *ctx)
{
	info = *si;
	expirations += 1 + si->si_overrun;
	count_signal(sig);
}

static void on_info(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = keep_info,
				.sa_flags = SA_SIGINFO | flags };

	must(sigaction(sig, &sa, NULL));
}

static void change_mask(int how, int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	must(sigprocmask(how, &s, NULL));
}

TEST(nanosleep_interrupted)
{
	struct timespec t = { 100, 0 }, left = { 0, 0 };

	ticks_start(SA_RESTART);
	show(nanosleep(&t, &left));
	ticks_stop();
	fact(left.tv_sec >= 90 && left.tv_sec < 100);
}

TEST(sleep_returns_rest)
{
	ticks_start(0);
	fact(sleep(50) >= 40);
	ticks_stop();
}

TEST(setitimer_real)
{
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, old;

	on_signal(SIGALRM, count_signal, 0);
	show(setitimer(ITIMER_REAL, &it, NULL));
	while (signal_count < 3)
		pause();
	must(getitimer(ITIMER_REAL, &old));
	num(old.it_interval.tv_usec);
	fact(old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 10000);
	it = (struct itimerval){ 0 };
	show(setitimer(ITIMER_REAL, &it, &old));
	num(old.it_interval.tv_usec);
	it.it_value.tv_usec = 1000000;
	show(setitimer(ITIMER_REAL, &it, NULL));
	show(setitimer(77, &it, NULL));
	show(getitimer(77, &it));
	show(syscall(SYS_getitimer, ITIMER_REAL, bad_pointer()));
}

TEST(setitimer_cpu_time)
{
	struct itimerval it = { { 0, 0 }, { 0, 20000 } };
	long long t = now_ms();

	on_signal(SIGVTALRM, count_signal, 0);
	on_signal(SIGPROF, count_signal, 0);
	must(setitimer(ITIMER_VIRTUAL, &it, NULL));
	must(setitimer(ITIMER_PROF, &it, NULL));
	while (signal_count < 2 && now_ms() - t < 5000)
		;
	num(signal_count);
}

TEST(alarm_call)
{
	show(alarm(100));
	fact(alarm(0) >= 99);
	show(alarm(0));
	on_signal(SIGALRM, count_signal, 0);
	ualarm(10000, 10000);
	show(pause());
	fact(signal_count > 0);
}

TEST(alarm_kills)
{
	ualarm(20000, 0);
	for (;;)
		pause();
}

TEST(timer_create_signal)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1 };
	struct itimerspec it = { { 0, 0 }, { 0, 20000000 } };
	timer_t id;

	on_info(SIGUSR1, 0);
	ev.sigev_value.sival_int = 55;
	show(timer_create(CLOCK_MONOTONIC, &ev, &id));
	show(timer_settime(id, 0, &it, NULL));
	while (!signal_count)
		sleep_ms(1);
	fact(info.si_code == SI_TIMER);
	num(info.si_value.sival_int);
	num(info.si_overrun);
	show(timer_gettime(id, &it));
	num(it.it_value.tv_nsec);
	show(timer_getoverrun(id));
	show(timer_delete(id));
	show(timer_delete(id));
	show(timer_create(99, &ev, &id));
	ev.sigev_signo = 99;
	show(timer_create(CLOCK_MONOTONIC, &ev, &id));
}

TEST(timer_overrun)
{
	struct itimerspec it = { { 0, 5000000 }, { 0, 5000000 } };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1 };
	timer_t id;

	on_info(SIGUSR1, 0);
	change_mask(SIG_BLOCK, SIGUSR1);
	must(timer_create(CLOCK_MONOTONIC, &ev, &id));
	must(timer_settime(id, 0, &it, NULL));
	sleep_ms(60);
	change_mask(SIG_UNBLOCK, SIGUSR1);
	/* A second signal may come while the first one is handled. */
	fact(expirations >= 6);
	fact(signal_count >= 1);
	must(timer_delete(id));
}

TEST(timer_none)
{
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	struct itimerspec it = { { 0, 0 }, { 100, 0 } };
	timer_t id;

	must(timer_create(CLOCK_REALTIME, &ev, &id));
	must(timer_settime(id, 0, &it, NULL));
	must(timer_gettime(id, &it));
	fact(it.it_value.tv_sec >= 99 && it.it_value.tv_sec <= 100);
	it.it_value.tv_nsec = -1;
	show(timer_settime(id, 0, &it, NULL));
}
