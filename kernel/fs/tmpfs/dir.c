/* SPDX-License-Identifier: MIT */
/*
 * Directories of tmpfs. All operations are called with the directory's lock
 * held (see struct inode_ops), so nothing here takes it, except readdir.
 */
#include <linux/fs.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "core/panic.h"
#include "fs/dentry.h"
#include "fs/tmpfs/tmpfs_priv.h"
#include "lib/string.h"

#define NO_SLOT		UINT32_MAX
#define ENTRY_SIZE	20u	/* what an entry adds to st_size, as on Linux */
#define FIRST_POS	2u	/* position of slot 0, behind "." and ".." */

struct tmpfs_entry {
	struct tmpfs_entry *next;	/* in the bucket */
	struct inode *inode;		/* a reference */
	uint32_t hash, slot;
	uint32_t len;
	char name[];
};

void tmpfs_dir_init(struct tmpfs_dir *d)
{
	d->free_slot = NO_SLOT;
}

static bool slot_is_free(uintptr_t s)
{
	return s & 1;
}

void tmpfs_dir_fini(struct tmpfs_dir *d)
{
	for (uint32_t i = 0; i < d->nr_slots; i++) {
		struct tmpfs_entry *e = (struct tmpfs_entry *)d->slots[i];

		if (slot_is_free(d->slots[i]))
			continue;
		inode_put(e->inode);
		kfree(e);
	}
	kfree(d->slots);
	kfree(d->buckets);
}

static struct tmpfs_entry **find_link(struct tmpfs_dir *d, const char *name,
				      size_t len, uint32_t hash)
{
	struct tmpfs_entry **l;

	if (!d->nr_buckets)
		return NULL;
	l = &d->buckets[hash & (d->nr_buckets - 1)];
	for (; *l; l = &(*l)->next)
		if ((*l)->hash == hash && (*l)->len == len &&
		    !memcmp((*l)->name, name, len))
			return l;
	return NULL;
}

static struct tmpfs_entry *find_entry(struct inode *dir, const char *name)
{
	size_t len = strlen(name);
	struct tmpfs_entry **l = find_link(tmpfs_dir(dir), name, len,
					   dentry_hash_name(name, len));

	return l ? *l : NULL;
}

static int grow_buckets(struct tmpfs_dir *d)
{
	uint32_t nr = d->nr_buckets ? 2 * d->nr_buckets : 4;
	struct tmpfs_entry **b = kzalloc(nr * sizeof(*b));

	if (!b)
		return d->nr_buckets ? 0 : -ENOMEM;
	for (uint32_t i = 0; i < d->nr_slots; i++) {
		struct tmpfs_entry *e = (struct tmpfs_entry *)d->slots[i];

		if (slot_is_free(d->slots[i]))
			continue;
		e->next = b[e->hash & (nr - 1)];
		b[e->hash & (nr - 1)] = e;
	}
	kfree(d->buckets);
	d->buckets = b;
	d->nr_buckets = nr;
	return 0;
}

static int take_slot(struct tmpfs_dir *d, uint32_t *slot)
{
	if (d->free_slot != NO_SLOT) {
		*slot = d->free_slot;
		d->free_slot = (uint32_t)(d->slots[*slot] >> 1);
		return 0;
	}
	if (d->nr_slots == d->cap_slots) {
		uint32_t cap = d->cap_slots ? 2 * d->cap_slots : 4;
		uintptr_t *s = krealloc(d->slots, cap * sizeof(*s));

		if (!s)
			return -ENOMEM;
		d->slots = s;
		d->cap_slots = cap;
	}
	*slot = d->nr_slots++;
	return 0;
}

/* Put name -> inode (reference taken over) into dir. */
static int add_entry(struct inode *dir, const char *name, struct inode *inode)
{
	struct tmpfs_dir *d = tmpfs_dir(dir);
	size_t len = strlen(name);
	struct tmpfs_entry *e, **b;
	int err = 0;

	e = kmalloc(sizeof(*e) + len + 1);
	if (!e)
		return -ENOMEM;
	if (d->nr_entries >= d->nr_buckets)
		err = grow_buckets(d);
	if (!err)
		err = take_slot(d, &e->slot);
	if (err) {
		kfree(e);
		return err;
	}
	memcpy(e->name, name, len + 1);
	e->len = (uint32_t)len;
	e->hash = dentry_hash_name(name, len);
	e->inode = inode;
	b = &d->buckets[e->hash & (d->nr_buckets - 1)];
	e->next = *b;
	*b = e;
	d->slots[e->slot] = (uintptr_t)e;
	d->nr_entries++;
	dir->size += ENTRY_SIZE;
	inode_touch(dir, false, true, true);
	return 0;
}

/* Take the entry out; its inode reference becomes the caller's. */
static struct inode *remove_entry(struct inode *dir, const char *name)
{
	struct tmpfs_dir *d = tmpfs_dir(dir);
	size_t len = strlen(name);
	struct tmpfs_entry **l = find_link(d, name, len,
					   dentry_hash_name(name, len));
	struct tmpfs_entry *e;
	struct inode *inode;

	if (!l)
		return NULL;
	e = *l;
	*l = e->next;
	inode = e->inode;
	d->slots[e->slot] = (uintptr_t)d->free_slot << 1 | 1;
	d->free_slot = e->slot;
	kfree(e);
	if (!--d->nr_entries) {
		d->nr_slots = 0;
		d->free_slot = NO_SLOT;
	}
	dir->size -= ENTRY_SIZE;
	inode_touch(dir, false, true, true);
	return inode;
}

/* The i-th late name of a root, which does not count as a change of it. */
static int make_late(struct tmpfs_super *t, uint32_t i)
{
	struct inode *root = t->sb->root;
	struct ktime mtime = root->mtime, ctime = root->ctime;
	int err;

	if (t->made >> i & 1)
		return 0;
	err = t->late->make(root, i);
	root->mtime = mtime;
	root->ctime = ctime;
	if (!err)
		t->made |= 1ull << i;
	return err;
}

int tmpfs_make_late(struct super *sb)
{
	struct tmpfs_super *t = sb->private;
	int err = 0;

	if (!t->late)
		return 0;
	mutex_lock(&sb->root->lock);
	for (uint32_t i = 0; i < t->late->count() && !err; i++)
		err = make_late(t, i);
	mutex_unlock(&sb->root->lock);
	return err;
}

/* The entry of a late name, which was made before, or now; or NULL. */
static int find_late(struct inode *dir, const char *name,
		     struct tmpfs_entry **out)
{
	struct tmpfs_super *t = dir->sb->private;
	int err = 0;

	for (uint32_t i = 0; i < t->late->count() && !err; i++) {
		if (strcmp(t->late->name(i), name))
			continue;
		err = make_late(t, i);
		*out = find_entry(dir, name);
	}
	return err;
}

static int tmpfs_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct tmpfs_entry *e = find_entry(dir, name);
	struct tmpfs_super *t = dir->sb->private;
	int err = 0;

	if (!e && t->late && dir == dir->sb->root)
		err = find_late(dir, name, &e);
	if (!err && !e)
		err = -ENOENT;
	if (!err)
		*out = inode_get(e->inode);
	return err;
}

static int tmpfs_mknod(struct inode *dir, const char *name, uint32_t mode,
		       uint64_t rdev, const struct cred *c, struct inode **out)
{
	struct inode *i;
	int err = tmpfs_inode_create(dir->sb, dir, mode, c, &i);

	if (err)
		return err;
	if (S_ISCHR(mode) || S_ISBLK(mode))
		i->rdev = rdev;
	err = add_entry(dir, name, inode_get(i));
	if (err) {
		inode_put(i);
		inode_put(i);
		return err;
	}
	if (S_ISDIR(mode))
		dir->nlink++;
	*out = i;
	return 0;
}

static int tmpfs_create_entry(struct inode *dir, const char *name,
			      uint32_t mode, const struct cred *c,
			      struct inode **out)
{
	return tmpfs_mknod(dir, name, mode, 0, c, out);
}

static int tmpfs_symlink(struct inode *dir, const char *name,
			 const char *target, const struct cred *c,
			 struct inode **out)
{
	char *text = kstrdup(target);
	struct inode *i;
	int err;

	if (!text)
		return -ENOMEM;
	err = tmpfs_inode_create(dir->sb, dir, S_IFLNK | 0777, c, &i);
	if (err) {
		kfree(text);
		return err;
	}
	i->link = text;		/* freed with the inode */
	i->size = strlen(text);
	err = add_entry(dir, name, inode_get(i));
	if (err) {
		inode_put(i);
		inode_put(i);
		return err;
	}
	*out = i;
	return 0;
}

static int tmpfs_tmpfile(struct inode *dir, uint32_t mode,
			 const struct cred *c, struct inode **out)
{
	int err = tmpfs_inode_create(dir->sb, dir, mode, c, out);

	if (!err)
		(*out)->nlink = 0;
	return err;
}

static int tmpfs_link(struct inode *dir, const char *name, struct inode *target)
{
	int err = add_entry(dir, name, inode_get(target));

	if (err) {
		inode_put(target);
		return err;
	}
	target->nlink++;
	inode_touch(target, false, false, true);
	return 0;
}

static int tmpfs_unlink(struct inode *dir, const char *name,
			struct inode *victim)
{
	struct inode *i = remove_entry(dir, name);

	if (!i)
		return -ENOENT;
	victim->nlink--;
	victim->ctime = dir->ctime;
	inode_put(i);		/* the caller holds another reference */
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, const char *name,
		       struct inode *victim)
{
	int err;

	if (tmpfs_dir(victim)->nr_entries)
		return -ENOTEMPTY;
	err = tmpfs_unlink(dir, name, victim);
	if (err)
		return err;
	victim->nlink = 0;
	dir->nlink--;
	return 0;
}

static int exchange_entries(struct inode *old_dir, struct tmpfs_entry *a,
			    struct inode *new_dir, struct tmpfs_entry *b)
{
	struct inode *t = a->inode;

	a->inode = b->inode;
	b->inode = t;
	if (S_ISDIR(a->inode->mode) != S_ISDIR(b->inode->mode)) {
		/* a directory went one way, something else the other */
		if (S_ISDIR(a->inode->mode)) {
			old_dir->nlink++;
			new_dir->nlink--;
		} else {
			old_dir->nlink--;
			new_dir->nlink++;
		}
	}
	inode_touch(old_dir, false, true, true);
	inode_touch(new_dir, false, true, true);
	inode_touch(a->inode, false, false, true);
	inode_touch(b->inode, false, false, true);
	return 0;
}

/* The overwritten inode loses its name. It is locked. */
static void drop_victim(struct inode *dir, struct inode *victim)
{
	if (S_ISDIR(victim->mode)) {
		victim->nlink = 0;
		dir->nlink--;
	} else {
		victim->nlink--;
	}
	inode_touch(victim, false, false, true);
	inode_put(victim);	/* the entry's; the caller holds another */
}

static int tmpfs_rename(struct inode *old_dir, const char *old_name,
			struct inode *old_inode, struct inode *new_dir,
			const char *new_name, struct inode *new_inode,
			uint32_t flags)
{
	struct tmpfs_entry *old = find_entry(old_dir, old_name), *new;
	struct inode *whiteout = NULL, *moved;
	int err = 0;

	if (!old)
		return -ENOENT;
	new = new_inode ? find_entry(new_dir, new_name) : NULL;
	if (flags & RENAME_EXCHANGE)
		return new ? exchange_entries(old_dir, old, new_dir, new) :
			     -ENOENT;
	if (new_inode && S_ISDIR(new_inode->mode) &&
	    tmpfs_dir(new_inode)->nr_entries)
		return -ENOTEMPTY;
	if (flags & RENAME_WHITEOUT)
		err = tmpfs_inode_create(old_dir->sb, old_dir, S_IFCHR,
					 &cred_kernel, &whiteout);
	if (err)
		return err;
	/* The last thing that can fail: */
	if (!new) {
		err = add_entry(new_dir, new_name, inode_get(old_inode));
		if (err) {
			inode_put(old_inode);
			inode_put(whiteout);
			return err;
		}
	}
	if (new) {
		new->inode = inode_get(old_inode);
		drop_victim(new_dir, new_inode);
		inode_touch(new_dir, false, true, true);
	}
	if (whiteout) {
		moved = old->inode;
		old->inode = whiteout;
		inode_touch(old_dir, false, true, true);
	} else {
		moved = remove_entry(old_dir, old_name);
	}
	inode_put(moved);	/* the old entry's reference */
	if (S_ISDIR(old_inode->mode) && old_dir != new_dir) {
		old_dir->nlink--;
		new_dir->nlink++;
	}
	inode_touch(old_inode, false, false, true);
	return 0;
}

static int tmpfs_readdir(struct file *f, struct dir_sink *s)
{
	struct inode *dir = f->inode;
	struct tmpfs_dir *d = tmpfs_dir(dir);
	int err = dir == dir->sb->root ? tmpfs_make_late(dir->sb) : 0;

	if (err)
		return err;
	if (!dir_emit_dots(f, s))
		return 0;
	mutex_lock(&dir->lock);
	while (f->pos - FIRST_POS < d->nr_slots) {
		uintptr_t slot = d->slots[f->pos - FIRST_POS];
		struct tmpfs_entry *e = (struct tmpfs_entry *)slot;

		if (!slot_is_free(slot) &&
		    !s->emit(s, e->name, e->len, e->inode->ino,
			     (uint8_t)((e->inode->mode & S_IFMT) >> 12),
			     f->pos + 1))
			break;
		f->pos++;
	}
	inode_touch(dir, true, false, false);
	mutex_unlock(&dir->lock);
	return 0;
}

const struct inode_ops tmpfs_dir_inode_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create_entry,
	.mkdir = tmpfs_create_entry,
	.mknod = tmpfs_mknod,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	.getattr = tmpfs_getattr,
	.setattr = tmpfs_setattr,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.removexattr = tmpfs_removexattr,
	.evict = tmpfs_evict,
};

const struct file_ops tmpfs_dir_ops = {
	.readdir = tmpfs_readdir,
};
