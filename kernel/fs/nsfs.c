/* SPDX-License-Identifier: MIT */
/*
 * Files that stand for namespaces: what /proc/PID/ns leads to. Each path has
 * an inode of its own, which holds a reference to the namespace and has its
 * number; all are on one mount that is nowhere, and can be bound elsewhere.
 */
#include <linux/magic.h>
#include <linux/stat.h>
#include "fs/nsfs.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

static struct mutex making = MUTEX_INIT;
static struct mount *mount;	/* set once, under making */

static void nsfs_evict(struct inode *i)
{
	ns_put(i->private);
}

static const struct inode_ops inode_ops = { .evict = nsfs_evict };

static int nsfs_statfs(struct super *sb, struct kstatfs *out)
{
	out->type = NSFS_MAGIC;
	return 0;
}

static struct mount *mount_get(void)
{
	static const struct super_ops ops = { .statfs = nsfs_statfs };
	struct super *sb;

	mutex_lock(&making);
	sb = mount ? NULL : super_create(&ops, "nsfs", SUPER_NO_DCACHE);
	if (sb)
		mount = mount_create(sb, NULL, "nsfs", 0);
	super_put(sb);		/* the mount has its own reference */
	mutex_unlock(&making);
	return mount;
}

int nsfs_path(struct ns *n, const char *name, const struct file_ops *ops,
	      struct path *out)
{
	struct mount *m = mount_get();
	struct inode *i = m ? inode_create(m->sb, S_IFREG | 0444, &inode_ops,
					   ops) : NULL;
	struct dentry *d;

	if (!i) {
		ns_put(n);
		return -ENOMEM;
	}
	i->private = n;
	i->ino = n->inum;
	d = dentry_create(NULL, m->sb, name, strlen(name), i, DENTRY_ANON);
	if (!d) {
		inode_put(i);
		return -ENOMEM;
	}
	ref_get(&m->refs);
	*out = (struct path){ m, d };
	return 0;
}
