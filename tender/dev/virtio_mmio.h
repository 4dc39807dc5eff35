/* SPDX-License-Identifier: MIT */
/*
 * virtio-mmio version 2 (VIRTIO 1.2, 4.2): the registers of one device. Who
 * carries the machine calls virtio_mmio_read and _write for accesses within
 * the page and serves the two callbacks; it may take doorbells itself
 * (ioeventfd on VIRTIO_MMIO_QUEUE_NOTIFY) and never ask here.
 *
 * Threads: any number of vCPU threads at once. Registers are under the
 * device's lock, but for these, which never wait: magic, version, ids, status
 * (reading), interrupt status and acknowledge, queue notify.
 *
 * Accesses that VIRTIO forbids (wrong width, wrong state, unknown register)
 * read as zero and write nothing; they are counted in nr_refused.
 */
#pragma once
#include "dev/virtio.h"
#include <linux/virtio_mmio.h>

#define VIRTIO_MMIO_SIZE	0x1000u
#define VIRTIO_MMIO_VENDOR	0x6163696du	/* "mica" */

struct virtio_mmio_hooks {
	/*
	 * An interrupt: an edge, sent for each event. Any thread, device lock
	 * held.
	 */
	void (*interrupt)(void *arg);
	/* The driver rang this queue's doorbell by the register. vCPU thread,
	 * no lock held; must only wake the device's thread. */
	void (*notify)(void *arg, uint32_t queue);
	void *arg;
};

struct virtio_mmio {
	/* Set once. */
	struct virtio_dev *dev;
	struct virtio_mmio_hooks hooks;
	/* Under dev->lock; status also read without. */
	uint32_t status;		/* VIRTIO_CONFIG_S_* */
	uint32_t features_sel, driver_features_sel, queue_sel;
	uint64_t driver_features;
	bool features_bad;		/* bits beyond the 64 were wanted */
	/* Atomic. */
	uint32_t interrupt_status;	/* VIRTIO_MMIO_INT_* */
	uint64_t nr_refused;
	/* In the guest's memory, or NULL; the pointer under dev->lock. */
	uint32_t *reasons;		/* abi_script.reasons */
};

/* Bind the device to its registers: before the guest runs. */
void virtio_mmio_init(struct virtio_mmio *t, struct virtio_dev *dev,
		      const struct virtio_mmio_hooks *hooks);
/*
 * A load or store of len bytes at an offset into the page. Any offset and
 * length (data has len bytes) is allowed.
 */
void virtio_mmio_read(struct virtio_mmio *t, uint64_t offset, void *data,
		      uint32_t len);
void virtio_mmio_write(struct virtio_mmio *t, uint64_t offset,
		       const void *data, uint32_t len);
