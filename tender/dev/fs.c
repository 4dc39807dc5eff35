/* SPDX-License-Identifier: MIT */
/*
 * The file system device's dispatcher: take the header, the operation's
 * struct and its names out of a request, once each; check their form; let the
 * operation fill the reply; send it.
 *
 * A request whose header can not be answered breaks the device; anything else
 * gets an errno. One table says what each operation brings.
 */
#include "dev/fs.h"
#include "dev/fs_priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OUR_MINOR	31u
#define REQUEST_MAX	(sizeof(struct fuse_in_header) + \
			 sizeof(struct fuse_write_in) + FS_WRITE_MAX)
#define PAGES_MAX	(FS_WRITE_MAX / 4096u)
#define OUR_FLAGS	(FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | \
			 FUSE_BIG_WRITES | FUSE_DO_READDIRPLUS | \
			 FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES)

struct op {
	int (*fn)(struct fs_call *c);	/* 0 or -errno */
	uint16_t arg_size;
	uint8_t nr_names;
	bool needs_node;		/* h.nodeid must be one */
};

/* --- operations about the connection ----------------------------------------*/

static int do_init(struct fs_call *c)
{
	struct fuse_init_out *out = (void *)c->reply;

	if (c->arg.init.major < 7)
		return -EPROTO;
	memset(out, 0, sizeof(*out));
	out->major = 7;
	out->minor = OUR_MINOR;
	c->reply_len = sizeof(*out);
	/* of a later major version the client starts again with ours */
	if (c->arg.init.major > 7)
		return 0;
	if (c->arg.init.minor < OUR_MINOR)
		return -EPROTO;
	fs_tables_clear(c->fs);
	out->max_readahead = c->arg.init.max_readahead;
	out->flags = c->arg.init.flags & OUR_FLAGS;
	out->max_background = 64;
	out->congestion_threshold = 48;
	out->max_write = FS_WRITE_MAX;
	out->time_gran = 1;
	out->max_pages = PAGES_MAX;
	c->fs->ready = true;
	return 0;
}

static int do_destroy(struct fs_call *c)
{
	fs_tables_clear(c->fs);
	c->fs->ready = false;
	return 0;
}

static int do_forget(struct fs_call *c)
{
	c->no_reply = true;
	fs_node_forget(c->fs, c->h.nodeid, c->arg.forget.nlookup);
	return 0;
}

static int do_batch_forget(struct fs_call *c)
{
	struct fuse_forget_one one;

	c->no_reply = true;
	for (uint32_t i = 0; i < c->arg.batch.count; i++) {
		if (virtq_chain_read(c->chain, &one, sizeof(one)) <
		    sizeof(one))
			break;
		fs_node_forget(c->fs, one.nodeid, one.nlookup);
	}
	return 0;
}

static int do_interrupt(struct fs_call *c)
{
	c->no_reply = true;
	fs_control_interrupt(c->fs, c->arg.interrupt.unique);
	return 0;
}

static const struct op ops[] = {
	[FUSE_INIT] = { do_init, 16, 0, false },
	[FUSE_DESTROY] = { do_destroy, 0, 0, false },
	[FUSE_FORGET] = { do_forget, sizeof(struct fuse_forget_in), 0, false },
	[FUSE_BATCH_FORGET] = { do_batch_forget,
				sizeof(struct fuse_batch_forget_in), 0,
				false },
	[FUSE_INTERRUPT] = { do_interrupt, sizeof(struct fuse_interrupt_in),
			     0, false },
	[FUSE_LOOKUP] = { fs_do_lookup, 0, 1, true },
	[FUSE_GETATTR] = { fs_do_getattr, sizeof(struct fuse_getattr_in), 0,
			   true },
	[FUSE_SETATTR] = { fs_do_setattr, sizeof(struct fuse_setattr_in), 0,
			   true },
	[FUSE_READLINK] = { fs_do_readlink, 0, 0, true },
	[FUSE_SYMLINK] = { fs_do_symlink, 0, 2, true },
	[FUSE_MKNOD] = { fs_do_mknod, sizeof(struct fuse_mknod_in), 1, true },
	[FUSE_MKDIR] = { fs_do_mkdir, sizeof(struct fuse_mkdir_in), 1, true },
	[FUSE_UNLINK] = { fs_do_unlink, 0, 1, true },
	[FUSE_RMDIR] = { fs_do_rmdir, 0, 1, true },
	[FUSE_RENAME] = { fs_do_rename, sizeof(struct fuse_rename_in), 2,
			  true },
	[FUSE_RENAME2] = { fs_do_rename2, sizeof(struct fuse_rename2_in), 2,
			   true },
	[FUSE_LINK] = { fs_do_link, sizeof(struct fuse_link_in), 1, true },
	[FUSE_OPEN] = { fs_do_open, sizeof(struct fuse_open_in), 0, true },
	[FUSE_CREATE] = { fs_do_create, sizeof(struct fuse_create_in), 1,
			  true },
	[FUSE_READ] = { fs_do_read, sizeof(struct fuse_read_in), 0, false },
	[FUSE_WRITE] = { fs_do_write, sizeof(struct fuse_write_in), 0, false },
	[FUSE_STATFS] = { fs_do_statfs, 0, 0, true },
	[FUSE_RELEASE] = { fs_do_release, sizeof(struct fuse_release_in), 0,
			   false },
	[FUSE_FSYNC] = { fs_do_fsync, sizeof(struct fuse_fsync_in), 0, false },
	[FUSE_FALLOCATE] = { fs_do_fallocate,
			     sizeof(struct fuse_fallocate_in), 0, false },
	[FUSE_GETXATTR] = { fs_do_getxattr, sizeof(struct fuse_getxattr_in),
			    1, true },
	[FUSE_LISTXATTR] = { fs_do_listxattr, sizeof(struct fuse_getxattr_in),
			     0, true },
	[FUSE_OPENDIR] = { fs_do_opendir, sizeof(struct fuse_open_in), 0,
			   true },
	[FUSE_READDIR] = { fs_do_readdir, sizeof(struct fuse_read_in), 0,
			   true },
	[FUSE_READDIRPLUS] = { fs_do_readdirplus, sizeof(struct fuse_read_in),
			       0, true },
	[FUSE_RELEASEDIR] = { fs_do_release, sizeof(struct fuse_release_in),
			      0, false },
	[FUSE_FSYNCDIR] = { fs_do_fsyncdir, sizeof(struct fuse_fsync_in), 0,
			    true },
	[FUSE_LSEEK] = { fs_do_lseek, sizeof(struct fuse_lseek_in), 0, false },
	[FUSE_POLL] = { fs_do_poll, sizeof(struct fuse_poll_in), 0, false },
	[FUSE_IOCTL] = { fs_do_ioctl, sizeof(struct fuse_ioctl_in), 0, false },
};
#define NR_OPS (sizeof(ops) / sizeof(ops[0]))

/* --- one request -------------------------------------------------------------*/

size_t fs_room(const struct fs_call *c)
{
	uint64_t n = c->chain->in_left;

	if (n < sizeof(struct fuse_out_header))
		return 0;
	n -= sizeof(struct fuse_out_header);
	return n > FS_REPLY_MAX ? FS_REPLY_MAX : (size_t)n;
}

/* The names are all that is left of the request, each with its NUL. */
static int take_names(struct fs_call *c, uint32_t nr)
{
	size_t len = (size_t)c->chain->out_left;
	char *p = c->fs->names, *end = p + len;

	if (c->chain->out_left > sizeof(c->fs->names))
		return -ENAMETOOLONG;
	if (virtq_chain_read(c->chain, p, len) != len)
		return -EIO;
	for (uint32_t i = 0; i < nr; i++) {
		char *nul = memchr(p, 0, (size_t)(end - p));

		if (!nul)
			return -EINVAL;
		c->name[i] = p;
		p = nul + 1;
	}
	return p == end ? 0 : -EINVAL;
}

static int run(struct fs_call *c)
{
	uint64_t len = sizeof(c->h) + c->chain->out_left;
	const struct op *op;
	int err;

	if (c->h.opcode >= NR_OPS || !ops[c->h.opcode].fn)
		return -ENOSYS;
	op = &ops[c->h.opcode];
	/* there is no reply to these, not even an error */
	c->no_reply = c->h.opcode == FUSE_FORGET ||
		      c->h.opcode == FUSE_BATCH_FORGET ||
		      c->h.opcode == FUSE_INTERRUPT;
	if (c->h.len != len || len > REQUEST_MAX || c->h.total_extlen)
		return -EINVAL;
	if (!c->fs->ready && c->h.opcode != FUSE_INIT)
		return -EIO;
	if (virtq_chain_read(c->chain, &c->arg, op->arg_size) < op->arg_size)
		return -EINVAL;
	if (op->nr_names) {
		err = take_names(c, op->nr_names);
		if (err)
			return err;
	}
	if (op->needs_node) {
		c->node = fs_node_find(c->fs, c->h.nodeid);
		if (!c->node)
			return -ESTALE;
	}
	return op->fn(c);
}

static void send_reply(struct fs_call *c, int err)
{
	struct fuse_out_header h = { .unique = c->h.unique };

	if (!err && c->reply_len > fs_room(c))
		err = -EINVAL;
	if (err)
		c->reply_len = 0;
	h.error = err;
	h.len = (uint32_t)(sizeof(h) + c->reply_len);
	virtq_chain_write(c->chain, &h, sizeof(h));
	virtq_chain_write(c->chain, c->reply, c->reply_len);
}

enum virtio_served fs_serve_one(struct virtio_dev *d, struct virtq_chain *ch)
{
	struct fs_dev *fs = (struct fs_dev *)d;
	struct fs_call c = { .fs = fs, .chain = ch, .reply = fs->reply };
	uint64_t before = ch->written;
	int err;

	if (virtq_chain_read(ch, &c.h, sizeof(c.h)) < sizeof(c.h)) {
		virtio_dev_fail(d, "request without a header");
		return VIRTIO_DONE;
	}
	err = run(&c);
	if (c.kept)
		return VIRTIO_KEPT;
	if (c.no_reply || ch->written != before)
		return VIRTIO_DONE;
	if (ch->in_left < sizeof(struct fuse_out_header))
		virtio_dev_fail(d, "request %u has no room for its reply",
				c.h.opcode);
	else
		send_reply(&c, err);
	return VIRTIO_DONE;
}

/* --- the file server ---------------------------------------------------------*/

void fs_engine_init(struct fs_call *c, struct fs_engine *g, uint32_t op,
		    uint32_t handle)
{
	memset(g, 0, sizeof(*g));
	g->call.server = c->fs->owner.server;
	g->call.q.op = op;
	g->call.q.dir = handle;
	g->call.r = &g->reply;
	g->call.out = c->fs->data;
	g->call.fd = g->call.keep_fd = -1;
}

int fs_engine_run(struct fs_call *c, struct fs_engine *g)
{
	bool fatal = false;
	int err = fsrv_call_run(&g->call, &fatal);

	if (fatal)
		virtio_dev_fail(&c->fs->dev, "identity lost: error %d", -err);
	return fatal ? -EIO : err;
}

/* --- the device --------------------------------------------------------------*/

static bool kick(struct virtio_dev *d, uint32_t queue)
{
	struct fs_dev *fs = (struct fs_dev *)d;

	if (fs->stale)
		fs_tables_clear(fs);
	fs->stale = false;
	fs->serving = queue;
	return virtio_dev_serve(d, queue, fs_serve_one);
}

/*
 * In a processor's thread, which may not make the host calls that closing
 * files takes: this thread's part is memory only, the rest is done before the
 * next request.
 */
static void reset(struct virtio_dev *d)
{
	struct fs_dev *fs = (struct fs_dev *)d;

	fs->waiting = false;
	fs->ready = false;
	fs->stale = true;
	fs_poll_disarm(fs);
}

/* The guest asks again. */
static void stop_queue(struct virtio_dev *d, uint32_t queue)
{
	struct fs_dev *fs = (struct fs_dev *)d;

	if (fs->waiting && fs->waiting_queue == queue)
		fs_control_interrupt(fs, fs->waiting_unique);
}

static const struct virtio_ops device_ops = {
	.kick = kick, .reset = reset, .stop_queue = stop_queue,
};

static void fill_device(struct fs_dev *fs, const char *name)
{
	struct virtio_dev *d = &fs->dev;

	memcpy(fs->config.tag, FS_DEVICE_TAG, sizeof(FS_DEVICE_TAG) - 1);
	fs->config.num_request_queues = 1;
	d->ops = &device_ops;
	d->name = name;
	d->type = VIRTIO_ID_FS;
	d->nr_queues = 2;
	d->features = VIRTIO_RING_FEATURES;
	d->queue_size_max = VIRTQ_SIZE_MAX;
	d->config = &fs->config;
	d->config_len = sizeof(fs->config);
}

int fs_create(struct fs_dev **out, const char *name,
	      const struct guest_memory *memory, struct dev_loop *loop,
	      const struct fs_config *config, struct err *e)
{
	struct fs_dev *fs = calloc(1, sizeof(*fs));
	int err;

	if (!fs)
		return err_set(e, ENOMEM, "making the file system device");
	fs->owner = *config;
	fill_device(fs, name);
	fs_poll_init(fs, loop);
	err = fs_tables_init(fs, e);
	if (err) {
		fs_tables_fini(fs);
		free(fs);
		return err;
	}
	virtio_dev_init(&fs->dev, memory);
	*out = fs;
	return 0;
}

void fs_destroy(struct fs_dev *fs)
{
	if (!fs)
		return;
	virtio_dev_fini(&fs->dev);
	fs_poll_clear(fs);
	fs_tables_fini(fs);
	free(fs);
}

struct virtio_dev *fs_virtio(struct fs_dev *fs)
{
	return &fs->dev;
}

uint32_t fs_nodes_max(const struct fs_dev *fs)
{
	return fs->nodes_max;
}

void fs_enter_thread(struct fs_dev *fs)
{
	fsrv_enter_thread(fs->owner.server, fs->owner.stdio);
}
