/* SPDX-License-Identifier: MIT */
/* What all virtio devices have in common, see virtio.h. */
#include "dev/virtio.h"
#include <stdarg.h>
#include <stdio.h>

void virtio_dev_init(struct virtio_dev *d, const struct guest_memory *memory)
{
	pthread_mutex_init(&d->lock, NULL);
	for (uint32_t i = 0; i < VIRTIO_QUEUES_MAX; i++)
		d->queues[i] = (struct virtq){ .memory = memory };
}

void virtio_dev_fini(struct virtio_dev *d)
{
	pthread_mutex_destroy(&d->lock);
}

void virtio_dev_start(struct virtio_dev *d)
{
	d->running = true;
	if (d->ops->start)
		d->ops->start(d);
}

void virtio_dev_reset(struct virtio_dev *d)
{
	d->ops->reset(d);
	for (uint32_t i = 0; i < VIRTIO_QUEUES_MAX; i++)
		virtq_reset(&d->queues[i]);
	d->driver_features = 0;
	d->running = false;
	d->broken = false;
}

bool virtio_dev_kick(struct virtio_dev *d, uint32_t queue)
{
	bool more = false;

	pthread_mutex_lock(&d->lock);
	if (d->running && !d->broken && queue < d->nr_queues &&
	    d->queues[queue].ready)
		more = d->ops->kick(d, queue);
	pthread_mutex_unlock(&d->lock);
	return more;
}

static void signal_if_wanted(struct virtio_dev *d, uint32_t queue)
{
	if (virtq_must_signal(&d->queues[queue]))
		d->transport->signal_queue(d->transport_arg, queue);
}

bool virtio_dev_serve(struct virtio_dev *d, uint32_t queue,
		      enum virtio_served (*one)(struct virtio_dev *d,
						struct virtq_chain *c))
{
	struct virtq *q = &d->queues[queue];
	enum virtio_served served = VIRTIO_DONE;
	uint32_t n = 0;
	bool more;

	do {
		virtq_disarm(q);
		while (n < VIRTIO_BATCH && served != VIRTIO_BUSY &&
		       !d->broken && virtq_next(q, &d->chain) > 0) {
			served = one(d, &d->chain);
			if (served == VIRTIO_DONE)
				virtq_push(q, d->chain.head,
					   (uint32_t)d->chain.written);
			n++;
		}
		more = served != VIRTIO_BUSY && !d->broken && virtq_arm(q);
	} while (more && n < VIRTIO_BATCH);
	signal_if_wanted(d, queue);
	return !virtio_dev_check_queue(d, queue) && more;
}

void virtio_dev_push(struct virtio_dev *d, uint32_t queue, uint16_t head,
		     uint32_t written)
{
	virtq_push(&d->queues[queue], head, written);
	signal_if_wanted(d, queue);
}

void virtio_dev_config_changed(struct virtio_dev *d)
{
	d->config_generation++;
	if (d->running && !d->broken)
		d->transport->signal_config(d->transport_arg);
}

__attribute__((format(printf, 2, 0)))
static void report(struct virtio_dev *d, const char *fmt, va_list ap)
{
	char text[200], line[256];

	if (!d->report || d->nr_reports == VIRTIO_REPORTS_MAX)
		return;
	d->nr_reports++;
	vsnprintf(text, sizeof(text), fmt, ap);
	snprintf(line, sizeof(line), "device %s: %s%s", d->name, text,
		 d->nr_reports == VIRTIO_REPORTS_MAX ?
		 " (its last report)" : "");
	d->report(d->report_arg, line);
}

void virtio_dev_report(struct virtio_dev *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(d, fmt, ap);
	va_end(ap);
}

void virtio_dev_fail(struct virtio_dev *d, const char *fmt, ...)
{
	va_list ap;

	if (d->broken)
		return;
	d->broken = true;
	va_start(ap, fmt);
	report(d, fmt, ap);
	va_end(ap);
	if (d->transport->failed)
		d->transport->failed(d->transport_arg);
}

bool virtio_dev_check_queue(struct virtio_dev *d, uint32_t queue)
{
	const char *why = d->queues[queue].broken;

	if (why)
		virtio_dev_fail(d, "stopped, the driver broke queue %u: %s",
				queue, why);
	return d->broken;
}
