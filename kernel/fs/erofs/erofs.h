/* SPDX-License-Identifier: MIT */
/*
 * EROFS images, read-only: what the files of this folder share, and the
 * format on disk (written from its documentation, erofs.docs.kernel.org).
 *
 * The image is an open file of any file system that can read at a position.
 * Nothing of it is kept but inodes in use: each question reads the few bytes
 * it is about. Data goes straight from the image to the reader, and whole
 * blocks are mapped into programs as what they are in the image's file.
 *
 * An image is untrusted, and its file may change while it is read. So every
 * structure is copied once and then checked, all positions and lengths by
 * erofs_read() and erofs_is_inside(); an inode is checked when it is made. What
 * is wrong gives EUCLEAN, what is not supported EOPNOTSUPP, a file that became
 * shorter EIO. A directory has one parent, the one that its ".." names: so no
 * way down leads back up.
 *
 * Locks: erofs->lock (leaf) guards the table.
 */
#pragma once
#include "abi/erofs.h"
#include "fs/nodetab.h"
#include "fs/vfs.h"

#define EROFS_BLOCK		4096u
#define EROFS_HOLE		UINT64_MAX
#define EROFS_NO_BLOCK		UINT32_MAX	/* of a chunk: a hole */

struct erofs {
	struct file *image;	/* owned */
	uint64_t size, meta, xattrs;	/* bytes; positions in the image */
	struct ktime built;
	uint64_t nr_inodes;
	struct mutex lock;
	struct nodetab by_nid;	/* under lock; holds no references */
};

enum erofs_layout {
	EROFS_PLAIN = 0,
	EROFS_INLINE = 2,	/* the last block's bytes are behind the inode */
	EROFS_CHUNKS = 4,
};

/* Set once, but for page. */
struct enode {
	struct inode *inode;
	struct nodetab_link link;	/* key: nid */
	uint64_t xattrs, xattrs_end;	/* of its own, in the image */
	uint64_t data;		/* of whole blocks, or the table of chunks */
	uint64_t tail;		/* EROFS_INLINE: of the last block's bytes */
	enum erofs_layout layout;
	uint8_t chunk_bits, entry_bits;	/* of EROFS_CHUNKS */
	char *page;		/* copy of the tail that is mapped; atomic */
};

static inline struct enode *enode(const struct inode *i)
{
	return i->private;
}

static inline struct erofs *erofs_of(const struct inode *i)
{
	return i->sb->private;
}

/* --- the format --------------------------------------------------------------*/
/* The first half is all of a compact inode. */
struct erofs_inode {
	uint16_t format;	/* 1: extended; 2-8: enum erofs_layout */
	uint16_t xattr_count;	/* of 4 bytes, less 2; 0: none */
	uint16_t mode;
	uint16_t nlink16;
	uint64_t size;		/* of a compact one only the lower half */
	uint32_t where;		/* block, device number, or format of chunks */
	uint32_t ino;
	union {
		struct {
			uint16_t uid16, gid16;
			uint32_t reserved16;
		};
		struct {
			uint32_t uid, gid;
		};
	};
	int64_t  mtime;
	uint32_t mtime_ns;
	uint32_t nlink;
	uint8_t  reserved[16];
};
#define EROFS_COMPACT_SIZE	32u
_Static_assert(sizeof(struct erofs_inode) == 64, "erofs_inode layout");
_Static_assert(offsetof(struct erofs_inode, mtime) == EROFS_COMPACT_SIZE,
	       "erofs_inode layout");

struct erofs_dirent {
	uint64_t nid;
	uint16_t name_at;	/* in the block */
	uint8_t  type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_dirent) == 12, "erofs_dirent layout");

/* --- super.c -----------------------------------------------------------------*/
/* n bytes of the image at a position. Returns 0, -EUCLEAN, -EIO, -errno. */
int erofs_read(const struct erofs *fs, uint64_t at, void *buf, size_t n);
/* Are the n bytes at a position in the image? */
bool erofs_is_inside(const struct erofs *fs, uint64_t at, uint64_t n);

/* --- inode.c -----------------------------------------------------------------*/
/* *out gets a reference. Returns 0, -EUCLEAN, -EOPNOTSUPP, -ENOMEM, -EIO. */
int erofs_inode_get(struct super *sb, uint64_t nid, struct inode **out);

/* --- data.c ------------------------------------------------------------------*/
/* n bytes of a file, directory or link at off, all below its size. */
int erofs_copy(struct inode *i, uint64_t off, void *buf, size_t n);
void erofs_free_page(struct enode *n);
extern const struct file_ops erofs_file_fops;

/* --- dir.c -------------------------------------------------------------------*/
int erofs_lookup(struct inode *dir, const char *name, struct inode **out);
extern const struct file_ops erofs_dir_fops;

/* --- xattr.c -----------------------------------------------------------------*/
ssize_t erofs_getxattr(struct inode *i, const char *name, void *buf, size_t n);
ssize_t erofs_listxattr(struct inode *i, char *buf, size_t n);
