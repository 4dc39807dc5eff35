/* SPDX-License-Identifier: MIT */
/*
 * How a sandbox is carried, as `mica run` sees it: one struct of functions for
 * each platform. The order of calls: create, (the description is filled),
 * start, (send_*, tick) until end_fd is readable, destroy.
 */
#pragma once
#include "util/err.h"
#include <stdbool.h>
#include <stdint.h>

struct run;

struct platform {
	const char *name;
	bool is_machine;	/* with processors and memory of its own */
	/* Can it be used here? Returns 0 or -errno with a remedy in e. */
	int (*check)(const struct run *r, struct err *e);
	/* Make r->desc, for run_prepare to fill. */
	int (*create)(struct run *r, struct err *e);
	/*
	 * Start the sandbox and what serves it; set r->end_fd, which becomes
	 * readable at its end. Signals are blocked already. Returns 0 or
	 * -errno: then destroy is still called.
	 */
	int (*start)(struct run *r, struct err *e);
	/* Bit n-1: signal n for the program, or the foreground group. */
	void (*send_signals)(struct run *r, uint64_t signals,
			     uint64_t tty_signals);
	void (*send_winsize)(struct run *r, uint16_t rows, uint16_t cols);
	/* Have signals sent before not even reached the sandbox's kernel?
	 * NULL: never. */
	bool (*is_deaf)(struct run *r);
	/* The signal that the program stopped by since the last call, or 0. */
	uint32_t (*take_stopped)(struct run *r);
	/* Every tick_ms while the sandbox runs. NULL: never. */
	void (*tick)(struct run *r);
	int (*tick_ms)(const struct run *r);	/* -1: no tick */
	/*
	 * End all that is left of the sandbox and fill r->report; without a
	 * report of the kernel r->failure says in one line what happened.
	 */
	void (*destroy)(struct run *r);
};

extern const struct platform platform_process, platform_kvm, platform_qemu;

/*
 * The platform that --platform names; "auto" is what the probe decides.
 * Returns NULL with e set (not usable, and what to do).
 */
const struct platform *platform_choose(const struct run *r, struct err *e);
