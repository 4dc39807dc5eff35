/* SPDX-License-Identifier: MIT */
/*
 * Changing owner, mode, times and size: who may do what. The file system's
 * setattr only stores.
 */
#include <linux/capability.h>
#include <linux/stat.h>

#include "core/timer.h"
#include "fs/notify.h"
#include "fs/vfs_priv.h"

static struct ktime time_now(void)
{
	uint64_t ns = clock_real_ns();
	struct ktime t = {
		.sec = (int64_t)(ns / NSEC_PER_SEC),
		.nsec = (uint32_t)(ns % NSEC_PER_SEC),
	};

	return t;
}

static int store_attr(struct inode *i, struct attr *a)
{
	a->valid &= ~(uint32_t)ATTR_TIMES_NOW;
	a->valid |= ATTR_CTIME;
	a->ctime = time_now();
	if (i->ops && i->ops->setattr)
		return i->ops->setattr(i, a);
	return inode_setattr_generic(i, a);
}

static int check_owner_change(const struct inode *i, const struct cred *c,
			      const struct attr *a)
{
	bool owner = c->fsuid == i->uid;

	if (cred_has_cap_over(c, i->uid, i->gid, CAP_CHOWN))
		return 0;
	if ((a->valid & ATTR_UID) && (!owner || a->uid != i->uid))
		return -EPERM;
	if ((a->valid & ATTR_GID) &&
	    (!owner || (a->gid != i->gid && !cred_in_group(c, a->gid))))
		return -EPERM;
	return 0;
}

static int check_times(struct inode *i, const struct cred *c,
		       const struct attr *a)
{
	if (inode_is_owner(i, c))
		return 0;
	if (!(a->valid & ATTR_TIMES_NOW))
		return -EPERM;
	return inode_permission(i, c, 2);
}

/* A change of owner takes set-user-ID and set-group-ID from a program. */
static void drop_suid(const struct inode *i, struct attr *a)
{
	uint32_t mode = i->mode & 07777;

	if (S_ISDIR(i->mode) || (a->valid & ATTR_MODE))
		return;
	mode &= ~(uint32_t)S_ISUID;
	if (mode & S_IXGRP)
		mode &= ~(uint32_t)S_ISGID;
	if (mode == (i->mode & 07777))
		return;
	a->valid |= ATTR_MODE;
	a->mode = mode;
}

int vfs_setattr(const struct path *p, const struct cred *c,
		const struct attr *asked)
{
	struct inode *i = path_inode(p);
	struct attr a = *asked;
	int err;

	if (path_is_read_only(p))
		return -EROFS;
	if (i->state & INODE_IMMUTABLE)
		return -EPERM;
	if (a.valid & (ATTR_UID | ATTR_GID)) {
		err = check_owner_change(i, c, &a);
		if (err)
			return err;
		drop_suid(i, &a);
	} else if (a.valid & ATTR_MODE) {
		uint32_t gid = i->gid;

		if (!inode_is_owner(i, c))
			return -EPERM;
		if (S_ISLNK(i->mode))
			return -EOPNOTSUPP;
		if (!cred_in_group(c, gid) &&
		    !cred_has_cap_over(c, i->uid, gid, CAP_FSETID))
			a.mode &= ~(uint32_t)S_ISGID;
	}
	if (a.valid & (ATTR_ATIME | ATTR_MTIME)) {
		err = check_times(i, c, &a);
		if (err)
			return err;
	}
	err = store_attr(i, &a);
	if (!err && fs_is_watched())
		fs_notify_path(p, IN_ATTRIB);
	return err;
}

int vfs_truncate_inode(struct inode *i, const struct cred *c, uint64_t size)
{
	struct attr a = {
		.valid = ATTR_SIZE | ATTR_MTIME,
		.size = size,
		.mtime = time_now(),
	};

	if (size > INT64_MAX)
		return -EINVAL;
	if (c && !cred_has_cap(c, CAP_FSETID))
		drop_suid(i, &a);
	return store_attr(i, &a);
}

int vfs_truncate(const struct path *p, const struct cred *c, uint64_t size)
{
	struct inode *i = path_inode(p);
	int err;

	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode))
		return -EINVAL;
	if (path_is_read_only(p))
		return -EROFS;
	err = inode_permission(i, c, 2);
	if (err)
		return err;
	if (i->state & INODE_APPEND_ONLY)
		return -EPERM;
	err = inode_get_writer(i);
	if (err)
		return err;
	if (__atomic_load_n(&i->leases, __ATOMIC_SEQ_CST))
		err = fs_hooks.lease_break(i, O_WRONLY);
	if (!err)
		err = vfs_truncate_inode(i, c, size);
	inode_put_writer(i);
	if (!err && fs_is_watched())
		fs_notify_path(p, IN_MODIFY);
	return err;
}

int file_truncate(struct file *f, uint64_t size)
{
	int err;

	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (!(f->mode & FMODE_WRITE) || !S_ISREG(f->inode->mode))
		return -EINVAL;
	err = vfs_truncate_inode(f->inode, f->cred, size);
	if (!err && fs_is_watched())
		fs_notify_path(&f->path, IN_MODIFY);
	return err;
}
