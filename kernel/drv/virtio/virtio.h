/* SPDX-License-Identifier: MIT */
/* All virtio devices of the machine, and their drivers. */
#pragma once
#include "drv/virtio/mmio.h"

struct handover;

/* Start the drivers of all devices; what does not work is reported and left
 * out. Context: init (scheduler, interrupts and heap work). */
void virtio_start(const struct handover *h);

/* What drivers have to do later. Context: task, once. */
void virtio_start_later(void);

/* What this kernel drives; each in its own file. */
extern const struct virtio_driver virtio_rng_driver, virtio_fs_driver,
	virtio_blk_driver, virtio_console_driver, virtio_net_driver,
	virtio_vsock_driver;
