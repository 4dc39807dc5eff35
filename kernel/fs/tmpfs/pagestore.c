/* SPDX-License-Identifier: MIT */
/*
 * Extents of a memory file: finding, allocating, cutting, and the copies
 * through them. Contract and locking: pagestore.h.
 */
#include "fs/tmpfs/pagestore.h"

#include "core/heap.h"
#include "core/page.h"
#include "core/panic.h"
#include "lib/string.h"

#define GROW_PAGES_MAX	1024u	/* 4 MiB of reserve at most */
#define MAP_PAGES_MAX	(1ul << PAGE_ORDER_MAX)

static uint32_t log2_floor(uint64_t n)
{
	return 63u - (uint32_t)__builtin_clzll(n);
}

static uint32_t log2_ceil(uint64_t n)
{
	return n <= 1 ? 0 : log2_floor(n - 1) + 1;
}

void pagestore_init(struct pagestore *ps, struct page_quota *quota)
{
	mutex_init(&ps->lock);
	ps->ext = &ps->inline_ext;
	ps->nr = 0;
	ps->cap = 1;
	ps->mapped = 0;
	ps->trim = false;
	ps->data_pages = ps->charged = 0;
	ps->quota = quota;
	ps->pins = 0;
}

static void free_pages(char *mem, uint64_t n)
{
	while (n) {
		uint64_t index = page_offset(mem) >> PAGE_SHIFT;
		/* merged extents are larger than any single block */
		uint32_t order = MIN(log2_floor(n), PAGE_ORDER_MAX);

		if (index && (uint32_t)__builtin_ctzll(index) < order)
			order = (uint32_t)__builtin_ctzll(index);
		page_free(mem, order);
		mem += PAGE_SIZE << order;
		n -= 1ull << order;
	}
}

/* --- quota -------------------------------------------------------------------*/

static bool charge(struct pagestore *ps, uint64_t pages)
{
	struct page_quota *q = ps->quota;
	uint64_t used = __atomic_add_fetch(&q->used, pages, __ATOMIC_RELAXED);

	if (q->max && used > q->max) {
		__atomic_fetch_sub(&q->used, pages, __ATOMIC_RELAXED);
		return false;
	}
	ps->charged += pages;
	return true;
}

/* As many of `pages` as the quota has left. */
static uint64_t charge_some(struct pagestore *ps, uint64_t pages)
{
	struct page_quota *q = ps->quota;

	while (pages && !charge(ps, pages)) {
		uint64_t used = __atomic_load_n(&q->used, __ATOMIC_RELAXED);
		uint64_t left = used < q->max ? q->max - used : 0;

		pages = left < pages ? left : pages - 1;
	}
	return pages;
}

static void uncharge(struct pagestore *ps, uint64_t pages)
{
	pages = MIN(pages, ps->charged);
	ps->charged -= pages;
	__atomic_fetch_sub(&ps->quota->used, pages, __ATOMIC_RELAXED);
}

/* --- the array ---------------------------------------------------------------*/

/* Index of the first extent that ends behind page; ps->nr if none. */
static uint32_t find(const struct pagestore *ps, uint64_t page)
{
	uint32_t lo = 0, hi = ps->nr;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		const struct page_extent *e = &ps->ext[mid];

		if (e->index + e->nr <= page)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool reserve_slot(struct pagestore *ps)
{
	struct page_extent *bigger;

	if (ps->nr < ps->cap)
		return true;
	bigger = kmalloc(2ul * ps->cap * sizeof(*bigger));
	if (!bigger)
		return false;
	memcpy(bigger, ps->ext, ps->nr * sizeof(*bigger));
	if (ps->ext != &ps->inline_ext)
		kfree(ps->ext);
	ps->ext = bigger;
	ps->cap *= 2;
	return true;
}

/* The caller reserved the slot. */
static void insert_at(struct pagestore *ps, uint32_t at,
		      const struct page_extent *e)
{
	memmove(&ps->ext[at + 1], &ps->ext[at],
		(ps->nr - at) * sizeof(*ps->ext));
	ps->ext[at] = *e;
	ps->nr++;
}

static void remove_at(struct pagestore *ps, uint32_t at)
{
	ps->nr--;
	memmove(&ps->ext[at], &ps->ext[at + 1],
		(ps->nr - at) * sizeof(*ps->ext));
}

/* Cut extent `at` in two, the second beginning `rel` pages into it. */
static bool split(struct pagestore *ps, uint32_t at, uint32_t rel)
{
	struct page_extent *e, second;

	if (!reserve_slot(ps))
		return false;
	e = &ps->ext[at];
	second.index = e->index + rel;
	second.nr = e->nr - rel;
	second.init = e->init > rel ? e->init - rel : 0;
	second.mem = e->mem + (uint64_t)rel * PAGE_SIZE;
	e->nr = rel;
	e->init = MIN(e->init, rel);
	insert_at(ps, at + 1, &second);
	return true;
}

/* Join extent `at` with its predecessor if their memory touches. */
static uint32_t merge_back(struct pagestore *ps, uint32_t at)
{
	struct page_extent *a, *b = &ps->ext[at];

	if (!at)
		return at;
	a = b - 1;
	if (a->index + a->nr != b->index || a->init != a->nr ||
	    a->mem + (uint64_t)a->nr * PAGE_SIZE != b->mem ||
	    (uint64_t)a->nr + b->nr > UINT32_MAX)
		return at;
	a->nr += b->nr;
	a->init += b->init;
	remove_at(ps, at);
	return at - 1;
}

/*
 * New memory for a hole that begins at page, in front of extent `at`: `want`
 * pages or less. Returns the extent's index, or -ENOSPC.
 */
static int64_t add_extent(struct pagestore *ps, uint32_t at, uint64_t page,
			  uint64_t want, bool exact, bool zeroed)
{
	struct page_extent e = { .index = page };
	uint64_t gap = at < ps->nr ? ps->ext[at].index - page : UINT64_MAX;
	uint32_t order;

	if (!reserve_slot(ps))
		return -ENOSPC;
	order = exact || gap < want ? log2_floor(MIN(want, gap)) :
				      log2_ceil(want);
	if ((1ull << order) > gap)
		order = log2_floor(gap);
	order = MIN(order, PAGE_ORDER_MAX);
	while (!(e.mem = page_alloc_program(order, zeroed))) {
		if (!order--)
			return -ENOSPC;
	}
	e.nr = 1u << order;
	e.init = zeroed ? e.nr : 0;
	ps->data_pages += e.init;
	insert_at(ps, at, &e);
	return merge_back(ps, at);
}

/* --- giving pages back ---------------------------------------------------------*/

/* Clear the data in bytes [from, to) in place. */
static void clear_bytes(struct pagestore *ps, uint64_t from, uint64_t to)
{
	for (uint32_t i = find(ps, from >> PAGE_SHIFT); i < ps->nr; i++) {
		struct page_extent *e = &ps->ext[i];
		uint64_t start = e->index << PAGE_SHIFT;
		uint64_t end = start + ((uint64_t)e->init << PAGE_SHIFT);

		if (start >= to)
			break;
		start = MAX(start, from);
		end = MIN(end, to);
		if (start < end)
			memset(e->mem + (start - (e->index << PAGE_SHIFT)), 0,
			       end - start);
	}
}

/* Free pages [from, to). A split without memory leaves pages in place. */
static void drop_pages(struct pagestore *ps, uint64_t from, uint64_t to)
{
	uint32_t i = find(ps, from);

	while (i < ps->nr && ps->ext[i].index < to) {
		struct page_extent *e = &ps->ext[i];
		uint64_t end = e->index + e->nr;

		if (e->index < from) {
			if (!split(ps, i, (uint32_t)(from - e->index)))
				break;
			i++;
			continue;
		}
		if (end > to && !split(ps, i, (uint32_t)(to - e->index)))
			break;
		e = &ps->ext[i];
		ps->data_pages -= e->init;
		uncharge(ps, e->init);
		free_pages(e->mem, e->nr);
		remove_at(ps, i);
	}
}

static bool must_stay(const struct pagestore *ps)
{
	return ps->mapped || __atomic_load_n(&ps->pins, __ATOMIC_RELAXED);
}

static void trim_locked(struct pagestore *ps, uint64_t size)
{
	if (!ps->trim || must_stay(ps))
		return;
	ps->trim = false;
	drop_pages(ps, PAGE_UP(size) >> PAGE_SHIFT, UINT64_MAX >> PAGE_SHIFT);
}

void pagestore_fini(struct pagestore *ps)
{
	drop_pages(ps, 0, UINT64_MAX >> PAGE_SHIFT);
	uncharge(ps, ps->charged);
	if (ps->ext != &ps->inline_ext)
		kfree(ps->ext);
}

void pagestore_pin(struct pagestore *ps)
{
	mutex_lock(&ps->lock);
	__atomic_fetch_add(&ps->pins, 1, __ATOMIC_RELAXED);
	mutex_unlock(&ps->lock);
}

void pagestore_unpin(struct pagestore *ps, uint64_t size)
{
	/* Release: the copy is done before the pages may go. */
	if (__atomic_sub_fetch(&ps->pins, 1, __ATOMIC_ACQ_REL) ||
	    !__atomic_load_n(&ps->trim, __ATOMIC_RELAXED))
		return;
	mutex_lock(&ps->lock);
	trim_locked(ps, size);
	mutex_unlock(&ps->lock);
}

void pagestore_truncate(struct pagestore *ps, uint64_t size)
{
	uint64_t end = PAGE_UP(size);

	mutex_lock(&ps->lock);
	if (end != size)
		clear_bytes(ps, size, end);
	if (must_stay(ps)) {
		clear_bytes(ps, end, UINT64_MAX);
		ps->trim = true;
	} else {
		drop_pages(ps, end >> PAGE_SHIFT, UINT64_MAX >> PAGE_SHIFT);
	}
	mutex_unlock(&ps->lock);
}

void pagestore_punch(struct pagestore *ps, uint64_t from, uint64_t to)
{
	uint64_t first = PAGE_UP(from), last = PAGE_DOWN(to);

	mutex_lock(&ps->lock);
	if (must_stay(ps) || first >= last) {
		clear_bytes(ps, from, to);
	} else {
		clear_bytes(ps, from, first);
		clear_bytes(ps, last, to);
		drop_pages(ps, first >> PAGE_SHIFT, last >> PAGE_SHIFT);
	}
	mutex_unlock(&ps->lock);
}

/* --- copies --------------------------------------------------------------------*/

/* What lies at off: memory (or NULL: a hole) and how many bytes of it. */
static char *run_at(struct pagestore *ps, uint64_t off, uint64_t *len)
{
	uint64_t page = off >> PAGE_SHIFT, end;
	struct page_extent *e;
	char *mem = NULL;
	uint32_t i;

	mutex_lock(&ps->lock);
	i = find(ps, page);
	e = &ps->ext[i];
	if (i == ps->nr) {
		end = UINT64_MAX;
	} else if (page < e->index) {
		end = e->index << PAGE_SHIFT;
	} else if (page < e->index + e->init) {
		end = (e->index + e->init) << PAGE_SHIFT;
		mem = e->mem + (off - (e->index << PAGE_SHIFT));
	} else {
		end = (e->index + e->nr) << PAGE_SHIFT;
	}
	mutex_unlock(&ps->lock);
	*len = end - off;
	return mem;
}

size_t pagestore_read(struct pagestore *ps, struct uio *u, uint64_t off,
		      size_t n)
{
	size_t done = 0;

	while (done < n) {
		uint64_t len;
		char *mem = run_at(ps, off + done, &len);
		size_t want = MIN(len, n - done), got;

		got = mem ? uio_fill(u, mem, want) : uio_fill_zero(u, want);
		done += got;
		if (got < want)
			break;
	}
	return done;
}

/* How many pages to get for a write that needs `need` more at page. */
static uint64_t growth(const struct pagestore *ps, uint32_t at, uint64_t page,
		       uint64_t need)
{
	uint64_t reserve = 0;

	/* Only a file that grows at its end gets a reserve. */
	if (at == ps->nr && at &&
	    ps->ext[at - 1].index + ps->ext[at - 1].nr == page)
		reserve = MIN(ps->data_pages / 2, GROW_PAGES_MAX);
	return MAX(need, reserve);
}

/*
 * Room for a write of n bytes at off: *mem and its length. Pages that become
 * data are cleared first, except those that are overwritten as a whole behind
 * the end of the file (nobody can see them yet).
 */
static int write_room(struct pagestore *ps, uint64_t off, uint64_t n,
		      uint64_t size, char **mem, size_t *len)
{
	uint64_t page = off >> PAGE_SHIFT, in_page = off & (PAGE_SIZE - 1);
	uint64_t need = (in_page + n + PAGE_SIZE - 1) >> PAGE_SHIFT, pages;
	struct page_extent *e;
	int64_t at = find(ps, page);
	uint32_t rel;

	if (at == ps->nr || ps->ext[at].index > page) {
		at = add_extent(ps, (uint32_t)at, page,
				growth(ps, (uint32_t)at, page, need), false,
				false);
		if (at < 0)
			return (int)at;
	}
	e = &ps->ext[at];
	rel = (uint32_t)(page - e->index);
	if (rel > e->init) {
		if (!split(ps, (uint32_t)at, rel))
			return -ENOSPC;
		e = &ps->ext[at + 1];
		rel = 0;
	}
	pages = MIN(need, e->nr - rel);
	if (rel + pages > e->init) {
		uint64_t more = rel + pages - e->init;
		uint64_t granted = charge_some(ps, more);
		char *p = e->mem + (uint64_t)e->init * PAGE_SIZE;

		pages -= more - granted;
		if (!pages)
			return -ENOSPC;
		for (uint64_t i = 0; i < granted; i++, p += PAGE_SIZE) {
			uint64_t start = (e->index + e->init + i) << PAGE_SHIFT;

			if (start < off || start + PAGE_SIZE > off + n ||
			    start < size)
				memset(p, 0, PAGE_SIZE);
		}
		e->init += (uint32_t)granted;
		ps->data_pages += granted;
	}
	*mem = e->mem + (uint64_t)rel * PAGE_SIZE + in_page;
	*len = MIN(n, pages * PAGE_SIZE - in_page);
	return 0;
}

ssize_t pagestore_write(struct pagestore *ps, struct uio *u, uint64_t off,
			size_t n, uint64_t size)
{
	size_t done = 0;

	while (done < n) {
		size_t len = 0, got;
		char *mem = NULL;
		int err;

		mutex_lock(&ps->lock);
		err = write_room(ps, off + done, n - done, size, &mem, &len);
		mutex_unlock(&ps->lock);
		if (err)
			return done ? (ssize_t)done : err;
		got = uio_drain(u, mem, len);
		done += got;
		if (got < len) {
			/* Behind a bad address: what is new must be clean. */
			uint64_t from = MAX(off + done, size);
			uint64_t end = off + done + len - got;

			if (from < end)
				memset(mem + len - (end - from), 0,
				       end - from);
			return done ? (ssize_t)done : -EFAULT;
		}
	}
	return (ssize_t)done;
}

/* --- whole pages -----------------------------------------------------------------*/

/* Make the extent's reserve up to `rel` pages into data. */
static void init_up_to(struct pagestore *ps, struct page_extent *e,
		       uint32_t rel)
{
	if (rel <= e->init)
		return;
	memset(e->mem + (uint64_t)e->init * PAGE_SIZE, 0,
	       (uint64_t)(rel - e->init) * PAGE_SIZE);
	ps->data_pages += rel - e->init;
	e->init = rel;
}

/* The extent that covers page, made of data to its end (at most to `to`). */
static int64_t cover(struct pagestore *ps, uint64_t page, uint64_t to)
{
	int64_t at = find(ps, page);
	struct page_extent *e;

	if (at == ps->nr || ps->ext[at].index > page)
		at = add_extent(ps, (uint32_t)at, page,
				MIN(to - page, MAP_PAGES_MAX), true, true);
	if (at < 0)
		return at;
	e = &ps->ext[at];
	init_up_to(ps, e, (uint32_t)MIN(e->nr, to - e->index));
	return at;
}

int pagestore_fill(struct pagestore *ps, uint64_t from, uint64_t to)
{
	uint64_t page = from >> PAGE_SHIFT, end = PAGE_UP(to) >> PAGE_SHIFT;
	uint64_t old_end = page;
	int err = 0;

	mutex_lock(&ps->lock);
	if (ps->nr)
		old_end = ps->ext[ps->nr - 1].index + ps->ext[ps->nr - 1].nr;
	while (page < end) {
		uint64_t before = ps->data_pages;
		int64_t at = cover(ps, page, end);

		if (at < 0) {
			err = -ENOSPC;
			break;
		}
		if (!charge(ps, ps->data_pages - before)) {
			err = -ENOSPC;
			break;
		}
		page = ps->ext[at].index + ps->ext[at].nr;
	}
	/* No room: give back what lies behind all that was there. */
	if (err && !must_stay(ps))
		drop_pages(ps, MAX(old_end, from >> PAGE_SHIFT), end);
	mutex_unlock(&ps->lock);
	return err;
}

int pagestore_map(struct pagestore *ps, uint64_t off, uint64_t len,
		  struct map_extent *out)
{
	uint64_t page = off >> PAGE_SHIFT, end = page + (len >> PAGE_SHIFT);
	struct page_extent *e;
	int64_t at;

	mutex_lock(&ps->lock);
	at = cover(ps, page, end);
	if (at < 0) {
		mutex_unlock(&ps->lock);
		return -ENOMEM;
	}
	e = &ps->ext[at];
	out->backing.kind = PLAT_BACK_POOL;
	out->backing.offset = page_offset(e->mem) +
			      ((page - e->index) << PAGE_SHIFT);
	out->len = MIN(len, (e->index + e->init - page) << PAGE_SHIFT);
	mutex_unlock(&ps->lock);
	return 0;
}

void pagestore_mapped(struct pagestore *ps, int delta, uint64_t size)
{
	mutex_lock(&ps->lock);
	ps->mapped += (uint32_t)delta;
	trim_locked(ps, size);
	mutex_unlock(&ps->lock);
}

int64_t pagestore_seek(struct pagestore *ps, uint64_t off, uint64_t size,
		       bool data)
{
	if (off >= size)
		return -ENXIO;
	while (off < size) {
		uint64_t len;
		bool is_data = run_at(ps, off, &len);

		if (is_data == data)
			return (int64_t)off;
		if (len >= size - off)
			break;
		off += len;
	}
	return data ? -ENXIO : (int64_t)size;
}

uint64_t pagestore_data_pages(struct pagestore *ps)
{
	return __atomic_load_n(&ps->data_pages, __ATOMIC_RELAXED);
}
