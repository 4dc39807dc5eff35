/* SPDX-License-Identifier: MIT */
/*
 * Host trees, served by the tender (abi/fileserver.h): what the files of this
 * folder share.
 *
 * Two kinds. A still tree (system directories, the current directory as a
 * lower layer) is taken as unchanging: attributes, listings and nodes are
 * kept for good. A live tree (a volume) may change on the host at any time:
 * names are never cached, attributes only for a moment.
 *
 * A node hangs off an inode. It is named by (parent, name) and, if it is a
 * directory in use, by a handle of the server, which may be taken away when
 * there are too many and is fetched again by name.
 *
 * Locks: inode->lock, then open_lock of a node, then hostfs_lock (leaf; never
 * held during a server call).
 */
#pragma once
#include "abi/fileserver.h"
#include "fs/nodetab.h"
#include "fs/vfs.h"

/* Attributes of a live object count as fresh for so long. */
#define HOSTFS_FRESH_NS	300000ull

struct dirlist;

struct hostfs {
	uint32_t export_id;
	bool live, is_file;
	bool no_chown;		/* the host refused it once */
	uint64_t root_dev;	/* of the host */
	/* under hostfs_lock */
	struct nodetab by_ino, by_name;
};

/* A descriptor of the host's file, shared by the open files of an inode. */
struct hostfd {
	/* under open_lock of the node */
	int fd;			/* -1: none */
	uint32_t handle;	/* the server's, of live trees; 0: none */
	bool write_only;
	/* under hostfs_lock */
	uint32_t users;
	struct list idle;	/* in the list of idle ones while users is 0 */
	struct hostnode *node;
};

struct hostnode {
	struct inode *inode;
	/* set once */
	uint64_t host_dev, host_ino;
	int64_t btime_ns;
	/* under hostfs_lock */
	struct nodetab_link ino_link, name_link;
	struct inode *parent;	/* owned; NULL: root, or the name is gone */
	char *name;		/* owned */
	uint32_t handle;
	bool has_handle, is_root;
	struct list handle_lru;
	uint64_t fetched_ns;	/* when attributes were asked for; atomic */
	struct mutex open_lock;
	struct hostfd fds[2];	/* for reading, for writing */
	/* still directories; under inode->lock */
	struct dirlist *list;
	uint32_t nr_asked, nr_missed;	/* lookups that went to the server */
	bool no_list;
};

extern struct mutex hostfs_lock;
extern const struct inode_ops hostfs_dir_ops, hostfs_file_ops, hostfs_link_ops;
extern const struct file_ops hostfs_file_fops, hostfs_dir_fops;

static inline struct hostnode *hostnode(const struct inode *i)
{
	return i->private;
}

static inline struct hostfs *hostfs_of(const struct inode *i)
{
	return i->sb->private;
}

/* --- node.c ----------------------------------------------------------------*/
/*
 * The inode of the object that attr describes, named (parent, name): one that
 * exists, with new attributes, or a new one. Takes over handle (0: none).
 */
int hostnode_get(struct super *sb, struct inode *parent, const char *name,
		 const struct fsrv_attr *attr, uint32_t handle,
		 struct inode **out);
/* The inode known by that name, with a reference, or NULL. */
struct inode *hostnode_find_name(struct inode *parent, const char *name);
void hostnode_rename(struct hostnode *n, struct inode *parent,
		     const char *name, char *storage);
void hostnode_unname(struct hostnode *n, struct inode *parent,
		     const char *name);
void hostnode_evict(struct inode *i);
/* The name of n below a parent, both held for the caller. Returns 0, -ENOENT,
 * -ENOMEM. */
int hostnode_name_get(struct hostnode *n, struct inode **parent, char **name);
/*
 * A request on directory dir (and dir2): fills in handles, asks again if they
 * were taken away meanwhile. name may be "".
 */
int hostnode_call(struct inode *dir, struct inode *dir2,
		  struct fsrv_request *rq, const char *name,
		  const char *name2, const void *data, struct fsrv_reply *rp,
		  void *data_out, size_t data_max, int *fd);
/*
 * READDIR or READTREE of dir, with all but the handle set. One that has none is
 * asked for by its name, and gets one on the way.
 */
int hostnode_list(struct inode *dir, struct fsrv_request *rq, const void *data,
		  struct fsrv_reply *rp, void *data_out, size_t data_max);
/* A request on i itself, by its file handle or its name. */
int hostnode_call_self(struct inode *i, struct fsrv_request *rq,
		       struct fsrv_reply *rp);
ssize_t hostfs_getxattr(struct inode *i, const char *name, void *buf,
			size_t n);
ssize_t hostfs_listxattr(struct inode *i, char *buf, size_t n);

/* --- attr.c ----------------------------------------------------------------*/
void hostnode_set_attr(struct inode *i, const struct fsrv_attr *a);
/* What stat says of an object of sb with these attributes. */
void hostfs_attr_to_kstat(struct super *sb, const struct fsrv_attr *a,
			  struct kstat *st);
/* Are the attributes known as the host has them now? */
bool hostnode_is_fresh(const struct inode *i);
/* Ask the host again if i is live and its attributes are old. */
void hostnode_refresh(struct inode *i);
int hostfs_getattr(struct inode *i, struct kstat *st);
int hostfs_setattr(struct inode *i, const struct attr *a);

/* --- dirlist.c --------------------------------------------------------------*/
struct dirlist_entry {
	uint64_t ino;
	uint32_t name_at, hash_next;
	uint32_t attr;		/* index of its attributes, or DIRLIST_NONE */
	uint8_t len, type;
};
#define DIRLIST_NONE UINT32_MAX

/* Which entries come with attributes. */
enum dirlist_attrs {
	DIRLIST_NAMES,	/* none */
	DIRLIST_DIRS,	/* directories, which are mostly looked up next */
	DIRLIST_ALL,
};

struct dirlist {
	struct refcount refs;
	uint32_t nr, cap;
	uint32_t nr_attrs, attrs_cap;
	bool listed;		/* by a program */
	bool looked_at;		/* ...and then a file of it was looked up */
	struct dirlist_entry *entries;
	char *names;
	uint32_t names_len, names_cap;
	struct fsrv_attr *attrs;
	uint32_t *buckets, nr_buckets;
	/* Files opened one after the other: the next entry, how many at a time;
	 * under the directory's lock */
	uint32_t open_next, open_run;
	/* Of directories that nobody asked for yet, by number of attributes;
	 * NULL: of none. Under the directory's lock */
	struct dirlist **ahead;
};

/* Ask for the whole listing. Returns 0 or -errno. */
int dirlist_fetch(struct inode *dir, enum dirlist_attrs want,
		  struct dirlist **out);
void dirlist_put(struct dirlist *l);
/* Has l (NULL: no) the attributes that are wanted, as far as there are any? */
static inline bool dirlist_is_enough(const struct dirlist *l,
				     enum dirlist_attrs want)
{
	return l && (want != DIRLIST_ALL || l->nr_attrs == l->nr);
}
/* The listing of a directory of l that came ahead, for the caller; or NULL. */
struct dirlist *dirlist_take_ahead(struct dirlist *l,
				   const struct dirlist_entry *e);
/* What came ahead for the old list of a directory is the new one's. */
void dirlist_move_ahead(struct dirlist *old, struct dirlist *l);
/*
 * Ask for the listing of e, a directory of dir, for those behind it and for
 * what is below them, in one: they become what came ahead of dir's list.
 */
void dirlist_fetch_ahead(struct inode *dir, const struct dirlist_entry *e,
			 enum dirlist_attrs want);
struct dirlist_entry *dirlist_find(struct dirlist *l, const char *name);
uint64_t hostfs_map_ino(const struct hostfs *fs, uint64_t dev, uint64_t ino);

/* --- file.c -----------------------------------------------------------------*/
int hostfs_open(struct inode *i, struct file *f);
/* A descriptor just made by CREATE becomes i's for writing. */
void hostfd_adopt(struct hostnode *n, int fd, uint32_t handle);
/* A descriptor for reading that came with a lookup; idle until n is opened. */
void hostfd_keep(struct hostnode *n, int fd);
/* n was removed: its space should not wait for the list of idle ones. */
void hostfd_close_idle(struct hostnode *n);
void hostfd_close_all(struct hostnode *n);

/* --- open_ahead.c -----------------------------------------------------------*/
/* A descriptor of n for reading that came with another's, or comes with others
 * now; -1: ask for it alone. n's open_lock is held. */
int hostfd_open_ahead(struct hostnode *n);
