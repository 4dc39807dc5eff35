/* SPDX-License-Identifier: MIT */
/*
 * Guest memory, see memory.h. Few ranges: a search from the first is fine.
 * Invariant: ranges do not overlap and none ends beyond 2^64.
 */
#include "dev/memory.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ALIGN_MASK 15u	/* descriptors and rings are accessed aligned */

/* The compiler may not look at the source of a copy again after this. */
static void copied(void)
{
	__asm__ volatile("" ::: "memory");
}

static bool overlaps(const struct guest_range *r, gpa_t start, uint64_t len)
{
	return start < r->start + r->len_bytes && r->start < start + len;
}

int guest_memory_add(struct guest_memory *m, gpa_t start, void *host,
		     uint64_t len_bytes)
{
	struct guest_range *r = &m->ranges[m->nr_ranges];

	if (!len_bytes || start + len_bytes <= start || !host)
		return -EINVAL;
	if (((uintptr_t)host ^ start) & ALIGN_MASK)
		return -EINVAL;
	for (uint32_t i = 0; i < m->nr_ranges; i++)
		if (overlaps(&m->ranges[i], start, len_bytes))
			return -EEXIST;
	if (m->nr_ranges == GUEST_RANGES_MAX)
		return -ENOSPC;
	*r = (struct guest_range){ start, len_bytes, host };
	m->nr_ranges++;
	return 0;
}

void *guest_ptr(const struct guest_memory *m, gpa_t addr, uint64_t len_bytes)
{
	if (!len_bytes)
		return NULL;
	for (uint32_t i = 0; i < m->nr_ranges; i++) {
		const struct guest_range *r = &m->ranges[i];
		uint64_t offset = addr - r->start;

		if (addr < r->start || offset >= r->len_bytes)
			continue;
		if (len_bytes > r->len_bytes - offset)
			return NULL;
		return r->host + offset;
	}
	return NULL;
}

int guest_read(const struct guest_memory *m, gpa_t addr, void *dst,
	       uint64_t len_bytes)
{
	const void *src = guest_ptr(m, addr, len_bytes);

	if (!src)
		return -EFAULT;
	memcpy(dst, src, len_bytes);
	copied();
	return 0;
}

int guest_write(const struct guest_memory *m, gpa_t addr, const void *src,
		uint64_t len_bytes)
{
	void *dst = guest_ptr(m, addr, len_bytes);

	if (!dst)
		return -EFAULT;
	memcpy(dst, src, len_bytes);
	copied();
	return 0;
}
