/* SPDX-License-Identifier: MIT */
/*
 * What the files of the file system device share: nodes, open files, one
 * request while it is answered, pending events. All under dev.lock.
 */
#pragma once
#include "abi/boot.h"
#include "abi/fs_device.h"
#include "dev/files/fsrv_call.h"
#include "dev/fs.h"
#include <linux/fuse.h>
#include <linux/virtio_fs.h>

#define FS_NAMES_MAX		(256u + 4096u)	/* a name and a link's text */
#define FS_REPLY_MAX		65536u
#define FS_HASH_SIZE		1024u

#define FS_NR_STREAMS	3u	/* those that can be polled */

enum fs_node_kind { FS_NODE_FREE, FS_NODE_ROOT, FS_NODE_SPECIAL,
		    FS_NODE_OBJECT };

/*
 * A node id is index | generation << 32. Index 0 is not used, 1 the root, then
 * the special nodes, then the exports: these are for ever, with generation 0
 * (abi/fs_device.h).
 */
struct fs_node {
	uint8_t kind;		/* enum fs_node_kind */
	uint8_t export_id;
	uint8_t special;	/* enum fs_special */
	uint32_t generation;
	uint32_t handle;	/* of the file server */
	uint32_t next;		/* in its hash chain, or free list; 0 none */
	uint64_t nr_lookups;
	uint64_t dev, ino;
};

enum fs_file_kind { FS_FILE_FREE, FS_FILE_OPEN, FS_FILE_SPECIAL };

/* A file handle is index | generation << 32; index 0 is not used, the next are
 * those of the special nodes, for ever. */
struct fs_file {
	uint8_t kind;		/* enum fs_file_kind */
	uint8_t special;
	bool has_handle;	/* fd belongs to the server's `handle` */
	int fd;			/* else it is ours */
	uint32_t handle;
	uint32_t generation;
	uint32_t next;
};

/* What the sandbox has to hear of, as it comes. */
struct fs_events {
	uint64_t signals, tty_signals;
	uint32_t poll[FS_NR_STREAMS];	/* revents; 0 none */
	uint16_t rows, cols;
	bool winsize, stop;
};

/* A stream whose readiness the guest may want to hear of, once. */
struct fs_poll {
	struct dev_source source;
	struct fs_dev *fs;
	uint32_t armed;			/* events asked for; 0 none */
};

struct fs_dev {
	struct virtio_dev dev;		/* first: models get this pointer */
	struct virtio_fs_config config;
	/* set once */
	struct fs_config owner;
	uint32_t nr_exports;
	uint64_t root_dev[ABI_NR_MOUNTS_MAX];
	unsigned int export_flags[ABI_NR_MOUNTS_MAX];
	bool is_file[FS_NR_SPECIAL];	/* on the host: a regular file */
	uint32_t nodes_max, files_max;
	struct dev_loop *loop;
	struct fs_poll polls[FS_NR_STREAMS];
	/* under dev.lock */
	bool ready;			/* after FUSE_INIT */
	bool stale;			/* reset: forget nodes and files */
	struct fs_node *nodes;
	uint32_t nr_nodes, nodes_used, nodes_room, first_free_node;
	struct fs_file *files;
	uint32_t nr_files, files_used, files_room, first_free_file;
	uint32_t hash[FS_HASH_SIZE];
	struct fs_events events;
	uint32_t serving;		/* the queue requests come from */
	bool waiting;			/* a READ of "control" is kept */
	uint32_t waiting_queue;
	uint64_t waiting_unique;
	struct virtq_chain waiting_chain;
	/* for the request being answered */
	char names[FS_NAMES_MAX];
	char data[FSRV_DATA_MAX];
	_Alignas(8) char reply[FS_REPLY_MAX];
};

struct fs_call {
	struct fs_dev *fs;
	struct virtq_chain *chain;
	struct fuse_in_header h;
	union {				/* the operation's own */
		struct fuse_init_in init;
		struct fuse_forget_in forget;
		struct fuse_batch_forget_in batch;
		struct fuse_interrupt_in interrupt;
		struct fuse_getattr_in getattr;
		struct fuse_setattr_in setattr;
		struct fuse_mknod_in mknod;
		struct fuse_mkdir_in mkdir;
		struct fuse_rename2_in rename2;
		struct fuse_rename_in rename;
		struct fuse_link_in link;
		struct fuse_open_in open;
		struct fuse_create_in create;
		struct fuse_release_in release;
		struct fuse_read_in read;
		struct fuse_write_in write;
		struct fuse_fsync_in fsync;
		struct fuse_getxattr_in getxattr;
		struct fuse_lseek_in lseek;
		struct fuse_fallocate_in fallocate;
		struct fuse_poll_in poll;
		struct fuse_ioctl_in ioctl;
	} arg;
	const char *name[2];
	struct fs_node *node;		/* of h.nodeid */
	char *reply;			/* FS_REPLY_MAX bytes */
	size_t reply_len;
	bool no_reply;
	bool kept;			/* answered later */
};

/* --- fs.c ------------------------------------------------------------------*/
/* Answer one request. Returns what becomes of it; may break the device. */
enum virtio_served fs_serve_one(struct virtio_dev *d, struct virtq_chain *ch);
/* Bytes that the reply may have behind its header. */
size_t fs_room(const struct fs_call *c);
/* A request to the file server: cleared, with the reply's space. */
struct fs_engine {
	struct fsrv_call call;
	struct fsrv_reply reply;
};
void fs_engine_init(struct fs_call *c, struct fs_engine *g, uint32_t op,
		    uint32_t handle);
/* Returns 0 or -errno. */
int fs_engine_run(struct fs_call *c, struct fs_engine *g);

/* --- fs_node.c -------------------------------------------------------------*/
int fs_tables_init(struct fs_dev *fs, struct err *e);
void fs_tables_fini(struct fs_dev *fs);
/* Forget all that the guest holds. */
void fs_tables_clear(struct fs_dev *fs);
struct fs_node *fs_node_find(struct fs_dev *fs, uint64_t id);
uint64_t fs_node_id(const struct fs_dev *fs, const struct fs_node *n);
struct fs_node *fs_export_node(struct fs_dev *fs, uint32_t export_id);
struct fs_node *fs_special_node(struct fs_dev *fs, enum fs_special which);
/*
 * The node of what the server's handle names, with one more reference. The
 * handle is taken over, also on failure. Returns 0, -EMFILE or -ENOMEM.
 */
int fs_node_get(struct fs_dev *fs, uint32_t export_id, uint32_t handle,
		const struct fsrv_attr *a, struct fs_node **out);
/* Give nr references back. */
void fs_node_forget(struct fs_dev *fs, uint64_t id, uint64_t nr);
struct fs_file *fs_file_find(struct fs_dev *fs, uint64_t id);
uint64_t fs_file_id(const struct fs_dev *fs, const struct fs_file *f);
/* A new one, all but kind to be filled. Returns 0, -ENFILE or -ENOMEM. */
int fs_file_add(struct fs_dev *fs, enum fs_file_kind kind,
		struct fs_file **out);
/* Close what f holds; f itself is not looked after. */
void fs_file_drop(struct fs_dev *fs, const struct fs_file *f);
void fs_file_release(struct fs_dev *fs, struct fs_file *f);

/* --- fs_attr.c -------------------------------------------------------------*/
uint64_t fs_map_ino(const struct fs_dev *fs, uint32_t export_id, uint64_t dev,
		    uint64_t ino);
void fs_fill_attr(const struct fs_dev *fs, uint32_t export_id,
		  const struct fsrv_attr *a, struct fuse_attr *out);
/* Attributes of the root and of special nodes. */
void fs_fill_made_up(const struct fs_dev *fs, const struct fs_node *n,
		     struct fuse_attr *out);
/* The reply about a node, attributes from the server or (NULL) made up. */
void fs_fill_entry(struct fs_dev *fs, const struct fs_node *n,
		   const struct fsrv_attr *a, struct fuse_entry_out *out);
int fs_do_getattr(struct fs_call *c);
int fs_do_setattr(struct fs_call *c);
int fs_do_statfs(struct fs_call *c);
int fs_do_getxattr(struct fs_call *c);
int fs_do_listxattr(struct fs_call *c);

/* --- fs_name.c -------------------------------------------------------------*/
int fs_do_lookup(struct fs_call *c);
int fs_do_readlink(struct fs_call *c);
int fs_do_symlink(struct fs_call *c);
int fs_do_mknod(struct fs_call *c);
int fs_do_mkdir(struct fs_call *c);
int fs_do_unlink(struct fs_call *c);
int fs_do_rmdir(struct fs_call *c);
int fs_do_rename(struct fs_call *c);
int fs_do_rename2(struct fs_call *c);
int fs_do_link(struct fs_call *c);
int fs_do_create(struct fs_call *c);

/* --- fs_list.c -------------------------------------------------------------*/
int fs_do_opendir(struct fs_call *c);
int fs_do_readdir(struct fs_call *c);
int fs_do_readdirplus(struct fs_call *c);

/* --- fs_file.c -------------------------------------------------------------*/
/* Keep what OPEN or CREATE of the server gave as an open file. */
int fs_file_keep(struct fs_call *c, struct fs_engine *g,
		 struct fuse_open_out *out);
int fs_do_open(struct fs_call *c);
int fs_do_read(struct fs_call *c);
int fs_do_write(struct fs_call *c);
int fs_do_release(struct fs_call *c);
int fs_do_fsync(struct fs_call *c);
int fs_do_fsyncdir(struct fs_call *c);
int fs_do_fallocate(struct fs_call *c);
int fs_do_lseek(struct fs_call *c);

/* --- fs_stream.c -----------------------------------------------------------*/
/* The host's descriptor, or -1. */
int fs_stream_fd(const struct fs_dev *fs, enum fs_special which);
/* As readv and writev, but never waiting. Return bytes or -errno. */
ssize_t fs_stream_read(const struct fs_dev *fs, enum fs_special which,
		       const struct iovec *iov, uint32_t nr, uint64_t offset);
ssize_t fs_stream_write(const struct fs_dev *fs, enum fs_special which,
			const struct iovec *iov, uint32_t nr, uint64_t offset);
int fs_do_poll(struct fs_call *c);
int fs_do_ioctl(struct fs_call *c);
void fs_poll_init(struct fs_dev *fs, struct dev_loop *loop);
/* Nobody wants to hear of streams any more. Makes no host call. */
void fs_poll_disarm(struct fs_dev *fs);
/* The same, and watch none. */
void fs_poll_clear(struct fs_dev *fs);

/* --- fs_control.c ----------------------------------------------------------*/
int fs_control_read(struct fs_call *c);
int fs_control_write(struct fs_call *c, uint32_t len);
/* Answer the READ that waits, if there are events now. */
void fs_control_flush(struct fs_dev *fs);
/* The guest does not want its answer any more. */
void fs_control_interrupt(struct fs_dev *fs, uint64_t unique);
