/* SPDX-License-Identifier: MIT */
/*
 * read, write and their positioned and scattered forms, and lseek. The plain
 * forms are the hottest calls of most programs: no lock, no allocation and,
 * in a table that is not shared, no reference count on the way to the file's
 * own operation.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <asm/signal.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "fs/notify.h"
#include "linux/file_rw.h"
#include "linux/process.h"

#define SEALS_WRITE (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

int user_iov_init(struct user_iov *v, uint64_t iov, uint64_t nr)
{
	struct kiovec *k = v->fast;
	uint64_t total = 0;

	v->heap = NULL;
	if (nr > IOV_MAX_COUNT)
		return -EINVAL;
	if (nr > IOV_FAST) {
		k = v->heap = kmalloc(nr * sizeof(*k));
		if (!k)
			return -ENOMEM;
	}
	if (copy_from_user(k, (const void *)iov, nr * sizeof(*k))) {
		kfree(v->heap);
		return -EFAULT;
	}
	for (uint32_t i = 0; i < nr; i++) {
		int err = 0;

		if ((ssize_t)k[i].len < 0)
			err = -EINVAL;
		else if (!user_range_ok(k[i].base, k[i].len))
			err = -EFAULT;
		if (err) {
			kfree(v->heap);
			return err;
		}
		k[i].len = MIN(k[i].len, MAX_RW_BYTES - total);
		total += k[i].len;
	}
	v->uio = (struct uio){ .iov = k, .nr = (uint32_t)nr, .user = true,
			       .left = total };
	return 0;
}

int user_iov_one(struct user_iov *v, uint64_t buf, uint64_t n)
{
	v->heap = NULL;
	if (!user_range_ok((void *)buf, n))
		return -EFAULT;
	uio_init(&v->uio, v->fast, (void *)buf, MIN(n, MAX_RW_BYTES), true);
	return 0;
}

void user_iov_fini(struct user_iov *v)
{
	kfree(v->heap);
}

static void signal_self(int signo)
{
	struct thread *t = current_thread();
	struct ksiginfo info = { .signo = signo };

	info.kill.pid = (int32_t)t->process->nr;
	info.kill.uid = t->cred->uid;
	signal_send_thread(t, signo, &info);
}

void rw_broken_pipe(void)
{
	signal_self(SIGPIPE);
}

int rw_check_limit(uint64_t pos, uint64_t *len)
{
	uint64_t limit = current_process()->limits[RLIMIT_FSIZE].cur;

	if (likely(limit == ~0ull))
		return 0;
	if (pos >= limit) {
		signal_self(SIGXFSZ);
		return -EFBIG;
	}
	*len = MIN(*len, limit - pos);
	return 0;
}

int rw_check_growth(struct file *f, uint64_t pos, uint64_t *len)
{
	uint32_t seals = __atomic_load_n(&f->inode->seals, __ATOMIC_RELAXED);

	if (unlikely(seals & SEALS_WRITE))
		return -EPERM;
	if (unlikely(seals & F_SEAL_GROW) && pos + *len > f->inode->size)
		return -EPERM;
	return rw_check_limit(pos, len);
}

/* A writer without the right to it takes set-id bits away from a program. */
static void drop_set_id(struct inode *i)
{
	struct attr a = { .valid = ATTR_MODE, .mode = i->mode & 07777 };

	if (cred_has_cap(current_thread()->cred, CAP_FSETID) || !i->ops->setattr)
		return;
	a.mode &= ~(uint32_t)S_ISUID;
	if (a.mode & S_IXGRP)
		a.mode &= ~(uint32_t)S_ISGID;
	i->ops->setattr(i, &a);
}

/* Apply rw_check_growth to a write that is about to happen. */
static int write_check(struct file *f, struct uio *u, const uint64_t *pos)
{
	uint64_t at = pos ? *pos : f->pos, len = u->left;
	int err;

	if ((f->inode->mode & S_IFMT) != S_IFREG || !len)
		return 0;
	if (f->flags & O_APPEND)
		at = f->inode->size;
	if ((int64_t)at < 0)
		return -EINVAL;
	err = rw_check_growth(f, at, &len);
	if (unlikely(f->inode->mode & (S_ISUID | S_ISGID)) && !err)
		drop_set_id(f->inode);
	u->left = len;
	return err;
}

ssize_t rw_read(struct file *f, struct uio *u, uint64_t *pos)
{
	ssize_t n = file_read(f, u, pos);

	if (fs_is_watched() && n > 0 && f->path.dentry)
		fs_notify_path(&f->path, IN_ACCESS);
	return n;
}

ssize_t rw_write(struct file *f, struct uio *u, uint64_t *pos)
{
	ssize_t n;

	if (!(f->mode & FMODE_STREAM)) {
		int err = write_check(f, u, pos);

		if (unlikely(err))
			return f->mode & FMODE_WRITE ? err : -EBADF;
	}
	n = file_write(f, u, pos);
	if (unlikely(n == -EPIPE && !(f->mode & FMODE_QUIET)))
		rw_broken_pipe();
	if (fs_is_watched() && n > 0 && f->path.dentry)
		fs_notify_path(&f->path, IN_MODIFY);
	return n;
}

static long rw_simple(uint64_t fd, uint64_t buf, uint64_t n, uint64_t *pos,
		      bool write)
{
	bool counted;
	struct file *f = fd_borrow((int)fd, &counted);
	struct kiovec v;
	struct uio u;
	ssize_t ret;

	if (!f)
		return -EBADF;
	if (unlikely(pos && f->mode & FMODE_STREAM))
		ret = -ESPIPE;
	else if (unlikely(!(f->mode & (write ? FMODE_WRITE : FMODE_READ))))
		ret = -EBADF;
	else if (unlikely(!user_range_ok((void *)buf, n)))
		ret = -EFAULT;
	else if (unlikely(pos && (int64_t)(*pos + n) < 0))
		ret = -EINVAL;
	else {
		uio_init(&u, &v, (void *)buf, MIN(n, MAX_RW_BYTES), true);
		ret = write ? rw_write(f, &u, pos) : rw_read(f, &u, pos);
	}
	fd_return(f, counted);
	return ret;
}

long sys_read(uint64_t fd, uint64_t buf, uint64_t n)
{
	return rw_simple(fd, buf, n, NULL, false);
}

long sys_write(uint64_t fd, uint64_t buf, uint64_t n)
{
	return rw_simple(fd, buf, n, NULL, true);
}

long sys_pread64(uint64_t fd, uint64_t buf, uint64_t n, uint64_t off)
{
	if ((int64_t)off < 0)
		return -EINVAL;
	return rw_simple(fd, buf, n, &off, false);
}

long sys_pwrite64(uint64_t fd, uint64_t buf, uint64_t n, uint64_t off)
{
	if ((int64_t)off < 0)
		return -EINVAL;
	return rw_simple(fd, buf, n, &off, true);
}

/* --- scattered ------------------------------------------------------------*/
#define RWF_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)

/* RWF_NOWAIT: refuse what would have to wait. */
static int nowait_check(struct file *f, bool write)
{
	uint32_t want = write ? 4u : 1u;	/* EPOLLOUT, EPOLLIN */

	if (!(f->mode & FMODE_STREAM))
		return 0;
	return file_poll(f, NULL) & (want | 8u | 16u) ? 0 : -EAGAIN;
}

ssize_t rw_vector(struct file *f, struct uio *u, uint64_t *pos, uint64_t rwf,
		  bool write)
{
	uint64_t end;
	ssize_t ret = 0;

	if (rwf & ~(uint64_t)RWF_KNOWN)
		return -EOPNOTSUPP;
	if (rwf & RWF_NOWAIT)
		ret = nowait_check(f, write);
	if (ret)
		return ret;
	if (write && rwf & RWF_APPEND && !(f->mode & FMODE_STREAM)) {
		end = f->inode->size;
		if (!pos)
			f->pos = end;
		pos = pos ? &end : NULL;
	}
	ret = write ? rw_write(f, u, pos) : rw_read(f, u, pos);
	if (write && ret > 0 && rwf & (RWF_DSYNC | RWF_SYNC) && f->ops->fsync)
		f->ops->fsync(f, !(rwf & RWF_SYNC));
	return ret;
}

static long rw_iov(uint64_t fd, uint64_t iov, uint64_t nr, uint64_t *pos,
		   uint64_t rwf, bool write)
{
	bool counted;
	struct file *f = fd_borrow((int)fd, &counted);
	struct user_iov v;
	ssize_t ret;

	if (!f)
		return -EBADF;
	if (pos && f->mode & FMODE_STREAM)
		ret = -ESPIPE;
	else if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		ret = -EBADF;
	else
		ret = user_iov_init(&v, iov, nr);
	if (!ret) {
		if (pos && (int64_t)(*pos + v.uio.left) < 0)
			ret = -EINVAL;
		else if (v.uio.left || f->mode & FMODE_STREAM)
			ret = rw_vector(f, &v.uio, pos, rwf, write);
		user_iov_fini(&v);
	}
	fd_return(f, counted);
	return ret;
}

long sys_readv(uint64_t fd, uint64_t iov, uint64_t nr)
{
	return rw_iov(fd, iov, nr, NULL, 0, false);
}

long sys_writev(uint64_t fd, uint64_t iov, uint64_t nr)
{
	return rw_iov(fd, iov, nr, NULL, 0, true);
}

long sys_preadv(uint64_t fd, uint64_t iov, uint64_t nr, uint64_t off,
		uint64_t high)
{
	if ((int64_t)off < 0)
		return -EINVAL;
	return rw_iov(fd, iov, nr, &off, 0, false);
}

long sys_pwritev(uint64_t fd, uint64_t iov, uint64_t nr, uint64_t off,
		 uint64_t high)
{
	if ((int64_t)off < 0)
		return -EINVAL;
	return rw_iov(fd, iov, nr, &off, 0, true);
}

static long rw_iov2(uint64_t fd, uint64_t iov, uint64_t nr, uint64_t off,
		    uint64_t rwf, bool write)
{
	if (off == ~0ull)
		return rw_iov(fd, iov, nr, NULL, rwf, write);
	if ((int64_t)off < 0)
		return -EINVAL;
	return rw_iov(fd, iov, nr, &off, rwf, write);
}

long sys_preadv2(uint64_t fd, uint64_t iov, uint64_t nr, uint64_t off,
		 uint64_t high, uint64_t rwf)
{
	return rw_iov2(fd, iov, nr, off, rwf, false);
}

long sys_pwritev2(uint64_t fd, uint64_t iov, uint64_t nr, uint64_t off,
		  uint64_t high, uint64_t rwf)
{
	return rw_iov2(fd, iov, nr, off, rwf, true);
}

long sys_lseek(uint64_t fd, uint64_t off, uint64_t whence)
{
	bool counted;
	struct file *f = fd_borrow((int)fd, &counted);
	long ret;

	if (!f)
		return -EBADF;
	ret = (uint32_t)whence > SEEK_HOLE ? -EINVAL :
	      file_seek(f, (int64_t)off, (int)whence);
	fd_return(f, counted);
	return ret;
}
