/* SPDX-License-Identifier: MIT */
/*
 * The kinds of file systems that there are, for /proc/filesystems and sysfs(2),
 * and ustat(2), which asks about one by its device number.
 */
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "lib/string.h"
#include "linux/path.h"
#include "linux/proc/proc.h"
#include "linux/ns.h"

#define NEEDS_DEVICE "erofs"

/* One name after the other; an empty one ends them. */
static const char names[] =
	"tmpfs\0proc\0sysfs\0devtmpfs\0devpts\0overlay\0"
	"hostfs\0pipefs\0sockfs\0ramfs\0mqueue\0cgroup2\0" NEEDS_DEVICE "\0";

int proc_show_filesystems(struct textbuf *t, struct pseudo_node *n)
{
	for (const char *s = names; *s; s += strlen(s) + 1)
		textbuf_printf(t, "%s\t%s\n",
			       strcmp(s, NEEDS_DEVICE) ? "nodev" : "", s);
	return 0;
}

/* --- sysfs ----------------------------------------------------------------*/
enum { SYSFS_INDEX = 1, SYSFS_NAME, SYSFS_COUNT };

/* The name at `index`, or that is `name`; *count = how many came before. */
static const char *find(uint64_t index, const char *name, long *count)
{
	const char *s = names;

	for (*count = 0; *s; s += strlen(s) + 1, ++*count)
		if (name ? !strcmp(s, name) : (uint64_t)*count == index)
			break;
	return s;
}

long sys_sysfs(uint64_t option, uint64_t a, uint64_t buf)
{
	const char *s;
	char name[16];
	ssize_t n;
	long count;

	switch ((uint32_t)option) {
	case SYSFS_INDEX:
		n = strncpy_from_user(name, (const char *)a, sizeof(name));
		if (n < 0)
			return n == -ENAMETOOLONG ? -EINVAL : n;
		return *find(0, name, &count) ? count : -EINVAL;
	case SYSFS_NAME:
		s = find((uint32_t)a, NULL, &count);
		return *s ? copy_to_user((void *)buf, s, strlen(s) + 1) :
			    -EINVAL;
	case SYSFS_COUNT:
		find(UINT64_MAX, NULL, &count);
		return count;
	default:
		return -EINVAL;
	}
}

/* --- ustat ----------------------------------------------------------------*/
struct ustat_k {
	int32_t tfree;
	uint64_t tinode;
	char fname[6], fpack[6];
};

struct by_dev {
	uint64_t dev;
	struct super *sb;
};

static void match_dev(struct mount *m, void *arg)
{
	struct by_dev *d = arg;

	if (!d->sb && m->sb->dev == d->dev) {
		ref_get(&m->sb->refs);
		d->sb = m->sb;
	}
}

long sys_ustat(uint64_t dev, uint64_t user)
{
	struct by_dev d = { .dev = (uint32_t)dev };
	struct ustat_k u = { 0 };
	struct kstatfs k = { 0 };
	int err = 0;

	vfs_for_each_mount(own_mnt_ns(), match_dev, &d);
	if (!d.sb)
		return -EINVAL;
	if (d.sb->ops && d.sb->ops->statfs)
		err = d.sb->ops->statfs(d.sb, &k);
	super_put(d.sb);
	if (err)
		return err;
	u.tfree = (int32_t)k.bfree;
	u.tinode = k.ffree;
	return copy_to_user((void *)user, &u, sizeof(u));
}
