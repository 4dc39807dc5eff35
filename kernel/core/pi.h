/* SPDX-License-Identifier: MIT */
/*
 * Priority inheritance: who waits for whom, and what claim to a processor
 * (core/sched.h) is lent along. A task that waits for another lends it its own
 * claim and all that it was lent itself; what it is worth changes at once, all
 * along the chain, when somebody comes, leaves, or is scheduled otherwise.
 *
 * The graph knows tasks, not locks: whoever lets a task wait says for whom, and
 * says it again when that changes hands (futexes with an owner, messages).
 * Where nothing can be lent cycles are found all the same.
 */
#pragma once
#include "lib/list.h"
#include "lib/types.h"

struct task;

/* In struct task; all zero at first. Under the lock of the graph but: */
struct pi_node {
	struct task *to;	/* whom it waits for, or NULL */
	struct list link;	/* in to's `donors` */
	struct list donors;	/* who waits for it */
	/* written under the lock, read freely */
	uint64_t own;		/* its own claim while it waits */
	uint64_t lent;		/* the best of its donors */
};

/*
 * t, which is the calling task or asleep, waits for `to` from now on, instead
 * of whom it waited for; NULL or t itself: for nobody. `to` lives.
 * Returns 0, or -EDEADLK: `to` waits for t, perhaps through others (or through
 * more than PI_DEPTH_MAX); then t waits for nobody.
 */
int pi_wait(struct task *t, struct task *to);
/* t waits for the same as `like`, which waits: -ESRCH if for nobody. */
int pi_wait_like(struct task *t, const struct task *like);
#define PI_DEPTH_MAX	1024u	/* as in Linux */

/*
 * What the calling task was lent is not taken back by pi_wait, since it may
 * hold locks and has to wake others first; it gives it back here.
 */
void pi_settle(void);
/* t's own claim has changed (plat_task_schedule). t lives. */
void pi_changed(struct task *t);
/* t ends: nobody waits for it any more. */
void pi_task_gone(struct task *t);
/* What t is worth while it waits, its loans included. Context: any; a hint. */
uint64_t pi_claim(const struct task *t);
