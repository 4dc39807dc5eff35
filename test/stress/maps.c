/* SPDX-License-Identifier: MIT */
/*
 * Races in one address space: every thread maps, fills, checks, moves, gives
 * back and unmaps pieces of its own, of 4 KiB up to 3 MiB, while the others do
 * the same and one now and then forks. Memory must hold what its owner wrote,
 * and be zero where it is new.
 */
#include "stress.h"

#define NR_SLOTS 12

struct slot {
	uint32_t *memory;	/* or NULL */
	size_t size;
	uint32_t mark;		/* in the first word of each page */
};

static void check(const struct slot *slot, uint32_t mark)
{
	for (size_t at = 0; at < slot->size; at += PAGE) {
		uint32_t seen = slot->memory[at / 4];

		if (seen != mark)
			fail("0x%x at %zu of %zu, not 0x%x", seen, at,
			     slot->size, mark);
	}
}

static void fill(struct slot *slot, uint32_t mark)
{
	slot->mark = mark;
	for (size_t at = 0; at < slot->size; at += PAGE)
		slot->memory[at / 4] = mark;
}

static void make(struct slot *slot, uint32_t random)
{
	slot->size = PAGE * (1 + random % (random & 256 ? 16 : 768));
	slot->memory = mmap(NULL, slot->size, PROT_READ | PROT_WRITE,
			    MAP_ANONYMOUS |
			    (random & 512 ? MAP_PRIVATE : MAP_SHARED), -1, 0);
	must(slot->memory != MAP_FAILED, "mmap");
	check(slot, 0);
	fill(slot, random | 1);
}

/* Unmaps a hole, fills it anew with zeroes by MAP_FIXED, marks it again. */
static void punch(struct slot *slot, uint32_t random)
{
	size_t page = random % (slot->size / PAGE);
	struct slot hole = { slot->memory + page * (PAGE / 4), PAGE, 0 };

	must(mmap(hole.memory, PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	     hole.memory, "mmap fixed");
	check(&hole, 0);
	fill(&hole, slot->mark);
}

static void move(struct slot *slot)
{
	size_t size = slot->size > PAGE ? slot->size / 2 & -PAGE : 2 * PAGE;
	void *moved = mremap(slot->memory, slot->size, size, MREMAP_MAYMOVE);
	size_t kept = size < slot->size ? size : slot->size;
	struct slot old = { moved, kept, 0 };

	/* A shared mapping can not grow beyond its object. */
	if (moved == MAP_FAILED && size > slot->size)
		return;
	must(moved != MAP_FAILED, "mremap");
	check(&old, slot->mark);
	slot->memory = moved;
	slot->size = kept;
	if (size > kept)
		must(!munmap((char *)moved + kept, size - kept), "munmap");
}

static void toggle(struct slot *slot)
{
	must(!mprotect(slot->memory, slot->size, PROT_NONE), "mprotect");
	must(!mprotect(slot->memory, slot->size, PROT_READ | PROT_WRITE),
	     "mprotect");
}

static void fork_once(struct slot *slot)
{
	pid_t pid = fork();

	if (!pid) {
		check(slot, slot->mark);
		_exit(0);
	}
	await(pid);
}

static void step(struct slot *slot, uint32_t random)
{
	if (!slot->memory) {
		make(slot, random);
		return;
	}
	check(slot, slot->mark);
	if (random % 16 == 0)
		move(slot);
	else if (random % 16 < 4)
		toggle(slot);
	else if (random % 16 < 7)
		punch(slot, random >> 4);
	else if (random % 256 == 7)
		fork_once(slot);
	else if (random % 16 < 12)
		fill(slot, random | 1);
	else {
		must(!munmap(slot->memory, slot->size), "munmap");
		slot->memory = NULL;
	}
}

static void *work(void *arg)
{
	struct slot slots[NR_SLOTS] = { 0 };
	uint32_t state = (uintptr_t)arg * 31 + 3;

	do {
		for (int i = 0; i < 16; i++) {
			uint32_t random = random_next(&state);

			step(&slots[random % NR_SLOTS], random / NR_SLOTS);
		}
		atomic_fetch_add(&rounds, 16);
	} while (!time_is_over());
	return NULL;
}

int main(int argc, char **argv)
{
	stress_start(argc, argv);
	run_threads(work);
	return stress_end();
}
