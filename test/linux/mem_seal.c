/* SPDX-License-Identifier: MIT */
/*
 * mseal: what it forbids and what not; remap_file_pages, which is a mapping
 * like any other.
 */
#include "harness.h"

#include <linux/mman.h>
#include <sys/shm.h>

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static long seal(void *p, size_t len, unsigned long flags)
{
	return syscall(462, p, len, flags);
}

/* n pages; skips where there is no mseal. */
static char *pages(int n, int prot)
{
	if (seal(NULL, 0, 0))
		skip("no mseal");
	return (char *)must(mmap(NULL, n * PAGE, prot, ANON, -1, 0));
}

TEST(seal_arguments)
{
	char *p = pages(4, RW);

	show(seal(p, PAGE, 1));
	show(seal(p + 1, PAGE, 0));
	show(seal(p, ~0ul, 0));
	show(seal(p, ~0ul - PAGE + 2, 0));
	show(seal(p, 0, 0));
	must(munmap(p + 2 * PAGE, PAGE));
	show(seal(p + PAGE, 2 * PAGE, 0));
	show(seal(p, 4 * PAGE, 0));
	show(munmap(p, PAGE));
	show(seal(p + PAGE, 1, 0));
	show(seal(p + PAGE, PAGE, 0));
	show(munmap(p + PAGE, PAGE));
}

TEST(seal_forbids)
{
	char *p = pages(4, RW), *q = pages(4, PROT_READ);

	must(seal(p + PAGE, PAGE, 0));
	show(munmap(p, 4 * PAGE));
	show(mprotect(p, 4 * PAGE, PROT_READ));
	show(mprotect(p + PAGE, PAGE, RW));
	show_ok(mmap(p, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	show_ok(mremap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	show_ok(mremap(p, 4 * PAGE, PAGE, 0));
	show_ok(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
	show_ok(mremap(p, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       q));
	show(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	p[PAGE] = 1;
	num(p[PAGE]);
	show(munmap(p + 2 * PAGE, PAGE));
	show(munmap(p, PAGE));
}

TEST(seal_discard)
{
	char *p = pages(2, RW);

	p[0] = 7;
	must(mprotect(p, PAGE, PROT_READ));
	must(seal(p, PAGE, 0));
	show(madvise(p, PAGE, MADV_DONTNEED));
	show(madvise(p, PAGE, MADV_DONTFORK));
	show(madvise(p, PAGE, MADV_FREE));
	show(madvise(p, PAGE, MADV_WILLNEED));
	show(mlock(p, PAGE));
	num(p[0]);
}

static int in_child(void *p)
{
	show(munmap(p, PAGE));
	return 0;
}

TEST(seal_is_inherited)
{
	char *p = pages(1, RW);

	must(seal(p, PAGE, 0));
	show_exit("child", spawn(in_child, p));
}

/* A shared file of n pages, each of which begins with its number. */
static int numbered(int n)
{
	int fd = must(open("numbers", O_RDWR | O_CREAT, 0600));

	for (char i = 0; i < n; i++)
		must(pwrite(fd, &i, 1, i * PAGE));
	must(ftruncate(fd, n * PAGE));
	return fd;
}

static long remap(void *p, size_t len, int prot, size_t page, int flags)
{
	return syscall(SYS_remap_file_pages, p, len, prot, page, flags);
}

TEST(remap_order)
{
	int fd = numbered(4);
	char *p = (char *)must(mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0));
	char c;

	for (int i = 0; i < 4; i++)
		must(remap(p + i * PAGE, PAGE, 0, 3 - i, 0));
	say("%d %d %d %d", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
	p[0] = 30;
	must(pread(fd, &c, 1, 3 * PAGE));
	num(c);
	/* over what is now several mappings of one file */
	show(remap(p, 4 * PAGE, 0, 0, 0));
	say("%d %d %d %d", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
}

TEST(remap_errors)
{
	int fd = numbered(2);
	char *p = (char *)must(mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0));
	char *own = (char *)must(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));

	must(munmap(p + 2 * PAGE, PAGE));
	show(remap(own, PAGE, 0, 0, 0));
	show(remap(p + 2 * PAGE, PAGE, 0, 0, 0));
	show(remap(p, 3 * PAGE, 0, 0, 0));
	show(remap(p, PAGE, PROT_READ, 0, 0));
	show(remap(p, 0, 0, 0, 0));
	show(remap(p, PAGE, 0, ~0ul, 0));
	show(remap(p, PAGE, 0, 1ul << 52, 0));
	show(remap(p + 1, PAGE, 0, 1, 0));
	num(p[0]);
	must(mprotect(p + PAGE, PAGE, PROT_READ));
	show(remap(p, 2 * PAGE, 0, 0, 0));
}

/* A value of the mapping at p in /proc/self/smaps, in kB. */
static long smaps_value(char *p, const char *key)
{
	char start[32], *at;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	must(slurp("/proc/self/smaps"));
	at = strstr(slurped, start);
	at = at ? strstr(at, key) : NULL;
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

TEST(locked_in_smaps)
{
	char *p = (char *)must(mmap(NULL, 64 * PAGE, RW, ANON, -1, 0));

	num(smaps_value(p, "\nLocked:"));
	must(mlock(p, 64 * PAGE));
	num(smaps_value(p, "\nLocked:"));
	num(smaps_value(p, "\nRss:"));
	must(munlock(p, 64 * PAGE));
	num(smaps_value(p, "\nLocked:"));
}

/* To map it anew takes away what kept the removed segment. */
TEST(remap_of_segments)
{
	int id = must(shmget(IPC_PRIVATE, 2 * PAGE, 0600));
	char *p = (char *)must(shmat(id, NULL, 0));
	char *q = (char *)must(shmat(id, NULL, 0));

	p[0] = 1;
	p[PAGE] = 2;
	show(remap(p, 2 * PAGE, 0, 0, 0));
	must(shmctl(id, IPC_RMID, NULL));
	show(remap(p, 2 * PAGE, 0, 0, 0));
	must(shmdt(q));
	num(p[PAGE]);
	show(remap(p, 2 * PAGE, 0, 0, 0));
	show(remap(p, 2 * PAGE, 0, 0, 0));
	show(shmdt(p));
}
