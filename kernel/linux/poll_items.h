/* SPDX-License-Identifier: MIT */
/* Waiting for events of several open files: the engine of poll and select. */
#pragma once
#include "linux/process.h"

#define POLL_ALWAYS	(8u | 16u)	/* EPOLLERR, EPOLLHUP */
#define POLL_INVALID	32u		/* POLLNVAL */

struct poll_item {
	struct file *f;		/* NULL: is not looked at */
	uint32_t events;	/* all that count, usually with POLL_ALWAYS */
	uint32_t revents;	/* result, or preset if f is NULL */
	bool counted;		/* fd_borrow's */
};

/*
 * Sleep until a file has one of its events, a signal comes or the deadline
 * passes (0: do not sleep).
 * Returns how many items have revents, 0, -EINTR, -ENOMEM.
 */
int poll_items(struct poll_item *items, uint32_t n, uint64_t deadline_ns);
void poll_items_release(struct poll_item *items, uint32_t n);

/*
 * The signal mask argument of ppoll, pselect, epoll_pwait: mask NULL = none.
 * Returns 0, -EINVAL, -EFAULT. temp_mask_end takes it back at once, unless the
 * call was interrupted: then the signal is delivered under it.
 */
int temp_mask_begin(uint64_t user_mask, uint64_t size);
void temp_mask_end(bool interrupted);
