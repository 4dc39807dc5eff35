/* SPDX-License-Identifier: MIT */
/*
 * Attributes in the file system device: FUSE's form from the file server's and
 * back, extended attributes, and what a file system has left.
 */
#include "dev/fs_priv.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define NSEC		1000000000ll
#define STILL_SEC	3600u	/* what does not change may be kept */
#define BLKSIZE		4096u
#define VALID_KNOWN	(FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE | \
			 FATTR_ATIME | FATTR_MTIME)

uint64_t fs_map_ino(const struct fs_dev *fs, uint32_t export_id, uint64_t dev,
		    uint64_t ino)
{
	/* Other host file systems below the export: keep numbers apart. */
	if (dev != fs->root_dev[export_id])
		ino ^= (dev * 0x9e3779b97f4a7c15ull) & ~0xffffffffffull;
	return ino;
}

static void split_ns(int64_t ns, uint64_t *sec, uint32_t *nsec)
{
	int64_t s = ns / NSEC, rest = ns % NSEC;

	if (rest < 0) {
		rest += NSEC;
		s--;
	}
	*sec = (uint64_t)s;
	*nsec = (uint32_t)rest;
}

static int join_ns(uint64_t sec, uint32_t nsec, int64_t *ns)
{
	int64_t s = (int64_t)sec;

	if (nsec >= NSEC)
		return -EINVAL;
	/* beyond the years 1677 to 2262 */
	if (s >= INT64_MAX / NSEC || s <= INT64_MIN / NSEC)
		return -EOVERFLOW;
	*ns = s * NSEC + nsec;
	return 0;
}

static uint32_t device_number(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffu) << 12;
}

void fs_fill_attr(const struct fs_dev *fs, uint32_t export_id,
		  const struct fsrv_attr *a, struct fuse_attr *out)
{
	memset(out, 0, sizeof(*out));
	out->ino = fs_map_ino(fs, export_id, a->dev, a->ino);
	out->size = a->size;
	out->blocks = a->blocks;
	split_ns(a->atime_ns, &out->atime, &out->atimensec);
	split_ns(a->mtime_ns, &out->mtime, &out->mtimensec);
	split_ns(a->ctime_ns, &out->ctime, &out->ctimensec);
	out->mode = a->mode;
	out->nlink = a->nlink;
	out->uid = a->uid;
	out->gid = a->gid;
	out->rdev = device_number(a->rdev_major, a->rdev_minor);
	out->blksize = a->blksize;
}

void fs_fill_made_up(const struct fs_dev *fs, const struct fs_node *n,
		     struct fuse_attr *out)
{
	memset(out, 0, sizeof(*out));
	out->ino = fs_node_id(fs, n);
	out->nlink = 1;
	out->blksize = BLKSIZE;
	out->mode = n->kind == FS_NODE_ROOT ? S_IFDIR | 0555 :
					      S_IFREG | 0600;
}

/* How long the guest may keep what it was told about n. */
static uint64_t valid_sec(const struct fs_dev *fs, const struct fs_node *n)
{
	if (n->kind == FS_NODE_OBJECT &&
	    (fs->export_flags[n->export_id] & FSRV_EXPORT_LIVE))
		return 0;
	return STILL_SEC;
}

void fs_fill_entry(struct fs_dev *fs, const struct fs_node *n,
		   const struct fsrv_attr *a, struct fuse_entry_out *out)
{
	memset(out, 0, sizeof(*out));
	out->nodeid = fs_node_id(fs, n);
	out->entry_valid = out->attr_valid = valid_sec(fs, n);
	if (!a) {
		fs_fill_made_up(fs, n, &out->attr);
		return;
	}
	out->generation = (uint64_t)a->btime_ns;
	fs_fill_attr(fs, n->export_id, a, &out->attr);
}

static void reply_attr(struct fs_call *c, const struct fsrv_attr *a)
{
	struct fuse_attr_out *out = (void *)c->reply;

	memset(out, 0, sizeof(*out));
	out->attr_valid = valid_sec(c->fs, c->node);
	if (a)
		fs_fill_attr(c->fs, c->node->export_id, a, &out->attr);
	else
		fs_fill_made_up(c->fs, c->node, &out->attr);
	c->reply_len = sizeof(*out);
}

/* The open file's own handle where there is one: its name may be gone. */
static uint32_t handle_of(struct fs_call *c, bool has_fh, uint64_t fh)
{
	struct fs_file *f = has_fh ? fs_file_find(c->fs, fh) : NULL;

	return f && f->has_handle ? f->handle : c->node->handle;
}

int fs_do_getattr(struct fs_call *c)
{
	const struct fuse_getattr_in *in = &c->arg.getattr;
	struct fs_engine g;
	int err;

	if (c->node->kind != FS_NODE_OBJECT) {
		reply_attr(c, NULL);
		return 0;
	}
	fs_engine_init(c, &g, FSRV_GETATTR,
		       handle_of(c, in->getattr_flags & FUSE_GETATTR_FH,
				 in->fh));
	err = fs_engine_run(c, &g);
	if (!err)
		reply_attr(c, &g.reply.attr);
	return err;
}

static uint32_t server_valid(uint32_t v)
{
	return (v & FATTR_MODE ? FSRV_SET_MODE : 0u) |
	       (v & FATTR_UID ? FSRV_SET_UID : 0u) |
	       (v & FATTR_GID ? FSRV_SET_GID : 0u) |
	       (v & FATTR_SIZE ? FSRV_SET_SIZE : 0u) |
	       (v & FATTR_ATIME ? FSRV_SET_ATIME : 0u) |
	       (v & FATTR_MTIME ? FSRV_SET_MTIME : 0u);
}

int fs_do_setattr(struct fs_call *c)
{
	const struct fuse_setattr_in *in = &c->arg.setattr;
	struct fs_engine g;
	struct fsrv_attr *a = &g.call.q.attr;
	int err = 0;

	/* opening a stream for writing wants it truncated: it has no size */
	if (c->node->kind == FS_NODE_SPECIAL) {
		reply_attr(c, NULL);
		return in->valid & (FATTR_MODE | FATTR_UID | FATTR_GID) ?
		       -EPERM : 0;
	}
	if (c->node->kind == FS_NODE_ROOT)
		return -EROFS;
	fs_engine_init(c, &g, FSRV_SETATTR,
		       handle_of(c, in->valid & FATTR_FH, in->fh));
	g.call.q.valid = server_valid(in->valid & VALID_KNOWN);
	a->mode = in->mode;
	a->uid = in->uid;
	a->gid = in->gid;
	a->size = in->size;
	if (in->valid & FATTR_ATIME)
		err = join_ns(in->atime, in->atimensec, &a->atime_ns);
	if (!err && (in->valid & FATTR_MTIME))
		err = join_ns(in->mtime, in->mtimensec, &a->mtime_ns);
	if (!err)
		err = fs_engine_run(c, &g);
	if (!err)
		reply_attr(c, &g.reply.attr);
	return err;
}

int fs_do_statfs(struct fs_call *c)
{
	struct fuse_statfs_out *out = (void *)c->reply;
	struct fsrv_statfs f = { .bsize = BLKSIZE, .namelen = FSRV_NAME_MAX };
	struct fs_engine g;
	int err;

	if (c->node->kind == FS_NODE_OBJECT) {
		fs_engine_init(c, &g, FSRV_STATFS, c->node->handle);
		err = fs_engine_run(c, &g);
		if (err)
			return err;
		memcpy(&f, c->fs->data, sizeof(f));
	}
	memset(out, 0, sizeof(*out));
	out->st.blocks = f.blocks;
	out->st.bfree = f.bfree;
	out->st.bavail = f.bavail;
	out->st.files = f.files;
	out->st.ffree = f.ffree;
	out->st.bsize = out->st.frsize = (uint32_t)f.bsize;
	out->st.namelen = (uint32_t)f.namelen;
	out->st.padding = (uint32_t)f.type;
	c->reply_len = sizeof(*out);
	return 0;
}

/* --- extended attributes -------------------------------------------------------*/

/* As much as was asked for, or how much there is. */
static int reply_xattr(struct fs_call *c, const struct fs_engine *g)
{
	uint32_t len = g->reply.data_len, size = c->arg.getxattr.size;
	struct fuse_getxattr_out out = { .size = len };

	if (!size) {
		memcpy(c->reply, &out, sizeof(out));
		c->reply_len = sizeof(out);
		return 0;
	}
	if (len > size || len > fs_room(c))
		return -ERANGE;
	memcpy(c->reply, c->fs->data, len);
	c->reply_len = len;
	return 0;
}

int fs_do_getxattr(struct fs_call *c)
{
	struct fs_engine g;
	int err;

	if (c->node->kind != FS_NODE_OBJECT)
		return -ENODATA;
	fs_engine_init(c, &g, FSRV_XATTR_GET, c->node->handle);
	g.call.data = c->name[0];
	g.call.q.data_len = (uint32_t)strlen(c->name[0]);
	err = fs_engine_run(c, &g);
	return err ? err : reply_xattr(c, &g);
}

int fs_do_listxattr(struct fs_call *c)
{
	struct fs_engine g;
	int err = 0;

	fs_engine_init(c, &g, FSRV_XATTR_LIST, c->node->handle);
	if (c->node->kind == FS_NODE_OBJECT)
		err = fs_engine_run(c, &g);
	return err ? err : reply_xattr(c, &g);
}
