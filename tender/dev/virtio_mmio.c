/* SPDX-License-Identifier: MIT */
/*
 * virtio-mmio registers, see virtio_mmio.h.
 *
 * The status protocol: bits are set in the order ACKNOWLEDGE, DRIVER,
 * FEATURES_OK, DRIVER_OK and cleared by a reset only. Features are written
 * between DRIVER and FEATURES_OK, queues between FEATURES_OK and DRIVER_OK;
 * at any other time such a write is refused.
 */
#include "dev/virtio_mmio.h"
#include "abi/machine.h"
#include <string.h>

#define MAGIC		0x74726976u	/* "virt" */
#define VERSION		2u
#define NO_REGION	0xffffffffu	/* shared memory: there is none */

#define S_ACKNOWLEDGE	VIRTIO_CONFIG_S_ACKNOWLEDGE
#define S_DRIVER	VIRTIO_CONFIG_S_DRIVER
#define S_FEATURES_OK	VIRTIO_CONFIG_S_FEATURES_OK
#define S_DRIVER_OK	VIRTIO_CONFIG_S_DRIVER_OK
#define S_NEEDS_RESET	VIRTIO_CONFIG_S_NEEDS_RESET
#define S_FAILED	VIRTIO_CONFIG_S_FAILED
#define S_STOPPED	((uint32_t)(S_NEEDS_RESET | S_FAILED))

static void refuse(struct virtio_mmio *t)
{
	__atomic_fetch_add(&t->nr_refused, 1, __ATOMIC_RELAXED);
}

/* ---- what the device asks for ---------------------------------------------- */

static void interrupt(struct virtio_mmio *t, uint32_t why)
{
	__atomic_fetch_or(&t->interrupt_status, why, __ATOMIC_SEQ_CST);
	if (t->reasons)
		__atomic_fetch_or(t->reasons, why, __ATOMIC_SEQ_CST);
	t->hooks.interrupt(t->hooks.arg);
}

static void signal_queue(void *arg, uint32_t queue)
{
	interrupt(arg, VIRTIO_MMIO_INT_VRING);
}

static void signal_config(void *arg)
{
	interrupt(arg, VIRTIO_MMIO_INT_CONFIG);
}

static void status_set(struct virtio_mmio *t, uint32_t bits)
{
	__atomic_store_n(&t->status, t->status | bits, __ATOMIC_RELEASE);
}

static void failed(void *arg)
{
	struct virtio_mmio *t = arg;

	status_set(t, S_NEEDS_RESET);
	if (t->status & S_DRIVER_OK)
		interrupt(t, VIRTIO_MMIO_INT_CONFIG);
}

static const struct virtio_transport transport = {
	.signal_queue = signal_queue,
	.signal_config = signal_config,
	.failed = failed,
};

void virtio_mmio_init(struct virtio_mmio *t, struct virtio_dev *dev,
		      const struct virtio_mmio_hooks *hooks)
{
	memset(t, 0, sizeof(*t));
	t->dev = dev;
	t->hooks = *hooks;
	dev->transport = &transport;
	dev->transport_arg = t;
}

/* ---- status ------------------------------------------------------------------ */

static void reset(struct virtio_mmio *t)
{
	virtio_dev_reset(t->dev);
	t->features_sel = t->driver_features_sel = t->queue_sel = 0;
	t->driver_features = 0;
	t->features_bad = false;
	t->reasons = NULL;
	/* the lock is held: no interrupt of the time before can follow */
	__atomic_store_n(&t->interrupt_status, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&t->status, 0, __ATOMIC_RELEASE);
}

static bool features_acceptable(const struct virtio_mmio *t)
{
	return !t->features_bad &&
	       !(t->driver_features & ~t->dev->features) &&
	       (t->driver_features & VIRTIO_FEATURE(VIRTIO_F_VERSION_1));
}

/* Is the bit allowed next? Has the effects that come with it. */
static bool status_step(struct virtio_mmio *t, uint32_t bit)
{
	struct virtio_dev *d = t->dev;

	switch (bit) {
	case S_ACKNOWLEDGE:
		return true;
	case S_DRIVER:
		return t->status & S_ACKNOWLEDGE;
	case S_FEATURES_OK:
		if (!(t->status & S_DRIVER) || !features_acceptable(t))
			return false;
		d->driver_features = t->driver_features;
		return true;
	default:
		return t->status & S_FEATURES_OK;
	}
}

/* Returns whether the device runs from now on. */
static bool status_write(struct virtio_mmio *t, uint32_t v)
{
	static const uint32_t steps[] = {
		S_ACKNOWLEDGE, S_DRIVER, S_FEATURES_OK, S_DRIVER_OK,
	};
	uint32_t old = t->status & ~(uint32_t)S_NEEDS_RESET;

	if (!v) {
		reset(t);
		return false;
	}
	if ((old & ~v) || (v & ~0xffu) || (t->status & S_STOPPED)) {
		refuse(t);
		return false;
	}
	for (uint32_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (!(v & ~old & steps[i]))
			continue;
		if (!status_step(t, steps[i])) {
			refuse(t);
			break;
		}
		status_set(t, steps[i]);
	}
	if (v & S_FAILED) {
		status_set(t, S_FAILED);
		t->dev->running = false;
		return false;
	}
	if (!(t->status & ~old & S_DRIVER_OK))
		return false;
	virtio_dev_start(t->dev);
	return true;
}

/* ---- queues and features -------------------------------------------------------- */

static bool may_write_features(const struct virtio_mmio *t)
{
	return (t->status & S_DRIVER) && !(t->status & S_FEATURES_OK) &&
	       !(t->status & S_STOPPED);
}

static void features_write(struct virtio_mmio *t, uint32_t v)
{
	uint32_t shift = 32 * t->driver_features_sel;

	if (!may_write_features(t)) {
		refuse(t);
	} else if (t->driver_features_sel > 1) {
		t->features_bad |= v != 0;
	} else {
		t->driver_features &= ~((uint64_t)UINT32_MAX << shift);
		t->driver_features |= (uint64_t)v << shift;
	}
}

static uint32_t features_read(const struct virtio_mmio *t)
{
	if (t->features_sel > 1)
		return 0;
	return (uint32_t)(t->dev->features >> (32 * t->features_sel));
}

/* The selected queue, or NULL. */
static struct virtq *queue_selected(struct virtio_mmio *t)
{
	if (t->queue_sel >= t->dev->nr_queues)
		return NULL;
	return &t->dev->queues[t->queue_sel];
}

static bool may_write_queue(const struct virtio_mmio *t)
{
	return (t->status & S_FEATURES_OK) && !(t->status & S_DRIVER_OK) &&
	       !(t->status & S_STOPPED);
}

static void queue_start(struct virtio_mmio *t, struct virtq *q)
{
	uint64_t features = t->dev->driver_features;

	q->indirect = features & VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC);
	q->event_idx = features & VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX);
	if (virtq_start(q, 0, 0))
		virtio_dev_check_queue(t->dev, t->queue_sel);
}

static void half_write(gpa_t *addr, uint32_t v, bool high)
{
	if (high)
		*addr = (*addr & UINT32_MAX) | (uint64_t)v << 32;
	else
		*addr = (*addr & ~(gpa_t)UINT32_MAX) | v;
}

static void queue_write(struct virtio_mmio *t, uint64_t offset, uint32_t v)
{
	struct virtq *q = queue_selected(t);

	/* taking away what is not there is what drivers do after a reset */
	if (q && offset == VIRTIO_MMIO_QUEUE_READY && !v && !q->ready)
		return;
	if (!q || !may_write_queue(t) ||
	    (q->ready && offset != VIRTIO_MMIO_QUEUE_READY)) {
		refuse(t);
		return;
	}
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		q->size = v <= t->dev->queue_size_max ? v : 0;
		return;
	case VIRTIO_MMIO_QUEUE_READY:
		if (!v)
			virtq_reset(q);
		else if (!q->ready)
			queue_start(t, q);
		return;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		half_write(&q->desc, v, offset & 4);
		return;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		half_write(&q->avail, v, offset & 4);
		return;
	default:
		half_write(&q->used, v, offset & 4);
	}
}

/* ---- configuration ---------------------------------------------------------------- */

static void config_read(struct virtio_mmio *t, uint64_t at, void *data,
			uint32_t len)
{
	struct virtio_dev *d = t->dev;

	if (at >= d->config_len) {
		refuse(t);
		return;
	}
	if (len > d->config_len - at)
		len = d->config_len - (uint32_t)at;
	pthread_mutex_lock(&d->lock);
	memcpy(data, (const char *)d->config + at, len);
	pthread_mutex_unlock(&d->lock);
}

static void config_write(struct virtio_mmio *t, uint64_t at, const void *data,
			 uint32_t len)
{
	struct virtio_dev *d = t->dev;

	if (at >= d->config_len || len > d->config_len - at ||
	    !d->ops->config_write) {
		refuse(t);
		return;
	}
	pthread_mutex_lock(&d->lock);
	if ((t->status & S_DRIVER) && !(t->status & S_STOPPED))
		d->ops->config_write(d, (uint32_t)at, data, len);
	else
		refuse(t);
	pthread_mutex_unlock(&d->lock);
}

/* ---- the register file ---------------------------------------------------------------- */

/* Registers that are read without the lock. Returns whether it is one. */
static bool read_free(struct virtio_mmio *t, uint64_t offset, uint32_t *v)
{
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		*v = MAGIC;
		return true;
	case VIRTIO_MMIO_VERSION:
		*v = VERSION;
		return true;
	case VIRTIO_MMIO_DEVICE_ID:
		*v = t->dev->type;
		return true;
	case VIRTIO_MMIO_VENDOR_ID:
		*v = VIRTIO_MMIO_VENDOR;
		return true;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		*v = __atomic_load_n(&t->interrupt_status, __ATOMIC_SEQ_CST);
		return true;
	case VIRTIO_MMIO_STATUS:
		*v = __atomic_load_n(&t->status, __ATOMIC_ACQUIRE);
		return true;
	}
	return false;
}

static uint32_t read_locked(struct virtio_mmio *t, uint64_t offset)
{
	const struct virtq *q = queue_selected(t);

	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return features_read(t);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return q ? t->dev->queue_size_max : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return q && q->ready;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return NO_REGION;
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return t->dev->config_generation;
	}
	refuse(t);
	return 0;
}

void virtio_mmio_read(struct virtio_mmio *t, uint64_t offset, void *data,
		      uint32_t len)
{
	uint32_t v = 0;

	memset(data, 0, len);
	if (offset >= VIRTIO_MMIO_CONFIG) {
		config_read(t, offset - VIRTIO_MMIO_CONFIG, data, len);
		return;
	}
	if (len != sizeof(v) || offset % sizeof(v)) {
		refuse(t);
		return;
	}
	if (!read_free(t, offset, &v)) {
		pthread_mutex_lock(&t->dev->lock);
		v = read_locked(t, offset);
		pthread_mutex_unlock(&t->dev->lock);
	}
	memcpy(data, &v, sizeof(v));
}

/* Returns whether the device runs from now on. */
static bool write_locked(struct virtio_mmio *t, uint64_t offset, uint32_t v)
{
	switch (offset) {	/* flat table */
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		t->features_sel = v;
		return false;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		features_write(t, v);
		return false;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		t->driver_features_sel = v;
		return false;
	case VIRTIO_MMIO_QUEUE_SEL:
		t->queue_sel = v;
		return false;
	case VIRTIO_MMIO_QUEUE_NUM:
	case VIRTIO_MMIO_QUEUE_READY:
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		queue_write(t, offset, v);
		return false;
	case VIRTIO_MMIO_SHM_SEL:
		return false;
	case VIRTIO_MMIO_STATUS:
		return status_write(t, v);
	}
	refuse(t);
	return false;
}

/* What the driver rang for before it was ready is looked at now. */
static void notify_all(struct virtio_mmio *t)
{
	for (uint32_t i = 0; i < t->dev->nr_queues; i++)
		t->hooks.notify(t->hooks.arg, i);
}

/* Any register but the configuration and the script's. */
static void write_register(struct virtio_mmio *t, uint64_t offset, uint32_t v)
{
	bool started;

	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY) {
		if (v < t->dev->nr_queues)
			t->hooks.notify(t->hooks.arg, v);
		else
			refuse(t);
		return;
	}
	if (offset == VIRTIO_MMIO_INTERRUPT_ACK) {
		__atomic_fetch_and(&t->interrupt_status, ~v, __ATOMIC_SEQ_CST);
		return;
	}
	pthread_mutex_lock(&t->dev->lock);
	started = write_locked(t, offset, v);
	pthread_mutex_unlock(&t->dev->lock);
	if (started)
		notify_all(t);
}

/* ---- the script ------------------------------------------------------------------------ */

/* From a copy: the guest may change it meanwhile. */
static void run_script(struct virtio_mmio *t, gpa_t at)
{
	const struct guest_memory *memory = t->dev->queues[0].memory;
	unsigned char *shared = at % 8 ? NULL :
		guest_ptr(memory, at, sizeof(struct abi_script));
	struct abi_script s;

	if (!shared || guest_read(memory, at, &s, sizeof(s)) ||
	    s.nr > ABI_SCRIPT_MAX) {
		refuse(t);
		return;
	}
	pthread_mutex_lock(&t->dev->lock);
	t->reasons = (uint32_t *)(shared + offsetof(struct abi_script,
						    reasons));
	pthread_mutex_unlock(&t->dev->lock);
	for (uint32_t i = 0; i < s.nr; i++) {
		if (s.writes[i].offset >= VIRTIO_MMIO_CONFIG ||
		    s.writes[i].offset % sizeof(uint32_t))
			refuse(t);
		else
			write_register(t, s.writes[i].offset,
				       s.writes[i].value);
	}
	s.status = __atomic_load_n(&t->status, __ATOMIC_ACQUIRE);
	memcpy(shared + offsetof(struct abi_script, status), &s.status,
	       sizeof(s.status));
}

void virtio_mmio_write(struct virtio_mmio *t, uint64_t offset,
		       const void *data, uint32_t len)
{
	uint32_t v;

	if (offset >= VIRTIO_MMIO_CONFIG && offset != ABI_DEVICE_SCRIPT) {
		config_write(t, offset - VIRTIO_MMIO_CONFIG, data, len);
		return;
	}
	if (len != sizeof(v) || offset % sizeof(v)) {
		refuse(t);
		return;
	}
	memcpy(&v, data, sizeof(v));
	if (offset == ABI_DEVICE_SCRIPT)
		run_script(t, v);
	else
		write_register(t, offset, v);
}
