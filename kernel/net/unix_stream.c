/* SPDX-License-Identifier: MIT */
/*
 * Byte streams. The sender appends buffers to its peer's queue; the receiver,
 * alone under read_lock, consumes them from the front. Buffers are filled
 * before the queue's lock is taken and emptied while only read_lock is held.
 */
#include <linux/eventpoll.h>
#include <asm/socket.h>
#include "net/unix.h"

/* Data of one buffer: with its head it fills eight pages. */
#define CHUNK_MAX	(32768u - (uint32_t)sizeof(struct sk_buf))

/* --- sending ----------------------------------------------------------------------------*/
static bool is_tcp(const struct sock *s)
{
	return s->protocol;
}

/* With ops->refused who no longer reads alone still takes data. */
static bool is_deaf(const struct sock *peer, const struct sock *s)
{
	uint32_t bits = s->ops->refused ? SHUT_BOTH : SHUT_RECV;

	return peer->released || (peer->shutdown & bits) == bits;
}

/* b is the new mark; the old one's byte is data, or lost if it is next. */
static void set_mark_locked(struct sock *s, struct sk_buf *b)
{
	list_for_each(p, &s->queue) {
		struct sk_buf *o = list_entry(p, struct sk_buf, link);

		if (o->urgent == SK_MARK)
			o->urgent = p == s->queue.next ? SK_VOID : SK_PLAIN;
	}
	s->urgent = URGENT_THERE | b->data[0];
}

static int stream_queue(struct sock *s, struct sk_buf *b)
{
	struct sock *peer = s->peer;
	int err = 0;

	mutex_lock(&peer->lock);
	if (is_deaf(peer, s) || s->shutdown & SHUT_SEND) {
		err = -EPIPE;
	} else {
		if (b->urgent)
			set_mark_locked(peer, b);
		list_append(&peer->queue, &b->link);
		peer->queue_bytes += b->len;
		__atomic_store_n(&peer->queue_len, peer->queue_len + 1,
				 __ATOMIC_RELEASE);
	}
	mutex_unlock(&peer->lock);
	if (!err)
		wait_wake_all(&peer->wait, EPOLLIN | EPOLLRDNORM | EPOLLPRI);
	return err;
}

/* Send one buffer. Returns its length or -errno. */
static ssize_t send_chunk(struct sock *s, struct sock_msg *m)
{
	uint32_t half = s->sndbuf / 2 - 64;
	uint32_t len = (uint32_t)MIN(m->data->left, MIN(CHUNK_MAX, half));
	bool urgent = m->flags & MSG_OOB && m->data->left == 1;
	struct sk_buf *b;
	int err = sock_wait_space(s, m->nonblock);

	if (err)
		return err;
	if (m->flags & MSG_OOB && !urgent)
		len = MIN(len, (uint32_t)m->data->left - 1);
	b = sk_buf_create(s, len);
	if (!b)
		return -ENOMEM;
	b->cred = m->cred;
	b->urgent = urgent;
	if (m->data->move(m->data, b->data, len) != len) {
		sk_buf_free(b);
		return -EFAULT;
	}
	b->files = m->files;
	err = stream_queue(s, b);
	if (err) {
		b->files = NULL;
		sk_buf_free(b);
		if (s->ops->refused)
			err = s->ops->refused(s);
		return err ? err : (ssize_t)len;
	}
	m->files = NULL;
	return len;
}

static ssize_t stream_send(struct sock *s, struct sock_msg *m)
{
	ssize_t sent = 0;

	if (m->flags & MSG_OOB && !is_tcp(s))
		return -EOPNOTSUPP;
	if (m->to)
		return s->state == SOCK_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	/* set once, before the state */
	if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != SOCK_CONNECTED)
		return -ENOTCONN;
	if (s->shutdown & SHUT_SEND)
		return -EPIPE;
	while (m->data->left) {
		ssize_t n = send_chunk(s, m);

		if (n < 0)
			return sent ? sent : n;
		sent += n;
	}
	return sent;
}

/* --- receiving: read_lock held ------------------------------------------------------------*/
/* Where a reading call stands. */
struct stream_read {
	struct sk_buf *next;	/* to look at; NULL: none yet */
	uint32_t skip;		/* peeking: bytes of it already seen */
	size_t copied;
	size_t target;		/* do not sleep once so much is there */
	bool has_cred;
};

static struct sk_buf *first_buf(struct sock *s)
{
	struct sk_buf *b = NULL;

	mutex_lock(&s->lock);
	if (!list_is_empty(&s->queue))
		b = list_first(&s->queue, struct sk_buf, link);
	mutex_unlock(&s->lock);
	return b;
}

static struct sk_buf *buf_after(struct sock *s, struct sk_buf *b)
{
	struct sk_buf *n = NULL;

	mutex_lock(&s->lock);
	if (b->link.next != &s->queue)
		n = list_entry(b->link.next, struct sk_buf, link);
	mutex_unlock(&s->lock);
	return n;
}

/* n bytes of b, the first in the queue, are done with. */
static void consume(struct sock *s, struct sk_buf *b, uint32_t n)
{
	bool empty;

	mutex_lock(&s->lock);
	b->off += n;
	s->queue_bytes -= n;
	empty = b->off == b->len;
	if (b->urgent == SK_MARK)
		s->urgent = 0;
	if (empty) {
		list_remove(&b->link);
		__atomic_store_n(&s->queue_len, s->queue_len - 1,
				 __ATOMIC_RELEASE);
	}
	mutex_unlock(&s->lock);
	if (empty)
		sk_buf_free(b);
	if (s->ops->consumed)
		s->ops->consumed(s, n);
}

static bool cred_equal(const struct sock_cred *a, const struct sock_cred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* Credentials of the first buffer count; others end the call. */
static bool cred_fits(struct stream_read *r, struct sock_msg *m,
		      const struct sk_buf *b)
{
	if (!m->want_cred)
		return true;
	if (r->has_cred)
		return cred_equal(&m->cred, &b->cred);
	m->cred = b->cred;
	m->has_cred = r->has_cred = true;
	return true;
}

/*
 * Copy from b. Returns 1: go on, 0: the call is complete, -EFAULT.
 * A buffer with files ends the call: two sets are never mixed.
 */
static int read_buf(struct sock *s, struct sock_msg *m, struct stream_read *r,
		    struct sk_buf *b)
{
	uint32_t from = b->off + r->skip;
	uint32_t n = (uint32_t)MIN((size_t)(b->len - from), m->data->left);
	bool files = b->files != NULL;

	if (m->data->move(m->data, b->data + from, n) != n)
		return -EFAULT;
	r->copied += n;
	if (m->want_from && !m->from && b->sender)
		m->from = unix_addr_get(b->sender->addr);
	if (m->flags & MSG_PEEK) {
		if (files && !m->files)
			m->files = sk_files_dup(b->files);
		r->skip += n;
		if (r->skip + b->off == b->len) {
			r->next = buf_after(s, b);
			r->skip = 0;
		}
		return !files && r->next && m->data->left;
	}
	if (files) {
		m->files = b->files;
		b->files = NULL;
		sk_files_land(m->files);
	}
	consume(s, b, n);
	return !files && m->data->left;
}

/* Nothing is queued. Returns 0: end of file, 1: sleep, or -errno. */
static int empty_result(struct sock *s, struct sock_msg *m)
{
	int err = 0;

	mutex_lock(&s->lock);
	if (!list_is_empty(&s->queue))
		err = 1;	/* just arrived: the sleep ends at once */
	else if (s->err)
		err = sock_take_error(s);
	else if (!(s->shutdown & SHUT_RECV))
		err = m->nonblock ? -EAGAIN : 1;
	mutex_unlock(&s->lock);
	return err;
}

/* Sleep without read_lock until something happens. */
static int wait_for_data(struct sock *s, uint64_t deadline)
{
	struct waiter w;
	int err = 0;

	mutex_unlock(&s->read_lock);
	wait_begin(&w, &s->wait);
	while (!err && !__atomic_load_n(&s->queue_len, __ATOMIC_ACQUIRE) &&
	       !s->err && !(s->shutdown & SHUT_RECV))
		err = wait_sleep(&w, deadline, true);
	wait_end(&w);
	mutex_lock(&s->read_lock);
	return sock_sleep_error(err, s->rcvtimeo_ns);
}

/* Peeking with SO_PEEK_OFF: the buffer where the offset lies. */
static struct sk_buf *buf_at_peek_offset(struct sock *s, struct sock_msg *m,
					 struct stream_read *r)
{
	struct sk_buf *b = first_buf(s);
	uint32_t off = 0;

	if (m->flags & MSG_PEEK && s->peek_off > 0)
		off = (uint32_t)s->peek_off;
	while (b && off >= b->len - b->off && off) {
		off -= b->len - b->off;
		b = buf_after(s, b);
	}
	r->skip = off;
	return b;
}

/* The mark is reached. Reading stops before it, and next time goes on behind
 * it: its byte is for MSG_OOB. Returns what to read then, or NULL. */
static struct sk_buf *pass_mark(struct sock *s, struct sock_msg *m,
				struct stream_read *r, struct sk_buf *b)
{
	while (b && b->urgent &&
	       !(b->urgent == SK_MARK && s->flags & 1u << SO_OOBINLINE)) {
		struct sk_buf *next = buf_after(s, b);
		uint32_t urgent = s->urgent;

		consume(s, b, 1);
		if (m->flags & MSG_PEEK)
			s->urgent = urgent;
		r->skip = 0;
		b = next;
	}
	return b;
}

static int read_loop(struct sock *s, struct sock_msg *m, struct stream_read *r)
{
	uint64_t deadline = 0;
	int ret = 1;

	while (ret > 0) {
		struct sk_buf *b = r->next ? r->next :
				   buf_at_peek_offset(s, m, r);

		if (b && b->urgent) {
			if (r->copied)
				return 0;
			b = pass_mark(s, m, r, b);
		}
		r->next = m->flags & MSG_PEEK ? b : NULL;
		if (b) {
			if (!cred_fits(r, m, b))
				return 0;
			ret = read_buf(s, m, r, b);
			continue;
		}
		if (r->copied >= r->target)
			return 0;
		ret = empty_result(s, m);
		if (ret <= 0)
			return ret;
		if (!deadline)
			deadline = sock_deadline(s->rcvtimeo_ns);
		ret = wait_for_data(s, deadline);
		if (ret < 0)
			return ret;
		ret = 1;
	}
	return ret;
}

static void move_peek_offset(struct sock *s, struct sock_msg *m, size_t n)
{
	if (s->peek_off < 0)
		return;
	if (m->flags & MSG_PEEK)
		s->peek_off += (int32_t)n;
	else
		s->peek_off = MAX(s->peek_off - (int32_t)n, 0);
}

static ssize_t stream_recv(struct sock *s, struct sock_msg *m)
{
	struct stream_read r = { 0 };
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != SOCK_CONNECTED)
		return -EINVAL;
	r.target = m->flags & MSG_WAITALL ? m->data->left :
		   MIN(m->data->left, (size_t)s->rcvlowat);
	r.target = MAX(r.target, 1ul);	/* also if no byte is asked for */
	mutex_lock(&s->read_lock);
	err = read_loop(s, m, &r);
	m->has_cred |= !err;	/* at the end of the file: nobody's */
	move_peek_offset(s, m, r.copied);
	mutex_unlock(&s->read_lock);
	return r.copied ? (ssize_t)r.copied : err;
}

const struct sock_ops unix_stream_ops = {
	.send = stream_send,
	.recv = stream_recv,
	.poll = unix_poll,
	.connect = unix_stream_connect,
	.release = unix_release,
};
