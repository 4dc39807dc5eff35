/* SPDX-License-Identifier: MIT */
/*
 * What the files of the generic layer (walk, mount, open, namei_ops, file)
 * share among themselves.
 */
#pragma once
#include "fs/dentry.h"
#include "fs/vfs.h"

/* --- mount.c ---------------------------------------------------------------*/
/* Not in the tree, refs 1, holds a reference to sb. root NULL: none yet. */
struct mount *mount_create(struct super *sb, struct dentry *root,
			   const char *source, uint32_t flags);
void mount_put(struct mount *m);
/* All that are in a tree, parents before children but for those that
 * pivot_root moved; under dcache_lock. */
extern struct list mounts;
/* Who changes trees holds it, but for late mounts, which come before all that
 * is copied or shared. Taken before dcache_lock. */
extern struct mutex mount_changes;
/* *where becomes the place on top of what is mounted there, if m can be there.
 * Returns 0, -EINVAL, -ENOENT, -ENOTDIR. Under dcache_lock. */
int mount_place_locked(const struct mount *m, struct path *where);
/* m, which is in no list, into the tree. Under dcache_lock. */
void mount_hang_locked(struct mount *m, const struct path *at);
/* The tree made, which begins with its top, comes to where, and its like to its
 * peers; on failure all that was made is left in `made`. With mount_changes. */
int mount_attach(struct list *made, const struct path *where);
/* Show what, with all that is mounted below it if `all`, also at where. */
int mount_bind_tree(const struct path *where, const struct path *what, bool all);
bool mount_is_under_locked(const struct path *p, const struct mount *top);

/* Flags that can not be taken from what other users own. */
#define MOUNT_KEPT	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* --- mount_tree.c ----------------------------------------------------------*/
enum copy_how { COPY_AS_PEER, COPY_AS_SLAVE };
/*
 * Copy the mount, from a directory of it on, and (all) what is mounted below; not
 * what is unbindable, unless `whole`. The copies are appended to `made`, by link,
 * the top first and without a parent; a tree that is in none is of `made`, too.
 * mount.copy leads to them until mount_copies_forget. With mount_changes.
 * Returns the top's copy, or NULL: no memory, some are made.
 */
struct mount *mount_copy_tree(const struct path *top, enum copy_how how,
			      bool all, bool whole, struct list *made);
void mount_copies_forget(struct list *made);

/* --- mount_peers.c ---------------------------------------------------------*/
/*
 * m (in no tree: the first of `made`, else it is moved) comes to `at`: make what
 * the peers and slaves of that mount get, into `made`. With mount_changes.
 * Returns 0 or -ENOMEM.
 */
int mount_propagate(struct mount *m, const struct path *at, struct list *made);
/* The made ones into the trees of their parents; n: of one that has none. */
void mount_join_locked(struct list *made, struct mnt_ns *n);
bool mount_holds_unbindable_locked(const struct mount *m);
/* m hears of nobody any more; slave: but of its peers. Under dcache_lock. */
void mount_leave_group_locked(struct mount *m, bool slave);

/* Make what waits for its first use. */
void mounts_make_late(void);
/* Out of its tree; its link is in no list then. Under dcache_lock. */
void mount_detach_locked(struct mount *m);
/* Are mounts on it still to be made? */
bool mount_has_late_locked(const struct mount *m);
/* Put all, which are in this list by their link. */
void mounts_drop(struct list *gone);
/* What is mounted on d of m, or NULL; borrowed. Caller holds dcache_lock. */
struct mount *mount_find_locked(const struct mount *m, const struct dentry *d);
/* Is a mount on d of m (NULL: of any) still to be made? With dcache_lock. */
bool mount_is_late_locked(const struct mount *m, const struct dentry *d);
/* Make it, or find it made. May sleep; no lock held. Returns 0 or -errno. */
int mount_make_late(const struct path *where);

/* --- walk.c ----------------------------------------------------------------*/
#define WALK_LINKS_MAX	40u

/* A symlink whose text is being walked. */
struct walk_link {
	const char *rest;	/* of the name behind it; NULL: nothing */
	struct inode *inode;	/* keeps inode->link alive; or NULL */
	char *text;		/* heap, or NULL */
};

/*
 * A walk in progress. The position (mnt, d) is either borrowed while
 * dcache_lock is held (`locked`), or covered by `pin`'s references.
 */
struct walk {
	const struct cred *cred;
	struct path root;	/* where "/" and a final ".." stop; borrowed */
	struct mount *mnt;
	struct dentry *d;
	struct path pin;	/* owned; {NULL, NULL} = none */
	bool locked;
	uint32_t flags;		/* enum walk_flags */
	const char *name;	/* still to be walked */
	/* the component at hand */
	const char *comp;
	size_t comp_len;
	uint32_t comp_hash;
	bool comp_is_last, trailing_slash;
	bool peeked;		/* peek has what the last component is like */
	struct kstat *peek;	/* NULL: its inode is wanted */
	uint32_t nr_links, nr_rests, depth;
	struct walk_link links[WALK_LINKS_MAX];
};

int walk_start(struct walk *w, const struct walk_ctx *ctx, const char *name,
	       uint32_t flags);
/*
 * Walk up to the last component, which is left in w->comp (comp_len 0: there
 * is none, the position is the result). The position is its directory.
 */
int walk_to_last(struct walk *w);
/* Is the position a directory that may be searched? Leaves it locked. */
int walk_check_search(struct walk *w);
/* Give up the lock; the position becomes pinned. */
void walk_unlock(struct walk *w);
/* Go to d, an entry of the position (reference taken over); was unlocked. */
int walk_enter(struct walk *w, struct dentry *d);
/* Give the position to the caller with references; unlocks. */
void walk_take_position(struct walk *w, struct path *out);
/*
 * d, the last component, is a symlink: go on into it (then walk_to_last
 * again). The position is the link's directory.
 */
int walk_into_link(struct walk *w, struct dentry *d);
void walk_end(struct walk *w);

/* --- file.c ----------------------------------------------------------------*/
/* refs 1; takes over the caller's reference to i. NULL: no memory. */
struct file *file_alloc(struct inode *i, uint32_t flags, uint32_t mode);
uint32_t file_mode_of_flags(uint32_t flags);

/* --- names.c ---------------------------------------------------------------*/
/* May the caller remove victim from dir (sticky bit)? 0, -EPERM, -EACCES */
int vfs_may_delete(const struct path *dir, struct inode *victim,
		   const struct cred *c);
/* May the caller make an entry in dir? Not dead, writable. */
int vfs_may_create(const struct path *dir, const struct cred *c);

/* --- attr.c ----------------------------------------------------------------*/
/* Set the size without asking who may; c for set-user-ID rules, or NULL. */
int vfs_truncate_inode(struct inode *i, const struct cred *c, uint64_t size);
