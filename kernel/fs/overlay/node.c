/* SPDX-License-Identifier: MIT */
/* Overlay inodes: the tables that make one object one inode. */
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/overlay/overlay.h"
#include "lib/string.h"

static uint64_t lower_key(const struct inode *lower)
{
	return (uintptr_t)lower >> 5;
}

bool overlay_is_whiteout(const struct inode *i)
{
	return S_ISCHR(i->mode) && i->rdev == 0;
}

static struct inode *find_lower_locked(struct overlay *o,
				       const struct inode *lower)
{
	list_for_each(p, nodetab_bucket(&o->by_lower, lower_key(lower))) {
		struct onode *n = nodetab_entry(p, struct onode, lower_link);

		if (n->lower == lower && ref_try_get(&n->inode->refs))
			return n->inode;
	}
	return NULL;
}

static struct inode *find_upper_locked(struct overlay *o, uint64_t ino)
{
	list_for_each(p, nodetab_bucket(&o->by_upper, ino)) {
		struct onode *n = nodetab_entry(p, struct onode, upper_link);

		if (n->upper->ino == ino && ref_try_get(&n->inode->refs))
			return n->inode;
	}
	return NULL;
}

uint64_t overlay_upper_ino(struct overlay *o, uint64_t upper_ino)
{
	uint64_t ino = upper_ino + OVERLAY_UPPER_INO;

	mutex_lock(&o->table_lock);
	list_for_each(p, nodetab_bucket(&o->by_upper, upper_ino)) {
		struct onode *n = nodetab_entry(p, struct onode, upper_link);

		if (n->upper->ino == upper_ino)
			ino = n->inode->ino;
	}
	mutex_unlock(&o->table_lock);
	return ino;
}

void overlay_sync(struct inode *i)
{
	const struct inode *r = overlay_real(i);

	i->mode = r->mode;
	i->uid = r->uid;
	i->gid = r->gid;
	__atomic_store_n(&i->size, r->size, __ATOMIC_RELAXED);
	i->blocks = r->blocks;
	i->atime = r->atime;
	i->mtime = r->mtime;
	i->ctime = r->ctime;
	i->btime = r->btime;
}

static struct inode *node_create(struct super *sb, struct inode *lower,
				 struct inode *upper)
{
	struct inode *real = upper ? upper : lower, *i;
	bool is_dir = S_ISDIR(real->mode);
	struct onode *n = kzalloc(sizeof(*n));

	i = n ? inode_create(sb, real->mode,
			     is_dir ? &overlay_dir_ops : &overlay_inode_ops,
			     is_dir ? &overlay_dir_fops :
				      &overlay_file_fops) : NULL;
	if (!i) {
		kfree(n);
		return NULL;
	}
	i->private = n;
	n->inode = i;
	n->lower = lower;
	n->upper = upper;
	mutex_init(&n->copy_lock);
	nodetab_link_init(&n->lower_link);
	nodetab_link_init(&n->upper_link);
	i->ino = lower ? lower->ino : upper->ino + OVERLAY_UPPER_INO;
	i->rdev = real->rdev;
	i->nlink = real->nlink;
	overlay_sync(i);
	return i;
}

static struct inode *find_locked(struct overlay *o, struct inode *lower,
				 struct inode *upper)
{
	return upper ? find_upper_locked(o, upper->ino) :
		       find_lower_locked(o, lower);
}

int overlay_node_get(struct super *sb, struct inode *parent, const char *name,
		     struct inode *lower, struct inode *upper,
		     struct inode **out)
{
	struct overlay *o = sb->private;
	struct inode *i, *fresh = NULL;
	struct onode *n;

	mutex_lock(&o->table_lock);
	i = find_locked(o, lower, upper);
	mutex_unlock(&o->table_lock);
	if (i) {
		inode_put(lower);
		inode_put(upper);
		*out = i;
		return 0;
	}
	fresh = node_create(sb, lower, upper);
	if (!fresh) {
		inode_put(lower);
		inode_put(upper);
		return -ENOMEM;
	}
	n = onode(fresh);
	if (name && !upper) {
		n->name = kstrdup(name);
		if (!n->name) {
			inode_put(fresh);	/* gives up the real ones */
			return -ENOMEM;
		}
		n->parent = inode_get(parent);
	}
	mutex_lock(&o->table_lock);
	i = find_locked(o, lower, upper);
	if (!i) {
		i = fresh;
		fresh = NULL;
		if (lower)
			nodetab_add(&o->by_lower, &n->lower_link,
				    lower_key(lower));
		if (upper)
			nodetab_add(&o->by_upper, &n->upper_link, upper->ino);
	}
	mutex_unlock(&o->table_lock);
	inode_put(fresh);
	*out = i;
	return 0;
}

void overlay_set_upper(struct inode *i, struct inode *upper)
{
	struct overlay *o = overlay_of(i);
	struct onode *n = onode(i);

	inode_get(i);
	mutex_lock(&o->table_lock);
	n->pinned = true;
	/* Pairs with overlay_upper: the inode's fields are seen complete. */
	__atomic_store_n(&n->upper, upper, __ATOMIC_RELEASE);
	nodetab_add(&o->by_upper, &n->upper_link, upper->ino);
	mutex_unlock(&o->table_lock);
}

void overlay_unname(struct inode *i)
{
	struct overlay *o = overlay_of(i);
	struct onode *n = onode(i);
	struct inode *parent;
	char *name;

	mutex_lock(&o->table_lock);
	parent = n->parent;
	name = n->name;
	n->parent = NULL;
	n->name = NULL;
	mutex_unlock(&o->table_lock);
	kfree(name);
	inode_put(parent);
}

void overlay_unpin(struct inode *i)
{
	struct overlay *o = overlay_of(i);
	bool was;

	mutex_lock(&o->table_lock);
	was = onode(i)->pinned;
	onode(i)->pinned = false;
	mutex_unlock(&o->table_lock);
	if (was)
		inode_put(i);
}

void overlay_evict(struct inode *i)
{
	struct overlay *o = overlay_of(i);
	struct onode *n = onode(i);

	mutex_lock(&o->table_lock);
	nodetab_remove(&o->by_lower, &n->lower_link);
	nodetab_remove(&o->by_upper, &n->upper_link);
	mutex_unlock(&o->table_lock);
	inode_put(n->lower);
	inode_put(n->upper);
	inode_put(n->parent);
	kfree(n->name);
	kfree(n);
}
