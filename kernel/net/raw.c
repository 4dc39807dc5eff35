/* SPDX-License-Identifier: MIT */
/*
 * What goes in packets of IP over the loopback: raw sockets (SOCK_RAW), those of
 * ping (SOCK_DGRAM of ICMP), and the kernel's own part of ICMP: answers to echo
 * requests, and that a port is unreachable. TCP and UDP have none (tcp.c,
 * udp.c), but raw sockets see what UDP sends.
 *
 * A packet has gone all its way when its sender's call returns: under inet_lock
 * it is copied to all who want it, and what it brings about is sent. An echo
 * brings about one packet, an error none, so that ends.
 */
#include "core/heap.h"
#include "lib/string.h"
#include "net/inet_priv.h"
#include "net/unix.h"

#define V4_HEAD		20u
#define V6_HEAD		40u
#define ICMP_HEAD	8u
#define UDP_HEAD	8u
#define PACKET_MAX	65535u
#define HOPS		64
#define NET_CONTROL	0xc0	/* the traffic class of errors */
/* Of a packet that an error is about, header and all. */
#define QUOTE_V4	548u
#define QUOTE_V6	1232u

enum {
	ECHO_REPLY = 0, UNREACHABLE = 3, ECHO = 8,
	UNREACHABLE6 = 1, ECHO6 = 128, ECHO_REPLY6 = 129,
};
/* codes of "unreachable" */
enum { NO_PROTOCOL = 2, NO_PORT = 3, NO_PORT6 = 4 };

struct packet {
	struct net_space *space;
	union inet_ip from, to;
	uint8_t *data;		/* behind IP's header */
	uint32_t len;
	uint32_t head;		/* bytes of IPv4's header before data; or 0 */
	uint8_t protocol, hops, tos;
};

static bool is_v4(const struct packet *p)
{
	return inet_ip_is_v4(&p->to);
}

static bool is_icmp(const struct packet *p)
{
	return p->protocol == (is_v4(p) ? INET_ICMP : INET_ICMPV6);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)(p[0] << 8 | p[1]);
}

/* --- checksums ----------------------------------------------------------------*/
static uint32_t add(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (; len > 1; len -= 2, p += 2)
		sum += get16(p);
	return len ? sum + (uint32_t)(p[0] << 8) : sum;
}

static uint32_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return ~sum & 0xffff;
}

/* Of p's data; but for ICMP of IPv4 the addresses are part of it. */
static uint32_t checksum(const struct packet *p)
{
	uint32_t skip = is_v4(p) ? 12 : 0, sum = 0;

	if (p->protocol != INET_ICMP) {
		sum = add(p->protocol + p->len, p->from.b + skip, 16 - skip);
		sum = add(sum, p->to.b + skip, 16 - skip);
	}
	return fold(add(sum, p->data, p->len));
}

static void put_checksum(const struct packet *p, uint32_t at)
{
	if (at + 2 > p->len)
		return;
	put16(p->data + at, 0);
	put16(p->data + at, checksum(p));
}

/* The header of IPv4, for which there is room before the data. */
static void put_head(struct packet *p, bool by_socket)
{
	uint8_t *h = p->data - V4_HEAD;

	if (!is_v4(p))
		return;
	p->head = V4_HEAD;
	memset(h, 0, V4_HEAD);
	h[0] = 0x45;
	h[1] = p->tos;
	put16(h + 2, V4_HEAD + p->len);
	h[6] = by_socket ? 0x40 : 0;	/* not to be fragmented */
	h[8] = p->hops;
	h[9] = p->protocol;
	memcpy(h + 12, &p->from.w[3], 4);
	memcpy(h + 16, &p->to.w[3], 4);
	put16(h + 10, fold(add(0, h, V4_HEAD)));
}

/* --- delivery: inet_lock held ---------------------------------------------------*/
static bool is_unwanted(const struct sock *s, const struct packet *p)
{
	const struct inet *in = inet_of(s);
	uint8_t type;

	if (s->type != SOCK_RAW)
		return false;
	if (!inet_ip_is_any(&in->peer.ip) &&
	    !inet_ip_equal(&in->peer.ip, &p->from))
		return true;
	if (!is_icmp(p))
		return false;
	if (p->len < (is_v4(p) ? ICMP_HEAD : ICMP_HEAD / 2))
		return true;
	type = p->data[0];
	return in->filter[type >> 5] >> (type & 31) & 1;
}

/* A copy for all raw sockets at this port, or one of ping. Were there any? */
static bool give(const struct packet *p, uint32_t type, uint32_t port)
{
	struct inet_tail t = {
		.from.ip = p->from, .to = { p->to, (uint16_t)port },
		.hops = p->hops, .tos = p->tos,
	};
	uint32_t head = type == SOCK_RAW ? p->head : 0;
	struct sock *s = NULL;
	bool any = false;

	while ((type == SOCK_RAW || !any) &&
	       (s = inet_next_locked(s, p->space, type, p->protocol, &t.to))) {
		struct sk_buf *b;

		any = true;
		if (is_unwanted(s, p))
			continue;
		b = inet_record_create(head + p->len, &t);
		if (!b)
			continue;
		memcpy(b->data, p->data - head, b->len);
		inet_queue_locked(s, b);
	}
	return any;
}

static void input(struct packet *p);

/* ICMP back to the sender of p; len bytes of data at buf + V4_HEAD. */
static void respond(const struct packet *p, uint8_t tos, uint8_t *buf,
		    uint32_t len)
{
	struct packet r = {
		.space = p->space, .from = p->to, .to = p->from,
		.data = buf + V4_HEAD, .len = len, .protocol =
		is_v4(p) ? INET_ICMP : INET_ICMPV6, .hops = HOPS, .tos = tos,
	};

	/* a header that a program made says anything */
	inet_source(&r.to, &r.from);
	if (!inet_is_local(&r.to) || !inet_is_local(&r.from))
		return;
	put_checksum(&r, 2);
	put_head(&r, false);
	input(&r);
}

static void answer_echo(const struct packet *p)
{
	uint8_t *buf = kmalloc(V4_HEAD + p->len);

	if (!buf)
		return;
	memcpy(buf + V4_HEAD, p->data, p->len);
	buf[V4_HEAD] = is_v4(p) ? ECHO_REPLY : ECHO_REPLY6;
	respond(p, p->tos, buf, p->len);
	kfree(buf);
}

static void put_head6(const struct packet *p, uint8_t *h)
{
	memset(h, 0, 4);
	h[0] = 0x60;
	put16(h + 4, p->len);
	h[6] = p->protocol;
	h[7] = p->hops;
	memcpy(h + 8, &p->from, 16);
	memcpy(h + 24, &p->to, 16);
}

static void tell_unreachable(const struct packet *p, uint8_t code)
{
	uint32_t head = is_v4(p) ? p->head : V6_HEAD;
	uint32_t len = MIN(p->len, (is_v4(p) ? QUOTE_V4 : QUOTE_V6) - head);
	uint8_t *buf = kzalloc(V4_HEAD + ICMP_HEAD + head + len), *icmp, *quote;

	if (!buf)
		return;
	icmp = buf + V4_HEAD;
	quote = icmp + ICMP_HEAD;
	icmp[0] = is_v4(p) ? UNREACHABLE : UNREACHABLE6;
	icmp[1] = code;
	if (is_v4(p))
		memcpy(quote, p->data - head, head);
	else
		put_head6(p, quote);
	memcpy(quote + head, p->data, len);
	respond(p, (p->tos & 0x1e) | NET_CONTROL, buf, ICMP_HEAD + head + len);
	kfree(buf);
}

static void tell_no_port(const struct packet *p)
{
	tell_unreachable(p, is_v4(p) ? NO_PORT : NO_PORT6);
}

static void input_icmp(const struct packet *p)
{
	if (p->len < ICMP_HEAD || checksum(p))
		return;
	if (p->data[0] == (is_v4(p) ? ECHO : ECHO6))
		answer_echo(p);
	else if (p->data[0] == (is_v4(p) ? ECHO_REPLY : ECHO_REPLY6))
		give(p, SOCK_DGRAM, get16(p->data + 4));
}

/* A datagram that came from a raw socket. */
static void input_udp(struct packet *p)
{
	struct inet_tail t = {
		.from.ip = p->from, .to.ip = p->to,
		.hops = p->hops, .tos = p->tos,
	};
	uint32_t len = p->len < UDP_HEAD ? 0 : get16(p->data + 4);

	if (len < UDP_HEAD || len > p->len)
		return;
	p->len = len;
	if (get16(p->data + 6) && checksum(p))
		return;
	t.from.port = (uint16_t)get16(p->data);
	t.to.port = (uint16_t)get16(p->data + 2);
	if (!udp_input_locked(p->space, &t, p->data + UDP_HEAD, len - UDP_HEAD))
		tell_no_port(p);
}

static void input(struct packet *p)
{
	bool is_known = give(p, SOCK_RAW, p->protocol);

	if (is_icmp(p))
		input_icmp(p);
	else if (p->protocol == INET_UDP)
		input_udp(p);
	else if (!is_known && is_v4(p) && p->protocol != INET_TCP)
		tell_unreachable(p, NO_PROTOCOL);
}

static bool is_heard(const struct net_space *n, uint32_t protocol,
		     const union inet_ip *at)
{
	struct inet_name to = { *at, (uint16_t)protocol };

	return inet_next_locked(NULL, n, SOCK_RAW, protocol, &to);
}

void raw_see_udp_locked(struct net_space *n, const struct sk_buf *b,
			bool is_refused)
{
	const struct inet_tail *t = inet_tail_of(b);
	struct packet p = {
		.space = n, .from = t->from.ip, .to = t->to.ip,
		.len = UDP_HEAD + b->len, .protocol = INET_UDP,
		.hops = t->hops, .tos = t->tos,
	};
	uint8_t *buf;

	is_refused = is_refused &&
		     is_heard(n, is_v4(&p) ? INET_ICMP : INET_ICMPV6, &p.from);
	if (!is_refused && !is_heard(n, INET_UDP, &p.to))
		return;
	buf = kmalloc(V4_HEAD + p.len);
	if (!buf)
		return;
	p.data = buf + V4_HEAD;
	put16(p.data, t->from.port);
	put16(p.data + 2, t->to.port);
	put16(p.data + 4, p.len);
	memcpy(p.data + UDP_HEAD, b->data, b->len);
	put_checksum(&p, 6);
	put_head(&p, true);
	give(&p, SOCK_RAW, INET_UDP);
	if (is_refused)
		tell_no_port(&p);
	kfree(buf);
}

/* --- sending ----------------------------------------------------------------------*/
/*
 * The sender made the header itself: complete it and take from it who gets the
 * packet. Returns 1: the packet goes, 0: it is lost, or -errno.
 */
static int take_head(struct packet *p)
{
	uint8_t *h = p->data;
	uint32_t head = is_v4(p) ? V4_HEAD : V6_HEAD;

	if (p->len < head)
		return -EINVAL;
	if (is_v4(p)) {
		head = (h[0] & 15) * 4u;
		if (head > p->len || head < V4_HEAD)
			return -EINVAL;
		if (h[0] >> 4 != 4 || get16(h + 6) & 0x3fff)
			return 0;	/* nobody puts fragments together */
		if (!get16(h + 12) && !get16(h + 14))
			memcpy(h + 12, &p->from.w[3], 4);
		put16(h + 2, p->len);
		put16(h + 10, 0);
		put16(h + 10, fold(add(0, h, head)));
		memcpy(&p->from.w[3], h + 12, 4);
		memcpy(&p->to.w[3], h + 16, 4);
		p->tos = h[1];
		p->hops = h[8];
		p->protocol = h[9];
		p->head = head;
	} else {
		memcpy(&p->from, h + 8, 16);
		memcpy(&p->to, h + 24, 16);
		if (h[0] >> 4 != 6 || is_v4(p))
			return 0;
		p->protocol = h[6];
		p->hops = h[7];
	}
	p->data += head;
	p->len -= head;
	return 1;
}

static bool is_too_long(const struct packet *p)
{
	return p->len > PACKET_MAX - (is_v4(p) ? V4_HEAD : 0);
}

/* An echo request of a ping socket gets its identifier. 1 or -errno. */
static int prepare_echo(struct sock *s, struct packet *p)
{
	int err;

	if (is_too_long(p))
		return -EMSGSIZE;
	if (p->len < ICMP_HEAD || p->data[1] ||
	    p->data[0] != (is_v4(p) ? ECHO : ECHO6))
		return -EINVAL;
	err = inet_autobind_locked(s);
	if (err)
		return err;
	put16(p->data + 4, inet_of(s)->own.port);
	put_checksum(p, 2);
	put_head(p, true);
	return 1;
}

static int prepare_raw(struct sock *s, struct packet *p)
{
	int32_t at = inet_checksum_at(s);

	if (inet_has_header(s))
		return take_head(p);
	if (is_icmp(p) && p->len < 2)
		return -EFAULT;		/* Linux looks at its type and code */
	if (is_too_long(p))
		return -EMSGSIZE;
	if (!is_v4(p) && at >= 0) {
		if ((uint32_t)at + 2 > p->len)
			return -EINVAL;
		put_checksum(p, (uint32_t)at);
	}
	put_head(p, true);
	return 1;
}

static int send_packet(struct sock *s, struct packet *p)
{
	int ret;

	mutex_lock(&inet_lock);
	p->from = inet_of(s)->own.ip;
	inet_source(&p->to, &p->from);
	ret = s->type == SOCK_RAW ? prepare_raw(s, p) : prepare_echo(s, p);
	if (ret > 0)
		input(p);
	mutex_unlock(&inet_lock);
	return MIN(ret, 0);
}

static ssize_t raw_send(struct sock *s, struct sock_msg *m)
{
	size_t len = m->data->left;
	struct packet p = {
		.space = s->space, .len = (uint32_t)len,
		.protocol = (uint8_t)s->protocol,
	};
	struct inet_name to;
	uint8_t *buf;
	int err;

	sk_files_drop(m->files);
	m->files = NULL;
	if (len > PACKET_MAX)
		return -EMSGSIZE;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = inet_destination(s, m, &to);
	if (!err)
		err = sock_take_error(s);
	if (err)
		return err;
	/* a port is the protocol, if anything, and IPv4 does not look */
	if (s->type == SOCK_RAW && s->domain == AF_INET6 && to.port &&
	    to.port != s->protocol)
		return -EINVAL;
	if (s->shutdown & SHUT_SEND)
		return -EPIPE;
	inet_fill_packet(s, m);
	p.to = to.ip;
	p.hops = (uint8_t)(m->hops - 1);
	p.tos = (uint8_t)(m->tos - 1);
	buf = kmalloc(V4_HEAD + len);
	if (!buf)
		return -ENOBUFS;
	p.data = buf + V4_HEAD;
	if (m->data->move(m->data, p.data, len) != len)
		err = -EFAULT;
	else
		err = send_packet(s, &p);
	kfree(buf);
	return err ? err : (ssize_t)len;
}

const struct sock_ops raw_ops = {
	.names = &udp_names,
	.send = raw_send,
	.recv = inet_recv,
	.poll = inet_poll,
	.release = inet_release,
	.from = inet_from,
	.describe = inet_describe,
};
