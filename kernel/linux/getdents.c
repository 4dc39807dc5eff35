/* SPDX-License-Identifier: MIT */
/*
 * getdents and getdents64. Entries are collected in kernel memory in the
 * asked layout and copied out at once; when the copy fails the position is
 * put back.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "fs/dentry.h"
#include "fs/notify.h"
#include "lib/string.h"
#include "linux/process.h"

#define DENTS_MAX 32768u
#define DIRENT64_HEAD 19u	/* ino, off, reclen, type */
#define DIRENT_HEAD 18u		/* ino, off, reclen; type is the last byte */

struct dents {
	struct dir_sink sink;
	char *buf;
	size_t used, size;
	bool old;		/* struct linux_dirent */
	bool full;		/* an entry did not fit */
};

static bool dents_emit(struct dir_sink *s, const char *name, size_t len,
		       uint64_t ino, uint8_t type, uint64_t next_pos)
{
	struct dents *d = container_of(s, struct dents, sink);
	size_t head = d->old ? DIRENT_HEAD : DIRENT64_HEAD;
	size_t n = ALIGN_UP(head + len + 1 + d->old, 8);
	char *p = d->buf + d->used;
	uint16_t reclen = (uint16_t)n;

	if (d->size - d->used < n) {
		d->full = true;
		return false;
	}
	memset(p, 0, n);
	memcpy(p, &ino, 8);
	memcpy(p + 8, &next_pos, 8);
	memcpy(p + 16, &reclen, 2);
	memcpy(p + head, name, len);
	p[d->old ? n - 1 : 18] = (char)type;
	d->used += n;
	return true;
}

static long read_entries(struct file *f, struct dents *d, uint64_t user)
{
	uint64_t pos;
	long ret;

	mutex_lock(&f->pos_lock);
	pos = f->pos;
	ret = f->ops->readdir(f, &d->sink);
	if (ret >= 0 || d->used)
		ret = (long)d->used;
	if (!ret && d->full)
		ret = -EINVAL;
	if (ret > 0 && copy_to_user((void *)user, d->buf, d->used)) {
		f->pos = pos;
		ret = -EFAULT;
	}
	mutex_unlock(&f->pos_lock);
	return ret;
}

static long do_getdents(uint64_t fd, uint64_t user, uint64_t size, bool old)
{
	struct dents d = { .sink.emit = dents_emit, .old = old };
	struct file *f = fd_get((int)fd);
	long ret = 0;

	if (!f)
		return -EBADF;
	if ((f->inode->mode & S_IFMT) != S_IFDIR || !f->ops->readdir)
		ret = -ENOTDIR;
	else if (f->path.dentry && f->path.dentry->flags & DENTRY_DELETED)
		ret = -ENOENT;
	if (!ret) {
		d.size = MIN((uint32_t)size, DENTS_MAX);
		d.buf = kmalloc(MAX(d.size, 32u));
		ret = d.buf ? read_entries(f, &d, user) : -ENOMEM;
		kfree(d.buf);
	}
	if (fs_is_watched() && ret >= 0 && f->path.dentry)
		fs_notify_path(&f->path, IN_ACCESS);
	file_put(f);
	return ret;
}

long sys_getdents64(uint64_t fd, uint64_t user, uint64_t size)
{
	return do_getdents(fd, user, size, false);
}

long sys_getdents(uint64_t fd, uint64_t user, uint64_t size)
{
	return do_getdents(fd, user, size, true);
}
