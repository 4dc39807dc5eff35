/* SPDX-License-Identifier: MIT */
/*
 * AF_VSOCK sockets as the calls see them. Data that came lies in sock->queue
 * as for AF_UNIX, whose reading is used; data to be sent is a buffer charged to
 * the socket, which the transport frees when it is sent. A peer says how much
 * it has room for (credit), and nobody sends more.
 *
 * Closing tells the peer and forgets the connection at once: what the peer
 * still sends is answered with a reset.
 */
#include <linux/eventpoll.h>
#include "core/heap.h"
#include "core/timer.h"
#include "lib/string.h"
#include "net/unix.h"
#include "net/vsock_priv.h"

#define CONNECT_NS	(2 * NSEC_PER_SEC)
#define CHUNK_MAX	(32768u - (uint32_t)sizeof(struct sk_buf) - \
			 (uint32_t)sizeof(struct vsock_out))

/* struct sockaddr_vm: <linux/vm_sockets.h> wants a C library. */
struct vsock_name {
	uint16_t family, reserved;
	uint32_t port, cid;
	uint8_t flags, zero[3];
};
_Static_assert(sizeof(struct vsock_name) == 16, "struct sockaddr_vm");

/* Behind the head of a buffer that is sent. */
struct vsock_out {
	struct net_packet packet;
	struct net_seg seg;
	struct sk_buf *buf;
	struct virtio_vsock_hdr h;
	uint8_t data[];		/* right behind h */
};

static uint32_t own_cid(void)
{
	return __atomic_load_n(&vsock_transport->cid, __ATOMIC_RELAXED);
}

/* --- sending -------------------------------------------------------------------*/

static void out_done(struct net_packet *p)
{
	sk_buf_free(container_of(p, struct vsock_out, packet)->buf);
}

/* May a sender go on? Takes up to `want` bytes of credit: their number, 0: not
 * now, or -errno. */
static int64_t take_credit(struct sock *s, uint32_t want)
{
	struct vsock *v = s->family;
	int64_t n;

	mutex_lock(&s->lock);
	if (s->shutdown & SHUT_SEND) {
		n = -EPIPE;
	} else {
		n = MIN(want, vsock_credit_locked(v));
		v->sent += (uint32_t)n;
	}
	mutex_unlock(&s->lock);
	return n;
}

static void give_credit_back(struct sock *s, uint32_t n)
{
	struct vsock *v = s->family;

	mutex_lock(&s->lock);
	v->sent -= n;
	mutex_unlock(&s->lock);
}

static void ask_for_credit(struct sock *s)
{
	mutex_lock(&s->lock);
	(void)!vsock_tell_locked(s->family, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	mutex_unlock(&s->lock);
}

static int64_t wait_for_credit(struct sock *s, uint32_t want, bool nonblock)
{
	int64_t n = take_credit(s, want);
	uint64_t deadline;
	struct waiter w;
	int err = 0;

	if (n)
		return n;
	if (nonblock)
		return -EAGAIN;
	ask_for_credit(s);
	deadline = sock_deadline(s->sndtimeo_ns);
	wait_begin(&w, &s->wait);
	while (!(n = take_credit(s, want)) && !err)
		err = wait_sleep(&w, deadline, true);
	wait_end(&w);
	return n ? n : sock_sleep_error(err, s->sndtimeo_ns);
}

/* Send len bytes, for which credit was taken. */
static int send_packet(struct sock *s, struct sock_msg *m, uint32_t len)
{
	struct sk_buf *b = sk_buf_create(s, (uint32_t)
					 sizeof(struct vsock_out) + len);
	struct vsock_out *o;
	int err = 0;

	if (!b)
		return -ENOMEM;
	o = (struct vsock_out *)b->data;
	if (m->data->move(m->data, o->data, len) != len) {
		sk_buf_free(b);
		return -EFAULT;
	}
	o->buf = b;
	o->seg = (struct net_seg){ &o->h, (uint32_t)sizeof(o->h) + len };
	o->packet = (struct net_packet){
		.frame = { &o->seg, 1, o->seg.len }, .done = out_done,
	};
	mutex_lock(&s->lock);
	if (s->shutdown & SHUT_SEND) {
		err = -EPIPE;
	} else {
		vsock_fill_locked(s->family, &o->h, VIRTIO_VSOCK_OP_RW, len);
		vsock_transport->send(vsock_transport, &o->packet);
	}
	mutex_unlock(&s->lock);
	if (err)
		sk_buf_free(b);
	return err;
}

/* Send one packet. Returns its length or -errno. */
static ssize_t send_chunk(struct sock *s, struct sock_msg *m)
{
	uint32_t len = (uint32_t)MIN(m->data->left, (size_t)CHUNK_MAX);
	int err = sock_wait_space(s, m->nonblock);
	int64_t n;

	if (err)
		return err;
	n = wait_for_credit(s, len, m->nonblock);
	if (n <= 0)
		return n;
	err = send_packet(s, m, (uint32_t)n);
	if (err)
		give_credit_back(s, (uint32_t)n);
	return err ? err : n;
}

static ssize_t vsock_send(struct sock *s, struct sock_msg *m)
{
	ssize_t sent = 0;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != SOCK_CONNECTED)
		return s->shutdown & SHUT_SEND ? -EPIPE : -ENOTCONN;
	if (s->err)
		return sock_take_error(s);
	while (m->data->left) {
		ssize_t n = send_chunk(s, m);

		if (n < 0)
			return sent ? sent : n;
		sent += n;
	}
	return s->shutdown & SHUT_SEND && !sent ? -EPIPE : sent;
}

/* --- receiving -----------------------------------------------------------------*/

static ssize_t vsock_recv(struct sock *s, struct sock_msg *m)
{
	if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != SOCK_CONNECTED)
		return -ENOTCONN;
	return unix_stream_ops.recv(s, m);
}

/* The reader has taken n bytes: the peer may send as many. It is told in
 * steps, and with every packet. */
static void vsock_consumed(struct sock *s, uint32_t n)
{
	struct vsock *v = s->family;

	mutex_lock(&s->lock);
	v->read += n;
	if (v->state == VSOCK_CONNECTED &&
	    v->read - v->told_read >= VSOCK_BUFFER / 4)
		(void)!vsock_tell_locked(v, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	mutex_unlock(&s->lock);
}

/* --- names -----------------------------------------------------------------------*/

static int read_name(const uint8_t *addr, uint32_t len, struct vsock_name *n)
{
	if (len < sizeof(*n))
		return -EFAULT;
	memcpy(n, addr, sizeof(*n));
	if (n->family != AF_VSOCK)
		return -EAFNOSUPPORT;
	return 0;
}

static int vsock_bind(struct sock *s, const uint8_t *addr, uint32_t len)
{
	struct vsock *v = s->family;
	struct vsock_name n;
	int err = read_name(addr, len, &n);

	if (err)
		return err;
	if (n.cid != VSOCK_ANY && n.cid != own_cid())
		return -EADDRNOTAVAIL;
	mutex_lock(&s->lock);
	err = v->port != VSOCK_ANY ? -EINVAL :
	      vsock_take_port_locked(v, n.port);
	mutex_unlock(&s->lock);
	return err;
}

static int vsock_listen(struct sock *s, int backlog)
{
	struct vsock *v = s->family;
	int err = 0;

	mutex_lock(&s->lock);
	if (v->state != VSOCK_IDLE || v->port == VSOCK_ANY) {
		err = -EINVAL;
	} else {
		s->backlog = MIN((uint32_t)backlog, SOCK_BACKLOG_MAX);
		s->state = SOCK_LISTENING;
	}
	mutex_unlock(&s->lock);
	return err;
}

static int vsock_name(struct sock *s, bool peer, uint8_t addr[SOCK_NAME_MAX])
{
	struct vsock *v = s->family;
	struct vsock_name n = { .family = AF_VSOCK };
	int err = 0;

	mutex_lock(&s->lock);
	if (peer && s->state != SOCK_CONNECTED) {
		err = -ENOTCONN;
	} else {
		n.port = peer ? v->peer_port : v->port;
		n.cid = peer ? v->peer_cid :
			v->port == VSOCK_ANY ? VSOCK_ANY : own_cid();
	}
	mutex_unlock(&s->lock);
	memcpy(addr, &n, sizeof(n));
	return err ? err : (int)sizeof(n);
}

/* --- connecting ------------------------------------------------------------------*/

static int begin_locked(struct sock *s, const struct vsock_name *n)
{
	struct vsock *v = s->family;
	int err = 0;

	if (v->state == VSOCK_CONNECTING)
		return -EALREADY;
	if (s->state == SOCK_CONNECTED)
		return -EISCONN;
	if (s->state == SOCK_LISTENING)
		return -EINVAL;
	if (v->port == VSOCK_ANY)
		err = vsock_take_port_locked(v, VSOCK_ANY);
	if (err)
		return err;
	vsock_set_peer_locked(v, n->cid, n->port);
	v->state = VSOCK_CONNECTING;
	v->sent = v->read = v->told_read = 0;
	v->peer_buffer = v->peer_read = 0;
	s->err = 0;
	err = vsock_tell_locked(v, VIRTIO_VSOCK_OP_REQUEST, 0);
	if (err) {
		v->state = VSOCK_IDLE;
		vsock_clear_peer_locked(v);
	}
	return err;
}

/* The end of a blocking connect; sleep_err: how its sleep ended. */
static int end_connect(struct sock *s, int sleep_err)
{
	struct vsock *v = s->family;
	int err = 0;

	mutex_lock(&s->lock);
	if (v->state == VSOCK_CONNECTING) {
		(void)!vsock_tell_locked(v, VIRTIO_VSOCK_OP_RST, 0);
		v->state = VSOCK_IDLE;
		vsock_clear_peer_locked(v);
		err = sleep_err;
	} else if (v->state == VSOCK_IDLE) {
		err = sock_take_error(s);
	}
	mutex_unlock(&s->lock);
	return err;
}

static int vsock_connect(struct sock *s, const uint8_t *addr, uint32_t len,
			 bool nonblock)
{
	struct vsock *v = s->family;
	uint64_t deadline = clock_mono_ns() + CONNECT_NS;
	struct vsock_name n;
	struct waiter w;
	int err = read_name(addr, len, &n);

	if (err)
		return err;
	if (n.cid == VSOCK_ANY || n.port == VSOCK_ANY)
		return -EINVAL;
	/* no way to oneself, nor to anybody without a transport */
	if (n.cid == own_cid() || own_cid() == VSOCK_ANY)
		return -ENODEV;
	mutex_lock(&s->lock);
	err = begin_locked(s, &n);
	mutex_unlock(&s->lock);
	if (err)
		return err;
	if (nonblock)
		return -EINPROGRESS;
	wait_begin(&w, &s->wait);
	while (__atomic_load_n(&v->state, __ATOMIC_ACQUIRE) ==
	       VSOCK_CONNECTING && !err)
		err = wait_sleep(&w, deadline, true);
	wait_end(&w);
	return end_connect(s, err);
}

/* --- ends ------------------------------------------------------------------------*/

static int vsock_shutdown(struct sock *s, int how)
{
	struct vsock *v = s->family;
	uint32_t bits = (uint32_t)how + 1;
	int err = 0;

	if (how < 0 || how > 2)
		return -EINVAL;
	mutex_lock(&s->lock);
	if (s->state != SOCK_CONNECTED) {
		err = -ENOTCONN;
	} else if (v->state == VSOCK_CONNECTED) {
		s->shutdown |= bits;
		v->told_shutdown |= bits;
		(void)!vsock_tell_locked(v, VIRTIO_VSOCK_OP_SHUTDOWN,
					 v->told_shutdown);
	}
	mutex_unlock(&s->lock);
	wait_wake_all(&s->wait, 0);
	return err;
}

static void vsock_release(struct sock *s)
{
	struct vsock *v = s->family;

	mutex_lock(&s->lock);
	if (v->state == VSOCK_CONNECTED)
		(void)!vsock_tell_locked(v, VIRTIO_VSOCK_OP_SHUTDOWN,
					 SHUT_BOTH);
	else if (v->state == VSOCK_CONNECTING)
		(void)!vsock_tell_locked(v, VIRTIO_VSOCK_OP_RST, 0);
	v->state = VSOCK_DEAD;
	s->released = true;
	s->state = SOCK_CLOSED;
	s->shutdown = SHUT_BOTH;
	vsock_leave_locked(v);
	mutex_unlock(&s->lock);
	/* no packet leads here any more */
	while (!list_is_empty(&s->accept_queue)) {
		struct sock *n = list_first(&s->accept_queue, struct sock,
					    accept_link);

		list_remove(&n->accept_link);
		vsock_release(n);
	}
	sk_queue_purge(&s->queue);
	sock_put(s);
}

static uint32_t vsock_poll(struct sock *s)
{
	struct vsock *v = s->family;
	uint32_t e = 0;

	mutex_lock(&s->lock);
	if (s->err)
		e |= EPOLLERR;
	if (s->shutdown == SHUT_BOTH)
		e |= EPOLLHUP;
	if (s->shutdown & SHUT_RECV)
		e |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (s->queue_len || s->accept_len)
		e |= EPOLLIN | EPOLLRDNORM;
	if (v->state == VSOCK_IDLE ? s->state != SOCK_LISTENING :
	    v->state != VSOCK_CONNECTING && sock_is_writable(s) &&
	    (vsock_credit_locked(v) || s->shutdown & SHUT_SEND))
		e |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	mutex_unlock(&s->lock);
	return e;
}

static const struct sock_names vsock_names = {
	.bind = vsock_bind,
	.connect = vsock_connect,
	.listen = vsock_listen,
	.accept = unix_accept,
	.shutdown = vsock_shutdown,
	.name = vsock_name,
};

const struct sock_ops vsock_ops = {
	.names = &vsock_names,
	.send = vsock_send,
	.recv = vsock_recv,
	.poll = vsock_poll,
	.release = vsock_release,
	.consumed = vsock_consumed,
};

struct sock *vsock_new(void)
{
	struct sock *s = sock_create(AF_VSOCK, SOCK_STREAM, &vsock_ops);
	struct vsock *v = s ? kzalloc(sizeof(*v)) : NULL;

	if (!v) {
		sock_put(s);
		return NULL;
	}
	s->family = v;
	v->sock = s;
	v->port = VSOCK_ANY;
	list_init(&v->link);
	return s;
}

int vsock_create(uint32_t type, uint32_t protocol, struct sock **out)
{
	if (!vsock_transport)
		return -EAFNOSUPPORT;
	if (protocol && protocol != AF_VSOCK)
		return -EPROTONOSUPPORT;
	if (type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	*out = vsock_new();
	return *out ? 0 : -ENOMEM;
}
