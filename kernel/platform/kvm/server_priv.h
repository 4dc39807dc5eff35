/* SPDX-License-Identifier: MIT */
/*
 * The file server channel of the kvm platform: requests of abi/fileserver.h as
 * FUSE (abi/fs_device.h). server.c takes requests apart and keeps the handles,
 * server_ops.c does what they ask, server_tty.c what is about terminals. All
 * of it runs under the channel's lock (fs/hostfs/channel.c).
 */
#pragma once
#include "abi/fileserver.h"
#include "drv/virtio/fs.h"
#include "platform/kvm/hostfile.h"

struct server_handle {
	uint64_t nodeid;	/* 0: free */
	int64_t btime_ns;	/* FUSE gives it with LOOKUP only */
	struct hostopen *open;	/* of an open file; else NULL */
	uint32_t next_free;
};

struct server_call {
	struct fsrv_request q;
	char name[FSRV_NAME_MAX + 1], name2[FSRV_NAME_MAX + 1];
	const char *data;	/* q.data_len bytes */
	struct server_handle dir, dir2;	/* copies */
	struct fsrv_reply *r;
	char *out;		/* FSRV_DATA_MAX bytes behind it */
	struct hostopen *open;	/* to be given as a descriptor */
};

/*
 * A handle for a node, taking its reference over, and for an open file, taking
 * that over too; on failure they are given back.
 * Returns 0, -EMFILE or -ENOMEM.
 */
int server_handle_add(uint64_t nodeid, int64_t btime_ns,
		      struct hostopen *open, uint32_t *handle);

/* Forget the file that was looked up last: something may change it. */
void server_drop_last(void);

int server_do_lookup(struct server_call *c);
int server_do_getattr(struct server_call *c);
int server_do_getattr_root(struct server_call *c, uint32_t export_id);
int server_do_open(struct server_call *c);
int server_do_create(struct server_call *c);
int server_do_readdir(struct server_call *c);
int server_do_mkdir(struct server_call *c);
int server_do_symlink(struct server_call *c);
int server_do_mknod(struct server_call *c);
int server_do_unlink(struct server_call *c);
int server_do_rmdir(struct server_call *c);
int server_do_rename(struct server_call *c);
int server_do_link(struct server_call *c);
int server_do_setattr(struct server_call *c);
int server_do_statfs(struct server_call *c);
int server_do_fsync(struct server_call *c);
int server_do_fallocate(struct server_call *c);
int server_do_xattr_get(struct server_call *c);
int server_do_xattr_list(struct server_call *c);
int server_do_tty(struct server_call *c);

/* --- FUSE's forms --------------------------------------------------------------*/
void server_take_attr(struct fsrv_attr *out, const struct fuse_attr *a,
		      int64_t btime_ns);
