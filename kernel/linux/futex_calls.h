/* SPDX-License-Identifier: MIT */
/* What the futex files of the personality share. */
#pragma once
#include "core/futex.h"
#include "linux/process.h"

/* How a call refers to its words and its clock. */
enum futex_flags {
	FUTEX_F_SHARED = 1,	/* key by object, not by address space */
	FUTEX_F_REAL = 2,	/* absolute times are of the real clock */
};

/*
 * The key of a word of the calling process.
 * Returns 0, -EINVAL (not 4-aligned), -EFAULT.
 */
int futex_key_get(uint64_t uaddr, uint32_t flags, struct futex_key *k);

/*
 * Sleep while the word is val, until woken by bits of bitset.
 * Returns 0, -EAGAIN (another value), -ETIMEDOUT, -EINTR, -EINVAL, -EFAULT.
 */
long futex_wait_until(uint64_t uaddr, uint32_t flags, uint32_t val,
		      uint32_t bitset, uint64_t deadline);
/* Wake up to nr, at least one. Returns how many, -EINVAL, -EFAULT. */
long futex_wake_call(uint64_t uaddr, uint32_t flags, int nr, uint32_t bitset);
/*
 * Wake up to nr_wake, move up to nr_requeue of the others to uaddr2, if the
 * word is *cmp (NULL: whatever it is).
 * Returns how many in all, -EAGAIN (another value), -EINVAL, -EFAULT.
 */
long futex_requeue(uint64_t uaddr, uint64_t uaddr2, uint32_t flags,
		   int nr_wake, int nr_requeue, const uint32_t *cmp);

/* futex_pi.c: the operations with an owner. deadline: monotonic. */
long futex_lock_pi(uint64_t uaddr, uint32_t flags, uint64_t deadline,
		   bool only_try);
long futex_unlock_pi(uint64_t uaddr, uint32_t flags);
long futex_wait_requeue_pi(uint64_t uaddr, uint32_t flags, uint32_t val,
			   uint64_t deadline, uint64_t uaddr2);
long futex_cmp_requeue_pi(uint64_t uaddr, uint32_t flags, uint32_t nr_wake,
			  uint32_t nr_requeue, uint64_t uaddr2, uint32_t val);
/* t ends: whoever waits for what it owns may take it. */
void futex_exit_pi(struct thread *t);
