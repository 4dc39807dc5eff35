/* SPDX-License-Identifier: MIT */
/*
 * Making and removing names: mkdir, mknod, symlink, link, unlink, rmdir.
 * Each walks to the parent directory, locks it, looks the name up, checks,
 * and calls the file system. Renaming is in rename.c.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "core/panic.h"
#include "fs/notify.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

int vfs_may_create(const struct path *dir, const struct cred *c)
{
	struct inode *i = path_inode(dir);

	if (i->state & INODE_DEAD)
		return -ENOENT;
	if (path_is_read_only(dir))
		return -EROFS;
	return inode_permission(i, c, 2 | 1);
}

int vfs_may_delete(const struct path *dir, struct inode *victim,
		   const struct cred *c)
{
	struct inode *i = path_inode(dir);
	int err = inode_permission(i, c, 2 | 1);

	if (err)
		return err;
	if ((i->mode & S_ISVTX) && c->fsuid != victim->uid &&
	    c->fsuid != i->uid &&
	    !cred_has_cap_over(c, victim->uid, victim->gid, CAP_FOWNER))
		return -EPERM;
	if ((i->state | victim->state) & (INODE_APPEND_ONLY | INODE_IMMUTABLE))
		return -EPERM;
	return 0;
}

/* A new name about to be made; its directory is locked. */
struct new_name {
	struct path dir;
	struct inode *dir_inode;
	struct dentry *d;
};

static int new_name_begin(struct new_name *n, const struct walk_ctx *ctx,
			  const char *name, bool is_dir)
{
	struct last_name last;
	int err;

	err = path_walk(ctx, name, WALK_PARENT, &n->dir, &last);
	if (err)
		return err;
	if (last.is_root || last.is_dot || last.is_dotdot) {
		path_put(&n->dir);
		return -EEXIST;
	}
	n->dir_inode = path_inode(&n->dir);
	mutex_lock(&n->dir_inode->lock);
	err = dentry_lookup_locked(n->dir.dentry, last.name, strlen(last.name),
				   &n->d);
	if (err)
		goto out_dir;
	if (n->d->inode)
		err = -EEXIST;
	else if ((last.trailing_slash && !is_dir) ||
		 (!n->dir_inode->ops->create &&
		  (n->dir_inode->sb->flags & SUPER_NO_NEGATIVE)))
		err = -ENOENT;
	else
		err = vfs_may_create(&n->dir, ctx->cred);
	if (!err)
		return 0;
	dentry_put(n->d);
out_dir:
	mutex_unlock(&n->dir_inode->lock);
	path_put(&n->dir);
	return err;
}

/* err: how the operation ended; on success inode becomes the name's. */
static int new_name_end(struct new_name *n, int err, struct inode *inode)
{
	bool is_dir = !err && S_ISDIR(inode->mode);

	if (!err)
		dentry_instantiate(n->d, inode);
	mutex_unlock(&n->dir_inode->lock);
	if (!err)
		fs_notify(n->dir_inode, IN_CREATE | (is_dir ? IN_ISDIR : 0),
			  0, n->d->name);
	dentry_put(n->d);
	path_put(&n->dir);
	return err;
}

int vfs_mkdir(const struct walk_ctx *w, const char *name, uint32_t mode)
{
	struct inode *inode = NULL;
	struct new_name n;
	int err = new_name_begin(&n, w, name, true);

	if (err)
		return err;
	mode = S_IFDIR | (mode & 01777);
	err = n.dir_inode->ops->mkdir ?
	      n.dir_inode->ops->mkdir(n.dir_inode, n.d->name, mode, w->cred,
				      &inode) : -EPERM;
	return new_name_end(&n, err, inode);
}

static int make_node(struct new_name *n, uint32_t mode, uint64_t rdev,
		     const struct cred *c, struct inode **inode)
{
	const struct inode_ops *ops = n->dir_inode->ops;

	if (S_ISREG(mode))
		return ops->create ? ops->create(n->dir_inode, n->d->name,
						 mode, c, inode) : -EACCES;
	return ops->mknod ? ops->mknod(n->dir_inode, n->d->name, mode, rdev, c,
				       inode) : -EPERM;
}

int vfs_mknod(const struct walk_ctx *w, const char *name, uint32_t mode,
	      uint64_t rdev)
{
	struct inode *inode = NULL;
	struct new_name n;
	int err;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (!cred_has_cap(w->cred, CAP_MKNOD))
			return -EPERM;
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	err = new_name_begin(&n, w, name, false);
	if (err)
		return err;
	err = make_node(&n, mode, rdev, w->cred, &inode);
	return new_name_end(&n, err, inode);
}

int vfs_bind_node(const struct walk_ctx *w, const char *name, uint32_t mode,
		  struct path *out)
{
	struct inode *inode = NULL;
	struct new_name n;
	int err = new_name_begin(&n, w, name, false);

	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	err = make_node(&n, S_IFSOCK | (mode & 07777), 0, w->cred, &inode);
	if (!err) {
		out->mnt = n.dir.mnt;
		out->dentry = n.d;
		path_get(out);
	}
	return new_name_end(&n, err, inode);
}

int vfs_symlink(const struct walk_ctx *w, const char *target, const char *name)
{
	struct inode *inode = NULL;
	struct new_name n;
	int err;

	if (!*target)
		return -ENOENT;
	err = new_name_begin(&n, w, name, false);
	if (err)
		return err;
	err = n.dir_inode->ops->symlink ?
	      n.dir_inode->ops->symlink(n.dir_inode, n.d->name, target,
					w->cred, &inode) : -EPERM;
	return new_name_end(&n, err, inode);
}

/* Only the owner (or CAP_FOWNER) links to what he could not write anyway. */
static int may_link(struct inode *i, const struct cred *c)
{
	if (inode_is_owner(i, c))
		return 0;
	if (!S_ISREG(i->mode) || (i->mode & S_ISUID) ||
	    (i->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ||
	    inode_permission(i, c, 4 | 2))
		return -EPERM;
	return 0;
}

static int link_inode(struct new_name *n, struct inode *i)
{
	struct inode *dir = n->dir_inode;
	int err;

	if (S_ISDIR(i->mode) || !dir->ops->link)
		return -EPERM;
	mutex_lock(&i->lock);
	if (!i->nlink && !(i->state & INODE_LINKABLE)) {
		err = -ENOENT;
	} else {
		err = dir->ops->link(dir, n->d->name, i);
		if (!err)
			i->state &= ~(uint32_t)INODE_LINKABLE;
	}
	mutex_unlock(&i->lock);
	return err;
}

int vfs_link(const struct walk_ctx *from, const char *old_name,
	     const struct walk_ctx *to, const char *new_name, uint32_t flags)
{
	struct new_name n;
	struct path old;
	struct inode *i;
	int err;

	err = path_walk(from, old_name,
			(flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
			(flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &old, NULL);
	if (err)
		return err;
	i = path_inode(&old);
	err = new_name_begin(&n, to, new_name, false);
	if (err)
		goto out_old;
	if (old.mnt != n.dir.mnt)
		err = -EXDEV;
	if (!err)
		err = may_link(i, from->cred);
	if (!err)
		err = link_inode(&n, i);
	if (!err)
		fs_notify(i, IN_ATTRIB, 0, NULL);
	err = new_name_end(&n, err, err ? NULL : inode_get(i));
out_old:
	path_put(&old);
	return err;
}

/* A name about to be removed. */
struct old_name {
	struct path dir;
	struct inode *dir_inode;
	struct dentry *d;
};

static int old_name_begin(struct old_name *o, const struct walk_ctx *ctx,
			  struct last_name *last)
{
	int err;

	if (path_is_read_only(&o->dir))
		return -EROFS;
	o->dir_inode = path_inode(&o->dir);
	mutex_lock(&o->dir_inode->lock);
	err = dentry_lookup_locked(o->dir.dentry, last->name,
				   strlen(last->name), &o->d);
	if (err)
		goto out_unlock;
	if (!o->d->inode) {
		err = -ENOENT;
		goto out_put;
	}
	err = vfs_may_delete(&o->dir, o->d->inode, ctx->cred);
	if (err)
		goto out_put;
	return 0;
out_put:
	dentry_put(o->d);
out_unlock:
	mutex_unlock(&o->dir_inode->lock);
	return err;
}

static bool is_mounted(const struct dentry *d)
{
	return __atomic_load_n(&d->flags, __ATOMIC_RELAXED) & DENTRY_MOUNTED;
}

static void old_name_end(struct old_name *o, int err, uint32_t mask)
{
	struct inode *i = o->d->inode;

	if (!err)
		dentry_unhash(o->d, true);
	mutex_unlock(&o->dir_inode->lock);
	if (!err && fs_is_watched()) {
		fs_notify(o->dir_inode, mask, 0, o->d->name);
		fs_notify_unlinked(i);
	}
	dentry_put(o->d);
}

int vfs_unlink(const struct walk_ctx *w, const char *name)
{
	struct last_name last;
	struct old_name o;
	struct inode *i;
	int err;

	err = path_walk(w, name, WALK_PARENT, &o.dir, &last);
	if (err)
		return err;
	err = -EISDIR;
	if (last.is_root || last.is_dot || last.is_dotdot)
		goto out_dir;
	err = old_name_begin(&o, w, &last);
	if (err)
		goto out_dir;
	i = o.d->inode;
	if (S_ISDIR(i->mode)) {
		err = -EISDIR;
	} else if (last.trailing_slash) {
		err = -ENOTDIR;
	} else if (is_mounted(o.d)) {
		err = -EBUSY;
	} else if (!o.dir_inode->ops->unlink) {
		err = -EPERM;
	} else {
		mutex_lock(&i->lock);
		err = o.dir_inode->ops->unlink(o.dir_inode, o.d->name, i);
		mutex_unlock(&i->lock);
	}
	old_name_end(&o, err, IN_DELETE);
out_dir:
	path_put(&o.dir);
	return err;
}

int vfs_rmdir(const struct walk_ctx *w, const char *name)
{
	struct last_name last;
	struct old_name o;
	struct inode *i;
	int err;

	err = path_walk(w, name, WALK_PARENT, &o.dir, &last);
	if (err)
		return err;
	err = last.is_root ? -EBUSY : last.is_dot ? -EINVAL :
	      last.is_dotdot ? -ENOTEMPTY : 0;
	if (err)
		goto out_dir;
	err = old_name_begin(&o, w, &last);
	if (err)
		goto out_dir;
	i = o.d->inode;
	if (!S_ISDIR(i->mode)) {
		err = -ENOTDIR;
	} else if (is_mounted(o.d)) {
		err = -EBUSY;
	} else if (!o.dir_inode->ops->rmdir) {
		err = -EPERM;
	} else {
		mutex_lock(&i->lock);
		err = o.dir_inode->ops->rmdir(o.dir_inode, o.d->name, i);
		if (!err)
			i->state |= INODE_DEAD;
		mutex_unlock(&i->lock);
	}
	old_name_end(&o, err, IN_DELETE | IN_ISDIR);
out_dir:
	path_put(&o.dir);
	return err;
}

int vfs_mkdir_all(const char *path)
{
	struct walk_ctx ctx = { .cred = &cred_kernel };
	char *name = kstrdup(path), *p;
	int err = 0;

	if (!name)
		return -ENOMEM;
	vfs_root_path(&ctx.root);
	ctx.start = ctx.root;
	for (p = name; !err && *p; ) {
		while (*p == '/')
			p++;
		while (*p && *p != '/')
			p++;
		if (*p) {
			*p = 0;
			err = vfs_mkdir(&ctx, name, 0755);
			*p++ = '/';
		} else if (p > name && p[-1] != '/') {
			err = vfs_mkdir(&ctx, name, 0755);
		}
		if (err == -EEXIST)
			err = 0;
	}
	path_put(&ctx.root);
	kfree(name);
	return err;
}
