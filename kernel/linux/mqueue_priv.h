/* SPDX-License-Identifier: MIT */
/* What the files of POSIX message queues share. */
#pragma once
#include "linux/msgq.h"
#include "linux/process.h"

/* The kernel's struct sigevent, as far as it is looked at. */
struct mq_event {
	uint64_t value;
	int32_t signo, notify;
};

struct mqueue {
	struct list link;	/* queues */
	struct waitq wait;
	uint32_t uid;		/* whose memory it is; set once */
	int64_t max_size;	/* of a message; set once */
	struct mutex lock;
	/* under lock */
	struct msgq q;
	/* who wants to hear of the first message; NULL: nobody */
	struct process *owner;
	struct mq_event event;
	/* of SIGEV_THREAD: what the C library gets, and where; or NULL */
	struct sk_buf *cookie;
	struct sock *socket;	/* a reference */
};

/* Why SIGEV_THREAD's socket gets its cookie, whose last byte says it. */
enum mqueue_why { MQUEUE_WOKEN_UP = 1, MQUEUE_REMOVED = 2 };

static inline struct mqueue *mqueue_of(const struct file *f)
{
	return f->inode->attached;
}

/* A queue's file that is open for `mode`, referenced. NULL: none. */
struct file *mqueue_get(uint64_t fd, uint32_t mode);

/* --- mqueue_notify.c -----------------------------------------------------------*/
/*
 * Nobody is to be told any more; a socket learns why. Returns whom to put, or
 * NULL. Locks: the caller holds mq->lock.
 */
struct process *mqueue_forget_owner(struct mqueue *mq, enum mqueue_why why);
/* The first message is in an empty queue. Otherwise as above. */
struct process *mqueue_tell_owner(struct mqueue *mq);
