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
