/* SPDX-License-Identifier: MIT */
/*
 * The name cache. A dentry is one name in one directory and the inode it
 * stands for (none = a negative entry: the name is known to be absent).
 *
 * References: the cache holds one while the dentry is hashed, every child
 * holds one on its parent, users hold the rest. So giving up a reference to a
 * hashed dentry never frees it, and the shrinker frees those whose only
 * reference is the cache's. New references to cached dentries are taken under
 * dcache_lock only.
 *
 * dentry->inode goes from NULL to an inode once, never back: a removed name's
 * dentry is unhashed and keeps its inode for those who still use it.
 */
#pragma once
#include "fs/vfs.h"

enum dentry_flags {
	DENTRY_HASHED = 1, DENTRY_MOUNTED = 2, DENTRY_USED = 4,
	DENTRY_DELETED = 8,	/* the name was removed */
	DENTRY_ANON = 16,	/* no directory: name is the whole text */
	DENTRY_ROOT = 32,	/* root of a super or bind; parent is NULL */
};

#define DENTRY_INLINE_NAME 44

struct dentry {
	struct refcount refs;
	uint32_t flags;		/* under dcache_lock (atomic reads) */
	struct inode *inode;	/* atomic; NULL = negative; owned */
	struct super *sb;	/* set once */
	/* under dcache_lock */
	struct dentry *parent;	/* owned reference; NULL: a root, anonymous */
	char *name;		/* inline_name or heap */
	uint32_t hash, len;
	struct dentry *hash_next, **hash_prev;
	struct list lru;
	char inline_name[DENTRY_INLINE_NAME];
};

/* Guards the cache, names and parents, and the tree of mounts. A leaf lock. */
extern struct mutex dcache_lock;

/* Two cycles for each character, mixed once at the end of the name. */
static inline uint32_t dentry_hash_step(uint32_t h, unsigned char c)
{
	return (h << 5 | h >> 27) ^ c;
}
static inline uint32_t dentry_hash_end(uint32_t h)
{
	h *= 0x9e3779b1u;
	return h ^ h >> 15;
}
#define DENTRY_HASH_START 0x811c9dc5u

static inline struct inode *dentry_inode(const struct dentry *d)
{
	return __atomic_load_n(&d->inode, __ATOMIC_ACQUIRE);
}

/* New unhashed dentry, refs 1. Takes over the reference to inode. */
struct dentry *dentry_create(struct dentry *parent, struct super *sb,
			     const char *name, size_t len,
			     struct inode *inode, uint32_t flags);
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);	/* not under dcache_lock */

/* The cached entry or NULL; borrowed. Caller holds dcache_lock. */
struct dentry *dentry_find_locked(struct dentry *parent, const char *name,
				  size_t len, uint32_t hash);
/*
 * The entry for name in parent, asking the file system if it is not cached.
 * Caller holds the directory's inode lock. Returns 0 and a reference in *out
 * (positive or negative), or -errno.
 */
int dentry_lookup_locked(struct dentry *parent, const char *name, size_t len,
			 struct dentry **out);
/* A cached entry of sb whose inode has this number, with a reference; or NULL. */
struct dentry *dentry_by_number(struct super *sb, uint64_t ino);
/* Cache d even on a super without caching: something is mounted on it. */
void dentry_keep_locked(struct dentry *d);
/* The name now stands for inode (reference taken over). Directory locked. */
void dentry_instantiate(struct dentry *d, struct inode *inode);
/* The name is gone: take it out of the cache. Directory locked. */
void dentry_unhash(struct dentry *d, bool deleted);
/*
 * old was renamed to the place of target: it takes target's parent and name
 * (exchange: target takes old's). Both directories locked. Cannot fail.
 */
void dentry_move(struct dentry *old, struct dentry *target, bool exchange);
/* Is d below (or the same as) ancestor? Caller holds dcache_lock. */
bool dentry_is_below_locked(const struct dentry *d,
			    const struct dentry *ancestor);
uint32_t dentry_hash_name(const char *name, size_t len);
uint32_t dentry_count(void);
/* Free all unused dentries of sb (it is being unmounted). */
void dentry_forget_super(struct super *sb);
