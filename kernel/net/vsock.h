/* SPDX-License-Identifier: MIT */
/*
 * AF_VSOCK, SOCK_STREAM: byte streams between programs and the host, over a
 * transport that a driver registers (drv/virtio/vsock.c). Without one there is
 * no such family.
 */
#pragma once
#include <linux/virtio_vsock.h>
#include "net/netdev.h"
#include "net/socket.h"

#define VSOCK_ANY	UINT32_MAX	/* VMADDR_CID_ANY, VMADDR_PORT_ANY */

struct vsock_transport {
	/* atomic */
	uint32_t cid;		/* of this machine; VSOCK_ANY: none any more */
	uint32_t nr_queued;	/* packets given to send and not done */
	/* Send p, a header and its data, after all others; it is the
	 * transport's until done(). Context: task; sock->lock may be held. */
	void (*send)(struct vsock_transport *t, struct net_packet *p);
};

/* The only one. 0 or -EBUSY. Context: init. */
int vsock_register(struct vsock_transport *t);
/* A packet came: h is a copy, h->len bytes of data are there. Context: the
 * transport's one task. */
void vsock_receive(const struct virtio_vsock_hdr *h, const void *data);
/* All connections are lost. Context: the same task. */
void vsock_reset(void);

/* 0, -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -ENOMEM */
int vsock_create(uint32_t type, uint32_t protocol, struct sock **out);
