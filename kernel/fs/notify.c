/* SPDX-License-Identifier: MIT */
/* Reports of the file layer to whoever filled fs_hooks: see fs/notify.h. */
#include <linux/stat.h>
#include "core/heap.h"
#include "fs/dentry.h"
#include "fs/notify.h"
#include "lib/string.h"

struct fs_hooks fs_hooks;
uint32_t fs_nr_watches;

static uint32_t last_cookie;	/* atomic; pairs the halves of a rename */

static uint32_t dir_bit(const struct inode *i)
{
	return (i->mode & S_IFMT) == S_IFDIR ? IN_ISDIR : 0;
}

void fs_notify_rename(struct inode *old_dir, const char *old_name,
		      struct inode *new_dir, const char *new_name,
		      struct inode *moved)
{
	uint32_t cookie, isdir = dir_bit(moved);

	if (!fs_is_watched())
		return;
	cookie = __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED);
	fs_notify(old_dir, IN_MOVED_FROM | isdir, cookie, old_name);
	fs_notify(new_dir, IN_MOVED_TO | isdir, cookie, new_name);
	fs_notify(moved, IN_MOVE_SELF, 0, NULL);
}

void fs_notify_path(const struct path *p, uint32_t mask)
{
	struct dentry *d = p->dentry, *parent = NULL;
	struct inode *i = path_inode(p);
	char *name;

	if (!fs_is_watched())
		return;
	mask |= dir_bit(i);
	name = kmalloc(256);
	mutex_lock(&dcache_lock);
	if (name && d->parent && !(d->flags & DENTRY_DELETED)) {
		parent = dentry_get(d->parent);
		strlcpy(name, d->name, 256);
	}
	mutex_unlock(&dcache_lock);
	if (parent) {
		fs_notify(dentry_inode(parent), mask, 0, name);
		dentry_put(parent);
	}
	kfree(name);
	fs_notify(i, mask, 0, NULL);
}
