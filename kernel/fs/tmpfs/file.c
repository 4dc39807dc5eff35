/* SPDX-License-Identifier: MIT */
/*
 * Regular files of tmpfs: reading, writing, mapping, allocation. Writers hold
 * the inode's lock; readers only a pin on the pages.
 */
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "fs/tmpfs/tmpfs_priv.h"

#define SEAL_GROW	4u	/* F_SEAL_* of inode->seals */
#define SEAL_WRITES	(8u | 16u)	/* WRITE, FUTURE_WRITE */

static uint64_t size_of(const struct inode *i)
{
	/* Acquire: the bytes below the size are there. */
	return __atomic_load_n(&i->size, __ATOMIC_ACQUIRE);
}

static ssize_t tmpfs_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inode *i = f->inode;
	struct pagestore *ps = &tmpfs_file(i)->store;
	uint64_t size, off = *pos;
	size_t n, got;

	size = size_of(i);
	if (off >= size || !u->left)
		return 0;
	pagestore_pin(ps);
	n = MIN(u->left, size - off);
	got = pagestore_read(ps, u, off, n);
	pagestore_unpin(ps, size_of(i));
	if (!got)
		return -EFAULT;
	*pos = off + got;
	file_accessed(f);
	return (ssize_t)got;
}

/* How much of n bytes at off may be written. 0 or -errno. */
static int check_write(const struct inode *i, uint64_t off, size_t *n)
{
	if (i->seals & SEAL_WRITES)
		return -EPERM;
	if (off >= INT64_MAX)
		return -EFBIG;
	*n = MIN(*n, INT64_MAX - off);
	if ((i->seals & SEAL_GROW) && off + *n > i->size) {
		if (off >= i->size)
			return -EPERM;
		*n = i->size - off;
	}
	return 0;
}

static ssize_t tmpfs_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inode *i = f->inode;
	struct pagestore *ps = &tmpfs_file(i)->store;
	size_t n = u->left;
	ssize_t ret;
	uint64_t off;

	if (!n)
		return 0;
	mutex_lock(&i->lock);
	off = f->flags & O_APPEND ? i->size : *pos;
	ret = check_write(i, off, &n);
	if (ret)
		goto out;
	pagestore_pin(ps);
	ret = pagestore_write(ps, u, off, n, i->size);
	if (ret > 0) {
		off += (uint64_t)ret;
		if (off > i->size)
			__atomic_store_n(&i->size, off, __ATOMIC_RELEASE);
		*pos = off;
		inode_touch(i, false, true, true);
	}
	pagestore_unpin(ps, i->size);
out:
	mutex_unlock(&i->lock);
	return ret;
}

static int64_t tmpfs_seek(struct file *f, int64_t off, int whence)
{
	struct inode *i = f->inode;
	int64_t pos;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_seek_generic(f, off, whence);
	if (off < 0)
		return -ENXIO;
	pos = pagestore_seek(&tmpfs_file(i)->store, (uint64_t)off, size_of(i),
			     whence == SEEK_DATA);
	if (pos >= 0) {
		mutex_lock(&f->pos_lock);
		f->pos = (uint64_t)pos;
		mutex_unlock(&f->pos_lock);
	}
	return pos;
}

static int tmpfs_map(struct file *f, uint64_t off, uint64_t len,
		     bool write_shared, struct map_extent *out)
{
	struct inode *i = f->inode;
	uint64_t end = PAGE_UP(size_of(i));
	int err;

	if (write_shared && (i->seals & SEAL_WRITES))
		return -EPERM;
	out->backing = (struct plat_backing){ .shared = write_shared };
	out->len = 0;
	off = PAGE_DOWN(off);
	if (off >= end || !len)
		return 0;
	len = MIN(PAGE_UP(len), end - off);
	err = pagestore_map(&tmpfs_file(i)->store, off, len, out);
	return err;
}

static void tmpfs_mapped(struct file *f, int delta)
{
	pagestore_mapped(&tmpfs_file(f->inode)->store, delta,
			 size_of(f->inode));
}

static int tmpfs_fsync(struct file *f, bool data_only)
{
	return 0;
}

static int punch_or_zero(struct inode *i, int mode, uint64_t off, uint64_t end)
{
	struct pagestore *ps = &tmpfs_file(i)->store;

	if (i->seals & SEAL_WRITES)
		return -EPERM;
	pagestore_punch(ps, off, end);
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return 0;
	return pagestore_fill(ps, off, end);
}

static int tmpfs_fallocate(struct file *f, int mode, uint64_t off, uint64_t len)
{
	struct inode *i = f->inode;
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	uint64_t end;
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |
		     FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) &&
	    (!keep || (mode & FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	if (__builtin_add_overflow(off, len, &end) || end > INT64_MAX)
		return -EFBIG;
	mutex_lock(&i->lock);
	if (!keep && end > i->size && (i->seals & SEAL_GROW))
		err = -EPERM;
	else if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		err = punch_or_zero(i, mode, off, end);
	else
		err = pagestore_fill(&tmpfs_file(i)->store, off, end);
	if (!err) {
		if (!keep && end > i->size)
			__atomic_store_n(&i->size, end, __ATOMIC_RELEASE);
		inode_touch(i, false, true, true);
	}
	mutex_unlock(&i->lock);
	return err;
}

const struct file_ops tmpfs_file_ops = {
	.read = tmpfs_read,
	.write = tmpfs_write,
	.seek = tmpfs_seek,
	.map = tmpfs_map,
	.mapped = tmpfs_mapped,
	.fsync = tmpfs_fsync,
	.fallocate = tmpfs_fallocate,
};
