/* SPDX-License-Identifier: MIT */
/* Other tasks for the tests of messages: host threads that do one thing each. */
#pragma once
#include "core/msg.h"
#include "core/msg_priv.h"

/* One operation in a thread of its own. */
struct actor {
	enum { SEND, CALL, RECEIVE, DIRECT } op;
	uint32_t to;		/* RECEIVE: from whom alone, 0: all */
	struct msg m;
	struct msg_buf *b;
	uint64_t deadline_ns;
	bool stays;		/* in life when it is done, until end() */
	bool may_go;		/* atomic */
	/* out */
	uint32_t id;		/* atomic */
	int result;
	unsigned long thread;
};

/* Until it has an id. */
void start(struct actor *a);
/* Until the task of this id waits in this state. */
void until(uint32_t id, enum port_state state);
/* Both. */
void start_until(struct actor *a, enum port_state state);
/* Waits for its end. Returns its result. */
int end(struct actor *a);
