/* SPDX-License-Identifier: MIT */
/*
 * Names in the file system device: looking them up, making, moving and
 * removing them. The file server checks and does all of it; here are the two
 * forms of a request, and the root, which is made up.
 */
#include "dev/fs_priv.h"
#include <errno.h>
#include <string.h>

#define CREATE_FLAGS	03u	/* O_ACCMODE */

static const char *const special_names[FS_NR_SPECIAL] = {
	[FS_STDIN] = FS_NODE_STDIN, [FS_STDOUT] = FS_NODE_STDOUT,
	[FS_STDERR] = FS_NODE_STDERR, [FS_LOG] = FS_NODE_LOG,
	[FS_CONTROL] = FS_NODE_CONTROL,
};

/* --- the root ------------------------------------------------------------------*/

/* A number without leading zeros, or UINT32_MAX. */
static uint32_t parse_number(const char *s)
{
	uint32_t v = 0;

	if (!*s || (*s == '0' && s[1]) || strlen(s) > 4)
		return UINT32_MAX;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return UINT32_MAX;
		v = v * 10 + (uint32_t)(*s - '0');
	}
	return v;
}

static int lookup_export(struct fs_call *c, struct fs_node *n)
{
	struct fs_engine g;
	int err;

	fs_engine_init(c, &g, FSRV_GETATTR, n->handle);
	err = fs_engine_run(c, &g);
	if (err)
		return err;
	fs_fill_entry(c->fs, n, &g.reply.attr, (void *)c->reply);
	c->reply_len = sizeof(struct fuse_entry_out);
	return 0;
}

static int lookup_root(struct fs_call *c)
{
	struct fs_node *n = fs_export_node(c->fs, parse_number(c->name[0]));

	if (n)
		return lookup_export(c, n);
	for (uint32_t i = 0; i < FS_NR_SPECIAL; i++) {
		if (strcmp(c->name[0], special_names[i]))
			continue;
		fs_fill_entry(c->fs, fs_special_node(c->fs, i), NULL,
			      (void *)c->reply);
		c->reply_len = sizeof(struct fuse_entry_out);
		return 0;
	}
	return -ENOENT;
}

/* --- one name -------------------------------------------------------------------*/

/* A request about name[i] in the directory that c is about. */
static int begin(struct fs_call *c, struct fs_engine *g, uint32_t op,
		 uint32_t i)
{
	const char *name = c->name[i];

	if (c->node->kind == FS_NODE_ROOT)
		return -EROFS;
	if (c->node->kind != FS_NODE_OBJECT)
		return -ENOTDIR;
	fs_engine_init(c, g, op, c->node->handle);
	return fsrv_name_take(g->call.name, name, strlen(name));
}

/* The server's answer with a handle becomes a node and an entry. */
static int reply_entry(struct fs_call *c, const struct fs_engine *g)
{
	uint32_t export_id = c->node->export_id;
	struct fs_node *n;
	int err = fs_node_get(c->fs, export_id, g->reply.handle,
			      &g->reply.attr, &n);

	if (err)
		return err;
	fs_fill_entry(c->fs, n, &g->reply.attr, (void *)c->reply);
	c->reply_len = sizeof(struct fuse_entry_out);
	return 0;
}

/* Is there room for an entry in the reply? Else a node would be lost. */
static int check_room(const struct fs_call *c, size_t need)
{
	return fs_room(c) < need ? -EINVAL : 0;
}

static int run_for_entry(struct fs_call *c, struct fs_engine *g)
{
	int err = check_room(c, sizeof(struct fuse_entry_out));

	if (err)
		return err;
	g->call.want_node = true;
	err = fs_engine_run(c, g);
	return err ? err : reply_entry(c, g);
}

int fs_do_lookup(struct fs_call *c)
{
	struct fs_engine g;
	int err;

	if (c->node->kind == FS_NODE_ROOT)
		return lookup_root(c);
	err = begin(c, &g, FSRV_LOOKUP, 0);
	return err ? err : run_for_entry(c, &g);
}

int fs_do_readlink(struct fs_call *c)
{
	size_t room = fs_room(c);
	ssize_t n;

	if (c->node->kind != FS_NODE_OBJECT)
		return -EINVAL;
	n = fsrv_node_readlink(c->fs->owner.server, c->node->handle, c->reply,
			       room);
	if (n < 0)
		return (int)n;
	c->reply_len = (size_t)n;
	return 0;
}

int fs_do_symlink(struct fs_call *c)
{
	struct fs_engine g;
	int err = begin(c, &g, FSRV_SYMLINK, 0);

	if (err)
		return err;
	g.call.data = c->name[1];
	g.call.q.data_len = (uint32_t)strlen(c->name[1]);
	return run_for_entry(c, &g);
}

int fs_do_mknod(struct fs_call *c)
{
	struct fs_engine g;
	int err = begin(c, &g, FSRV_MKNOD, 0);

	g.call.q.mode = c->arg.mknod.mode;
	return err ? err : run_for_entry(c, &g);
}

int fs_do_mkdir(struct fs_call *c)
{
	struct fs_engine g;
	int err = begin(c, &g, FSRV_MKDIR, 0);

	g.call.q.mode = c->arg.mkdir.mode;
	return err ? err : run_for_entry(c, &g);
}

int fs_do_unlink(struct fs_call *c)
{
	struct fs_engine g;
	int err = begin(c, &g, FSRV_UNLINK, 0);

	return err ? err : fs_engine_run(c, &g);
}

int fs_do_rmdir(struct fs_call *c)
{
	struct fs_engine g;
	int err = begin(c, &g, FSRV_RMDIR, 0);

	return err ? err : fs_engine_run(c, &g);
}

static int rename_to(struct fs_call *c, uint64_t newdir, uint32_t flags)
{
	struct fs_node *to = fs_node_find(c->fs, newdir);
	struct fs_engine g;
	int err = begin(c, &g, FSRV_RENAME, 0);

	if (err)
		return err;
	if (!to)
		return -ESTALE;
	if (to->kind != FS_NODE_OBJECT)
		return -EXDEV;
	g.call.q.dir2 = to->handle;
	g.call.q.flags = flags;
	err = fsrv_name_take(g.call.name2, c->name[1], strlen(c->name[1]));
	return err ? err : fs_engine_run(c, &g);
}

int fs_do_rename(struct fs_call *c)
{
	return rename_to(c, c->arg.rename.newdir, 0);
}

int fs_do_rename2(struct fs_call *c)
{
	return rename_to(c, c->arg.rename2.newdir, c->arg.rename2.flags);
}

/* Then the new name is looked up: the answer is an entry. */
int fs_do_link(struct fs_call *c)
{
	struct fs_node *from = fs_node_find(c->fs, c->arg.link.oldnodeid);
	struct fs_engine g;
	int err = begin(c, &g, FSRV_LINK, 0);

	if (!err)
		err = check_room(c, sizeof(struct fuse_entry_out));
	if (err)
		return err;
	if (!from)
		return -ESTALE;
	if (from->kind != FS_NODE_OBJECT)
		return -EXDEV;
	memcpy(g.call.name2, g.call.name, sizeof(g.call.name2));
	g.call.name[0] = 0;
	g.call.q.dir = from->handle;
	g.call.q.dir2 = c->node->handle;
	err = fs_engine_run(c, &g);
	return err ? err : fs_do_lookup(c);
}

/* --- CREATE ----------------------------------------------------------------------*/

/* Node and entry of what was just made, which somebody may have replaced. */
static int look_up_made(struct fs_call *c, uint64_t ino,
			struct fuse_entry_out *entry)
{
	int err = fs_do_lookup(c);

	if (err)
		return err;
	memcpy(entry, c->reply, sizeof(*entry));
	c->reply_len = 0;
	if (entry->attr.ino == ino)
		return 0;
	fs_node_forget(c->fs, entry->nodeid, 1);
	return -ESTALE;
}

int fs_do_create(struct fs_call *c)
{
	struct fuse_open_out open;
	struct fuse_entry_out entry;
	struct fs_engine g;
	uint64_t ino;
	int err = begin(c, &g, FSRV_CREATE, 0);

	if (!err)
		err = check_room(c, sizeof(entry) + sizeof(open));
	if (err)
		return err;
	g.call.q.flags = c->arg.create.flags & CREATE_FLAGS;
	g.call.q.mode = c->arg.create.mode;
	err = fs_engine_run(c, &g);
	if (!err)
		err = fs_file_keep(c, &g, &open);
	if (err)
		return err;
	ino = fs_map_ino(c->fs, c->node->export_id, g.reply.attr.dev,
			 g.reply.attr.ino);
	err = look_up_made(c, ino, &entry);
	if (err) {
		fs_file_release(c->fs, fs_file_find(c->fs, open.fh));
		return err;
	}
	memcpy(c->reply, &entry, sizeof(entry));
	memcpy(c->reply + sizeof(entry), &open, sizeof(open));
	c->reply_len = sizeof(entry) + sizeof(open);
	return 0;
}
