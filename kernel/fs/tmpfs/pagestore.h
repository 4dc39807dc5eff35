/* SPDX-License-Identifier: MIT */
/*
 * The pages of a memory file: a sorted array of extents, each a contiguous
 * piece of the page pool. What no extent covers is a hole. A growing file
 * gets ever larger extents, so that mapping it takes few host mappings.
 *
 * An extent's first `init` pages hold data; the rest is reserve for growth
 * and counts as a hole.
 *
 * Who excludes whom: writers, truncation and punching exclude each other by
 * the inode's lock. Readers and map() take only `lock`, for moments: never
 * while program memory is copied, since that may fault and come back here.
 * Instead a copy holds a pin, and while there are pins or mappings, pages
 * that should go are cleared and stay; they go with the last of these.
 */
#pragma once
#include "core/lock.h"
#include "fs/uio.h"
#include "fs/vfs.h"

/* Pages that a file system may use; used is atomic. */
struct page_quota {
	uint64_t used, max;	/* max 0: unlimited */
};

struct page_extent {
	uint64_t index;		/* first page of the file it covers */
	uint32_t nr, init;
	char *mem;
};

struct pagestore {
	struct mutex lock;
	/* under lock */
	struct page_extent *ext, inline_ext;
	uint32_t nr, cap;
	uint32_t mapped;
	bool trim;		/* pages beyond the size wait for their end */
	uint64_t data_pages, charged;
	struct page_quota *quota;	/* set once */
	uint32_t pins;		/* atomic; raised under lock */
};

void pagestore_init(struct pagestore *ps, struct page_quota *quota);
void pagestore_fini(struct pagestore *ps);

void pagestore_pin(struct pagestore *ps);
/* size: of the file, now. */
void pagestore_unpin(struct pagestore *ps, uint64_t size);

/* Copy [off, off + n) to u; holes as zeros. Returns bytes (less: bad address).
 * Caller holds a pin. */
size_t pagestore_read(struct pagestore *ps, struct uio *u, uint64_t off,
		      size_t n);
/*
 * Copy n bytes of u to off. Returns bytes, or if none -ENOSPC, -EFAULT.
 * Caller holds a pin and the inode's lock. size: of the file before.
 */
ssize_t pagestore_write(struct pagestore *ps, struct uio *u, uint64_t off,
			size_t n, uint64_t size);
/* Cut to size. Inode's lock. */
void pagestore_truncate(struct pagestore *ps, uint64_t size);
/* Make [from, to) read as zero, and give its pages back. Inode's lock. */
void pagestore_punch(struct pagestore *ps, uint64_t from, uint64_t to);
/* Give [from, to) pages. Returns 0 or -ENOSPC. Inode's lock. */
int pagestore_fill(struct pagestore *ps, uint64_t from, uint64_t to);
/* Next offset >= off that is data (or a hole) below size; -ENXIO. */
int64_t pagestore_seek(struct pagestore *ps, uint64_t off, uint64_t size,
		       bool data);
/*
 * The pool pages behind [off, off + len), allocating holes: one contiguous
 * run from off. len a multiple of the page size.
 */
int pagestore_map(struct pagestore *ps, uint64_t off, uint64_t len,
		  struct map_extent *out);
void pagestore_mapped(struct pagestore *ps, int delta, uint64_t size);
uint64_t pagestore_data_pages(struct pagestore *ps);
