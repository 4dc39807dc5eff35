/* SPDX-License-Identifier: MIT */
/* See fs_client.h. */
#include "fs_client.h"
#include "dev/files/fsrv_priv.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_report(void *arg, const struct abi_report *r)
{
	struct fs_client *c = arg;

	c->report = *r;
	c->nr_reports++;
}

static void take_line(void *arg, const char *line)
{
	struct fs_client *c = arg;

	snprintf(c->line, sizeof(c->line), "%s", line);
}

static void no_signal(void *arg, uint32_t queue)
{
}

static const struct virtio_transport transport = {
	.signal_queue = no_signal,
};

static void must(int err, const struct err *e)
{
	if (!err)
		return;
	printf("Bail out! %s\n", e->text);
	exit(1);
}

void fs_client_start(struct fs_client *c, const struct fs_tree *trees,
		     const int stdio[3], int log_fd)
{
	struct fs_config config = { .stdio = { -1, -1, -1 }, .log_fd = log_fd,
				    .report = take_report, .report_arg = c };
	struct err e = { 0 };
	uint32_t id;

	memset(c, 0, sizeof(*c));
	c->room = REPLY_ROOM;
	must(fsrv_create(&c->server, &e), &e);
	for (; trees->path; trees++)
		must(fsrv_add_export(c->server, trees->path, trees->flags, &id,
				     &e), &e);
	must(dev_loop_init(&c->loop, &e), &e);
	config.server = c->server;
	if (stdio)
		memcpy(config.stdio, stdio, sizeof(config.stdio));
	must(fs_create(&c->fs, "fs0", &c->memory, &c->loop, &config, &e), &e);
	c->fs->dev.transport = &transport;
	c->fs->dev.report = take_line;
	c->fs->dev.report_arg = c;
	fs_enter_thread(c->fs);
}

void fs_client_stop(struct fs_client *c)
{
	/* whoever stops the device goes on as who it was */
	if (fsrv_identity_set(c->server, false))
		printf("# identity lost\n");
	fs_destroy(c->fs);
	dev_loop_fini(&c->loop);
	fsrv_destroy(c->server);
}

/* Buffers of c->piece bytes, the last one shorter. */
static uint32_t split(const struct fs_client *c, struct iovec *iov,
		      uint32_t max, unsigned char *p, size_t len)
{
	uint32_t n = 0;

	while (len) {
		size_t step = c->piece && c->piece < len && n + 1 < max ?
			      c->piece : len;

		iov[n++] = (struct iovec){ p, step };
		p += step;
		len -= step;
	}
	return n;
}

int fs_send(struct fs_client *c)
{
	struct virtq_chain *ch = &c->fs->dev.chain;
	struct fuse_out_header h = { 0 };

	memset(ch, 0, sizeof(*ch));
	memset(c->reply, 0xa5, 64);
	ch->nr_out = split(c, ch->iov, 256, c->request, c->request_len);
	ch->nr_in = split(c, ch->iov + ch->nr_out, 256, c->reply, c->room);
	ch->in_at = ch->nr_out;
	ch->out_left = c->request_len;
	ch->in_left = c->room;
	pthread_mutex_lock(&c->fs->dev.lock);
	c->served = fs_serve_one(&c->fs->dev, ch);
	pthread_mutex_unlock(&c->fs->dev.lock);
	c->reply_len = (size_t)ch->written;
	if (c->reply_len >= sizeof(h))
		memcpy(&h, c->reply, sizeof(h));
	return h.error;
}

int fs_ask(struct fs_client *c, uint32_t opcode, uint64_t node,
	   const void *arg, size_t arg_len, const void *rest, size_t rest_len)
{
	static uint64_t unique;
	struct fuse_in_header h = { .opcode = opcode, .nodeid = node,
				    .unique = ++unique };

	h.len = (uint32_t)(sizeof(h) + arg_len + rest_len);
	c->request_len = h.len;
	memcpy(c->request, &h, sizeof(h));
	if (arg_len)
		memcpy(c->request + sizeof(h), arg, arg_len);
	if (rest_len)
		memcpy(c->request + sizeof(h) + arg_len, rest, rest_len);
	return fs_send(c);
}

void *fs_body(struct fs_client *c)
{
	return c->reply + sizeof(struct fuse_out_header);
}

size_t fs_body_len(const struct fs_client *c)
{
	return c->reply_len - sizeof(struct fuse_out_header);
}

int fs_init(struct fs_client *c)
{
	struct fuse_init_in in = { .major = 7, .minor = 31,
				   .flags = FUSE_DO_READDIRPLUS };

	return fs_ask(c, FUSE_INIT, 0, &in, 16, NULL, 0);
}

int fs_lookup(struct fs_client *c, uint64_t dir, const char *name,
	      uint64_t *node)
{
	struct fuse_entry_out *out = fs_body(c);
	int err = fs_ask(c, FUSE_LOOKUP, dir, NULL, 0, name,
			 strlen(name) + 1);

	*node = err ? 0 : out->nodeid;
	return err;
}

void fs_forget(struct fs_client *c, uint64_t node, uint64_t nr)
{
	struct fuse_forget_in in = { .nlookup = nr };

	fs_ask(c, FUSE_FORGET, node, &in, sizeof(in), NULL, 0);
}

int fs_open(struct fs_client *c, uint64_t node, uint32_t flags, uint64_t *fh)
{
	struct fuse_open_in in = { .flags = flags };
	struct fuse_open_out *out = fs_body(c);
	int err = fs_ask(c, FUSE_OPEN, node, &in, sizeof(in), NULL, 0);

	*fh = err ? 0 : out->fh;
	return err;
}

int fs_read(struct fs_client *c, uint64_t fh, uint64_t offset, uint32_t size)
{
	struct fuse_read_in in = { .fh = fh, .offset = offset, .size = size };

	return fs_ask(c, FUSE_READ, 0, &in, sizeof(in), NULL, 0);
}

int fs_write(struct fs_client *c, uint64_t fh, uint64_t offset,
	     const void *bytes, uint32_t size)
{
	struct fuse_write_in in = { .fh = fh, .offset = offset, .size = size };

	return fs_ask(c, FUSE_WRITE, 0, &in, sizeof(in), bytes, size);
}

int fs_release(struct fs_client *c, uint64_t fh)
{
	struct fuse_release_in in = { .fh = fh };

	return fs_ask(c, FUSE_RELEASE, 0, &in, sizeof(in), NULL, 0);
}

int fs_ask_names(struct fs_client *c, uint32_t opcode, uint64_t node,
		 const void *arg, size_t arg_len, const char *a,
		 const char *b)
{
	char both[8192];
	size_t n = strlen(a) + 1, m = b ? strlen(b) + 1 : 0;

	memcpy(both, a, n);
	if (b)
		memcpy(both + n, b, m);
	return fs_ask(c, opcode, node, arg, arg_len, both, n + m);
}
