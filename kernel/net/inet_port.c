/* SPDX-License-Identifier: MIT */
/*
 * Who has which port: one table for TCP and UDP, hashed by port, all under
 * inet_lock. In it is every socket with a port, those made by accept as well;
 * the port of a ping socket is its identifier, that of a raw one its protocol.
 * Listening sockets come first in their bucket, so that a look-up of a listener
 * does not walk over its connections.
 */
#include <asm/socket.h>
#include "net/inet_priv.h"

#define NR_BUCKETS	128u
#define PORT_FIRST	32768u	/* net.ipv4.ip_local_port_range */
#define PORT_LAST	60999u
#define NR_PORTS	(PORT_LAST - PORT_FIRST + 1)

struct mutex inet_lock = MUTEX_INIT;
/* under inet_lock */
static struct list ports[NR_BUCKETS];	/* next NULL: never used */
static uint32_t next_port;

static struct list *bucket_of(uint16_t port)
{
	struct list *b = &ports[port % NR_BUCKETS];

	if (!b->next)
		list_init(b);
	return b;
}

/* Does a socket of this address get what is sent to ip? */
static bool covers(const struct inet *in, const union inet_ip *ip)
{
	const union inet_ip *own = &in->own.ip;

	if (inet_ip_equal(own, ip))
		return true;
	if (!inet_ip_is_any(own))
		return false;
	return inet_ip_is_v4(own) ? inet_ip_is_v4(ip) :
	       !inet_ip_is_v4(ip) || !inet_is_v6only(in->sock);
}

static bool is_same_port(const struct inet *a, const struct inet *b)
{
	return a != b && a->own.port == b->own.port &&
	       a->sock->space == b->sock->space &&
	       a->sock->type == b->sock->type &&
	       a->sock->protocol == b->sock->protocol &&
	       (covers(a, &b->own.ip) || covers(b, &a->own.ip));
}

/* Both asked for sharing their port with others that do. */
static bool is_shared(const struct sock *a, const struct sock *b,
		      bool listening)
{
	uint32_t both = a->flags & b->flags;

	if (both & 1u << SO_REUSEPORT && a->own_cred.uid == b->own_cred.uid)
		return true;
	return both & 1u << SO_REUSEADDR && !listening;
}

/* May s have the port that it names? exclusively: nobody else has it. */
static bool is_free(struct inet *in, bool exclusively)
{
	list_for_each(p, bucket_of(in->own.port)) {
		struct inet *o = list_entry(p, struct inet, link);

		if (is_same_port(in, o) &&
		    (exclusively ||
		     !is_shared(in->sock, o->sock,
				o->sock->state == SOCK_LISTENING)))
			return false;
	}
	return true;
}

static int take_any(struct inet *in)
{
	for (uint32_t i = 0; i < NR_PORTS; i++) {
		in->own.port = (uint16_t)(PORT_FIRST + next_port++ % NR_PORTS);
		if (is_free(in, true))
			return 0;
	}
	in->own.port = 0;
	return -EADDRINUSE;
}

void inet_enter_locked(struct sock *s)
{
	struct inet *in = inet_of(s);
	struct list *b = bucket_of(in->own.port);

	list_remove(&in->link);
	/* of two that share a port, the later one of UDP gets the datagrams */
	if (s->type != SOCK_STREAM || s->state == SOCK_LISTENING)
		list_prepend(b, &in->link);
	else
		list_append(b, &in->link);
}

void inet_leave_locked(struct sock *s)
{
	struct inet *in = inet_of(s);

	list_remove(&in->link);
	in->own.port = 0;
}

int inet_bind(struct sock *s, const uint8_t *addr, uint32_t len)
{
	struct inet *in = inet_of(s);
	struct inet_name n;
	int err = inet_read_own(s, addr, len, &n);

	if (err)
		return err;
	mutex_lock(&inet_lock);
	if (s->type == SOCK_RAW) {
		in->own.ip = in->bound = n.ip;
	} else if (in->own.port || s->state != SOCK_CLOSED) {
		err = -EINVAL;
	} else {
		in->own = n;
		err = n.port ? (is_free(in, false) ? 0 : -EADDRINUSE) :
			       take_any(in);
		if (!err) {
			inet_enter_locked(s);
			in->port_bound = n.port;
		} else {
			in->own = (struct inet_name){ .ip = in->bound };
		}
		in->bound = in->own.ip;
	}
	mutex_unlock(&inet_lock);
	return err;
}

int inet_autobind_locked(struct sock *s)
{
	struct inet *in = inet_of(s);

	if (in->own.port)
		return 0;
	if (take_any(in))
		return -EADDRNOTAVAIL;
	inet_enter_locked(s);
	return 0;
}

int inet_listen_check_locked(struct sock *s)
{
	struct inet *in = inet_of(s);

	list_for_each(p, bucket_of(in->own.port)) {
		struct inet *o = list_entry(p, struct inet, link);

		if (o->sock->state == SOCK_LISTENING && is_same_port(in, o) &&
		    !is_shared(s, o->sock, true))
			return -EADDRINUSE;
	}
	return 0;
}

bool inet_is_taken_locked(const struct sock *s, const struct inet_name *peer)
{
	const struct inet *in = inet_of(s);

	list_for_each(p, bucket_of(in->own.port)) {
		const struct inet *o = list_entry(p, struct inet, link);

		if (o != in && o->sock->type == s->type &&
		    o->sock->space == s->space &&
		    o->own.port == in->own.port &&
		    o->peer.port == peer->port &&
		    inet_ip_equal(&o->own.ip, &in->own.ip) &&
		    inet_ip_equal(&o->peer.ip, &peer->ip))
			return true;
	}
	return false;
}

/* How well does it fit? 0: not at all. */
static uint32_t score(const struct inet *in, const struct inet_name *to,
		      const struct inet_name *from)
{
	uint32_t n = 1;

	if (in->own.port != to->port || !covers(in, &to->ip))
		return 0;
	if (inet_ip_equal(&in->own.ip, &to->ip))
		n += 2;
	n += inet_ip_is_v4(&in->own.ip);
	if (in->sock->type == SOCK_STREAM || !in->peer.port)
		return n;
	return in->peer.port == from->port &&
	       inet_ip_equal(&in->peer.ip, &from->ip) ? n + 4 : 0;
}

struct sock *inet_next_locked(const struct sock *s, const struct net_space *n,
			      uint32_t type, uint32_t protocol,
			      const struct inet_name *to)
{
	struct list *b = bucket_of(to->port), *l = s ? &inet_of(s)->link : b;

	while ((l = l->next) != b) {
		const struct inet *in = list_entry(l, struct inet, link);

		if (in->sock->type == type && in->sock->protocol == protocol &&
		    in->sock->space == n && in->own.port == to->port &&
		    covers(in, &to->ip))
			return in->sock;
	}
	return NULL;
}

struct sock *inet_find_locked(const struct net_space *space, uint32_t protocol,
			      const struct inet_name *to,
			      const struct inet_name *from)
{
	uint32_t type = protocol == INET_TCP ? SOCK_STREAM : SOCK_DGRAM;
	uint32_t best = 0, nr = 0, hash = from->port;
	struct sock *found = NULL;

	list_for_each(p, bucket_of(to->port)) {
		const struct inet *in = list_entry(p, struct inet, link);
		uint32_t n;

		if (in->sock->type != type || in->sock->protocol != protocol)
			continue;
		if (type == SOCK_STREAM && in->sock->state != SOCK_LISTENING)
			break;
		if (in->sock->space != space)
			continue;
		n = score(in, to, from);
		if (n > best) {
			best = n;
			nr = 1;
			found = in->sock;
		} else if (n && n == best &&
			   in->sock->flags & 1u << SO_REUSEPORT) {
			/* each of nr with the same chance, by the sender */
			hash = hash * 2654435761u + 1;
			if ((hash >> 16) % ++nr == 0)
				found = in->sock;
		}
	}
	return found;
}

static void show_one(struct inet *in,
		     void (*show)(void *, const struct inet_row *), void *arg)
{
	struct sock *s = in->sock;
	struct inet_row r = {
		.own = in->own, .peer = in->peer, .state = inet_state(s),
		.uid = s->own_cred.uid, .id = s->id, .drops = in->drops,
	};

	mutex_lock(&s->lock);
	r.rx_bytes = (uint32_t)s->queue_bytes;
	if (s->state == SOCK_LISTENING)
		r.rx_bytes = s->accept_len;
	mutex_unlock(&s->lock);
	show(arg, &r);
}

void inet_show(const struct net_space *n, uint32_t domain, uint32_t type,
	       uint32_t protocol,
	       void (*show)(void *arg, const struct inet_row *r), void *arg)
{
	mutex_lock(&inet_lock);
	for (uint32_t i = 0; i < NR_BUCKETS; i++) {
		list_for_each(p, bucket_of((uint16_t)i)) {
			struct inet *in = list_entry(p, struct inet, link);

			if (in->sock->space == n &&
			    in->sock->domain == domain &&
			    in->sock->type == type &&
			    (!protocol || in->sock->protocol == protocol))
				show_one(in, show, arg);
		}
	}
	mutex_unlock(&inet_lock);
}
