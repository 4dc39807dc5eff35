/* SPDX-License-Identifier: MIT */
/*
 * The fair class's account, see runq.h: loads, the virtual time of a queue, and
 * what those who come and go are owed. Called by runq.c and sched.c under the
 * locks of the queues.
 */
#include "platform/kvm/runq.h"

#define BASE_LOAD	65536u	/* of nice 0 */
#define LOAD_MIN	64u
#define IDLE_LOAD	192u

/* BASE_LOAD / 1.25^nice: one step is 10 % of the processor between two. */
static const uint32_t loads[] = {
	5684342, 4547474, 3637979, 2910383, 2328306, 1862645, 1490116, 1192093,
	953674, 762939, 610352, 488281, 390625, 312500, 250000, 200000, 160000,
	128000, 102400, 81920, 65536, 52429, 41943, 33554, 26844, 21475, 17180,
	13744, 10995, 8796, 7037, 5629, 4504, 3603, 2882, 2306, 1845, 1476,
	1181, 944,
};
_Static_assert(sizeof(loads) / sizeof(*loads) ==
	       SCHED_NICE_MAX - SCHED_NICE_MIN + 1, "one for each nice");

static uint32_t load_of(uint64_t claim)
{
	return claim == CLAIM_IDLE ? IDLE_LOAD :
	       loads[CLAIM_FAIR(SCHED_NICE_MIN) - claim];
}

/* Real to virtual time at that load. */
static uint64_t scale(uint64_t ns, uint64_t load)
{
	return ns * BASE_LOAD / load;
}

/* The lags of all at home, by their loads, add up to 0: when one comes or goes
 * with its lag, the virtual time moves. */
static void shift(struct runq *q, int64_t lag, uint32_t load)
{
	if (q->load)
		q->vtime += (uint64_t)(lag * (int64_t)load / (int64_t)q->load);
}

void runq_join_locked(struct runq *q, struct task *t)
{
	struct sched_entity *e = &t->arch.plat.sched;
	uint32_t n = 1, load;

	if (e->home == q || runq_class_of(t) != RUN_CLASS_FAIR)
		return;
	if (e->group)
		n = __atomic_add_fetch(e->group, 1, __ATOMIC_RELAXED);
	load = MAX(load_of(e->claim) / n, LOAD_MIN);
	/* what it had too much is paid by the time it stayed away */
	if (e->lag < 0 && e->left == q)
		e->lag = MIN(e->lag + (int64_t)(q->vtime - e->vruntime), 0);
	/* what it is owed is real time: with another load it weighs the same */
	if (e->load && e->load != load)
		e->lag = e->lag * (int64_t)e->load / (int64_t)load;
	e->load = load;
	shift(q, -e->lag, e->load);
	e->vruntime = q->vtime - (uint64_t)e->lag;
	e->home = q;
	q->load += e->load;
}

void runq_leave_locked(struct runq *q, struct task *t)
{
	struct sched_entity *e = &t->arch.plat.sched;
	int64_t max;

	if (e->home != q)
		return;
	max = (int64_t)scale(LAG_MAX_NS, e->load);
	e->lag = (int64_t)(q->vtime - e->vruntime);
	q->load -= e->load;
	shift(q, e->lag, e->load);
	e->lag = MIN(MAX(e->lag, -max), max);
	e->home = NULL;
	e->left = q;
	e->vruntime = q->vtime;
	if (e->group)
		__atomic_sub_fetch(e->group, 1, __ATOMIC_RELAXED);
}

void runq_charge_fair_locked(struct runq *q, struct task *t, uint64_t ns)
{
	struct sched_entity *e = &t->arch.plat.sched;

	q->vtime += scale(ns, q->load);
	e->vruntime += scale(ns, e->load);
}
