/* SPDX-License-Identifier: MIT */
/*
 * The host's side of virtio-vsock for test/drivers/run: a device behind
 * vhost-user (tender/dev) whose ports behave each in its own way, also badly.
 *
 *	vsock_peer SOCKET CID		waits for QEMU at SOCKET, ends with it
 *
 * What the guest does against the rules is printed and is the exit status.
 * One thread: everything happens in the loop's calls, with the device's lock.
 */
#include "dev/vhost_user.h"
#include <linux/virtio_vsock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HOST_CID	2u
#define BUFFER		65536u		/* what a connection may send ahead */
#define SMALL_BUFFER	1000u
#define SOURCE_BYTES	300000u
#define PACKET_MAX	4096u
#define CONNS_MAX	64u
#define FIRST_OWN_PORT	5000u

enum { QUEUE_RX, QUEUE_TX, NR_QUEUES };	/* QEMU has the events */

enum port {
	PORT_ECHO = 1,		/* sends back what comes */
	PORT_SOURCE,		/* sends SOURCE_BYTES, then shuts down */
	PORT_REFUSE,		/* answers with a reset */
	PORT_MUTE,		/* never answers */
	PORT_SMALL,		/* echo with a small buffer */
	PORT_FLOOD,		/* sends more than the guest allowed */
	PORT_CUT,		/* resets at the first byte */
	PORT_CALL,		/* calls the guest back at the port it is told */
	PORT_NOISE,		/* echo, after packets that make no sense */
	PORT_ODD,		/* answers a request with data */
	PORT_LAST,
};

struct conn {
	bool used, guest_done, shut;
	uint32_t guest_port, port, kind;
	uint32_t buffer, received, told, returned;
	uint32_t sent, guest_buffer, guest_read;
	unsigned char *out;		/* to be sent */
	size_t out_len, out_at;
};

struct packet {
	struct packet *next;
	struct virtio_vsock_hdr h;
	uint32_t len;
	unsigned char data[];
};

static struct {
	struct virtio_dev dev;
	struct guest_memory memory;
	struct dev_loop loop;
	struct virtio_vsock_config config;
	struct conn conns[CONNS_MAX];
	struct packet *first, **end;
	uint32_t next_port, nr_wrong, nr_in, nr_out;
} peer;

static void wrong(const char *what, const struct virtio_vsock_hdr *h)
{
	peer.nr_wrong++;
	printf("wrong: %s (op %u, port %u to %u, len %u)\n", what, h->op,
	       h->src_port, h->dst_port, h->len);
}

/* --- packets to the guest ------------------------------------------------------*/

static void queue_packet(const struct virtio_vsock_hdr *h, const void *data,
			 uint32_t len)
{
	struct packet *p = calloc(1, sizeof(*p) + len);

	if (!p)
		abort();
	p->h = *h;
	p->len = len;
	if (len)
		memcpy(p->data, data, len);
	*peer.end = p;
	peer.end = &p->next;
}

static struct virtio_vsock_hdr header(struct conn *c, uint32_t op,
				      uint32_t len)
{
	c->told = c->returned;
	return (struct virtio_vsock_hdr){
		.src_cid = HOST_CID, .dst_cid = peer.config.guest_cid,
		.src_port = c->port, .dst_port = c->guest_port, .len = len,
		.type = VIRTIO_VSOCK_TYPE_STREAM, .op = (uint16_t)op,
		.buf_alloc = c->buffer, .fwd_cnt = c->returned,
	};
}

static void tell(struct conn *c, uint32_t op, uint32_t flags)
{
	struct virtio_vsock_hdr h = header(c, op, 0);

	h.flags = flags;
	queue_packet(&h, NULL, 0);
}

static void answer_reset(const struct virtio_vsock_hdr *to)
{
	struct virtio_vsock_hdr h = {
		.src_cid = HOST_CID, .dst_cid = to->src_cid,
		.src_port = to->dst_port, .dst_port = to->src_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM, .op = VIRTIO_VSOCK_OP_RST,
	};

	queue_packet(&h, NULL, 0);
}

static void append_out(struct conn *c, const void *data, size_t len)
{
	if (c->out_at)
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
	c->out_len -= c->out_at;
	c->out_at = 0;
	c->out = realloc(c->out, c->out_len + len + 1);
	if (!c->out)
		abort();
	memcpy(c->out + c->out_len, data, len);
	c->out_len += len;
}

static void drop(struct conn *c)
{
	free(c->out);
	memset(c, 0, sizeof(*c));
}

/* Bytes of c that may go out now. */
static uint32_t may_send(const struct conn *c)
{
	uint32_t under_way = c->sent - c->guest_read;
	size_t left = c->out_len - c->out_at;

	if (!c->used || under_way >= c->guest_buffer)
		return 0;
	if (left > c->guest_buffer - under_way)
		left = c->guest_buffer - under_way;
	return left < PACKET_MAX - sizeof(struct virtio_vsock_hdr) ?
	       (uint32_t)left :
	       (uint32_t)(PACKET_MAX - sizeof(struct virtio_vsock_hdr));
}

/* Turn data that may be sent into a packet. False: there is none. */
static bool make_data(void)
{
	for (uint32_t i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &peer.conns[i];
		uint32_t n = may_send(c);
		struct virtio_vsock_hdr h;

		if (!n)
			continue;
		if (c->kind != PORT_SOURCE)
			c->returned += n;	/* echoed: room again */
		h = header(c, VIRTIO_VSOCK_OP_RW, n);
		queue_packet(&h, c->out + c->out_at, n);
		c->out_at += n;
		c->sent += n;
		return true;
	}
	return false;
}

/* Connections that have said everything close. */
static bool make_ends(void)
{
	bool any = false;

	for (uint32_t i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &peer.conns[i];

		if (!c->used || c->shut || c->out_at < c->out_len ||
		    !(c->guest_done || c->kind == PORT_SOURCE))
			continue;
		c->shut = true;
		tell(c, VIRTIO_VSOCK_OP_SHUTDOWN, c->guest_done ?
		     VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND :
		     VIRTIO_VSOCK_SHUTDOWN_SEND);
		any = true;
	}
	return any;
}

static void flush(void)
{
	struct virtq *q = &peer.dev.queues[QUEUE_RX];
	struct virtq_chain *c = &peer.dev.chain;

	while (peer.first || make_data() || make_ends()) {
		struct packet *p = peer.first;

		if (virtq_next(q, c) <= 0) {
			if (!virtq_arm(q))
				return;
			continue;
		}
		virtq_chain_write(c, &p->h, sizeof(p->h));
		virtq_chain_write(c, p->data, p->len);
		virtio_dev_push(&peer.dev, QUEUE_RX, c->head,
				(uint32_t)c->written);
		peer.nr_in++;
		peer.first = p->next;
		if (!peer.first)
			peer.end = &peer.first;
		free(p);
	}
}

/* --- connections -----------------------------------------------------------------*/

static struct conn *find(const struct virtio_vsock_hdr *h)
{
	for (uint32_t i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &peer.conns[i];

		if (c->used && c->guest_port == h->src_port &&
		    c->port == h->dst_port)
			return c;
	}
	return NULL;
}

static struct conn *make(uint32_t guest_port, uint32_t port, uint32_t kind)
{
	for (uint32_t i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &peer.conns[i];

		if (c->used)
			continue;
		*c = (struct conn){
			.used = true, .guest_port = guest_port, .port = port,
			.kind = kind, .buffer = kind == PORT_SMALL ?
				SMALL_BUFFER : BUFFER,
		};
		return c;
	}
	return NULL;
}

/* Packets that no driver should take for anything. */
static void make_noise(struct conn *c)
{
	struct virtio_vsock_hdr good = header(c, VIRTIO_VSOCK_OP_RW, 4), h;

	h = good;
	h.len = UINT32_MAX;		/* longer than the packet */
	queue_packet(&h, "long", 4);
	h = good;
	h.dst_cid++;			/* somebody else's */
	queue_packet(&h, "else", 4);
	h = good;
	h.src_cid |= 1ull << 40;	/* nobody's */
	queue_packet(&h, "nobo", 4);
	h = good;
	h.type = 77;
	queue_packet(&h, "type", 4);
	h = good;
	h.dst_port = 77;		/* where nobody listens */
	queue_packet(&h, "port", 4);
	h.op = VIRTIO_VSOCK_OP_REQUEST;
	h.len = 0;
	queue_packet(&h, NULL, 0);
	h.op = VIRTIO_VSOCK_OP_SHUTDOWN;
	h.flags = UINT32_MAX;
	queue_packet(&h, NULL, 0);
}

static void take_request(const struct virtio_vsock_hdr *h)
{
	static const unsigned char flood[PACKET_MAX - sizeof(*h)];
	static unsigned char source[SOURCE_BYTES];
	struct virtio_vsock_hdr data;
	struct conn *c;

	if (h->dst_port == PORT_MUTE)
		return;
	c = h->dst_port != PORT_REFUSE && h->dst_port < PORT_LAST && !find(h) ?
	    make(h->src_port, h->dst_port, h->dst_port) : NULL;
	if (!c) {
		answer_reset(h);
		return;
	}
	c->guest_buffer = h->buf_alloc;
	c->guest_read = h->fwd_cnt;
	if (c->kind == PORT_ODD) {
		data = header(c, VIRTIO_VSOCK_OP_RW, 3);
		queue_packet(&data, "odd", 3);
		return;
	}
	tell(c, VIRTIO_VSOCK_OP_RESPONSE, 0);
	if (c->kind == PORT_NOISE)
		make_noise(c);
	if (c->kind == PORT_SOURCE) {
		for (size_t i = 0; i < SOURCE_BYTES; i++)
			source[i] = (unsigned char)(i * 7 + i / 256);
		append_out(c, source, SOURCE_BYTES);
	}
	while (c->kind == PORT_FLOOD && c->sent <= c->guest_buffer) {
		data = header(c, VIRTIO_VSOCK_OP_RW, sizeof(flood));
		queue_packet(&data, flood, sizeof(flood));
		c->sent += (uint32_t)sizeof(flood);
	}
}

static void call_back(const unsigned char *text, uint32_t len)
{
	char number[16] = "";
	struct conn *c;

	memcpy(number, text, len < 15 ? len : 15);
	c = make((uint32_t)strtoul(number, NULL, 10), peer.next_port++,
		 PORT_ECHO);
	if (c)
		tell(c, VIRTIO_VSOCK_OP_REQUEST, 0);
}

static void take_data(struct conn *c, const struct virtio_vsock_hdr *h,
		      const unsigned char *data)
{
	c->received += h->len;
	if (c->received - c->told > c->buffer)
		wrong("more than there is room for", h);
	if (c->guest_done)
		wrong("data after the end", h);
	if (c->kind == PORT_CUT) {
		answer_reset(h);
		drop(c);
		return;
	}
	if (c->kind == PORT_CALL) {
		call_back(data, h->len);
		c->returned += h->len;
		return;
	}
	append_out(c, data, h->len);
}

static void take_shutdown(struct conn *c, const struct virtio_vsock_hdr *h)
{
	if (h->flags == (VIRTIO_VSOCK_SHUTDOWN_RCV |
			 VIRTIO_VSOCK_SHUTDOWN_SEND)) {
		answer_reset(h);
		drop(c);
	} else if (h->flags & VIRTIO_VSOCK_SHUTDOWN_SEND) {
		c->guest_done = true;
	}
}

static void take(const struct virtio_vsock_hdr *h, const unsigned char *data,
		 size_t len)
{
	struct conn *c = find(h);

	if (h->src_cid != peer.config.guest_cid || h->dst_cid != HOST_CID)
		wrong("CID", h);
	if (h->len != len)
		wrong("length", h);
	if (c) {
		c->guest_buffer = h->buf_alloc;
		c->guest_read = h->fwd_cnt;
	}
	if (h->type != VIRTIO_VSOCK_TYPE_STREAM) {
		/* the answer to noise */
		if (h->op != VIRTIO_VSOCK_OP_RST)
			wrong("type", h);
	} else if (h->op == VIRTIO_VSOCK_OP_REQUEST) {
		take_request(h);
	} else if (!c) {
		if (h->op != VIRTIO_VSOCK_OP_RST)
			answer_reset(h);
	} else if (h->op == VIRTIO_VSOCK_OP_RW) {
		take_data(c, h, data);
	} else if (h->op == VIRTIO_VSOCK_OP_SHUTDOWN) {
		take_shutdown(c, h);
	} else if (h->op == VIRTIO_VSOCK_OP_RST) {
		drop(c);
	} else if (h->op == VIRTIO_VSOCK_OP_CREDIT_REQUEST) {
		tell(c, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	} else if (h->op != VIRTIO_VSOCK_OP_CREDIT_UPDATE &&
		   h->op != VIRTIO_VSOCK_OP_RESPONSE) {
		wrong("op", h);
	}
}

/* --- the device --------------------------------------------------------------------*/

static enum virtio_served take_one(struct virtio_dev *d, struct virtq_chain *c)
{
	static unsigned char data[1 << 17];
	struct virtio_vsock_hdr h;
	size_t len;

	memset(&h, 0, sizeof(h));
	if (virtq_chain_read(c, &h, sizeof(h)) != sizeof(h)) {
		wrong("no header", &h);
		return VIRTIO_DONE;
	}
	len = virtq_chain_read(c, data, sizeof(data));
	peer.nr_out++;
	take(&h, data, len);
	return VIRTIO_DONE;
}

static bool kick(struct virtio_dev *d, uint32_t queue)
{
	bool more = false;

	if (queue == QUEUE_TX)
		more = virtio_dev_serve(d, QUEUE_TX, take_one);
	flush();
	return more;
}

static void reset(struct virtio_dev *d)
{
}

static void ended(void *arg, const char *why)
{
	if (why)
		printf("wrong: %s\n", why);
	peer.nr_wrong += why != NULL;
	dev_loop_stop(&peer.loop);
}

static int wait_for_monitor(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0), conn;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (sock < 0 || bind(sock, (struct sockaddr *)&a, sizeof(a)) ||
	    listen(sock, 1))
		return -1;
	printf("ready\n");
	fflush(stdout);
	conn = accept(sock, NULL, NULL);
	close(sock);
	return conn;
}

int main(int argc, char **argv)
{
	static const struct virtio_ops ops = { .kick = kick, .reset = reset };
	struct vhost_user_hooks hooks = { .ended = ended, .has_config = true };
	struct vhost_user *vhost;
	struct err e;
	int sock;

	if (argc != 3)
		return 2;
	peer.end = &peer.first;
	peer.next_port = FIRST_OWN_PORT;
	peer.config.guest_cid = strtoul(argv[2], NULL, 10);
	peer.dev = (struct virtio_dev){
		.ops = &ops, .name = "vsock", .type = VIRTIO_ID_VSOCK,
		.features = VIRTIO_RING_FEATURES, .nr_queues = NR_QUEUES,
		.queue_size_max = 128, .config = &peer.config,
		.config_len = sizeof(peer.config),
	};
	virtio_dev_init(&peer.dev, &peer.memory);
	sock = wait_for_monitor(argv[1]);
	if (sock < 0 || dev_loop_init(&peer.loop, &e) ||
	    vhost_user_create(&vhost, &peer.dev, &peer.memory, &peer.loop,
			      sock, &hooks, &e)) {
		perror(argv[1]);
		return 2;
	}
	dev_loop_run(&peer.loop);
	printf("packets: %u to the guest, %u from it\n", peer.nr_in,
	       peer.nr_out);
	return peer.nr_wrong ? 1 : 0;
}
