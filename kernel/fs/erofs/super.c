/* SPDX-License-Identifier: MIT */
/* EROFS images as file systems: the super block, reading the image, statfs. */
#include "fs/erofs/erofs.h"

#include <linux/magic.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "lib/string.h"

#define CRC32C_POLYNOMIAL	0x82f63b78u

bool erofs_is_inside(const struct erofs *fs, uint64_t at, uint64_t n)
{
	return at <= fs->size && n <= fs->size - at;
}

int erofs_read(const struct erofs *fs, uint64_t at, void *buf, size_t n)
{
	if (!erofs_is_inside(fs, at, n))
		return -EUCLEAN;
	while (n) {
		ssize_t got = file_read_kernel(fs->image, buf, n, at);

		if (got <= 0)
			return got ? (int)got : -EIO;
		buf = (char *)buf + got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t n)
{
	uint32_t table[16];

	for (uint32_t i = 0; i < 16; i++) {
		table[i] = i;
		for (int bit = 0; bit < 4; bit++)
			table[i] = table[i] >> 1 ^
				   (table[i] & 1 ? CRC32C_POLYNOMIAL : 0);
	}
	for (; n; n--) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}

/* block: all of the image's first. */
static int check_super(struct erofs *fs, char *block)
{
	struct erofs_super *s = (struct erofs_super *)(block + EROFS_SUPER_AT);
	uint32_t want = s->checksum;

	if (s->magic != EROFS_MAGIC)
		return -EINVAL;
	if (s->block_bits != EROFS_BLOCK_BITS || s->compression ||
	    (s->incompat & ~EROFS_INCOMPAT_KNOWN))
		return -EOPNOTSUPP;
	s->checksum = 0;
	if ((s->compat & EROFS_COMPAT_CHECKSUM) &&
	    crc32c(~0u, (uint8_t *)s, EROFS_BLOCK - EROFS_SUPER_AT) != want)
		return -EBADMSG;
	fs->size = (uint64_t)s->nr_blocks << EROFS_BLOCK_BITS;
	fs->meta = (uint64_t)s->meta_block << EROFS_BLOCK_BITS;
	fs->xattrs = (uint64_t)s->xattr_block << EROFS_BLOCK_BITS;
	fs->nr_inodes = s->nr_inodes;
	fs->built = (struct ktime){ (int64_t)s->build_time, s->build_time_ns };
	return 0;
}

static int read_super(struct super *sb)
{
	struct erofs *fs = sb->private;
	char *block = kmalloc(EROFS_BLOCK);
	int err;

	if (!block)
		return -ENOMEM;
	fs->size = EROFS_BLOCK;
	err = erofs_read(fs, 0, block, EROFS_BLOCK);
	if (err == -EIO)
		err = -EINVAL;	/* shorter than that */
	if (!err)
		err = check_super(fs, block);
	if (!err)
		err = erofs_inode_get(sb, ((struct erofs_super *)
					   (block + EROFS_SUPER_AT))->root_nid,
				      &sb->root);
	kfree(block);
	return err ? err : S_ISDIR(sb->root->mode) ? 0 : -EUCLEAN;
}

static int erofs_statfs(struct super *sb, struct kstatfs *out)
{
	const struct erofs *fs = sb->private;

	memset(out, 0, sizeof(*out));
	out->type = EROFS_SUPER_MAGIC_V1;
	out->bsize = EROFS_BLOCK;
	out->blocks = fs->size / EROFS_BLOCK;
	out->files = fs->nr_inodes;
	out->namelen = 255;
	return 0;
}

static void erofs_destroy(struct super *sb)
{
	struct erofs *fs = sb->private;

	nodetab_fini(&fs->by_nid);
	file_put(fs->image);
	kfree(fs);
}

static const struct super_ops erofs_super_ops = {
	.statfs = erofs_statfs,
	.destroy = erofs_destroy,
};

int erofs_create(struct file *image, struct super **out)
{
	struct erofs *fs = kzalloc(sizeof(*fs));
	struct super *sb;
	int err;

	sb = fs ? super_create(&erofs_super_ops, "erofs", SUPER_READ_ONLY) :
		  NULL;
	if (!sb) {
		kfree(fs);
		return -ENOMEM;
	}
	sb->private = fs;
	fs->image = file_get(image);
	mutex_init(&fs->lock);
	nodetab_init(&fs->by_nid);
	err = image->ops->read && image->inode->sb->ops != &erofs_super_ops ?
		      read_super(sb) : -EINVAL;
	if (err)
		super_put(sb);
	else
		*out = sb;
	return err;
}
