/* SPDX-License-Identifier: MIT */
/*
 * virtio-vsock: moves packets between the host and net/vsock.h, and answers
 * the question for this machine's CID at /dev/vsock. A service takes what came
 * in and ends what was sent, as in net.c; packets that find no room in the ring
 * wait in a list, whose length net/ bounds.
 *
 * Invariant: a packet is in the list, with the device, or done.
 */
#include <linux/stat.h>
#include <linux/virtio_ids.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/page.h"
#include "core/service.h"
#include "drv/virtio/virtio.h"
#include "fs/vfs.h"
#include "net/vsock.h"
#include "platform/kvm/spin.h"

#define QUEUE_SIZE	64u
#define NR_EVENTS	4u
#define MAJOR_MISC	10u
#define MINOR_VSOCK	121u
#define FIRST_GUEST_CID	3u
#define GET_LOCAL_CID	0x7b9u	/* IOCTL_VM_SOCKETS_GET_LOCAL_CID */

enum { QUEUE_RX, QUEUE_TX, QUEUE_EVENT };

static struct vsock_device {
	struct vsock_transport transport;
	/* set once */
	struct virtio *v;
	struct service service;
	/* the service only */
	struct virtq rx, events;
	struct virtio_vsock_event event[NR_EVENTS];
	/* under tx_lock */
	struct spinlock tx_lock;
	struct virtq tx;
	struct net_packet *first, **end;	/* not in the ring yet */
} device;

static void vsock_irq(struct virtio *v)
{
	service_notify(&device.service, 1);
}

/* --- sending -------------------------------------------------------------------*/

/* Move waiting packets to the ring. Returns true: notify. */
static bool pump_locked(struct vsock_device *d)
{
	while (d->first) {
		struct net_packet *p = d->first;
		const struct net_seg *s = p->frame.seg;
		struct virtq_seg seg = { s->p, s->len };

		if (virtq_add(&d->tx, &seg, 1, 0, NULL, p))
			break;
		d->first = p->next;
	}
	if (!d->first)
		d->end = &d->first;
	return virtq_publish(&d->tx);
}

static void vsock_queue(struct vsock_transport *t, struct net_packet *p)
{
	struct vsock_device *d = container_of(t, struct vsock_device,
					      transport);
	uint64_t flags;
	bool notify;

	__atomic_fetch_add(&t->nr_queued, 1, __ATOMIC_RELAXED);
	p->next = NULL;
	flags = spin_lock_irq(&d->tx_lock);
	*d->end = p;
	d->end = &p->next;
	notify = pump_locked(d);
	spin_unlock_irq(&d->tx_lock, flags);
	if (virtio_is_failed(d->v))
		vsock_irq(d->v);	/* its turn ends them all */
	else if (notify)
		virtio_notify(d->v, QUEUE_TX);
}

/* End what the device is done with; all there is if it has failed. */
static void reap(struct vsock_device *d, bool failed)
{
	struct net_packet *done = NULL, **end = &done, *p;
	uint64_t flags = spin_lock_irq(&d->tx_lock);
	bool notify = false;
	uint32_t written;

	while ((p = failed ? virtq_abandon(&d->tx) :
			     virtq_take(&d->tx, &written))) {
		*end = p;
		end = &p->next;
	}
	*end = NULL;
	if (failed) {
		*end = d->first;
		d->first = NULL;
		d->end = &d->first;
	} else {
		notify = pump_locked(d);
	}
	spin_unlock_irq(&d->tx_lock, flags);
	if (notify)
		virtio_notify(d->v, QUEUE_TX);
	while ((p = done)) {
		done = p->next;
		p->done(p);
		__atomic_fetch_sub(&d->transport.nr_queued, 1,
				   __ATOMIC_RELAXED);
	}
}

/* --- receiving: the service only ------------------------------------------------*/

static int post(struct virtq *q, void *buffer, uint32_t len)
{
	struct virtq_seg seg = { buffer, len };

	return virtq_add(q, &seg, 0, 1, NULL, buffer);
}

/* The device may write anything, also while we read. */
static void take_packet(const uint8_t *buffer, uint32_t written)
{
	struct virtio_vsock_hdr h;

	if (written < sizeof(h))
		return;
	__builtin_memcpy(&h, buffer, sizeof(h));
	if (h.len <= written - sizeof(h))
		vsock_receive(&h, buffer + sizeof(h));
}

static void receive(struct vsock_device *d)
{
	uint32_t written;
	void *p;

	while ((p = virtq_take(&d->rx, &written))) {
		take_packet(p, written);
		if (post(&d->rx, p, PAGE_SIZE))
			return;	/* broken, as the turn will see */
		if (virtq_publish(&d->rx))
			virtio_notify(d->v, QUEUE_RX);
	}
}

static uint32_t read_cid(struct virtio *v)
{
	uint64_t cid = virtio_config64(v, 0);

	return cid >= FIRST_GUEST_CID && cid < VSOCK_ANY ? (uint32_t)cid :
							   VSOCK_ANY;
}

static void take_events(struct vsock_device *d)
{
	struct virtio_vsock_event *e;
	uint32_t written;

	while ((e = virtq_take(&d->events, &written))) {
		if (written >= sizeof(*e) &&
		    e->id == VIRTIO_VSOCK_EVENT_TRANSPORT_RESET) {
			__atomic_store_n(&d->transport.cid, read_cid(d->v),
					 __ATOMIC_RELAXED);
			vsock_reset();
		}
		if (post(&d->events, e, sizeof(*e)))
			return;
		if (virtq_publish(&d->events))
			virtio_notify(d->v, QUEUE_EVENT);
	}
}

/* --- the service -----------------------------------------------------------------*/

/* Returns true if there is something to do already. */
static bool want_irqs(struct vsock_device *d)
{
	uint64_t flags = spin_lock_irq(&d->tx_lock);
	bool more = virtq_irq_on(&d->tx);

	spin_unlock_irq(&d->tx_lock, flags);
	more |= virtq_irq_on(&d->rx);
	return virtq_irq_on(&d->events) || more;
}

static void check_rings(struct vsock_device *d)
{
	const char *why = d->rx.broken ? d->rx.broken :
			  d->tx.broken ? d->tx.broken : d->events.broken;

	if (why)
		virtio_fail(d->v, why);
}

static uint64_t vsock_failed(struct vsock_device *d)
{
	if (__atomic_exchange_n(&d->transport.cid, VSOCK_ANY,
				__ATOMIC_RELAXED) != VSOCK_ANY)
		vsock_reset();
	reap(d, true);
	return DEADLINE_NEVER;
}

static uint64_t vsock_turn(struct service *s, uint32_t bits)
{
	struct vsock_device *d = container_of(s, struct vsock_device, service);

	if (!virtio_is_failed(d->v)) {
		reap(d, false);
		receive(d);
		take_events(d);
		check_rings(d);
	}
	if (virtio_is_failed(d->v))
		return vsock_failed(d);
	return want_irqs(d) ? 0 : DEADLINE_NEVER;
}

/* --- /dev/vsock -------------------------------------------------------------------*/

static long vsock_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	uint32_t cid = __atomic_load_n(&device.transport.cid,
				       __ATOMIC_RELAXED);

	if (cmd != GET_LOCAL_CID)
		return -ENOTTY;
	return copy_to_user((void *)arg, &cid, sizeof(cid));
}

static const struct file_ops vsock_fops = { .ioctl = vsock_ioctl };

static int vsock_open(struct inode *i, struct file *f)
{
	f->ops = &vsock_fops;
	return 0;
}

/* --- the device ------------------------------------------------------------------*/

static int fill_rings(struct vsock_device *d)
{
	uint32_t posted = 0;

	while (d->rx.nr_free) {
		void *p = page_alloc(0, false);

		if (!p || post(&d->rx, p, PAGE_SIZE))
			break;
		posted++;
	}
	for (uint32_t i = 0; i < MIN(NR_EVENTS, (uint32_t)d->events.size); i++)
		if (post(&d->events, &d->event[i], sizeof(d->event[i])))
			return -EIO;
	return posted ? 0 : -ENOMEM;
}

static int init_queues(struct vsock_device *d)
{
	struct virtq *queues[] = { &d->rx, &d->tx, &d->events };
	int err = 0;

	for (uint32_t i = 0; i < ARRAY_LEN(queues) && !err; i++)
		err = virtio_queue_init(d->v, i, queues[i], QUEUE_SIZE);
	return err ? err : fill_rings(d);
}

static int make_node(void)
{
	int err = chrdev_register(MAJOR_MISC, MINOR_VSOCK, 1, vsock_open);

	return err ? err : devfs_add("vsock", S_IFCHR | 0666,
				     dev_make(MAJOR_MISC, MINOR_VSOCK));
}

static int vsock_probe(struct virtio *v)
{
	struct vsock_device *d = &device;
	int err;

	if (d->v)
		return -EBUSY;	/* a machine has one */
	d->transport.cid = read_cid(v);
	d->transport.send = vsock_queue;
	d->end = &d->first;
	if (d->transport.cid == VSOCK_ANY)
		return -EINVAL;
	d->v = v;
	d->service = (struct service){ .name = "vsock", .turn = vsock_turn };
	err = init_queues(d);
	if (!err)
		err = make_node();
	if (err)
		return err;
	virtio_ready(v);
	if (virtq_publish(&d->rx))
		virtio_notify(v, QUEUE_RX);
	if (virtq_publish(&d->events))
		virtio_notify(v, QUEUE_EVENT);
	err = vsock_register(&d->transport);
	return err ? err : service_start(&d->service);
}

const struct virtio_driver virtio_vsock_driver = {
	.name = "vsock",
	.type = VIRTIO_ID_VSOCK,
	.probe = vsock_probe,
	.irq = vsock_irq,
	.failed = vsock_irq,
};
