/* SPDX-License-Identifier: MIT */
/*
 * Services: system tasks that live by messages. One sleeps in msg_receive until
 * somebody notifies it (an interrupt, a timer, other tasks: bits that it
 * chooses), calls it, or the time has come that it asked for; then it takes its
 * turn. So what a service owns is touched by its own task only.
 */
#pragma once
#include "core/task.h"
#include "lib/types.h"

struct msg;

struct service {
	/* set once, before the start */
	const char *name;	/* the task's */
	bool is_public;		/* programs find it by the name, and may send */
	/*
	 * Do what there is to do. bits: notified since the last turn; all in
	 * the first one, which looks at everything. Returns when the next turn
	 * is due at the latest (monotonic; DEADLINE_NEVER; 0: at once).
	 */
	uint64_t (*turn)(struct service *s, uint32_t bits);
	/* A message: m, which becomes the answer. Returns true if it is one,
	 * false to answer later (msg_reply) or never. NULL: nobody sends. */
	bool (*answer)(struct service *s, struct msg *m);
	/*
	 * A question, which changes nothing: m becomes the answer. False, and m
	 * as it was: it is none, `answer` is for it. Called by whoever asks while
	 * the task waits for messages and can not leave its wait: nobody is
	 * woken, and what the task owns is still touched by one at a time.
	 * NULL: there are no such. Context: nosleep (msg_lock is held).
	 */
	bool (*question)(struct msg *m);
	/* atomic; set once by the task itself */
	struct task *task;
	uint32_t is_open;	/* word: it can be found */
	/* set once, under the lock of service.c */
	bool is_started;
};

/*
 * Start s if it does not run yet. Returns 0 or -errno. Context: task.
 */
int service_start(struct service *s);
/* Start it and wait until it can be found and called. Returns 0 or -errno. */
int service_open(struct service *s);
/*
 * Call s and wait for the answer, which lands in m; also from a program's task,
 * whose rights do not count: it is the kernel that asks. s is open. Returns 0,
 * or what msg_call returns. Context: task.
 */
int service_call(struct service *s, struct msg *m, uint64_t deadline_ns);
/* Bits for the next turn of s; nothing if it was not started: its first turn
 * looks at everything. Context: any. */
void service_notify(struct service *s, uint32_t bits);
