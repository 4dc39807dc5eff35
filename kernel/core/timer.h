/* SPDX-License-Identifier: MIT */
/*
 * Timers: one sorted set, run by the system task "clock". A callback runs in
 * that task (may take locks, must be short).
 */
#pragma once
#include "lib/types.h"
#include "lib/list.h"

struct timer {
	struct list link;	/* under the clock's lock; alone = not set */
	uint64_t deadline_ns;	/* monotonic */
	void (*fn)(struct timer *t);
};

void timer_init(struct timer *t, void (*fn)(struct timer *));
/* Set or move. Starts the clock task on first use. Returns 0 or -ENOMEM. */
int timer_set(struct timer *t, uint64_t deadline_ns);
/*
 * Take it out; when it returns the callback is not running and will not run
 * unless set again. Must not be called from its own callback, nor with a lock held that the callback takes.
 */
void timer_cancel(struct timer *t);
/* The clock only: run one expired timer and return 0, or the earliest
 * deadline, DEADLINE_NEVER if there is none. */
uint64_t timer_run_expired(void);
uint64_t clock_mono_ns(void);
uint64_t clock_real_ns(void);
