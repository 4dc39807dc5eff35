/* SPDX-License-Identifier: MIT */
/*
 * The wait/wake protocol of platform/kvm/word.c with host threads as tasks and
 * a fake scheduler underneath: wake-ups are not lost, not given to others,
 * deadlines and wakes may meet. The fake keeps the promise of sched.h, that a
 * task is woken exactly when its state is SLEEPING, with the same states and a
 * host futex. Prints TAP.
 */
#include "core/panic.h"
#include "platform/kvm/sched.h"
#include "platform/platform.h"
#include "test/unit/tap.h"

typedef unsigned long thread_id;
void abort(void) __noreturn;
long syscall(long nr, ...);
int pthread_create(thread_id *t, const void *attr, void *(*fn)(void *),
		   void *arg);
int pthread_join(thread_id t, void **ret);

#define NR_FUTEX	202
#define FUTEX_WAIT_OP	0
#define FUTEX_WAKE_OP	1
#define NR_THREADS	4
#define ROUNDS		20000

static __thread struct task self;
static struct cpu cpu;
static uint64_t now_ns = 1000;

/* --- the fake scheduler -----------------------------------------------------*/
struct task *current_task(void)
{
	return &self;
}

struct cpu *this_cpu(void)
{
	return &cpu;
}

void panic(const char *fmt, ...)
{
	printf("# panic: %s\n", fmt);
	abort();
}

uint64_t plat_clock_mono_ns(void)
{
	return __atomic_load_n(&now_ns, __ATOMIC_SEQ_CST);
}

void schedule(void)
{
}

void sched_wake(struct task *t)
{
	uint32_t sleeping = RUN_SLEEPING;

	if (!__atomic_compare_exchange_n(&t->arch.plat.state, &sleeping,
					 RUN_RUNNING, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return;
	syscall(NR_FUTEX, &t->arch.plat.state, FUTEX_WAKE_OP, 1, 0, 0, 0);
}

void sched_wait_off(const struct task *t)
{
}

void sched_put_caught(struct task *t)
{
	uint32_t *state = &t->arch.plat.state;

	__atomic_store_n(state, RUN_RUNNING, __ATOMIC_SEQ_CST);
	syscall(NR_FUTEX, state, FUTEX_WAKE_OP, 1, 0, 0, 0);
}

void sched_sleep(struct sleeper *s, struct task *to)
{
	uint32_t *state = &self.arch.plat.state;

	if (s) {
		spin_lock(&cpu.timerq.lock);
		timerq_add_locked(&cpu.timerq, s);
		spin_unlock(&cpu.timerq.lock);
	}
	if (to)
		sched_put_caught(to);
	for (;;) {
		uint32_t is = __atomic_load_n(state, __ATOMIC_SEQ_CST);

		if (is == RUN_RUNNING)
			break;
		syscall(NR_FUTEX, state, FUTEX_WAIT_OP, is, 0, 0, 0);
	}
}

void sched_forget_sleeper(struct sleeper *s, uint32_t id)
{
	spin_lock(&cpu.timerq.lock);
	timerq_remove_locked(&cpu.timerq, s);
	spin_unlock(&cpu.timerq.lock);
}

/* What sched_timer_irq does. */
static void pass_time(uint64_t ns)
{
	struct sleeper *s;

	__atomic_fetch_add(&now_ns, ns, __ATOMIC_SEQ_CST);
	spin_lock(&cpu.timerq.lock);
	while ((s = timerq_expire_locked(&cpu.timerq, plat_clock_mono_ns())))
		sched_wake(s->task);
	spin_unlock(&cpu.timerq.lock);
}

static void run_threads(void *(*fn)(void *), void *arg, uint32_t n)
{
	thread_id t[NR_THREADS];

	for (uint32_t i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, fn, arg))
			abort();
	for (uint32_t i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

/* --- tests --------------------------------------------------------------------*/
static void test_value_differs(void)
{
	uint32_t word = 1;

	CHECK(plat_word_wait(&word, 0, DEADLINE_NEVER) == 0);
	CHECK(plat_word_wait(&word, 1, now_ns) == -ETIMEDOUT);
}

/* Three states as core/lock.c: a lost wake-up hangs. */
static uint32_t lock_word;
static uint64_t shared;

static void *lock_and_count(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t zero = 0;

		if (!__atomic_compare_exchange_n(&lock_word, &zero, 1, false,
						 __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			while (__atomic_exchange_n(&lock_word, 2,
						   __ATOMIC_ACQUIRE))
				plat_word_wait(&lock_word, 2, DEADLINE_NEVER);
		shared++;
		if (__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2)
			plat_word_wake(&lock_word, 1);
	}
	return NULL;
}

static void test_no_wake_is_lost(void)
{
	run_threads(lock_and_count, NULL, NR_THREADS);
	CHECK(shared == (uint64_t)NR_THREADS * ROUNDS);
	CHECK(lock_word == 0);
}

/* Two tasks hand a turn back and forth over one word. */
static void *take_turns(void *arg)
{
	uint32_t *word = arg;
	static uint32_t next;
	uint32_t mine = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) & 1;

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t v;

		while (((v = __atomic_load_n(word, __ATOMIC_SEQ_CST)) & 1) !=
		       mine)
			plat_word_wait(word, v, DEADLINE_NEVER);
		__atomic_store_n(word, v + 1, __ATOMIC_SEQ_CST);
		plat_word_wake(word, 1);
	}
	return NULL;
}

static void test_turns(void)
{
	uint32_t word = 0;

	run_threads(take_turns, &word, 2);
	CHECK(word == 2 * ROUNDS);
}

static uint32_t sleepers_done, go;

static void *sleep_until_go(void *arg)
{
	while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
		plat_word_wait(&go, 0, DEADLINE_NEVER);
	__atomic_fetch_add(&sleepers_done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *let_all_go(void *arg)
{
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	plat_word_wake(&go, UINT32_MAX);
	return NULL;
}

static void test_wake_all(void)
{
	thread_id t[NR_THREADS];

	for (int i = 0; i < NR_THREADS; i++)
		pthread_create(&t[i], NULL, sleep_until_go, NULL);
	let_all_go(NULL);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(t[i], NULL);
	CHECK(sleepers_done == NR_THREADS);
}

/* Deadlines pass while wakes arrive: each wait ends, for a reason. */
static uint32_t timed_word, waits_over;

static void *wait_with_deadline(void *arg)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		int r = plat_word_wait(&timed_word, 0,
				       plat_clock_mono_ns() + 50);

		CHECK(r == 0 || r == -ETIMEDOUT);
	}
	__atomic_fetch_add(&waits_over, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *wake_and_pass_time(void *arg)
{
	while (__atomic_load_n(&waits_over, __ATOMIC_SEQ_CST) < 2) {
		plat_word_wake(&timed_word, 1);
		pass_time(20);
	}
	return NULL;
}

static void test_deadlines_and_wakes(void)
{
	thread_id t[3];

	pthread_create(&t[0], NULL, wait_with_deadline, NULL);
	pthread_create(&t[1], NULL, wait_with_deadline, NULL);
	pthread_create(&t[2], NULL, wake_and_pass_time, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK(!timerq_first_locked(&cpu.timerq));
}

/* Two parked tasks that wake each other and park, or hand over: with an own
 * word each, as core/park.c. */
static struct task *pair[2];
static uint32_t pair_turn, pair_over;

static void pair_wake(struct task *t, struct task **to)
{
	if (__atomic_exchange_n(&t->wake, 1, __ATOMIC_SEQ_CST) != 2)
		return;
	if (to)
		*to = t;
	else
		plat_unpark(t);
}

static void *take_turns_parked(void *arg)
{
	uint32_t me = __atomic_fetch_add((uint32_t *)arg, 1, __ATOMIC_SEQ_CST);
	struct task *to = NULL;

	self.arch.plat.state = RUN_RUNNING;
	__atomic_store_n(&pair[me], &self, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&pair[!me], __ATOMIC_SEQ_CST))
		;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		while (__atomic_load_n(&pair_turn, __ATOMIC_SEQ_CST) != me) {
			uint32_t none = 0;

			if (__atomic_compare_exchange_n(&self.wake, &none, 2,
					false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST)) {
				plat_park(2, DEADLINE_NEVER, to);
			} else if (to) {
				plat_unpark(to);
			}
			to = NULL;
			__atomic_store_n(&self.wake, 0, __ATOMIC_SEQ_CST);
		}
		__atomic_store_n(&pair_turn, !me, __ATOMIC_SEQ_CST);
		if (to)
			plat_unpark(to);
		to = NULL;
		pair_wake(pair[!me], i & 1 || i + 1 == ROUNDS ? NULL : &to);
	}
	__atomic_fetch_add(&pair_over, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&pair_over, __ATOMIC_SEQ_CST) < 2)
		;
	return NULL;
}

static void test_parked(void)
{
	uint32_t number = 0;

	pair[0] = pair[1] = NULL;
	run_threads(take_turns_parked, &number, 2);
	CHECK(number == 2);
	CHECK(!timerq_first_locked(&cpu.timerq));
}

static void test_park_deadline(void)
{
	self.arch.plat.state = RUN_RUNNING;
	self.wake = 1;
	CHECK(plat_park(2, DEADLINE_NEVER, NULL) == 0);
	CHECK(self.arch.plat.state == RUN_RUNNING);
	CHECK(!timerq_first_locked(&cpu.timerq));
}

static const struct unit_test tests[] = {
	{ "a changed word does not wait, a past deadline neither",
	  test_value_differs },
	{ "no wake-up of a lock is lost", test_no_wake_is_lost },
	{ "turns over one word", test_turns },
	{ "all are woken", test_wake_all },
	{ "deadlines and wake-ups meet", test_deadlines_and_wakes },
	{ "parked tasks hand over, none is lost", test_parked },
	{ "a changed park word does not wait", test_park_deadline },
};

int main(void)
{
	timerq_init(&cpu.timerq);
	return unit_run("word", tests, ARRAY_LEN(tests), NULL, NULL);
}
