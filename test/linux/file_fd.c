/* SPDX-License-Identifier: MIT */
/*
 * Descriptors: duplication, flags, record locks, whole-file locks, ioctl.
 */
#include "harness.h"

#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

static struct flock lock(short type, off_t start, off_t len)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET,
			       .l_start = start, .l_len = len };
}

static int try_lock(int fd, short type, off_t start, off_t len)
{
	struct flock l = lock(type, start, len);

	return fcntl(fd, F_SETLK, &l);
}

static int try_ofd(int fd, short type, off_t start, off_t len)
{
	struct flock l = lock(type, start, len);

	return fcntl(fd, F_OFD_SETLK, &l);
}

/* In a child: try these and print. */
static void child_tries(short type, off_t start, off_t len)
{
	if (fork() == 0) {
		int fd = must(open("f", O_RDWR));
		int r = try_lock(fd, type, start, len);

		say("child %s %ld+%ld: %s",
		    type == F_RDLCK ? "read" : "write", (long)start,
		    (long)len, r == 0 ? "got it" : err_name(errno));
		_exit(0);
	}
	wait(NULL);
}

TEST(dup_calls)
{
	int fd = must(open("/", O_RDONLY | O_CLOEXEC));

	fact(dup(fd) == fd + 1);
	show(dup2(fd, 20));
	show(dup2(20, 20));
	show(fcntl(fd, F_GETFD));
	show(fcntl(20, F_GETFD));
	show(dup(-1));
	show(dup2(99, 20));
	show(fcntl(20, F_GETFD));
	show(dup2(99, 99));
	show(dup2(fd, -1));
	show(dup2(fd, 1 << 30));
}

TEST(dup3_call)
{
	int fd = must(open("/", O_RDONLY));

	show(dup3(fd, 20, O_CLOEXEC));
	show(fcntl(20, F_GETFD));
	show(dup3(fd, 20, 0));
	show(fcntl(20, F_GETFD));
	show(dup3(fd, fd, 0));
	show(dup3(fd, 21, O_NONBLOCK));
	show(dup3(-1, 21, 0));
}

TEST(dup_shares_status_flags)
{
	int p[2], d;

	must(pipe(p));
	d = must(dup(p[0]));
	must(fcntl(p[0], F_SETFL, O_NONBLOCK));
	fact(fcntl(d, F_GETFL) & O_NONBLOCK);
	must(fcntl(d, F_SETFD, FD_CLOEXEC));
	num(fcntl(p[0], F_GETFD));
}

TEST(fcntl_dupfd)
{
	struct rlimit r;
	int fd = must(open("/", O_RDONLY));

	show(fcntl(fd, F_DUPFD, 30));
	show(fcntl(fd, F_DUPFD, 30));
	show(fcntl(fd, F_DUPFD_CLOEXEC, 30));
	num(fcntl(32, F_GETFD));
	num(fcntl(31, F_GETFD));
	show(fcntl(fd, F_DUPFD, -1));
	must(getrlimit(RLIMIT_NOFILE, &r));
	show(fcntl(fd, F_DUPFD, (long)r.rlim_cur));
	show(fcntl(-1, F_DUPFD, 0));
	show(fcntl(fd, 9999));
}

TEST(fcntl_setfl)
{
	int fd = must(open("f", O_CREAT | O_RDWR, 0600)), fl;

	show(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_WRONLY | O_CREAT));
	fl = fcntl(fd, F_GETFL);
	fact(fl & O_APPEND);
	fact(fl & O_NONBLOCK);
	fact((fl & O_ACCMODE) == O_RDWR);
	show(fcntl(fd, F_SETFL, 0));
	fl = fcntl(fd, F_GETFL);
	fact(fl & O_APPEND);
	show(fcntl(fd, F_SETFD, 0xff));
	show(fcntl(fd, F_GETFD));
}

TEST(posix_lock_conflict)
{
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));

	show(try_lock(fd, F_WRLCK, 0, 10));
	show(try_lock(fd, F_RDLCK, 20, 10));
	child_tries(F_RDLCK, 5, 1);
	child_tries(F_RDLCK, 10, 1);
	child_tries(F_RDLCK, 20, 10);
	child_tries(F_WRLCK, 29, 1);
	child_tries(F_WRLCK, 0, 0);
	show(try_lock(fd, F_UNLCK, 4, 2));
	child_tries(F_WRLCK, 4, 2);
	child_tries(F_WRLCK, 3, 1);
	child_tries(F_WRLCK, 6, 1);
}

TEST(posix_lock_getlk)
{
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));
	struct flock l;

	must(try_lock(fd, F_WRLCK, 5, 10));
	l = lock(F_WRLCK, 0, 0);
	show(fcntl(fd, F_GETLK, &l));
	fact(l.l_type == F_UNLCK);
	if (fork() == 0) {
		l = lock(F_RDLCK, 0, 0);
		must(fcntl(fd, F_GETLK, &l));
		num(l.l_type == F_WRLCK);
		num(l.l_start);
		num(l.l_len);
		fact(l.l_pid == getppid());
		_exit(0);
	}
	wait(NULL);
}

TEST(posix_lock_lost_on_close)
{
	int a = must(open("f", O_CREAT | O_RDWR, 0600));
	int b = must(open("f", O_RDWR));

	must(try_lock(a, F_WRLCK, 0, 0));
	child_tries(F_WRLCK, 0, 1);
	close(b);
	child_tries(F_WRLCK, 0, 1);
}

TEST(posix_lock_errors)
{
	struct flock l = lock(F_WRLCK, -5, 1);
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));
	int p[2];

	show(fcntl(fd, F_SETLK, &l));
	show(try_lock(fd, 77, 0, 1));
	show(try_lock(must(open("f", O_RDONLY)), F_WRLCK, 0, 1));
	show(try_lock(must(open("f", O_WRONLY)), F_RDLCK, 0, 1));
	show(try_lock(-1, F_RDLCK, 0, 1));
	show(fcntl(fd, F_SETLK, bad_pointer()));
	must(pipe(p));
	show(try_lock(p[0], F_RDLCK, 0, 1));
	l = lock(F_WRLCK, 0, 1);
	l.l_whence = 9;
	show(fcntl(fd, F_SETLK, &l));
}

TEST(posix_lock_negative_length)
{
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));

	show(try_lock(fd, F_WRLCK, 10, -4));
	child_tries(F_WRLCK, 5, 1);
	child_tries(F_WRLCK, 6, 1);
	child_tries(F_WRLCK, 9, 1);
	child_tries(F_WRLCK, 10, 1);
}

TEST(posix_lock_waits)
{
	struct flock l = lock(F_WRLCK, 0, 0);
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));
	int p[2];
	char c;

	must(pipe(p));
	must(fcntl(fd, F_SETLK, &l));
	if (fork() == 0) {
		must(write(p[1], "x", 1));
		must(fcntl(fd, F_SETLKW, &l));
		say("child has the lock");
		_exit(0);
	}
	must(read(p[0], &c, 1));
	sleep_ms(50);
	say("parent unlocks");
	must(try_lock(fd, F_UNLCK, 0, 0));
	wait(NULL);
}

TEST(posix_lock_interrupted)
{
	struct flock l = lock(F_WRLCK, 0, 0);
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));

	must(fcntl(fd, F_SETLK, &l));
	if (fork() == 0) {
		ticks_start(0);
		show(fcntl(fd, F_SETLKW, &l));
		_exit(0);
	}
	wait(NULL);
}

TEST(posix_lock_deadlock)
{
	struct flock l = lock(F_WRLCK, 1, 1);
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));
	int a[2], b[2];
	char c;
	pid_t pid;

	must(pipe(a));
	must(pipe(b));
	must(try_lock(fd, F_WRLCK, 0, 1));
	pid = fork();
	if (pid == 0) {
		must(try_lock(fd, F_WRLCK, 1, 1));
		must(write(a[1], "x", 1));
		l = lock(F_WRLCK, 0, 1);
		must(fcntl(fd, F_SETLKW, &l));
		_exit(0);
	}
	must(read(a[0], &c, 1));
	sleep_ms(100);
	show(fcntl(fd, F_SETLKW, &l));
	must(try_lock(fd, F_UNLCK, 0, 1));
	show_exit("child", pid);
}

TEST(ofd_lock)
{
	int a = must(open("f", O_CREAT | O_RDWR, 0600));
	int b = must(open("f", O_RDWR)), c = must(dup(a));
	struct flock l = lock(F_WRLCK, 0, 1);

	show(try_ofd(a, F_WRLCK, 0, 10));
	show(try_ofd(b, F_WRLCK, 5, 1));
	show(try_ofd(c, F_RDLCK, 5, 1));
	show(try_lock(b, F_WRLCK, 0, 1));
	show(fcntl(b, F_OFD_GETLK, &l));
	fact(l.l_type == F_WRLCK && l.l_pid == -1);
	l.l_pid = 5;
	show(fcntl(b, F_OFD_SETLK, &l));
	close(a);
	show(try_ofd(b, F_WRLCK, 0, 1));
	close(c);
	show(try_ofd(b, F_WRLCK, 0, 1));
}

TEST(flock_call)
{
	int a = must(open("f", O_CREAT | O_RDWR, 0600));
	int b = must(open("f", O_RDONLY)), c = must(dup(a));

	show(flock(a, LOCK_EX));
	show(flock(b, LOCK_SH | LOCK_NB));
	show(flock(c, LOCK_SH | LOCK_NB));
	show(flock(b, LOCK_SH | LOCK_NB));
	show(flock(a, LOCK_EX | LOCK_NB));
	close(a);
	show(flock(b, LOCK_EX | LOCK_NB));
	show(flock(c, LOCK_UN));
	show(flock(b, LOCK_EX | LOCK_NB));
	show(flock(b, 0));
	show(flock(-1, LOCK_SH));
	show(try_lock(c, F_WRLCK, 0, 0));
}

TEST(flock_waits_and_is_interrupted)
{
	int a = must(open("f", O_CREAT | O_RDWR, 0600));
	int b = must(open("f", O_RDONLY));

	must(flock(a, LOCK_EX));
	ticks_start(0);
	show(flock(b, LOCK_EX));
	ticks_stop();
}

TEST(nofile_limit)
{
	struct rlimit r;
	int fd, last = -1;

	must(getrlimit(RLIMIT_NOFILE, &r));
	r.rlim_cur = 30;
	show(setrlimit(RLIMIT_NOFILE, &r));
	while ((fd = dup(1)) >= 0)
		last = fd;
	say("%s", err_name(errno));
	num(last);
	show(dup2(1, 30));
	show(dup2(1, 29));
	show(fcntl(1, F_DUPFD, 30));
	show_ok(pipe((int[2]){ 0 }));
	close(29);
	show_ok(pipe((int[2]){ 0 }));
	fact(dup(1) == 29);
}

TEST(ioctl_errors)
{
	int fd = must(open("f", O_CREAT | O_RDWR, 0600)), n = -1;

	show(ioctl(fd, TIOCGWINSZ, &n));
	show(ioctl(fd, 0x12345678, &n));
	show(ioctl(-1, FIONREAD, &n));
	must(write(fd, "12345", 5));
	must(lseek(fd, 2, SEEK_SET));
	show(ioctl(fd, FIONREAD, &n));
	num(n);
	n = 1;
	show(ioctl(fd, FIONBIO, &n));
	fact(fcntl(fd, F_GETFL) & O_NONBLOCK);
	show(ioctl(fd, FIOCLEX));
	num(fcntl(fd, F_GETFD));
	show(ioctl(fd, FIONCLEX));
	num(fcntl(fd, F_GETFD));
}

TEST(owner_calls)
{
	int p[2];

	must(pipe(p));
	show(fcntl(p[0], F_GETOWN));
	show(fcntl(p[0], F_SETOWN, getpid()));
	fact(fcntl(p[0], F_GETOWN) == getpid());
	show(fcntl(p[0], F_GETSIG));
}
