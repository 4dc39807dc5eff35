/* SPDX-License-Identifier: MIT */
/*
 * What the file server is asked, in requests of FUSE. A name that is not a
 * handle yet costs a LOOKUP first; its reference goes to a handle or to an
 * open file, or is given back at once.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "lib/string.h"
#include "platform/kvm/server_priv.h"
#include "platform/platform.h"

#define EXPORT_DEV	1u	/* attr.ino is unique within an export */
#define NSEC		((int64_t)NSEC_PER_SEC)
#define LAST_NS		300000u

/* --- attributes ----------------------------------------------------------------*/

static int64_t join_ns(uint64_t sec, uint32_t nsec)
{
	return (int64_t)sec * NSEC + nsec;
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

void server_take_attr(struct fsrv_attr *out, const struct fuse_attr *a,
		      int64_t btime_ns)
{
	*out = (struct fsrv_attr){
		.dev = EXPORT_DEV, .ino = a->ino, .size = a->size,
		.blocks = a->blocks, .mode = a->mode, .nlink = a->nlink,
		.uid = a->uid, .gid = a->gid,
		.rdev_major = a->rdev >> 8 & 0xfff,
		.rdev_minor = (a->rdev & 0xff) | (a->rdev >> 12 & 0xfff00),
		.blksize = a->blksize,
		.atime_ns = join_ns(a->atime, a->atimensec),
		.mtime_ns = join_ns(a->mtime, a->mtimensec),
		.ctime_ns = join_ns(a->ctime, a->ctimensec),
		.btime_ns = btime_ns,
	};
}

static void take_entry(struct server_call *c, const struct fuse_entry_out *e)
{
	server_take_attr(&c->r->attr, &e->attr, (int64_t)e->generation);
}

/* --- objects --------------------------------------------------------------------*/

/* The entry `name` in a directory, with one reference of its node. */
static int lookup(uint64_t dir, const char *name, struct fuse_entry_out *e)
{
	struct fuse_msg m = { .opcode = FUSE_LOOKUP, .nodeid = dir };
	int err;

	fuse_send(&m, name, strlen(name) + 1);
	fuse_receive(&m, e, sizeof(*e));
	err = fuse_call_exact(&m);
	if (!err && !e->nodeid)
		err = -ENOENT;
	return err;
}

/*
 * The file that was looked up last, with its reference: most are opened next.
 * Under the channel's lock.
 */
static struct {
	struct fuse_entry_out e;	/* nodeid 0: none */
	uint64_t dir, until_ns;
	char name[FSRV_NAME_MAX + 1];
} last;

void server_drop_last(void)
{
	if (last.e.nodeid)
		fuse_forget(last.e.nodeid, 1);
	last.e.nodeid = 0;
}

/* e's reference is taken over. */
static void keep_last(const struct server_call *c,
		      const struct fuse_entry_out *e)
{
	last.e = *e;
	last.dir = c->dir.nodeid;
	last.until_ns = plat_clock_mono_ns() + LAST_NS;
	strlcpy(last.name, c->name, sizeof(last.name));
}

/* As lookup() of what c is about, but what is known for so short a time that
 * the host's answer could be as old. */
static int lookup_again(struct server_call *c, struct fuse_entry_out *e)
{
	if (last.e.nodeid && last.dir == c->dir.nodeid &&
	    plat_clock_mono_ns() < last.until_ns &&
	    !strcmp(last.name, c->name)) {
		*e = last.e;
		last.e.nodeid = 0;
		return 0;
	}
	server_drop_last();
	return lookup(c->dir.nodeid, c->name, e);
}

/* The object that c is about: (dir, name), or dir's own if there is no name;
 * *temporary: forget it when done. */
static int find_object(struct server_call *c, uint64_t *nodeid,
		       int64_t *btime_ns, bool *temporary)
{
	struct fuse_entry_out e;
	int err;

	*nodeid = c->dir.nodeid;
	*btime_ns = c->dir.btime_ns;
	*temporary = *c->name;
	if (!*temporary)
		return 0;
	err = lookup(c->dir.nodeid, c->name, &e);
	if (err)
		return err;
	*nodeid = e.nodeid;
	*btime_ns = (int64_t)e.generation;
	return 0;
}

/* Open a node, whose reference is taken over. */
static int open_node(uint64_t nodeid, uint64_t size, uint32_t flags,
		     struct hostopen **out, bool *still)
{
	struct fuse_msg m = { .opcode = FUSE_OPEN, .nodeid = nodeid };
	struct fuse_open_in in = { .flags = flags };
	struct fuse_open_out o;
	struct hostfile *f;
	int err;

	fuse_send(&m, &in, sizeof(in));
	fuse_receive(&m, &o, sizeof(o));
	err = fuse_call_exact(&m);
	if (err) {
		fuse_forget(nodeid, 1);
		return err;
	}
	*still = o.open_flags & FOPEN_KEEP_CACHE;
	f = hostfile_of_node(nodeid, *still);
	if (f)
		hostfile_set_likely_size(f, size);
	*out = f ? hostopen_create(f, o.fh, (flags & O_ACCMODE) != O_WRONLY,
				   (flags & O_ACCMODE) != O_RDONLY) : NULL;
	return *out ? 0 : -ENOMEM;
}

/* The reply about a node that was found or made: a handle if it is a
 * directory. Takes the node's reference over. */
static int give_node(struct server_call *c, const struct fuse_entry_out *e)
{
	take_entry(c, e);
	if (S_ISDIR(e->attr.mode))
		return server_handle_add(e->nodeid, (int64_t)e->generation,
					 NULL, &c->r->handle);
	fuse_forget(e->nodeid, 1);
	return 0;
}

static int readlink(struct server_call *c, uint64_t nodeid)
{
	struct fuse_msg m = { .opcode = FUSE_READLINK, .nodeid = nodeid };
	int err;

	fuse_receive(&m, c->out, FSRV_DATA_MAX);
	err = fuse_call(&m);
	c->r->data_len = m.got;
	return err;
}

int server_do_lookup(struct server_call *c)
{
	struct fuse_entry_out e;
	bool still;
	int err = lookup(c->dir.nodeid, c->name, &e);

	if (err)
		return err;
	if (S_ISDIR(e.attr.mode) && !(c->q.flags & FSRV_LOOKUP_ATTR))
		return give_node(c, &e);
	take_entry(c, &e);
	if (S_ISREG(e.attr.mode) && (c->q.flags & FSRV_LOOKUP_OPEN)) {
		/* if it can not be opened, that is no error of the lookup */
		if (open_node(e.nodeid, e.attr.size, O_RDONLY, &c->open,
			      &still))
			c->open = NULL;
		return 0;
	}
	if (S_ISREG(e.attr.mode)) {
		keep_last(c, &e);
		return 0;
	}
	if (S_ISLNK(e.attr.mode))
		err = readlink(c, e.nodeid);
	fuse_forget(e.nodeid, 1);
	return err;
}

int server_do_getattr(struct server_call *c)
{
	struct fuse_msg m = { .opcode = FUSE_GETATTR,
			      .nodeid = c->dir.nodeid };
	struct fuse_getattr_in in = { 0 };
	struct fuse_attr_out out;
	int err;

	if (c->dir.open) {
		in.getattr_flags = FUSE_GETATTR_FH;
		in.fh = c->dir.open->fh;
	}
	fuse_send(&m, &in, sizeof(in));
	fuse_receive(&m, &out, sizeof(out));
	err = fuse_call_exact(&m);
	if (!err)
		server_take_attr(&c->r->attr, &out.attr, c->dir.btime_ns);
	return err;
}

int server_do_getattr_root(struct server_call *c, uint32_t export_id)
{
	struct fuse_entry_out e;
	char name[12];
	int err;

	scnprintf(name, sizeof(name), "%u", export_id);
	err = lookup(FUSE_ROOT_ID, name, &e);
	if (!err)
		take_entry(c, &e);
	return err;
}

/* A live file gets a handle next to its descriptor. */
static int give_open(struct server_call *c, struct hostopen *o, bool still)
{
	int err = 0;

	if (!still)
		err = server_handle_add(hostopen_nodeid(o),
					c->r->attr.btime_ns, hostopen_get(o),
					&c->r->handle);
	if (err)
		hostopen_put(o);
	else
		c->open = o;
	return err;
}

int server_do_open(struct server_call *c)
{
	uint32_t flags = c->q.flags & (O_ACCMODE | O_TRUNC);
	struct fuse_entry_out e = { .nodeid = c->dir.nodeid };
	struct hostopen *o;
	bool still;
	int err;

	if (*c->name) {
		err = lookup_again(c, &e);
		if (!err)
			take_entry(c, &e);
	} else {
		err = server_do_getattr(c);
	}
	if (!err && !S_ISREG(c->r->attr.mode)) {
		err = S_ISDIR(c->r->attr.mode) ? -EISDIR :
		      S_ISLNK(c->r->attr.mode) ? -ELOOP : -ENXIO;
		if (*c->name)
			fuse_forget(e.nodeid, 1);
	}
	if (!err)
		err = open_node(e.nodeid, c->r->attr.size, flags, &o, &still);
	if (err)
		return err;
	if (flags & O_TRUNC) {
		c->r->attr.size = c->r->attr.blocks = 0;
		hostfile_resized(e.nodeid, 0);
	}
	return give_open(c, o, still);
}

int server_do_create(struct server_call *c)
{
	struct fuse_msg m = { .opcode = FUSE_CREATE,
			      .nodeid = c->dir.nodeid };
	struct fuse_create_in in = { .flags = c->q.flags & O_ACCMODE,
				     .mode = S_IFREG | (c->q.mode & 07777) };
	struct fuse_entry_out e;
	struct fuse_open_out o;
	struct hostopen *open;
	struct hostfile *f;
	int err;

	fuse_send(&m, &in, sizeof(in));
	fuse_send(&m, c->name, strlen(c->name) + 1);
	fuse_receive(&m, &e, sizeof(e));
	fuse_receive(&m, &o, sizeof(o));
	err = fuse_call_exact(&m);
	if (err)
		return err;
	take_entry(c, &e);
	f = hostfile_of_node(e.nodeid, false);
	open = f ? hostopen_create(f, o.fh, in.flags != O_WRONLY,
				   in.flags != O_RDONLY) : NULL;
	return open ? give_open(c, open, false) : -ENOMEM;
}

/* --- changes of directories ------------------------------------------------------*/

/* Send m, which makes an object, and answer with it. */
static int make(struct server_call *c, struct fuse_msg *m)
{
	struct fuse_entry_out e;
	int err;

	m->nodeid = c->dir.nodeid;
	fuse_receive(m, &e, sizeof(e));
	err = fuse_call_exact(m);
	return err ? err : give_node(c, &e);
}

int server_do_mkdir(struct server_call *c)
{
	struct fuse_msg m = { .opcode = FUSE_MKDIR };
	struct fuse_mkdir_in in = { .mode = c->q.mode };

	fuse_send(&m, &in, sizeof(in));
	fuse_send(&m, c->name, strlen(c->name) + 1);
	return make(c, &m);
}

int server_do_mknod(struct server_call *c)
{
	struct fuse_msg m = { .opcode = FUSE_MKNOD };
	struct fuse_mknod_in in = { .mode = c->q.mode };

	fuse_send(&m, &in, sizeof(in));
	fuse_send(&m, c->name, strlen(c->name) + 1);
	return make(c, &m);
}

int server_do_symlink(struct server_call *c)
{
	struct fuse_msg m = { .opcode = FUSE_SYMLINK };

	fuse_send(&m, c->name, strlen(c->name) + 1);
	fuse_send(&m, c->data, c->q.data_len);
	fuse_send(&m, "", 1);
	return make(c, &m);
}

static int remove(struct server_call *c, uint32_t opcode)
{
	struct fuse_msg m = { .opcode = opcode, .nodeid = c->dir.nodeid };

	fuse_send(&m, c->name, strlen(c->name) + 1);
	return fuse_call(&m);
}

int server_do_unlink(struct server_call *c)
{
	return remove(c, FUSE_UNLINK);
}

int server_do_rmdir(struct server_call *c)
{
	return remove(c, FUSE_RMDIR);
}

int server_do_rename(struct server_call *c)
{
	struct fuse_msg m = { .opcode = FUSE_RENAME2,
			      .nodeid = c->dir.nodeid };
	struct fuse_rename2_in in = { .newdir = c->dir2.nodeid,
				      .flags = c->q.flags };

	fuse_send(&m, &in, sizeof(in));
	fuse_send(&m, c->name, strlen(c->name) + 1);
	fuse_send(&m, c->name2, strlen(c->name2) + 1);
	return fuse_call(&m);
}

int server_do_link(struct server_call *c)
{
	struct fuse_msg m = { .opcode = FUSE_LINK,
			      .nodeid = c->dir2.nodeid };
	struct fuse_link_in in;
	struct fuse_entry_out e;
	int64_t btime_ns;
	bool temporary;
	int err = find_object(c, &in.oldnodeid, &btime_ns, &temporary);

	if (err)
		return err;
	fuse_send(&m, &in, sizeof(in));
	fuse_send(&m, c->name2, strlen(c->name2) + 1);
	fuse_receive(&m, &e, sizeof(e));
	err = fuse_call_exact(&m);
	if (!err)
		fuse_forget(e.nodeid, 1);
	if (temporary)
		fuse_forget(in.oldnodeid, 1);
	return err;
}

/* --- changes of objects -----------------------------------------------------------*/

static uint32_t fuse_valid(uint32_t v)
{
	return (v & FSRV_SET_MODE ? FATTR_MODE : 0) |
	       (v & FSRV_SET_UID ? FATTR_UID : 0) |
	       (v & FSRV_SET_GID ? FATTR_GID : 0) |
	       (v & FSRV_SET_SIZE ? FATTR_SIZE : 0) |
	       (v & FSRV_SET_ATIME ? FATTR_ATIME : 0) |
	       (v & FSRV_SET_MTIME ? FATTR_MTIME : 0);
}

static void fill_setattr(struct fuse_setattr_in *in,
			 const struct server_call *c)
{
	const struct fsrv_attr *a = &c->q.attr;

	*in = (struct fuse_setattr_in){
		.valid = fuse_valid(c->q.valid), .size = a->size,
		.mode = a->mode, .uid = a->uid, .gid = a->gid,
	};
	split_ns(a->atime_ns, &in->atime, &in->atimensec);
	split_ns(a->mtime_ns, &in->mtime, &in->mtimensec);
	if (c->dir.open && !*c->name) {
		in->valid |= FATTR_FH;
		in->fh = c->dir.open->fh;
	}
}

int server_do_setattr(struct server_call *c)
{
	struct fuse_msg m = { .opcode = FUSE_SETATTR };
	struct fuse_setattr_in in;
	struct fuse_attr_out out;
	int64_t btime_ns;
	bool temporary;
	int err = find_object(c, &m.nodeid, &btime_ns, &temporary);

	if (err)
		return err;
	fill_setattr(&in, c);
	fuse_send(&m, &in, sizeof(in));
	fuse_receive(&m, &out, sizeof(out));
	err = fuse_call_exact(&m);
	if (!err) {
		server_take_attr(&c->r->attr, &out.attr, btime_ns);
		if (c->q.valid & FSRV_SET_SIZE)
			hostfile_resized(m.nodeid, c->q.attr.size);
	}
	if (temporary)
		fuse_forget(m.nodeid, 1);
	return err;
}

int server_do_fsync(struct server_call *c)
{
	struct hostopen *o = c->dir.open;
	struct fuse_msg m = { .opcode = o ? FUSE_FSYNC : FUSE_FSYNCDIR,
			      .nodeid = c->dir.nodeid };
	struct fuse_fsync_in in = { .fh = o ? o->fh : 0 };
	int err = o ? hostopen_sync(o) : 0;

	if (c->q.flags & FSRV_FSYNC_DATA)
		in.fsync_flags = FUSE_FSYNC_FDATASYNC;
	fuse_send(&m, &in, sizeof(in));
	return err ? err : fuse_call(&m);
}

int server_do_fallocate(struct server_call *c)
{
	struct hostopen *o = c->dir.open;
	int err = o ? hostopen_allocate(o, c->q.mode, c->q.offset,
					c->q.attr.size) : -EBADF;

	if (!err)
		err = server_do_getattr(c);
	if (!err)
		hostfile_resized(c->dir.nodeid, c->r->attr.size);
	return err;
}

int server_do_statfs(struct server_call *c)
{
	struct fuse_msg m = { .opcode = FUSE_STATFS,
			      .nodeid = c->dir.nodeid };
	struct fuse_statfs_out out;
	struct fsrv_statfs st;
	int err;

	fuse_receive(&m, &out, sizeof(out));
	err = fuse_call_exact(&m);
	if (err)
		return err;
	st = (struct fsrv_statfs){
		.type = out.st.padding, .bsize = out.st.bsize,
		.blocks = out.st.blocks, .bfree = out.st.bfree,
		.bavail = out.st.bavail, .files = out.st.files,
		.ffree = out.st.ffree, .namelen = out.st.namelen,
	};
	memcpy(c->out, &st, sizeof(st));
	c->r->data_len = sizeof(st);
	return 0;
}

/* --- extended attributes ------------------------------------------------------------*/

static int xattr(struct server_call *c, uint32_t opcode)
{
	struct fuse_msg m = { .opcode = opcode };
	struct fuse_getxattr_in in = { .size = FSRV_DATA_MAX };
	int64_t btime_ns;
	bool temporary;
	int err = find_object(c, &m.nodeid, &btime_ns, &temporary);

	if (err)
		return err;
	fuse_send(&m, &in, sizeof(in));
	if (opcode == FUSE_GETXATTR) {
		fuse_send(&m, c->data, c->q.data_len);
		fuse_send(&m, "", 1);
	}
	fuse_receive(&m, c->out, FSRV_DATA_MAX);
	err = fuse_call(&m);
	c->r->data_len = m.got;
	if (temporary)
		fuse_forget(m.nodeid, 1);
	return err;
}

int server_do_xattr_get(struct server_call *c)
{
	return xattr(c, FUSE_GETXATTR);
}

int server_do_xattr_list(struct server_call *c)
{
	return xattr(c, FUSE_LISTXATTR);
}
