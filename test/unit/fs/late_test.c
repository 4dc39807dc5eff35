/* SPDX-License-Identifier: MIT */
/*
 * What is made at its first use: nodes of a put-together tree (graft.c), the
 * entries of /dev, the mounts that the kernel announces.
 */
#include "fs/helpers.h"
#include "fs/rootfs.h"

static uint32_t entries_of(const char *dir)
{
	struct count_sink c = { .sink = { count_emit }, .max = 100 };
	struct file *f = must_open(dir, O_RDONLY);

	CHECK_EQ(f->ops->readdir(f, &c.sink), 0);
	file_put(f);
	return c.n;
}

static void mount_on(const char *name, struct super *sb)
{
	struct path p;

	CHECK(sb != NULL);
	CHECK_EQ(path_walk(&ctx, name, 0, &p, NULL), 0);
	CHECK_EQ(vfs_mount(&p, sb, NULL, "test", 0), 0);
	path_put(&p);
}

static int unmount(const char *name, uint32_t flags)
{
	struct path p;
	int err = path_walk(&ctx, name, WALK_FOLLOW, &p, NULL);

	if (err)
		return err;
	err = vfs_umount(&p, flags);
	path_put(&p);
	return err;
}

/* --- the put-together tree ---------------------------------------------------*/

static uint32_t nr_exports, last_export;
static bool export_fails;

struct super *hostfs_create(uint32_t export_id, bool read_only, bool live)
{
	nr_exports++;
	last_export = export_id;
	return export_fails ? NULL : tmpfs_create(0, 0750);
}

static const struct graft_entry first[] = {
	{ .path = "/usr", .kind = GRAFT_EXPORT, .export_id = 7 },
	{ .path = "/lib", .kind = GRAFT_LINK, .text = "deep/in" },
	{ .path = "/deep/in/side", .kind = GRAFT_EXPORT, .export_id = 9 },
	{ .path = "/home", .kind = GRAFT_DIRECTORY, .mode = 0700, .uid = 5 },
	{ .path = "/var/tmp", .kind = GRAFT_PATH },
	{ .path = "/var/new", .kind = GRAFT_PATH },
};
static const struct graft_entry second[] = {
	{ .path = "/home", .kind = GRAFT_DIRECTORY, .mode = 0711 },
	{ .path = "/var", .kind = GRAFT_DIRECTORY, .mode = 0751 },
	{ .path = "/var/tmp", .kind = GRAFT_DIRECTORY, .mode = 01777 },
	{ .path = "/usr/below", .kind = GRAFT_DIRECTORY, .mode = 0755 },
};
static struct super *graft;	/* is for ever */

static void check_graft(void)
{
	CHECK_EQ(walk_to("/t/us", 0), -ENOENT);
	CHECK_EQ(walk_to("/t/usrx", 0), -ENOENT);
	CHECK_EQ(stat_of("/t/home").mode, S_IFDIR | 0700);
	CHECK_EQ(stat_of("/t/home").uid, 5);
	CHECK_EQ(stat_of("/t/var").mode, S_IFDIR | 0751);
	CHECK_EQ(stat_of("/t/var/tmp").mode, S_IFDIR | 01777);
	CHECK_EQ(stat_of("/t/var/new").mode, S_IFDIR | 0755);
	CHECK_EQ(stat_of("/t/deep").mode, S_IFDIR | 0755);
	CHECK_EQ(nr_exports, 0);
	export_fails = true;
	CHECK_EQ(walk_to("/t/usr", 0), -EIO);
	export_fails = false;
	CHECK_EQ(stat_of("/t/usr").mode, S_IFDIR | 0750);
	CHECK_EQ(stat_of("/t/usr").mode, S_IFDIR | 0750);
	CHECK_EQ(nr_exports, 2);
	CHECK_EQ(last_export, 7);
	CHECK_EQ(walk_to("/t/usr/below", 0), -ENOENT);
	/* usr lib deep home var, and the dots; side is not asked for */
	CHECK_EQ(entries_of("/t"), 7);
	CHECK_EQ(nr_exports, 2);
	CHECK_EQ(entries_of("/t/deep"), 3);
	CHECK_EQ(entries_of("/t/var"), 4);
	CHECK_EQ(entries_of("/t/var/new"), 2);
	CHECK_EQ(walk_to("/t/lib/side", WALK_FOLLOW), 0);
	CHECK_EQ(last_export, 9);
	CHECK_EQ(walk_to("/t/none", 0), -ENOENT);
}

void test_graft(void)
{
	const struct graft_list list[GRAFT_LISTS] = {
		{ first, ARRAY_LEN(first) }, { second, ARRAY_LEN(second) },
	};

	for (uint32_t n = 1; n <= 4; n++) {
		heap_fail_after(n);
		CHECK(!graft_create(list));
		heap_fail_after(0);
	}
	graft = graft_create(list);
	CHECK(graft != NULL);
	ref_get(&graft->refs);
	mount_on("/t", graft);
	heap_fail_after(2);
	CHECK_EQ(walk_to("/t/home", 0), -ENOMEM);
	heap_fail_after(0);
	check_graft();
	CHECK_EQ(unmount("/t", 0), 0);
}

/* --- /dev ---------------------------------------------------------------------*/

void test_devfs(void)
{
	struct file *f;

	CHECK_EQ(devfs_add("extra", S_IFCHR | 0600, dev_make(9, 1)), 0);
	mount_on("/t", devfs_create());
	CHECK_EQ(stat_of("/t/null").rdev, dev_make(1, 3));
	CHECK_EQ(stat_of("/t/null").ino, stat_of("/t/null").ino);
	CHECK_EQ(stat_of("/t/extra").mode, S_IFCHR | 0600);
	CHECK_EQ(walk_to("/t/nul", 0), -ENOENT);
	f = must_open("/t/zero", O_RDWR);
	CHECK_EQ(put(f, "x", 1, NULL), 1);
	file_put(f);
	/* what is there can not be made, what was removed stays away */
	CHECK_EQ(vfs_mkdir(&ctx, "/t/full", 0755), -EEXIST);
	CHECK_EQ(vfs_unlink(&ctx, "/t/full"), 0);
	CHECK_EQ(vfs_unlink(&ctx, "/t/random"), 0);
	CHECK_EQ(walk_to("/t/full", 0), -ENOENT);
	CHECK_EQ(vfs_mkdir(&ctx, "/t/random", 0755), 0);
	CHECK_EQ(entries_of("/t"), 2 + 14 + 1 - 1);
	CHECK_EQ(walk_to("/t/full", 0), -ENOENT);
	CHECK_EQ(stat_of("/t/random").mode, S_IFDIR | 0755);
	CHECK_EQ(stat_of("/t").nlink, 2 + 4);
	CHECK_EQ(unmount("/t", 0), 0);
	/* who looks at the directory sees all of it */
	mount_on("/t", devfs_create());
	CHECK_EQ(stat_of("/t").nlink, 5);
	CHECK_EQ(stat_of("/t").mtime.nsec, stat_of("/t").btime.nsec);
	CHECK_EQ(unmount("/t", 0), 0);
}

/* --- mounts -------------------------------------------------------------------*/

static uint32_t nr_made;
static bool make_fails;

static struct super *make_super(void)
{
	if (make_fails)
		return NULL;
	nr_made++;
	return devfs_create();
}

static const struct late_mount mounts[] = {
	{ "one", 0, NULL, make_super, "first", MS_NOSUID },
	{ "shm", 0, &mounts[0], make_super, "inner", 0 },
	{ "two", 0, NULL, make_super, "second", 0 },
	{ "none", 0, NULL, make_super, "nowhere", 0 },
	{ "deep/in", 5, NULL, make_super, "third", 0 },
};

static void count_mount(struct mount *m, void *arg)
{
	++*(uint32_t *)arg;
}

void test_late_mounts(void)
{
	uint32_t before = nr_made, nr_mounts = 0;

	CHECK_EQ(vfs_mkdir(&ctx, "/one", 0755), 0);
	CHECK_EQ(vfs_mkdir(&ctx, "/two", 0755), 0);
	CHECK_EQ(vfs_mkdir(&ctx, "/deep", 0755), 0);
	CHECK_EQ(vfs_mkdir(&ctx, "/deep/in", 0755), 0);
	vfs_shrink(0);
	vfs_mount_late(mounts, ARRAY_LEN(mounts));
	CHECK_EQ(vfs_mkdir(&ctx, "/t/one", 0755), 0);
	CHECK_EQ(walk_to("/t/one", 0), 0);
	CHECK_EQ(vfs_mkdir(&ctx, "/in", 0755), 0);
	/* one whose place is not there is never made */
	CHECK_EQ(walk_to("/none", 0), -ENOENT);
	CHECK_EQ(vfs_mkdir(&ctx, "/none", 0755), 0);
	vfs_shrink(0);
	CHECK_EQ(walk_to("/none/null", 0), -ENOENT);
	CHECK_EQ(vfs_rmdir(&ctx, "/none"), 0);
	CHECK_EQ(walk_to("/in/null", 0), -ENOENT);
	CHECK_EQ(walk_to("/deep", 0), 0);
	CHECK_EQ(vfs_rmdir(&ctx, "/one"), -EBUSY);
	CHECK_EQ(walk_to("/one", WALK_NO_XDEV), -EXDEV);
	CHECK_EQ(nr_made, before);
	make_fails = true;
	CHECK_EQ(walk_to("/one", 0), -ENOMEM);
	make_fails = false;
	/* names that the cache forgot are known again */
	vfs_shrink(0);
	CHECK_EQ(walk_to("/one/null", 0), 0);
	CHECK_EQ(walk_to("/one/../one/pts", 0), 0);
	CHECK_EQ(nr_made, before + 1);
	CHECK_EQ(unmount("/one", 0), -EBUSY);
	CHECK_EQ(walk_to("/one/shm/null", 0), 0);
	CHECK_EQ(nr_made, before + 2);
	vfs_for_each_mount(&mnt_ns_first, count_mount, &nr_mounts);
	CHECK_EQ(nr_made, before + 4);
	CHECK_EQ(nr_mounts, 5);
	CHECK_EQ(walk_to("/deep/in/null", 0), 0);
	CHECK_EQ(unmount("/deep/in", 0), 0);
	CHECK_EQ(walk_to("/deep/in/null", 0), -ENOENT);
	CHECK_EQ(vfs_rmdir(&ctx, "/deep/in"), 0);
	CHECK_EQ(vfs_rmdir(&ctx, "/deep"), 0);
	CHECK_EQ(vfs_rmdir(&ctx, "/in"), 0);
	/* what was unmounted does not come again */
	CHECK_EQ(unmount("/one/shm", 0), 0);
	CHECK_EQ(walk_to("/one/shm/null", 0), -ENOENT);
	CHECK_EQ(unmount("/one", 0), 0);
	CHECK_EQ(unmount("/two", 0), 0);
	CHECK_EQ(walk_to("/one/null", 0), -ENOENT);
	CHECK_EQ(nr_made, before + 4);
	CHECK_EQ(vfs_rmdir(&ctx, "/one"), 0);
	CHECK_EQ(vfs_rmdir(&ctx, "/two"), 0);
	/* with its ground goes what was to come */
	CHECK_EQ(vfs_mkdir(&ctx, "/one", 0755), 0);
	vfs_shrink(0);
	vfs_mount_late(mounts, 2);
	CHECK_EQ(unmount("/one", 2), 0);
	CHECK_EQ(vfs_rmdir(&ctx, "/one"), 0);
	vfs_mount_late(NULL, 0);
}
