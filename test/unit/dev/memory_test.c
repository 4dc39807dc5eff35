/* SPDX-License-Identifier: MIT */
/* Guest addresses that are wrong in every way. */
#include "fake_guest.h"
#include <errno.h>
#include <string.h>

static void test_ranges(void)
{
	static unsigned char bytes[64] __attribute__((aligned(16)));
	struct guest_memory m = { .nr_ranges = 0 };

	CHECK(guest_memory_add(&m, 0x1000, bytes, 0) == -EINVAL);
	CHECK(guest_memory_add(&m, 0x1000, NULL, 16) == -EINVAL);
	CHECK(guest_memory_add(&m, 0x1001, bytes, 16) == -EINVAL);
	CHECK(guest_memory_add(&m, UINT64_MAX - 15, bytes, 16) == -EINVAL);
	CHECK(guest_memory_add(&m, UINT64_MAX - 15, bytes, 32) == -EINVAL);
	CHECK(guest_memory_add(&m, 0x1000, bytes, 64) == 0);
	CHECK(guest_memory_add(&m, 0x1000, bytes, 64) == -EEXIST);
	CHECK(guest_memory_add(&m, 0xff0, bytes, 32) == -EEXIST);
	CHECK(guest_memory_add(&m, 0x1030, bytes, 32) == -EEXIST);
	CHECK(guest_memory_add(&m, 0x1040, bytes, 32) == 0);
	for (uint32_t i = 2; i < GUEST_RANGES_MAX; i++)
		CHECK(!guest_memory_add(&m, 0x10000ull * i, bytes, 16));
	CHECK(guest_memory_add(&m, 0, bytes, 16) == -ENOSPC);
}

static void test_pointers(void)
{
	struct fake_guest g;

	guest_init(&g);
	CHECK(guest_ptr(&g.memory, LOW_BASE, 1) == g.low);
	CHECK(guest_ptr(&g.memory, LOW_BASE, LOW_LEN) == g.low);
	CHECK(guest_ptr(&g.memory, LOW_BASE + LOW_LEN - 1, 1) ==
	      g.low + LOW_LEN - 1);
	CHECK(!guest_ptr(&g.memory, LOW_BASE, 0));
	CHECK(!guest_ptr(&g.memory, LOW_BASE - 1, 1));
	CHECK(!guest_ptr(&g.memory, LOW_BASE - 1, 2));
	CHECK(!guest_ptr(&g.memory, LOW_BASE, LOW_LEN + 1));
	CHECK(!guest_ptr(&g.memory, LOW_BASE + LOW_LEN - 1, 2));
	CHECK(!guest_ptr(&g.memory, LOW_BASE + LOW_LEN, 1));
	CHECK(!guest_ptr(&g.memory, LOW_BASE, UINT64_MAX));
	CHECK(!guest_ptr(&g.memory, LOW_BASE + 8, UINT64_MAX - 7));
	CHECK(!guest_ptr(&g.memory, UINT64_MAX, 1));
	CHECK(!guest_ptr(&g.memory, UINT64_MAX, 2));
	CHECK(guest_ptr(&g.memory, HIGH_BASE + 5, 2) == g.high + 5);
	guest_fini(&g);
}

static void test_copies(void)
{
	struct fake_guest g;
	char bytes[8] = "";

	guest_init(&g);
	CHECK(!guest_write(&g.memory, LOW_BASE + LOW_LEN - 4, "1234", 4));
	CHECK(guest_write(&g.memory, LOW_BASE + LOW_LEN - 3, "5678", 4) ==
	      -EFAULT);
	CHECK(!guest_read(&g.memory, LOW_BASE + LOW_LEN - 4, bytes, 4));
	CHECK(!memcmp(bytes, "1234", 4));
	CHECK(guest_read(&g.memory, HIGH_BASE - 1, bytes, 4) == -EFAULT);
	CHECK(!memcmp(bytes, "1234", 4));
	guest_fini(&g);
}

const struct unit_test memory_tests[] = {
	{ "ranges", test_ranges }, { "pointers", test_pointers },
	{ "copies", test_copies }, { NULL, NULL },
};
