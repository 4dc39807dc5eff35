/* SPDX-License-Identifier: MIT */
/*
 * Regular files of host trees. All open files of an inode share one host
 * descriptor for reading and one for writing. When the last user closes, one
 * for reading stays in a list of idle ones, so that opening again is free. Data
 * goes straight between the host and the program.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/timer.h"
#include "fs/hostfs/channel.h"
#include "fs/hostfs/hostfs.h"
#include "lib/string.h"

#define IDLE_MAX	96u
#define BOUNCE_SIZE	8192u
#define NOT_INTERRUPTED_TRIES 1000

/* Under hostfs_lock. */
static struct list idle_fds = LIST_INIT(idle_fds);
static uint32_t nr_idle;

static void close_slot(int fd, uint32_t handle)
{
	if (fd >= 0)
		plat_fd_close(fd);
	if (handle)
		server_forget(handle);
}

static void leave_idle_locked(struct hostfd *s)
{
	if (list_is_empty(&s->idle))
		return;
	list_remove(&s->idle);
	nr_idle--;
}

/*
 * Close idle descriptors until `keep` remain. A slot is only touched when its
 * open_lock is free: who holds it is about to use it.
 */
static void trim_idle(uint32_t keep)
{
	for (;;) {
		struct hostfd *s = NULL;
		uint32_t handle = 0;
		int fd = -1;

		mutex_lock(&hostfs_lock);
		if (nr_idle > keep && !list_is_empty(&idle_fds)) {
			s = list_first(&idle_fds, struct hostfd, idle);
			leave_idle_locked(s);
			if (mutex_try_lock(&s->node->open_lock)) {
				fd = s->fd;
				handle = s->handle;
				s->fd = -1;
				s->handle = 0;
				mutex_unlock(&s->node->open_lock);
			}
		}
		mutex_unlock(&hostfs_lock);
		if (!s)
			return;
		close_slot(fd, handle);
	}
}

void hostfd_close_all(struct hostnode *n)
{
	for (int k = 0; k < 2; k++) {
		struct hostfd *s = &n->fds[k];

		mutex_lock(&hostfs_lock);
		leave_idle_locked(s);
		mutex_unlock(&hostfs_lock);
		close_slot(s->fd, s->handle);
		s->fd = -1;
	}
}

void hostfd_close_idle(struct hostnode *n)
{
	struct hostfd *s = &n->fds[0];
	uint32_t handle = 0;
	int fd = -1;

	mutex_lock(&n->open_lock);
	mutex_lock(&hostfs_lock);
	if (!s->users && s->fd >= 0) {
		leave_idle_locked(s);
		fd = s->fd;
		handle = s->handle;
		s->fd = -1;
		s->handle = 0;
	}
	mutex_unlock(&hostfs_lock);
	mutex_unlock(&n->open_lock);
	close_slot(fd, handle);
}

void hostfd_adopt(struct hostnode *n, int fd, uint32_t handle)
{
	struct hostfd *s = &n->fds[1];

	mutex_lock(&n->open_lock);
	if (s->fd < 0) {
		s->fd = fd;
		s->handle = handle;
		s->write_only = false;
		fd = -1;
	}
	mutex_unlock(&n->open_lock);
	if (fd >= 0)
		close_slot(fd, handle);
}

/* s has no user: keep its descriptor for the next. Locks held: both. */
static bool make_idle_locked(struct hostfd *s)
{
	list_append(&idle_fds, &s->idle);
	return ++nr_idle > IDLE_MAX;
}

void hostfd_keep(struct hostnode *n, int fd)
{
	struct hostfd *s = &n->fds[0];
	bool trim = false;

	mutex_lock(&n->open_lock);
	if (s->fd < 0) {
		s->fd = fd;
		fd = -1;
		mutex_lock(&hostfs_lock);
		trim = make_idle_locked(s);
		mutex_unlock(&hostfs_lock);
	}
	mutex_unlock(&n->open_lock);
	if (fd >= 0)
		plat_fd_close(fd);
	if (trim)
		trim_idle(IDLE_MAX - IDLE_MAX / 4);
}

/* Ask the server for a descriptor of n. open_lock held. */
static int open_host(struct hostnode *n, struct hostfd *s, uint32_t flags)
{
	struct fsrv_request rq = { .op = FSRV_OPEN, .flags = flags };
	struct inode *parent = NULL;
	struct fsrv_reply rp;
	char name[256] = "";
	int err, fd = flags == O_RDONLY ? hostfd_open_ahead(n) : -1;

	if (fd >= 0)
		goto out_opened;
	mutex_lock(&hostfs_lock);
	if (n->is_root) {
		parent = inode_get(n->inode);
	} else if (n->parent && n->name) {
		parent = inode_get(n->parent);
		strlcpy(name, n->name, sizeof(name));
	}
	mutex_unlock(&hostfs_lock);
	if (!parent)
		return -ESTALE;	/* it lost its name after the lookup */
	err = hostnode_call(parent, NULL, &rq, name, NULL, NULL, &rp, NULL, 0,
			    &fd);
	inode_put(parent);
	if (!err && fd < 0)
		err = -ENFILE;
	if (!err && (rp.attr.ino != n->host_ino ||
		     rp.attr.dev != n->host_dev)) {
		close_slot(fd, rp.handle);
		err = -ESTALE;	/* the host replaced it after the lookup */
	}
	if (err)
		return err;
	hostnode_set_attr(n->inode, &rp.attr);
	s->handle = rp.handle;
out_opened:
	s->fd = fd;
	s->write_only = flags == O_WRONLY;
	return 0;
}

static int fill_slot(struct hostnode *n, struct hostfd *s, uint32_t mode)
{
	int err;

	if (s->fd >= 0 && s->write_only && (mode & FMODE_READ))
		return -EACCES;
	if (s->fd >= 0)
		return 0;
	if (!(mode & FMODE_WRITE)) {
		err = open_host(n, s, O_RDONLY);
	} else {
		err = open_host(n, s, O_RDWR);
		if (err == -EACCES && !(mode & FMODE_READ))
			err = open_host(n, s, O_WRONLY);
	}
	if (err == -ENFILE && nr_idle) {
		trim_idle(0);
		err = open_host(n, s, mode & FMODE_WRITE ? O_RDWR : O_RDONLY);
	}
	return err;
}

int hostfs_open(struct inode *i, struct file *f)
{
	struct hostnode *n = hostnode(i);
	struct hostfd *s = &n->fds[f->mode & FMODE_WRITE ? 1 : 0];
	int err;

	mutex_lock(&n->open_lock);
	/* what is open for writing serves readers as well */
	if (n->fds[0].fd < 0 && n->fds[1].fd >= 0 && !n->fds[1].write_only)
		s = &n->fds[1];
	err = fill_slot(n, s, f->mode);
	if (!err) {
		mutex_lock(&hostfs_lock);
		s->users++;
		leave_idle_locked(s);
		mutex_unlock(&hostfs_lock);
		f->private = s;
	}
	mutex_unlock(&n->open_lock);
	return err;
}

static void hostfile_release(struct file *f)
{
	struct hostfd *s = f->private;
	struct hostnode *n = hostnode(f->inode);
	/* what was open for writing the host may want to execute */
	bool keep = s == &n->fds[0] && f->inode->nlink, trim = false;
	uint32_t handle = 0;
	int fd = -1;

	mutex_lock(&n->open_lock);
	mutex_lock(&hostfs_lock);
	if (--s->users == 0) {
		if (keep) {
			trim = make_idle_locked(s);
		} else {
			fd = s->fd;
			handle = s->handle;
			s->fd = -1;
			s->handle = 0;
		}
	}
	mutex_unlock(&hostfs_lock);
	close_slot(fd, handle);
	mutex_unlock(&n->open_lock);
	if (trim)
		trim_idle(IDLE_MAX - IDLE_MAX / 4);
}

/* --- data ---------------------------------------------------------------------*/

/* Transfers by positions do not block: a kick must not end them half-way. */
static ssize_t host_transfer(int fd, void *p, size_t n, uint64_t off,
			     bool write)
{
	ssize_t r;
	int tries = 0;

	do
		r = write ? plat_fd_pwrite(fd, p, n, (int64_t)off) :
			    plat_fd_pread(fd, p, n, (int64_t)off);
	while (r == -EINTR && ++tries < NOT_INTERRUPTED_TRIES);
	return r == -EINTR ? -ERESTARTNOINTR : r;
}

/* The host could not reach the program's memory: by way of ours. */
static ssize_t bounce(int fd, struct uio *u, size_t n, uint64_t off,
		      bool write)
{
	char *buf = kmalloc(BOUNCE_SIZE);
	ssize_t r;

	if (!buf)
		return -ENOMEM;
	n = MIN(n, (size_t)BOUNCE_SIZE);
	if (write) {
		/* a copy of the cursor: only what is written counts */
		struct uio from = *u;

		n = uio_drain(&from, buf, n);
		r = n ? host_transfer(fd, buf, n, off, true) : -EFAULT;
		if (r > 0)
			uio_advance(u, (size_t)r);
	} else {
		r = host_transfer(fd, buf, n, off, false);
		if (r > 0) {
			size_t got = uio_fill(u, buf, (size_t)r);

			r = got ? (ssize_t)got : -EFAULT;
		}
	}
	kfree(buf);
	return r;
}

static ssize_t transfer(struct file *f, struct uio *u, uint64_t *pos,
			bool write)
{
	int fd = ((struct hostfd *)f->private)->fd;
	ssize_t done = 0, r = 0;

	while (u->left) {
		size_t len;
		void *p = uio_piece(u, &len);

		if (!len)
			break;
		if (*pos > INT64_MAX - len) {
			r = -EINVAL;
			break;
		}
		if (u->user && !user_range_ok(p, len))
			r = -EFAULT;
		else
			r = host_transfer(fd, p, len, *pos, write);
		if (r == -EFAULT && u->user)
			r = bounce(fd, u, len, *pos, write);
		else if (r > 0)
			uio_advance(u, (size_t)r);
		if (r <= 0)
			break;
		done += r;
		*pos += (uint64_t)r;
		if (!write && (size_t)r < len) {
			/* end of file, or a bounced piece */
			if (*pos >= __atomic_load_n(&f->inode->size,
						    __ATOMIC_RELAXED))
				break;
		}
	}
	return done ? done : r;
}

static ssize_t hostfile_read(struct file *f, struct uio *u, uint64_t *pos)
{
	return transfer(f, u, pos, false);
}

/* The size that the host sees now, without a round trip. */
static void refresh_size(struct file *f)
{
	int64_t size;

	if (!hostfs_of(f->inode)->live)
		return;
	size = plat_fd_seek(((struct hostfd *)f->private)->fd, 0, SEEK_END);
	if (size >= 0)
		__atomic_store_n(&f->inode->size, (uint64_t)size,
				 __ATOMIC_RELAXED);
}

static ssize_t hostfile_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inode *i = f->inode;
	ssize_t n;

	mutex_lock(&i->lock);
	if (f->flags & O_APPEND) {
		refresh_size(f);
		*pos = i->size;
	}
	n = transfer(f, u, pos, true);
	if (n > 0 && *pos > i->size)
		__atomic_store_n(&i->size, *pos, __ATOMIC_RELAXED);
	if (n > 0)
		inode_touch(i, false, true, true);
	__atomic_store_n(&hostnode(i)->fetched_ns, 0, __ATOMIC_RELAXED);
	mutex_unlock(&i->lock);
	return n;
}

static int64_t hostfile_seek(struct file *f, int64_t off, int whence)
{
	int64_t at;

	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		if (whence == SEEK_END)
			refresh_size(f);
		return file_seek_generic(f, off, whence);
	}
	at = plat_fd_seek(((struct hostfd *)f->private)->fd, off, whence);
	if (at < 0)
		return at;
	return file_seek_generic(f, at, SEEK_SET);
}

static uint64_t map_end(const struct file *f)
{
	return PAGE_UP(__atomic_load_n(&f->inode->size, __ATOMIC_RELAXED));
}

static int hostfile_map(struct file *f, uint64_t off, uint64_t len,
			bool write_shared, struct map_extent *out)
{
	struct hostfd *s = f->private;
	uint64_t end;

	if (write_shared && (!(f->mode & FMODE_WRITE) || s->write_only))
		return -EACCES;
	if (s->write_only)
		return -EACCES;
	end = map_end(f);
	/* it may have grown; and where it has shrunk, pages are not there */
	if ((off >= end || len > end - off) && !hostnode_is_fresh(f->inode)) {
		refresh_size(f);
		end = map_end(f);
	}
	memset(out, 0, sizeof(*out));
	if (off >= end)
		return 0;
	out->backing.kind = PLAT_BACK_HOST;
	out->backing.shared = write_shared;
	out->backing.host_fd = s->fd;
	out->backing.offset = off;
	out->len = MIN(len, end - off);
	return 0;
}

static int hostfile_fsync(struct file *f, bool data_only)
{
	struct fsrv_request rq = { .op = FSRV_FSYNC };
	struct fsrv_reply rp;

	if (!hostfs_of(f->inode)->live ||
	    (f->inode->sb->flags & SUPER_READ_ONLY))
		return 0;
	rq.flags = data_only ? FSRV_FSYNC_DATA : 0;
	return hostnode_call_self(f->inode, &rq, &rp);
}

static int hostfile_fallocate(struct file *f, int mode, uint64_t off,
			      uint64_t len)
{
	struct fsrv_request rq = {
		.op = FSRV_FALLOCATE, .mode = (uint32_t)mode, .offset = off,
		.dir = ((struct hostfd *)f->private)->handle, .attr.size = len,
	};
	struct fsrv_reply rp;
	int err;

	/* of a still tree there is no handle, and nothing is open for writing */
	if (!rq.dir || mode & ~FSRV_FALLOCATE_MODES)
		return -EOPNOTSUPP;
	mutex_lock(&f->inode->lock);
	err = server_call(&rq, NULL, NULL, NULL, &rp, NULL, 0, NULL);
	if (!err)
		hostnode_set_attr(f->inode, &rp.attr);
	mutex_unlock(&f->inode->lock);
	return err;
}

const struct file_ops hostfs_file_fops = {
	.read = hostfile_read,
	.write = hostfile_write,
	.seek = hostfile_seek,
	.map = hostfile_map,
	.fsync = hostfile_fsync,
	.fallocate = hostfile_fallocate,
	.release = hostfile_release,
};

const struct inode_ops hostfs_file_ops = {
	.getattr = hostfs_getattr,
	.setattr = hostfs_setattr,
	.getxattr = hostfs_getxattr,
	.listxattr = hostfs_listxattr,
	.open = hostfs_open,
	.evict = hostnode_evict,
};
