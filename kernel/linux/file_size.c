/* SPDX-License-Identifier: MIT */
/*
 * The size of files and their way to storage: truncate, fallocate, fsync and
 * relatives, and advice about future reads.
 */
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <gen/syscalls.h>
#include "fs/notify.h"
#include "linux/file_rw.h"
#include "linux/mm.h"
#include "linux/path.h"
#include "platform/platform.h"

/* --- truncate -------------------------------------------------------------*/
long sys_truncate(uint64_t name, uint64_t size)
{
	struct path p;
	int err;

	if ((int64_t)size < 0)
		return -EINVAL;
	err = user_path_walk((uint64_t)AT_FDCWD, name, WALK_FOLLOW, &p);
	if (err)
		return err;
	if (size > current_process()->limits[RLIMIT_FSIZE].cur &&
	    size > path_inode(&p)->size)
		err = -EFBIG;
	if (!err)
		err = vfs_truncate(&p, current_thread()->cred, size);
	if (!err)
		mm_file_shrunk(current_mm(), path_inode(&p), size);
	path_put(&p);
	return err;
}

static int seals_check_size(struct inode *i, uint64_t size)
{
	uint32_t s = __atomic_load_n(&i->seals, __ATOMIC_RELAXED);

	if ((s & F_SEAL_SHRINK && size < i->size) ||
	    (s & F_SEAL_GROW && size > i->size))
		return -EPERM;
	return 0;
}

static int truncate_file(struct file *f, uint64_t size)
{
	struct inode *i = f->inode;
	uint64_t len = size > i->size ? size - i->size : 0;
	bool cut;
	int err;

	if (!(f->mode & FMODE_WRITE) || (i->mode & S_IFMT) != S_IFREG)
		return -EINVAL;
	err = seals_check_size(i, size);
	if (!err && len && !i->seals)
		err = rw_check_growth(f, size - 1, &len);
	cut = size < i->size;
	if (!err)
		err = file_truncate(f, size);
	if (!err && cut)
		mm_file_shrunk(current_mm(), i, size);
	return err;
}

long sys_ftruncate(uint64_t fd, uint64_t size)
{
	struct file *f;
	int err;

	if ((int64_t)size < 0)
		return -EINVAL;
	f = fd_get((int)fd);
	if (!f)
		return -EBADF;
	err = truncate_file(f, size);
	file_put(f);
	return err;
}

/* --- fallocate ------------------------------------------------------------*/
#define FALLOC_KNOWN                                                         \
	(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |                        \
	 FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE |                   \
	 FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)

static int fallocate_check(struct file *f, uint64_t mode, uint64_t off,
			   uint64_t len)
{
	uint64_t grow = len;

	if ((int64_t)off < 0 || (int64_t)len <= 0)
		return -EINVAL;
	if (mode & ~(uint64_t)FALLOC_KNOWN)
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	switch (f->inode->mode & S_IFMT) {
	case S_IFREG:
		break;
	case S_IFIFO:
		return -ESPIPE;
	case S_IFDIR:
		return -EISDIR;
	default:
		return -ENODEV;
	}
	if ((int64_t)(off + len) < 0)
		return -EFBIG;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		grow = 0;
		return f->inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ?
		       -EPERM : 0;
	}
	if (off + len > f->inode->size && !(mode & FALLOC_FL_KEEP_SIZE)) {
		int err = f->inode->seals & F_SEAL_GROW ? -EPERM :
			  rw_check_limit(off, &grow);

		return err ? err : grow < len ? -EFBIG : 0;
	}
	return 0;
}

long sys_fallocate(uint64_t fd, uint64_t mode, uint64_t off, uint64_t len)
{
	struct file *f = fd_get((int)fd);
	int err;

	if (!f)
		return -EBADF;
	err = fallocate_check(f, (uint32_t)mode, off, len);
	if (!err)
		err = f->ops->fallocate ?
		      f->ops->fallocate(f, (int)mode, off, len) : -EOPNOTSUPP;
	if (!err && fs_is_watched() && f->path.dentry)
		fs_notify_path(&f->path, IN_MODIFY);
	file_put(f);
	return err;
}

/* --- to storage -----------------------------------------------------------*/
static long do_fsync(uint64_t fd, bool data_only)
{
	struct file *f = fd_get((int)fd);
	uint32_t type;
	int err;

	if (!f)
		return -EBADF;
	type = f->inode->mode & S_IFMT;
	if (f->ops && f->ops->fsync)
		err = f->ops->fsync(f, data_only);
	else
		err = type == S_IFREG || type == S_IFDIR ? 0 : -EINVAL;
	file_put(f);
	return err;
}

long sys_fsync(uint64_t fd)
{
	return do_fsync(fd, false);
}

long sys_fdatasync(uint64_t fd)
{
	return do_fsync(fd, true);
}

/* Nothing but what was written to mappings is kept back from the host. */
long sys_sync(void)
{
	plat_sync();
	return 0;
}

long sys_syncfs(uint64_t fd)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	file_put(f);
	plat_sync();
	return 0;
}

long sys_sync_file_range(uint64_t fd, uint64_t off, uint64_t n, uint64_t flags)
{
	struct file *f = fd_get((int)fd);
	uint32_t type;

	if (!f)
		return -EBADF;
	type = f->inode->mode & S_IFMT;
	file_put(f);
	if (flags & ~7ull || (int64_t)off < 0 || (int64_t)(off + n) < 0 ||
	    off + n < off)
		return -EINVAL;
	return type == S_IFREG || type == S_IFBLK || type == S_IFDIR ||
	       type == S_IFLNK ? 0 : -ESPIPE;
}

/* --- advice ---------------------------------------------------------------*/
long sys_fadvise64(uint64_t fd, uint64_t off, uint64_t len, uint64_t advice)
{
	struct file *f = fd_get((int)fd);
	uint32_t type;

	if (!f)
		return -EBADF;
	type = f->inode->mode & S_IFMT;
	file_put(f);
	if (type == S_IFIFO)
		return -ESPIPE;
	if ((int64_t)len < 0 || (uint32_t)advice > POSIX_FADV_NOREUSE)
		return -EINVAL;
	return 0;
}

long sys_readahead(uint64_t fd, uint64_t off, uint64_t n)
{
	struct file *f = fd_get((int)fd);
	int err = 0;

	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_READ))
		err = -EBADF;
	else if ((f->inode->mode & S_IFMT) != S_IFREG)
		err = -EINVAL;
	file_put(f);
	return err;
}
