/* SPDX-License-Identifier: MIT */
/*
 * One task hands another its processor without a run queue (head of sched.c):
 * the decision, and the account of the queue. In a header because it is in the
 * way of every message: bench/count --operation call.
 */
#pragma once
#include "platform/kvm/runq.h"

/* The place with its load and what it is owed, not the task, is what the sums
 * of the queue know. */
static inline void place_move(struct sched_entity *from,
			      struct sched_entity *to)
{
	to->home = from->home;
	to->load = from->load;
	to->vruntime = from->vruntime;
	from->home = from->left = NULL;
	from->lag = 0;
}

static inline void group_move(const struct sched_entity *from,
			      const struct sched_entity *to)
{
	if (from->group == to->group)
		return;
	if (from->group)
		__atomic_sub_fetch(from->group, 1, __ATOMIC_RELAXED);
	if (to->group)
		__atomic_add_fetch(to->group, 1, __ATOMIC_RELAXED);
}

static inline bool can_hand_over(const struct runq *q,
				 const struct sched_entity *from,
				 const struct sched_entity *to)
{
	if (q->nr_urgent || from->request_state | to->request_state)
		return false;
	if ((from->request.policy | to->request.policy) <= SCHED_POLICY_IDLE)
		return from->home == q && !claim_is_urgent(to->claim);
	return from->request.policy == to->request.policy &&
	       (to->request.policy == SCHED_POLICY_FIFO ||
		to->request.policy == SCHED_POLICY_RR) &&
	       to->claim >= from->claim && !q->rt_throttled;
}

/*
 * `from`, which runs on q's CPU, is about to sleep, and `to`, at home nowhere,
 * can have its place and the rest of its turn if they are of one class
 * and nobody better waits. Then so it is done, else nothing. (A sleeper is no
 * loser by it: it gets the place back in the same way.) Without q->lock, by
 * q's CPU.
 */
static inline bool runq_hand_over(struct runq *q, struct task *from,
				  struct task *to, uint32_t cpu)
{
	struct sched_entity *f = &from->arch.plat.sched;
	struct sched_entity *t = &to->arch.plat.sched;

	if ((t->request.cpus && !(t->request.cpus >> cpu & 1)) ||
	    !can_hand_over(q, f, t))
		return false;
	t->slice_ns = f->slice_ns;
	if (f->home == q) {
		place_move(f, t);
		group_move(f, t);
	}
	return true;
}

/*
 * The same where both are fair and nobody has asked for another task here
 * (need_resched, which says that an urgent one waits); a request for `to` that is
 * not in force yet comes into force right after (switch_begin). Then
 * runq_give_place does it, in which nothing can fail.
 */
static inline bool runq_can_give_place(const struct runq *q,
				       const struct task *from,
				       const struct task *to,
				       const uint32_t *cpu)
{
	const struct sched_entity *f = &from->arch.plat.sched;
	const struct sched_entity *t = &to->arch.plat.sched;

	/* only who is fair has a home */
	return likely(f->home == q) && likely(!claim_is_urgent(t->claim)) &&
	       (likely(!t->request.cpus) || runq_may_run_on(to, *cpu));
}

/* The counts of processes are left, see group_change. */
static inline void runq_give_place(struct task *from, struct task *to)
{
	to->arch.plat.sched.slice_ns = from->arch.plat.sched.slice_ns;
	place_move(&from->arch.plat.sched, &to->arch.plat.sched);
}

/* For tasks of two processes. */
static inline void group_change(const struct task *from, const struct task *to)
{
	uint32_t *one_less = from->arch.plat.sched.group;
	uint32_t *one_more = to->arch.plat.sched.group;

	__atomic_sub_fetch(one_less, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(one_more, 1, __ATOMIC_RELAXED);
}
