/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of virtqueues (drv/virtio/queue.c) against a device made
 * here, which can also lie. The device finds memory by the driver's own
 * translation turned round. Prints TAP.
 */
#include "core/heap.h"
#include "core/page.h"
#include "drv/virtio/queue.h"
#include "lib/string.h"
#include "platform/kvm/paging.h"

void *calloc(size_t n, size_t m);
void *aligned_alloc(size_t align, size_t n);
void free(void *p);
int printf(const char *fmt, ...);

#define SIZE 8

/* --- what the queue stands on -----------------------------------------------*/

static int allocations;		/* outstanding */
static int fail_in;		/* the n-th from now fails; 0: none */

static bool must_fail(void)
{
	return fail_in && !--fail_in;
}

void *page_alloc(uint32_t order, bool zeroed)
{
	void *p = must_fail() ? NULL :
		  aligned_alloc(PAGE_SIZE, PAGE_SIZE << order);

	if (!p)
		return NULL;
	allocations++;
	return memset(p, 0, PAGE_SIZE << order);
}

void page_free(void *p, uint32_t order)
{
	allocations -= p != NULL;
	free(p);
}

void *kzalloc(size_t n)
{
	void *p = must_fail() ? NULL : calloc(1, n);

	allocations += p != NULL;
	return p;
}

void kfree(void *p)
{
	allocations -= p != NULL;
	free(p);
}

/* --- the device ---------------------------------------------------------------*/

static uint16_t seen;		/* of the available ring */

static void *at(uint64_t gpa)
{
	return phys_to_virt(gpa);
}

/* Head of the next request, or -1. */
static int next_request(struct virtq *q)
{
	if (q->avail->idx == seen)
		return -1;
	return q->avail->ring[seen++ % q->size];
}

static void give_back(struct virtq *q, uint32_t id, uint32_t len)
{
	struct vring_used_elem *e = &q->used->ring[q->used->idx % q->size];

	e->id = id;
	e->len = len;
	__atomic_store_n(&q->used->idx, q->used->idx + 1, __ATOMIC_RELEASE);
}

/* Copy what is to be read to what is to be written. Returns the length. */
static uint32_t echo(struct virtq *q, int head)
{
	struct vring_desc *table = q->desc, *d = &table[head];
	char bytes[256];
	uint32_t n = 0, out = 0;

	if (d->flags & VRING_DESC_F_INDIRECT) {
		table = at(d->addr);
		d = table;
	}
	for (;; d = &table[d->next]) {
		if (d->flags & VRING_DESC_F_WRITE) {
			memcpy(at(d->addr), bytes + out, d->len);
			out += d->len;
		} else {
			memcpy(bytes + n, at(d->addr), d->len);
			n += d->len;
		}
		if (!(d->flags & VRING_DESC_F_NEXT))
			return out;
	}
}

/* --- tests --------------------------------------------------------------------*/

#define CHECK(e) \
	do { \
		if (!(e)) { \
			printf("# line %d: %s\n", __LINE__, #e); \
			return false; \
		} \
	} while (0)

static bool start(struct virtq *q, bool indirect, bool event_idx)
{
	seen = 0;
	return !virtq_init(q, SIZE, indirect, event_idx);
}

/* Requests of two pieces each way, round the ring several times. */
static bool echo_many(bool indirect, bool event_idx)
{
	struct virtq q;
	uint32_t written;

	CHECK(start(&q, indirect, event_idx));
	for (int i = 0; i < 5 * SIZE; i++) {
		struct vring_desc table[4];
		char out[2][4], in[2][4];
		struct virtq_seg seg[4] = { { out[0], 4 }, { out[1], 4 },
					    { in[0], 4 }, { in[1], 4 } };
		int head;

		memset(out, 'a' + i % 26, sizeof(out));
		memset(in, 0, sizeof(in));
		CHECK(!virtq_add(&q, seg, 2, 2, table, out));
		CHECK(virtq_publish(&q));
		CHECK(!virtq_take(&q, &written));
		head = next_request(&q);
		CHECK(head >= 0);
		if (event_idx)
			*(uint16_t *)&q.used->ring[SIZE] = seen;
		give_back(&q, (uint32_t)head, echo(&q, head));
		CHECK(virtq_take(&q, &written) == out && written == 8);
		CHECK(!memcmp(in, out, sizeof(in)));
	}
	CHECK(q.nr_free == SIZE && !q.broken);
	virtq_fini(&q);
	return true;
}

static bool test_direct(void)
{
	return echo_many(false, false);
}

static bool test_indirect(void)
{
	return echo_many(true, false);
}

static bool test_event_index(void)
{
	return echo_many(true, true) && echo_many(false, true);
}

static bool test_full(void)
{
	char b[SIZE][4];
	struct virtq q;
	uint32_t written;

	CHECK(start(&q, false, false));
	for (int i = 0; i < SIZE / 2; i++) {
		struct virtq_seg seg[2] = { { b[i], 2 }, { b[i] + 2, 2 } };

		CHECK(!virtq_add(&q, seg, 1, 1, NULL, b[i]));
	}
	struct virtq_seg one = { b[7], 4 };
	struct virtq_seg many[SIZE + 1] = { { b[0], 1 } };

	CHECK(virtq_add(&q, &one, 1, 0, NULL, b[7]) == -ENOSPC);
	CHECK(virtq_add(&q, many, SIZE + 1, 0, NULL, b) == -EIO);
	virtq_publish(&q);
	/* out of order */
	give_back(&q, q.avail->ring[2], 0);
	CHECK(virtq_take(&q, &written) == b[2]);
	CHECK(!virtq_add(&q, &one, 1, 0, NULL, b[7]));
	CHECK(!virtq_add(&q, &one, 1, 0, NULL, b[6]));
	CHECK(virtq_add(&q, &one, 1, 0, NULL, b[5]) == -ENOSPC);
	virtq_fini(&q);
	return true;
}

/* Tell the driver of a request that is not one; it must not be taken. */
static bool lie(uint32_t id_offset, uint32_t len, bool again)
{
	char b[4];
	struct virtq_seg seg = { b, 4 };
	struct virtq q;
	uint32_t written, id;

	CHECK(start(&q, false, false));
	CHECK(!virtq_add(&q, &seg, 0, 1, NULL, b));
	virtq_publish(&q);
	id = (uint32_t)next_request(&q);
	if (again) {
		give_back(&q, id, 4);
		CHECK(virtq_take(&q, &written) == b);
	}
	give_back(&q, id + id_offset, len);
	CHECK(!virtq_take(&q, &written));
	CHECK(q.broken);
	/* nothing is taken or added any more, even if it were right */
	give_back(&q, id, 4);
	CHECK(!virtq_take(&q, &written));
	CHECK(virtq_add(&q, &seg, 0, 1, NULL, b) == -EIO);
	CHECK(virtq_abandon(&q) == (again ? NULL : b));
	CHECK(!virtq_abandon(&q));
	virtq_fini(&q);
	return true;
}

static bool test_lies(void)
{
	CHECK(lie(1, 4, false));		/* not given */
	CHECK(lie(SIZE, 4, false));		/* out of range */
	CHECK(lie(0x80000000u, 4, false));
	CHECK(lie(0, 5, false));		/* longer than the room */
	CHECK(lie(0, 4, true));			/* twice */
	return true;
}

/* Descriptors that the device wrote over do not lead the driver astray. */
static bool test_scribble(void)
{
	char b[4][4];
	struct virtq_seg seg[2] = { { b[0], 4 }, { b[1], 4 } };
	struct virtq q;
	uint32_t written;

	CHECK(start(&q, false, false));
	CHECK(!virtq_add(&q, seg, 1, 1, NULL, b));
	virtq_publish(&q);
	memset(q.desc, 0xff, SIZE * sizeof(*q.desc));
	memset(q.avail->ring, 0xff, SIZE * sizeof(q.avail->ring[0]));
	give_back(&q, 0, 4);
	CHECK(virtq_take(&q, &written) == b && q.nr_free == SIZE);
	CHECK(!virtq_add(&q, seg, 1, 1, NULL, b));
	virtq_fini(&q);
	return true;
}

static bool test_interrupts(void)
{
	char b[4];
	struct virtq_seg seg = { b, 4 };
	struct virtq q;
	uint32_t written;

	CHECK(start(&q, false, false));
	virtq_irq_off(&q);
	CHECK(q.avail->flags & VRING_AVAIL_F_NO_INTERRUPT);
	CHECK(!virtq_add(&q, &seg, 0, 1, NULL, b));
	virtq_publish(&q);
	CHECK(!virtq_irq_on(&q));
	CHECK(!(q.avail->flags & VRING_AVAIL_F_NO_INTERRUPT));
	give_back(&q, 0, 4);
	CHECK(virtq_irq_on(&q));	/* no interrupt comes for it */
	CHECK(virtq_take(&q, &written));
	q.used->flags = VRING_USED_F_NO_NOTIFY;
	CHECK(!virtq_add(&q, &seg, 0, 1, NULL, b));
	CHECK(!virtq_publish(&q));
	virtq_fini(&q);
	return true;
}

static bool test_no_memory(void)
{
	struct virtq q;

	for (int i = 1; i <= 2; i++) {
		fail_in = i;
		CHECK(virtq_init(&q, SIZE, true, true) == -ENOMEM);
	}
	fail_in = 0;
	return true;
}

static const struct {
	const char *name;
	bool (*fn)(void);
} tests[] = {
	{ "requests in direct descriptors", test_direct },
	{ "requests in indirect descriptors", test_indirect },
	{ "event indices", test_event_index },
	{ "a full queue, answers out of order", test_full },
	{ "a device that lies is not believed", test_lies },
	{ "a device that scribbles", test_scribble },
	{ "interrupts and notifications wanted or not", test_interrupts },
	{ "no memory", test_no_memory },
};

int main(void)
{
	int failed = 0;

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		int before = allocations;
		bool ok = tests[i].fn();

		if (ok && allocations != before) {
			printf("# %d allocations left\n", allocations - before);
			ok = false;
		}
		failed += !ok;
		printf("%sok %d - virtq: %s\n", ok ? "" : "not ",
		       (int)i + 1, tests[i].name);
	}
	printf("1..%d\n", (int)ARRAY_LEN(tests));
	return failed != 0;
}
