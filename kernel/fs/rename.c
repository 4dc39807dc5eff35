/* SPDX-License-Identifier: MIT */
/*
 * rename(2), renameat2(2). Locks: rename_lock for moves between directories
 * (then nobody else changes who is above whom), the two directories (the
 * upper one first, unrelated ones by address), the inode that loses its name.
 */
#include <linux/fs.h>
#include <linux/stat.h>

#include "core/panic.h"
#include "fs/notify.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

static struct mutex rename_lock = MUTEX_INIT;

struct renaming {
	const struct cred *cred;
	uint32_t flags;
	struct path dir[2];		/* old, new */
	struct last_name last[2];
	struct dentry *d[2];		/* referenced while > NULL */
};

static bool is_below(const struct dentry *d, const struct dentry *ancestor)
{
	bool below;

	mutex_lock(&dcache_lock);
	below = dentry_is_below_locked(d, ancestor);
	mutex_unlock(&dcache_lock);
	return below;
}

static void lock_dirs(struct renaming *r)
{
	struct dentry *a = r->dir[0].dentry, *b = r->dir[1].dentry;
	struct inode *ai = a->inode, *bi = b->inode;

	if (ai == bi) {
		mutex_lock(&ai->lock);
		return;
	}
	mutex_lock(&rename_lock);
	if (is_below(b, a)) {
		mutex_lock(&ai->lock);
		mutex_lock(&bi->lock);
	} else if (is_below(a, b)) {
		mutex_lock(&bi->lock);
		mutex_lock(&ai->lock);
	} else {
		mutex_lock_two(&ai->lock, &bi->lock);
	}
}

static void unlock_dirs(struct renaming *r)
{
	struct inode *a = path_inode(&r->dir[0]), *b = path_inode(&r->dir[1]);

	mutex_unlock(&a->lock);
	if (a == b)
		return;
	mutex_unlock(&b->lock);
	mutex_unlock(&rename_lock);
}

static int lookup_both(struct renaming *r)
{
	for (int i = 0; i < 2; i++) {
		const char *name = r->last[i].name;
		int err = dentry_lookup_locked(r->dir[i].dentry, name,
					       strlen(name), &r->d[i]);
		if (err)
			return err;
	}
	return 0;
}

/* Existence, trailing slashes, loops: what needs no permission. */
static int check_names(const struct renaming *r)
{
	struct inode *old = r->d[0]->inode, *new = r->d[1]->inode;
	bool exchange = r->flags & RENAME_EXCHANGE;

	if (!old)
		return -ENOENT;
	if ((r->flags & RENAME_NOREPLACE) && new)
		return -EEXIST;
	if (exchange && !new)
		return -ENOENT;
	if (!S_ISDIR(old->mode)) {
		if (r->last[0].trailing_slash)
			return -ENOTDIR;
		if (!exchange && r->last[1].trailing_slash)
			return -ENOTDIR;
	}
	if (exchange && !S_ISDIR(new->mode) && r->last[1].trailing_slash)
		return -ENOTDIR;
	if (r->dir[0].dentry == r->dir[1].dentry)
		return 0;
	if (is_below(r->dir[1].dentry, r->d[0]))
		return -EINVAL;
	if (is_below(r->dir[0].dentry, r->d[1]))
		return exchange ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int check_may(const struct renaming *r)
{
	struct inode *old = r->d[0]->inode, *new = r->d[1]->inode;
	bool exchange = r->flags & RENAME_EXCHANGE;
	bool moves = r->dir[0].dentry != r->dir[1].dentry;
	int err = vfs_may_delete(&r->dir[0], old, r->cred);

	if (err)
		return err;
	if (!new) {
		err = vfs_may_create(&r->dir[1], r->cred);
	} else {
		err = vfs_may_delete(&r->dir[1], new, r->cred);
		if (!err && !exchange && S_ISDIR(old->mode) &&
		    !S_ISDIR(new->mode))
			err = -ENOTDIR;
		if (!err && !exchange && !S_ISDIR(old->mode) &&
		    S_ISDIR(new->mode))
			err = -EISDIR;
	}
	/* A directory that moves changes its "..". */
	if (!err && moves && S_ISDIR(old->mode))
		err = inode_permission(old, r->cred, 2);
	if (!err && moves && exchange && S_ISDIR(new->mode))
		err = inode_permission(new, r->cred, 2);
	if (!err && ((r->d[0]->flags | r->d[1]->flags) & DENTRY_MOUNTED))
		err = -EBUSY;
	return err;
}

static int rename_locked(struct renaming *r)
{
	struct inode *old_dir = path_inode(&r->dir[0]);
	struct inode *new_dir = path_inode(&r->dir[1]);
	struct inode *old, *new;
	int err = lookup_both(r);

	if (!err)
		err = check_names(r);
	if (err)
		return err;
	old = r->d[0]->inode;
	new = r->d[1]->inode;
	if (old == new)		/* two names of one file: nothing happens */
		return 0;
	err = check_may(r);
	if (err)
		return err;
	if (!old_dir->ops->rename)
		return -EPERM;
	if (new)
		mutex_lock(&new->lock);
	err = old_dir->ops->rename(old_dir, r->d[0]->name, old, new_dir,
				   r->d[1]->name, new, r->flags);
	if (new) {
		if (!err && S_ISDIR(new->mode) &&
		    !(r->flags & RENAME_EXCHANGE))
			new->state |= INODE_DEAD;
		mutex_unlock(&new->lock);
	}
	if (err)
		return err;
	if (r->flags & RENAME_WHITEOUT)
		vfs_forget_name(r->dir[0].dentry, r->last[0].name);
	dentry_move(r->d[0], r->d[1], r->flags & RENAME_EXCHANGE);
	return 0;
}

static void notify_rename(const struct renaming *r)
{
	struct inode *old = r->d[0]->inode, *new = r->d[1]->inode;

	if (!fs_is_watched() || old == new)
		return;
	fs_notify_rename(path_inode(&r->dir[0]), r->last[0].name,
			 path_inode(&r->dir[1]), r->last[1].name, old);
	if (new && !(r->flags & RENAME_EXCHANGE))
		fs_notify_unlinked(new);
}

static int check_last(const struct renaming *r)
{
	for (int i = 0; i < 2; i++) {
		const struct last_name *l = &r->last[i];

		if (!l->is_root && !l->is_dot && !l->is_dotdot)
			continue;
		return i == 1 && (r->flags & RENAME_NOREPLACE) ? -EEXIST :
								 -EBUSY;
	}
	if (r->dir[0].mnt != r->dir[1].mnt)
		return -EXDEV;
	return path_is_read_only(&r->dir[0]) ? -EROFS : 0;
}

int vfs_rename(const struct walk_ctx *from, const char *old_name,
	       const struct walk_ctx *to, const char *new_name, uint32_t flags)
{
	struct renaming r = { .cred = from->cred, .flags = flags };
	int err;

	if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE |
				RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE) &&
	    (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	err = path_walk(from, old_name, WALK_PARENT, &r.dir[0], &r.last[0]);
	if (err)
		return err;
	err = path_walk(to, new_name, WALK_PARENT, &r.dir[1], &r.last[1]);
	if (err)
		goto out_old;
	err = check_last(&r);
	if (err)
		goto out_new;
	lock_dirs(&r);
	err = rename_locked(&r);
	unlock_dirs(&r);
	if (!err)
		notify_rename(&r);
	dentry_put(r.d[0]);
	dentry_put(r.d[1]);
out_new:
	path_put(&r.dir[1]);
out_old:
	path_put(&r.dir[0]);
	return err;
}
