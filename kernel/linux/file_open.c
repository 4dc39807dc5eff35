/* SPDX-License-Identifier: MIT */
/*
 * open, creat, openat, openat2: flags are brought into the form that
 * vfs_open() takes, then a descriptor is reserved first, so that nothing is
 * created when the table is full.
 */
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "fs/notify.h"
#include "linux/path.h"

#define OPEN_FLAGS_VALID                                                     \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |      \
	 O_NONBLOCK | O_SYNC | O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE |   \
	 O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |         \
	 __O_TMPFILE)
#define OPEN_FLAGS_PATH (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)
#define OPEN_MODE_VALID 07777u
#define RESOLVE_VALID                                                        \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |     \
	 RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED)

/* Check and complete the flags, as Linux's build_open_flags does. */
static int open_flags_check(struct open_how *how)
{
	uint64_t f = how->flags;

	if (f & ~(uint64_t)OPEN_FLAGS_VALID || how->resolve & ~RESOLVE_VALID)
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) &&
	    (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (f & (O_CREAT | __O_TMPFILE)) {
		if (how->mode & ~(uint64_t)OPEN_MODE_VALID)
			return -EINVAL;
	} else if (how->mode) {
		return -EINVAL;
	}
	if ((f & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))
		return -EINVAL;
	if (f & __O_TMPFILE) {
		if (!(f & O_DIRECTORY) || !(f & O_ACCMODE))
			return -EINVAL;
	}
	if (f & O_PATH && f & ~(uint64_t)OPEN_FLAGS_PATH)
		return -EINVAL;
	if (how->resolve & RESOLVE_CACHED)
		return -EAGAIN;
	return 0;
}

static uint32_t walk_flags_of(uint64_t resolve)
{
	return (resolve & RESOLVE_NO_XDEV ? WALK_NO_XDEV : 0) |
	       (resolve & RESOLVE_NO_MAGICLINKS ? WALK_NO_MAGIC : 0) |
	       (resolve & RESOLVE_NO_SYMLINKS ? WALK_NO_SYMLINKS : 0) |
	       (resolve & RESOLVE_BENEATH ? WALK_BENEATH : 0) |
	       (resolve & RESOLVE_IN_ROOT ? WALK_IN_ROOT : 0);
}

static long do_open(uint64_t dirfd, uint64_t name, struct open_how *how)
{
	struct user_walk u;
	struct file *f;
	uint32_t flags;
	int err, fd;

	err = open_flags_check(how);
	if (err)
		return err;
	err = user_walk_init(&u, dirfd, name,
			     how->resolve & RESOLVE_IN_ROOT);
	if (err)
		return err;
	fd = fd_reserve(0, how->flags & O_CLOEXEC);
	if (fd < 0) {
		user_walk_fini(&u);
		return fd;
	}
	flags = (uint32_t)how->flags & ~(uint32_t)O_CLOEXEC;
	if (!(flags & O_PATH))
		flags |= O_LARGEFILE;
	err = vfs_open(&u.ctx, u.name, flags,
		       (uint32_t)how->mode & ~current_umask(),
		       walk_flags_of(how->resolve), &f);
	user_walk_fini(&u);
	if (err) {
		fd_unreserve(fd);
		return err;
	}
	if (fs_is_watched() && f->path.dentry && !(f->mode & FMODE_PATH))
		fs_notify_path(&f->path, IN_OPEN);
	fd_fill(fd, f);
	return fd;
}

/* The older calls ignore what they do not know. */
static long open_loose(uint64_t dirfd, uint64_t name, uint64_t flags,
		       uint64_t mode)
{
	struct open_how how = { .flags = flags & OPEN_FLAGS_VALID };

	if (how.flags & O_PATH)
		how.flags &= OPEN_FLAGS_PATH;
	if (how.flags & (O_CREAT | __O_TMPFILE))
		how.mode = mode & OPEN_MODE_VALID;
	return do_open(dirfd, name, &how);
}

long sys_open(uint64_t name, uint64_t flags, uint64_t mode)
{
	return open_loose((uint64_t)AT_FDCWD, name, flags, mode);
}

long sys_openat(uint64_t dirfd, uint64_t name, uint64_t flags, uint64_t mode)
{
	return open_loose(dirfd, name, flags, mode);
}

long sys_creat(uint64_t name, uint64_t mode)
{
	return open_loose((uint64_t)AT_FDCWD, name,
			  O_CREAT | O_WRONLY | O_TRUNC, mode);
}

long sys_openat2(uint64_t dirfd, uint64_t name, uint64_t how_user,
		 uint64_t size)
{
	struct open_how how = { 0 };
	int err;

	if (size < sizeof(how))
		return -EINVAL;
	err = copy_struct_from_user(&how, sizeof(how), (void *)how_user, size);
	if (err)
		return err;
	return do_open(dirfd, name, &how);
}
