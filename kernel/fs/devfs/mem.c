/* SPDX-License-Identifier: MIT */
/*
 * The memory devices: null, zero, full, random, urandom (major 1).
 */
#include "fs/devfs/devfs_priv.h"

#include <linux/random.h>
#include <linux/fs.h>

#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"

#define ENTROPY_BITS 256

static ssize_t read_nothing(struct file *f, struct uio *u, uint64_t *pos)
{
	return 0;
}

static ssize_t read_zeros(struct file *f, struct uio *u, uint64_t *pos)
{
	size_t n = u->left, got = uio_fill_zero(u, n);

	return n && !got ? -EFAULT : (ssize_t)got;
}

static ssize_t read_random(struct file *f, struct uio *u, uint64_t *pos)
{
	uint8_t buf[256];
	size_t done = 0;

	while (u->left) {
		size_t n = MIN(u->left, sizeof(buf)), got;

		plat_entropy(buf, n);
		got = uio_fill(u, buf, n);
		done += got;
		if (got < n)
			return done ? (ssize_t)done : -EFAULT;
	}
	return (ssize_t)done;
}

static ssize_t write_away(struct file *f, struct uio *u, uint64_t *pos)
{
	size_t n = u->left;

	uio_advance(u, n);
	return (ssize_t)n;
}

static ssize_t write_full(struct file *f, struct uio *u, uint64_t *pos)
{
	return u->left ? -ENOSPC : 0;
}

static int64_t seek_zero(struct file *f, int64_t off, int whence)
{
	f->pos = 0;
	return 0;
}

/* /dev/zero: private memory, or a memory file of this open file's own. */
static int zero_map(struct file *f, uint64_t off, uint64_t len,
		    bool write_shared, struct map_extent *out)
{
	struct file *mem;
	int err;

	if (!write_shared) {
		out->backing = (struct plat_backing){ .kind = PLAT_BACK_ZERO };
		out->len = len;
		return 0;
	}
	mem = __atomic_load_n(&f->private, __ATOMIC_ACQUIRE);
	if (!mem) {
		void *none = NULL;

		err = tmpfs_create_file("dev/zero", &mem);
		if (err)
			return err;
		if (!__atomic_compare_exchange_n(&f->private, &none,
						 (void *)mem, false,
						 __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			file_put(mem);
			mem = none;
		}
	}
	if (mem->inode->size < off + len) {
		err = file_truncate(mem, off + len);
		if (err)
			return err;
	}
	return mem->ops->map(mem, off, len, write_shared, out);
}

static void zero_release(struct file *f)
{
	file_put(f->private);
}

static long random_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	if (cmd != RNDGETENTCNT)
		return -ENOTTY;
	return user_store32((uint32_t *)arg, ENTROPY_BITS);
}

static const struct file_ops null_fops = {
	.read = read_nothing, .write = write_away, .seek = seek_zero,
};
static const struct file_ops zero_fops = {
	.read = read_zeros, .write = write_away, .seek = seek_zero,
	.map = zero_map, .release = zero_release,
};
static const struct file_ops full_fops = {
	.read = read_zeros, .write = write_full, .seek = seek_zero,
};
static const struct file_ops random_fops = {
	.read = read_random, .write = write_away, .seek = seek_zero,
	.ioctl = random_ioctl,
};

static const struct file_ops *const by_minor[MEM_NR_MINORS] = {
	[MEM_NULL] = &null_fops, [MEM_ZERO] = &zero_fops,
	[MEM_FULL] = &full_fops, [MEM_RANDOM] = &random_fops,
	[MEM_URANDOM] = &random_fops,
};

int mem_open(struct inode *i, struct file *f)
{
	uint32_t minor = dev_minor(i->rdev);

	if (minor >= ARRAY_LEN(by_minor) || !by_minor[minor])
		return -ENXIO;
	f->ops = by_minor[minor];
	/* pread(2) and lseek(2) work on these */
	f->mode = (f->mode & ~(uint32_t)FMODE_STREAM) | FMODE_SEEK;
	return 0;
}
