/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the heap and the page pool: contents stay apart, freed memory
 * comes back, a task's cache is given back when the task has ended, released
 * and kept blocks read as they should. Prints TAP.
 */
#include "core/heap.h"

#include "core/page.h"
#include "core/panic.h"
#include "core/task.h"
#include "fs/fake.h"
#include "lib/string.h"
#include "platform/platform.h"

/* From the host's C library. */
void abort(void) __noreturn;
void *aligned_alloc(size_t align, size_t n);

#define POOL_BYTES	(256ul << 20)

static struct task tasks[2], *running = &tasks[0];
static uint32_t released;
static char *pool;

struct task *current_task(void)
{
	return running;
}

void assert_failed(const char *expr, const char *file, int line)
{
	printf("assertion failed: %s (%s:%d)\n", expr, file, line);
	abort();
}

void plat_pool_release(uint64_t offset, size_t len)
{
	memset(pool + offset, 0, len);
	released++;
}

/* One thread: nobody waits for a lock. */
bool plat_spin_while(const uint32_t *word, uint32_t val)
{
	abort();
}

bool plat_mutexes_lend(void)
{
	abort();
}

uint64_t pi_mutex_wait(struct mutex *m)
{
	abort();
}

void pi_mutex_wait_end(void)
{
	abort();
}

void pi_mutex_unlock(struct mutex *m, uint32_t *word)
{
	abort();
}

int plat_word_wait(uint32_t *word, uint32_t val, uint64_t deadline_ns)
{
	abort();
}

void plat_word_wake(uint32_t *word, uint32_t max)
{
}

void task_stack_overflowed(void)
{
	abort();
}

void task_wakes_flush(void)
{
}

static uint64_t next_random(void)
{
	static uint64_t seed = 42;

	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 33;
}

static bool is_filled(const uint8_t *p, uint8_t with, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != with)
			return false;
	return true;
}

/* Many objects of all sizes, in two tasks that free each other's. */
static void test_random_objects(void)
{
	enum { SLOTS = 500 };
	static uint8_t *object[SLOTS];
	static size_t size[SLOTS];
	uint32_t bad = 0;

	for (uint32_t i = 0; i < 60000; i++) {
		uint64_t r = next_random(), k = r % SLOTS;

		running = &tasks[r >> 9 & 1];
		if (object[k]) {
			bad += !is_filled(object[k], (uint8_t)k, size[k]);
			kfree(object[k]);
			object[k] = NULL;
			continue;
		}
		size[k] = (r >> 10) % (i % 50 ? 700 : 40000);
		object[k] = kmalloc(size[k]);
		if (object[k])
			memset(object[k], (int)k, size[k]);
		else
			bad++;
	}
	for (uint32_t k = 0; k < SLOTS; k++)
		kfree(object[k]);
	CHECK_EQ(bad, 0);
}

static void test_cache(void)
{
	void *a, *b, *many[40];
	uint64_t used;

	running = &tasks[0];
	heap_cache_flush(&tasks[0].heap_cache);
	heap_cache_flush(&tasks[1].heap_cache);
	used = heap_used_bytes();
	a = kmalloc(100);
	kfree(a);
	b = kmalloc(128);
	CHECK(a == b);			/* the same, without a lock */
	kfree(b);
	running = &tasks[1];
	b = kmalloc(128);
	CHECK(a != b);			/* another task does not get it */
	kfree(b);
	for (uint32_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = kmalloc(64);
	for (uint32_t i = 0; i < ARRAY_LEN(many); i++)
		kfree(many[i]);
	CHECK_EQ(tasks[1].heap_cache.nr[1], HEAP_CACHE_MAX);
	heap_cache_flush(&tasks[0].heap_cache);
	heap_cache_flush(&tasks[1].heap_cache);
	CHECK_EQ(heap_used_bytes(), used);
	b = kzalloc(512);
	CHECK(is_filled(b, 0, 512));
	kfree(b);
}

static void test_failure(void)
{
	void *p, *q;

	heap_fail_after(2);
	p = kmalloc(64);
	CHECK(p != NULL);
	CHECK(kmalloc(64) == NULL);
	q = kmalloc(64);
	CHECK(q != NULL);
	kfree(p);
	kfree(q);
	CHECK(kmalloc(1ul << 41) == NULL);
	kfree(NULL);
}

static void test_pages(void)
{
	static char *block[12];
	uint64_t used = page_used_bytes();
	uint32_t before = released;

	for (uint32_t i = 0; i < ARRAY_LEN(block); i++) {
		block[i] = page_alloc(8, false);	/* 1 MiB */
		memset(block[i], 0xff, 1 << 20);
	}
	CHECK_EQ(page_used_bytes() - used, 12 << 20);
	for (uint32_t i = 0; i < ARRAY_LEN(block); i++)
		page_free(block[i], 8);
	CHECK_EQ(page_used_bytes(), used);
	/* some went back to the host, some were kept */
	CHECK(released > before && released < before + 12);
	for (uint32_t i = 0; i < ARRAY_LEN(block); i++) {
		block[i] = page_alloc(8, true);
		CHECK(is_filled((uint8_t *)block[i], 0, 1 << 20));
	}
	/* a block may be given back in parts */
	page_free(block[0], 7);
	page_free(block[0] + (1 << 19), 7);
	for (uint32_t i = 1; i < ARRAY_LEN(block); i++)
		page_free(block[i], 8);
	CHECK_EQ(page_used_bytes(), used);
	running->kind = TASK_SYSTEM;	/* without a reserve */
	page_set_limit(used + (1 << 20));
	CHECK(page_alloc(9, false) == NULL);
	block[0] = page_alloc(8, false);
	CHECK(block[0] != NULL);
	page_free(block[0], 8);
	page_set_limit(0);
	running->kind = TASK_USER;
}

/* All that the running task gets, onto a list. Returns how many pages. */
static uint64_t take_all(void *(*take)(uint32_t order, bool zeroed),
			 void **list)
{
	uint64_t n = 0;
	void **p;

	for (; (p = take(0, false)); n++) {
		*p = *list;
		*list = p;
	}
	return n;
}

/* Programs' memory ends first, then the kernel's for them, and some is left
 * for those who end and for system tasks. */
static void test_reserve(void)
{
	const uint64_t limit = 64ul << 20;
	uint64_t used = page_used_bytes() / PAGE_SIZE, program, kernel, ending;
	void *list = NULL;

	page_set_limit(limit);
	running->kind = TASK_USER;
	program = take_all(page_alloc_program, &list);
	CHECK(program > limit / PAGE_SIZE / 2);
	kernel = take_all(page_alloc, &list);
	CHECK_EQ(kernel, 128);
	CHECK(page_alloc_program(0, false) == NULL);
	running->arch.work = TASK_WORK_EXIT;
	ending = take_all(page_alloc_program, &list);
	CHECK_EQ(ending, 128);
	running->arch.work = 0;
	running->kind = TASK_SYSTEM;
	CHECK(page_alloc(0, false) == NULL);
	CHECK_EQ(used + program + kernel + ending, limit / PAGE_SIZE);
	CHECK_EQ(page_peak_bytes(), limit);
	while (list) {
		void *p = list;

		list = *(void **)p;
		page_free(p, 0);
	}
	running->kind = TASK_USER;
	page_set_limit(0);
	CHECK_EQ(page_used_bytes() / PAGE_SIZE, used);
}

/* Memory in two parts with a hole: all of both, nothing of the hole. Last,
 * since it makes the pool anew. */
static void test_parts(void)
{
	const uint64_t part = 16ul << 20;
	uint64_t first = 0, second = 0;
	char *p;

	memset(pool, 0, 64ul << 20);
	page_init(pool, PAGE_SIZE, part, 64ul << 20);
	page_add(2 * part, part);
	running->kind = TASK_SYSTEM;	/* without a reserve */
	while ((p = page_alloc(0, false))) {
		uint64_t at = page_offset(p);

		CHECK(at < part || (at >= 2 * part && at < 3 * part));
		first += at < part;
		second += at >= 2 * part;
		*p = 1;
	}
	CHECK(second == part / PAGE_SIZE);
	CHECK(first > part / PAGE_SIZE / 2);
}

static const struct unit_test tests[] = {
	{ "objects of all sizes", test_random_objects },
	{ "a task's cache", test_cache },
	{ "failing allocations", test_failure },
	{ "pages", test_pages },
	{ "reserve", test_reserve },
	{ "parts", test_parts },
};

int main(void)
{
	tasks[0].id = 1;
	tasks[1].id = 2;
	pool = aligned_alloc(POOL_BYTES, POOL_BYTES);
	memset(pool, 0, POOL_BYTES);
	page_init(pool, PAGE_SIZE, POOL_BYTES, POOL_BYTES);
	return unit_run("heap", tests, ARRAY_LEN(tests), NULL, NULL);
}
