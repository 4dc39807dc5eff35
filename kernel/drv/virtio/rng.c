/* SPDX-License-Identifier: MIT */
/*
 * virtio-rng: a system task asks for random bytes at start and from then on
 * every few minutes, and mixes them into the kernel's generator. Nobody ever
 * waits for the device.
 */
#include <linux/virtio_ids.h>
#include "core/task.h"
#include "drv/virtio/virtio.h"
#include "platform/kvm/entropy.h"
#include "platform/kvm/spin.h"
#include "platform/platform.h"

#define SEED_BYTES	64u
#define RESEED_NS	(300 * NSEC_PER_SEC)

static struct {
	/* set once */
	struct virtio *v;
	struct task *task;
	/* the task, and the handler that only wakes it */
	struct virtq queue;
	uint8_t bytes[SEED_BYTES];
} rng;

static void rng_wake(struct virtio *v)
{
	struct task *t = __atomic_load_n(&rng.task, __ATOMIC_ACQUIRE);

	if (t)
		task_unpark(t);
}

/* Ask once and wait. Returns bytes, 0 if the device is of no use. */
static uint32_t fetch(struct virtio *v)
{
	struct virtq_seg seg = { rng.bytes, sizeof(rng.bytes) };
	uint32_t n = 0;

	if (virtq_add(&rng.queue, &seg, 0, 1, NULL, rng.bytes))
		return 0;
	if (virtq_publish(&rng.queue))
		virtio_notify(v, 0);
	while (!virtio_is_failed(v) && !virtq_take(&rng.queue, &n)) {
		if (rng.queue.broken) {
			virtio_fail(v, rng.queue.broken);
			break;
		}
		if (!virtq_irq_on(&rng.queue))
			task_park(DEADLINE_NEVER, false);
	}
	return n;
}

static void rng_main(void *arg)
{
	struct virtio *v = arg;

	__atomic_store_n(&rng.task, current_task(), __ATOMIC_RELEASE);
	for (;;) {
		uint32_t n = fetch(v);
		uint64_t next = plat_clock_mono_ns() + RESEED_NS;

		if (n)
			entropy_add(rng.bytes, n);
		if (virtio_is_failed(v))
			next = DEADLINE_NEVER;
		while (task_park(next, false) != -ETIMEDOUT)
			;
	}
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
	return task_start_system("rng", rng_main, v, NULL);
}

const struct virtio_driver virtio_rng_driver = {
	.name = "rng",
	.type = VIRTIO_ID_RNG,
	.probe = rng_probe,
	.irq = rng_wake,
	.failed = rng_wake,
};
