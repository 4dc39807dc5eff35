/* SPDX-License-Identifier: MIT */
/*
 * The memory of a guest as its tender sees it: ranges of guest physical
 * addresses and where each is mapped. guest_ptr() is the only way from a
 * gpa_t to a pointer. The guest writes this memory at any moment: copy once
 * (guest_read), then check the copy.
 *
 * Filled before the first vCPU runs (or while every queue is stopped), read
 * by all threads without a lock after that.
 */
#pragma once
#include <stdint.h>

/* A guest physical address: never a pointer. */
typedef uint64_t gpa_t;

#define GUEST_RANGES_MAX 32u

struct guest_range {
	gpa_t start;
	uint64_t len_bytes;
	unsigned char *host;
};

struct guest_memory {
	struct guest_range ranges[GUEST_RANGES_MAX];
	uint32_t nr_ranges;
};

/*
 * Add the mapping [host, host + len_bytes) at start.
 * Returns 0, -EINVAL (empty, beyond the end of the address space, or host and
 * start differ in alignment to 16), -EEXIST (overlaps another range) or
 * -ENOSPC.
 * Owner: the mapping stays the caller's.
 */
int guest_memory_add(struct guest_memory *m, gpa_t start, void *host,
		     uint64_t len_bytes);
/*
 * Where the len_bytes at addr are mapped, or NULL: zero length, wrapping,
 * not memory, or not inside one range.
 */
void *guest_ptr(const struct guest_memory *m, gpa_t addr, uint64_t len_bytes);
/*
 * Copy out of or into the guest, each byte touched once.
 * Returns 0 or -EFAULT (see guest_ptr; then nothing was copied).
 */
int guest_read(const struct guest_memory *m, gpa_t addr, void *dst,
	       uint64_t len_bytes);
int guest_write(const struct guest_memory *m, gpa_t addr, const void *src,
		uint64_t len_bytes);
