/* SPDX-License-Identifier: MIT */
/*
 * The page pool: page-aligned blocks of 2^order pages from the sandbox's
 * shared memory object (buddy allocator). They are mapped in the kernel at a
 * fixed address and can also be mapped into programs by their offset.
 */
#pragma once
#include "lib/types.h"

#define PAGE_ORDER_MAX	18u	/* 1 GiB */

/*
 * The pool is [0, size_bytes) behind pool_base, its first used_bytes in use;
 * all else reads as zero. More may follow by page_add, up to end_bytes.
 * Context: init.
 */
void page_init(void *pool_base, uint64_t used_bytes, uint64_t size_bytes,
	       uint64_t end_bytes);
/* Another part of the pool, behind what it has; page-aligned. Context: init. */
void page_add(uint64_t offset, uint64_t len);
/*
 * zeroed: contents are zero. NULL: no memory or the sandbox's limit. The last
 * few pages are for system tasks and for tasks that are ending.
 */
void *page_alloc(uint32_t order, bool zeroed) __must_check;
/* The same for what programs can have without bound: their memory, files in
 * memory. Fails a little earlier. */
void *page_alloc_program(uint32_t order, bool zeroed) __must_check;
void page_free(void *p, uint32_t order);
/*
 * Called before an allocation fails: give up to nr_pages pages back, return
 * how many. It runs with whatever locks the allocator's caller holds: it only
 * tries for its own, and frees nothing by kfree. Context: init.
 */
void page_set_shrinker(uint64_t (*shrink)(uint64_t nr_pages));
uint64_t page_offset(const void *p);	/* in the memory object */
void *page_at(uint64_t offset);
/* A counter for whoever has the page, to use as it likes; any value at first.
 * Context: any. */
uint32_t *page_refs(const void *p);
uint64_t page_used_bytes(void);
uint64_t page_peak_bytes(void);		/* most that was in use at a time */
uint64_t page_limit_bytes(void);	/* 0 = none */
/* What the sandbox is said to have: the limit, or if there is none a plain
 * size. */
uint64_t page_total_bytes(void);
void page_set_limit(uint64_t bytes);
