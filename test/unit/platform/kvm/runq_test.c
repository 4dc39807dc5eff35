/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the run queues and of the queue of sleepers: order within and
 * between classes, shares over long runs, nobody starves, deadlines are met,
 * processors that are not allowed, requests, who expires when. One processor is
 * played with a clock that the test moves. Prints TAP.
 */
#include "platform/kvm/hand_over.h"
#include "runq_play.h"

/* --- order -----------------------------------------------------------------------*/
static void test_classes(void)
{
	begin();
	make(0, (struct sched_request)FAIR(-20), NULL);
	make(1, (struct sched_request)FIFO(10), NULL);
	make(2, (struct sched_request)DEADLINE(MS, 10 * MS, 10 * MS), NULL);
	make(3, (struct sched_request)RR(90), NULL);
	make(4, (struct sched_request)DEADLINE(MS, 5 * MS, 10 * MS), NULL);
	CHECK(queue.nr == 5 && queue.nr_urgent == 4);
	CHECK(pop(NULL) == &tasks[4]);
	CHECK(pop(NULL) == &tasks[2]);
	CHECK(pop(NULL) == &tasks[3]);
	CHECK(pop(NULL) == &tasks[1]);
	CHECK(pop(NULL) == &tasks[0]);
	CHECK(!pop(NULL) && queue.nr == 0 && queue.nr_urgent == 0);
}

static void test_who_replaces(void)
{
	struct task *low, *high, *fair;

	begin();
	low = make(0, (struct sched_request)FIFO(10), NULL);
	CHECK(pop(NULL) == low);
	fair = make(1, (struct sched_request)FAIR(-20), NULL);
	CHECK(!runq_preempts_locked(&queue, fair, low, 1000 * MS));
	CHECK(!pop(low));	/* it goes on, however long */
	high = make(2, (struct sched_request)FIFO(11), NULL);
	CHECK(runq_preempts_locked(&queue, high, low, 0));
	CHECK(pop(low) == high);
	push(low, true);
	make(3, (struct sched_request)FIFO(10), NULL);
	CHECK(!pop(high));
	CHECK(pop(NULL) == low);	/* preempted: still the first */
	CHECK(!pop(low));		/* an equal has to wait */
	low->arch.plat.sched.yielded = true;
	CHECK(pop(low) == &tasks[3]);
	CHECK(pop(&tasks[3]) == NULL);
	CHECK(pop(NULL) == fair);
}

static void test_round_robin(void)
{
	begin();
	make(0, (struct sched_request)RR(5), NULL);
	make(1, (struct sched_request)RR(5), NULL);
	make(2, (struct sched_request)FIFO(4), NULL);
	run_until(now + 1000 * MS);
	CHECK(is_about(ran_ns[0], 500 * MS, 5));
	CHECK(is_about(ran_ns[1], 500 * MS, 5));
	CHECK(ran_ns[2] == 0);
	CHECK(longest_wait_ns[1] <= RR_SLICE_NS + 1);
}

/* --- fairness ----------------------------------------------------------------------*/
static void test_equal_shares(void)
{
	begin();
	for (uint32_t i = 0; i < 5; i++)
		make(i, (struct sched_request)FAIR(0), NULL);
	run_until(now + 10000 * MS);
	for (uint32_t i = 0; i < 5; i++) {
		int64_t off = (int64_t)(ran_ns[i] - 2000 * MS);

		CHECK(off <= (int64_t)FAIR_SLICE_NS &&
		      off >= -(int64_t)FAIR_SLICE_NS);
		CHECK(longest_wait_ns[i] <= 5 * FAIR_SLICE_NS);
	}
}

/* One step of niceness is a ratio of 1.25. */
static void test_nice(void)
{
	begin();
	make(0, (struct sched_request)FAIR(0), NULL);
	make(1, (struct sched_request)FAIR(5), NULL);
	make(2, (struct sched_request)FAIR(19), NULL);
	make(3, (struct sched_request){ .policy = SCHED_POLICY_IDLE }, NULL);
	run_until(now + 60000 * MS);
	CHECK(is_about(ran_ns[0] * 100 / ran_ns[1], 305, 3));
	CHECK(is_about(ran_ns[0] / ran_ns[2], 69, 10));
	CHECK(ran_ns[3] > 0 && ran_ns[3] < ran_ns[2]);
}

/* A process with three threads gets as much as one with a single one. */
static void test_processes(void)
{
	uint32_t many = 0, one = 0;

	begin();
	for (uint32_t i = 0; i < 3; i++)
		make(i, (struct sched_request)FAIR(0), &many);
	make(3, (struct sched_request)FAIR(0), &one);
	/* loads are made when a task becomes ready: once around */
	for (uint32_t i = 0; i < 4; i++) {
		runq_remove_locked(&queue, &tasks[i]);
		push(&tasks[i], false);
	}
	CHECK(many == 3 && one == 1);
	run_until(now + 10000 * MS);
	CHECK(is_about(ran_ns[3], 5000 * MS, 5));
	for (uint32_t i = 0; i < 4; i++)
		runq_remove_locked(&queue, &tasks[i]);
	CHECK(many == 0 && one == 0 && queue.load == 0 && queue.nr == 0);
}

/* One that sleeps most of the time gets the processor soon, and no more than
 * its share when it stops sleeping; sleeping saves nothing up. */
static void test_sleepers(void)
{
	struct task *hog, *t, *s;

	begin();
	hog = make(0, (struct sched_request)FAIR(0), NULL);
	s = make(1, (struct sched_request)FAIR(0), NULL);
	runq_remove_locked(&queue, s);
	CHECK(pop(NULL) == hog);
	for (uint32_t i = 0; i < 100; i++) {
		charge(hog, 10 * MS);
		push(s, false);
		CHECK(runq_preempts_locked(&queue, s, hog, 10 * MS));
		t = pop(hog);
		CHECK(t == s);
		if (t != s)
			return;
		push(hog, true);
		charge(s, MS / 10);
		runq_leave_locked(&queue, s);
		CHECK(pop(NULL) == hog);
	}
	/* now both want all of it */
	push(s, false);
	push(hog, true);
	ran_ns[0] = ran_ns[1] = 0;
	run_until(now + 100 * MS);
	CHECK(ran_ns[1] <= 50 * MS + (uint64_t)LAG_MAX_NS + FAIR_SLICE_NS);
	CHECK(ran_ns[0] >= 50 * MS - (uint64_t)LAG_MAX_NS - FAIR_SLICE_NS);
}

/* One that has had more than its share is not forgiven by going elsewhere. */
static void test_lag_moves_along(void)
{
	struct runq other;
	struct task *a, *b;

	begin();
	runq_init(&other);
	other.vtime = 123456789;
	a = make(0, (struct sched_request)FAIR(0), NULL);
	b = make(1, (struct sched_request)FAIR(0), NULL);
	CHECK(pop(NULL) == a);
	charge(a, 4 * MS);
	CHECK((int64_t)(queue.vtime - a->arch.plat.sched.vruntime) < 0);
	runq_leave_locked(&queue, a);
	CHECK(a->arch.plat.sched.lag == -2 * (int64_t)MS);
	runq_push_locked(&other, a, false, now);
	CHECK(a->arch.plat.sched.vruntime == other.vtime + 2 * MS);
	CHECK(b->arch.plat.sched.home == &queue);
}

/* A place in the queue goes from one to another and back: the others get no
 * less and no more than with one task there. */
static void test_hand_over(void)
{
	uint32_t groups[2] = { 0, 0 };
	struct task *a, *b, *hog, *t;

	begin();
	hog = make(0, (struct sched_request)FAIR(0), NULL);
	a = make(1, (struct sched_request)FAIR(0), &groups[0]);
	b = make(2, (struct sched_request)FAIR(5), &groups[1]);
	runq_remove_locked(&queue, b);
	t = pop(NULL);
	while (now < 2000 * MS) {
		struct task *other = t == a ? b : a;

		charge(t, MS / 10);
		if (t != hog) {
			CHECK(runq_hand_over(&queue, t, other, 0));
			CHECK(groups[other == b] == 1 && !groups[other == a]);
			CHECK(other->arch.plat.sched.home == &queue);
			t = other;
		}
		other = pop(t);
		if (other) {
			push(t, true);
			t = other;
		}
	}
	CHECK(is_about(ran_ns[0], 500 * MS, 2));
	CHECK(is_about(ran_ns[1] + ran_ns[2], 500 * MS, 2));
}

static void test_who_takes_over(void)
{
	struct task *fair, *fifo, *rr, *low, *waits, *due;

	begin();
	fair = make(0, (struct sched_request)FAIR(0), NULL);
	CHECK(pop(NULL) == fair);
	fifo = make(1, (struct sched_request)FIFO(5), NULL);
	rr = make(2, (struct sched_request)RR(5), NULL);
	low = make(3, (struct sched_request)FIFO(4), NULL);
	due = make(4, (struct sched_request)DEADLINE(MS, 4 * MS, 4 * MS), NULL);
	for (uint32_t i = 1; i < 5; i++)
		runq_remove_locked(&queue, &tasks[i]);
	CHECK(!runq_hand_over(&queue, fair, fifo, 0));
	CHECK(!runq_hand_over(&queue, fifo, fair, 0));
	CHECK(!runq_hand_over(&queue, fifo, rr, 0));
	CHECK(!runq_hand_over(&queue, fifo, low, 0));
	CHECK(!runq_hand_over(&queue, due, fair, 0));
	CHECK(!runq_hand_over(&queue, due, due, 0));
	CHECK(runq_hand_over(&queue, low, fifo, 0));
	fifo->arch.plat.sched.request.cpus = 2;
	CHECK(!runq_hand_over(&queue, low, fifo, 0));
	CHECK(runq_hand_over(&queue, low, fifo, 1));
	fifo->arch.plat.sched.request_state = REQUEST_NEW;
	CHECK(!runq_hand_over(&queue, low, fifo, 1));
	fifo->arch.plat.sched.request_state = REQUEST_NONE;
	waits = make(5, (struct sched_request)FIFO(1), NULL);
	CHECK(!runq_hand_over(&queue, low, fifo, 1));
	runq_remove_locked(&queue, waits);
	CHECK(runq_hand_over(&queue, low, fifo, 1));
}

/* --- deadlines ----------------------------------------------------------------------*/
/* Two that together need 90 % meet all their deadlines beside hogs of the other
 * classes, which get the rest. */
static void test_deadlines_met(void)
{
	uint64_t runtime[2] = { 3 * MS, 12 * MS }, period[2] = { 10 * MS,
								 20 * MS };
	uint64_t done[2] = { 0, 0 }, due[2], start;
	uint32_t missed = 0;
	struct task *t;

	begin();
	start = now;
	for (uint32_t i = 0; i < 2; i++) {
		make(i, (struct sched_request)DEADLINE(runtime[i], period[i],
						       period[i]), NULL);
		due[i] = now + period[i];
	}
	make(2, (struct sched_request)FAIR(0), NULL);
	t = pop(NULL);
	while (now < start + 10000 * MS) {
		uint64_t step = 100000, i;

		t = next_after(t, step);
		for (i = 0; i < 2; i++) {
			if (now < due[i])
				continue;
			missed += ran_ns[i] - done[i] + step < runtime[i];
			done[i] = ran_ns[i];
			due[i] += period[i];
		}
	}
	CHECK(missed == 0);
	/* what nobody was promised, all three share */
	CHECK(ran_ns[0] >= 3000 * MS - MS && ran_ns[0] <= 3500 * MS);
	CHECK(ran_ns[1] >= 6000 * MS - MS && ran_ns[1] <= 6500 * MS);
	CHECK(ran_ns[2] >= 250 * MS);
}

/* It may not take more than was agreed, however much it wants. */
static void test_budget(void)
{
	begin();
	make(0, (struct sched_request)DEADLINE(2 * MS, 10 * MS, 10 * MS), NULL);
	/* a system task: there is no limit for it */
	make(1, (struct sched_request)FIFO(50), NULL)->kind = TASK_SYSTEM;
	run_until(now + 1000 * MS);
	CHECK(is_about(ran_ns[0], 200 * MS, 8));
	CHECK(is_about(ran_ns[1], 800 * MS, 8));
}

/* --- processors and requests ------------------------------------------------------------*/
static void test_allowed(void)
{
	struct sched_request on_one = FAIR(0), fifo_on_two = FIFO(9);

	on_one.cpus = 2;
	fifo_on_two.cpus = 4;
	begin();
	make(0, on_one, NULL);
	make(1, fifo_on_two, NULL);
	CHECK(!pop(NULL));		/* this is processor 0 */
	CHECK(queue.cpus == 6);
	CHECK(runq_pop_locked(&queue, 1, NULL, now) == &tasks[0]);
	CHECK(!runq_pop_locked(&queue, 1, NULL, now));
	CHECK(queue.cpus == 4);
	CHECK(runq_pop_locked(&queue, 2, NULL, now) == &tasks[1]);
	CHECK(queue.cpus == 0);
}

static void request(struct task *t, struct sched_request r)
{
	t->arch.plat.sched.next = r;
	t->arch.plat.sched.has_next = true;
	t->arch.plat.sched.request_state = REQUEST_NEW;
}

static void test_requests(void)
{
	struct task *t;

	begin();
	t = make(0, (struct sched_request)FAIR(0), NULL);
	CHECK(pop(NULL) == t);
	request(t, (struct sched_request)FIFO(7));
	runq_apply_locked(&queue, t, now);
	CHECK(runq_class_of(t) == RUN_CLASS_FIXED && queue.load == 0);
	CHECK(runq_rank(t) == CLAIM_FIXED(7));
	/* and for one that is woken */
	request(t, (struct sched_request)FAIR(3));
	runq_take_request(t);
	push(t, false);
	CHECK(runq_class_of(t) == RUN_CLASS_FAIR && queue.nr_urgent == 0);
	CHECK(pop(NULL) == t && queue.load == t->arch.plat.sched.load);
	runq_leave_locked(&queue, t);
	CHECK(queue.load == 0);
}

/* --- loans ------------------------------------------------------------------------------*/
/* As sched_lend, for a task that waits in the queue. */
static void lend(struct task *t, uint64_t claim, bool first)
{
	t->arch.plat.sched.next_lent = claim;
	t->arch.plat.sched.request_state = REQUEST_NEW;
	runq_remove_locked(&queue, t);
	runq_take_request(t);
	push(t, first);
}

static void test_loans(void)
{
	struct task *low, *middle, *other;

	begin();
	low = make(0, (struct sched_request)FAIR(19), NULL);
	middle = make(1, (struct sched_request)FIFO(10), NULL);
	other = make(2, (struct sched_request)FIFO(20), NULL);
	lend(low, CLAIM_FIXED(20), false);
	CHECK(queue.nr_urgent == 3 && queue.load == 0);
	CHECK(pop(NULL) == other);	/* it was there before */
	CHECK(runq_preempts_locked(&queue, low, middle, 0));
	CHECK(!runq_preempts_locked(&queue, low, other, 0));
	CHECK(pop(NULL) == low);
	/* its policy is its own: it is not fair while it runs */
	CHECK(runq_limit_ns_locked(&queue, low, now) > 800 * MS);
	charge(low, 50 * MS);
	low->arch.plat.sched.next_lent = 0;
	low->arch.plat.sched.request_state = REQUEST_NEW;
	runq_apply_locked(&queue, low, now);
	CHECK(runq_class_of(low) == RUN_CLASS_FAIR && queue.load);
	CHECK(pop(low) == middle);
	/* a loan below its own right changes nothing; that stays when its own
	 * right goes */
	push(low, true);
	push(middle, true);
	lend(middle, CLAIM_FIXED(5), true);
	CHECK(runq_rank(middle) == CLAIM_FIXED(10));
	request(middle, (struct sched_request)FAIR(0));
	runq_remove_locked(&queue, middle);
	runq_take_request(middle);
	push(middle, false);
	CHECK(runq_rank(middle) == CLAIM_FIXED(5));
	lend(middle, 0, true);
	CHECK(runq_class_of(middle) == RUN_CLASS_FAIR);
	CHECK(queue.nr == 2 && queue.nr_urgent == 0);
}

/* Lowered to where another waits: it goes before it. */
static void test_loan_back_in_front(void)
{
	struct task *a, *b;

	begin();
	a = make(0, (struct sched_request)FIFO(10), NULL);
	b = make(1, (struct sched_request)FIFO(10), NULL);
	lend(b, CLAIM_FIXED(11), false);
	lend(b, 0, true);
	CHECK(pop(NULL) == b && pop(NULL) == a);
}

static void test_lent_deadline(void)
{
	struct task *low, *fifo, *soon, *late;

	begin();
	low = make(0, (struct sched_request)FAIR(0), NULL);
	fifo = make(1, (struct sched_request)FIFO(99), NULL);
	soon = make(2, (struct sched_request)DEADLINE(MS, 5 * MS, 10 * MS),
		    NULL);
	late = make(3, (struct sched_request)DEADLINE(MS, 9 * MS, 10 * MS),
		    NULL);
	lend(low, CLAIM_DEADLINE(now + 7 * MS), false);
	CHECK(pop(NULL) == soon && pop(NULL) == low);
	/* no budget: it may finish */
	CHECK(runq_limit_ns_locked(&queue, low, now) > 900 * MS);
	charge(low, 50 * MS);
	CHECK(runq_class_of(low) == RUN_CLASS_DEADLINE);
	CHECK(pop(NULL) == late && pop(NULL) == fifo);
	/* a deadline task whose budget is used up keeps what it was lent */
	charge(late, 2 * MS);
	CHECK(runq_class_of(late) == RUN_CLASS_FAIR);
	runq_leave_locked(&queue, late);
	late->arch.plat.sched.next_lent = CLAIM_FIXED(3);
	late->arch.plat.sched.request_state = REQUEST_NEW;
	runq_apply_locked(&queue, late, now);
	CHECK(runq_class_of(late) == RUN_CLASS_FIXED);
	CHECK(late->arch.plat.sched.exhausted);
	charge(late, 20 * MS);
	CHECK(runq_class_of(late) == RUN_CLASS_DEADLINE);
}

/* A nicer task that holds up a less nice one gets the other's share. */
static void test_lent_load(void)
{
	struct task *nicer, *hog;
	uint64_t before;

	begin();
	nicer = make(0, (struct sched_request)FAIR(19), NULL);
	hog = make(1, (struct sched_request)FAIR(0), NULL);
	run_until(now + 2000 * MS);
	CHECK(ran_ns[0] * 20 < ran_ns[1]);
	lend(nicer, CLAIM_FAIR(0), false);
	before = ran_ns[0];
	run_until(now + 2000 * MS);
	CHECK(is_about(ran_ns[0] - before, 1000 * MS, 5));
	CHECK(hog->arch.plat.sched.load == nicer->arch.plat.sched.load);
}

static void test_choose_cpu(void)
{
	CHECK(runq_choose_cpu(0, 3, 1) == 1);		/* none idle */
	CHECK(runq_choose_cpu(0xf, 3, 1) == 3);		/* the last one */
	CHECK(runq_choose_cpu(0x6, 3, 1) == 1);		/* the waker's own */
	CHECK(runq_choose_cpu(0x4, 3, 1) == 2);		/* any */
	CHECK(runq_choose_cpu(1ull << 63, 63, 0) == 63);
	CHECK(runq_choose_cpu(1ull << 63, 0, 0) == 63);
}

static void test_deadlines_in_order(void)
{
	static const uint64_t at[] = { 50, 10, 30, 10, 40, 20 };
	struct sleeper s[6] = { 0 }, *first;
	struct timerq q;
	uint64_t last = 0;

	timerq_init(&q);
	CHECK(q.first_ns == DEADLINE_NEVER && !timerq_first_locked(&q));
	for (int i = 0; i < 6; i++) {
		s[i].deadline_ns = at[i];
		timerq_add_locked(&q, &s[i]);
	}
	CHECK(q.first_ns == 10);
	CHECK(!timerq_expire_locked(&q, 9));
	for (int i = 0; i < 6; i++) {
		first = timerq_expire_locked(&q, 50);
		CHECK(first && first->expired && !first->in_queue);
		CHECK(first && first->deadline_ns >= last);
		last = first ? first->deadline_ns : 0;
	}
	CHECK(!timerq_expire_locked(&q, 1000));
	CHECK(q.first_ns == DEADLINE_NEVER);
}

static void test_remove_deadline(void)
{
	struct sleeper a = { .deadline_ns = 5 }, b = { .deadline_ns = 7 };
	struct timerq q;

	timerq_init(&q);
	timerq_add_locked(&q, &a);
	timerq_add_locked(&q, &b);
	timerq_remove_locked(&q, &a);
	timerq_remove_locked(&q, &a);	/* harmless */
	CHECK(q.first_ns == 7 && !a.expired);
	CHECK(timerq_expire_locked(&q, 7) == &b);
	timerq_remove_locked(&q, &b);	/* expired: not in it any more */
	CHECK(q.first_ns == DEADLINE_NEVER);
}

/* Two with one deadline: first come, first expired. */
static void test_equal_deadlines(void)
{
	struct sleeper a = { .deadline_ns = 5 }, b = { .deadline_ns = 5 };
	struct timerq q;

	timerq_init(&q);
	timerq_add_locked(&q, &a);
	timerq_add_locked(&q, &b);
	CHECK(timerq_expire_locked(&q, 5) == &a);
	CHECK(timerq_expire_locked(&q, 5) == &b);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "classes", test_classes },
		{ "who replaces whom", test_who_replaces },
		{ "round robin", test_round_robin },
		{ "equal shares", test_equal_shares }, { "nice", test_nice },
		{ "processes share", test_processes },
		{ "sleepers", test_sleepers },
		{ "lag moves along", test_lag_moves_along },
		{ "a place is handed over", test_hand_over },
		{ "who takes over", test_who_takes_over },
		{ "deadlines are met", test_deadlines_met },
		{ "budget", test_budget }, { "allowed", test_allowed },
		{ "requests", test_requests },
		{ "loans", test_loans },
		{ "a loan given back", test_loan_back_in_front },
		{ "a lent deadline", test_lent_deadline },
		{ "a lent load", test_lent_load },
		{ "choose a CPU", test_choose_cpu },
		{ "deadlines in order", test_deadlines_in_order },
		{ "remove deadline", test_remove_deadline },
		{ "equal deadlines", test_equal_deadlines },
	};

	return unit_run("runq", tests, ARRAY_LEN(tests), NULL, NULL);
}
