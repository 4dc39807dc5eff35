/* SPDX-License-Identifier: MIT */
/* /proc/PID/exe, cwd, root. */
#include "linux/proc/proc.h"
#include "core/heap.h"
#include "lib/string.h"

static ssize_t path_text(const struct path *p, char *buf, size_t size)
{
	char *name = proc_path_name(p);
	ssize_t n;

	if (!name)
		return -ENOMEM;
	n = proc_link_text(name, buf, size);
	kfree(name);
	return n;
}

static int exe_path(struct pseudo_node *n, struct path *out)
{
	struct process *p;
	int err = -ENOENT;

	if (!proc_may_inspect(n))
		return -EACCES;
	p = proc_process(n);
	if (!p)
		return -ENOENT;
	mutex_lock(&process_lock);
	if (p->exe.dentry && p->nr_threads) {
		*out = p->exe;
		path_get(out);
		err = 0;
	}
	mutex_unlock(&process_lock);
	process_put(p);
	return err;
}

static int fs_path(struct pseudo_node *n, bool root, struct path *out)
{
	return proc_may_inspect(n) ? proc_fs_path(n, root, out) : -EACCES;
}

static ssize_t finish_readlink(int err, struct path *p, char *buf, size_t size)
{
	ssize_t n;

	if (err)
		return err;
	n = path_text(p, buf, size);
	path_put(p);
	return n;
}

ssize_t proc_exe_readlink(struct pseudo_node *n, char *buf, size_t size)
{
	struct path p;
	int err = exe_path(n, &p);

	return finish_readlink(err, &p, buf, size);
}

ssize_t proc_cwd_readlink(struct pseudo_node *n, char *buf, size_t size)
{
	struct path p;
	int err = fs_path(n, false, &p);

	return finish_readlink(err, &p, buf, size);
}

ssize_t proc_root_readlink(struct pseudo_node *n, char *buf, size_t size)
{
	struct path p;
	int err = fs_path(n, true, &p);

	return finish_readlink(err, &p, buf, size);
}

int proc_exe_follow(struct pseudo_node *n, struct path *out)
{
	return exe_path(n, out);
}

int proc_cwd_follow(struct pseudo_node *n, struct path *out)
{
	return fs_path(n, false, out);
}

int proc_root_follow(struct pseudo_node *n, struct path *out)
{
	return fs_path(n, true, out);
}
