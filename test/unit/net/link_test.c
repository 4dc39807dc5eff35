/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of what lies between drivers and sockets: interfaces and packet
 * sockets (netdev.c, packet.c), AF_VSOCK (vsock*.c). The drivers are made
 * here; the other side also lies. Prints TAP; leaks are the sanitizer's.
 */
#include <linux/eventpoll.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include "core/heap.h"
#include "core/timer.h"
#include "fs/fake.h"
#include "lib/string.h"
#include "net/packet.h"
#include "net/unix.h"
#include "net/vsock_priv.h"

#define CID		42u
#define PEER		2u
#define RING		4u	/* of the interface */
#define SENT_MAX	64u
#define FUZZ_STEPS	200000u
#define FUZZ_SOCKS	8u

uint64_t clock_mono_ns(void)
{
	return clock_real_ns();
}

/* --- calls ---------------------------------------------------------------------*/

struct flat_data {
	struct sock_data d;
	uint8_t *at;
};

static size_t flat_in(struct sock_data *d, void *kernel, size_t n)
{
	struct flat_data *f = container_of(d, struct flat_data, d);

	memcpy(f->at, kernel, n);
	f->at += n;
	d->left -= n;
	return n;
}

static size_t flat_out(struct sock_data *d, void *kernel, size_t n)
{
	struct flat_data *f = container_of(d, struct flat_data, d);

	memcpy(kernel, f->at, n);
	f->at += n;
	d->left -= n;
	return n;
}

static ssize_t send_bytes(struct sock *s, const void *p, size_t n)
{
	struct flat_data f = { { n, flat_out }, (uint8_t *)p };
	struct sock_msg m = { .data = &f.d, .nonblock = true };

	return s->ops->send(s, &m);
}

static ssize_t recv_bytes(struct sock *s, void *p, size_t n,
			  struct sockaddr_ll *from)
{
	struct flat_data f = { { n, flat_in }, p };
	struct sock_msg m = { .data = &f.d, .nonblock = true,
			      .want_from = from };
	ssize_t got = s->ops->recv(s, &m);

	if (m.from) {
		memcpy(from, m.from->sun, sizeof(*from));
		unix_addr_put(m.from);
	}
	return got;
}

/* --- an interface ----------------------------------------------------------------*/

static struct net_packet *ring[RING];
static uint32_t nr_ring;

static int card_transmit(struct netdev *d, struct net_packet *p)
{
	if (nr_ring == RING)
		return -ENOSPC;
	ring[nr_ring++] = p;
	return 0;
}

static struct netdev card = {
	.mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500, .max_segs = 2,
	.transmit = card_transmit,
};

static void card_done(bool ok)
{
	while (nr_ring) {
		struct net_packet *p = ring[--nr_ring];

		p->next = NULL;
		netdev_sent(&card, p, ok);
	}
}

/* A frame to the card, in two pieces. */
static void frame_came(uint16_t protocol, uint8_t to, const char *text)
{
	static uint8_t head[ETH_HEADER_BYTES];
	struct net_seg seg[2] = {
		{ head, sizeof(head) },
		{ (void *)text, (uint32_t)strlen(text) },
	};
	struct net_frame f = { seg, 2, seg[0].len + seg[1].len };

	memset(head, 0, sizeof(head));
	head[0] = 2;
	head[5] = to;
	head[11] = 9;
	head[12] = (uint8_t)(protocol >> 8);
	head[13] = (uint8_t)protocol;
	netdev_receive(&card, &f, 1);
}

static struct sock *packet(uint16_t protocol)
{
	struct sockaddr_ll a = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)card.index,
	};
	struct sock *s;

	CHECK_EQ(packet_create(SOCK_RAW, __builtin_bswap16(protocol), &s), 0);
	CHECK_EQ(s->ops->names->bind(s, (uint8_t *)&a, sizeof(a)), 0);
	return s;
}

static void packet_frames(void)
{
	struct sock *all = packet(ETH_P_ALL), *one = packet(0x88b5);
	struct sockaddr_ll from;
	char b[64];

	frame_came(0x88b5, 1, "to us");
	frame_came(0x88b6, 7, "other");
	CHECK_EQ(recv_bytes(all, b, sizeof(b), &from), 19);
	CHECK(!memcmp(b + ETH_HEADER_BYTES, "to us", 5));
	CHECK_EQ(from.sll_pkttype, PACKET_HOST);
	CHECK_EQ(from.sll_addr[5], 9);
	CHECK_EQ(from.sll_ifindex, (int)card.index);
	CHECK_EQ(recv_bytes(all, b, 16, &from), 16);
	CHECK_EQ(from.sll_pkttype, PACKET_OTHERHOST);
	CHECK_EQ(recv_bytes(one, b, sizeof(b), NULL), 19);
	CHECK_EQ(recv_bytes(one, b, sizeof(b), NULL), -EAGAIN);
	CHECK_EQ(card.stats.rx_packets, 2);
	card.down = true;
	frame_came(0x88b5, 1, "down");
	card.down = false;
	CHECK_EQ(recv_bytes(all, b, sizeof(b), NULL), -EAGAIN);
	CHECK_EQ(card.stats.rx_dropped, 1);
	all->ops->release(all);
	one->ops->release(one);
}

static void packet_sends(void)
{
	struct sock *s = packet(ETH_P_ALL), *other = packet(ETH_P_ALL);
	struct sockaddr_ll from;
	uint8_t frame[2000] = { 2 };

	CHECK_EQ(send_bytes(s, frame, 13), -EINVAL);
	CHECK_EQ(send_bytes(s, frame, 1515), -EMSGSIZE);
	CHECK_EQ(send_bytes(s, frame, 1519), -EMSGSIZE);
	for (uint32_t i = 0; i < RING; i++)
		CHECK_EQ(send_bytes(s, frame, 1514), 1514);
	CHECK_EQ(send_bytes(s, frame, 14), -EAGAIN);
	CHECK(s->wmem > RING * 1514);
	card_done(true);
	CHECK_EQ(s->wmem, 0);
	CHECK_EQ(card.stats.tx_packets, RING);
	/* others see it, the sender does not */
	CHECK_EQ(recv_bytes(other, frame, 14, &from), 14);
	CHECK_EQ(from.sll_pkttype, PACKET_OUTGOING);
	CHECK_EQ(recv_bytes(s, frame, 14, NULL), -EAGAIN);
	/* the socket goes before its frame, which never gets out */
	CHECK_EQ(send_bytes(s, frame, 60), 60);
	s->ops->release(s);
	card_done(false);
	CHECK_EQ(card.stats.tx_errors, 1);
	other->ops->release(other);
}

static void packet_overflow(void)
{
	struct sock *s = packet(ETH_P_ALL);
	uint32_t kept = 0;
	char b[64];

	s->rcvbuf = 4000;
	for (uint32_t i = 0; i < 100; i++)
		frame_came(0x88b5, 1, "x");
	while (recv_bytes(s, b, sizeof(b), NULL) == 15)
		kept++;
	CHECK(kept > 5 && kept < 20);
	heap_fail_after(1);
	frame_came(0x88b5, 1, "no memory");
	heap_fail_after(0);
	CHECK_EQ(recv_bytes(s, b, sizeof(b), NULL), -EAGAIN);
	frame_came(0x88b5, 1, "left behind");
	s->ops->release(s);
}

static void packet_no_memory(void)
{
	struct sock *s;

	CHECK_EQ(packet_create(SOCK_STREAM, 0, &s), -ESOCKTNOSUPPORT);
	for (uint32_t i = 1; i < 3; i++) {
		heap_fail_after(i);
		CHECK_EQ(packet_create(SOCK_RAW, 0, &s), -ENOMEM);
	}
	heap_fail_after(0);
}

/* --- a transport -------------------------------------------------------------------*/

static struct virtio_vsock_hdr sent[SENT_MAX];
static uint32_t nr_sent;
static struct net_packet *under_way;

static void queue(struct vsock_transport *t, struct net_packet *p)
{
	memcpy(&sent[nr_sent++ % SENT_MAX], p->frame.seg->p,
	       sizeof(sent[0]));
	p->next = under_way;
	under_way = p;
	t->nr_queued++;
}

static struct vsock_transport transport = { .cid = CID, .send = queue };

static void deliver(void)
{
	struct net_packet *p;

	while ((p = under_way)) {
		under_way = p->next;
		p->done(p);
		transport.nr_queued--;
	}
}

static const struct virtio_vsock_hdr *last(void)
{
	static const struct virtio_vsock_hdr none;

	return nr_sent ? &sent[(nr_sent - 1) % SENT_MAX] : &none;
}

/* What the last packet's connection hears from the other side. */
static struct virtio_vsock_hdr reply(uint32_t op, uint32_t len)
{
	const struct virtio_vsock_hdr *h = last();

	return (struct virtio_vsock_hdr){
		.src_cid = h->dst_cid, .dst_cid = h->src_cid,
		.src_port = h->dst_port, .dst_port = h->src_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM, .op = (uint16_t)op,
		.len = len, .buf_alloc = 100000,
	};
}

static int vsock_to(struct sock *s, uint32_t port)
{
	struct sockaddr_vm {
		uint16_t family, zero;
		uint32_t port, cid, more;
	} a = { AF_VSOCK, 0, port, PEER, 0 };

	return s->ops->names->connect(s, (uint8_t *)&a, sizeof(a), true);
}

static struct sock *vsock(void)
{
	struct sock *s = NULL;

	CHECK_EQ(vsock_create(SOCK_STREAM, 0, &s), 0);
	return s;
}

static struct sock *connected(struct virtio_vsock_hdr *h)
{
	struct sock *s = vsock();

	CHECK_EQ(vsock_to(s, 7), -EINPROGRESS);
	CHECK_EQ(vsock_to(s, 7), -EALREADY);
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_REQUEST);
	*h = reply(VIRTIO_VSOCK_OP_RESPONSE, 0);
	vsock_receive(h, NULL);
	CHECK_EQ(vsock_to(s, 7), -EISCONN);
	return s;
}

static void vsock_credit(void)
{
	static uint8_t bytes[5000];
	struct virtio_vsock_hdr h;
	struct sock *s = connected(&h);

	h.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE;
	h.buf_alloc = 100;
	vsock_receive(&h, NULL);
	CHECK_EQ(send_bytes(s, bytes, sizeof(bytes)), 100);
	CHECK_EQ(last()->len, 100);
	CHECK_EQ(send_bytes(s, bytes, 1), -EAGAIN);
	CHECK(!(s->ops->poll(s) & EPOLLOUT));
	h.fwd_cnt = 30;
	vsock_receive(&h, NULL);
	CHECK_EQ(send_bytes(s, bytes, sizeof(bytes)), 30);
	/* read more than was sent, a smaller buffer: no credit */
	h.fwd_cnt = 1000;
	vsock_receive(&h, NULL);
	CHECK_EQ(send_bytes(s, bytes, 1), -EAGAIN);
	h.fwd_cnt = 100;
	h.buf_alloc = 10;
	vsock_receive(&h, NULL);
	CHECK_EQ(send_bytes(s, bytes, 1), -EAGAIN);
	h.buf_alloc = UINT32_MAX;
	h.op = VIRTIO_VSOCK_OP_CREDIT_REQUEST;
	vsock_receive(&h, NULL);
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	CHECK_EQ(last()->buf_alloc, VSOCK_BUFFER);
	CHECK_EQ(send_bytes(s, bytes, 5000), 5000);
	s->ops->release(s);
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_SHUTDOWN);
	CHECK_EQ(last()->flags, SHUT_BOTH);
	deliver();
}

static void vsock_data(void)
{
	static uint8_t bytes[30000];
	struct virtio_vsock_hdr h;
	struct sock *s = connected(&h);

	h.op = VIRTIO_VSOCK_OP_RW;
	h.len = 20000;
	vsock_receive(&h, bytes);
	vsock_receive(&h, bytes);
	CHECK_EQ(recv_bytes(s, bytes, 10, NULL), 10);
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_REQUEST);	/* not worth it yet */
	CHECK_EQ(recv_bytes(s, bytes, 30000, NULL), 30000);
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	CHECK(last()->fwd_cnt >= 20000);
	CHECK_EQ(unix_readable_bytes(s), 9990);
	h.len = 30000;
	vsock_receive(&h, bytes);
	CHECK_EQ(s->err, 0);
	vsock_receive(&h, bytes);	/* too much */
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_RST);
	CHECK_EQ(s->err, ECONNRESET);
	CHECK_EQ(recv_bytes(s, bytes, 30000, NULL), 30000);
	CHECK_EQ(recv_bytes(s, bytes, 30000, NULL), 9990);
	CHECK_EQ(recv_bytes(s, bytes, 1, NULL), -ECONNRESET);
	CHECK_EQ(recv_bytes(s, bytes, 1, NULL), 0);
	CHECK_EQ(send_bytes(s, bytes, 1), -EPIPE);
	s->ops->release(s);
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_RST);	/* nothing more */
	deliver();
}

static void vsock_ends(void)
{
	struct virtio_vsock_hdr h;
	struct sock *s = connected(&h);
	char c;

	h.op = VIRTIO_VSOCK_OP_SHUTDOWN;
	h.flags = VIRTIO_VSOCK_SHUTDOWN_SEND;
	vsock_receive(&h, NULL);
	CHECK_EQ(recv_bytes(s, &c, 1, NULL), 0);
	CHECK_EQ(send_bytes(s, &c, 1), 1);
	h.flags = UINT32_MAX;
	vsock_receive(&h, NULL);
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_RST);
	CHECK_EQ(send_bytes(s, &c, 1), -EPIPE);
	CHECK(s->ops->poll(s) & EPOLLHUP);
	vsock_receive(&h, NULL);	/* again: nobody's */
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_RST);
	s->ops->release(s);

	s = connected(&h);
	vsock_reset();
	CHECK_EQ(recv_bytes(s, &c, 1, NULL), -ECONNRESET);
	s->ops->release(s);

	s = vsock();
	CHECK_EQ(vsock_to(s, 9), -EINPROGRESS);
	h = reply(VIRTIO_VSOCK_OP_RW, 1);
	vsock_receive(&h, &c);
	CHECK_EQ(s->err, EPROTO);
	CHECK_EQ(vsock_to(s, 9), -EINPROGRESS);
	vsock_reset();
	CHECK_EQ(s->err, ECONNRESET);
	s->ops->release(s);
	deliver();
}

static void vsock_listener(void)
{
	uint8_t name[16] = { AF_VSOCK, 0, 0, 0, 99, 0, 0, 0, CID };
	struct virtio_vsock_hdr h = {
		.src_cid = PEER, .dst_cid = CID, .src_port = 1,
		.dst_port = 99, .type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = VIRTIO_VSOCK_OP_REQUEST, .buf_alloc = 1000,
	};
	struct sock *s = vsock(), *n = NULL;

	vsock_receive(&h, NULL);
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_RST);
	CHECK_EQ(s->ops->names->bind(s, name, 15), -EFAULT);
	CHECK_EQ(s->ops->names->bind(s, name, 16), 0);
	vsock_receive(&h, NULL);	/* bound, not listening */
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_RST);
	CHECK_EQ(s->ops->names->listen(s, 1), 0);
	CHECK_EQ(s->ops->names->accept(s, true, &n), -EAGAIN);
	for (h.src_port = 1; h.src_port <= 2; h.src_port++) {
		vsock_receive(&h, NULL);
		CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_RESPONSE);
	}
	vsock_receive(&h, NULL);	/* the queue is full */
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_RST);
	h.op = VIRTIO_VSOCK_OP_RW;	/* not for a listener */
	vsock_receive(&h, NULL);
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_RST);
	CHECK_EQ(s->ops->names->accept(s, true, &n), 0);
	CHECK_EQ(send_bytes(n, name, 16), 16);
	CHECK_EQ(last()->dst_port, 1);
	s->ops->release(s);		/* with one that waits */
	CHECK_EQ(last()->op, VIRTIO_VSOCK_OP_SHUTDOWN);
	CHECK_EQ(last()->dst_port, 2);
	CHECK_EQ(send_bytes(n, name, 16), 16);
	n->ops->release(n);
	deliver();
}

/* The host takes nothing: answers stop, calls fail, nothing piles up. */
static void vsock_stuck(void)
{
	struct virtio_vsock_hdr h;
	struct sock *s = connected(&h), *n = vsock();

	h.op = VIRTIO_VSOCK_OP_CREDIT_REQUEST;
	for (uint32_t i = 0; i < 2000; i++)
		vsock_receive(&h, NULL);
	h.dst_port = 12345;
	for (uint32_t i = 0; i < 2000; i++)
		vsock_receive(&h, NULL);
	CHECK(transport.nr_queued <= 600);
	CHECK_EQ(vsock_to(n, 8), -ENOBUFS);
	deliver();
	CHECK_EQ(vsock_to(n, 8), -EINPROGRESS);
	n->ops->release(n);
	s->ops->release(s);
	deliver();
}

static void vsock_no_memory(void)
{
	struct virtio_vsock_hdr h;
	struct sock *s;
	char c = 0;

	for (uint32_t i = 1; i < 3; i++) {
		heap_fail_after(i);
		CHECK_EQ(vsock_create(SOCK_STREAM, 0, &s), -ENOMEM);
	}
	heap_fail_after(0);
	s = connected(&h);
	heap_fail_after(1);
	CHECK_EQ(send_bytes(s, &c, 1), -ENOMEM);
	h.op = VIRTIO_VSOCK_OP_RW;
	h.len = 1;
	heap_fail_after(1);
	vsock_receive(&h, &c);		/* lost data: the connection ends */
	heap_fail_after(0);
	CHECK_EQ(s->err, ECONNRESET);
	s->ops->release(s);
	deliver();
}

/* --- anything ------------------------------------------------------------------------*/

static uint32_t seed = 1;

static uint32_t pick(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void random_call(struct sock **s)
{
	uint8_t name[16] = { AF_VSOCK, 0, 0, 0, (uint8_t)pick(4), 4, 0, 0,
			     CID };
	uint8_t bytes[256];
	struct sock *n;

	if (!*s)
		*s = vsock();
	switch (pick(9)) {
	case 0:
		(*s)->ops->release(*s);
		*s = NULL;
		break;
	case 1:
		(void)!vsock_to(*s, pick(4));
		break;
	case 2:
		(void)!(*s)->ops->names->bind(*s, name, sizeof(name));
		break;
	case 3:
		(void)!(*s)->ops->names->listen(*s, (int)pick(3));
		break;
	case 4:
		if (!(*s)->ops->names->accept(*s, true, &n))
			n->ops->release(n);
		break;
	case 5:
		(void)!(*s)->ops->names->shutdown(*s, (int)pick(3));
		break;
	case 6:
		(void)!send_bytes(*s, bytes, pick(sizeof(bytes)));
		break;
	case 7:
		(void)!recv_bytes(*s, bytes, pick(sizeof(bytes)), NULL);
		break;
	default:
		(void)!(*s)->ops->poll(*s);
	}
}

static void random_packet(void)
{
	static uint8_t bytes[4096];
	struct virtio_vsock_hdr h = reply(pick(9), pick(2) ? pick(4096) : 0);

	if (nr_sent > SENT_MAX) {
		const struct virtio_vsock_hdr *to = &sent[pick(SENT_MAX)];

		h.dst_port = to->src_port;
		h.src_port = to->dst_port;
	}
	if (!pick(4))
		h.dst_port = 1024 + pick(4);
	if (!pick(8))
		h.type = (uint16_t)pick(4);
	if (!pick(8))
		h.src_cid = pick(2) ? UINT64_MAX : PEER;
	h.flags = pick(4);
	h.buf_alloc = pick(2) ? pick(1000) : UINT32_MAX;
	h.fwd_cnt = pick(2) ? pick(1000) : UINT32_MAX;
	vsock_receive(&h, bytes);
}

static void vsock_anything(void)
{
	struct sock *s[FUZZ_SOCKS] = { NULL };

	for (uint32_t i = 0; i < FUZZ_STEPS; i++) {
		if (pick(3))
			random_packet();
		else
			random_call(&s[pick(FUZZ_SOCKS)]);
		if (!pick(50))
			deliver();
		if (!pick(5000))
			vsock_reset();
	}
	for (uint32_t i = 0; i < FUZZ_SOCKS; i++)
		if (s[i])
			s[i]->ops->release(s[i]);
	deliver();
	CHECK_EQ(transport.nr_queued, 0);
	CHECK(nr_sent > FUZZ_STEPS / 10);
}

static const struct unit_test tests[] = {
	{ "packet: frames in", packet_frames },
	{ "packet: frames out", packet_sends },
	{ "packet: too many", packet_overflow },
	{ "packet: no memory", packet_no_memory },
	{ "vsock: credit", vsock_credit }, { "vsock: data", vsock_data },
	{ "vsock: ends", vsock_ends }, { "vsock: listener", vsock_listener },
	{ "vsock: a host that is stuck", vsock_stuck },
	{ "vsock: no memory", vsock_no_memory },
	{ "vsock: anything", vsock_anything },
};

int main(void)
{
	struct sock *s;

	CHECK_EQ(vsock_create(SOCK_STREAM, 0, &s), -EAFNOSUPPORT);
	CHECK_EQ(vsock_register(&transport), 0);
	CHECK_EQ(vsock_register(&transport), -EBUSY);
	CHECK_EQ(netdev_register(&card), 0);
	return unit_run("link", tests, ARRAY_LEN(tests), fake_count_pages, fake_check_pages);
}
