/* SPDX-License-Identifier: MIT */
/*
 * The pretend machine, see fake.h. Freeing a page that a cached translation
 * still leads to is the mistake that this is made to find.
 */
#include "fake.h"
#include "arch/arch_task.h"
#include "core/heap.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/task.h"
#include "lib/string.h"
#include "platform/kvm/cpu.h"
#include "platform/kvm/hostfile.h"
#include <asm/signal.h>

/* From the host's C library. */
void *malloc(size_t n);
void *calloc(size_t n, size_t m);
void free(void *p);
void *aligned_alloc(size_t align, size_t n);
int vprintf(const char *fmt, va_list ap);
void abort(void) __noreturn;
void exit(int status) __noreturn;

#define RAM_PAGES	16384u
#define FIRST_PAGE	1024u	/* pool files below */
#define FILE_PAGE	600u	/* of the host file, in RAM */
#define NR_CACHED	4096u

/* One translation. */
struct cached {
	struct space *space;
	uaddr_t start;
	size_t len;
	uint64_t leaf;
};

struct hostfile {
	uint32_t refs;
	uint32_t uses[FAKE_FILE_PAGES][2];
};

char *fake_ram;
uint32_t failures;
struct cpu_features cpu_features = { .nx = true };
static uint8_t used[RAM_PAGES];
static uint32_t refs[RAM_PAGES];
static uint64_t kernel_root[512];
static uint32_t nr_used, nr_objects, nr_locked, nr_flushes, fail_after;
static bool has_failed, fails_on;
static struct task self;
static struct hostfile file;
static struct cached cache[NR_CACHED];
static uint32_t nr_cached;

void check_failed(const char *expr, const char *name, int line, long got)
{
	printf("# %s:%d: %s (got %ld)\n", name, line, expr, got);
	failures++;
	if (failures > 20)
		exit(1);
}

void fake_init(void)
{
	if (!fake_ram)
		fake_ram = aligned_alloc(HUGE_SIZE, RAM_PAGES * PAGE_SIZE);
	memset(fake_ram, 0xdd, RAM_PAGES * PAGE_SIZE);
	for (uint32_t i = 256; i < 512; i++)
		kernel_root[i] = i;
	for (uint32_t i = 0; i < FAKE_POOL_PAGES; i++)
		*fake_pool_word(i) = 1000 + i;
	for (uint32_t i = 0; i < FAKE_FILE_PAGES; i++)
		*fake_file_word(i) = 5000 + i;
	fail_after = 0;
}

void fake_enter(struct space *s)
{
	self.arch.plat.space = s;
}

struct task *current_task(void)
{
	return &self;
}

void klog(const char *fmt, ...)
{
}

void assert_failed(const char *expr, const char *name, int line)
{
	printf("assertion failed: %s (%s:%d)\n", expr, name, line);
	abort();
}

uint64_t *kernel_pml4(void)
{
	return kernel_root;
}

/* --- memory -----------------------------------------------------------------*/
void fake_fail_after(uint32_t n)
{
	fail_after = n;
	has_failed = fails_on = false;
}

bool fake_has_failed(void)
{
	return has_failed;
}

void fake_fail_from(uint32_t n)
{
	fake_fail_after(n);
	fails_on = true;
}

static bool must_fail(void)
{
	if (!fail_after)
		return false;
	if (fail_after > 1) {
		fail_after--;
		return false;
	}
	if (!fails_on)
		fail_after = 0;
	has_failed = true;
	return true;
}

static bool is_free(uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (used[at + i])
			return false;
	return true;
}

void *page_alloc(uint32_t order, bool zeroed)
{
	static uint32_t hint = FIRST_PAGE;
	uint32_t n = 1u << order;

	if (must_fail())
		return NULL;
	hint = ALIGN_UP(hint, n);
	for (uint32_t tries = 0; tries < 2 * RAM_PAGES; tries += n) {
		if (hint + n > RAM_PAGES)
			hint = FIRST_PAGE;
		if (is_free(hint, n)) {
			memset(&used[hint], 1, n);
			nr_used += n;
			if (zeroed)
				memset(fake_ram + hint * PAGE_SIZE, 0,
				       n * PAGE_SIZE);
			hint += n;
			return fake_ram + (hint - n) * PAGE_SIZE;
		}
		hint += n;
	}
	return NULL;
}

void *page_alloc_program(uint32_t order, bool zeroed)
{
	return page_alloc(order, zeroed);
}

uint64_t plat_clock_mono_ns(void)
{
	static uint64_t now_ns;

	return now_ns += NSEC_PER_SEC;
}

void plat_relax(void)
{
}

static void check_not_cached(paddr_t start, paddr_t end)
{
	for (uint32_t i = 0; i < nr_cached; i++) {
		paddr_t p = cache[i].leaf & PTE_ADDRESS;

		CHECK(p + cache[i].len <= start || p >= end);
	}
}

void page_free(void *p, uint32_t order)
{
	uint64_t at = virt_to_phys(p) >> PAGE_SHIFT, n = 1u << order;

	for (uint64_t i = at; i < at + n; i++) {
		CHECK(used[i]);
		used[i] = 0;
	}
	nr_used -= (uint32_t)n;
	check_not_cached(virt_to_phys(p), virt_to_phys(p) + n * PAGE_SIZE);
	memset(p, 0xdd, n * PAGE_SIZE);
}

uint32_t *page_refs(const void *p)
{
	return &refs[virt_to_phys(p) >> PAGE_SHIFT];
}

void *page_at(uint64_t offset)
{
	return fake_ram + offset;
}

uint64_t fake_pages_used(void)
{
	return nr_used;
}

uint64_t *fake_pool_word(uint32_t page)
{
	return (uint64_t *)(fake_ram + FAKE_POOL + page * PAGE_SIZE);
}

void *kmalloc(size_t n)
{
	void *p = must_fail() ? NULL : malloc(n);

	nr_objects += p != NULL;
	return p;
}

void *kzalloc(size_t n)
{
	void *p = must_fail() ? NULL : calloc(1, n);

	nr_objects += p != NULL;
	return p;
}

void kfree(void *p)
{
	nr_objects -= p != NULL;
	free(p);
}

void mutex_init(struct mutex *m)
{
	m->word = 0;
}

void mutex_lock(struct mutex *m)
{
	CHECK(!m->word);
	m->word = 1;
	nr_locked++;
}

void mutex_unlock(struct mutex *m)
{
	CHECK(m->word);
	m->word = 0;
	nr_locked--;
}

/* --- the host file ------------------------------------------------------------*/
uint64_t *fake_file_word(uint32_t page)
{
	return (uint64_t *)(fake_ram + (FILE_PAGE + page) * PAGE_SIZE);
}

struct hostfile *hostfile_get(int fd, bool write_shared)
{
	CHECK_EQ(fd, FAKE_FILE_FD);
	if (must_fail())
		return NULL;
	file.refs++;
	return &file;
}

struct hostfile *hostfile_ref(struct hostfile *f)
{
	f->refs++;
	return f;
}

void hostfile_put(struct hostfile *f)
{
	CHECK(f->refs);
	f->refs--;
	CHECK(f->refs || !nr_locked);	/* the last may take time */
}

int hostfile_page(struct hostfile *f, uint64_t index, bool write, paddr_t *out)
{
	if (index >= FAKE_FILE_PAGES)
		return -EFAULT;
	if (must_fail())
		return -ENOMEM;
	f->uses[index][write]++;
	*out = (FILE_PAGE + index) * PAGE_SIZE;
	return 0;
}

void hostfile_page_put(struct hostfile *f, uint64_t index, bool write)
{
	CHECK(index < FAKE_FILE_PAGES && f->uses[index][write]);
	f->uses[index][write]--;
	if (!f->uses[index][0] && !f->uses[index][1])
		check_not_cached((FILE_PAGE + index) * PAGE_SIZE,
				 (FILE_PAGE + index + 1) * PAGE_SIZE);
}

uint32_t fake_file_uses(uint32_t page, bool write)
{
	return file.uses[page][write];
}

/* --- the processor ------------------------------------------------------------*/
static void uncache(struct space *s, uaddr_t start, uaddr_t end)
{
	for (uint32_t i = 0; i < nr_cached;) {
		struct cached *c = &cache[i];

		if (c->space == s && c->start < end &&
		    start < c->start + c->len)
			*c = cache[--nr_cached];
		else
			i++;
	}
}

void tlb_flush(struct space *s, uaddr_t start, uaddr_t end)
{
	CHECK(start < end);
	nr_flushes++;
	uncache(s, start, end);
}

void tlb_drop(struct space *s)
{
	uncache(s, 0, UINT64_MAX);
}

uint32_t fake_nr_flushes(void)
{
	return nr_flushes;
}

static bool allows(uint64_t leaf, uint32_t access)
{
	if (access & SPACE_WRITE && !(leaf & PTE_WRITE))
		return false;
	if (access & SPACE_EXEC && leaf & PTE_NX)
		return false;
	return leaf & PTE_PRESENT;
}

static const struct cached *find_cached(struct space *s, uaddr_t addr)
{
	for (uint32_t i = 0; i < nr_cached; i++)
		if (cache[i].space == s && addr >= cache[i].start &&
		    addr < cache[i].start + cache[i].len)
			return &cache[i];
	return NULL;
}

/* Walk the tables as the processor does. Returns false: no translation. */
static bool walk(struct space *s, uaddr_t addr, struct cached *out)
{
	uint64_t e, *t = s->pt.root;
	uint32_t shift = 39;

	for (;; shift -= 9) {
		e = t[addr >> shift & 511];
		if (!(e & PTE_PRESENT))
			return false;
		CHECK(e & PTE_USER);
		if (shift == 12 || (shift == 21 && e & PTE_LARGE))
			break;
		CHECK(e & PTE_WRITE && !(e & PTE_NX));
		t = phys_to_virt(e & PTE_ADDRESS);
		CHECK(used[(e & PTE_ADDRESS) >> PAGE_SHIFT]);
	}
	CHECK(e & PTE_HELD && e & PTE_ACCESSED && e & PTE_DIRTY);
	*out = (struct cached){ s, addr & ~((1ull << shift) - 1),
				1ull << shift, e };
	return true;
}

uint64_t *fake_access(struct space *s, uaddr_t addr, uint32_t access,
		      uint32_t *signo)
{
	for (int tries = 0; tries < 8; tries++) {
		const struct cached *hit = find_cached(s, addr);
		struct arch_fault f = { 0 };
		struct cached found;

		if (hit && allows(hit->leaf, access))
			return phys_to_virt((hit->leaf & PTE_ADDRESS) +
					    (addr - hit->start));
		/* a fault makes the processor forget its address */
		uncache(s, addr, addr + 1);
		if (walk(s, addr, &found) && allows(found.leaf, access)) {
			if (nr_cached == NR_CACHED)
				uncache(cache[0].space, 0, UINT64_MAX);
			cache[nr_cached++] = found;
			continue;
		}
		if (space_fault(s, addr, access, &f)) {
			*signo = f.signo;
			return NULL;
		}
	}
	CHECK(!"the access makes no progress");
	*signo = 0;
	return NULL;
}

void fake_check_clean(void)
{
	CHECK_EQ(nr_used, 0);
	CHECK_EQ(nr_objects, 0);
	CHECK_EQ(nr_locked, 0);
	CHECK_EQ(nr_cached, 0);
	CHECK_EQ(file.refs, 0);
	for (uint32_t i = 0; i < FAKE_FILE_PAGES; i++)
		CHECK(!file.uses[i][0] && !file.uses[i][1]);
}
