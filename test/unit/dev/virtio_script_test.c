/* SPDX-License-Identifier: MIT */
/*
 * The script of a virtio-mmio device (abi/machine.h): a set-up in one write, and
 * that it may do nothing that single writes may not.
 */
#include "virtio_mmio_test.h"
#include "abi/machine.h"
#include <pthread.h>

#define SCRIPT		(DATA_BASE + 0x1000)
#define REASONS		offsetof(struct abi_script, reasons)

static void add(struct abi_script *s, uint32_t offset, uint32_t value)
{
	s->writes[s->nr++] = (struct abi_script_write){ offset, value };
}

/* Everything that enter(RUNNING) does, with queue 0 only. */
static struct abi_script full_set_up(void)
{
	struct abi_script s = { .nr = 0 };

	add(&s, VIRTIO_MMIO_STATUS, S_ACK);
	add(&s, VIRTIO_MMIO_STATUS, S_DRV);
	add(&s, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	add(&s, VIRTIO_MMIO_DRIVER_FEATURES, VERSION_1 >> 32);
	add(&s, VIRTIO_MMIO_STATUS, S_FEAT);
	add(&s, VIRTIO_MMIO_QUEUE_SEL, 0);
	add(&s, VIRTIO_MMIO_QUEUE_NUM, FAKE_QUEUE_SIZE);
	add(&s, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)ring_desc(0));
	add(&s, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)ring_avail(0));
	add(&s, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)ring_used(0));
	add(&s, VIRTIO_MMIO_QUEUE_READY, 1);
	add(&s, VIRTIO_MMIO_STATUS, S_OK);
	return s;
}

static struct abi_script *run_script(const struct abi_script *s)
{
	guest_write(&g.memory, SCRIPT, s, sizeof(*s));
	reg_set(&g, ABI_DEVICE_SCRIPT, SCRIPT);
	return guest_at(&g, SCRIPT);
}

static void test_script(void)
{
	struct abi_script s = full_set_up(), *shared;

	set_up();
	shared = run_script(&s);
	CHECK(shared->status == S_OK && dev.running && starts == 1);
	CHECK(g.notified == 3 && !g.mmio.nr_refused);
	put_desc(&g, 0, 0, DATA_BASE, 1, 0, 0);
	offer(&g, 0, 0);
	virtio_dev_kick(&dev, 0);
	CHECK(g.interrupts == 1 && shared->reasons == 1);
	shared->reasons = 0;
	pthread_mutex_lock(&dev.lock);
	virtio_dev_config_changed(&dev);
	pthread_mutex_unlock(&dev.lock);
	CHECK(g.interrupts == 2 && shared->reasons == 2);
	/* after a reset the memory is the driver's again */
	shared->reasons = 0;
	reg_set(&g, VIRTIO_MMIO_STATUS, 0);
	enter(RUNNING);
	pthread_mutex_lock(&dev.lock);
	virtio_dev_config_changed(&dev);
	pthread_mutex_unlock(&dev.lock);
	CHECK(!shared->reasons);
	tear_down();
}

/* Each write is checked as if it were made alone. */
static void test_script_refused(void)
{
	static const uint32_t offsets[] = {
		VIRTIO_MMIO_CONFIG, ABI_DEVICE_SCRIPT, UINT32_MAX - 3,
		VIRTIO_MMIO_STATUS + 2, VIRTIO_MMIO_MAGIC_VALUE,
	};

	set_up();
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		uint64_t before = g.mmio.nr_refused;
		struct abi_script s = { .nr = 0 };

		add(&s, offsets[i], 1);
		CHECK(run_script(&s)->status == 0);
		CHECK(g.mmio.nr_refused == before + 1);
	}
	CHECK(config[0] == 1);
	/* out of order */
	struct abi_script s = { .nr = 0 };

	add(&s, VIRTIO_MMIO_STATUS, S_ACK);
	add(&s, VIRTIO_MMIO_STATUS, S_OK);
	CHECK(!(run_script(&s)->status & VIRTIO_CONFIG_S_DRIVER_OK));
	CHECK(!dev.running);
	tear_down();
}

static void test_script_address(void)
{
	static const uint32_t places[] = {
		SCRIPT + 4, LOW_BASE + LOW_LEN - sizeof(struct abi_script) + 8,
		0, UINT32_MAX - 7,
	};
	struct abi_script s = full_set_up();

	set_up();
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint64_t before = g.mmio.nr_refused;

		guest_write(&g.memory, places[i], &s, sizeof(s));
		reg_set(&g, ABI_DEVICE_SCRIPT, places[i]);
		CHECK(g.mmio.nr_refused == before + 1);
		CHECK(!reg_get(&g, VIRTIO_MMIO_STATUS) && !g.mmio.reasons);
	}
	s.nr = ABI_SCRIPT_MAX + 1;
	run_script(&s);
	CHECK(!reg_get(&g, VIRTIO_MMIO_STATUS) && !g.mmio.reasons);
	tear_down();
}

const struct unit_test script_tests[] = {
	{ "script", test_script }, { "script: writes", test_script_refused },
	{ "script: address", test_script_address },
	{ NULL, NULL },
};
