/* SPDX-License-Identifier: MIT */
/*
 * Requests of the file server that change nothing: lookup, attributes, open,
 * listing, extended attributes.
 *
 * Every name is one component below a descriptor and is never followed if it
 * is a symbolic link. Only regular files are opened, never blocking. Pseudo
 * file systems of the host (proc, sys, ...) that happen to be mounted inside
 * an export are not entered.
 */
#include "dev/files/fsrv_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define HOST_STATX_BTIME	0x800u
#define STATX_WANTED		0xfffu	/* basic ones and birth time */
#define FD_PATH_MAX (32 + FSRV_NAME_MAX)

/* f_type of file systems that are windows into the host's kernel. */
static const uint32_t pseudo_types[] = {
	0x9fa0,		/* proc */
	0x62656572,	/* sysfs */
	0x27e0eb,	/* cgroup */
	0x63677270,	/* cgroup2 */
	0x64626720,	/* debugfs */
	0x74726163,	/* tracefs */
	0x73636673,	/* securityfs */
	0xcafe4a11,	/* bpf */
	0x62656570,	/* configfs */
	0xde5e81e4,	/* efivarfs */
	0x6165676c,	/* pstore */
	0x19800202,	/* mqueue */
	0xf97cff8c,	/* selinux */
	0x43415d53,	/* smack */
	0x1cd1,		/* devpts */
	0x42494e4d,	/* binfmt_misc */
	0x6c6f6f70,	/* binder */
	0x6e736673,	/* nsfs */
	0x65735543,	/* fusectl */
};

static bool is_pseudo(int fd)
{
	struct statfs f;

	if (fstatfs(fd, &f))
		return true;
	for (size_t i = 0; i < sizeof(pseudo_types) / sizeof(*pseudo_types);
	     i++)
		if ((uint32_t)f.f_type == pseudo_types[i])
			return true;
	return false;
}

uint64_t fsrv_stat_dev(const struct host_statx *x)
{
	return ((uint64_t)x->stx_dev_major << 32) | x->stx_dev_minor;
}

static int64_t to_ns(const struct host_time *t)
{
	return t->tv_sec * 1000000000ll + t->tv_nsec;
}

void fsrv_fill_attr(struct fsrv_attr *a, const struct host_statx *x)
{
	memset(a, 0, sizeof(*a));
	a->dev = fsrv_stat_dev(x);
	a->ino = x->stx_ino;
	a->size = x->stx_size;
	a->blocks = x->stx_blocks;
	a->mode = x->stx_mode;
	a->nlink = x->stx_nlink;
	a->uid = x->stx_uid;
	a->gid = x->stx_gid;
	a->rdev_major = x->stx_rdev_major;
	a->rdev_minor = x->stx_rdev_minor;
	a->blksize = x->stx_blksize;
	a->atime_ns = to_ns(&x->stx_atime);
	a->mtime_ns = to_ns(&x->stx_mtime);
	a->ctime_ns = to_ns(&x->stx_ctime);
	if (x->stx_mask & HOST_STATX_BTIME)
		a->btime_ns = to_ns(&x->stx_btime);
}

int fsrv_stat(int fd, const char *name, struct host_statx *x)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;

	if (!*name)
		flags |= AT_EMPTY_PATH;
	return syscall(SYS_statx, fd, name, flags, STATX_WANTED, x) ? -errno : 0;
}

bool fsrv_others_may(const struct fsrv_call *c, uint32_t mode, uint32_t bits)
{
	if (!(c->export->flags & FSRV_EXPORT_AS_NOBODY))
		return true;
	return (mode & bits) == bits;
}

int fsrv_check_directory(struct fsrv_call *c, uint32_t bits)
{
	struct host_statx x;
	int err;

	if (c->dir->kind != FSRV_DIR)
		return -ENOTDIR;
	if (!(c->export->flags & FSRV_EXPORT_AS_NOBODY))
		return 0;
	err = fsrv_stat(c->dir->fd, "", &x);
	if (err)
		return err;
	return fsrv_others_may(c, x.stx_mode, bits) ? 0 : -EACCES;
}

int fsrv_open_beneath(int dir, const char *name, int flags, unsigned int mode)
{
	static bool no_openat2;
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | FSRV_OPEN_ALWAYS),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	if (flags & O_PATH)
		how.flags &= ~(uint64_t)(O_NONBLOCK | O_NOCTTY);
	if (!no_openat2) {
		fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno != ENOSYS && errno != EPERM)
			return -errno;
		/* EPERM may also be a container's filter */
		no_openat2 = errno == ENOSYS;
	}
	fd = openat(dir, name, (int)how.flags, mode);
	return fd < 0 ? -errno : (int)fd;
}

bool fsrv_is_object(const struct fsrv_call *c)
{
	return c->dir->kind == FSRV_NODE ||
	       (c->export->flags & FSRV_EXPORT_IS_FILE);
}

/* The file that a handle is itself: its descriptor is a path only. */
static int reopen_object(int fd, int flags)
{
	char path[FD_PATH_MAX];
	int n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = open(path, (flags | FSRV_OPEN_ALWAYS) & ~O_NOFOLLOW);
	return n < 0 ? -errno : n;
}

static uint32_t open_needs(int flags)
{
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return 4;
	case O_WRONLY:
		return 2;
	default:
		return 6;
	}
}

/* Open what was a regular file a moment ago, and make sure of it. */
static int open_checked(struct fsrv_call *c, int flags, unsigned int mode,
			struct host_statx *x)
{
	int dir = c->dir->fd, fd, err;

	/* O_TRUNC only once it is known what was opened */
	fd = *c->name ? fsrv_open_beneath(dir, c->name, flags & ~O_TRUNC, mode) :
			reopen_object(dir, flags & ~O_TRUNC);
	if (fd < 0)
		return fd;
	err = fsrv_stat(fd, "", x);
	if (!err && !S_ISREG(x->stx_mode))
		err = -ENXIO;
	if (!err && !fsrv_others_may(c, x->stx_mode, open_needs(flags)))
		err = -EACCES;
	if (!err && fsrv_stat_dev(x) != c->dir->dev && is_pseudo(fd))
		err = -EACCES;
	if (!err && (flags & O_TRUNC))
		err = ftruncate(fd, 0) ? -errno : fsrv_stat(fd, "", x);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int fsrv_open_regular(struct fsrv_call *c, int flags, unsigned int mode,
		      struct host_statx *x)
{
	int err;

	/* Look first: opening a device or FIFO has effects. */
	if (!(flags & O_CREAT)) {
		err = fsrv_stat(c->dir->fd, c->name, x);
		if (err)
			return err;
		if (S_ISLNK(x->stx_mode))
			return -ELOOP;
		if (S_ISDIR(x->stx_mode))
			return -EISDIR;
		if (!S_ISREG(x->stx_mode))
			return -ENXIO;
	}
	return open_checked(c, flags, mode, x);
}

int fsrv_lookup_directory(struct fsrv_call *c, struct host_statx *x)
{
	int fd = fsrv_open_beneath(c->dir->fd, c->name, O_PATH | O_DIRECTORY, 0);
	int err;

	if (fd < 0)
		return fd;
	err = fsrv_stat(fd, "", x);
	if (!err && fsrv_stat_dev(x) != c->dir->dev && is_pseudo(fd)) {
		/* it is there, but there is no way into it */
		close(fd);
		return 0;
	}
	if (!err)
		err = fsrv_handle_add(c->server, c->dir, fd, FSRV_DIR,
				      fsrv_stat_dev(x), &c->r->handle);
	if (err)
		close(fd);
	return err;
}

/* A handle for whatever is there, not followed and not opened. */
static int lookup_node(struct fsrv_call *c)
{
	int fd = fsrv_open_beneath(c->dir->fd, c->name, O_PATH, 0);
	enum fsrv_kind kind = FSRV_NODE;
	struct host_statx x;
	int err;

	if (fd < 0)
		return fd;
	err = fsrv_stat(fd, "", &x);
	if (!err && S_ISDIR(x.stx_mode) &&
	    (fsrv_stat_dev(&x) == c->dir->dev || !is_pseudo(fd)))
		kind = FSRV_DIR;
	if (!err)
		err = fsrv_handle_add(c->server, c->dir, fd, kind,
				      fsrv_stat_dev(&x), &c->r->handle);
	if (err)
		close(fd);
	else
		fsrv_fill_attr(&c->r->attr, &x);
	return err;
}

ssize_t fsrv_node_readlink(struct fsrv *s, uint32_t handle, char *out,
			   size_t size)
{
	struct fsrv_handle *h = fsrv_handle_find(s, handle);
	ssize_t n;

	if (!h)
		return -EBADF;
	if (h->kind != FSRV_NODE)
		return -EINVAL;
	n = readlinkat(h->fd, "", out, size);
	if (n < 0)
		return errno == ENOENT ? -EINVAL : -errno;
	return n;
}

int fsrv_do_lookup(struct fsrv_call *c)
{
	int err = fsrv_check_directory(c, 1);
	struct host_statx x;
	ssize_t n;

	if (!err && c->want_node)
		return lookup_node(c);
	if (!err)
		err = fsrv_stat(c->dir->fd, c->name, &x);
	if (err)
		return err;
	if (S_ISDIR(x.stx_mode) && !(c->q.op == FSRV_LOOKUP &&
				     (c->q.flags & FSRV_LOOKUP_ATTR))) {
		err = fsrv_lookup_directory(c, &x);
		if (err)
			return err;
	} else if (S_ISLNK(x.stx_mode)) {
		n = readlinkat(c->dir->fd, c->name, c->out, FSRV_DATA_MAX);
		if (n < 0)
			return -errno;
		c->r->data_len = (uint32_t)n;
	} else if (S_ISREG(x.stx_mode) && c->q.op == FSRV_LOOKUP &&
		   (c->q.flags & FSRV_LOOKUP_OPEN) &&
		   !(c->export->flags & FSRV_EXPORT_LIVE)) {
		struct host_statx opened;

		/* if it can not be opened, that is no error of the lookup */
		c->fd = open_checked(c, O_RDONLY, 0, &opened);
		if (c->fd >= 0)
			x = opened;
	}
	fsrv_fill_attr(&c->r->attr, &x);
	return 0;
}

int fsrv_do_getattr(struct fsrv_call *c)
{
	struct host_statx x;
	int err = fsrv_stat(c->dir->fd, "", &x);

	if (!err)
		fsrv_fill_attr(&c->r->attr, &x);
	return err;
}

int fsrv_next_name(struct fsrv_call *c, size_t *at)
{
	const char *p = c->data + *at;
	size_t left = c->q.data_len - *at, len = strnlen(p, left);

	if (!left)
		return 0;
	*at += len + 1;
	return !len || len == left || fsrv_name_take(c->name, p, len) ?
	       -EINVAL : 1;
}

int fsrv_do_open_many(struct fsrv_call *c)
{
	int err = fsrv_check_directory(c, 1), fd;
	struct fsrv_opened *opened = (void *)c->out;
	struct host_statx x;
	size_t at = 0;

	if (!err && (c->export->flags & FSRV_EXPORT_LIVE))
		err = -EINVAL;
	while (!err && c->nr_more < FSRV_FDS_MAX) {
		err = fsrv_next_name(c, &at);
		if (err <= 0)
			break;
		err = 0;
		fd = fsrv_open_regular(c, O_RDONLY, 0, &x);
		if (fd < 0)
			break;
		opened[c->nr_more] = (struct fsrv_opened){
			.dev = fsrv_stat_dev(&x), .ino = x.stx_ino,
		};
		c->more_fds[c->nr_more++] = fd;
	}
	c->r->data_len = (uint32_t)(c->nr_more * sizeof(*opened));
	return err;
}

int fsrv_do_open(struct fsrv_call *c)
{
	int flags = (int)c->q.flags & (O_ACCMODE | O_TRUNC), fd, err;
	struct host_statx x;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if ((c->export->flags & FSRV_EXPORT_READ_ONLY) && flags != O_RDONLY)
		return -EROFS;
	if (*c->name) {
		err = fsrv_check_directory(c, 1);
		if (err)
			return err;
	} else if (!fsrv_is_object(c)) {
		return -EISDIR;
	}
	fd = fsrv_open_regular(c, flags, 0, &x);
	if (fd < 0)
		return fd;
	fsrv_fill_attr(&c->r->attr, &x);
	if (!(c->export->flags & FSRV_EXPORT_LIVE)) {
		c->fd = fd;
		return 0;
	}
	err = fsrv_handle_add(c->server, c->dir, fd, FSRV_FILE,
			      fsrv_stat_dev(&x), &c->r->handle);
	if (err)
		close(fd);
	else
		c->keep_fd = fd;
	return err;
}

int fsrv_do_statfs(struct fsrv_call *c)
{
	struct fsrv_statfs out;
	struct statfs f;

	if (fstatfs(c->dir->fd, &f))
		return -errno;
	out = (struct fsrv_statfs){
		.type = (uint64_t)f.f_type, .bsize = (uint64_t)f.f_bsize,
		.blocks = f.f_blocks, .bfree = f.f_bfree,
		.bavail = f.f_bavail, .files = f.f_files, .ffree = f.f_ffree,
		.namelen = (uint64_t)f.f_namelen,
	};
	memcpy(c->out, &out, sizeof(out));
	c->r->data_len = sizeof(out);
	return 0;
}

/* --- extended attributes: those named user.*, of what may be read -----------*/

/* A path for the calls that take no descriptor of type O_PATH. */
static int xattr_path(struct fsrv_call *c, char *path, size_t size)
{
	struct host_statx x;
	int err = *c->name ? fsrv_check_directory(c, 1) : 0;

	if (!err)
		err = fsrv_stat(c->dir->fd, c->name, &x);
	if (err)
		return err;
	if (!S_ISREG(x.stx_mode) && !S_ISDIR(x.stx_mode))
		return -ENODATA;
	if (!fsrv_others_may(c, x.stx_mode, 4))
		return -EACCES;
	snprintf(path, size, *c->name ? "/proc/self/fd/%d/%s" :
		 "/proc/self/fd/%d", c->dir->fd, c->name);
	return 0;
}

int fsrv_do_xattr_get(struct fsrv_call *c)
{
	char path[FD_PATH_MAX], name[FSRV_NAME_MAX + 1];
	ssize_t n;
	int err;

	if (c->q.data_len > FSRV_NAME_MAX || !c->q.data_len)
		return -ERANGE;
	memcpy(name, c->data, c->q.data_len);
	name[c->q.data_len] = 0;
	if (strncmp(name, "user.", 5))
		return -ENODATA;
	err = xattr_path(c, path, sizeof(path));
	if (err)
		return err;
	n = *c->name ? lgetxattr(path, name, c->out, FSRV_DATA_MAX) :
		       getxattr(path, name, c->out, FSRV_DATA_MAX);
	if (n < 0)
		return -errno;
	c->r->data_len = (uint32_t)n;
	return 0;
}

int fsrv_do_xattr_list(struct fsrv_call *c)
{
	char path[FD_PATH_MAX];
	ssize_t n, kept = 0;
	int err;

	err = xattr_path(c, path, sizeof(path));
	if (err)
		return err == -ENODATA ? 0 : err;
	n = *c->name ? llistxattr(path, c->out, FSRV_DATA_MAX) :
		       listxattr(path, c->out, FSRV_DATA_MAX);
	if (n < 0)
		return -errno;
	for (ssize_t at = 0; at < n;) {
		size_t len = strlen(c->out + at) + 1;

		if (!strncmp(c->out + at, "user.", 5)) {
			memmove(c->out + kept, c->out + at, len);
			kept += (ssize_t)len;
		}
		at += (ssize_t)len;
	}
	c->r->data_len = (uint32_t)kept;
	return 0;
}
