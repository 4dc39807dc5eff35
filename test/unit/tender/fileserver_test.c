/* SPDX-License-Identifier: MIT */
/*
 * The file server under hostile requests: a server on a scratch tree in its
 * own thread, and a client that sends what a sandbox never should.
 *
 * Link with tender/process/fileserver.c, all of tender/dev/files and
 * tender/util/err.c. `fileserver_test bench DIR NAME` measures round trips.
 */
#include "abi/fileserver.h"
#include "process/fileserver.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct fsrv *server;
static int client = -1, server_sock;
static uint32_t live, system_dir, one_file, read_only;
static char root[64];
static const int no_stdio[3] = { -1, -1, -1 };

static struct {
	struct fsrv_reply head;
	char data[FSRV_DATA_MAX];
} reply;
static int got_fd;
static int got_fds[FSRV_FDS_MAX];
static size_t nr_got;

static void *serve(void *arg)
{
	fsrv_serve(server, server_sock, no_stdio);
	return NULL;
}

/* Send raw bytes, take one reply. Returns its error field, or -EPIPE. */
static int exchange(const void *bytes, size_t len)
{
	char control[128];
	struct iovec iov = { &reply, sizeof(reply) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	got_fd = -1;
	nr_got = 0;
	if (send(client, bytes, len, MSG_NOSIGNAL) < 0)
		return -errno;
	if (recvmsg(client, &m, 0) <= 0)
		return -EPIPE;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS) {
		nr_got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(got_fds, CMSG_DATA(c), nr_got * sizeof(int));
		got_fd = got_fds[0];
		for (size_t i = 1; i < nr_got; i++)
			close(got_fds[i]);
	}
	return reply.head.error;
}

static int call_full(struct fsrv_request q, const char *name,
		     const char *name2, const void *data, size_t len)
{
	static char buf[sizeof(q) + 2048 + FSRV_DATA_MAX];
	size_t at = sizeof(q);

	q.name_len = (uint16_t)strlen(name);
	q.name2_len = (uint16_t)strlen(name2);
	q.data_len = (uint32_t)len;
	memcpy(buf, &q, sizeof(q));
	memcpy(buf + at, name, q.name_len);
	at += q.name_len;
	memcpy(buf + at, name2, q.name2_len);
	at += q.name2_len;
	if (len)
		memcpy(buf + at, data, len);
	return exchange(buf, at + len);
}

static int call(uint32_t op, uint32_t dir, const char *name)
{
	return call_full((struct fsrv_request){ .op = op, .dir = dir }, name,
			 "", NULL, 0);
}

static int call_open(uint32_t dir, const char *name, uint32_t flags)
{
	int err = call_full((struct fsrv_request){ .op = FSRV_OPEN, .dir = dir,
			    .flags = flags }, name, "", NULL, 0);

	if (got_fd >= 0)
		close(got_fd);
	return err;
}

#define CHECK(e) do { if (!(e)) { \
	printf("# %s:%d: %s (error %d)\n", __func__, __LINE__, #e, \
	       reply.head.error); return false; } } while (0)

static bool test_names(void)
{
	static const char *const bad[] = { ".", "..", "a/b", "/", "../x" };
	char name[300];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(call(FSRV_LOOKUP, live, bad[i]) == -EINVAL);
	CHECK(call(FSRV_LOOKUP, live, "") == -ENOENT);
	memset(name, 'x', sizeof(name));
	name[299] = 0;
	CHECK(call(FSRV_LOOKUP, live, name) == -ENAMETOOLONG);
	CHECK(call(FSRV_LOOKUP, live, "none") == -ENOENT);
	CHECK(call(FSRV_LOOKUP, live, "file") == 0);
	CHECK(reply.head.attr.size == 5 && !reply.head.handle);
	return true;
}

static bool test_nul_in_name(void)
{
	struct fsrv_request q = { .op = FSRV_LOOKUP, .dir = live,
				  .name_len = 6 };
	char buf[sizeof(q) + 6];

	memcpy(buf, &q, sizeof(q));
	memcpy(buf + sizeof(q), "fi\0le", 6);
	CHECK(exchange(buf, sizeof(buf)) == -EINVAL);
	return true;
}

static bool test_lengths(void)
{
	struct fsrv_request q = { .op = FSRV_LOOKUP, .dir = live,
				  .name_len = 100 };
	static char big[200000];

	CHECK(exchange(&q, sizeof(q)) == -EINVAL);
	q.name_len = 0xffff;
	q.name2_len = 0xffff;
	q.data_len = 0xffffffff;
	CHECK(exchange(&q, sizeof(q)) == -EINVAL);
	CHECK(exchange(&q, 1) == -EINVAL);
	memcpy(big, &q, sizeof(q));
	CHECK(exchange(big, sizeof(big)) == -EMSGSIZE);
	CHECK(call(0, live, "") == -ENOSYS);
	CHECK(call(9999, live, "") == -ENOSYS);
	return true;
}

static bool test_symlinks(void)
{
	CHECK(call(FSRV_LOOKUP, live, "out") == 0);
	CHECK(S_ISLNK(reply.head.attr.mode) && reply.head.data_len == 4);
	CHECK(call_open(live, "out", O_RDONLY) == -ELOOP);
	CHECK(call_open(live, "passwd", O_RDONLY) == -ELOOP);
	CHECK(call_open(live, "sub", O_RDONLY) == -EISDIR);
	return true;
}

static bool test_special_files(void)
{
	CHECK(call(FSRV_LOOKUP, live, "fifo") == 0);
	CHECK(call_open(live, "fifo", O_RDONLY) == -ENXIO);
	CHECK(call_open(live, "fifo", O_RDWR) == -ENXIO);
	CHECK(call_full((struct fsrv_request){ .op = FSRV_MKNOD, .dir = live,
		.mode = S_IFCHR | 0666 }, "dev", "", NULL, 0) == -EPERM);
	return true;
}

static bool test_read_only(void)
{
	static const uint32_t changes[] = {
		FSRV_CREATE, FSRV_MKDIR, FSRV_SYMLINK, FSRV_MKNOD, FSRV_UNLINK,
		FSRV_RMDIR, FSRV_SETATTR, FSRV_RENAME, FSRV_LINK,
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		CHECK(call(changes[i], read_only, "file") == -EROFS);
		CHECK(call(changes[i], system_dir, "file") == -EROFS);
	}
	CHECK(call_open(read_only, "file", O_RDWR) == -EROFS);
	CHECK(call_open(read_only, "file", O_WRONLY) == -EROFS);
	CHECK(call_open(read_only, "file", O_RDONLY | O_TRUNC) == -EROFS);
	CHECK(call_open(read_only, "file", O_RDONLY) == 0);
	CHECK(!reply.head.handle);
	return true;
}

static bool test_nobody(void)
{
	CHECK(call_open(system_dir, "file", O_RDONLY) == 0);
	CHECK(call(FSRV_LOOKUP, system_dir, "secret") == 0);
	CHECK(call_open(system_dir, "secret", O_RDONLY) == -EACCES);
	CHECK(call_open(live, "secret", O_RDONLY) == 0);
	CHECK(call(FSRV_LOOKUP, system_dir, "private") == 0);
	{
		uint32_t h = reply.head.handle;

		CHECK(call(FSRV_LOOKUP, h, "inner") == -EACCES);
		CHECK(call(FSRV_READDIR, h, "") == -EACCES);
		CHECK(call_open(h, "inner", O_RDONLY) == -EACCES);
		CHECK(call(FSRV_FORGET, h, "") == 0);
	}
	/* and the tender's own rights are back for the next export */
	CHECK(call(FSRV_LOOKUP, live, "private") == 0);
	CHECK(call(FSRV_LOOKUP, reply.head.handle, "inner") == 0);
	return true;
}

static bool test_handles(void)
{
	uint32_t h;

	CHECK(call(FSRV_LOOKUP, live, "sub") == 0);
	h = reply.head.handle;
	CHECK(h && call(FSRV_LOOKUP, h, "inner") == 0);
	CHECK(call(FSRV_FORGET, h, "") == 0);
	CHECK(call(FSRV_LOOKUP, h, "inner") == -EBADF);
	CHECK(call(FSRV_FORGET, h, "") == -EBADF);
	CHECK(call(FSRV_LOOKUP, live, "sub") == 0);
	CHECK(reply.head.handle != h);
	CHECK(call(FSRV_LOOKUP, h, "inner") == -EBADF);
	CHECK(call(FSRV_FORGET, live, "") == -EINVAL);
	CHECK(call(FSRV_LOOKUP, 0xffffffff, "file") == -EBADF);
	CHECK(call(FSRV_LOOKUP, 77777, "file") == -EBADF);
	return true;
}

static bool test_handle_limit(void)
{
	uint32_t max = fsrv_handles_max(server), n = 0, last = 0;

	if (max > 20000)
		return true;
	while (n <= max && call(FSRV_LOOKUP, live, "sub") == 0) {
		last = reply.head.handle;
		n++;
	}
	CHECK(n <= max && reply.head.error == -EMFILE);
	CHECK(call(FSRV_FORGET, last, "") == 0);
	CHECK(call(FSRV_LOOKUP, live, "sub") == 0);
	/* give them back: indices were dealt out in order at the end */
	for (uint32_t i = 0; i <= max; i++)
		for (uint32_t g = 0; g < 4; g++)
			call(FSRV_FORGET, i | g << 20, "");
	CHECK(call(FSRV_LOOKUP, live, "sub") == 0);
	return true;
}

static bool test_one_file(void)
{
	CHECK(call(FSRV_GETATTR, one_file, "") == 0);
	CHECK(reply.head.attr.size == 5);
	CHECK(call_open(one_file, "", O_RDONLY) == 0);
	CHECK(call_open(one_file, "file", O_RDONLY) == -ENOTDIR);
	CHECK(call(FSRV_LOOKUP, one_file, "x") == -ENOTDIR);
	CHECK(call(FSRV_READDIR, one_file, "") < 0);
	CHECK(call(FSRV_UNLINK, one_file, "file") == -ENOTDIR);
	{
		struct fsrv_request q = { .op = FSRV_SETATTR, .dir = one_file,
			.valid = FSRV_SET_SIZE, .attr = { .size = 5 } };

		CHECK(call_full(q, "", "", NULL, 0) == 0);
	}
	return true;
}

static bool test_changes(void)
{
	struct fsrv_request q = { .op = FSRV_CREATE, .dir = live,
				  .flags = O_RDWR, .mode = 06755 };
	uint32_t h;

	CHECK(call_full(q, "new", "", NULL, 0) == 0);
	h = reply.head.handle;
	CHECK(got_fd >= 0 && h);
	CHECK((reply.head.attr.mode & 07777) == 0755);
	CHECK(fcntl(got_fd, F_GETFL) & O_RDWR);
	CHECK(write(got_fd, "0123456789", 10) == 10);
	close(got_fd);
	CHECK(call_full(q, "new", "", NULL, 0) == -EEXIST);
	CHECK(call(FSRV_UNLINK, live, "new") == 0);
	/* the open file is still there */
	q = (struct fsrv_request){ .op = FSRV_SETATTR, .dir = h,
		.valid = FSRV_SET_SIZE | FSRV_SET_MODE,
		.attr = { .size = 3, .mode = 04777 } };
	CHECK(call_full(q, "", "", NULL, 0) == 0);
	CHECK(reply.head.attr.size == 3);
	CHECK((reply.head.attr.mode & 07777) == 0777);
	q = (struct fsrv_request){ .op = FSRV_FALLOCATE, .dir = h,
				   .offset = 2, .attr.size = 8 };
	CHECK(call_full(q, "", "", NULL, 0) == 0);
	CHECK(reply.head.attr.size == 10);
	CHECK(call_full(q, "x", "", NULL, 0) == -EINVAL);
	q.mode = FSRV_FALLOCATE_MODES + 1;
	CHECK(call_full(q, "", "", NULL, 0) == -EOPNOTSUPP);
	q.mode = 0;
	q.offset = UINT64_MAX;
	CHECK(call_full(q, "", "", NULL, 0) == -EINVAL);
	q.dir = live;
	CHECK(call_full(q, "", "", NULL, 0) == -EBADF);
	CHECK(call(FSRV_FSYNC, h, "") == 0);
	CHECK(call(FSRV_LOOKUP, h, "x") == -ENOTDIR);
	CHECK(call(FSRV_FORGET, h, "") == 0);
	return true;
}

static bool test_set_id(void)
{
	struct fsrv_request q = { .op = FSRV_SETATTR, .dir = live,
		.valid = FSRV_SET_MODE, .attr = { .mode = 06711 } };

	CHECK(call_full(q, "file2", "", NULL, 0) == 0);
	CHECK((reply.head.attr.mode & 07777) == 0711);
	CHECK(call_full(q, "passwd", "", NULL, 0) == -EOPNOTSUPP);
	q.valid = FSRV_SET_SIZE;
	CHECK(call_full(q, "passwd", "", NULL, 0) == -EINVAL);
	CHECK(call_full(q, "fifo", "", NULL, 0) == -EINVAL);
	q = (struct fsrv_request){ .op = FSRV_MKNOD, .dir = live,
				   .mode = S_IFREG | 04755 };
	CHECK(call_full(q, "node", "", NULL, 0) == 0);
	CHECK((reply.head.attr.mode & 07777) == 0755);
	return true;
}

static bool test_two_exports(void)
{
	struct fsrv_request q = { .op = FSRV_RENAME, .dir = live,
				  .dir2 = one_file };

	CHECK(call_full(q, "file2", "x", NULL, 0) == -ENOTDIR);
	q.dir2 = read_only;
	CHECK(call_full(q, "file2", "x", NULL, 0) == -EROFS);
	q.op = FSRV_LINK;
	CHECK(call_full(q, "file2", "x", NULL, 0) == -EROFS);
	q.dir2 = live;
	q.op = FSRV_RENAME;
	q.flags = 4;		/* whiteout: makes a device */
	CHECK(call_full(q, "file2", "x", NULL, 0) == -EINVAL);
	q.flags = 0;
	CHECK(call_full(q, "file2", "file3", NULL, 0) == 0);
	return true;
}

static void make_file(const char *name, mode_t mode)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/live/%s", root, name);
	fd = open(path, O_CREAT | O_WRONLY, mode);
	if (write(fd, "hello", 5) != 5)
		exit(1);
	fchmod(fd, mode);
	close(fd);
}

struct counts {
	uint32_t all, dirs, with_attr, dirs_with_attr;
};

static void count_entries(struct counts *n)
{
	for (size_t at = 0; at < reply.head.data_len;) {
		struct fsrv_dirent d;

		memcpy(&d, reply.data + at, sizeof(d));
		at += sizeof(d) + ((d.name_len + 7u) & ~7u);
		if (d.has_attr)
			at += sizeof(struct fsrv_attr);
		n->all++;
		n->with_attr += d.has_attr;
		n->dirs += d.type == 4;
		n->dirs_with_attr += d.type == 4 && d.has_attr;
	}
}

static bool test_readdir(void)
{
	static const uint32_t flags[] = { 0, FSRV_READDIR_ATTR,
					  FSRV_READDIR_ATTR_DIRS };
	struct fsrv_request q = { .op = FSRV_READDIR, .dir = live };
	struct counts n[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		q.flags = flags[i];
		q.offset = 0;
		while (call_full(q, "", "", NULL, 0) == 0 &&
		       reply.head.data_len) {
			CHECK(!reply.head.handle);
			count_entries(&n[i]);
			q.offset = reply.head.arg;
		}
		CHECK(reply.head.error == 0 && n[i].all >= 7);
		CHECK(n[i].dirs >= 2);
	}
	CHECK(n[0].with_attr == 0);
	CHECK(n[1].with_attr == n[1].all);
	CHECK(n[2].with_attr == n[2].dirs && n[2].dirs_with_attr == n[2].dirs);
	q.offset = UINT64_MAX;
	call_full(q, "", "", NULL, 0);
	CHECK(call(FSRV_GETATTR, live, "") == 0);
	return true;
}

/* A listing by name is a look-up and a listing. */
static bool test_readdir_by_name(void)
{
	struct counts n = { 0 };
	uint32_t h;

	CHECK(call(FSRV_READDIR, live, "sub") == 0);
	h = reply.head.handle;
	CHECK(h && S_ISDIR(reply.head.attr.mode));
	CHECK(reply.head.arg == FSRV_READDIR_END);
	count_entries(&n);
	CHECK(n.all == 1 && call(FSRV_LOOKUP, h, "inner") == 0);
	CHECK(call(FSRV_FORGET, h, "") == 0);
	CHECK(call(FSRV_READDIR, live, "file") == -ENOTDIR);
	CHECK(call(FSRV_READDIR, live, "out") < 0);
	CHECK(call(FSRV_READDIR, live, "no such") == -ENOENT);
	CHECK(call(FSRV_READDIR, live, "..") == -EINVAL);
	CHECK(call(FSRV_READDIR, one_file, "file") == -ENOTDIR);
	/* what nobody may not list gives no handle either */
	CHECK(call(FSRV_READDIR, system_dir, "private") == -EACCES);
	CHECK(!reply.head.handle && !reply.head.data_len);
	return true;
}

/* --- trees: what is below live/tree is made here ------------------------------*/

#define TREE_DIRS	40
#define TREE_FILES	30

static void make_dir(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/live/%s", root, name);
	mkdir(path, 0755);
}

/* tree/d00 to d39 of 30 files each, and tree/a/a/... of 12. */
static void make_deep_tree(void)
{
	char name[64] = "tree";

	make_dir(name);
	for (int i = 0; i < TREE_DIRS; i++) {
		snprintf(name, sizeof(name), "tree/d%02d", i);
		make_dir(name);
		for (int k = 0; k < TREE_FILES; k++) {
			snprintf(name, sizeof(name), "tree/d%02d/file%d", i, k);
			make_file(name, 0644);
		}
	}
	strcpy(name, "tree");
	for (int i = 0; i < 12; i++) {
		strcat(name, "/a");
		make_dir(name);
	}
}

struct listings {
	uint32_t nr, deepest, last, entries[64];
	bool bad;
};

static void take_listings(struct listings *l)
{
	size_t at = 0, whole = reply.head.data_len;

	memset(l, 0, sizeof(*l));
	while (at < whole && !l->bad && l->nr < 64) {
		struct fsrv_listing h;
		struct counts n = { 0 };

		memcpy(&h, reply.data + at, sizeof(h));
		at += sizeof(h);
		l->bad = at + h.len > whole || h.depth > l->deepest + 1;
		if (l->bad)
			break;
		/* as a reply of its own */
		memmove(reply.data, reply.data + at, whole - at);
		whole -= at;
		reply.head.data_len = h.len;
		count_entries(&n);
		at = h.len;
		l->deepest = h.depth > l->deepest ? h.depth : l->deepest;
		l->last = h.entry;
		l->entries[l->nr++] = n.all;
	}
}

static int call_tree(uint32_t dir, const char *name, const char *names,
		     size_t len, struct listings *l)
{
	struct fsrv_request q = { .op = FSRV_READTREE, .dir = dir,
				  .flags = FSRV_READDIR_ATTR };
	int err = call_full(q, name, "", names, len);

	take_listings(l);
	return err;
}

static bool test_readtree(void)
{
	static const char some[] = "sub\0private\0file\0out\0none\0fifo";
	static const struct {
		const char *names;
		size_t len;
	} bad[] = { { "..", 3 }, { ".", 2 }, { "sub/inner", 10 }, { "", 1 },
		    { "sub", 3 }, { "sub\0\0", 5 }, { "/", 2 } };
	struct listings l;
	uint32_t h;

	CHECK(call_tree(live, "", some, sizeof(some), &l) == 0 && !l.bad);
	CHECK(l.nr == 2 && l.last == 1 && !l.deepest && l.entries[0] == 1);
	CHECK(!reply.head.handle);
	CHECK(call_tree(live, "", "", 0, &l) == 0 && !l.nr);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(call_tree(live, "", bad[i].names, bad[i].len, &l) ==
		      -EINVAL);
		CHECK(call_tree(live, "tree", bad[i].names, bad[i].len, &l) ==
		      -EINVAL && !reply.head.handle);
	}
	/* nobody may not see what is not for others */
	CHECK(call_tree(system_dir, "", some, sizeof(some), &l) == 0);
	CHECK(l.nr == 1 && l.entries[0] == 1);
	CHECK(call_tree(system_dir, "private", "x", 2, &l) == -EACCES);
	CHECK(call_tree(one_file, "", "x", 2, &l) == -ENOTDIR);
	CHECK(call_tree(live, "file", "x", 2, &l) == -ENOTDIR);
	CHECK(call_tree(live, "out", "x", 2, &l) < 0);
	/* downwards, but not without end */
	CHECK(call_tree(live, "tree", "a", 2, &l) == 0 && !l.bad);
	h = reply.head.handle;
	CHECK(l.nr == FSRV_TREE_DEPTH && l.deepest == FSRV_TREE_DEPTH - 1);
	CHECK(call(FSRV_LOOKUP, h, "a") == 0);
	CHECK(call(FSRV_FORGET, reply.head.handle, "") == 0);
	CHECK(call(FSRV_FORGET, h, "") == 0);
	return true;
}

/* What does not fit is not there at all. */
static bool test_readtree_full(void)
{
	char names[TREE_DIRS * 4];
	uint32_t done = 0, answers = 0;
	struct listings l;

	for (int i = 0; i < TREE_DIRS; i++)
		memcpy(names + 4 * i, (char[]){ 'd', (char)('0' + i / 10),
		       (char)('0' + i % 10), 0 }, 4);
	while (done < TREE_DIRS) {
		CHECK(call_tree(live, "tree", names + 4 * done,
				sizeof(names) - 4 * done, &l) == 0 && !l.bad);
		CHECK(l.nr && l.last == l.nr - 1);
		for (uint32_t i = 0; i < l.nr; i++)
			CHECK(l.entries[i] == TREE_FILES);
		CHECK(call(FSRV_FORGET, reply.head.handle, "") == 0);
		done += l.nr;
		answers++;
	}
	CHECK(done == TREE_DIRS && answers > 3 && answers < 10);
	return true;
}

static int open_many(uint32_t dir, const char *names, size_t len)
{
	int err = call_full((struct fsrv_request){ .op = FSRV_OPEN_MANY,
			    .dir = dir }, "", "", names, len);

	if (got_fd >= 0)
		close(got_fd);
	return err;
}

static bool test_open_many(void)
{
	static const char some[] = "file\0other\0sub\0file",
		hidden[] = "file\0secret\0other", bad[] = "file\0..",
		again[] = "file";
	char names[20 * sizeof(again)];
	struct fsrv_opened o[2];

	/* up to what is no file, and what nobody may not read */
	CHECK(open_many(read_only, some, sizeof(some)) == 0 && nr_got == 2);
	CHECK(reply.head.has_fd == 2 && reply.head.data_len == sizeof(o));
	memcpy(o, reply.data, sizeof(o));
	CHECK(call(FSRV_LOOKUP, read_only, "other") == 0);
	CHECK(reply.head.attr.ino == o[1].ino && reply.head.attr.dev == o[1].dev);
	CHECK(open_many(system_dir, hidden, sizeof(hidden)) == 0 && nr_got == 1);
	CHECK(open_many(read_only, "out", 4) == 0 && nr_got == 0);
	CHECK(open_many(read_only, "fifo", 5) == 0 && nr_got == 0);
	CHECK(open_many(read_only, "", 0) == 0 && nr_got == 0);
	CHECK(open_many(read_only, bad, sizeof(bad)) == -EINVAL && !nr_got);
	CHECK(open_many(read_only, "file", 4) == -EINVAL && !nr_got);
	CHECK(open_many(live, again, sizeof(again)) == -EINVAL);
	CHECK(open_many(one_file, "x", 2) != 0 || !nr_got);
	for (size_t i = 0; i < 20; i++)
		memcpy(names + i * sizeof(again), again, sizeof(again));
	CHECK(open_many(read_only, names, sizeof(names)) == 0);
	CHECK(nr_got == FSRV_FDS_MAX);
	return true;
}

static bool test_tty_refused(void)
{
	struct fsrv_request q = { .op = FSRV_TTY_GET, .arg = 0 };

	for (q.op = FSRV_TTY_GET; q.op <= FSRV_TTY_FIONREAD; q.op++) {
		q.arg = 0;
		CHECK(call_full(q, "", "", NULL, 0) < 0);
		q.arg = 3;
		CHECK(call_full(q, "", "", NULL, 0) < 0);
		q.arg = UINT64_MAX;
		CHECK(call_full(q, "", "", NULL, 0) < 0);
	}
	return true;
}

/* A descriptor that a request carries must not stay in the server. */
static bool test_sent_descriptors(void)
{
	int pipes[2], devnull = open("/dev/null", O_RDONLY);
	struct fsrv_request q = { .op = FSRV_GETATTR, .dir = live };
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
	struct iovec iov = { &q, sizeof(q) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	CHECK(pipe(pipes) == 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pipes[1], sizeof(int));
	CHECK(sendmsg(client, &m, 0) > 0);
	CHECK(recv(client, &reply, sizeof(reply), 0) > 0);
	close(pipes[1]);
	/* end of file at once: nobody else holds the writing end */
	CHECK(read(pipes[0], &byte, 1) == 0);
	close(pipes[0]);
	close(devnull);
	return true;
}

/* Names that change between directory, file and symbolic link all the time. */
static bool test_racing_renames(void)
{
	struct timespec t0, t;
	char a[96], b[96];
	pid_t pid;
	int leaks = 0;

	snprintf(a, sizeof(a), "%s/live/race", root);
	snprintf(b, sizeof(b), "%s/live/race-link", root);
	symlink("/etc", b);
	mkdir(a, 0755);
	pid = fork();
	if (pid == 0)
		for (;;)
			renameat2(AT_FDCWD, a, AT_FDCWD, b, 2 /* exchange */);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	do {
		if (call(FSRV_LOOKUP, live, "race") == 0 && reply.head.handle) {
			uint32_t h = reply.head.handle;

			if (call(FSRV_LOOKUP, h, "passwd") == 0)
				leaks++;
			call(FSRV_FORGET, h, "");
		}
		clock_gettime(CLOCK_MONOTONIC, &t);
	} while (t.tv_sec - t0.tv_sec < 2);
	kill(pid, 9);
	waitpid(pid, NULL, 0);
	CHECK(leaks == 0);
	return true;
}

static bool test_random_bytes(void)
{
	unsigned int seed = 12345;
	union {
		struct fsrv_request q;
		uint8_t bytes[704];
	} u;

	for (int i = 0; i < 20000; i++) {
		size_t len = sizeof(u.q) + (unsigned int)rand_r(&seed) % 500;

		for (size_t k = 0; k < sizeof(u); k++)
			u.bytes[k] = (uint8_t)rand_r(&seed);
		/* make most of them reach an operation; never FSYNC (slow) */
		u.q.op = (uint32_t)rand_r(&seed) % (FSRV_FALLOCATE + 1);
		/* a full disk is nobody's aim */
		if (u.q.op == FSRV_FALLOCATE)
			u.q.attr.size &= 0xffff;
		if (u.q.op == FSRV_FSYNC)
			continue;
		u.q.dir = (uint32_t)rand_r(&seed) % 6;
		u.q.dir2 = (uint32_t)rand_r(&seed) % 6;
		u.q.name_len = (uint16_t)(rand_r(&seed) % 40);
		u.q.name2_len = (uint16_t)(rand_r(&seed) % 40);
		u.q.data_len = (uint32_t)(len - sizeof(u.q) - u.q.name_len -
					  u.q.name2_len);
		CHECK(exchange(&u, len) != -EPIPE);
		if (got_fd >= 0)
			close(got_fd);
	}
	CHECK(call(FSRV_GETATTR, live, "") == 0);
	return true;
}

static void make_tree(void)
{
	char path[128];

	strcpy(root, "/tmp/fileserver_test.XXXXXX");
	if (!mkdtemp(root))
		exit(1);
	chmod(root, 0755);
	snprintf(path, sizeof(path), "%s/live", root);
	mkdir(path, 0755);
	make_file("file", 0644);
	make_file("file2", 0644);
	make_file("other", 0644);
	make_file("secret", 0640);
	snprintf(path, sizeof(path), "%s/live/sub", root);
	mkdir(path, 0755);
	make_file("sub/inner", 0644);
	snprintf(path, sizeof(path), "%s/live/private", root);
	mkdir(path, 0750);
	make_file("private/inner", 0644);
	snprintf(path, sizeof(path), "%s/live/fifo", root);
	mkfifo(path, 0666);
	snprintf(path, sizeof(path), "%s/live/out", root);
	symlink("/etc", path);
	snprintf(path, sizeof(path), "%s/live/passwd", root);
	symlink("/etc/passwd", path);
	make_deep_tree();
}

static void add(const char *path, unsigned int flags, uint32_t *id)
{
	struct err e;

	if (fsrv_add_export(server, path, flags, id, &e)) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
}

static pthread_t start(const char *dir)
{
	pthread_t thread;
	char file[160];
	struct err e;
	int sv[2];

	if (fsrv_create(&server, &e) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv))
		exit(1);
	snprintf(file, sizeof(file), "%s/file", dir);
	add(dir, FSRV_EXPORT_LIVE, &live);
	add(dir, FSRV_EXPORT_AS_NOBODY, &system_dir);
	add(dir, FSRV_EXPORT_READ_ONLY, &read_only);
	if (!access(file, F_OK))
		add(file, FSRV_EXPORT_IS_FILE | FSRV_EXPORT_LIVE, &one_file);
	client = sv[0];
	server_sock = sv[1];
	pthread_create(&thread, NULL, serve, NULL);
	return thread;
}

static void bench(const char *dir, const char *name)
{
	struct timespec a, b;
	int n = 20000;

	start(dir);
	for (int round = 0; round < 3; round++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		for (int i = 0; i < n; i++)
			call(FSRV_LOOKUP, system_dir, name);
		clock_gettime(CLOCK_MONOTONIC, &b);
		printf("lookup: %ld ns each\n",
		       ((b.tv_sec - a.tv_sec) * 1000000000l + b.tv_nsec -
			a.tv_nsec) / n);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool (*fn)(void);
	} tests[] = {
		{ "names", test_names }, { "NUL in name", test_nul_in_name },
		{ "lengths", test_lengths }, { "symlinks", test_symlinks },
		{ "special files", test_special_files },
		{ "read-only exports", test_read_only },
		{ "as nobody", test_nobody }, { "handles", test_handles },
		{ "one file", test_one_file }, { "changes", test_changes },
		{ "set-id bits", test_set_id },
		{ "two exports", test_two_exports },
		{ "listing", test_readdir },
		{ "listing by name", test_readdir_by_name },
		{ "trees", test_readtree },
		{ "trees that do not fit", test_readtree_full },
		{ "many files", test_open_many },
		{ "tty", test_tty_refused },
		{ "sent descriptors", test_sent_descriptors },
		{ "racing renames", test_racing_renames },
		{ "random bytes", test_random_bytes },
		{ "handle limit", test_handle_limit },
	};
	size_t n = sizeof(tests) / sizeof(*tests), failed = 0;
	char command[128];
	pthread_t thread;

	if (argc == 4) {
		bench(argv[2], argv[3]);
		return 0;
	}
	make_tree();
	snprintf(command, sizeof(command), "%s/live", root);
	thread = start(command);
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		bool ok = tests[i].fn();

		failed += !ok;
		printf("%s %zu - %s\n", ok ? "ok" : "not ok", i + 1,
		       tests[i].name);
	}
	close(client);
	pthread_join(thread, NULL);
	fsrv_destroy(server);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	if (system(command))
		failed++;
	printf("%zu passed, %zu failed, 0 skipped\n", n - failed, failed);
	return failed != 0;
}
