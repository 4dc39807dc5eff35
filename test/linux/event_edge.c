/* SPDX-License-Identifier: MIT */
/*
 * Where events, sockets and futexes meet: objects that outlive their makers,
 * chains, hand-overs.
 */
#include "harness.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int watch(int ep, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int wait_now(int ep)
{
	struct epoll_event e[8];

	return epoll_wait(ep, e, 8, 0);
}

TEST(record_sockets_send_no_sigpipe)
{
	int s[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	on_signal(SIGPIPE, count_signal, 0);
	close(s[1]);
	show(write(s[0], "x", 1));
	show(send(s[0], "x", 1, 0));
	num(signal_count);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	close(s[1]);
	show(write(s[0], "x", 1));
	num(signal_count);
	show(send(s[0], "x", 1, MSG_NOSIGNAL));
	num(signal_count);
}

TEST(epoll_chain_is_bounded)
{
	int ep[10], n = 0;

	for (int i = 0; i < 10; i++)
		ep[i] = must(epoll_create1(0));
	while (n < 9 && watch(ep[n + 1], ep[n], EPOLLIN) == 0)
		n++;
	fact(n >= 4 && n < 9);
	fact(errno == ELOOP || errno == EINVAL);
	show(watch(ep[0], ep[2], EPOLLIN));
}

TEST(epoll_chain_passes_events)
{
	int a = must(epoll_create1(0)), b = must(epoll_create1(0));
	int c = must(epoll_create1(0)), ev = must(eventfd(0, 0));
	uint64_t v = 1;

	must(watch(a, ev, EPOLLIN));
	must(watch(b, a, EPOLLIN));
	must(watch(c, b, EPOLLIN));
	show(wait_now(c));
	must(write(ev, &v, 8));
	show(wait_now(c));
	must(read(ev, &v, 8));
	show(wait_now(c));
	close(ev);
	close(a);
	show(wait_now(c));
}

TEST(signalfd_of_an_ended_process_in_epoll)
{
	int ep = must(epoll_create1(0)), fd, status;
	struct signalfd_siginfo si;
	sigset_t s;
	pid_t pid;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &s, NULL));
	fd = must(signalfd(-1, &s, SFD_NONBLOCK));
	pid = fork();
	if (pid == 0)
		_exit(watch(ep, fd, EPOLLIN));
	status = await(pid);
	num(status);
	must(kill(getpid(), SIGUSR1));
	fact(read(fd, &si, sizeof(si)) == sizeof(si));
	close(fd);
	show(wait_now(ep));
}

TEST(pidfd_in_epoll)
{
	int ep = must(epoll_create1(0)), go[2], fd;
	struct epoll_event e;
	char c;
	pid_t pid;

	must(pipe(go));
	pid = fork();
	if (pid == 0)
		_exit(read(go[0], &c, 1) == 1 ? 4 : 5);
	fd = syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		skip("no pidfd_open");
	must(watch(ep, fd, EPOLLIN));
	show(wait_now(ep));
	must(write(go[1], "x", 1));
	show(epoll_wait(ep, &e, 1, 10000));
	num(e.events & EPOLLIN);
	show_exit("child", pid);
}

TEST(timerfd_edges_without_reading)
{
	struct itimerspec t = { { 0, 0 }, { 0, 1000000 } };
	int ep = must(epoll_create1(0)), fd;
	struct epoll_event e;

	fd = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	must(watch(ep, fd, EPOLLIN | EPOLLET));
	for (int i = 0; i < 3; i++) {
		must(timerfd_settime(fd, 0, &t, NULL));
		show(epoll_wait(ep, &e, 1, 10000));
	}
}

TEST(select_ignores_hang_up_for_exceptions)
{
	struct timeval t = { 0, 20000 };
	fd_set ex;
	int p[2];

	must(pipe(p));
	close(p[1]);
	FD_ZERO(&ex);
	FD_SET(p[0], &ex);
	show(select(p[0] + 1, NULL, NULL, &ex, &t));
}

static int send_fd(int s, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { "f", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(s, &m, 0);
}

TEST(chain_of_sockets_in_flight)
{
	int s[2], t[2], p[2], n = 0;
	char c;

	must(pipe(p));
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	must(send_fd(s[0], p[1]));
	close(p[1]);
	for (; n < 300; n++) {
		must(socketpair(AF_UNIX, SOCK_STREAM, 0, t));
		must(send_fd(t[0], s[0]));
		must(send_fd(t[0], s[1]));
		close(s[0]);
		close(s[1]);
		s[0] = t[0];
		s[1] = t[1];
	}
	/* the far end of the pipe lives in the last queue of the chain */
	must(fcntl(p[0], F_SETFL, O_NONBLOCK));
	show(read(p[0], &c, 1));
	close(s[0]);
	close(s[1]);
	must(fcntl(p[0], F_SETFL, 0));
	show(read(p[0], &c, 1));
}

/* --- futexes ------------------------------------------------------------------*/
#define F_WAKE 1
#define F_LOCK_PI 6
#define F_UNLOCK_PI 7
#define F_WAIT_REQUEUE_PI 11
#define F_CMP_REQUEUE_PI 12
#define F_PRIVATE 128

static uint32_t cond, lock;
static int waiter_result, waiter_owned;

static long futex(void *addr, int op, uint32_t val, long val2, void *addr2,
		  uint32_t val3)
{
	return syscall(SYS_futex, addr, op | F_PRIVATE, val, val2, addr2, val3);
}

static void *requeue_waiter(void *arg)
{
	waiter_result = futex(&cond, F_WAIT_REQUEUE_PI, 0, 0, &lock, 0);
	waiter_owned = (lock & 0x3fffffff) == (uint32_t)gettid();
	futex(&lock, F_UNLOCK_PI, 0, 0, NULL, 0);
	return NULL;
}

TEST(requeue_to_an_owned_lock)
{
	pthread_t t;
	int n;

	if (futex(&lock, F_LOCK_PI, 0, 0, NULL, 0) < 0)
		skip("no PI futexes");
	must0(pthread_create(&t, NULL, requeue_waiter, NULL));
	while ((n = futex(&cond, F_CMP_REQUEUE_PI, 1, 5, &lock, 0)) == 0)
		sleep_ms(2);
	num(n);
	sleep_ms(20);
	fact((lock & 0x3fffffff) == (uint32_t)gettid());
	show(futex(&lock, F_UNLOCK_PI, 0, 0, NULL, 0));
	must0(pthread_join(t, NULL));
	num(waiter_result);
	num(waiter_owned);
	num(lock);
}

TEST(requeue_to_a_free_lock)
{
	pthread_t t;
	int n;

	must0(pthread_create(&t, NULL, requeue_waiter, NULL));
	while ((n = futex(&cond, F_CMP_REQUEUE_PI, 1, 5, &lock, 0)) == 0)
		sleep_ms(2);
	if (n < 0 && errno == ENOSYS)
		skip("no PI futexes");
	must0(pthread_join(t, NULL));
	num(n);
	num(waiter_result);
	num(waiter_owned);
	num(lock);
	show(futex(&cond, F_CMP_REQUEUE_PI, 1, 1, &cond, 0));
	show(futex(&cond, F_CMP_REQUEUE_PI, 2, 1, &lock, 0));
	show(futex(&cond, F_CMP_REQUEUE_PI, 1, 1, &lock, 9));
}

struct waitv_entry {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static void *wake_second(void *arg)
{
	while (futex(&lock, F_WAKE, 1, 0, NULL, 0) == 0)
		sleep_ms(2);
	return NULL;
}

TEST(wait_for_several_words)
{
	struct waitv_entry v[2] = { { 0, (uintptr_t)&cond, 2 | 128, 0 },
				    { 0, (uintptr_t)&lock, 2 | 128, 0 } };
	struct timespec past = { 1, 0 };
	pthread_t t;

	if (syscall(449, v, 2, 0, &past, CLOCK_MONOTONIC) < 0 &&
	    errno == ENOSYS)
		skip("no futex_waitv");
	show(syscall(449, v, 2, 0, &past, CLOCK_MONOTONIC));
	must0(pthread_create(&t, NULL, wake_second, NULL));
	show(syscall(449, v, 2, 0, NULL, 0));
	must0(pthread_join(t, NULL));
	v[1].val = 7;
	show(syscall(449, v, 2, 0, NULL, 0));
	v[1].flags = 1;
	show(syscall(449, v, 2, 0, NULL, 0));
	show(syscall(449, v, 0, 0, NULL, 0));
	show(syscall(449, v, 2, 1, NULL, 0));
}
