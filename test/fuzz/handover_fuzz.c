/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the block by which a monitor hands the machine to the kernel,
 * both kinds (kernel/platform/kvm/handover.c). The input is guest memory from
 * address 0 on, the block at its start. What is accepted must hold together:
 * ranges sorted and apart, the description in memory behind the kernel.
 */
#include "platform/kvm/handover.h"

#define IMAGE_END	0x480000ull
#define MEMORY		(1u << 16)

void abort(void) __attribute__((noreturn));
void *memcpy(void *dst, const void *src, size_t len);
void *memset(void *dst, int c, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Twice the size: an address near the end has room for a whole table. */
static uint8_t memory[2 * MEMORY];

static void *to_virt(uint64_t gpa)
{
	return memory + gpa % MEMORY;
}

/* The kernel's own; the rest of its string functions is the host's here. */
size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t n = 0;

	for (; src[n] && n + 1 < size; n++)
		dst[n] = src[n];
	if (size)
		dst[n] = 0;
	return n;
}

static void check(bool ok)
{
	if (!ok)
		abort();
}

static bool holds(const struct abi_range *r, uint64_t start, uint64_t len)
{
	return start >= r->start && len <= r->len &&
	       start - r->start <= r->len - len;
}

static void check_handover(const struct handover *h)
{
	check(h->nr_ranges && h->nr_ranges <= ABI_RANGES_MAX);
	check(h->nr_devices <= ABI_DEVICES_MAX);
	check(h->nr_cpus && h->nr_cpus <= ABI_CPUS_MAX);
	for (uint32_t i = 0; i < h->nr_ranges; i++) {
		const struct abi_range *r = &h->ram[i];

		check(r->len && !(r->start & 4095) && !(r->len & 4095));
		check(r->start + r->len > r->start);
		check(!i || r[-1].start + r[-1].len <= r->start);
	}
	check(h->module_gpa >= IMAGE_END && h->module_len);
	check(holds(&h->ram[0], h->module_gpa, h->module_len));
	for (uint32_t i = 0; i < h->nr_devices; i++)
		check(h->devices[i].base < 1ull << 46);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handover h;

	memset(memory, 0, sizeof(memory));
	memcpy(memory, data, size < MEMORY ? size : MEMORY);
	if (!handover_parse(&h, memory, to_virt, IMAGE_END))
		check_handover(&h);
	return 0;
}
