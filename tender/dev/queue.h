/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues, the device's side, with indirect descriptors and event
 * indices (VIRTIO 1.2, 2.7). Knows no transport: virtio-mmio and vhost-user
 * fill in the addresses and start the queue.
 *
 * The driver is hostile and changes the rings while they are read: each index
 * and descriptor is copied once and the copy checked. What breaks the rules
 * breaks the queue: `broken` says why, nothing is taken from it any more, and
 * who serves it calls virtio_dev_check_queue() (dev/virtio.h).
 *
 * Not thread-safe: under the device's lock.
 */
#pragma once
#include "dev/memory.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define VIRTQ_SIZE_MAX 1024u

struct virtq {
	/* By the transport, while not ready. */
	const struct guest_memory *memory;
	uint32_t size;		/* descriptors; checked by virtq_start */
	gpa_t desc, avail, used;
	bool indirect, event_idx;	/* features agreed */

	/* By virtq_start and the device, while ready. */
	bool ready;
	const char *broken;	/* why, or NULL */
	uint16_t next_avail, next_used;
	uint16_t signalled;	/* next_used at the last question */
	bool signalled_valid;
	uint32_t in_flight;	/* chains taken and not pushed */
	unsigned char *desc_ptr, *avail_ptr, *used_ptr;
};

/*
 * One request: iov[0 .. nr_out) the device reads, the nr_in after them it
 * writes. The memory behind them is the guest's and changes at any time.
 */
struct virtq_chain {
	uint16_t head;
	uint32_t nr_out, nr_in;		/* buffers, as taken */
	uint32_t out_at, in_at;		/* first ones not used up, in iov[] */
	uint64_t out_left, in_left;	/* bytes not used up */
	uint64_t written;		/* by virtq_chain_write, _written */
	struct iovec iov[VIRTQ_SIZE_MAX];
};

/*
 * Begin with the indices given (0, 0 after a reset).
 * Returns 0; -EINVAL (size, alignment) or -EFAULT (not memory), with a text in
 * q->broken.
 */
int virtq_start(struct virtq *q, uint16_t next_avail, uint16_t next_used);
/* Forget everything but `memory`. */
void virtq_reset(struct virtq *q);
/*
 * Take the next request.
 * Returns 1, 0 (none, or not ready) or -EPROTO (broken, also from before).
 */
int virtq_next(struct virtq *q, struct virtq_chain *c);
/*
 * Give the request back, `written` bytes of its writable part filled from the
 * start. Nothing is said to the driver, see virtq_must_signal.
 */
void virtq_push(struct virtq *q, uint16_t head, uint32_t written);
/* The request just taken is not wanted yet: it comes again at the next call. */
void virtq_put_back(struct virtq *q);
/* Does the driver want to hear of what was pushed since the last question? */
bool virtq_must_signal(struct virtq *q);
/* Ask the driver for no doorbells (it may send some all the same). */
void virtq_disarm(struct virtq *q);
/* Ask for a doorbell at the next request. True: one is there already. */
bool virtq_arm(struct virtq *q);

/* Copy from / to the request and go on behind. Returns how many bytes. */
size_t virtq_chain_read(struct virtq_chain *c, void *dst, size_t len);
size_t virtq_chain_write(struct virtq_chain *c, const void *src, size_t len);
/* The buffers not used up, for readv(c) and writev(c). */
const struct iovec *virtq_chain_out(const struct virtq_chain *c,
				    uint32_t *nr);
const struct iovec *virtq_chain_in(const struct virtq_chain *c, uint32_t *nr);
/* n bytes of them were read or written by somebody else: go on behind. */
void virtq_chain_skip_out(struct virtq_chain *c, size_t n);
void virtq_chain_skip_in(struct virtq_chain *c, size_t n);
/*
 * Take the last writable byte away from the request: where a block request
 * has its status. NULL if there is none.
 */
unsigned char *virtq_chain_take_last(struct virtq_chain *c);
