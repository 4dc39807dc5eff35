/* SPDX-License-Identifier: MIT */
/* --stats: counters of the whole sandbox, printed when the program ends. */
#include "core/heap.h"
#include "core/page.h"
#include "core/panic.h"
#include "linux/boot.h"
#include "linux/oom.h"
#include "linux/process.h"
#include "linux/strace.h"
#include "linux/syscall.h"
#include "platform/platform.h"

static uint64_t patched_total, trapped_total;	/* atomic */
static uint64_t start_ns;

void stats_add_task(uint64_t patched, uint64_t trapped)
{
	__atomic_fetch_add(&patched_total, patched, __ATOMIC_RELAXED);
	__atomic_fetch_add(&trapped_total, trapped, __ATOMIC_RELAXED);
}

void stats_init(void)
{
	start_ns = plat_clock_mono_ns();
}

static bool add_living(struct process *p, void *arg)
{
	list_for_each(l, &p->threads) {
		struct task *t = list_entry(l, struct thread, link)->task;

		stats_add_task(t->arch.patched_calls, t->arch.trapped_calls);
	}
	return true;
}

static uint32_t next_most_frequent(uint64_t below, uint32_t after)
{
	uint32_t best = NR_SYSCALLS;

	for (uint32_t i = 0; i < NR_SYSCALLS; i++) {
		uint64_t n = syscall_count[i];

		if (!n || n > below || (n == below && i <= after))
			continue;
		if (best == NR_SYSCALLS || n > syscall_count[best])
			best = i;
	}
	return best;
}

static void print_calls(bool missing)
{
	uint64_t below = UINT64_MAX;
	uint32_t at = 0;

	while ((at = next_most_frequent(below, at)) != NR_SYSCALLS) {
		const char *args, *name = syscall_name(at, &args);

		below = syscall_count[at];
		if (missing == !syscall_handler(at))
			klog("stats: %10lu %-20s %s%lu trapped", below,
			     name ? name : "unknown",
			     missing ? "missing, " : "", syscall_trapped[at]);
	}
}

void stats_print(void)
{
	uint64_t total;

	mutex_lock(&process_lock);
	process_for_each(add_living, NULL);
	mutex_unlock(&process_lock);
	total = patched_total + trapped_total;
	print_calls(false);
	print_calls(true);
	klog("stats: calls %lu patched %lu trapped %lu (%lu.%02lu %% patched)",
	     total, patched_total, trapped_total,
	     total ? patched_total * 100 / total : 0,
	     total ? patched_total * 10000 / total % 100 : 0);
	klog("stats: time %lu us, kernel memory %lu KiB, heap %lu KiB, peak "
	     "%lu KiB", (plat_clock_mono_ns() - start_ns) / 1000,
	     page_used_bytes() >> 10, heap_used_bytes() >> 10,
	     page_peak_bytes() >> 10);
	oom_stats_print();
	plat_stats_print();
}
