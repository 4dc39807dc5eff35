/* SPDX-License-Identifier: MIT */
/* Clocks and times of programs, shared by the calls about time. */
#pragma once
#include "linux/process.h"

/* struct timespec of the program. */
struct kts {
	int64_t sec, nsec;
};

static inline bool kts_is_valid(const struct kts *t)
{
	return t->sec >= 0 && t->nsec >= 0 && t->nsec < (int64_t)NSEC_PER_SEC;
}

static inline struct kts kts_from_ns(uint64_t ns)
{
	return (struct kts){ (int64_t)(ns / NSEC_PER_SEC),
			     (int64_t)(ns % NSEC_PER_SEC) };
}

/* Saturates: far enough is never. */
static inline uint64_t kts_to_ns(const struct kts *t)
{
	if ((uint64_t)t->sec >= INT64_MAX / NSEC_PER_SEC)
		return INT64_MAX;
	return (uint64_t)t->sec * NSEC_PER_SEC + (uint64_t)t->nsec;
}

/* The clock's value. Returns 0 or -EINVAL (no such clock). */
int clock_read(int32_t clock, uint64_t *ns);
/* A time on a wall or monotonic clock as a monotonic deadline.
 * Returns 0, -EINVAL (no clock), -EOPNOTSUPP (no timers on it). */
int clock_deadline(int32_t clock, uint64_t ns, bool absolute,
		   uint64_t *deadline_ns);

#define CLOCK_OF_THREAD(tid) ((int32_t)(~(tid) << 3 | 6))
/*
 * Whose processor time clock is: *tid of a thread of the caller's process, 0:
 * that process's. Returns 0, -EINVAL (another process's, or no such clock).
 */
int clock_cpu_owner(int32_t clock, uint32_t *tid);

/* --- timers of processes (itimer.c, posix_timer.c) ---------------------------*/
void itimers_init(struct process *p);
/* Stop all interval timers: the process ends. No lock held. */
void itimers_exit(struct process *p);
/* Delete all POSIX timers: exec or exit. No lock held. */
void posix_timers_exit(struct process *p);
/* RLIMIT_CPU of the caller changed; a child got its parent's limits. */
void itimers_limit_changed(void);
void itimers_limit_inherit(struct process *child);
/*
 * ITIMER_VIRTUAL and ITIMER_PROF of the calling process: send what is due.
 * Called on the way to user mode; costs one load while none is due.
 */
void itimers_check_cpu(void);
void posix_timers_check_cpu(void);	/* what it does for POSIX timers */
/* Ask a running thread of p (tid: that one) to look. False: all sleep. */
bool cpu_time_ask(struct process *p, uint32_t tid);
