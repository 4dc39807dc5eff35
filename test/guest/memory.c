/* SPDX-License-Identifier: MIT */
/*
 * The memory map is true: every page of RAM holds what is written, nothing
 * lies behind it, and what the hand-over describes lies inside.
 */
#include "guest.h"

const char guest_name[] = "memory";

#define P		1ull
#define W		2ull

static uint64_t ram_end(void)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < machine->nr_ranges; i++) {
		const struct abi_range *r = &machine->ranges[i];

		if (r->kind == ABI_RANGE_RAM && r->start < ABI_LOW_RAM_END)
			end = r->start + r->len;
	}
	return end;
}

static void test_map(void)
{
	uint64_t last = 0;
	bool good = machine->nr_ranges && machine->nr_ranges <=
		    ABI_RANGES_MAX;

	for (uint32_t i = 0; i < machine->nr_ranges; i++) {
		const struct abi_range *r = &machine->ranges[i];

		good &= r->start >= last && r->len && !(r->len % PAGE_SIZE) &&
			!(r->start % PAGE_SIZE);
		last = r->start + r->len;
		put("# range 0x%lx, 0x%lx bytes, kind %u\n", r->start,
		    r->len, r->kind);
	}
	ok(good, "ranges are in order and of whole pages");
	ok(ram_end() >= ABI_RAM_MIN && ram_end() <= ABI_LOW_RAM_END,
	   "low RAM ends at 0x%lx", ram_end());
	ok(machine->image_end > ABI_IMAGE_START &&
	   machine->image_end <= ram_end(), "the image is in RAM");
	ok(!machine->module_len ||
	   (machine->module_gpa >= machine->image_end &&
	    machine->module_gpa + machine->module_len <= ram_end()),
	   "the module is in RAM, behind the image");
	for (uint32_t i = 0; i < machine->nr_devices; i++)
		ok(machine->devices[i].base >= ram_end() &&
		   !(machine->devices[i].base % PAGE_SIZE) &&
		   machine->devices[i].vector >= 0x20,
		   "device %u: page and vector 0x%x", i,
		   machine->devices[i].vector);
}

/* Every page of a small machine, every 64th of a larger one, and the last. */
static void test_pages(void)
{
	uint64_t start = machine->image_end + (4u << 20), n = 0, bad = 0;
	uint64_t step = ram_end() > 64u << 20 ? 64 * PAGE_SIZE : PAGE_SIZE;

	start += (ram_end() - PAGE_SIZE - start) % step;
	for (uint64_t a = start; a < ram_end(); a += step, n++)
		*(volatile uint64_t *)at(a) = a ^ 0x5555;
	for (uint64_t a = start; a < ram_end(); a += step)
		bad += *(volatile uint64_t *)at(a) != (a ^ 0x5555);
	ok(!bad, "%lu pages hold what is written", n);
}

static void test_beyond(void)
{
	volatile uint64_t *p;

	window_map(ram_end(), P | W);
	p = (volatile uint64_t *)window;
	*p = 1;
	ok(*p == ~0ull, "nothing behind RAM");
	window_map(1ull << 35, P | W);
	*p = 1;
	ok(*p == ~0ull, "nothing at 32 GiB");
	window_map(gpa_of(window), P | W);
}

void guest_main(void)
{
	test_map();
	test_pages();
	test_beyond();
}
