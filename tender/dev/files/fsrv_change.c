/* SPDX-License-Identifier: MIT */
/*
 * Requests of the file server that change a live volume, made with the
 * tender's own rights. The dispatcher lets them through for writable exports
 * only, and never for "as nobody" ones.
 */
#include "dev/files/fsrv_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE	1u
#define RENAME_EXCHANGE		2u
#endif
#define SYS_FCHMODAT2		452
#define TARGET_MAX		4095u

/* Never a set-user-ID or set-group-ID file on the host. */
static unsigned int file_mode(unsigned int mode)
{
	return mode & 01777;
}

int fsrv_do_create(struct fsrv_call *c)
{
	int flags = ((int)c->q.flags & O_ACCMODE) | O_CREAT | O_EXCL, fd, err;
	struct host_statx x;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	fd = fsrv_open_regular(c, flags, file_mode(c->q.mode), &x);
	if (fd < 0)
		return fd;
	fsrv_fill_attr(&c->r->attr, &x);
	if (!(c->export->flags & FSRV_EXPORT_LIVE)) {
		c->fd = fd;
		return 0;
	}
	err = fsrv_handle_add(c->server, c->dir, fd, FSRV_FILE, 0,
			      &c->r->handle);
	if (err) {
		close(fd);
		unlinkat(c->dir->fd, c->name, 0);
		return err;
	}
	c->keep_fd = fd;
	return 0;
}

int fsrv_do_mkdir(struct fsrv_call *c)
{
	if (mkdirat(c->dir->fd, c->name, c->q.mode & 01777))
		return -errno;
	return fsrv_do_lookup(c);
}

int fsrv_do_symlink(struct fsrv_call *c)
{
	char target[TARGET_MAX + 1];

	if (!c->q.data_len)
		return -ENOENT;
	if (c->q.data_len > TARGET_MAX)
		return -ENAMETOOLONG;
	if (memchr(c->data, 0, c->q.data_len))
		return -EINVAL;
	memcpy(target, c->data, c->q.data_len);
	target[c->q.data_len] = 0;
	if (symlinkat(target, c->dir->fd, c->name))
		return -errno;
	return fsrv_do_lookup(c);
}

int fsrv_do_mknod(struct fsrv_call *c)
{
	unsigned int type = c->q.mode & S_IFMT;

	if (type != S_IFIFO && type != S_IFSOCK && type != S_IFREG)
		return -EPERM;
	if (mknodat(c->dir->fd, c->name, type | file_mode(c->q.mode), 0))
		return -errno;
	return fsrv_do_lookup(c);
}

int fsrv_do_unlink(struct fsrv_call *c)
{
	return unlinkat(c->dir->fd, c->name, 0) ? -errno : 0;
}

int fsrv_do_rmdir(struct fsrv_call *c)
{
	return unlinkat(c->dir->fd, c->name, AT_REMOVEDIR) ? -errno : 0;
}

int fsrv_do_rename(struct fsrv_call *c)
{
	/* no whiteouts: they are devices */
	if (c->q.flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (syscall(SYS_renameat2, c->dir->fd, c->name, c->dir2->fd, c->name2,
		    c->q.flags))
		return -errno;
	return 0;
}

int fsrv_do_link(struct fsrv_call *c)
{
	char path[64];
	int fd = c->dir->fd;

	if (!*c->name2 || (!*c->name && c->dir->kind != FSRV_NODE))
		return -ENOENT;
	if (!*c->name) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (linkat(AT_FDCWD, path, c->dir2->fd, c->name2,
			   AT_SYMLINK_FOLLOW))
			return errno == ENOENT ? -EPERM : -errno;
		return 0;
	}
	/* flags 0: a symbolic link itself gets the name */
	if (linkat(c->dir->fd, c->name, c->dir2->fd, c->name2, 0))
		return -errno;
	return 0;
}

/* --- attributes -------------------------------------------------------------*/

/*
 * The object of a SETATTR as a descriptor that names it for good: an open
 * file's own, or an O_PATH one, so that what was checked is what is changed.
 */
static int open_object(struct fsrv_call *c, bool *is_own)
{
	int fd;

	*is_own = true;
	if (!*c->name)
		return c->dir->fd;
	fd = openat(c->dir->fd, c->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	*is_own = false;
	return fd < 0 ? -errno : fd;
}

static int set_mode(int fd, unsigned int mode)
{
	char path[64];

	if (!syscall(SYS_FCHMODAT2, fd, "", mode, AT_EMPTY_PATH))
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, mode) ? -errno : 0;
}

static int set_size(struct fsrv_call *c, int object, uint64_t size)
{
	struct host_statx x, now;
	int fd, err = 0;

	if (size > INT64_MAX)
		return -EFBIG;
	/* an open file that is writable, else by its name */
	if (!ftruncate(object, (off_t)size))
		return 0;
	if (errno != EBADF && errno != EINVAL)
		return -errno;
	if (!*c->name && !fsrv_is_object(c))
		return -EINVAL;
	err = fsrv_stat(object, "", &x);
	if (err)
		return err;
	fd = fsrv_open_regular(c, O_WRONLY, 0, &now);
	if (fd < 0)
		return fd;
	if (x.stx_ino != now.stx_ino)
		err = -ESTALE;
	else if (ftruncate(fd, (off_t)size))
		err = -errno;
	close(fd);
	return err;
}

static struct timespec to_timespec(int64_t ns, bool valid)
{
	struct timespec t = { .tv_sec = ns / 1000000000,
			      .tv_nsec = ns % 1000000000 };

	if (t.tv_nsec < 0) {
		t.tv_nsec += 1000000000;
		t.tv_sec--;
	}
	if (!valid)
		t.tv_nsec = UTIME_OMIT;
	return t;
}

/* Times by name: there is no call for a descriptor of a symbolic link. */
static int set_times(struct fsrv_call *c, int object)
{
	const struct fsrv_attr *a = &c->q.attr;
	struct timespec t[2] = {
		to_timespec(a->atime_ns, c->q.valid & FSRV_SET_ATIME),
		to_timespec(a->mtime_ns, c->q.valid & FSRV_SET_MTIME),
	};
	char path[64];
	int err;

	if (*c->name) {
		err = utimensat(c->dir->fd, c->name, t, AT_SYMLINK_NOFOLLOW);
	} else if (c->dir->kind == FSRV_FILE) {
		err = futimens(object, t);
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", object);
		err = utimensat(AT_FDCWD, path, t, 0);
	}
	return err ? -errno : 0;
}

static int set_attributes(struct fsrv_call *c, int fd, const struct host_statx *x)
{
	const struct fsrv_attr *a = &c->q.attr;
	uint32_t valid = c->q.valid;
	int err = 0;

	if (valid & (FSRV_SET_UID | FSRV_SET_GID)) {
		uid_t uid = valid & FSRV_SET_UID ? a->uid : (uid_t)-1;
		gid_t gid = valid & FSRV_SET_GID ? a->gid : (gid_t)-1;

		if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH))
			return -errno;
	}
	if (valid & FSRV_SET_SIZE)
		err = S_ISREG(x->stx_mode) ? set_size(c, fd, a->size) :
					     -EINVAL;
	if (!err && (valid & FSRV_SET_MODE)) {
		if (S_ISLNK(x->stx_mode))
			return -EOPNOTSUPP;
		err = set_mode(fd, S_ISDIR(x->stx_mode) ? a->mode & 03777 :
							  file_mode(a->mode));
	}
	if (!err && (valid & (FSRV_SET_ATIME | FSRV_SET_MTIME)))
		err = set_times(c, fd);
	return err;
}

int fsrv_do_setattr(struct fsrv_call *c)
{
	struct host_statx x;
	bool is_own;
	int err, fd = open_object(c, &is_own);

	if (fd < 0)
		return fd;
	err = fsrv_stat(fd, "", &x);
	if (!err)
		err = set_attributes(c, fd, &x);
	if (!err)
		err = fsrv_stat(fd, "", &x);
	if (!err)
		fsrv_fill_attr(&c->r->attr, &x);
	if (!is_own)
		close(fd);
	return err;
}

int fsrv_do_fsync(struct fsrv_call *c)
{
	int fd = c->dir->fd, err;

	if (c->dir->kind == FSRV_FILE) {
		err = c->q.flags & FSRV_FSYNC_DATA ? fdatasync(fd) : fsync(fd);
		return err ? -errno : 0;
	}
	fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

int fsrv_do_fallocate(struct fsrv_call *c)
{
	struct host_statx x;
	int err;

	if (c->dir->kind != FSRV_FILE)
		return -EBADF;
	if (c->q.mode & ~FSRV_FALLOCATE_MODES)
		return -EOPNOTSUPP;
	if (fallocate(c->dir->fd, (int)c->q.mode, (off_t)c->q.offset,
		      (off_t)c->q.attr.size))
		return -errno;
	err = fsrv_stat(c->dir->fd, "", &x);
	if (!err)
		fsrv_fill_attr(&c->r->attr, &x);
	return err;
}
