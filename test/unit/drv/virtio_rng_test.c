/* SPDX-License-Identifier: MIT */
/*
 * The driver of the random number device (drv/virtio/rng.c), a service whose
 * turns the test calls, against a device made here: asked at once, again when
 * the time has come, never before; a device that gives nothing, lies or has
 * failed is left alone. Prints TAP.
 */
#include "drv/virtio/virtio.h"
#include "lib/string.h"
#include "platform/kvm/entropy.h"
#include "platform/kvm/paging.h"
#include "platform/platform.h"
#include "test/unit/core/fake_service.h"
#include "test/unit/tap.h"

#define RESEED_NS	(300 * NSEC_PER_SEC)

/* --- what the driver stands on --------------------------------------------------*/
static struct virtio device;
static struct virtq *queue;
static uint32_t nr_doorbells, nr_bytes;
static const char *failure;

void entropy_add(const void *p, size_t n)
{
	nr_bytes += (uint32_t)n;
}

int virtio_queue_init(struct virtio *v, uint32_t index, struct virtq *q,
		      uint16_t max_size)
{
	queue = q;
	return virtq_init(q, max_size, false, false);
}

void virtio_ready(struct virtio *v)
{
}

void virtio_notify(struct virtio *v, uint32_t q)
{
	nr_doorbells++;
}

void virtio_fail(struct virtio *v, const char *why)
{
	v->failed = true;
	failure = why;
	virtio_rng_driver.failed(v);
}

/* --- the device's side -----------------------------------------------------------*/
static uint16_t seen;

/* Answer what was asked with so many bytes. False: nothing was. */
static bool give(uint32_t id_off, uint32_t len)
{
	uint32_t id;

	if (queue->avail->idx == seen)
		return false;
	id = queue->avail->ring[seen++ % queue->size] + id_off;
	queue->used->ring[queue->used->idx % queue->size] =
		(struct vring_used_elem){ id, len };
	queue->used->idx++;
	fake_notified = 0;
	virtio_rng_driver.irq(&device);
	CHECK(fake_notified);
	return true;
}

/* Turns until it would sleep. Returns until when. */
static uint64_t turn(uint32_t bits)
{
	uint64_t next;

	do {
		next = fake_service->turn(fake_service, bits);
		bits = 0;
	} while (!next);
	return next;
}

static void asked_in_time(void)
{
	CHECK(!virtio_rng_driver.probe(&device));
	CHECK(virtio_rng_driver.probe(&device) == -EBUSY);
	/* not at start; then asked once, and waited for without a time */
	CHECK(!fake_service && !nr_doorbells);
	CHECK(!virtio_rng_driver.later() && fake_service);
	CHECK(turn(UINT32_MAX) == DEADLINE_NEVER && nr_doorbells == 1);
	fake_now += 2 * RESEED_NS;
	CHECK(turn(1) == DEADLINE_NEVER && nr_doorbells == 1);
	CHECK(give(0, 64));
	CHECK(turn(1) == fake_now + RESEED_NS && nr_bytes == 64);
	/* not before its time, whatever wakes it */
	fake_now += RESEED_NS - 1;
	CHECK(turn(1) == fake_now + 1 && nr_doorbells == 1 && !give(0, 64));
	fake_now++;
	CHECK(turn(0) == DEADLINE_NEVER && nr_doorbells == 2);
	CHECK(give(0, 16) && turn(1) == fake_now + RESEED_NS && nr_bytes == 80);
	/* nothing: left alone from then on */
	fake_now += RESEED_NS;
	CHECK(turn(0) == DEADLINE_NEVER && give(0, 0));
	CHECK(turn(1) == DEADLINE_NEVER && nr_bytes == 80 && !failure);
	CHECK(turn(1) == DEADLINE_NEVER && nr_doorbells == 3);
	/* an answer to what was not asked */
	queue->used->ring[queue->used->idx++ % queue->size] =
		(struct vring_used_elem){ 77, 64 };
	CHECK(turn(1) == DEADLINE_NEVER && failure && nr_bytes == 80);
	CHECK(turn(0) == DEADLINE_NEVER && nr_doorbells == 3);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "asked in time", asked_in_time },
	};

	return unit_run("virtio-rng", tests, ARRAY_LEN(tests), NULL, NULL);
}
