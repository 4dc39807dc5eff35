/* SPDX-License-Identifier: MIT */
/* File leases: who may have them, who has to wait for them, who is told. */
#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int make(int flags)
{
	int fd = (int)must(open("f", O_CREAT | O_RDWR, 0644));

	must(write(fd, "text", 4));
	close(fd);
	return (int)must(open("f", flags));
}

TEST(kinds_and_who_has_it_open)
{
	int fd = make(O_RDONLY), other, p[2];

	show(fcntl(fd, F_GETLEASE));
	show(fcntl(fd, F_SETLEASE, F_UNLCK));
	show(fcntl(fd, F_SETLEASE, 3));
	show(fcntl(fd, F_SETLEASE, F_RDLCK));
	show(fcntl(fd, F_GETLEASE));
	show(fcntl(fd, F_SETLEASE, F_WRLCK));
	show(fcntl(fd, F_GETLEASE));
	show(fcntl(fd, F_SETLEASE, F_RDLCK));
	other = (int)must(open("f", O_RDONLY));
	show(fcntl(fd, F_SETLEASE, F_WRLCK));
	show(fcntl(fd, F_GETLEASE));
	show(fcntl(other, F_GETLEASE));
	show(fcntl(other, F_SETLEASE, F_RDLCK));
	show(fcntl(other, F_SETLEASE, F_WRLCK));
	close(other);
	show(fcntl(dup(fd), F_SETLEASE, F_WRLCK));
	show(fcntl(fd, F_SETLEASE, F_UNLCK));
	show(fcntl(fd, F_SETLEASE, F_UNLCK));
	other = (int)must(open("f", O_RDWR));
	show(fcntl(fd, F_SETLEASE, F_RDLCK));
	show(fcntl(other, F_SETLEASE, F_RDLCK));
	show(fcntl(other, F_SETLEASE, F_WRLCK));
	close(fd);
	show(fcntl(other, F_SETLEASE, F_RDLCK));
	show(fcntl(other, F_SETLEASE, F_WRLCK));
	show(fcntl(other, F_GETLEASE));
	must(pipe(p));
	show(fcntl(p[0], F_SETLEASE, F_RDLCK));
	show(fcntl(p[0], F_GETLEASE));
	fd = (int)must(open(".", O_RDONLY));
	show(fcntl(fd, F_SETLEASE, F_WRLCK));
	show(fcntl((int)must(open("f", O_PATH)), F_SETLEASE, F_RDLCK));
}

TEST(of_another_user)
{
	int fd;

	need_root();
	fd = make(O_RDONLY);
	must(setresuid(65534, 65534, 65534));
	show(fcntl(fd, F_SETLEASE, 5));
	show(fcntl(fd, F_SETLEASE, F_RDLCK));
	show(fcntl(fd, F_SETLEASE, F_UNLCK));
	show(fcntl(fd, F_GETLEASE));
}

/* Who does not wait is refused, and the owner told all the same. */
TEST(without_waiting)
{
	int fd = make(O_RDONLY);

	on_signal(SIGIO, count_signal, 0);
	must(fcntl(fd, F_SETLEASE, F_RDLCK));
	fact(fcntl(fd, F_GETOWN) == getpid());
	show_ok(open("f", O_RDONLY | O_NONBLOCK));
	show(fcntl(fd, F_GETLEASE));
	num(signal_count);
	show(open("f", O_WRONLY | O_NONBLOCK));
	num(signal_count);
	show(fcntl(fd, F_GETLEASE));
	/* it is told once */
	show(open("f", O_RDWR | O_NONBLOCK));
	num(signal_count);
	show(fcntl((int)must(open("f", O_RDONLY)), F_SETLEASE, F_RDLCK));
	show(fcntl(fd, F_SETLEASE, F_UNLCK));
	show_ok(open("f", O_WRONLY | O_NONBLOCK));
}

TEST(comes_down)
{
	int fd = make(O_RDWR);

	on_signal(SIGIO, count_signal, 0);
	must(fcntl(fd, F_SETLEASE, F_WRLCK));
	show(open("f", O_RDONLY | O_NONBLOCK));
	num(signal_count);
	show(fcntl(fd, F_GETLEASE));
	show(open("f", O_WRONLY | O_NONBLOCK));
	num(signal_count);
	show(fcntl(fd, F_GETLEASE));
	show(close(fd));
	show_ok(open("f", O_WRONLY | O_NONBLOCK));
}

static int got_code, got_fd;

static void on_io(int sig, siginfo_t *i, void *c)
{
	signal_count++;
	got_code = i->si_code;
	got_fd = i->si_fd;
}

static pid_t child_opens(int flags, const char *then)
{
	pid_t pid = (pid_t)must(fork());
	int fd;

	if (pid)
		return pid;
	if (then) {
		must(truncate("f", 0));
		say("%s", then);
		_exit(0);
	}
	fd = (int)must(open("f", flags));
	must(write(fd, "x", 1));
	_exit(3);
}

static void wait_for_signals(int n)
{
	sigset_t none;

	sigemptyset(&none);
	while (signal_count < n)
		sigsuspend(&none);
}

/* The opener sleeps until the owner, who is told how and by what, gives it up. */
TEST(waits)
{
	struct sigaction sa = { .sa_sigaction = on_io, .sa_flags = SA_SIGINFO };
	int fd = make(O_RDONLY), copy;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &set, NULL));
	must(sigaction(SIGUSR1, &sa, NULL));
	must(fcntl(fd, F_SETSIG, SIGUSR1));
	must(fcntl(fd, F_SETLEASE, F_RDLCK));
	copy = (int)must(dup(fd));
	pid = child_opens(O_WRONLY, NULL);
	wait_for_signals(1);
	fact(got_code == POLL_MSG);
	fact(got_fd == fd);
	show(fcntl(copy, F_GETLEASE));
	show(fcntl(copy, F_SETLEASE, F_UNLCK));
	show_exit("opener", pid);
	/* who is told goes with the lease */
	num(fcntl(fd, F_GETOWN));
	num(fcntl(fd, F_GETSIG));
	must(fcntl(fd, F_SETSIG, SIGUSR1));
	must(fcntl(fd, F_SETLEASE, F_RDLCK));
	/* one of its descriptors is not the last one */
	pid = child_opens(0, "truncated");
	wait_for_signals(2);
	close(fd);
	num(waitpid(pid, NULL, WNOHANG));
	kill(pid, SIGKILL);
	show_exit("truncater", pid);
	close(copy);
}

TEST(write_lease_becomes_read_lease)
{
	int fd = make(O_RDONLY);
	char c;
	int p[2];
	sigset_t set;
	pid_t pid;

	must(pipe(p));
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	must(sigprocmask(SIG_BLOCK, &set, NULL));
	on_signal(SIGIO, count_signal, 0);
	must(fcntl(fd, F_SETLEASE, F_WRLCK));
	pid = (pid_t)must(fork());
	if (!pid) {
		must(open("f", O_RDONLY));
		must(write(p[1], "x", 1));
		pause();
	}
	wait_for_signals(1);
	show(fcntl(fd, F_SETLEASE, F_RDLCK));
	must(read(p[0], &c, 1));
	show(fcntl(fd, F_GETLEASE));
	show(fcntl(fd, F_SETLEASE, F_WRLCK));
	kill(pid, SIGKILL);
	show_exit("reader", pid);
	show(fcntl(fd, F_SETLEASE, F_WRLCK));
}
