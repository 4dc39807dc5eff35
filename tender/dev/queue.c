/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues, see queue.h.
 *
 * Order of memory: the available index is read (acquire) before the entry it
 * covers; a used entry is written before the used index (release). Asking for
 * doorbells or for the driver's wish, and then looking at the other side's
 * index, needs a full barrier between: both sides write one and read the
 * other, and without it both could miss the other's write.
 */
#include "dev/queue.h"
#include <errno.h>
#include <limits.h>
#include <linux/virtio_ring.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "rings are little endian and used as they are");
_Static_assert(sizeof(struct vring_desc) == 16, "layout of a descriptor");

#define DESC_ALIGN	16u
#define AVAIL_ALIGN	2u
#define USED_ALIGN	4u
#define RING_AT		4u	/* flags and index come first */
#define EVENT_BYTES	2u

/* ---- the shared words ---------------------------------------------------- */

static uint16_t load16(const unsigned char *p)
{
	return __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
}

static void store16(unsigned char *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, v, __ATOMIC_RELEASE);
}

static uint16_t avail_flags(const struct virtq *q)
{
	return load16(q->avail_ptr);
}

static uint16_t avail_index(const struct virtq *q)
{
	return load16(q->avail_ptr + 2);
}

static unsigned char *avail_entry(const struct virtq *q, uint16_t index)
{
	return q->avail_ptr + RING_AT + 2ul * (index & (q->size - 1));
}

/* The driver's "signal me at this used index". */
static uint16_t used_event(const struct virtq *q)
{
	return load16(q->avail_ptr + RING_AT + 2ul * q->size);
}

/* Our "ring at this available index". */
static unsigned char *avail_event(const struct virtq *q)
{
	return q->used_ptr + RING_AT +
	       sizeof(struct vring_used_elem) * q->size;
}

static int fail(struct virtq *q, const char *why)
{
	q->broken = why;
	return -EPROTO;
}

/* ---- start and stop ------------------------------------------------------- */

static int start_failed(struct virtq *q, int code, const char *why)
{
	q->broken = why;
	return -code;
}

int virtq_start(struct virtq *q, uint16_t next_avail, uint16_t next_used)
{
	uint64_t size = q->size;

	if (!size || size > VIRTQ_SIZE_MAX || (size & (size - 1)))
		return start_failed(q, EINVAL, "bad queue size");
	if (q->desc % DESC_ALIGN || q->avail % AVAIL_ALIGN ||
	    q->used % USED_ALIGN)
		return start_failed(q, EINVAL, "ring addresses not aligned");
	q->desc_ptr = guest_ptr(q->memory, q->desc,
				size * sizeof(struct vring_desc));
	q->avail_ptr = guest_ptr(q->memory, q->avail,
				 RING_AT + 2 * size + EVENT_BYTES);
	q->used_ptr = guest_ptr(q->memory, q->used, RING_AT +
				sizeof(struct vring_used_elem) * size +
				EVENT_BYTES);
	if (!q->desc_ptr || !q->avail_ptr || !q->used_ptr)
		return start_failed(q, EFAULT, "rings outside of memory");
	q->next_avail = next_avail;
	q->next_used = next_used;
	q->signalled = next_used;
	q->signalled_valid = false;
	q->in_flight = 0;
	q->broken = NULL;
	q->ready = true;
	return 0;
}

void virtq_reset(struct virtq *q)
{
	*q = (struct virtq){ .memory = q->memory };
}

/* ---- taking a request ------------------------------------------------------ */

struct table {
	const unsigned char *desc;
	uint32_t nr, seen;
	bool indirect;
};

static struct vring_desc table_copy(const struct table *t, uint16_t index)
{
	struct vring_desc d;

	memcpy(&d, t->desc + sizeof(d) * index, sizeof(d));
	__asm__ volatile("" ::: "memory");	/* only the copy from here */
	return d;
}

static int enter_indirect(struct virtq *q, struct table *t,
			  const struct vring_desc *d)
{
	if (!q->indirect)
		return fail(q, "indirect descriptors were not agreed");
	if (t->indirect)
		return fail(q, "an indirect descriptor in an indirect table");
	if (d->flags & VRING_DESC_F_NEXT)
		return fail(q, "an indirect descriptor with a successor");
	if (!d->len || d->len % sizeof(*d))
		return fail(q, "bad length of an indirect table");
	if (d->len / sizeof(*d) > VIRTQ_SIZE_MAX)
		return fail(q, "an indirect table is too long");
	t->desc = guest_ptr(q->memory, d->addr, d->len);
	if (!t->desc)
		return fail(q, "an indirect table outside of memory");
	t->nr = d->len / (uint32_t)sizeof(*d);
	t->seen = 0;
	t->indirect = true;
	return 0;
}

static int chain_add(struct virtq *q, struct virtq_chain *c,
		     const struct vring_desc *d)
{
	uint32_t nr = c->nr_out + c->nr_in;
	bool writable = d->flags & VRING_DESC_F_WRITE;
	void *host;

	if (nr == VIRTQ_SIZE_MAX)
		return fail(q, "a request has too many buffers");
	if (!d->len)
		return fail(q, "a buffer of length zero");
	if (!writable && c->nr_in)
		return fail(q, "a readable buffer behind a writable one");
	host = guest_ptr(q->memory, d->addr, d->len);
	if (!host)
		return fail(q, "a buffer outside of memory");
	if (c->out_left + c->in_left + d->len > UINT32_MAX)
		return fail(q, "a request of 4 GiB or more");
	c->iov[nr] = (struct iovec){ host, d->len };
	if (writable) {
		c->nr_in++;
		c->in_left += d->len;
	} else {
		c->nr_out++;
		c->out_left += d->len;
	}
	return 0;
}

static void chain_begin(struct virtq_chain *c, uint16_t head)
{
	c->head = head;
	c->nr_out = c->nr_in = c->out_at = c->in_at = 0;
	c->out_left = c->in_left = c->written = 0;
}

/* At most table-size steps in each of two tables: more is a loop. */
static int chain_take(struct virtq *q, struct virtq_chain *c, uint16_t head)
{
	struct table t = { .desc = q->desc_ptr, .nr = q->size };
	uint16_t index = head;

	chain_begin(c, head);
	for (;;) {
		struct vring_desc d;
		int err;

		if (index >= t.nr)
			return fail(q, "a descriptor index beyond the table");
		if (t.seen++ == t.nr)
			return fail(q, "a chain of descriptors has a loop");
		d = table_copy(&t, index);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			err = enter_indirect(q, &t, &d);
			index = 0;
		} else {
			err = chain_add(q, c, &d);
			index = d.next;
		}
		if (err)
			return err;
		if (!(d.flags & (VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT)))
			break;
	}
	c->in_at = c->nr_out;
	return 0;
}

int virtq_next(struct virtq *q, struct virtq_chain *c)
{
	uint16_t waiting;
	int err;

	if (q->broken)
		return -EPROTO;
	if (!q->ready)
		return 0;
	waiting = (uint16_t)(avail_index(q) - q->next_avail);
	if (!waiting)
		return 0;
	if (waiting > q->size)
		return fail(q, "the available index went beyond the ring");
	if (q->in_flight == q->size)
		return fail(q, "more requests than descriptors");
	err = chain_take(q, c, load16(avail_entry(q, q->next_avail)));
	if (err)
		return err;
	q->next_avail++;
	q->in_flight++;
	return 1;
}

void virtq_put_back(struct virtq *q)
{
	if (!q->ready || q->broken || !q->in_flight)
		return;
	q->next_avail--;
	q->in_flight--;
}

/* ---- giving it back ---------------------------------------------------------- */

void virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
	struct vring_used_elem e = { .id = head, .len = written };

	if (!q->ready || q->broken || !q->in_flight)
		return;
	memcpy(q->used_ptr + RING_AT +
	       sizeof(e) * (q->next_used & (q->size - 1)), &e, sizeof(e));
	q->in_flight--;
	q->next_used++;
	store16(q->used_ptr + 2, q->next_used);
}

bool virtq_must_signal(struct virtq *q)
{
	uint16_t old = q->signalled;
	bool valid = q->signalled_valid;

	if (!q->ready || q->broken || old == q->next_used)
		return false;
	/* pairs with the driver: it writes its wish, then reads our index */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->signalled = q->next_used;
	q->signalled_valid = true;
	if (!q->event_idx)
		return !(avail_flags(q) & VRING_AVAIL_F_NO_INTERRUPT);
	return !valid || vring_need_event(used_event(q), q->next_used, old);
}

void virtq_disarm(struct virtq *q)
{
	/* with event indices it is enough not to move ours */
	if (q->ready && !q->broken && !q->event_idx)
		store16(q->used_ptr, VRING_USED_F_NO_NOTIFY);
}

bool virtq_arm(struct virtq *q)
{
	if (!q->ready || q->broken)
		return false;
	if (q->event_idx)
		store16(avail_event(q), q->next_avail);
	else
		store16(q->used_ptr, 0);
	/* pairs with the driver: it writes its index, then reads our wish */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return avail_index(q) != q->next_avail;
}

/* ---- going through a request ---------------------------------------------------- */

/* Use up n bytes from buffer *at on; n is at most what is left. */
static void advance(struct virtq_chain *c, uint32_t *at, uint64_t *left,
		    size_t n)
{
	*left -= n;
	while (n) {
		struct iovec *v = &c->iov[*at];
		size_t step = n < v->iov_len ? n : v->iov_len;

		v->iov_base = (char *)v->iov_base + step;
		v->iov_len -= step;
		n -= step;
		if (!v->iov_len)
			(*at)++;
	}
}

void virtq_chain_skip_out(struct virtq_chain *c, size_t n)
{
	advance(c, &c->out_at, &c->out_left,
		n < c->out_left ? n : c->out_left);
}

void virtq_chain_skip_in(struct virtq_chain *c, size_t n)
{
	n = n < c->in_left ? n : c->in_left;
	c->written += n;
	advance(c, &c->in_at, &c->in_left, n);
}

size_t virtq_chain_read(struct virtq_chain *c, void *dst, size_t len)
{
	size_t done = 0;

	while (done < len && c->out_left) {
		const struct iovec *v = &c->iov[c->out_at];
		size_t n = len - done < v->iov_len ? len - done : v->iov_len;

		memcpy((char *)dst + done, v->iov_base, n);
		virtq_chain_skip_out(c, n);
		done += n;
	}
	__asm__ volatile("" ::: "memory");	/* only the copy from here */
	return done;
}

size_t virtq_chain_write(struct virtq_chain *c, const void *src, size_t len)
{
	size_t done = 0;

	while (done < len && c->in_left) {
		const struct iovec *v = &c->iov[c->in_at];
		size_t n = len - done < v->iov_len ? len - done : v->iov_len;

		memcpy(v->iov_base, (const char *)src + done, n);
		virtq_chain_skip_in(c, n);
		done += n;
	}
	return done;
}

const struct iovec *virtq_chain_out(const struct virtq_chain *c, uint32_t *nr)
{
	*nr = c->nr_out - c->out_at;
	return &c->iov[c->out_at];
}

const struct iovec *virtq_chain_in(const struct virtq_chain *c, uint32_t *nr)
{
	*nr = c->nr_out + c->nr_in - c->in_at;
	return &c->iov[c->in_at];
}

unsigned char *virtq_chain_take_last(struct virtq_chain *c)
{
	struct iovec *v;

	if (!c->in_left)
		return NULL;
	v = &c->iov[c->nr_out + c->nr_in - 1];
	c->in_left--;
	v->iov_len--;
	if (!v->iov_len)
		c->nr_in--;
	return (unsigned char *)v->iov_base + v->iov_len;
}
