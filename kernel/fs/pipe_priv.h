/* SPDX-License-Identifier: MIT */
/*
 * The pipe itself, shared by pipe.c (life, read, write, poll) and
 * pipe_splice.c.
 */
#pragma once
#include "fs/pipe.h"
#include "fs/vfs_priv.h"

/*
 * A byte ring. head and tail run freely (mod 2^32); used = head - tail. The
 * ring's memory may be smaller than the capacity: it grows when needed.
 */
struct pipe {
	struct mutex lock;
	/* under lock */
	char *ring;
	uint32_t size;		/* of ring: 0 or a power of two */
	uint32_t capacity;	/* a power of two >= PIPE_BUF_BYTES */
	uint32_t head, tail;
	uint32_t readers, writers;	/* open files that can */
	uint32_t r_opens, w_opens;	/* ever opened, for open and poll */
	uint32_t nr_files;	/* that refer to it; under inode->lock */
	bool packets;		/* O_DIRECT: each write is a packet */
	bool is_fifo;
	struct waitq read_wait, write_wait;	/* sleepers, exclusive */
	struct waitq read_poll, write_poll;	/* poll, select, epoll */
};

static inline uint32_t pipe_used(const struct pipe *p)
{
	return p->head - p->tail;
}
static inline uint32_t pipe_room(const struct pipe *p)
{
	return p->capacity - pipe_used(p);
}

/* All with p->lock held. */
/* Memory for n more bytes, if possible. False: none at all. */
bool pipe_reserve(struct pipe *p, size_t n);
/* Sleep on q with the lock given up meanwhile. 0 or -ERESTARTSYS. */
int pipe_sleep(struct pipe *p, struct waitq *q);
/* Bytes that can be written or read in one piece. */
uint32_t pipe_free_piece(struct pipe *p, char **mem);
uint32_t pipe_data_piece(struct pipe *p, char **mem);
/*
 * Leave a call: unlock, then wake. came: data was put in. room_before: how
 * much room there was (pollers for writing hear only of its beginning to
 * suffice). Data or room that the caller leaves behind goes to the next
 * sleeper.
 */
void pipe_unlock_and_wake(struct pipe *p, bool came, uint32_t room_before);
/* Data was put in: wake one reader and all pollers. */
void pipe_wake_readers(struct pipe *p);
