/* SPDX-License-Identifier: MIT */
/*
 * A pretend core and platform for the unit tests of the file systems: heap
 * from the host's malloc (so that the sanitizer sees every object), tasks are
 * host threads, program memory is the test's own. Interrupting a sleep is
 * done by setting fake_interrupt.
 */
#include "fs/fake.h"

#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/task.h"
#include "core/timer.h"
#include "lib/string.h"
#include "platform/platform.h"

/* From the host's C library, whose headers the kernel's exclude. */
void *malloc(size_t n);
void *calloc(size_t n, size_t m);
void *realloc(void *p, size_t n);
void free(void *p);
void *aligned_alloc(size_t align, size_t n);
int printf(const char *fmt, ...);
int vprintf(const char *fmt, va_list ap);
void abort(void) __noreturn;
long syscall(long nr, ...);

#define NR_FUTEX	202
#define FUTEX_WAIT_OP	0
#define FUTEX_WAKE_OP	1
#define FAKE_NOW_NS	1000u	/* deadlines before are over */

int fake_interrupt;
uint64_t fake_pages_used;
static uint32_t next_id;
static __thread struct task self;
static uint32_t fail_after;

struct task *current_task(void)
{
	if (!self.id)
		self.id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	return &self;
}

int task_park(uint64_t deadline_ns, bool interruptible)
{
	struct task *t = current_task();

	if (interruptible && fake_interrupt)
		return -EINTR;
	if (deadline_ns <= FAKE_NOW_NS)
		return -ETIMEDOUT;
	if (!__atomic_exchange_n(&t->wake, 0, __ATOMIC_ACQ_REL))
		syscall(NR_FUTEX, &t->wake, FUTEX_WAIT_OP, 0, 0, 0, 0);
	__atomic_store_n(&t->wake, 0, __ATOMIC_RELEASE);
	return 0;
}

void task_unpark(struct task *t)
{
	__atomic_store_n(&t->wake, 1, __ATOMIC_RELEASE);
	syscall(NR_FUTEX, &t->wake, FUTEX_WAKE_OP, 1, 0, 0, 0);
}

int task_hand_over(struct task *to, uint64_t deadline_ns, bool interruptible)
{
	if (to)
		task_unpark(to);
	return task_park(deadline_ns, interruptible);
}

void plat_unpark(struct task *t)
{
	task_unpark(t);
}

/* Looks once. */
bool plat_spin_while(const uint32_t *word, uint32_t val)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED) != val;
}

/* So the rest is never called; core/pi.c may be there all the same. */
bool plat_mutexes_lend(void)
{
	return false;
}

__attribute__((weak)) uint64_t pi_mutex_wait(struct mutex *m)
{
	abort();
}

__attribute__((weak)) void pi_mutex_wait_end(void)
{
	abort();
}

__attribute__((weak)) void pi_mutex_unlock(struct mutex *m, uint32_t *word)
{
	abort();
}

int plat_word_wait(uint32_t *word, uint32_t val, uint64_t deadline_ns)
{
	syscall(NR_FUTEX, word, FUTEX_WAIT_OP, val, 0, 0, 0);
	return 0;
}

void plat_word_wake(uint32_t *word, uint32_t max)
{
	syscall(NR_FUTEX, word, FUTEX_WAKE_OP, max, 0, 0, 0);
}

void plat_entropy(void *buf, size_t n)
{
	memset(buf, 0x5a, n);
}

uint64_t clock_real_ns(void)
{
	static uint64_t now = 1000000000000000000ull;

	return __atomic_add_fetch(&now, 1000, __ATOMIC_RELAXED);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	abort();
}

void assert_failed(const char *expr, const char *file, int line)
{
	printf("assertion failed: %s (%s:%d)\n", expr, file, line);
	abort();
}

void heap_fail_after(uint32_t n)
{
	fail_after = n;
}

static bool must_fail(void)
{
	return fail_after && !--fail_after;
}

void *kmalloc(size_t n)
{
	void *p = must_fail() ? NULL : malloc(n);

	if (p)
		memset(p, 0xa5, n);
	return p;
}

void *kzalloc(size_t n)
{
	return must_fail() ? NULL : calloc(1, n);
}

void *krealloc(void *p, size_t n)
{
	return must_fail() ? NULL : realloc(p, n);
}

void kfree(void *p)
{
	free(p);
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

/* --- pages: one arena, so that neighbours and splitting work -------------------*/
#define ARENA_PAGES	65536ul
static char *arena;
static uint8_t arena_used[ARENA_PAGES];

void *page_alloc(uint32_t order, bool zeroed)
{
	uint64_t n = 1ull << order;

	if (must_fail())
		return NULL;
	if (!arena)
		arena = aligned_alloc(ARENA_PAGES * PAGE_SIZE,
				      ARENA_PAGES * PAGE_SIZE);
	for (uint64_t i = 0; i + n <= ARENA_PAGES; i += n) {
		uint64_t k = 0;

		while (k < n && !arena_used[i + k])
			k++;
		if (k < n)
			continue;
		memset(arena_used + i, 1, n);
		memset(arena + i * PAGE_SIZE, zeroed ? 0 : 0xee,
		       n * PAGE_SIZE);
		fake_pages_used += n;
		return arena + i * PAGE_SIZE;
	}
	return NULL;
}

void *page_alloc_program(uint32_t order, bool zeroed)
{
	return page_alloc(order, zeroed);
}

void page_free(void *p, uint32_t order)
{
	uint64_t i = page_offset(p) >> PAGE_SHIFT;

	for (uint64_t k = 0; k < 1ull << order; k++) {
		assert(arena_used[i + k]);
		arena_used[i + k] = 0;
	}
	assert((i & ((1ull << order) - 1)) == 0);
	fake_pages_used -= 1ull << order;
}

uint64_t page_offset(const void *p)
{
	return (uint64_t)((const char *)p - arena);
}

void *page_at(uint64_t offset)
{
	return arena + offset;
}

uint64_t page_used_bytes(void)
{
	return 0;
}

uint64_t page_total_bytes(void)
{
	return 1ull << 30;
}

uint64_t page_limit_bytes(void)
{
	return 0;
}

/* --- program memory ----------------------------------------------------------------*/
/* Addresses below 64 KiB fault. */

static bool is_bad(const void *p)
{
	return (uintptr_t)p < 0x10000;
}

size_t copy_from_user_partial(void *dst, const void *src, size_t n)
{
	if (is_bad(src))
		return 0;
	memcpy(dst, src, n);
	return n;
}

size_t copy_to_user_partial(void *dst, const void *src, size_t n)
{
	if (is_bad(dst))
		return 0;
	memcpy(dst, src, n);
	return n;
}

int clear_user(void *dst, size_t n)
{
	if (is_bad(dst))
		return -EFAULT;
	memset(dst, 0, n);
	return 0;
}

int user_store32(uint32_t *p, uint32_t v)
{
	*p = v;
	return 0;
}

static uint64_t pages_before;

void fake_count_pages(void)
{
	pages_before = fake_pages_used;
}

void fake_check_pages(void)
{
	CHECK_EQ(fake_pages_used, pages_before);
}
