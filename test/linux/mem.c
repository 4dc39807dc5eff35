/* SPDX-License-Identifier: MIT */
/*
 * Memory mappings: mmap(), munmap(), mprotect(), mremap(), madvise(), brk(),
 * shared memory between processes.
 */
#include "harness.h"

#include <linux/mman.h>
#include <setjmp.h>
#include <sys/resource.h>

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf jump;

static void leave(int sig)
{
	siglongjmp(jump, sig);
}

/* What happens on reading and on writing the byte at p. */
static const char *probe(volatile char *p)
{
	int sig;

	on_signal(SIGSEGV, leave, 0);
	on_signal(SIGBUS, leave, 0);
	sig = sigsetjmp(jump, 1);
	if (sig)
		return sig_name(sig);
	(void)*p;
	sig = sigsetjmp(jump, 1);
	if (sig)
		return "readable";
	*p = *p;
	return "writable";
}

static char *map(size_t len, int prot, int flags)
{
	return (char *)must(mmap(NULL, len, prot, flags, -1, 0));
}

/* A file of n pages, page i filled with 'a' + i. */
static int page_file(int n)
{
	char page[PAGE];
	int fd = must(open("f", O_CREAT | O_TRUNC | O_RDWR, 0644));

	for (int i = 0; i < n; i++) {
		memset(page, 'a' + i, PAGE);
		must(write(fd, page, PAGE));
	}
	return fd;
}

static char *map_file(int fd, int prot, int flags, size_t len, off_t off)
{
	return (char *)must(mmap(NULL, len, prot, flags, fd, off));
}

TEST(anonymous_is_zero)
{
	char *p = map(16 * PAGE, RW, ANON);
	long sum = 0;

	for (int i = 0; i < 16 * PAGE; i++)
		sum += p[i];
	num(sum);
	fact((uintptr_t)p % PAGE == 0);
	show(munmap(p, 16 * PAGE));
	say("%s", probe(p));
}

TEST(mmap_errors)
{
	int fd = page_file(1), wr = must(open("f", O_WRONLY));
	int rd = must(open("f", O_RDONLY)), p[2];

	must(pipe(p));
	show_ok(mmap(NULL, 0, RW, ANON, -1, 0));
	show_ok(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
	show_ok(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	show_ok(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 100));
	show_ok(mmap(NULL, PAGE, RW, MAP_SHARED, rd, 0));
	show_ok(mmap(NULL, PAGE, RW, MAP_PRIVATE, rd, 0));
	show_ok(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wr, 0));
	show_ok(mmap(NULL, PAGE, RW, MAP_PRIVATE, p[0], 0));
	show_ok(mmap(NULL, PAGE, RW, MAP_PRIVATE, open(".", O_RDONLY), 0));
	show_ok(mmap((void *)(PAGE + 1), PAGE, RW, ANON | MAP_FIXED, -1, 0));
	show_ok(mmap(NULL, 1UL << 60, RW, ANON | MAP_NORESERVE, -1, 0));
	show_ok(mmap(NULL, (size_t)-1, RW, ANON, -1, 0));
	show_ok(mmap((void *)(1UL << 50), PAGE, RW, ANON | MAP_FIXED, -1, 0));
}

TEST(munmap_rules)
{
	char *p = map(4 * PAGE, RW, ANON);

	show(munmap(p + 1, PAGE));
	show(munmap(p, 0));
	show(munmap(p + PAGE, PAGE));
	say("%s %s %s", probe(p), probe(p + PAGE), probe(p + 2 * PAGE));
	show(munmap(p + PAGE, PAGE));
	show(munmap(p, 4 * PAGE));
	show(munmap((void *)(1UL << 50), PAGE));
	show(munmap(p, 100));
}

TEST(map_fixed_replaces)
{
	char *p = map(3 * PAGE, RW, ANON), *q;

	memset(p, 'x', 3 * PAGE);
	q = mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	fact(q == p + PAGE);
	say("%d %d %d", p[0], p[PAGE], p[2 * PAGE]);
}

TEST(map_fixed_noreplace)
{
	char *p = map(3 * PAGE, RW, ANON);
	int flags = ANON | MAP_FIXED_NOREPLACE;

	show_ok(mmap(p + PAGE, PAGE, RW, flags, -1, 0));
	must(munmap(p + PAGE, PAGE));
	fact(mmap(p + PAGE, PAGE, RW, flags, -1, 0) == p + PAGE);
	must(munmap(p + 2 * PAGE, PAGE));
	show_ok(mmap(p, 3 * PAGE, RW, flags, -1, 0));
}

TEST(hint_is_used_when_free)
{
	char *p = map(3 * PAGE, RW, ANON);

	must(munmap(p + PAGE, PAGE));
	fact(mmap(p + PAGE, PAGE, RW, ANON, -1, 0) == p + PAGE);
	fact(mmap(p, PAGE, RW, ANON, -1, 0) != p);
}

TEST(file_private)
{
	int fd = page_file(3);
	char *p = map_file(fd, RW, MAP_PRIVATE, 2 * PAGE, PAGE), c;

	say("%c %c", p[0], p[PAGE]);
	p[0] = 'X';
	must(pread(fd, &c, 1, PAGE));
	say("%c", c);
	close(fd);
	say("%c %c", p[0], p[1]);
}

TEST(file_shared)
{
	int fd = page_file(2);
	char *p = map_file(fd, RW, MAP_SHARED, 2 * PAGE, 0), c;
	char *q = map_file(fd, PROT_READ, MAP_SHARED, PAGE, PAGE);

	p[5] = 'X';
	must(pread(fd, &c, 1, 5));
	say("%c", c);
	must(pwrite(fd, "Y", 1, PAGE + 7));
	say("%c %c", p[PAGE + 7], q[7]);
	p[PAGE] = 'Z';
	say("%c", q[0]);
	show(msync(p, 2 * PAGE, MS_SYNC));
	show(msync(p, PAGE, MS_ASYNC));
	must(munmap(p, 2 * PAGE));
	must(pread(must(open("f", O_RDONLY)), &c, 1, PAGE));
	say("%c", c);
}

TEST(file_shared_between_processes)
{
	int fd = page_file(1);
	char *p = map_file(fd, RW, MAP_SHARED, PAGE, 0);
	pid_t pid = fork();

	if (pid == 0) {
		char *q = map_file(must(open("f", O_RDWR)), RW, MAP_SHARED,
				   PAGE, 0);

		q[1] = 'c';
		p[2] = 'd';
		_exit(0);
	}
	show_exit("child", pid);
	say("%.4s", p);
}

TEST(file_tail_is_zero)
{
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));
	char *p, c;

	must(write(fd, "abc", 3));
	p = map_file(fd, RW, MAP_SHARED, PAGE, 0);
	num(p[3] | p[PAGE - 1]);
	p[3] = 'd';
	show(lseek(fd, 0, SEEK_END));
	must(ftruncate(fd, 2));
	must(ftruncate(fd, 5));
	num(p[2]);
	show(pread(fd, &c, 1, 4));
	num(c);
}

TEST(file_grows_under_mapping)
{
	int fd = page_file(1);
	char *p = map_file(fd, RW, MAP_SHARED, 2 * PAGE, 0);

	say("%s", probe(p + PAGE));
	must(ftruncate(fd, 2 * PAGE));
	say("%s", probe(p + PAGE));
	p[PAGE] = 'q';
	must(ftruncate(fd, PAGE));
	say("%s", probe(p + PAGE));
	must(ftruncate(fd, 2 * PAGE));
	num(p[PAGE]);
}

TEST(mapping_outlives_file)
{
	int fd = page_file(1);
	char *p = map_file(fd, PROT_READ, MAP_SHARED, PAGE, 0);

	close(fd);
	must(unlink("f"));
	say("%c%c", p[0], p[PAGE - 1]);
}

TEST(read_only_shared_protect)
{
	int rd;
	char *p;

	page_file(1);
	rd = must(open("f", O_RDONLY));
	p = map_file(rd, PROT_READ, MAP_SHARED, PAGE, 0);
	show(mprotect(p, PAGE, RW));
	p = map_file(rd, PROT_READ, MAP_PRIVATE, PAGE, 0);
	show(mprotect(p, PAGE, RW));
}

TEST(fork_private_and_shared)
{
	char *priv = map(PAGE, RW, ANON);
	char *shared = map(PAGE, RW, MAP_SHARED | MAP_ANONYMOUS);
	pid_t pid;

	priv[0] = shared[0] = 'p';
	pid = fork();
	if (pid == 0) {
		priv[0] = shared[0] = 'c';
		_exit(0);
	}
	await(pid);
	say("%c %c", priv[0], shared[0]);
	priv[0] = 'q';
	pid = fork();
	if (pid == 0)
		_exit(priv[0] != 'q' || shared[0] != 'c');
	show_exit("child", pid);
}

TEST(fork_shares_both_ways)
{
	volatile int *p = (int *)map(PAGE, RW, MAP_SHARED | MAP_ANONYMOUS);
	pid_t pid = fork();

	if (pid == 0) {
		while (*p != 1)
			sleep_ms(1);
		*p = 2;
		_exit(0);
	}
	*p = 1;
	while (*p != 2)
		sleep_ms(1);
	show_exit("child", pid);
}

TEST(mprotect_rules)
{
	char *p = map(3 * PAGE, RW, ANON);

	p[0] = p[PAGE] = p[2 * PAGE] = 'k';
	show(mprotect(p + PAGE, PAGE, PROT_READ));
	say("%s %s %s", probe(p), probe(p + PAGE), probe(p + 2 * PAGE));
	show(mprotect(p, 3 * PAGE, PROT_NONE));
	say("%s", probe(p));
	show(mprotect(p, 3 * PAGE, RW));
	say("%c%c%c", p[0], p[PAGE], p[2 * PAGE]);
	show(mprotect(p + 1, PAGE, RW));
	show(mprotect(p, 0, RW));
	must(munmap(p + PAGE, PAGE));
	show(mprotect(p, 3 * PAGE, PROT_READ));
	say("%s", probe(p));
	show(mprotect(p, PAGE, 0x100));
}

TEST(mremap_grow_and_shrink)
{
	char *p = map(2 * PAGE, RW, ANON), *q;

	p[0] = '1';
	p[PAGE] = '2';
	q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	fact(q != MAP_FAILED);
	say("%c%c %d", q[0], q[PAGE], q[63 * PAGE]);
	p = mremap(q, 64 * PAGE, PAGE, 0);
	fact(p == q);
	say("%c %s", p[0], probe(p + PAGE));
}

TEST(mremap_in_place)
{
	char *p = map(4 * PAGE, RW, ANON);

	must(munmap(p + PAGE, PAGE));
	fact(mremap(p, PAGE, 2 * PAGE, 0) == p);
	say("%s", probe(p + PAGE));
	fact(mremap(p, 2 * PAGE, 3 * PAGE, 0) == MAP_FAILED);
	say("%s", err_name(errno));
}

TEST(mremap_fixed)
{
	char *p = map(2 * PAGE, RW, ANON), *q = map(4 * PAGE, RW, ANON);

	p[0] = 'm';
	q[0] = q[PAGE] = q[2 * PAGE] = 'o';
	fact(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		    q + PAGE) == q + PAGE);
	say("%c%c %d %s", q[0], q[PAGE], q[2 * PAGE], probe(p));
}

TEST(mremap_errors)
{
	char *p = map(2 * PAGE, RW, ANON), *q = map(2 * PAGE, RW, ANON);

	show_ok(mremap(p + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	show_ok(mremap(p, PAGE, 0, MREMAP_MAYMOVE));
	show_ok(mremap(p, PAGE, PAGE, 0x100));
	show_ok(mremap(p, PAGE, PAGE, MREMAP_FIXED, q));
	show_ok(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       p + PAGE));
	must(munmap(q, 2 * PAGE));
	show_ok(mremap(q, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
}

/* A mapping that the child is not to have grows, after that was said. */
TEST(dontfork_grows)
{
	char *room = map(128 * PAGE, PROT_NONE, ANON), *p, *q;
	int fd = must(memfd_create("grows", 0));
	int there = 0;

	must(ftruncate(fd, 4 * PAGE));
	p = (char *)must(mmap(room, 16 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd,
			      0));
	show(madvise(p, 16 * PAGE, MADV_DONTFORK));
	must(ftruncate(fd, 16 * PAGE));
	p[10 * PAGE] = 1;
	q = mremap(p, 16 * PAGE, 32 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   room + 64 * PAGE);
	must(ftruncate(fd, 32 * PAGE));
	q[20 * PAGE] = 1;
	if (!fork()) {
		for (int i = 0; i < 32; i++)
			there += strcmp(probe(q + i * PAGE), "SIGSEGV") != 0;
		say("pages in the child: %d", there);
		_exit(0);
	}
	must(wait(NULL));
}

/* A second mapping (old length 0) of shared memory in its own place, that is of
 * what is unmapped first. */
TEST(mremap_onto_itself)
{
	char *p = map(4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS);

	for (int i = 0; i < 4; i++)
		p[i * PAGE] = (char)('0' + i);
	for (int i = 3; i >= 0; i--) {
		show_ok(mremap(p + i * PAGE, 0, PAGE, MREMAP_MAYMOVE |
			       MREMAP_FIXED, p + i * PAGE));
		say("%s", probe(p + i * PAGE));
	}
}

TEST(mremap_shared_file)
{
	int fd = page_file(2);
	char *p = map_file(fd, RW, MAP_SHARED, PAGE, 0), *q, c;

	q = mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	fact(q != MAP_FAILED);
	say("%c%c", q[0], q[PAGE]);
	q[PAGE] = 'W';
	must(pread(fd, &c, 1, PAGE));
	say("%c", c);
}

TEST(madvise_dontneed)
{
	char *p = map(2 * PAGE, RW, ANON), *q;
	int fd = page_file(1);

	p[0] = p[PAGE] = 'd';
	show(madvise(p, PAGE, MADV_DONTNEED));
	say("%d %c", p[0], p[PAGE]);
	q = map_file(fd, RW, MAP_PRIVATE, PAGE, 0);
	q[0] = 'X';
	show(madvise(q, PAGE, MADV_DONTNEED));
	say("%c", q[0]);
	q = map_file(fd, RW, MAP_SHARED, PAGE, 0);
	q[0] = 'X';
	show(madvise(q, PAGE, MADV_DONTNEED));
	say("%c", q[0]);
}

TEST(madvise_rules)
{
	char *p = map(3 * PAGE, RW, ANON);

	p[0] = 'f';
	show(madvise(p, PAGE, MADV_NORMAL));
	show(madvise(p, PAGE, MADV_WILLNEED));
	show(madvise(p, PAGE, MADV_RANDOM));
	show(madvise(p, PAGE, 12345));
	show(madvise(p + 1, PAGE, MADV_NORMAL));
	show(madvise(p, 0, MADV_NORMAL));
	show(madvise(p, PAGE, MADV_FREE));
	p[0] = 'g';
	say("%c", p[0]);
	must(munmap(p + PAGE, PAGE));
	show(madvise(p, 3 * PAGE, MADV_DONTNEED));
	num(p[0]);
}

TEST(madvise_fork_flags)
{
	char *p = map(2 * PAGE, RW, ANON);
	pid_t pid;

	p[0] = p[PAGE] = 'v';
	show(madvise(p, PAGE, MADV_DONTFORK));
	show(madvise(p + PAGE, PAGE, MADV_WIPEONFORK));
	pid = fork();
	if (pid == 0) {
		say("%s %d", probe(p), p[PAGE]);
		_exit(0);
	}
	await(pid);
	say("%c%c", p[0], p[PAGE]);
}

TEST(brk_grows_and_shrinks)
{
	char *a = sbrk(0), *b;

	fact(sbrk(100000) == a);
	b = sbrk(0);
	fact(b == a + 100000);
	memset(a, 1, 100000);
	fact(brk(a) == 0 && sbrk(0) == a);
	fact(sbrk(100000) == a);
	num(a[50000]);
	fact(syscall(SYS_brk, 0) == (long)sbrk(0));
	fact(syscall(SYS_brk, 1) == (long)sbrk(0));
}

TEST(msync_rules)
{
	char *p = map(2 * PAGE, RW, ANON);

	show(msync(p, PAGE, MS_SYNC));
	show(msync(p, PAGE, MS_SYNC | MS_ASYNC));
	show(msync(p, PAGE, 0x100));
	show(msync(p + 1, PAGE, MS_SYNC));
	must(munmap(p + PAGE, PAGE));
	show(msync(p, 2 * PAGE, MS_SYNC));
}

TEST(mincore_rules)
{
	char *p = map(4 * PAGE, RW, ANON);
	unsigned char v[4] = { 9, 9, 9, 9 };

	p[PAGE] = 1;
	show(mincore(p, 4 * PAGE, v));
	num(v[1] & 1);
	show(mincore(p + 1, PAGE, v));
	show(mincore(p, PAGE, bad_pointer()));
	must(munmap(p + PAGE, PAGE));
	show(mincore(p, 2 * PAGE, v));
}

TEST(mlock_rules)
{
	char *p = map(4 * PAGE, RW, ANON);

	show(mlock(p, 2 * PAGE));
	show(munlock(p, 2 * PAGE));
	must(munmap(p + PAGE, PAGE));
	show(mlock(p, 2 * PAGE));
	show(munlockall());
	show(mlockall(0));
	show(mlockall(99));
}

TEST(protection_none_reserve)
{
	size_t len = 8UL << 30;
	char *p = (char *)must(mmap(NULL, len, PROT_NONE,
				    ANON | MAP_NORESERVE, -1, 0));

	show(mprotect(p + (4UL << 30), PAGE, RW));
	p[4UL << 30] = 'x';
	say("%s %s", probe(p), probe(p + (4UL << 30)));
	show(munmap(p, len));
}

TEST(many_mappings)
{
	char *p = map(2000 * PAGE, RW, ANON);
	int bad = 0;

	for (int i = 0; i < 2000; i += 2)
		must(mprotect(p + (size_t)i * PAGE, PAGE, PROT_READ));
	for (int i = 1; i < 2000; i += 2)
		p[(size_t)i * PAGE] = 1;
	for (int i = 0; i < 2000; i++)
		bad += p[(size_t)i * PAGE] != (i & 1);
	num(bad);
	show(munmap(p, 2000 * PAGE));
}

static int descend(int n)
{
	volatile char frame[PAGE];

	frame[0] = 1;
	return n ? descend(n - 1) + frame[0] : 0;
}

TEST(deep_recursion_grows_stack)
{
	num(descend(1500));
}

TEST(stack_jump_grows)
{
	volatile char *p = __builtin_alloca(4 << 20);

	p[0] = 7;
	num(p[0]);
}

TEST(growsdown_flag)
{
	char *p = map(PAGE, RW, ANON | MAP_GROWSDOWN);

	p[0] = 1;
	num(p[0]);
	show(munmap(p, PAGE));
}

TEST(populate_flag)
{
	char *p = map(16 * PAGE, RW, ANON | MAP_POPULATE);
	unsigned char v[16];
	int n = 0;

	must(mincore(p, 16 * PAGE, v));
	for (int i = 0; i < 16; i++)
		n += v[i] & 1;
	num(n);
}
