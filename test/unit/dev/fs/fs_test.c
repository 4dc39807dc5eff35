/* SPDX-License-Identifier: MIT */
/*
 * The file system device (tender/dev/fs*.c): what a guest's client may do, and
 * what a hostile one tries. More: fs_changes_test.c,
 * fs_streams_test.c.
 */
#include "fs_test.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fs_client c;
int in_pipe[2], out_pipe[2], err_file;
char root[64];
uint64_t still, live, nobody, one_file;

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

/* --- the end ---------------------------------------------------------------------------------*/

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
