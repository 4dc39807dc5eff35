/* SPDX-License-Identifier: MIT */
/*
 * Basic types and helpers of the kernel. Fixed-width types come from the
 * compiler's own headers; constants of the Linux interface from the UAPI
 * headers (package linux-libc-dev).
 */
#pragma once
#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdarg.h>
#include <linux/errno.h>

typedef int64_t ssize_t;
typedef uint64_t uaddr_t;	/* an address in a program */

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096ul
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_UP(x)	(((x) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_DOWN(x)	((x) & PAGE_MASK)

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	((a) < (b) ? (a) : (b))
#define MAX(a, b)	((a) > (b) ? (a) : (b))
#define ALIGN_UP(x, a)	(((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))

#define __must_check	__attribute__((warn_unused_result))
#define __noreturn	__attribute__((noreturn))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
#define __unused	__attribute__((unused))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define fallthrough	__attribute__((fallthrough))

#define NSEC_PER_SEC	1000000000ull
#define DEADLINE_NEVER	UINT64_MAX

/*
 * Errors of the kernel's own that never reach a program: what an interrupted
 * system call wants (values as in Linux's include/linux/errno.h).
 */
#define ERESTARTSYS		512	/* restart if SA_RESTART, else EINTR */
#define ERESTARTNOINTR		513	/* always restart */
#define ERESTARTNOHAND		514	/* restart if no handler ran */
#define ERESTART_RESTARTBLOCK	516	/* restart by restart_syscall */
