/* SPDX-License-Identifier: MIT */
/*
 * Stale translations. One thread changes the protection or the content of
 * pages that the others use all the time:
 * - after mprotect(PROT_READ) returned, no write of another thread may land;
 * - after a page was replaced by another, no thread may see the old content.
 */
#include "stress.h"
#include <setjmp.h>
#include <signal.h>

#define NR_PAGES 8

/* Each page: its first word is a counter that the users increment. */
static _Atomic uint32_t *pages;
static atomic_int stop;
static __thread sigjmp_buf retry;
static __thread volatile int in_access;

static _Atomic uint32_t *word_of(int page)
{
	return pages + page * (PAGE / 4);
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)context;
	if (!in_access)
		fail("signal %d at %p outside of an access", signo,
		     info->si_addr);
	in_access = 0;
	siglongjmp(retry, 1);
}

/* The word behind the first counts up with each change of the page. */
static void *use_pages(void *arg)
{
	volatile uint32_t turn = (uintptr_t)arg * 77;
	uint32_t last[NR_PAGES] = { 0 };

	while (!atomic_load(&stop)) {
		int page = turn++ % 13 % NR_PAGES;
		uint32_t seen;

		if (sigsetjmp(retry, 1))
			continue;
		in_access = 1;
		seen = atomic_load(word_of(page) + 1);
		atomic_fetch_add(word_of(page), 1);
		in_access = 0;
		if (seen < last[page])
			fail("page %d: generation %u after %u", page, seen,
			     last[page]);
		last[page] = seen;
	}
	return NULL;
}

static void protect_and_look(int page)
{
	uint32_t before, after;

	must(!mprotect(word_of(page), PAGE, PROT_READ), "mprotect");
	before = atomic_load(word_of(page));
	for (volatile int i = 0; i < 300; i++)
		;
	after = atomic_load(word_of(page));
	if (before != after)
		fail("page %d: written after mprotect: %u, then %u", page,
		     before, after);
	must(!mprotect(word_of(page), PAGE, PROT_READ | PROT_WRITE),
	     "mprotect");
}

/* A new page with the next generation takes the place of the old one. */
static void replace(int page, uint32_t generation)
{
	uint32_t *fresh = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(fresh != MAP_FAILED, "mmap");
	fresh[1] = generation;
	must(mremap(fresh, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		    word_of(page)) != MAP_FAILED, "mremap");
}

static void *change_pages(void *arg)
{
	uint32_t generation = 1, state = 5;

	(void)arg;
	do {
		int page = random_next(&state) % NR_PAGES;

		protect_and_look(page);
		if (state & 64)
			replace(page, ++generation);
		atomic_fetch_add(&rounds, 1);
	} while (!time_is_over());
	atomic_store(&stop, 1);
	return NULL;
}

static void *work(void *arg)
{
	return arg ? use_pages(arg) : change_pages(arg);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO };

	stress_start(argc, argv);
	nr_threads = nr_threads < 2 ? 2 : nr_threads;
	pages = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(pages != MAP_FAILED, "mmap");
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	run_threads(work);
	return stress_end();
}
