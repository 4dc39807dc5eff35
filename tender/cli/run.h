/* SPDX-License-Identifier: MIT */
/* State of one `mica run`, shared by run*.c and platform_*.c. */
#pragma once
#include "cli/options.h"
#include "cli/platform.h"
#include "abi/control.h"
#include "dev/files/fsrv.h"
#include "util/description.h"
#include <sys/sysmacros.h>
#include <termios.h>

struct run {
	struct run_options opt;
	const struct platform *platform;
	void *carrier;		/* the platform's own */
	struct description desc;
	struct fsrv *server;
	int log_fd;		/* --strace, --stats, panic reports */
	int end_fd;		/* readable: the sandbox has ended; -1 */
	struct abi_report report;	/* of the kernel, at the end */
	char failure[256];	/* without one: what happened, or "" */
	char **environ;		/* of the program */
	char workdir[4096];	/* inside */
	int signal_fd;
	bool closed[3];		/* standard streams */
	bool has_tty;
	unsigned int nr_unheard; /* signals to end to a deaf sandbox */
	bool is_killed;		/* by us, for that reason */
	bool is_raw;		/* the terminal of stream 0, for -t */
	struct termios saved_termios;
};

/* --user, and the caller's identity as default. */
int run_set_user(struct run *r, struct err *e);
/* The caller's environment with -e and --env-file applied. */
int run_set_environment(struct run *r, struct err *e);
/* Exports and mounts: the system directories or --root, the current
 * directory, volumes, --tmpfs. */
int run_add_mounts(struct run *r, struct err *e);
/* The name of the sandbox as a host, and /etc/hosts that knows it. */
int run_set_names(struct run *r, struct err *e);
/* --image: add the export. Looks at the super block, for the sake of good
 * messages only: the sandbox's kernel checks all of it. */
int run_add_image(struct run *r, uint32_t *id, struct err *e);
/* Signals to forward arrive by a descriptor from here on. */
int run_block_signals(struct run *r, struct err *e);
/* -t: make the caller's terminal pass keys on; put it back. */
void run_tty_enter(struct run *r);
void run_tty_leave(struct run *r);
/* Until the sandbox has ended: forward signals and window sizes, watch the
 * memory limit, stop and continue with the program. */
void run_wait(struct run *r);
