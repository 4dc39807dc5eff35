/* SPDX-License-Identifier: MIT */
/*
 * Memory calls at the edges of the address space and with absurd sizes, and
 * with addresses that a sandbox may keep for itself: those may be refused, but
 * nothing may break.
 */
#include "harness.h"

#include <linux/mman.h>
#include <sys/uio.h>

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define TOP 0x7ffffffff000ul
#define NEAR_TOP 0x7fffffff0000ul
#define LAST_PAGE (~0ul - 0xffful)

static void *at(unsigned long a)
{
	return (void *)a;
}

TEST(top_of_memory)
{
	char *p = (char *)must(mmap(NULL, 2 * PAGE, RW, ANON, -1, 0));

	show_ok(mmap(NULL, ~0ul, RW, ANON, -1, 0));
	show_ok(mmap(NULL, 1ul << 47, RW, ANON | MAP_NORESERVE, -1, 0));
	show_ok(mmap(at(TOP), PAGE, RW, ANON | MAP_FIXED, -1, 0));
	show_ok(mmap(at(LAST_PAGE), PAGE, RW, ANON | MAP_FIXED, -1, 0));
	show_ok(mmap(at(LAST_PAGE), 2 * PAGE, RW, ANON, -1, 0));
	show(munmap(at(LAST_PAGE), PAGE));
	show(madvise(at(LAST_PAGE), PAGE, MADV_DONTNEED));
	show(mprotect(at(LAST_PAGE), PAGE, PROT_READ));
	show(mprotect(at(NEAR_TOP), 16 * PAGE, PROT_READ));
	show(madvise(at(NEAR_TOP), 16 * PAGE, MADV_DONTNEED));
	show(mlock(at(NEAR_TOP), 15 * PAGE));
	show(msync(at(NEAR_TOP), 15 * PAGE, MS_ASYNC));
	show_ok(mremap(at(NEAR_TOP), PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	show_ok(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(TOP)));
	show_ok(mremap(p, PAGE, ~0ul, MREMAP_MAYMOVE));
	show(madvise(p, ~0ul, MADV_DONTNEED));
}

TEST(bottom_of_memory)
{
	show(munmap(at(0), PAGE));
	show_ok(mremap(at(0), PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	show(mprotect(at(0), PAGE, PROT_READ));
	show(msync(at(0), PAGE, MS_ASYNC));
	fact(mmap(at(1), PAGE, RW, ANON, -1, 0) != MAP_FAILED);
}

TEST(break_limits)
{
	long now = syscall(SYS_brk, 0);

	fact(syscall(SYS_brk, -1ul) == now);
	fact(syscall(SYS_brk, TOP) == now);
	fact(syscall(SYS_brk, TOP - 1) == now);
	fact(syscall(SYS_brk, 1) == now);
}

/* Everything at addresses where another kernel's own memory may be. */
static int disturb(void *arg)
{
	unsigned long a = *(unsigned long *)arg;
	char *p = (char *)mmap(NULL, PAGE, RW, ANON, -1, 0);
	struct iovec l = { p, 16 }, r = { at(a), 16 };

	mprotect(at(a), PAGE, RW | PROT_EXEC);
	mprotect(at(a), PAGE, PROT_NONE);
	madvise(at(a), 1 << 20, MADV_DONTNEED);
	madvise(at(a), 1 << 20, MADV_REMOVE);
	madvise(at(a), 1 << 20, MADV_FREE);
	madvise(at(a), 1 << 20, MADV_DONTFORK);
	mremap(at(a), PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	mremap(at(a), 0, 2 * PAGE, MREMAP_MAYMOVE);
	mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(a));
	mmap(at(a), 4 * PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0);
	mmap(at(a - PAGE), 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	mlock(at(a), PAGE);
	munlock(at(a), PAGE);
	process_vm_writev(getpid(), &l, 1, &r, 1, 0);
	munmap(at(a), PAGE);
	munmap(at(a), 1ul << 30);
	return 0;
}

TEST(foreign_ranges)
{
	static unsigned long where[] = {
		0x7d0000000000ul, 0x7d0000001000ul, 0x7d0001000000ul,
		0x7d0041000000ul, 0x7d0fff000000ul, 0x600000000000ul,
		0x10000ul,
	};

	for (size_t i = 0; i < ARRAY_SIZE(where); i++)
		show_exit("child", spawn(disturb, &where[i]));
}

static int unmap_all(void *arg)
{
	syscall(SYS_munmap, 0x10000ul, NEAR_TOP - 0x10000ul);
	return 0;
}

TEST(unmap_everything)
{
	show_exit("child", spawn(unmap_all, NULL));
}

TEST(many_protections)
{
	size_t pages = 140000, i;
	char *p = (char *)must(mmap(NULL, pages * PAGE, PROT_NONE,
				    ANON | MAP_NORESERVE, -1, 0));

	for (i = 0; i < pages; i += 2)
		if (mprotect(p + i * PAGE, PAGE, PROT_READ))
			break;
	/* each call cuts a mapping; there is a limit to their number */
	fact(i > 60000 && i < 66000 && errno == ENOMEM);
	show(munmap(p, pages * PAGE));
}
