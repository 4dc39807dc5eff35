/* SPDX-License-Identifier: MIT */
/*
 * Fuzz input as what a driver does to a virtio-mmio device: accesses to
 * registers, writes to memory, requests in rings, doorbells, and events on the
 * host's side. Used by the targets of each device model; `make-dev-corpus`
 * writes seeds in this form.
 */
#pragma once
#include "fake_guest.h"
#include <stdlib.h>

#define FUZZ_CHECK(e) do { if (!(e)) abort(); } while (0)

enum fuzz_op {
	FUZZ_REG_WRITE,		/* offset/4, value (4 bytes) */
	FUZZ_REG_READ,		/* offset/4 */
	FUZZ_ACCESS,		/* offset (2), length | write<<7, bytes */
	FUZZ_MEMORY,		/* place, offset (2), length, bytes */
	FUZZ_UP,		/* features (4): to DRIVER_OK */
	FUZZ_DESC,		/* queue, index, place, offset (2), len (2),
				 * shift, flags, next */
	FUZZ_OFFER,		/* queue, head */
	FUZZ_KICK,		/* queue */
	FUZZ_AVAIL,		/* queue, index (2) */
	FUZZ_HOST,		/* argument: event of the target's choice */
	FUZZ_RESET,
	FUZZ_SCRIPT,		/* place, offset (2), nr, then per write: offset/4,
				 * value (4); the address goes to the register */
	FUZZ_NR_OPS,
};

/*
 * Run the input against g->dev, already attached. host may be NULL.
 * Aborts where a promise of virtio_mmio.h is broken.
 */
void fuzz_run(struct fake_guest *g, const uint8_t *data, size_t size,
	      void (*host)(uint8_t arg));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
