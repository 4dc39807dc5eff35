/* SPDX-License-Identifier: MIT */
/*
 * open(2): from a name to an open file. Without O_CREAT it is a walk and the
 * opening of what was found; with it the last component is looked up, and
 * made if missing, under the lock of its directory.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "core/panic.h"
#include "fs/notify.h"
#include "fs/pipe.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

/* Flags that only matter while opening. */
#define OPEN_ONLY_FLAGS	(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)
#define PATH_FLAGS	(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* open_last: the last component was a symlink, walk on */
#define OPEN_AGAIN	1

static int open_by_type(struct file *f)
{
	struct inode *i = f->inode;
	int err;

	switch (i->mode & S_IFMT) {
	case S_IFREG:
		if (f->mode & FMODE_WRITE) {
			err = inode_get_writer(i);
			if (err)
				return err;
			f->counted_writer = true;
		} else if (f->mode & FMODE_READ) {
			__atomic_fetch_add(&i->readers, 1, __ATOMIC_SEQ_CST);
			f->counted_reader = true;
		}
		/* Partner: lease_set, which announces a lease and then looks
		 * at who has the file open. One of the two sees the other. */
		if (unlikely(__atomic_load_n(&i->leases, __ATOMIC_SEQ_CST))) {
			err = fs_hooks.lease_break(i, f->flags);
			if (err)
				return err;
		}
		fallthrough;
	case S_IFDIR:
		f->mode |= FMODE_SEEK;
		return i->ops && i->ops->open ? i->ops->open(i, f) : 0;
	case S_IFCHR:
		f->mode |= FMODE_STREAM;
		return chrdev_open(i, f);
	case S_IFBLK:
		f->mode |= FMODE_SEEK;
		return blkdev_open(i, f);
	case S_IFIFO:
		f->mode |= FMODE_STREAM;
		return i->state & INODE_OWN_OPEN ? i->ops->open(i, f) :
		       fifo_open(i, f);
	default:		/* sockets, anonymous inodes */
		return -ENXIO;
	}
}

int file_open_path(const struct path *p, uint32_t flags, const struct cred *c,
		   struct file **out)
{
	struct inode *i = path_inode(p);
	bool for_path = flags & O_PATH;
	uint32_t mode = for_path ? FMODE_PATH : file_mode_of_flags(flags);
	struct file *f;
	int err;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		mode &= ~(uint32_t)(FMODE_READ | FMODE_WRITE);
	f = file_alloc(i, flags, mode);
	if (!f)
		return -ENOMEM;
	inode_get(i);
	f->path = *p;
	path_get(p);
	f->cred = cred_get((struct cred *)c);
	if (for_path) {
		f->flags = flags & PATH_FLAGS & ~(uint32_t)O_CLOEXEC;
		*out = f;
		return 0;
	}
	err = open_by_type(f);
	if (err) {
		f->ops = NULL;	/* nothing to release */
		file_put(f);
		return err;
	}
	f->flags = (f->flags & ~(uint32_t)OPEN_ONLY_FLAGS) | O_LARGEFILE;
	*out = f;
	return 0;
}

static uint32_t wanted_access(uint32_t flags)
{
	static const uint8_t access[] = { 4, 2, 6, 6 };
	uint32_t may = access[flags & O_ACCMODE];

	return flags & O_TRUNC ? may | 2 : may;
}

/* May p be opened with flags by c? */
static int check_open(const struct path *p, uint32_t flags,
		      const struct cred *c, bool created)
{
	struct inode *i = path_inode(p);
	uint32_t may = wanted_access(flags);
	int err;

	switch (i->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (may & 2)
			return -EISDIR;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if ((p->mnt->flags & MS_NODEV) ||
		    (i->sb->flags & SUPER_NODEV))
			return -EACCES;
		break;
	case S_IFREG:
		if ((may & 2) && path_is_read_only(p))
			return -EROFS;
		break;
	default:
		break;
	}
	if (created)
		return 0;
	err = inode_permission(i, c, may);
	if (err)
		return err;
	if ((i->state & INODE_APPEND_ONLY) && (may & 2) &&
	    (!(flags & O_APPEND) || (flags & O_TRUNC)))
		return -EPERM;
	if ((flags & O_NOATIME) && !inode_is_owner(i, c))
		return -EPERM;
	return 0;
}

/* Open the found p: checks, opening, truncation. */
static int open_found(const struct path *p, uint32_t flags,
		      const struct cred *c, bool created, struct file **out)
{
	struct inode *i = path_inode(p);
	struct file *f;
	int err;

	if ((flags & O_DIRECTORY) && !S_ISDIR(i->mode))
		return -ENOTDIR;
	if (!(flags & O_PATH)) {
		err = check_open(p, flags, c, created);
		if (err)
			return err;
	}
	err = file_open_path(p, flags, c, &f);
	if (err)
		return err;
	if ((flags & O_TRUNC) && S_ISREG(i->mode) && !created &&
	    !(flags & O_PATH)) {
		err = vfs_truncate_inode(i, c, 0);
		if (err) {
			file_put(f);
			return err;
		}
		if (fs_is_watched())
			fs_notify_path(p, IN_MODIFY);
	}
	if (created)
		f->mode |= FMODE_CREATED;
	*out = f;
	return 0;
}

/*
 * The last component for O_CREAT: *d gets a reference to its positive entry.
 * The walk ends up unlocked at the directory.
 */
static int find_or_create(struct walk *w, uint32_t flags, uint32_t mode,
			  struct dentry **d, bool *created)
{
	struct path dir_path;
	struct inode *dir, *inode;
	int err = walk_check_search(w);

	if (err)
		return err;
	dir = w->d->inode;
	*d = dentry_find_locked(w->d, w->comp, w->comp_len, w->comp_hash);
	if (*d && (*d)->inode && !((*d)->sb->flags & SUPER_REVALIDATE)) {
		dentry_get(*d);
		walk_unlock(w);
		return 0;
	}
	walk_unlock(w);
	dir_path.mnt = w->mnt;
	dir_path.dentry = w->d;
	mutex_lock(&dir->lock);
	err = dentry_lookup_locked(w->d, w->comp, w->comp_len, d);
	if (err || (*d)->inode)
		goto out_unlock;
	err = vfs_may_create(&dir_path, w->cred);
	if (err != -EROFS && !dir->ops->create)
		err = dir->sb->flags & SUPER_NO_NEGATIVE ? -ENOENT : -EACCES;
	if (!err)
		err = dir->ops->create(dir, (*d)->name, S_IFREG | mode,
				       w->cred, &inode);
	if (err) {
		dentry_put(*d);
		goto out_unlock;
	}
	dentry_instantiate(*d, inode);
	*created = true;
out_unlock:
	mutex_unlock(&dir->lock);
	if (*created)
		fs_notify(dir, IN_CREATE, 0, (*d)->name);
	return err;
}

/* Returns 0 with *out, OPEN_AGAIN, or -errno. */
static int open_last(struct walk *w, uint32_t flags, uint32_t mode,
		     struct file **out)
{
	struct dentry *d;
	struct path p;
	bool created = false;
	int err;

	if (w->trailing_slash)
		return -EISDIR;
	err = find_or_create(w, flags, mode, &d, &created);
	if (err)
		return err;
	if ((flags & O_EXCL) && !created) {
		dentry_put(d);
		return -EEXIST;
	}
	if (S_ISLNK(d->inode->mode)) {
		err = flags & O_NOFOLLOW ? -ELOOP : walk_into_link(w, d);
		dentry_put(d);
		return err ? err : OPEN_AGAIN;
	}
	err = walk_enter(w, d);
	if (err)
		return err;
	walk_take_position(w, &p);
	if (S_ISDIR(path_inode(&p)->mode))
		err = -EISDIR;
	else
		err = open_found(&p, flags, w->cred, created, out);
	path_put(&p);
	return err;
}

static int open_create(const struct walk_ctx *ctx, const char *name,
		       uint32_t flags, uint32_t mode, uint32_t walk_flags,
		       struct file **out)
{
	struct walk w;
	int err;

	err = walk_start(&w, ctx, name, walk_flags);
	if (err)
		return err;
	do {
		err = walk_to_last(&w);
		if (err)
			break;
		if (!w.comp_len || (w.comp[0] == '.' && (w.comp_len == 1 ||
		    (w.comp_len == 2 && w.comp[1] == '.')))) {
			/* "/", "." and "..", or a magic link's target */
			struct path p;

			err = w.comp_len ? walk_check_search(&w) : 0;
			if (err)
				break;
			walk_take_position(&w, &p);
			err = S_ISDIR(path_inode(&p)->mode) ? -EISDIR :
			      open_found(&p, flags, ctx->cred, false, out);
			path_put(&p);
			if (flags & O_EXCL)
				err = -EEXIST;
			break;
		}
		err = open_last(&w, flags, mode, out);
	} while (err == OPEN_AGAIN);
	walk_end(&w);
	return err;
}

static int open_tmpfile(const struct walk_ctx *ctx, const char *name,
			uint32_t flags, uint32_t mode, uint32_t walk_flags,
			struct file **out)
{
	struct path dir, p;
	struct inode *i, *inode;
	char text[24];
	int err, len;

	err = path_walk(ctx, name, walk_flags | WALK_DIRECTORY, &dir, NULL);
	if (err)
		return err;
	i = path_inode(&dir);
	err = vfs_may_create(&dir, ctx->cred);
	if (!err && !i->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (err)
		goto out_dir;
	mutex_lock(&i->lock);
	err = i->ops->tmpfile(i, S_IFREG | (mode & 07777), ctx->cred, &inode);
	mutex_unlock(&i->lock);
	if (err)
		goto out_dir;
	if (!(flags & O_EXCL))
		inode->state |= INODE_LINKABLE;
	len = scnprintf(text, sizeof(text), "#%lu", (unsigned long)inode->ino);
	p.mnt = dir.mnt;
	p.dentry = dentry_create(dir.dentry, dir.dentry->sb, text, (size_t)len,
				 inode, DENTRY_DELETED);
	if (!p.dentry) {
		inode_put(inode);
		err = -ENOMEM;
		goto out_dir;
	}
	err = file_open_path(&p, flags & ~(uint32_t)O_DIRECTORY, ctx->cred,
			     out);
	dentry_put(p.dentry);
out_dir:
	path_put(&dir);
	return err;
}

static int open_once(const struct walk_ctx *ctx, const char *name,
		     uint32_t flags, uint32_t mode, uint32_t walk_extra,
		     struct file **out)
{
	uint32_t walk_flags = walk_extra;
	struct path p;
	int err;

	mode &= 07777;
	if (flags & O_PATH)
		flags &= PATH_FLAGS;
	if (!(flags & O_NOFOLLOW) &&
	    (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		walk_flags |= WALK_FOLLOW;
	if (flags & __O_TMPFILE) {
		if ((flags & O_TMPFILE) != O_TMPFILE || (flags & O_CREAT) ||
		    (flags & O_ACCMODE) == O_RDONLY)
			return -EINVAL;
		return open_tmpfile(ctx, name, flags, mode, walk_flags, out);
	}
	if (flags & O_CREAT) {
		if (flags & O_DIRECTORY)
			return -EINVAL;
		return open_create(ctx, name, flags, mode, walk_flags, out);
	}
	if (flags & O_DIRECTORY)
		walk_flags |= WALK_DIRECTORY;
	err = path_walk(ctx, name, walk_flags, &p, NULL);
	if (err)
		return err;
	err = open_found(&p, flags, ctx->cred, false, out);
	path_put(&p);
	return err;
}

/* A file that is replaced over and over may be another one at each try. */
#define OPEN_TRIES	16

int vfs_open(const struct walk_ctx *ctx, const char *name, uint32_t flags,
	     uint32_t mode, uint32_t walk_extra, struct file **out)
{
	int err = -ESTALE;

	for (int i = 0; err == -ESTALE && i < OPEN_TRIES; i++)
		err = open_once(ctx, name, flags, mode, walk_extra, out);
	return err;
}
