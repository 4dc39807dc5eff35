/* SPDX-License-Identifier: MIT */
/* Unit tests: names, walks, symlinks, mounts, renames. */
#include "fs/helpers.h"

void test_make_and_remove(void)
{
	CHECK_EQ(vfs_mkdir(&ctx, "/t/d", 0755), 0);
	CHECK_EQ(vfs_mkdir(&ctx, "/t/d", 0755), -EEXIST);
	CHECK_EQ(vfs_mkdir(&ctx, "/t/e/", 0755), 0);
	CHECK_EQ(vfs_mkdir(&ctx, "/", 0755), -EEXIST);
	CHECK_EQ(vfs_mkdir(&ctx, "/t/no/x", 0755), -ENOENT);
	make_file("/t/d/f", "abc");
	CHECK(has_text("/t/d/f", "abc"));
	CHECK_EQ(vfs_mkdir(&ctx, "/t/d/f/x", 0755), -ENOTDIR);
	CHECK_EQ(walk_to("/t/d/f/", 0), -ENOTDIR);
	CHECK_EQ(walk_to("/t/d/", 0), 0);
	CHECK_EQ(vfs_rmdir(&ctx, "/t/d"), -ENOTEMPTY);
	CHECK_EQ(vfs_rmdir(&ctx, "/t/d/."), -EINVAL);
	CHECK_EQ(vfs_rmdir(&ctx, "/t/d/.."), -ENOTEMPTY);
	CHECK_EQ(vfs_rmdir(&ctx, "/t/d/f"), -ENOTDIR);
	CHECK_EQ(vfs_unlink(&ctx, "/t/d"), -EISDIR);
	CHECK_EQ(vfs_unlink(&ctx, "/t/d/f/"), -ENOTDIR);
	CHECK_EQ(vfs_unlink(&ctx, "/t/d/g"), -ENOENT);
	CHECK_EQ(stat_of("/t").nlink, 4);
	CHECK_EQ(vfs_unlink(&ctx, "/t/d/f"), 0);
	CHECK_EQ(walk_to("/t/d/f", 0), -ENOENT);
	CHECK_EQ(vfs_rmdir(&ctx, "/t/d"), 0);
	CHECK_EQ(vfs_rmdir(&ctx, "/t/e/"), 0);
	CHECK_EQ(stat_of("/t").nlink, 2);
}

void test_open_flags(void)
{
	struct file *f;

	CHECK_EQ(open_as(&ctx, "/t/x", O_RDONLY, &f), -ENOENT);
	file_put(must_open("/t/x", O_CREAT | O_EXCL | O_RDWR));
	CHECK_EQ(open_as(&ctx, "/t/x", O_CREAT | O_EXCL, &f), -EEXIST);
	CHECK_EQ(open_as(&ctx, "/t/x", O_DIRECTORY, &f), -ENOTDIR);
	CHECK_EQ(open_as(&ctx, "/t/x/", O_CREAT | O_WRONLY, &f), -EISDIR);
	CHECK_EQ(open_as(&ctx, "/t", O_WRONLY, &f), -EISDIR);
	CHECK_EQ(open_as(&ctx, "/t", O_CREAT, &f), -EISDIR);
	CHECK_EQ(vfs_symlink(&ctx, "x", "/t/l"), 0);
	CHECK_EQ(open_as(&ctx, "/t/l", O_NOFOLLOW, &f), -ELOOP);
	file_put(must_open("/t/l", O_RDONLY));
	file_put(must_open("/t/l", O_PATH | O_NOFOLLOW));
	CHECK_EQ(open_as(&ctx, "/t/l", O_CREAT | O_EXCL, &f), -EEXIST);
	/* creation through a dangling link */
	CHECK_EQ(vfs_symlink(&ctx, "new", "/t/m"), 0);
	make_file("/t/m", "via");
	CHECK(has_text("/t/new", "via"));
	f = must_open("/t", O_TMPFILE | O_RDWR);
	CHECK_EQ(f->inode->nlink, 0);
	CHECK_EQ(put(f, "hi", 2, NULL), 2);
	file_put(f);
	/* text busy */
	f = must_open("/t/x", O_RDONLY);
	CHECK_EQ(inode_deny_write(f->inode), 0);
	struct file *w;
	CHECK_EQ(open_as(&ctx, "/t/x", O_WRONLY, &w), -ETXTBSY);
	inode_allow_write(f->inode);
	file_put(f);
	/* permissions */
	CHECK_EQ(open_as(&uctx, "/t/x", O_WRONLY, &f), -EACCES);
	CHECK_EQ(open_as(&uctx, "/t/y", O_WRONLY | O_CREAT, &f), -EACCES);
	CHECK_EQ(open_as(&uctx, "/t/x", O_RDONLY | O_NOATIME, &f), -EPERM);
}

void test_symlinks(void)
{
	CHECK_EQ(vfs_mkdir(&ctx, "/t/d", 0755), 0);
	make_file("/t/d/f", "1");
	CHECK_EQ(vfs_symlink(&ctx, "d", "/t/ld"), 0);
	CHECK_EQ(vfs_symlink(&ctx, "/t/ld/../ld", "/t/d/up"), 0);
	CHECK_EQ(vfs_symlink(&ctx, "loop", "/t/loop"), 0);
	CHECK(has_text("/t/ld/f", "1"));
	CHECK(has_text("/t/ld//up/up/./up/f", "1"));
	CHECK_EQ(walk_to("/t/loop", WALK_FOLLOW), -ELOOP);
	CHECK_EQ(walk_to("/t/loop", 0), 0);
	CHECK_EQ(walk_to("/t/loop/x", 0), -ELOOP);
	CHECK_EQ(walk_to("/t/ld", WALK_DIRECTORY), -ENOTDIR);
	CHECK_EQ(walk_to("/t/ld/", 0), 0);
	CHECK_EQ(walk_to("/t/ld/f", WALK_NO_SYMLINKS), -ELOOP);
	CHECK_EQ(walk_to("", 0), -ENOENT);
	CHECK_EQ(walk_to("", WALK_EMPTY), 0);
	CHECK_EQ(walk_to("/../../t/d", 0), 0);
	CHECK_EQ(walk_to("t/../../t", WALK_BENEATH), -EXDEV);
	CHECK_EQ(walk_to("t/d/../d/f", WALK_BENEATH), 0);
	CHECK_EQ(walk_to("/t", WALK_BENEATH), -EXDEV);
	CHECK_EQ(walk_to("t/d/up/f", WALK_BENEATH), -EXDEV);
}

void test_rename(void)
{
	make_file("/t/a", "A");
	make_file("/t/b", "B");
	CHECK_EQ(vfs_mkdir(&ctx, "/t/d1", 0755), 0);
	CHECK_EQ(vfs_mkdir(&ctx, "/t/d2", 0755), 0);
	CHECK_EQ(vfs_mkdir(&ctx, "/t/d1/s", 0755), 0);
	CHECK_EQ(vfs_rename(&ctx, "/t/a", &ctx, "/t/b", RENAME_NOREPLACE),
		 -EEXIST);
	CHECK_EQ(vfs_rename(&ctx, "/t/a", &ctx, "/t/b", RENAME_EXCHANGE), 0);
	CHECK(has_text("/t/a", "B") && has_text("/t/b", "A"));
	CHECK_EQ(vfs_rename(&ctx, "/t/a", &ctx, "/t/b", 0), 0);
	CHECK(has_text("/t/b", "B"));
	CHECK_EQ(walk_to("/t/a", 0), -ENOENT);
	CHECK_EQ(vfs_rename(&ctx, "/t/d1", &ctx, "/t/d1/s/x", 0), -EINVAL);
	CHECK_EQ(vfs_rename(&ctx, "/t/d1/s", &ctx, "/t/d1", 0), -ENOTEMPTY);
	CHECK_EQ(vfs_rename(&ctx, "/t/b", &ctx, "/t/d1", 0), -EISDIR);
	CHECK_EQ(vfs_rename(&ctx, "/t/d1", &ctx, "/t/b", 0), -ENOTDIR);
	CHECK_EQ(vfs_rename(&ctx, "/t/d2", &ctx, "/t/d1", 0), -ENOTEMPTY);
	CHECK_EQ(vfs_rename(&ctx, "/t/d1/s", &ctx, "/t/d2/s", 0), 0);
	CHECK_EQ(stat_of("/t/d1").nlink, 2);
	CHECK_EQ(stat_of("/t/d2").nlink, 3);
	CHECK_EQ(vfs_rename(&ctx, "/t/d2/s", &ctx, "/t/d1", 0), 0);
	CHECK_EQ(walk_to("/t/d1/../d2", 0), 0);
	CHECK_EQ(vfs_rename(&ctx, "/t/b", &ctx,
			    "/t/d2/a-name-that-is-much-longer-than-any-inline-name-in-a-dentry",
			    0), 0);
	CHECK(has_text("/t/d2/a-name-that-is-much-longer-than-any-inline-name-in-a-dentry", "B"));
	make_file("/t/c", "C");
	CHECK_EQ(vfs_rename(&ctx, "/t/c", &ctx,
			    "/t/d2/a-name-that-is-much-longer-than-any-inline-name-in-a-dentry",
			    0), 0);
	CHECK_EQ(vfs_rename(&ctx,
			    "/t/d2/a-name-that-is-much-longer-than-any-inline-name-in-a-dentry",
			    &ctx, "/t/c", 0), 0);
	CHECK(has_text("/t/c", "C"));
	CHECK_EQ(vfs_link(&ctx, "/t/c", &ctx, "/t/c2", 0), 0);
	CHECK_EQ(stat_of("/t/c").nlink, 2);
	CHECK_EQ(vfs_rename(&ctx, "/t/c", &ctx, "/t/c2", 0), 0);
	CHECK_EQ(stat_of("/t/c").nlink, 2);
	CHECK_EQ(vfs_link(&ctx, "/t/d1", &ctx, "/t/d3", 0), -EPERM);
}

void test_sticky(void)
{
	struct attr a = { .valid = ATTR_MODE, .mode = 01777 };
	struct path p;

	CHECK_EQ(vfs_mkdir(&ctx, "/t/tmp", 0755), 0);
	CHECK_EQ(path_walk(&ctx, "/t/tmp", 0, &p, NULL), 0);
	CHECK_EQ(vfs_setattr(&p, &user, &a), -EPERM);
	CHECK_EQ(vfs_setattr(&p, &root, &a), 0);
	path_put(&p);
	make_file("/t/tmp/r", "r");
	CHECK_EQ(vfs_unlink(&uctx, "/t/tmp/r"), -EPERM);
	CHECK_EQ(vfs_rename(&uctx, "/t/tmp/r", &uctx, "/t/tmp/u", 0), -EPERM);
	CHECK_EQ(vfs_mkdir(&uctx, "/t/tmp/u", 0755), 0);
	CHECK_EQ(vfs_rmdir(&uctx, "/t/tmp/u"), 0);
}

void test_path_name(void)
{
	char buf[256];
	struct file *f;
	struct walk_ctx in = ctx;

	CHECK_EQ(vfs_mkdir(&ctx, "/t/d", 0755), 0);
	make_file("/t/d/f", "1");
	f = must_open("/t/d/f", O_RDONLY);
	CHECK_EQ(path_name(&f->path, &ctx.root, buf, sizeof(buf)), 6);
	CHECK(!strcmp(buf, "/t/d/f"));
	CHECK_EQ(path_name(&f->path, NULL, buf, 5), -ENAMETOOLONG);
	CHECK_EQ(vfs_unlink(&ctx, "/t/d/f"), 0);
	path_name(&f->path, &ctx.root, buf, sizeof(buf));
	CHECK(!strcmp(buf, "/t/d/f (deleted)"));
	file_put(f);
	f = must_open("/t/d", O_RDONLY);
	in.start = f->path;
	make_file("/t/e", "2");
	CHECK_EQ(vfs_rename(&ctx, "/t/d", &ctx, "/t/dd", 0), 0);
	path_name(&f->path, NULL, buf, sizeof(buf));
	CHECK(!strcmp(buf, "/t/dd"));
	CHECK_EQ(vfs_rmdir(&ctx, "/t/dd"), 0);
	CHECK_EQ(vfs_mkdir(&in, "x", 0755), -ENOENT);
	struct path p;
	CHECK_EQ(path_walk(&in, "../e", 0, &p, NULL), 0);
	path_put(&p);
	path_name(&ctx.root, &ctx.root, buf, sizeof(buf));
	CHECK(!strcmp(buf, "/"));
	path_name(&ctx.root, &f->path, buf, sizeof(buf));
	CHECK(!strcmp(buf, "(unreachable)/"));
	file_put(f);
}

void test_mounts(void)
{
	struct super *sb = tmpfs_create(1 << 20, 0755);
	char buf[64];
	struct path p;

	CHECK_EQ(vfs_mkdir(&ctx, "/t/m", 0755), 0);
	CHECK_EQ(path_walk(&ctx, "/t/m", 0, &p, NULL), 0);
	CHECK_EQ(vfs_mount(&p, sb, NULL, "test", 0), 0);
	path_put(&p);
	make_file("/t/m/f", "in");
	CHECK(stat_of("/t/m/f").dev != stat_of("/t").dev);
	CHECK_EQ(vfs_rmdir(&ctx, "/t/m"), -EBUSY);
	CHECK_EQ(vfs_rename(&ctx, "/t/m", &ctx, "/t/n", 0), -EBUSY);
	CHECK_EQ(vfs_rename(&ctx, "/t/m/f", &ctx, "/t/f", 0), -EXDEV);
	CHECK_EQ(walk_to("/t/m/../m/f", 0), 0);
	CHECK_EQ(walk_to("/t/m/f", WALK_NO_XDEV), -EXDEV);
	/* bind */
	CHECK_EQ(vfs_mkdir(&ctx, "/t/b", 0755), 0);
	struct path q;
	CHECK_EQ(path_walk(&ctx, "/t/m", 0, &p, NULL), 0);
	CHECK_EQ(path_walk(&ctx, "/t/b", 0, &q, NULL), 0);
	CHECK_EQ(vfs_mount_bind(&q, &p, false), 0);
	path_put(&q);
	path_put(&p);
	CHECK_EQ(path_walk(&ctx, "/t/b", 0, &p, NULL), 0);
	CHECK_EQ(vfs_remount(&p, MS_RDONLY), 0);
	path_put(&p);
	CHECK(has_text("/t/b/f", "in"));
	struct file *f = NULL;
	CHECK_EQ(open_as(&ctx, "/t/b/f", O_WRONLY, &f), -EROFS);
	CHECK_EQ(vfs_unlink(&ctx, "/t/b/f"), -EROFS);
	f = must_open("/t/b/f", O_RDONLY);
	path_name(&f->path, &ctx.root, buf, sizeof(buf));
	CHECK(!strcmp(buf, "/t/b/f"));
	CHECK_EQ(path_walk(&ctx, "/t/b", 0, &p, NULL), 0);
	CHECK_EQ(vfs_umount(&p, 0), -EBUSY);
	file_put(f);
	CHECK_EQ(vfs_umount(&p, 0), 0);
	path_put(&p);
	CHECK_EQ(walk_to("/t/b/f", 0), -ENOENT);
	CHECK_EQ(path_walk(&ctx, "/t/m", 0, &p, NULL), 0);
	CHECK_EQ(vfs_umount(&p, 2), 0);
	path_put(&p);
	CHECK_EQ(vfs_rmdir(&ctx, "/t/m"), 0);
}
