/* SPDX-License-Identifier: MIT */
/*
 * The native interface: what a program inside a sandbox may ask mica itself.
 * One system call, far outside Linux's numbers (elsewhere it is ENOSYS), with
 * an operation as its first argument. <mica.h> wraps it; native/mica.3
 * describes it. Numbers are never reused.
 */
#pragma once
#include <stdint.h>

#define MICA_SYSCALL		0x6d7367u	/* "msg" */
#define MICA_NATIVE_VERSION	1u

/* Arguments follow the operation: rsi, rdx, r10, r8, r9. */
enum mica_op {
	MICA_OP_VERSION,	/* returns MICA_NATIVE_VERSION */
	MICA_OP_SELF,		/* returns the caller's id */
	MICA_OP_SEND,		/* to, message, buffer or 0, timeout_ns */
	MICA_OP_RECEIVE,	/* nr ids, message, buffer, timeout_ns, ids */
	MICA_OP_CALL,		/* to, message, buffer, timeout_ns */
	MICA_OP_REPLY,		/* to, message, buffer */
	MICA_OP_REPLY_RECEIVE,	/* to, message, buffer, timeout_ns */
	MICA_OP_NOTIFY,		/* to, bits */
	MICA_OP_NAME,		/* name, rights */
	MICA_OP_FIND,		/* name; returns an id */
};

#define MICA_FOREVER	(-1ll)	/* timeout_ns */
#define MICA_SET_MAX	16u	/* ids in one receive */
#define MICA_BUF_MAX	65536u
#define MICA_NAME_MAX	16u	/* with the NUL */
#define MICA_PUBLIC	1u	/* rights: every program may send to this name */

struct mica_msg {
	uint32_t from;	/* filled in; 0: a notification */
	uint32_t type;	/* the sender's; of a notification: its bits */
	uint64_t word[7];
};

struct mica_buf {
	uint64_t out;		/* address of bytes that go with the message */
	uint64_t in;		/* address of room for those that come */
	uint32_t out_len, in_len;
	uint32_t got;		/* filled in */
	uint32_t pad;
};

_Static_assert(sizeof(struct mica_msg) == 64, "layout");
_Static_assert(sizeof(struct mica_buf) == 32, "layout");

/* --- the system task "clock" ------------------------------------------------*/
enum mica_clock_op {
	/* reply: word[0] monotonic ns, word[1] CLOCK_REALTIME ns, word[2]
	 * ticks of the monotonic clock, word[3] ticks per second */
	MICA_CLOCK_TICKS = 1,
	/* word[0] monotonic deadline in ns, word[1] bits: notify the caller
	 * then. One alarm per task; 0 bits: none. Reply: type 0. */
	MICA_CLOCK_ALARM = 2,
};
#define MICA_CLOCK_HZ	100u	/* of ticks, as Linux's USER_HZ */

/* type of a reply to something that a system task does not know, or can not
 * do; word[0] is the error number */
#define MICA_ERROR	0xffffffffu
