/* SPDX-License-Identifier: MIT */
/*
 * Messages of vhost-user: what they carry, and the socket. What a monitor sends
 * is hostile: lengths and the number of descriptors are checked here, values by
 * who takes the message.
 */
#pragma once
#include <linux/vhost_types.h>
#include <stdint.h>

#define VHOST_REGIONS_MAX	8u
#define VHOST_FDS_MAX		8u
#define VHOST_CONFIG_MAX	256u
#define VHOST_NEED_REPLY	(1u << 3)	/* in flags */

struct vhost_header {
	uint32_t request, flags, size;
};

struct vhost_region {
	uint64_t gpa, len, user, offset;
};

struct vhost_mem_table {
	uint32_t nr, padding;
	struct vhost_region regions[VHOST_REGIONS_MAX];
};

struct vhost_config_space {
	uint32_t offset, size, flags;
	unsigned char bytes[VHOST_CONFIG_MAX];
};

/* One message and what came with it. */
struct vhost_message {
	struct vhost_header h;
	union {
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct vhost_mem_table memory;
		struct vhost_config_space config;
	} body;
	int fds[VHOST_FDS_MAX];	/* -1: none, or taken */
	uint32_t nr_fds;
	uint32_t reply_len;	/* of body; 0: no answer of its own */
};

/*
 * Take the next message of sock; m->fds are the caller's to close then.
 * Returns 1, 0 at the end of the connection, or -errno.
 */
int vhost_message_receive(int sock, struct vhost_message *m);
/* Send reply_len bytes of the body as the answer to m. Returns 0 or -EPIPE. */
int vhost_message_reply(int sock, struct vhost_message *m);
