/* SPDX-License-Identifier: MIT */
/*
 * virtio-mmio, version 2: initialisation as in virtio 1.2, 3.1.1. The device
 * is our tender's or QEMU's. Its interrupt is quieted here; the drivers' own
 * handlers only look at their queues and wake tasks.
 *
 * Each access is an exit of the machine. A device of our tender is told of in
 * the hand-over block (abi/machine.h): what a driver asks comes from there,
 * and what it writes is collected and handed to the device in one list, before
 * anything is read and when the device is to begin. The reasons of an interrupt
 * then come in memory.
 */
#include "drv/virtio/mmio.h"
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include "core/heap.h"
#include "core/panic.h"
#include "lib/string.h"
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

/* Hand over what was collected. */
static void flush(struct virtio *v)
{
	if (!v->collects || !v->script->nr)
		return;
	/* the store is an exit: the device reads the script behind it */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*(volatile uint32_t *)(v->regs + ABI_DEVICE_SCRIPT) =
		(uint32_t)virt_to_phys(v->script);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	v->script->nr = 0;
}

static uint32_t read_reg(struct virtio *v, uint32_t offset)
{
	flush(v);
	return *(volatile uint32_t *)(v->regs + offset);
}

static void write_reg(struct virtio *v, uint32_t offset, uint32_t value)
{
	if (!v->collects) {
		*(volatile uint32_t *)(v->regs + offset) = value;
		return;
	}
	if (v->script->nr == ABI_SCRIPT_MAX)
		flush(v);
	v->script->writes[v->script->nr++] =
		(struct abi_script_write){ offset, value };
}

static void add_status(struct virtio *v, uint32_t bits)
{
	v->status |= bits;
	write_reg(v, VIRTIO_MMIO_STATUS, v->status);
}

/* The device takes scripts: begin one. Without memory for it, or where the
 * device can not reach it, registers do as well. */
static void start_script(struct virtio *v)
{
	struct abi_script *s = kzalloc(sizeof(*s));

	if (s && virt_to_phys(s) <= UINT32_MAX - sizeof(*s)) {
		v->script = s;
		v->collects = true;
	} else {
		kfree(s);
	}
}

/* Everything is set up; from now on registers are written at once. */
static void end_script(struct virtio *v)
{
	uint32_t want = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;

	if (!v->collects)
		return;
	flush(v);
	v->collects = false;
	if ((v->script->status & want) != want)
		virtio_fail(v, "the device does not accept its set-up");
}

/* --- configuration -----------------------------------------------------------*/

/* What the monitor told, until the device runs and may change it. */
static bool config_told(const struct virtio *v, uint32_t offset, void *to,
			uint32_t len)
{
	if (!v->collects || offset + len > v->told->facts.config_len)
		return false;
	memcpy(to, v->told->facts.config + offset, len);
	return true;
}

uint8_t virtio_config8(struct virtio *v, uint32_t offset)
{
	uint8_t told;

	if (config_told(v, offset, &told, sizeof(told)))
		return told;
	flush(v);
	return v->regs[VIRTIO_MMIO_CONFIG + offset];
}

uint16_t virtio_config16(struct virtio *v, uint32_t offset)
{
	uint16_t told;

	if (config_told(v, offset, &told, sizeof(told)))
		return told;
	flush(v);
	return *(volatile uint16_t *)(v->regs + VIRTIO_MMIO_CONFIG + offset);
}

uint32_t virtio_config32(struct virtio *v, uint32_t offset)
{
	uint32_t told;

	if (config_told(v, offset, &told, sizeof(told)))
		return told;
	return read_reg(v, VIRTIO_MMIO_CONFIG + offset);
}

/* Two halves of one generation. */
uint64_t virtio_config64(struct virtio *v, uint32_t offset)
{
	uint32_t generation, low, high;
	uint64_t told;

	if (config_told(v, offset, &told, sizeof(told)))
		return told;
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

/* Why the device interrupts; it does not for the same reason again. */
static uint32_t take_reasons(struct virtio *v)
{
	uint32_t status;

	if (v->script)
		return __atomic_exchange_n(&v->script->reasons, 0,
					   __ATOMIC_ACQ_REL);
	status = read_reg(v, VIRTIO_MMIO_INTERRUPT_STATUS);
	if (status)
		write_reg(v, VIRTIO_MMIO_INTERRUPT_ACK, status);
	return status;
}

static void handle_irq(void *arg)
{
	struct virtio *v = arg;
	uint32_t status = take_reasons(v);

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

static uint64_t offered_features(struct virtio *v)
{
	uint64_t offered = 0;

	if (v->collects)
		return v->told->facts.features;
	for (uint32_t i = 0; i < 2; i++) {
		write_reg(v, VIRTIO_MMIO_DEVICE_FEATURES_SEL, i);
		offered |= (uint64_t)read_reg(v, VIRTIO_MMIO_DEVICE_FEATURES)
			   << 32 * i;
	}
	return offered;
}

static int negotiate(struct virtio *v)
{
	uint64_t want = v->driver->features | TRANSPORT_FEATURES;

	v->features = offered_features(v) & want;
	if (!virtio_has(v, VIRTIO_F_VERSION_1))
		return -ENODEV;
	for (uint32_t i = 0; i < 2; i++) {
		write_reg(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		write_reg(v, VIRTIO_MMIO_DRIVER_FEATURES,
			  (uint32_t)(v->features >> 32 * i));
	}
	add_status(v, VIRTIO_CONFIG_S_FEATURES_OK);
	if (v->collects)
		return 0;	/* end_script looks */
	return read_reg(v, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK ?
	       0 : -EIO;
}

static void write_address(struct virtio *v, uint32_t low, const void *p)
{
	uint64_t pa = virt_to_phys(p);

	write_reg(v, low, (uint32_t)pa);
	write_reg(v, low + 4, (uint32_t)(pa >> 32));
}

/* Of the selected queue, which must not be in use. */
static uint32_t queue_size_max(struct virtio *v)
{
	uint32_t size;

	if (v->collects)
		return v->told->facts.queue_size;
	size = read_reg(v, VIRTIO_MMIO_QUEUE_NUM_MAX);
	return read_reg(v, VIRTIO_MMIO_QUEUE_READY) ? 0 : size;
}

int virtio_queue_init(struct virtio *v, uint32_t index, struct virtq *q,
		      uint16_t max_size)
{
	uint32_t size;
	int err;

	write_reg(v, VIRTIO_MMIO_QUEUE_SEL, index);
	size = queue_size_max(v);
	if (!size)
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
	end_script(v);
}

void virtio_notify(struct virtio *v, uint32_t queue)
{
	write_reg(v, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

static int start(struct virtio *v, uint32_t irq)
{
	int err = 0;

	/* what is told of was not in use by anybody */
	if (v->told)
		start_script(v);
	if (!v->collects)
		err = reset(v);
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
		v->collects = false;
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

/* Returns the device's type, or -errno if it is not what we know. */
static int64_t identify(struct virtio *v)
{
	uint32_t version;

	if (v->told)
		return v->told->type;
	if (read_reg(v, VIRTIO_MMIO_MAGIC_VALUE) != MAGIC)
		return -ENODEV;
	version = read_reg(v, VIRTIO_MMIO_VERSION);
	if (version != 2) {
		klog("virtio at %#llx: version %u of the transport, not 2 (under QEMU: -global virtio-mmio.force-legacy=false)",
		     (unsigned long long)v->base, version);
		return -ENODEV;
	}
	return read_reg(v, VIRTIO_MMIO_DEVICE_ID);
}

int virtio_mmio_attach(const struct handover_device *d,
		       const struct virtio_driver *const *drivers,
		       uint32_t nr_drivers)
{
	struct virtio *v = kzalloc(sizeof(*v));
	int64_t type;
	int err = -ENOMEM;

	if (!v)
		return -ENOMEM;
	v->base = d->base;
	v->regs = mmio_map(d->base, REGS_SIZE);
	if (!v->regs)
		goto out_free;
	v->told = d->told ? d : NULL;
	type = identify(v);
	err = (int)MIN(type, 0ll);
	if (err)
		goto out_free;
	v->driver = find_driver((uint32_t)type, drivers, nr_drivers);
	if (!v->driver)
		goto out_free;
	return start(v, d->irq);
out_free:
	kfree(v);
	return err;
}
