/* SPDX-License-Identifier: MIT */
/*
 * A virtio device without its transport. A model (dev/blk.h, ...) embeds
 * struct virtio_dev and gives it functions; a transport (dev/virtio_mmio.h,
 * dev/vhost_user.h) does the register or message protocol, starts the queues
 * and carries interrupts.
 *
 * Threads: the lock guards queues, configuration and the model's own state.
 * Every function of struct virtio_ops is called with it held; a model's host
 * side events (input has come) take it themselves. vCPU threads take it for
 * registers, so nobody waits for the outside under it: a model that can not go
 * on keeps the request and returns. Reading or writing a file is no such wait.
 * The transport's functions are called with the lock held and do not take it.
 *
 * A driver that breaks the rules breaks its device: virtio_dev_fail() reports
 * one line, the device stops and asks for a reset, all else goes on.
 */
#pragma once
#include "dev/queue.h"
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define VIRTIO_QUEUES_MAX	8u
#define VIRTIO_BATCH		64u	/* requests served before others run */
#define VIRTIO_REPORTS_MAX	8u	/* lines a device may report */
#define VIRTIO_FEATURE(bit)	(1ull << (bit))
/* What every device of ours offers. */
#define VIRTIO_RING_FEATURES	(VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | \
				 VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | \
				 VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX))

struct virtio_dev;

struct virtio_ops {
	/* The driver is ready, features are agreed. May be NULL. */
	void (*start)(struct virtio_dev *d);
	/*
	 * Serve a queue, VIRTIO_BATCH requests at most. True: there is more
	 * to do, call again when others had their turn.
	 */
	bool (*kick)(struct virtio_dev *d, uint32_t queue);
	/*
	 * Drop the requests that were kept; all is as after creation. The
	 * driver does it from a vCPU's thread, which may make no host calls
	 * for it (kvm/hostcalls.c).
	 */
	void (*reset)(struct virtio_dev *d);
	/*
	 * A queue stops for a while, with the machine (vhost-user): give back
	 * the requests of it that were kept. NULL: none are.
	 */
	void (*stop_queue)(struct virtio_dev *d, uint32_t queue);
	/* The driver wrote d->config. NULL: it can not. */
	void (*config_write)(struct virtio_dev *d, uint32_t offset,
			     const void *data, uint32_t len);
};

/* What a device asks of its transport. */
struct virtio_transport {
	void (*signal_queue)(void *arg, uint32_t queue);
	void (*signal_config)(void *arg);
	/* The device is broken. May be NULL. */
	void (*failed)(void *arg);
};

struct virtio_dev {
	/* Set once, by the model. */
	const struct virtio_ops *ops;
	const char *name;		/* for reports: "blk0" */
	uint32_t type;			/* VIRTIO_ID_* */
	uint64_t features;		/* offered */
	uint32_t nr_queues, queue_size_max;
	void *config;			/* under lock */
	uint32_t config_len;
	/* Set once, by the owner. NULL: reports go nowhere. */
	void (*report)(void *arg, const char *line);
	void *report_arg;
	/* Set once, by the transport. */
	const struct virtio_transport *transport;
	void *transport_arg;

	pthread_mutex_t lock;
	/* Under lock. */
	struct virtq queues[VIRTIO_QUEUES_MAX];
	uint64_t driver_features;	/* agreed */
	bool running;			/* between DRIVER_OK and reset */
	bool broken;			/* until reset */
	uint32_t nr_reports;
	uint32_t config_generation;
	struct virtq_chain chain;	/* the request being served */
};

enum virtio_served {
	VIRTIO_DONE,	/* push it, c->written bytes */
	VIRTIO_KEPT,	/* the model keeps it and pushes it later */
	VIRTIO_BUSY,	/* kept, and no more can be taken for now */
};

/* The model has filled what is "set once, by the model". */
void virtio_dev_init(struct virtio_dev *d, const struct guest_memory *memory);
void virtio_dev_fini(struct virtio_dev *d);

/*
 * By the transport, with the lock held: features are agreed, queues started.
 * Requests that are there already are served at the next kick.
 */
void virtio_dev_start(struct virtio_dev *d);
/* By the transport, with the lock held: back to the state after init. */
void virtio_dev_reset(struct virtio_dev *d);
/*
 * A doorbell rang: serve the queue (any number is allowed).
 * Returns whether there is more to do: ring again, after others had a turn.
 * Context: a device thread; takes the lock.
 */
bool virtio_dev_kick(struct virtio_dev *d, uint32_t queue);

/*
 * For models, with the lock held.
 *
 * Take up to VIRTIO_BATCH requests, hand each (d->chain) to `one`, push those
 * done and signal. Returns as ops->kick.
 */
bool virtio_dev_serve(struct virtio_dev *d, uint32_t queue,
		      enum virtio_served (*one)(struct virtio_dev *d,
						struct virtq_chain *c));
/* Push one kept request and signal as the driver wishes. */
void virtio_dev_push(struct virtio_dev *d, uint32_t queue, uint16_t head,
		     uint32_t written);
/* d->config has changed: tell the driver. */
void virtio_dev_config_changed(struct virtio_dev *d);
/* Report a line "device NAME: ..." (a bounded number of times). */
void virtio_dev_report(struct virtio_dev *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Break the device: report, stop, ask the driver for a reset. Once. */
void virtio_dev_fail(struct virtio_dev *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* virtio_dev_fail if the queue is broken. Returns whether it is. */
bool virtio_dev_check_queue(struct virtio_dev *d, uint32_t queue);
