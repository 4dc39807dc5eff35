/* SPDX-License-Identifier: MIT */
/* The file system device: what changes the host's tree, and its limits. */
#include "fs_test.h"
#include <linux/falloc.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_mode(const char *path, unsigned int mode)
{
	char full[128];
	struct stat st;

	snprintf(full, sizeof(full), "%s/live/%s", root, path);
	return !lstat(full, &st) && (st.st_mode & 07777) == mode;
}

bool test_create(void)
{
	struct fuse_create_in in = { .flags = O_RDWR, .mode = 06755 };
	struct { struct fuse_entry_out e; struct fuse_open_out o; } *out =
		(void *)fs_body(&c);
	struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 06700 };
	struct fuse_fallocate_in room = { .offset = 10, .length = 10 };
	struct fuse_fsync_in sync = { 0 };
	uint64_t node, fh, x;

	CHECK(fs_ask_names(&c, FUSE_CREATE, live, &in, sizeof(in), "new",
			   NULL) == 0);
	node = out->e.nodeid;
	fh = out->o.fh;
	CHECK(has_mode("new", 0755));
	CHECK(fs_ask_names(&c, FUSE_CREATE, live, &in, sizeof(in), "new",
			   NULL) == -EEXIST);
	CHECK(fs_ask_names(&c, FUSE_CREATE, still, &in, sizeof(in), "new",
			   NULL) == -EROFS);
	CHECK(fs_write(&c, fh, 5, "hello", 5) == 0);
	CHECK(((struct fuse_write_out *)fs_body(&c))->size == 5);
	CHECK(fs_read(&c, fh, 0, 100) == 0 && fs_body_len(&c) == 10);
	CHECK(fs_ask(&c, FUSE_SETATTR, node, &set, sizeof(set), NULL, 0) == 0);
	CHECK(has_mode("new", 0700));
	/* by the open file, when its name is gone */
	CHECK(fs_ask_names(&c, FUSE_UNLINK, live, NULL, 0, "new", NULL) == 0);
	set = (struct fuse_setattr_in){ .valid = FATTR_SIZE | FATTR_FH,
					.fh = fh, .size = 3 };
	CHECK(fs_ask(&c, FUSE_SETATTR, node, &set, sizeof(set), NULL, 0) == 0);
	CHECK(((struct fuse_attr_out *)fs_body(&c))->attr.size == 3);
	set.size = UINT64_MAX;
	CHECK(fs_ask(&c, FUSE_SETATTR, node, &set, sizeof(set), NULL, 0) ==
	      -EFBIG);
	room.fh = fh;
	CHECK(fs_ask(&c, FUSE_FALLOCATE, node, &room, sizeof(room), NULL, 0) ==
	      0);
	CHECK(fs_read(&c, fh, 0, 100) == 0 && fs_body_len(&c) == 20);
	room.mode = FALLOC_FL_COLLAPSE_RANGE;
	CHECK(fs_ask(&c, FUSE_FALLOCATE, node, &room, sizeof(room), NULL, 0) ==
	      -EOPNOTSUPP);
	room.fh = fh + 1;
	CHECK(fs_ask(&c, FUSE_FALLOCATE, node, &room, sizeof(room), NULL, 0) ==
	      -EBADF);
	sync.fh = fh;
	CHECK(fs_ask(&c, FUSE_FSYNC, node, &sync, sizeof(sync), NULL, 0) == 0);
	CHECK(fs_release(&c, fh) == 0);
	fs_forget(&c, node, 1);
	CHECK(fs_lookup(&c, live, "new", &x) == -ENOENT);
	CHECK(c.fs->files_used == 0);
	return true;
}

bool test_changes(void)
{
	struct fuse_mkdir_in dir = { .mode = 04755 };
	struct fuse_mknod_in dev = { .mode = S_IFCHR | 0666, .rdev = 0x103 };
	struct fuse_rename2_in to = { .newdir = live, .flags = 1 };
	struct fuse_entry_out *out = fs_body(&c);
	struct fuse_link_in link;
	uint64_t d, s;

	CHECK(fs_ask_names(&c, FUSE_MKDIR, live, &dir, sizeof(dir), "d",
			   NULL) == 0);
	d = out->nodeid;
	CHECK(has_mode("d", 0755));
	CHECK(fs_ask_names(&c, FUSE_MKNOD, live, &dev, sizeof(dev), "n",
			   NULL) == -EPERM);
	dev.mode = S_IFIFO | 0600;
	CHECK(fs_ask_names(&c, FUSE_MKNOD, d, &dev, sizeof(dev), "n", NULL) ==
	      0);
	link.oldnodeid = out->nodeid;
	CHECK(fs_ask_names(&c, FUSE_LINK, live, &link, sizeof(link), "m",
			   NULL) == 0);
	CHECK(out->nodeid == link.oldnodeid && out->attr.nlink == 2);
	fs_forget(&c, link.oldnodeid, 2);
	CHECK(fs_ask_names(&c, FUSE_LINK, live, &link, sizeof(link), "k",
			   NULL) == -ESTALE);
	link.oldnodeid = d;
	CHECK(fs_ask_names(&c, FUSE_LINK, live, &link, sizeof(link), "k",
			   NULL) == -ENOENT);
	CHECK(fs_ask_names(&c, FUSE_SYMLINK, live, NULL, 0, "s", "m") == 0);
	s = out->nodeid;
	CHECK(fs_ask_names(&c, FUSE_RENAME2, live, &to, sizeof(to), "s",
			   "m") == -EEXIST);
	to.flags = 4;
	CHECK(fs_ask_names(&c, FUSE_RENAME2, live, &to, sizeof(to), "s",
			   "m") == -EINVAL);
	to.flags = 2;
	CHECK(fs_ask_names(&c, FUSE_RENAME2, live, &to, sizeof(to), "s",
			   "m") == 0);
	to.newdir = still;
	CHECK(fs_ask_names(&c, FUSE_RENAME2, live, &to, sizeof(to), "s",
			   "m") == -EROFS);
	CHECK(fs_ask_names(&c, FUSE_RMDIR, live, NULL, 0, "d", NULL) ==
	      -ENOTEMPTY);
	CHECK(fs_ask_names(&c, FUSE_UNLINK, d, NULL, 0, "n", NULL) == 0);
	CHECK(fs_ask_names(&c, FUSE_RMDIR, live, NULL, 0, "d", NULL) == 0);
	CHECK(fs_ask_names(&c, FUSE_UNLINK, live, NULL, 0, "m", NULL) == 0);
	CHECK(fs_ask_names(&c, FUSE_UNLINK, live, NULL, 0, "s", NULL) == 0);
	fs_forget(&c, d, 1);
	fs_forget(&c, s, 1);
	return true;
}

bool test_set_id(void)
{
	struct fuse_setattr_in set = { .valid = FATTR_ATIME,
				       .atime = UINT64_MAX / 2 };
	char path[128];
	uint64_t node, fh;

	if (geteuid())
		return true;
	snprintf(path, sizeof(path), "%s/live/suid", root);
	CHECK(!chmod(path, 04755));
	CHECK(fs_lookup(&c, live, "suid", &node) == 0);
	CHECK(fs_ask(&c, FUSE_SETATTR, node, &set, sizeof(set), NULL, 0) ==
	      -EOVERFLOW);
	set.atime = 1;
	set.atimensec = UINT32_MAX;
	CHECK(fs_ask(&c, FUSE_SETATTR, node, &set, sizeof(set), NULL, 0) ==
	      -EINVAL);
	CHECK(fs_open(&c, node, O_WRONLY, &fh) == 0);
	CHECK(fs_write(&c, fh, 0, "x", 1) == 0);
	CHECK(has_mode("suid", 0755));
	CHECK(fs_release(&c, fh) == 0);
	fs_forget(&c, node, 1);
	return true;
}

bool test_xattr(void)
{
	struct fuse_getxattr_in in = { .size = 100 };
	struct fuse_statfs_out *st = fs_body(&c);

	CHECK(fs_ask_names(&c, FUSE_GETXATTR, live, &in, sizeof(in),
			   "security.capability", NULL) == -ENODATA);
	CHECK(fs_ask_names(&c, FUSE_GETXATTR, 1, &in, sizeof(in), "user.x",
			   NULL) == -ENODATA);
	CHECK(fs_ask(&c, FUSE_LISTXATTR, live, &in, sizeof(in), NULL, 0) == 0);
	in.size = 0;
	CHECK(fs_ask(&c, FUSE_LISTXATTR, live, &in, sizeof(in), NULL, 0) == 0);
	CHECK(fs_body_len(&c) == sizeof(struct fuse_getxattr_out));
	CHECK(fs_ask(&c, FUSE_STATFS, live, NULL, 0, NULL, 0) == 0);
	CHECK(st->st.bsize && st->st.padding);
	CHECK(fs_ask(&c, FUSE_STATFS, 1, NULL, 0, NULL, 0) == 0);
	return true;
}

bool test_limits(void)
{
	uint32_t nodes = c.fs->nodes_max, files = c.fs->files_max;
	uint64_t a, b, fh;

	c.fs->nodes_max = c.fs->nodes_used + 1;
	CHECK(fs_lookup(&c, still, "file", &a) == 0);
	CHECK(fs_lookup(&c, still, "big", &b) == -EMFILE);
	CHECK(fs_lookup(&c, still, "hard", &b) == 0 && a == b);
	c.fs->files_max = 1;
	CHECK(fs_open(&c, a, O_RDONLY, &fh) == 0);
	CHECK(fs_open(&c, a, O_RDONLY, &b) == -ENFILE);
	CHECK(fs_open(&c, live, O_RDONLY, &b) == -EISDIR);
	CHECK(fs_release(&c, fh) == 0);
	fs_forget(&c, a, 2);
	c.fs->nodes_max = nodes;
	c.fs->files_max = files;
	return true;
}
