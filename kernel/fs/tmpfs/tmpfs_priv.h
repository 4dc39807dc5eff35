/* SPDX-License-Identifier: MIT */
/*
 * What the files of tmpfs share: the private parts of its inodes.
 */
#pragma once
#include "fs/tmpfs/pagestore.h"
#include "fs/vfs.h"

/* First part of every tmpfs inode's private data. */
struct tmpfs_node {
	struct list xattrs;	/* struct tmpfs_xattr; under inode->lock */
};

struct tmpfs_file {
	struct tmpfs_node node;
	struct pagestore store;
};

struct tmpfs_entry;

/*
 * A directory: entries by name in a hash table, and by place in an array of
 * slots. A slot's number is the entry's position for readdir and does not
 * change while the entry lives; free slots are chained and used again.
 */
struct tmpfs_dir {
	struct tmpfs_node node;
	/* under inode->lock */
	struct tmpfs_entry **buckets;
	uint32_t nr_buckets;	/* power of two, or 0 */
	uint32_t nr_entries;
	uintptr_t *slots;	/* entry, or (next free slot << 1 | 1) */
	uint32_t nr_slots, cap_slots;
	uint32_t free_slot;	/* first free one; UINT32_MAX: none */
};

struct tmpfs_super {
	struct page_quota quota;
	struct super *sb;
	const struct tmpfs_late *late;	/* set once; or NULL */
	uint64_t made;		/* of late's, bit by bit; the root's lock */
};

static inline struct tmpfs_node *tmpfs_node(struct inode *i)
{
	return i->private;
}
static inline struct tmpfs_file *tmpfs_file(struct inode *i)
{
	return i->private;
}
static inline struct tmpfs_dir *tmpfs_dir(struct inode *i)
{
	return i->private;
}

extern const struct inode_ops tmpfs_dir_inode_ops;
extern const struct inode_ops tmpfs_file_inode_ops;	/* and all others */
extern const struct inode_ops tmpfs_link_inode_ops;
extern const struct file_ops tmpfs_dir_ops, tmpfs_file_ops;

/* --- tmpfs.c -------------------------------------------------------------------*/
/* New inode with nlink 1 (directories 2), owner by dir and c. */
int tmpfs_inode_create(struct super *sb, const struct inode *dir,
		       uint32_t mode, const struct cred *c,
		       struct inode **out);
int tmpfs_setattr(struct inode *i, const struct attr *a);
int tmpfs_getattr(struct inode *i, struct kstat *st);
void tmpfs_evict(struct inode *i);

/* --- dir.c -----------------------------------------------------------------------*/
void tmpfs_dir_init(struct tmpfs_dir *d);
void tmpfs_dir_fini(struct tmpfs_dir *d);
/* Make all names of the super's root that are not made yet. */
int tmpfs_make_late(struct super *sb);

/* --- xattr.c ---------------------------------------------------------------------*/
ssize_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t n);
int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n,
		   int flags);
ssize_t tmpfs_listxattr(struct inode *i, char *buf, size_t n);
int tmpfs_removexattr(struct inode *i, const char *name);
void tmpfs_xattr_free(struct tmpfs_node *node);
