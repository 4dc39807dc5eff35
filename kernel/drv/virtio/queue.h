/* SPDX-License-Identifier: MIT */
/*
 * A split virtqueue, driver side (virtio 1.2, 2.7), with indirect descriptors
 * and event indices where the device has them. Pure memory: notifying and
 * waiting are the driver's, and so is the lock: all calls on one queue exclude
 * each other.
 *
 * What the device writes is checked before it is used; a device that breaks
 * the rules makes the queue `broken`, and nothing is taken from it any more.
 */
#pragma once
#include <linux/virtio_ring.h>
#include "lib/types.h"

#define VIRTQ_SIZE_MAX	256u

/* A piece of kernel memory (never on program pages): contiguous. */
struct virtq_seg {
	void *p;
	uint32_t len;
};

struct virtq_slot {
	void *token;		/* of the chain that begins here; NULL: none */
	uint32_t in_bytes;	/* what the device may write */
	uint16_t nr;		/* descriptors */
	/* The next of its chain or the free list is at + 1 + skip (so that fresh
	 * memory is a list of all). The device can not reach it. */
	uint16_t skip;
};

struct virtq {
	/* set once */
	uint16_t size;
	bool indirect, event_idx;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint32_t order;		/* of their pages */
	struct virtq_slot *slots;
	/* under the driver's lock */
	const char *broken;	/* why; NULL: works */
	uint16_t free_head, nr_free;
	uint16_t added;		/* index of the next available entry */
	uint16_t published;	/* what the device was last told */
	uint16_t taken;		/* index of the next used entry */
};

/* size: a power of two. Returns 0 or -ENOMEM. */
int virtq_init(struct virtq *q, uint16_t size, bool indirect, bool event_idx);
/* The device does not use it any more. */
void virtq_fini(struct virtq *q);

/*
 * Add a request: nr_out pieces for the device to read, then nr_in to write.
 * table: room for as many descriptors, used if there are several and the
 * device takes indirect ones; the caller keeps it until the request is taken.
 * token: what virtq_take gives; not NULL. The device sees it after
 * virtq_publish. Returns 0, -ENOSPC (try after a take), -EIO (broken).
 */
int virtq_add(struct virtq *q, const struct virtq_seg *seg, uint32_t nr_out,
	      uint32_t nr_in, struct vring_desc *table, void *token);
/* Show the device what was added. Returns true if it wants to be notified. */
bool virtq_publish(struct virtq *q);
/* The next request that is done, and how many bytes the device wrote; NULL:
 * none, or broken. */
void *virtq_take(struct virtq *q, uint32_t *written);
/* Any request that the device has, done or not, for cleaning up after the
 * device was reset; NULL: none. */
void *virtq_abandon(struct virtq *q);
/* Ask for an interrupt. Returns true if there is something to take already:
 * then none may come for it. */
bool virtq_irq_on(struct virtq *q);
void virtq_irq_off(struct virtq *q);
