/* SPDX-License-Identifier: MIT */
/*
 * The loop of a device thread: waits for doorbells and for host descriptors
 * and calls who asked for them. One loop may serve several devices; the owner
 * chooses which thread runs it (a device whose requests take long gets its
 * own).
 *
 * Host calls while running: epoll_wait, read and write on its descriptors,
 * and what the devices do. Threads: add and run from one thread; only
 * dev_loop_stop, dev_loop_watch from others.
 */
#pragma once
#include "dev/virtio.h"
#include "util/err.h"

struct dev_loop {
	int epoll, wake;
	bool stop;		/* atomic */
};

struct dev_source {
	int fd;
	void (*fn)(void *arg, uint32_t events);
	void *arg;
};

/* One doorbell: an eventfd that the guest's notify writes to. */
struct dev_doorbell {
	struct dev_source source;
	struct virtio_dev *dev;
	uint32_t queue;
};

/* Returns 0 or -errno. */
int dev_loop_init(struct dev_loop *l, struct err *e);
void dev_loop_fini(struct dev_loop *l);
/*
 * Call s->fn when one of EPOLL* events comes on s->fd (level triggered; with
 * errors and hang-ups, and once too often now and then). events 0: nothing,
 * until dev_loop_watch asks.
 * Owner: s must live as long as the loop; the descriptor stays the caller's.
 * Returns 0 or -errno (-EPERM: a regular file, always ready).
 */
int dev_loop_add(struct dev_loop *l, struct dev_source *s, uint32_t events,
		 struct err *e);
/*
 * Change which events are wanted (0: none). Any thread.
 * Returns 0 or -errno.
 */
int dev_loop_watch(struct dev_loop *l, struct dev_source *s, uint32_t events);
/*
 * Serve dev's queue when `fd` (an eventfd, non-blocking) is written. The
 * doorbell is rung again while the device says there is more to do.
 */
int dev_loop_add_doorbell(struct dev_loop *l, struct dev_doorbell *b, int fd,
			  struct virtio_dev *dev, uint32_t queue,
			  struct err *e);
/*
 * Wait for events, timeout_ms at most (-1: for ever), and serve them.
 * Returns false when the loop is to stop.
 */
bool dev_loop_step(struct dev_loop *l, int timeout_ms);
/* Serve until dev_loop_stop. */
void dev_loop_run(struct dev_loop *l);
/* Any thread; also before dev_loop_run. */
void dev_loop_stop(struct dev_loop *l);
