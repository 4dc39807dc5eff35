/* SPDX-License-Identifier: MIT */
/*
 * Long fixed sequences of mapping calls inside an arena: each result, the
 * protection of every page (as /proc/self/maps tells) and its contents must be
 * what Linux gives.
 */
#include "random_help.h"

#include <linux/mman.h>
#include <sys/uio.h>

#define RW (PROT_READ | PROT_WRITE)
#define ARENA_PAGES 96
#define FILE_PAGES 40

static char *arena;
static int fd;

static void add_result(long r)
{
	/* addresses count from the arena */
	if (r == -1)
		add(1000 + (uint64_t)errno);
	else if (r >= (long)arena && r < (long)arena + ARENA_PAGES * PAGE)
		add((uint64_t)(r - (long)arena));
	else
		add((uint64_t)r);
}

/* Protection letters per page, '-' for what is not mapped. */
static void read_maps(char (*prot)[5])
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");

	memset(prot, 0, ARENA_PAGES * 5);
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long from, to, a;
		char p[5];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, p) != 3)
			continue;
		for (a = from; a < to && to - from < 1ul << 32; a += PAGE)
			if (a - (unsigned long)arena < ARENA_PAGES * PAGE)
				memcpy(prot[(a - (unsigned long)arena) / PAGE],
				       p, 5);
	}
	if (f)
		fclose(f);
}

/* Bytes by a system call: what cannot be read gives an error instead. */
static long peek(const char *p)
{
	static int ends[2] = { -1, -1 };
	unsigned char c;

	if (ends[0] < 0)
		must(pipe(ends));
	if (write(ends[1], p, 1) != 1)
		return 256 + errno;
	must(read(ends[0], &c, 1));
	return c;
}

static void check_all(void)
{
	char prot[ARENA_PAGES][5];

	read_maps(prot);
	for (int i = 0; i < ARENA_PAGES; i++) {
		add(prot[i][0] << 24 | prot[i][1] << 16 | prot[i][2] << 8 |
		    prot[i][3]);
		if (prot[i][0] != 'r')
			continue;
		add((uint64_t)peek(arena + i * PAGE + 17));
		if (prot[i][1] == 'w' && rnd(3) == 0 &&
		    peek(arena + i * PAGE + 17) < 256)
			arena[i * PAGE + 17] = (char)rnd(256);
	}
}

static int random_prot(void)
{
	static const int prots[] = { PROT_NONE, PROT_READ, RW, RW, RW,
				     PROT_READ | PROT_EXEC };

	return prots[rnd(ARRAY_SIZE(prots))];
}

static void do_mmap(char *p, size_t len)
{
	uint32_t how = rnd(5);
	int flags = (how & 1 ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED;

	if (how == 4)
		flags ^= MAP_FIXED | MAP_FIXED_NOREPLACE;
	if (how < 2)
		add_result((long)mmap(p, len, random_prot(), flags, fd,
				      rnd(FILE_PAGES - 8) * PAGE));
	else
		add_result((long)mmap(p, len, random_prot(),
				      flags | MAP_ANONYMOUS, -1, 0));
}

/* One page: kernels differ about ranges that span several mappings. */
static void do_mremap(char *p)
{
	size_t len = PAGE;
	size_t new_len = (1 + rnd(12)) * PAGE;
	char *to = arena + rnd(ARENA_PAGES - 12) * PAGE;

	switch (rnd(4)) {
	case 0:
		add_result((long)mremap(p, len, new_len, 0));
		break;
	case 3:		/* a second mapping of shared memory */
		add_result((long)mremap(p, 0, new_len, MREMAP_MAYMOVE |
					MREMAP_FIXED, rnd(4) ? to : p));
		break;
	case 1:
		add_result((long)mremap(p, len, new_len,
					MREMAP_MAYMOVE | MREMAP_FIXED, to));
		break;
	default:
		add_result((long)mremap(p, len, len, MREMAP_MAYMOVE |
					MREMAP_FIXED | MREMAP_DONTUNMAP, to));
	}
}

static void do_madvise(char *p, size_t len)
{
	static const int advice[] = { MADV_DONTNEED, MADV_WILLNEED,
				      MADV_DONTFORK, MADV_DOFORK,
				      MADV_WIPEONFORK, MADV_KEEPONFORK,
				      MADV_NORMAL, MADV_REMOVE };

	add_result(madvise(p, len, advice[rnd(ARRAY_SIZE(advice))]));
}

static void do_fork(void)
{
	uint64_t got = 0;
	int ends[2], status;

	must(pipe(ends));
	if (!fork()) {
		sum = SUM_START;
		check_all();
		must(write(ends[1], &sum, sizeof(sum)));
		_exit(0);
	}
	must(read(ends[0], &got, sizeof(got)));
	must(wait(&status));
	close(ends[0]);
	close(ends[1]);
	add(got);
	add((uint64_t)status);
}

static void step(void)
{
	char *p = arena + rnd(ARENA_PAGES - 10) * PAGE;
	size_t len = (1 + rnd(10)) * PAGE;

	switch (rnd(16)) {
	case 0 ... 4:
		do_mmap(p, len);
		break;
	case 5 ... 6:
		add_result(munmap(p, len));
		break;
	case 7 ... 9:
		add_result(mprotect(p, len, random_prot()));
		break;
	case 10 ... 12:
		do_mremap(p);
		break;
	case 13 ... 14:
		do_madvise(p, len);
		break;
	default:
		if (rnd(4) == 0)
			do_fork();
		else
			add_result(msync(p, len, MS_ASYNC));
	}
}

static void run(uint64_t seed, int steps)
{
	char page[PAGE];

	state = seed;
	sum = SUM_START;
	fd = must(open("f", O_CREAT | O_TRUNC | O_RDWR, 0644));
	for (int i = 0; i < FILE_PAGES; i++) {
		memset(page, 'a' + i, PAGE);
		must(write(fd, page, PAGE));
	}
	arena = (char *)must(mmap(NULL, ARENA_PAGES * PAGE, RW,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (int i = 0; i < steps; i++) {
		step();
		check_all();
		if (i % 20 == 19)
			say("%d: %016llx", i + 1, (unsigned long long)sum);
	}
}

TEST(seed_1)
{
	run(1, 400);
}

TEST(seed_2)
{
	run(2222, 400);
}

TEST(seed_3)
{
	run(333333, 400);
}
