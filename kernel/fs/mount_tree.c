/* SPDX-License-Identifier: MIT */
/*
 * Trees of mounts: copies of them, and namespaces, whose trees change without
 * each other. All mounts are in one list (fs/mount.c); each knows its namespace.
 * A new one begins as a copy of another's tree.
 *
 * A copy that other users own must not show more than the original did: its
 * mounts can not be taken away, nor what forbids (read-only, nosuid...) be
 * taken from them.
 */
#include <linux/mount.h>
#include "core/heap.h"
#include "fs/vfs_priv.h"

#define KEPT (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

struct mnt_ns mnt_ns_first = {
	.ns = { .refs = { 1 }, .kind = NS_MNT, .inum = 4026531832u,
		.owner = &user_ns_first },
};

static void mnt_ns_free(struct ns *n)
{
	struct list gone = LIST_INIT(gone);

	mutex_lock(&dcache_lock);
	list_for_each_safe(l, &mounts) {
		struct mount *m = list_entry(l, struct mount, link);

		if (&m->ns->ns != n)
			continue;
		mount_detach_locked(m);
		list_append(&gone, &m->link);
	}
	mutex_unlock(&dcache_lock);
	mounts_drop(&gone);
	ns_free(n);
}

void mnt_ns_root(struct mnt_ns *n, struct path *out)
{
	struct mount *m;

	mutex_lock(&dcache_lock);
	*out = (struct path){ n->root, n->root->root };
	while ((out->dentry->flags & DENTRY_MOUNTED) &&
	       (m = mount_find_locked(out->mnt, out->dentry)))
		*out = (struct path){ m, m->root };
	path_get(out);
	mutex_unlock(&dcache_lock);
}

/* --- copies of trees --------------------------------------------------------*/
static struct mutex copying = MUTEX_INIT;	/* guards mount.copy */

/* Of a mount from a directory of it on, and what is mounted below. */
struct tree_copy {
	struct path top;	/* borrowed */
	struct list copies;	/* by link, as long as they are not joined */
	struct list originals;	/* by copied; with references */
};

static bool is_part_locked(const struct tree_copy *t, const struct mount *m)
{
	if (m == t->top.mnt)
		return true;
	while (m->parent && m->parent != t->top.mnt)
		m = m->parent;
	return m->parent &&
	       dentry_is_below_locked(m->mountpoint, t->top.dentry);
}

/* A part that has no copy yet, with a reference; NULL: all have. */
static struct mount *next_to_copy_locked(const struct tree_copy *t)
{
	list_for_each(l, &mounts) {
		struct mount *m = list_entry(l, struct mount, link);

		if (m->ns == t->top.mnt->ns && !m->copy &&
		    is_part_locked(t, m)) {
			ref_get(&m->refs);
			return m;
		}
	}
	return NULL;
}

/* Make the copies. Returns 0 or -ENOMEM; dcache_lock is held in any case, and
 * end follows. */
static int tree_copy_begin(struct tree_copy *t)
{
	struct mount *m, *c;

	list_init(&t->copies);
	list_init(&t->originals);
	mounts_make_late();
	mutex_lock(&copying);
	mutex_lock(&dcache_lock);
	while ((m = next_to_copy_locked(t))) {
		mutex_unlock(&dcache_lock);
		c = mount_create(m->sb, m == t->top.mnt ? t->top.dentry :
				 m->root, m->source, m->flags);
		mutex_lock(&dcache_lock);
		list_append(&t->originals, &m->copied);
		m->copy = c;
		if (!c)
			return -ENOMEM;
		c->kept = m->kept;
		c->is_locked = m->is_locked;
		list_append(&t->copies, &c->link);
	}
	return 0;
}

/* Put the copies together below that of the top, which has its place in n. Those
 * of mounts that went meanwhile are left over. */
static void tree_copy_join_locked(struct tree_copy *t, struct mnt_ns *n)
{
	list_for_each(l, &t->originals) {
		struct mount *m = list_entry(l, struct mount, copied);
		struct mount *c = m->copy;

		/* one that became the root meanwhile has no parent */
		if (m == t->top.mnt || !m->ns || !m->parent ||
		    !m->parent->copy)
			continue;
		list_remove(&c->link);
		list_append(&mounts, &c->link);
		c->ns = n;
		c->parent = m->parent->copy;
		ref_get(&c->parent->refs);
		c->mountpoint = dentry_get(m->mountpoint);
	}
}

/* Lets go of dcache_lock. */
static void tree_copy_end(struct tree_copy *t)
{
	list_for_each(l, &t->originals)
		list_entry(l, struct mount, copied)->copy = NULL;
	mutex_unlock(&dcache_lock);
	while (!list_is_empty(&t->originals)) {
		struct mount *m = list_first(&t->originals, struct mount,
					     copied);

		list_remove(&m->copied);
		mount_put(m);
	}
	mutex_unlock(&copying);
	mounts_drop(&t->copies);
}

int mount_bind_tree(const struct path *where, const struct path *what)
{
	struct tree_copy t = { .top = *what };
	struct mount *c;
	int err = tree_copy_begin(&t);

	c = what->mnt->copy;
	if (!err && !c)		/* unmounted meanwhile */
		err = -EINVAL;
	if (!err) {
		c->is_locked = false;
		list_remove(&c->link);
		err = mount_attach_locked(c, where);
		if (err)
			list_append(&t.copies, &c->link);
		else
			tree_copy_join_locked(&t, c->ns);
	}
	tree_copy_end(&t);
	return err;
}

/* at, which is in the old tree, goes on in the copy. */
static void move_locked(struct path *at)
{
	struct mount *m = at->mnt;

	if (!m->copy)
		return;
	at->mnt = m->copy;
	ref_get(&at->mnt->refs);
	ref_put(&m->refs);	/* the list of originals has one: not the last */
}

int mnt_ns_copy(struct mnt_ns *old, struct user_ns *owner, struct path *a,
		struct path *b, struct ns **out)
{
	struct mnt_ns *n = (struct mnt_ns *)ns_create(NS_MNT, sizeof(*n), owner,
						      mnt_ns_free);
	struct tree_copy t;
	int err;

	if (!n)
		return -ENOMEM;
	mutex_lock(&dcache_lock);
	t.top = (struct path){ old->root, old->root->root };
	path_get(&t.top);
	mutex_unlock(&dcache_lock);
	err = tree_copy_begin(&t);
	if (!err && old->root != t.top.mnt)	/* pivot_root was faster */
		err = -EAGAIN;
	if (!err) {
		list_for_each(l, &t.copies) {
			struct mount *c = list_entry(l, struct mount, link);

			if (owner == old->ns.owner)
				break;
			c->kept |= c->flags & KEPT;
			c->is_locked = true;
		}
		n->root = t.top.mnt->copy;
		n->root->ns = n;
		n->root->is_locked = false;
		list_remove(&n->root->link);
		list_append(&mounts, &n->root->link);
		tree_copy_join_locked(&t, n);
		move_locked(a);
		move_locked(b);
		*out = &n->ns;
	}
	tree_copy_end(&t);
	path_put(&t.top);
	if (err)
		ns_put(&n->ns);
	return err;
}
