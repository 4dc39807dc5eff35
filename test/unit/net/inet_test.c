/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of TCP, UDP and netlink as objects: what is out of reach, failing
 * allocations, random calls by one and by several threads. What programs see is
 * tested in test/linux/inet_*.c. Prints TAP; leaks are the sanitizer's.
 */
#include <linux/eventpoll.h>
#include <linux/rtnetlink.h>
#include "core/heap.h"
#include "core/timer.h"
#include "fs/fake.h"
#include "lib/string.h"
#include "net/inet_priv.h"
#include "net/netlink.h"

#define NR_STEPS	300000u
#define NR_SOCKS	12u
#define NR_THREADS	3u
#define FIRST_PORT	2000u
#define NR_PORTS	3u

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

static ssize_t send_bytes(struct sock *s, void *buf, size_t n, uint32_t flags,
			  const uint8_t *to)
{
	struct flat_data f = { { n, flat_out }, buf };
	struct sock_msg m = { .data = &f.d, .flags = flags, .nonblock = true,
			      .addr = to, .addr_len = to ? 16 : 0 };

	return s->ops->send(s, &m);
}

static ssize_t recv_bytes(struct sock *s, void *buf, size_t n, uint32_t flags)
{
	struct flat_data f = { { n, flat_in }, buf };
	struct sock_msg m = { .data = &f.d, .flags = flags, .nonblock = true };

	return s->ops->recv(s, &m);
}

/* A struct sockaddr_in. */
static void name(uint8_t a[16], uint32_t ip, uint16_t port)
{
	memset(a, 0, 16);
	a[0] = AF_INET;
	a[2] = (uint8_t)(port >> 8);
	a[3] = (uint8_t)port;
	for (uint32_t i = 0; i < 4; i++)
		a[4 + i] = (uint8_t)(ip >> (24 - 8 * i));
}

static struct sock *make(uint32_t type)
{
	struct sock *s = NULL;

	return inet_create(type, 0, &s) ? NULL : s;
}

static struct sock *make_raw(uint32_t type, uint32_t protocol)
{
	struct sock *s = NULL;

	if (inet_create(type, protocol, &s))
		return NULL;
	inet_start(s);
	return s;
}

static int bind_port(struct sock *s, uint16_t port)
{
	uint8_t a[16];

	name(a, 0x7f000001, port);
	return s->ops->names->bind(s, a, 16);
}

static int connect_port(struct sock *s, uint16_t port)
{
	uint8_t a[16];

	name(a, 0x7f000001, port);
	return s->ops->names->connect(s, a, 16, true);
}

static void drop(struct sock *s)
{
	s->ops->release(s);
}

/* --- tests ---------------------------------------------------------------------*/
static void out_of_reach(void)
{
	struct sock *t = make(SOCK_STREAM), *u = make(SOCK_DGRAM), *v;
	uint8_t a[16], b[28] = { AF_INET6, 0, 0, 9 };

	name(a, 0x0a000001, 9);
	CHECK_EQ(t->ops->names->connect(t, a, 16, false), -ENETUNREACH);
	CHECK_EQ(u->ops->names->connect(u, a, 16, false), -ENETUNREACH);
	CHECK_EQ(send_bytes(u, "x", 1, 0, a), -ENETUNREACH);
	CHECK_EQ(t->ops->names->bind(t, a, 16), -EADDRNOTAVAIL);
	CHECK_EQ(inet6_create(SOCK_STREAM, 0, &v), 0);
	b[8] = 0x20;
	CHECK_EQ(v->ops->names->connect(v, b, 28, false), -ENETUNREACH);
	CHECK_EQ(v->ops->names->bind(v, b, 28), -EADDRNOTAVAIL);
	/* IPv4 for a socket that is bound to ::1 */
	memset(b + 8, 0, 16);
	b[23] = 1;
	b[2] = b[3] = 0;
	CHECK_EQ(v->ops->names->bind(v, b, 28), 0);
	b[3] = 9;
	b[18] = b[19] = 0xff;
	b[20] = 127;
	CHECK_EQ(v->ops->names->connect(v, b, 28, false), -ENETUNREACH);
	drop(t);
	drop(u);
	drop(v);
}

static void all_ports_taken(void)
{
	static struct sock *s[30000];
	uint32_t n = 0;
	struct sock *t;

	while (n < ARRAY_LEN(s) && (s[n] = make(SOCK_DGRAM)) &&
	       !bind_port(s[n], 0))
		n++;
	CHECK_EQ(n, 60999 - 32768 + 1);
	drop(s[n]);
	t = make(SOCK_DGRAM);
	CHECK_EQ(connect_port(t, 40000), -EADDRNOTAVAIL);
	drop(t);
	t = make(SOCK_STREAM);
	CHECK_EQ(bind_port(t, 0), 0);
	drop(t);
	while (n)
		drop(s[--n]);
}

/* Connects that wait for room, whose sockets or listener then go. */
static void pending_ends(void)
{
	for (uint32_t round = 0; round < 3; round++) {
		struct sock *l = make(SOCK_STREAM), *s[4], *n;

		CHECK_EQ(bind_port(l, FIRST_PORT), 0);
		CHECK_EQ(l->ops->names->listen(l, 0), 0);
		for (uint32_t i = 0; i < 4; i++) {
			s[i] = make(SOCK_STREAM);
			CHECK_EQ(connect_port(s[i], FIRST_PORT), -EINPROGRESS);
		}
		CHECK_EQ(inet_state(s[0]), TCP_ESTABLISHED);
		CHECK_EQ(inet_state(s[1]), TCP_SYN_SENT);
		drop(s[2]);
		if (round == 0) {
			CHECK_EQ(l->ops->names->accept(l, true, &n), 0);
			drop(n);
			CHECK_EQ(inet_state(s[1]), TCP_ESTABLISHED);
			CHECK_EQ(inet_state(s[3]), TCP_SYN_SENT);
		} else if (round == 1) {
			CHECK_EQ(s[1]->ops->names->shutdown(s[1], 2), 0);
			CHECK_EQ(inet_state(s[1]), TCP_CLOSE);
		}
		drop(l);
		CHECK_EQ(s[3]->err, ECONNREFUSED);
		drop(s[0]);
		drop(s[1]);
		drop(s[3]);
	}
}

static void no_memory(void)
{
	struct sock *l = make(SOCK_STREAM), *s, *n;

	CHECK_EQ(bind_port(l, FIRST_PORT), 0);
	CHECK_EQ(l->ops->names->listen(l, 5), 0);
	for (uint32_t i = 1; i < 6; i++) {
		heap_fail_after(i);
		s = make(SOCK_STREAM);
		if (s) {
			int err = connect_port(s, FIRST_PORT);

			CHECK(err == -EINPROGRESS || err == -ENOMEM);
			if (err == -EINPROGRESS)
				(void)!send_bytes(s, "a", 1, 0, NULL);
			drop(s);
		}
		heap_fail_after(0);
		while (!l->ops->names->accept(l, true, &n))
			drop(n);
	}
	drop(l);
}

/* --- anything --------------------------------------------------------------------*/
static uint32_t pick_from(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

static struct sock *make_any(uint32_t *seed)
{
	static const uint8_t protocols[] = {
		INET_ICMP, INET_UDP, INET_RAW, 200, INET_TCP,
	};

	switch (pick_from(seed, 6)) {
	case 0:
		return make(SOCK_DGRAM);
	case 1:
		return make_raw(SOCK_RAW, protocols[pick_from(seed, 5)]);
	case 2:
		return make_raw(SOCK_DGRAM, INET_ICMP);
	default:
		return make(SOCK_STREAM);
	}
}

/* A packet as raw sockets send it: often an echo request, or a datagram, with
 * a header or without, and whatever is wrong with it. */
static uint32_t make_packet(uint8_t *p, uint32_t *seed)
{
	uint32_t head = pick_from(seed, 2) ? 20 : 0, sum = 0, len;
	uint8_t *d = p + head;

	len = head + 8 + pick_from(seed, 60);
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)pick_from(seed, 256);
	if (head) {
		p[0] = pick_from(seed, 9) ? 0x45 : (uint8_t)len;
		p[6] = p[7] = 0;
		p[9] = pick_from(seed, 2) ? INET_ICMP : INET_UDP;
		name(d - 8, 0x7f000001, 0);	/* its last four bytes */
		memcpy(d - 4, (uint8_t[]){ 127, 0, 0, 1 }, 4);
	}
	d[0] = pick_from(seed, 2) ? 8 : 0;
	d[1] = d[2] = d[3] = d[6] = d[7] = 0;
	if (pick_from(seed, 2)) {	/* a datagram to one of the ports */
		d[2] = FIRST_PORT >> 8;
		d[3] = (uint8_t)(FIRST_PORT + pick_from(seed, NR_PORTS));
		d[4] = 0;
		d[5] = (uint8_t)(len - head);
		return len;
	}
	for (uint32_t i = head; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	d[2] = (uint8_t)(sum >> 8);
	d[3] = (uint8_t)sum;
	return len;
}

/* What only datagrams and packets have. */
static void random_raw_call(struct sock *s, uint32_t *seed)
{
	int32_t on = (int32_t)pick_from(seed, 2);
	uint8_t p[100], a[16];

	switch (pick_from(seed, 5)) {
	case 0:
		(void)!inet_set_option(s, SOL_IP, 3 /* IP_HDRINCL */,
				       (uint8_t *)&on, sizeof(on));
		break;
	case 1:
		(void)!inet_set_option(s, SOL_IP, 11 /* IP_RECVERR */,
				       (uint8_t *)&on, sizeof(on));
		break;
	case 2:
		(void)!recv_bytes(s, p, sizeof(p), MSG_ERRQUEUE);
		break;
	default:
		name(a, 0x7f000001, 0);
		(void)!send_bytes(s, p, make_packet(p, seed), 0, a);
	}
}

/* Calls without waiting on one socket of a set, that is this thread's. */
static void random_call(struct sock **p, uint32_t *seed)
{
	static uint8_t bytes[3000];
	uint8_t a[16] = { 0 };
	uint16_t port = (uint16_t)(FIRST_PORT + pick_from(seed, NR_PORTS));
	struct sock *s = *p, *n;

	if (!s) {
		*p = s = make_any(seed);
		s->flags = pick_from(seed, 2) ? 1u << 2 | 1u << 15 : 0;
		return;
	}
	if (s->type != SOCK_STREAM && pick_from(seed, 2)) {
		random_raw_call(s, seed);
		return;
	}
	switch (pick_from(seed, 14)) {
	case 0:
		drop(s);
		*p = NULL;
		break;
	case 1:
		(void)!bind_port(s, pick_from(seed, 2) ? port : 0);
		break;
	case 2:
		if (s->ops->names->listen)
			(void)!s->ops->names->listen(s, 1);
		break;
	case 3:
	case 4:
		(void)!connect_port(s, port);
		break;
	case 5:
		(void)!s->ops->names->connect(s, a, 16, true);
		break;
	case 6:
	case 7:
		if (!s->ops->names->accept ||
		    s->ops->names->accept(s, true, &n))
			break;
		drop(s);
		*p = n;
		break;
	case 8:
		(void)!s->ops->names->shutdown(s, (int)pick_from(seed, 3));
		break;
	case 9:
		name(a, 0x7f000001, port);
		(void)!send_bytes(s, bytes, pick_from(seed, sizeof(bytes)),
				  pick_from(seed, 4) ? 0 : MSG_OOB,
				  s->type != SOCK_STREAM ? a : NULL);
		break;
	case 10:
		(void)!send_bytes(s, bytes, 100, 0, NULL);
		break;
	case 11:
		s->linger = pick_from(seed, 2) ? 0 : -1;
		break;
	case 12:
		(void)!s->ops->poll(s);
		(void)!sock_take_error(s);
		break;
	default:
		(void)!recv_bytes(s, (uint8_t[100]){ 0 }, 100,
				  pick_from(seed, 4) ? 0 : MSG_PEEK);
	}
}

static void *anything(void *arg)
{
	struct sock *s[NR_SOCKS] = { NULL };
	uint32_t seed = (uint32_t)(uint64_t)arg;

	for (uint32_t i = 0; i < NR_STEPS; i++)
		random_call(&s[pick_from(&seed, NR_SOCKS)], &seed);
	for (uint32_t i = 0; i < NR_SOCKS; i++)
		if (s[i])
			drop(s[i]);
	return NULL;
}

static void anything_alone(void)
{
	anything((void *)1);
}

static void anything_together(void)
{
	unsigned long t[NR_THREADS];

	for (uint64_t i = 0; i < NR_THREADS; i++)
		pthread_create(&t[i], NULL, anything, (void *)(i + 2));
	for (uint32_t i = 0; i < NR_THREADS; i++)
		pthread_join(t[i], NULL);
}

/* Requests with wrong lengths, types and attributes. */
static void any_request(void)
{
	uint8_t bytes[200], reply[8192];
	uint32_t seed = 5, answers = 0;
	struct sock *s;

	CHECK_EQ(netlink_create(SOCK_RAW, 1, &s), -EPROTONOSUPPORT);
	CHECK_EQ(netlink_create(SOCK_RAW, NETLINK_ROUTE, &s), 0);
	for (uint32_t i = 0; i < NR_STEPS; i++) {
		uint32_t len = pick_from(&seed, sizeof(bytes));
		uint8_t *b = kmalloc(len + 1);	/* the sanitizer sees its end */
		struct nlmsghdr h = {
			.nlmsg_len = pick_from(&seed, 4) ? len :
				     pick_from(&seed, 300),
			.nlmsg_type = (uint16_t)(pick_from(&seed, 40)),
			.nlmsg_flags = (uint16_t)pick_from(&seed, 0x400),
		};

		for (uint32_t k = 0; k < len; k++)
			b[k] = (uint8_t)pick_from(&seed, 8);
		memcpy(b, &h, MIN(len, sizeof(h)));
		CHECK_EQ(send_bytes(s, b, len, 0, NULL), len);
		kfree(b);
		while (recv_bytes(s, reply, sizeof(reply), 0) > 0)
			answers++;
	}
	CHECK(answers > NR_STEPS / 20);
	drop(s);
}

/* mq_notify keeps a reference, and may queue its cookie late. */
static void netlink_that_is_closed(void)
{
	struct sock *s;

	CHECK_EQ(netlink_create(SOCK_RAW, NETLINK_ROUTE, &s), 0);
	sock_get(s);
	CHECK(sk_queue_record(s, sk_buf_create(NULL, 32)));
	s->ops->release(s);
	CHECK(!sk_queue_record(s, sk_buf_create(NULL, 32)));
	sock_put(s);
}

static void count_row(void *arg, const struct inet_row *r)
{
	++*(uint32_t *)arg;
}

static void nothing_stays(void)
{
	uint32_t n = 0;

	inet_show(NULL, AF_INET, SOCK_STREAM, 0, count_row, &n);
	inet_show(NULL, AF_INET, SOCK_RAW, 0, count_row, &n);
	inet_show(NULL, AF_INET, SOCK_DGRAM, 0, count_row, &n);
	CHECK_EQ(n, 0);
}

/* What is queued of errors is not all that was sent. */
static void errors_are_small(void)
{
	enum { SENT = 200, BYTES = 60000 };
	uint8_t to[16], *bytes = kzalloc(BYTES), on[4] = { 1 };
	struct sock *s;
	uint64_t before;

	CHECK_EQ(inet_create(SOCK_DGRAM, 0, &s), 0);
	CHECK_EQ(inet_set_option(s, SOL_IP, 11 /* IP_RECVERR */, on, 4), 0);
	name(to, 0x7f000001, 9);
	before = fake_pages_used;
	for (uint32_t i = 0; i < SENT; i++) {
		(void)!sock_take_error(s);
		CHECK_EQ(send_bytes(s, bytes, BYTES, 0, to), BYTES);
	}
	CHECK(inet_of(s)->nr_errors > SENT / 2);
	CHECK(fake_pages_used - before < SENT);
	kfree(bytes);
	drop(s);
}

static const struct unit_test tests[] = {
	{ "errors are small", errors_are_small },
	{ "out of reach", out_of_reach },
	{ "all ports taken", all_ports_taken },
	{ "tcp: connects that wait", pending_ends },
	{ "tcp: no memory", no_memory },
	{ "anything", anything_alone },
	{ "anything, by threads", anything_together },
	{ "netlink: any request", any_request },
	{ "netlink: that is closed", netlink_that_is_closed },
	{ "nothing stays", nothing_stays },
};

static void no_signal(int32_t owner)
{
}

int main(void)
{
	sock_upcalls.urgent = no_signal;
	return unit_run("inet", tests, ARRAY_LEN(tests), fake_count_pages, fake_check_pages);
}
