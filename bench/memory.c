/* SPDX-License-Identifier: MIT */
/*
 * Memory mappings, page faults and signals. One operation of "page-fault" is
 * one page; huge pages are declined, so that a fault brings one page.
 */
#include "bench.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096ul
#define FAULT_PAGES	2048ul

static void *map_pages(size_t count)
{
	void *p = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "mmap");
	return p;
}

static void mmap_munmap(uint64_t n)
{
	while (n--)
		munmap(map_pages(1), PAGE);
}

static void mmap_touch_munmap(uint64_t n)
{
	while (n--) {
		volatile char *p = map_pages(16);

		for (size_t i = 0; i < 16; i++)
			p[i * PAGE] = 1;
		munmap((void *)p, 16 * PAGE);
	}
}

static void page_fault(uint64_t n)
{
	static volatile char *area;

	if (!area) {
		area = map_pages(FAULT_PAGES);
		madvise((void *)area, FAULT_PAGES * PAGE, MADV_NOHUGEPAGE);
	}
	for (uint64_t i = 0; i < n; i++) {
		if (i % FAULT_PAGES == 0)
			madvise((void *)area, FAULT_PAGES * PAGE,
				MADV_DONTNEED);
		area[i % FAULT_PAGES * PAGE] = 1;
	}
}

static volatile sig_atomic_t hits;

static void on_signal(int sig)
{
	hits += sig > 0;
}

static void catch_signal(void)
{
	signal(SIGUSR1, on_signal);
}

static void signal_delivery(uint64_t n)
{
	pid_t pid = getpid();

	while (n--)
		kill(pid, SIGUSR1);
	must(hits > 0, "signal");
}

static sigjmp_buf back;

static void on_fault(int sig)
{
	siglongjmp(back, sig);
}

static void catch_fault(void)
{
	signal(SIGSEGV, on_fault);
}

static void fault_delivery(uint64_t n)
{
	static void *volatile hole;

	if (!hole)
		hole = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	for (volatile uint64_t i = 0; i < n; i++)
		if (!sigsetjmp(back, 1))
			*(volatile char *)hole = 1;
}

static const struct bench table[] = {
	{ "mmap-munmap", mmap_munmap, NULL },
	{ "mmap-touch16-munmap", mmap_touch_munmap, NULL },
	{ "page-fault", page_fault, NULL },
	{ "signal", signal_delivery, catch_signal },
	{ "segv-handler", fault_delivery, catch_fault },
};

int main(int argc, char **argv)
{
	return bench_main(table, sizeof(table) / sizeof(table[0]), argc, argv);
}
