/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: a file system in memory. This file has its supers and inodes; names
 * are in dir.c, contents in file.c and pagestore.c, attributes in xattr.c.
 */
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <linux/fs.h>
#include <linux/xattr.h>

#include "core/heap.h"
#include "core/page.h"
#include "core/panic.h"
#include "fs/tmpfs/tmpfs_priv.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

#define SEAL_SHRINK	2u	/* F_SEAL_* of inode->seals */
#define SEAL_GROW	4u

static int tmpfs_statfs(struct super *sb, struct kstatfs *out)
{
	struct tmpfs_super *t = sb->private;
	uint64_t max = t->quota.max;
	uint64_t used = __atomic_load_n(&t->quota.used, __ATOMIC_RELAXED);

	if (!max)
		max = page_limit_bytes() >> PAGE_SHIFT;
	if (!max)
		max = 1u << 20;		/* 4 GiB, for the look of it */
	out->type = TMPFS_MAGIC;
	out->bsize = PAGE_SIZE;
	out->blocks = max;
	out->bfree = out->bavail = used < max ? max - used : 0;
	out->files = max;
	out->ffree = max - MIN(max, (uint64_t)ref_read(&sb->inodes));
	return 0;
}

static void tmpfs_destroy(struct super *sb)
{
	kfree(sb->private);	/* NULL if creation failed */
}

static const struct super_ops tmpfs_super_ops = {
	.statfs = tmpfs_statfs,
	.destroy = tmpfs_destroy,
};

static size_t private_size(uint32_t mode)
{
	if (S_ISREG(mode))
		return sizeof(struct tmpfs_file);
	if (S_ISDIR(mode))
		return sizeof(struct tmpfs_dir);
	return sizeof(struct tmpfs_node);
}

int tmpfs_inode_create(struct super *sb, const struct inode *dir,
		       uint32_t mode, const struct cred *c,
		       struct inode **out)
{
	struct tmpfs_super *t = sb->private;
	const struct inode_ops *ops = &tmpfs_file_inode_ops;
	const struct file_ops *fops = NULL;
	struct tmpfs_node *node = kzalloc(private_size(mode));
	struct inode *i;

	if (!node)
		return -ENOMEM;
	list_init(&node->xattrs);
	if (S_ISREG(mode)) {
		fops = &tmpfs_file_ops;
		pagestore_init(&((struct tmpfs_file *)node)->store, &t->quota);
	} else if (S_ISDIR(mode)) {
		ops = &tmpfs_dir_inode_ops;
		fops = &tmpfs_dir_ops;
		tmpfs_dir_init((struct tmpfs_dir *)node);
	} else if (S_ISLNK(mode)) {
		ops = &tmpfs_link_inode_ops;
	}
	i = inode_create(sb, mode, ops, fops);
	if (!i) {
		kfree(node);
		return -ENOMEM;
	}
	i->private = node;
	inode_init_owner(i, dir, mode, c);
	if (S_ISDIR(mode))
		i->nlink = 2;
	*out = i;
	return 0;
}

void tmpfs_evict(struct inode *i)
{
	struct tmpfs_node *node = i->private;

	if (S_ISREG(i->mode))
		pagestore_fini(&tmpfs_file(i)->store);
	else if (S_ISDIR(i->mode))
		tmpfs_dir_fini(tmpfs_dir(i));
	tmpfs_xattr_free(node);
	kfree(node);
}

int tmpfs_getattr(struct inode *i, struct kstat *st)
{
	int err = i == i->sb->root ? tmpfs_make_late(i->sb) : 0;

	if (err)
		return err;
	inode_getattr_generic(i, st);
	if (S_ISREG(st->mode))
		st->blocks = pagestore_data_pages(&tmpfs_file(i)->store) *
			     (PAGE_SIZE / 512);
	return 0;
}

static int set_size(struct inode *i, uint64_t size)
{
	if (size > i->size && (i->seals & SEAL_GROW))
		return -EPERM;
	if (size < i->size && (i->seals & SEAL_SHRINK))
		return -EPERM;
	if (size < i->size) {
		/* First the size, so that readers stop there. */
		__atomic_store_n(&i->size, size, __ATOMIC_RELEASE);
		pagestore_truncate(&tmpfs_file(i)->store, size);
	} else {
		__atomic_store_n(&i->size, size, __ATOMIC_RELEASE);
	}
	return 0;
}

int tmpfs_setattr(struct inode *i, const struct attr *a)
{
	int err = 0;

	mutex_lock(&i->lock);
	if (a->valid & ATTR_SIZE)
		err = S_ISREG(i->mode) ? set_size(i, a->size) : -EINVAL;
	if (!err) {
		struct attr rest = *a;

		rest.valid &= ~(uint32_t)ATTR_SIZE;
		inode_copy_attr(i, &rest);
	}
	mutex_unlock(&i->lock);
	return err;
}

static ssize_t tmpfs_readlink(struct inode *i, char *buf, size_t size)
{
	size_t len = strlen(i->link);

	len = MIN(len, size);
	memcpy(buf, i->link, len);
	return (ssize_t)len;
}

const struct inode_ops tmpfs_file_inode_ops = {
	.getattr = tmpfs_getattr,
	.setattr = tmpfs_setattr,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.removexattr = tmpfs_removexattr,
	.evict = tmpfs_evict,
};

const struct inode_ops tmpfs_link_inode_ops = {
	.readlink = tmpfs_readlink,
	.setattr = tmpfs_setattr,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.removexattr = tmpfs_removexattr,
	.evict = tmpfs_evict,
};

static struct super *create(uint64_t max_bytes, uint32_t root_mode)
{
	struct super *sb = super_create(&tmpfs_super_ops, "tmpfs", 0);
	struct tmpfs_super *t = kzalloc(sizeof(*t));

	if (!sb || !t)
		goto fail;
	t->quota.max = PAGE_UP(max_bytes) >> PAGE_SHIFT;
	t->sb = sb;
	sb->private = t;
	if (tmpfs_inode_create(sb, NULL, root_mode, &cred_kernel, &sb->root)) {
		sb->root = NULL;
		super_put(sb);	/* frees t */
		return NULL;
	}
	return sb;
fail:
	kfree(t);
	if (sb)
		super_put(sb);
	return NULL;
}

struct super *tmpfs_create(uint64_t max_bytes, uint32_t root_mode)
{
	return create(max_bytes, S_IFDIR | (root_mode & 07777));
}

struct super *tmpfs_create_line(const char *text)
{
	struct super *sb = create(0, S_IFREG | 0644);
	struct kiovec iov[] = {
		{ (void *)(uintptr_t)text, strlen(text) }, { "\n", 1 },
	};
	size_t n = iov[0].len + 1;
	struct uio u = { .iov = iov, .nr = ARRAY_LEN(iov), .left = n };

	if (!sb)
		return NULL;
	if (pagestore_write(&tmpfs_file(sb->root)->store, &u, 0, n, 0) !=
	    (ssize_t)n) {
		super_put(sb);
		return NULL;
	}
	sb->root->size = n;
	return sb;
}

struct super *tmpfs_create_late(uint32_t root_mode,
				const struct tmpfs_late *late)
{
	struct super *sb = tmpfs_create(0, root_mode);

	if (sb)
		((struct tmpfs_super *)sb->private)->late = late;
	return sb;
}

/* --- files without a name: memfd, shared anonymous memory ------------------------*/

static struct super *internal_super(void)
{
	static struct mutex lock = MUTEX_INIT;
	static struct super *internal;	/* set once, under lock */

	mutex_lock(&lock);
	if (!internal)
		internal = tmpfs_create(0, 0777);
	mutex_unlock(&lock);
	return internal;
}

int tmpfs_create_file(const char *name, struct file **out)
{
	struct super *sb = internal_super();
	struct inode *i;
	struct file *f;
	int err;

	if (!sb)
		return -ENOMEM;
	err = tmpfs_inode_create(sb, NULL, S_IFREG | 0600, &cred_kernel, &i);
	if (err)
		return err;
	i->nlink = 0;
	i->link = kstrdup(name);
	f = i->link ? file_alloc(i, O_RDWR, FMODE_READ | FMODE_WRITE |
					    FMODE_SEEK) : NULL;
	if (!f) {
		inode_put(i);
		return -ENOMEM;
	}
	f->anon_name = i->link;
	f->counted_writer = !inode_get_writer(i);
	*out = f;
	return 0;
}
