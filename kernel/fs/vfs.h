/* SPDX-License-Identifier: MIT */
/*
 * The virtual file system: inodes and their operations (one set per file
 * system), dentries (cached names), mounts, open files.
 *
 * Who owns what: everything here is reference counted; *_get takes, *_put
 * gives up. A struct path holds references to both its parts. Functions that
 * return an object through an out parameter give the caller a reference.
 * Locks: inode->lock guards its data and, for a directory, its entries;
 * parent before child, else address order. See docs/locking.md.
 */
#pragma once
#include "core/lock.h"
#include "core/wait.h"
#include "fs/cred.h"
#include "fs/uio.h"
#include "lib/atomic.h"
#include "lib/list.h"
#include "platform/platform.h"

struct inode;
struct dentry;
struct file;
struct mount;
struct super;
struct poll_table;
struct path;

struct ktime {
	int64_t sec;
	uint32_t nsec;
};

/* What setattr may change. */
enum attr_valid {
	ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8,
	ATTR_ATIME = 16, ATTR_MTIME = 32, ATTR_CTIME = 64,
	/* only for vfs_setattr: both times are "now", so that permission to
	 * write suffices (utimes with a NULL pointer) */
	ATTR_TIMES_NOW = 128,
};

struct attr {
	uint32_t valid;		/* enum attr_valid */
	uint32_t mode, uid, gid;
	uint64_t size;
	struct ktime atime, mtime, ctime;
};

struct kstat {
	uint64_t dev, ino, size, blocks;
	uint32_t mode, nlink, uid, gid;
	uint64_t rdev;
	uint32_t blksize;
	struct ktime atime, mtime, ctime, btime;
};

struct kstatfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree;
	uint32_t namelen, flags;
};

/*
 * Directory operations are called with dir->lock held, after the generic
 * layer checked permissions, existence, types and read-only mounts.
 * name is NUL-terminated, 1..255 bytes, never "." or "..".
 * The inode that loses a name (unlink, rmdir, rename's new_inode) or gains
 * one (link) is locked too; rename's old_inode is not. mode arguments have
 * the umask applied. New inodes get their owner by inode_init_owner().
 */
struct inode_ops {
	/* *out gets a reference; -ENOENT is cached as a negative dentry
	 * unless the super says SUPER_NO_NEGATIVE. */
	int (*lookup)(struct inode *dir, const char *name, struct inode **out);
	/* Attributes of a name without making its inode: what getattr of that
	 * would say. Returns 0, or 1: only lookup can tell. NULL: always. */
	int (*peek)(struct inode *dir, const char *name, struct kstat *st);
	int (*create)(struct inode *dir, const char *name, uint32_t mode,
		      const struct cred *c, struct inode **out);
	int (*mkdir)(struct inode *dir, const char *name, uint32_t mode,
		     const struct cred *c, struct inode **out);
	int (*mknod)(struct inode *dir, const char *name, uint32_t mode,
		     uint64_t rdev, const struct cred *c, struct inode **out);
	int (*symlink)(struct inode *dir, const char *name, const char *target,
		       const struct cred *c, struct inode **out);
	int (*link)(struct inode *dir, const char *name, struct inode *target);
	int (*unlink)(struct inode *dir, const char *name, struct inode *victim);
	int (*rmdir)(struct inode *dir, const char *name, struct inode *victim);
	/* both directories locked; flags: RENAME_NOREPLACE|EXCHANGE|WHITEOUT */
	int (*rename)(struct inode *old_dir, const char *old_name,
		      struct inode *old_inode, struct inode *new_dir,
		      const char *new_name, struct inode *new_inode,
		      uint32_t flags);
	int (*tmpfile)(struct inode *dir, uint32_t mode, const struct cred *c,
		       struct inode **out);
	/* The rest: inode->lock not held. For setattr with ATTR_SIZE the
	 * generic layer checked that it is a regular file. */
	/* Fill buf (no NUL needed). Returns length or -errno. */
	ssize_t (*readlink)(struct inode *i, char *buf, size_t size);
	/* proc's magic links: jump to *out instead. NULL = plain symlink */
	int (*follow)(struct inode *i, struct path *out);
	int (*getattr)(struct inode *i, struct kstat *st); /* NULL = generic */
	int (*setattr)(struct inode *i, const struct attr *a);
	int (*permission)(struct inode *i, const struct cred *c, uint32_t may);
	ssize_t (*getxattr)(struct inode *i, const char *name, void *buf, size_t n);
	int (*setxattr)(struct inode *i, const char *name, const void *v,
			size_t n, int flags);
	ssize_t (*listxattr)(struct inode *i, char *buf, size_t n);
	int (*removexattr)(struct inode *i, const char *name);
	/* Make f->ops/f->private ready; NULL = use inode->file_ops as is.
	 * Not called for devices and FIFOs. On failure nothing else is. */
	int (*open)(struct inode *i, struct file *f);
	/* Last reference gone: free i->private (and data if nlink is 0). */
	void (*evict)(struct inode *i);
};

/* One run of what a file offset is backed by, for mapping and sharing. */
struct map_extent {
	struct plat_backing backing;
	uint64_t len;		/* bytes from the asked offset; 0 = past EOF */
};

/* Called once per entry; returns false to stop (buffer full). */
struct dir_sink {
	bool (*emit)(struct dir_sink *s, const char *name, size_t len,
		     uint64_t ino, uint8_t type, uint64_t next_pos);
};

struct file_ops {
	/* Returns bytes, 0 = EOF, or -errno. Blocking obeys f->flags
	 * (O_NONBLOCK -> -EAGAIN); an interrupted sleep: -ERESTARTSYS.
	 * *pos is advanced by the operation. Streams ignore pos (NULL).
	 * write: O_APPEND is the operation's duty: *pos becomes the size
	 * first, in one step with the write. */
	ssize_t (*read)(struct file *f, struct uio *u, uint64_t *pos);
	ssize_t (*write)(struct file *f, struct uio *u, uint64_t *pos);
	/* NULL = generic if FMODE_SEEK, else -ESPIPE */
	int64_t (*seek)(struct file *f, int64_t off, int whence);
	int (*readdir)(struct file *f, struct dir_sink *s); /* uses f->pos */
	/* Ready events now (EPOLL* bits); if pt, also register on the wait
	 * queues by poll_add(). Never sleeps on events. NULL = always ready. */
	uint32_t (*poll)(struct file *f, struct poll_table *pt);
	long (*ioctl)(struct file *f, uint32_t cmd, uint64_t arg);
	/* What lies at off: for mmap. `len` wanted, `write_shared` = pages
	 * must be writable and shared. NULL = -ENODEV. */
	int (*map)(struct file *f, uint64_t off, uint64_t len,
		   bool write_shared, struct map_extent *out);
	void (*mapped)(struct file *f, int delta); /* so many more mappings */
	int (*fsync)(struct file *f, bool data_only);
	int (*fallocate)(struct file *f, int mode, uint64_t off, uint64_t len);
	void (*flush)(struct file *f);	/* each close of a descriptor */
	void (*release)(struct file *f);/* last reference */
};

enum super_flags {
	SUPER_READ_ONLY = 1, SUPER_NO_NEGATIVE = 2, SUPER_NO_DCACHE = 4,
	SUPER_NOEXEC = 8, SUPER_NODEV = 16, SUPER_NOSUID = 32,
	/* names may change behind our back: lookup() is asked each time; the
	 * cached name lives on if it gives the same inode */
	SUPER_REVALIDATE = 64,
};

struct super_ops {
	int (*statfs)(struct super *sb, struct kstatfs *out);
	/* the last user is gone: drop what keeps inodes alive; or NULL */
	void (*shutdown)(struct super *sb);
	void (*destroy)(struct super *sb);
};

struct super {
	const struct super_ops *ops;
	const char *type;	/* "tmpfs", for /proc/mounts */
	uint64_t dev;		/* st_dev */
	uint32_t flags;		/* enum super_flags */
	struct refcount refs;
	struct inode *root;
	void *private;
	uint64_t next_ino;	/* atomic */
	struct refcount inodes;	/* its inodes, + 1 while refs > 0 */
	struct dentry *root_dentry;	/* of root; made by the first mount */
};

/* struct inode.state */
enum inode_state {
	INODE_DEAD = 1,		/* removed directory: nothing can be made in it */
	INODE_LINKABLE = 2,	/* O_TMPFILE: may be linked though nlink is 0 */
	INODE_APPEND_ONLY = 4, INODE_IMMUTABLE = 8,
	INODE_OWN_OPEN = 16,	/* ops->open even if it is a FIFO */
};

struct inode {
	/* set once */
	const struct inode_ops *ops;
	const struct file_ops *file_ops;
	struct super *sb;
	uint64_t ino;
	uint64_t rdev;
	void *private;
	struct refcount refs;
	struct mutex lock;
	/* under lock */
	uint32_t mode;		/* type and permissions */
	uint32_t nlink;
	uint32_t uid, gid;
	uint64_t size, blocks;
	struct ktime atime, mtime, ctime, btime;
	struct list watches;	/* inotify, under lock */
	struct flock_list *locks;	/* linux/flock.h's lock */
	uint32_t seals;		/* F_SEAL_*; atomic; of memfd files */
	/* AF_UNIX bound here, FIFO's pipe: owned by whoever set it */
	void *attached;
	int32_t writers;	/* open for writing; < 0: executed; atomic */
	int32_t readers;	/* open for reading alone; atomic */
	struct lease *leases;	/* linux/lease.c; NULL: none; atomic */
	uint32_t state;		/* enum inode_state; atomic */
	/* its name in keys of futexes, 0 until it needs one; atomic */
	uint64_t futex_id;
	/* Text of a symlink, kept by the walk (or set by the file system at
	 * creation): heap, freed with the inode; set once, atomic */
	char *link;
};

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

struct file {
	const struct file_ops *ops;
	struct inode *inode;	/* never NULL: anonymous files have one too */
	struct path path;	/* {NULL, NULL} for anonymous files */
	struct refcount refs;
	uint32_t flags;		/* O_*; atomic; changed by F_SETFL */
	uint32_t mode;		/* FMODE_*; set once */
	struct mutex pos_lock;
	uint64_t pos;		/* under pos_lock */
	void *private;
	struct cred *cred;	/* of the opener */
	const char *anon_name;	/* "[eventfd]": for /proc/self/fd */
	uint32_t fown_pid;	/* F_SETOWN: +pid, or -pgrp as int32 */
	int32_t fown_sig;
	uint32_t fown_type, fown_uid, fown_euid;	/* F_OWNER_*; who set it */
	void *async;		/* O_ASYNC; linux/async.c */
	struct list epoll_links;	/* epoll entries watching it; epoll's lock */
	bool counted_writer;	/* in inode->writers; set once */
	bool counted_reader;	/* in inode->readers; set once */
};

enum file_mode {
	FMODE_READ = 1, FMODE_WRITE = 2, FMODE_PATH = 4, FMODE_SEEK = 8,
	FMODE_STREAM = 16,	/* no position: pipes, sockets, ttys */
	FMODE_QUIET = 32,	/* EPIPE comes without SIGPIPE */
	FMODE_CREATED = 64,	/* this open made the file */
};

/* --- poll ---------------------------------------------------------------- */
struct poll_table {
	/* Register interest in q. Set by poll/select/epoll. */
	void (*add)(struct poll_table *pt, struct waitq *q);
};
static inline void poll_add(struct poll_table *pt, struct waitq *q)
{
	if (pt)
		pt->add(pt, q);
}
uint32_t file_poll(struct file *f, struct poll_table *pt);	/* EPOLL* bits */

/* --- inodes, supers ------------------------------------------------------- */
struct super *super_create(const struct super_ops *ops, const char *type,
			   uint32_t flags);	/* NULL: no memory; refs = 1 */
void super_put(struct super *sb);
/* New inode, refs 1, times now, nlink 1, fresh ino. NULL: no memory. */
struct inode *inode_create(struct super *sb, uint32_t mode,
			   const struct inode_ops *ops,
			   const struct file_ops *fops);
struct inode *inode_get(struct inode *i);
void inode_put(struct inode *i);
void inode_touch(struct inode *i, bool a, bool m, bool c);	/* now */
int inode_getattr(struct inode *i, struct kstat *st);
void inode_getattr_generic(struct inode *i, struct kstat *st);
/* Owner and mode of an inode just made in dir (set-group-ID directories). */
void inode_init_owner(struct inode *i, const struct inode *dir, uint32_t mode,
		      const struct cred *c);
/* Exec: no writers while it runs. Returns 0 or -ETXTBSY; pairs with allow. */
int inode_deny_write(struct inode *i);
void inode_allow_write(struct inode *i);
int inode_get_writer(struct inode *i);	/* counts an open for writing */
void inode_put_writer(struct inode *i);
bool inode_is_owner(const struct inode *i, const struct cred *c); /* or CAP_FOWNER */
/* Permission bits: 4 read, 2 write, 1 exec, as in access(2). 0/-EACCES/-EROFS */
int inode_permission(struct inode *i, const struct cred *c, uint32_t may);
/* For an inode_ops.permission: the mode bits, owner, groups, capabilities. */
int inode_permission_generic(const struct inode *i, const struct cred *c,
			     uint32_t may);
/* Copies fields. The first takes i->lock, the second: the caller holds it. */
int inode_setattr_generic(struct inode *i, const struct attr *a);
void inode_copy_attr(struct inode *i, const struct attr *a);

/* --- names ----------------------------------------------------------------*/
enum walk_flags {
	WALK_FOLLOW = 1,	/* follow a final symlink */
	WALK_DIRECTORY = 2,	/* must be a directory */
	WALK_PARENT = 4,	/* stop at the parent, last name in *last */
	WALK_EMPTY = 8,		/* AT_EMPTY_PATH: "" means start itself */
	WALK_NO_SYMLINKS = 16, WALK_BENEATH = 32, WALK_IN_ROOT = 64,
	WALK_NO_XDEV = 128, WALK_NO_MAGIC = 256,	/* openat2 */
};

/* Where a walk starts and who walks. */
struct walk_ctx {
	struct path root, start;	/* borrowed */
	const struct cred *cred;
};

struct last_name {
	char name[256];
	bool trailing_slash;
	bool is_dot, is_dotdot, is_root;
};

/*
 * Resolve a path (kernel string). *out gets references on success.
 * With WALK_PARENT *last gets the final component.
 * Returns 0, -ENOENT, -ENOTDIR, -ELOOP, -EACCES, -ENAMETOOLONG, -EXDEV...
 */
int path_walk(const struct walk_ctx *w, const char *name, uint32_t flags,
	      struct path *out, struct last_name *last);
/* The same for who wants the attributes only: what is not cached need not be
 * made for it. *is_root: it is the root of a mount. */
int path_getattr(const struct walk_ctx *w, const char *name, uint32_t flags,
		 struct kstat *st, bool *is_root);
void path_get(const struct path *p);
void path_put(const struct path *p);
bool path_equal(const struct path *a, const struct path *b);
/*
 * The path's name as seen from root. Writes NUL-terminated into buf.
 * Unreachable: "(unreachable)" prefix; removed: " (deleted)" suffix.
 * Returns length or -ENAMETOOLONG.
 */
ssize_t path_name(const struct path *p, const struct path *root, char *buf,
		  size_t size);
struct inode *path_inode(const struct path *p);	/* borrowed; never NULL */
bool path_is_read_only(const struct path *p);	/* mount or super */
/* Final component as a C string, into buf (cut at size). */
void path_last_name(const struct path *p, char *buf, size_t size);

/* --- operations by path (each does walk + checks + operation) ------------- */
/* Modes have the umask applied by the caller. */
int vfs_open(const struct walk_ctx *w, const char *name, uint32_t flags,
	     uint32_t mode, uint32_t walk_extra, struct file **out);
int vfs_mkdir(const struct walk_ctx *w, const char *name, uint32_t mode);
int vfs_mknod(const struct walk_ctx *w, const char *name, uint32_t mode,
	      uint64_t rdev);
/* Bind a socket: like mknod S_IFSOCK, and gives the inode. */
int vfs_bind_node(const struct walk_ctx *w, const char *name, uint32_t mode,
		  struct path *out);
int vfs_symlink(const struct walk_ctx *w, const char *target, const char *name);
int vfs_link(const struct walk_ctx *from, const char *old_name,
	     const struct walk_ctx *to, const char *new_name, uint32_t flags);
int vfs_unlink(const struct walk_ctx *w, const char *name);
int vfs_rmdir(const struct walk_ctx *w, const char *name);
int vfs_rename(const struct walk_ctx *from, const char *old_name,
	       const struct walk_ctx *to, const char *new_name, uint32_t flags);
int vfs_setattr(const struct path *p, const struct cred *c,
		const struct attr *a);	/* checks ownership rules */
int vfs_truncate(const struct path *p, const struct cred *c, uint64_t size);
int file_truncate(struct file *f, uint64_t size);	/* ftruncate */
int vfs_statfs(const struct path *p, struct kstatfs *out);
/* Forget the cached name (hosts change files behind our back). */
void vfs_forget_name(struct dentry *parent, const char *name);

/* --- mounts ----------------------------------------------------------------*/
struct mount {
	struct super *sb;
	struct mount *parent;	/* NULL: the root mount */
	struct dentry *mountpoint;
	struct dentry *root;
	struct refcount refs;
	uint32_t flags;		/* MS_RDONLY, MS_NOSUID, ... */
	struct list link;
	char *source;
	/* under dcache_lock */
	struct mnt_ns *ns;	/* in whose tree it is; NULL: in none */
	bool is_locked;		/* it can not be taken away */
	uint32_t kept;		/* flags that can not be taken from it */
	/* of whom it hears; fs/mount_peers.c */
	uint32_t group;		/* of peers, 0: not shared */
	uint32_t master;	/* the group whose slave it is; 0: of none */
	bool unbindable;
	/* while the tree is changed; under mount_changes */
	uint8_t goes;		/* it is being unmounted */
	bool passes_on;		/* nothing comes on it, but on its slaves */
	struct mount *copy;
	struct mount *model;	/* whose like comes on it, or what did */
};

/* A tree of mounts (fs/mount_tree.c). */
struct mnt_ns {
	struct ns ns;
	struct mount *root;	/* under dcache_lock */
};
extern struct mnt_ns mnt_ns_first;
/* What "/" is there, with references. */
void mnt_ns_root(struct mnt_ns *n, struct path *out);
/*
 * A copy of old's tree. a and b, which nobody else uses, move from it to the
 * same place in the copy. Returns 0 and a reference in *out, or -ENOMEM.
 */
int mnt_ns_copy(struct mnt_ns *old, struct user_ns *owner, struct path *a,
		struct path *b, struct ns **out);
/* Make sb the root of everything. Takes over the caller's sb reference. */
int vfs_mount_root(struct super *sb, const char *source);
/* Mount sb on an existing directory (or file, for file volumes). */
/* root NULL = sb->root. On success takes over the caller's sb reference. */
int vfs_mount(const struct path *where, struct super *sb, struct inode *root,
	      const char *source, uint32_t flags);
/*
 * A mount that is made when its name is first walked to; until then it costs
 * nothing. create() may sleep and returns a reference, or NULL: no memory.
 */
struct late_mount {
	const char *name;		/* a path, "name" or "dir/name", in... */
	uint32_t last;			/* where its last name begins */
	const struct late_mount *on;	/* ...this one; NULL: of the tree */
	struct super *(*create)(void);
	const char *source;
	uint32_t flags;
};
#define LATE_MOUNTS_MAX 9u
/* Announce them, once, after vfs_mount_root(); the list stays as it is. */
void vfs_mount_late(const struct late_mount *list, uint32_t nr);
/* MS_BIND: show what (a directory or file, with its cache) also at where. */
int vfs_mount_bind(const struct path *where, const struct path *what,
		   bool recursive);
/* The mount whose root is what, with all on it, goes to where. -ELOOP: that is
 * on it, too. */
int vfs_mount_move(const struct path *where, const struct path *what);
int vfs_umount(const struct path *where, uint32_t flags); /* MNT_DETACH */
/* A mount of sb that no path leads to, for walks from its root. Takes over the
 * caller's sb reference if it succeeds. NULL: no memory. */
struct mount *vfs_mount_nowhere(struct super *sb);
/*
 * new_root, a mount, takes the place of the mount whose root is `root`, which
 * is then mounted at put_old, at or below new_root. Processes that stand at
 * the old root are the caller's. Returns 0, -EBUSY, -EINVAL.
 */
int vfs_pivot_root(const struct path *root, const struct path *new_root,
		   const struct path *put_old);
/* Returns 0, -EINVAL, -EPERM (a flag is kept). */
/* MS_SHARED, MS_PRIVATE, MS_SLAVE or MS_UNBINDABLE for the mount whose root is
 * where, all: and for those on it. Returns 0 or -EINVAL. */
int vfs_mount_propagation(const struct path *where, uint32_t type, bool all);
int vfs_remount(const struct path *where, uint32_t flags);
void vfs_root_path(struct path *out);	/* of the first tree */
/* Those of one tree, as /proc/mounts shows them. n may be gone meanwhile. */
void vfs_for_each_mount(const struct mnt_ns *n,
			void (*fn)(struct mount *m, void *arg), void *arg);
/* Helpers for start-up: create directories along path (mode 0755, root). */
int vfs_mkdir_all(const char *path);
/* Drop unused dentries until at most `keep` remain. Returns false if there were
 * none to drop. */
bool vfs_shrink(uint32_t keep);
#define VFS_NAMES_KEPT	256u	/* where memory is short */

/* --- open files -------------------------------------------------------------*/
/* Anonymous file (pipe end, eventfd...): own inode. refs = 1. NULL: no memory. */
struct file *file_create_anon(const struct file_ops *ops, void *private,
			      uint32_t flags, uint32_t mode_type,
			      const char *name);
/* Open an inode found by path (no permission checks, no truncation). */
int file_open_path(const struct path *p, uint32_t flags, const struct cred *c,
		   struct file **out);
struct file *file_get(struct file *f);
void file_put(struct file *f);
/* Close of a descriptor: flush, then file_put. */
void file_close(struct file *f);
/*
 * Its path, with references; an anonymous file gets a detached name, so that
 * /proc/self/fd/N can be opened. Returns 0 or -ENOMEM.
 */
int file_path(struct file *f, struct path *out);
/* What /proc/self/fd/N shows ("/tmp/x", "pipe:[3]", "anon_inode:[eventfd]"). */
ssize_t file_name(struct file *f, const struct path *root, char *buf, size_t n);
/* Generic read/write: checks mode, takes pos_lock if needed; RLIMIT_FSIZE is
 * the caller's business. pos NULL = f->pos. */
ssize_t file_read(struct file *f, struct uio *u, uint64_t *pos);
ssize_t file_write(struct file *f, struct uio *u, uint64_t *pos);
ssize_t file_read_kernel(struct file *f, void *buf, size_t n, uint64_t off);
int64_t file_seek(struct file *f, int64_t off, int whence);
/* A read took place: maintain the access time (as relatime does). */
void file_accessed(struct file *f);
/* For a file_ops.readdir: "." and ".." at positions 0 and 1; true: go on. */
bool dir_emit_dots(struct file *f, struct dir_sink *s);
/* For a file_ops.seek: by inode->size, without holes. */
int64_t file_seek_generic(struct file *f, int64_t off, int whence);

/* --- file systems ----------------------------------------------------------*/
struct super *tmpfs_create(uint64_t max_bytes, uint32_t root_mode);
/* Its root is a file (0644) with text and a newline. NULL: no memory. */
struct super *tmpfs_create_line(const char *text);
/*
 * Entries of a root that are made when they are first looked up, or the root
 * is listed. make() puts the i-th into root, whose lock is held.
 */
#define TMPFS_LATE_MAX	64u
struct tmpfs_late {
	uint32_t (*count)(void);	/* does not change any more */
	const char *(*name)(uint32_t i);
	int (*make)(struct inode *root, uint32_t i);
};
struct super *tmpfs_create_late(uint32_t root_mode,
				const struct tmpfs_late *late);
int tmpfs_create_file(const char *name, struct file **out);	/* memfd, shm: unlinked, O_RDWR */
struct super *devfs_create(void);	/* null zero full random urandom tty ptmx fd std* shm pts */
struct super *devpts_create(void);
struct super *procfs_create(void);
struct super *sysfs_create(void);
struct super *cgroup_create(void);
struct super *mqueue_create(void);	/* of the first namespace */
/* Host tree by the file server. */
/* live: the host may change it at any time. */
struct super *hostfs_create(uint32_t export_id, bool read_only, bool live);
/*
 * The tree of an EROFS image (fs/erofs/), which is untrusted; takes its own
 * reference to the file. *out: a reference. Returns 0, -EINVAL (no such image),
 * -EOPNOTSUPP (compressed, block size, ...), -EBADMSG (checksum), -EUCLEAN, -EIO,
 * -ENOMEM.
 */
int erofs_create(struct file *image, struct super **out);
/* lower may be NULL (then as tmpfs). Takes over references. */
struct super *overlay_create(struct super *lower, struct super *upper);
/* Pipes: see fs/pipe.h */

/* A node that /dev has from its start. Context: init. Returns 0, -ENOSPC. */
int devfs_add(const char *name, uint32_t mode, uint64_t rdev);
/* Block devices, as character devices below. */
int blkdev_register(uint32_t major, uint32_t minor_from, uint32_t minor_count,
		    int (*open)(struct inode *i, struct file *f));
int blkdev_open(struct inode *i, struct file *f);
/* Character devices: fs/devfs.c looks drivers up here at open. */
int chrdev_register(uint32_t major, uint32_t minor_from, uint32_t minor_count,
		    int (*open)(struct inode *i, struct file *f));
/* The same minors of several majors. */
int chrdev_register_majors(uint32_t major, uint32_t nr_majors,
			   uint32_t nr_minors,
			   int (*open)(struct inode *i, struct file *f));
int chrdev_open(struct inode *i, struct file *f);	/* by i->rdev */
/* Device numbers as in st_rdev (Linux "huge" encoding). */
static inline uint64_t dev_make(uint32_t major, uint32_t minor)
{
	return (minor & 0xffu) | ((uint64_t)(major & 0xfffu) << 8) |
	       ((uint64_t)(minor & ~0xffu) << 12) |
	       ((uint64_t)(major & ~0xfffu) << 32);
}
static inline uint32_t dev_major(uint64_t d)
{
	return (uint32_t)((d >> 8) & 0xfff) | (uint32_t)((d >> 32) & ~0xfffu);
}
static inline uint32_t dev_minor(uint64_t d)
{
	return (uint32_t)(d & 0xff) | (uint32_t)((d >> 12) & ~0xffu);
}
