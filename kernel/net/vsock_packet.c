/* SPDX-License-Identifier: MIT */
/*
 * Packets of AF_VSOCK: which socket one belongs to, and what it does to it.
 * The host may send anything: lengths were checked by the transport; what does
 * not fit the state of a connection ends it with a reset, and what belongs to
 * nobody is answered with one. Answers are bounded: while too many packets
 * wait for a host that does not take them, answers are left out.
 *
 * Every bound socket is in the table; a listener's connections share its port.
 */
#include <linux/eventpoll.h>
#include "core/heap.h"
#include "lib/string.h"
#include "net/vsock_priv.h"

#define FIRST_FREE_PORT	1024u
#define QUEUED_MAX	512u

struct vsock_transport *vsock_transport;

static struct mutex table_lock = MUTEX_INIT;
/* under table_lock */
static struct list table = LIST_INIT(table);
static uint32_t next_port = FIRST_FREE_PORT;

int vsock_register(struct vsock_transport *t)
{
	if (vsock_transport)
		return -EBUSY;
	vsock_transport = t;
	return 0;
}

/* --- the table -----------------------------------------------------------------*/

static bool is_taken(uint32_t port)
{
	list_for_each(p, &table)
		if (list_entry(p, struct vsock, link)->port == port)
			return true;
	return false;
}

static uint32_t free_port(void)
{
	do {
		if (next_port == VSOCK_ANY)
			next_port = FIRST_FREE_PORT;
	} while (is_taken(next_port++));
	return next_port - 1;
}

int vsock_take_port_locked(struct vsock *v, uint32_t port)
{
	int err = 0;

	mutex_lock(&table_lock);
	if (port == VSOCK_ANY)
		port = free_port();
	else if (is_taken(port))
		err = -EADDRINUSE;
	if (!err) {
		v->port = port;
		list_append(&table, &v->link);
	}
	mutex_unlock(&table_lock);
	return err;
}

void vsock_set_peer_locked(struct vsock *v, uint32_t cid, uint32_t port)
{
	mutex_lock(&table_lock);
	v->peer_cid = cid;
	v->peer_port = port;
	v->has_peer = true;
	mutex_unlock(&table_lock);
}

void vsock_clear_peer_locked(struct vsock *v)
{
	mutex_lock(&table_lock);
	v->has_peer = false;
	mutex_unlock(&table_lock);
}

void vsock_leave_locked(struct vsock *v)
{
	mutex_lock(&table_lock);
	list_remove(&v->link);
	mutex_unlock(&table_lock);
}

/* A connection's child: in the table beside its listener. */
static void join_locked(struct vsock *v, uint32_t port, uint32_t peer_cid,
			uint32_t peer_port)
{
	mutex_lock(&table_lock);
	v->port = port;
	v->peer_cid = peer_cid;
	v->peer_port = peer_port;
	v->has_peer = true;
	list_append(&table, &v->link);
	mutex_unlock(&table_lock);
}

/* Referenced; NULL: nobody's. */
static struct sock *find(const struct virtio_vsock_hdr *h)
{
	struct vsock *best = NULL;

	mutex_lock(&table_lock);
	list_for_each(p, &table) {
		struct vsock *v = list_entry(p, struct vsock, link);

		if (v->port != h->dst_port)
			continue;
		if (!v->has_peer) {
			best = v;
		} else if (v->peer_cid == h->src_cid &&
			   v->peer_port == h->src_port) {
			best = v;
			break;
		}
	}
	if (best)
		sock_get(best->sock);
	mutex_unlock(&table_lock);
	return best ? best->sock : NULL;
}

/* --- packets out ---------------------------------------------------------------*/

struct control {
	struct net_packet packet;
	struct net_seg seg;
	struct virtio_vsock_hdr h;
};

static void control_done(struct net_packet *p)
{
	kfree(container_of(p, struct control, packet));
}

static int send_control(const struct virtio_vsock_hdr *h)
{
	struct vsock_transport *t = vsock_transport;
	struct control *c;

	if (__atomic_load_n(&t->nr_queued, __ATOMIC_RELAXED) >= QUEUED_MAX)
		return -ENOBUFS;
	c = kzalloc(sizeof(*c));
	if (!c)
		return -ENOBUFS;
	c->h = *h;
	c->seg = (struct net_seg){ &c->h, sizeof(c->h) };
	c->packet.frame = (struct net_frame){ &c->seg, 1, sizeof(c->h) };
	c->packet.done = control_done;
	t->send(t, &c->packet);
	return 0;
}

void vsock_fill_locked(struct vsock *v, struct virtio_vsock_hdr *h,
		       uint32_t op, uint32_t len)
{
	*h = (struct virtio_vsock_hdr){
		.src_cid = __atomic_load_n(&vsock_transport->cid,
					   __ATOMIC_RELAXED),
		.dst_cid = v->peer_cid, .src_port = v->port,
		.dst_port = v->peer_port, .len = len,
		.type = VIRTIO_VSOCK_TYPE_STREAM, .op = (uint16_t)op,
		.buf_alloc = VSOCK_BUFFER, .fwd_cnt = v->read,
	};
	v->told_read = v->read;
}

int vsock_tell_locked(struct vsock *v, uint32_t op, uint32_t flags)
{
	uint32_t told = v->told_read;
	struct virtio_vsock_hdr h;
	int err;

	vsock_fill_locked(v, &h, op, 0);
	h.flags = flags;
	err = send_control(&h);
	if (err)
		v->told_read = told;
	return err;
}

/* To somebody whom no socket knows. */
static void answer_reset(const struct virtio_vsock_hdr *to)
{
	struct virtio_vsock_hdr h = {
		.src_cid = to->dst_cid, .dst_cid = to->src_cid,
		.src_port = to->dst_port, .dst_port = to->src_port,
		.type = to->type, .op = VIRTIO_VSOCK_OP_RST,
	};

	if (to->op != VIRTIO_VSOCK_OP_RST)
		(void)!send_control(&h);
}

uint32_t vsock_credit_locked(const struct vsock *v)
{
	uint32_t under_way = v->sent - v->peer_read;

	return under_way < v->peer_buffer ? v->peer_buffer - under_way : 0;
}

/* --- packets in ------------------------------------------------------------------*/

/* The connection is over, for reason err (0: in good order). */
static void die_locked(struct vsock *v, uint32_t err)
{
	struct sock *s = v->sock;

	v->state = VSOCK_DEAD;
	s->shutdown = SHUT_BOTH;
	if (err)
		s->err = err;
	vsock_leave_locked(v);
}

static void break_locked(struct vsock *v)
{
	(void)!vsock_tell_locked(v, VIRTIO_VSOCK_OP_RST, 0);
	die_locked(v, ECONNRESET);
}

static void take_data_locked(struct vsock *v, const struct virtio_vsock_hdr *h,
			     const void *data)
{
	struct sock *s = v->sock;
	struct sk_buf *b;

	if (!h->len)
		return;
	if (s->shutdown & SHUT_RECV) {
		v->read += h->len;	/* nobody wants it */
		return;
	}
	b = s->queue_bytes + h->len <= VSOCK_BUFFER ?
	    sk_buf_create(NULL, h->len) : NULL;
	if (!b) {
		break_locked(v);	/* more than allowed, or no memory */
		return;
	}
	memcpy(b->data, data, h->len);
	list_append(&s->queue, &b->link);
	s->queue_bytes += h->len;
	__atomic_store_n(&s->queue_len, s->queue_len + 1, __ATOMIC_RELEASE);
}

static void take_shutdown_locked(struct vsock *v, uint32_t flags)
{
	struct sock *s = v->sock;

	if (flags & VIRTIO_VSOCK_SHUTDOWN_RCV)
		s->shutdown |= SHUT_SEND;
	if (flags & VIRTIO_VSOCK_SHUTDOWN_SEND)
		s->shutdown |= SHUT_RECV;
	/* the peer has closed: it waits for the answer */
	if ((flags & SHUT_BOTH) == SHUT_BOTH) {
		(void)!vsock_tell_locked(v, VIRTIO_VSOCK_OP_RST, 0);
		die_locked(v, 0);
	}
}

static void connected_locked(struct vsock *v, const struct virtio_vsock_hdr *h,
			     const void *data)
{
	switch (h->op) {
	case VIRTIO_VSOCK_OP_RW:
		take_data_locked(v, h, data);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		(void)!vsock_tell_locked(v, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		take_shutdown_locked(v, h->flags);
		break;
	case VIRTIO_VSOCK_OP_RST:
		die_locked(v, 0);
		break;
	default:
		break_locked(v);
	}
}

static void connecting_locked(struct vsock *v,
			      const struct virtio_vsock_hdr *h)
{
	struct sock *s = v->sock;

	if (h->op == VIRTIO_VSOCK_OP_RESPONSE) {
		v->state = VSOCK_CONNECTED;
		/* Partner: loads of the state without the lock. */
		__atomic_store_n(&s->state, SOCK_CONNECTED, __ATOMIC_RELEASE);
		return;
	}
	if (h->op != VIRTIO_VSOCK_OP_RST)
		(void)!vsock_tell_locked(v, VIRTIO_VSOCK_OP_RST, 0);
	s->err = h->op == VIRTIO_VSOCK_OP_RST ? ECONNRESET : EPROTO;
	v->state = VSOCK_IDLE;
	vsock_clear_peer_locked(v);
}

/* Somebody connects to the listener s. False: no. */
static bool take_request(struct sock *s, const struct virtio_vsock_hdr *h)
{
	struct sock *n = vsock_new();
	struct vsock *v;
	bool good;

	if (!n)
		return false;
	v = n->family;
	mutex_lock(&s->lock);
	good = s->state == SOCK_LISTENING && s->accept_len <= s->backlog;
	if (good) {
		n->state = SOCK_CONNECTED;
		v->state = VSOCK_CONNECTED;
		v->peer_buffer = h->buf_alloc;
		v->peer_read = h->fwd_cnt;
		join_locked(v, h->dst_port, (uint32_t)h->src_cid, h->src_port);
		good = !vsock_tell_locked(v, VIRTIO_VSOCK_OP_RESPONSE, 0);
	}
	if (good) {
		list_append(&s->accept_queue, &n->accept_link);
		__atomic_store_n(&s->accept_len, s->accept_len + 1,
				 __ATOMIC_RELEASE);
	}
	mutex_unlock(&s->lock);
	if (good)
		wait_wake(&s->wait, 1, EPOLLIN | EPOLLRDNORM);
	else
		n->ops->release(n);
	return good;
}

/* What a packet does to the socket that it is for. */
static void take_packet(struct sock *s, const struct virtio_vsock_hdr *h,
			const void *data)
{
	struct vsock *v = s->family;
	bool strange = false;

	mutex_lock(&s->lock);
	v->peer_buffer = h->buf_alloc;
	v->peer_read = h->fwd_cnt;
	if (v->state == VSOCK_CONNECTED)
		connected_locked(v, h, data);
	else if (v->state == VSOCK_CONNECTING)
		connecting_locked(v, h);
	else
		strange = true;
	mutex_unlock(&s->lock);
	if (strange)
		answer_reset(h);
	else
		wait_wake_all(&s->wait, 0);
}

void vsock_receive(const struct virtio_vsock_hdr *h, const void *data)
{
	struct sock *s;

	if (h->dst_cid != __atomic_load_n(&vsock_transport->cid,
					  __ATOMIC_RELAXED) ||
	    h->src_cid >= VSOCK_ANY)
		return;
	s = h->type == VIRTIO_VSOCK_TYPE_STREAM ? find(h) : NULL;
	if (!s) {
		answer_reset(h);
		return;
	}
	if (s->state != SOCK_LISTENING)
		take_packet(s, h, data);
	else if (h->op != VIRTIO_VSOCK_OP_REQUEST || !take_request(s, h))
		answer_reset(h);
	sock_put(s);
}

/* The first connection in the table, referenced; NULL: none. */
static struct sock *first_connection(void)
{
	struct sock *s = NULL;

	mutex_lock(&table_lock);
	list_for_each(p, &table) {
		struct vsock *v = list_entry(p, struct vsock, link);

		if (v->has_peer) {
			s = sock_get(v->sock);
			break;
		}
	}
	mutex_unlock(&table_lock);
	return s;
}

void vsock_reset(void)
{
	struct sock *s;

	while ((s = first_connection())) {
		struct vsock *v = s->family;

		mutex_lock(&s->lock);
		vsock_clear_peer_locked(v);
		if (v->state == VSOCK_CONNECTED) {
			die_locked(v, ECONNRESET);
		} else if (v->state == VSOCK_CONNECTING) {
			v->state = VSOCK_IDLE;
			s->err = ECONNRESET;
		}
		mutex_unlock(&s->lock);
		wait_wake_all(&s->wait, 0);
		sock_put(s);
	}
}
