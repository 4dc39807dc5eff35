/* SPDX-License-Identifier: MIT */
/* See mica.h. Freestanding: needs no C library. */
#include "mica.h"

static long op(long nr, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = c;
	register long r8 __asm__("r8") = d;
	register long r9 __asm__("r9") = e;
	long ret;

	/* side by side: mica finds and replaces them on every platform */
	__asm__ volatile("mov %[call], %%eax\n\t"
			 "syscall"
			 : "=a"(ret)
			 : [call] "i"(MICA_SYSCALL), "D"(nr), "S"(a), "d"(b),
			   "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

int mica_version(void)
{
	return (int)op(MICA_OP_VERSION, 0, 0, 0, 0, 0);
}

int mica_self(void)
{
	return (int)op(MICA_OP_SELF, 0, 0, 0, 0, 0);
}

int mica_send(uint32_t to, const struct mica_msg *m, struct mica_buf *buf,
	      int64_t timeout_ns)
{
	return (int)op(MICA_OP_SEND, to, (long)m, (long)buf, timeout_ns, 0);
}

int mica_receive(struct mica_msg *m, struct mica_buf *buf, int64_t timeout_ns)
{
	return (int)op(MICA_OP_RECEIVE, 0, (long)m, (long)buf, timeout_ns, 0);
}

int mica_receive_from(const uint32_t *ids, uint32_t nr, struct mica_msg *m,
		      struct mica_buf *buf, int64_t timeout_ns)
{
	return (int)op(MICA_OP_RECEIVE, nr, (long)m, (long)buf, timeout_ns,
		       (long)ids);
}

int mica_call(uint32_t to, struct mica_msg *m, struct mica_buf *buf,
	      int64_t timeout_ns)
{
	return (int)op(MICA_OP_CALL, to, (long)m, (long)buf, timeout_ns, 0);
}

int mica_reply(uint32_t to, const struct mica_msg *m, struct mica_buf *buf)
{
	return (int)op(MICA_OP_REPLY, to, (long)m, (long)buf, 0, 0);
}

int mica_reply_receive(uint32_t to, struct mica_msg *m, struct mica_buf *buf,
		       int64_t timeout_ns)
{
	return (int)op(MICA_OP_REPLY_RECEIVE, to, (long)m, (long)buf,
		       timeout_ns, 0);
}

int mica_notify(uint32_t to, uint32_t bits)
{
	return (int)op(MICA_OP_NOTIFY, to, bits, 0, 0, 0);
}

int mica_name(const char *name, uint32_t rights)
{
	return (int)op(MICA_OP_NAME, (long)name, rights, 0, 0, 0);
}

int mica_find(const char *name)
{
	return (int)op(MICA_OP_FIND, (long)name, 0, 0, 0, 0);
}
