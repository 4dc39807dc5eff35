/* SPDX-License-Identifier: MIT */
/*
 * Listings: of one directory, in pieces, and of many at once, each whole.
 *
 * Of a tree only what the sandbox could have asked for one by one is shown:
 * every directory is opened as a single component of its parent, has to be on
 * the parent's device (so no window into the host's kernel is among them), and
 * where nobody is served nobody has to be able to list and search it.
 */
#include "dev/files/fsrv_priv.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct host_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* Are h's attributes asked for? */
static bool wants_attr(const struct fsrv_call *c, const struct host_dirent *h)
{
	if (c->q.flags & FSRV_READDIR_ATTR)
		return true;
	return (c->q.flags & FSRV_READDIR_ATTR_DIRS) &&
	       (h->type == DT_DIR || h->type == DT_UNKNOWN);
}

/* Append one entry of the directory fd. Returns false when the reply is full. */
static bool add_entry(struct fsrv_call *c, int fd, const struct host_dirent *h)
{
	size_t len = strlen(h->name), at = c->r->data_len, need;
	struct fsrv_dirent d = { .ino = h->ino, .type = h->type };
	struct fsrv_attr a;
	struct host_statx x;

	if (wants_attr(c, h) && !fsrv_stat(fd, h->name, &x)) {
		fsrv_fill_attr(&a, &x);
		d.has_attr = 1;
	}
	d.next_offset = (uint64_t)h->off;
	d.name_len = (uint16_t)len;
	need = sizeof(d) + (d.has_attr ? sizeof(a) : 0) + ((len + 7) & ~7ul);
	if (need > FSRV_DATA_MAX - at)
		return false;
	memset(c->out + at, 0, need);
	memcpy(c->out + at, &d, sizeof(d));
	at += sizeof(d);
	if (d.has_attr) {
		memcpy(c->out + at, &a, sizeof(a));
		at += sizeof(a);
	}
	memcpy(c->out + at, h->name, len);
	c->r->data_len += (uint32_t)need;
	c->r->arg = (uint64_t)h->off;
	return true;
}

static bool is_dot_or_dotdot(const char *s)
{
	return s[0] == '.' && (!s[1] || (s[1] == '.' && !s[2]));
}

/* Fill the reply from an open directory. Returns 0 or -errno. */
static int read_entries(struct fsrv_call *c, int fd)
{
	_Alignas(8) char buf[8192];
	bool room = true;

	while (room) {
		long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));

		if (n < 0)
			return c->r->data_len ? 0 : -errno;
		if (n == 0) {
			c->r->arg = FSRV_READDIR_END;
			break;
		}
		for (long at = 0; room && at < n;) {
			struct host_dirent *h = (void *)(buf + at);

			at += h->reclen;
			if (is_dot_or_dotdot(h->name))
				c->r->arg = (uint64_t)h->off;
			else
				room = add_entry(c, fd, h);
		}
	}
	return 0;
}

/* What may be listed: attributes are what lookups give. */
static uint32_t list_needs(const struct fsrv_call *c)
{
	return c->q.flags & (FSRV_READDIR_ATTR | FSRV_READDIR_ATTR_DIRS) ? 5 :
									  4;
}

static int list(struct fsrv_call *c)
{
	int fd, err = 0;

	c->r->arg = c->q.offset;
	if (c->q.offset == FSRV_READDIR_END)
		return 0;
	fd = openat(c->dir->fd, ".", O_RDONLY | O_DIRECTORY | FSRV_OPEN_ALWAYS);
	if (fd < 0)
		return -errno;
	if (c->q.offset && lseek(fd, (off_t)c->q.offset, SEEK_SET) < 0)
		err = -errno;
	else
		err = read_entries(c, fd);
	close(fd);
	return err;
}

/* c's directory becomes the one that the request names, if it names one; with
 * an error nothing is left of that. bits: as fsrv_check_directory. */
static int enter_named(struct fsrv_call *c, uint32_t bits)
{
	struct host_statx x;
	int err = fsrv_check_directory(c, *c->name ? 1 : bits);

	if (err || !*c->name)
		return err;
	err = fsrv_lookup_directory(c, &x);
	if (err)
		return err;
	/* a window into the host's kernel gets none */
	if (!c->r->handle)
		return -EACCES;
	fsrv_fill_attr(&c->r->attr, &x);
	c->dir = fsrv_handle_find(c->server, c->r->handle);
	return fsrv_others_may(c, x.stx_mode, bits) ? 0 : -EACCES;
}

static int run_in_named(struct fsrv_call *c, uint32_t bits,
			int (*fn)(struct fsrv_call *c))
{
	int err = enter_named(c, bits);

	if (!err)
		err = fn(c);
	if (err && c->r->handle) {
		fsrv_handle_forget(c->server, c->r->handle);
		c->r->handle = 0;
	}
	return err;
}

int fsrv_do_readdir(struct fsrv_call *c)
{
	return run_in_named(c, list_needs(c), list);
}

/* --- trees -------------------------------------------------------------------*/

struct place {
	int fd;			/* of the directory above */
	uint64_t dev;
	uint32_t depth, entry;
};

static int list_tree(struct fsrv_call *c, const struct place *at,
		     const char *name);

/* Open it as a directory that may be listed and searched. Returns a descriptor, or -1. */
static int open_listed(struct fsrv_call *c, const struct place *at,
		       const char *name)
{
	int fd = fsrv_open_beneath(at->fd, name, O_RDONLY | O_DIRECTORY, 0);
	struct host_statx x;

	if (fd < 0)
		return -1;
	if (!fsrv_stat(fd, "", &x) && fsrv_stat_dev(&x) == at->dev &&
	    fsrv_others_may(c, x.stx_mode, 5))
		return fd;
	close(fd);
	return -1;
}

/* The directories among the entries of the reply from start to end. */
static int list_below(struct fsrv_call *c, struct place *at, size_t start,
		      size_t end)
{
	char name[FSRV_NAME_MAX + 1];
	struct fsrv_dirent d;
	int err = 0;

	for (; !err && start < end; at->entry++) {
		memcpy(&d, c->out + start, sizeof(d));
		start += sizeof(d) +
			 (d.has_attr ? sizeof(struct fsrv_attr) : 0);
		memcpy(name, c->out + start, d.name_len);
		name[d.name_len] = 0;
		start += (d.name_len + 7u) & ~7u;
		if (d.type == DT_DIR)
			err = list_tree(c, at, name);
	}
	return err;
}

/* Returns 0 (listed or left out), or -ENOSPC: the reply is full. */
static int list_tree(struct fsrv_call *c, const struct place *at,
		     const char *name)
{
	struct fsrv_listing l = { .depth = at->depth, .entry = at->entry };
	size_t head = c->r->data_len, start = head + sizeof(l);
	struct place below = { .dev = at->dev, .depth = at->depth + 1 };
	int err;

	if (start > FSRV_DATA_MAX)
		return -ENOSPC;
	below.fd = open_listed(c, at, name);
	if (below.fd < 0)
		return 0;
	c->r->data_len = (uint32_t)start;
	c->r->arg = 0;
	err = read_entries(c, below.fd);
	if (err || c->r->arg != FSRV_READDIR_END) {
		c->r->data_len = (uint32_t)head;
		err = err ? 0 : -ENOSPC;
	} else {
		l.len = (uint32_t)(c->r->data_len - start);
		memcpy(c->out + head, &l, sizeof(l));
		if (below.depth < FSRV_TREE_DEPTH)
			err = list_below(c, &below, start, c->r->data_len);
	}
	close(below.fd);
	return err;
}

static int list_trees(struct fsrv_call *c)
{
	struct place at = { .fd = c->dir->fd, .dev = c->dir->dev };
	size_t next = 0;
	int err = 0, more;

	if (fsrv_is_object(c))
		return -ENOTDIR;
	for (; !err; at.entry++) {
		more = fsrv_next_name(c, &next);
		if (more <= 0)
			return more;
		err = list_tree(c, &at, c->name);
	}
	return err == -ENOSPC ? 0 : err;
}

int fsrv_do_readtree(struct fsrv_call *c)
{
	int err = run_in_named(c, 1, list_trees);

	c->r->arg = 0;
	return err;
}
