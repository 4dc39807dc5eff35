/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write under fork from several threads at once. Every thread has
 * memory of its own with a pattern; a child checks it, overwrites it, forks a
 * grandchild that does the same; the parent overwrites at the same time and
 * must never see what the others wrote. Some children execute this program.
 */
#include "stress.h"

#define NR_PAGES 24

static uint32_t pattern_of(uint32_t owner, int page)
{
	return owner * 1000003 + page;
}

static void fill(uint32_t *memory, uint32_t owner)
{
	for (int i = 0; i < NR_PAGES; i++)
		memory[i * (PAGE / 4)] = pattern_of(owner, i);
}

static void check(const uint32_t *memory, uint32_t owner, const char *who)
{
	for (int i = 0; i < NR_PAGES; i++) {
		uint32_t seen = memory[i * (PAGE / 4)];

		if (seen != pattern_of(owner, i))
			fail("%s: page %d holds 0x%x, not 0x%x", who, i, seen,
			     pattern_of(owner, i));
	}
}

/* What a child does; the caller then ends the process. */
static void child(uint32_t *memory, uint32_t owner, int depth)
{
	pid_t pid;

	check(memory, owner, "child");
	fill(memory, owner + 7);
	if (depth) {
		pid = fork();
		if (!pid) {
			child(memory, owner + 7, depth - 1);
			_exit(0);
		}
		fill(memory, owner + 9);
		await(pid);
		check(memory, owner + 9, "child after its child");
	} else {
		check(memory, owner + 7, "child after its writes");
	}
}

static void *work(void *arg)
{
	uint32_t owner = (uintptr_t)arg << 20 | 1;
	uint32_t *memory = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(memory != MAP_FAILED, "mmap");
	for (int turn = 0; !turn || !time_is_over(); turn++) {
		pid_t pid;

		fill(memory, owner);
		pid = fork();
		if (!pid && turn % 8 == 7) {
			execl("/proc/self/exe", "forks", "--exit", NULL);
			_exit(3);
		}
		if (!pid) {
			child(memory, owner, turn % 3);
			_exit(0);
		}
		owner += 11;
		fill(memory, owner);
		await(pid);
		check(memory, owner, "parent");
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--exit"))
		return 0;
	stress_start(argc, argv);
	run_threads(work);
	return stress_end();
}
