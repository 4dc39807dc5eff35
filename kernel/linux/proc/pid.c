/* SPDX-License-Identifier: MIT */
/* The tables of /proc/PID and /proc/PID/task/TID, and their small files. */
#include "linux/proc/proc.h"
#include <linux/capability.h>
#include <linux/resource.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/mm.h"
#include "linux/oom.h"
#include "linux/pid_ns.h"
#include "linux/user_ns.h"

#define OOM_ADJ_MAX	1000

/* --- what exec put on the stack ----------------------------------------------*/

/* The live block of the calling process. Returns false if it is not there. */
static bool show_own_memory(struct textbuf *t, uaddr_t start, uaddr_t end)
{
	size_t len = end - start, got;
	char *buf;

	if (end <= start || len > (4ul << 20))
		return false;
	buf = kmalloc(len);
	if (!buf)
		return false;
	got = copy_from_user_partial(buf, (void *)start, len);
	textbuf_write(t, buf, got);
	kfree(buf);
	return got > 0;
}

static int show_block(struct textbuf *t, struct pseudo_node *n, bool env)
{
	struct process *p = proc_process(n);
	struct mm *mm;

	if (!p)
		return -ESRCH;
	mm = p == current_process() ? current_mm() : NULL;
	if (mm && show_own_memory(t, env ? mm->env_start : mm->arg_start,
				  env ? mm->env_end : mm->arg_end))
		goto out;
	mutex_lock(&process_lock);
	if (p->nr_threads && env && p->environ)
		textbuf_write(t, p->environ, p->environ_len);
	else if (p->nr_threads && !env && p->cmdline)
		textbuf_write(t, p->cmdline, p->cmdline_len);
	mutex_unlock(&process_lock);
out:
	process_put(p);
	return 0;
}

static int show_cmdline(struct textbuf *t, struct pseudo_node *n)
{
	return show_block(t, n, false);
}

static int show_environ(struct textbuf *t, struct pseudo_node *n)
{
	return proc_may_inspect(n) ? show_block(t, n, true) : -EACCES;
}

static int show_auxv(struct textbuf *t, struct pseudo_node *n)
{
	struct mm *mm;

	if (!proc_may_inspect(n))
		return -EACCES;
	mm = proc_mm(n);
	if (!mm)
		return 0;
	textbuf_write(t, mm->auxv, MIN(mm->auxv_words, 48u) * sizeof(uint64_t));
	mm_put(mm);
	return 0;
}

/* --- numbers and names ---------------------------------------------------------*/

static int show_comm(struct textbuf *t, struct pseudo_node *n)
{
	struct proc_info i;
	int err = proc_info_init(&i, n);

	if (err)
		return err;
	textbuf_printf(t, "%s\n", i.comm);
	proc_info_fini(&i);
	return 0;
}

/* A process names its own threads. */
static ssize_t store_comm(struct pseudo_node *n, struct file *f,
			  const char *buf, size_t len, uint64_t pos)
{
	struct process *p = current_process();
	uint32_t tid = proc_tid(n) ? proc_tid(n) : proc_pid(n);
	size_t name_len = len && buf[len - 1] == '\n' ? len - 1 : len;
	char name[16] = { 0 };
	struct thread *t;

	if (proc_pid(n) != p->pid)
		return -EINVAL;
	memcpy(name, buf, MIN(name_len, sizeof(name) - 1));
	mutex_lock(&process_lock);
	t = thread_find(tid);
	if (t && t->process == p) {
		memcpy(t->task->name, name, sizeof(name));
		if (tid == p->pid)
			memcpy(p->comm, name, sizeof(name));
	}
	mutex_unlock(&process_lock);
	return (ssize_t)len;
}

static int show_oom_score(struct textbuf *t, struct pseudo_node *n)
{
	struct process *p = proc_process(n);

	if (!p)
		return -ESRCH;
	mutex_lock(&process_lock);
	textbuf_printf(t, "%d\n", oom_score(p));
	mutex_unlock(&process_lock);
	process_put(p);
	return 0;
}

static int show_oom_score_adj(struct textbuf *t, struct pseudo_node *n)
{
	struct process *p = proc_process(n);

	if (!p)
		return -ESRCH;
	textbuf_printf(t, "%d\n", p->oom_score_adj);
	process_put(p);
	return 0;
}

static ssize_t store_oom_score_adj(struct pseudo_node *n, struct file *f,
				   const char *buf, size_t len, uint64_t pos)
{
	bool minus = buf[0] == '-';
	const char *c = buf + minus;
	int32_t v = 0;
	struct process *p;
	ssize_t ret = (ssize_t)len;

	if (*c < '0' || *c > '9')
		return -EINVAL;
	for (; *c >= '0' && *c <= '9'; c++)
		v = v > OOM_ADJ_MAX ? v : v * 10 + (*c - '0');
	if (v > OOM_ADJ_MAX || (*c && *c != '\n'))
		return -EINVAL;
	v = minus ? -v : v;
	p = proc_process(n);
	if (!p)
		return -ESRCH;
	if (v < p->oom_score_adj &&
	    !cred_has_cap(current_thread()->cred, CAP_SYS_RESOURCE))
		ret = -EACCES;
	else
		p->oom_score_adj = v;
	process_put(p);
	return ret;
}

static int show_oom_adj(struct textbuf *t, struct pseudo_node *n)
{
	struct process *p = proc_process(n);

	if (!p)
		return -ESRCH;
	textbuf_printf(t, "%d\n", p->oom_score_adj * 17 / 1000);
	process_put(p);
	return 0;
}

static int show_personality(struct textbuf *t, struct pseudo_node *n)
{
	struct proc_info i;
	int err = proc_info_init(&i, n);

	if (err)
		return err;
	textbuf_printf(t, "%08x\n", (uint32_t)i.personality_flags);
	proc_info_fini(&i);
	return 0;
}

static int show_timerslack(struct textbuf *t, struct pseudo_node *n)
{
	struct proc_info i;
	int err = proc_info_init(&i, n);

	if (err)
		return err;
	textbuf_printf(t, "%lu\n", i.timer_slack);
	proc_info_fini(&i);
	return 0;
}

static int show_syscall(struct textbuf *t, struct pseudo_node *n)
{
	struct proc_info i;
	int err = proc_may_inspect(n) ? proc_info_init(&i, n) : -EPERM;

	if (err)
		return err;
	textbuf_puts(t, "running\n");
	proc_info_fini(&i);
	return 0;
}

static int show_sched(struct textbuf *t, struct pseudo_node *n)
{
	struct proc_info i;
	int err = proc_info_init(&i, n);

	if (err)
		return err;
	textbuf_printf(t, "%s (%u, #threads: %u)\n", i.comm, i.tid,
		       i.nr_threads);
	textbuf_puts(t, "-------------------------------------------------------"
		     "------------\n");
	textbuf_printf(t, "%-45s:%21u\n%-45s:%21d\n", "policy", i.policy,
		       "prio", 120 + i.nice);
	proc_info_fini(&i);
	return 0;
}

static int show_schedstat(struct textbuf *t, struct pseudo_node *n)
{
	struct proc_info i;
	int err = proc_info_init(&i, n);

	if (err)
		return err;
	textbuf_printf(t, "%lu 0 0\n", i.user_ns + i.sys_ns);
	proc_info_fini(&i);
	return 0;
}

/* --- limits --------------------------------------------------------------------*/

static const struct {
	const char *name, *unit;
} limit_names[NR_RLIMITS] = {
	[RLIMIT_CPU] = { "Max cpu time", "seconds" },
	[RLIMIT_FSIZE] = { "Max file size", "bytes" },
	[RLIMIT_DATA] = { "Max data size", "bytes" },
	[RLIMIT_STACK] = { "Max stack size", "bytes" },
	[RLIMIT_CORE] = { "Max core file size", "bytes" },
	[RLIMIT_RSS] = { "Max resident set", "bytes" },
	[RLIMIT_NPROC] = { "Max processes", "processes" },
	[RLIMIT_NOFILE] = { "Max open files", "files" },
	[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
	[RLIMIT_AS] = { "Max address space", "bytes" },
	[RLIMIT_LOCKS] = { "Max file locks", "locks" },
	[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
	[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
	[RLIMIT_NICE] = { "Max nice priority", "" },
	[RLIMIT_RTPRIO] = { "Max realtime priority", "" },
	[RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
};

static void show_limit_value(struct textbuf *t, uint64_t v)
{
	if (v == UINT64_MAX)
		textbuf_printf(t, "%-20s ", "unlimited");
	else
		textbuf_printf(t, "%-20lu ", v);
}

int proc_show_limits(struct textbuf *t, struct pseudo_node *n)
{
	struct process *p = proc_process(n);

	if (!p)
		return -ESRCH;
	textbuf_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
		       "Hard Limit", "Units");
	for (int r = 0; r < NR_RLIMITS; r++) {
		textbuf_printf(t, "%-25s ", limit_names[r].name);
		show_limit_value(t, p->limits[r].cur);
		show_limit_value(t, p->limits[r].max);
		textbuf_printf(t, "%-10s\n", limit_names[r].unit);
	}
	process_put(p);
	return 0;
}

/* --- tables --------------------------------------------------------------------*/

static ssize_t store_ignored(struct pseudo_node *n, struct file *f,
			     const char *buf, size_t len, uint64_t pos)
{
	return (ssize_t)len;
}

static struct process *first_child_from(struct process *p, uint32_t from)
{
	struct process *best = NULL;

	list_for_each(l, &p->children) {
		struct process *c = list_entry(l, struct process, sibling);

		if (c->pid >= from && (!best || c->pid < best->pid))
			best = c;
	}
	return best;
}

static int show_children(struct textbuf *t, struct pseudo_node *n)
{
	struct process *p, *c;
	uint32_t from = 0;

	mutex_lock(&process_lock);
	p = process_find(proc_pid(n));
	while (p && (c = first_child_from(p, from))) {
		textbuf_printf(t, "%u ", pid_seen_locked(proc_pid_ns(n),
							 c->pid));
		from = c->pid + 1;
	}
	mutex_unlock(&process_lock);
	return 0;
}

#define LINK(n, fn) { .name = n, .mode = S_IFLNK | 0777, \
		      .readlink = fn##_readlink, .follow = fn##_follow }
#define PRIVATE(n, fn) { .name = n, .mode = S_IFREG | 0400, .show = fn }
#define DIR(n, m, ...) { .name = n, .mode = S_IFDIR | (m), __VA_ARGS__ }

#define ID_MAP(n, kind) \
	{ .name = n, .mode = S_IFREG | 0644, .show = user_ns_show_map, \
	  .store = user_ns_store_map, .arg = kind }

#define COMMON_ENTRIES \
	PROC_FILE("status", proc_show_status), \
	PROC_FILE("stat", proc_show_stat), \
	PROC_FILE("statm", proc_show_statm), \
	PROC_FILE("cmdline", show_cmdline), \
	PRIVATE("environ", show_environ), \
	PRIVATE("auxv", show_auxv), \
	{ .name = "comm", .mode = S_IFREG | 0644, .show = show_comm, \
	  .store = store_comm }, \
	PROC_FILE("maps", proc_show_maps), \
	PROC_FILE("smaps", proc_show_smaps), \
	PROC_FILE("smaps_rollup", proc_show_smaps_rollup), \
	{ .name = "mem", .mode = S_IFREG | 0600, .has_fops = true, \
	  .fops = &proc_mem_ops }, \
	LINK("exe", proc_exe), \
	LINK("cwd", proc_cwd), \
	LINK("root", proc_root), \
	DIR("fd", 0500, .dir = &proc_fd_ops), \
	DIR("fdinfo", 0555, .dir = &proc_fdinfo_ops), \
	DIR("ns", 0511, .children = proc_ns_table), \
	DIR("attr", 0555, .children = proc_attr_table), \
	DIR("net", 0555, .children = proc_net_table), \
	PROC_FILE("limits", proc_show_limits), \
	PROC_FILE("mounts", proc_show_mounts), \
	PROC_FILE("mountinfo", proc_show_mountinfo), \
	PROC_TEXT("cgroup", "0::/\n"), \
	PROC_TEXT("cpuset", "/\n"), \
	PROC_FILE("oom_score", show_oom_score), \
	{ .name = "oom_score_adj", .mode = S_IFREG | 0644, \
	  .show = show_oom_score_adj, .store = store_oom_score_adj }, \
	{ .name = "oom_adj", .mode = S_IFREG | 0644, .show = show_oom_adj, \
	  .store = store_ignored }, \
	PROC_TEXT("wchan", "0"), \
	{ .name = "io", .mode = S_IFREG | 0400, .is_text = true, \
	  .text = io_text }, \
	PRIVATE("personality", show_personality), \
	{ .name = "loginuid", .mode = S_IFREG | 0644, .is_text = true, \
	  .text = "4294967295" }, \
	PROC_TEXT("sessionid", "4294967295"), \
	ID_MAP("uid_map", ID_USER), \
	ID_MAP("gid_map", ID_GROUP), \
	PROC_TEXT("projid_map", "         0          0 4294967295\n"), \
	{ .name = "setgroups", .mode = S_IFREG | 0644, \
	  .show = user_ns_show_setgroups, .store = user_ns_store_setgroups }, \
	PRIVATE("syscall", show_syscall), \
	PROC_FILE("sched", show_sched), \
	PROC_FILE("schedstat", show_schedstat)

static const char io_text[] = "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\n"
	"read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n";

const struct pseudo_entry proc_pid_table[] = {
	COMMON_ENTRIES,
	DIR("task", 0555, .dir = &proc_task_ops),
	{ .name = "mountstats", .mode = S_IFREG | 0400,
	  .show = proc_show_mountstats },
	{ .name = "coredump_filter", .mode = S_IFREG | 0644,
	  .is_text = true, .text = "00000033\n", .store = store_ignored },
	{ .name = "timerslack_ns", .mode = S_IFREG | 0666,
	  .show = show_timerslack },
	{ }
};

const struct pseudo_entry proc_task_table[] = {
	COMMON_ENTRIES,
	PROC_FILE("children", show_children),
	{ }
};

const struct pseudo_entry proc_attr_table[] = {
	PROC_TEXT("current", "unconfined\n"),
	PROC_TEXT("prev", ""),
	PROC_TEXT("exec", ""),
	{ }
};
