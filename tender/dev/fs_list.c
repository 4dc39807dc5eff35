/* SPDX-License-Identifier: MIT */
/*
 * Listing directories in the file system device. The file server's listing is
 * without state, so OPENDIR keeps nothing and its handle is never looked at.
 */
#include "dev/fs_priv.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The entries of one reply, as they are added. */
struct listing {
	struct fs_call *c;
	bool plus;
	size_t at, size;
};

struct entry {
	const char *name;
	uint32_t name_len, type;
	uint64_t ino, next_offset;
	uint32_t export_id;
	const struct fsrv_attr *attr;	/* NULL: none */
};

static size_t entry_size(const struct listing *l, uint32_t name_len)
{
	size_t head = l->plus ? FUSE_NAME_OFFSET_DIRENTPLUS :
				FUSE_NAME_OFFSET;

	return FUSE_DIRENT_ALIGN(head + name_len);
}

/* Returns false when there is no more room. */
static bool add(struct listing *l, const struct entry *e)
{
	size_t need = entry_size(l, e->name_len);
	char *p = l->c->reply + l->at;
	struct fuse_entry_out *out = (void *)p;
	struct fuse_dirent *d = l->plus ?
		&((struct fuse_direntplus *)(void *)p)->dirent : (void *)p;

	if (need > l->size - l->at)
		return false;
	memset(p, 0, need);
	if (l->plus && e->attr) {
		fs_fill_attr(l->c->fs, e->export_id, e->attr, &out->attr);
		out->generation = (uint64_t)e->attr->btime_ns;
	}
	d->ino = e->ino;
	d->off = e->next_offset;
	d->namelen = e->name_len;
	d->type = e->type;
	memcpy(d->name, e->name, e->name_len);
	l->at += need;
	return true;
}

/* --- the root ------------------------------------------------------------------*/

static void root_entry(struct fs_dev *fs, uint64_t index, struct entry *e,
		       char *number, size_t size)
{
	static const char *const names[FS_NR_SPECIAL] = {
		FS_NODE_STDIN, FS_NODE_STDOUT, FS_NODE_STDERR, FS_NODE_LOG,
		FS_NODE_CONTROL,
	};
	struct fs_node *n;

	memset(e, 0, sizeof(*e));
	e->type = DT_REG;
	if (index < FS_NR_SPECIAL) {
		n = fs_special_node(fs, (enum fs_special)index);
		e->name = names[index];
	} else {
		index -= FS_NR_SPECIAL;
		n = fs_export_node(fs, (uint32_t)index);
		if (!(fs->export_flags[index] & FSRV_EXPORT_IS_FILE))
			e->type = DT_DIR;
		snprintf(number, size, "%u", (unsigned int)index);
		e->name = number;
	}
	e->ino = fs_node_id(fs, n);
	e->name_len = (uint32_t)strlen(e->name);
}

static void list_root(struct listing *l, uint64_t offset)
{
	struct fs_dev *fs = l->c->fs;
	uint64_t nr = FS_NR_SPECIAL + fs->nr_exports;
	struct entry e;
	char number[16];

	for (uint64_t i = offset; i < nr; i++) {
		root_entry(fs, i, &e, number, sizeof(number));
		e.next_offset = i + 1;
		if (!add(l, &e))
			break;
	}
}

/* --- directories of the host ------------------------------------------------------*/

/* Turn the server's entries into FUSE's until the reply is full. */
static void convert(struct listing *l, const struct fs_engine *g)
{
	const struct fs_node *n = l->c->node;
	const char *p = l->c->fs->data, *end = p + g->reply.data_len;
	struct entry e = { .export_id = n->export_id };
	struct fsrv_attr attr;
	struct fsrv_dirent d;
	bool room = true;

	while (room && p < end) {
		memcpy(&d, p, sizeof(d));
		p += sizeof(d);
		e.attr = NULL;
		if (d.has_attr) {
			memcpy(&attr, p, sizeof(attr));
			p += sizeof(attr);
			e.attr = &attr;
		}
		e.name = p;
		e.name_len = d.name_len;
		e.type = d.type;
		e.next_offset = d.next_offset;
		e.ino = fs_map_ino(l->c->fs, n->export_id,
				   e.attr ? attr.dev : n->dev,
				   e.attr ? attr.ino : d.ino);
		p += (d.name_len + 7) & ~7u;
		room = add(l, &e);
	}
}

static int list(struct fs_call *c, bool plus)
{
	const struct fuse_read_in *in = &c->arg.read;
	struct listing l = { .c = c, .plus = plus };
	struct fs_engine g;
	int err;

	l.size = in->size < fs_room(c) ? in->size : fs_room(c);
	if (c->node->kind == FS_NODE_ROOT) {
		list_root(&l, in->offset);
		c->reply_len = l.at;
		return 0;
	}
	if (c->node->kind != FS_NODE_OBJECT)
		return -ENOTDIR;
	fs_engine_init(c, &g, FSRV_READDIR, c->node->handle);
	g.call.q.offset = in->offset;
	g.call.q.flags = plus ? FSRV_READDIR_ATTR : 0;
	err = fs_engine_run(c, &g);
	if (err)
		return err;
	convert(&l, &g);
	/* nothing would mean the end */
	if (!l.at && g.reply.data_len)
		return -EINVAL;
	c->reply_len = l.at;
	return 0;
}

int fs_do_readdir(struct fs_call *c)
{
	return list(c, false);
}

int fs_do_readdirplus(struct fs_call *c)
{
	return list(c, true);
}

int fs_do_opendir(struct fs_call *c)
{
	struct fs_engine g;
	int err = 0;

	fs_engine_init(c, &g, FSRV_GETATTR, c->node->handle);
	if (c->node->kind == FS_NODE_OBJECT)
		err = fs_engine_run(c, &g);
	else if (c->node->kind != FS_NODE_ROOT)
		err = -ENOTDIR;
	if (!err && c->node->kind == FS_NODE_OBJECT &&
	    !S_ISDIR(g.reply.attr.mode))
		err = -ENOTDIR;
	if (err)
		return err;
	memset(c->reply, 0, sizeof(struct fuse_open_out));
	c->reply_len = sizeof(struct fuse_open_out);
	return 0;
}
