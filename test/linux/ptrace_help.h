/* SPDX-License-Identifier: MIT */
/* What the families on ptrace(2) share. */
#pragma once
#include "harness.h"
#include <elf.h>
#include <linux/ptrace.h>
#include <sys/reg.h>
#include <sys/uio.h>
#include <sys/user.h>

/* glibc's <sys/ptrace.h> and <linux/ptrace.h> do not go together. */
static inline long ptrace(long request, pid_t pid, uint64_t addr, uint64_t data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}
#define DATA(p) ((uint64_t)(uintptr_t)(p))

/* A stop by its parts: "SIGTRAP|80", "SIGTRAP event 1". */
static inline const char *stop_name(int status)
{
	static char text[64];
	int code = status >> 8;

	if ((status & 0xff) != 0x7f)
		return status_name(status);
	snprintf(text, sizeof(text), "%s%s", sig_name(code & 0x7f),
		 code & 0x80 ? "|80" : "");
	if (code >> 8)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 " event %d", code >> 8);
	return text;
}

/* Wait for pid, any kind of stop, and return its status. */
static inline int stop_of(pid_t pid)
{
	int status = 0;

	must(waitpid(pid, &status, __WALL));
	return status;
}

#define show_stop(pid) say("%s: %s", #pid, stop_name(stop_of(pid)))

/* A child that is traced by us, stopped by its own SIGSTOP before fn. */
static inline pid_t traced(int (*fn)(void *), void *arg)
{
	pid_t pid = must(fork());
	int status;

	if (!pid) {
		must(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGSTOP);
		_exit(fn(arg));
	}
	status = stop_of(pid);
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
		say("no SIGSTOP: %s", stop_name(status));
	return pid;
}

/* The same for a child that another way of attaching is to be tried on. */
static inline pid_t untraced(int (*fn)(void *), void *arg)
{
	pid_t pid = must(fork());

	if (!pid)
		_exit(fn(arg));
	return pid;
}

static inline int just_pause(void *arg)
{
	for (;;)
		pause();
	return 0;
}

static inline void go_on(pid_t pid, int signo)
{
	must(ptrace(PTRACE_CONT, pid, 0, (uint64_t)signo));
}

/* Until pid is in that state (/proc/PID/stat), at most ten seconds. */
static inline void wait_state(pid_t pid, char state)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (int i = 0; i < 1000; i++) {
		char *p = slurp(path) > 0 ? strrchr(slurped, ')') : NULL;

		if (p && p[2] == state)
			return;
		sleep_ms(10);
	}
	say("never in state %c", state);
}

static inline void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	show_exit("end", pid);
}

static inline struct user_regs_struct regs_of(pid_t pid)
{
	struct user_regs_struct r;

	memset(&r, 0, sizeof(r));
	must(ptrace(PTRACE_GETREGS, pid, 0, DATA(&r)));
	return r;
}
