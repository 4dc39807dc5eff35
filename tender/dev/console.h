/* SPDX-License-Identifier: MIT */
/*
 * virtio-console with one port between the guest and two descriptors of the
 * host. Neither side waits for the other: without room in `out` the output
 * stays in the guest's queue, without buffers of the guest the input stays in
 * `in`. An end of input is just silence to the guest; a broken `out` drops
 * output, with one report.
 *
 * The owner ignores SIGPIPE, and gives a terminal as a non-blocking descriptor
 * (a pipe that is ready takes what is written, a terminal need not). Host calls: read, write, poll, epoll_ctl.
 */
#pragma once
#include "dev/loop.h"
#include <linux/virtio_console.h>

/* How far one turn of output came. */
enum console_step {
	CONSOLE_DONE,
	CONSOLE_BLOCKED,	/* until `out` takes more */
	CONSOLE_MORE,		/* others have their turn first */
};

struct console_dev {
	struct virtio_dev dev;
	/* Set once. */
	int in, out;			/* -1: none; not closed here */
	struct dev_loop *loop;
	struct dev_source in_source, out_source;
	bool in_polled, out_polled;	/* not regular files */
	/* Under dev.lock. */
	struct virtio_console_config config;
	bool in_ended, out_failed;
	bool out_waits;			/* a request is kept in `pending` */
	enum console_step out_state;	/* of the last turn */
	struct virtq_chain pending;
	uint64_t nr_dropped;		/* bytes of output */
};

/*
 * in and out may be -1. The loop is the one that will serve the device's
 * doorbells. Returns 0 or -errno.
 */
int console_init(struct console_dev *c, const char *name,
		 const struct guest_memory *memory, struct dev_loop *loop,
		 int in, int out, struct err *e);
/* The loop does not run any more. */
void console_fini(struct console_dev *c);
/* The terminal has a new size: the driver is told. Any thread. */
void console_resize(struct console_dev *c, uint16_t cols, uint16_t rows);
