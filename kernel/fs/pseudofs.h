/* SPDX-License-Identifier: MIT */
/*
 * Pseudo file systems (procfs, sysfs): trees described by static tables of
 * entries, with callbacks where names are dynamic (/proc/PID, /proc/PID/fd).
 *
 * Every inode carries a struct pseudo_node: which entry it is, and two keys
 * that its children inherit (procfs: key = pid, key2 = tid or descriptor), so
 * that the same table serves every process. Nothing is cached: each lookup
 * makes a new inode, thus names of the dead vanish at once. Inode numbers are
 * a hash of (entry, keys) and stay the same.
 *
 *	static const struct pseudo_entry pid_table[] = {
 *		{ .name = "status", .mode = S_IFREG | 0444, .show = show_status },
 *		{ .name = "exe", .mode = S_IFLNK | 0777, .readlink = exe_readlink,
 *		  .follow = exe_follow },
 *		{ .name = "fd", .mode = S_IFDIR | 0500, .dir = &fd_dir_ops },
 *		{ }
 *	};
 */
#pragma once
#include <linux/stat.h>
#include "fs/textfile.h"
#include "fs/vfs.h"

struct pseudo_entry;

struct pseudo_node {
	const struct pseudo_entry *entry;
	uint64_t key, key2;	/* meaning is the file system's */
	void *data;		/* of the file system; inherited, not owned */
	struct inode *inode;	/* its inode (not a reference) */
};

/* One dynamic name, as next() reports it. */
struct pseudo_dirent {
	uint64_t index;		/* >= the index asked for */
	const struct pseudo_entry *entry;	/* for type and inode number */
	uint64_t key, key2;
	char name[256];
};

/* Names beyond the table. Context: task; dir->inode->lock may be held. */
struct pseudo_dir_ops {
	/*
	 * Find name (not in the table) and make its inode by
	 * pseudo_inode_create(). Returns 0 or -ENOENT, -ENOMEM...
	 */
	int (*lookup)(struct pseudo_node *dir, const char *name,
		      struct inode **out);
	/*
	 * The first dynamic entry whose index is >= from (a pid, a
	 * descriptor number...). Returns 1 and fills d, 0 at the end, -errno.
	 */
	int (*next)(struct pseudo_node *dir, uint64_t from,
		    struct pseudo_dirent *d);
	/* Does what the directory stands for still exist? 0 or -errno for
	 * every lookup and listing. NULL: yes. */
	int (*check)(struct pseudo_node *dir);
};

/* Kept small: there are some hundreds of them. */
struct pseudo_entry {
	const char *name;	/* NULL ends a table */
	uint32_t mode;		/* type and permissions, PSEUDO_FOPS */
	union {
		/* S_IFREG: text, or with PSEUDO_FOPS operations of its own */
		int (*show)(struct textbuf *t, struct pseudo_node *n);
		const struct file_ops *fops;
		/* S_IFLNK: NULL = the fixed target */
		ssize_t (*readlink)(struct pseudo_node *n, char *buf,
				    size_t size);
		/* S_IFDIR: table and/or dynamic names */
		const struct pseudo_entry *children;
	};
	union {
		/* S_IFREG: NULL, or text that may be written: buf is
		 * NUL-terminated kernel memory */
		ssize_t (*store)(struct pseudo_node *n, struct file *f,
				 const char *buf, size_t len, uint64_t pos);
		/* S_IFLNK: NULL, or what makes it a magic link */
		int (*follow)(struct pseudo_node *n, struct path *out);
		const struct pseudo_dir_ops *dir;
	};
	union {
		const char *target;	/* S_IFLNK without readlink */
		uint64_t arg;	/* for callbacks shared by several entries */
	};
};
#define PSEUDO_FOPS	(1u << 16)	/* in pseudo_entry.mode */

/*
 * A file system whose root is `root` (a directory entry; its name is unused).
 * magic is statfs's f_type. With SUPER_NO_NEGATIVE in super_flags, making a
 * name that does not exist gives -ENOENT (procfs) instead of -EACCES, -EPERM.
 * NULL: no memory.
 */
struct super *pseudo_super_create(const char *type,
				  const struct pseudo_entry *root,
				  uint64_t magic, uint32_t super_flags);

/*
 * Make an inode for entry e under dir, with the given keys; owner and `data`
 * are dir's: the caller may change (*out)->uid, gid, mode before returning
 * it. Returns 0 or -ENOMEM.
 */
int pseudo_inode_create(struct pseudo_node *dir, const struct pseudo_entry *e,
			uint64_t key, uint64_t key2, struct inode **out);

/* The node of an inode of a pseudo file system. */
static inline struct pseudo_node *pseudo_node(const struct inode *i)
{
	return i->private;
}
