/* SPDX-License-Identifier: MIT */
/*
 * Buddy allocator over the sandbox's memory object. Memory beyond the high
 * water mark was never handed out and is zero; below it, freed blocks lie in
 * per-order lists threaded through a table of small records (one per page,
 * itself inside the object and sparse). Freed blocks of 64 KiB and more go
 * back to the host at once, so that they too read as zero; but a few (KEEP_PAGES)
 * stay, since giving back and touching again costs more than clearing.
 */
#include "core/page.h"
#include "core/lock.h"
#include "core/panic.h"
#include "core/task.h"
#include "lib/list.h"
#include "lib/string.h"
#include "platform/platform.h"

/* One per page. link is used only while the page heads a free block. */
struct page {
	struct list link;
	uint8_t order;		/* of the free block it heads, plus 1; 0 none */
	uint8_t clean;		/* the free block reads as zero */
	uint32_t refs;		/* the owner's, while it is in use */
};

#define RELEASE_ORDER	4u	/* 64 KiB */
#define SHRINK_PAGES	64ull	/* asked back at a time when memory is short */
/* Of a small pool less: one part in RESERVE_PART. */
#define RESERVE_PAGES	128u
#define RESERVE_PART	64u
#define UNLIMITED_BYTES	(8ull << 30)	/* told when there is no limit */
#define KEEP_PAGES	512u	/* freed large blocks that are not released */

static struct {
	struct mutex lock;
	/* set once */
	uint64_t (*shrink)(uint64_t nr_pages);	/* NULL: nobody has any */
	char *base;
	struct page *pages;
	uint64_t nr_pages;	/* end of the last part */
	/* under lock */
	uint64_t high;		/* pages below were handed out once */
	uint64_t used_pages, limit_bytes;
	uint64_t kept_pages;	/* freed in large blocks, not released */
	uint64_t peak_pages;	/* most that were in use */
	uint64_t all_pages;	/* of all parts */
	struct list free[PAGE_ORDER_MAX + 1];
} pool;

void page_init(void *pool_base, uint64_t used_bytes, uint64_t size_bytes,
	       uint64_t end_bytes)
{
	uint64_t table;

	mutex_init(&pool.lock);
	pool.base = pool_base;
	pool.nr_pages = size_bytes >> PAGE_SHIFT;
	used_bytes = PAGE_UP(used_bytes);
	pool.pages = (struct page *)(pool.base + used_bytes);
	table = PAGE_UP((end_bytes >> PAGE_SHIFT) * sizeof(struct page));
	pool.high = (used_bytes + table) >> PAGE_SHIFT;
	pool.used_pages = used_bytes >> PAGE_SHIFT;
	pool.all_pages = pool.nr_pages - (table >> PAGE_SHIFT);
	for (uint32_t i = 0; i <= PAGE_ORDER_MAX; i++)
		list_init(&pool.free[i]);
}

static void free_block_locked(uint64_t index, uint32_t order, bool clean)
{
	while (order < PAGE_ORDER_MAX) {
		uint64_t buddy = index ^ (1ull << order);
		struct page *b = &pool.pages[buddy];

		if (buddy + (1ull << order) > pool.high ||
		    b->order != order + 1)
			break;
		clean = clean && b->clean;
		list_remove(&b->link);
		b->order = 0;
		index &= ~(1ull << order);
		order++;
	}
	pool.pages[index].order = (uint8_t)(order + 1);
	pool.pages[index].clean = clean;
	list_prepend(&pool.free[order], &pool.pages[index].link);
}

/* Fresh memory up to `end` becomes free blocks. */
static void free_fresh_locked(uint64_t end)
{
	while (pool.high < end) {
		uint32_t o = MIN((uint32_t)__builtin_ctzll(pool.high),
				 PAGE_ORDER_MAX);
		uint64_t at = pool.high;

		while (at + (1ull << o) > end)
			o--;
		pool.high += 1ull << o;
		free_block_locked(at, o, true);
	}
}

void page_add(uint64_t offset, uint64_t len)
{
	mutex_lock(&pool.lock);
	free_fresh_locked(pool.nr_pages);
	pool.all_pages += len >> PAGE_SHIFT;
	pool.high = offset >> PAGE_SHIFT;
	pool.nr_pages = (offset + len) >> PAGE_SHIFT;
	free_fresh_locked(pool.nr_pages);
	mutex_unlock(&pool.lock);
}

/* Fresh memory beyond the mark, aligned to its size. */
static bool take_fresh_locked(uint32_t order, uint64_t *index)
{
	uint64_t n = 1ull << order, start = ALIGN_UP(pool.high, n);

	if (start + n > pool.nr_pages)
		return false;
	/* the gap that alignment skips */
	free_fresh_locked(start);
	pool.high = start + n;
	*index = start;
	return true;
}

static bool take_free_locked(uint32_t order, uint64_t *index, bool *clean)
{
	uint32_t o = order;
	struct page *p;

	while (o <= PAGE_ORDER_MAX && list_is_empty(&pool.free[o]))
		o++;
	if (o > PAGE_ORDER_MAX)
		return false;
	p = list_first(&pool.free[o], struct page, link);
	list_remove(&p->link);
	p->order = 0;
	*index = (uint64_t)(p - pool.pages);
	*clean = p->clean;
	if (!*clean && order >= RELEASE_ORDER)
		pool.kept_pages -= MIN(pool.kept_pages, 1ull << order);
	while (o > order) {
		struct page *half;

		o--;
		half = &pool.pages[*index + (1ull << o)];
		half->order = (uint8_t)(o + 1);
		half->clean = *clean;
		list_prepend(&pool.free[o], &half->link);
	}
	return true;
}

void page_set_shrinker(uint64_t (*shrink)(uint64_t nr_pages))
{
	pool.shrink = shrink;
}

/*
 * What a task leaves free. Nothing, if it is ending and so gives memory back, or
 * is a system task, which others wait for. Programs' pages leave twice as much
 * as the kernel's own: who wants more memory notices the end of it first, before
 * system calls of others fail.
 */
static uint64_t reserve_for(const struct task *t, bool program, uint64_t all)
{
	uint64_t n = MIN(RESERVE_PAGES, all / RESERVE_PART);

	if (t->kind == TASK_SYSTEM ||
	    __atomic_load_n(&t->arch.work, __ATOMIC_RELAXED) & TASK_WORK_EXIT)
		return 0;
	return program ? 2 * n : n;
}

static bool take_block(uint32_t order, bool program, uint64_t *index,
		       bool *clean)
{
	uint64_t n = 1ull << order, all;
	bool ok;

	mutex_lock(&pool.lock);
	all = pool.all_pages;
	if (pool.limit_bytes)
		all = MIN(all, pool.limit_bytes >> PAGE_SHIFT);
	ok = pool.used_pages + n +
	     reserve_for(current_task(), program, all) <= all &&
	     (take_free_locked(order, index, clean) ||
	      take_fresh_locked(order, index));
	if (ok)
		pool.used_pages += n;
	pool.peak_pages = MAX(pool.peak_pages, pool.used_pages);
	mutex_unlock(&pool.lock);
	return ok;
}

static void *alloc(uint32_t order, bool zeroed, bool program)
{
	uint64_t index = 0, n = 1ull << order;
	bool clean = true;

	if (order > PAGE_ORDER_MAX)
		return NULL;
	while (!take_block(order, program, &index, &clean))
		if (!pool.shrink || !pool.shrink(MAX(n, SHRINK_PAGES)))
			return NULL;
	if (zeroed && !clean)
		memset(pool.base + (index << PAGE_SHIFT), 0, n << PAGE_SHIFT);
	return pool.base + (index << PAGE_SHIFT);
}

void *page_alloc(uint32_t order, bool zeroed)
{
	return alloc(order, zeroed, false);
}

void *page_alloc_program(uint32_t order, bool zeroed)
{
	return alloc(order, zeroed, true);
}

void page_free(void *p, uint32_t order)
{
	uint64_t n = 1ull << order;
	bool clean = order >= RELEASE_ORDER;

	if (!p)
		return;
	/* A few stay as they are: giving back and refilling costs the host. */
	mutex_lock(&pool.lock);
	if (clean && pool.kept_pages + n <= KEEP_PAGES) {
		pool.kept_pages += n;
		clean = false;
	}
	mutex_unlock(&pool.lock);
	if (clean)
		plat_pool_release(page_offset(p), PAGE_SIZE << order);
	mutex_lock(&pool.lock);
	pool.used_pages -= 1ull << order;
	free_block_locked(page_offset(p) >> PAGE_SHIFT, order, clean);
	mutex_unlock(&pool.lock);
}

uint64_t page_offset(const void *p)
{
	return (uint64_t)((const char *)p - pool.base);
}

void *page_at(uint64_t offset)
{
	return pool.base + offset;
}

uint32_t *page_refs(const void *p)
{
	return &pool.pages[page_offset(p) >> PAGE_SHIFT].refs;
}

uint64_t page_used_bytes(void)
{
	return pool.used_pages << PAGE_SHIFT;
}

uint64_t page_peak_bytes(void)
{
	return pool.peak_pages << PAGE_SHIFT;
}

uint64_t page_limit_bytes(void)
{
	return pool.limit_bytes;
}

uint64_t page_total_bytes(void)
{
	return pool.limit_bytes ? pool.limit_bytes : UNLIMITED_BYTES;
}

void page_set_limit(uint64_t bytes)
{
	pool.limit_bytes = bytes;
}
