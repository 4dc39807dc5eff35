/* SPDX-License-Identifier: MIT */
/*
 * TCP between two sockets of one sandbox. Data lies in the receiver's queue as
 * for AF_UNIX, whose sending and reading are used; what a packet would tell
 * (SYN, FIN, RST) is done to the other socket at once.
 *
 * The life of a connection changes under inet_lock alone: who connects, ends or
 * resets takes it, then one sock->lock at a time. A socket that connects to a
 * full listener is in its `senders` (SYN_SENT) and holds what will become its
 * other end, so that accept can finish the connection without memory.
 * Two connected sockets hold references to each other until their release.
 */
#include <linux/eventpoll.h>
#include <asm/socket.h>
#include "core/timer.h"
#include "net/inet_priv.h"
#include "net/unix.h"

static bool is_pending(const struct sock *s)
{
	return __atomic_load_n(&inet_of(s)->half, __ATOMIC_ACQUIRE);
}

static bool is_over(const struct sock *s)
{
	return inet_state(s) == TCP_CLOSE;
}

/* --- FIN and RST: inet_lock held -----------------------------------------------------*/
static void add_shutdown_locked(struct sock *s, uint32_t bits, uint32_t err)
{
	mutex_lock(&s->lock);
	if (err)
		s->err = err;
	s->shutdown |= bits;
	mutex_unlock(&s->lock);
	wait_wake_all(&s->wait, 0);
}

static void take_fin_locked(struct sock *s)
{
	if (s->released || is_over(s))
		return;
	inet_of(s)->fin_received = true;
	add_shutdown_locked(s, SHUT_RECV, 0);
}

static void take_reset_locked(struct sock *s)
{
	struct inet *in = inet_of(s);

	if (s->released || is_over(s))
		return;
	in->reset = true;
	add_shutdown_locked(s, SHUT_BOTH,
			    in->fin_received ? EPIPE : ECONNRESET);
}

/* --- connecting: inet_lock held -----------------------------------------------------*/
/* No connection comes of it: `half` is dropped, err is for SO_ERROR. */
static void give_up_locked(struct sock *s, uint32_t err)
{
	struct inet *in = inet_of(s);
	struct sock *half = in->half;

	list_remove(&s->sender_link);
	in->peer.port = 0;
	in->own.ip = in->bound;
	if (half) {
		__atomic_store_n(&in->half, NULL, __ATOMIC_RELEASE);
		sock_put(half);
	}
	if (!in->port_bound && s->state == SOCK_CLOSED)
		inet_leave_locked(s);
	add_shutdown_locked(s, err ? SHUT_BOTH : 0, err);
}

static void inherit(struct sock *h, const struct sock *listener)
{
	const struct inet *l = inet_of(listener);
	struct inet *in = inet_of(h);

	h->domain = listener->domain;
	h->own_cred = listener->own_cred;
	h->flags = listener->flags;
	h->sndbuf = listener->sndbuf;
	h->rcvbuf = listener->rcvbuf;
	h->linger = listener->linger;
	for (uint32_t i = 0; i < INET_NR_OPTIONS; i++)
		in->opt[i] = l->opt[i];
}

/* The listener takes s, which has its `half`. */
static void establish_locked(struct sock *s, struct sock *listener)
{
	struct inet *in = inet_of(s), *hin = inet_of(in->half);
	struct sock *h = in->half;

	inherit(h, listener);
	hin->own = in->peer;
	hin->bound = hin->own.ip;
	hin->peer = in->own;
	h->state = SOCK_CONNECTED;
	h->peer = sock_get(s);
	inet_enter_locked(h);
	list_remove(&s->sender_link);
	mutex_lock(&s->lock);
	s->peer = sock_get(h);
	__atomic_store_n(&s->state, SOCK_CONNECTED, __ATOMIC_RELEASE);
	mutex_unlock(&s->lock);
	__atomic_store_n(&in->half, NULL, __ATOMIC_RELEASE);
	mutex_lock(&listener->lock);
	list_append(&listener->accept_queue, &h->accept_link);
	__atomic_store_n(&listener->accept_len, listener->accept_len + 1,
			 __ATOMIC_RELEASE);
	mutex_unlock(&listener->lock);
	wait_wake(&listener->wait, 1, EPOLLIN | EPOLLRDNORM);
	wait_wake_all(&s->wait, 0);
}

/* Room in the accept queue: for those who wait for it. */
static void take_pending_locked(struct sock *listener)
{
	while (!list_is_empty(&listener->senders) &&
	       listener->accept_len <= listener->backlog)
		establish_locked(list_first(&listener->senders, struct sock,
					    sender_link), listener);
}

/* Returns 0, 1 (s is pending), -ECONNREFUSED or -EADDRNOTAVAIL. */
static int find_way_locked(struct sock *s, const struct inet_name *n,
			   struct sock *half)
{
	struct inet *in = inet_of(s);
	struct sock *to;
	int err;

	inet_source(&n->ip, &in->own.ip);
	err = inet_autobind_locked(s);
	if (err)
		return err;
	if (inet_is_taken_locked(s, n))
		return -EADDRNOTAVAIL;
	to = inet_find_locked(s->space, INET_TCP, n, &in->own);
	if (!to)
		return -ECONNREFUSED;
	in->peer = *n;
	__atomic_store_n(&in->half, sock_get(half), __ATOMIC_RELEASE);
	list_append(&to->senders, &s->sender_link);
	take_pending_locked(to);
	return in->half ? 1 : 0;
}

/* What became of a connect that did not wait. */
static int outcome_locked(struct sock *s)
{
	struct inet *in = inet_of(s);
	int err;

	if (in->half)
		return -EALREADY;
	in->connecting = false;
	if (s->state == SOCK_CONNECTED)
		return 0;
	err = sock_take_error(s);
	s->shutdown = 0;
	return err ? err : -ECONNABORTED;
}

static int begin_locked(struct sock *s, const struct inet_name *n,
			struct sock *half, bool nonblock)
{
	struct inet *in = inet_of(s);
	int err;

	if (in->connecting)
		return outcome_locked(s);
	if (s->state != SOCK_CLOSED)
		return -EISCONN;
	err = find_way_locked(s, n, half);
	if (err == 1 || (nonblock && (!err || err == -ECONNREFUSED)))
		in->connecting = true;
	if (err < 0)
		give_up_locked(s, in->connecting ? (uint32_t)-err : 0);
	return in->connecting ? -EINPROGRESS : err;
}

/* Sleep until s is no longer pending. */
static int wait_connected(struct sock *s)
{
	uint64_t deadline = sock_deadline(s->sndtimeo_ns);
	struct waiter w;
	int err = 0;

	wait_begin(&w, &s->wait);
	while (is_pending(s) && !err)
		err = wait_sleep(&w, deadline, true);
	wait_end(&w);
	return sock_sleep_error(err, s->sndtimeo_ns);
}

/* --- ends: inet_lock held -------------------------------------------------------------*/
static void end_locked(struct sock *s, bool reset);

static void stop_listening_locked(struct sock *s)
{
	struct list accepts;

	mutex_lock(&s->lock);
	s->state = SOCK_CLOSED;
	list_move_all(&s->accept_queue, &accepts);
	s->accept_len = 0;
	mutex_unlock(&s->lock);
	if (inet_of(s)->port_bound)
		inet_enter_locked(s);	/* behind those that listen */
	else
		inet_leave_locked(s);
	while (!list_is_empty(&s->senders))
		give_up_locked(list_first(&s->senders, struct sock,
					  sender_link), ECONNREFUSED);
	while (!list_is_empty(&accepts)) {
		struct sock *n = list_first(&accepts, struct sock, accept_link);

		list_remove(&n->accept_link);
		end_locked(n, true);
	}
	wait_wake_all(&s->wait, 0);
}

/* Away from its peer, which is told by a reset; it may connect again. Senders
 * may look at the old peer for longer. Locks: also read_lock is held. */
static void disconnect_locked(struct sock *s)
{
	struct inet *in = inet_of(s);
	bool had_peer = s->state == SOCK_CONNECTED || in->half;
	struct sock *peer = s->peer;
	struct list queue;

	in->connecting = false;
	if (s->state == SOCK_LISTENING)
		stop_listening_locked(s);
	if (peer && !is_over(s))
		take_reset_locked(peer);
	if (s->state == SOCK_CONNECTED && peer) {
		inet_of(peer)->next_retired = in->retired;
		in->retired = peer;
	}
	mutex_lock(&s->lock);
	s->state = SOCK_CLOSED;
	s->shutdown = 0;
	s->err = had_peer ? ECONNRESET : 0;
	list_move_all(&s->queue, &queue);
	s->queue_len = 0;
	s->queue_bytes = 0;
	mutex_unlock(&s->lock);
	sk_queue_purge(&queue);
	in->fin_received = in->reset = false;
	give_up_locked(s, 0);
}

/* Nobody has s any more. */
static void end_locked(struct sock *s, bool reset)
{
	struct inet *in = inet_of(s);
	bool over = is_over(s);
	struct sock *peer;
	struct list queue;

	if (s->state == SOCK_LISTENING)
		stop_listening_locked(s);
	give_up_locked(s, 0);
	mutex_lock(&s->lock);
	peer = s->state == SOCK_CONNECTED ? s->peer : NULL;
	s->peer = NULL;
	s->released = true;
	s->state = SOCK_CLOSED;
	s->shutdown = SHUT_BOTH;
	list_move_all(&s->queue, &queue);
	mutex_unlock(&s->lock);
	inet_leave_locked(s);
	if (peer && !over && (reset || !list_is_empty(&queue) || !s->linger))
		take_reset_locked(peer);
	else if (peer && !over)
		take_fin_locked(peer);
	while (in->retired) {
		struct sock *old = in->retired;

		in->retired = inet_of(old)->next_retired;
		sock_put(old);
	}
	sock_put(peer);
	sk_queue_purge(&queue);
	sock_put(s);
}

/* --- the calls ----------------------------------------------------------------------*/
static void tcp_release(struct sock *s)
{
	mutex_lock(&inet_lock);
	end_locked(s, false);
	mutex_unlock(&inet_lock);
}

static int tcp_disconnect(struct sock *s)
{
	mutex_lock(&s->read_lock);
	mutex_lock(&inet_lock);
	disconnect_locked(s);
	mutex_unlock(&inet_lock);
	mutex_unlock(&s->read_lock);
	return 0;
}

static int tcp_connect(struct sock *s, const uint8_t *addr, uint32_t len,
		       bool nonblock)
{
	struct inet_name n;
	struct sock *half;
	int err;

	if (inet_is_unspec(addr, len))
		return tcp_disconnect(s);
	err = inet_read_destination(s, addr, len, &n);
	if (err)
		return err;
	half = inet_new(s->domain, SOCK_STREAM, INET_TCP);
	if (!half)
		return -ENOMEM;
	half->space = net_space_get(s->space);
	mutex_lock(&inet_lock);
	err = begin_locked(s, &n, half, nonblock);
	mutex_unlock(&inet_lock);
	sock_put(half);
	if (nonblock || (err != -EINPROGRESS && err != -EALREADY))
		return err;
	err = wait_connected(s);
	if (err)
		return err == -EAGAIN ? -EINPROGRESS : err;
	mutex_lock(&inet_lock);
	err = outcome_locked(s);
	mutex_unlock(&inet_lock);
	return err;
}

static int tcp_listen(struct sock *s, int backlog)
{
	struct inet *in = inet_of(s);
	int err = 0;

	mutex_lock(&inet_lock);
	if (in->half || s->state == SOCK_CONNECTED)
		err = -EINVAL;
	else if (s->state != SOCK_LISTENING)
		err = inet_autobind_locked(s) ? -EADDRINUSE :
		      inet_listen_check_locked(s);
	if (!err) {
		mutex_lock(&s->lock);
		s->backlog = MIN((uint32_t)backlog, SOCK_BACKLOG_MAX);
		s->state = SOCK_LISTENING;
		mutex_unlock(&s->lock);
		inet_enter_locked(s);
		take_pending_locked(s);
	}
	mutex_unlock(&inet_lock);
	return err;
}

static int tcp_accept(struct sock *s, bool nonblock, struct sock **out)
{
	int err = unix_accept(s, nonblock, out);

	if (!err) {
		mutex_lock(&inet_lock);
		if (s->state == SOCK_LISTENING)
			take_pending_locked(s);
		mutex_unlock(&inet_lock);
	}
	return err;
}

static int tcp_shutdown(struct sock *s, int how)
{
	uint32_t bits = (uint32_t)how + 1;
	int err = 0;

	if (how < 0 || how > 2)
		return -EINVAL;
	mutex_lock(&inet_lock);
	if (s->state == SOCK_LISTENING) {
		if (bits & SHUT_RECV)
			stop_listening_locked(s);
	} else if (inet_of(s)->half) {
		give_up_locked(s, 0);
	} else if (is_over(s)) {
		err = -ENOTCONN;
	} else {
		bool fin = bits & ~s->shutdown & SHUT_SEND;

		add_shutdown_locked(s, bits, 0);
		if (fin)
			take_fin_locked(s->peer);
		wait_wake_all(&s->peer->wait, 0);
	}
	mutex_unlock(&inet_lock);
	return err;
}

/* --- data ----------------------------------------------------------------------------*/
/* 0 once connected; otherwise -EAGAIN, the pending error, or `none`. */
static int check_connected(struct sock *s, bool nonblock, int none)
{
	int err = 0;

	if (is_pending(s))
		err = nonblock ? -EAGAIN : wait_connected(s);
	if (err ||
	    __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == SOCK_CONNECTED)
		return err;
	err = sock_take_error(s);
	return err ? err : none;
}

/* The peer takes no more: what is sent now is lost, and answered by a reset.
 * Returns 0 if it was, or why nothing can be sent. */
static int tcp_refused(struct sock *s)
{
	int err = 0;

	mutex_lock(&inet_lock);
	if (s->shutdown & SHUT_SEND) {
		err = -EPIPE;
	} else {
		take_reset_locked(s->peer);
		take_reset_locked(s);
	}
	mutex_unlock(&inet_lock);
	return err;
}

/* SIGURG for the owner of the peer. */
static void tell_urgent(struct sock *s)
{
	struct sock *peer = unix_peer_get(s);

	if (peer && peer->owner)
		sock_upcalls.urgent(peer->owner);
	sock_put(peer);
}

static ssize_t tcp_send(struct sock *s, struct sock_msg *m)
{
	ssize_t n = check_connected(s, m->nonblock, -EPIPE);

	sk_files_drop(m->files);	/* nothing for this family */
	m->files = NULL;
	if (!n && s->err)
		n = sock_take_error(s);
	if (!n)
		n = unix_stream_ops.send(s, m);
	if (n > 0 && m->flags & MSG_OOB)
		tell_urgent(s);
	if (n == -EPIPE && s->err)
		n = sock_take_error(s);
	return n;
}

/* MSG_TRUNC: bytes are dropped instead of copied. */
static size_t move_nowhere(struct sock_data *d, void *kernel, size_t n)
{
	d->left -= n;
	return n;
}

/* The byte at the mark. read_lock keeps readers from passing it meanwhile. */
static ssize_t recv_urgent(struct sock *s, struct sock_msg *m)
{
	uint8_t byte = (uint8_t)s->urgent;
	ssize_t n = m->data->left ? 1 : 0;

	if (s->flags & 1u << SO_OOBINLINE || !(s->urgent & URGENT_THERE))
		return -EINVAL;
	m->out_flags |= MSG_OOB;
	if (n && !(m->flags & MSG_TRUNC) &&
	    m->data->move(m->data, &byte, 1) != 1)
		return -EFAULT;
	if (!n)
		m->out_flags |= MSG_TRUNC;
	if (!(m->flags & MSG_PEEK))
		s->urgent = URGENT_READ;
	return n;
}

static ssize_t tcp_recv(struct sock *s, struct sock_msg *m)
{
	struct sock_data nowhere = { m->data->left, move_nowhere };
	ssize_t n = check_connected(s, m->nonblock, -ENOTCONN);

	if (n)
		return n;
	if (m->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (m->flags & MSG_OOB) {
		mutex_lock(&s->read_lock);
		n = recv_urgent(s, m);
		mutex_unlock(&s->read_lock);
		return n;
	}
	if (m->flags & MSG_TRUNC)
		m->data = &nowhere;
	n = unix_stream_ops.recv(s, m);
	if (n == -EPIPE) {
		/* the end came first; the error is the sender's */
		s->err = EPIPE;
		n = 0;
	}
	return n;
}

static uint32_t tcp_poll(struct sock *s)
{
	enum tcp_state state = inet_state(s);
	uint32_t shut = s->shutdown, e = 0;

	if (state == TCP_LISTEN)
		return s->accept_len ? EPOLLIN | EPOLLRDNORM : 0;
	if (s->err)
		e |= EPOLLERR;
	if (shut == SHUT_BOTH || state == TCP_CLOSE)
		e |= EPOLLHUP;
	if (shut & SHUT_RECV)
		e |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (state == TCP_SYN_SENT)
		return e;
	if (s->queue_bytes >= (uint64_t)s->rcvlowat +
	    (s->urgent && inet_is_at_mark(s) &&
	     !(s->flags & 1u << SO_OOBINLINE)))
		e |= EPOLLIN | EPOLLRDNORM;
	if (s->urgent & URGENT_THERE)
		e |= EPOLLPRI;
	if (shut & SHUT_SEND || sock_is_writable(s))
		e |= EPOLLOUT | EPOLLWRNORM;
	return e;
}

static const struct sock_names tcp_names = {
	.bind = inet_bind,
	.connect = tcp_connect,
	.listen = tcp_listen,
	.accept = tcp_accept,
	.shutdown = tcp_shutdown,
	.name = inet_name,
};

const struct sock_ops tcp_ops = {
	.names = &tcp_names,
	.send = tcp_send,
	.recv = tcp_recv,
	.poll = tcp_poll,
	.release = tcp_release,
	.refused = tcp_refused,
};
