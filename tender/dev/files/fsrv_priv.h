/* SPDX-License-Identifier: MIT */
/*
 * What the files of the file server share: the server's state and handles.
 * Only the serving thread uses them, after the exports are complete.
 */
#pragma once
#include "abi/boot.h"
#include "dev/files/fsrv_call.h"

/* struct statx of the host; the C library need not know it. */
struct host_time {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t reserved;
};

struct host_statx {
	uint32_t stx_mask, stx_blksize;
	uint64_t stx_attributes;
	uint32_t stx_nlink, stx_uid, stx_gid;
	uint16_t stx_mode, pad;
	uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct host_time stx_atime, stx_btime, stx_ctime, stx_mtime;
	uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	uint64_t spare[14];
};
_Static_assert(sizeof(struct host_statx) == 256, "statx layout");

#define FSRV_HANDLES_LIMIT	16384u
#define FSRV_INDEX_BITS		20u
#define FSRV_GROUPS_MAX		256

/* FSRV_NODE: an object that is no directory, or one that nobody may enter. */
enum fsrv_kind { FSRV_FREE, FSRV_DIR, FSRV_FILE, FSRV_NODE };

struct fsrv_handle {
	int fd;			/* O_PATH of DIR and NODE; an open file */
	uint8_t kind;		/* enum fsrv_kind */
	uint8_t export_id;
	uint16_t generation;	/* bits above FSRV_INDEX_BITS of its number */
	uint32_t next_free;
	uint64_t dev;
};

struct fsrv_export {
	unsigned int flags;	/* enum fsrv_export_flags */
};

/* Who the serving thread is, for the host's permission checks. */
struct fsrv_identity {
	bool can_switch;	/* set once, by the serving thread */
	bool is_nobody;
	unsigned int uid, gid;	/* effective ones of the tender */
	int nr_groups;
	unsigned int groups[FSRV_GROUPS_MAX];
};

struct fsrv {
	struct fsrv_export exports[ABI_NR_MOUNTS_MAX];
	uint32_t nr_exports;
	struct fsrv_handle *handles;	/* exports first */
	uint32_t nr_handles, handles_max;
	uint32_t first_free;	/* index, 0 = none */
	struct fsrv_identity identity;
	int stdio[3];
	int (*usage)(void *arg, uint32_t process, struct fsrv_usage *u);
	void *usage_arg;
};

/* --- exports.c: handles and identity --------------------------------------*/
struct fsrv_handle *fsrv_handle_find(struct fsrv *s, uint32_t number);
/* Takes over fd on success. Returns 0 and the number, or -EMFILE, -ENOMEM. */
int fsrv_handle_add(struct fsrv *s, const struct fsrv_handle *like, int fd,
		    enum fsrv_kind kind, uint64_t dev, uint32_t *number);
int fsrv_handle_forget(struct fsrv *s, uint32_t number);
void fsrv_identity_init(struct fsrv *s);
/* Be nobody, or the tender again. Returns 0 or -errno: then serve nothing. */
int fsrv_identity_set(struct fsrv *s, bool nobody);

/* --- fsrv_read.c -----------------------------------------------------------*/
void fsrv_fill_attr(struct fsrv_attr *a, const struct host_statx *x);
/* Attributes of name in the directory at fd, or ("") of fd itself. */
int fsrv_stat(int fd, const char *name, struct host_statx *x);
uint64_t fsrv_stat_dev(const struct host_statx *x);
/* Of every open; O_NONBLOCK and O_NOCTTY not with O_PATH. */
#define FSRV_OPEN_ALWAYS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
/* Open a single component, not followed. Returns a descriptor or -errno. */
int fsrv_open_beneath(int dir, const char *name, int flags, unsigned int mode);
/* May names be looked up (1) or listed (4) in c's directory? */
int fsrv_check_directory(struct fsrv_call *c, uint32_t bits);
/* A handle for the directory c->name; 0: a pseudo file system of the host. */
int fsrv_lookup_directory(struct fsrv_call *c, struct host_statx *x);
/* Is the handle itself what a request without a name is about, as a file? */
bool fsrv_is_object(const struct fsrv_call *c);
/* Under AS_NOBODY: do the bits for others grant all of `bits` (0..7)? */
bool fsrv_others_may(const struct fsrv_call *c, uint32_t mode, uint32_t bits);
/*
 * Open name in c's directory and make sure that it is a regular file which
 * may be served. Returns a descriptor or -errno; *x are its attributes.
 */
int fsrv_open_regular(struct fsrv_call *c, int flags, unsigned int mode,
		      struct host_statx *x);
int fsrv_do_lookup(struct fsrv_call *c);
int fsrv_do_getattr(struct fsrv_call *c);
int fsrv_do_open(struct fsrv_call *c);
int fsrv_do_open_many(struct fsrv_call *c);
int fsrv_do_statfs(struct fsrv_call *c);
int fsrv_do_xattr_get(struct fsrv_call *c);
int fsrv_do_xattr_list(struct fsrv_call *c);

/* The next of the names in c->data, at *at, into c->name. Returns 1, 0 (there is
 * none), or -EINVAL. */
int fsrv_next_name(struct fsrv_call *c, size_t *at);

/* --- fsrv_list.c -----------------------------------------------------------*/
int fsrv_do_readdir(struct fsrv_call *c);
int fsrv_do_readtree(struct fsrv_call *c);

/* --- fsrv_change.c: only reached on writable exports ----------------------*/
int fsrv_do_create(struct fsrv_call *c);
int fsrv_do_mkdir(struct fsrv_call *c);
int fsrv_do_symlink(struct fsrv_call *c);
int fsrv_do_mknod(struct fsrv_call *c);
int fsrv_do_unlink(struct fsrv_call *c);
int fsrv_do_rmdir(struct fsrv_call *c);
int fsrv_do_rename(struct fsrv_call *c);
int fsrv_do_link(struct fsrv_call *c);
int fsrv_do_setattr(struct fsrv_call *c);
int fsrv_do_fsync(struct fsrv_call *c);
int fsrv_do_fallocate(struct fsrv_call *c);

/* --- fsrv_tty.c -----------------------------------------------------------*/
int fsrv_do_tty_get(struct fsrv_call *c);
int fsrv_do_tty_set(struct fsrv_call *c);
int fsrv_do_tty_winsz(struct fsrv_call *c);
int fsrv_do_tty_fionread(struct fsrv_call *c);
int fsrv_do_tty_front(struct fsrv_call *c);
