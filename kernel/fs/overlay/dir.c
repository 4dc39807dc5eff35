/* SPDX-License-Identifier: MIT */
/*
 * Names of the overlay: lookup and changes. A change copies the directory up
 * and works on its upper inode; a lower name that goes leaves a whiteout.
 *
 * Renaming a lower directory copies up only the directory itself: its upper
 * inode stays connected with the lower one by the pinned overlay inode, so
 * the contents follow.
 */
#include <linux/fs.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/overlay/overlay.h"
#include "lib/string.h"

int overlay_real_lookup(struct inode *dir, const char *name, bool lock,
			struct inode **out)
{
	int err;

	if (lock)
		mutex_lock(&dir->lock);
	err = dir->ops->lookup(dir, name, out);
	if (lock)
		mutex_unlock(&dir->lock);
	return err;
}

static int lookup_upper(struct inode *dir, struct inode *updir,
			const char *name, struct inode **out)
{
	struct inode *u;
	int err;

	mutex_lock(&updir->lock);
	err = overlay_real_lookup(updir, name, false, &u);
	if (!err && overlay_is_whiteout(u)) {
		inode_put(u);
		err = -ENODATA;		/* known to be removed */
	} else if (!err) {
		err = overlay_node_get(dir->sb, dir, name, NULL, u, out);
	}
	mutex_unlock(&updir->lock);
	return err;
}

static int overlay_lookup(struct inode *dir, const char *name,
			  struct inode **out)
{
	struct inode *updir = overlay_upper(dir), *lower = onode(dir)->lower;
	struct inode *found;
	int err = -ENOENT;

	if (updir)
		err = lookup_upper(dir, updir, name, out);
	if (err == -ENODATA)
		return -ENOENT;
	if (err != -ENOENT || !lower)
		return err;
	err = overlay_real_lookup(lower, name, true, &found);
	if (err)
		return err;
	return overlay_node_get(dir->sb, dir, name, found, NULL, out);
}

/*
 * Only where nothing was changed: the directory has no upper part, and no other
 * name of the file can have led to a copy.
 */
static int overlay_peek(struct inode *dir, const char *name, struct kstat *st)
{
	struct inode *lower = onode(dir)->lower;
	int no = 1;

	if (overlay_upper(dir) || !lower->ops->peek)
		return no;
	mutex_lock(&lower->lock);
	no = lower->ops->peek(lower, name, st) || st->nlink > 1;
	mutex_unlock(&lower->lock);
	st->dev = dir->sb->dev;
	return no;
}

/* Is there a lower object by that name in dir? */
static bool lower_has(struct inode *dir, const char *name)
{
	struct inode *lower = onode(dir)->lower, *found;

	if (!lower || overlay_real_lookup(lower, name, true, &found))
		return false;
	inode_put(found);
	return true;
}

/* --- whiteouts; the upper directory is locked -------------------------------*/

static int make_whiteout(struct inode *updir, const char *name)
{
	struct inode *w;
	int err = updir->ops->mknod(updir, name, S_IFCHR, 0, &cred_kernel,
				    &w);

	if (!err)
		inode_put(w);
	return err;
}

static int remove_upper(struct inode *updir, const char *name,
			struct inode *u)
{
	int err;

	mutex_lock(&u->lock);
	err = S_ISDIR(u->mode) ? updir->ops->rmdir(updir, name, u) :
				 updir->ops->unlink(updir, name, u);
	mutex_unlock(&u->lock);
	return err;
}

/* Returns 1 if a whiteout was there and is gone, 0, or -errno. */
static int take_whiteout(struct inode *updir, const char *name)
{
	struct inode *u;
	int err = overlay_real_lookup(updir, name, false, &u);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = overlay_is_whiteout(u) ? remove_upper(updir, name, u) : -EEXIST;
	inode_put(u);
	return err ? err : 1;
}

/* --- making names -----------------------------------------------------------*/

struct making {
	struct inode *dir, *updir;
	const char *name;
	bool had_whiteout;
};

static int making_begin(struct making *m, struct inode *dir, const char *name)
{
	int err = overlay_copy_up(dir, 0);

	if (err)
		return err;
	m->dir = dir;
	m->name = name;
	m->updir = overlay_upper(dir);
	mutex_lock(&m->updir->lock);
	err = take_whiteout(m->updir, name);
	if (err < 0) {
		mutex_unlock(&m->updir->lock);
		return err;
	}
	m->had_whiteout = err;
	return 0;
}

static int making_end(struct making *m, int err, struct inode *u,
		      struct inode **out)
{
	if (!err && out)
		err = overlay_node_get(m->dir->sb, m->dir, m->name, NULL, u,
				       out);
	if (err && m->had_whiteout)
		make_whiteout(m->updir, m->name);
	mutex_unlock(&m->updir->lock);
	return err;
}

static int overlay_create_file(struct inode *dir, const char *name,
			       uint32_t mode, const struct cred *c,
			       struct inode **out)
{
	struct inode *u = NULL;
	struct making m;
	int err = making_begin(&m, dir, name);

	if (err)
		return err;
	err = m.updir->ops->create(m.updir, name, mode, c, &u);
	return making_end(&m, err, u, out);
}

static int overlay_mkdir(struct inode *dir, const char *name, uint32_t mode,
			 const struct cred *c, struct inode **out)
{
	struct inode *u = NULL;
	struct making m;
	int err = making_begin(&m, dir, name);

	if (err)
		return err;
	err = m.updir->ops->mkdir(m.updir, name, mode, c, &u);
	return making_end(&m, err, u, out);
}

static int overlay_mknod(struct inode *dir, const char *name, uint32_t mode,
			 uint64_t rdev, const struct cred *c,
			 struct inode **out)
{
	struct inode *u = NULL;
	struct making m;
	int err;

	if (S_ISCHR(mode) && rdev == 0)
		return -EPERM;		/* would be a whiteout */
	err = making_begin(&m, dir, name);
	if (err)
		return err;
	err = m.updir->ops->mknod(m.updir, name, mode, rdev, c, &u);
	return making_end(&m, err, u, out);
}

static int overlay_symlink(struct inode *dir, const char *name,
			   const char *target, const struct cred *c,
			   struct inode **out)
{
	struct inode *u = NULL;
	struct making m;
	int err = making_begin(&m, dir, name);

	if (err)
		return err;
	err = m.updir->ops->symlink(m.updir, name, target, c, &u);
	return making_end(&m, err, u, out);
}

static int overlay_tmpfile(struct inode *dir, uint32_t mode,
			   const struct cred *c, struct inode **out)
{
	struct inode *updir, *u;
	int err = overlay_copy_up(dir, 0);

	if (err)
		return err;
	updir = overlay_upper(dir);
	if (!updir->ops->tmpfile)
		return -EOPNOTSUPP;
	mutex_lock(&updir->lock);
	err = updir->ops->tmpfile(updir, mode, c, &u);
	if (!err)
		err = overlay_node_get(dir->sb, NULL, NULL, NULL, u, out);
	mutex_unlock(&updir->lock);
	return err;
}

static int overlay_link(struct inode *dir, const char *name,
			struct inode *target)
{
	struct making m;
	struct inode *u;
	int err = overlay_copy_up(target, OVERLAY_WHOLE);

	if (!err)
		err = making_begin(&m, dir, name);
	if (err)
		return err;
	u = overlay_upper(target);
	mutex_lock(&u->lock);
	err = m.updir->ops->link(m.updir, name, u);
	mutex_unlock(&u->lock);
	if (!err) {
		target->nlink++;
		target->ctime = u->ctime;
	}
	return making_end(&m, err, NULL, NULL);
}

/* --- removing ----------------------------------------------------------------*/

/* victim lost a name; it or its directory is locked. */
static void name_lost(struct inode *victim)
{
	if (S_ISDIR(victim->mode))
		victim->nlink = 0;
	else if (victim->nlink)
		victim->nlink--;
	if (!victim->nlink)
		overlay_unpin(victim);
}

/*
 * Put a whiteout in the place of u. It is made under a name that no program
 * can have, so that the last step needs no memory and can not fail half-way.
 */
static int cover_upper(struct inode *updir, const char *name, struct inode *u)
{
	static const char temporary[] = "/whiteout";
	struct inode *w;
	int err = updir->ops->mknod(updir, temporary, S_IFCHR, 0,
				    &cred_kernel, &w);

	if (err)
		return err;
	mutex_lock(&u->lock);
	err = updir->ops->rename(updir, temporary, w, updir, name, u, 0);
	mutex_unlock(&u->lock);
	if (err)
		remove_upper(updir, temporary, w);
	inode_put(w);
	return err;
}

/* Take the name out of the upper directory, hide a lower one. Locked. */
static int remove_locked(struct inode *dir, struct inode *updir,
			 const char *name)
{
	bool hide = lower_has(dir, name);
	struct inode *u;
	int err = overlay_real_lookup(updir, name, false, &u);

	if (err == -ENOENT)
		return hide ? make_whiteout(updir, name) : 0;
	if (err)
		return err;
	err = overlay_is_whiteout(u) ? -ENOENT : 0;
	if (!err && S_ISDIR(u->mode))
		err = overlay_clear_whiteouts(u);
	if (!err)
		err = hide ? cover_upper(updir, name, u) :
			     remove_upper(updir, name, u);
	inode_put(u);
	return err;
}

static int overlay_remove(struct inode *dir, const char *name,
			  struct inode *victim)
{
	struct inode *updir;
	int err = overlay_copy_up(dir, 0);

	/* another name of it may be needed to copy it up later */
	if (!err && !S_ISDIR(victim->mode) && victim->nlink > 1)
		err = overlay_copy_up(victim, OVERLAY_WHOLE);
	if (err)
		return err;
	updir = overlay_upper(dir);
	mutex_lock(&onode(victim)->copy_lock);
	mutex_lock(&updir->lock);
	err = remove_locked(dir, updir, name);
	mutex_unlock(&updir->lock);
	if (!err && !overlay_upper(victim))
		overlay_unname(victim);
	mutex_unlock(&onode(victim)->copy_lock);
	if (!err)
		name_lost(victim);
	return err;
}

static int overlay_unlink(struct inode *dir, const char *name,
			  struct inode *victim)
{
	return overlay_remove(dir, name, victim);
}

static int overlay_rmdir(struct inode *dir, const char *name,
			 struct inode *victim)
{
	int err = overlay_check_empty(victim);

	return err ? err : overlay_remove(dir, name, victim);
}

/* --- renaming ------------------------------------------------------------------*/

struct renaming {
	struct inode *old_dir, *new_dir, *old, *new;
	const char *old_name, *new_name;
	uint32_t flags;		/* 0 or RENAME_EXCHANGE */
};

static int prepare_rename(const struct renaming *r)
{
	int err = overlay_copy_up(r->old_dir, 0);

	if (!err)
		err = overlay_copy_up(r->new_dir, 0);
	if (!err)
		err = overlay_copy_up(r->old, OVERLAY_WHOLE);
	if (err || !r->new)
		return err;
	if (r->flags & RENAME_EXCHANGE || (!S_ISDIR(r->new->mode) &&
					   r->new->nlink > 1))
		return overlay_copy_up(r->new, OVERLAY_WHOLE);
	return S_ISDIR(r->new->mode) ? overlay_check_empty(r->new) : 0;
}

/* What the upper directory has at the target: *un, NULL if nothing. */
static int clear_target(const struct renaming *r, struct inode *updir,
			struct inode **un)
{
	struct inode *u;
	int err = overlay_real_lookup(updir, r->new_name, false, &u);

	*un = NULL;
	if (err)
		return err == -ENOENT ? 0 : err;
	if (overlay_is_whiteout(u)) {
		err = remove_upper(updir, r->new_name, u);
		inode_put(u);
		return err;
	}
	if (S_ISDIR(u->mode) && !(r->flags & RENAME_EXCHANGE))
		err = overlay_clear_whiteouts(u);
	if (err)
		inode_put(u);
	else
		*un = u;
	return err;
}

/*
 * A file with several lower names was copied up under one of them. Give it
 * the name that is about to be renamed. Locked.
 */
static int ensure_upper_name(struct inode *updir, const char *name,
			     struct inode *i)
{
	struct inode *u, *real = overlay_upper(i);
	int err = overlay_real_lookup(updir, name, false, &u);

	if (!err)
		inode_put(u);
	if (err != -ENOENT)
		return err;
	mutex_lock(&real->lock);
	err = updir->ops->link(updir, name, real);
	mutex_unlock(&real->lock);
	return err;
}

/* Both upper directories are locked. */
static int rename_upper(const struct renaming *r, struct inode *from,
			struct inode *to)
{
	uint32_t flags = r->flags;
	struct inode *un;
	int err = ensure_upper_name(from, r->old_name, r->old);

	if (!err && (r->flags & RENAME_EXCHANGE))
		err = ensure_upper_name(to, r->new_name, r->new);
	if (!err)
		err = clear_target(r, to, &un);
	if (err)
		return err;
	/* the old name may hide a lower one: leave a whiteout in one step */
	if (!(flags & RENAME_EXCHANGE) && lower_has(r->old_dir, r->old_name))
		flags |= RENAME_WHITEOUT;
	if (un)
		mutex_lock(&un->lock);
	err = from->ops->rename(from, r->old_name, overlay_upper(r->old), to,
				r->new_name, un, flags);
	if (un) {
		mutex_unlock(&un->lock);
		inode_put(un);
	}
	/* put back the whiteout that was cleared */
	if (err && !un && !r->new && lower_has(r->new_dir, r->new_name))
		make_whiteout(to, r->new_name);
	return err;
}

static int overlay_rename(struct inode *old_dir, const char *old_name,
			  struct inode *old_inode, struct inode *new_dir,
			  const char *new_name, struct inode *new_inode,
			  uint32_t flags)
{
	struct renaming r = { old_dir, new_dir, old_inode, new_inode, old_name,
			      new_name, flags & RENAME_EXCHANGE };
	struct inode *from, *to;
	int err;

	if (flags & RENAME_WHITEOUT)
		return -EINVAL;
	err = prepare_rename(&r);
	if (err)
		return err;
	from = overlay_upper(old_dir);
	to = overlay_upper(new_dir);
	if (new_inode)
		mutex_lock(&onode(new_inode)->copy_lock);
	mutex_lock_two(&from->lock, &to->lock);
	err = rename_upper(&r, from, to);
	mutex_unlock_two(&from->lock, &to->lock);
	if (new_inode) {
		bool gone = !err && !(flags & RENAME_EXCHANGE);

		if (gone && !overlay_upper(new_inode))
			overlay_unname(new_inode);
		mutex_unlock(&onode(new_inode)->copy_lock);
		if (gone)
			name_lost(new_inode);
	}
	return err;
}

const struct inode_ops overlay_dir_ops = {
	.lookup = overlay_lookup,
	.peek = overlay_peek,
	.create = overlay_create_file,
	.mkdir = overlay_mkdir,
	.mknod = overlay_mknod,
	.symlink = overlay_symlink,
	.link = overlay_link,
	.unlink = overlay_unlink,
	.rmdir = overlay_rmdir,
	.rename = overlay_rename,
	.tmpfile = overlay_tmpfile,
	.getattr = overlay_getattr,
	.setattr = overlay_setattr,
	.getxattr = overlay_getxattr,
	.setxattr = overlay_setxattr,
	.listxattr = overlay_listxattr,
	.removexattr = overlay_removexattr,
	.evict = overlay_evict,
};
