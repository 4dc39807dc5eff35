/* SPDX-License-Identifier: MIT */
/*
 * A virtio device behind vhost-user: another monitor (QEMU) has the machine
 * and the registers, and shares the guest's memory and the queues' doorbells
 * over a socket. The messages are those that QEMU's vhost-user-fs-device
 * sends, and the general ones that need no state of their own.
 *
 * The other side is not trusted with more than its own guest: a message that
 * breaks the protocol ends the connection, and with it the device. Its memory
 * must be sealed against shrinking (F_SEAL_SHRINK), as QEMU's is.
 */
#pragma once
#include "dev/loop.h"

struct vhost_user;

struct vhost_user_hooks {
	/*
	 * The connection has ended (why: NULL if the other side closed it),
	 * or the device is broken. In the loop's thread; once.
	 */
	void (*ended)(void *arg, const char *why);
	void *arg;
	/* The monitor asks us for the device's configuration (QEMU: for vsock,
	 * not for the file system, whose tag it was told). */
	bool has_config;
};

/*
 * Serve dev to the other end of sock (SOCK_STREAM, taken over on success).
 * memory is the one that dev was made with, empty: it is filled here.
 * Returns 0 or -errno.
 */
int vhost_user_create(struct vhost_user **out, struct virtio_dev *dev,
		      struct guest_memory *memory, struct dev_loop *loop,
		      int sock, const struct vhost_user_hooks *hooks,
		      struct err *e);
/* The loop does not run any more. The device is reset. NULL is allowed. */
void vhost_user_destroy(struct vhost_user *v);
