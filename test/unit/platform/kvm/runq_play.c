/* SPDX-License-Identifier: MIT */
/* One processor, played: see runq_play.h. */
#include "runq_play.h"

struct task tasks[NR_TASKS];
uint64_t ran_ns[NR_TASKS], longest_wait_ns[NR_TASKS];
struct runq queue;
uint64_t now;

static uint64_t since_ns[NR_TASKS];	/* ready, or running, since then */

uint32_t number(const struct task *t)
{
	return (uint32_t)(t - tasks);
}

void push(struct task *t, bool first)
{
	since_ns[number(t)] = now;
	runq_push_locked(&queue, t, first, now);
}

struct task *make(uint32_t i, struct sched_request r, uint32_t *group)
{
	tasks[i] = (struct task){ .kind = TASK_USER };
	runq_task_init(&tasks[i], &r, group);
	ran_ns[i] = longest_wait_ns[i] = 0;
	push(&tasks[i], false);
	return &tasks[i];
}

void begin(void)
{
	runq_init(&queue);
	now = 1000 * MS;
}

struct task *pop(const struct task *running)
{
	struct task *t = runq_pop_locked(&queue, 0, running, now);

	if (t) {
		uint64_t *longest = &longest_wait_ns[number(t)];

		*longest = MAX(*longest, now - since_ns[number(t)]);
	}
	return t;
}

void charge(struct task *t, uint64_t ns)
{
	now += ns;
	ran_ns[number(t)] += ns;
	runq_charge_locked(&queue, t, ns, now);
}

struct task *next_after(struct task *t, uint64_t ns)
{
	struct task *next;

	charge(t, ns);
	next = pop(t);
	if (!next)
		return t;
	push(t, !(t->arch.plat.sched.request.policy == SCHED_POLICY_RR &&
		  t->arch.plat.sched.slice_ns >= RR_SLICE_NS));
	return next;
}

void run_and_look(uint64_t end, void (*each)(const struct task *running))
{
	struct task *t = pop(NULL);

	while (t && now < end) {
		uint64_t ns = runq_limit_ns_locked(&queue, t, now);

		t = next_after(t, MIN(MAX(ns, 1000), end - now + 1));
		if (each)
			each(t);
	}
	if (t)
		push(t, true);
}

void run_until(uint64_t end)
{
	run_and_look(end, NULL);
}

bool is_about(uint64_t got, uint64_t want, uint64_t percent)
{
	return got * 100 >= want * (100 - percent) &&
	       got * 100 <= want * (100 + percent);
}
