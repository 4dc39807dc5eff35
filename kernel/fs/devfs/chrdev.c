/* SPDX-License-Identifier: MIT */
/*
 * Registry of character and block devices by number. Drivers register at start-up;
 * opening a device node, in whatever file system it is, ends up here.
 */
#include "core/lock.h"
#include "fs/devfs/devfs_priv.h"

#define CHRDEVS_MAX 32u

struct chrdev {
	bool is_block;
	uint32_t major, nr_majors, minor_from, minor_count;
	int (*open)(struct inode *i, struct file *f);
};

/* Only grows: entries below nr are complete. nr is atomic. */
static struct {
	struct mutex lock;
	uint32_t nr;
	struct chrdev dev[CHRDEVS_MAX];
} registry = {
	.lock = MUTEX_INIT,
	.nr = 1,
	.dev = { { false, MEM_MAJOR, 1, 0, MEM_NR_MINORS, mem_open } },
};

static int add(const struct chrdev *d)
{
	uint32_t nr;

	mutex_lock(&registry.lock);
	nr = registry.nr;
	if (nr < CHRDEVS_MAX) {
		registry.dev[nr] = *d;
		/* Pairs with the load in open_device. */
		__atomic_store_n(&registry.nr, nr + 1, __ATOMIC_RELEASE);
	}
	mutex_unlock(&registry.lock);
	return nr < CHRDEVS_MAX ? 0 : -ENOSPC;
}

int chrdev_register(uint32_t major, uint32_t minor_from, uint32_t minor_count,
		    int (*open)(struct inode *i, struct file *f))
{
	struct chrdev d = { false, major, 1, minor_from, minor_count, open };

	return add(&d);
}

int chrdev_register_majors(uint32_t major, uint32_t nr_majors,
			   uint32_t nr_minors,
			   int (*open)(struct inode *i, struct file *f))
{
	struct chrdev d = { false, major, nr_majors, 0, nr_minors, open };

	return add(&d);
}

int blkdev_register(uint32_t major, uint32_t minor_from, uint32_t minor_count,
		    int (*open)(struct inode *i, struct file *f))
{
	struct chrdev d = { true, major, 1, minor_from, minor_count, open };

	return add(&d);
}

static int open_device(struct inode *i, struct file *f, bool is_block)
{
	uint32_t nr = __atomic_load_n(&registry.nr, __ATOMIC_ACQUIRE);
	uint32_t major = dev_major(i->rdev), minor = dev_minor(i->rdev);

	for (uint32_t n = 0; n < nr; n++) {
		const struct chrdev *d = &registry.dev[n];

		if (d->is_block == is_block &&
		    major - d->major < d->nr_majors &&
		    minor >= d->minor_from &&
		    minor - d->minor_from < d->minor_count)
			return d->open(i, f);
	}
	return -ENXIO;
}

int chrdev_open(struct inode *i, struct file *f)
{
	return open_device(i, f, false);
}

int blkdev_open(struct inode *i, struct file *f)
{
	return open_device(i, f, true);
}
