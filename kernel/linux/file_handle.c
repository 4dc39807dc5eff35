/* SPDX-License-Identifier: MIT */
/*
 * File handles: numbers that name a file within its file system. They can be
 * opened while the file's name is cached (in memory it always is); else they
 * are stale, as with any server that forgot them.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "lib/string.h"
#include "linux/path.h"
#include "linux/process.h"

#define HANDLE_TYPE	0x6d
#define HANDLE_MAX	128u
/* Not in the UAPI headers of older systems. */
#define MNT_ID_UNIQUE	1u
#define CONNECTABLE	2u
#define FID		0x200u

struct handle {
	uint32_t bytes;
	int32_t type;
	uint64_t ino;
};
#define HEAD	offsetof(struct handle, ino)
#define BODY	((uint32_t)sizeof(uint64_t))

/* Only of what is kept in memory as it is named; others have no numbers. */
static bool has_handles(const struct super *sb)
{
	return !strcmp(sb->type, "tmpfs");
}

static int make_handle(const struct path *p, struct handle *h, uint32_t flags)
{
	uint32_t room = h->bytes;

	if (!(flags & FID) && !has_handles(p->dentry->sb))
		return -EOPNOTSUPP;
	if (room > HANDLE_MAX)
		return -EINVAL;
	h->bytes = BODY;
	h->type = HANDLE_TYPE;
	h->ino = path_inode(p)->ino;
	return room < BODY ? -EOVERFLOW : 0;
}

long sys_name_to_handle_at(uint64_t dirfd, uint64_t name, uint64_t user,
			   uint64_t mount_id, uint64_t flags_arg)
{
	uint32_t flags = (uint32_t)flags_arg;
	struct handle h;
	struct path p;
	int err;

	if (flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | FID |
				MNT_ID_UNIQUE | CONNECTABLE) ||
	    (flags & (FID | CONNECTABLE)) == (FID | CONNECTABLE))
		return -EINVAL;
	err = user_path_walk(dirfd, name,
			     (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
			     (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
	if (err)
		return err;
	err = copy_from_user(&h, (void *)user, HEAD);
	if (!err)
		err = make_handle(&p, &h, flags);
	path_put(&p);
	if (err && err != -EOVERFLOW)
		return err;
	if (flags & MNT_ID_UNIQUE ? user_store64((void *)mount_id, 1) :
				    user_store32((void *)mount_id, 1))
		return -EFAULT;
	return copy_to_user((void *)user, &h, err ? HEAD : HEAD + BODY) ?
	       -EFAULT : err;
}

static long open_found(const struct path *p, uint32_t flags)
{
	struct walk_ctx w = { .root = *p, .start = *p,
			      .cred = current_thread()->cred };
	struct file *f;
	int fd = fd_reserve(0, flags & O_CLOEXEC), err;

	if (fd < 0)
		return fd;
	err = vfs_open(&w, "", flags & ~(uint32_t)O_CLOEXEC, 0, WALK_EMPTY,
		       &f);
	if (err) {
		fd_unreserve(fd);
		return err;
	}
	fd_fill(fd, f);
	return fd;
}

long sys_open_by_handle_at(uint64_t mount_fd, uint64_t user, uint64_t flags)
{
	struct path p, found;
	struct handle h;
	struct file *f;
	long ret;

	if (copy_from_user(&h, (void *)user, HEAD))
		return -EFAULT;
	if (!h.bytes || h.bytes > HANDLE_MAX)
		return -EINVAL;
	f = (int)mount_fd == AT_FDCWD ? NULL : fd_get_any((int)mount_fd);
	if (!f)
		return -EBADF;
	if (!cred_has_cap(current_thread()->cred, CAP_DAC_READ_SEARCH))
		ret = -EPERM;
	else if (copy_from_user(&h.ino, (char *)user + HEAD, BODY))
		ret = -EFAULT;
	else
		ret = h.bytes < BODY || h.type != HANDLE_TYPE ? -ESTALE :
		      file_path(f, &p);
	file_put(f);
	if (ret)
		return ret;
	found = (struct path){ p.mnt, NULL };
	if (has_handles(p.dentry->sb))
		found.dentry = dentry_by_number(p.dentry->sb, h.ino);
	ret = -ESTALE;
	if (found.dentry) {
		ret = open_found(&found, (uint32_t)flags);
		dentry_put(found.dentry);
	}
	path_put(&p);
	return ret;
}
