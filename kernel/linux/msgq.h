/* SPDX-License-Identifier: MIT */
/*
 * A queue of messages, as System V's (msg.c) and POSIX's (mqueue.c) are: who
 * puts a message in gives it to a receiver that waits, who takes one out lets a
 * sender's in that waits. The woken find their part done. All under one
 * lock of the caller's, which ipc_sleep is given as well.
 */
#pragma once
#include "linux/ipc.h"

struct msg {
	struct list link;
	int64_t type;		/* POSIX: the priority */
	size_t len;
	char data[];
};

struct msgq {
	struct list msgs, receivers, senders;
	uint64_t bytes, max_bytes;
	uint64_t nr, max_nr;
	bool by_priority;	/* else in the order they came; set once */
};

enum msg_match {
	MATCH_ANY, MATCH_EQUAL, MATCH_OTHER,
	MATCH_LOWEST,		/* the first of the lowest type up to `type` */
	MATCH_NUMBER,		/* the type-th, from 0 */
};

struct msg_wait {
	struct ipc_wait w;
	struct msg *msg;	/* to be sent; or what was received */
	int32_t pid;
	/* receivers */
	enum msg_match match;
	int64_t type;
	size_t max;		/* what is longer gives -E2BIG... */
	bool cut;		/* ...unless this is set */
};

/* A message of len bytes from the program. Returns 0, -ENOMEM, -EFAULT. */
int msg_load(uint64_t user, size_t len, struct msg **out);

void msgq_init(struct msgq *q);
bool msgq_has_room(const struct msgq *q, size_t len);
/* Give m, which has room, to a receiver or the queue. Returns the receiver's
 * pid, 0: none. */
int32_t msgq_put(struct msgq *q, struct msg *m);
/* The message that w would get; NULL: none now. It stays. */
struct msg *msgq_find(const struct msgq *q, const struct msg_wait *w);
/* Take m out; then room is for senders. Returns the last one's pid, or 0. */
int32_t msgq_take(struct msgq *q, struct msg *m);
/* Senders that have room now. Returns the last one's pid, or 0. */
int32_t msgq_admit(struct msgq *q);
/* All messages go, all that wait are told status. */
void msgq_fini(struct msgq *q, int status);
