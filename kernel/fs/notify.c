/* SPDX-License-Identifier: MIT */
/*
 * Where file-system events leave for the layer above. While nothing is
 * watched in the whole sandbox, callers hardly get here.
 */
#include "fs/notify.h"

#include <linux/stat.h>

#include "fs/vfs_priv.h"

struct fs_hooks fs_hooks;
uint32_t fs_nr_watches;

void fs_notify_unlinked(struct inode *victim)
{
	uint32_t links = __atomic_load_n(&victim->nlink, __ATOMIC_RELAXED);

	if (links && !S_ISDIR(victim->mode))
		fs_notify(victim, IN_ATTRIB, 0, NULL);
	else
		fs_notify_gone(victim);
}

void fs_notify_rename(struct inode *old_dir, const char *old_name,
		      struct inode *new_dir, const char *new_name,
		      struct inode *moved)
{
	static uint32_t next_cookie;	/* atomic */
	uint32_t dir = S_ISDIR(moved->mode) ? IN_ISDIR : 0;
	uint32_t cookie;

	cookie = __atomic_add_fetch(&next_cookie, 1, __ATOMIC_RELAXED);
	fs_notify(old_dir, IN_MOVED_FROM | dir, cookie, old_name);
	fs_notify(new_dir, IN_MOVED_TO | dir, cookie, new_name);
	fs_notify(moved, IN_MOVE_SELF, 0, NULL);
}

void fs_notify_path(const struct path *p, uint32_t mask)
{
	struct inode *i, *dir = NULL;
	struct dentry *parent;
	uint32_t unlinked = 0;
	char name[256];

	if (!fs_is_watched() || !p->dentry)
		return;
	i = path_inode(p);
	if (S_ISDIR(i->mode))
		mask |= IN_ISDIR;
	mutex_lock(&dcache_lock);
	parent = p->dentry->parent;
	if (parent)
		dir = inode_get(parent->inode);
	if (p->dentry->flags & DENTRY_DELETED)
		unlinked = IN_EXCL_UNLINK;
	mutex_unlock(&dcache_lock);
	if (dir) {
		path_last_name(p, name, sizeof(name));
		fs_notify(dir, mask | unlinked, 0, name);
		inode_put(dir);
	}
	fs_notify(i, mask, 0, NULL);
}
