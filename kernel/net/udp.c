/* SPDX-License-Identifier: MIT */
/*
 * UDP between sockets of one sandbox: one buffer is one datagram, its sender's
 * name behind the data, queued as far as the receiver's rcvbuf has room, and
 * lost where it has not. inet_lock is held from the look-up of the receiver
 * until its queue has the datagram, so it can not go meanwhile. Who asked for it
 * (IP_RECVERR) finds what nobody took in a queue of its own.
 */
#include <linux/eventpoll.h>
#include <asm/socket.h>
#include "lib/string.h"
#include "net/inet_priv.h"
#include "net/unix.h"

#define UDP_HEADERS	28u	/* of the 64 KiB of an IPv4 packet */
#define UDP_MAX		65535u
#define ERRORS_MAX	128u
/* What an error brings back of the datagram: ICMP's limits. */
#define QUOTE_V4	520u
#define QUOTE_V6	1184u

/* --- records ----------------------------------------------------------------------*/
struct sk_buf *inet_record_create(uint32_t len, const struct inet_tail *t)
{
	uint32_t size = ALIGN_UP(len, 8u) + (uint32_t)sizeof(*t);
	struct sk_buf *b = sk_buf_create(NULL, size);

	if (!b)
		return NULL;
	b->len = len;
	*inet_tail_of(b) = *t;
	return b;
}

void inet_queue_locked(struct sock *s, struct sk_buf *b)
{
	if (sk_queue_record(s, b))
		wait_wake_all(&s->wait, EPOLLIN | EPOLLRDNORM);
	else
		inet_of(s)->drops++;
}

/* --- sending ----------------------------------------------------------------------*/
/*
 * Into the queue of errors: how the datagram began, and where it should have
 * gone. A copy: the queue is not to hold on to all that was sent.
 */
static void keep_error(struct sock *s, const struct sk_buf *lost)
{
	const struct inet_tail *t = inet_tail_of(lost);
	struct inet *in = inet_of(s);
	uint32_t len = MIN(lost->len, inet_ip_is_v4(&t->to.ip) ? QUOTE_V4 :
								 QUOTE_V6);
	struct sk_buf *b = inet_record_create(len, t);
	bool fits;

	if (!b)
		return;
	memcpy(b->data, lost->data, len);
	mutex_lock(&s->lock);
	fits = in->nr_errors < ERRORS_MAX;
	if (fits) {
		list_append(&in->errors, &b->link);
		__atomic_store_n(&in->nr_errors, in->nr_errors + 1,
				 __ATOMIC_RELEASE);
	}
	mutex_unlock(&s->lock);
	if (!fits)
		sk_buf_free(b);
}

/* Nobody is there: tell a sender that is connected to just that name, or wants
 * to know. */
static void unreachable(struct sock *s, const struct sk_buf *b)
{
	const struct inet_name *to = &inet_tail_of(b)->to;
	const struct inet_name *peer = &inet_of(s)->peer;
	bool wants = inet_wants_errors(s);

	if (peer->port ? peer->port != to->port ||
			 !inet_ip_equal(&peer->ip, &to->ip) : !wants)
		return;
	if (wants)
		keep_error(s, b);
	s->err = ECONNREFUSED;
	wait_wake_all(&s->wait, 0);
}

bool udp_input_locked(const struct net_space *n, const struct inet_tail *t,
		      const void *data, uint32_t len)
{
	struct sock *r = inet_find_locked(n, INET_UDP, &t->to, &t->from);
	struct sk_buf *b = r ? inet_record_create(len, t) : NULL;

	if (b) {
		memcpy(b->data, data, len);
		inet_queue_locked(r, b);
	}
	return r;
}

/* Takes b over. */
static int deliver_locked(struct sock *s, struct sk_buf *b)
{
	struct inet_tail *t = inet_tail_of(b);
	struct sock *r;
	int err = inet_autobind_locked(s);

	if (err) {
		sk_buf_free(b);
		return err;
	}
	t->from = inet_of(s)->own;
	inet_source(&t->to.ip, &t->from.ip);
	r = inet_find_locked(s->space, INET_UDP, &t->to, &t->from);
	raw_see_udp_locked(s->space, b, !r);
	if (r) {
		inet_queue_locked(r, b);
	} else {
		unreachable(s, b);
		sk_buf_free(b);
	}
	return 0;
}

int inet_destination(struct sock *s, const struct sock_msg *m,
		     struct inet_name *to)
{
	if (!m->addr_len) {
		*to = inet_of(s)->peer;
		return inet_ip_is_any(&to->ip) ? -EDESTADDRREQ : 0;
	}
	return inet_read_destination(s, m->addr, m->addr_len, to);
}

static ssize_t udp_send(struct sock *s, struct sock_msg *m)
{
	size_t len = m->data->left;
	struct inet_tail t;
	struct sk_buf *b;
	int err;

	sk_files_drop(m->files);	/* nothing for this family */
	m->files = NULL;
	if (len > UDP_MAX)
		return -EMSGSIZE;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = inet_destination(s, m, &t.to);
	if (err)
		return err;
	if (!t.to.port)
		return -EINVAL;
	if (s->err)
		return sock_take_error(s);
	if (s->shutdown & SHUT_SEND)
		return -EPIPE;
	if (len > UDP_MAX - (inet_ip_is_v4(&t.to.ip) ? UDP_HEADERS : 8u))
		return -EMSGSIZE;
	inet_fill_packet(s, m);
	t.hops = (uint8_t)(m->hops - 1);
	t.tos = (uint8_t)(m->tos - 1);
	b = inet_record_create((uint32_t)len, &t);
	if (!b)
		return -ENOBUFS;
	if (m->data->move(m->data, b->data, len) != len) {
		sk_buf_free(b);
		return -EFAULT;
	}
	mutex_lock(&inet_lock);
	err = deliver_locked(s, b);
	mutex_unlock(&inet_lock);
	return err ? err : (ssize_t)len;
}

/* --- receiving --------------------------------------------------------------------*/
static struct sk_buf *take_error(struct sock *s)
{
	struct inet *in = inet_of(s);
	struct sk_buf *b = NULL;

	mutex_lock(&s->lock);
	if (in->nr_errors) {
		b = list_first(&in->errors, struct sk_buf, link);
		list_remove(&b->link);
		__atomic_store_n(&in->nr_errors, in->nr_errors - 1,
				 __ATOMIC_RELEASE);
		s->err = in->nr_errors ? ECONNREFUSED : 0;
	}
	mutex_unlock(&s->lock);
	return b;
}

/* A name is that of the receiver who was not there. */
static ssize_t recv_error(struct sock *s, struct sock_msg *m)
{
	struct sk_buf *b = take_error(s);
	uint32_t n;

	if (!b)
		return -EAGAIN;
	n = (uint32_t)MIN((size_t)b->len, m->data->left);
	m->out_flags |= MSG_ERRQUEUE | (n < b->len ? MSG_TRUNC : 0);
	inet_tail_of(b)->from = inet_tail_of(b)->to;
	inet_describe(m, b);
	if (m->want_from)
		m->from = inet_from(s, b);
	if (m->data->move(m->data, b->data, n) != n) {
		unix_addr_put(m->from);
		m->from = NULL;
		sk_buf_free(b);
		return -EFAULT;
	}
	sk_buf_free(b);
	return n;
}

ssize_t inet_recv(struct sock *s, struct sock_msg *m)
{
	if (m->flags & MSG_ERRQUEUE)
		return recv_error(s, m);
	m->flags &= ~(uint32_t)MSG_OOB;
	return unix_dgram_recv(s, m);
}

uint32_t inet_poll(struct sock *s)
{
	return unix_poll(s) |
	       (__atomic_load_n(&inet_of(s)->nr_errors, __ATOMIC_ACQUIRE) ?
			EPOLLERR : 0);
}

struct unix_addr *inet_from(struct sock *s, const struct sk_buf *b)
{
	uint8_t addr[SOCK_NAME_MAX];
	int n = inet_write_name(s->domain, &inet_tail_of(b)->from, addr);

	return unix_addr_create(addr, (uint32_t)n);
}

void inet_describe(struct sock_msg *m, const struct sk_buf *b)
{
	const struct inet_tail *t = inet_tail_of(b);

	m->hops = t->hops;
	m->tos = t->tos;
	memcpy(m->at, &t->to.ip, sizeof(m->at));
}

/* --- names ------------------------------------------------------------------------*/
static void disconnect_locked(struct sock *s)
{
	struct inet *in = inet_of(s);

	in->peer.port = 0;
	/* "any" of its family */
	in->peer.ip.q[0] = 0;
	in->peer.ip.w[2] = s->domain == AF_INET ? in->bound.w[2] : 0;
	in->peer.ip.w[3] = 0;
	in->own.ip = in->bound;
	if (!in->port_bound)
		inet_leave_locked(s);
}

static int udp_connect(struct sock *s, const uint8_t *addr, uint32_t len,
		       bool nonblock)
{
	struct inet *in = inet_of(s);
	struct inet_name n;
	int err = 0;

	if (!inet_is_unspec(addr, len))
		err = inet_read_destination(s, addr, len, &n);
	if (err)
		return err;
	mutex_lock(&inet_lock);
	if (inet_is_unspec(addr, len)) {
		disconnect_locked(s);
	} else {
		in->own.ip = in->bound;
		inet_source(&n.ip, &in->own.ip);
		err = inet_autobind_locked(s);
		if (!err)
			in->peer = n;
	}
	mutex_unlock(&inet_lock);
	return err;
}

static int udp_shutdown(struct sock *s, int how)
{
	if (how < 0 || how > 2)
		return -EINVAL;
	mutex_lock(&s->lock);
	s->shutdown |= (uint32_t)how + 1;
	mutex_unlock(&s->lock);
	wait_wake_all(&s->wait, 0);
	return inet_state(s) == TCP_ESTABLISHED ? 0 : -ENOTCONN;
}

void inet_release(struct sock *s)
{
	mutex_lock(&inet_lock);
	inet_leave_locked(s);
	mutex_unlock(&inet_lock);
	/* no datagram leads here any more */
	s->released = true;
	sk_queue_purge(&s->queue);
	sk_queue_purge(&inet_of(s)->errors);
	sock_put(s);
}

const struct sock_names udp_names = {
	.bind = inet_bind,
	.connect = udp_connect,
	.shutdown = udp_shutdown,
	.name = inet_name,
};

const struct sock_ops udp_ops = {
	.names = &udp_names,
	.send = udp_send,
	.recv = inet_recv,
	.poll = inet_poll,
	.release = inet_release,
	.from = inet_from,
	.describe = inet_describe,
};
