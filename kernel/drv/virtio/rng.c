/* SPDX-License-Identifier: MIT */
/*
 * virtio-rng: a service (core/service.h) asks for random bytes soon after the
 * start (which has the tender's seed) and then every few minutes, and mixes them into the kernel's generator. The
 * device's interrupt notifies it. Nobody ever waits for the device.
 */
#include <linux/virtio_ids.h>
#include "core/service.h"
#include "drv/virtio/virtio.h"
#include "platform/kvm/entropy.h"
#include "platform/kvm/spin.h"
#include "platform/platform.h"

#define SEED_BYTES	64u
#define RESEED_NS	(300 * NSEC_PER_SEC)

static struct {
	/* set once */
	struct virtio *v;
	/* the service only */
	struct virtq queue;
	uint64_t next_ns;	/* when to ask again; NEVER: asked */
	uint8_t bytes[SEED_BYTES];
} rng;

/* Give the device the buffer. It has one at a time. */
static void ask(struct virtio *v)
{
	struct virtq_seg seg = { rng.bytes, sizeof(rng.bytes) };

	rng.next_ns = DEADLINE_NEVER;
	if (!virtq_add(&rng.queue, &seg, 0, 1, NULL, rng.bytes) &&
	    virtq_publish(&rng.queue))
		virtio_notify(v, 0);
}

static void take_bytes(void)
{
	uint32_t n;

	if (!virtq_take(&rng.queue, &n))
		return;
	/* of a device that says 0 nothing is wanted any more */
	if (n) {
		entropy_add(rng.bytes, n);
		rng.next_ns = plat_clock_mono_ns() + RESEED_NS;
	}
}

static uint64_t rng_turn(struct service *s, uint32_t bits)
{
	if (virtio_is_failed(rng.v))
		return DEADLINE_NEVER;
	if (plat_clock_mono_ns() >= rng.next_ns)
		ask(rng.v);
	take_bytes();
	if (rng.queue.broken)
		virtio_fail(rng.v, rng.queue.broken);
	else if (virtq_irq_on(&rng.queue))
		return 0;
	return rng.next_ns;
}

static struct service rng_service = { .name = "rng", .turn = rng_turn };

static void rng_irq(struct virtio *v)
{
	service_notify(&rng_service, 1);
}

static int rng_probe(struct virtio *v)
{
	int err;

	if (rng.v)
		return -EBUSY;	/* one is enough */
	err = virtio_queue_init(v, 0, &rng.queue, 4);
	if (err)
		return err;
	rng.v = v;
	virtio_ready(v);
	return 0;
}

static int rng_later(void)
{
	return rng.v ? service_start(&rng_service) : 0;
}

const struct virtio_driver virtio_rng_driver = {
	.name = "rng",
	.type = VIRTIO_ID_RNG,
	.probe = rng_probe,
	.later = rng_later,
	.irq = rng_irq,
	.failed = rng_irq,
};
