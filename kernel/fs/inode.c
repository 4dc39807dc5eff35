/* SPDX-License-Identifier: MIT */
/*
 * Supers and inodes: creation, references, times, permission, the counts of
 * writers against executors.
 *
 * A super lives until its last user (mount or creator) is gone and its last
 * inode is freed: sb->inodes counts the inodes, plus one for all users.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "core/panic.h"
#include "core/timer.h"
#include "fs/dentry.h"
#include "fs/vfs.h"

#define MAY_EXEC	1u
#define MAY_WRITE	2u
#define MAY_READ	4u

struct super *super_create(const struct super_ops *ops, const char *type,
			   uint32_t flags)
{
	static uint32_t next_minor = 20;	/* atomic */
	struct super *sb = kzalloc(sizeof(*sb));

	if (!sb)
		return NULL;
	sb->ops = ops;
	sb->type = type;
	sb->flags = flags;
	sb->dev = dev_make(0, __atomic_fetch_add(&next_minor, 1,
						 __ATOMIC_RELAXED));
	ref_init(&sb->refs, 1);
	ref_init(&sb->inodes, 1);
	return sb;
}

static void super_put_inodes(struct super *sb)
{
	if (!ref_put(&sb->inodes))
		return;
	if (sb->ops && sb->ops->destroy)
		sb->ops->destroy(sb);
	kfree(sb);
}

void super_put(struct super *sb)
{
	struct inode *root;

	if (!sb || !ref_put(&sb->refs))
		return;
	dentry_forget_super(sb);
	dentry_put(sb->root_dentry);
	if (sb->ops && sb->ops->shutdown)
		sb->ops->shutdown(sb);
	root = sb->root;
	sb->root = NULL;
	if (root)
		inode_put(root);
	super_put_inodes(sb);
}

static struct ktime time_now(void)
{
	uint64_t ns = clock_real_ns();
	struct ktime t;

	t.sec = (int64_t)(ns / NSEC_PER_SEC);
	t.nsec = (uint32_t)(ns % NSEC_PER_SEC);
	return t;
}

struct inode *inode_create(struct super *sb, uint32_t mode,
			   const struct inode_ops *ops,
			   const struct file_ops *fops)
{
	struct inode *i = kzalloc(sizeof(*i));

	if (!i)
		return NULL;
	i->ops = ops;
	i->file_ops = fops;
	i->sb = sb;
	i->ino = __atomic_add_fetch(&sb->next_ino, 1, __ATOMIC_RELAXED);
	i->mode = mode;
	i->nlink = 1;
	ref_init(&i->refs, 1);
	mutex_init(&i->lock);
	list_init(&i->watches);
	i->atime = i->mtime = i->ctime = i->btime = time_now();
	ref_get(&sb->inodes);
	return i;
}

struct inode *inode_get(struct inode *i)
{
	ref_get(&i->refs);
	return i;
}

void inode_put(struct inode *i)
{
	struct super *sb;

	if (!i || !ref_put(&i->refs))
		return;
	sb = i->sb;
	if (i->ops && i->ops->evict)
		i->ops->evict(i);
	kfree(i->link);
	kfree(i);
	super_put_inodes(sb);
}

void inode_touch(struct inode *i, bool a, bool m, bool c)
{
	struct ktime now = time_now();

	if (a)
		i->atime = now;
	if (m)
		i->mtime = now;
	if (c)
		i->ctime = now;
}

int inode_getattr(struct inode *i, struct kstat *st)
{
	if (i->ops && i->ops->getattr)
		return i->ops->getattr(i, st);
	inode_getattr_generic(i, st);
	return 0;
}

void inode_getattr_generic(struct inode *i, struct kstat *st)
{
	mutex_lock(&i->lock);
	st->dev = i->sb->dev;
	st->ino = i->ino;
	st->size = i->size;
	st->blocks = i->blocks;
	st->mode = i->mode;
	st->nlink = i->nlink;
	st->uid = i->uid;
	st->gid = i->gid;
	st->rdev = i->rdev;
	st->blksize = PAGE_SIZE;
	st->atime = i->atime;
	st->mtime = i->mtime;
	st->ctime = i->ctime;
	st->btime = i->btime;
	mutex_unlock(&i->lock);
}

void inode_init_owner(struct inode *i, const struct inode *dir, uint32_t mode,
		      const struct cred *c)
{
	i->uid = c->fsuid;
	i->gid = c->fsgid;
	if (dir && (dir->mode & S_ISGID)) {
		i->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
			 !cred_in_group(c, i->gid) &&
			 !cred_has_cap_over(c, i->uid, i->gid, CAP_FSETID))
			mode &= ~(uint32_t)S_ISGID;
	}
	i->mode = mode;
}

static bool has_cap(const struct inode *i, const struct cred *c, int cap)
{
	return cred_has_cap_over(c, i->uid, i->gid, cap);
}

bool inode_is_owner(const struct inode *i, const struct cred *c)
{
	return c->fsuid == i->uid || has_cap(i, c, CAP_FOWNER);
}

int inode_permission_generic(const struct inode *i, const struct cred *c,
			     uint32_t may)
{
	uint32_t mode = __atomic_load_n(&i->mode, __ATOMIC_RELAXED);
	uint32_t bits;

	if (c->fsuid == i->uid)
		bits = mode >> 6;
	else if (((mode >> 3 ^ mode) & 7) && cred_in_group(c, i->gid))
		bits = mode >> 3;
	else
		bits = mode;
	if ((may & ~bits & 7) == 0)
		return 0;
	if (S_ISDIR(mode)) {
		if (!(may & MAY_WRITE) && has_cap(i, c, CAP_DAC_READ_SEARCH))
			return 0;
		if (has_cap(i, c, CAP_DAC_OVERRIDE))
			return 0;
		return -EACCES;
	}
	if (may == MAY_READ && has_cap(i, c, CAP_DAC_READ_SEARCH))
		return 0;
	/* Not even root executes a file that nobody may execute. */
	if ((!(may & MAY_EXEC) || (mode & 0111)) &&
	    has_cap(i, c, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *i, const struct cred *c, uint32_t may)
{
	if (may & MAY_WRITE) {
		uint32_t type = i->mode & S_IFMT;

		if ((i->sb->flags & SUPER_READ_ONLY) &&
		    (type == S_IFREG || type == S_IFDIR || type == S_IFLNK))
			return -EROFS;
		if (i->state & INODE_IMMUTABLE)
			return -EPERM;
	}
	if (i->ops && i->ops->permission)
		return i->ops->permission(i, c, may);
	return inode_permission_generic(i, c, may);
}

int inode_setattr_generic(struct inode *i, const struct attr *a)
{
	mutex_lock(&i->lock);
	inode_copy_attr(i, a);
	mutex_unlock(&i->lock);
	return 0;
}

void inode_copy_attr(struct inode *i, const struct attr *a)
{
	if (a->valid & ATTR_MODE)
		i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
	if (a->valid & ATTR_UID)
		i->uid = a->uid;
	if (a->valid & ATTR_GID)
		i->gid = a->gid;
	if (a->valid & ATTR_SIZE)
		i->size = a->size;
	if (a->valid & ATTR_ATIME)
		i->atime = a->atime;
	if (a->valid & ATTR_MTIME)
		i->mtime = a->mtime;
	if (a->valid & ATTR_CTIME)
		i->ctime = a->ctime;
}

/* writers > 0: open for writing; < 0: being executed. */
int inode_deny_write(struct inode *i)
{
	int32_t n = __atomic_load_n(&i->writers, __ATOMIC_RELAXED);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->writers, &n, n - 1, true,
					      __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return 0;
}

void inode_allow_write(struct inode *i)
{
	__atomic_fetch_add(&i->writers, 1, __ATOMIC_ACQ_REL);
}

int inode_get_writer(struct inode *i)
{
	int32_t n = __atomic_load_n(&i->writers, __ATOMIC_RELAXED);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->writers, &n, n + 1, true,
					      __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return 0;
}

void inode_put_writer(struct inode *i)
{
	__atomic_fetch_sub(&i->writers, 1, __ATOMIC_ACQ_REL);
}
