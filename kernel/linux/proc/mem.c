/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/mem: access to memory by address, as a debugger has it
 * (linux/remote.h). Who may not look into the process gets -EIO.
 */
#include "linux/proc/proc.h"
#include <linux/fs.h>
#include "core/heap.h"
#include "linux/remote.h"

#define CHUNK	512u

/* Bytes of process n at addr, from or to buf. Returns how many (0: it has
 * ended), -EIO, -ERESTARTNOINTR. */
static ssize_t move(const struct pseudo_node *n, uint64_t addr, char *buf,
		    size_t len, bool write)
{
	struct process *p = proc_process(n);
	struct remote m;
	ssize_t ret = p ? remote_get(p, 0, true, &m) : -ESRCH;

	if (!ret) {
		ret = remote_access(&m, addr, buf, len, write, true);
		remote_put(&m);
		if (!ret)
			ret = -EIO;
	}
	if (p)
		process_put(p);
	return ret == -ESRCH ? 0 : ret == -EPERM ? -EIO : ret;
}

static ssize_t mem_read(struct file *f, struct uio *u, uint64_t *pos)
{
	char buf[CHUNK];
	size_t done = 0;
	ssize_t got = 0;

	while (u->left) {
		size_t want = MIN(u->left, sizeof(buf)), put;

		got = move(pseudo_node(f->inode), *pos, buf, want, false);
		if (got <= 0)
			break;
		put = uio_fill(u, buf, (size_t)got);
		*pos += put;
		done += put;
		if (put < (size_t)got)
			return done ? (ssize_t)done : -EFAULT;
		if ((size_t)got < want)
			break;
	}
	return done ? (ssize_t)done : got;
}

static ssize_t mem_write(struct file *f, struct uio *u, uint64_t *pos)
{
	char buf[CHUNK];
	size_t done = 0;
	ssize_t put = 0;

	while (u->left) {
		size_t want = MIN(u->left, sizeof(buf));
		size_t got = uio_drain(u, buf, want);

		if (!got)
			return done ? (ssize_t)done : -EFAULT;
		put = move(pseudo_node(f->inode), *pos, buf, got, true);
		if (put <= 0)
			break;
		*pos += (size_t)put;
		done += (size_t)put;
		if ((size_t)put < want)
			break;
	}
	return done ? (ssize_t)done : put;
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
