/* SPDX-License-Identifier: MIT */
/* Starting QEMU's process. */
#include "qemu/qemu_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATUS_NO_EXEC	127
#define NOBODY		65534u

/*
 * All that QEMU needs is open already. A root without the right, or without
 * that number, is one that can do little outside of its own namespace.
 */
static void become_nobody(void)
{
	if (geteuid() || syscall(SYS_setgroups, 0, NULL) ||
	    syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY))
		return;
	syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY);
}

/* Only what it is given stays open: not even what the caller left open. */
static int inherit(const int fds[QEMU_NR_FDS], int messages_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(messages_fd, 2) < 0)
		return -1;
	if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC))
		return -1;
	for (int i = 0; i < QEMU_NR_FDS; i++)
		if (fds[i] >= 0 && fcntl(fds[i], F_SETFD, 0))
			return -1;
	return 0;
}

__attribute__((noreturn))
static void child(const char *path, char **argv, const int fds[QEMU_NR_FDS],
		  int messages_fd, bool as_nobody, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTTOU, SIG_DFL);
	/* the terminal's keys are the program's */
	setsid();
	if (as_nobody)
		become_nobody();
	/* a change of identity takes this back */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(STATUS_NO_EXEC);
	if (!inherit(fds, messages_fd)) {
		execv(path, argv);
		dprintf(2, "%s can not be executed: %s\n", path,
			strerror(errno));
	}
	_exit(STATUS_NO_EXEC);
}

pid_t qemu_spawn(const char *path, char **argv, const int fds[QEMU_NR_FDS],
		 int messages_fd, bool as_nobody, struct err *e)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		child(path, argv, fds, messages_fd, as_nobody, parent);
	if (pid < 0)
		return err_set(e, errno, "starting %s: %s", path,
			       strerror(errno));
	return pid;
}
