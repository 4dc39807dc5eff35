/* SPDX-License-Identifier: MIT */
/*
 * The tender while the program runs: an event loop over the sandbox's end and
 * a signalfd.
 */
#include "cli/run.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TTY_POLL_MS	100
#define UNHEARD_MAX	3u

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
		if (r->desc.boot->stdio[i].kind == ABI_STDIO_TTY)
			r->has_tty = true;
	return 0;
}

static void update_winsize(struct run *r)
{
	struct winsize ws;

	for (int fd = 0; fd < 3; fd++) {
		if (r->desc.boot->stdio[fd].kind != ABI_STDIO_TTY ||
		    ioctl(fd, TIOCGWINSZ, &ws))
			continue;
		r->platform->send_winsize(r, ws.ws_row, ws.ws_col);
		return;
	}
}

/*
 * A kernel that hangs takes no signals. As with Docker's client the third one
 * that should end it is the last.
 */
static void count_unheard(struct run *r, int signo)
{
	if (signo != SIGINT && signo != SIGTERM && signo != SIGQUIT &&
	    signo != SIGHUP)
		return;
	if (!r->platform->is_deaf || !r->platform->is_deaf(r))
		r->nr_unheard = 0;
	r->nr_unheard++;
	r->is_killed = r->nr_unheard >= UNHEARD_MAX;
}

static void forward(struct run *r, const struct signalfd_siginfo *si)
{
	uint64_t bit = 1ull << (si->ssi_signo - 1);
	/* the terminal's keys come from the kernel, to a whole group */
	bool key = r->has_tty && si->ssi_code == SI_KERNEL;

	count_unheard(r, (int)si->ssi_signo);
	if (si->ssi_signo == SIGWINCH)
		update_winsize(r);
	else if (!key)
		r->platform->send_signals(r, bit, 0);
	else	/* the end of the line concerns the session's leader too */
		r->platform->send_signals(r, si->ssi_signo == SIGHUP ? bit : 0,
					  bit);
}

/* The program stopped: so do we, and both continue together, with what else
 * of its job stopped. */
static void follow_stop(struct run *r)
{
	uint64_t bit = 1ull << (SIGCONT - 1);

	if (!r->platform->take_stopped(r))
		return;
	kill(getpid(), SIGSTOP);
	update_winsize(r);
	r->platform->send_signals(r, bit, bit);
}

void run_wait(struct run *r)
{
	struct pollfd p[2] = {
		{ .fd = r->end_fd, .events = POLLIN },
		{ .fd = r->signal_fd, .events = POLLIN },
	};
	int timeout = r->platform->tick ? r->platform->tick_ms(r) : -1;
	struct signalfd_siginfo si;

	if (timeout < 0 && r->has_tty)
		timeout = TTY_POLL_MS;
	for (;;) {
		int n = poll(p, 2, timeout);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0 && p[0].revents)
			return;
		while (read(r->signal_fd, &si, sizeof(si)) == sizeof(si))
			forward(r, &si);
		if (r->is_killed)
			return;
		if (r->has_tty)
			follow_stop(r);
		if (r->platform->tick)
			r->platform->tick(r);
	}
}
