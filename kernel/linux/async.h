/* SPDX-License-Identifier: MIT */
/*
 * Signals that files send to their owner (F_SETOWN, F_SETSIG): what O_ASYNC
 * and dnotify share.
 */
#pragma once
#include "fs/vfs.h"

/* Who is to be told by what descriptor. Zero is a good start. */
struct async {
	struct list due;	/* these under async.c's lock */
	int32_t code;		/* POLL_IN... */
	struct file *file;	/* set once; borrowed */
	int32_t fd;
};

void async_init(struct async *a, struct file *f, int fd);
/*
 * The signal goes out soon: when the calling program returns to user mode.
 * Context: task; any lock may be held, also a wait queue's.
 */
void async_post(struct async *a, int code);
/* What is posted is forgotten; a may be freed. */
void async_cancel(struct async *a);
/* On the way to user mode: send what is due; one load while nothing is. */
void async_send_due(void);

/* O_ASYNC of f is on or off now. Returns 0 or -ENOMEM. */
int async_set(struct file *f, int fd, bool on);
/* The last reference to f goes. */
void async_file_closed(struct file *f);
/* F_NOTIFY (inotify.c). Returns 0, -ENOTDIR, -EINVAL, -ENOMEM. */
long dnotify_set(struct file *f, int fd, uint32_t events);
