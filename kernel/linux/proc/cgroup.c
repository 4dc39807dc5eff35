/* SPDX-License-Identifier: MIT */
/*
 * The cgroup2 file system: the sandbox as one control group, the root of its
 * namespace, with its limits and what it uses. Language run-times look for it.
 */
#include "linux/proc/proc.h"
#include <linux/magic.h>
#include "core/page.h"
#include "linux/boot.h"
#include "linux/pid_ns.h"
#include "linux/uts.h"

#define PERIOD_US	100000u

/* pseudo_entry.arg */
enum value {
	MEMORY_MAX, MEMORY_CURRENT, MEMORY_PEAK, PIDS_MAX, PIDS_CURRENT,
};
#define VALUE(n, v) \
	{ .name = n, .mode = S_IFREG | 0444, .show = show_value, .arg = v }

static uint64_t memory_used(void)
{
	uint64_t total, free;

	system_memory(&total, &free);
	return total - free;
}

static uint64_t count_tasks(void)
{
	uint32_t nr;

	mutex_lock(&process_lock);
	nr = process_total_threads();
	mutex_unlock(&process_lock);
	return nr;
}

static uint64_t value_of(enum value v)
{
	switch (v) {
	case MEMORY_MAX:
		return boot->memory_limit;
	case MEMORY_CURRENT:
		return memory_used();
	case MEMORY_PEAK:
		return MAX(memory_used(), page_peak_bytes());
	case PIDS_MAX:
		return boot->pids_limit;
	default:
		return count_tasks();
	}
}

static int show_value(struct textbuf *t, struct pseudo_node *n)
{
	enum value v = n->entry->arg;
	uint64_t x = value_of(v);

	if (!x && (v == MEMORY_MAX || v == PIDS_MAX))
		textbuf_puts(t, "max\n");
	else
		textbuf_printf(t, "%lu\n", x);
	return 0;
}

static int show_memory_stat(struct textbuf *t, struct pseudo_node *n)
{
	/* files in memory can not be given back either */
	textbuf_printf(t, "anon %lu\nfile 0\nshmem 0\ninactive_file 0\n"
		       "pgfault 0\npgmajfault 0\n", memory_used());
	return 0;
}

static int show_cpu_max(struct textbuf *t, struct pseudo_node *n)
{
	if (boot->cpus_milli)
		textbuf_printf(t, "%lu %u\n", (uint64_t)boot->cpus_milli *
			       PERIOD_US / 1000, PERIOD_US);
	else
		textbuf_printf(t, "max %u\n", PERIOD_US);
	return 0;
}

static int show_cpu_stat(struct textbuf *t, struct pseudo_node *n)
{
	uint64_t user, sys;

	proc_cpu_time(&user, &sys);
	user /= 1000;
	sys /= 1000;
	textbuf_printf(t, "usage_usec %lu\nuser_usec %lu\nsystem_usec %lu\n"
		       "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
		       user + sys, user, sys);
	return 0;
}

static bool put_pid(struct process *p, void *arg)
{
	if (p->nr_threads)
		textbuf_printf(arg, "%u\n", pid_seen_locked(own_pid_ns(),
							    p->pid));
	return true;
}

static bool put_threads(struct process *p, void *arg)
{
	list_for_each(l, &p->threads)
		textbuf_printf(arg, "%u\n", pid_seen_locked(own_pid_ns(),
			       list_entry(l, struct thread, link)->tid));
	return true;
}

static int show_procs(struct textbuf *t, struct pseudo_node *n)
{
	mutex_lock(&process_lock);
	process_for_each(n->entry->arg ? put_threads : put_pid, t);
	mutex_unlock(&process_lock);
	return 0;
}

static const struct pseudo_entry cgroup_table[] = {
	PROC_TEXT("cgroup.controllers", "cpuset cpu memory pids\n"),
	PROC_TEXT("cgroup.subtree_control", ""),
	PROC_TEXT("cgroup.type", "domain\n"),
	PROC_TEXT("cgroup.events", "populated 1\nfrozen 0\n"),
	PROC_TEXT("cgroup.freeze", "0\n"),
	PROC_FILE("cgroup.procs", show_procs),
	{ .name = "cgroup.threads", .mode = S_IFREG | 0444,
	  .show = show_procs, .arg = 1 },
	VALUE("memory.max", MEMORY_MAX),
	PROC_TEXT("memory.high", "max\n"),
	PROC_TEXT("memory.low", "0\n"),
	PROC_TEXT("memory.min", "0\n"),
	VALUE("memory.current", MEMORY_CURRENT),
	VALUE("memory.peak", MEMORY_PEAK),
	PROC_FILE("memory.stat", show_memory_stat),
	PROC_TEXT("memory.swap.max", "0\n"),
	PROC_TEXT("memory.swap.current", "0\n"),
	PROC_FILE("cpu.max", show_cpu_max),
	PROC_TEXT("cpu.weight", "100\n"),
	PROC_FILE("cpu.stat", show_cpu_stat),
	PROC_FILE("cpuset.cpus", proc_show_cpus),
	PROC_FILE("cpuset.cpus.effective", proc_show_cpus),
	PROC_TEXT("cpuset.mems.effective", "0\n"),
	VALUE("pids.max", PIDS_MAX),
	VALUE("pids.current", PIDS_CURRENT),
	{ }
};

static const struct pseudo_entry root_entry = {
	.name = "/", .mode = S_IFDIR | 0555, .children = cgroup_table,
};

struct super *cgroup_create(void)
{
	return pseudo_super_create("cgroup2", &root_entry, CGROUP2_SUPER_MAGIC,
				   SUPER_NOEXEC | SUPER_NODEV | SUPER_NOSUID);
}
