/* SPDX-License-Identifier: MIT */
/* /proc/sys: the values that programs ask for; few can be set. */
#include "linux/proc/proc.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/ipc.h"
#include "linux/uts.h"
#include "platform/platform.h"

#define DIR(n, table) { .name = n, .mode = S_IFDIR | 0555, .children = table }
#define NAME(n, which) \
	{ .name = n, .mode = S_IFREG | 0644, .show = show_name, \
	  .store = store_name, .arg = which }
#define LIMIT(n, limit) \
	{ .name = n, .mode = S_IFREG | 0644, .show = ipc_show_limit, \
	  .store = ipc_store_limit, .arg = limit }

/* --- kernel ------------------------------------------------------------------*/

static int show_name(struct textbuf *t, struct pseudo_node *n)
{
	char name[UTS_LEN];

	uts_get_name((enum uts_name)n->entry->arg, name);
	textbuf_printf(t, "%s\n", name);
	return 0;
}

static ssize_t store_name(struct pseudo_node *n, struct file *f,
			  const char *buf, size_t len, uint64_t pos)
{
	size_t end = 0;
	int err;

	while (end < len && buf[end] && buf[end] != '\n')
		end++;
	err = uts_set_name((enum uts_name)n->entry->arg, buf, end);
	return err ? err : (ssize_t)len;
}

static void put_uuid(struct textbuf *t, const uint8_t *b)
{
	for (int i = 0; i < 16; i++) {
		uint8_t v = b[i];

		if (i == 6)
			v = (v & 0x0f) | 0x40;	/* version 4 */
		else if (i == 8)
			v = (v & 0x3f) | 0x80;
		textbuf_printf(t, i == 4 || i == 6 || i == 8 || i == 10 ?
			       "-%02x" : "%02x", v);
	}
	textbuf_puts(t, "\n");
}

static int show_uuid(struct textbuf *t, struct pseudo_node *n)
{
	uint8_t b[16];

	plat_entropy(b, sizeof(b));
	put_uuid(t, b);
	return 0;
}

static int show_boot_id(struct textbuf *t, struct pseudo_node *n)
{
	static uint8_t id[16];	/* set once, under lock */
	static struct mutex lock = MUTEX_INIT;
	static bool made;

	mutex_lock(&lock);
	if (!made)
		plat_entropy(id, sizeof(id));
	made = true;
	mutex_unlock(&lock);
	put_uuid(t, id);
	return 0;
}

static int show_threads_max(struct textbuf *t, struct pseudo_node *n)
{
	textbuf_printf(t, "%u\n", boot->pids_limit ? boot->pids_limit : 32768);
	return 0;
}

static const struct pseudo_entry random_table[] = {
	PROC_FILE("uuid", show_uuid),
	PROC_FILE("boot_id", show_boot_id),
	PROC_TEXT("entropy_avail", "256\n"),
	PROC_TEXT("poolsize", "256\n"),
	PROC_TEXT("urandom_min_reseed_secs", "60\n"),
	PROC_TEXT("write_wakeup_threshold", "256\n"),
	{ }
};

static const struct pseudo_entry pty_table[] = {
	PROC_TEXT("max", "4096\n"),
	PROC_TEXT("reserve", "1024\n"),
	{ }
};

static const struct pseudo_entry yama_table[] = {
	PROC_TEXT("ptrace_scope", "0\n"),
	{ }
};

static const struct pseudo_entry seccomp_table[] = {
	PROC_TEXT("actions_avail", "\n"),
	PROC_TEXT("actions_logged", "\n"),
	{ }
};

static const struct pseudo_entry kernel_table[] = {
	PROC_TEXT("ostype", UTS_SYSNAME "\n"),
	PROC_TEXT("osrelease", UTS_RELEASE "\n"),
	PROC_TEXT("version", UTS_VERSION "\n"),
	PROC_TEXT("arch", UTS_MACHINE "\n"),
	NAME("hostname", UTS_HOSTNAME),
	NAME("domainname", UTS_DOMAINNAME),
	PROC_TEXT("pid_max", "32768\n"),
	PROC_FILE("threads-max", show_threads_max),
	PROC_TEXT("cap_last_cap", "40\n"),
	PROC_TEXT("ngroups_max", "65536\n"),
	PROC_TEXT("overflowuid", "65534\n"),
	PROC_TEXT("overflowgid", "65534\n"),
	PROC_TEXT("core_pattern", "/dev/null\n"),
	PROC_TEXT("core_uses_pid", "0\n"),
	PROC_TEXT("core_pipe_limit", "0\n"),
	LIMIT("shmmax", LIMIT_SHMMAX),
	LIMIT("shmall", LIMIT_SHMALL),
	LIMIT("shmmni", LIMIT_SHMMNI),
	PROC_TEXT("shm_rmid_forced", "0\n"),
	LIMIT("msgmax", LIMIT_MSGMAX),
	LIMIT("msgmnb", LIMIT_MSGMNB),
	LIMIT("msgmni", LIMIT_MSGMNI),
	LIMIT("sem", LIMIT_SEMMSL),
	PROC_TEXT("printk", "4\t4\t1\t7\n"),
	PROC_TEXT("dmesg_restrict", "1\n"),
	PROC_TEXT("kptr_restrict", "1\n"),
	PROC_TEXT("perf_event_paranoid", "4\n"),
	PROC_TEXT("perf_event_max_sample_rate", "100000\n"),
	PROC_TEXT("perf_event_mlock_kb", "516\n"),
	PROC_TEXT("randomize_va_space", "2\n"),
	PROC_TEXT("sched_rt_period_us", "1000000\n"),
	PROC_TEXT("sched_rt_runtime_us", "950000\n"),
	PROC_TEXT("sched_rr_timeslice_ms", "100\n"),
	PROC_TEXT("numa_balancing", "0\n"),
	PROC_TEXT("tainted", "0\n"),
	PROC_TEXT("panic", "0\n"),
	PROC_TEXT("panic_on_oops", "0\n"),
	PROC_TEXT("sysctl_writes_strict", "1\n"),
	PROC_TEXT("io_uring_disabled", "2\n"),
	PROC_TEXT("unprivileged_bpf_disabled", "2\n"),
	DIR("random", random_table),
	DIR("pty", pty_table),
	DIR("yama", yama_table),
	DIR("seccomp", seccomp_table),
	{ }
};

/* --- vm, fs, net -----------------------------------------------------------------*/

static const struct pseudo_entry vm_table[] = {
	PROC_TEXT("overcommit_memory", "1\n"),
	PROC_TEXT("overcommit_ratio", "50\n"),
	PROC_TEXT("overcommit_kbytes", "0\n"),
	PROC_TEXT("max_map_count", "65530\n"),
	PROC_TEXT("mmap_min_addr", "65536\n"),
	PROC_TEXT("swappiness", "60\n"),
	PROC_TEXT("nr_hugepages", "0\n"),
	PROC_TEXT("nr_overcommit_hugepages", "0\n"),
	PROC_TEXT("hugetlb_shm_group", "0\n"),
	PROC_TEXT("dirty_ratio", "20\n"),
	PROC_TEXT("dirty_background_ratio", "10\n"),
	PROC_TEXT("min_free_kbytes", "67584\n"),
	PROC_TEXT("page-cluster", "3\n"),
	PROC_TEXT("panic_on_oom", "0\n"),
	PROC_TEXT("oom_kill_allocating_task", "0\n"),
	PROC_TEXT("vfs_cache_pressure", "100\n"),
	PROC_TEXT("zone_reclaim_mode", "0\n"),
	PROC_TEXT("unprivileged_userfaultfd", "0\n"),
	{ }
};

static const struct pseudo_entry inotify_table[] = {
	PROC_TEXT("max_user_instances", "128\n"),
	PROC_TEXT("max_user_watches", "65536\n"),
	PROC_TEXT("max_queued_events", "16384\n"),
	{ }
};

static const struct pseudo_entry epoll_table[] = {
	PROC_TEXT("max_user_watches", "1048576\n"),
	{ }
};

static const struct pseudo_entry mqueue_table[] = {
	LIMIT("msg_default", LIMIT_MQ_DEFAULT),
	LIMIT("msg_max", LIMIT_MQ_MAX),
	LIMIT("msgsize_default", LIMIT_MQ_SIZE_DEFAULT),
	LIMIT("msgsize_max", LIMIT_MQ_SIZE_MAX),
	LIMIT("queues_max", LIMIT_MQ_QUEUES),
	{ }
};

static const struct pseudo_entry fs_table[] = {
	PROC_TEXT("file-max", "9223372036854775807\n"),
	PROC_TEXT("file-nr", "0\t0\t9223372036854775807\n"),
	PROC_TEXT("inode-nr", "0\t0\n"),
	PROC_TEXT("inode-state", "0\t0\t0\t0\t0\t0\t0\n"),
	PROC_TEXT("dentry-state", "0\t0\t45\t0\t0\t0\n"),
	PROC_TEXT("nr_open", "1048576\n"),
	PROC_TEXT("pipe-max-size", "1048576\n"),
	PROC_TEXT("pipe-user-pages-soft", "16384\n"),
	PROC_TEXT("pipe-user-pages-hard", "0\n"),
	PROC_TEXT("aio-max-nr", "65536\n"),
	PROC_TEXT("aio-nr", "0\n"),
	PROC_TEXT("lease-break-time", "45\n"),
	PROC_TEXT("leases-enable", "1\n"),
	PROC_TEXT("mount-max", "100000\n"),
	PROC_TEXT("overflowuid", "65534\n"),
	PROC_TEXT("overflowgid", "65534\n"),
	PROC_TEXT("protected_fifos", "0\n"),
	PROC_TEXT("protected_hardlinks", "0\n"),
	PROC_TEXT("protected_regular", "0\n"),
	PROC_TEXT("protected_symlinks", "0\n"),
	PROC_TEXT("suid_dumpable", "0\n"),
	DIR("inotify", inotify_table),
	DIR("epoll", epoll_table),
	DIR("mqueue", mqueue_table),
	{ }
};

static const struct pseudo_entry net_core_table[] = {
	PROC_TEXT("somaxconn", "4096\n"),
	PROC_TEXT("rmem_default", "212992\n"),
	PROC_TEXT("rmem_max", "212992\n"),
	PROC_TEXT("wmem_default", "212992\n"),
	PROC_TEXT("wmem_max", "212992\n"),
	PROC_TEXT("optmem_max", "131072\n"),
	PROC_TEXT("netdev_max_backlog", "1000\n"),
	{ }
};

static const struct pseudo_entry net_unix_table[] = {
	PROC_TEXT("max_dgram_qlen", "10\n"),
	{ }
};

static const struct pseudo_entry net_ipv4_table[] = {
	PROC_TEXT("ip_local_port_range", "32768\t60999\n"),
	PROC_TEXT("ip_unprivileged_port_start", "1024\n"),
	PROC_TEXT("ping_group_range", "0\t2147483647\n"),
	PROC_TEXT("tcp_max_syn_backlog", "512\n"),
	PROC_TEXT("tcp_fin_timeout", "60\n"),
	PROC_TEXT("tcp_rmem", "4096\t131072\t6291456\n"),
	PROC_TEXT("tcp_wmem", "4096\t16384\t4194304\n"),
	{ }
};

static const struct pseudo_entry net_table[] = {
	DIR("core", net_core_table),
	DIR("ipv4", net_ipv4_table),
	DIR("unix", net_unix_table),
	{ }
};

const struct pseudo_entry proc_sys_table[] = {
	DIR("kernel", kernel_table),
	DIR("vm", vm_table),
	DIR("fs", fs_table),
	DIR("net", net_table),
	{ }
};
