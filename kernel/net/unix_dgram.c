/* SPDX-License-Identifier: MIT */
/*
 * Records: datagram and sequential-packet sockets. One buffer is one record.
 * A datagram socket may be connected to a peer that does not know it; it is
 * then in the peer's `senders`, so that it can be told when there is room.
 */
#include <linux/eventpoll.h>
#include "net/unix.h"

bool unix_dgram_is_full(struct sock *to, const struct sock *s)
{
	/* two that are connected to each other are bounded by sndbuf */
	return __atomic_load_n(&to->queue_len, __ATOMIC_SEQ_CST) >
	       to->backlog && to->peer != s && !to->released;
}

/* --- connect --------------------------------------------------------------------------*/
struct sock *unix_dgram_detach_locked(struct sock *s)
{
	struct sock *old = s->peer;

	s->peer = NULL;
	s->state = SOCK_CLOSED;
	return old;
}

/* There is room in s again: tell those who wait for it. */
static void tell_room(struct sock *s)
{
	wait_wake_all(&s->peer_wait, 0);
	mutex_lock(&s->lock);
	list_for_each(p, &s->senders)
		wait_wake_all(&list_entry(p, struct sock, sender_link)->wait,
			      EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	mutex_unlock(&s->lock);
}

/*
 * s, under its read_lock, has a peer no more. What is queued came from there, and
 * is lost; if there was something, a peer that was connected to s, too, is told.
 */
static void end_pair(struct sock *s, struct sock *old)
{
	struct list queue;

	mutex_lock(&s->lock);
	list_move_all(&s->queue, &queue);
	s->queue_bytes = 0;
	__atomic_store_n(&s->queue_len, 0, __ATOMIC_SEQ_CST);
	mutex_unlock(&s->lock);
	if (list_is_empty(&queue))
		return;
	sk_queue_purge(&queue);
	tell_room(s);
	mutex_lock(&old->lock);
	if (old->peer == s && !old->released && !s->released)
		old->err = ECONNRESET;
	mutex_unlock(&old->lock);
	wait_wake_all(&old->wait, 0);
}

static int connect_check_locked(const struct sock *s, const struct sock *to)
{
	return to->released ? -ECONNREFUSED :
	       to->peer && to->peer != s ? -EPERM : 0;
}

/* s is no longer connected to old: drop the reference it held. */
static void forget_peer(struct sock *s, struct sock *old)
{
	if (!old)
		return;
	mutex_lock(&old->lock);
	list_remove(&s->sender_link);
	mutex_unlock(&old->lock);
	sock_put(old);
}

int unix_dgram_connect(struct sock *s, struct sock *to, bool nonblock)
{
	struct sock *old;
	int err = 0;

	if (to && to->type != s->type)
		return -EPROTOTYPE;
	/* read_lock serialises connects of s: sender_link has one owner */
	mutex_lock(&s->read_lock);
	if (to) {
		mutex_lock_two(&s->lock, &to->lock);
		err = connect_check_locked(s, to);
		mutex_unlock_two(&s->lock, &to->lock);
	}
	if (err)
		goto out;
	mutex_lock(&s->lock);
	old = unix_dgram_detach_locked(s);
	mutex_unlock(&s->lock);
	if (old && old != to)
		end_pair(s, old);
	forget_peer(s, old);
	if (to) {
		mutex_lock_two(&s->lock, &to->lock);
		err = connect_check_locked(s, to);
		if (!err) {
			s->peer = sock_get(to);
			s->state = SOCK_CONNECTED;
			list_append(&to->senders, &s->sender_link);
		}
		mutex_unlock_two(&s->lock, &to->lock);
	}
out:
	mutex_unlock(&s->read_lock);
	wait_wake_all(&s->wait, 0);
	return err;
}

/* --- sending ----------------------------------------------------------------------------*/
/* Where the message goes, referenced. NULL and *err. */
static struct sock *destination(struct sock *s, struct sock_msg *m, int *err)
{
	struct sock *to = NULL;

	*err = 0;
	mutex_lock(&s->lock);
	if (s->type == SOCK_SEQPACKET) {
		if (s->state != SOCK_CONNECTED)
			*err = -ENOTCONN;
		else if (s->peer)
			to = sock_get(s->peer);
	} else if (m->to) {
		to = sock_get(m->to);
	} else if (s->peer) {
		to = sock_get(s->peer);
	}
	if (!*err && !to)
		*err = -ENOTCONN;
	mutex_unlock(&s->lock);
	return to;
}

/* 0: queued. -EAGAIN: full. Both ends are looked at under `to`'s lock. */
static int try_queue(struct sock *s, struct sock *to, struct sk_buf *b)
{
	int err = 0;

	mutex_lock(&to->lock);
	if (to->type == SOCK_DGRAM && to->peer && to->peer != s)
		err = -EPERM;
	else if (to->released)
		err = to->type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
	else if (to->shutdown & SHUT_RECV)
		err = -EPIPE;
	else if (to != s && unix_dgram_is_full(to, s))
		err = -EAGAIN;
	if (!err) {
		list_append(&to->queue, &b->link);
		to->queue_bytes += b->len;
		__atomic_store_n(&to->queue_len, to->queue_len + 1,
				 __ATOMIC_SEQ_CST);
	}
	mutex_unlock(&to->lock);
	return err;
}

static int queue_record(struct sock *s, struct sock *to, struct sk_buf *b,
			bool nonblock)
{
	int err = try_queue(s, to, b), sleep_err = 0;
	uint64_t deadline;
	struct waiter w;

	if (err != -EAGAIN || nonblock)
		return err;
	deadline = sock_deadline(s->sndtimeo_ns);
	wait_begin(&w, &to->peer_wait);
	while ((err = try_queue(s, to, b)) == -EAGAIN && !sleep_err)
		sleep_err = wait_sleep(&w, deadline, true);
	wait_end(&w);
	return err == -EAGAIN ? sock_sleep_error(sleep_err, s->sndtimeo_ns) :
				err;
}

/* The peer was released: a connected datagram socket lets go of it. */
static void drop_dead_peer(struct sock *s, struct sock *to)
{
	bool is_peer;

	mutex_lock(&s->lock);
	is_peer = s->peer == to;
	mutex_unlock(&s->lock);
	if (s->type == SOCK_DGRAM && is_peer)
		unix_dgram_connect(s, NULL, true);
}

static int send_record(struct sock *s, struct sock *to, struct sock_msg *m,
		       uint32_t len)
{
	struct sk_buf *b;
	int err = sock_wait_space(s, m->nonblock);

	if (err)
		return err;
	b = sk_buf_create(s, len);
	if (!b)
		return -ENOBUFS;
	b->cred = m->cred;
	if (m->data->move(m->data, b->data, len) != len) {
		sk_buf_free(b);
		return -EFAULT;
	}
	b->files = m->files;
	err = queue_record(s, to, b, m->nonblock);
	if (err) {
		b->files = NULL;
		sk_buf_free(b);
		if (err == -ECONNREFUSED)
			drop_dead_peer(s, to);
		return err;
	}
	m->files = NULL;
	wait_wake_all(&to->wait, EPOLLIN | EPOLLRDNORM);
	return 0;
}

int unix_send_error(struct sock *s)
{
	if (s->err)
		return sock_take_error(s);
	return s->shutdown & SHUT_SEND ? -EPIPE : 0;
}

ssize_t unix_dgram_send(struct sock *s, struct sock_msg *m)
{
	size_t len = m->data->left;
	struct sock *to;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (s->type == SOCK_SEQPACKET && s->state != SOCK_CONNECTED)
		return -ENOTCONN;
	if (len > s->sndbuf - 32)
		return -EMSGSIZE;
	err = unix_send_error(s);
	if (err)
		return err;
	to = destination(s, m, &err);
	if (!to)
		return err;
	err = to->type != s->type ? -EPROTOTYPE :
	      send_record(s, to, m, (uint32_t)len);
	sock_put(to);
	return err ? err : (ssize_t)len;
}

/* --- receiving: read_lock held ------------------------------------------------------------*/
/* The record to read, or to peek at; *skip: bytes of it already peeked. */
static struct sk_buf *next_record(struct sock *s, bool peek, uint32_t *skip)
{
	struct sk_buf *found = NULL;
	uint32_t off = peek && s->peek_off > 0 ? (uint32_t)s->peek_off : 0;

	mutex_lock(&s->lock);
	list_for_each(p, &s->queue) {
		struct sk_buf *b = list_entry(p, struct sk_buf, link);

		if (off && off >= b->len) {
			off -= b->len;
			continue;
		}
		found = b;
		break;
	}
	mutex_unlock(&s->lock);
	*skip = off;
	return found;
}

static void remove_record(struct sock *s, struct sk_buf *b)
{
	uint32_t left;

	mutex_lock(&s->lock);
	list_remove(&b->link);
	s->queue_bytes -= b->len;
	left = s->queue_len - 1;
	__atomic_store_n(&s->queue_len, left, __ATOMIC_SEQ_CST);
	mutex_unlock(&s->lock);
	if (left == s->backlog)
		tell_room(s);
	sk_buf_free(b);
}

/* Returns 0: look again, 1: end of file, or -errno. */
static int wait_for_record(struct sock *s, struct sock_msg *m, uint64_t deadline)
{
	struct waiter w;
	int err = 0;

	if (s->shutdown & SHUT_RECV &&
	    (s->type == SOCK_SEQPACKET || !m->nonblock))
		return 1;
	if (m->nonblock)
		return -EAGAIN;
	mutex_unlock(&s->read_lock);
	wait_begin(&w, &s->wait);
	while (!err && !__atomic_load_n(&s->queue_len, __ATOMIC_ACQUIRE) &&
	       !s->err && !(s->shutdown & SHUT_RECV))
		err = wait_sleep(&w, deadline, true);
	wait_end(&w);
	mutex_lock(&s->read_lock);
	return sock_sleep_error(err, s->rcvtimeo_ns);
}

/* Copy b out. Returns the bytes, by MSG_TRUNC those there were. */
static ssize_t take_record(struct sock *s, struct sock_msg *m, struct sk_buf *b,
			   uint32_t skip)
{
	uint32_t have = b->len - skip;
	uint32_t n = (uint32_t)MIN((size_t)have, m->data->left);
	bool peek = m->flags & MSG_PEEK;

	if (m->data->move(m->data, b->data + skip, n) != n)
		return -EFAULT;
	if (n < have)
		m->out_flags |= MSG_TRUNC;
	m->cred = b->cred;
	m->has_cred = true;
	if (s->ops->describe)
		s->ops->describe(m, b);
	if (m->want_from)
		m->from = s->ops->from ? s->ops->from(s, b) :
					 unix_addr_get(b->sender->addr);
	if (b->files && peek) {
		m->files = sk_files_dup(b->files);
	} else if (b->files) {
		m->files = b->files;
		b->files = NULL;
		sk_files_land(m->files);
	}
	if (s->peek_off >= 0)
		s->peek_off = peek ? s->peek_off + (int32_t)n :
			      MAX(s->peek_off - (int32_t)b->len, 0);
	if (!peek)
		remove_record(s, b);
	return m->flags & MSG_TRUNC ? have : n;
}

ssize_t unix_dgram_recv(struct sock *s, struct sock_msg *m)
{
	uint64_t deadline = m->nonblock ? 0 : sock_deadline(s->rcvtimeo_ns);
	struct sk_buf *b;
	uint32_t skip;
	ssize_t ret = 0;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (s->type == SOCK_SEQPACKET && s->state != SOCK_CONNECTED)
		return -ENOTCONN;
	mutex_lock(&s->read_lock);
	for (b = NULL; !ret; ret = wait_for_record(s, m, deadline)) {
		ret = s->err ? sock_take_error(s) : 0;
		if (ret)
			break;
		b = next_record(s, m->flags & MSG_PEEK, &skip);
		if (b)
			break;
	}
	if (b)
		ret = take_record(s, m, b, skip);
	else if (ret == 1)
		ret = 0;
	mutex_unlock(&s->read_lock);
	return ret;
}

const struct sock_ops unix_dgram_ops = {
	.send = unix_dgram_send,
	.recv = unix_dgram_recv,
	.poll = unix_poll,
	.connect = unix_dgram_connect,
	.release = unix_release,
};
