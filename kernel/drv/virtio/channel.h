/* SPDX-License-Identifier: MIT */
/*
 * A virtqueue whose users each wait for their own request: send and sleep. Any
 * number may be under way. The interrupt handler takes what is done and wakes
 * each request's task, which does everything else; so a slow answer keeps
 * nobody back. Requests lie on their callers' stacks until they are taken.
 */
#pragma once
#include "core/wait.h"
#include "drv/virtio/mmio.h"
#include "platform/kvm/spin.h"

struct virtio_channel {
	/* set once */
	struct virtio *v;
	uint32_t index;
	struct waitq room;	/* for those who found the queue full */
	/* under lock */
	struct spinlock lock;
	struct virtq queue;
};

/* Queue `index` of v, which must be able to take nr_segs pieces at once. */
int virtio_channel_init(struct virtio_channel *c, struct virtio *v,
			uint32_t index, uint16_t size, uint32_t nr_segs);
/*
 * Send nr_out pieces, receive nr_in; table has room for all. Returns bytes
 * that the device wrote, or -EIO. Context: task (not interruptible).
 */
int64_t virtio_channel_call(struct virtio_channel *c,
			    const struct virtq_seg *seg, uint32_t nr_out,
			    uint32_t nr_in, struct vring_desc *table);
/* What the driver's handlers do for this queue. Context: nosleep. */
void virtio_channel_irq(struct virtio_channel *c);
void virtio_channel_failed(struct virtio_channel *c);
