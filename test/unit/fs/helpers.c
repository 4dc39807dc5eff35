/* SPDX-License-Identifier: MIT */
/* What the tests of the file systems share. */
#include "fs/helpers.h"

struct cred root = {
	.user_ns = &user_ns_first, .refs = { 1000000 }, .cap_effective = ~0ull,
};
struct cred user = {
	.user_ns = &user_ns_first, .refs = { 1000000 },
	.uid = 7, .euid = 7, .fsuid = 7, .gid = 7,
	.egid = 7, .fsgid = 7,
};
struct walk_ctx ctx, uctx;	/* at the root, as root or user */

/* --- short forms -----------------------------------------------------------------*/

int open_as(const struct walk_ctx *c, const char *name, uint32_t flags,
		   struct file **f)
{
	return vfs_open(c, name, flags, 0644, 0, f);
}

struct file *must_open(const char *name, uint32_t flags)
{
	struct file *f = NULL;

	CHECK_EQ(open_as(&ctx, name, flags, &f), 0);
	return f;
}

ssize_t put(struct file *f, const char *s, size_t n, uint64_t *pos)
{
	struct kiovec v;
	struct uio u;

	uio_init(&u, &v, (void *)s, n, false);
	return file_write(f, &u, pos);
}

ssize_t get(struct file *f, void *buf, size_t n, uint64_t *pos)
{
	struct kiovec v;
	struct uio u;

	uio_init(&u, &v, buf, n, false);
	return file_read(f, &u, pos);
}

void make_file(const char *name, const char *text)
{
	struct file *f = must_open(name, O_CREAT | O_WRONLY | O_TRUNC);

	if (f)
		CHECK_EQ(put(f, text, strlen(text), NULL), strlen(text));
	file_put(f);
}

bool has_text(const char *name, const char *text)
{
	char buf[64] = "";
	struct file *f = NULL;
	ssize_t n = -1;

	if (!open_as(&ctx, name, O_RDONLY, &f))
		n = get(f, buf, sizeof(buf), NULL);
	file_put(f);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, strlen(text));
}

int walk_to(const char *name, uint32_t flags)
{
	struct path p;
	int err = path_walk(&ctx, name, flags, &p, NULL);

	if (!err)
		path_put(&p);
	return err;
}

struct kstat stat_of(const char *name)
{
	struct kstat st = { 0 };
	struct path p;

	if (!path_walk(&ctx, name, 0, &p, NULL)) {
		inode_getattr(path_inode(&p), &st);
		path_put(&p);
	}
	return st;
}

bool count_emit(struct dir_sink *s, const char *name, size_t len,
		       uint64_t ino, uint8_t type, uint64_t next_pos)
{
	struct count_sink *c = container_of(s, struct count_sink, sink);

	if (c->n == c->max)
		return false;
	c->n++;
	return true;
}
