/* SPDX-License-Identifier: MIT */
/*
 * Signals of files to their owners: O_ASYNC on pipes and sockets, and
 * F_NOTIFY on directories.
 */
#include "harness.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static siginfo_t info;

static void keep(int sig, siginfo_t *si, void *ctx)
{
	info = *si;
	count_signal(sig);
}

static void listen_to(int sig)
{
	struct sigaction sa = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO };

	must(sigaction(sig, &sa, NULL));
}

static void async_on(int fd)
{
	must(fcntl(fd, F_SETOWN, getpid()));
	must(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
}

/* Signals since the last look. */
static int came(void)
{
	int n = signal_count;

	signal_count = 0;
	return n;
}

TEST(pipe_to_its_reader)
{
	int p[2];
	char c;

	must(pipe(p));
	listen_to(SIGIO);
	must(write(p[1], "a", 1));
	fact(came() == 0);
	must(read(p[0], &c, 1));
	async_on(p[0]);
	must(write(p[1], "a", 1));
	fact(came() == 1);
	fact(info.si_code == SI_KERNEL);
	must(fcntl(p[0], F_SETFL, 0));
	must(read(p[0], &c, 1));
	must(write(p[1], "a", 1));
	fact(came() == 0);
}

TEST(signal_with_information)
{
	int s[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	listen_to(SIGRTMIN + 2);
	async_on(s[0]);
	must(fcntl(s[0], F_SETSIG, SIGRTMIN + 2));
	num(fcntl(s[0], F_GETSIG) - SIGRTMIN);
	must(write(s[1], "a", 1));
	fact(came() >= 1);
	fact(info.si_code == POLL_IN);
	fact(info.si_fd == s[0]);
	fact(info.si_band == (POLLIN | POLLRDNORM));
}

TEST(ioctl_turns_on)
{
	int p[2], on = 1;

	must(pipe(p));
	listen_to(SIGIO);
	must(fcntl(p[0], F_SETOWN, getpid()));
	show(ioctl(p[0], FIOASYNC, &on));
	fact(fcntl(p[0], F_GETFL) & O_ASYNC);
	must(write(p[1], "a", 1));
	fact(came() == 1);
	on = 0;
	show(ioctl(p[0], FIOASYNC, &on));
	must(write(p[1], "a", 1));
	fact(came() == 0);
}

TEST(owners)
{
	struct f_owner_ex o = { 9, 0 };
	int p[2];

	must(pipe(p));
	listen_to(SIGIO);
	setpgid(0, 0);	/* refused to who leads a session: then it does */
	async_on(p[0]);
	show(fcntl(p[0], F_SETOWN_EX, &o));
	for (int type = F_OWNER_TID; type <= F_OWNER_PGRP; type++) {
		char c;

		o = (struct f_owner_ex){ type, getpid() };
		show(fcntl(p[0], F_SETOWN_EX, &o));
		must(fcntl(p[0], F_GETOWN_EX, &o));
		num(o.type);
		fact(o.pid == getpid());
		must(write(p[1], "a", 1));
		fact(came() == 1);
		must(read(p[0], &c, 1));
	}
	fact(fcntl(p[0], F_GETOWN) == -getpid());
	show(fcntl(p[0], F_SETOWN, 0));
	must(write(p[1], "a", 1));
	fact(came() == 0);
}

TEST(closed_files_are_silent)
{
	int p[2], q[2];

	must(pipe(p));
	must(pipe(q));
	listen_to(SIGIO);
	signal(SIGPIPE, SIG_IGN);
	async_on(p[0]);
	async_on(q[0]);
	must(close(p[0]));
	show(write(p[1], "a", 1));
	fact(came() == 0);
	must(write(q[1], "a", 1));
	fact(came() == 1);
}

static int writer(void *arg)
{
	must(write(*(int *)arg, "a", 1));
	return 0;
}

TEST(from_another_process)
{
	struct timespec t = { 60, 0 };
	sigset_t s;
	int p[2];

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &s, NULL));
	must(pipe(p));
	async_on(p[0]);
	must(fcntl(p[0], F_SETSIG, SIGUSR1));
	show_exit("writer", spawn(writer, &p[1]));
	fact(sigtimedwait(&s, &info, &t) == SIGUSR1);
	fact(info.si_fd == p[0]);
}

/* --- directories -------------------------------------------------------------*/
static int watch(const char *name, int events)
{
	int fd = must(open(name, O_RDONLY | O_DIRECTORY));

	must(fcntl(fd, F_SETSIG, SIGRTMIN + 1));
	must(fcntl(fd, F_NOTIFY, events));
	return fd;
}

static void one(int event)
{
	int fd = watch("d", event | DN_MULTISHOT), seen = 0;

	put_file("d/a", "1");
	seen = seen * 10 + !!came();
	must(truncate("d/a", 0));
	seen = seen * 10 + !!came();
	must(chmod("d/a", 0600));
	seen = seen * 10 + !!came();
	must(rename("d/a", "d/b"));
	seen = seen * 10 + !!came();
	must(rename("d/b", "c"));
	seen = seen * 10 + !!came();
	must(rename("c", "d/c"));
	seen = seen * 10 + !!came();
	must(unlink("d/c"));
	seen = seen * 10 + !!came();
	say("event %x: %07d", event, seen);
	must(close(fd));
}

TEST(directory_events)
{
	must(mkdir("d", 0700));
	listen_to(SIGRTMIN + 1);
	one(DN_MODIFY);
	one(DN_CREATE);
	one(DN_DELETE);
	one(DN_RENAME);
	one(DN_ATTRIB);
	one(DN_CREATE | DN_DELETE);
}

TEST(directory_once)
{
	int fd;

	must(mkdir("d", 0700));
	listen_to(SIGRTMIN + 1);
	fd = watch("d", DN_CREATE);
	put_file("d/a", "1");
	fact(came() == 1);
	fact(info.si_fd == fd);
	fact(info.si_code == POLL_MSG);
	put_file("d/b", "1");
	fact(came() == 0);
	must(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	put_file("d/c", "1");
	put_file("d/e", "1");
	fact(came() == 2);
	show(fcntl(fd, F_NOTIFY, 0));
	put_file("d/f", "1");
	fact(came() == 0);
	must(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	must(close(fd));
	put_file("d/g", "1");
	fact(came() == 0);
}

TEST(directory_default_signal)
{
	int fd;

	must(mkdir("d", 0700));
	listen_to(SIGIO);
	put_file("f", "1");
	fd = must(open("d", O_RDONLY));
	show(fcntl(must(open("f", O_RDONLY)), F_NOTIFY, DN_CREATE));
	show(fcntl(fd, F_NOTIFY, DN_CREATE));
	fact(fcntl(fd, F_GETOWN) == getpid());
	must(mkdir("d/s", 0700));
	fact(came() == 1);
	fact(info.si_code == SI_KERNEL);
}
