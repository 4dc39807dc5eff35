/* SPDX-License-Identifier: MIT */
/* The futex calls without a library, for the families futex_*. */
#pragma once
#include "pthread_help.h"

#define F_WAIT			0
#define F_WAKE			1
#define F_REQUEUE		3
#define F_CMP_REQUEUE		4
#define F_WAKE_OP		5
#define F_LOCK_PI		6
#define F_UNLOCK_PI		7
#define F_TRYLOCK_PI		8
#define F_WAIT_BITSET		9
#define F_WAKE_BITSET		10
#define F_WAIT_REQUEUE_PI	11
#define F_CMP_REQUEUE_PI	12
#define F_LOCK_PI2		13
#define F_PRIVATE		128
#define F_REALTIME		256

#define WAITERS		0x80000000u
#define OWNER_DIED	0x40000000u
#define TID_MASK	0x3fffffffu

#define FUTEX2_U32	2u	/* flags of futex_waitv and futex2 */
#define FUTEX2_OWN	128u

#define NR_WAITV	449
#define NR_WAKE		454
#define NR_WAIT		455
#define NR_REQUEUE	456

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static inline long futex(void *addr, int op, uint32_t val, const void *timeout,
			 void *addr2, uint32_t val3)
{
	return syscall(SYS_futex, addr, op, val, timeout, addr2, val3);
}

static inline long waitv(void *waiters, unsigned int nr, unsigned int flags,
			 const void *timeout, clockid_t clock)
{
	return syscall(NR_WAITV, waiters, nr, flags, timeout, clock);
}

static inline long wake2(void *addr, uint64_t mask, int nr, uint32_t flags)
{
	return syscall(NR_WAKE, addr, mask, nr, flags);
}

static inline long wait2(void *addr, uint64_t val, uint64_t mask,
			 uint32_t flags, const void *timeout, clockid_t clock)
{
	return syscall(NR_WAIT, addr, val, mask, flags, timeout, clock);
}

static inline long requeue2(void *waiters, uint32_t flags, int nr_wake,
			    int nr_requeue)
{
	return syscall(NR_REQUEUE, waiters, flags, nr_wake, nr_requeue);
}

/* Linux has futex2 since 6.7. */
static inline void need_futex2(void)
{
	if (wake2(NULL, 0, 0, 0) < 0 && errno == ENOSYS)
		skip("no futex2 calls");
}

struct sleeper {
	long (*fn)(void *arg);
	void *arg;
	int *tid;
	int err;
};

static inline void *sleep_in(void *arg)
{
	struct sleeper *s = arg;
	long r;

	tell_tid(s->tid);
	r = s->fn(s->arg);
	s->err = errno;
	return (void *)r;
}

/* A thread that is asleep in fn(arg). */
static inline pthread_t sleeps(struct sleeper *s, long (*fn)(void *), void *arg,
			int *tid)
{
	pthread_t t;

	*s = (struct sleeper){ fn, arg, tid, 0 };
	*tid = 0;
	t = start(sleep_in, s);
	told_and_asleep(tid);
	return t;
}
