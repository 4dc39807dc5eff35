/* SPDX-License-Identifier: MIT */
/* See dev_ops.h. */
#include "dev_ops.h"
#include "abi/machine.h"
#include <string.h>

struct input {
	const uint8_t *data;
	size_t left;
};

static uint32_t take(struct input *in, uint32_t bytes)
{
	uint32_t v = 0;

	for (uint32_t i = 0; i < bytes && in->left; i++) {
		v |= (uint32_t)*in->data++ << (8 * i);
		in->left--;
	}
	return v;
}

/* Addresses of interest: data, rings, ends of memory, nowhere. */
static gpa_t place(uint8_t which, uint16_t offset)
{
	static const gpa_t base[] = {
		DATA_BASE, DATA_BASE + 0x10000, HIGH_BASE,
		LOW_BASE, LOW_BASE + 0x2000, LOW_BASE + 0x3000,
		LOW_BASE + 0x4000, LOW_BASE + 0x6000,
		LOW_BASE + LOW_LEN - 64, HIGH_BASE + HIGH_LEN - 64,
		0, UINT64_MAX - 0xffff,
	};

	return base[which % (sizeof(base) / sizeof(base[0]))] + offset;
}

static uint32_t queue_of(const struct fake_guest *g, struct input *in)
{
	return take(in, 1) % g->dev->nr_queues;
}

static void op_access(struct fake_guest *g, struct input *in)
{
	uint64_t offset = take(in, 2);
	uint32_t len = take(in, 1);
	uint8_t bytes[32] = { 0 };

	if (len & 0x80)
		for (uint32_t i = 0; i < (len & 15); i++)
			bytes[i] = (uint8_t)take(in, 1);
	if (len & 0x80)
		virtio_mmio_write(&g->mmio, offset, bytes, len & 15);
	else
		virtio_mmio_read(&g->mmio, offset, bytes, len & 31);
}

static void op_memory(struct fake_guest *g, struct input *in)
{
	uint8_t which = (uint8_t)take(in, 1);
	gpa_t at = place(which, (uint16_t)take(in, 2));
	uint32_t len = take(in, 1);

	if (len > in->left)
		len = (uint32_t)in->left;
	guest_write(&g->memory, at, in->data, len);
	in->data += len;
	in->left -= len;
}

static void op_desc(struct fake_guest *g, struct input *in)
{
	uint32_t queue = queue_of(g, in);
	uint16_t index = take(in, 1) % FAKE_QUEUE_SIZE;
	uint8_t which = (uint8_t)take(in, 1);
	gpa_t addr = place(which, (uint16_t)take(in, 2));
	uint32_t len = take(in, 2);
	uint32_t shift = take(in, 1) % 17;
	uint16_t flags = (uint16_t)take(in, 1);

	put_desc(g, queue, index, addr, len << shift, flags,
		 (uint16_t)take(in, 1));
}

static void op_offer(struct fake_guest *g, struct input *in)
{
	uint32_t queue = queue_of(g, in);

	offer(g, queue, (uint16_t)take(in, 1));
}

static void op_avail(struct fake_guest *g, struct input *in)
{
	uint32_t queue = queue_of(g, in);

	set_avail_index(g, queue, (uint16_t)take(in, 2));
}

static void op_kick(struct fake_guest *g, struct input *in)
{
	uint32_t queue = queue_of(g, in);

	/* bounded work: a ring's worth of turns is enough for anything */
	for (int i = 0; i < 64 && virtio_dev_kick(g->dev, queue); i++)
		;
}

static void op_script(struct fake_guest *g, struct input *in)
{
	uint8_t which = (uint8_t)take(in, 1);
	gpa_t at = place(which, (uint16_t)take(in, 2));
	struct abi_script s = { .nr = take(in, 1) };

	for (uint32_t i = 0; i < s.nr && i < ABI_SCRIPT_MAX; i++) {
		s.writes[i].offset = (take(in, 1) & 127) * 4;
		s.writes[i].value = take(in, 4);
	}
	guest_write(&g->memory, at, &s, sizeof(s));
	reg_set(g, ABI_DEVICE_SCRIPT, (uint32_t)at);
}

static void one_op(struct fake_guest *g, struct input *in,
		   void (*host)(uint8_t arg))
{
	uint32_t op = take(in, 1) % FUZZ_NR_OPS, at;

	switch (op) {
	case FUZZ_REG_WRITE:
		at = (take(in, 1) & 63) * 4;
		reg_set(g, at, take(in, 4));
		return;
	case FUZZ_REG_READ:
		reg_get(g, (take(in, 1) & 127) * 4);
		return;
	case FUZZ_ACCESS:
		op_access(g, in);
		return;
	case FUZZ_MEMORY:
		op_memory(g, in);
		return;
	case FUZZ_UP:
		guest_up(g, take(in, 4) & g->dev->features);
		return;
	case FUZZ_DESC:
		op_desc(g, in);
		return;
	case FUZZ_OFFER:
		op_offer(g, in);
		return;
	case FUZZ_KICK:
		op_kick(g, in);
		return;
	case FUZZ_AVAIL:
		op_avail(g, in);
		return;
	case FUZZ_HOST:
		at = take(in, 1);
		if (host)
			host((uint8_t)at);
		return;
	case FUZZ_SCRIPT:
		op_script(g, in);
		return;
	default:
		guest_down(g);
	}
}

/* What holds after every access. */
static void check(struct fake_guest *g)
{
	uint32_t s = reg_get(g, VIRTIO_MMIO_STATUS);

	FUZZ_CHECK(!(s & 2) || (s & 1));
	FUZZ_CHECK(!(s & 8) || (s & 2));
	FUZZ_CHECK(!(s & 4) || (s & 8));
	FUZZ_CHECK(g->dev->running == ((s & 4) && !(s & 128)));
	FUZZ_CHECK(g->dev->broken == !!(s & 64));
	FUZZ_CHECK(g->dev->nr_reports <= VIRTIO_REPORTS_MAX);
	FUZZ_CHECK(!g->mmio.reasons ||
		   (unsigned char *)g->mmio.reasons - g->low < (int)LOW_LEN);
	for (uint32_t i = 0; i < g->dev->nr_queues; i++) {
		const struct virtq *q = &g->dev->queues[i];

		FUZZ_CHECK(!q->ready || (q->size && q->desc_ptr));
		FUZZ_CHECK(q->in_flight <= q->size);
		FUZZ_CHECK(!q->broken || g->dev->broken);
	}
}

void fuzz_run(struct fake_guest *g, const uint8_t *data, size_t size,
	      void (*host)(uint8_t arg))
{
	struct input in = { data, size };

	while (in.left) {
		one_op(g, &in, host);
		check(g);
	}
}
