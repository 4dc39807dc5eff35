/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the run queues and of the queue of deadlines: order within
 * and between classes, how far down a taker goes, where woken tasks go, who
 * expires when. Prints TAP.
 */
#include "platform/kvm/runq.h"

int printf(const char *fmt, ...);

static uint32_t failures;

#define CHECK(e) do {							\
	if (!(e)) {							\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #e);	\
		failures++;						\
	}								\
} while (0)

static struct task tasks[6];

static struct task *make(int i, enum task_kind kind)
{
	tasks[i] = (struct task){ .kind = kind };
	list_init(&tasks[i].arch.plat.run_link);
	return &tasks[i];
}

static void test_round_robin(void)
{
	struct runq q;

	runq_init(&q);
	CHECK(!runq_pop_locked(&q, RUN_CLASS_USER));
	for (int i = 0; i < 3; i++)
		runq_push_locked(&q, make(i, TASK_USER));
	CHECK(q.nr == 3);
	for (int i = 0; i < 3; i++)
		CHECK(runq_pop_locked(&q, RUN_CLASS_USER) == &tasks[i]);
	CHECK(q.nr == 0 && !runq_has_locked(&q, RUN_CLASS_USER));
}

static void test_system_first(void)
{
	struct runq q;

	runq_init(&q);
	runq_push_locked(&q, make(0, TASK_USER));
	runq_push_locked(&q, make(1, TASK_SYSTEM));
	runq_push_locked(&q, make(2, TASK_SYSTEM));
	CHECK(runq_has_locked(&q, RUN_CLASS_SYSTEM));
	CHECK(runq_pop_locked(&q, RUN_CLASS_USER) == &tasks[1]);
	CHECK(runq_pop_locked(&q, RUN_CLASS_USER) == &tasks[2]);
	CHECK(runq_pop_locked(&q, RUN_CLASS_USER) == &tasks[0]);
}

/* A system task that goes on running does not make way for a program. */
static void test_lowest_class(void)
{
	struct runq q;

	runq_init(&q);
	runq_push_locked(&q, make(0, TASK_USER));
	CHECK(!runq_has_locked(&q, RUN_CLASS_SYSTEM));
	CHECK(!runq_pop_locked(&q, RUN_CLASS_SYSTEM));
	CHECK(q.nr == 1);
	CHECK(runq_pop_locked(&q, RUN_CLASS_USER) == &tasks[0]);
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

static const struct {
	const char *name;
	void (*fn)(void);
} tests[] = {
	{ "round robin within a class", test_round_robin },
	{ "system tasks first", test_system_first },
	{ "a taker goes down to its own class only", test_lowest_class },
	{ "where woken tasks go", test_choose_cpu },
	{ "deadlines expire in order", test_deadlines_in_order },
	{ "a deadline is taken back", test_remove_deadline },
	{ "equal deadlines in order of arrival", test_equal_deadlines },
};

int main(void)
{
	uint32_t bad = 0;

	printf("1..%zu\n", ARRAY_LEN(tests));
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		failures = 0;
		tests[i].fn();
		printf("%sok %zu - %s\n", failures ? "not " : "", i + 1,
		       tests[i].name);
		bad += failures != 0;
	}
	return bad != 0;
}
