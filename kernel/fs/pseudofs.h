/* SPDX-License-Identifier: MIT */
/*
 * Pseudo file systems (procfs, sysfs): trees described by static tables of
 * entries, with callbacks where names are dynamic (/proc/PID, /proc/PID/fd).
 *
 * Every inode carries a struct pseudo_node: which entry it is, and two keys
 * that its children inherit (procfs: key = pid, key2 = tid or descriptor), so
 * that the same table serves every process. With SUPER_NO_DCACHE nothing is
 * cached: each lookup makes a new inode, thus names of the dead vanish at once.
 * Inode numbers are a hash of (entry, keys) and stay the same.
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
	/* How many of the dynamic names are directories; NULL: none. */
	uint32_t (*nr_dirs)(struct pseudo_node *dir);
	/* Of the root: it goes, and with it what its data refers to. NULL:
	 * nothing. */
	void (*drop)(struct pseudo_node *root);
};

/* There are hundreds: what depends on the type of the file shares its place. */
struct pseudo_entry {
	const char *name;	/* NULL ends a table */
	uint16_t mode;		/* type and permissions */
	uint16_t arg;		/* for callbacks shared by several entries */
	bool is_text;		/* S_IFREG, S_IFLNK: text, which is constant */
	bool has_fops;		/* S_IFREG: fops, operations of its own */
	union {
		/* S_IFREG: its text... */
		int (*show)(struct textbuf *t, struct pseudo_node *n);
		/* S_IFLNK: its target... */
		ssize_t (*readlink)(struct pseudo_node *n, char *buf,
				    size_t size);
		/* S_IFDIR: a table... */
		const struct pseudo_entry *children;
		const char *text;
		const struct file_ops *fops;
	};
	union {
		/* ...may be written: buf is NUL-terminated kernel memory */
		ssize_t (*store)(struct pseudo_node *n, struct file *f,
				 const char *buf, size_t len, uint64_t pos);
		/* ...of a magic link */
		int (*follow)(struct pseudo_node *n, struct path *out);
		/* ...and/or dynamic names */
		const struct pseudo_dir_ops *dir;
	};
};

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
