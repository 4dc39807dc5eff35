/* SPDX-License-Identifier: MIT */
/*
 * What threads and processes share and stop sharing: descriptor tables and
 * working directories under CLONE_FILES, CLONE_FS and unshare; kcmp; a table
 * under many hands.
 */
#include "harness.h"

#include <linux/close_range.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int kcmp(pid_t a, pid_t b, int type, long x, long y)
{
	return (int)syscall(SYS_kcmp, a, b, type, x, y);
}

TEST(kcmp_files)
{
	int a = must(open("/dev/null", O_RDONLY)), b = must(dup(a));
	int c = must(open("/dev/null", O_RDONLY));
	pid_t me = getpid();

	if (kcmp(me, me, KCMP_FILE, a, b) < 0 && errno == ENOSYS)
		skip("no kcmp");
	show(kcmp(me, me, KCMP_FILE, a, b));
	fact(kcmp(me, me, KCMP_FILE, a, c) > 0);
	show(kcmp(me, me, KCMP_FILE, a, 999));
	show(kcmp(me, me, KCMP_VM, 0, 0));
	show(kcmp(me, me, 99, 0, 0));
	show(kcmp(me, 999999, KCMP_VM, 0, 0));
}

static int kcmp_watched(int fd, int efd, int tfd, int n)
{
	struct kcmp_epoll_slot s = { efd, tfd, n };

	return kcmp(getpid(), getpid(), KCMP_EPOLL_TFD, fd, (long)&s);
}

TEST(kcmp_epoll)
{
	int ep = must(epoll_create1(0)), a = must(eventfd(0, 0));
	int b = must(eventfd(0, 0)), c = must(dup(a)), first, second;
	struct epoll_event e = { .events = EPOLLIN };

	if (kcmp_watched(a, ep, a, 0) < 0 && errno == ENOSYS)
		skip("no kcmp");
	show(kcmp_watched(a, ep, a, 0));
	must(epoll_ctl(ep, EPOLL_CTL_ADD, a, &e));
	show(kcmp_watched(a, ep, a, 0));
	show(kcmp_watched(c, ep, a, 0));
	show(kcmp_watched(a, ep, c, 0));
	show(kcmp_watched(a, ep, a, 1));
	fact(kcmp_watched(b, ep, a, 0) > 0);
	show(kcmp_watched(999, ep, a, 0));
	show(kcmp_watched(a, 999, a, 0));
	show(kcmp_watched(a, a, a, 0));
	show(kcmp(getpid(), getpid(), KCMP_EPOLL_TFD, a, (long)bad_pointer()));
	/* two of one number: the first file lives on under another */
	must(dup2(b, a));
	must(epoll_ctl(ep, EPOLL_CTL_ADD, a, &e));
	first = kcmp_watched(c, ep, a, 0);
	second = kcmp_watched(c, ep, a, 1);
	fact(!first != !second);
	show(kcmp_watched(a, ep, a, 2));
}

static int kcmp_of_root(void *arg)
{
	must(setgid(65534));
	must(setuid(65534));
	show(kcmp(getpid(), getppid(), KCMP_VM, 0, 0));
	show(kcmp(getppid(), getpid(), KCMP_VM, 0, 0));
	fact(kcmp(getpid(), getpid(), KCMP_VM, 0, 0) == 0);
	return 0;
}

TEST(kcmp_permission)
{
	if (kcmp(getpid(), getpid(), KCMP_VM, 0, 0) < 0)
		skip("no kcmp");
	if (getuid())
		skip("needs root");
	show_exit("child", spawn(kcmp_of_root, NULL));
}

static int child_unshares(void *arg)
{
	must(unshare(CLONE_FILES));
	must(close(*(int *)arg));
	return 0;
}

static int child_closes(void *arg)
{
	must(close(*(int *)arg));
	return 0;
}

static void run_sharing(int (*fn)(void *), int flags, void *arg)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t p = must(clone(fn, stack + sizeof(stack), flags | SIGCHLD, arg));

	must(waitpid(p, NULL, 0));
}

TEST(clone_files)
{
	int fd = must(open("/dev/null", O_RDONLY));

	run_sharing(child_unshares, CLONE_FILES, &fd);
	show_ok(fcntl(fd, F_GETFD));
	run_sharing(child_closes, 0, &fd);
	show_ok(fcntl(fd, F_GETFD));
	run_sharing(child_closes, CLONE_FILES, &fd);
	show(fcntl(fd, F_GETFD));
}

static int child_moves(void *arg)
{
	if (arg)
		must(unshare(CLONE_FS));
	must(chdir("/"));
	umask(077);
	return 0;
}

TEST(clone_fs)
{
	char cwd[4096];

	umask(022);
	run_sharing(child_moves, CLONE_FS, "unshare");
	fact(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/"));
	run_sharing(child_moves, 0, NULL);
	fact(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/"));
	run_sharing(child_moves, CLONE_FS, NULL);
	fact(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"));
	say("umask %o", umask(0));
}

static void *thread_unshares(void *arg)
{
	must(syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_UNSHARE));
	return NULL;
}

TEST(close_range_unshare)
{
	int fd = must(open("/dev/null", O_RDONLY));
	pthread_t t;

	must0(pthread_create(&t, NULL, thread_unshares, NULL));
	must0(pthread_join(t, NULL));
	show_ok(fcntl(fd, F_GETFD));
}

/* Threads open, duplicate, read and close the same few descriptors: every
 * result is one of the right ones, and none reads another file's data. */
#define FIRST 20
#define NR_FDS 8

static void *hammer(void *arg)
{
	unsigned int seed = (unsigned int)(long)arg;
	char b[8];

	for (int i = 0; i < 20000; i++) {
		int fd = FIRST + rand_r(&seed) % NR_FDS, f;

		switch (rand_r(&seed) % 4) {
		case 0:
			f = open("data", O_RDONLY);
			if (f < 0)
				return "open";
			if (dup2(f, fd) != fd && errno != EBUSY)
				return "dup2";
			close(f);
			break;
		case 1:
			if (close(fd) && errno != EBADF)
				return "close";
			break;
		case 2:
			if (pread(fd, b, 4, 0) != 4 && errno != EBADF)
				return "pread";
			break;
		default:
			f = fcntl(fd, F_DUPFD_CLOEXEC, FIRST + NR_FDS);
			if (f < 0 && errno != EBADF)
				return "dupfd";
			if (f >= 0 && (pread(f, b, 4, 0) != 4 ||
				       memcmp(b, "data", 4)))
				return "data";
			if (f >= 0)
				close(f);
		}
	}
	return "done";
}

TEST(table_under_many_hands)
{
	pthread_t t[4];
	void *r;

	put_file("data", "data");
	for (long i = 0; i < 4; i++)
		must0(pthread_create(&t[i], NULL, hammer, (void *)(i + 1)));
	for (int i = 0; i < 4; i++) {
		must0(pthread_join(t[i], &r));
		say("%s", (char *)r);
	}
}
