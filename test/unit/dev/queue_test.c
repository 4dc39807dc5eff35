/* SPDX-License-Identifier: MIT */
/*
 * Split queues: good requests of each shape, and each kind of bad one. The
 * queue is used directly, without a transport, as vhost-user does.
 */
#include "fake_guest.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE
#define INDIRECT	VRING_DESC_F_INDIRECT
#define SIZE		FAKE_QUEUE_SIZE

static struct fake_guest g;
static struct virtq q;
static struct virtq_chain chain;

static void set_up(void)
{
	guest_init(&g);
	q = (struct virtq){ .memory = &g.memory, .size = SIZE,
			    .desc = ring_desc(0), .avail = ring_avail(0),
			    .used = ring_used(0), .indirect = true };
	if (virtq_start(&q, 0, 0))
		checks_failed++;
}

static void tear_down(void)
{
	guest_fini(&g);
}

static void test_start(void)
{
	static const struct {
		uint32_t size;
		gpa_t desc, avail, used;
		int err;
	} cases[] = {
		{ 0, LOW_BASE, LOW_BASE, LOW_BASE, -EINVAL },
		{ 3, LOW_BASE, LOW_BASE, LOW_BASE, -EINVAL },
		{ 2048, LOW_BASE, LOW_BASE, LOW_BASE, -EINVAL },
		{ 0x10000, LOW_BASE, LOW_BASE, LOW_BASE, -EINVAL },
		{ 16, LOW_BASE + 8, LOW_BASE, LOW_BASE, -EINVAL },
		{ 16, LOW_BASE, LOW_BASE + 1, LOW_BASE, -EINVAL },
		{ 16, LOW_BASE, LOW_BASE, LOW_BASE + 2, -EINVAL },
		{ 16, 0, LOW_BASE, LOW_BASE, -EFAULT },
		{ 16, LOW_BASE + LOW_LEN - 240, LOW_BASE, LOW_BASE, -EFAULT },
		{ 16, LOW_BASE, LOW_BASE + LOW_LEN - 36, LOW_BASE, -EFAULT },
		{ 16, LOW_BASE, LOW_BASE, LOW_BASE + LOW_LEN - 132, -EFAULT },
		{ 16, LOW_BASE, LOW_BASE, UINT64_MAX - 3, -EFAULT },
		{ 1, LOW_BASE + LOW_LEN - 16, LOW_BASE + LOW_LEN - 8,
		  LOW_BASE + LOW_LEN - 16, 0 },
		/* rings over each other are the driver's own harm */
		{ 1024, LOW_BASE, LOW_BASE, LOW_BASE, 0 },
	};

	guest_init(&g);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		q = (struct virtq){ .memory = &g.memory,
				    .size = cases[i].size,
				    .desc = cases[i].desc,
				    .avail = cases[i].avail,
				    .used = cases[i].used };
		CHECK(virtq_start(&q, 0, 0) == cases[i].err);
		CHECK(!q.broken == !cases[i].err);
		CHECK(q.ready == !cases[i].err);
	}
	tear_down();
}

static void test_not_ready(void)
{
	set_up();
	virtq_reset(&q);
	CHECK(virtq_next(&q, &chain) == 0);
	CHECK(!virtq_arm(&q) && !virtq_must_signal(&q));
	virtq_disarm(&q);
	virtq_push(&q, 0, 0);
	virtq_put_back(&q);
	tear_down();
}

static void test_shapes(void)
{
	char text[16] = "";
	uint32_t id, len, nr;

	set_up();
	put_desc(&g, 0, 3, DATA_BASE, 2, NEXT, 7);
	put_desc(&g, 0, 7, DATA_BASE + 2, 3, NEXT, 1);
	put_desc(&g, 0, 1, HIGH_BASE, 4, NEXT | WRITE, 2);
	put_desc(&g, 0, 2, HIGH_BASE + 100, 2, WRITE, 0);
	memcpy(guest_at(&g, DATA_BASE), "hello", 5);
	offer(&g, 0, 3);
	CHECK(virtq_next(&q, &chain) == 1);
	CHECK(chain.head == 3 && chain.nr_out == 2 && chain.nr_in == 2);
	CHECK(chain.out_left == 5 && chain.in_left == 6);
	CHECK(virtq_next(&q, &(struct virtq_chain){ .head = 0 }) == 0);
	CHECK(virtq_chain_read(&chain, text, 1) == 1);
	CHECK(virtq_chain_read(&chain, text + 1, 10) == 4);
	CHECK(!strcmp(text, "hello") && !chain.out_left);
	CHECK(virtq_chain_read(&chain, text, 1) == 0);
	virtq_chain_out(&chain, &nr);
	CHECK(!nr);
	CHECK(virtq_chain_take_last(&chain) ==
	      (unsigned char *)guest_at(&g, HIGH_BASE + 101));
	CHECK(virtq_chain_write(&chain, "12345678", 8) == 5);
	CHECK(chain.written == 5 && !chain.in_left);
	CHECK(!virtq_chain_take_last(&chain));
	CHECK(!memcmp(guest_at(&g, HIGH_BASE), "1234", 4));
	CHECK(!memcmp(guest_at(&g, HIGH_BASE + 100), "5", 2));
	virtq_push(&q, chain.head, 6);
	CHECK(take_used(&g, 0, &id, &len) && id == 3 && len == 6);
	tear_down();
}

static void test_skips(void)
{
	uint32_t nr;

	set_up();
	put_desc(&g, 0, 0, DATA_BASE, 10, NEXT, 1);
	put_desc(&g, 0, 1, DATA_BASE + 10, 10, NEXT, 2);
	put_desc(&g, 0, 2, DATA_BASE + 20, 10, WRITE, 0);
	offer(&g, 0, 0);
	CHECK(virtq_next(&q, &chain) == 1);
	virtq_chain_skip_out(&chain, 12);
	CHECK(virtq_chain_out(&chain, &nr)->iov_len == 8 && nr == 1);
	virtq_chain_skip_out(&chain, 100);
	CHECK(!chain.out_left);
	virtq_chain_skip_in(&chain, 3);
	CHECK(virtq_chain_in(&chain, &nr)->iov_len == 7 && nr == 1);
	virtq_chain_skip_in(&chain, UINT64_MAX);
	CHECK(chain.written == 10 && !chain.in_left);
	tear_down();
}

static void put_table(gpa_t at, uint32_t nr, gpa_t buffer)
{
	for (uint32_t i = 0; i < nr; i++) {
		struct vring_desc d = { buffer + i, 1,
					i + 1 < nr ? NEXT : 0,
					(uint16_t)(i + 1) };

		memcpy(guest_at(&g, at + sizeof(d) * i), &d, sizeof(d));
	}
}

static void test_indirect(void)
{
	set_up();
	put_table(DATA_BASE, 3, DATA_BASE + 0x1000);
	put_desc(&g, 0, 0, DATA_BASE + 0x2000, 5, NEXT, 4);
	put_desc(&g, 0, 4, DATA_BASE, 48, INDIRECT, 0);
	offer(&g, 0, 0);
	CHECK(virtq_next(&q, &chain) == 1);
	CHECK(chain.nr_out == 4 && chain.out_left == 8);
	/* longer than the queue: no harm, up to our own limit */
	put_table(DATA_BASE, VIRTQ_SIZE_MAX, DATA_BASE + 0x5000);
	put_desc(&g, 0, 5, DATA_BASE, 16 * VIRTQ_SIZE_MAX, INDIRECT, 0);
	offer(&g, 0, 5);
	CHECK(virtq_next(&q, &chain) == 1);
	CHECK(chain.nr_out == VIRTQ_SIZE_MAX);
	tear_down();
}

/* Each case: descriptor 0 and 1, and table entries at DATA_BASE. */
static const struct bad_chain {
	const char *name, *why;
	uint16_t head;
	struct vring_desc d[2], table[2];
} bad_chains[] = {
	{ "head beyond", "index beyond", SIZE, { { 0, 0, 0, 0 } }, { { 0 } } },
	{ "head 0xffff", "index beyond", 0xffff, { { 0 } }, { { 0 } } },
	{ "next beyond", "index beyond", 0,
	  { { DATA_BASE, 1, NEXT, SIZE } }, { { 0 } } },
	{ "loop of one", "loop", 0,
	  { { DATA_BASE, 1, NEXT, 0 } }, { { 0 } } },
	{ "loop of two", "loop", 0,
	  { { DATA_BASE, 1, NEXT, 1 }, { DATA_BASE, 1, NEXT, 0 } },
	  { { 0 } } },
	{ "zero length", "length zero", 0,
	  { { DATA_BASE, 0, 0, 0 } }, { { 0 } } },
	{ "not memory", "outside", 0, { { 0, 1, 0, 0 } }, { { 0 } } },
	{ "over the end", "outside", 0,
	  { { LOW_BASE + LOW_LEN - 1, 2, 0, 0 } }, { { 0 } } },
	{ "huge", "outside", 0,
	  { { LOW_BASE, UINT32_MAX, 0, 0 } }, { { 0 } } },
	{ "wrapping", "outside", 0,
	  { { UINT64_MAX, 2, 0, 0 } }, { { 0 } } },
	{ "across ranges", "outside", 0,
	  { { LOW_BASE, 0x10000000, 0, 0 } }, { { 0 } } },
	{ "readable after writable", "behind a writable", 0,
	  { { DATA_BASE, 1, NEXT | WRITE, 1 }, { DATA_BASE, 1, 0, 0 } },
	  { { 0 } } },
	{ "indirect with next", "successor", 0,
	  { { DATA_BASE, 16, INDIRECT | NEXT, 1 } }, { { 0 } } },
	{ "indirect, length zero", "length of an indirect", 0,
	  { { DATA_BASE, 0, INDIRECT, 0 } }, { { 0 } } },
	{ "indirect, odd length", "length of an indirect", 0,
	  { { DATA_BASE, 17, INDIRECT, 0 } }, { { 0 } } },
	{ "indirect, too long", "too long", 0,
	  { { DATA_BASE, 16 * 1025, INDIRECT, 0 } }, { { 0 } } },
	{ "indirect, nearly 4 GiB", "too long", 0,
	  { { DATA_BASE, 0xfffffff0, INDIRECT, 0 } }, { { 0 } } },
	{ "indirect, not memory", "table outside", 0,
	  { { 0, 32, INDIRECT, 0 } }, { { 0 } } },
	{ "indirect in indirect", "in an indirect", 0,
	  { { DATA_BASE, 32, INDIRECT, 0 } },
	  { { DATA_BASE, 16, INDIRECT, 0 } } },
	{ "loop in a table", "loop", 0,
	  { { DATA_BASE, 32, INDIRECT, 0 } },
	  { { DATA_BASE, 1, NEXT, 1 }, { DATA_BASE, 1, NEXT, 0 } } },
	{ "next beyond a table", "index beyond", 0,
	  { { DATA_BASE, 32, INDIRECT, 0 } },
	  { { DATA_BASE, 1, NEXT, 2 } } },
	{ "a loop back to the indirect one", "loop", 1,
	  { { DATA_BASE, 32, INDIRECT, 0 }, { DATA_BASE, 1, NEXT, 1 } },
	  { { 0 } } },
};

static void test_bad_chains(void)
{
	for (size_t i = 0; i < sizeof(bad_chains) / sizeof(bad_chains[0]);
	     i++) {
		const struct bad_chain *b = &bad_chains[i];
		bool right;

		set_up();
		for (uint16_t j = 0; j < 2; j++)
			put_desc(&g, 0, j, b->d[j].addr, b->d[j].len,
				 b->d[j].flags, b->d[j].next);
		memcpy(guest_at(&g, DATA_BASE), b->table, sizeof(b->table));
		offer(&g, 0, b->head);
		right = virtq_next(&q, &chain) == -EPROTO && q.broken &&
			strstr(q.broken, b->why);
		if (!right)
			printf("# case '%s': %s\n", b->name,
			       q.broken ? q.broken : "taken");
		CHECK(right);
		/* broken for good */
		CHECK(virtq_next(&q, &chain) == -EPROTO);
		CHECK(!virtq_arm(&q) && !virtq_must_signal(&q));
		tear_down();
	}
}

static void test_indirect_not_agreed(void)
{
	set_up();
	q.indirect = false;
	put_table(DATA_BASE, 1, DATA_BASE);
	put_desc(&g, 0, 0, DATA_BASE, 16, INDIRECT, 0);
	offer(&g, 0, 0);
	CHECK(virtq_next(&q, &chain) == -EPROTO);
	tear_down();
}

static void test_four_gib(void)
{
	set_up();
	/* the same megabytes over and over: more than 32 bits can tell */
	for (uint16_t i = 0; i < SIZE; i++)
		put_desc(&g, 0, i, LOW_BASE, LOW_LEN,
			 i + 1u < SIZE ? NEXT : 0, i + 1);
	offer(&g, 0, 0);
	CHECK(virtq_next(&q, &chain) == 1);
	CHECK(chain.out_left == SIZE * LOW_LEN);
	tear_down();
	/* with a range of 2 GiB of addresses it is refused */
	set_up();
	g.memory.ranges[1].len_bytes = 1ull << 31;	/* never touched */
	for (uint16_t i = 0; i < 2; i++)
		put_desc(&g, 0, i, HIGH_BASE, 1u << 31, i ? 0 : NEXT, 1);
	offer(&g, 0, 0);
	CHECK(virtq_next(&q, &chain) == -EPROTO);
	CHECK(strstr(q.broken, "4 GiB"));
	tear_down();
}

static void test_too_many_buffers(void)
{
	set_up();
	put_table(DATA_BASE, VIRTQ_SIZE_MAX, DATA_BASE + 0x5000);
	put_desc(&g, 0, 0, DATA_BASE, 1, NEXT, 1);
	put_desc(&g, 0, 1, DATA_BASE, 16 * VIRTQ_SIZE_MAX, INDIRECT, 0);
	offer(&g, 0, 0);
	CHECK(virtq_next(&q, &chain) == -EPROTO);
	CHECK(strstr(q.broken, "too many"));
	tear_down();
}

static void test_index_jump(void)
{
	set_up();
	put_desc(&g, 0, 0, DATA_BASE, 1, 0, 0);
	set_avail_index(&g, 0, SIZE);	/* all there: allowed */
	for (uint32_t i = 0; i < SIZE; i++)
		CHECK(virtq_next(&q, &chain) == 1);
	CHECK(virtq_next(&q, &chain) == 0);
	set_avail_index(&g, 0, SIZE + 1);	/* nothing was given back */
	CHECK(virtq_next(&q, &chain) == -EPROTO);
	tear_down();
	set_up();
	set_avail_index(&g, 0, SIZE + 1);
	CHECK(virtq_next(&q, &chain) == -EPROTO);
	tear_down();
	set_up();
	set_avail_index(&g, 0, 0xffff);		/* backwards */
	CHECK(virtq_next(&q, &chain) == -EPROTO);
	tear_down();
}

static void test_index_wraps(void)
{
	uint32_t id, len;

	set_up();
	put_desc(&g, 0, 0, DATA_BASE, 1, WRITE, 0);
	for (uint32_t i = 0; i < 0x20005; i++) {
		offer(&g, 0, 0);
		CHECK(virtq_next(&q, &chain) == 1);
		virtq_push(&q, chain.head, i & 1);
		CHECK(virtq_must_signal(&q));
		CHECK(take_used(&g, 0, &id, &len) && !id && len == (i & 1));
	}
	CHECK(q.next_avail == 5 && q.next_used == 5);
	tear_down();
}

static void test_put_back(void)
{
	set_up();
	put_desc(&g, 0, 0, DATA_BASE, 1, WRITE, 0);
	put_desc(&g, 0, 1, DATA_BASE, 1, WRITE, 0);
	offer(&g, 0, 0);
	offer(&g, 0, 1);
	CHECK(virtq_next(&q, &chain) == 1 && chain.head == 0);
	CHECK(virtq_next(&q, &chain) == 1 && chain.head == 1);
	virtq_put_back(&q);
	CHECK(q.in_flight == 1);
	CHECK(virtq_next(&q, &chain) == 1 && chain.head == 1);
	CHECK(virtq_next(&q, &chain) == 0);
	tear_down();
}

static void test_push_without_request(void)
{
	uint32_t id, len;

	set_up();
	virtq_push(&q, 0, 0);
	CHECK(!take_used(&g, 0, &id, &len));
	tear_down();
}

static void test_flags(void)
{
	uint16_t *used_flags, *avail_flags;

	set_up();
	used_flags = guest_at(&g, ring_used(0));
	avail_flags = guest_at(&g, ring_avail(0));
	put_desc(&g, 0, 0, DATA_BASE, 1, WRITE, 0);
	virtq_disarm(&q);
	CHECK(*used_flags == VRING_USED_F_NO_NOTIFY);
	CHECK(!virtq_arm(&q) && *used_flags == 0);
	offer(&g, 0, 0);
	CHECK(virtq_arm(&q));
	CHECK(virtq_next(&q, &chain) == 1);
	virtq_push(&q, 0, 1);
	*avail_flags = VRING_AVAIL_F_NO_INTERRUPT;
	CHECK(!virtq_must_signal(&q));
	offer(&g, 0, 0);
	CHECK(virtq_next(&q, &chain) == 1);
	virtq_push(&q, 0, 1);
	*avail_flags = 0;
	CHECK(virtq_must_signal(&q));
	CHECK(!virtq_must_signal(&q));	/* told already */
	tear_down();
}

static void one_request(void)
{
	offer(&g, 0, 0);
	if (virtq_next(&q, &chain) == 1)
		virtq_push(&q, 0, 1);
}

static void test_event_index(void)
{
	uint16_t *used_event, *avail_event;

	set_up();
	q.event_idx = true;
	used_event = guest_at(&g, ring_avail(0) + 4 + 2 * SIZE);
	avail_event = guest_at(&g, ring_used(0) + 4 + 8 * SIZE);
	put_desc(&g, 0, 0, DATA_BASE, 1, WRITE, 0);
	one_request();
	CHECK(virtq_must_signal(&q));	/* the first time always */
	*used_event = 2;		/* tell me when 3 are used */
	one_request();
	CHECK(!virtq_must_signal(&q));
	one_request();
	CHECK(virtq_must_signal(&q));
	one_request();
	CHECK(!virtq_must_signal(&q));
	*avail_event = 99;
	virtq_disarm(&q);
	CHECK(*avail_event == 99);
	CHECK(!virtq_arm(&q) && *avail_event == 4);
	offer(&g, 0, 0);
	CHECK(virtq_arm(&q));
	tear_down();
}

static void test_start_in_the_middle(void)
{
	uint32_t id, len;

	set_up();
	CHECK(!virtq_start(&q, 0xfffe, 0xfffe));
	g.avail_next[0] = g.used_seen[0] = 0xfffe;
	put_desc(&g, 0, 0, DATA_BASE, 1, WRITE, 0);
	for (int i = 0; i < 4; i++) {
		one_request();
		CHECK(virtq_must_signal(&q));
		CHECK(take_used(&g, 0, &id, &len));
	}
	tear_down();
}

/* A driver that changes everything while it is read. */
static bool stop_flipping;

static void *flip(void *arg)
{
	uint32_t seed = 1;

	while (!__atomic_load_n(&stop_flipping, __ATOMIC_ACQUIRE)) {
		seed = seed * 1664525 + 1013904223;
		put_desc(&g, 0, seed >> 28, seed & (1u << 27) ? DATA_BASE :
			 (gpa_t)seed << 32, seed >> 20, seed >> 29,
			 (seed >> 24) & 31);
		if (!(seed & 0xff00))
			set_avail_index(&g, 0, (uint16_t)(seed >> 16));
		else
			set_avail_index(&g, 0, (uint16_t)(q.next_avail + 1));
	}
	return NULL;
}

static void test_changing_rings(void)
{
	static unsigned char bytes[256];
	pthread_t thread;
	uint32_t taken = 0, broken = 0;

	set_up();
	stop_flipping = false;
	CHECK(!pthread_create(&thread, NULL, flip, NULL));
	/* on a busy machine it takes a while until the other thread runs */
	for (int i = 0; i < 200000 ||
			(!(taken && broken) && i < 100000000); i++) {
		int n = virtq_next(&q, &chain);

		if (!(i & 0xffff))
			sched_yield();
		if (n < 0) {
			broken++;
			virtq_start(&q, 0, 0);
		} else if (n) {
			taken++;
			virtq_chain_read(&chain, bytes, sizeof(bytes));
			virtq_chain_write(&chain, bytes, sizeof(bytes));
			virtq_push(&q, chain.head, 1);
			virtq_must_signal(&q);
		}
	}
	__atomic_store_n(&stop_flipping, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	CHECK(taken && broken);
	tear_down();
}

const struct unit_test queue_tests[] = {
	{ "start", test_start }, { "not ready", test_not_ready },
	{ "shapes of requests", test_shapes }, { "skips", test_skips },
	{ "indirect", test_indirect }, { "bad chains", test_bad_chains },
	{ "indirect not agreed", test_indirect_not_agreed },
	{ "4 GiB", test_four_gib },
	{ "too many buffers", test_too_many_buffers },
	{ "index jumps", test_index_jump },
	{ "index wraps", test_index_wraps }, { "put back", test_put_back },
	{ "push without request", test_push_without_request },
	{ "flags", test_flags }, { "event index", test_event_index },
	{ "start in the middle", test_start_in_the_middle },
	{ "rings that change", test_changing_rings }, { NULL, NULL },
};
