/* SPDX-License-Identifier: MIT */
/* The overlay as a file system: creation, statfs. */
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/overlay/overlay.h"

#define OVERLAY_MAGIC 0x794c7630

static int overlay_statfs(struct super *sb, struct kstatfs *out)
{
	struct overlay *o = sb->private;
	int err = 0;

	if (o->upper->ops->statfs)
		err = o->upper->ops->statfs(o->upper, out);
	out->type = OVERLAY_MAGIC;
	return err;
}

static bool is_pinned(struct nodetab_link *l)
{
	return container_of(l, struct onode, upper_link)->pinned;
}

/* Nobody can come back: give up the pins of what was copied up. */
static void overlay_shutdown(struct super *sb)
{
	struct overlay *o = sb->private;
	struct nodetab_link *l;

	do {
		struct inode *i = NULL;

		mutex_lock(&o->table_lock);
		l = nodetab_find(&o->by_upper, is_pinned);
		if (l) {
			i = container_of(l, struct onode, upper_link)->inode;
			onode(i)->pinned = false;
		}
		mutex_unlock(&o->table_lock);
		inode_put(i);
	} while (l);
}

static void overlay_destroy(struct super *sb)
{
	struct overlay *o = sb->private;

	super_put(o->lower);
	super_put(o->upper);
	nodetab_fini(&o->by_lower);
	nodetab_fini(&o->by_upper);
	kfree(o);
}

static const struct super_ops overlay_super_ops = {
	.statfs = overlay_statfs,
	.shutdown = overlay_shutdown,
	.destroy = overlay_destroy,
};

static struct inode *make_root(struct super *sb, struct overlay *o)
{
	struct inode *i, *up = inode_get(o->upper->root);

	if (overlay_node_get(sb, NULL, NULL, inode_get(o->lower->root), NULL,
			     &i)) {
		inode_put(up);
		return NULL;
	}
	up->mode = o->lower->root->mode;
	up->uid = o->lower->root->uid;
	up->gid = o->lower->root->gid;
	up->mtime = o->lower->root->mtime;
	overlay_set_upper(i, up);
	return i;
}

struct super *overlay_create(struct super *lower, struct super *upper)
{
	struct overlay *o;
	struct super *sb;

	if (!lower)
		return upper;
	o = kzalloc(sizeof(*o));
	sb = o ? super_create(&overlay_super_ops, "overlay", 0) : NULL;
	if (!sb) {
		kfree(o);
		return NULL;
	}
	o->lower = lower;
	o->upper = upper;
	mutex_init(&o->table_lock);
	nodetab_init(&o->by_lower);
	nodetab_init(&o->by_upper);
	sb->private = o;
	sb->root = make_root(sb, o);
	if (!sb->root) {
		/* the caller keeps what it gave */
		sb->private = NULL;
		sb->ops = NULL;
		super_put(sb);
		kfree(o);
		return NULL;
	}
	return sb;
}
