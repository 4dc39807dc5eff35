/* SPDX-License-Identifier: MIT */
/*
 * A virtio device behind memory-mapped registers (virtio 1.2, 4.2, version 2
 * only), as drivers see it: features, queues, configuration, failure.
 */
#pragma once
#include "drv/virtio/queue.h"
#include "lib/types.h"

struct virtio;
struct handover_device;
struct abi_script;

struct virtio_driver {
	const char *name;
	uint32_t type;		/* VIRTIO_ID_* */
	uint64_t features;	/* wanted, beyond those of the transport */
	/* Set up the queues, call virtio_ready, start working. v->features is
	 * what was agreed on. Returns 0 or -errno: the device is reset then.
	 * Context: task. */
	int (*probe)(struct virtio *v);
	/* A second after the start, if probe succeeded: what no program waits
	 * for; may be NULL. Returns 0 or -errno. Context: task. */
	int (*later)(void);
	/* Something was used in some queue. Context: nosleep. */
	void (*irq)(struct virtio *v);
	/* The configuration changed; may be NULL. Context: nosleep. */
	void (*changed)(struct virtio *v);
	/* The device does not work any more: end all waiting; may be NULL.
	 * Context: nosleep. */
	void (*failed)(struct virtio *v);
};

struct virtio {
	/* set once */
	const struct virtio_driver *driver;
	uint64_t features;
	volatile uint8_t *regs;
	uint64_t base;
	void *private;		/* the driver's */
	bool ready;		/* the queues are complete */
	uint32_t status;	/* last written; set-up only */
	/* What the monitor told of the device; NULL: it is to be asked. */
	const struct handover_device *told;
	/* With told: register writes not made yet, while the device is set up;
	 * afterwards only `reasons` is used. Stays as long as the device. */
	struct abi_script *script;
	bool collects;
	bool failed;		/* atomic */
};

/* Find out what is there and give it to its driver. Returns 0, also if there
 * is nothing or no driver, or -errno. Context: task. */
int virtio_mmio_attach(const struct handover_device *d,
		       const struct virtio_driver *const *drivers,
		       uint32_t nr_drivers);

/* Make queue `index` with at most max_size entries. Returns 0 or -errno. */
int virtio_queue_init(struct virtio *v, uint32_t index, struct virtq *q,
		      uint16_t max_size);
/* The driver is complete: the device may begin. */
void virtio_ready(struct virtio *v);
void virtio_notify(struct virtio *v, uint32_t queue);
/* Stop using the device for good, with a report. Context: nosleep. */
void virtio_fail(struct virtio *v, const char *why);

static inline bool virtio_has(const struct virtio *v, uint32_t feature)
{
	return v->features >> feature & 1;
}

static inline bool virtio_is_failed(const struct virtio *v)
{
	return __atomic_load_n(&v->failed, __ATOMIC_ACQUIRE);
}

/* The device's configuration, by its fields' own widths. */
uint8_t virtio_config8(struct virtio *v, uint32_t offset);
uint16_t virtio_config16(struct virtio *v, uint32_t offset);
uint32_t virtio_config32(struct virtio *v, uint32_t offset);
uint64_t virtio_config64(struct virtio *v, uint32_t offset);
