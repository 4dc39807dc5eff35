/* SPDX-License-Identifier: MIT */
/*
 * Messages for programs that run inside a mica sandbox: the C library of the
 * native interface (abi/native.h). Link with libmica.a; see native/mica.3.
 *
 * All calls return 0 or more on success, or a negative error number; they do
 * not touch errno. Outside of mica every call returns -ENOSYS.
 * Timeouts are nanoseconds; MICA_FOREVER, or 0: do not wait (-EAGAIN).
 */
#ifndef MICA_H
#define MICA_H

#include "abi/native.h"
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the interface; -ENOSYS: this is not mica. */
int mica_version(void);
/* This thread's id. Others may write to it from now on. */
int mica_self(void);

/* Returns when `to` has taken the message. buf may be NULL. */
int mica_send(uint32_t to, const struct mica_msg *m, struct mica_buf *buf,
	      int64_t timeout_ns);
/* From anybody, notifications (m->from == 0) too. */
int mica_receive(struct mica_msg *m, struct mica_buf *buf, int64_t timeout_ns);
/* From one of the nr tasks of ids only; id 0 stands for notifications. */
int mica_receive_from(const uint32_t *ids, uint32_t nr, struct mica_msg *m,
		      struct mica_buf *buf, int64_t timeout_ns);
/* Send m, wait for the reply, which takes its place. */
int mica_call(uint32_t to, struct mica_msg *m, struct mica_buf *buf,
	      int64_t timeout_ns);
/* To one whose mica_call was received. Never blocks. */
int mica_reply(uint32_t to, const struct mica_msg *m, struct mica_buf *buf);
/* Both in one: m and buf are the reply, then what is received next. If the
 * caller has given up that is not an error. */
int mica_reply_receive(uint32_t to, struct mica_msg *m, struct mica_buf *buf,
		       int64_t timeout_ns);
/* Set bits at `to`; it receives them as one message from 0. Never blocks. */
int mica_notify(uint32_t to, uint32_t bits);

/* Name this thread; rights: MICA_PUBLIC or 0 (programs of the same user). */
int mica_name(const char *name, uint32_t rights);
/* The id of a name; -ESRCH: nobody has it. */
int mica_find(const char *name);

/* out and in may be NULL with length 0. */
static inline struct mica_buf mica_buf(const void *out, size_t out_len,
				       void *in, size_t in_len)
{
	struct mica_buf b = { (uint64_t)(uintptr_t)out,
			      (uint64_t)(uintptr_t)in, (uint32_t)out_len,
			      (uint32_t)in_len, 0, 0 };

	return b;
}

#ifdef __cplusplus
}
#endif
#endif
