/* SPDX-License-Identifier: MIT */
/*
 * ioctl: what works on every descriptor, then the file's own operation.
 */
#include <linux/fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <asm/ioctls.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "linux/async.h"
#include "linux/fdtable.h"
#include "linux/tty_job.h"

static long set_flag(struct file *f, uint32_t flag, uint64_t user)
{
	int on;

	if (copy_from_user(&on, (void *)user, sizeof(on)))
		return -EFAULT;
	if (on)
		__atomic_fetch_or(&f->flags, flag, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&f->flags, ~flag, __ATOMIC_RELAXED);
	return 0;
}

static long set_async(struct file *f, int fd, uint64_t user)
{
	long err = set_flag(f, FASYNC, user);

	return err ? err : async_set(f, fd, f->flags & FASYNC);
}

static long put_int(uint64_t user, int64_t v)
{
	int n = (int)v;

	return copy_to_user((void *)user, &n, sizeof(n));
}

/* Questions about regular files and directories. */
static long ioctl_regular(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct inode *i = f->inode;
	bool dir = (i->mode & S_IFMT) == S_IFDIR;
	uint64_t size = i->size;

	switch (cmd) {
	case FIONREAD:
		return dir ? -ENOTTY : put_int(arg, (int64_t)(size - f->pos));
	case FIOQSIZE:
		return copy_to_user((void *)arg, &size, sizeof(size));
	case FIGETBSZ:
		return put_int(arg, PAGE_SIZE);
	case FICLONE:
	case FICLONERANGE:
	case FIDEDUPERANGE:
	case FS_IOC_FIEMAP:
		return -EOPNOTSUPP;
	default:
		return -ENOTTY;
	}
}

static long do_ioctl(struct file *f, int fd, uint32_t cmd, uint64_t arg)
{
	uint32_t type = f->inode->mode & S_IFMT;
	long ret = -ENOTTY;

	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		files_set_cloexec(current_thread()->files, fd, cmd == FIOCLEX);
		return 0;
	case FIONBIO:
		return set_flag(f, O_NONBLOCK, arg);
	case FIOASYNC:
		return set_async(f, fd, arg);
	case TIOCGPTPEER:
		return tty_open_peer(f, arg);
	}
	if (f->ops && f->ops->ioctl)
		ret = f->ops->ioctl(f, cmd, arg);
	if (ret == -ENOTTY && (type == S_IFREG || type == S_IFDIR))
		ret = ioctl_regular(f, cmd, arg);
	return ret;
}

long sys_ioctl(uint64_t fd, uint64_t cmd, uint64_t arg)
{
	struct file *f = fd_get((int)fd);
	long ret;

	if (!f)
		return -EBADF;
	ret = do_ioctl(f, (int)fd, (uint32_t)cmd, arg);
	file_put(f);
	return ret;
}
