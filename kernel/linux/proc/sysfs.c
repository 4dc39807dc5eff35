/* SPDX-License-Identifier: MIT */
/* /sys: processors, memory nodes; fs/cgroup is a place for a mount. */
#include "linux/proc/proc.h"
#include <linux/magic.h>
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/uts.h"
#include "platform/platform.h"

#define DIR(n, ...) { .name = n, .mode = S_IFDIR | 0555, __VA_ARGS__ }
#define EMPTY_DIR(n) DIR(n, .children = empty_table)

static const struct pseudo_entry empty_table[] = { { } };

/* --- processors -----------------------------------------------------------------*/

static void put_range(struct textbuf *t)
{
	if (boot->nr_cpus > 1)
		textbuf_printf(t, "0-%u\n", boot->nr_cpus - 1);
	else
		textbuf_puts(t, "0\n");
}

int proc_show_cpus(struct textbuf *t, struct pseudo_node *n)
{
	put_range(t);
	return 0;
}

static int show_cpu_mask(struct textbuf *t, struct pseudo_node *n)
{
	textbuf_printf(t, "%lx\n", boot->nr_cpus >= 64 ? ~0ul :
		       (1ul << boot->nr_cpus) - 1);
	return 0;
}

static int show_core_id(struct textbuf *t, struct pseudo_node *n)
{
	textbuf_printf(t, "%lu\n", n->key);
	return 0;
}

static int show_own_mask(struct textbuf *t, struct pseudo_node *n)
{
	textbuf_printf(t, "%lx\n", 1ul << (n->key & 63));
	return 0;
}

static const struct pseudo_entry topology_table[] = {
	PROC_FILE("core_id", show_core_id),
	PROC_TEXT("physical_package_id", "0\n"),
	PROC_TEXT("die_id", "0\n"),
	PROC_TEXT("cluster_id", "65535\n"),
	PROC_FILE("core_siblings", show_cpu_mask),
	PROC_FILE("core_siblings_list", proc_show_cpus),
	PROC_FILE("package_cpus", show_cpu_mask),
	PROC_FILE("package_cpus_list", proc_show_cpus),
	PROC_FILE("thread_siblings", show_own_mask),
	PROC_FILE("thread_siblings_list", show_core_id),
	PROC_FILE("core_cpus", show_own_mask),
	PROC_FILE("core_cpus_list", show_core_id),
	{ }
};

static const struct pseudo_entry cpu_table[] = {
	PROC_TEXT("online", "1\n"),
	DIR("topology", .children = topology_table),
	EMPTY_DIR("cpufreq"),
	EMPTY_DIR("cache"),
	{ }
};

static const struct pseudo_entry cpu_entry =
	DIR("cpu", .children = cpu_table);

static int cpu_lookup(struct pseudo_node *dir, const char *name,
		      struct inode **out)
{
	int64_t cpu;

	if (strncmp(name, "cpu", 3))
		return -ENOENT;
	cpu = proc_parse_number(name + 3);
	if (cpu < 0 || cpu >= boot->nr_cpus)
		return -ENOENT;
	return pseudo_inode_create(dir, &cpu_entry, (uint64_t)cpu, 0, out);
}

static int cpu_next(struct pseudo_node *dir, uint64_t from,
		    struct pseudo_dirent *d)
{
	if (from >= boot->nr_cpus)
		return 0;
	d->index = from;
	d->entry = &cpu_entry;
	d->key = from;
	snprintf(d->name, sizeof(d->name), "cpu%lu", from);
	return 1;
}

static const struct pseudo_dir_ops cpu_ops = { .lookup = cpu_lookup, .next = cpu_next };

static const struct pseudo_entry cpu_dir_table[] = {
	PROC_FILE("online", proc_show_cpus),
	PROC_FILE("possible", proc_show_cpus),
	PROC_FILE("present", proc_show_cpus),
	PROC_TEXT("offline", "\n"),
	PROC_TEXT("isolated", "\n"),
	PROC_TEXT("kernel_max", "63\n"),
	{ }
};

/* --- memory nodes -----------------------------------------------------------------*/

static int show_node_meminfo(struct textbuf *t, struct pseudo_node *n)
{
	uint64_t total, free;

	system_memory(&total, &free);
	textbuf_printf(t, "Node 0 MemTotal:       %lu kB\n"
		       "Node 0 MemFree:        %lu kB\n"
		       "Node 0 MemUsed:        %lu kB\n", total >> 10,
		       free >> 10, (total - free) >> 10);
	return 0;
}

static const struct pseudo_entry node0_table[] = {
	PROC_FILE("cpulist", proc_show_cpus),
	PROC_FILE("cpumap", show_cpu_mask),
	PROC_TEXT("distance", "10\n"),
	PROC_FILE("meminfo", show_node_meminfo),
	EMPTY_DIR("hugepages"),
	{ }
};

static const struct pseudo_entry node_table[] = {
	PROC_TEXT("online", "0\n"),
	PROC_TEXT("possible", "0\n"),
	PROC_TEXT("has_cpu", "0\n"),
	PROC_TEXT("has_memory", "0\n"),
	PROC_TEXT("has_normal_memory", "0\n"),
	DIR("node0", .children = node0_table),
	{ }
};

static const struct pseudo_entry system_table[] = {
	DIR("cpu", .children = cpu_dir_table, .dir = &cpu_ops),
	DIR("node", .children = node_table),
	EMPTY_DIR("memory"),
	{ }
};

static const struct pseudo_entry devices_table[] = {
	DIR("system", .children = system_table),
	EMPTY_DIR("virtual"),
	{ }
};

/* --- the rest -------------------------------------------------------------------------*/

static const struct pseudo_entry hugepage_table[] = {
	PROC_TEXT("enabled", "always [madvise] never\n"),
	PROC_TEXT("defrag", "always defer defer+madvise [madvise] never\n"),
	PROC_TEXT("shmem_enabled",
		  "always within_size advise [never] deny force\n"),
	PROC_TEXT("hpage_pmd_size", "2097152\n"),
	PROC_TEXT("use_zero_page", "1\n"),
	{ }
};

static const struct pseudo_entry kernel_mm_table[] = {
	DIR("transparent_hugepage", .children = hugepage_table),
	EMPTY_DIR("hugepages"),
	{ }
};

static const struct pseudo_entry kernel_table[] = {
	DIR("mm", .children = kernel_mm_table),
	EMPTY_DIR("debug"),
	EMPTY_DIR("tracing"),
	EMPTY_DIR("security"),
	{ }
};

static const struct pseudo_entry fs_table[] = {
	EMPTY_DIR("cgroup"),
	{ }
};

static const struct pseudo_entry class_table[] = {
	DIR("net", .dir = &sysfs_net_ops),
	EMPTY_DIR("block"),
	EMPTY_DIR("tty"),
	EMPTY_DIR("thermal"),
	EMPTY_DIR("power_supply"),
	{ }
};

static const struct pseudo_entry root_table[] = {
	EMPTY_DIR("block"),
	EMPTY_DIR("bus"),
	DIR("class", .children = class_table),
	EMPTY_DIR("dev"),
	DIR("devices", .children = devices_table),
	EMPTY_DIR("firmware"),
	DIR("fs", .children = fs_table),
	DIR("kernel", .children = kernel_table),
	EMPTY_DIR("module"),
	{ }
};

static const struct pseudo_entry root_entry =
	DIR("/", .children = root_table);

struct super *sysfs_create(void)
{
	return pseudo_super_create("sysfs", &root_entry, SYSFS_MAGIC,
				   SUPER_NOEXEC | SUPER_NODEV | SUPER_NOSUID);
}
