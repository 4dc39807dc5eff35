/* SPDX-License-Identifier: MIT */
/*
 * The protocols in the heads of platform/kvm/word.c, sched.c and park.c as small
 * models, every interleaving of which is visited (sequentially consistent
 * steps; what needs fences in the code says so there). Each model also runs
 * with a known mistake in it, which must be found: else the check is blind.
 *
 * A model is a state of a few bytes and processes that make one atomic step at
 * a time. An error is a broken invariant, or a state where nobody can go on
 * although not all have ended. Prints TAP.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define STATES_MAX	(1u << 20)
#define NR_PROCS	3

struct state {
	uint8_t pc[NR_PROCS];
	uint8_t v[13];		/* the model's variables */
};

enum outcome { STEP_DONE, STEP_BLOCKED, STEP_ENDED, STEP_WRONG };

typedef enum outcome (*step_fn)(struct state *s, int proc, int mistake);

/* --- visiting all states ------------------------------------------------------*/
static struct state queue[STATES_MAX];
static uint32_t table[STATES_MAX * 2];
static uint32_t nr_states;

static bool add_state(const struct state *s)
{
	uint64_t w[2], h;

	memcpy(w, s, sizeof(w));
	h = (w[0] ^ (w[1] << 7 | w[1] >> 57)) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9ull;
	for (uint32_t i = (uint32_t)(h >> 43);; i = (i + 1) % (STATES_MAX * 2)) {
		if (!table[i]) {
			queue[nr_states] = *s;
			table[i] = ++nr_states;
			return true;
		}
		if (!memcmp(&queue[table[i] - 1], s, sizeof(*s)))
			return false;
	}
}

/* Returns true if no error can be reached. */
static bool explore(step_fn step, const struct state *first, int mistake)
{
	memset(table, 0, sizeof(table));
	nr_states = 0;
	add_state(first);
	for (uint32_t at = 0; at < nr_states; at++) {
		bool moved = false, ended = true;

		for (int p = 0; p < NR_PROCS; p++) {
			struct state s = queue[at];
			enum outcome o = step(&s, p, mistake);

			if (o == STEP_WRONG || nr_states == STATES_MAX)
				return false;
			ended = ended && o == STEP_ENDED;
			moved = moved || o == STEP_DONE;
			if (o == STEP_DONE)
				add_state(&s);
		}
		if (!moved && !ended)
			return false;
	}
	return true;
}

/* --- model 1: a sleeper, a waker and the timer ---------------------------------*/
/* Variables. Locks hold 0 or the owner's process number plus 1. */
enum {
	WORD, BUCKET, TIMERQ, IN_BUCKET, IN_TIMERQ, STATE, ON_CPU, QUEUED,
	ALIVE,			/* the waiter's memory */
	HELD_BY_WAKER, HELD_BY_TIMER,	/* they have a pointer to it */
};
enum { RUNNING, SLEEPING, READY };
enum mistake1 {
	RIGHT, LOOKS_BEFORE_LOCK, NO_WAIT_FOR_STACK, LEAVES_WITHOUT_TIMER_LOCK,
	WAKES_ANY_STATE, NR_MISTAKES1,
};
#define WAKES	2

static bool take(struct state *s, int lock, int proc)
{
	if (s->v[lock])
		return false;
	s->v[lock] = (uint8_t)(proc + 1);
	return true;
}

/* Wait for the word to reach WAKES, in plat_word_wait each time. */
static enum outcome sleeper(struct state *s, int mistake)
{
	uint8_t *v = s->v;

	switch (s->pc[0]) {
	case 0:
		if (v[WORD] == WAKES) {
			s->pc[0] = 20;
			return STEP_DONE;
		}
		v[12] = v[WORD];	/* val */
		s->pc[0] = 1;
		if (mistake != LOOKS_BEFORE_LOCK)
			return STEP_DONE;
		v[ALIVE] = v[IN_BUCKET] = v[IN_TIMERQ] = 1;
		v[STATE] = SLEEPING;	/* without the lock */
		s->pc[0] = 4;
		return STEP_DONE;
	case 1:
		if (!take(s, BUCKET, 0))
			return STEP_BLOCKED;
		break;
	case 2:
		if (v[WORD] != v[12]) {
			v[BUCKET] = 0;
			s->pc[0] = 0;
			return STEP_DONE;
		}
		v[ALIVE] = v[IN_BUCKET] = 1;
		v[STATE] = SLEEPING;
		break;
	case 3:
		v[BUCKET] = 0;
		break;
	case 4:
		if (!take(s, TIMERQ, 0))
			return STEP_BLOCKED;
		v[IN_TIMERQ] = 1;
		v[TIMERQ] = 0;
		break;
	case 5:
		v[ON_CPU] = 0;
		break;
	case 6:			/* a CPU takes it from a run queue */
		if (!v[QUEUED])
			return STEP_BLOCKED;
		v[QUEUED]--;
		v[STATE] = RUNNING;
		v[ON_CPU] = 1;
		break;
	case 7:
		if (!take(s, BUCKET, 0))
			return STEP_BLOCKED;
		v[IN_BUCKET] = 0;
		v[BUCKET] = 0;
		break;
	case 8:
		if (mistake != LEAVES_WITHOUT_TIMER_LOCK &&
		    !take(s, TIMERQ, 0))
			return STEP_BLOCKED;
		v[IN_TIMERQ] = 0;
		if (v[TIMERQ] == 1)
			v[TIMERQ] = 0;
		break;
	case 9:
		if (v[HELD_BY_WAKER] || v[HELD_BY_TIMER])
			return STEP_WRONG;
		v[ALIVE] = 0;
		s->pc[0] = 0;
		return STEP_DONE;
	default:
		return STEP_ENDED;
	}
	s->pc[0]++;
	return STEP_DONE;
}

/* sched_wake from process p, whose steps begin at pc `base`. */
static enum outcome wake_task(struct state *s, int p, int base, int mistake)
{
	uint8_t *v = s->v;

	switch (s->pc[p] - base) {
	case 0:
		if (v[STATE] != SLEEPING && mistake != WAKES_ANY_STATE) {
			s->pc[p] = (uint8_t)(base + 3);
			return STEP_DONE;
		}
		v[STATE] = READY;
		break;
	case 1:
		if (v[ON_CPU] && mistake != NO_WAIT_FOR_STACK)
			return STEP_BLOCKED;
		break;
	default:
		/* another CPU may run it from here on */
		if (++v[QUEUED] > 1 || v[ON_CPU])
			return STEP_WRONG;
	}
	s->pc[p]++;
	return STEP_DONE;
}

static enum outcome waker(struct state *s, int mistake)
{
	uint8_t *v = s->v;

	switch (s->pc[1]) {
	case 0:
		if (v[WORD] == WAKES)
			return STEP_ENDED;
		v[WORD]++;
		break;
	case 1:
		if (!take(s, BUCKET, 1))
			return STEP_BLOCKED;
		break;
	case 2:
		if (!v[IN_BUCKET]) {
			s->pc[1] = 6;
			return STEP_DONE;
		}
		v[IN_BUCKET] = 0;
		v[HELD_BY_WAKER] = 1;
		break;
	case 3: case 4: case 5:
		return wake_task(s, 1, 3, mistake);
	default:
		v[HELD_BY_WAKER] = v[BUCKET] = 0;
		s->pc[1] = 0;
		return STEP_DONE;
	}
	s->pc[1]++;
	return STEP_DONE;
}

/* Fires once, whenever it likes. */
static enum outcome timer(struct state *s, int mistake)
{
	uint8_t *v = s->v;

	switch (s->pc[2]) {
	case 0:
		if (!take(s, TIMERQ, 2))
			return STEP_BLOCKED;
		break;
	case 1:
		if (!v[IN_TIMERQ]) {
			s->pc[2] = 5;
			return STEP_DONE;
		}
		v[IN_TIMERQ] = 0;
		v[HELD_BY_TIMER] = 1;
		break;
	case 2: case 3: case 4:
		return wake_task(s, 2, 2, mistake);
	case 5:
		v[HELD_BY_TIMER] = v[TIMERQ] = 0;
		break;
	default:
		return STEP_ENDED;
	}
	s->pc[2]++;
	return STEP_DONE;
}

static enum outcome step_wait(struct state *s, int proc, int mistake)
{
	return proc == 0 ? sleeper(s, mistake) : proc == 1 ?
	       waker(s, mistake) : timer(s, mistake);
}

/* --- model 2: an idle CPU and one that queues tasks ----------------------------*/
enum { IDLE_BIT, NR_QUEUED, KICK, OFFER };
enum mistake2 { RIGHT2, LOOKS_BEFORE_BIT, OFFERS_BEFORE_PUSH, NR_MISTAKES2 };
#define TASKS	2

/* sched_idle_loop; ends when it has taken TASKS tasks. */
static enum outcome idle_cpu(struct state *s, int mistake)
{
	uint8_t *v = s->v;

	switch (s->pc[0]) {
	case 0:
		if (v[11] == TASKS)
			return STEP_ENDED;
		if (mistake == LOOKS_BEFORE_BIT)
			v[10] = v[NR_QUEUED];
		else
			v[IDLE_BIT] = 1;
		break;
	case 1:
		if (mistake == LOOKS_BEFORE_BIT)
			v[IDLE_BIT] = 1;
		else
			v[10] = v[NR_QUEUED];
		s->pc[0] = v[10] ? 3 : 2;
		return STEP_DONE;
	case 2:			/* halted */
		if (!v[KICK])
			return STEP_BLOCKED;
		v[KICK] = 0;
		break;
	case 3:
		v[IDLE_BIT] = 0;
		break;
	default:
		if (v[NR_QUEUED]) {
			v[NR_QUEUED]--;
			v[11]++;
		}
		s->pc[0] = 0;
		return STEP_DONE;
	}
	s->pc[0]++;
	return STEP_DONE;
}

/* Queues TASKS tasks and never runs them itself. */
static enum outcome busy_cpu(struct state *s, int mistake)
{
	uint8_t *v = s->v;
	bool push_now = (s->pc[1] & 1) == (mistake == OFFERS_BEFORE_PUSH);

	if (s->pc[1] == 2 * TASKS)
		return STEP_ENDED;
	if (push_now)
		v[NR_QUEUED]++;
	else if (v[IDLE_BIT])
		v[OFFER] = 1;
	s->pc[1]++;
	return STEP_DONE;
}

/* The busy CPU's timer: offer() when it is time. */
static enum outcome offer_timer(struct state *s)
{
	uint8_t *v = s->v;

	if (s->pc[2] == 1) {
		if (v[IDLE_BIT]) {
			v[IDLE_BIT] = 0;
			v[KICK] = 1;
		}
		v[OFFER] = v[NR_QUEUED] > 1;
		s->pc[2] = 0;
		return STEP_DONE;
	}
	if (!v[OFFER])
		return v[11] == TASKS ? STEP_ENDED : STEP_BLOCKED;
	if (!v[NR_QUEUED]) {
		v[OFFER] = 0;
		return STEP_DONE;
	}
	s->pc[2] = 1;
	return STEP_DONE;
}

static enum outcome step_idle(struct state *s, int proc, int mistake)
{
	return proc == 0 ? idle_cpu(s, mistake) : proc == 1 ?
	       busy_cpu(s, mistake) : offer_timer(s);
}

/* --- model 3: two tasks that hand each other the processor ----------------------*/
/* Each on a CPU of its own at first. Arrays of two, one for each task. */
enum { COUNT = 0, WAKE = 2, RUN = 4, STACK = 6, GIVEN = 8, HELD = 10 };
enum { NONE, NOTIFIED, ASLEEP };
enum { NOBODY, TO_WAKE, CAUGHT };
enum mistake3 { RIGHT3, CATCHES_ASLEEP, WORD_BEFORE_STATE, STAYS_ANYHOW,
		NR_MISTAKES3 };
#define ROUNDS	3

/* The processor, or a place in a run queue. */
static enum outcome give(struct state *s, int me, int other, uint8_t next)
{
	uint8_t *v = s->v;

	if (v[HELD + me] == CAUGHT && (v[STACK + other] ||
					 ++v[GIVEN + other] > 1))
		return STEP_WRONG;
	v[HELD + me] = NOBODY;
	s->pc[me] = next;
	return STEP_DONE;
}

/* sched_catch in two steps: no is where to go if there is nobody. */
static enum outcome catch(struct state *s, int me, int other, uint8_t no)
{
	uint8_t *v = s->v;

	if (v[HELD + me] != TO_WAKE || v[RUN + other] != SLEEPING) {
		v[HELD + me] = NOBODY;
		s->pc[me] = no;
		return STEP_DONE;
	}
	v[RUN + other] = READY;
	v[HELD + me] = CAUGHT;
	s->pc[me]++;
	return STEP_DONE;
}

/* plat_park, from pc 4 on. */
static enum outcome park(struct state *s, int me, int other, int mistake)
{
	uint8_t *v = s->v;
	bool is_early = mistake == CATCHES_ASLEEP;

	switch (s->pc[me]) {
	case 4:
		return catch(s, me, other, is_early ? 7 : 6);
	case 5:
		if (v[STACK + other])
			return STEP_BLOCKED;
		s->pc[me] = is_early ? 7 : 6;
		return STEP_DONE;
	case 6:
		v[RUN + me] = SLEEPING;
		s->pc[me] = is_early ? 4 : mistake == WORD_BEFORE_STATE ? 8 : 7;
		return STEP_DONE;
	case 7:
		if (mistake == WORD_BEFORE_STATE && v[RUN + me] == RUNNING) {
			s->pc[me] = v[WAKE + me] == ASLEEP ? 6 : 9;
			return STEP_DONE;
		}
		s->pc[me] = 8;
		if (v[WAKE + me] == ASLEEP ||
		    (v[RUN + me] != SLEEPING && mistake != STAYS_ANYHOW))
			return STEP_DONE;
		v[RUN + me] = RUNNING;
		s->pc[me] = 9;
		return STEP_DONE;
	case 8:
		v[STACK + me] = 0;
		return give(s, me, other, 10);
	case 9:
		return give(s, me, other, 11);
	default:
		if (!v[GIVEN + me])
			return STEP_BLOCKED;
		v[GIVEN + me] = 0;
		v[RUN + me] = RUNNING;
		v[STACK + me] = 1;
		s->pc[me] = 11;
		return STEP_DONE;
	}
}

/* The first one's deadline passes, once, when it sleeps. */
static enum outcome deadline(struct state *s)
{
	uint8_t *v = s->v;

	if (s->pc[2] == 2 || (s->pc[0] == 20 && !s->pc[2]))
		return STEP_ENDED;
	if (s->pc[2] == 0 && v[RUN] != SLEEPING)
		return STEP_BLOCKED;
	if (s->pc[2] == 1 && v[STACK])
		return STEP_BLOCKED;
	if (s->pc[2] == 0)
		v[RUN] = READY;
	else if (++v[GIVEN] > 1)
		return STEP_WRONG;
	s->pc[2]++;
	return STEP_DONE;
}

/* Has the other woken us as often as we it? The second one wants to be woken
 * once more, so that it has somebody to hand over to when it parks. */
static bool waits(const struct state *s, int me)
{
	uint8_t want = (uint8_t)(s->v[COUNT + 1 - me] + me);

	return s->v[COUNT + me] < want && s->v[COUNT + me] < ROUNDS;
}

/* Wake the other and wait for it, ROUNDS times. */
static enum outcome step_hand(struct state *s, int me, int mistake)
{
	uint8_t *v = s->v;
	int other = 1 - me;

	if (me > 1)
		return deadline(s);
	if (s->pc[me] == 20)
		return STEP_ENDED;
	switch (s->pc[me]) {
	case 0:
		s->pc[me] = v[COUNT + other] == ROUNDS ? 20 : 1;
		if (s->pc[me] == 1)
			v[COUNT + other]++;
		return STEP_DONE;
	case 1:
		v[HELD + me] = v[WAKE + other] == ASLEEP ? TO_WAKE : NOBODY;
		v[WAKE + other] = NOTIFIED;
		s->pc[me] = 2;
		return STEP_DONE;
	case 2:
		s->pc[me] = waits(s, me) ? 3 : v[HELD + me] ? 12 : 0;
		return STEP_DONE;
	case 3:
		s->pc[me] = mistake == CATCHES_ASLEEP ? 6 :
			    mistake == WORD_BEFORE_STATE ? 7 : 4;
		if (v[WAKE + me] != NONE)
			s->pc[me] = 11;
		else
			v[WAKE + me] = ASLEEP;
		return STEP_DONE;
	case 11:
		v[WAKE + me] = NONE;
		s->pc[me] = 12;
		return STEP_DONE;
	case 12:
		return catch(s, me, other, 2);
	case 13:
		return v[STACK + other] ? STEP_BLOCKED : give(s, me, other, 2);
	default:
		return park(s, me, other, mistake);
	}
}

/* --- tests --------------------------------------------------------------------*/
static const struct {
	const char *name;
	step_fn step;
	int mistake;
} tests[] = {
	{ "sleep and wake: no wake-up lost, no stack used twice",
	  step_wait, RIGHT },
	{ "found: looks at the word before the lock",
	  step_wait, LOOKS_BEFORE_LOCK },
	{ "found: queues a task that is on its stack",
	  step_wait, NO_WAIT_FOR_STACK },
	{ "found: leaves while the timer holds its waiter",
	  step_wait, LEAVES_WITHOUT_TIMER_LOCK },
	{ "found: wakes a task that is awake", step_wait, WAKES_ANY_STATE },
	{ "idle CPUs: no task waits while one halts", step_idle, RIGHT2 },
	{ "found: looks at the queues before the bit",
	  step_idle, LOOKS_BEFORE_BIT },
	{ "found: looks at the idle before it queues",
	  step_idle, OFFERS_BEFORE_PUSH },
	{ "handing over: none sleeps for ever, no stack used twice",
	  step_hand, RIGHT3 },
	{ "found: catches another while it can be waited for",
	  step_hand, CATCHES_ASLEEP },
	{ "found: looks at its word before it is asleep",
	  step_hand, WORD_BEFORE_STATE },
	{ "found: goes on though another made it ready",
	  step_hand, STAYS_ANYHOW },
};

int main(void)
{
	struct state first = { .v = { 0 } };
	int bad = 0;

	printf("1..%zu\n", sizeof(tests) / sizeof(tests[0]));
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		struct state s = first;
		bool right;

		if (tests[i].step == step_wait)
			s.v[ON_CPU] = 1;
		if (tests[i].step == step_hand)
			s.v[STACK] = s.v[STACK + 1] = 1;
		right = explore(tests[i].step, &s, tests[i].mistake);
		if (right == (tests[i].mistake != 0))
			bad++;
		printf("%sok %zu - %s (%u states)\n",
		       right == (tests[i].mistake != 0) ? "not " : "", i + 1,
		       tests[i].name, nr_states);
	}
	return bad != 0;
}
