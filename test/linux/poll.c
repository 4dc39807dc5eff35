/* SPDX-License-Identifier: MIT */
/*
 * poll(), ppoll(), select(), pselect().
 */
#include "harness.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>

TEST(poll_files)
{
	struct pollfd p[3] = { { 0, POLLIN, 0 }, { 0, POLLIN | POLLOUT, 0 } };

	p[1].fd = must(open("f", O_CREAT | O_RDWR, 0600));
	p[2] = (struct pollfd){ must(open(".", O_RDONLY)), POLLIN, 0 };
	show(poll(p, 3, -1));
	num(p[0].revents);
	num(p[1].revents);
	num(p[2].revents);
}

TEST(poll_bad_descriptor)
{
	struct pollfd p[3] = { { 99, POLLIN, 77 }, { -1, POLLIN, 77 },
			       { -5, POLLIN, 77 } };

	show(poll(p, 3, 0));
	num(p[0].revents);
	num(p[1].revents);
	num(p[2].revents);
	show(poll(p + 1, 2, 0));
}

TEST(poll_timeout)
{
	long long t = now_ms();

	show(poll(NULL, 0, 50));
	fact(now_ms() - t >= 49);
	show(poll(NULL, 0, 0));
}

TEST(poll_timeout_with_descriptor)
{
	struct pollfd q = { .events = POLLIN, .revents = 99 };
	long long t = now_ms();
	int p[2];

	must(pipe(p));
	q.fd = p[0];
	show(poll(&q, 1, 50));
	fact(now_ms() - t >= 49);
	num(q.revents);
}

TEST(poll_errors)
{
	struct rlimit r = { 16, 16 };
	static struct pollfd many[20];

	show(poll(bad_pointer(), 1, 0));
	must(setrlimit(RLIMIT_NOFILE, &r));
	show(poll(many, 17, 0));
	show(poll(many, 16, 0));
}

TEST(poll_interrupted)
{
	ticks_start(SA_RESTART);
	show(poll(NULL, 0, -1));
	ticks_stop();
}

TEST(poll_same_descriptor_twice)
{
	struct pollfd q[2];
	int p[2];

	must(pipe(p));
	must(write(p[1], "x", 1));
	q[0] = q[1] = (struct pollfd){ p[0], POLLIN, 0 };
	show(poll(q, 2, -1));
	num(q[0].revents + q[1].revents);
}

TEST(ppoll_mask)
{
	sigset_t block, none;
	struct timespec long_time = { 10, 0 };

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	on_signal(SIGUSR1, count_signal, 0);
	must(sigprocmask(SIG_BLOCK, &block, NULL));
	must(raise(SIGUSR1));
	num(signal_count);
	show(ppoll(NULL, 0, &long_time, &none));
	num(signal_count);
	must(raise(SIGUSR1));
	num(signal_count);
}

TEST(ppoll_mask_blocks)
{
	sigset_t block;
	struct timespec t = { 0, 20000000 };

	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	on_signal(SIGUSR1, count_signal, 0);
	if (fork() == 0) {
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	do {
		if (ppoll(NULL, 0, &t, &block) == 0)
			break;
	} while (1);
	wait(NULL);
	num(signal_count);
}

TEST(ppoll_ready_keeps_signal_pending)
{
	sigset_t block, none, pending;
	struct pollfd q = { .events = POLLIN };
	int p[2];

	must(pipe(p));
	must(write(p[1], "x", 1));
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	on_signal(SIGUSR1, count_signal, 0);
	must(sigprocmask(SIG_BLOCK, &block, NULL));
	must(raise(SIGUSR1));
	q.fd = p[0];
	show(ppoll(&q, 1, NULL, &none));
	num(signal_count);
	must(sigpending(&pending));
	num(sigismember(&pending, SIGUSR1));
}

TEST(ppoll_errors)
{
	struct timespec t = { -1, 0 };

	show(ppoll(NULL, 0, &t, NULL));
	t = (struct timespec){ 0, 1000000000 };
	show(ppoll(NULL, 0, &t, NULL));
	show(syscall(SYS_ppoll, NULL, 0, bad_pointer(), NULL, 8));
	t = (struct timespec){ 0, 0 };
	show(syscall(SYS_ppoll, NULL, 0, &t, &t, 4));
	show(syscall(SYS_ppoll, NULL, 0, &t, bad_pointer(), 8));
}

TEST(select_pipe)
{
	fd_set r, w, e;
	struct timeval t = { 0, 0 };
	int p[2];

	must(pipe(p));
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&e);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(p[0], &e);
	show(select(p[1] + 1, &r, &w, &e, &t));
	num(FD_ISSET(p[0], &r));
	num(!!FD_ISSET(p[1], &w));
	num(FD_ISSET(p[0], &e));
	must(write(p[1], "x", 1));
	FD_SET(p[0], &r);
	show(select(p[1] + 1, &r, &w, NULL, NULL));
	num(!!FD_ISSET(p[0], &r));
}

TEST(select_eof_is_readable)
{
	fd_set r;
	int p[2];

	must(pipe(p));
	close(p[1]);
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	show(select(p[0] + 1, &r, NULL, NULL, NULL));
}

TEST(select_errors)
{
	fd_set r;
	struct timeval t = { 0, 0 };

	/* Linux looks no further than its table, which may end at 64. */
	FD_ZERO(&r);
	FD_SET(60, &r);
	show(select(61, &r, NULL, NULL, &t));
	FD_SET(60, &r);
	show(select(50, &r, NULL, NULL, &t));
	show(select(-1, NULL, NULL, NULL, &t));
	t.tv_sec = -1;
	show(select(0, NULL, NULL, NULL, &t));
	t.tv_sec = 0;
	show(syscall(SYS_select, 1, bad_pointer(), NULL, NULL, &t));
	show(syscall(SYS_select, 0, NULL, NULL, NULL, bad_pointer()));
}

TEST(select_timeout_left)
{
	struct timeval t = { 0, 30000 };
	long long start = now_ms();

	show(select(0, NULL, NULL, NULL, &t));
	fact(now_ms() - start >= 29);
	num(t.tv_sec);
	num(t.tv_usec);
}

TEST(select_timeout_normalised)
{
	struct timeval t = { 0, 2000000 };
	fd_set w;
	int p[2];

	must(pipe(p));
	FD_ZERO(&w);
	FD_SET(p[1], &w);
	show(select(p[1] + 1, NULL, &w, NULL, &t));
	fact(t.tv_sec >= 1);
}

TEST(select_interrupted)
{
	ticks_start(SA_RESTART);
	show(select(0, NULL, NULL, NULL, NULL));
	ticks_stop();
}

TEST(select_clears_sets_on_timeout)
{
	struct timeval t = { 0, 1000 };
	fd_set r;
	int p[2];

	must(pipe(p));
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	show(select(p[0] + 1, &r, NULL, NULL, &t));
	num(FD_ISSET(p[0], &r));
}

TEST(pselect_mask)
{
	sigset_t block, none;
	struct timespec t = { 10, 0 };

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR2);
	on_signal(SIGUSR2, count_signal, 0);
	must(sigprocmask(SIG_BLOCK, &block, NULL));
	must(raise(SIGUSR2));
	show(pselect(0, NULL, NULL, NULL, &t, &none));
	num(signal_count);
	num(t.tv_sec);
}

TEST(many_descriptors)
{
	struct pollfd q[200];
	int p[2];

	for (int i = 0; i < 100; i++) {
		must(pipe(p));
		q[2 * i] = (struct pollfd){ p[0], POLLIN, 0 };
		q[2 * i + 1] = (struct pollfd){ p[1], 0, 0 };
		if (i % 7 == 0)
			must(write(p[1], "x", 1));
	}
	show(poll(q, 200, 1000));
	num(q[14].revents);
	num(q[16].revents);
}
