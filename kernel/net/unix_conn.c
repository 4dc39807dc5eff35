/* SPDX-License-Identifier: MIT */
/*
 * Life of AF_UNIX sockets: creation, listening, connecting, accepting,
 * shutdown, release, readiness.
 *
 * Two connected sockets hold references to each other until one is released;
 * that one drops both directions: its own reference here, and its peer keeps
 * a released socket until its own release.
 */
#include <linux/eventpoll.h>
#include <asm/socket.h>
#include "net/unix.h"

static const struct sock_ops unix_seqpacket_ops = {
	.send = unix_dgram_send,
	.recv = unix_dgram_recv,
	.poll = unix_poll,
	.connect = unix_stream_connect,
	.release = unix_release,
};

struct sock *unix_create(uint32_t type)
{
	switch (type) {
	case SOCK_STREAM:
		return sock_create(AF_UNIX, type, &unix_stream_ops);
	case SOCK_SEQPACKET:
		return sock_create(AF_UNIX, type, &unix_seqpacket_ops);
	default:
		return sock_create(AF_UNIX, SOCK_DGRAM, &unix_dgram_ops);
	}
}

void unix_pair(struct sock *a, struct sock *b)
{
	a->peer = sock_get(b);
	b->peer = sock_get(a);
	a->state = b->state = SOCK_CONNECTED;
	a->peer_cred = b->own_cred;
	b->peer_cred = a->own_cred;
	if (a->type == SOCK_DGRAM) {
		list_append(&b->senders, &a->sender_link);
		list_append(&a->senders, &b->sender_link);
	}
}

int unix_listen(struct sock *s, int backlog, const struct sock_cred *c)
{
	int err = 0;

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	mutex_lock(&s->lock);
	if (!s->addr || s->state == SOCK_CONNECTED) {
		err = -EINVAL;
	} else {
		s->backlog = MIN((uint32_t)backlog, SOCK_BACKLOG_MAX);
		s->state = SOCK_LISTENING;
		s->own_cred = s->peer_cred = *c;
	}
	mutex_unlock(&s->lock);
	if (!err)
		wait_wake_all(&s->peer_wait, 0);
	return err;
}

/* --- connect, accept ---------------------------------------------------------------*/
/* Both locked. -EBUSY: the queue is full. */
static int connect_check_locked(const struct sock *s, const struct sock *to)
{
	if (to->state != SOCK_LISTENING || to->shutdown & SHUT_RECV)
		return -ECONNREFUSED;
	if (to->accept_len > to->backlog)
		return -EBUSY;
	return s->state == SOCK_CONNECTED ? -EISCONN :
	       s->state == SOCK_LISTENING ? -EINVAL : 0;
}

static void connect_commit_locked(struct sock *s, struct sock *to,
				  struct sock *other_end)
{
	other_end->own_cred = to->own_cred;
	other_end->flags |= to->flags & 1u << SO_PASSCRED;
	other_end->addr = unix_addr_get(to->addr);
	unix_pair(s, other_end);
	list_append(&to->accept_queue, &other_end->accept_link);
	__atomic_store_n(&to->accept_len, to->accept_len + 1,
			 __ATOMIC_RELEASE);
}

static bool is_full(struct sock *to)
{
	bool full;

	mutex_lock(&to->lock);
	full = to->state == SOCK_LISTENING && to->accept_len > to->backlog &&
	       !(to->shutdown & SHUT_RECV);
	mutex_unlock(&to->lock);
	return full;
}

/* Sleep until the listener has room or is gone. */
static int wait_for_room(struct sock *s, struct sock *to, uint64_t deadline)
{
	struct waiter w;
	int err = 0;

	wait_begin(&w, &to->peer_wait);
	while (is_full(to) && !err)
		err = wait_sleep(&w, deadline, true);
	wait_end(&w);
	return sock_sleep_error(err, s->sndtimeo_ns);
}

int unix_stream_connect(struct sock *s, struct sock *to, bool nonblock)
{
	uint64_t deadline = sock_deadline(s->sndtimeo_ns);
	struct sock *other_end;
	int err;

	if (to->type != s->type)
		return -EPROTOTYPE;
	other_end = unix_create(s->type);
	if (other_end)
		other_end->space = net_space_get(to->space);
	if (!other_end)
		return -ENOMEM;
	for (;;) {
		mutex_lock_two(&s->lock, &to->lock);
		err = connect_check_locked(s, to);
		if (!err)
			connect_commit_locked(s, to, other_end);
		mutex_unlock_two(&s->lock, &to->lock);
		if (err != -EBUSY)
			break;
		err = nonblock ? -EAGAIN : wait_for_room(s, to, deadline);
		if (err)
			break;
	}
	if (err) {
		sock_put(other_end);
		return err;
	}
	wait_wake(&to->wait, 1, EPOLLIN | EPOLLRDNORM);
	wait_wake_all(&s->wait, 0);
	return 0;
}

/* 0 and *out, or why not. What is shut down only who would wait is told. */
static int try_accept(struct sock *s, bool nonblock, struct sock **out)
{
	int err = -EAGAIN;

	mutex_lock(&s->lock);
	if (s->state != SOCK_LISTENING) {
		err = -EINVAL;
	} else if (!list_is_empty(&s->accept_queue)) {
		*out = list_first(&s->accept_queue, struct sock, accept_link);
		list_remove(&(*out)->accept_link);
		__atomic_store_n(&s->accept_len, s->accept_len - 1,
				 __ATOMIC_RELEASE);
		err = 0;
	} else if (s->shutdown & SHUT_RECV && !nonblock) {
		err = -EINVAL;
	}
	mutex_unlock(&s->lock);
	return err;
}

int unix_accept(struct sock *s, bool nonblock, struct sock **out)
{
	struct waiter w = { .task = current_task(), .exclusive = true };
	uint64_t deadline;
	int err, sleep_err = 0;

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	err = try_accept(s, nonblock, out);
	if (err == -EAGAIN && !nonblock) {
		deadline = sock_deadline(s->rcvtimeo_ns);
		wait_add(&w, &s->wait, NULL);
		while ((err = try_accept(s, false, out)) == -EAGAIN && !sleep_err)
			sleep_err = wait_sleep(&w, deadline, true);
		wait_end(&w);
		if (err == -EAGAIN)
			err = sock_sleep_error(sleep_err, s->rcvtimeo_ns);
	}
	if (!err)
		wait_wake_all(&s->peer_wait, 0);
	return err;
}

/* --- shutdown, release -----------------------------------------------------------------*/
struct sock *unix_peer_get(struct sock *s)
{
	struct sock *peer;

	mutex_lock(&s->lock);
	peer = s->peer ? sock_get(s->peer) : NULL;
	mutex_unlock(&s->lock);
	return peer;
}

static void add_shutdown(struct sock *s, uint32_t bits)
{
	mutex_lock(&s->lock);
	s->shutdown |= bits;
	mutex_unlock(&s->lock);
	wait_wake_all(&s->wait, 0);
	wait_wake_all(&s->peer_wait, 0);
}

int unix_shutdown(struct sock *s, int how)
{
	uint32_t bits = (uint32_t)how + 1;
	struct sock *peer;

	if (how < 0 || how > 2)
		return -EINVAL;
	peer = s->type == SOCK_DGRAM ? NULL : unix_peer_get(s);
	add_shutdown(s, bits);
	if (peer)
		add_shutdown(peer, (bits & SHUT_RECV ? SHUT_SEND : 0) |
				   (bits & SHUT_SEND ? SHUT_RECV : 0));
	sock_put(peer);
	return 0;
}

static void tell_peer(struct sock *peer, bool reset)
{
	mutex_lock(&peer->lock);
	peer->shutdown = SHUT_BOTH;
	if (reset)
		peer->err = ECONNRESET;
	mutex_unlock(&peer->lock);
	wait_wake_all(&peer->wait, 0);
}

/* Those connected to a datagram socket: their next send will fail. */
static void tell_senders(struct sock *s)
{
	mutex_lock(&s->lock);
	list_for_each(p, &s->senders)
		wait_wake_all(&list_entry(p, struct sock, sender_link)->wait,
			      0);
	mutex_unlock(&s->lock);
}

static void release(struct sock *s, bool never_accepted)
{
	struct list queue, accepts;
	struct sock *peer;

	unix_unbind(s);
	mutex_lock(&s->lock);
	s->released = true;
	s->state = SOCK_CLOSED;
	s->shutdown = SHUT_BOTH;
	peer = s->peer;
	if (s->type != SOCK_DGRAM)
		s->peer = NULL;
	list_move_all(&s->queue, &queue);
	list_move_all(&s->accept_queue, &accepts);
	mutex_unlock(&s->lock);
	if (s->type == SOCK_DGRAM) {
		unix_dgram_connect(s, NULL, true);
		tell_senders(s);
	} else if (peer) {
		tell_peer(peer, never_accepted || !list_is_empty(&queue));
		sock_put(peer);
	}
	wait_wake_all(&s->peer_wait, 0);
	while (!list_is_empty(&accepts)) {
		struct sock *n = list_first(&accepts, struct sock, accept_link);

		list_remove(&n->accept_link);
		release(n, true);
	}
	sk_queue_purge(&queue);
	sock_put(s);
}

void unix_release(struct sock *s)
{
	release(s, false);
}

/* --- readiness ---------------------------------------------------------------------------*/
static uint32_t load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static bool peer_takes_more(struct sock *s)
{
	struct sock *peer = unix_peer_get(s);
	bool full = peer && unix_dgram_is_full(peer, s);

	sock_put(peer);
	return !full;
}

uint32_t unix_poll(struct sock *s)
{
	uint32_t shut = load(&s->shutdown), e = 0;

	if (load(&s->err))
		e |= EPOLLERR;
	if (shut == SHUT_BOTH)
		e |= EPOLLHUP;
	if (shut & SHUT_RECV)
		e |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (load(&s->queue_len) || load(&s->accept_len))
		e |= EPOLLIN | EPOLLRDNORM;
	if (s->type != SOCK_DGRAM && s->type != SOCK_RAW &&
	    s->state == SOCK_CLOSED)
		e |= EPOLLHUP;
	if (sock_is_writable(s) &&
	    (s->type != SOCK_DGRAM || peer_takes_more(s)))
		e |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return e;
}

static uint64_t bytes_to_mark_locked(const struct sock *s)
{
	uint64_t n = 0;

	list_for_each(p, &s->queue) {
		const struct sk_buf *b = list_entry(p, struct sk_buf, link);

		if (b->urgent == SK_MARK)
			break;
		n += b->len - b->off;
	}
	return n;
}

uint64_t unix_readable_bytes(struct sock *s)
{
	uint64_t n;

	mutex_lock(&s->lock);
	n = s->queue_bytes;
	if (s->urgent && !(s->flags & 1u << SO_OOBINLINE))
		n = bytes_to_mark_locked(s);
	if (s->type != SOCK_STREAM)
		n = list_is_empty(&s->queue) ? 0 :
		    list_first(&s->queue, struct sk_buf, link)->len;
	mutex_unlock(&s->lock);
	return n;
}
