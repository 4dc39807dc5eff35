/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues. Descriptors are private to the driver until published: the
 * free list and the length of every chain are kept in `slots`, so that nothing
 * that the device may have scribbled into shared memory is ever followed.
 */
#include "drv/virtio/queue.h"
#include "core/heap.h"
#include "core/page.h"
#include "lib/string.h"
#include "platform/kvm/paging.h"

#define USED_ALIGN	4u

/* used_event lies behind the available ring, avail_event behind the used. */
static uint16_t *used_event(struct virtq *q)
{
	return &q->avail->ring[q->size];
}

static uint16_t *avail_event(struct virtq *q)
{
	return (uint16_t *)&q->used->ring[q->size];
}

static size_t avail_offset(uint16_t size)
{
	return size * sizeof(struct vring_desc);
}

static size_t used_offset(uint16_t size)
{
	return ALIGN_UP(avail_offset(size) + (3 + (size_t)size) *
			sizeof(uint16_t), (size_t)USED_ALIGN);
}

static size_t ring_bytes(uint16_t size)
{
	return used_offset(size) + 3 * sizeof(uint16_t) +
	       size * sizeof(struct vring_used_elem);
}

int virtq_init(struct virtq *q, uint16_t size, bool indirect, bool event_idx)
{
	char *p;

	*q = (struct virtq){ .size = size, .indirect = indirect,
			     .event_idx = event_idx, .nr_free = size };
	while (PAGE_SIZE << q->order < ring_bytes(size))
		q->order++;
	p = page_alloc(q->order, true);
	q->slots = kzalloc(size * sizeof(*q->slots));
	if (!p || !q->slots) {
		page_free(p, q->order);
		kfree(q->slots);
		q->slots = NULL;	/* fini does no harm */
		return -ENOMEM;
	}
	q->desc = (struct vring_desc *)p;
	q->avail = (struct vring_avail *)(p + avail_offset(size));
	q->used = (struct vring_used *)(p + used_offset(size));
	return 0;
}

void virtq_fini(struct virtq *q)
{
	page_free(q->desc, q->order);
	kfree(q->slots);
	q->desc = NULL;
	q->slots = NULL;
}

/* --- adding ------------------------------------------------------------------*/

static void fill(struct vring_desc *d, const struct virtq_seg *seg, bool in,
		 bool more, uint16_t next)
{
	d->addr = virt_to_phys(seg->p);
	d->len = seg->len;
	d->flags = (uint16_t)((in ? VRING_DESC_F_WRITE : 0) |
			      (more ? VRING_DESC_F_NEXT : 0));
	d->next = more ? next : 0;
}

static uint16_t next_of(const struct virtq *q, uint16_t at)
{
	return (uint16_t)(at + 1 + q->slots[at].skip);
}

static void fill_table(struct virtq *q, struct vring_desc *table,
		       const struct virtq_seg *seg, uint32_t nr_out,
		       uint32_t nr)
{
	struct vring_desc *d = &q->desc[q->free_head];

	for (uint32_t i = 0; i < nr; i++)
		fill(&table[i], &seg[i], i >= nr_out, i + 1 < nr,
		     (uint16_t)(i + 1));
	d->addr = virt_to_phys(table);
	d->len = nr * (uint32_t)sizeof(*table);
	d->flags = VRING_DESC_F_INDIRECT;
	d->next = 0;
}

static void fill_chain(struct virtq *q, const struct virtq_seg *seg,
		       uint32_t nr_out, uint32_t nr)
{
	uint16_t at = q->free_head;

	for (uint32_t i = 0; i < nr; i++) {
		fill(&q->desc[at], &seg[i], i >= nr_out, i + 1 < nr,
		     next_of(q, at));
		at = next_of(q, at);
	}
}

/* Take the first `nr` free descriptors out of the list. */
static uint16_t take_slots(struct virtq *q, uint32_t nr)
{
	uint16_t head = q->free_head, at = head;

	for (uint32_t i = 0; i < nr; i++)
		at = next_of(q, at);
	q->free_head = at;
	q->nr_free = (uint16_t)(q->nr_free - nr);
	q->slots[head].nr = (uint16_t)nr;
	return head;
}

int virtq_add(struct virtq *q, const struct virtq_seg *seg, uint32_t nr_out,
	      uint32_t nr_in, struct vring_desc *table, void *token)
{
	uint32_t nr = nr_out + nr_in, need = nr;
	uint32_t in_bytes = 0;
	uint16_t head;

	if (q->broken || !nr)
		return -EIO;
	if (table && q->indirect && nr > 1)
		need = 1;
	if (need > q->nr_free)
		return need > q->size ? -EIO : -ENOSPC;
	for (uint32_t i = nr_out; i < nr; i++)
		in_bytes += seg[i].len;
	if (need < nr)
		fill_table(q, table, seg, nr_out, nr);
	else
		fill_chain(q, seg, nr_out, nr);
	head = take_slots(q, need);
	q->slots[head].token = token;
	q->slots[head].in_bytes = in_bytes;
	q->avail->ring[q->added++ & (q->size - 1)] = head;
	return 0;
}

bool virtq_publish(struct virtq *q)
{
	uint16_t old = q->published, now = q->added;

	/* Partner: the device reads idx before the ring and the descriptors;
	 * else it would see old ones. */
	__atomic_store_n(&q->avail->idx, now, __ATOMIC_RELEASE);
	q->published = now;
	/* Partner: the device writes its wish, then looks at idx once more;
	 * without the fence each could miss the other. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (now == old)
		return false;
	if (q->event_idx)
		return vring_need_event(__atomic_load_n(avail_event(q),
							__ATOMIC_RELAXED),
					now, old);
	return !(__atomic_load_n(&q->used->flags, __ATOMIC_RELAXED) &
		 VRING_USED_F_NO_NOTIFY);
}

/* --- taking ------------------------------------------------------------------*/

static void *free_chain(struct virtq *q, uint16_t head)
{
	struct virtq_slot *s = &q->slots[head];
	uint16_t last = head;
	void *token = s->token;

	for (uint16_t i = 1; i < s->nr; i++)
		last = next_of(q, last);
	q->slots[last].skip = (uint16_t)(q->free_head - last - 1);
	q->free_head = head;
	q->nr_free = (uint16_t)(q->nr_free + s->nr);
	s->token = NULL;
	return token;
}

static void *fail(struct virtq *q, const char *why)
{
	q->broken = why;
	return NULL;
}

static bool has_used(struct virtq *q)
{
	/* Partner: the device's store after it filled the entry and the
	 * buffers; else those could be read too early. */
	return __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) != q->taken;
}

void *virtq_take(struct virtq *q, uint32_t *written)
{
	volatile struct vring_used_elem *e;
	uint32_t id, len;

	if (q->broken || !has_used(q))
		return NULL;
	e = &q->used->ring[q->taken & (q->size - 1)];
	id = e->id;
	len = e->len;
	if (id >= q->size || !q->slots[id].token)
		return fail(q, "the device gave back what it does not have");
	if (len > q->slots[id].in_bytes)
		return fail(q, "the device wrote more than there is room for");
	q->taken++;
	*written = len;
	return free_chain(q, (uint16_t)id);
}

void *virtq_abandon(struct virtq *q)
{
	if (!q->broken)
		q->broken = "given up";
	for (uint16_t i = 0; i < q->size; i++)
		if (q->slots[i].token)
			return free_chain(q, i);
	return NULL;
}

bool virtq_irq_on(struct virtq *q)
{
	if (q->event_idx)
		__atomic_store_n(used_event(q), q->taken, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&q->avail->flags, 0, __ATOMIC_RELAXED);
	/* Partner: the device stores idx, then looks at the wish. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !q->broken && has_used(q);
}

void virtq_irq_off(struct virtq *q)
{
	if (q->event_idx)
		/* as far away as can be */
		__atomic_store_n(used_event(q), (uint16_t)(q->taken - 1),
				 __ATOMIC_RELAXED);
	else
		__atomic_store_n(&q->avail->flags,
				 VRING_AVAIL_F_NO_INTERRUPT, __ATOMIC_RELAXED);
}
