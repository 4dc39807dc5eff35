/* SPDX-License-Identifier: MIT */
/*
 * Open files of the file system device. Contents go straight between the
 * guest's memory and the host's file; streams and the control node are done
 * elsewhere.
 */
#include "dev/fs_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PARTS_MAX	1024u	/* of one host call */
#define HEAD_PARTS	sizeof(struct fuse_out_header)

/* --- opening and closing ---------------------------------------------------------*/

int fs_file_keep(struct fs_call *c, struct fs_engine *g,
		 struct fuse_open_out *out)
{
	bool live = g->call.keep_fd >= 0;
	struct fs_file unused = { .has_handle = live, .fd = g->call.fd,
				  .handle = g->reply.handle };
	struct fs_file *f;
	int err = fs_file_add(c->fs, FS_FILE_OPEN, &f);

	if (err) {
		fs_file_drop(c->fs, &unused);
		return err;
	}
	f->has_handle = live;
	f->handle = g->reply.handle;
	f->fd = live ? g->call.keep_fd : g->call.fd;
	memset(out, 0, sizeof(*out));
	out->fh = fs_file_id(c->fs, f);
	out->open_flags = live ? 0 : FOPEN_KEEP_CACHE;
	return 0;
}

static int open_special(struct fs_call *c, struct fuse_open_out *out)
{
	struct fs_file *f;
	int err;

	if (c->node->special != FS_CONTROL &&
	    fs_stream_fd(c->fs, c->node->special) < 0)
		return -ENXIO;
	err = fs_file_add(c->fs, FS_FILE_SPECIAL, &f);
	if (err)
		return err;
	f->special = c->node->special;
	memset(out, 0, sizeof(*out));
	out->fh = fs_file_id(c->fs, f);
	out->open_flags = FOPEN_DIRECT_IO;
	return 0;
}

static int open_object(struct fs_call *c, struct fuse_open_out *out)
{
	struct fs_engine g;
	int err;

	fs_engine_init(c, &g, FSRV_OPEN, c->node->handle);
	g.call.q.flags = c->arg.open.flags & (O_ACCMODE | O_TRUNC);
	err = fs_engine_run(c, &g);
	return err ? err : fs_file_keep(c, &g, out);
}

int fs_do_open(struct fs_call *c)
{
	struct fuse_open_out *out = (void *)c->reply;
	int err;

	/* else the handle would be lost */
	if (fs_room(c) < sizeof(*out))
		return -EINVAL;
	switch (c->node->kind) {
	case FS_NODE_SPECIAL:
		err = open_special(c, out);
		break;
	case FS_NODE_OBJECT:
		err = open_object(c, out);
		break;
	default:
		err = -EISDIR;
	}
	if (!err)
		c->reply_len = sizeof(*out);
	return err;
}

int fs_do_release(struct fs_call *c)
{
	struct fs_file *f = fs_file_find(c->fs, c->arg.release.fh);

	/* directories have no handle, see fs_list.c */
	if (f)
		fs_file_release(c->fs, f);
	return f || c->h.opcode == FUSE_RELEASEDIR ? 0 : -EBADF;
}

/* --- contents ----------------------------------------------------------------------*/

/* The first `size` bytes of iov, in no more than max parts. Returns how many. */
static uint32_t cut(struct iovec *out, uint32_t max, const struct iovec *iov,
		    uint32_t nr, size_t size)
{
	uint32_t n = 0;

	while (n < nr && n < max && size) {
		out[n] = iov[n];
		if (out[n].iov_len > size)
			out[n].iov_len = size;
		size -= out[n++].iov_len;
	}
	return n;
}

static ssize_t move(struct fs_call *c, const struct fs_file *f, bool is_write,
		    const struct iovec *iov, uint32_t nr, uint64_t offset)
{
	ssize_t n;

	if (f->kind == FS_FILE_SPECIAL)
		return is_write ?
		       fs_stream_write(c->fs, f->special, iov, nr, offset) :
		       fs_stream_read(c->fs, f->special, iov, nr, offset);
	n = is_write ? pwritev(f->fd, iov, (int)nr, (off_t)offset) :
		       preadv(f->fd, iov, (int)nr, (off_t)offset);
	return n < 0 ? -errno : n;
}

/*
 * Read into, or write from, the request until `size` bytes, an end or an
 * error. A stream gets one try. Returns bytes or -errno if there were none.
 */
static ssize_t transfer(struct fs_call *c, const struct fs_file *f,
			bool is_write, size_t size, uint64_t offset)
{
	struct iovec part[PARTS_MAX];
	size_t done = 0;

	while (done < size) {
		const struct iovec *iov;
		uint32_t nr;
		ssize_t n;

		iov = is_write ? virtq_chain_out(c->chain, &nr) :
				 virtq_chain_in(c->chain, &nr);
		nr = cut(part, PARTS_MAX, iov, nr, size - done);
		n = nr ? move(c, f, is_write, part, nr, offset + done) : 0;
		if (n <= 0)
			return done ? (ssize_t)done : n;
		if (is_write)
			virtq_chain_skip_out(c->chain, (size_t)n);
		else
			virtq_chain_skip_in(c->chain, (size_t)n);
		done += (size_t)n;
		if (f->kind == FS_FILE_SPECIAL)
			break;
	}
	return (ssize_t)done;
}

/* Where the reply's header goes, once the length of the data is known. */
static uint32_t set_head_apart(struct fs_call *c, struct iovec *head)
{
	uint32_t nr;
	const struct iovec *iov = virtq_chain_in(c->chain, &nr);

	nr = cut(head, HEAD_PARTS, iov, nr, sizeof(struct fuse_out_header));
	virtq_chain_skip_in(c->chain, sizeof(struct fuse_out_header));
	return nr;
}

static void write_head(const struct iovec *head, uint32_t nr,
		       const struct fuse_out_header *h)
{
	const char *p = (const char *)h;

	for (uint32_t i = 0; i < nr; i++) {
		memcpy(head[i].iov_base, p, head[i].iov_len);
		p += head[i].iov_len;
	}
}

int fs_do_read(struct fs_call *c)
{
	const struct fuse_read_in *in = &c->arg.read;
	struct fs_file *f = fs_file_find(c->fs, in->fh);
	struct fuse_out_header h = { .unique = c->h.unique };
	struct iovec head[HEAD_PARTS];
	size_t size = in->size < FS_WRITE_MAX ? in->size : FS_WRITE_MAX;
	uint32_t nr;
	ssize_t n;

	if (!f)
		return -EBADF;
	if (f->kind == FS_FILE_SPECIAL && f->special == FS_CONTROL)
		return fs_control_read(c);
	if (c->chain->in_left < sizeof(h))
		return -EINVAL;
	nr = set_head_apart(c, head);
	n = transfer(c, f, false, size, in->offset);
	h.error = n < 0 ? (int)n : 0;
	h.len = (uint32_t)(sizeof(h) + (n > 0 ? (size_t)n : 0));
	write_head(head, nr, &h);
	return 0;
}

int fs_do_write(struct fs_call *c)
{
	const struct fuse_write_in *in = &c->arg.write;
	struct fs_file *f = fs_file_find(c->fs, in->fh);
	struct fuse_write_out *out = (void *)c->reply;
	ssize_t n;

	if (!f)
		return -EBADF;
	if (in->size > FS_WRITE_MAX || in->size > c->chain->out_left)
		return -EINVAL;
	if (f->kind == FS_FILE_SPECIAL && f->special == FS_CONTROL)
		n = fs_control_write(c, in->size);
	else
		n = transfer(c, f, true, in->size, in->offset);
	if (n < 0)
		return (int)n;
	memset(out, 0, sizeof(*out));
	out->size = (uint32_t)n;
	c->reply_len = sizeof(*out);
	return 0;
}

/* --- the rest -------------------------------------------------------------------------*/

static int sync_handle(struct fs_call *c, uint32_t handle)
{
	struct fs_engine g;

	fs_engine_init(c, &g, FSRV_FSYNC, handle);
	if (c->arg.fsync.fsync_flags & FUSE_FSYNC_FDATASYNC)
		g.call.q.flags = FSRV_FSYNC_DATA;
	return fs_engine_run(c, &g);
}

int fs_do_fsync(struct fs_call *c)
{
	struct fs_file *f = fs_file_find(c->fs, c->arg.fsync.fh);

	if (!f)
		return -EBADF;
	if (f->kind == FS_FILE_SPECIAL)
		return -EINVAL;
	/* what can not be changed is not dirty */
	return f->has_handle ? sync_handle(c, f->handle) : 0;
}

int fs_do_fsyncdir(struct fs_call *c)
{
	if (c->node->kind != FS_NODE_OBJECT)
		return -EINVAL;
	return sync_handle(c, c->node->handle);
}

int fs_do_fallocate(struct fs_call *c)
{
	const struct fuse_fallocate_in *in = &c->arg.fallocate;
	struct fs_file *f = fs_file_find(c->fs, in->fh);
	struct fs_engine g;

	if (!f)
		return -EBADF;
	if (!f->has_handle)
		return -EOPNOTSUPP;
	fs_engine_init(c, &g, FSRV_FALLOCATE, f->handle);
	g.call.q.mode = in->mode;
	g.call.q.offset = in->offset;
	g.call.q.attr.size = in->length;
	return fs_engine_run(c, &g);
}

int fs_do_lseek(struct fs_call *c)
{
	const struct fuse_lseek_in *in = &c->arg.lseek;
	struct fs_file *f = fs_file_find(c->fs, in->fh);
	struct fuse_lseek_out *out = (void *)c->reply;
	off_t at;

	if (!f)
		return -EBADF;
	if (f->kind == FS_FILE_SPECIAL && f->special == FS_CONTROL)
		return -ESPIPE;
	at = lseek(f->kind == FS_FILE_SPECIAL ?
		   fs_stream_fd(c->fs, f->special) : f->fd,
		   (off_t)in->offset, (int)in->whence);
	if (at < 0)
		return -errno;
	out->offset = (uint64_t)at;
	c->reply_len = sizeof(*out);
	return 0;
}
