/* SPDX-License-Identifier: MIT */
/* Timeouts of programs: reading, checking and turning them into deadlines. */
#pragma once
#include "lib/types.h"

/* struct timespec and timeval of the 64-bit interface. */
struct user_timespec {
	int64_t sec, nsec;
};

/* Nanoseconds of a valid time, saturating. */
uint64_t timespec_ns(const struct user_timespec *t);
bool timespec_is_valid(const struct user_timespec *t);
/* Read one. Returns 0, -EFAULT, -EINVAL. */
int user_timespec_get(uint64_t user, uint64_t *ns);
int user_timespec_put(uint64_t user, uint64_t ns);	/* 0, -EFAULT */
/* Monotonic deadline `ns` from now; 0 stays "at once". */
uint64_t deadline_in(uint64_t ns);
/* Monotonic deadline of an absolute time of the real clock. */
uint64_t deadline_of_real(uint64_t real_ns);
/*
 * The timeout argument of ppoll, epoll_pwait2, recvmmsg: NULL = never.
 * Returns 0, -EFAULT, -EINVAL.
 */
int user_deadline_get(uint64_t user, uint64_t *deadline);
