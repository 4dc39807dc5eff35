/* SPDX-License-Identifier: MIT */
/*
 * Directories of EROFS images. Each block has its entries, sorted by name,
 * then the names; names of later blocks are greater. A block is copied and
 * checked as a whole before anything in it is used.
 */
#include "fs/erofs/erofs.h"

#include <linux/stat.h>

#include "core/heap.h"
#include "lib/string.h"

#define NAME_LONGEST	255u

/* One block of a directory. */
struct dir_block {
	char data[EROFS_BLOCK];
	uint32_t len, nr;
};

/* Name k of a block; its length, or 0: it is damaged. */
static size_t name_of(const struct dir_block *b, uint32_t k, const char **name)
{
	const struct erofs_dirent *d = (const void *)b->data;
	uint32_t from = d[k].name_at;
	uint32_t to = k + 1 < b->nr ? d[k + 1].name_at : b->len;

	if (from < b->nr * sizeof(*d) || from >= to || to > b->len)
		return 0;
	*name = b->data + from;
	/* the last one may be followed by zeros */
	return k + 1 < b->nr ? to - from : strnlen(*name, to - from);
}

static int read_block(struct inode *dir, uint64_t nr, struct dir_block *b)
{
	const struct erofs_dirent *d = (const void *)b->data;
	const char *name;
	int err;

	b->len = (uint32_t)MIN(dir->size - nr * EROFS_BLOCK,
			       (uint64_t)EROFS_BLOCK);
	if (b->len <= sizeof(*d))
		return -EUCLEAN;
	err = erofs_copy(dir, nr * EROFS_BLOCK, b->data, b->len);
	if (err)
		return err;
	b->nr = d->name_at / (uint32_t)sizeof(*d);
	if (!b->nr || d->name_at % sizeof(*d) || d->name_at >= b->len)
		return -EUCLEAN;
	for (uint32_t k = 0; k < b->nr; k++) {
		size_t n = name_of(b, k, &name);

		if (!n || n > NAME_LONGEST || memchr(name, '/', n) ||
		    memchr(name, 0, n))
			return -EUCLEAN;
	}
	return 0;
}

/* As strcmp(), of name and the k-th of the block. */
static int compare(const struct dir_block *b, const char *name, uint32_t k)
{
	size_t len = strlen(name), n;
	const char *other;
	int c;

	n = name_of(b, k, &other);
	c = memcmp(name, other, MIN(len, n));
	return c ? c : len < n ? -1 : len > n;
}

static bool find_in_block(const struct dir_block *b, const char *name,
			  uint64_t *nid)
{
	const struct erofs_dirent *d = (const void *)b->data;
	uint32_t from = 0, to = b->nr;

	while (from < to) {
		uint32_t mid = (from + to) / 2;
		int c = compare(b, name, mid);

		if (!c) {
			*nid = d[mid].nid;
			return true;
		}
		if (c < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return false;
}

static int find_name(struct inode *dir, const char *name, uint64_t *nid)
{
	uint64_t from = 0, to = (dir->size + EROFS_BLOCK - 1) / EROFS_BLOCK;
	struct dir_block *b = kmalloc(sizeof(*b));
	int err = b ? -ENOENT : -ENOMEM;

	while (err == -ENOENT && from < to) {
		uint64_t mid = (from + to) / 2;
		int damage = read_block(dir, mid, b);

		if (damage)
			err = damage;
		else if (compare(b, name, 0) < 0)
			to = mid;
		else if (compare(b, name, b->nr - 1) > 0)
			from = mid + 1;
		else if (find_in_block(b, name, nid))
			err = 0;
		else
			break;
	}
	kfree(b);
	return err;
}

int erofs_lookup(struct inode *dir, const char *name, struct inode **out)
{
	uint64_t nid, parent;
	struct inode *i;
	int err = find_name(dir, name, &nid);

	if (!err)
		err = erofs_inode_get(dir->sb, nid, &i);
	if (err)
		return err;
	if (S_ISDIR(i->mode)) {
		err = i == dir->sb->root ? -EUCLEAN :
					   find_name(i, "..", &parent);
		if (err == -ENOENT || (!err && parent != dir->ino))
			err = -EUCLEAN;
	}
	if (err)
		inode_put(i);
	else
		*out = i;
	return err;
}

/* A position is that of an entry in the directory. */
static int erofs_readdir(struct file *f, struct dir_sink *s)
{
	/* DT_* by the image's type */
	static const uint8_t types[8] = "\0\10\4\2\6\1\14\12";
	struct dir_block *b = kmalloc(sizeof(*b));
	struct inode *dir = f->inode;
	int err = b ? 0 : -ENOMEM;
	bool more = true;

	while (more && !err && f->pos < dir->size) {
		const struct erofs_dirent *d = (const void *)b->data;
		uint64_t block = f->pos / EROFS_BLOCK;
		uint32_t k = (f->pos % EROFS_BLOCK + sizeof(*d) - 1) /
			     sizeof(*d);

		err = read_block(dir, block, b);
		for (; !err && more && k < b->nr; k++) {
			uint64_t next = block * EROFS_BLOCK +
					(k + 1 < b->nr ? (k + 1) * sizeof(*d) :
							 EROFS_BLOCK);
			const char *name;
			size_t n = name_of(b, k, &name);

			more = s->emit(s, name, n, d[k].nid,
				       types[d[k].type & 7], next);
			if (more)
				f->pos = next;
		}
		if (!err && more)
			f->pos = (block + 1) * EROFS_BLOCK;
	}
	kfree(b);
	return err;
}

const struct file_ops erofs_dir_fops = {
	.readdir = erofs_readdir,
};
