/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that carry events: eventfd, timerfd, signalfd, pidfd.
 */
#include "harness.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static short poll_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	must(poll(&p, 1, 0));
	return p.revents;
}

static long long read_u64(int fd)
{
	uint64_t v = 0;

	return read(fd, &v, 8) == 8 ? (long long)v : -1;
}

static int write_u64(int fd, uint64_t v)
{
	return write(fd, &v, 8);
}

TEST(eventfd_counter)
{
	int fd = must(eventfd(3, EFD_NONBLOCK));

	show(read_u64(fd));
	show(read_u64(fd));
	show(write_u64(fd, 4));
	show(write_u64(fd, 5));
	show(read_u64(fd));
	show(write_u64(fd, 0));
	show(read_u64(fd));
}

TEST(eventfd_semaphore)
{
	int fd = must(eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE));

	show(read_u64(fd));
	show(write_u64(fd, 1));
	show(read_u64(fd));
	show(read_u64(fd));
	show(read_u64(fd));
}

TEST(eventfd_overflow)
{
	int fd = must(eventfd(0, EFD_NONBLOCK));

	show(write_u64(fd, UINT64_MAX));
	show(write_u64(fd, UINT64_MAX - 1));
	num(poll_now(fd, POLLIN | POLLOUT));
	show(write_u64(fd, 1));
	show(read_u64(fd) == -2);
	show(write_u64(fd, 1));
	num(poll_now(fd, POLLIN | POLLOUT));
}

TEST(eventfd_errors)
{
	uint64_t v = 1;
	int fd = must(eventfd(1, EFD_CLOEXEC));

	num(fcntl(fd, F_GETFD));
	show(read(fd, &v, 7));
	show(write(fd, &v, 7));
	show(read(fd, bad_pointer(), 8));
	show(write(fd, bad_pointer(), 8));
	show(eventfd(0, 0x1000));
}

TEST(eventfd_blocks)
{
	int fd = must(eventfd(0, 0));

	if (fork() == 0) {
		sleep_ms(50);
		_exit(write_u64(fd, 9));
	}
	show(read_u64(fd));
	wait(NULL);
	ticks_start(0);
	show(read_u64(fd));
	ticks_stop();
}

TEST(timerfd_relative)
{
	struct itimerspec t = { { 0, 0 }, { 0, 30000000 } }, now;
	int fd = must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	long long start = now_ms();

	num(poll_now(fd, POLLIN));
	show(timerfd_settime(fd, 0, &t, NULL));
	must(timerfd_gettime(fd, &now));
	fact(now.it_value.tv_sec == 0 && now.it_value.tv_nsec <= 30000000);
	show(read_u64(fd));
	fact(now_ms() - start >= 29);
	num(poll_now(fd, POLLIN));
	must(timerfd_gettime(fd, &now));
	num(now.it_value.tv_nsec);
}

TEST(timerfd_interval)
{
	struct itimerspec t = { { 0, 10000000 }, { 0, 10000000 } }, off = { 0 };
	int fd = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));

	show(read_u64(fd));
	must(timerfd_settime(fd, 0, &t, NULL));
	sleep_ms(60);
	fact(read_u64(fd) >= 5);
	sleep_ms(30);
	fact(read_u64(fd) >= 2);
	must(timerfd_settime(fd, 0, &off, &t));
	num(t.it_interval.tv_nsec);
	sleep_ms(20);
	show(read_u64(fd));
}

TEST(timerfd_absolute)
{
	struct itimerspec t = { { 0, 0 }, { 1, 0 } };
	int fd = must(timerfd_create(CLOCK_REALTIME, 0));

	show(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
	show(read_u64(fd));
	fd = must(timerfd_create(CLOCK_MONOTONIC, 0));
	clock_gettime(CLOCK_MONOTONIC, &t.it_value);
	t.it_value.tv_nsec += 20000000;
	if (t.it_value.tv_nsec >= 1000000000) {
		t.it_value.tv_nsec -= 1000000000;
		t.it_value.tv_sec++;
	}
	show(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
	show(read_u64(fd));
}

TEST(timerfd_errors)
{
	struct itimerspec t = { { 0, 0 }, { 0, 1000000000 } };
	uint64_t v;
	int fd = must(timerfd_create(CLOCK_MONOTONIC, 0));

	show(timerfd_settime(fd, 0, &t, NULL));
	t.it_value = (struct timespec){ -1, 0 };
	show(timerfd_settime(fd, 0, &t, NULL));
	t.it_value = (struct timespec){ 1, 0 };
	show(timerfd_settime(fd, 0x100, &t, NULL));
	show(timerfd_settime(0, 0, &t, NULL));
	show(timerfd_settime(-1, 0, &t, NULL));
	show(syscall(SYS_timerfd_settime, fd, 0, bad_pointer(), NULL));
	show(timerfd_create(CLOCK_MONOTONIC, 1));
	show(timerfd_create(99, 0));
	show(timerfd_create(CLOCK_THREAD_CPUTIME_ID, 0));
	show(read(fd, &v, 4));
	show(write(fd, &v, 8));
}

TEST(timerfd_poll)
{
	struct itimerspec t = { { 0, 0 }, { 0, 30000000 } };
	struct pollfd p = { .events = POLLIN };

	p.fd = must(timerfd_create(CLOCK_MONOTONIC, 0));
	must(timerfd_settime(p.fd, 0, &t, NULL));
	show(poll(&p, 1, 10000));
	num(p.revents);
	show(read_u64(p.fd));
}

static int make_signalfd(int flags)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigaddset(&s, SIGUSR2);
	must(sigprocmask(SIG_BLOCK, &s, NULL));
	return must(signalfd(-1, &s, flags));
}

TEST(signalfd_read)
{
	struct signalfd_siginfo si[3];
	int fd = make_signalfd(SFD_NONBLOCK);

	show(read(fd, si, sizeof(si[0])));
	num(poll_now(fd, POLLIN));
	must(kill(getpid(), SIGUSR2));
	must(kill(getpid(), SIGUSR1));
	num(poll_now(fd, POLLIN));
	fact(read(fd, si, sizeof(si)) == 2 * sizeof(si[0]));
	fact(si[0].ssi_signo == SIGUSR1 && si[1].ssi_signo == SIGUSR2);
	fact(si[0].ssi_pid == (uint32_t)getpid());
	fact(si[0].ssi_uid == getuid());
	num(si[0].ssi_code);
	show(read(fd, si, sizeof(si[0])));
}

TEST(signalfd_queue_value)
{
	struct signalfd_siginfo si;
	int fd = make_signalfd(SFD_NONBLOCK);

	must(sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 77 }));
	must(read(fd, &si, sizeof(si)) == sizeof(si) ? 0 : -1);
	num(si.ssi_int);
	num((int)si.ssi_code);
}

TEST(signalfd_change_and_errors)
{
	struct signalfd_siginfo si;
	sigset_t s;
	int fd = make_signalfd(SFD_NONBLOCK | SFD_CLOEXEC);

	num(fcntl(fd, F_GETFD));
	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	fact(signalfd(fd, &s, 0) == fd);
	must(raise(SIGUSR1));
	show(read(fd, &si, sizeof(si)));
	must(raise(SIGUSR2));
	fact(read(fd, &si, sizeof(si)) == sizeof(si));
	show(read(fd, &si, 10));
	show(signalfd(0, &s, 0));
	show(signalfd(-2, &s, 0));
	show(signalfd(-1, &s, 1));
	show(syscall(SYS_signalfd4, -1, &s, 4, 0));
	show(syscall(SYS_signalfd4, -1, bad_pointer(), 8, 0));
	show(write(fd, &si, sizeof(si)));
}

TEST(signalfd_blocks_and_sees_child)
{
	struct signalfd_siginfo si;
	sigset_t s;
	pid_t pid;
	int fd;

	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	must(sigprocmask(SIG_BLOCK, &s, NULL));
	fd = must(signalfd(-1, &s, 0));
	pid = fork();
	if (pid == 0) {
		sleep_ms(30);
		_exit(5);
	}
	fact(read(fd, &si, sizeof(si)) == sizeof(si));
	fact(si.ssi_pid == (uint32_t)pid);
	num(si.ssi_status);
	num(si.ssi_code);
	show_exit("child", pid);
}

static int wait_forever(void *arg)
{
	return pause();
}

TEST(pidfd_open_poll)
{
	siginfo_t si = { 0 };
	pid_t pid = spawn(wait_forever, NULL);
	int fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 && errno == ENOSYS)
		skip("no pidfd_open");
	must(fd);
	num(fcntl(fd, F_GETFD));
	num(poll_now(fd, POLLIN));
	show(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	show(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
	must(poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 10000));
	num(poll_now(fd, POLLIN) & POLLIN);
	show(waitid(P_PIDFD, fd, &si, WEXITED));
	num(si.si_status);
	show(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	show(syscall(SYS_pidfd_open, pid, 0));
	show(syscall(SYS_pidfd_open, -1, 0));
	show(syscall(SYS_pidfd_open, getpid(), 1));
}

TEST(pidfd_getfd)
{
	pid_t pid = spawn(wait_forever, NULL);
	int fd = syscall(SYS_pidfd_open, pid, 0), got;

	if (fd < 0)
		skip("no pidfd_open");
	got = syscall(SYS_pidfd_getfd, fd, 1, 0);
	if (got < 0 && errno == ENOSYS)
		skip("no pidfd_getfd");
	show_ok(got);
	num(fcntl(got, F_GETFD));
	show(syscall(SYS_pidfd_getfd, fd, 99, 0));
	show(syscall(SYS_pidfd_getfd, fd, 1, 1));
	kill(pid, SIGKILL);
	await(pid);
}
