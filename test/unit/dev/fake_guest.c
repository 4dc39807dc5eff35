/* SPDX-License-Identifier: MIT */
/* See fake_guest.h. */
#include "fake_guest.h"
#include <stdlib.h>
#include <string.h>

#define RING_STRIDE	0x4000ull
#define AVAIL_AT	0x2000ull
#define USED_AT		0x3000ull

void guest_init(struct fake_guest *g)
{
	memset(g, 0, sizeof(*g));
	g->low = aligned_alloc(4096, LOW_LEN);
	g->high = aligned_alloc(4096, HIGH_LEN);
	if (!g->low || !g->high)
		abort();
	memset(g->low, 0, LOW_LEN);
	memset(g->high, 0, HIGH_LEN);
	if (guest_memory_add(&g->memory, LOW_BASE, g->low, LOW_LEN) ||
	    guest_memory_add(&g->memory, HIGH_BASE, g->high, HIGH_LEN))
		abort();
}

void guest_fini(struct fake_guest *g)
{
	free(g->low);
	free(g->high);
}

static void interrupt(void *arg)
{
	((struct fake_guest *)arg)->interrupts++;
}

static void notify(void *arg, uint32_t queue)
{
	((struct fake_guest *)arg)->notified |= 1u << queue;
}

static void report(void *arg, const char *line)
{
	struct fake_guest *g = arg;

	g->nr_reports++;
	snprintf(g->report, sizeof(g->report), "%s", line);
}

void guest_attach(struct fake_guest *g, struct virtio_dev *dev)
{
	struct virtio_mmio_hooks hooks = { interrupt, notify, g };

	g->dev = dev;
	dev->report = report;
	dev->report_arg = g;
	virtio_mmio_init(&g->mmio, dev, &hooks);
}

uint32_t reg_get(struct fake_guest *g, uint64_t offset)
{
	uint32_t v;

	virtio_mmio_read(&g->mmio, offset, &v, sizeof(v));
	return v;
}

void reg_set(struct fake_guest *g, uint64_t offset, uint32_t v)
{
	virtio_mmio_write(&g->mmio, offset, &v, sizeof(v));
}

uint32_t guest_features(struct fake_guest *g, uint64_t features)
{
	reg_set(g, VIRTIO_MMIO_STATUS, 0);
	reg_set(g, VIRTIO_MMIO_STATUS, S_ACK);
	reg_set(g, VIRTIO_MMIO_STATUS, S_DRV);
	for (uint32_t i = 0; i < 2; i++) {
		reg_set(g, VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		reg_set(g, VIRTIO_MMIO_DRIVER_FEATURES,
			(uint32_t)(features >> (32 * i)));
	}
	reg_set(g, VIRTIO_MMIO_STATUS, S_FEAT);
	return reg_get(g, VIRTIO_MMIO_STATUS);
}

gpa_t ring_desc(uint32_t queue)
{
	return LOW_BASE + queue * RING_STRIDE;
}

gpa_t ring_avail(uint32_t queue)
{
	return ring_desc(queue) + AVAIL_AT;
}

gpa_t ring_used(uint32_t queue)
{
	return ring_desc(queue) + USED_AT;
}

static void set_address(struct fake_guest *g, uint64_t reg, gpa_t addr)
{
	reg_set(g, reg, (uint32_t)addr);
	reg_set(g, reg + 4, (uint32_t)(addr >> 32));
}

void guest_queue(struct fake_guest *g, uint32_t queue, uint32_t size)
{
	reg_set(g, VIRTIO_MMIO_QUEUE_SEL, queue);
	reg_set(g, VIRTIO_MMIO_QUEUE_NUM, size);
	set_address(g, VIRTIO_MMIO_QUEUE_DESC_LOW, ring_desc(queue));
	set_address(g, VIRTIO_MMIO_QUEUE_AVAIL_LOW, ring_avail(queue));
	set_address(g, VIRTIO_MMIO_QUEUE_USED_LOW, ring_used(queue));
	reg_set(g, VIRTIO_MMIO_QUEUE_READY, 1);
	g->used_seen[queue] = g->avail_next[queue] = 0;
}

void guest_up(struct fake_guest *g, uint64_t features)
{
	memset(g->low, 0, DATA_BASE - LOW_BASE);
	guest_features(g, features | VIRTIO_FEATURE(VIRTIO_F_VERSION_1));
	for (uint32_t i = 0; i < g->dev->nr_queues; i++)
		guest_queue(g, i, FAKE_QUEUE_SIZE);
	reg_set(g, VIRTIO_MMIO_STATUS, S_OK);
	g->interrupts = g->notified = 0;
	g->nr_reports = 0;
}

void guest_down(struct fake_guest *g)
{
	reg_set(g, VIRTIO_MMIO_STATUS, 0);
}

void *guest_at(struct fake_guest *g, gpa_t addr)
{
	void *p = guest_ptr(&g->memory, addr, 1);

	if (!p)
		abort();
	return p;
}

void put_desc(struct fake_guest *g, uint32_t queue, uint16_t index,
	      gpa_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	struct vring_desc d = { addr, len, flags, next };

	memcpy(guest_at(g, ring_desc(queue) + sizeof(d) * index), &d,
	       sizeof(d));
}

void set_avail_index(struct fake_guest *g, uint32_t queue, uint16_t index)
{
	memcpy(guest_at(g, ring_avail(queue) + 2), &index, sizeof(index));
}

void offer(struct fake_guest *g, uint32_t queue, uint16_t head)
{
	uint16_t next = g->avail_next[queue]++;

	memcpy(guest_at(g, ring_avail(queue) + 4 +
			2 * (next % FAKE_QUEUE_SIZE)), &head, sizeof(head));
	set_avail_index(g, queue, g->avail_next[queue]);
}

bool take_used(struct fake_guest *g, uint32_t queue, uint32_t *id,
	       uint32_t *len)
{
	struct vring_used_elem e;
	uint16_t index;

	memcpy(&index, guest_at(g, ring_used(queue) + 2), sizeof(index));
	if (index == g->used_seen[queue])
		return false;
	memcpy(&e, guest_at(g, ring_used(queue) + 4 + sizeof(e) *
			    (g->used_seen[queue] % FAKE_QUEUE_SIZE)),
	       sizeof(e));
	g->used_seen[queue]++;
	*id = e.id;
	*len = e.len;
	return true;
}

bool needs_reset(struct fake_guest *g)
{
	return reg_get(g, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}
