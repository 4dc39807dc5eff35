/* SPDX-License-Identifier: MIT */
/*
 * Messages between tasks: synchronous rendezvous. A message is 64 bytes, and a
 * buffer may go with it; whoever arrives second copies both. Who uses messages
 * has a port, found by the task's id; it is made by the first call of
 * msg_self and ends with the task.
 *
 * Errors of all blocking calls:
 *	-EAGAIN		nobody there, and the deadline was 0
 *	-ETIMEDOUT	the deadline came first
 *	-EINTR		the caller has other work (a signal); not restarted
 *	-EDEADLK	the partner waits for the caller, perhaps through others
 *	-ESRCH		no such task, or it ended meanwhile
 *	-EPERM		the partner does not want to hear from the caller
 *	-EMSGSIZE	the buffer is longer than the partner's room (the sender
 *			is told, the partner goes on waiting), or than MSG_BUF_MAX
 *	-EFAULT		the caller's own buffer is not memory
 *	-ENOMEM
 * Deadlines are monotonic nanoseconds; DEADLINE_NEVER, or 0: do not wait.
 * Context: task, unless said otherwise. Nothing is kept after return.
 */
#pragma once
#include "lib/types.h"

struct task;

#define MSG_WORDS	7u
#define MSG_BUF_MAX	65536u
#define MSG_NAME_MAX	16u	/* with the NUL */
#define MSG_SET_MAX	16u

struct msg {
	uint32_t from;	/* id of the sender, filled in; 0: a notification */
	uint32_t type;	/* the sender's choice; notification: the bits */
	uint64_t word[MSG_WORDS];
};
_Static_assert(sizeof(struct msg) == 64, "a message is 64 bytes");

/* Memory of the caller that goes with a message. */
struct msg_buf {
	uint64_t out, in;	/* addresses; see user */
	uint32_t out_len, in_len;	/* bytes to send; room */
	uint32_t got;		/* filled in: bytes that came */
	bool user;		/* program memory, not the kernel's */
};

/* Whom to receive from. nr 0: from all, notifications too. Else from these;
 * id 0 stands for notifications. */
struct msg_from {
	const uint32_t *id;
	uint32_t nr;
};

/* The id of the calling task, which has a port from now on. 0: no memory. */
uint32_t msg_self(void);
/* Returns when the partner has taken the message. b may be NULL. */
int msg_send(uint32_t to, const struct msg *m, struct msg_buf *b,
	     uint64_t deadline_ns);
/* Send, and wait for the reply, which lands in m and b. */
int msg_call(uint32_t to, struct msg *m, struct msg_buf *b,
	     uint64_t deadline_ns);
int msg_receive(const struct msg_from *from, struct msg *m, struct msg_buf *b,
		uint64_t deadline_ns);
/* To one whose call was received: never blocks. -EINVAL: it does not wait. */
int msg_reply(uint32_t to, const struct msg *m, struct msg_buf *b);
/* Both in one, from all: m and b are the reply, then what is received. It is no
 * error if `to` does not wait any more. */
int msg_reply_receive(uint32_t to, struct msg *m, struct msg_buf *b,
		      uint64_t deadline_ns);
/*
 * Bits that t receives as one message from 0; those of several notifications
 * are joined. They wait for the first receive if t has no port yet. Never
 * blocks. Context: any.
 */
void msg_notify(struct task *t, uint32_t bits);
/* As a task may who only knows the id. Returns 0, -ESRCH, -EPERM. */
int msg_notify_id(uint32_t to, uint32_t bits);

/* --- names and rights -----------------------------------------------------*/
enum msg_rights {
	MSG_PUBLIC = 1,		/* every program may send */
};

/* Give the calling task a name (or none: ""). -EEXIST: taken. */
int msg_set_name(const char *name, uint32_t rights);
/* The id of that name, or 0. */
uint32_t msg_find(const char *name);
/*
 * Asked before a program sends to another that is not MSG_PUBLIC. Programs
 * never reach system tasks that are not. Set once, context: init; without it
 * all may. fn: under the lock of messages, may not sleep.
 */
void msg_set_policy(bool (*fn)(const struct task *from,
			       const struct task *to));
/* What the policy reads has changed: answers that were yes may be no now. */
void msg_rights_changed(void);

/*
 * t ends: whoever waits for it gets -ESRCH. Called by t itself, by core/task.c
 * at the latest; by the personality before it gives up what the policy reads.
 */
void msg_task_gone(struct task *t);
