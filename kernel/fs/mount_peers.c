/* SPDX-License-Identifier: MIT */
/*
 * Mounts that hear of each other. What is mounted on one of a group of peers comes
 * on all of them, and on the slaves of the group, which the group hears nothing of;
 * what is unmounted goes there, too. A group is a number, no list: there are few
 * mounts, and all are in one. All peers have the same master, and a slave without
 * one left gets the master of its master.
 *
 * New mounts are made first, beside the trees (`made`), and join them in one
 * step that can not fail.
 */
#include <linux/mount.h>
#include "fs/vfs_priv.h"

#define UMOUNT_DETACH	2u	/* MNT_DETACH of umount2(2) */

static uint32_t last_group;	/* under mount_changes */

#define for_each_mount(m) \
	for (struct mount *m = list_entry(mounts.next, struct mount, link); \
	     &m->link != &mounts; m = list_entry(m->link.next, struct mount, link))

void mount_leave_group_locked(struct mount *m, bool slave)
{
	uint32_t group = m->group, master = m->master;
	bool is_last = true;

	m->group = 0;
	if (!group && !master)
		return;
	for_each_mount(p)
		if (p->group == group)
			is_last = false;
	for_each_mount(p)
		if (group && is_last && p->master == group)
			p->master = master;
	if (!slave)
		m->master = 0;
	else if (!is_last)
		m->master = group;
}

/* --- what comes -------------------------------------------------------------*/

/* Whose like m is to get, from a peer or its master's group. NULL: nobody's. */
static struct mount *model_for(const struct mount *m, enum copy_how *how)
{
	struct mount *model = NULL;

	for_each_mount(p) {
		if (p->model && m->group && p->group == m->group &&
		    !p->passes_on) {
			*how = COPY_AS_PEER;
			return p->model;
		}
		if (p->model && m->master && p->group == m->master) {
			*how = COPY_AS_SLAVE;
			model = p->model;
		}
	}
	return model;
}

/* The copies from c on are a tree that comes on m. */
static void settle(struct mount *m, struct mount *c, bool is_foreign,
		   struct list *made)
{
	for (struct list *l = &c->link; l != made; l = l->next) {
		struct mount *n = list_entry(l, struct mount, link);

		if (m->group && !n->group)
			n->group = ++last_group;
		if (is_foreign) {
			n->kept |= n->flags & MOUNT_KEPT;
			n->is_locked = true;
		}
	}
	c->is_locked = false;
}

/* m gets the like of model, unless the place is not below its root. */
static int receive(struct mount *m, struct mount *model, enum copy_how how,
		   const struct path *at, struct list *made)
{
	struct path top = { model, model->root };
	struct mount *c;

	m->model = model;
	mutex_lock(&dcache_lock);
	m->passes_on = !dentry_is_below_locked(at->dentry, m->root);
	mutex_unlock(&dcache_lock);
	if (m->passes_on)
		return 0;
	c = mount_copy_tree(&top, how, true, true, made);
	mount_copies_forget(made);
	if (!c)
		return -ENOMEM;
	settle(m, c, m->ns->ns.owner != at->mnt->ns->ns.owner, made);
	c->parent = m;
	ref_get(&m->refs);
	c->mountpoint = dentry_get(at->dentry);
	m->model = c;
	return 0;
}

/* What is mounted on the shared is shared. */
static void share(struct mount *m)
{
	if (!m->group)
		m->group = ++last_group;
	m->unbindable = false;
}

static bool is_in_tree(const struct mount *m, const struct mount *top)
{
	while (m && m != top)
		m = m->parent;
	return m;
}

static void share_tree(const struct mount *top, struct list *made)
{
	list_for_each(l, made)
		share(list_entry(l, struct mount, link));
	for_each_mount(p)
		if (is_in_tree(p, top))
			share(p);
}

int mount_propagate(struct mount *m, const struct path *at, struct list *made)
{
	uint32_t first = last_group;
	bool again = at->mnt->group;
	enum copy_how how;
	struct mount *model;
	int err = 0;

	if (again)
		share_tree(m, made);
	at->mnt->model = m;
	while (again && !err) {
		again = false;
		for_each_mount(p) {
			model = p->model || err ? NULL : model_for(p, &how);
			if (!model)
				continue;
			err = receive(p, model, how, at, made);
			again = true;
		}
	}
	for_each_mount(p) {
		p->model = NULL;
		p->passes_on = false;
		if (err && p->group > first)	/* as it was */
			p->group = 0;
	}
	return err;
}

/* q, which is mounted where c comes, goes on top of c. */
static void tuck_locked(struct mount *q, struct mount *c)
{
	ref_get(&c->refs);
	q->parent = c;
	q->mountpoint = dentry_get(c->root);
	c->root->flags |= DENTRY_MOUNTED;
	dentry_keep_locked(c->root);
	/* c has its own: these are not the last */
	ref_put(&c->parent->refs);
	ref_put(&c->mountpoint->refs);
}

void mount_join_locked(struct list *made, struct mnt_ns *n)
{
	struct mount *q;

	while (!list_is_empty(made)) {
		struct mount *c = list_first(made, struct mount, link);

		list_remove(&c->link);
		c->ns = c->parent ? c->parent->ns : n;
		if (c->parent) {
			q = mount_find_locked(c->parent, c->mountpoint);
			if (q)
				tuck_locked(q, c);
			c->mountpoint->flags |= DENTRY_MOUNTED;
			dentry_keep_locked(c->mountpoint);
		}
		list_append(&mounts, &c->link);
	}
}

bool mount_holds_unbindable_locked(const struct mount *m)
{
	for_each_mount(p)
		if (p->unbindable && is_in_tree(p, m))
			return true;
	return false;
}

int vfs_mount_propagation(const struct path *where, uint32_t type, bool all)
{
	struct mount *top = where->mnt;
	int err = where->dentry == top->root ? 0 : -EINVAL;

	if (type != MS_PRIVATE)		/* they are */
		mounts_make_late();
	mutex_lock(&mount_changes);
	mutex_lock(&dcache_lock);
	for_each_mount(m) {
		if (err || (m != top && (!all || !is_in_tree(m, top))))
			continue;
		if (type == MS_SHARED) {
			share(m);
			continue;
		}
		if (m->group)
			mount_leave_group_locked(m, true);
		if (type != MS_SLAVE) {
			m->master = 0;
			m->unbindable = type == MS_UNBINDABLE;
		}
	}
	mutex_unlock(&dcache_lock);
	mutex_unlock(&mount_changes);
	return err;
}

/* --- what goes --------------------------------------------------------------*/
/* mount.goes */
enum { GOES_ASKED = 1, GOES_ALONG };

static const struct mount *member_of(uint32_t group)
{
	for_each_mount(p)
		if (p->group == group)
			return p;
	return NULL;
}

/* Does p hear of the group, as its member, a slave, or a slave's slave...? */
static bool hears_of(const struct mount *p, uint32_t group)
{
	if (p->group == group)
		return true;
	while (p && p->master && p->master != group)
		p = member_of(p->master);
	return p && p->master;
}

/* What is mounted at the same place of those that hear of m's parent. */
static void mark_likes_locked(const struct mount *m)
{
	uint32_t group = m->parent ? m->parent->group : 0;

	if (!group)
		return;
	for_each_mount(p)
		if (!p->goes && p->mountpoint == m->mountpoint && p->parent &&
		    hears_of(p->parent, group))
			p->goes = GOES_ALONG;
}

/* How many stay that are mounted on m; on_root: right over it. */
static uint32_t staying_on(const struct mount *m, bool on_root)
{
	uint32_t nr = 0;

	for_each_mount(p)
		nr += p->parent == m && !p->goes &&
		      (p->mountpoint == m->root) == on_root;
	return nr;
}

/* Those stay that hold what stays; but what is right over one can come down. The
 * locked stay, too, if not even what they are on goes; but what top hid, its owner
 * shows. */
static void unmark_locked(const struct mount *top)
{
	bool again = true;

	while (again) {
		again = false;
		for_each_mount(m) {
			if (m->goes != GOES_ALONG ||
			    !(staying_on(m, false) ||
			      (m->is_locked && !m->parent->goes &&
			       m->mountpoint != top->mountpoint) ||
			      (m->parent->goes && staying_on(m, true))))
				continue;
			m->goes = 0;
			again = true;
		}
	}
}

static void mark_locked(struct mount *top, bool tree)
{
	for_each_mount(m)
		if (m == top || (tree && is_in_tree(m, top)))
			m->goes = GOES_ASKED;
	for_each_mount(m)
		if (m->goes == GOES_ASKED)
			mark_likes_locked(m);
	unmark_locked(top);
}

/* Is one that goes along in use? */
static bool are_busy_locked(void)
{
	for_each_mount(m)
		if (m->goes == GOES_ALONG &&
		    ref_read(&m->refs) > 1 + staying_on(m, true))
			return true;
	return false;
}

static void come_down_locked(struct mount *m)
{
	struct mount *on = m->parent;

	m->parent = on->parent;
	ref_get(&m->parent->refs);
	m->mountpoint = dentry_get(on->mountpoint);
	/* the tree has one of `on`, and that one of its root */
	ref_put(&on->root->refs);
	ref_put(&on->refs);
}

static void take_marked_locked(struct list *gone)
{
	for_each_mount(m)
		if (!m->goes && m->parent && m->parent->goes)
			come_down_locked(m);
	list_for_each_safe(l, &mounts) {
		struct mount *m = list_entry(l, struct mount, link);

		if (!m->goes)
			continue;
		m->goes = 0;
		mount_detach_locked(m);
		list_append(gone, &m->link);
	}
}

int vfs_umount(const struct path *where, uint32_t flags)
{
	struct mount *m = where->mnt;
	struct list gone = LIST_INIT(gone);
	int err = 0;

	mutex_lock(&mount_changes);
	mutex_lock(&dcache_lock);
	if (where->dentry != m->root || !m->parent || m->is_locked ||
	    list_is_empty(&m->link))
		err = -EINVAL;
	else
		mark_locked(m, flags & UMOUNT_DETACH);
	/* The tree's reference and the caller's path. */
	if (!err && !(flags & UMOUNT_DETACH) &&
	    (staying_on(m, true) || staying_on(m, false) ||
	     mount_has_late_locked(m) || ref_read(&m->refs) > 2 ||
	     are_busy_locked()))
		err = -EBUSY;
	if (!err)
		take_marked_locked(&gone);
	for_each_mount(p)
		p->goes = 0;
	mutex_unlock(&dcache_lock);
	mutex_unlock(&mount_changes);
	mounts_drop(&gone);
	return err;
}
