/* SPDX-License-Identifier: MIT */
/*
 * virtio-mmio, version 2: initialisation as in virtio 1.2, 3.1.1. The device
 * is our tender's or QEMU's. Its interrupt is quieted here; the drivers' own
 * handlers only look at their queues and wake tasks.
 */
#include "drv/virtio/mmio.h"
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include "core/heap.h"
#include "core/panic.h"
#include "platform/kvm/handover.h"
#include "platform/kvm/irq.h"
#include "platform/kvm/paging.h"
#include "platform/platform.h"

#define MAGIC		0x74726976u	/* "virt" */
#define REGS_SIZE	0x200u
#define RESET_NS	1000000000ull
#define TRANSPORT_FEATURES (1ull << VIRTIO_F_VERSION_1 | \
			    1ull << VIRTIO_RING_F_INDIRECT_DESC | \
			    1ull << VIRTIO_RING_F_EVENT_IDX)

static uint32_t read_reg(struct virtio *v, uint32_t offset)
{
	return *(volatile uint32_t *)(v->regs + offset);
}

static void write_reg(struct virtio *v, uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(v->regs + offset) = value;
}

static void add_status(struct virtio *v, uint32_t bits)
{
	write_reg(v, VIRTIO_MMIO_STATUS,
		  read_reg(v, VIRTIO_MMIO_STATUS) | bits);
}

/* --- configuration -----------------------------------------------------------*/

uint8_t virtio_config8(struct virtio *v, uint32_t offset)
{
	return v->regs[VIRTIO_MMIO_CONFIG + offset];
}

uint16_t virtio_config16(struct virtio *v, uint32_t offset)
{
	return *(volatile uint16_t *)(v->regs + VIRTIO_MMIO_CONFIG + offset);
}

uint32_t virtio_config32(struct virtio *v, uint32_t offset)
{
	return read_reg(v, VIRTIO_MMIO_CONFIG + offset);
}

/* Two halves of one generation. */
uint64_t virtio_config64(struct virtio *v, uint32_t offset)
{
	uint32_t generation, low, high;

	do {
		generation = read_reg(v, VIRTIO_MMIO_CONFIG_GENERATION);
		low = virtio_config32(v, offset);
		high = virtio_config32(v, offset + 4);
	} while (generation != read_reg(v, VIRTIO_MMIO_CONFIG_GENERATION) &&
		 !virtio_is_failed(v));
	return (uint64_t)high << 32 | low;
}

/* --- failure and interrupts --------------------------------------------------*/

void virtio_fail(struct virtio *v, const char *why)
{
	if (__atomic_exchange_n(&v->failed, true, __ATOMIC_ACQ_REL))
		return;
	klog("virtio %s at %#llx: %s", v->driver->name,
	     (unsigned long long)v->base, why);
	add_status(v, VIRTIO_CONFIG_S_FAILED);
	if (v->driver->failed)
		v->driver->failed(v);
}

static void handle_irq(void *arg)
{
	struct virtio *v = arg;
	uint32_t status = read_reg(v, VIRTIO_MMIO_INTERRUPT_STATUS);

	if (status)
		write_reg(v, VIRTIO_MMIO_INTERRUPT_ACK, status);
	if (!v->ready || virtio_is_failed(v))
		return;
	v->driver->irq(v);
	if (!(status & VIRTIO_MMIO_INT_CONFIG))
		return;
	if (read_reg(v, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET)
		virtio_fail(v, "the device needs a reset");
	else if (v->driver->changed)
		v->driver->changed(v);
}

/* --- initialisation ----------------------------------------------------------*/

static int reset(struct virtio *v)
{
	uint64_t deadline = plat_clock_mono_ns() + RESET_NS;

	write_reg(v, VIRTIO_MMIO_STATUS, 0);
	while (read_reg(v, VIRTIO_MMIO_STATUS)) {
		if (plat_clock_mono_ns() > deadline)
			return -EIO;
		plat_relax();
	}
	return 0;
}

static int negotiate(struct virtio *v)
{
	uint64_t want = v->driver->features | TRANSPORT_FEATURES, offered = 0;

	for (uint32_t i = 0; i < 2; i++) {
		write_reg(v, VIRTIO_MMIO_DEVICE_FEATURES_SEL, i);
		offered |= (uint64_t)read_reg(v, VIRTIO_MMIO_DEVICE_FEATURES)
			   << 32 * i;
	}
	v->features = offered & want;
	if (!virtio_has(v, VIRTIO_F_VERSION_1))
		return -ENODEV;
	for (uint32_t i = 0; i < 2; i++) {
		write_reg(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		write_reg(v, VIRTIO_MMIO_DRIVER_FEATURES,
			  (uint32_t)(v->features >> 32 * i));
	}
	add_status(v, VIRTIO_CONFIG_S_FEATURES_OK);
	return read_reg(v, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK ?
	       0 : -EIO;
}

static void write_address(struct virtio *v, uint32_t low, const void *p)
{
	uint64_t pa = virt_to_phys(p);

	write_reg(v, low, (uint32_t)pa);
	write_reg(v, low + 4, (uint32_t)(pa >> 32));
}

int virtio_queue_init(struct virtio *v, uint32_t index, struct virtq *q,
		      uint16_t max_size)
{
	uint32_t size;
	int err;

	write_reg(v, VIRTIO_MMIO_QUEUE_SEL, index);
	size = read_reg(v, VIRTIO_MMIO_QUEUE_NUM_MAX);
	if (!size || read_reg(v, VIRTIO_MMIO_QUEUE_READY))
		return -ENODEV;
	size = MIN(size, (uint32_t)max_size);
	size = 1u << (31 - __builtin_clz(size));
	err = virtq_init(q, (uint16_t)size,
			 virtio_has(v, VIRTIO_RING_F_INDIRECT_DESC),
			 virtio_has(v, VIRTIO_RING_F_EVENT_IDX));
	if (err)
		return err;
	write_reg(v, VIRTIO_MMIO_QUEUE_NUM, size);
	write_address(v, VIRTIO_MMIO_QUEUE_DESC_LOW, q->desc);
	write_address(v, VIRTIO_MMIO_QUEUE_AVAIL_LOW, q->avail);
	write_address(v, VIRTIO_MMIO_QUEUE_USED_LOW, q->used);
	write_reg(v, VIRTIO_MMIO_QUEUE_READY, 1);
	return 0;
}

void virtio_ready(struct virtio *v)
{
	v->ready = true;
	add_status(v, VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_notify(struct virtio *v, uint32_t queue)
{
	write_reg(v, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

static int start(struct virtio *v, uint32_t irq)
{
	int err = reset(v);

	if (err)
		return err;
	add_status(v, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	add_status(v, VIRTIO_CONFIG_S_DRIVER);
	err = negotiate(v);
	if (!err)
		err = irq_attach(irq, handle_irq, v);
	if (!err)
		err = v->driver->probe(v);
	if (err) {
		/* the interrupt stays attached to v: keep quiet for good */
		v->failed = true;
		add_status(v, VIRTIO_CONFIG_S_FAILED);
		(void)!reset(v);
	}
	return err;
}

static const struct virtio_driver *
find_driver(uint32_t type, const struct virtio_driver *const *drivers,
	    uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		if (drivers[i]->type == type)
			return drivers[i];
	return NULL;
}

int virtio_mmio_attach(const struct handover_device *d,
		       const struct virtio_driver *const *drivers,
		       uint32_t nr_drivers)
{
	struct virtio *v = kzalloc(sizeof(*v));
	uint32_t version;
	int err = -ENOMEM;

	if (!v)
		return -ENOMEM;
	v->base = d->base;
	v->regs = mmio_map(d->base, REGS_SIZE);
	if (!v->regs)
		goto out_free;
	err = -ENODEV;
	if (read_reg(v, VIRTIO_MMIO_MAGIC_VALUE) != MAGIC)
		goto out_free;
	version = read_reg(v, VIRTIO_MMIO_VERSION);
	if (version != 2) {
		klog("virtio at %#llx: version %u of the transport, not 2 (under QEMU: -global virtio-mmio.force-legacy=false)",
		     (unsigned long long)v->base, version);
		goto out_free;
	}
	v->driver = find_driver(read_reg(v, VIRTIO_MMIO_DEVICE_ID), drivers,
				nr_drivers);
	err = 0;
	if (!v->driver)
		goto out_free;
	return start(v, d->irq);
out_free:
	kfree(v);
	return err;
}
