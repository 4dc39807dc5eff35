/* SPDX-License-Identifier: MIT */
/*
 * UDP between sockets of one sandbox: one buffer is one datagram, its sender's
 * name behind the data, queued as far as the receiver's rcvbuf has room, and
 * lost where it has not. inet_lock is held from the look-up of the receiver
 * until its queue has the datagram, so it can not go meanwhile.
 */
#include <linux/eventpoll.h>
#include <asm/socket.h>
#include "lib/string.h"
#include "net/inet_priv.h"
#include "net/unix.h"

#define UDP_HEADERS	28u	/* of the 64 KiB of an IPv4 packet */
#define UDP_MAX		65535u

/* Behind the data of a record. */
struct udp_tail {
	struct inet_name from, to;
	uint8_t hops, tos;
};

static struct udp_tail *tail_of(const struct sk_buf *b)
{
	return (struct udp_tail *)(b->data + ALIGN_UP(b->len, 8u));
}

/* --- sending ----------------------------------------------------------------------*/
static struct sk_buf *make_record(struct sock_msg *m, uint32_t len, int *err)
{
	uint32_t size = ALIGN_UP(len, 8u) + (uint32_t)sizeof(struct udp_tail);
	struct sk_buf *b = sk_buf_create(NULL, size);

	*err = b ? 0 : -ENOBUFS;
	if (!b)
		return NULL;
	b->len = len;
	tail_of(b)->hops = (uint8_t)(m->hops - 1);
	tail_of(b)->tos = (uint8_t)(m->tos - 1);
	if (m->data->move(m->data, b->data, len) == len)
		return b;
	*err = -EFAULT;
	sk_buf_free(b);
	return NULL;
}

/* Nobody is there: tell a connected sender, or one that wants to know. */
static void unreachable(struct sock *s)
{
	if (!inet_of(s)->peer.port && !inet_wants_errors(s))
		return;
	s->err = ECONNREFUSED;
	wait_wake_all(&s->wait, 0);
}

/* Takes b over. */
static int deliver_locked(struct sock *s, const struct inet_name *to,
			  struct sk_buf *b)
{
	struct udp_tail *t = tail_of(b);
	struct inet *in = inet_of(s);
	struct sock *r;
	int err = inet_autobind_locked(s);

	if (err) {
		sk_buf_free(b);
		return err;
	}
	t->from = in->own;
	t->to = *to;
	inet_source(&to->ip, &t->from.ip);
	r = inet_find_locked(s, to, &t->from);
	if (!r) {
		sk_buf_free(b);
		unreachable(s);
	} else if (sk_queue_record(r, b)) {
		wait_wake_all(&r->wait, EPOLLIN | EPOLLRDNORM);
	} else {
		inet_of(r)->drops++;
	}
	return 0;
}

/* Where m goes: 0 and *to. */
static int destination(struct sock *s, const struct sock_msg *m,
		       struct inet_name *to)
{
	int err;

	if (!m->addr_len) {
		*to = inet_of(s)->peer;
		return to->port ? 0 : -EDESTADDRREQ;
	}
	err = inet_read_destination(s, m->addr, m->addr_len, to);
	return err ? err : to->port ? 0 : -EINVAL;
}

static ssize_t udp_send(struct sock *s, struct sock_msg *m)
{
	size_t len = m->data->left;
	struct inet_name to;
	struct sk_buf *b;
	int err;

	sk_files_drop(m->files);	/* nothing for this family */
	m->files = NULL;
	if (len > UDP_MAX)
		return -EMSGSIZE;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = destination(s, m, &to);
	if (err)
		return err;
	if (s->err)
		return sock_take_error(s);
	if (s->shutdown & SHUT_SEND)
		return -EPIPE;
	if (len > UDP_MAX - (inet_ip_is_v4(&to.ip) ? UDP_HEADERS : 8u))
		return -EMSGSIZE;
	inet_fill_packet(s, m);
	b = make_record(m, (uint32_t)len, &err);
	if (!b)
		return err;
	mutex_lock(&inet_lock);
	err = deliver_locked(s, &to, b);
	mutex_unlock(&inet_lock);
	return err ? err : (ssize_t)len;
}

/* --- receiving --------------------------------------------------------------------*/
static ssize_t udp_recv(struct sock *s, struct sock_msg *m)
{
	if (m->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	m->flags &= ~(uint32_t)MSG_OOB;
	return unix_dgram_recv(s, m);
}

static struct unix_addr *udp_from(struct sock *s, const struct sk_buf *b)
{
	uint8_t addr[SOCK_NAME_MAX];
	int n = inet_write_name(s->domain, &tail_of(b)->from, addr);

	return unix_addr_create(addr, (uint32_t)n);
}

static void udp_describe(struct sock_msg *m, const struct sk_buf *b)
{
	const struct udp_tail *t = tail_of(b);

	m->hops = t->hops;
	m->tos = t->tos;
	memcpy(m->at, &t->to.ip, sizeof(m->at));
}

/* --- names ------------------------------------------------------------------------*/
static void disconnect_locked(struct sock *s)
{
	struct inet *in = inet_of(s);

	in->peer.port = 0;
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
	return inet_of(s)->peer.port ? 0 : -ENOTCONN;
}

static void udp_release(struct sock *s)
{
	mutex_lock(&inet_lock);
	inet_leave_locked(s);
	mutex_unlock(&inet_lock);
	/* no datagram leads here any more */
	s->released = true;
	sk_queue_purge(&s->queue);
	sock_put(s);
}

static const struct sock_names udp_names = {
	.bind = inet_bind,
	.connect = udp_connect,
	.accept = unix_accept,
	.shutdown = udp_shutdown,
	.name = inet_name,
};

const struct sock_ops udp_ops = {
	.names = &udp_names,
	.send = udp_send,
	.recv = udp_recv,
	.poll = unix_poll,
	.release = udp_release,
	.from = udp_from,
	.describe = udp_describe,
};
