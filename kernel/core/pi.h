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

struct mutex;

/* `from` waits for `to`. */
struct pi_edge {
	struct list link;	/* in to's donors */
	struct task *from, *to;	/* to NULL: for nobody */
};

/* In struct task; all zero at first. Under the lock of the graph but: */
struct pi_node {
	struct pi_edge wait;
	/* Meanwhile it may wait for a mutex of the kernel; `by_mutex` leads to
	 * the holder, as far as known. */
	struct pi_edge by_mutex;
	struct mutex *mutex;
	struct list donors;	/* struct pi_edge: who waits for it */
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

/* --- for core/lock.c, where plat_mutexes_lend ---------------------------------*/
/* The calling task is about to sleep for m. Returns m's word, marked as wanted;
 * 0: it is free by now. */
uint64_t pi_mutex_wait(struct mutex *m);
/* It has got it. */
void pi_mutex_wait_end(void);
/* Free m, wake the best of those that sleep on `word`, then give back what they
 * lent. */
void pi_mutex_unlock(struct mutex *m, uint32_t *word);
