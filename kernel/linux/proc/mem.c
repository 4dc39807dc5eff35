/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/mem: a program's access to memory by address, its own, or that of
 * another one while a tracer keeps one of its threads stopped: only a task of
 * the other process is in that address space (linux/ptrace.h). Else -EIO.
 */
#include "linux/proc/proc.h"
#include <linux/fs.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "linux/ptrace.h"

#define CHUNK	512u

/* Bytes of process n at addr, from or to buf. Returns how many, or -EIO. */
static ssize_t move(const struct pseudo_node *n, uint64_t addr, char *buf,
		    size_t len, bool write)
{
	struct process *p;
	ssize_t ret = -EIO;

	if (proc_pid(n) == current_process()->pid)
		return (ssize_t)(write ?
			copy_to_user_partial((void *)addr, buf, len) :
			copy_from_user_partial(buf, (void *)addr, len));
	p = proc_may_inspect(n) ? proc_process(n) : NULL;
	if (p) {
		ret = ptrace_access_process(p, addr, buf, len, write);
		process_put(p);
	}
	return ret < 0 ? -EIO : ret;
}

static ssize_t mem_read(struct file *f, struct uio *u, uint64_t *pos)
{
	char buf[CHUNK];
	size_t done = 0;

	while (u->left) {
		size_t want = MIN(u->left, sizeof(buf)), put;
		ssize_t got = move(pseudo_node(f->inode), *pos, buf, want,
				   false);

		if (got < 0)
			break;
		put = uio_fill(u, buf, (size_t)got);
		*pos += put;
		done += put;
		if (put < (size_t)got)
			return done ? (ssize_t)done : -EFAULT;
		if ((size_t)got < want)
			break;
	}
	return done || !u->left ? (ssize_t)done : -EIO;
}

static ssize_t mem_write(struct file *f, struct uio *u, uint64_t *pos)
{
	char buf[CHUNK];
	size_t done = 0;

	while (u->left) {
		size_t want = MIN(u->left, sizeof(buf));
		size_t got = uio_drain(u, buf, want);
		ssize_t put = move(pseudo_node(f->inode), *pos, buf, got,
				   true);

		if (put < 0)
			break;
		*pos += (size_t)put;
		done += (size_t)put;
		if ((size_t)put < want)
			break;
	}
	return done || !u->left ? (ssize_t)done : -EIO;
}

static int64_t mem_seek(struct file *f, int64_t off, int whence)
{
	int64_t pos = -EINVAL;

	mutex_lock(&f->pos_lock);
	if (whence == SEEK_SET)
		pos = off;
	else if (whence == SEEK_CUR)
		pos = (int64_t)f->pos + off;
	if (whence == SEEK_SET || whence == SEEK_CUR)
		f->pos = (uint64_t)pos;
	mutex_unlock(&f->pos_lock);
	return pos;
}

const struct file_ops proc_mem_ops = {
	.read = mem_read,
	.write = mem_write,
	.seek = mem_seek,
};
