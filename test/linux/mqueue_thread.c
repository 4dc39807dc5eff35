/* SPDX-License-Identifier: MIT */
/*
 * mq_notify with SIGEV_THREAD: the call itself takes a cookie of 32 bytes and a
 * netlink socket, which gets the cookie when the queue is no longer empty, or the
 * wish is withdrawn. Names are everybody's on the host: each test has its own.
 */
#include "harness.h"

#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define NETLINK		16
#define COOKIE		32

static char name[64];

static mqd_t make(void)
{
	struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 10 };
	mqd_t q;

	sprintf(name, "/linux-thread-%d", (int)getpid());
	q = (mqd_t)must(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &a));
	must(mq_unlink(name));
	return q;
}

static long notify(mqd_t q, int notify, int fd, void *cookie)
{
	struct sigevent e = { .sigev_notify = notify, .sigev_signo = fd,
			      .sigev_value.sival_ptr = cookie };

	return syscall(SYS_mq_notify, q, &e);
}

static int netlink(void)
{
	return (int)must(socket(NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

/* What is in the socket. */
static void look(int fd)
{
	unsigned char text[100] = "";
	struct pollfd p = { fd, POLLIN, 0 };
	ssize_t n;

	num(poll(&p, 1, 0));
	n = recv(fd, text, sizeof(text), MSG_DONTWAIT);
	if (n < 0)
		say("%s", err_name(errno));
	else
		say("%zd bytes: %.20s, %d", n, (char *)text, text[COOKIE - 1]);
}

static char cookie[COOKIE] = "this is the cookie";

TEST(cookie_comes_with_a_message)
{
	mqd_t q = make();
	int fd = netlink();
	char buf[10];

	show(notify(q, SIGEV_THREAD, fd, cookie));
	show(notify(q, SIGEV_THREAD, fd, cookie));
	look(fd);
	must(mq_send(q, "x", 1, 0));
	look(fd);
	/* once */
	must(mq_receive(q, buf, 10, NULL));
	must(mq_send(q, "x", 1, 0));
	look(fd);
	/* not for a queue that has one already */
	show(notify(q, SIGEV_THREAD, fd, cookie));
	must(mq_send(q, "x", 1, 0));
	look(fd);
}

TEST(cookie_comes_when_it_is_over)
{
	mqd_t q = make(), again = (mqd_t)must(dup((int)q));
	int fd = netlink();

	show(notify(q, SIGEV_THREAD, fd, cookie));
	show(syscall(SYS_mq_notify, q, NULL));
	look(fd);
	show(notify(q, SIGEV_THREAD, fd, cookie));
	show(mq_close(again));
	look(fd);
	show(notify(q, SIGEV_THREAD, fd, cookie));
	show(close(fd));
	/* the socket is there for as long as it is wanted */
	show(notify(q, SIGEV_SIGNAL, SIGUSR1, NULL));
	must(mq_send(q, "x", 1, 0));
	show(notify(q, SIGEV_NONE, 0, NULL));
}

TEST(cookie_of_a_process_that_ends)
{
	mqd_t q = make();
	int fd = netlink();
	pid_t pid = (pid_t)must(fork());

	if (!pid)
		_exit(notify(q, SIGEV_THREAD, fd, cookie) != 0);
	show_exit("child", pid);
	look(fd);
	show(notify(q, SIGEV_THREAD, fd, cookie));
}

TEST(what_is_refused)
{
	int fd = netlink(), other = (int)must(socket(AF_UNIX, SOCK_DGRAM, 0));
	mqd_t q = make();

	show(notify(q, SIGEV_THREAD, fd, NULL));
	show(notify(q, SIGEV_THREAD, -1, cookie));
	show(notify(q, SIGEV_THREAD, 999, cookie));
	show(notify(q, SIGEV_THREAD, 999, (void *)1));
	show(notify(q, SIGEV_THREAD, (int)q, cookie));
	show(notify(q, SIGEV_THREAD, other, cookie));
	show(notify((mqd_t)fd, SIGEV_THREAD, fd, cookie));
	show(notify((mqd_t)-1, SIGEV_THREAD, other, cookie));
	show(notify(q, 3, fd, cookie));
	look(fd);
}

/* --- as the C library has it --------------------------------------------------*/
static sem_t told;
static int got_value;

static void on_message(union sigval v)
{
	got_value = v.sival_int;
	sem_post(&told);
}

TEST(thread_is_started)
{
	struct sigevent e = { .sigev_notify = SIGEV_THREAD,
			      .sigev_notify_function = on_message };
	mqd_t q = make();
	char buf[10];

	sem_init(&told, 0, 0);
	for (int i = 1; i <= 5; i++) {
		e.sigev_value.sival_int = i * 11;
		show(mq_notify(q, &e));
		must(mq_send(q, "x", 1, 0));
		must(sem_wait(&told));
		num(got_value);
		must(mq_receive(q, buf, 10, NULL));
	}
	show(mq_notify(q, &e));
	show(mq_notify(q, NULL));
	show(sem_trywait(&told));
}
