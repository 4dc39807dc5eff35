/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the file-system core on a tmpfs: names, walks, symlinks,
 * mounts, renames, contents, pipes. Prints TAP. Every test runs on a fresh
 * tree below /t and leaves nothing: pages in use are compared.
 */
#include <linux/eventpoll.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/dentry.h"
#include "fs/fake.h"
#include "fs/pipe.h"
#include "fs/pseudofs.h"
#include "fs/vfs.h"
#include "lib/string.h"

int printf(const char *fmt, ...);
int pthread_create(unsigned long *t, const void *attr, void *(*fn)(void *),
		   void *arg);
int pthread_join(unsigned long t, void **ret);
int sched_yield(void);

static uint32_t failures;
static struct cred root = {
	.refs = { 1000000 }, .cap_effective = ~0ull,
};
static struct cred user = {
	.refs = { 1000000 }, .uid = 7, .euid = 7, .fsuid = 7, .gid = 7,
	.egid = 7, .fsgid = 7,
};
static struct walk_ctx ctx, uctx;	/* at the root, as root or user */

void check_failed(const char *expr, const char *file, int line, long got)
{
	printf("# %s:%d: %s (got %ld)\n", file, line, expr, got);
	failures++;
}

/* --- short forms -----------------------------------------------------------------*/

static int open_as(const struct walk_ctx *c, const char *name, uint32_t flags,
		   struct file **f)
{
	return vfs_open(c, name, flags, 0644, 0, f);
}

static struct file *must_open(const char *name, uint32_t flags)
{
	struct file *f = NULL;

	CHECK_EQ(open_as(&ctx, name, flags, &f), 0);
	return f;
}

static ssize_t put(struct file *f, const char *s, size_t n, uint64_t *pos)
{
	struct kiovec v;
	struct uio u;

	uio_init(&u, &v, (void *)s, n, false);
	return file_write(f, &u, pos);
}

static ssize_t get(struct file *f, void *buf, size_t n, uint64_t *pos)
{
	struct kiovec v;
	struct uio u;

	uio_init(&u, &v, buf, n, false);
	return file_read(f, &u, pos);
}

static void make_file(const char *name, const char *text)
{
	struct file *f = must_open(name, O_CREAT | O_WRONLY | O_TRUNC);

	if (f)
		CHECK_EQ(put(f, text, strlen(text), NULL), strlen(text));
	file_put(f);
}

static bool has_text(const char *name, const char *text)
{
	char buf[64] = "";
	struct file *f = NULL;
	ssize_t n = -1;

	if (!open_as(&ctx, name, O_RDONLY, &f))
		n = get(f, buf, sizeof(buf), NULL);
	file_put(f);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, strlen(text));
}

static int walk_to(const char *name, uint32_t flags)
{
	struct path p;
	int err = path_walk(&ctx, name, flags, &p, NULL);

	if (!err)
		path_put(&p);
	return err;
}

static struct kstat stat_of(const char *name)
{
	struct kstat st = { 0 };
	struct path p;

	if (!path_walk(&ctx, name, 0, &p, NULL)) {
		inode_getattr(path_inode(&p), &st);
		path_put(&p);
	}
	return st;
}

/* --- names -------------------------------------------------------------------------*/

static void test_make_and_remove(void)
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

static void test_open_flags(void)
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

static void test_symlinks(void)
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

static void test_rename(void)
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

static void test_sticky(void)
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

static void test_path_name(void)
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

static void test_mounts(void)
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
	CHECK_EQ(vfs_mount_bind(&q, &p, false, MS_RDONLY), 0);
	path_put(&q);
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

/* --- contents ------------------------------------------------------------------------*/

static void test_sparse(void)
{
	struct file *f = must_open("/t/s", O_CREAT | O_RDWR);
	char buf[16];
	uint64_t pos = 1 << 20;

	CHECK_EQ(put(f, "end", 3, &pos), 3);
	CHECK_EQ(f->inode->size, (1 << 20) + 3);
	CHECK_EQ(stat_of("/t/s").blocks, 8);
	pos = 5000;
	CHECK_EQ(get(f, buf, 4, &pos), 4);
	CHECK(!memcmp(buf, "\0\0\0\0", 4));
	CHECK_EQ(file_seek(f, 0, SEEK_DATA), 1 << 20);
	CHECK_EQ(file_seek(f, 0, SEEK_HOLE), 0);
	CHECK_EQ(file_seek(f, 1 << 20, SEEK_HOLE), (1 << 20) + 3);
	CHECK_EQ(file_seek(f, 2 << 20, SEEK_DATA), -ENXIO);
	pos = 4096;
	CHECK_EQ(put(f, "x", 1, &pos), 1);
	CHECK_EQ(file_seek(f, 0, SEEK_DATA), 4096);
	CHECK_EQ(file_seek(f, 4096, SEEK_HOLE), 8192);
	CHECK_EQ(file_truncate(f, 4097), 0);
	CHECK_EQ(file_truncate(f, 10000), 0);
	CHECK_EQ(stat_of("/t/s").blocks, 8);
	pos = 4090;
	CHECK_EQ(get(f, buf, 16, &pos), 16);
	CHECK(!memcmp(buf, "\0\0\0\0\0\0x\0\0\0\0\0\0\0\0\0", 16));
	CHECK_EQ(f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 4096, 4096), 0);
	CHECK_EQ(stat_of("/t/s").blocks, 0);
	CHECK_EQ(f->ops->fallocate(f, FALLOC_FL_KEEP_SIZE, 0, 65536), 0);
	CHECK_EQ(stat_of("/t/s").blocks, 128);
	CHECK_EQ(f->inode->size, 10000);
	CHECK_EQ(file_seek(f, -1, SEEK_SET), -EINVAL);
	CHECK_EQ(file_seek(f, INT64_MAX, SEEK_SET), INT64_MAX);
	CHECK_EQ(file_seek(f, 1, SEEK_CUR), -EOVERFLOW);
	file_put(f);
}

/* A long random sequence against a plain array. */
static void test_random_io(void)
{
	enum { SIZE = 300000 };
	static char model[SIZE], buf[SIZE];
	struct file *f = must_open("/t/r", O_CREAT | O_RDWR);
	uint64_t seed = 12345, size = 0;
	uint32_t bad = 0;

	memset(model, 0, sizeof(model));
	for (uint32_t i = 0; i < 4000; i++) {
		uint64_t off, pos, len, r;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		r = seed >> 33;
		off = pos = r % SIZE;
		len = (r >> 8) % 9000;
		len = MIN(len, SIZE - off);
		switch (i % 8) {
		case 0:		/* cut or extend */
			if (i % 5)
				break;
			CHECK_EQ(file_truncate(f, off), 0);
			memset(model + off, 0, SIZE - off);
			size = off;
			break;
		case 1:
			CHECK_EQ(f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE |
				 FALLOC_FL_KEEP_SIZE, off, len + 1), 0);
			memset(model + off, 0, MIN(len + 1, SIZE - off));
			break;
		case 2:
		case 3: {
			ssize_t n = get(f, buf, len, &pos);
			ssize_t want = off >= size ? 0 :
				       (ssize_t)MIN(len, size - off);

			bad += n != want ||
			       memcmp(buf, model + off, (size_t)want);
			break;
		}
		default:
			memset(buf, (int)(r & 0xff) | 1, len);
			if (len)
				CHECK_EQ(put(f, buf, len, &pos), len);
			memcpy(model + off, buf, len);
			size = MAX(size, len ? off + len : 0);
		}
	}
	CHECK_EQ(bad, 0);
	CHECK_EQ(f->inode->size, size);
	file_put(f);
}

static void test_limit(void)
{
	static char block[8192];
	struct super *sb = tmpfs_create(65536, 0755);
	struct file *f;
	struct path p;
	ssize_t n, total = 0;

	CHECK_EQ(vfs_mkdir(&ctx, "/t/m", 0755), 0);
	CHECK_EQ(path_walk(&ctx, "/t/m", 0, &p, NULL), 0);
	CHECK_EQ(vfs_mount(&p, sb, NULL, "test", 0), 0);
	path_put(&p);
	f = must_open("/t/m/f", O_CREAT | O_RDWR);
	while ((n = put(f, block, sizeof(block), NULL)) > 0)
		total += n;
	CHECK_EQ(n, -ENOSPC);
	CHECK_EQ(total, 65536);
	CHECK_EQ(f->ops->fallocate(f, 0, 0, 1 << 20), -ENOSPC);
	CHECK_EQ(file_truncate(f, 0), 0);
	CHECK_EQ(put(f, block, 10, NULL), 10);
	file_put(f);
	CHECK_EQ(vfs_unlink(&ctx, "/t/m/f"), 0);
	CHECK_EQ(path_walk(&ctx, "/t/m", 0, &p, NULL), 0);
	CHECK_EQ(vfs_umount(&p, 0), 0);
	path_put(&p);
}

static void test_mapping(void)
{
	struct map_extent e;
	struct file *f;
	uint64_t pos = 0;
	char c = 0;

	CHECK_EQ(tmpfs_create_file("memfd:x", &f), 0);
	CHECK_EQ(file_truncate(f, 10 * 4096 + 1), 0);
	CHECK_EQ(f->ops->map(f, 0, 16 * 4096, true, &e), 0);
	CHECK_EQ(e.backing.kind, PLAT_BACK_POOL);
	CHECK(e.len >= 4096 && e.len <= 11 * 4096);
	CHECK_EQ(f->ops->map(f, 11 * 4096, 4096, true, &e), 0);
	CHECK_EQ(e.len, 0);
	f->ops->mapped(f, 1);
	pos = 3 * 4096;
	CHECK_EQ(put(f, "q", 1, &pos), 1);
	CHECK_EQ(file_truncate(f, 4096), 0);
	CHECK_EQ(file_truncate(f, 20000), 0);
	pos = 3 * 4096;
	CHECK_EQ(get(f, &c, 1, &pos), 1);
	CHECK_EQ(c, 0);
	f->ops->mapped(f, -1);
	file_put(f);
}

struct count_sink {
	struct dir_sink sink;
	uint32_t n, max;
};

static bool count_emit(struct dir_sink *s, const char *name, size_t len,
		       uint64_t ino, uint8_t type, uint64_t next_pos)
{
	struct count_sink *c = container_of(s, struct count_sink, sink);

	if (c->n == c->max)
		return false;
	c->n++;
	return true;
}

static void test_readdir(void)
{
	struct count_sink c = { .sink = { count_emit } };
	struct file *d;
	char name[] = "/t/f000";

	for (uint32_t i = 0; i < 300; i++) {
		name[4] = (char)('0' + i / 100);
		name[5] = (char)('0' + i / 10 % 10);
		name[6] = (char)('0' + i % 10);
		make_file(name, "");
	}
	d = must_open("/t", O_RDONLY | O_DIRECTORY);
	for (c.max = 100; c.n == c.max - 100; c.max += 100) {
		CHECK_EQ(d->ops->readdir(d, &c.sink), 0);
		/* removing what was read does not disturb the rest */
		if (c.max == 100)
			CHECK_EQ(vfs_unlink(&ctx, "/t/f000"), 0);
		if (c.n < c.max)
			break;
	}
	CHECK_EQ(c.n, 302);
	file_put(d);
}

/* --- pipes ------------------------------------------------------------------------------*/

static void test_pipe(void)
{
	static char big[70000], back[70000];
	struct file *f[2];
	char buf[16];

	CHECK_EQ(pipe_create(f, O_NONBLOCK), 0);
	CHECK_EQ(get(f[0], buf, 16, NULL), -EAGAIN);
	CHECK_EQ(put(f[1], "hello", 5, NULL), 5);
	CHECK_EQ(file_poll(f[0], NULL), EPOLLIN | EPOLLRDNORM);
	CHECK_EQ(get(f[0], buf, 3, NULL), 3);
	CHECK_EQ(get(f[0], buf, 16, NULL), 2);
	for (uint32_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	CHECK_EQ(put(f[1], big, sizeof(big), NULL), 65536);
	CHECK_EQ(put(f[1], big, 1, NULL), -EAGAIN);
	CHECK_EQ(file_poll(f[1], NULL), 0);
	CHECK_EQ(get(f[0], back, 4000, NULL), 4000);
	CHECK_EQ(put(f[1], big, 4096, NULL), -EAGAIN);
	CHECK_EQ(put(f[1], big + 65536, 4000, NULL), 4000);
	CHECK_EQ(get(f[0], back + 4000, 66000, NULL), 65536);
	CHECK(!memcmp(back, big, 69536));
	CHECK_EQ(pipe_set_size(pipe_of_file(f[0]), 100, false), 4096);
	CHECK_EQ(put(f[1], big, 5000, NULL), 4096);
	CHECK_EQ(pipe_set_size(pipe_of_file(f[0]), 1 << 21, false), -EPERM);
	CHECK_EQ(pipe_set_size(pipe_of_file(f[0]), 8000, false), 8192);
	CHECK_EQ(put(f[1], big + 4096, 4096, NULL), 4096);
	CHECK_EQ(get(f[0], back, 9000, NULL), 8192);
	CHECK(!memcmp(back, big, 8192));
	file_put(f[0]);
	CHECK_EQ(put(f[1], "x", 1, NULL), -EPIPE);
	CHECK_EQ(file_poll(f[1], NULL) & EPOLLERR, EPOLLERR);
	file_put(f[1]);
	CHECK_EQ(pipe_create(f, 0), 0);
	file_put(f[1]);
	CHECK_EQ(get(f[0], buf, 1, NULL), 0);
	CHECK_EQ(file_poll(f[0], NULL), EPOLLHUP);
	file_put(f[0]);
	CHECK_EQ(pipe_create(f, O_DIRECT | O_NONBLOCK), 0);
	CHECK_EQ(put(f[1], "abc", 3, NULL), 3);
	CHECK_EQ(put(f[1], "de", 2, NULL), 2);
	CHECK_EQ(get(f[0], buf, 2, NULL), 2);
	CHECK_EQ(get(f[0], buf, 9, NULL), 2);
	CHECK(!memcmp(buf, "de", 2));
	file_put(f[0]);
	file_put(f[1]);
}

static void test_splice(void)
{
	struct file *p[2], *q[2], *f;
	uint64_t off = 1;
	char buf[16];

	make_file("/t/in", "abcdefgh");
	CHECK_EQ(pipe_create(p, O_NONBLOCK), 0);
	CHECK_EQ(pipe_create(q, O_NONBLOCK), 0);
	f = must_open("/t/in", O_RDWR);
	CHECK_EQ(pipe_splice_from_file(p[1], f, &off, 100, false), 7);
	CHECK_EQ(off, 8);
	CHECK_EQ(pipe_tee(p[0], q[1], 3, false), 3);
	CHECK_EQ(pipe_splice_pipe(p[0], q[1], 4, false), 4);
	CHECK_EQ(get(q[0], buf, 16, NULL), 7);
	CHECK(!memcmp(buf, "bcdbcde", 7));
	off = 0;
	CHECK_EQ(pipe_splice_to_file(p[0], f, &off, 100, false), 3);
	CHECK(has_text("/t/in", "fghdefgh"));
	CHECK_EQ(pipe_splice_to_file(p[0], f, &off, 100, false), -EAGAIN);
	file_put(f);
	file_put(p[0]); file_put(p[1]); file_put(q[0]); file_put(q[1]);
}

static void test_fifo(void)
{
	struct file *r, *w, *b;
	char buf[4];

	CHECK_EQ(vfs_mknod(&ctx, "/t/p", S_IFIFO | 0600, 0), 0);
	CHECK_EQ(open_as(&ctx, "/t/p", O_WRONLY | O_NONBLOCK, &w), -ENXIO);
	r = must_open("/t/p", O_RDONLY | O_NONBLOCK);
	CHECK_EQ(file_poll(r, NULL), 0);	/* no HUP before a writer */
	w = must_open("/t/p", O_WRONLY);
	CHECK_EQ(put(w, "ab", 2, NULL), 2);
	file_put(w);
	CHECK_EQ(file_poll(r, NULL), EPOLLIN | EPOLLRDNORM | EPOLLHUP);
	CHECK_EQ(get(r, buf, 4, NULL), 2);
	CHECK_EQ(get(r, buf, 4, NULL), 0);
	file_put(r);
	b = must_open("/t/p", O_RDWR);
	CHECK_EQ(put(b, "x", 1, NULL), 1);
	CHECK_EQ(get(b, buf, 4, NULL), 1);
	file_put(b);
	fake_interrupt = 1;
	CHECK_EQ(open_as(&ctx, "/t/p", O_RDONLY, &r), -ERESTARTSYS);
	fake_interrupt = 0;
}

/* --- several threads ------------------------------------------------------------------------*/

static void *pipe_writer(void *arg)
{
	struct file *f = arg;
	uint32_t i;

	for (i = 0; i < 50000; i++)
		if (put(f, (char *)&i, 4, NULL) != 4)
			break;
	file_put(f);
	return NULL;
}

static void test_pipe_threads(void)
{
	struct file *f[2];
	unsigned long t;
	uint32_t v, n = 0, bad = 0;

	CHECK_EQ(pipe_create(f, 0), 0);
	pipe_set_size(pipe_of_file(f[0]), 4096, false);
	pthread_create(&t, NULL, pipe_writer, f[1]);
	while (get(f[0], &v, 4, NULL) == 4)
		bad += v != n++;
	pthread_join(t, NULL);
	CHECK_EQ(n, 50000);
	CHECK_EQ(bad, 0);
	file_put(f[0]);
}

static uint32_t thread_errors;

/* Names are made, moved and removed while others walk them. */
static void *name_worker(void *arg)
{
	char a[] = "/t/w0/a", b[] = "/t/w0/b";
	struct file *f;

	for (uint32_t i = 0; i < 3000; i++) {
		int err;

		a[4] = (char)('0' + i % 3);
		b[4] = (char)('0' + (i + (uintptr_t)arg) % 3);
		err = open_as(&ctx, a, O_CREAT | O_RDWR, &f);
		if (!err)
			file_put(f);
		else if (err != -ENOENT)
			thread_errors++;
		err = vfs_rename(&ctx, a, &ctx, b, 0);
		if (err && err != -ENOENT)
			thread_errors++;
		err = vfs_unlink(&ctx, b);
		if (err && err != -ENOENT)
			thread_errors++;
		if (i % 64 == 0)
			vfs_shrink(0);
	}
	return NULL;
}

static void test_name_threads(void)
{
	unsigned long t[4];

	for (uint32_t i = 0; i < 3; i++) {
		char d[] = "/t/w0";

		d[4] = (char)('0' + i);
		CHECK_EQ(vfs_mkdir(&ctx, d, 0755), 0);
	}
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, name_worker, (void *)i);
	for (uint32_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(thread_errors, 0);
	for (uint32_t i = 0; i < 3; i++) {
		char d[] = "/t/w0", n[] = "/t/w0/a";

		d[4] = n[4] = (char)('0' + i);
		vfs_unlink(&ctx, n);
		n[6] = 'b';
		vfs_unlink(&ctx, n);
		CHECK_EQ(vfs_rmdir(&ctx, d), 0);
	}
}

/* --- pseudo file systems ---------------------------------------------------------------------*/

static int show_key(struct textbuf *t, struct pseudo_node *n)
{
	textbuf_printf(t, "key %lu\n", (unsigned long)n->key);
	return 0;
}

static uint64_t stored;

static ssize_t store_number(struct pseudo_node *n, struct file *f,
			    const char *buf, size_t len, uint64_t pos)
{
	stored = (uint64_t)(buf[0] - '0');
	return (ssize_t)len;
}

static const struct pseudo_entry num_table[] = {
	{ .name = "key", .mode = S_IFREG | 0444, .show = show_key },
	{ }
};
static const struct pseudo_entry num_entry = {
	.mode = S_IFDIR | 0555, .children = num_table,
};

static int num_lookup(struct pseudo_node *dir, const char *name,
		      struct inode **out)
{
	if (name[0] < '1' || name[0] > '3' || name[1])
		return -ENOENT;
	return pseudo_inode_create(dir, &num_entry, (uint64_t)(name[0] - '0'),
				   0, out);
}

static int num_next(struct pseudo_node *dir, uint64_t from,
		    struct pseudo_dirent *d)
{
	d->index = MAX(from, 1ul);
	if (d->index > 3)
		return 0;
	d->entry = &num_entry;
	d->key = d->index;
	d->name[0] = (char)('0' + d->index);
	d->name[1] = 0;
	return 1;
}

static const struct pseudo_dir_ops num_ops = { .lookup = num_lookup, .next = num_next };
static const struct pseudo_entry root_table[] = {
	{ .name = "set", .mode = S_IFREG | 0644, .show = show_key,
	  .store = store_number },
	{ .name = "link", .mode = S_IFLNK | 0777, .target = "2/key" },
	{ }
};
static const struct pseudo_entry root_entry = {
	.mode = S_IFDIR | 0555, .children = root_table, .dir = &num_ops,
};

static void test_pseudo(void)
{
	struct count_sink c = { .sink = { count_emit }, .max = 100 };
	struct super *sb = pseudo_super_create("test", &root_entry, 1, 0);
	struct file *f;
	struct path p;

	CHECK_EQ(path_walk(&ctx, "/t", 0, &p, NULL), 0);
	CHECK_EQ(vfs_mount(&p, sb, NULL, "test", 0), 0);
	path_put(&p);
	CHECK(has_text("/t/1/key", "key 1\n"));
	CHECK(has_text("/t/link", "key 2\n"));
	CHECK_EQ(walk_to("/t/4", 0), -ENOENT);
	CHECK_EQ(stat_of("/t/3/key").ino, stat_of("/t/3/key").ino);
	CHECK(stat_of("/t/3/key").ino != stat_of("/t/2/key").ino);
	f = must_open("/t/set", O_WRONLY | O_TRUNC);
	CHECK_EQ(put(f, "5", 1, NULL), 1);
	file_put(f);
	CHECK_EQ(stored, 5);
	CHECK_EQ(open_as(&ctx, "/t/x", O_CREAT | O_WRONLY, &f), -EACCES);
	f = must_open("/t", O_RDONLY);
	CHECK_EQ(f->ops->readdir(f, &c.sink), 0);
	CHECK_EQ(c.n, 7);
	file_put(f);
	CHECK_EQ(path_walk(&ctx, "/t", 0, &p, NULL), 0);
	CHECK_EQ(vfs_umount(&p, 0), 0);
	path_put(&p);
}

/* Every allocation fails once: an error, but no leak and no crash. */
static void test_no_memory(void)
{
	struct file *f;
	uint32_t n;
	int err;

	for (n = 1; n < 40; n++) {
		heap_fail_after(n);
		err = open_as(&ctx, "/t/nm", O_CREAT | O_RDWR, &f);
		if (!err) {
			put(f, "x", 1, NULL);
			file_put(f);
		}
		vfs_symlink(&ctx, "nm", "/t/ns");
		vfs_rename(&ctx, "/t/nm", &ctx, "/t/ns", 0);
		heap_fail_after(0);
		vfs_unlink(&ctx, "/t/nm");
		vfs_unlink(&ctx, "/t/ns");
		vfs_shrink(0);
	}
	for (n = 1; n < 8; n++) {
		struct file *p[2];

		heap_fail_after(n);
		err = pipe_create(p, 0);
		heap_fail_after(0);
		if (!err) {
			file_put(p[0]);
			file_put(p[1]);
		}
	}
}

static const struct fs_test tests[] = {
	{ "make and remove names", test_make_and_remove },
	{ "open flags", test_open_flags },
	{ "symlinks and walk flags", test_symlinks },
	{ "rename", test_rename },
	{ "sticky directories", test_sticky },
	{ "names of paths", test_path_name },
	{ "mounts", test_mounts },
	{ "sparse files", test_sparse },
	{ "random reads and writes", test_random_io },
	{ "size limit", test_limit },
	{ "mapping and truncation", test_mapping },
	{ "readdir while removing", test_readdir },
	{ "pipe", test_pipe },
	{ "splice and tee", test_splice },
	{ "fifo", test_fifo },
	{ "pipe between threads", test_pipe_threads },
	{ "names by several threads", test_name_threads },
	{ "pseudo file system", test_pseudo },
	{ "no memory", test_no_memory },
};

static bool remove_emit(struct dir_sink *s, const char *name, size_t len,
			uint64_t ino, uint8_t type, uint64_t next_pos)
{
	char *first = (char *)(s + 1);

	if (name[0] == '.')
		return true;
	memcpy(first, name, len);
	first[len] = 0;
	return false;
}

/* rm -r */
static void clean(const char *dir)
{
	for (;;) {
		struct { struct dir_sink s; char name[256]; } sink = {
			{ remove_emit }, "",
		};
		char *path = kmalloc(512);
		struct file *d = must_open(dir, O_RDONLY);

		d->ops->readdir(d, &sink.s);
		file_put(d);
		strlcpy(path, dir, 512);
		if (sink.name[0]) {
			path[strlen(dir)] = '/';
			strlcpy(path + strlen(dir) + 1, sink.name, 256);
			if (vfs_unlink(&ctx, path) == -EISDIR &&
			    vfs_rmdir(&ctx, path) == -ENOTEMPTY) {
				clean(path);
				vfs_rmdir(&ctx, path);
			}
		}
		kfree(path);
		if (!sink.name[0])
			return;
	}
}

int main(void)
{
	uint32_t bad = 0;

	if (vfs_mount_root(tmpfs_create(0, 0755), "root"))
		return 1;
	vfs_root_path(&ctx.root);
	ctx.start = ctx.root;
	ctx.cred = &root;
	uctx = ctx;
	uctx.cred = &user;
	CHECK_EQ(vfs_mkdir_all("/t/u/v"), 0);
	clean("/t");
	printf("1..%lu\n", ARRAY_LEN(tests));
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		uint64_t pages = fake_pages_used;

		failures = 0;
		tests[i].run();
		clean("/t");
		vfs_shrink(0);
		/* rings of pipes may stay in their cache */
		if (fake_pages_used > pages + 16)
			check_failed("pages leaked", "", 0,
				     (long)(fake_pages_used - pages));
		if (dentry_count() > 1)
			check_failed("names leaked", "", 0, dentry_count());
		printf("%s %lu - %s\n", failures ? "not ok" : "ok", i + 1,
		       tests[i].name);
		bad += failures;
	}
	return bad != 0;
}
