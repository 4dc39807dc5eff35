/* SPDX-License-Identifier: MIT */
/*
 * The tender while the program runs: an event loop over the sandbox's pidfd
 * and a signalfd.
 */
#include "cli/run.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define TTY_POLL_MS	100
#define MEMORY_POLL_MS	20

static const int forwarded[] = {
	SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT,
	SIGTSTP, SIGWINCH,
};

int run_block_signals(struct run *r, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(int); i++)
		sigaddset(&set, forwarded[i]);
	/* writes to a terminal from the background must not stop the tender */
	signal(SIGTTOU, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signal_fd < 0)
		return err_set(e, errno, "making a signalfd");
	for (int i = 0; i < 3; i++)
		if (r->sandbox.boot->stdio[i].kind == ABI_STDIO_TTY)
			r->has_tty = true;
	return 0;
}

static void update_winsize(struct run *r)
{
	struct abi_boot *b = r->sandbox.boot;
	struct winsize ws;

	for (int fd = 0; fd < 3; fd++) {
		if (b->stdio[fd].kind != ABI_STDIO_TTY ||
		    ioctl(fd, TIOCGWINSZ, &ws))
			continue;
		b->tty_rows = ws.ws_row;
		b->tty_cols = ws.ws_col;
		__atomic_store_n(&b->doorbell.winsize_changed, 1,
				 __ATOMIC_RELEASE);
		return;
	}
}

static void forward(struct run *r, const struct signalfd_siginfo *si)
{
	struct abi_doorbell *d = &r->sandbox.boot->doorbell;
	uint64_t bit = 1ull << (si->ssi_signo - 1);
	/* the terminal's keys come from the kernel, to a whole group */
	bool key = r->has_tty && si->ssi_code == SI_KERNEL;

	if (si->ssi_signo == SIGWINCH) {
		update_winsize(r);
	} else if (key) {
		__atomic_fetch_or(&d->tty_signals, bit, __ATOMIC_RELEASE);
		/* the end of the line concerns the session's leader too */
		if (si->ssi_signo == SIGHUP)
			__atomic_fetch_or(&d->signals, bit, __ATOMIC_RELEASE);
	} else {
		__atomic_fetch_or(&d->signals, bit, __ATOMIC_RELEASE);
	}
	sandbox_ring(&r->sandbox);
}

/* The program stopped: so do we, and both continue together. */
static void follow_stop(struct run *r)
{
	struct abi_boot *b = r->sandbox.boot;

	if (!__atomic_exchange_n(&b->stopped, 0, __ATOMIC_ACQ_REL))
		return;
	kill(getpid(), SIGSTOP);
	__atomic_fetch_or(&b->doorbell.signals, 1ull << (SIGCONT - 1),
			  __ATOMIC_RELEASE);
	/* and what else of its job stopped */
	__atomic_fetch_or(&b->doorbell.tty_signals, 1ull << (SIGCONT - 1),
			  __ATOMIC_RELEASE);
	update_winsize(r);
	sandbox_ring(&r->sandbox);
}

/* Private resident bytes of a host process, from /proc/PID/statm. */
static uint64_t resident_bytes(pid_t pid)
{
	char path[64];
	unsigned long size, rss = 0, shared = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%lu %lu %lu", &size, &rss, &shared) != 3)
			rss = shared = 0;
		fclose(f);
	}
	return (rss - shared) * 4096ull;
}

/* Number of a process in the sandbox's PID namespace. */
static uint32_t inner_pid(pid_t pid)
{
	char path[64], line[256], *last;
	uint32_t inner = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "NSpid:", 6))
			continue;
		last = strrchr(line, '\t');
		inner = (uint32_t)strtoul(last ? last + 1 : line + 6, NULL,
					  10);
	}
	if (f)
		fclose(f);
	return inner;
}

static void check_memory(struct run *r)
{
	struct abi_boot *b = r->sandbox.boot;
	uint64_t total = 0, biggest = 0, bytes;
	struct stat st;
	char path[64];
	int pid, victim = 0;
	FILE *f;

	if (!fstat(r->sandbox.pool_fd, &st))
		total = (uint64_t)st.st_blocks * 512;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
		 r->sandbox.pid, r->sandbox.pid);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1) {
		bytes = resident_bytes(pid);
		total += bytes;
		if (bytes > biggest) {
			biggest = bytes;
			victim = pid;
		}
	}
	if (f)
		fclose(f);
	if (total <= b->memory_limit || !victim)
		return;
	__atomic_store_n(&b->doorbell.oom, inner_pid(victim),
			 __ATOMIC_RELEASE);
	sandbox_ring(&r->sandbox);
}

void run_wait(struct run *r)
{
	struct pollfd p[2] = {
		{ .fd = r->sandbox.pidfd, .events = POLLIN },
		{ .fd = r->signal_fd, .events = POLLIN },
	};
	int timeout = r->opt.memory ? MEMORY_POLL_MS :
		      r->has_tty ? TTY_POLL_MS : -1;
	struct signalfd_siginfo si;

	for (;;) {
		int n = poll(p, 2, timeout);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0 && p[0].revents)
			return;
		while (read(r->signal_fd, &si, sizeof(si)) == sizeof(si))
			forward(r, &si);
		if (r->has_tty)
			follow_stop(r);
		if (r->opt.memory)
			check_memory(r);
	}
}
