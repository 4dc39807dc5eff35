/* SPDX-License-Identifier: MIT */
/* /proc files about the whole system: memory, time, load, statistics. */
#include "linux/proc/proc.h"
#include "core/heap.h"
#include "core/page.h"
#include "core/timer.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/mm.h"
#include "linux/pid_ns.h"
#include "linux/uts.h"
#include "platform/platform.h"

#define TICK_NS		10000000ul

static void show_kb(struct textbuf *t, const char *name, uint64_t bytes)
{
	textbuf_printf(t, "%-15s %8lu kB\n", name, bytes >> 10);
}

int proc_show_meminfo(struct textbuf *t, struct pseudo_node *n)
{
	static const char *const zeros_1[] = {
		"Unevictable:", "Mlocked:", "SwapTotal:", "SwapFree:",
		"Zswap:", "Zswapped:", "Dirty:", "Writeback:",
	};
	static const char *const zeros_2[] = {
		"SecPageTables:", "NFS_Unstable:", "Bounce:", "WritebackTmp:",
	};
	static const char *const zeros_3[] = {
		"VmallocUsed:", "VmallocChunk:", "Percpu:", "AnonHugePages:",
		"ShmemHugePages:", "ShmemPmdMapped:", "FileHugePages:",
		"FilePmdMapped:", "Balloon:",
	};
	uint64_t total, free, heap = heap_used_bytes();

	system_memory(&total, &free);
	show_kb(t, "MemTotal:", total);
	show_kb(t, "MemFree:", free);
	show_kb(t, "MemAvailable:", free);
	show_kb(t, "Buffers:", 0);
	show_kb(t, "Cached:", 0);
	show_kb(t, "SwapCached:", 0);
	show_kb(t, "Active:", total - free);
	show_kb(t, "Inactive:", 0);
	show_kb(t, "Active(anon):", total - free);
	show_kb(t, "Inactive(anon):", 0);
	show_kb(t, "Active(file):", 0);
	show_kb(t, "Inactive(file):", 0);
	for (size_t i = 0; i < ARRAY_LEN(zeros_1); i++)
		show_kb(t, zeros_1[i], 0);
	show_kb(t, "AnonPages:", total - free);
	show_kb(t, "Mapped:", 0);
	show_kb(t, "Shmem:", 0);
	show_kb(t, "KReclaimable:", 0);
	show_kb(t, "Slab:", heap);
	show_kb(t, "SReclaimable:", 0);
	show_kb(t, "SUnreclaim:", heap);
	show_kb(t, "KernelStack:", task_count() * TASK_BLOCK_SIZE);
	show_kb(t, "PageTables:", 0);
	for (size_t i = 0; i < ARRAY_LEN(zeros_2); i++)
		show_kb(t, zeros_2[i], 0);
	show_kb(t, "CommitLimit:", total);
	show_kb(t, "Committed_AS:", total - free);
	show_kb(t, "VmallocTotal:", 34359738367ull << 10);
	for (size_t i = 0; i < ARRAY_LEN(zeros_3); i++)
		show_kb(t, zeros_3[i], 0);
	textbuf_puts(t, "HugePages_Total:       0\nHugePages_Free:        0\n"
		     "HugePages_Rsvd:        0\nHugePages_Surp:        0\n"
		     "Hugepagesize:       2048 kB\n"
		     "Hugetlb:               0 kB\n");
	return 0;
}

int proc_show_vmstat(struct textbuf *t, struct pseudo_node *n)
{
	static const char *const zeros[] = {
		"pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault",
		"pgmajfault", "pgscan_kswapd", "pgscan_direct", "oom_kill",
	};
	uint64_t total, free;

	system_memory(&total, &free);
	textbuf_printf(t, "nr_free_pages %lu\nnr_active_anon %lu\n",
		       free / PAGE_SIZE, (total - free) / PAGE_SIZE);
	for (size_t i = 0; i < ARRAY_LEN(zeros); i++)
		textbuf_printf(t, "%s 0\n", zeros[i]);
	return 0;
}

struct usage {
	uint64_t user_ns, sys_ns;
	uint32_t running, processes, blocked, last_pid;
};

static bool add_usage(struct process *p, void *arg)
{
	struct usage *u = arg;

	u->user_ns += process_cpu_ns(p, true) + p->children_user_ns;
	u->sys_ns += process_cpu_ns(p, false) + p->children_sys_ns;
	u->processes += p->nr_threads;
	u->last_pid = MAX(u->last_pid, pid_seen_locked(own_pid_ns(), p->pid));
	list_for_each(l, &p->threads) {
		struct thread *th = list_entry(l, struct thread, link);

		if (__atomic_load_n(&th->task->wake, __ATOMIC_RELAXED) != 2)
			u->running++;
	}
	return true;
}

static void get_usage(struct usage *u)
{
	memset(u, 0, sizeof(*u));
	mutex_lock(&process_lock);
	process_for_each(add_usage, u);
	mutex_unlock(&process_lock);
	if (!u->running)
		u->running = 1;
}

void proc_cpu_time(uint64_t *user_ns, uint64_t *sys_ns)
{
	struct usage u;

	get_usage(&u);
	*user_ns = u.user_ns;
	*sys_ns = u.sys_ns;
}

static void show_cpu(struct textbuf *t, const char *name, uint64_t user,
		     uint64_t sys, uint64_t idle)
{
	textbuf_printf(t, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", name,
		       user / TICK_NS, sys / TICK_NS, idle / TICK_NS);
}

int proc_show_cpu_stat(struct textbuf *t, struct pseudo_node *n)
{
	uint64_t up = plat_clock_boot_ns(), all = up * boot->nr_cpus, busy;
	struct usage u;
	char name[16];

	get_usage(&u);
	busy = u.user_ns + u.sys_ns;
	show_cpu(t, "cpu ", u.user_ns, u.sys_ns, all > busy ? all - busy : 0);
	busy /= boot->nr_cpus;
	for (uint32_t c = 0; c < boot->nr_cpus; c++) {
		snprintf(name, sizeof(name), "cpu%u", c);
		show_cpu(t, name, u.user_ns / boot->nr_cpus,
			 u.sys_ns / boot->nr_cpus, up > busy ? up - busy : 0);
	}
	textbuf_printf(t, "intr 0\nctxt 0\nbtime %lu\nprocesses %u\n"
		       "procs_running %u\nprocs_blocked 0\n"
		       "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
		       (uint64_t)((clock_real_ns() - up) / NSEC_PER_SEC), u.last_pid,
		       u.running);
	return 0;
}

int proc_show_loadavg(struct textbuf *t, struct pseudo_node *n)
{
	struct usage u;

	get_usage(&u);
	textbuf_printf(t, "0.00 0.00 0.00 %u/%u %u\n", u.running, u.processes,
		       u.last_pid);
	return 0;
}

int proc_show_uptime(struct textbuf *t, struct pseudo_node *n)
{
	uint64_t up = plat_clock_boot_ns() / TICK_NS, idle, busy;
	struct usage u;

	get_usage(&u);
	busy = (u.user_ns + u.sys_ns) / TICK_NS;
	idle = up * boot->nr_cpus;
	idle = idle > busy ? idle - busy : 0;
	textbuf_printf(t, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100,
		       idle / 100, idle % 100);
	return 0;
}

int proc_show_version(struct textbuf *t, struct pseudo_node *n)
{
	textbuf_printf(t, "%s version %s (mica) %s\n", UTS_SYSNAME,
		       UTS_RELEASE, UTS_VERSION);
	return 0;
}

int proc_show_interrupts(struct textbuf *t, struct pseudo_node *n)
{
	textbuf_puts(t, "     ");
	for (uint32_t c = 0; c < boot->nr_cpus; c++)
		textbuf_printf(t, "       CPU%-4u", c);
	textbuf_puts(t, "\n");
	return 0;
}
