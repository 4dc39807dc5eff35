/* SPDX-License-Identifier: MIT */
/*
 * epoll: level and edge triggering, one-shot, nesting, error cases.
 */
#include "harness.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static int add(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data.u64 = data };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int mod(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data.u64 = data };

	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

/* Print what is ready now, one line per event, ordered by data. */
static void ready(int ep)
{
	struct epoll_event e[16];
	int n = epoll_wait(ep, e, 16, 0);

	if (n <= 0)
		say("ready: %s", n ? err_name(errno) : "nothing");
	for (uint64_t d = 0; d < 100; d++)
		for (int i = 0; i < n; i++)
			if (e[i].data.u64 == d)
				say("ready: %d events %#x", (int)d,
				    e[i].events);
}

TEST(level_triggered)
{
	int ep = must(epoll_create1(0)), p[2];
	char c;

	must(pipe(p));
	show(add(ep, p[0], EPOLLIN, 1));
	ready(ep);
	must(write(p[1], "ab", 2));
	ready(ep);
	ready(ep);
	must(read(p[0], &c, 1));
	ready(ep);
	must(read(p[0], &c, 1));
	ready(ep);
}

TEST(edge_triggered)
{
	int ep = must(epoll_create1(0)), p[2];
	char c;

	must(pipe(p));
	must(write(p[1], "a", 1));
	show(add(ep, p[0], EPOLLIN | EPOLLET, 1));
	ready(ep);
	ready(ep);
	must(write(p[1], "b", 1));
	ready(ep);
	must(read(p[0], &c, 1));
	ready(ep);
	must(mod(ep, p[0], EPOLLIN | EPOLLET, 2));
	ready(ep);
	ready(ep);
}

TEST(one_shot)
{
	int ep = must(epoll_create1(0)), p[2];

	must(pipe(p));
	must(write(p[1], "a", 1));
	must(add(ep, p[0], EPOLLIN | EPOLLONESHOT, 1));
	ready(ep);
	ready(ep);
	must(write(p[1], "b", 1));
	ready(ep);
	show(mod(ep, p[0], EPOLLIN | EPOLLONESHOT, 2));
	ready(ep);
	ready(ep);
}

TEST(hang_up_always_reported)
{
	int ep = must(epoll_create1(0)), p[2];

	must(pipe(p));
	must(add(ep, p[0], 0, 1));
	ready(ep);
	close(p[1]);
	ready(ep);
	must(pipe(p));
	must(add(ep, p[1], 0, 2));
	close(p[0]);
	ready(ep);
}

TEST(read_hang_up)
{
	int ep = must(epoll_create1(0)), s[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	must(add(ep, s[0], EPOLLIN | EPOLLRDHUP, 1));
	ready(ep);
	must(shutdown(s[1], SHUT_WR));
	ready(ep);
	close(s[1]);
	ready(ep);
}

TEST(ctl_errors)
{
	int ep = must(epoll_create1(0)), p[2];

	must(pipe(p));
	show(add(ep, p[0], EPOLLIN, 1));
	show(add(ep, p[0], EPOLLIN, 1));
	show(mod(ep, p[1], EPOLLIN, 1));
	show(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
	show(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	show(epoll_ctl(ep, 99, p[0], (struct epoll_event[1]){ 0 }));
	show(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], bad_pointer()));
	show(add(ep, -1, EPOLLIN, 1));
	show(add(-1, p[0], EPOLLIN, 1));
	show(add(p[0], p[1], EPOLLIN, 1));
	show(add(ep, ep, EPOLLIN, 1));
	show(add(ep, must(open("f", O_CREAT | O_RDWR, 0600)), EPOLLIN, 1));
	show(add(ep, must(open(".", O_RDONLY)), EPOLLIN, 1));
}

TEST(wait_errors)
{
	struct epoll_event e;
	int ep = must(epoll_create1(EPOLL_CLOEXEC)), p[2];

	num(fcntl(ep, F_GETFD));
	show(epoll_wait(ep, &e, 0, 0));
	show(epoll_wait(ep, &e, -1, 0));
	show(epoll_wait(-1, &e, 1, 0));
	show(epoll_wait(0, &e, 1, 0));
	must(pipe(p));
	must(add(ep, p[1], EPOLLOUT, 1));
	show(epoll_wait(ep, bad_pointer(), 1, 0));
	show_ok(epoll_create1(1));
	show_ok(epoll_create(0));
	show_ok(epoll_create(1));
}

TEST(wait_timeout)
{
	struct epoll_event e;
	int ep = must(epoll_create1(0));
	long long t = now_ms();

	show(epoll_wait(ep, &e, 1, 50));
	fact(now_ms() - t >= 49);
}

TEST(wait_wakes)
{
	struct epoll_event e;
	int ep = must(epoll_create1(0)), p[2];

	must(pipe(p));
	must(add(ep, p[0], EPOLLIN, 7));
	if (fork() == 0) {
		sleep_ms(50);
		must(write(p[1], "x", 1));
		_exit(0);
	}
	show(epoll_wait(ep, &e, 1, 10000));
	num(e.events);
	num(e.data.u64);
	wait(NULL);
}

TEST(wait_interrupted)
{
	struct epoll_event e;
	int ep = must(epoll_create1(0));

	ticks_start(SA_RESTART);
	show(epoll_wait(ep, &e, 1, -1));
	ticks_stop();
}

TEST(maxevents_rotates)
{
	struct epoll_event e;
	int ep = must(epoll_create1(0)), seen = 0, p[2];

	for (int i = 0; i < 3; i++) {
		must(pipe(p));
		must(add(ep, p[1], EPOLLOUT, i));
	}
	for (int i = 0; i < 3; i++) {
		must(epoll_wait(ep, &e, 1, 0));
		seen |= 1 << e.data.u64;
	}
	num(seen);
}

TEST(nested)
{
	int outer = must(epoll_create1(0)), inner = must(epoll_create1(0));
	int p[2];
	char c;

	must(pipe(p));
	must(add(inner, p[0], EPOLLIN, 1));
	show(add(outer, inner, EPOLLIN, 2));
	ready(outer);
	must(write(p[1], "x", 1));
	ready(outer);
	ready(inner);
	must(read(p[0], &c, 1));
	ready(outer);
	show(add(inner, outer, EPOLLIN, 3));
}

TEST(close_removes)
{
	int ep = must(epoll_create1(0)), p[2], d;

	must(pipe(p));
	must(write(p[1], "x", 1));
	must(add(ep, p[0], EPOLLIN, 1));
	close(p[0]);
	ready(ep);
	must(pipe(p));
	must(write(p[1], "x", 1));
	must(add(ep, p[0], EPOLLIN, 2));
	d = must(dup(p[0]));
	close(p[0]);
	ready(ep);
	close(d);
	ready(ep);
}

TEST(same_file_two_descriptors)
{
	int ep = must(epoll_create1(0)), p[2], d;

	must(pipe(p));
	d = must(dup(p[0]));
	show(add(ep, p[0], EPOLLIN, 1));
	show(add(ep, d, EPOLLIN, 2));
	must(write(p[1], "x", 1));
	ready(ep);
}

TEST(shared_by_fork)
{
	int ep = must(epoll_create1(0)), p[2];
	pid_t pid;

	must(pipe(p));
	pid = fork();
	if (pid == 0)
		_exit(add(ep, p[0], EPOLLIN, 5));
	show_exit("child", pid);
	must(write(p[1], "x", 1));
	ready(ep);
}

TEST(pwait_mask)
{
	struct epoll_event e;
	int ep = must(epoll_create1(0));
	sigset_t block, none;

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	on_signal(SIGUSR1, count_signal, 0);
	must(sigprocmask(SIG_BLOCK, &block, NULL));
	must(raise(SIGUSR1));
	show(epoll_pwait(ep, &e, 1, 10000, &none));
	num(signal_count);
	show(syscall(SYS_epoll_pwait, ep, &e, 1, 0, &none, 4));
}

TEST(pwait2_timeout)
{
	struct epoll_event e;
	struct timespec t = { 0, 20000000 };
	int ep = must(epoll_create1(0));

	if (syscall(SYS_epoll_pwait2, ep, &e, 1, &t, NULL, 0) < 0 &&
	    errno == ENOSYS)
		skip("no epoll_pwait2");
	t.tv_nsec = -1;
	show(syscall(SYS_epoll_pwait2, ep, &e, 1, &t, NULL, 0));
}

TEST(edge_out_after_drain)
{
	static char buf[65536];
	int ep = must(epoll_create1(0)), p[2];

	must(pipe2(p, O_NONBLOCK));
	must(add(ep, p[1], EPOLLOUT | EPOLLET, 1));
	ready(ep);
	must(write(p[1], buf, 65536));
	ready(ep);
	must(read(p[0], buf, 65536));
	ready(ep);
	ready(ep);
}

TEST(eventfd_edges)
{
	int ep = must(epoll_create1(0)), ev = must(eventfd(0, EFD_NONBLOCK));

	must(add(ep, ev, EPOLLIN | EPOLLET, 1));
	ready(ep);
	must(eventfd_write(ev, 1));
	ready(ep);
	must(eventfd_write(ev, 1));
	ready(ep);
	ready(ep);
}

TEST(exclusive_flag)
{
	int ep = must(epoll_create1(0)), p[2];

	must(pipe(p));
	show(add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
	show(mod(ep, p[0], EPOLLIN, 1));
	show(add(ep, p[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
	must(write(p[1], "x", 1));
	ready(ep);
}

static int wait_exclusively(void *arg)
{
	int *fds = arg, ep = must(epoll_create1(0));
	struct epoll_event e;

	must(add(ep, fds[0], EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, 1));
	must(write(fds[3], "r", 1));
	must(epoll_wait(ep, &e, 1, -1));
	must(write(fds[3], "w", 1));
	return 0;
}

/* Until the process sleeps. */
static void wait_asleep(pid_t pid)
{
	char name[40];

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	while (slurp(name) > 0 && !strstr(slurped, ") S "))
		sleep_ms(1);
}

/* An event wakes one of those that wait with EPOLLEXCLUSIVE. */
TEST(exclusive_wakes_one)
{
	int fds[4];	/* watched, and who woke */
	pid_t pids[3];
	char c;

	must(pipe(fds));
	must(pipe(fds + 2));
	for (int i = 0; i < 3; i++) {
		pids[i] = spawn(wait_exclusively, fds);
		must(read(fds[2], &c, 1));
		wait_asleep(pids[i]);
	}
	for (int i = 0; i < 3; i++) {
		struct pollfd pfd = { .fd = fds[2], .events = POLLIN };

		must(write(fds[1], "x", 1));
		must(read(fds[2], &c, 1));
		show(poll(&pfd, 1, 50));
		must(read(fds[0], &c, 1));
	}
	for (int i = 0; i < 3; i++)
		show_exit("child", pids[i]);
}
