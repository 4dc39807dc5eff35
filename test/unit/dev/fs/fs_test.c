/* SPDX-License-Identifier: MIT */
/*
 * The file system device (tender/dev/fs*.c): what a guest's client may do, and
 * what a hostile one tries.
 */
#include "fs_client.h"
#include <dirent.h>
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fs_client c;
static char root[64];
static uint64_t still, live, nobody, one_file;	/* nodes of the exports */

#define CHECK(e) do { if (!(e)) { \
	printf("# %s:%d: %s\n", __func__, __LINE__, #e); \
	return false; } } while (0)

/* --- the connection ---------------------------------------------------------------*/

static bool test_init(void)
{
	struct fuse_init_in in = { .major = 8, .minor = 0 };
	struct fuse_init_out *out = fs_body(&c);
	uint64_t node;

	CHECK(fs_lookup(&c, 1, "0", &node) == -EIO);
	CHECK(fs_ask(&c, FUSE_INIT, 0, &in, 16, NULL, 0) == 0);
	CHECK(out->major == 7 && fs_lookup(&c, 1, "0", &node) == -EIO);
	in.major = 6;
	CHECK(fs_ask(&c, FUSE_INIT, 0, &in, 16, NULL, 0) == -EPROTO);
	in.major = 7;
	in.minor = 12;
	CHECK(fs_ask(&c, FUSE_INIT, 0, &in, 16, NULL, 0) == -EPROTO);
	CHECK(fs_init(&c) == 0 && out->minor == 31);
	CHECK(out->max_write == FS_WRITE_MAX && out->max_pages == 256);
	CHECK(out->flags == FUSE_DO_READDIRPLUS);
	return true;
}

static bool test_form(void)
{
	struct fuse_in_header h = { .opcode = FUSE_GETATTR, .nodeid = 1 };
	struct fuse_getattr_in in = { 0 };

	/* lengths that do not add up */
	h.len = sizeof(h) + sizeof(in) + 1;
	memcpy(c.request, &h, sizeof(h));
	c.request_len = sizeof(h) + sizeof(in);
	CHECK(fs_send(&c) == -EINVAL);
	h.len = UINT32_MAX;
	memcpy(c.request, &h, sizeof(h));
	CHECK(fs_send(&c) == -EINVAL);
	/* no room for the operation's struct */
	CHECK(fs_ask(&c, FUSE_GETATTR, 1, &in, 8, NULL, 0) == -EINVAL);
	CHECK(fs_ask(&c, FUSE_GETATTR, 1, &in, sizeof(in), NULL, 0) == 0);
	/* operations that are not there */
	CHECK(fs_ask(&c, 0, 1, NULL, 0, NULL, 0) == -ENOSYS);
	CHECK(fs_ask(&c, FUSE_SETXATTR, 1, NULL, 0, NULL, 0) == -ENOSYS);
	CHECK(fs_ask(&c, 4096, 1, NULL, 0, NULL, 0) == -ENOSYS);
	CHECK(fs_ask(&c, UINT32_MAX, 1, NULL, 0, NULL, 0) == -ENOSYS);
	CHECK(!c.fs->dev.broken);
	return true;
}

static bool test_no_reply_room(void)
{
	struct fuse_getattr_in in = { 0 };
	uint64_t fh;

	c.room = sizeof(struct fuse_out_header) + 8;
	CHECK(fs_ask(&c, FUSE_GETATTR, 1, &in, sizeof(in), NULL, 0) ==
	      -EINVAL);
	CHECK(fs_open(&c, still, O_RDONLY, &fh) == -EINVAL);
	CHECK(c.fs->files_used == 0);
	c.room = 15;
	fs_ask(&c, FUSE_GETATTR, 1, &in, sizeof(in), NULL, 0);
	c.room = REPLY_ROOM;
	CHECK(c.fs->dev.broken && strstr(c.line, "no room"));
	c.fs->dev.broken = false;
	c.request_len = sizeof(struct fuse_in_header) - 1;
	fs_send(&c);
	CHECK(c.fs->dev.broken && strstr(c.line, "without a header"));
	c.fs->dev.broken = false;
	return true;
}

/* --- names and nodes ---------------------------------------------------------------*/

static bool test_root(void)
{
	struct fuse_entry_out *out = fs_body(&c);
	uint64_t node;

	CHECK(fs_lookup(&c, 1, "4", &node) == -ENOENT);
	CHECK(fs_lookup(&c, 1, "00", &node) == -ENOENT);
	CHECK(fs_lookup(&c, 1, "", &node) == -ENOENT);
	CHECK(fs_lookup(&c, 1, "99999999999", &node) == -ENOENT);
	CHECK(fs_lookup(&c, 1, "..", &node) == -ENOENT);
	CHECK(fs_lookup(&c, 1, "0", &node) == 0 && node == still);
	CHECK(S_ISDIR(out->attr.mode));
	CHECK(fs_lookup(&c, 1, "3", &node) == 0 && S_ISREG(out->attr.mode));
	CHECK(fs_lookup(&c, 1, "control", &node) == 0);
	CHECK(fs_ask_names(&c, FUSE_UNLINK, 1, NULL, 0, "0", NULL) == -EROFS);
	CHECK(fs_ask_names(&c, FUSE_RMDIR, 1, NULL, 0, "0", NULL) == -EROFS);
	/* these can not be forgotten */
	fs_forget(&c, still, UINT64_MAX);
	CHECK(fs_lookup(&c, still, "file", &node) == 0);
	fs_forget(&c, node, 1);
	return true;
}

static bool test_bad_names(void)
{
	static const char *const bad[] = { ".", "..", "a/b", "/", "../x" };
	struct fuse_rename_in to = { .newdir = live };
	char name[600];
	uint64_t node;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(fs_lookup(&c, live, bad[i], &node) == -EINVAL);
		CHECK(fs_ask_names(&c, FUSE_RENAME, live, &to, sizeof(to),
				   "file", bad[i]) == -EINVAL);
	}
	CHECK(fs_lookup(&c, live, "", &node) == -ENOENT);
	memset(name, 'x', sizeof(name));
	name[599] = 0;
	CHECK(fs_lookup(&c, live, name, &node) == -ENAMETOOLONG);
	/* without NUL, with two, with bytes behind, longer than any */
	CHECK(fs_ask(&c, FUSE_LOOKUP, live, NULL, 0, "file", 4) == -EINVAL);
	CHECK(fs_ask(&c, FUSE_LOOKUP, live, NULL, 0, NULL, 0) == -EINVAL);
	CHECK(fs_ask(&c, FUSE_LOOKUP, live, NULL, 0, "fi\0le", 6) == -EINVAL);
	CHECK(fs_ask(&c, FUSE_RENAME, live, &to, sizeof(to), "a", 2) ==
	      -EINVAL);
	CHECK(fs_ask(&c, FUSE_LOOKUP, live, NULL, 0, c.reply, 100000) ==
	      -ENAMETOOLONG);
	return true;
}

static bool test_nodes(void)
{
	struct fuse_entry_out *out = fs_body(&c);
	struct { struct fuse_batch_forget_in head;
		 struct fuse_forget_one one[2]; } batch = { { 2, 0 }, { } };
	uint32_t before = c.fs->nodes_used;
	uint64_t a, b, dir, x;

	CHECK(fs_lookup(&c, still, "file", &a) == 0);
	CHECK(out->attr.size == 5 && out->attr.ino);
	CHECK(fs_lookup(&c, still, "hard", &b) == 0 && a == b);
	CHECK(fs_lookup(&c, still, "dir", &dir) == 0 && dir != a);
	CHECK(fs_lookup(&c, dir, "inner", &b) == 0);
	CHECK(fs_lookup(&c, a, "x", &x) == -ENOTDIR);
	CHECK(c.fs->nodes_used == before + 3);
	fs_forget(&c, a, 1);
	CHECK(fs_lookup(&c, still, "file", &x) == 0 && x == a);
	fs_forget(&c, a, 2);
	CHECK(c.fs->nodes_used == before + 2);
	CHECK(fs_lookup(&c, a, "x", &x) == -ESTALE);
	batch.one[0] = (struct fuse_forget_one){ dir, UINT64_MAX };
	batch.one[1] = (struct fuse_forget_one){ b, 1 };
	fs_ask(&c, FUSE_BATCH_FORGET, 0, &batch, sizeof(batch), NULL, 0);
	CHECK(c.fs->nodes_used == before && c.reply_len == 0);
	/* a count that is a lie, nodes that never were */
	batch.head.count = UINT32_MAX;
	fs_ask(&c, FUSE_BATCH_FORGET, 0, &batch, sizeof(batch), NULL, 0);
	fs_forget(&c, 0, 1);
	fs_forget(&c, UINT64_MAX, UINT64_MAX);
	CHECK(c.fs->nodes_used == before);
	return true;
}

static bool test_symlinks(void)
{
	uint32_t before = c.fs->nodes_used;
	uint64_t node, fh;

	CHECK(fs_lookup(&c, still, "link", &node) == 0);
	CHECK(fs_ask(&c, FUSE_READLINK, node, NULL, 0, NULL, 0) == 0);
	CHECK(fs_body_len(&c) == 11 && !memcmp(fs_body(&c), "/etc/passwd",
						11));
	CHECK(fs_open(&c, node, O_RDONLY, &fh) == -ELOOP);
	CHECK(fs_ask(&c, FUSE_READLINK, still, NULL, 0, NULL, 0) == -EINVAL);
	fs_forget(&c, node, 1);
	CHECK(fs_lookup(&c, still, "file", &node) == 0);
	CHECK(fs_ask(&c, FUSE_READLINK, node, NULL, 0, NULL, 0) == -EINVAL);
	fs_forget(&c, node, 1);
	CHECK(c.fs->nodes_used == before);
	return true;
}

/* --- contents ------------------------------------------------------------------------*/

static bool test_read(void)
{
	uint64_t node, fh, other;
	size_t i;

	CHECK(fs_lookup(&c, still, "big", &node) == 0);
	CHECK(fs_open(&c, node, O_WRONLY, &fh) == -EROFS);
	CHECK(fs_open(&c, node, O_RDONLY | O_TRUNC, &fh) == -EROFS);
	CHECK(fs_open(&c, node, O_RDONLY, &fh) == 0);
	for (c.piece = 0; c.piece < 5000; c.piece = c.piece * 7 + 5) {
		CHECK(fs_read(&c, fh, 100, 70000) == 0);
		CHECK(fs_body_len(&c) == 70000);
		for (i = 0; i < 70000; i++)
			if (((unsigned char *)fs_body(&c))[i] !=
			    (unsigned char)((100 + i) * 31 >> 3))
				break;
		CHECK(i == 70000);
	}
	c.piece = 0;
	CHECK(fs_read(&c, fh, 200000, 10) == 0 && fs_body_len(&c) == 0);
	CHECK(fs_read(&c, fh, 99990, UINT32_MAX) == 0);
	CHECK(fs_body_len(&c) == 10);
	CHECK(fs_read(&c, fh, UINT64_MAX - 5, 4) == -EINVAL);
	CHECK(fs_read(&c, fh + 1, 0, 4) == -EBADF);
	CHECK(fs_read(&c, 0, 0, 4) == -EBADF);
	CHECK(fs_write(&c, fh, 0, "x", 1) == -EBADF);
	/* the name may be forgotten, the file stays open */
	fs_forget(&c, node, 1);
	CHECK(fs_read(&c, fh, 0, 1) == 0 && fs_body_len(&c) == 1);
	CHECK(fs_release(&c, fh) == 0 && fs_release(&c, fh) == -EBADF);
	CHECK(fs_read(&c, fh, 0, 4) == -EBADF);
	CHECK(fs_open(&c, one_file, O_RDONLY, &other) == 0 && other != fh);
	CHECK(fs_read(&c, other, 0, 10) == 0 && fs_body_len(&c) == 5);
	CHECK(fs_release(&c, other) == 0);
	CHECK(c.fs->files_used == 0);
	return true;
}

static bool test_special_files(void)
{
	uint64_t node, fh;

	CHECK(fs_lookup(&c, still, "fifo", &node) == 0);
	CHECK(fs_open(&c, node, O_RDONLY, &fh) == -ENXIO);
	fs_forget(&c, node, 1);
	CHECK(fs_lookup(&c, still, "dir", &node) == 0);
	CHECK(fs_open(&c, node, O_RDONLY, &fh) == -EISDIR);
	fs_forget(&c, node, 1);
	CHECK(fs_open(&c, still, O_RDONLY, &fh) == -EISDIR);
	CHECK(fs_open(&c, 1, O_RDONLY, &fh) == -EISDIR);
	return true;
}

static bool test_nobody(void)
{
	uint32_t before = c.fs->nodes_used;
	uint64_t node, fh;

	CHECK(fs_lookup(&c, nobody, "secret", &node) == 0);
	CHECK(fs_open(&c, node, O_RDONLY, &fh) == -EACCES);
	fs_forget(&c, node, 1);
	CHECK(fs_lookup(&c, nobody, "closed", &node) == 0);
	CHECK(fs_lookup(&c, node, "file", &fh) == -EACCES);
	fs_forget(&c, node, 1);
	CHECK(fs_lookup(&c, nobody, "file", &node) == 0);
	CHECK(fs_open(&c, node, O_RDONLY, &fh) == 0);
	CHECK(fs_release(&c, fh) == 0);
	fs_forget(&c, node, 1);
	CHECK(c.fs->nodes_used == before);
	return true;
}

static int list(uint32_t op, uint64_t node, uint64_t offset, uint32_t size)
{
	struct fuse_read_in in = { .offset = offset, .size = size };

	return fs_ask(&c, op, node, &in, sizeof(in), NULL, 0);
}

static bool test_listing(void)
{
	char seen[16384] = "";
	uint64_t offset = 0;
	int entries = 0, err;

	for (;;) {
		char *p = fs_body(&c), *end;

		err = list(FUSE_READDIRPLUS, still, offset, 400);
		CHECK(err == 0);
		end = p + fs_body_len(&c);
		if (p == end)
			break;
		while (p < end) {
			struct fuse_direntplus *d = (void *)p;

			CHECK(d->entry_out.nodeid == 0);
			CHECK(d->entry_out.attr.ino == d->dirent.ino);
			strncat(seen, d->dirent.name, d->dirent.namelen);
			strcat(seen, " ");
			offset = d->dirent.off;
			p += FUSE_DIRENTPLUS_SIZE(d);
			entries++;
		}
	}
	CHECK(entries == 9 && strstr(seen, "secret") && strstr(seen, "fifo"));
	CHECK(list(FUSE_READDIR, still, 0, 10) == -EINVAL);
	CHECK(list(FUSE_READDIR, one_file, 0, 4096) == -ENOTDIR);
	CHECK(list(FUSE_READDIR, nobody, 0, 4096) == 0);
	CHECK(list(FUSE_READDIR, nobody, UINT64_MAX - 3, UINT32_MAX) <= 0);
	/* exports and special nodes */
	CHECK(list(FUSE_READDIR, 1, 0, 4096) == 0 && fs_body_len(&c) == 9 * 32);
	CHECK(list(FUSE_READDIR, 1, UINT64_MAX, 4096) == 0);
	CHECK(fs_body_len(&c) == 0);
	return true;
}

/* --- changes -----------------------------------------------------------------------------*/

static bool has_mode(const char *path, unsigned int mode)
{
	char full[128];
	struct stat st;

	snprintf(full, sizeof(full), "%s/live/%s", root, path);
	return !lstat(full, &st) && (st.st_mode & 07777) == mode;
}

static bool test_create(void)
{
	struct fuse_create_in in = { .flags = O_RDWR, .mode = 06755 };
	struct { struct fuse_entry_out e; struct fuse_open_out o; } *out =
		(void *)fs_body(&c);
	struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 06700 };
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
	sync.fh = fh;
	CHECK(fs_ask(&c, FUSE_FSYNC, node, &sync, sizeof(sync), NULL, 0) == 0);
	CHECK(fs_release(&c, fh) == 0);
	fs_forget(&c, node, 1);
	CHECK(fs_lookup(&c, live, "new", &x) == -ENOENT);
	CHECK(c.fs->files_used == 0);
	return true;
}

static bool test_changes(void)
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

static bool test_set_id(void)
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

static bool test_xattr(void)
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

static bool test_limits(void)
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

/* --- streams ------------------------------------------------------------------------------*/

static int in_pipe[2], out_pipe[2], err_file;
static uint64_t in_fh, out_fh, err_fh, control_fh;

/* No look-up and no opening, for ever (abi/fs_device.h). */
static bool test_fixed_numbers(void)
{
	const uint64_t fh = FS_HANDLE_SPECIAL + FS_STDERR;
	uint64_t node;

	CHECK(fs_lookup(&c, 1, "stdin", &node) == 0);
	CHECK(node == FS_NODEID_SPECIAL + FS_STDIN);
	CHECK(fs_lookup(&c, 1, "control", &node) == 0);
	CHECK(node == FS_NODEID_SPECIAL + FS_CONTROL);
	CHECK(fs_lookup(&c, 1, "1", &node) == 0);
	CHECK(node == FS_NODEID_EXPORT + 1);
	for (int i = 0; i < 2; i++) {
		CHECK(fs_write(&c, fh, 0, "x", 1) == 0);
		CHECK(fs_release(&c, fh) == 0);
	}
	CHECK(fs_write(&c, FS_HANDLE_SPECIAL + FS_NR_SPECIAL, 0, "x", 1) ==
	      -EBADF);
	CHECK(!ftruncate(err_file, 0));
	return true;
}

static bool open_special(const char *name, uint64_t *fh)
{
	uint64_t node;

	return !fs_lookup(&c, 1, name, &node) && !fs_open(&c, node, O_RDWR,
							   fh);
}

static bool test_streams(void)
{
	char buf[16];
	uint64_t fh;

	CHECK(open_special("stdin", &in_fh));
	CHECK(open_special("stdout", &out_fh));
	CHECK(open_special("stderr", &err_fh));
	CHECK(!open_special("log", &fh));
	CHECK(fs_read(&c, in_fh, FS_STREAM_POSITION, 100) == -EAGAIN);
	CHECK(fs_read(&c, in_fh, 0, 100) == -ESPIPE);
	CHECK(write(in_pipe[1], "abc", 3) == 3);
	CHECK(fs_read(&c, in_fh, FS_STREAM_POSITION, 100) == 0);
	CHECK(fs_body_len(&c) == 3 && !memcmp(fs_body(&c), "abc", 3));
	CHECK(fs_write(&c, out_fh, FS_STREAM_POSITION, "hello", 5) == 0);
	CHECK(read(out_pipe[0], buf, sizeof(buf)) == 5);
	/* a full pipe makes nobody wait */
	while (!fs_write(&c, out_fh, FS_STREAM_POSITION, c.reply, 65536))
		;
	CHECK(fs_write(&c, out_fh, FS_STREAM_POSITION, "x", 1) == -EAGAIN);
	CHECK(!fcntl(out_pipe[0], F_SETFL, O_NONBLOCK));
	while (read(out_pipe[0], c.reply, 65536) > 0)
		;
	/* a file has offsets and a position */
	CHECK(fs_write(&c, err_fh, FS_STREAM_POSITION, "12345", 5) == 0);
	CHECK(fs_write(&c, err_fh, 1, "x", 1) == 0);
	CHECK(fs_read(&c, err_fh, 0, 10) == 0 && fs_body_len(&c) == 5);
	CHECK(!memcmp(fs_body(&c), "1x345", 5));
	CHECK(lseek(err_file, 0, SEEK_CUR) == 5);
	return true;
}

static int ask_poll(uint64_t fh, uint32_t events, uint32_t flags)
{
	struct fuse_poll_in in = { .fh = fh, .events = events,
				   .flags = flags };
	int err = fs_ask(&c, FUSE_POLL, 0, &in, sizeof(in), NULL, 0);

	return err ? err : (int)((struct fuse_poll_out *)fs_body(&c))->revents;
}

/* The event that a READ of "control" has left in the reply's place. */
static struct abi_event *event(uint32_t i)
{
	return &((struct abi_event *)fs_body(&c))[i];
}

static bool test_poll(void)
{
	CHECK(open_special("control", &control_fh));
	CHECK(ask_poll(in_fh, POLLIN, 0) == 0);
	CHECK(ask_poll(out_fh, POLLOUT, 0) == POLLOUT);
	CHECK(ask_poll(err_fh, POLLIN | POLLOUT, 1) == (POLLIN | POLLOUT));
	CHECK(ask_poll(control_fh, POLLIN, 1) == -ENOTTY);
	CHECK(ask_poll(in_fh, POLLIN, FUSE_POLL_SCHEDULE_NOTIFY) == 0);
	CHECK(!dev_loop_step(&c.loop, 0) || !c.fs->events.poll[0]);
	CHECK(write(in_pipe[1], "x", 1) == 1);
	dev_loop_step(&c.loop, 1000);
	CHECK(c.fs->events.poll[0] == POLLIN && !c.fs->polls[0].armed);
	/* once: no second event */
	dev_loop_step(&c.loop, 0);
	CHECK(fs_read(&c, control_fh, 0, 4096) == 0);
	CHECK(fs_body_len(&c) == sizeof(struct abi_event));
	CHECK(event(0)->kind == ABI_EVENT_POLL && event(0)->arg == 0 &&
	      event(0)->value == POLLIN);
	CHECK(fs_read(&c, in_fh, FS_STREAM_POSITION, 1) == 0);
	/* the end, waited for with no events at all */
	CHECK(ask_poll(in_fh, 0, FUSE_POLL_SCHEDULE_NOTIFY) == 0);
	return true;
}

static bool test_control(void)
{
	struct fuse_out_header *h = (void *)c.reply;
	struct fuse_interrupt_in stop = { 0 };
	struct abi_report r = { .exit_status = 3, .exit_valid = 1 };
	uint64_t unique;

	CHECK(fs_read(&c, control_fh, 0, 8) == -EINVAL);
	fs_read(&c, control_fh, 0, 4096);
	CHECK(c.served == VIRTIO_KEPT && c.fs->waiting);
	unique = c.fs->waiting_unique;
	fs_send_signals(c.fs, 1ull << (SIGTERM - 1), 0);
	CHECK(!c.fs->waiting && h->unique == unique && !h->error);
	CHECK(h->len == sizeof(*h) + sizeof(struct abi_event));
	CHECK(event(0)->kind == ABI_EVENT_SIGNAL &&
	      event(0)->value == 1ull << (SIGTERM - 1));
	/* what comes meanwhile is kept */
	fs_send_signals(c.fs, 0, 2);
	fs_send_winsize(c.fs, 25, 80);
	fs_send_winsize(c.fs, 26, 81);
	fs_send_stop(c.fs);
	CHECK(fs_read(&c, control_fh, 0, 4096) == 0);
	CHECK(fs_body_len(&c) == 3 * sizeof(struct abi_event));
	CHECK(event(0)->kind == ABI_EVENT_TTY_SIGNAL && event(0)->value == 2);
	CHECK(event(1)->kind == ABI_EVENT_WINSIZE &&
	      event(1)->value == (26u << 16 | 81));
	CHECK(event(2)->kind == ABI_EVENT_STOP);
	/* one READ at a time, which can be called off */
	fs_read(&c, control_fh, 0, 4096);
	CHECK(c.served == VIRTIO_KEPT);
	unique = c.fs->waiting_unique;
	CHECK(fs_read(&c, control_fh, 0, 4096) == -EBUSY);
	stop.unique = unique;
	fs_ask(&c, FUSE_INTERRUPT, 0, &stop, sizeof(stop), NULL, 0);
	CHECK(!c.fs->waiting && h->error == -EINTR && h->unique == unique);
	memset(r.start_message, 'x', sizeof(r.start_message));
	CHECK(fs_write(&c, control_fh, 0, &r, sizeof(r)) == 0);
	CHECK(c.nr_reports == 1 && c.report.exit_status == 3);
	CHECK(!c.report.start_message[255]);
	CHECK(fs_write(&c, control_fh, 0, &r, 4) == -EINVAL);
	return true;
}

static int ask_ioctl(uint64_t fh, uint32_t cmd, uint32_t in_size,
		     uint32_t out_size)
{
	struct fuse_ioctl_in in = { .fh = fh, .cmd = cmd, .in_size = in_size,
				    .out_size = out_size };
	char zero[256] = "";

	return fs_ask(&c, FUSE_IOCTL, 0, &in, sizeof(in), zero,
		      in_size < 256 ? in_size : 256);
}

static bool test_ioctl(void)
{
	int *n = (void *)((char *)fs_body(&c) + sizeof(struct fuse_ioctl_out));

	CHECK(ask_ioctl(in_fh, TCGETS2, 0, 100) == -ENOTTY);
	CHECK(ask_ioctl(in_fh, TCSETS2, 10, 0) == -EINVAL);
	CHECK(ask_ioctl(in_fh, TCSETS2, UINT32_MAX, 0) == -ENOTTY);
	CHECK(ask_ioctl(in_fh, TIOCSTI, 1, 0) == -ENOTTY);
	CHECK(ask_ioctl(control_fh, FIONREAD, 0, 4) == -ENOTTY);
	CHECK(write(in_pipe[1], "four", 4) == 4);
	CHECK(ask_ioctl(in_fh, FIONREAD, 0, 2) == -EINVAL);
	CHECK(ask_ioctl(in_fh, FIONREAD, 0, 4) == 0 && *n == 4);
	CHECK(ask_ioctl(in_fh, TIOCGPGRP, 0, 4) == 0 && *n == 1);
	CHECK(fs_read(&c, in_fh, FS_STREAM_POSITION, 4) == 0);
	return true;
}

static bool test_hang_up(void)
{
	close(in_pipe[1]);
	in_pipe[1] = -1;
	dev_loop_step(&c.loop, 1000);
	CHECK(c.fs->events.poll[0] & POLLHUP);
	CHECK(fs_read(&c, in_fh, FS_STREAM_POSITION, 4) == 0);
	CHECK(fs_body_len(&c) == 0);
	close(out_pipe[0]);
	out_pipe[0] = -1;
	CHECK(fs_write(&c, out_fh, FS_STREAM_POSITION, "x", 1) == -EPIPE);
	return true;
}

static bool test_destroy(void)
{
	uint32_t fixed = 1 + FS_NR_SPECIAL + 4;
	uint64_t node, fh;

	CHECK(fs_lookup(&c, live, "file", &node) == 0);
	CHECK(fs_open(&c, node, O_RDWR, &fh) == 0);
	CHECK(fs_ask(&c, FUSE_DESTROY, 0, NULL, 0, NULL, 0) == 0);
	CHECK(c.fs->files_used == 0 && c.fs->nodes_used == fixed);
	CHECK(fs_read(&c, fh, 0, 1) == -EIO);
	CHECK(fs_init(&c) == 0 && fs_read(&c, fh, 0, 1) == -EBADF);
	CHECK(fs_lookup(&c, node, "x", &fh) == -ESTALE);
	return true;
}

/* --- the tree --------------------------------------------------------------------------------*/

static const char make_tree[] =
	"cd %s && mkdir still live still/dir still/closed && "
	"printf hello > still/file && ln still/file still/hard && "
	"cp still/file still/dir/inner && ln -s /etc/passwd still/link && "
	"mkfifo still/fifo && printf s > still/secret && "
	"chmod 600 still/secret && cp still/file still/closed/file && "
	"chmod 700 still/closed && chmod 755 . still && "
	"cp still/file live/file && cp still/file live/suid && "
	"cp still/file other && touch still/big still/plain";

static void make_big(void)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/still/big", root);
	f = fopen(path, "w");
	for (unsigned int i = 0; f && i < 100000; i++)
		fputc((int)(i * 31 >> 3) & 0xff, f);
	if (!f || fclose(f))
		exit(1);
}

static void start(void)
{
	char command[1024], paths[4][128];
	struct fs_tree trees[5] = {
		{ paths[0], FSRV_EXPORT_READ_ONLY },
		{ paths[1], FSRV_EXPORT_LIVE },
		{ paths[2], FSRV_EXPORT_AS_NOBODY },
		{ paths[3], FSRV_EXPORT_IS_FILE | FSRV_EXPORT_READ_ONLY },
	};
	int stdio[3];

	strcpy(root, "/tmp/mica-fs-XXXXXX");
	if (!mkdtemp(root))
		exit(1);
	snprintf(command, sizeof(command), make_tree, root);
	if (system(command) || pipe(in_pipe) || pipe(out_pipe))
		exit(1);
	make_big();
	snprintf(command, sizeof(command), "%s/stderr", root);
	err_file = open(command, O_RDWR | O_CREAT, 0600);
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = { "still", "live", "still",
						     "other" };

		snprintf(paths[i], sizeof(paths[i]), "%s/%s", root, names[i]);
	}
	stdio[0] = in_pipe[0];
	stdio[1] = out_pipe[1];
	stdio[2] = err_file;
	fs_client_start(&c, trees, stdio, -1);
}

static void finish(void)
{
	char command[128];
	int fds[] = { in_pipe[0], in_pipe[1], out_pipe[0], out_pipe[1],
		      err_file };

	fs_client_stop(&c);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	if (system(command))
		printf("# %s is left\n", root);
}

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static void find_exports(void)
{
	fs_init(&c);
	fs_lookup(&c, 1, "0", &still);
	fs_lookup(&c, 1, "1", &live);
	fs_lookup(&c, 1, "2", &nobody);
	fs_lookup(&c, 1, "3", &one_file);
}

int main(void)
{
	static const struct {
		const char *name;
		bool (*fn)(void);
	} tests[] = {
		{ "init", test_init }, { "form of requests", test_form },
		{ "no room for a reply", test_no_reply_room },
		{ "root", test_root }, { "bad names", test_bad_names },
		{ "nodes and references", test_nodes },
		{ "symbolic links", test_symlinks }, { "reading", test_read },
		{ "special files", test_special_files },
		{ "fixed numbers", test_fixed_numbers },
		{ "as nobody", test_nobody }, { "listing", test_listing },
		{ "create", test_create }, { "changes", test_changes },
		{ "set-id bits and times", test_set_id },
		{ "xattr and statfs", test_xattr }, { "limits", test_limits },
		{ "streams", test_streams }, { "poll", test_poll },
		{ "control", test_control }, { "ioctl", test_ioctl },
		{ "hang-up", test_hang_up }, { "destroy", test_destroy },
	};
	size_t n = sizeof(tests) / sizeof(*tests), failed = 0;
	int before = open_descriptors();

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	start();
	printf("1..%zu\n", n + 1);
	for (size_t i = 0; i < n; i++) {
		bool ok = tests[i].fn();

		if (!i)
			find_exports();
		failed += !ok;
		printf("%s %zu - fs: %s\n", ok ? "ok" : "not ok", i + 1,
		       tests[i].name);
	}
	finish();
	n++;
	failed += open_descriptors() != before;
	printf("%s %zu - fs: no descriptor is left\n",
	       open_descriptors() == before ? "ok" : "not ok", n);
	return failed != 0;
}
