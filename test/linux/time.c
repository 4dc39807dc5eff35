/* SPDX-License-Identifier: MIT */
/*
 * Clocks, sleeping, random numbers.
 */
#include "harness.h"

#include <sys/random.h>
#include <sys/time.h>
#include <sys/timex.h>

static long long ns(struct timespec t)
{
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long clock_ns(clockid_t c)
{
	struct timespec t;

	must(clock_gettime(c, &t));
	return ns(t);
}

TEST(all_clocks_work)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
		CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
		CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,
		CLOCK_TAI,
	};
	struct timespec t;

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		int r = clock_gettime(clocks[i], &t);
		int s = clock_getres(clocks[i], &t);

		say("clock %d: %d %d %d", clocks[i], r, s, ns(t) > 0);
	}
}

TEST(clock_errors)
{
	struct timespec t;

	show(clock_gettime(99, &t));
	show(clock_getres(99, &t));
	show(clock_getres(CLOCK_MONOTONIC, NULL));
	show(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bad_pointer()));
	show(syscall(SYS_clock_getres, CLOCK_MONOTONIC, bad_pointer()));
	show(clock_settime(CLOCK_MONOTONIC, &t));
}

TEST(resolution)
{
	struct timespec t;

	must(clock_getres(CLOCK_MONOTONIC, &t));
	num(ns(t));
	must(clock_getres(CLOCK_REALTIME, &t));
	num(ns(t));
}

TEST(monotonic_never_goes_back)
{
	long long last = clock_ns(CLOCK_MONOTONIC), first = last;
	int back = 0;

	for (int i = 0; i < 200000; i++) {
		long long now = clock_ns(CLOCK_MONOTONIC);

		back += now < last;
		last = now;
	}
	num(back);
	fact(last > first);
}

TEST(system_call_and_library_agree)
{
	struct timespec a, b, c;

	clock_gettime(CLOCK_MONOTONIC, &a);
	must(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &b));
	clock_gettime(CLOCK_MONOTONIC, &c);
	fact(ns(a) <= ns(b) && ns(b) <= ns(c));
	clock_gettime(CLOCK_REALTIME, &a);
	must(syscall(SYS_clock_gettime, CLOCK_REALTIME, &b));
	fact(ns(b) - ns(a) < 1000000000);
}

TEST(real_clocks_agree)
{
	struct timeval tv;
	struct timespec t;
	time_t now = time(NULL), again;

	must(gettimeofday(&tv, NULL));
	clock_gettime(CLOCK_REALTIME, &t);
	must(syscall(SYS_time, &again));
	fact(llabs(tv.tv_sec - now) <= 1);
	fact(llabs(t.tv_sec - now) <= 1);
	fact(llabs(again - now) <= 1);
	fact(now > 1700000000);
	show(syscall(SYS_time, bad_pointer()));
	show(syscall(SYS_gettimeofday, bad_pointer(), NULL));
}

TEST(timezone_fields)
{
	struct timezone tz = { 5, 5 };
	struct timeval tv;

	show(syscall(SYS_gettimeofday, &tv, &tz));
	num(tz.tz_minuteswest);
	num(tz.tz_dsttime);
}

TEST(cpu_clock_counts_work_only)
{
	long long a = clock_ns(CLOCK_PROCESS_CPUTIME_ID), b, c;
	volatile long x = 0;

	sleep_ms(60);
	b = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (long i = 0; i < 30000000; i++)
		x += i;
	c = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	fact(b - a < 50000000);
	fact(c > b);
}

TEST(nanosleep_waits)
{
	struct timespec t = { 0, 40000000 };
	long long start = clock_ns(CLOCK_MONOTONIC);

	show(nanosleep(&t, NULL));
	fact(clock_ns(CLOCK_MONOTONIC) - start >= 40000000);
}

TEST(nanosleep_errors)
{
	struct timespec t = { 0, 1000000000 };

	show(nanosleep(&t, NULL));
	t = (struct timespec){ 0, -1 };
	show(nanosleep(&t, NULL));
	t = (struct timespec){ -1, 0 };
	show(nanosleep(&t, NULL));
	show(syscall(SYS_nanosleep, bad_pointer(), NULL));
	t = (struct timespec){ 0, 0 };
	show(nanosleep(&t, NULL));
}

TEST(nanosleep_rest_unwritable)
{
	struct timespec t = { 100, 0 };

	ticks_start(0);
	show(syscall(SYS_nanosleep, &t, bad_pointer()));
	ticks_stop();
}

TEST(clock_nanosleep_absolute)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 40000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	show_err(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	fact(clock_ns(CLOCK_MONOTONIC) >= ns(t));
	t.tv_sec = 1;
	show_err(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	show_err(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
}

TEST(clock_nanosleep_errors)
{
	struct timespec t = { 0, 1000 };

	show_err(clock_nanosleep(99, 0, &t, NULL));
	show_err(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
	t.tv_nsec = -1;
	show_err(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL));
	show(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, bad_pointer(),
		     NULL));
}

TEST(clock_nanosleep_interrupted)
{
	struct timespec t = { 100, 0 }, rest = { 0, 0 };

	ticks_start(SA_RESTART);
	show_err(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &rest));
	fact(rest.tv_sec >= 90 && rest.tv_sec < 100);
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += 100;
	rest.tv_sec = 7;
	show_err(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &rest));
	ticks_stop();
	num(rest.tv_sec);
}

TEST(setting_needs_privilege)
{
	struct timespec t = { 1000, 0 };
	struct timex tx = { .modes = ADJ_OFFSET };

	if (geteuid() == 0)
		must(setresuid(65534, 65534, 65534));
	show(clock_settime(CLOCK_REALTIME, &t));
	show(settimeofday(&(struct timeval){ 1, 0 }, NULL));
	show(adjtimex(&tx));
}

TEST(clocks_keep_pace)
{
	long long m = clock_ns(CLOCK_MONOTONIC), r = clock_ns(CLOCK_REALTIME);
	long long b = clock_ns(CLOCK_BOOTTIME);

	sleep_ms(100);
	m = clock_ns(CLOCK_MONOTONIC) - m;
	r = clock_ns(CLOCK_REALTIME) - r;
	b = clock_ns(CLOCK_BOOTTIME) - b;
	fact(llabs(m - r) < 500000000);
	fact(llabs(m - b) < 500000000);
}

TEST(cpu_clock_of_child)
{
	clockid_t c;
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			;
	}
	sleep_ms(50);
	show_err(clock_getcpuclockid(pid, &c));
	fact(clock_ns(c) > 0);
	kill(pid, SIGKILL);
	await(pid);
	show_err(clock_getcpuclockid(999999, &c));
}

TEST(getrandom_bytes)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 };
	int same = 0;

	show(getrandom(a, sizeof(a), 0));
	show(getrandom(b, sizeof(b), GRND_NONBLOCK));
	for (size_t i = 0; i < sizeof(a); i++)
		same += a[i] == b[i];
	fact(same < 16);
	show(getrandom(a, 0, 0));
	show(getrandom(a, 1, GRND_RANDOM));
	show(getrandom(a, 1, GRND_INSECURE));
}

TEST(getrandom_errors)
{
	char c;

	show(getrandom(&c, 1, 0x100));
	show(getrandom(&c, 1, GRND_RANDOM | GRND_INSECURE));
	show(getrandom(bad_pointer(), 8, 0));
	show(getrandom(page_end(4), 4, 0));
}

TEST(getrandom_large)
{
	size_t n = 1 << 20;
	unsigned char *p = calloc(1, n);
	long counts[256] = { 0 }, low = 1 << 30;

	show(getrandom(p, n, 0));
	for (size_t i = 0; i < n; i++)
		counts[p[i]]++;
	for (int i = 0; i < 256; i++)
		low = counts[i] < low ? counts[i] : low;
	fact(low > 3000);
}

TEST(random_after_fork)
{
	unsigned char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (pid == 0)
		_exit(getrandom(p, 16, 0) != 16);
	must(getrandom(p + 16, 16, 0));
	show_exit("child", pid);
	fact(memcmp(p, p + 16, 16) != 0);
}
