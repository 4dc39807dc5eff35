/* SPDX-License-Identifier: MIT */
/*
 * plat_server_call: one request of the file server protocol, answered by the
 * file system device. Here: the form of requests, and the handles, which name
 * nodes of FUSE or open files. Handle 0 to ABI_NR_MOUNTS_MAX - 1 are the roots
 * of the exports, whose nodes have fixed numbers.
 */
#include "abi/boot.h"
#include "abi/fs_device.h"
#include "core/heap.h"
#include "lib/string.h"
#include "platform/kvm/hostfd.h"
#include "platform/kvm/server_priv.h"
#include "platform/platform.h"

#define HANDLES_FIRST	8u
#define HANDLES_MAX	(1u << 20)
#define NR_ROOTS	ABI_NR_MOUNTS_MAX

/* Under the channel's lock. */
static struct {
	struct server_handle *handle;
	uint32_t nr;
	uint32_t free;		/* list of handles by next_free; 0: empty */
} table;
static int64_t root_btime_ns[NR_ROOTS];	/* 0: not known; channel's lock */

/* --- handles -----------------------------------------------------------------*/

static int grow(void)
{
	uint32_t nr = table.nr ? table.nr * 2 : HANDLES_FIRST;
	struct server_handle *bigger;

	if (nr > HANDLES_MAX)
		return -EMFILE;
	bigger = krealloc(table.handle, nr * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	for (uint32_t i = nr; i-- > table.nr;) {
		bigger[i] = (struct server_handle){ .next_free = table.free };
		table.free = i + NR_ROOTS;
	}
	table.handle = bigger;
	table.nr = nr;
	return 0;
}

int server_handle_add(uint64_t nodeid, int64_t btime_ns,
		      struct hostopen *open, uint32_t *handle)
{
	int err = table.free ? 0 : grow();
	struct server_handle *h;

	if (err) {
		/* an open file has the node's reference itself */
		if (!open)
			fuse_forget(nodeid, 1);
		hostopen_put(open);
		return err;
	}
	*handle = table.free;
	h = &table.handle[*handle - NR_ROOTS];
	table.free = h->next_free;
	*h = (struct server_handle){
		.nodeid = nodeid, .btime_ns = btime_ns, .open = open,
	};
	return 0;
}

static int find(uint32_t handle, struct server_handle *out)
{
	if (handle < NR_ROOTS) {
		*out = (struct server_handle){
			.nodeid = FS_NODEID_EXPORT + handle,
			.btime_ns = root_btime_ns[handle],
		};
		return 0;
	}
	if (handle - NR_ROOTS >= table.nr ||
	    !table.handle[handle - NR_ROOTS].nodeid)
		return -EBADF;
	*out = table.handle[handle - NR_ROOTS];
	return 0;
}

static int forget(uint32_t handle)
{
	struct server_handle h;
	int err = handle < NR_ROOTS ? -EBADF : find(handle, &h);

	if (err)
		return err;
	table.handle[handle - NR_ROOTS] = (struct server_handle){
		.next_free = table.free,
	};
	table.free = handle;
	if (h.open)
		hostopen_put(h.open);
	else
		fuse_forget(h.nodeid, 1);
	return 0;
}

/* --- requests ----------------------------------------------------------------*/

enum needs { NEED_DIR = 1, NEED_DIR2 = 2 };

/* Of a root by its name: then its birth time comes too. */
static int do_getattr(struct server_call *c)
{
	int err;

	if (c->q.dir >= NR_ROOTS)
		return server_do_getattr(c);
	err = server_do_getattr_root(c, c->q.dir);
	if (!err)
		root_btime_ns[c->q.dir] = c->r->attr.btime_ns;
	return err;
}

/* By a name below c->dir: a look-up first. */
static int do_readdir(struct server_call *c)
{
	uint32_t flags = c->q.flags;
	int err;

	if (!*c->name)
		return server_do_readdir(c);
	c->q.flags = 0;
	err = server_do_lookup(c);
	c->q.flags = flags;
	if (!err)
		err = c->r->handle ? find(c->r->handle, &c->dir) : -ENOTDIR;
	c->r->data_len = 0;
	if (!err)
		err = server_do_readdir(c);
	if (err)
		(void)!forget(c->r->handle);	/* if there is one */
	return err;
}

static const struct op {
	int (*fn)(struct server_call *c);
	uint32_t needs;		/* enum needs */
} ops[] = {
	[FSRV_LOOKUP] = { server_do_lookup, NEED_DIR },
	[FSRV_GETATTR] = { do_getattr, NEED_DIR },
	[FSRV_OPEN] = { server_do_open, NEED_DIR },
	[FSRV_CREATE] = { server_do_create, NEED_DIR },
	[FSRV_READDIR] = { do_readdir, NEED_DIR },
	[FSRV_MKDIR] = { server_do_mkdir, NEED_DIR },
	[FSRV_SYMLINK] = { server_do_symlink, NEED_DIR },
	[FSRV_MKNOD] = { server_do_mknod, NEED_DIR },
	[FSRV_UNLINK] = { server_do_unlink, NEED_DIR },
	[FSRV_RMDIR] = { server_do_rmdir, NEED_DIR },
	[FSRV_RENAME] = { server_do_rename, NEED_DIR | NEED_DIR2 },
	[FSRV_LINK] = { server_do_link, NEED_DIR | NEED_DIR2 },
	[FSRV_SETATTR] = { server_do_setattr, NEED_DIR },
	[FSRV_STATFS] = { server_do_statfs, NEED_DIR },
	[FSRV_FSYNC] = { server_do_fsync, NEED_DIR },
	[FSRV_FALLOCATE] = { server_do_fallocate, NEED_DIR },
	[FSRV_XATTR_GET] = { server_do_xattr_get, NEED_DIR },
	[FSRV_XATTR_LIST] = { server_do_xattr_list, NEED_DIR },
	[FSRV_TTY_GET] = { server_do_tty, 0 },
	[FSRV_TTY_SET] = { server_do_tty, 0 },
	[FSRV_TTY_WINSZ] = { server_do_tty, 0 },
	[FSRV_TTY_FIONREAD] = { server_do_tty, 0 },
	[FSRV_TTY_FRONT] = { server_do_tty, 0 },
};

static int run(struct server_call *c)
{
	const struct op *op;
	int err = 0;

	if (c->q.op != FSRV_OPEN)
		server_drop_last();
	if (c->q.op == FSRV_FORGET)
		return forget(c->q.dir);
	if (c->q.op >= ARRAY_LEN(ops) || !ops[c->q.op].fn)
		return -ENOSYS;
	op = &ops[c->q.op];
	if (op->needs && c->q.arg)
		(void)!forget((uint32_t)c->q.arg);
	if (op->needs & NEED_DIR)
		err = find(c->q.dir, &c->dir);
	if (!err && (op->needs & NEED_DIR2))
		err = find(c->q.dir2, &c->dir2);
	return err ? err : op->fn(c);
}

/* The request comes from the kernel itself (fs/hostfs/channel.c). */
static int parse(struct server_call *c, const char *bytes, size_t len)
{
	const char *p = bytes + sizeof(c->q);

	if (len < sizeof(c->q))
		return -EINVAL;
	memcpy(&c->q, bytes, sizeof(c->q));
	if (c->q.name_len > FSRV_NAME_MAX || c->q.name2_len > FSRV_NAME_MAX ||
	    len != sizeof(c->q) + c->q.name_len + c->q.name2_len +
	    c->q.data_len)
		return -EINVAL;
	memcpy(c->name, p, c->q.name_len);
	c->name[c->q.name_len] = 0;
	p += c->q.name_len;
	memcpy(c->name2, p, c->q.name2_len);
	c->name2[c->q.name2_len] = 0;
	c->data = p + c->q.name2_len;
	return 0;
}

int plat_server_call(const void *req, size_t req_len, void *reply,
		     size_t reply_max, size_t *reply_len, int *fds)
{
	struct fsrv_reply *r = reply;
	struct server_call c;
	int err;

	c.r = r;
	c.out = (char *)(r + 1);
	c.open = NULL;
	memset(fds, 0xff, FSRV_FDS_MAX * sizeof(*fds));
	if (reply_max < sizeof(*r) + FSRV_DATA_MAX)
		return -EINVAL;
	memset(r, 0, sizeof(*r));
	err = parse(&c, req, req_len);
	if (!err)
		err = run(&c);
	if (!err && c.open) {
		fds[0] = hostfd_add(c.open);
		if (fds[0] < 0) {
			err = fds[0];
			fds[0] = -1;
			(void)!forget(r->handle);	/* if there is one */
		}
	}
	r->error = err;
	r->has_fd = fds[0] >= 0;
	if (err)
		r->data_len = 0;
	*reply_len = sizeof(*r) + r->data_len;
	return 0;
}
