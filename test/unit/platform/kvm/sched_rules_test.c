/* SPDX-License-Identifier: MIT */
/*
 * What the scheduler promises (docs/scheduling.md), over long runs with a clock
 * that the test moves: shares within a slice at any time, within some with niceness
 * and by processes; nobody starves; deadline tasks have their budgets in time and no
 * more; turns of RR; the woken run at once if they are better; no one runs while
 * a better one waits; real-time programs leave others their part. Prints TAP.
 */
#include "platform/kvm/hand_over.h"
#include "runq_play.h"

#define SECOND	(1000 * MS)
/* A slice in the time of one whose load is not that of all. */
#define BOUND_NS	(FAIR_SLICE_NS + FAIR_WAKE_NS)

static uint64_t seed;

static uint64_t chance(uint64_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

/* --- shares -------------------------------------------------------------------------*/
/* In thousandths of the processor; the checked ones sum up to all. */
static uint64_t share[NR_TASKS], start_ns;
static uint64_t furthest_ns;	/* the largest distance from the share, seen */

static void look_at_shares(const struct task *running)
{
	for (uint32_t i = 0; i < NR_TASKS; i++) {
		uint64_t due = (now - start_ns) / 1000 * share[i];
		uint64_t off = due > ran_ns[i] ? due - ran_ns[i] :
						 ran_ns[i] - due;

		if (share[i])
			furthest_ns = MAX(furthest_ns, off);
	}
}

static void begin_shares(void)
{
	begin();
	start_ns = now;
	furthest_ns = 0;
	for (uint32_t i = 0; i < NR_TASKS; i++)
		share[i] = 0;
}

static void equals_within_a_slice(void)
{
	for (uint32_t nr = 2; nr <= NR_TASKS; nr *= 2) {
		begin_shares();
		for (uint32_t i = 0; i < nr; i++) {
			make(i, (struct sched_request)FAIR(0), NULL);
			share[i] = 1000 / nr;
		}
		run_and_look(now + 100 * SECOND, look_at_shares);
		CHECK(furthest_ns <= BOUND_NS);
		for (uint32_t i = 0; i < nr; i++)
			CHECK(longest_wait_ns[i] <= nr * BOUND_NS);
	}
}

/* Loads 1 : 1.25 : 1.25^2 ... */
static void nice_within_slices(void)
{
	static const int32_t nice[] = { 0, 5, 10, -5 };
	static const uint64_t load[] = { 65536, 21475, 7037, 200000 };
	uint64_t all = 0, furthest = 0;

	begin_shares();
	for (uint32_t i = 0; i < 4; i++) {
		make(i, (struct sched_request)FAIR(nice[i]), NULL);
		all += load[i];
	}
	for (uint32_t s = 1; s <= 100; s++) {
		run_until(start_ns + s * SECOND);
		for (uint32_t i = 0; i < 4; i++) {
			uint64_t due = (now - start_ns) / 1000 * load[i] /
				       all * 1000;
			uint64_t off = due > ran_ns[i] ? due - ran_ns[i] :
							 ran_ns[i] - due;

			furthest = MAX(furthest, off);
		}
	}
	/* a slice of each of the others */
	CHECK(furthest <= 3 * FAIR_SLICE_NS);
}

/* Three processes with 1, 2 and 4 tasks, that are always ready. */
static void processes_within_slices(void)
{
	uint32_t groups[3] = { 0 }, of[] = { 0, 1, 1, 2, 2, 2, 2 };
	uint64_t furthest = 0;

	begin();
	start_ns = now;
	for (uint32_t i = 0; i < 7; i++)
		make(i, (struct sched_request)FAIR(0), &groups[of[i]]);
	/* loads are those of the time when one came: let all come anew */
	for (uint32_t i = 0; i < 7; i++)
		runq_remove_locked(&queue, &tasks[i]);
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 7; i++) {
			if (round)
				runq_remove_locked(&queue, &tasks[i]);
			push(&tasks[i], false);
		}
	for (uint32_t s = 1; s <= 100; s++) {
		uint64_t ran[3] = { 0 };

		run_until(start_ns + s * SECOND);
		for (uint32_t i = 0; i < 7; i++)
			ran[of[i]] += ran_ns[i];
		for (uint32_t g = 0; g < 3; g++) {
			uint64_t due = (now - start_ns) / 3;

			furthest = MAX(furthest, due > ran[g] ? due - ran[g] :
								ran[g] - due);
		}
	}
	/* one slice of each task */
	CHECK(furthest <= 4 * BOUND_NS);
}

/* Least and greatest load together: 1 to 29606. */
static void nobody_starves(void)
{
	begin();
	make(0, (struct sched_request)FAIR(-20), NULL);
	make(1, (struct sched_request)FAIR(19), NULL);
	make(2, (struct sched_request){ .policy = SCHED_POLICY_IDLE }, NULL);
	make(3, (struct sched_request)FIFO(99), NULL);
	make(4, (struct sched_request)DEADLINE(2 * MS, 10 * MS, 10 * MS),
	     NULL);
	run_until(now + 20000 * SECOND);
	/* of 50 ms that are left in each second, deadlines take a fifth; what
	 * it wants beyond its budget is by its niceness, 0 */
	CHECK(is_about(ran_ns[4], 4000 * SECOND, 1));
	CHECK(ran_ns[0] > 780 * SECOND);
	CHECK(is_about(ran_ns[3], 15200 * SECOND, 1));
	CHECK(is_about(ran_ns[1] * 6021, ran_ns[0], 10));
	CHECK(is_about(ran_ns[2] * 29606, ran_ns[0], 30));
}

/* --- all kinds, sleeping and waking at random -----------------------------------*/
struct life {
	uint64_t run_max_ns, sleep_max_ns;
	uint64_t left_ns, wake_ns;	/* now running; now asleep */
	bool asleep;
};

static struct life lives[NR_TASKS];
static uint64_t inversions;

static bool is_throttled(const struct task *t)
{
	return queue.rt_throttled && t->kind == TASK_USER &&
	       runq_class_of(t) == RUN_CLASS_FIXED;
}

/* Is a, which waits, better than b, which runs? Among fair ones: never. */
static bool is_better(const struct task *a, const struct task *b)
{
	enum run_class ca = is_throttled(a) ? RUN_CLASS_THROTTLED :
					      runq_class_of(a);
	enum run_class cb = is_throttled(b) ? RUN_CLASS_THROTTLED :
					      runq_class_of(b);

	if (ca != cb)
		return ca < cb;
	return ca != RUN_CLASS_FAIR &&
	       a->arch.plat.sched.claim > b->arch.plat.sched.claim;
}

static void look_for_inversion(const struct task *running)
{
	for (uint32_t i = 0; running && i < NR_TASKS; i++)
		if (tasks[i].arch.plat.sched.queue &&
		    is_better(&tasks[i], running))
			inversions++;
}

static uint64_t next_wake_ns(void)
{
	uint64_t at = DEADLINE_NEVER;

	for (uint32_t i = 0; i < NR_TASKS; i++)
		if (lives[i].asleep)
			at = MIN(at, lives[i].wake_ns);
	return at;
}

/* t has run for ns: does it sleep now? */
static bool has_had_enough(struct task *t, uint64_t ns)
{
	struct life *l = &lives[number(t)];

	l->left_ns -= MIN(l->left_ns, ns);
	if (l->left_ns)
		return false;
	l->asleep = true;
	l->wake_ns = now + 1000 + chance(l->sleep_max_ns);
	runq_leave_locked(&queue, t);
	return true;
}

/* Those whose time has come are ready. Returns true if one is better than t. */
static bool wake_some(const struct task *t)
{
	bool better = false;

	for (uint32_t i = 0; i < NR_TASKS; i++) {
		struct life *l = &lives[i];

		if (!l->asleep || l->wake_ns > now)
			continue;
		l->asleep = false;
		l->left_ns = 1000 + chance(l->run_max_ns);
		push(&tasks[i], false);
		better = better || !t ||
			 runq_preempts_locked(&queue, &tasks[i], t, 0);
	}
	return better;
}

/* As sched.c: the timer is set to the limit and to the next wake-up. */
static void live_until(uint64_t end)
{
	struct task *t = NULL;

	while (now < end) {
		uint64_t limit = DEADLINE_NEVER, wake = next_wake_ns(), ns;
		bool again;

		wake = wake > now ? wake - now : 0;
		if (!t && (t = pop(NULL)))
			continue;
		if (!t) {
			now += wake;
			wake_some(NULL);
			continue;
		}
		limit = runq_limit_ns_locked(&queue, t, now);
		ns = MIN(MIN(limit, wake), lives[number(t)].left_ns);
		ns = MIN(ns, end - now);
		charge(t, ns);
		if (has_had_enough(t, ns)) {
			wake_some(NULL);
			t = pop(NULL);
			look_for_inversion(t);
			continue;
		}
		again = wake_some(t);
		if (again || ns == limit)
			t = next_after(t, 0);
		look_for_inversion(t);
	}
	if (t)
		push(t, true);
}

static void live(uint32_t i, struct sched_request r, uint64_t run_max_ns,
		 uint64_t sleep_max_ns)
{
	make(i, r, NULL);
	lives[i] = (struct life){ run_max_ns, sleep_max_ns,
				  1000 + chance(run_max_ns), 0, false };
}

static void begin_lives(uint64_t s)
{
	begin();
	seed = s;
	inversions = 0;
	for (uint32_t i = 0; i < NR_TASKS; i++) {
		tasks[i] = (struct task){ .kind = TASK_USER };
		lives[i] = (struct life){ 0 };
	}
}

static void better_ones_never_wait(void)
{
	for (uint64_t s = 1; s <= 10; s++) {
		begin_lives(s);
		live(0, (struct sched_request)DEADLINE(MS, 5 * MS, 10 * MS),
		     900000, 20 * MS);
		live(1, (struct sched_request)FIFO(SCHED_PRIORITY_SYSTEM),
		     100000, 5 * MS);
		tasks[1].kind = TASK_SYSTEM;
		live(2, (struct sched_request)FIFO(80), 300 * MS, 200 * MS);
		live(3, (struct sched_request)FIFO(20), 900 * MS, 20 * MS);
		live(4, (struct sched_request)RR(20), 900 * MS, 20 * MS);
		live(5, (struct sched_request)FAIR(-5), 10 * MS, 10 * MS);
		live(6, (struct sched_request)FAIR(0), 100 * MS, MS);
		live(7, (struct sched_request)FAIR(10), 100 * MS, MS);
		live_until(now + 200 * SECOND);
		CHECK(!inversions);
		/* a system task waits for deadlines and higher ones only,
		 * and a fair one has its part of the rest */
		CHECK(longest_wait_ns[1] <= 952 * MS);
		CHECK(ran_ns[5] > SECOND && ran_ns[6] > SECOND &&
		      ran_ns[7] > 100 * MS);
	}
}

/* Fair ones that wake up run soon, however many are always ready. */
static void the_woken_run_soon(void)
{
	begin_lives(7);
	for (uint32_t i = 0; i < 4; i++)
		live(i, (struct sched_request)FAIR(0), 1000 * SECOND, MS);
	live(4, (struct sched_request)FAIR(0), 200000, 20 * MS);
	live_until(now + 100 * SECOND);
	CHECK(longest_wait_ns[4] <= 4 * FAIR_SLICE_NS);
	for (uint32_t i = 0; i < 4; i++)
		CHECK(longest_wait_ns[i] <= 6 * BOUND_NS);
}

/* --- deadlines ---------------------------------------------------------------------*/
/* They use all that they may, the sum is 90 %, and others want everything. */
static void budgets_in_time(void)
{
	static const struct sched_request r[] = {
		DEADLINE(2 * MS, 8 * MS, 10 * MS),
		DEADLINE(10 * MS, 25 * MS, 25 * MS),
		DEADLINE(30 * MS, 100 * MS, 100 * MS),
	};
	uint64_t ran[3] = { 0 };

	begin_lives(3);
	for (uint32_t i = 0; i < 3; i++)
		live(i, r[i], 100000 * SECOND, 1);
	live(3, (struct sched_request)FIFO(99), 100000 * SECOND, 1);
	live(4, (struct sched_request)FAIR(-20), 100000 * SECOND, 1);
	/* all periods begin together; looked at when all of them end */
	for (uint32_t n = 1; n <= 1000; n++) {
		live_until(1000 * MS + n * 100 * MS);
		for (uint32_t i = 0; i < 3; i++) {
			uint64_t nr = 100 * MS / r[i].period_ns;

			/* one that has slept a moment begins anew */
			CHECK(ran_ns[i] - ran[i] + 2 * MS >=
			      nr * r[i].runtime_ns);
			ran[i] = ran_ns[i];
		}
	}
	/* no more than that, but for what they have as fair ones */
	for (uint32_t i = 0; i < 3; i++)
		CHECK(ran_ns[i] <= 100 * SECOND / r[i].period_ns *
		      r[i].runtime_ns + SECOND);
	CHECK(ran_ns[3] > 8 * SECOND);
}

/* --- turns ---------------------------------------------------------------------------*/
static const struct task *last_running;
static uint64_t turn_began_ns;
static uint32_t nr_turns, nr_odd_turns;

static void look_at_turns(const struct task *running)
{
	if (running == last_running)
		return;
	if (last_running && now - turn_began_ns != RR_SLICE_NS)
		nr_odd_turns++;
	nr_turns++;
	last_running = running;
	turn_began_ns = now;
}

static void turns_of_rr(void)
{
	begin();
	for (uint32_t i = 0; i < 3; i++) {
		make(i, (struct sched_request)RR(10), NULL);
		tasks[i].kind = TASK_SYSTEM;	/* without the limit */
	}
	last_running = NULL;
	nr_turns = nr_odd_turns = 0;
	run_and_look(now + 30 * SECOND + MS, look_at_turns);
	CHECK(nr_turns >= 299 && nr_odd_turns <= 1);
	for (uint32_t i = 0; i < 3; i++) {
		CHECK(is_about(ran_ns[i], 10 * SECOND, 1));
		CHECK(longest_wait_ns[i] <= 2 * RR_SLICE_NS);
	}
}

/* --- the limit of real-time programs -------------------------------------------*/
static void others_have_their_part(void)
{
	begin();
	make(0, (struct sched_request)FIFO(99), NULL);
	make(1, (struct sched_request)RR(1), NULL);
	make(2, (struct sched_request)FAIR(0), NULL);
	run_until(now + 100 * SECOND);
	CHECK(is_about(ran_ns[0], 95 * SECOND, 1));
	CHECK(is_about(ran_ns[2], 5 * SECOND, 2));
	CHECK(longest_wait_ns[2] <= 951 * MS);
	CHECK(longest_wait_ns[0] <= 51 * MS);
	CHECK(ran_ns[1] == 0);	/* the limit is not for lower programs */
}

static void alone_it_has_all(void)
{
	struct task *t, *fair;

	begin();
	t = make(0, (struct sched_request)FIFO(99), NULL);
	make(1, (struct sched_request)FIFO(98), NULL);
	run_until(now + 10 * SECOND);
	CHECK(ran_ns[0] >= 10 * SECOND);
	/* the one that comes then has its 50 ms, and no more at once */
	begin();
	t = make(0, (struct sched_request)FIFO(99), NULL);
	CHECK(pop(NULL) == t);
	charge(t, 20 * SECOND);
	fair = make(1, (struct sched_request)FAIR(0), NULL);
	CHECK(runq_preempts_locked(&queue, fair, t, 0));
	CHECK(pop(t) == fair);
	push(t, true);
	CHECK(runq_limit_ns_locked(&queue, fair, now) <= 50 * MS);
	charge(fair, 49 * MS);
	CHECK(!pop(fair));
	charge(fair, MS);
	CHECK(pop(fair) == t);
}

static void system_tasks_are_exempt(void)
{
	struct task *program, *system, *fair;

	begin();
	program = make(0, (struct sched_request)FIFO(99), NULL);
	fair = make(1, (struct sched_request)FAIR(0), NULL);
	system = make(2, (struct sched_request)FIFO(50), NULL);
	system->kind = TASK_SYSTEM;
	CHECK(pop(NULL) == program);
	CHECK(runq_limit_ns_locked(&queue, program, now) == 950 * MS);
	charge(program, 950 * MS);
	CHECK(queue.rt_throttled);
	CHECK(pop(program) == system);
	push(program, true);
	charge(system, 10 * MS);
	CHECK(!pop(system));		/* the fair one has to wait for it */
	/* it can not give its turn to a program that has none left */
	runq_remove_locked(&queue, program);
	CHECK(!runq_hand_over(&queue, system, program, 0));
	push(program, true);
	runq_leave_locked(&queue, system);
	CHECK(pop(NULL) == fair);
	/* one that wakes up when the period is over finds it so */
	charge(fair, 39 * MS);
	CHECK(!runq_preempts_locked(&queue, program, fair, 5 * MS));
	charge(fair, MS);
	runq_remove_locked(&queue, program);
	push(program, false);
	CHECK(runq_preempts_locked(&queue, program, fair, 5 * MS));
	CHECK(pop(fair) == program);
}

/* Time that is lent to it is limited as well, or two could evade the limit. */
static void loans_do_not_help(void)
{
	struct task *t, *fair;

	begin();
	t = make(0, (struct sched_request)FAIR(0), NULL);
	runq_remove_locked(&queue, t);
	t->arch.plat.sched.next_lent = CLAIM_FIXED(99);
	t->arch.plat.sched.request_state = REQUEST_NEW;
	runq_take_request(t);
	push(t, false);
	fair = make(1, (struct sched_request)FAIR(0), NULL);
	CHECK(pop(NULL) == t);
	charge(t, 950 * MS);
	CHECK(pop(t) == fair);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "equals within a slice", equals_within_a_slice },
		{ "niceness within slices", nice_within_slices },
		{ "processes within slices", processes_within_slices },
		{ "nobody starves", nobody_starves },
		{ "better ones never wait", better_ones_never_wait },
		{ "the woken run soon", the_woken_run_soon },
		{ "budgets in time", budgets_in_time },
		{ "turns of RR", turns_of_rr },
		{ "others have their part", others_have_their_part },
		{ "alone it has all", alone_it_has_all },
		{ "system tasks are exempt", system_tasks_are_exempt },
		{ "loans do not help", loans_do_not_help },
	};

	return unit_run("sched rules", tests, ARRAY_LEN(tests), NULL, NULL);
}
