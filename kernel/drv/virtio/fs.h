/* SPDX-License-Identifier: MIT */
/*
 * The transport of FUSE over the sandbox's file system device (virtio-fs, tag
 * "mica"; abi/fs_device.h). Any number of requests may be under way. A request
 * that was sent is waited for: the device answers each at once, but for a READ
 * of the control node.
 */
#pragma once
#include <linux/fuse.h>
#include "drv/virtio/queue.h"

#define FUSE_SEGS_MAX	36u	/* besides the two headers */
#define FUSE_SEGS_FEW	6u

struct fuse_msg {
	/* the caller's */
	uint32_t opcode;
	uint32_t nr_out, nr_in;
	uint64_t nodeid;
	/* out ones, then in ones; NULL: few[]. Else room for FUSE_SEGS_MAX */
	struct virtq_seg *seg;
	struct virtq_seg few[FUSE_SEGS_FEW];
	/* the answer */
	uint32_t got;		/* bytes of it, behind the header */
};

/* The next piece to send; all before the first piece to receive. */
void fuse_send(struct fuse_msg *m, const void *p, size_t len);
void fuse_receive(struct fuse_msg *m, void *p, size_t len);
/* The answer has exactly as many bytes as there is room for, or -EIO. */
int fuse_call_exact(struct fuse_msg *m);

/*
 * Send and wait. Returns 0, the -errno of the answer, -EIO (device failed or
 * nonsense in the answer), -ENODEV.
 * Context: task (not interruptible).
 */
int fuse_call(struct fuse_msg *m);
/* Give nr references of a node back. Does not wait for an answer, there is
 * none. Context: task. */
void fuse_forget(uint64_t nodeid, uint64_t nr);
bool fuse_is_there(void);
