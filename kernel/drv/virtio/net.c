/* SPDX-License-Identifier: MIT */
/*
 * virtio-net as eth0, eth1... (net/netdev.h). A service (core/service.h)
 * for each device takes what came in, gives the buffers back, and ends what was
 * sent; the handlers only notify it. In its turns it wants no interrupts.
 *
 * A frame is one buffer: no offloads are asked for, so none is longer than the
 * MTU, and merging buffers (MRG_RXBUF) would gain nothing. Frames are sent from
 * where they lie, behind a header of zeros.
 *
 * Invariant: every receive buffer is with the device or with the service.
 */
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include "core/heap.h"
#include "core/page.h"
#include "core/service.h"
#include "drv/virtio/virtio.h"
#include "lib/string.h"
#include "net/netdev.h"
#include "platform/kvm/spin.h"
#include "platform/platform.h"

#define QUEUE_SIZE	128u
#define BATCH		32u	/* frames shown at once */
#define SEGS_MAX	18u	/* pieces of a frame */
#define MTU_DEFAULT	1500u
#define MTU_MIN		68u
#define MTU_MAX		9216u
#define BUFFER_SMALL	2048u

enum { QUEUE_RX, QUEUE_TX };
enum { NOTIFY_RINGS = 1u << 0, NOTIFY_CONFIG = 1u << 1 };

struct net {
	struct netdev dev;	/* first */
	/* set once */
	struct virtio *v;
	uint32_t buffer_bytes;	/* of a receive buffer */
	struct service service;
	/* the service only */
	struct virtq rx;
	/* under tx_lock */
	struct spinlock tx_lock;
	struct virtq tx;
};

static const struct virtio_net_hdr_v1 no_offload;

static void net_irq(struct virtio *v)
{
	service_notify(&((struct net *)v->private)->service, NOTIFY_RINGS);
}

static void net_changed(struct virtio *v)
{
	service_notify(&((struct net *)v->private)->service, NOTIFY_CONFIG);
}

/* --- receiving: the service only ------------------------------------------------*/

static int post(struct net *n, void *buffer)
{
	struct virtq_seg seg = { buffer, n->buffer_bytes };

	return virtq_add(&n->rx, &seg, 0, 1, NULL, buffer);
}

/* Fill the ring at the start. Some buffers are enough. */
static int post_first(struct net *n)
{
	uint32_t order = 0, per_block, posted = 0;

	while (PAGE_SIZE << order < n->buffer_bytes)
		order++;
	per_block = (uint32_t)((PAGE_SIZE << order) / n->buffer_bytes);
	while (n->rx.nr_free >= per_block) {
		char *p = page_alloc(order, false);

		if (!p)
			break;
		for (uint32_t i = 0; i < per_block; i++)
			if (!post(n, p + i * n->buffer_bytes))
				posted++;
	}
	return posted ? 0 : -ENOMEM;
}

/* Is it a frame that was asked for? The device may write anything. */
static bool is_frame(const void *buffer, uint32_t written)
{
	const volatile struct virtio_net_hdr_v1 *h = buffer;

	return written >= sizeof(*h) + ETH_HEADER_BYTES && !h->gso_type &&
	       !(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
}

/* Take a batch, show it, give the buffers back. Returns true if there may be
 * more. */
static bool receive(struct net *n)
{
	struct net_frame frames[BATCH];
	struct net_seg seg[BATCH];
	char *buffers[BATCH];
	uint32_t nr_buffers = 0, nr = 0, written;

	while (nr_buffers < BATCH) {
		char *p = virtq_take(&n->rx, &written);

		if (!p)
			break;
		buffers[nr_buffers++] = p;
		if (!is_frame(p, written)) {
			netdev_count(&n->dev.stats.rx_errors, 1);
			continue;
		}
		p += sizeof(no_offload);
		written -= (uint32_t)sizeof(no_offload);
		seg[nr] = (struct net_seg){ p, written };
		frames[nr] = (struct net_frame){ &seg[nr], 1, written };
		nr++;
	}
	netdev_receive(&n->dev, frames, nr);
	for (uint32_t i = 0; i < nr_buffers; i++)
		if (post(n, buffers[i]))
			break;	/* broken, as the turn will see */
	if (virtq_publish(&n->rx))
		virtio_notify(n->v, QUEUE_RX);
	return nr_buffers == BATCH;
}

/* --- sending -------------------------------------------------------------------*/

static int net_transmit(struct netdev *d, struct net_packet *p)
{
	struct net *n = container_of(d, struct net, dev);
	struct virtq_seg seg[1 + SEGS_MAX];
	const struct net_frame *f = &p->frame;
	bool notify = false;
	uint64_t flags;
	int err = -EIO;

	seg[0] = (struct virtq_seg){ (void *)&no_offload, sizeof(no_offload) };
	for (uint32_t i = 0; i < f->nr_segs; i++)
		seg[1 + i] = (struct virtq_seg){ f->seg[i].p, f->seg[i].len };
	flags = spin_lock_irq(&n->tx_lock);
	if (!virtio_is_failed(n->v))
		err = virtq_add(&n->tx, seg, 1 + f->nr_segs, 0, NULL, p);
	if (!err)
		notify = virtq_publish(&n->tx);
	spin_unlock_irq(&n->tx_lock, flags);
	if (notify)
		virtio_notify(n->v, QUEUE_TX);
	if (virtio_is_failed(n->v))
		net_irq(n->v);	/* a turn ends it, if the last one did not */
	return err;
}

/* End what the device is done with; all there is if it has failed. */
static void reap(struct net *n, bool failed)
{
	struct net_packet *list = NULL, **end = &list, *p;
	uint64_t flags = spin_lock_irq(&n->tx_lock);
	uint32_t written;

	while ((p = failed ? virtq_abandon(&n->tx) :
			     virtq_take(&n->tx, &written))) {
		*end = p;
		end = &p->next;
	}
	*end = NULL;
	spin_unlock_irq(&n->tx_lock, flags);
	if (list)
		netdev_sent(&n->dev, list, !failed);
}

/* --- the service -----------------------------------------------------------------*/

static void want_no_irqs(struct net *n)
{
	uint64_t flags = spin_lock_irq(&n->tx_lock);

	virtq_irq_off(&n->tx);
	spin_unlock_irq(&n->tx_lock, flags);
	virtq_irq_off(&n->rx);
}

/* Returns true if there is something to do already. */
static bool want_irqs(struct net *n)
{
	uint64_t flags = spin_lock_irq(&n->tx_lock);
	bool more = virtq_irq_on(&n->tx);

	spin_unlock_irq(&n->tx_lock, flags);
	return virtq_irq_on(&n->rx) || more;
}

static void look_at_link(struct net *n)
{
	bool up = true;

	if (virtio_has(n->v, VIRTIO_NET_F_STATUS))
		up = virtio_config16(n->v, offsetof(struct virtio_net_config,
						    status)) &
		     VIRTIO_NET_S_LINK_UP;
	__atomic_store_n(&n->dev.carrier, up, __ATOMIC_RELAXED);
}

static void check_rings(struct net *n)
{
	const char *why = n->rx.broken ? n->rx.broken : n->tx.broken;

	if (why)
		virtio_fail(n->v, why);
}

static uint64_t net_failed(struct net *n)
{
	__atomic_store_n(&n->dev.carrier, false, __ATOMIC_RELAXED);
	reap(n, true);
	return DEADLINE_NEVER;
}

static uint64_t net_turn(struct service *s, uint32_t bits)
{
	struct net *n = container_of(s, struct net, service);

	if (!virtio_is_failed(n->v)) {
		want_no_irqs(n);
		do
			reap(n, false);
		while (receive(n));
		if (bits & NOTIFY_CONFIG)
			look_at_link(n);
		check_rings(n);
	}
	if (virtio_is_failed(n->v))
		return net_failed(n);
	return want_irqs(n) ? 0 : DEADLINE_NEVER;
}

/* --- the device ------------------------------------------------------------------*/

static void read_config(struct net *n)
{
	struct virtio *v = n->v;
	uint32_t need;

	n->dev.mtu = MTU_DEFAULT;
	if (virtio_has(v, VIRTIO_NET_F_MTU))
		n->dev.mtu = virtio_config16(v, offsetof(
					     struct virtio_net_config, mtu));
	n->dev.mtu = MIN(MAX(n->dev.mtu, MTU_MIN), MTU_MAX);
	need = n->dev.mtu + ETH_HEADER_BYTES + ETH_VLAN_BYTES +
	       (uint32_t)sizeof(no_offload);
	n->buffer_bytes = BUFFER_SMALL;
	while (n->buffer_bytes < need)
		n->buffer_bytes *= 2;
	if (virtio_has(v, VIRTIO_NET_F_MAC)) {
		for (uint32_t i = 0; i < ETH_ADDR_BYTES; i++)
			n->dev.mac[i] = virtio_config8(v, i);
	} else {
		plat_entropy(n->dev.mac, ETH_ADDR_BYTES);
		/* one station's, not a manufacturer's */
		n->dev.mac[0] = (n->dev.mac[0] & ~1u) | 2;
	}
}

static int net_probe(struct virtio *v)
{
	struct net *n = kzalloc(sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->v = v;
	n->service = (struct service){ .name = "net", .turn = net_turn };
	n->dev.transmit = net_transmit;
	v->private = n;
	read_config(n);
	err = virtio_queue_init(v, QUEUE_RX, &n->rx, QUEUE_SIZE);
	if (!err)
		err = virtio_queue_init(v, QUEUE_TX, &n->tx, QUEUE_SIZE);
	if (!err && n->tx.size < 2)
		err = -ENODEV;	/* a header and a frame */
	if (!err)
		err = post_first(n);
	if (err) {
		/* the device has not begun: nothing is in its hands */
		virtq_fini(&n->rx);
		virtq_fini(&n->tx);
		kfree(n);
		return err;
	}
	n->dev.max_segs = MIN(SEGS_MAX, n->tx.size - 1u);
	virtio_ready(v);
	if (virtq_publish(&n->rx))
		virtio_notify(v, QUEUE_RX);
	look_at_link(n);
	err = netdev_register(&n->dev);
	return err ? err : service_start(&n->service);
}

const struct virtio_driver virtio_net_driver = {
	.name = "net",
	.type = VIRTIO_ID_NET,
	.features = 1ull << VIRTIO_NET_F_MAC | 1ull << VIRTIO_NET_F_STATUS |
		    1ull << VIRTIO_NET_F_MTU,
	.probe = net_probe,
	.irq = net_irq,
	.changed = net_changed,
	.failed = net_irq,
};
