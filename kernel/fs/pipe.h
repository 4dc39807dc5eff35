/* SPDX-License-Identifier: MIT */
/*
 * Pipes and FIFOs: a byte ring in pages, grown on demand up to its capacity.
 * Files of both kinds have the same operations; file->private is the pipe.
 */
#pragma once
#include "fs/vfs.h"

#define PIPE_BUF_BYTES		4096u		/* atomic writes, limits.h */
#define PIPE_CAPACITY		65536u
#define PIPE_CAPACITY_MAX	(1u << 20)	/* unprivileged F_SETPIPE_SZ */

struct pipe;

/* pipe2(2): out[0] reads, out[1] writes. flags: O_NONBLOCK, O_DIRECT. */
int pipe_create(struct file *out[2], uint32_t flags);
/* open(2) of a FIFO inode, or of a pipe by /proc/self/fd. May block. */
int fifo_open(struct inode *i, struct file *f);

/* The pipe of a file, or NULL if f is none. */
struct pipe *pipe_of_file(const struct file *f);
/* fcntl F_GETPIPE_SZ, F_SETPIPE_SZ: bytes, or -EBUSY, -EPERM, -ENOMEM. */
long pipe_get_size(struct pipe *p);
/* Room for so many bytes in f's pipe now, 1 at least. */
size_t pipe_room_bytes(const struct file *f);
long pipe_set_size(struct pipe *p, size_t size, bool privileged);

/*
 * splice(2), tee(2). len 0 gives 0. *off is advanced; NULL = the file's own
 * position. Returns bytes, 0 at the end, -EAGAIN if it would block and
 * nonblock (or the pipe's O_NONBLOCK) is set, -EPIPE, -ERESTARTSYS.
 */
ssize_t pipe_splice_from_file(struct file *pipe, struct file *in,
			      uint64_t *off, size_t len, bool nonblock);
ssize_t pipe_splice_to_file(struct file *pipe, struct file *out,
			    uint64_t *off, size_t len, bool nonblock);
ssize_t pipe_splice_pipe(struct file *in, struct file *out, size_t len,
			 bool nonblock);
ssize_t pipe_tee(struct file *in, struct file *out, size_t len, bool nonblock);
