/* SPDX-License-Identifier: MIT */
/*
 * What a task may ask of the scheduler (plat_task_schedule). The classes, best
 * first: deadline, fixed priority, fair. What carries the kernel may refuse.
 */
#pragma once
#include "lib/types.h"

enum sched_policy {
	SCHED_POLICY_FAIR,
	SCHED_POLICY_IDLE,	/* fair, with the least weight */
	SCHED_POLICY_FIFO,	/* fixed priority, runs until it waits */
	SCHED_POLICY_RR,	/* fixed priority, in turn among equals */
	SCHED_POLICY_DEADLINE,	/* runtime_ns in each period_ns */
};

#define SCHED_PRIORITY_MAX	99u
/* System tasks: drivers, the clock. They carry interrupts. */
#define SCHED_PRIORITY_SYSTEM	50u
#define SCHED_NICE_MIN		(-20)
#define SCHED_NICE_MAX		19

struct sched_request {
	enum sched_policy policy;
	uint32_t priority;	/* FIFO, RR: 1..SCHED_PRIORITY_MAX, high first */
	int32_t nice;		/* FAIR: SCHED_NICE_MIN..MAX */
	/* DEADLINE: runtime <= deadline <= period, all > 0 */
	uint64_t runtime_ns, deadline_ns, period_ns;
	uint64_t cpus;		/* one bit each; 0: all */
};

/*
 * How good a claim to a processor is, as one number: higher is better, 0 is
 * none. This is what one who waits lends to whom it waits for (core/pi.h): a
 * niceness, a fixed priority, or a point in time as a deadline (monotonic).
 */
#define CLAIM_IDLE		1ull
#define CLAIM_FAIR(nice)	((uint64_t)(2 + SCHED_NICE_MAX - (nice)))
#define CLAIM_FIXED(priority)	(64ull + (priority))
#define CLAIM_DEADLINE(due_ns)	(~MIN((uint64_t)(due_ns), CLAIM_DEADLINE_MIN - 1))
#define CLAIM_DEADLINE_MIN	(1ull << 63)

/* Those without real-time rights are served in turn, whatever their niceness. */
static inline bool claim_is_urgent(uint64_t claim)
{
	return claim >= CLAIM_FIXED(0);
}
