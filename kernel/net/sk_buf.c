/* SPDX-License-Identifier: MIT */
/*
 * Message buffers. Bytes are copied once into a buffer by the sender and once
 * out of it by the receiver. A buffer is charged to its sender (wmem) until
 * it is freed; a sender over its sndbuf sleeps until a quarter is left, so
 * that it is not woken for each buffer.
 * Large buffers are page blocks, small ones come from the heap.
 */
#include <linux/eventpoll.h>
#include "core/heap.h"
#include "core/page.h"
#include "net/unix.h"

/* Beyond this the heap would take 64 KiB and give it back to the host. */
#define HEAP_MAX	8192u
#define RECORD_COST	256u	/* of rcvbuf, besides the data */

static struct sk_buf *alloc(size_t size, uint32_t *order)
{
	*order = 0;
	if (size <= HEAP_MAX)
		return kmalloc(size);
	while (PAGE_SIZE << *order < size)
		++*order;
	return page_alloc_program(*order, false);
}

struct sk_buf *sk_buf_create(struct sock *sender, uint32_t len)
{
	uint32_t order;
	struct sk_buf *b = alloc(sizeof(*b) + len, &order);

	if (!b)
		return NULL;
	*b = (struct sk_buf){
		.len = len,
		.order = order,
		.charge = len + (uint32_t)sizeof(*b),
		.sender = sender ? sock_get(sender) : NULL,
	};
	if (sender)
		__atomic_fetch_add(&sender->wmem, b->charge,
				   __ATOMIC_RELAXED);
	return b;
}

bool sock_is_writable(const struct sock *s)
{
	uint32_t wmem = __atomic_load_n(&s->wmem, __ATOMIC_SEQ_CST);

	return s->state != SOCK_LISTENING && (uint64_t)wmem * 4 <= s->sndbuf;
}

static void give_charge_back(struct sock *s, uint32_t charge)
{
	uint32_t old = __atomic_fetch_sub(&s->wmem, charge, __ATOMIC_SEQ_CST);

	/* Only the step below a quarter is news. */
	if ((uint64_t)old * 4 > s->sndbuf && sock_is_writable(s))
		wait_wake_all(&s->wait, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	sock_put(s);
}

void sk_buf_free(struct sk_buf *b)
{
	if (b->sender)
		give_charge_back(b->sender, b->charge);
	sk_files_drop(b->files);
	if (b->order)
		page_free(b, b->order);
	else
		kfree(b);
}

void sk_queue_purge(struct list *queue)
{
	while (!list_is_empty(queue)) {
		struct sk_buf *b = list_first(queue, struct sk_buf, link);

		list_remove(&b->link);
		sk_buf_free(b);
	}
}

bool sk_queue_record(struct sock *s, struct sk_buf *b)
{
	bool fits;

	mutex_lock(&s->lock);
	fits = !s->released && s->queue_bytes + b->len +
	       ((uint64_t)s->queue_len + 1) * RECORD_COST <= s->rcvbuf;
	if (fits) {
		list_append(&s->queue, &b->link);
		s->queue_bytes += b->len;
		__atomic_store_n(&s->queue_len, s->queue_len + 1,
				 __ATOMIC_SEQ_CST);
	}
	mutex_unlock(&s->lock);
	if (!fits)
		sk_buf_free(b);
	return fits;
}

static bool may_go_on(const struct sock *s)
{
	return __atomic_load_n(&s->wmem, __ATOMIC_SEQ_CST) < s->sndbuf ||
	       s->shutdown & SHUT_SEND;
}

int sock_wait_space(struct sock *s, bool nonblock)
{
	uint64_t deadline;
	struct waiter w;
	int err = 0;

	if (!may_go_on(s)) {
		if (nonblock)
			return -EAGAIN;
		deadline = sock_deadline(s->sndtimeo_ns);
		wait_begin(&w, &s->wait);
		while (!may_go_on(s) && !err)
			err = wait_sleep(&w, deadline, true);
		wait_end(&w);
		if (err && !may_go_on(s))
			return sock_sleep_error(err, s->sndtimeo_ns);
	}
	return s->shutdown & SHUT_SEND ? -EPIPE : 0;
}
