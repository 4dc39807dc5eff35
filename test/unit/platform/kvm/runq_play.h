/* SPDX-License-Identifier: MIT */
/*
 * One processor with its run queue (platform/kvm/runq.c), played with a clock
 * that the test moves, in the steps that sched.c takes.
 */
#pragma once
#include "platform/kvm/runq.h"
#include "test/unit/tap.h"

#define NR_TASKS	8u
#define MS		1000000ull
#define FAIR(n)		{ .policy = SCHED_POLICY_FAIR, .nice = (n) }
#define FIFO(p)		{ .policy = SCHED_POLICY_FIFO, .priority = (p) }
#define RR(p)		{ .policy = SCHED_POLICY_RR, .priority = (p) }
#define DEADLINE(r, d, p) { .policy = SCHED_POLICY_DEADLINE,		\
	.runtime_ns = (r), .deadline_ns = (d), .period_ns = (p) }

extern struct task tasks[NR_TASKS];
extern uint64_t ran_ns[NR_TASKS], longest_wait_ns[NR_TASKS];
extern struct runq queue;
extern uint64_t now;

/* An empty queue. */
void begin(void);
uint32_t number(const struct task *t);
/* Ready from now on. */
struct task *make(uint32_t i, struct sched_request r, uint32_t *group);
void push(struct task *t, bool first);
struct task *pop(const struct task *running);
/* t has run for ns. */
void charge(struct task *t, uint64_t ns);
/* t has run for ns, others may have come; who goes on? */
struct task *next_after(struct task *t, uint64_t ns);
/* Let all that are ready run, nobody sleeping, until the clock says end; each
 * (NULL: nothing) is called whenever the scheduler has looked. */
void run_until(uint64_t end);
void run_and_look(uint64_t end, void (*each)(const struct task *running));
bool is_about(uint64_t got, uint64_t want, uint64_t percent);
