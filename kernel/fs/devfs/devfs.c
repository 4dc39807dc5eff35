/* SPDX-License-Identifier: MIT */
/*
 * /dev: a tmpfs that starts with the usual nodes, links and directories.
 * /dev/shm and /dev/pts are only places to mount on.
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
	{ "pts", S_IFDIR | 0755, 0, 0, NULL },
};

#define ADDED_MAX	32u
#define ADDED_NAME	16u

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

static int make_entry(struct inode *root, const struct dev_entry *e)
{
	static const struct cred root_cred;
	struct inode *i;
	int err;

	mutex_lock(&root->lock);
	if (S_ISLNK(e->mode))
		err = root->ops->symlink(root, e->name, e->target, &root_cred,
					 &i);
	else if (S_ISDIR(e->mode))
		err = root->ops->mkdir(root, e->name, e->mode, &root_cred, &i);
	else
		err = root->ops->mknod(root, e->name, e->mode,
				       dev_make(e->major, e->minor),
				       &root_cred, &i);
	mutex_unlock(&root->lock);
	if (!err)
		inode_put(i);	/* the directory has its own reference */
	return err;
}

struct super *devfs_create(void)
{
	static bool registered;	/* start-up only: no lock */
	struct super *sb;

	if (!registered && mem_devices_register())
		return NULL;
	registered = true;
	sb = tmpfs_create(0, 0755);
	if (!sb)
		return NULL;
	sb->type = "devtmpfs";
	for (size_t n = 0; n < ARRAY_LEN(entries) + nr_added; n++) {
		const struct dev_entry *e = n < ARRAY_LEN(entries) ?
			&entries[n] : &added[n - ARRAY_LEN(entries)].entry;

		if (make_entry(sb->root, e)) {
			super_put(sb);
			return NULL;
		}
	}
	return sb;
}
