/* SPDX-License-Identifier: MIT */
/* Inodes of EROFS images: from the image, checked, one for each number. */
#include "fs/erofs/erofs.h"

#include <linux/stat.h>

#include "core/heap.h"
#include "lib/string.h"

#define NID_BITS		5u	/* inodes stand at multiples of 32 */
#define LINK_MAX		4095u
#define FORMAT_EXTENDED		1u
#define FORMAT_KNOWN		15u
#define XATTR_HEADER		12u
#define CHUNK_BITS_MASK		31u	/* of erofs_inode.where: plus 12 */
#define CHUNK_INDEXES		32u	/* entries of 8 bytes, not of 4 */
#define CHUNK_KNOWN		63u

static ssize_t erofs_readlink(struct inode *i, char *buf, size_t size)
{
	size_t n = MIN(size, i->size);
	int err = erofs_copy(i, 0, buf, n);

	return err ? err : (ssize_t)n;
}

static void erofs_evict(struct inode *i)
{
	struct erofs *fs = erofs_of(i);
	struct enode *n = enode(i);

	mutex_lock(&fs->lock);
	nodetab_remove(&fs->by_nid, &n->link);
	mutex_unlock(&fs->lock);
	erofs_free_page(n);
	kfree(n);
}

static const struct inode_ops erofs_inode_ops = {
	.lookup = erofs_lookup,
	.readlink = erofs_readlink,
	.getxattr = erofs_getxattr,
	.listxattr = erofs_listxattr,
	.evict = erofs_evict,
};

/* Where chunks are: a table behind the inode, whose end is at `at`. */
static int place_chunks(const struct erofs *fs, struct enode *n, uint64_t at,
			uint32_t format)
{
	uint64_t nr;

	if (format & ~CHUNK_KNOWN)
		return -EOPNOTSUPP;
	if (!S_ISREG(n->inode->mode))
		return -EUCLEAN;
	n->chunk_bits = EROFS_BLOCK_BITS + (format & CHUNK_BITS_MASK);
	n->entry_bits = format & CHUNK_INDEXES ? 3 : 2;
	n->data = ALIGN_UP(at, 1ull << n->entry_bits);
	nr = (n->inode->size + (1ull << n->chunk_bits) - 1) >> n->chunk_bits;
	/* nr is at most 2^51 */
	return erofs_is_inside(fs, n->data, nr << n->entry_bits) ? 0 :
								   -EUCLEAN;
}

static int place_data(const struct erofs *fs, struct enode *n, uint64_t at,
		      const struct erofs_inode *d)
{
	uint64_t size = n->inode->size, whole = size;

	n->data = (uint64_t)d->where << EROFS_BLOCK_BITS;
	if (n->layout == EROFS_INLINE && size) {
		whole = (size - 1) & ~(uint64_t)(EROFS_BLOCK - 1);
		n->tail = at;
		/* never across blocks */
		if ((at & (EROFS_BLOCK - 1)) + (size - whole) > EROFS_BLOCK ||
		    !erofs_is_inside(fs, at, size - whole))
			return -EUCLEAN;
	}
	return !whole || erofs_is_inside(fs, n->data, whole) ? 0 : -EUCLEAN;
}

/* What d says of i; `at` is the end of what stands before xattrs. */
static int fill(struct inode *i, const struct erofs_inode *d, uint64_t at)
{
	const struct erofs *fs = erofs_of(i);
	struct enode *n = enode(i);
	uint32_t layout = d->format >> 1;

	i->mode = d->mode;
	i->blocks = (i->size + 511) / 512;
	n->xattrs = n->xattrs_end = at;
	if (d->xattr_count)
		n->xattrs_end += XATTR_HEADER + (d->xattr_count - 1) * 4u;
	if (!erofs_is_inside(fs, at, n->xattrs_end - at) ||
	    i->size > INT64_MAX)
		return -EUCLEAN;
	if (d->format > FORMAT_KNOWN || layout > EROFS_CHUNKS || (layout & 1))
		return -EOPNOTSUPP;	/* compressed, or of later times */
	n->layout = layout;
	switch (d->mode & S_IFMT) {
	case S_IFLNK:
		if (!i->size || i->size > LINK_MAX)
			return -EUCLEAN;
		fallthrough;
	case S_IFREG:
	case S_IFDIR:
		return layout == EROFS_CHUNKS ?
			       place_chunks(fs, n, n->xattrs_end, d->where) :
			       place_data(fs, n, n->xattrs_end, d);
	case S_IFCHR:
	case S_IFBLK:
		i->rdev = d->where;
		fallthrough;
	case S_IFIFO:
	case S_IFSOCK:
		i->size = i->blocks = 0;
		return 0;
	default:
		return -EUCLEAN;
	}
}

/* Copy nid's inode from the image. *at: its end. */
static int read_inode(const struct erofs *fs, uint64_t nid,
		      struct erofs_inode *d, uint64_t *at)
{
	uint32_t n = EROFS_COMPACT_SIZE;
	int err;

	if (nid > fs->size >> NID_BITS)
		return -EUCLEAN;
	*at = fs->meta + (nid << NID_BITS);
	err = erofs_read(fs, *at, d, n);
	if (!err && (d->format & FORMAT_EXTENDED)) {
		err = erofs_read(fs, *at + n, (char *)d + n, sizeof(*d) - n);
		n = sizeof(*d);
	} else if (!err) {
		d->size = (uint32_t)d->size;
		d->nlink = d->nlink16;
		d->gid = d->gid16;
		d->uid = d->uid16;
		d->mtime = fs->built.sec;
		d->mtime_ns = fs->built.nsec;
	}
	*at += n;
	return err;
}

static struct inode *find_locked(struct erofs *fs, uint64_t nid)
{
	list_for_each(p, nodetab_bucket(&fs->by_nid, nid)) {
		struct enode *n = nodetab_entry(p, struct enode, link);

		if (n->inode->ino == nid && ref_try_get(&n->inode->refs))
			return n->inode;
	}
	return NULL;
}

static int make_inode(struct super *sb, uint64_t nid, struct inode **out)
{
	struct erofs_inode d;
	struct enode *n;
	struct inode *i;
	uint64_t at;
	int err = read_inode(sb->private, nid, &d, &at);

	if (err)
		return err;
	n = kzalloc(sizeof(*n));
	i = n ? inode_create(sb, d.mode, &erofs_inode_ops,
			     S_ISDIR(d.mode) ? &erofs_dir_fops :
					       &erofs_file_fops) : NULL;
	if (!i) {
		kfree(n);
		return -ENOMEM;
	}
	i->private = n;
	n->inode = i;
	nodetab_link_init(&n->link);
	i->ino = nid;
	i->nlink = MAX(d.nlink, 1u);
	i->uid = d.uid;
	i->gid = d.gid;
	i->size = d.size;
	i->mtime.sec = d.mtime;
	i->mtime.nsec = d.mtime_ns % (uint32_t)NSEC_PER_SEC;
	i->atime = i->ctime = i->btime = i->mtime;
	err = fill(i, &d, at);
	if (err)
		inode_put(i);
	else
		*out = i;
	return err;
}

int erofs_inode_get(struct super *sb, uint64_t nid, struct inode **out)
{
	struct erofs *fs = sb->private;
	struct inode *i, *fresh;
	int err;

	mutex_lock(&fs->lock);
	i = find_locked(fs, nid);
	mutex_unlock(&fs->lock);
	if (!i) {
		err = make_inode(sb, nid, &fresh);
		if (err)
			return err;
		mutex_lock(&fs->lock);
		i = find_locked(fs, nid);
		if (!i) {
			i = fresh;
			fresh = NULL;
			nodetab_add(&fs->by_nid, &enode(i)->link, nid);
		}
		mutex_unlock(&fs->lock);
		inode_put(fresh);
	}
	*out = i;
	return 0;
}
