/* SPDX-License-Identifier: MIT */
/*
 * /proc/self/mem: a program's access to its own memory by address. The memory
 * of another process lies in an address space that the caller is not in: -EIO.
 */
#include "linux/proc/proc.h"
#include <linux/fs.h>
#include "arch/uaccess.h"
#include "core/heap.h"

#define CHUNK	512u

static bool is_own(struct file *f)
{
	return proc_pid(pseudo_node(f->inode)) == current_process()->pid;
}

static ssize_t mem_read(struct file *f, struct uio *u, uint64_t *pos)
{
	char buf[CHUNK];
	size_t done = 0;

	if (!is_own(f))
		return -EIO;
	while (u->left) {
		size_t want = MIN(u->left, sizeof(buf));
		size_t got = copy_from_user_partial(buf, (void *)*pos, want);
		size_t put = uio_fill(u, buf, got);

		*pos += put;
		done += put;
		if (put < got)
			return done ? (ssize_t)done : -EFAULT;
		if (got < want)
			break;
	}
	return done || !u->left ? (ssize_t)done : -EIO;
}

static ssize_t mem_write(struct file *f, struct uio *u, uint64_t *pos)
{
	char buf[CHUNK];
	size_t done = 0;

	if (!is_own(f))
		return -EIO;
	while (u->left) {
		size_t want = MIN(u->left, sizeof(buf));
		size_t got = uio_drain(u, buf, want);
		size_t put = copy_to_user_partial((void *)*pos, buf, got);

		*pos += put;
		done += put;
		if (put < want)
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
