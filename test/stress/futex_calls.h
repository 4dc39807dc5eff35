/* SPDX-License-Identifier: MIT */
/* The futex calls without a library, for stress programs. */
#pragma once
#include "stress.h"
#include <sys/syscall.h>

enum op {
	WAIT, WAKE, REQUEUE = 3, CMP_REQUEUE, WAKE_OP, LOCK_PI, UNLOCK_PI,
	WAIT_BITSET = 9, WAKE_BITSET, WAIT_REQUEUE_PI, CMP_REQUEUE_PI,
	PRIVATE = 128, REALTIME = 256,
};

#define NR_FUTEX_WAITV	449
#define NR_FUTEX_WAKE	454	/* the last three: Linux 6.7 */
#define NR_FUTEX_WAIT	455
#define NR_FUTEX_REQUEUE 456
#define U32		2u	/* FUTEX2_SIZE_U32 */

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static inline long futex(uint32_t *addr, int op, uint32_t val,
			 const void *timeout, uint32_t *addr2, uint32_t val3)
{
	return syscall(SYS_futex, addr, op, val, timeout, addr2, val3);
}

static inline uint32_t load(uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* Up to half a millisecond from now by a clock; NULL now and then: none. */
static inline const struct timespec *limit(struct timespec *t, clockid_t clock,
					   uint32_t random)
{
	uint64_t ns = random % 500000;

	if (random % 13 == 0)
		return NULL;
	if (clock >= 0) {
		clock_gettime(clock, t);
		ns += t->tv_sec * 1000000000ull + t->tv_nsec;
	}
	t->tv_sec = ns / 1000000000;
	t->tv_nsec = ns % 1000000000;
	return t;
}
