/* SPDX-License-Identifier: MIT */
/*
 * The overlay: a writable tree in memory (upper) over a tree that is never
 * changed (lower). What the files of this folder share.
 *
 * An overlay inode stands for one object and keeps its number for life. It
 * has a lower inode, an upper one, or both: a directory that has both is
 * merged; a file that has both was copied up, and the upper one counts. An
 * inode that was copied up is pinned (one reference of its own) until its last
 * name goes: so the table by_upper always knows which lower object an upper
 * one came from, wherever it was renamed to.
 *
 * In the upper tree a removed lower name is a whiteout: a character device
 * 0/0. That, and the pinned inodes, tell what the program changed.
 *
 * Locks: overlay inode->lock (the generic layer's), copy_lock of an object,
 * lock of an upper directory, lock of a lower directory, table_lock (leaf).
 * An upper name and its entry in by_upper change together under the upper
 * directory's lock.
 */
#pragma once
#include "fs/nodetab.h"
#include "fs/vfs.h"

#define OVERLAY_UPPER_INO (1ull << 32)	/* added to numbers of upper inodes */
#define OVERLAY_WHOLE	UINT64_MAX	/* copy all of the data */

struct overlay {
	struct super *lower, *upper;
	struct mutex table_lock;
	/* under table_lock */
	struct nodetab by_lower, by_upper;
};

struct onode {
	struct inode *inode;
	struct inode *lower;	/* set once; owned; or NULL */
	struct inode *upper;	/* atomic; NULL until copied up; owned */
	struct mutex copy_lock;
	/* under table_lock */
	struct nodetab_link lower_link, upper_link;
	struct inode *parent;	/* where it was found, until it is copied up */
	char *name;		/* NULL: no name is left */
	bool pinned;
};

static inline struct onode *onode(const struct inode *i)
{
	return i->private;
}

static inline struct overlay *overlay_of(const struct inode *i)
{
	return i->sb->private;
}

/* Pairs with the release in overlay_set_upper. */
static inline struct inode *overlay_upper(const struct inode *i)
{
	return __atomic_load_n(&onode(i)->upper, __ATOMIC_ACQUIRE);
}

static inline struct inode *overlay_real(const struct inode *i)
{
	struct inode *u = overlay_upper(i);

	return u ? u : onode(i)->lower;
}

extern const struct inode_ops overlay_dir_ops, overlay_inode_ops;
extern const struct file_ops overlay_file_fops, overlay_dir_fops;

/* --- node.c ----------------------------------------------------------------*/
/*
 * The overlay inode of lower and/or upper, whose references are taken over.
 * With upper: the caller holds the lock of its directory.
 */
int overlay_node_get(struct super *sb, struct inode *parent, const char *name,
		     struct inode *lower, struct inode *upper,
		     struct inode **out);
/* i was copied up: takes over the reference; pins i. */
void overlay_set_upper(struct inode *i, struct inode *upper);
/* Mode, owner, size and times from the real inode. */
void overlay_sync(struct inode *i);
/* The name that i was found by is gone. copy_lock held. */
void overlay_unname(struct inode *i);
void overlay_unpin(struct inode *i);
/* The number that an upper inode is shown by. */
uint64_t overlay_upper_ino(struct overlay *o, uint64_t upper_ino);
bool overlay_is_whiteout(const struct inode *i);
void overlay_evict(struct inode *i);

/* --- attr.c ----------------------------------------------------------------*/
int overlay_getattr(struct inode *i, struct kstat *st);
int overlay_setattr(struct inode *i, const struct attr *a);
ssize_t overlay_getxattr(struct inode *i, const char *name, void *buf,
			 size_t n);
int overlay_setxattr(struct inode *i, const char *name, const void *v,
		     size_t n, int flags);
ssize_t overlay_listxattr(struct inode *i, char *buf, size_t n);
int overlay_removexattr(struct inode *i, const char *name);

/* --- copyup.c ---------------------------------------------------------------*/
/*
 * Give i an upper inode, and its parents. data_max: how much of a file's data
 * is wanted (0: it is about to be truncated). Takes copy_lock; not with an
 * upper or lower directory's lock held.
 */
int overlay_copy_up(struct inode *i, uint64_t data_max);

/* --- dir.c -------------------------------------------------------------------*/
/* Find name in a real directory. Takes its lock if `lock`. */
int overlay_real_lookup(struct inode *dir, const char *name, bool lock,
			struct inode **out);

/* --- readdir.c ----------------------------------------------------------------*/
/* Are there names in i? Returns 0, -ENOTEMPTY, or another -errno. */
int overlay_check_empty(struct inode *i);
/* Remove the whiteouts from an upper directory that is about to go. */
int overlay_clear_whiteouts(struct inode *upper);

/* --- file.c -------------------------------------------------------------------*/
int overlay_open(struct inode *i, struct file *f);
/* Open a real inode; f->path stays empty. */
int overlay_open_real(struct inode *real, uint32_t flags, struct file **out);
