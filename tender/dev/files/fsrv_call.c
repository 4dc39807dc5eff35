/* SPDX-License-Identifier: MIT */
/*
 * The file server's dispatcher: check the form, find the handles, take the
 * right identity, do it. See abi/fileserver.h for the rules.
 *
 * A request is checked completely before anything is done: lengths add up,
 * names are single components, handles are known and of a kind and export
 * that the operation may have. One table says what each operation needs.
 */
#include "dev/files/fsrv_priv.h"
#include <errno.h>
#include <string.h>

enum op_needs {
	/* a handle of a directory (or a file export); with OPT_NAME and no
	 * name, of any object */
	NEED_DIR = 1,
	NEED_ANY = 2,		/* a handle of any kind */
	NEED_NAME = 4,
	OPT_NAME = 8,		/* a name, or "" for the handle's own object */
	NEED_SECOND = 16,	/* dir2 and name2 too */
	CHANGES = 32,		/* refused on read-only exports */
};

struct op {
	int (*fn)(struct fsrv_call *c);
	unsigned int needs;	/* enum op_needs */
};

static int do_usage(struct fsrv_call *c)
{
	struct fsrv *s = c->server;
	struct fsrv_usage u;
	int err;

	if (!s->usage)
		return -ENOSYS;
	err = s->usage(s->usage_arg, (uint32_t)c->q.arg, &u);
	if (err)
		return err;
	memcpy(c->out, &u, sizeof(u));
	c->r->data_len = sizeof(u);
	return 0;
}

static const struct op ops[] = {
	[FSRV_LOOKUP] = { fsrv_do_lookup, NEED_DIR | NEED_NAME },
	[FSRV_GETATTR] = { fsrv_do_getattr, NEED_ANY },
	[FSRV_OPEN] = { fsrv_do_open, NEED_DIR | OPT_NAME },
	[FSRV_OPEN_MANY] = { fsrv_do_open_many, NEED_DIR },
	[FSRV_CREATE] = { fsrv_do_create, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_READDIR] = { fsrv_do_readdir, NEED_DIR | OPT_NAME },
	[FSRV_READTREE] = { fsrv_do_readtree, NEED_DIR | OPT_NAME },
	[FSRV_MKDIR] = { fsrv_do_mkdir, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_SYMLINK] = { fsrv_do_symlink, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_MKNOD] = { fsrv_do_mknod, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_UNLINK] = { fsrv_do_unlink, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_RMDIR] = { fsrv_do_rmdir, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_RENAME] = { fsrv_do_rename,
			  NEED_DIR | NEED_NAME | NEED_SECOND | CHANGES },
	[FSRV_LINK] = { fsrv_do_link,
			NEED_DIR | OPT_NAME | NEED_SECOND | CHANGES },
	[FSRV_SETATTR] = { fsrv_do_setattr, NEED_ANY | OPT_NAME | CHANGES },
	[FSRV_STATFS] = { fsrv_do_statfs, NEED_ANY },
	[FSRV_FSYNC] = { fsrv_do_fsync, NEED_ANY | CHANGES },
	[FSRV_FALLOCATE] = { fsrv_do_fallocate, NEED_ANY | CHANGES },
	[FSRV_XATTR_GET] = { fsrv_do_xattr_get, NEED_DIR | OPT_NAME },
	[FSRV_XATTR_LIST] = { fsrv_do_xattr_list, NEED_DIR | OPT_NAME },
	[FSRV_TTY_GET] = { fsrv_do_tty_get, 0 },
	[FSRV_TTY_SET] = { fsrv_do_tty_set, 0 },
	[FSRV_TTY_WINSZ] = { fsrv_do_tty_winsz, 0 },
	[FSRV_TTY_FIONREAD] = { fsrv_do_tty_fionread, 0 },
	[FSRV_TTY_FRONT] = { fsrv_do_tty_front, 0 },
	[FSRV_USAGE] = { do_usage, 0 },
};
#define NR_OPS (sizeof(ops) / sizeof(ops[0]))

int fsrv_name_take(char dst[FSRV_NAME_MAX + 1], const char *src, size_t len)
{
	if (len > FSRV_NAME_MAX)
		return -ENAMETOOLONG;
	if (memchr(src, 0, len) || memchr(src, '/', len))
		return -EINVAL;
	memcpy(dst, src, len);
	dst[len] = 0;
	if (!strcmp(dst, ".") || !strcmp(dst, ".."))
		return -EINVAL;
	return 0;
}

int fsrv_call_parse(struct fsrv_call *c, const char *bytes, size_t len)
{
	const char *p = bytes + sizeof(c->q);
	size_t n1, n2;
	int err;

	if (len < sizeof(c->q))
		return -EINVAL;
	memcpy(&c->q, bytes, sizeof(c->q));
	n1 = c->q.name_len;
	n2 = c->q.name2_len;
	if (c->q.data_len > FSRV_DATA_MAX ||
	    len != sizeof(c->q) + n1 + n2 + c->q.data_len)
		return -EINVAL;
	err = fsrv_name_take(c->name, p, n1);
	if (!err)
		err = fsrv_name_take(c->name2, p + n1, n2);
	c->data = p + n1 + n2;
	return err;
}

/* Is the handle one that an operation with these needs may use? */
static int check_handle(struct fsrv_call *c, const struct fsrv_handle *h,
			const char *name, unsigned int needs)
{
	unsigned int flags;

	if (!h)
		return -EBADF;
	flags = c->server->exports[h->export_id].flags;
	if ((needs & CHANGES) &&
	    (flags & (FSRV_EXPORT_READ_ONLY | FSRV_EXPORT_AS_NOBODY)))
		return -EROFS;
	if ((needs & NEED_DIR) && h->kind != FSRV_DIR &&
	    !(h->kind == FSRV_NODE && (needs & OPT_NAME)))
		return -ENOTDIR;
	/* names only lead downwards from directories */
	if (*name && (h->kind != FSRV_DIR || (flags & FSRV_EXPORT_IS_FILE)))
		return -ENOTDIR;
	if ((needs & NEED_NAME) && !*name)
		return -ENOENT;
	return 0;
}

static int check_call(struct fsrv_call *c, const struct op *op)
{
	struct fsrv *s = c->server;
	int err;

	if (!(op->needs & (NEED_NAME | OPT_NAME)) && *c->name)
		return -EINVAL;
	if (!(op->needs & NEED_SECOND) && *c->name2)
		return -EINVAL;
	if (!(op->needs & (NEED_DIR | NEED_ANY)))
		return 0;
	c->dir = fsrv_handle_find(s, c->q.dir);
	err = check_handle(c, c->dir, c->name, op->needs);
	if (err)
		return err;
	c->export = &s->exports[c->dir->export_id];
	if (!(op->needs & NEED_SECOND))
		return 0;
	c->dir2 = fsrv_handle_find(s, c->q.dir2);
	err = check_handle(c, c->dir2, c->name2, op->needs);
	if (err)
		return err;
	/* Two exports may have different rights: no moves between them. */
	return c->dir2->export_id == c->dir->export_id ? 0 : -EXDEV;
}

int fsrv_call_run(struct fsrv_call *c, bool *fatal)
{
	const struct op *op;
	int err;

	if (c->q.op == FSRV_FORGET)
		return fsrv_handle_forget(c->server, c->q.dir);
	if (c->q.op >= NR_OPS || !ops[c->q.op].fn)
		return -ENOSYS;
	op = &ops[c->q.op];
	if (c->q.arg && (op->needs & (NEED_DIR | NEED_ANY)))
		fsrv_handle_forget(c->server, (uint32_t)c->q.arg);
	err = check_call(c, op);
	if (err)
		return err;
	err = fsrv_identity_set(c->server, c->export &&
				(c->export->flags & FSRV_EXPORT_AS_NOBODY));
	if (err) {
		*fatal = true;
		return err;
	}
	return op->fn(c);
}
