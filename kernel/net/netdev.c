/* SPDX-License-Identifier: MIT */
/*
 * The table of network interfaces, and the way of frames between drivers and
 * listeners. listeners_lock is held for reading while frames are shown, so
 * that a listener that has left is not called any more.
 */
#include "net/netdev.h"
#include "lib/string.h"

static struct netdev *devices[NETDEV_MAX];	/* at start only */
static uint32_t nr_devices;

static struct rwlock listeners_lock;	/* all zero: free */
static struct list listeners = LIST_INIT(listeners);	/* under it */

int netdev_register(struct netdev *d)
{
	if (nr_devices == NETDEV_MAX)
		return -ENOSPC;
	snprintf(d->name, sizeof(d->name), "eth%u", nr_devices);
	d->index = NETDEV_FIRST_INDEX + nr_devices;
	waitq_init(&d->room);
	devices[nr_devices++] = d;
	return 0;
}

struct netdev *netdev_at(uint32_t n)
{
	return n < nr_devices ? devices[n] : NULL;
}

struct netdev *netdev_by_index(uint32_t index)
{
	return index < NETDEV_FIRST_INDEX ? NULL :
	       netdev_at(index - NETDEV_FIRST_INDEX);
}

struct netdev *netdev_by_name(const char *name)
{
	for (uint32_t i = 0; i < nr_devices; i++)
		if (!strcmp(devices[i]->name, name))
			return devices[i];
	return NULL;
}

/* --- listeners -----------------------------------------------------------------*/

void netdev_listen(struct netdev_listener *l)
{
	rwlock_write_lock(&listeners_lock);
	list_append(&listeners, &l->link);
	rwlock_write_unlock(&listeners_lock);
}

void netdev_unlisten(struct netdev_listener *l)
{
	rwlock_write_lock(&listeners_lock);
	list_remove(&l->link);
	rwlock_write_unlock(&listeners_lock);
}

static void show(struct netdev *d, const struct net_frame *f, uint32_t nr,
		 bool outgoing, const struct netdev_listener *except)
{
	rwlock_read_lock(&listeners_lock);
	list_for_each(p, &listeners) {
		struct netdev_listener *l =
			list_entry(p, struct netdev_listener, link);

		if (l != except)
			l->receive(l, d, f, nr, outgoing);
	}
	rwlock_read_unlock(&listeners_lock);
}

/* --- frames ----------------------------------------------------------------------*/

void netdev_receive(struct netdev *d, const struct net_frame *f, uint32_t nr)
{
	uint64_t bytes = 0, multicast = 0;

	if (!nr)
		return;
	if (!netdev_is_up(d)) {
		netdev_count(&d->stats.rx_dropped, nr);
		return;
	}
	for (uint32_t i = 0; i < nr; i++) {
		bytes += f[i].len;
		multicast += *(const uint8_t *)f[i].seg->p & 1;
	}
	netdev_count(&d->stats.rx_packets, nr);
	netdev_count(&d->stats.rx_bytes, bytes);
	netdev_count(&d->stats.rx_multicast, multicast);
	show(d, f, nr, false, NULL);
}

int netdev_transmit(struct netdev *d, struct net_packet *p)
{
	if (!netdev_is_up(d))
		return -ENETDOWN;
	if (p->frame.len > d->mtu + ETH_HEADER_BYTES + ETH_VLAN_BYTES ||
	    p->frame.nr_segs > d->max_segs)
		return -EMSGSIZE;
	return d->transmit(d, p);
}

void netdev_sent(struct netdev *d, struct net_packet *list, bool ok)
{
	while (list) {
		struct net_packet *p = list;

		list = p->next;
		if (ok) {
			netdev_count(&d->stats.tx_packets, 1);
			netdev_count(&d->stats.tx_bytes, p->frame.len);
			show(d, &p->frame, 1, true, p->from);
		} else {
			netdev_count(&d->stats.tx_errors, 1);
		}
		p->done(p);
	}
	if (!waitq_is_empty(&d->room))
		wait_wake_all(&d->room, 0);
}

uint32_t interface_flags(const struct netdev *d)
{
	uint32_t flags = INTERFACE_BROADCAST | INTERFACE_MULTICAST;

	if (netdev_is_up(d))
		flags |= INTERFACE_UP;
	if (netdev_is_up(d) && netdev_has_carrier(d))
		flags |= INTERFACE_RUNNING;
	return flags;
}
