/* SPDX-License-Identifier: MIT */
/* What the families of seccomp(2) share: programs of filters, and to install them. */
#pragma once
#include "harness.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define NR		offsetof(struct seccomp_data, nr)
#define ARG(n)		offsetof(struct seccomp_data, args[n])
#define LOAD(at)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define RETURN(v)	BPF_STMT(BPF_RET | BPF_K, v)
/* Go over the next instruction unless a is v. */
#define IF(v)		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v, 0, 1)
#define ALLOW		RETURN(SECCOMP_RET_ALLOW)

/* Not in the headers of older systems. */
#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH 16
#endif

static inline int install_flags(const struct sock_filter *code, size_t len, int flags)
{
	struct sock_fprog p = { (unsigned short)len,
				(struct sock_filter *)code };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

#define INSTALL(code)	install_flags(code, ARRAY_SIZE(code), 0)

static inline void no_privs(void)
{
	struct rlimit none = { 0, 0 };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(setrlimit(RLIMIT_CORE, &none));
}

/* From now on the call `nr` is answered so. */
static inline void answer(int nr, uint32_t value)
{
	struct sock_filter code[] = { LOAD(NR), IF(nr), RETURN(value), ALLOW };

	no_privs();
	must(INSTALL(code));
}
