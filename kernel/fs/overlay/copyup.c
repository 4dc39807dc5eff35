/* SPDX-License-Identifier: MIT */
/*
 * Copy-up: giving a lower object an upper inode before it is changed. A file
 * is filled under no name first and linked into its directory when complete,
 * so that nobody sees half of it. Parents come first.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/overlay/overlay.h"
#include "lib/string.h"

#define COPY_CHUNK	65536u
#define LINK_TEXT_MAX	4096u
#define XATTR_MAX	4096u

/* For the data on its way; larger than what the heap is cheap for. */
static struct mutex chunk_lock = MUTEX_INIT;
static char chunk[COPY_CHUNK];		/* under chunk_lock */

static bool is_zero(const char *p, size_t n)
{
	return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

static int write_all(struct file *f, const char *buf, size_t n, uint64_t pos)
{
	while (n) {
		struct kiovec iov;
		struct uio u;
		ssize_t r;

		uio_init(&u, &iov, (void *)buf, n, false);
		r = f->ops->write(f, &u, &pos);
		if (r <= 0)
			return r ? (int)r : -EIO;
		buf += r;
		n -= (size_t)r;
	}
	return 0;
}

static int copy_chunks(struct file *from, struct file *to, uint64_t max)
{
	uint64_t at = 0;
	int err = 0;

	mutex_lock(&chunk_lock);
	while (!err && at < max) {
		size_t want = MIN(max - at, (uint64_t)COPY_CHUNK);
		ssize_t n = file_read_kernel(from, chunk, want, at);

		if (n <= 0) {
			err = (int)n;
			break;
		}
		if (!is_zero(chunk, (size_t)n))	/* holes stay holes */
			err = write_all(to, chunk, (size_t)n, at);
		at += (uint64_t)n;
	}
	mutex_unlock(&chunk_lock);
	if (!err) {
		struct attr a = { .valid = ATTR_SIZE, .size = at };

		err = to->inode->ops->setattr(to->inode, &a);
	}
	return err;
}

static int copy_data(struct inode *lower, struct inode *upper, uint64_t max)
{
	struct file *from, *to;
	int err;

	if (!max)
		return 0;
	err = overlay_open_real(lower, O_RDONLY, &from);
	if (err)
		return err;
	err = overlay_open_real(upper, O_WRONLY, &to);
	if (!err) {
		err = copy_chunks(from, to, MIN(max, lower->size));
		file_put(to);
	}
	file_put(from);
	return err;
}

static void copy_xattrs(struct inode *lower, struct inode *upper)
{
	char *names, *value;
	ssize_t n, len;

	if (!lower->ops->listxattr || !upper->ops->setxattr ||
	    !lower->ops->getxattr)
		return;
	names = kmalloc(2 * XATTR_MAX);
	if (!names)
		return;
	value = names + XATTR_MAX;
	n = lower->ops->listxattr(lower, names, XATTR_MAX);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
		len = lower->ops->getxattr(lower, names + at, value,
					   XATTR_MAX);
		if (len >= 0)
			upper->ops->setxattr(upper, names + at, value,
					     (size_t)len, 0);
	}
	kfree(names);
}

static int copy_attributes(struct inode *i, struct inode *upper)
{
	struct inode *lower = onode(i)->lower;
	struct attr a = {
		.valid = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME |
			 ATTR_MTIME | ATTR_CTIME,
		.mode = lower->mode & 07777, .uid = lower->uid,
		.gid = lower->gid, .atime = lower->atime,
		.mtime = lower->mtime, .ctime = lower->ctime,
	};

	copy_xattrs(lower, upper);
	upper->btime = lower->btime;
	if (upper->ops->setattr)
		return upper->ops->setattr(upper, &a);
	return inode_setattr_generic(upper, &a);
}

/* A nameless upper file with the lower one's data. */
static int make_file(struct inode *i, struct inode *updir, uint64_t data_max,
		     struct inode **out)
{
	struct inode *lower = onode(i)->lower, *u;
	int err;

	if (!updir->ops->tmpfile)
		return -EROFS;
	mutex_lock(&updir->lock);
	err = updir->ops->tmpfile(updir, S_IFREG | 0600, &cred_kernel, &u);
	mutex_unlock(&updir->lock);
	if (err)
		return err;
	err = copy_data(lower, u, data_max);
	if (!err)
		err = copy_attributes(i, u);
	if (err)
		inode_put(u);
	else
		*out = u;
	return err;
}

static int make_symlink(struct inode *i, struct inode *updir, const char *name,
			struct inode **out)
{
	char *text = kmalloc(LINK_TEXT_MAX);
	ssize_t n;
	int err;

	if (!text)
		return -ENOMEM;
	n = i->ops->readlink(i, text, LINK_TEXT_MAX - 1);
	err = n < 0 ? (int)n : 0;
	if (!err) {
		text[n] = 0;
		err = updir->ops->symlink(updir, name, text, &cred_kernel,
					  out);
	}
	kfree(text);
	return err;
}

/* Make the upper name, which the lower object gets. updir's lock is held. */
static int make_named(struct inode *i, struct inode *updir, const char *name,
		      struct inode *file, struct inode **out)
{
	uint32_t mode = i->mode;
	int err;

	switch (mode & S_IFMT) {
	case S_IFREG:
		mutex_lock(&file->lock);
		err = updir->ops->link(updir, name, file);
		mutex_unlock(&file->lock);
		if (!err)
			*out = inode_get(file);
		return err;
	case S_IFDIR:
		err = updir->ops->mkdir(updir, name, mode, &cred_kernel, out);
		break;
	case S_IFLNK:
		err = make_symlink(i, updir, name, out);
		break;
	default:
		err = updir->ops->mknod(updir, name, mode, i->rdev,
					&cred_kernel, out);
		break;
	}
	return err ? err : copy_attributes(i, *out);
}

static int link_up(struct inode *i, struct inode *updir, const char *name,
		   struct inode *file)
{
	struct ktime mtime, ctime;
	struct inode *u = NULL;
	int err;

	mutex_lock(&updir->lock);
	mtime = updir->mtime;
	ctime = updir->ctime;
	err = make_named(i, updir, name, file, &u);
	if (!err)
		overlay_set_upper(i, u);
	else
		inode_put(u);
	/* the program did not change the directory */
	updir->mtime = mtime;
	updir->ctime = ctime;
	mutex_unlock(&updir->lock);
	return err;
}

/* Copy up i, whose parent has an upper inode. */
static int copy_up_one(struct inode *i, uint64_t data_max)
{
	struct onode *n = onode(i);
	struct inode *file = NULL, *updir;
	int err = 0;

	mutex_lock(&n->copy_lock);
	if (overlay_upper(i))
		goto out_unlock;
	/* copy_lock keeps the name and, with it, the parent */
	updir = n->name ? overlay_upper(n->parent) :
			  overlay_of(i)->upper->root;
	if (S_ISREG(i->mode))
		err = make_file(i, updir, data_max, &file);
	else if (!n->name)
		err = -ENOENT;
	if (err)
		goto out_unlock;
	if (n->name) {
		err = link_up(i, updir, n->name, file);
		inode_put(file);
	} else {
		overlay_set_upper(i, file);	/* removed, but still open */
		overlay_unpin(i);
	}
out_unlock:
	mutex_unlock(&n->copy_lock);
	return err;
}

/* The highest of i and its parents that is not copied up; with reference. */
static struct inode *highest_lower(struct inode *i)
{
	struct overlay *o = overlay_of(i);
	struct inode *at = i;

	mutex_lock(&o->table_lock);
	while (onode(at)->parent && !overlay_upper(onode(at)->parent))
		at = onode(at)->parent;
	inode_get(at);
	mutex_unlock(&o->table_lock);
	return at;
}

int overlay_copy_up(struct inode *i, uint64_t data_max)
{
	int err = 0;

	while (!err && !overlay_upper(i)) {
		struct inode *at = highest_lower(i);

		err = copy_up_one(at, data_max);
		inode_put(at);
	}
	return err;
}
