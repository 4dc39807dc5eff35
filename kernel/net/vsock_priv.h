/* SPDX-License-Identifier: MIT */
/* What the files of AF_VSOCK share. */
#pragma once
#include "net/vsock.h"

/* Bytes that a peer may send ahead of the reader. */
#define VSOCK_BUFFER	65536u

enum vsock_state {
	VSOCK_IDLE,		/* or listening: sock->state */
	VSOCK_CONNECTING,
	VSOCK_CONNECTED,
	VSOCK_DEAD,		/* was connected; the peer knows or is gone */
};

/* sock->family. Fields marked T: read under the table's lock, written under
 * it and sock->lock; all others under sock->lock. */
struct vsock {
	struct sock *sock;	/* set once */
	struct list link;	/* table, under its lock */
	uint32_t port;		/* T; VSOCK_ANY: not bound */
	uint32_t peer_cid, peer_port;	/* T */
	bool has_peer;		/* T */
	enum vsock_state state;
	uint32_t told_shutdown;	/* enum shutdown_bits, sent to the peer */
	/* bytes ever sent; received and read, as we know and as the peer does;
	 * what the peer says of itself. All wrap. */
	uint32_t sent, read, told_read;
	uint32_t peer_buffer, peer_read;
};

extern struct vsock_transport *vsock_transport;	/* set once, or NULL */
extern const struct sock_ops vsock_ops;

/* A fresh socket; NULL: no memory. */
struct sock *vsock_new(void);

/* --- the table (vsock_packet.c) ------------------------------------------------*/
/* Give it a port: VSOCK_ANY for any. sock->lock held. 0, -EADDRINUSE. */
int vsock_take_port_locked(struct vsock *v, uint32_t port);
/* Packets of this peer are its own from now on. sock->lock held. */
void vsock_set_peer_locked(struct vsock *v, uint32_t cid, uint32_t port);
/* Not any more; the port stays. sock->lock held. */
void vsock_clear_peer_locked(struct vsock *v);
/* Out of the table. sock->lock held. */
void vsock_leave_locked(struct vsock *v);

/* --- packets out (vsock_packet.c): sock->lock held ------------------------------*/
/* Fill the header of a packet to the peer. */
void vsock_fill_locked(struct vsock *v, struct virtio_vsock_hdr *h,
		       uint32_t op, uint32_t len);
/* A packet without data. 0 or -ENOBUFS. */
int vsock_tell_locked(struct vsock *v, uint32_t op, uint32_t flags);
/* Bytes that the peer has room for. */
uint32_t vsock_credit_locked(const struct vsock *v);
