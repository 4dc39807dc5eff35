/* SPDX-License-Identifier: MIT */
/* The root of /proc: system files, and a directory for each process. */
#include "linux/proc/proc.h"
#include <linux/magic.h>
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/ipc.h"
#include "linux/pid_ns.h"

/* --- /proc/self, /proc/thread-self -------------------------------------------*/

static ssize_t self_readlink(struct pseudo_node *n, char *buf, size_t size)
{
	char text[16];

	uint32_t pid = pid_seen(proc_pid_ns(n), current_process()->pid);

	if (!pid)
		return -ENOENT;
	snprintf(text, sizeof(text), "%u", pid);
	return proc_link_text(text, buf, size);
}

static ssize_t thread_self_readlink(struct pseudo_node *n, char *buf,
				    size_t size)
{
	char text[40];

	uint32_t pid = pid_seen(proc_pid_ns(n), current_process()->pid);

	if (!pid)
		return -ENOENT;
	snprintf(text, sizeof(text), "%u/task/%u", pid,
		 pid_seen(proc_pid_ns(n), current_thread()->tid));
	return proc_link_text(text, buf, size);
}

/* --- /proc/PID ----------------------------------------------------------------*/

/* Held open, the directory outlives the process: then nothing is in it. */
static int pid_check(struct pseudo_node *dir)
{
	bool found;

	mutex_lock(&process_lock);
	found = process_find((uint32_t)dir->key) != NULL;
	mutex_unlock(&process_lock);
	return found ? 0 : -ESRCH;
}

static const struct pseudo_dir_ops pid_dir_ops = { .check = pid_check };

static const struct pseudo_entry pid_entry = {
	.name = "pid", .mode = S_IFDIR | 0555, .children = proc_pid_table,
	.dir = &pid_dir_ops,
};

uint32_t proc_dir_pid(const struct inode *i)
{
	return S_ISDIR(i->mode) && !strcmp(i->sb->type, "proc") &&
	       pseudo_node(i)->entry == &pid_entry ?
	       proc_pid(pseudo_node(i)) : 0;
}

static int pid_lookup(struct pseudo_node *dir, const char *name,
		      struct inode **out)
{
	int64_t nr = proc_parse_number(name);
	uint32_t uid = 0, gid = 0, pid;
	struct process *p;
	struct thread *t;
	bool found;
	int err;

	if (nr <= 0)
		return -ENOENT;
	mutex_lock(&process_lock);
	pid = pid_of_nr_locked(proc_pid_ns(dir), (uint32_t)nr);
	/* a thread's own number leads to its process's directory too */
	t = thread_find(pid);
	p = t ? t->process : process_find(pid);
	found = p && p->state != PROC_DEAD;
	if (found && !list_is_empty(&p->threads) && p->dumpable == 1) {
		t = list_first(&p->threads, struct thread, link);
		uid = t->cred->euid;
		gid = t->cred->egid;
	}
	if (found)
		pid = p->pid;
	mutex_unlock(&process_lock);
	if (!found)
		return -ENOENT;
	err = pseudo_inode_create(dir, &pid_entry, pid, 0, out);
	if (!err) {
		(*out)->uid = uid;
		(*out)->gid = gid;
	}
	return err;
}

struct pid_search {
	const struct pid_ns *ns;
	uint64_t from;
	uint32_t best, pid;
};

static bool look_at(struct process *p, void *arg)
{
	struct pid_search *s = arg;

	uint32_t nr = pid_seen_locked(s->ns, p->pid);

	if (nr && nr >= s->from && nr < s->best && p->state != PROC_DEAD) {
		s->best = nr;
		s->pid = p->pid;
	}
	return true;
}

static int pid_next(struct pseudo_node *dir, uint64_t from,
		    struct pseudo_dirent *d)
{
	struct pid_search s = { proc_pid_ns(dir), from, UINT32_MAX, 0 };

	mutex_lock(&process_lock);
	process_for_each(look_at, &s);
	mutex_unlock(&process_lock);
	if (s.best == UINT32_MAX)
		return 0;
	d->index = s.best;
	d->entry = &pid_entry;
	d->key = s.pid;
	d->key2 = 0;
	snprintf(d->name, sizeof(d->name), "%u", s.best);
	return 1;
}

static bool count_seen(struct process *p, void *arg)
{
	struct pid_search *s = arg;

	s->best += pid_seen_locked(s->ns, p->pid) != 0;
	return true;
}

static uint32_t nr_pids(struct pseudo_node *dir)
{
	struct pid_search s = { .ns = proc_pid_ns(dir) };

	mutex_lock(&process_lock);
	process_for_each(count_seen, &s);
	mutex_unlock(&process_lock);
	return s.best;
}

static void pid_drop(struct pseudo_node *root)
{
	pid_ns_put(root->data);
}

static const struct pseudo_dir_ops pid_ops = {
	.lookup = pid_lookup, .next = pid_next, .nr_dirs = nr_pids,
	.drop = pid_drop,
};

/* --- the table ------------------------------------------------------------------*/

#define SYSVIPC(n, kind) \
	{ .name = n, .mode = S_IFREG | 0444, .show = ipc_show, .arg = kind }

static const struct pseudo_entry sysvipc_table[] = {
	SYSVIPC("msg", IPC_MSG),
	SYSVIPC("sem", IPC_SEM),
	SYSVIPC("shm", IPC_SHM),
	{ }
};

static const struct pseudo_entry tty_table[] = {
	PROC_TEXT("drivers",
		  "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
		  "/dev/ptmx            /dev/ptmx       5       2 system\n"
		  "pty_slave            /dev/pts      136 0-1048575 pty:slave\n"
		  "pty_master           /dev/ptm      128 0-1048575 pty:master\n"),
	PROC_TEXT("ldiscs", "n_tty       0\n"),
	{ }
};

static const char devices_text[] =
	"Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n"
	"  5 /dev/ptmx\n128 ptm\n136 pts\n\nBlock devices:\n";

static const char cgroups_text[] =
	"#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
	"cpu\t0\t1\t1\nmemory\t0\t1\t1\npids\t0\t1\t1\n";

static const struct pseudo_entry root_table[] = {
	{ .name = "self", .mode = S_IFLNK | 0777, .readlink = self_readlink },
	{ .name = "thread-self", .mode = S_IFLNK | 0777,
	  .readlink = thread_self_readlink },
	{ .name = "mounts", .mode = S_IFLNK | 0777, .is_text = true,
	  .text = "self/mounts" },
	{ .name = "net", .mode = S_IFLNK | 0777, .is_text = true,
	  .text = "self/net" },
	PROC_FILE("meminfo", proc_show_meminfo),
	PROC_FILE("cpuinfo", proc_show_cpuinfo),
	PROC_FILE("stat", proc_show_cpu_stat),
	PROC_FILE("uptime", proc_show_uptime),
	PROC_FILE("loadavg", proc_show_loadavg),
	PROC_FILE("version", proc_show_version),
	PROC_TEXT("cmdline", "mica\n"),
	PROC_FILE("filesystems", proc_show_filesystems),
	PROC_TEXT("devices", devices_text),
	PROC_TEXT("partitions", "major minor  #blocks  name\n\n"),
	PROC_TEXT("diskstats", ""),
	PROC_TEXT("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\t"
		  "Priority\n"),
	PROC_FILE("vmstat", proc_show_vmstat),
	PROC_FILE("interrupts", proc_show_interrupts),
	PROC_TEXT("softirqs", ""),
	PROC_TEXT("modules", ""),
	PROC_TEXT("misc", ""),
	PROC_TEXT("key-users", ""),
	PROC_TEXT("keys", ""),
	PROC_TEXT("locks", ""),
	PROC_TEXT("cgroups", cgroups_text),
	PROC_TEXT("buddyinfo", ""),
	PROC_TEXT("crypto", ""),
	{ .name = "sys", .mode = S_IFDIR | 0555, .children = proc_sys_table },
	{ .name = "sysvipc", .mode = S_IFDIR | 0555,
	  .children = sysvipc_table },
	{ .name = "tty", .mode = S_IFDIR | 0555, .children = tty_table },
	{ }
};

static const struct pseudo_entry root_entry = {
	.name = "/", .mode = S_IFDIR | 0555, .children = root_table,
	.dir = &pid_ops,
};

static struct super *create(struct pid_ns *ns)
{
	struct super *sb = pseudo_super_create("proc", &root_entry,
					       PROC_SUPER_MAGIC,
					       SUPER_NO_DCACHE | SUPER_NOEXEC |
					       SUPER_NODEV | SUPER_NOSUID |
					       SUPER_NO_NEGATIVE);

	if (sb)
		pseudo_node(sb->root)->data = pid_ns_get(ns);
	return sb;
}

struct super *procfs_create(void)
{
	return create(&pid_ns_first);
}

struct super *procfs_create_own(void)
{
	return create(current_process()->pid_ns);
}
