/* SPDX-License-Identifier: MIT */
/* What all kinds of sockets share: life, pending errors, timeouts. */
#include "net/socket.h"
#include "core/heap.h"
#include "core/timer.h"
#include "net/unix.h"

struct sock_upcalls sock_upcalls;

struct sock *sock_create(uint32_t domain, uint32_t type,
			 const struct sock_ops *ops)
{
	struct sock *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	ref_init(&s->refs, 1);
	s->ops = ops;
	s->type = type;
	s->domain = domain;
	mutex_init(&s->read_lock);
	mutex_init(&s->lock);
	waitq_init(&s->wait);
	waitq_init(&s->peer_wait);
	list_init(&s->queue);
	list_init(&s->accept_queue);
	list_init(&s->accept_link);
	list_init(&s->senders);
	list_init(&s->sender_link);
	s->backlog = SOCK_DGRAM_QUEUE;
	s->sndbuf = s->rcvbuf = SOCK_BUF_DEFAULT;
	s->rcvtimeo_ns = s->sndtimeo_ns = DEADLINE_NEVER;
	s->peek_off = -1;
	s->linger = -1;
	s->rcvlowat = 1;
	s->peer_cred = (struct sock_cred){ 0, UINT32_MAX, UINT32_MAX };
	return s;
}

void net_space_put(struct net_space *n)
{
	if (n && ref_put(&n->refs))
		kfree(n);
}

struct sock *sock_get(struct sock *s)
{
	ref_get(&s->refs);
	return s;
}

void sock_put(struct sock *s)
{
	if (!s || !ref_put(&s->refs))
		return;
	unix_addr_put(s->addr);
	net_space_put(s->space);
	kfree(s->family);
	kfree(s);
}

int sock_take_error(struct sock *s)
{
	return -(int)__atomic_exchange_n(&s->err, 0, __ATOMIC_RELAXED);
}

uint64_t sock_deadline(uint64_t timeo_ns)
{
	return timeo_ns == DEADLINE_NEVER ? DEADLINE_NEVER :
	       clock_mono_ns() + timeo_ns;
}

int sock_sleep_error(int err, uint64_t timeo_ns)
{
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	if (err == -EINTR)
		return timeo_ns == DEADLINE_NEVER ? -ERESTARTSYS : -EINTR;
	return err;
}
