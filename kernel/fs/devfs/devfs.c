/* SPDX-License-Identifier: MIT */
/*
 * /dev: a tmpfs that has the usual nodes, links and directories, each made when
 * it is first looked up. /dev/shm and /dev/pts are only places to mount on.
 */
#include "fs/devfs/devfs_priv.h"

#include <linux/stat.h>

#include "core/panic.h"
#include "lib/string.h"

struct dev_entry {
	const char *name;
	uint32_t mode;
	uint32_t major, minor;
	const char *target;
};

static const struct dev_entry entries[] = {
	{ "null", S_IFCHR | 0666, MEM_MAJOR, MEM_NULL, NULL },
	{ "zero", S_IFCHR | 0666, MEM_MAJOR, MEM_ZERO, NULL },
	{ "full", S_IFCHR | 0666, MEM_MAJOR, MEM_FULL, NULL },
	{ "random", S_IFCHR | 0666, MEM_MAJOR, MEM_RANDOM, NULL },
	{ "urandom", S_IFCHR | 0666, MEM_MAJOR, MEM_URANDOM, NULL },
	{ "tty", S_IFCHR | 0666, 5, 0, NULL },
	{ "ptmx", S_IFCHR | 0666, 5, 2, NULL },
	{ "fd", S_IFLNK, 0, 0, "/proc/self/fd" },
	{ "stdin", S_IFLNK, 0, 0, "/proc/self/fd/0" },
	{ "stdout", S_IFLNK, 0, 0, "/proc/self/fd/1" },
	{ "stderr", S_IFLNK, 0, 0, "/proc/self/fd/2" },
	{ "shm", S_IFDIR | 01777, 0, 0, NULL },
	{ "mqueue", S_IFDIR | 01777, 0, 0, NULL },
	{ "pts", S_IFDIR | 0755, 0, 0, NULL },
};

#define ADDED_MAX	32u
#define ADDED_NAME	16u
_Static_assert(ARRAY_LEN(entries) + ADDED_MAX <= TMPFS_LATE_MAX, "bits");

/* What drivers have added; only while starting. */
static struct {
	struct dev_entry entry;
	char name[ADDED_NAME];
} added[ADDED_MAX];
static uint32_t nr_added;

int devfs_add(const char *name, uint32_t mode, uint64_t rdev)
{
	if (nr_added == ADDED_MAX)
		return -ENOSPC;
	strlcpy(added[nr_added].name, name, ADDED_NAME);
	added[nr_added].entry = (struct dev_entry){
		added[nr_added].name, mode, dev_major(rdev), dev_minor(rdev),
		NULL,
	};
	nr_added++;
	return 0;
}

static uint32_t count(void)
{
	return ARRAY_LEN(entries) + nr_added;
}

static const struct dev_entry *entry(uint32_t n)
{
	return n < ARRAY_LEN(entries) ? &entries[n] :
					&added[n - ARRAY_LEN(entries)].entry;
}

static const char *name(uint32_t n)
{
	return entry(n)->name;
}

static int make(struct inode *root, uint32_t n)
{
	const struct dev_entry *e = entry(n);
	struct inode *i;
	int err;

	if (S_ISLNK(e->mode))
		err = root->ops->symlink(root, e->name, e->target, &cred_kernel,
					 &i);
	else if (S_ISDIR(e->mode))
		err = root->ops->mkdir(root, e->name, e->mode, &cred_kernel, &i);
	else
		err = root->ops->mknod(root, e->name, e->mode,
				       dev_make(e->major, e->minor),
				       &cred_kernel, &i);
	if (!err)
		inode_put(i);	/* the directory has its own reference */
	return err;
}

struct super *devfs_create(void)
{
	static const struct tmpfs_late late = { count, name, make };
	struct super *sb = tmpfs_create_late(0755, &late);

	if (sb)
		sb->type = "devtmpfs";
	return sb;
}
