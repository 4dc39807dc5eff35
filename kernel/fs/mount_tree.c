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

struct mnt_ns mnt_ns_first = {
	.ns = { .refs = { 1 }, .kind = NS_MNT, .inum = 4026531832u,
		.owner = &user_ns_first },
};

static void mnt_ns_free(struct ns *n)
{
	struct list gone = LIST_INIT(gone);

	mutex_lock(&mount_changes);
	mutex_lock(&dcache_lock);
	list_for_each_safe(l, &mounts) {
		struct mount *m = list_entry(l, struct mount, link);

		if (&m->ns->ns != n)
			continue;
		mount_detach_locked(m);
		list_append(&gone, &m->link);
	}
	mutex_unlock(&dcache_lock);
	mutex_unlock(&mount_changes);
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
struct mutex mount_changes = MUTEX_INIT;

static struct mount *copy_one(struct mount *m, struct dentry *root,
			      enum copy_how how, struct list *made)
{
	struct mount *c = mount_create(m->sb, root, m->source, m->flags);
	bool slave = how == COPY_AS_SLAVE && m->group;

	m->copy = c;
	if (!c)
		return NULL;
	c->kept = m->kept;
	c->is_locked = m->is_locked;
	c->unbindable = m->unbindable;
	c->group = slave ? 0 : m->group;
	c->master = slave ? m->group : m->master;
	list_append(made, &c->link);
	return c;
}

/* Has m to be copied next: is it mounted on what has a copy? */
static bool is_next(const struct mount *m, const struct path *top, bool whole)
{
	bool is_below = true;

	if (m->copy || !m->parent || !m->parent->copy ||
	    (m->unbindable && !whole))
		return false;
	if (m->parent == top->mnt) {
		mutex_lock(&dcache_lock);
		is_below = dentry_is_below_locked(m->mountpoint, top->dentry);
		mutex_unlock(&dcache_lock);
	}
	return is_below;
}

struct mount *mount_copy_tree(const struct path *top, enum copy_how how,
			      bool all, bool whole, struct list *made)
{
	struct list *from = top->mnt->ns ? &mounts : made;
	struct mount *first = copy_one(top->mnt, top->dentry, how, made), *c;
	bool again = first && all;

	while (again) {
		again = false;
		list_for_each(l, from) {
			struct mount *m = list_entry(l, struct mount, link);

			if (!is_next(m, top, whole))
				continue;
			c = copy_one(m, m->root, how, made);
			if (!c)
				return NULL;
			c->parent = m->parent->copy;
			ref_get(&c->parent->refs);
			c->mountpoint = dentry_get(m->mountpoint);
			again = true;
		}
	}
	return first;
}

void mount_copies_forget(struct list *made)
{
	list_for_each(l, &mounts)
		list_entry(l, struct mount, link)->copy = NULL;
	list_for_each(l, made)
		list_entry(l, struct mount, link)->copy = NULL;
}

int mount_bind_tree(const struct path *where, const struct path *what, bool all)
{
	struct list made = LIST_INIT(made);
	struct mount *c;
	int err;

	mounts_make_late();
	mutex_lock(&mount_changes);
	/* unmounted meanwhile; but the file of a namespace is in no tree */
	err = what->mnt->unbindable || (!what->mnt->ns && what->mnt->parent) ?
	      -EINVAL : 0;
	if (!err) {
		c = mount_copy_tree(what, COPY_AS_PEER, all && what->mnt->ns,
				    false, &made);
		mount_copies_forget(&made);
		if (!c)
			err = -ENOMEM;
		else
			c->is_locked = false;
	}
	if (!err)
		err = mount_attach(&made, where);
	mutex_unlock(&mount_changes);
	mounts_drop(&made);
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
	ref_put(&m->refs);	/* the old tree has one: not the last */
}

/* To n, which is new, a copy of the tree of old. With mount_changes. */
static int fill_copy(struct mnt_ns *n, struct mnt_ns *old, struct path *a,
		     struct path *b, struct list *made)
{
	bool is_foreign = n->ns.owner != old->ns.owner;
	struct path top = { old->root, old->root->root };
	struct mount *c = mount_copy_tree(&top, is_foreign ? COPY_AS_SLAVE :
					  COPY_AS_PEER, true, true, made);

	if (!c)
		return -ENOMEM;
	list_for_each(l, made) {
		struct mount *m = list_entry(l, struct mount, link);

		if (!is_foreign)
			break;
		m->kept |= m->flags & MOUNT_KEPT;
		m->is_locked = true;
	}
	c->is_locked = false;
	mutex_lock(&dcache_lock);
	n->root = c;
	move_locked(a);
	move_locked(b);
	mount_copies_forget(made);
	mount_join_locked(made, n);
	mutex_unlock(&dcache_lock);
	return 0;
}

int mnt_ns_copy(struct mnt_ns *old, struct user_ns *owner, struct path *a,
		struct path *b, struct ns **out)
{
	struct mnt_ns *n = (struct mnt_ns *)ns_create(NS_MNT, sizeof(*n), owner,
						      mnt_ns_free);
	struct list made = LIST_INIT(made);
	int err;

	if (!n)
		return -ENOMEM;
	mounts_make_late();
	mutex_lock(&mount_changes);
	err = fill_copy(n, old, a, b, &made);
	if (err)
		mount_copies_forget(&made);
	mutex_unlock(&mount_changes);
	mounts_drop(&made);
	if (err)
		ns_put(&n->ns);
	else
		*out = &n->ns;
	return err;
}
