/* SPDX-License-Identifier: MIT */
/*
 * The tree of mounts. A mount holds its super, its root dentry, its parent
 * mount and the dentry it covers; the tree holds one reference to each mount,
 * every path through it another. There are few mounts: they are one list,
 * which is searched only at dentries that have the DENTRY_MOUNTED flag.
 */
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "core/panic.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

/* As many as can be walked through for each of them: what is bound into itself, or
 * propagates, doubles. */
#define MOUNTS_MAX	10000u

/* Under dcache_lock. */
struct list mounts = LIST_INIT(mounts);
static uint32_t nr_mounts;	/* atomic; with those in no tree */

/*
 * Mounts that are made when their name is first walked to. The dentry of such
 * a name has DENTRY_MOUNTED from its look-up on, and so the walk comes here.
 */
static struct {
	struct mutex making;	/* one at a time; taken before dcache_lock */
	/* under dcache_lock */
	const struct late_mount *list;
	uint32_t nr;
	struct mount *on[LATE_MOUNTS_MAX];	/* NULL: not now, or done */
} late = { .making = MUTEX_INIT };

struct mount *mount_create(struct super *sb, struct dentry *root,
			   const char *source, uint32_t flags)
{
	struct mount *m = kzalloc(sizeof(*m));

	if (!m)
		return NULL;
	m->source = kstrdup(source ? source : "none");
	if (!m->source || __atomic_load_n(&nr_mounts, __ATOMIC_RELAXED) >=
			  MOUNTS_MAX) {
		kfree(m->source);
		kfree(m);
		return NULL;
	}
	__atomic_fetch_add(&nr_mounts, 1, __ATOMIC_RELAXED);
	ref_get(&sb->refs);
	m->sb = sb;
	m->root = root ? dentry_get(root) : NULL;
	m->flags = flags;
	ref_init(&m->refs, 1);
	list_init(&m->link);
	return m;
}

void mount_put(struct mount *m)
{
	while (m && ref_put(&m->refs)) {
		struct mount *parent = m->parent;

		dentry_put(m->root);
		dentry_put(m->mountpoint);
		super_put(m->sb);
		kfree(m->source);
		kfree(m);
		__atomic_fetch_sub(&nr_mounts, 1, __ATOMIC_RELAXED);
		m = parent;
	}
}

struct mount *mount_find_locked(const struct mount *mnt, const struct dentry *d)
{
	list_for_each(p, &mounts) {
		struct mount *m = list_entry(p, struct mount, link);

		if (m->mountpoint == d && m->parent == mnt)
			return m;
	}
	return NULL;
}

/* The dentry that stands for inode (NULL: the super's root). */
static struct dentry *root_dentry_get(struct super *sb, struct inode *inode)
{
	struct dentry *d, *none = NULL;

	if (inode && inode != sb->root)
		return dentry_create(NULL, sb, "/", 1, inode_get(inode),
				     DENTRY_ROOT);
	d = __atomic_load_n(&sb->root_dentry, __ATOMIC_ACQUIRE);
	if (d)
		return dentry_get(d);
	d = dentry_create(NULL, sb, "/", 1, inode_get(sb->root), DENTRY_ROOT);
	if (!d)
		return NULL;
	/* One for the super, so that all mounts share one tree of names. */
	if (__atomic_compare_exchange_n(&sb->root_dentry, &none, d, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return dentry_get(d);
	dentry_put(d);
	return dentry_get(none);
}

static struct mount *mount_create_whole(struct super *sb, const char *source)
{
	struct dentry *root = root_dentry_get(sb, NULL);
	struct mount *m = root ? mount_create(sb, root, source, 0) : NULL;

	dentry_put(root);
	if (m)
		super_put(sb);	/* m has its own reference */
	return m;
}

struct mount *vfs_mount_nowhere(struct super *sb)
{
	return mount_create_whole(sb, NULL);
}

int vfs_mount_root(struct super *sb, const char *source)
{
	struct mount *m = mount_create_whole(sb, source);

	if (!m)
		return -ENOMEM;
	mutex_lock(&dcache_lock);
	mnt_ns_first.root = m;
	m->ns = &mnt_ns_first;
	list_append(&mounts, &m->link);
	mutex_unlock(&dcache_lock);
	return 0;
}

void vfs_root_path(struct path *out)
{
	mutex_lock(&dcache_lock);
	*out = (struct path){ mnt_ns_first.root, mnt_ns_first.root->root };
	path_get(out);
	mutex_unlock(&dcache_lock);
}

int mount_place_locked(const struct mount *m, struct path *where)
{
	const struct dentry *d;
	struct mount *top;

	while ((where->dentry->flags & DENTRY_MOUNTED) &&
	       (top = mount_find_locked(where->mnt, where->dentry)))
		*where = (struct path){ top, top->root };
	d = where->dentry;
	if (!where->mnt->ns)	/* unmounted meanwhile */
		return -EINVAL;
	if (!d->inode || (d->flags & DENTRY_DELETED))
		return -ENOENT;
	if (S_ISDIR(d->inode->mode) != S_ISDIR(m->root->inode->mode))
		return -ENOTDIR;
	return 0;
}

void mount_hang_locked(struct mount *m, const struct path *at)
{
	ref_get(&at->mnt->refs);
	m->ns = at->mnt->ns;
	m->parent = at->mnt;
	m->mountpoint = dentry_get(at->dentry);
	at->dentry->flags |= DENTRY_MOUNTED;
	dentry_keep_locked(at->dentry);
	list_append(&mounts, &m->link);
}

int mount_attach(struct list *made, const struct path *where)
{
	struct mount *m = list_first(made, struct mount, link);
	struct path at = *where;
	int err;

	mutex_lock(&dcache_lock);
	err = mount_place_locked(m, &at);
	mutex_unlock(&dcache_lock);
	if (!err)
		err = mount_propagate(m, &at, made);
	mutex_lock(&dcache_lock);
	if (!err)	/* the directory may have gone meanwhile */
		err = mount_place_locked(m, &at);
	if (!err) {
		list_remove(&m->link);
		mount_hang_locked(m, &at);
		mount_join_locked(made, NULL);
	}
	mutex_unlock(&dcache_lock);
	return err;
}

int vfs_mount(const struct path *where, struct super *sb, struct inode *root,
	      const char *source, uint32_t flags)
{
	struct dentry *d = root_dentry_get(sb, root);
	struct mount *m = d ? mount_create(sb, d, source, flags) : NULL;
	struct list made = LIST_INIT(made);
	int err;

	dentry_put(d);
	if (!m)
		return -ENOMEM;
	list_append(&made, &m->link);
	mutex_lock(&mount_changes);
	err = mount_attach(&made, where);
	mutex_unlock(&mount_changes);
	mounts_drop(&made);
	if (!err)
		super_put(sb);	/* the caller's reference is taken over */
	return err;
}

/* --- mounts that wait for their first use -----------------------------------*/

void vfs_mount_late(const struct late_mount *list, uint32_t nr)
{
	mutex_lock(&dcache_lock);
	late.list = list;
	late.nr = nr;
	for (uint32_t i = 0; i < nr; i++)
		if (!list[i].on)
			late.on[i] = mnt_ns_first.root;
	mutex_unlock(&dcache_lock);
}

/* Is d the place of l in the tree below root? */
static bool is_at(const struct dentry *d, const struct dentry *root,
		  const struct late_mount *l)
{
	size_t n = l->last;

	if (strcmp(l->name + n, d->name))
		return false;
	d = d->parent;
	return n ? d->parent == root && !strncmp(d->name, l->name, n - 1) &&
		   !d->name[n - 1] : d == root;
}

/* The one for d, on mnt (NULL: any); nr: none. */
static uint32_t late_find_locked(const struct mount *mnt,
				 const struct dentry *d)
{
	uint32_t i = 0;

	while (i < late.nr &&
	       (!late.on[i] || (mnt && late.on[i] != mnt) ||
		!is_at(d, late.on[i]->root, &late.list[i])))
		i++;
	return i;
}

bool mount_is_late_locked(const struct mount *mnt, const struct dentry *d)
{
	uint32_t i = d->parent ? late_find_locked(mnt, d) : late.nr;

	if (i < late.nr && !d->inode)
		late.on[i] = NULL;	/* there is no place for it: never */
	return i < late.nr && d->inode;
}

/* m, the i-th, was attached: what is mounted on it can follow. */
static void late_done_locked(uint32_t i, struct mount *m)
{
	late.on[i] = NULL;
	for (uint32_t k = 0; k < late.nr; k++)
		if (late.list[k].on == &late.list[i])
			late.on[k] = m;
}

static int make_late(uint32_t i, const struct path *where)
{
	const struct late_mount *l = &late.list[i];
	struct super *sb = l->create();
	struct dentry *d = sb ? root_dentry_get(sb, NULL) : NULL;
	struct mount *m = d ? mount_create(sb, d, l->source, l->flags) : NULL;
	struct path at = *where;
	int err = -ENOMEM;

	dentry_put(d);
	super_put(sb);		/* m has its own reference */
	if (!m)
		return err;
	mutex_lock(&dcache_lock);
	err = mount_place_locked(m, &at);
	if (!err) {
		mount_hang_locked(m, &at);
		late_done_locked(i, m);
	}
	mutex_unlock(&dcache_lock);
	if (err)
		mount_put(m);
	return err;
}

int mount_make_late(const struct path *where)
{
	uint32_t i;
	int err = 0;

	mutex_lock(&late.making);
	mutex_lock(&dcache_lock);
	i = late_find_locked(where->mnt, where->dentry);
	mutex_unlock(&dcache_lock);
	if (i < late.nr)	/* else somebody was faster */
		err = make_late(i, where);
	mutex_unlock(&late.making);
	return err;
}

/* Make the i-th now, if it is still to come. */
static void make_late_now(uint32_t i)
{
	struct path on = { NULL, NULL }, where;
	struct walk_ctx w = { .cred = &cred_kernel };

	mutex_lock(&dcache_lock);
	if (late.on[i]) {
		on = (struct path){ late.on[i], late.on[i]->root };
		path_get(&on);
	}
	mutex_unlock(&dcache_lock);
	if (!on.mnt)
		return;
	w.root = w.start = on;
	/* who walks there makes it */
	if (!path_walk(&w, late.list[i].name, 0, &where, NULL))
		path_put(&where);
	path_put(&on);
}

void mounts_make_late(void)
{
	for (uint32_t i = 0; i < late.nr; i++)
		make_late_now(i);
}

/* --- bindings, removal ------------------------------------------------------*/

int vfs_mount_bind(const struct path *where, const struct path *what,
		   bool recursive)
{
	bool shows_more = false;

	/* what is mounted there may be there to hide something */
	mutex_lock(&dcache_lock);
	list_for_each(p, &mounts) {
		struct mount *m = list_entry(p, struct mount, link);

		if (m->parent == what->mnt && m->is_locked &&
		    dentry_is_below_locked(m->mountpoint, what->dentry))
			shows_more = true;
	}
	mutex_unlock(&dcache_lock);
	return shows_more && !recursive ? -EINVAL :
	       mount_bind_tree(where, what, recursive);
}

bool mount_has_late_locked(const struct mount *m)
{
	for (uint32_t i = 0; i < late.nr; i++)
		if (late.on[i] == m)
			return true;
	return false;
}

/* Its mountpoint may be covered by another mount. */
static void unhook_locked(struct mount *m)
{
	bool still = !m->mountpoint ||
		     mount_is_late_locked(NULL, m->mountpoint);

	for (uint32_t i = 0; i < late.nr; i++)
		if (late.on[i] == m)
			late.on[i] = NULL;
	list_remove(&m->link);
	m->ns = NULL;
	list_for_each(p, &mounts)
		if (list_entry(p, struct mount, link)->mountpoint ==
		    m->mountpoint)
			still = true;
	if (!still)
		m->mountpoint->flags &= ~(uint32_t)DENTRY_MOUNTED;
}

void mount_detach_locked(struct mount *m)
{
	mount_leave_group_locked(m, false);
	unhook_locked(m);
}

void mounts_drop(struct list *gone)
{
	while (!list_is_empty(gone)) {
		struct mount *m = list_first(gone, struct mount, link);

		list_remove(&m->link);
		mount_put(m);
	}
}

/* Is p on mount `top` or on one below it? */
bool mount_is_under_locked(const struct path *p, const struct mount *top)
{
	const struct mount *m = p->mnt;

	while (m && m != top)
		m = m->parent;
	return m == top;
}

/* May m go to at, which is the top there? */
static int check_move_locked(const struct mount *m, const struct path *what,
			     const struct path *at)
{
	if (what->dentry != m->root || m->ns != at->mnt->ns || m->is_locked)
		return -EINVAL;
	if (m->parent && (m->parent->group || (at->mnt->group &&
					       mount_holds_unbindable_locked(m))))
		return -EINVAL;
	return mount_is_under_locked(at, m) ? -ELOOP : 0; /* so is the root */
}

int vfs_mount_move(const struct path *where, const struct path *what)
{
	struct mount *m = what->mnt, *was_on = NULL;
	struct dentry *was_at = NULL;
	struct list made = LIST_INIT(made);
	struct path at = *where;
	int err;

	mounts_make_late();
	mutex_lock(&mount_changes);
	mutex_lock(&dcache_lock);
	err = mount_place_locked(m, &at);
	if (err == -ENOTDIR)
		err = -EINVAL;
	if (!err)
		err = check_move_locked(m, what, &at);
	mutex_unlock(&dcache_lock);
	if (!err)
		err = mount_propagate(m, &at, &made);
	mutex_lock(&dcache_lock);
	if (!err)	/* the directory may have gone meanwhile */
		err = mount_place_locked(m, &at);
	if (!err) {
		was_on = m->parent;
		was_at = m->mountpoint;
		unhook_locked(m);
		mount_hang_locked(m, &at);
		mount_join_locked(&made, NULL);
	}
	mutex_unlock(&dcache_lock);
	mutex_unlock(&mount_changes);
	mounts_drop(&made);
	dentry_put(was_at);
	mount_put(was_on);
	return err;
}

int vfs_pivot_root(const struct path *root, const struct path *new_root,
		   const struct path *put_old)
{
	struct mount *old = root->mnt, *m = new_root->mnt, *was_on;
	struct dentry *was_at;
	int err = 0;

	mounts_make_late();
	mutex_lock(&mount_changes);
	mutex_lock(&dcache_lock);
	if (m == old || put_old->mnt == old)
		err = -EBUSY;
	else if (new_root->dentry != m->root || root->dentry != old->root ||
		 !m->parent || m->is_locked ||
		 !mount_is_under_locked(put_old, m) || m->parent->group ||
		 put_old->mnt->group || (old->parent && old->parent->group))
		err = -EINVAL;
	if (err) {
		mutex_unlock(&dcache_lock);
		mutex_unlock(&mount_changes);
		return err;
	}
	was_on = m->parent;
	was_at = m->mountpoint;
	unhook_locked(m);
	/* m takes old's place in the tree, old goes to put_old */
	m->ns = old->ns;
	m->parent = old->parent;
	m->mountpoint = old->mountpoint;
	list_append(&mounts, &m->link);
	ref_get(&put_old->mnt->refs);
	old->parent = put_old->mnt;
	old->mountpoint = dentry_get(put_old->dentry);
	put_old->dentry->flags |= DENTRY_MOUNTED;
	dentry_keep_locked(put_old->dentry);
	if (m->ns->root == old)
		m->ns->root = m;
	mutex_unlock(&dcache_lock);
	mutex_unlock(&mount_changes);
	dentry_put(was_at);
	mount_put(was_on);
	return 0;
}

int vfs_remount(const struct path *where, uint32_t flags)
{
	if (where->dentry != where->mnt->root)
		return -EINVAL;
	if (where->mnt->kept & ~flags)
		return -EPERM;
	__atomic_store_n(&where->mnt->flags, flags, __ATOMIC_RELAXED);
	return 0;
}

bool path_is_read_only(const struct path *p)
{
	return (p->mnt->flags & MS_RDONLY) ||
	       (p->mnt->sb->flags & SUPER_READ_ONLY);
}

void vfs_for_each_mount(const struct mnt_ns *n,
			void (*fn)(struct mount *m, void *arg), void *arg)
{
	struct mount *m = NULL, *next;
	struct list *p;

	mounts_make_late();
	/* fn may sleep and ask for names: hold a reference, not the lock. */
	mutex_lock(&dcache_lock);
	for (p = mounts.next; p != &mounts; p = m->link.next) {
		m = list_entry(p, struct mount, link);
		if (m->ns != n)
			continue;
		ref_get(&m->refs);
		mutex_unlock(&dcache_lock);
		fn(m, arg);
		mutex_lock(&dcache_lock);
		if (list_is_empty(&m->link)) {	/* unmounted meanwhile */
			mutex_unlock(&dcache_lock);
			mount_put(m);
			return;
		}
		next = m;
		/* the tree has its reference: this is not the last */
		ref_put(&next->refs);
	}
	mutex_unlock(&dcache_lock);
}

int vfs_statfs(const struct path *p, struct kstatfs *out)
{
	struct super *sb = p->mnt->sb;
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->bsize = PAGE_SIZE;
	out->namelen = 255;
	if (sb->ops && sb->ops->statfs)
		err = sb->ops->statfs(sb, out);
	out->flags |= p->mnt->flags & (MS_RDONLY | MS_NOSUID | MS_NODEV |
				       MS_NOEXEC | MS_NOATIME);
	if (sb->flags & SUPER_READ_ONLY)
		out->flags |= MS_RDONLY;
	return err;
}
