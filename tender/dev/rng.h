/* SPDX-License-Identifier: MIT */
/*
 * virtio-rng: fills the driver's buffers from the host's getrandom.
 * Host calls: getrandom.
 */
#pragma once
#include "dev/virtio.h"

struct rng_dev {
	struct virtio_dev dev;
};

void rng_init(struct rng_dev *r, const char *name,
	      const struct guest_memory *memory);
void rng_fini(struct rng_dev *r);
