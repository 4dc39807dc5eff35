/* SPDX-License-Identifier: MIT */
/*
 * Where file-system events leave for inotify. While nothing is watched in the
 * whole sandbox, callers do not even get here.
 */
#include <linux/inotify.h>
#include <linux/stat.h>

#include "fs/vfs_priv.h"

void fs_notify_name(struct inode *dir, uint32_t mask, uint32_t cookie,
		    const char *name)
{
	if (!fs_nr_watches || list_is_empty(&dir->watches) ||
	    !fs_upcalls.notify)
		return;
	fs_upcalls.notify(dir, mask, cookie, name);
}

void fs_notify_inode(struct inode *i, uint32_t mask)
{
	fs_notify_name(i, S_ISDIR(i->mode) ? mask | IN_ISDIR : mask, 0, NULL);
}

void fs_notify_path(const struct path *p, uint32_t mask)
{
	struct inode *i, *dir = NULL;
	struct dentry *parent;
	char name[256];

	if (!fs_nr_watches || !p->dentry)
		return;
	i = path_inode(p);
	if (S_ISDIR(i->mode))
		mask |= IN_ISDIR;
	mutex_lock(&dcache_lock);
	parent = p->dentry->parent;
	if (parent && !list_is_empty(&parent->inode->watches) &&
	    !(p->dentry->flags & DENTRY_DELETED))
		dir = inode_get(parent->inode);
	mutex_unlock(&dcache_lock);
	if (dir) {
		path_last_name(p, name, sizeof(name));
		fs_notify_name(dir, mask, 0, name);
		inode_put(dir);
	}
	fs_notify_name(i, mask, 0, NULL);
}
