/* SPDX-License-Identifier: MIT */
/*
 * Packet sockets, SOCK_RAW: each is a listener of the interfaces (netdev.h)
 * and takes a copy of every frame it wants, as long as rcvbuf has room. What
 * is received lies in records as those of AF_UNIX (unix_dgram_recv), the
 * frame first, then its struct sockaddr_ll.
 *
 * A frame to be sent is a buffer charged to its socket, which is freed when the
 * device is done: a socket can not fill a device's ring for long.
 */
#include <linux/eventpoll.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include "core/heap.h"
#include "lib/string.h"
#include "net/netdev.h"
#include "net/packet.h"
#include "net/unix.h"

#define NAME_OFFSET	offsetof(struct sockaddr_ll, sll_addr)

/* sock->family */
struct packet {
	struct netdev_listener listener;
	struct sock *sock;
	/* under sock->lock; the listener reads without */
	uint32_t index;		/* of the interface; 0: all */
	uint16_t protocol;	/* network order; 0: nothing */
};

/* Behind the head of a buffer that is sent. */
struct packet_out {
	struct net_packet packet;
	struct net_seg seg;
	struct sk_buf *buf;
	uint8_t frame[];
};

static uint16_t swap16(uint16_t v)
{
	return __builtin_bswap16(v);
}

static uint32_t address_offset(uint32_t len)
{
	return ALIGN_UP(len, 8u);
}

/* --- receiving -----------------------------------------------------------------*/

static void gather(uint8_t *to, const struct net_frame *f)
{
	for (uint32_t i = 0; i < f->nr_segs; i++) {
		memcpy(to, f->seg[i].p, f->seg[i].len);
		to += f->seg[i].len;
	}
}

static uint8_t kind_of(const struct netdev *d, const struct ethhdr *h,
		       bool outgoing)
{
	static const uint8_t broadcast[ETH_ALEN] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};

	if (outgoing)
		return PACKET_OUTGOING;
	if (!memcmp(h->h_dest, broadcast, ETH_ALEN))
		return PACKET_BROADCAST;
	if (h->h_dest[0] & 1)
		return PACKET_MULTICAST;
	return memcmp(h->h_dest, d->mac, ETH_ALEN) ? PACKET_OTHERHOST :
						     PACKET_HOST;
}

/* NULL: not wanted, or no memory. */
static struct sk_buf *make_record(const struct packet *p,
				  const struct netdev *d,
				  const struct net_frame *f, bool outgoing)
{
	uint32_t at = address_offset(f->len);
	struct sockaddr_ll *from;
	struct ethhdr *h;
	struct sk_buf *b;

	b = sk_buf_create(NULL, at + (uint32_t)sizeof(*from));
	if (!b)
		return NULL;
	gather(b->data, f);
	b->len = f->len;
	h = (struct ethhdr *)b->data;
	if (p->protocol != swap16(ETH_P_ALL) &&
	    (outgoing || p->protocol != h->h_proto)) {
		sk_buf_free(b);
		return NULL;
	}
	from = (struct sockaddr_ll *)(b->data + at);
	*from = (struct sockaddr_ll){
		.sll_family = AF_PACKET, .sll_protocol = h->h_proto,
		.sll_ifindex = (int)d->index, .sll_hatype = NETDEV_ETHER,
		.sll_pkttype = kind_of(d, h, outgoing), .sll_halen = ETH_ALEN,
	};
	memcpy(from->sll_addr, h->h_source, ETH_ALEN);
	return b;
}

static void packet_heard(struct netdev_listener *l, struct netdev *d,
			 const struct net_frame *f, uint32_t nr, bool outgoing)
{
	struct packet *p = container_of(l, struct packet, listener);
	bool any = false;

	if (!p->protocol || (p->index && p->index != d->index))
		return;
	for (uint32_t i = 0; i < nr; i++) {
		struct sk_buf *b = make_record(p, d, &f[i], outgoing);

		if (b && sk_queue_record(p->sock, b))
			any = true;
	}
	if (any)
		wait_wake_all(&p->sock->wait, EPOLLIN | EPOLLRDNORM);
}

static struct unix_addr *packet_from(struct sock *s, const struct sk_buf *b)
{
	return unix_addr_create(b->data + address_offset(b->len),
				sizeof(struct sockaddr_ll));
}

/* --- sending -------------------------------------------------------------------*/

static void packet_done(struct net_packet *n)
{
	sk_buf_free(container_of(n, struct packet_out, packet)->buf);
}

/* Where to. NULL and *err. */
static struct netdev *destination(struct sock *s, const struct sock_msg *m,
				  int *err)
{
	const struct packet *p = s->family;
	struct sockaddr_ll a = { .sll_ifindex = (int)p->index };
	struct netdev *d;

	*err = -EINVAL;
	if (m->addr_len && m->addr_len < NAME_OFFSET)
		return NULL;
	memcpy(&a, m->addr, MIN((size_t)m->addr_len, sizeof(a)));
	if (m->addr_len && a.sll_family != AF_PACKET)
		return NULL;
	d = netdev_by_index((uint32_t)a.sll_ifindex);
	*err = d ? 0 : -ENXIO;
	return d;
}

static int transmit(struct sock *s, struct netdev *d, struct packet_out *o,
		    bool nonblock)
{
	int err = netdev_transmit(d, &o->packet), sleep_err = 0;
	uint64_t deadline;
	struct waiter w;

	if (err != -ENOSPC)
		return err;
	if (nonblock)
		return -EAGAIN;
	deadline = sock_deadline(s->sndtimeo_ns);
	wait_begin(&w, &d->room);
	while ((err = netdev_transmit(d, &o->packet)) == -ENOSPC && !sleep_err)
		sleep_err = wait_sleep(&w, deadline, true);
	wait_end(&w);
	return err == -ENOSPC ? sock_sleep_error(sleep_err, s->sndtimeo_ns) :
				err;
}

/* A frame with a VLAN tag may be longer by that. */
static bool is_too_long(const struct netdev *d, const uint8_t *frame,
			uint32_t len)
{
	const struct ethhdr *h = (const struct ethhdr *)frame;

	return len > d->mtu + ETH_HEADER_BYTES &&
	       h->h_proto != swap16(ETH_P_8021Q);
}

static int send_frame(struct sock *s, struct netdev *d, struct sock_msg *m,
		      uint32_t len)
{
	struct packet *p = s->family;
	struct packet_out *o;
	struct sk_buf *b;
	int err;

	b = sk_buf_create(s, (uint32_t)sizeof(*o) + len);
	if (!b)
		return -ENOBUFS;
	o = (struct packet_out *)b->data;
	*o = (struct packet_out){
		.packet = { { &o->seg, 1, len }, packet_done, &p->listener,
			    NULL },
		.seg = { o->frame, len },
		.buf = b,
	};
	if (m->data->move(m->data, o->frame, len) != len)
		err = -EFAULT;
	else if (is_too_long(d, o->frame, len))
		err = -EMSGSIZE;
	else
		err = transmit(s, d, o, m->nonblock);
	if (err)
		sk_buf_free(b);
	return err;
}

static ssize_t packet_send(struct sock *s, struct sock_msg *m)
{
	size_t len = m->data->left;
	struct netdev *d;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	d = destination(s, m, &err);
	if (!d)
		return err;
	if (!netdev_is_up(d))
		return -ENETDOWN;
	if (len > d->mtu + ETH_HEADER_BYTES + ETH_VLAN_BYTES)
		return -EMSGSIZE;
	if (len < ETH_HEADER_BYTES)
		return -EINVAL;
	err = sock_wait_space(s, m->nonblock);
	if (!err)
		err = send_frame(s, d, m, (uint32_t)len);
	return err ? err : (ssize_t)len;
}

/* --- names -----------------------------------------------------------------------*/

static int packet_bind(struct sock *s, const uint8_t *addr, uint32_t len)
{
	struct packet *p = s->family;
	struct sockaddr_ll a;

	if (len < sizeof(a))
		return -EINVAL;
	memcpy(&a, addr, sizeof(a));
	if (a.sll_family != AF_PACKET)
		return -EINVAL;
	if (a.sll_ifindex && !netdev_by_index((uint32_t)a.sll_ifindex))
		return -ENODEV;
	mutex_lock(&s->lock);
	p->index = (uint32_t)a.sll_ifindex;
	if (a.sll_protocol)
		p->protocol = a.sll_protocol;
	mutex_unlock(&s->lock);
	return 0;
}

static int packet_name(struct sock *s, bool peer, uint8_t addr[SOCK_NAME_MAX])
{
	const struct packet *p = s->family;
	const struct netdev *d = netdev_by_index(p->index);
	struct sockaddr_ll a = {
		.sll_family = AF_PACKET, .sll_protocol = p->protocol,
		.sll_ifindex = (int)p->index,
	};

	if (peer)
		return -EOPNOTSUPP;
	if (d) {
		a.sll_hatype = NETDEV_ETHER;
		a.sll_halen = ETH_ALEN;
		memcpy(a.sll_addr, d->mac, ETH_ALEN);
	}
	memcpy(addr, &a, sizeof(a));
	return (int)NAME_OFFSET + a.sll_halen;
}

/* --- life ------------------------------------------------------------------------*/

static void packet_release(struct sock *s)
{
	struct packet *p = s->family;

	netdev_unlisten(&p->listener);
	mutex_lock(&s->lock);
	s->released = true;
	mutex_unlock(&s->lock);
	sk_queue_purge(&s->queue);	/* nobody else is left to touch it */
	sock_put(s);
}

static const struct sock_names packet_names = {
	.bind = packet_bind,
	.name = packet_name,
};

static const struct sock_ops packet_ops = {
	.names = &packet_names,
	.send = packet_send,
	.recv = unix_dgram_recv,
	.poll = unix_poll,
	.release = packet_release,
	.from = packet_from,
};

int packet_create(uint32_t type, uint32_t protocol, struct sock **out)
{
	struct packet *p;

	if (type != SOCK_RAW)
		return -ESOCKTNOSUPPORT;
	*out = sock_create(AF_PACKET, type, &packet_ops);
	p = *out ? kzalloc(sizeof(*p)) : NULL;
	if (!p) {
		sock_put(*out);
		return -ENOMEM;
	}
	(*out)->family = p;
	p->sock = *out;
	p->protocol = (uint16_t)protocol;
	p->listener.receive = packet_heard;
	netdev_listen(&p->listener);
	return 0;
}
