/* SPDX-License-Identifier: MIT */
/* /proc/PID/fd, fdinfo, task: directories whose names are dynamic. */
#include "linux/proc/proc.h"
#include <linux/fcntl.h>
#include "core/heap.h"
#include "lib/string.h"
#include "linux/fdtable.h"
#include "linux/inotify_start.h"
#include "linux/pid_ns.h"

/* --- descriptors ------------------------------------------------------------*/

static struct file *get_file(const struct pseudo_node *n, int fd)
{
	struct files *fs = proc_files(n);
	struct file *f;

	if (!fs)
		return NULL;
	f = files_lookup(fs, fd);
	files_put(fs);
	return f;
}

static ssize_t fd_readlink(struct pseudo_node *n, char *buf, size_t size)
{
	struct file *f;
	struct path root;
	ssize_t len;

	if (!proc_may_inspect(n))
		return -EACCES;
	f = get_file(n, (int)n->key2);
	if (!f)
		return -ENOENT;
	proc_caller_root(&root);
	len = file_name(f, &root, buf, size);
	path_put(&root);
	file_put(f);
	return len;
}

static int fd_follow(struct pseudo_node *n, struct path *out)
{
	struct file *f;
	int err;

	if (!proc_may_inspect(n))
		return -EACCES;
	f = get_file(n, (int)n->key2);
	if (!f)
		return -ENOENT;
	err = file_path(f, out);
	file_put(f);
	return err;
}

static const struct pseudo_entry fd_entry = {
	.name = "fd", .mode = S_IFLNK | 0700, .readlink = fd_readlink,
	.follow = fd_follow,
};

static int show_fdinfo(struct textbuf *t, struct pseudo_node *n)
{
	struct files *fs = proc_files(n);
	struct file *f;
	uint32_t flags;

	if (!fs)
		return -ENOENT;
	f = files_lookup(fs, (int)n->key2);
	if (!f) {
		files_put(fs);
		return -ENOENT;
	}
	flags = f->flags;
	if (files_is_cloexec(fs, (int)n->key2))
		flags |= O_CLOEXEC;
	textbuf_printf(t, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
		       f->pos, flags, f->path.mnt ? 1u : 0u, f->inode->ino);
	inotify_show(t, f);
	file_put(f);
	files_put(fs);
	return 0;
}

static const struct pseudo_entry fdinfo_entry = {
	.name = "fdinfo", .mode = S_IFREG | 0400, .show = show_fdinfo,
};

static int fd_make(struct pseudo_node *dir, const char *name,
		   const struct pseudo_entry *e, struct inode **out)
{
	int64_t fd = proc_parse_number(name);
	struct file *f;
	int err;

	if (fd < 0 || !proc_may_inspect(dir))
		return fd < 0 ? -ENOENT : -EACCES;
	f = get_file(dir, (int)fd);
	if (!f)
		return -ENOENT;
	err = pseudo_inode_create(dir, e, dir->key, (uint64_t)fd, out);
	if (!err && S_ISLNK(e->mode)) {
		/* the owner's bits say how it is open */
		(*out)->mode = S_IFLNK | 0100;
		if (f->mode & FMODE_READ)
			(*out)->mode |= 0400;
		if (f->mode & FMODE_WRITE)
			(*out)->mode |= 0200;
	}
	file_put(f);
	return err;
}

static int fd_lookup(struct pseudo_node *dir, const char *name,
		     struct inode **out)
{
	return fd_make(dir, name, &fd_entry, out);
}

static int fdinfo_lookup(struct pseudo_node *dir, const char *name,
			 struct inode **out)
{
	return fd_make(dir, name, &fdinfo_entry, out);
}

static int next_fd(struct pseudo_node *dir, uint64_t from,
		   const struct pseudo_entry *e, struct pseudo_dirent *d)
{
	struct files *fs;
	int fd;

	if (!proc_may_inspect(dir))
		return -EACCES;
	fs = proc_files(dir);
	if (!fs)
		return 0;
	fd = files_next_fd(fs, (int)from);
	files_put(fs);
	if (fd < 0)
		return 0;
	d->index = (uint64_t)fd;
	d->entry = e;
	d->key2 = (uint64_t)fd;
	snprintf(d->name, sizeof(d->name), "%d", fd);
	return 1;
}

static int fd_next(struct pseudo_node *dir, uint64_t from,
		   struct pseudo_dirent *d)
{
	return next_fd(dir, from, &fd_entry, d);
}

static int fdinfo_next(struct pseudo_node *dir, uint64_t from,
		       struct pseudo_dirent *d)
{
	return next_fd(dir, from, &fdinfo_entry, d);
}

const struct pseudo_dir_ops proc_fd_ops = { .lookup = fd_lookup, .next = fd_next };
const struct pseudo_dir_ops proc_fdinfo_ops = { .lookup = fdinfo_lookup, .next = fdinfo_next };

/* --- threads ----------------------------------------------------------------*/

static const struct pseudo_entry task_entry = {
	.name = "task", .mode = S_IFDIR | 0555, .children = proc_task_table,
};

static uint64_t task_key(const struct pseudo_node *dir, uint32_t tid)
{
	return (uint64_t)tid << 32 | proc_pid(dir);
}

static int task_lookup(struct pseudo_node *dir, const char *name,
		       struct inode **out)
{
	int64_t nr = proc_parse_number(name);
	struct thread *t;
	uint32_t tid;
	bool found;

	if (nr <= 0)
		return -ENOENT;
	mutex_lock(&process_lock);
	tid = pid_of_nr_locked(proc_pid_ns(dir), (uint32_t)nr);
	t = thread_find(tid);
	found = t && t->process->pid == proc_pid(dir);
	mutex_unlock(&process_lock);
	if (!found)
		return -ENOENT;
	return pseudo_inode_create(dir, &task_entry, task_key(dir, tid), 0,
				   out);
}

static int task_next(struct pseudo_node *dir, uint64_t from,
		     struct pseudo_dirent *d)
{
	uint32_t best = UINT32_MAX, tid = 0;
	struct process *p;

	mutex_lock(&process_lock);
	p = process_find(proc_pid(dir));
	if (p)
		list_for_each(l, &p->threads) {
			struct thread *t = list_entry(l, struct thread, link);

			uint32_t nr = pid_seen_locked(proc_pid_ns(dir), t->tid);

			if (nr >= from && nr < best) {
				best = nr;
				tid = t->tid;
			}
		}
	mutex_unlock(&process_lock);
	if (best == UINT32_MAX)
		return 0;
	d->index = best;
	d->entry = &task_entry;
	d->key = task_key(dir, tid);
	d->key2 = 0;
	snprintf(d->name, sizeof(d->name), "%u", best);
	return 1;
}

static uint32_t nr_tasks(struct pseudo_node *dir)
{
	struct process *p = proc_process(dir);
	uint32_t n = p ? p->nr_threads : 0;

	if (p)
		process_put(p);
	return n;
}

const struct pseudo_dir_ops proc_task_ops = {
	.lookup = task_lookup, .next = task_next, .nr_dirs = nr_tasks,
};
