/* SPDX-License-Identifier: MIT */
/*
 * A guest's view of the file system device for tests: builds a request in
 * host memory, hands it to the device without a queue, keeps the reply.
 */
#pragma once
#include "dev/fs_priv.h"

#define REPLY_ROOM (FS_WRITE_MAX + 4096u)

struct fs_client {
	struct fs_dev *fs;
	struct fsrv *server;
	struct guest_memory memory;
	struct dev_loop loop;
	struct abi_report report;	/* the last one */
	uint32_t nr_reports;
	char line[256];			/* the device's last report */
	/* of the last request */
	unsigned char request[FS_WRITE_MAX + 4096];
	size_t request_len;
	unsigned char reply[REPLY_ROOM];
	size_t reply_len;		/* with the header */
	enum virtio_served served;
	/* how the next ones are built */
	size_t room;			/* bytes for the reply */
	size_t piece;			/* buffer size; 0: one buffer */
};

struct fs_tree {
	const char *path;
	unsigned int flags;		/* enum fsrv_export_flags */
};

/* Exports in order. stdio may be NULL: closed. Exits on failure. */
void fs_client_start(struct fs_client *c, const struct fs_tree *trees,
		     const int stdio[3], int log_fd);
void fs_client_stop(struct fs_client *c);
/* Send request[0..request_len) as it is. Returns the reply's error, or 0. */
int fs_send(struct fs_client *c);
/* Build a request of an operation's struct and bytes behind it, and send. */
int fs_ask(struct fs_client *c, uint32_t opcode, uint64_t node,
	   const void *arg, size_t arg_len, const void *rest, size_t rest_len);
/* What stands behind the reply's header. */
void *fs_body(struct fs_client *c);
size_t fs_body_len(const struct fs_client *c);

int fs_init(struct fs_client *c);
int fs_lookup(struct fs_client *c, uint64_t dir, const char *name,
	      uint64_t *node);
void fs_forget(struct fs_client *c, uint64_t node, uint64_t nr);
int fs_open(struct fs_client *c, uint64_t node, uint32_t flags, uint64_t *fh);
int fs_read(struct fs_client *c, uint64_t fh, uint64_t offset, uint32_t size);
int fs_write(struct fs_client *c, uint64_t fh, uint64_t offset,
	     const void *bytes, uint32_t size);
int fs_release(struct fs_client *c, uint64_t fh);
/* Two names, each with its NUL. */
int fs_ask_names(struct fs_client *c, uint32_t opcode, uint64_t node,
		 const void *arg, size_t arg_len, const char *a,
		 const char *b);
