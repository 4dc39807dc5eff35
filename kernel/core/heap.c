/* SPDX-License-Identifier: MIT */
/*
 * Size-class heap. Small objects come from slabs (blocks of 64 KiB aligned to
 * their size, header at the start, free objects in a list threaded through
 * them); larger ones are page blocks remembered by a header page-table entry:
 * a slab header always starts with SLAB_MAGIC, a large block is preceded by a
 * 64-byte header inside its own first bytes.
 */
#include "core/heap.h"
#include "core/lock.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/task.h"
#include "lib/list.h"
#include "lib/string.h"

#define SLAB_ORDER	4u
#define SLAB_SIZE	(PAGE_SIZE << SLAB_ORDER)
#define SLAB_MAGIC	0x6d696361736c6162ull
#define LARGE_MAGIC	0x6d6963616c617267ull
#define MIN_SHIFT	5u
#define MAX_SHIFT	13u	/* 8 KiB; beyond: page blocks */
#define NR_CLASSES	(MAX_SHIFT - MIN_SHIFT + 1)
#define REFILL		4u	/* objects taken from a slab at a time */

struct slab {
	uint64_t magic;
	uint32_t class_index;
	uint32_t nr_used;	/* under the class lock */
	struct list link;	/* class->partial, or alone when full */
	void *free;		/* list through the objects */
	uint32_t nr_carved;	/* objects handed out at least once */
	uint32_t nr_objects;
};

struct large {
	uint64_t magic;
	uint32_t order;
	uint32_t pad[13];
};
_Static_assert(sizeof(struct slab) <= 64 && sizeof(struct large) == 64,
	       "headers fit the first 64 bytes");

static struct size_class {
	struct mutex lock;
	struct list partial;	/* slabs with a free object */
	uint32_t nr_empty;
} classes[NR_CLASSES];

static bool ready;
static uint64_t used_bytes;	/* atomic */
static uint32_t fail_after;	/* tests only; atomic */

static __attribute__((noinline)) void heap_init_once(void)
{
	static struct mutex init_lock = MUTEX_INIT;

	mutex_lock(&init_lock);
	for (uint32_t i = 0; !ready && i < NR_CLASSES; i++) {
		mutex_init(&classes[i].lock);
		list_init(&classes[i].partial);
	}
	__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	mutex_unlock(&init_lock);
}

static uint32_t class_of(size_t size)
{
	uint32_t shift;

	if (size <= 1u << MIN_SHIFT)
		return 0;
	shift = 64u - (uint32_t)__builtin_clzl(size - 1);
	return shift - MIN_SHIFT;
}

static size_t class_size(uint32_t c)
{
	return 1ul << (c + MIN_SHIFT);
}

/* First object: behind the header, at a multiple of min(size, page). */
static size_t slab_first(uint32_t c)
{
	return MAX(64ul, MIN(class_size(c), PAGE_SIZE));
}

static struct slab *slab_create(uint32_t c)
{
	struct slab *s = page_alloc(SLAB_ORDER, false);

	if (!s)
		return NULL;
	*s = (struct slab){ .magic = SLAB_MAGIC, .class_index = c };
	s->nr_objects = (uint32_t)((SLAB_SIZE - slab_first(c)) /
				   class_size(c));
	list_init(&s->link);
	return s;
}

static void *slab_take(struct slab *s)
{
	void *p = s->free;

	if (p)
		s->free = *(void **)p;
	else
		p = (char *)s + slab_first(s->class_index) +
		    s->nr_carved++ * class_size(s->class_index);
	s->nr_used++;
	if (s->nr_used == s->nr_objects)
		list_remove(&s->link);
	return p;
}

/* An object from the calling task's cache; it counts as used already. */
static void *cache_take(uint32_t c)
{
	struct heap_cache *h;
	void *p;

	if (c >= HEAP_CACHE_CLASSES)
		return NULL;
	h = &current_task()->heap_cache;
	p = h->free[c];
	if (p) {
		h->free[c] = *(void **)p;
		h->nr[c]--;
	}
	return p;
}

static bool cache_put(uint32_t c, void *p)
{
	struct heap_cache *h;

	if (c >= HEAP_CACHE_CLASSES)
		return false;
	h = &current_task()->heap_cache;
	if (h->nr[c] >= HEAP_CACHE_MAX)
		return false;
	*(void **)p = h->free[c];
	h->free[c] = p;
	h->nr[c]++;
	return true;
}

/* REFILL objects of s that were never handed out; the first is the caller's, the
 * rest goes to its cache, which is empty. Returns NULL if there are not so many. */
static void *carve_run(struct slab *s, uint32_t c)
{
	struct heap_cache *h = &current_task()->heap_cache;
	size_t size = class_size(c);
	char *p = (char *)s + slab_first(c) + s->nr_carved * size;

	if (s->free || s->nr_carved + REFILL >= s->nr_objects)
		return NULL;
	s->nr_carved += REFILL;
	s->nr_used += REFILL;
	for (uint32_t i = 1; i < REFILL; i++) {
		*(void **)(p + i * size) = h->free[c];
		h->free[c] = p + i * size;
	}
	h->nr[c] = REFILL - 1;
	return p;
}

/* An object of class c. Some more of the slab go to the caller's cache, so that
 * not each takes the lock. */
static void *alloc_small(uint32_t c)
{
	struct size_class *k = &classes[c];
	uint32_t n = 1;
	struct slab *s;
	void *p;

	mutex_lock(&k->lock);
	if (list_is_empty(&k->partial)) {
		s = slab_create(c);
		if (!s) {
			mutex_unlock(&k->lock);
			return NULL;
		}
		list_append(&k->partial, &s->link);
		k->nr_empty++;
	}
	s = list_first(&k->partial, struct slab, link);
	if (!s->nr_used)
		k->nr_empty--;
	p = c < HEAP_CACHE_CLASSES ? carve_run(s, c) : NULL;
	if (p)
		n = REFILL;
	else
		p = slab_take(s);
	while (c < HEAP_CACHE_CLASSES && n < REFILL &&
	       s->nr_used < s->nr_objects) {
		(void)cache_put(c, slab_take(s));
		n++;
	}
	mutex_unlock(&k->lock);
	__atomic_fetch_add(&used_bytes, n * class_size(c), __ATOMIC_RELAXED);
	return p;
}

static void *alloc_large(size_t size)
{
	uint64_t pages = (size + sizeof(struct large) + PAGE_SIZE - 1) >>
			 PAGE_SHIFT;
	uint32_t order = 4;
	struct large *l;

	if (size > (1ul << 40))
		return NULL;
	/* at least 64 KiB, so that the block is aligned like a slab */
	while ((1ull << order) < pages)
		order++;
	l = page_alloc(order, false);
	if (!l)
		return NULL;
	l->magic = LARGE_MAGIC;
	l->order = order;
	return l + 1;
}

static bool injected_failure(void)
{
	return unlikely(fail_after) &&
	       __atomic_sub_fetch(&fail_after, 1, __ATOMIC_RELAXED) == 0;
}

void heap_fail_after(uint32_t n)
{
	fail_after = n;
}

static size_t object_size(void *p, struct slab **slab)
{
	void *head = (void *)((uintptr_t)p & ~(SLAB_SIZE - 1));

	*slab = head;
	if ((*slab)->magic == SLAB_MAGIC)
		return class_size((*slab)->class_index);
	assert(((struct large *)head)->magic == LARGE_MAGIC);
	return (PAGE_SIZE << ((struct large *)head)->order) -
	       sizeof(struct large);
}

/* Apart, so that the usual way through kmalloc saves no registers. */
static __attribute__((noinline)) void *alloc_shared(size_t size)
{
	struct slab *s;
	void *p;

	if (size <= 1ul << MAX_SHIFT)
		return alloc_small(class_of(size));
	p = alloc_large(size);
	if (p)
		__atomic_fetch_add(&used_bytes, object_size(p, &s),
				   __ATOMIC_RELAXED);
	return p;
}

void *kmalloc(size_t size)
{
	void *p;

	task_check_stack(current_task());
	if (unlikely(!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)))
		heap_init_once();
	if (injected_failure())
		return NULL;
	p = cache_take(class_of(size));
	return p ? p : alloc_shared(size);
}

void *kzalloc(size_t size)
{
	void *p = kmalloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}

static void free_shared(void *p)
{
	struct size_class *k;
	struct slab *s, *dead = NULL;

	__atomic_fetch_sub(&used_bytes, object_size(p, &s), __ATOMIC_RELAXED);
	if (s->magic != SLAB_MAGIC) {
		struct large *l = (struct large *)s;

		l->magic = 0;
		page_free(l, l->order);
		return;
	}
	k = &classes[s->class_index];
	mutex_lock(&k->lock);
	*(void **)p = s->free;
	s->free = p;
	if (s->nr_used-- == s->nr_objects)
		list_append(&k->partial, &s->link);
	if (!s->nr_used && k->nr_empty++ > 0) {
		/* keep one empty slab, give back the rest */
		list_remove(&s->link);
		k->nr_empty--;
		dead = s;
	}
	mutex_unlock(&k->lock);
	if (dead) {
		dead->magic = 0;
		page_free(dead, SLAB_ORDER);
	}
}

void kfree(void *p)
{
	struct slab *s = (void *)((uintptr_t)p & ~(SLAB_SIZE - 1));

	if (!p)
		return;
	if (s->magic != SLAB_MAGIC || !cache_put(s->class_index, p))
		free_shared(p);
}

void heap_cache_flush(struct heap_cache *h)
{
	for (uint32_t c = 0; c < HEAP_CACHE_CLASSES; c++) {
		while (h->free[c]) {
			void *p = h->free[c];

			h->free[c] = *(void **)p;
			free_shared(p);
		}
		h->nr[c] = 0;
	}
}

void *krealloc(void *p, size_t size)
{
	struct slab *s;
	size_t old;
	void *q;

	if (!p)
		return kmalloc(size);
	old = object_size(p, &s);
	if (size <= old)
		return p;
	q = kmalloc(size);
	if (q) {
		memcpy(q, p, old);
		kfree(p);
	}
	return q;
}

char *kmemdup_str(const char *s, size_t len)
{
	char *p = kmalloc(len + 1);

	if (p) {
		memcpy(p, s, len);
		p[len] = 0;
	}
	return p;
}

char *kstrdup(const char *s)
{
	return kmemdup_str(s, strlen(s));
}

uint64_t heap_used_bytes(void)
{
	return __atomic_load_n(&used_bytes, __ATOMIC_RELAXED);
}
