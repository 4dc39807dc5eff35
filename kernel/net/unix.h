/* SPDX-License-Identifier: MIT */
/*
 * AF_UNIX: stream, datagram and sequential-packet sockets of one sandbox.
 * Names are either in the table of abstract names here, or in the file system
 * above, which finds the socket itself and passes it.
 */
#pragma once
#include "net/socket.h"

struct unix_addr {
	struct refcount refs;
	struct list link;	/* abstract table, under its lock */
	struct sock *owner;	/* likewise; NULL: not in the table */
	uint32_t type;
	uint32_t len;		/* of sun, family included */
	uint8_t sun[SOCK_NAME_MAX];
};

extern const struct sock_ops unix_stream_ops, unix_dgram_ops;

/* --- unix_addr.c ---------------------------------------------------------------------*/
struct unix_addr *unix_addr_create(const void *sun, uint32_t len);
struct unix_addr *unix_addr_get(struct unix_addr *a);
void unix_addr_put(struct unix_addr *a);
/* Copy the name of s to sun; unnamed: the family only. Returns its length. */
uint32_t unix_name(struct sock *s, uint8_t sun[SOCK_NAME_MAX]);
/* Give s the abstract name sun[0..len). 0, -EINVAL (has one), -EADDRINUSE,
 * -ENOMEM. */
int unix_bind_abstract(struct sock *s, const void *sun, uint32_t len);
/* Give s a name that belongs to a file; the caller has made it. */
int unix_bind_path(struct sock *s, const void *sun, uint32_t len);
/* A free abstract name, if s has none yet. 0, -ENOMEM, -ENOSPC. */
int unix_autobind(struct sock *s);
/* Referenced socket with this abstract name and type, or NULL. */
struct sock *unix_find_abstract(const struct net_space *n, const void *sun,
				uint32_t len, uint32_t type);
void unix_unbind(struct sock *s);

/* --- unix_conn.c ---------------------------------------------------------------------*/
struct sock *unix_create(uint32_t type);	/* NULL: no memory */
/* Connect a and b to each other, both fresh. */
void unix_pair(struct sock *a, struct sock *b);
int unix_listen(struct sock *s, int backlog, const struct sock_cred *c);
int unix_stream_connect(struct sock *s, struct sock *to, bool nonblock);
/* *out is referenced. -EINVAL, -EAGAIN, -ERESTARTSYS, -EOPNOTSUPP */
int unix_accept(struct sock *s, bool nonblock, struct sock **out);
int unix_shutdown(struct sock *s, int how);
void unix_release(struct sock *s);
uint32_t unix_poll(struct sock *s);
/* Referenced, or NULL: not connected. */
struct sock *unix_peer_get(struct sock *s);
/* Bytes that could be received now (FIONREAD). */
uint64_t unix_readable_bytes(struct sock *s);

/* --- unix_dgram.c ----------------------------------------------------------------------*/
/* to NULL: disconnect. 0, -ECONNREFUSED, -EPERM, -EPROTOTYPE */
int unix_dgram_connect(struct sock *s, struct sock *to, bool nonblock);
/* The receiver's queue has no room for more from s. */
bool unix_dgram_is_full(struct sock *to, const struct sock *s);
ssize_t unix_dgram_send(struct sock *s, struct sock_msg *m);
/* What a send finds first: the pending error, or -EPIPE; 0: nothing. */
int unix_send_error(struct sock *s);
ssize_t unix_dgram_recv(struct sock *s, struct sock_msg *m);
/* s->lock held: what s sends goes nowhere any more. Returns the reference
 * that was held, for sock_put after the unlock. */
struct sock *unix_dgram_detach_locked(struct sock *s);
