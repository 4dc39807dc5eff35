/* SPDX-License-Identifier: MIT */
/*
 * Namespaces of processes that begin and end. Each worker makes one after the
 * other; the init fills it with children, orphans, stopped ones and inits below
 * itself, then returns, is killed from outside, or is killed by what it has
 * started. When the worker has waited for the init, everybody must be gone: they
 * all held a pipe, whose reader sees the end then. Members ask what numbers they
 * have on the way. At the end no process is left.
 */
#include "stress.h"
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#define DEPTH_MAX 4

static void fill_namespace(uint32_t *r, int depth);

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

/* Its parent goes, the init takes it over. */
static void make_orphan(void)
{
	pid_t pid = fork();

	if (!pid) {
		if (!fork())
			sleep_for_ever();
		_exit(0);
	}
	/* an init that ends takes it along, and makes no more */
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void check_numbers(pid_t parent)
{
	pid_t self = getpid(), above = getppid();

	if (self <= 1 || (above != parent && above != 1) || getpgid(0) < 0 ||
	    (kill(self, 0) && errno != ESRCH))
		fail("numbers: %d below %d, not %d", self, above, parent);
}

static void member(uint32_t *r, int depth, pid_t parent)
{
	check_numbers(parent);
	switch (random_next(r) % 6) {
	case 0:
		setsid();
		break;
	case 1:
		raise(SIGSTOP);
		break;
	case 2:
		_exit(0);
	case 3:
		make_orphan();
		break;
	case 4:
		if (depth < DEPTH_MAX && !unshare(CLONE_NEWPID) && !fork()) {
			if (getpid() != 1 || getppid())
				fail("init: %d below %d", getpid(), getppid());
			fill_namespace(r, depth + 1);
		}
		break;
	default:
		kill(-1, random_next(r) % 8 ? SIGCONT : SIGKILL);
	}
	sleep_for_ever();
}

/* As init. Does not return. */
static void fill_namespace(uint32_t *r, int depth)
{
	uint32_t members = random_next(r) % 5;
	pid_t self = getpid();

	for (uint32_t i = 0; i < members; i++) {
		uint32_t seed = random_next(r) | 1;

		if (!fork())
			member(&seed, depth, self);
	}
	if (random_next(r) % 2)
		_exit((int)(random_next(r) % 2));
	sleep_for_ever();
}

static void one_namespace(uint32_t *r)
{
	int fds[2], status;
	pid_t pid;
	char c;

	must(!pipe(fds), "pipe");
	must(!unshare(CLONE_NEWPID), "unshare");
	pid = fork();
	must(pid >= 0, "fork");
	if (!pid) {
		uint32_t seed = random_next(r) | 1;

		if (getpid() != 1 || getppid())
			fail("init: %d below %d", getpid(), getppid());
		fill_namespace(&seed, 1);
	}
	close(fds[1]);
	if (random_next(r) % 2)
		usleep(random_next(r) % 2000);
	kill(pid, random_next(r) % 4 ? SIGKILL : SIGTERM);
	kill(pid, SIGKILL);
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	if (read(fds[0], &c, 1))
		fail("a member wrote");
	close(fds[0]);
	if (fork() >= 0 || errno != ENOMEM)
		fail("fork after the end of init: %s", strerror(errno));
}

static void *work(void *arg)
{
	uint32_t r = 77 + 1000 * (uint32_t)(uintptr_t)arg;

	for (int turn = 0; !turn || !time_is_over(); turn++) {
		/* a namespace for children is for the thread's life: so each is
		 * a process's */
		pid_t pid = fork();

		random_next(&r);
		if (!pid) {
			one_namespace(&r);
			_exit(0);
		}
		await(pid);
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

static int count_processes(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	must(d != NULL, "/proc");
	while ((e = readdir(d)))
		n += e->d_name[0] >= '0' && e->d_name[0] <= '9';
	closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	int before;

	stress_start(argc, argv);
	if (geteuid() && unshare(CLONE_NEWUSER)) {
		printf("no namespaces here\n");
		return 0;
	}
	before = count_processes();
	run_threads(work);
	/* on the host others come and go */
	if (before <= 3 && count_processes() > before)
		fail("%d processes, %d before", count_processes(), before);
	return stress_end();
}
