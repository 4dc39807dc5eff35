/* SPDX-License-Identifier: MIT */
/* The random device: fills, bounds, broken requests. */
#include "dev/rng.h"
#include "fake_guest.h"
#include <string.h>

static struct fake_guest g;
static struct rng_dev rng;

static void set_up(void)
{
	guest_init(&g);
	rng_init(&rng, "rng0", &g.memory);
	guest_attach(&g, &rng.dev);
	guest_up(&g, 0);
}

static void tear_down(void)
{
	rng_fini(&rng);
	guest_fini(&g);
}

static void test_fill(void)
{
	static const unsigned char zero[64];
	uint32_t id, len;

	set_up();
	CHECK(reg_get(&g, VIRTIO_MMIO_DEVICE_ID) == VIRTIO_ID_RNG);
	put_desc(&g, 0, 0, DATA_BASE, 64, VRING_DESC_F_WRITE, 0);
	offer(&g, 0, 0);
	CHECK(!virtio_dev_kick(&rng.dev, 0));
	CHECK(take_used(&g, 0, &id, &len) && !id && len == 64);
	CHECK(memcmp(guest_at(&g, DATA_BASE), zero, 64));
	CHECK(!memcmp(guest_at(&g, DATA_BASE + 64), zero, 64));
	CHECK(g.interrupts == 1);
	CHECK(reg_get(&g, VIRTIO_MMIO_INTERRUPT_STATUS) ==
	      VIRTIO_MMIO_INT_VRING);
	tear_down();
}

static void test_bound(void)
{
	uint32_t id, len;

	set_up();
	put_desc(&g, 0, 0, LOW_BASE + 0x10000, 0x30000, VRING_DESC_F_WRITE,
		 0);
	offer(&g, 0, 0);
	virtio_dev_kick(&rng.dev, 0);
	CHECK(take_used(&g, 0, &id, &len) && len == 65536);
	tear_down();
}

static void test_readable(void)
{
	uint32_t id, len;

	set_up();
	put_desc(&g, 0, 0, DATA_BASE, 64, 0, 0);
	offer(&g, 0, 0);
	CHECK(!virtio_dev_kick(&rng.dev, 0));
	CHECK(needs_reset(&g) && g.nr_reports == 1);
	CHECK(!take_used(&g, 0, &id, &len));
	guest_up(&g, 0);
	CHECK(!needs_reset(&g));
	tear_down();
}

static void test_not_running(void)
{
	uint32_t id, len;

	set_up();
	put_desc(&g, 0, 0, DATA_BASE, 64, VRING_DESC_F_WRITE, 0);
	offer(&g, 0, 0);
	guest_down(&g);
	CHECK(!virtio_dev_kick(&rng.dev, 0));
	CHECK(!virtio_dev_kick(&rng.dev, 12345));
	CHECK(!take_used(&g, 0, &id, &len));
	tear_down();
}

/* As many requests as the queue has descriptors, all the same one. */
static void test_whole_ring(void)
{
	struct vring_desc d = { DATA_BASE, 1, VRING_DESC_F_WRITE, 0 };
	uint16_t used;

	set_up();
	guest_features(&g, VIRTIO_FEATURE(VIRTIO_F_VERSION_1));
	guest_queue(&g, 0, VIRTIO_BATCH);
	reg_set(&g, VIRTIO_MMIO_STATUS, S_OK);
	memcpy(guest_at(&g, ring_desc(0)), &d, sizeof(d));
	set_avail_index(&g, 0, VIRTIO_BATCH);
	CHECK(!virtio_dev_kick(&rng.dev, 0));
	memcpy(&used, guest_at(&g, ring_used(0) + 2), 2);
	CHECK(used == VIRTIO_BATCH);
	tear_down();
}

const struct unit_test rng_tests[] = {
	{ "rng fills", test_fill }, { "rng bound", test_bound },
	{ "rng: readable buffer", test_readable },
	{ "rng: not running", test_not_running },
	{ "rng: a whole ring", test_whole_ring }, { NULL, NULL },
};
