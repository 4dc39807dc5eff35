/* SPDX-License-Identifier: MIT */
/* Contents of EROFS files: where they are in the image, reading, mapping. */
#include "fs/erofs/erofs.h"

#include "core/heap.h"
#include "core/page.h"
#include "lib/string.h"

#define ENTRIES	16u	/* of a table of chunks that are read at a time */

/* The block that a chunk begins with. */
static uint32_t entry_block(const struct enode *n, const uint32_t *table,
			    uint64_t i)
{
	return n->entry_bits == 3 ? table[2 * i + 1] : table[i];
}

/* As find_run(): neighbours in the image are one. */
static int find_chunks(const struct inode *i, uint64_t off, uint64_t *at,
		       uint64_t *len)
{
	const struct enode *n = enode(i);
	uint64_t first = off >> n->chunk_bits, size = 1ull << n->chunk_bits;
	uint64_t nr = MIN(((i->size - 1) >> n->chunk_bits) - first + 1,
			  (uint64_t)ENTRIES), whole = size, next;
	uint32_t table[2 * ENTRIES], block;
	int err = erofs_read(erofs_of(i), n->data + (first << n->entry_bits),
			     table, nr << n->entry_bits);

	if (err)
		return err;
	block = entry_block(n, table, 0);
	next = block + (size >> EROFS_BLOCK_BITS);
	for (uint64_t k = 1; k < nr; k++, whole += size) {
		if (entry_block(n, table, k) !=
		    (block == EROFS_NO_BLOCK ? block : next))
			break;
		next += size >> EROFS_BLOCK_BITS;
	}
	*len = MIN(whole, i->size - (first << n->chunk_bits));
	*at = EROFS_HOLE;
	if (block != EROFS_NO_BLOCK) {
		*at = (uint64_t)block << EROFS_BLOCK_BITS;
		if (!erofs_is_inside(erofs_of(i), *at, *len))
			return -EUCLEAN;
		*at += off & (size - 1);
	}
	*len -= off & (size - 1);
	return 0;
}

/*
 * Where in the image the bytes at off are, which is below the size: *len of
 * them from *at, or EROFS_HOLE. Returns 0 or -errno.
 */
static int find_run(const struct inode *i, uint64_t off, uint64_t *at,
		    uint64_t *len)
{
	const struct enode *n = enode(i);
	uint64_t whole = i->size;

	if (n->layout == EROFS_CHUNKS)
		return find_chunks(i, off, at, len);
	if (n->layout == EROFS_INLINE) {
		whole = (i->size - 1) & ~(uint64_t)(EROFS_BLOCK - 1);
		if (off >= whole) {
			*at = n->tail + (off - whole);
			*len = i->size - off;
			return 0;
		}
	}
	*at = n->data + off;
	*len = whole - off;
	return 0;
}

static ssize_t erofs_file_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inode *i = f->inode;
	struct file *image = erofs_of(i)->image;
	ssize_t done = 0, n = 0;
	uint64_t at, len;

	while (u->left && *pos < i->size) {
		struct uio part = *u;

		n = find_run(i, *pos, &at, &len);
		if (n)
			break;
		part.left = MIN(part.left, len);
		if (at == EROFS_HOLE) {
			n = (ssize_t)uio_fill_zero(u, part.left);
			n = n ? n : -EFAULT;
		} else {
			n = image->ops->read(image, &part, &at);
			n = n ? n : -EIO;	/* it became shorter */
			if (n > 0)
				uio_advance(u, (size_t)n);
		}
		if (n < 0)
			break;
		done += n;
		*pos += (uint64_t)n;
	}
	return done ? done : n;
}

int erofs_copy(struct inode *i, uint64_t off, void *buf, size_t n)
{
	uint64_t at, len;

	while (n) {
		int err = find_run(i, off, &at, &len);

		if (err)
			return err;
		len = MIN(len, n);
		if (at == EROFS_HOLE)
			memset(buf, 0, len);
		else
			err = erofs_read(erofs_of(i), at, buf, len);
		if (err)
			return err;
		buf = (char *)buf + len;
		off += len;
		n -= len;
	}
	return 0;
}

/* The tail begins anywhere in the image: what is mapped is a copy. */
static int copy_tail(struct inode *i, uint64_t off, char **out)
{
	char *page = __atomic_load_n(&enode(i)->page, __ATOMIC_ACQUIRE), *none;
	int err;

	if (!page) {
		page = page_alloc(0, true);
		if (!page)
			return -ENOMEM;
		err = erofs_copy(i, off, page, i->size - off);
		if (err) {
			page_free(page, 0);
			return err;
		}
		none = NULL;
		/* somebody may have been faster: theirs is the same */
		if (!__atomic_compare_exchange_n(&enode(i)->page, &none, page,
						 false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			page_free(page, 0);
			page = none;
		}
	}
	*out = page;
	return 0;
}

void erofs_free_page(struct enode *n)
{
	if (n->page)
		page_free(n->page, 0);
}

static int erofs_file_map(struct file *f, uint64_t off, uint64_t len,
			  bool write_shared, struct map_extent *out)
{
	struct inode *i = f->inode;
	struct file *image = erofs_of(i)->image;
	uint64_t at, run;
	char *page;
	int err;

	memset(out, 0, sizeof(*out));
	if (off >= i->size)
		return 0;
	if (write_shared)
		return -EACCES;
	err = find_run(i, off, &at, &run);
	if (err)
		return err;
	len = MIN(len, PAGE_UP(run));
	if (at == EROFS_HOLE) {
		out->backing.kind = PLAT_BACK_ZERO;
	} else if (enode(i)->layout == EROFS_INLINE &&
		   i->size - off <= EROFS_BLOCK) {
		err = copy_tail(i, off, &page);
		if (err)
			return err;
		out->backing.kind = PLAT_BACK_POOL;
		out->backing.offset = page_offset(page);
	} else {
		return image->ops->map ? image->ops->map(image, at, len, false,
							 out) : -ENODEV;
	}
	out->len = len;
	return 0;
}

/* An image in memory keeps the pages that are mapped. */
static void erofs_file_mapped(struct file *f, int delta)
{
	struct file *image = erofs_of(f->inode)->image;

	if (image->ops->mapped)
		image->ops->mapped(image, delta);
}

const struct file_ops erofs_file_fops = {
	.read = erofs_file_read,
	.map = erofs_file_map,
	.mapped = erofs_file_mapped,
};
