/* SPDX-License-Identifier: MIT */
/*
 * The protocol in the head of platform/kvm/tlb.c as a small model, every
 * interleaving of which is visited: one task flushes twice, one CPU loads the
 * space, walks its tables at any time, goes lazy, leaves and comes back. After
 * each flush it must have no translation from before it, and no flush may wait
 * for an answer that nobody owes. The model also runs with known mistakes,
 * which must be found. Prints TAP.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS	2u

enum mistake {
	RIGHT, ANSWERS_AFTER_LOAD, ANSWERS_NOT_AT_LOAD, LEAVES_BEFORE_LOAD,
	ASKS_BEFORE_PENDING, LOOKS_BEFORE_CHANGE, WAITS_FOR_PENDING_ONLY,
	NR_MISTAKES,
};

struct state {
	/* the flushing task: next step, what it read, the entry's version */
	uint8_t flush, seen, entry;
	/* the other CPU */
	uint8_t cpu, tables, cached;	/* cached: version plus 1, 0 none */
	uint8_t irq;			/* an interrupt is on its way */
	uint8_t cpus, pending;
};

enum flush_step { CHANGE, LOOK, PEND, ASK, READ_PENDING, READ_CPUS, CHECK,
		  FLUSH_END };
enum cpu_step { OUTSIDE, LOAD_B, LOAD_C, RUNNING, LEAVE_CPUS, FORGET, ANSWER };

#define QUEUE_MAX	100000u
static struct state queue[QUEUE_MAX];
static uint32_t nr_states;
static bool wrong;

static void reach(const struct state *s)
{
	for (uint32_t i = 0; i < nr_states; i++)
		if (!memcmp(&queue[i], s, sizeof(*s)))
			return;
	if (nr_states == QUEUE_MAX) {
		wrong = true;
		return;
	}
	queue[nr_states++] = *s;
}

/* --- the flushing task ----------------------------------------------------------*/
static void step_flush(struct state s, enum mistake m)
{
	bool ask_first = m == ASKS_BEFORE_PENDING;

	switch ((enum flush_step)s.flush) {
	case CHANGE:
		if (m == LOOKS_BEFORE_CHANGE)
			s.seen = s.cpus;
		else
			s.entry++;
		s.flush = LOOK;
		break;
	case LOOK:
		if (m == LOOKS_BEFORE_CHANGE)
			s.entry++;
		else
			s.seen = s.cpus;
		s.flush = !s.seen ? CHECK : ask_first ? ASK : PEND;
		break;
	case PEND:
		s.pending = 1;
		s.flush = ask_first ? READ_PENDING : ASK;
		break;
	case ASK:
		s.irq = 1;
		s.flush = ask_first ? PEND : READ_PENDING;
		break;
	case READ_PENDING:
		s.seen = s.pending;
		s.flush = READ_CPUS;
		break;
	case READ_CPUS:
		s.flush = s.seen && (s.cpus || m == WAITS_FOR_PENDING_ONLY) ?
			  READ_PENDING : CHECK;
		break;
	case CHECK:
		if (s.cached && s.cached - 1 < s.entry)
			wrong = true;
		s.seen = 0;
		s.flush = s.entry < ROUNDS ? CHANGE : FLUSH_END;
		break;
	case FLUSH_END:
		return;
	}
	reach(&s);
}

/* --- the CPU --------------------------------------------------------------------*/
static void load_other(struct state *s)
{
	s->tables = 0;
	s->cached = 0;
}

static void begin_leave(struct state s, enum mistake m)
{
	if (m == LEAVES_BEFORE_LOAD)
		s.cpus = 0;
	else
		load_other(&s);
	s.cpu = LEAVE_CPUS;
	reach(&s);
}

static void step_running(struct state s, enum mistake m)
{
	begin_leave(s, m);
	if (!s.irq)
		return;
	s.irq = 0;
	if (!s.pending) {
		reach(&s);
		return;
	}
	begin_leave(s, m);	/* lazy */
	s.cpu = FORGET;
	reach(&s);
}

static void step_cpu(struct state s, enum mistake m)
{
	switch ((enum cpu_step)s.cpu) {
	case OUTSIDE:
		s.irq = 0;
		reach(&s);
		s.cpus = 1;
		s.cpu = LOAD_B;
		break;
	case LOAD_B:
		if (m == ANSWERS_AFTER_LOAD) {
			s.tables = 1;
			s.cached = 0;
		} else if (m != ANSWERS_NOT_AT_LOAD) {
			s.pending = 0;
		}
		s.cpu = LOAD_C;
		break;
	case LOAD_C:
		if (m == ANSWERS_AFTER_LOAD) {
			s.pending = 0;
		} else {
			s.tables = 1;
			s.cached = 0;
		}
		s.cpu = RUNNING;
		break;
	case RUNNING:
		step_running(s, m);
		return;
	case LEAVE_CPUS:
		if (m == LEAVES_BEFORE_LOAD)
			load_other(&s);
		s.cpus = 0;
		s.cpu = OUTSIDE;
		break;
	case FORGET:
		s.cached = 0;
		s.cpu = ANSWER;
		break;
	case ANSWER:
		s.pending = 0;
		s.cpu = RUNNING;
		break;
	}
	reach(&s);
}

/* The processor may look the entry up whenever its tables are loaded. */
static void step_walk(struct state s)
{
	if (!s.tables || s.cached)
		return;
	s.cached = (uint8_t)(s.entry + 1);
	reach(&s);
}

/* The flush waits for a CPU that goes on undisturbed, or is elsewhere. */
static bool is_stuck(const struct state *s, enum mistake m)
{
	bool waits = s->flush == READ_PENDING && s->pending && !s->irq &&
		     (s->cpus || m == WAITS_FOR_PENDING_ONLY);

	return waits && (s->cpu == RUNNING || s->cpu == OUTSIDE);
}

/* Returns true if nothing can go wrong. */
static bool explore(enum mistake m)
{
	struct state first = { 0 };

	wrong = false;
	nr_states = 0;
	reach(&first);
	for (uint32_t i = 0; i < nr_states && !wrong; i++) {
		wrong = wrong || is_stuck(&queue[i], m);
		step_flush(queue[i], m);
		step_cpu(queue[i], m);
		step_walk(queue[i]);
	}
	return !wrong;
}

int main(void)
{
	static const char *const names[NR_MISTAKES] = {
		"a flush reaches every translation", "answer after the load",
		"no answer at the load", "out of the mask before the load",
		"interrupt before pending", "look before the change",
		"wait although the CPU left",
	};
	int failed = 0;

	for (int m = 0; m < NR_MISTAKES; m++) {
		bool ok = explore((enum mistake)m) == (m == RIGHT);

		printf("%sok %d - %s%s # %u states\n", ok ? "" : "not ", m + 1,
		       m == RIGHT ? "" : "found: ", names[m], nr_states);
		failed |= !ok;
	}
	return failed;
}
