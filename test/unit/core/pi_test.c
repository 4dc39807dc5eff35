/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the graph of priority inheritance (core/pi.h) on a platform
 * that only notes what is lent: chains, who gives back what and when, changes
 * meanwhile, cycles, ends. Prints TAP.
 */
#include "core/lock.h"
#include "core/pi.h"
#include "core/sched.h"
#include "core/task.h"
#include "fs/fake.h"
#include "lib/string.h"
#include "platform/platform.h"

#define NR_TASKS	8u

static struct task tasks[PI_DEPTH_MAX + 8];
static uint64_t claims[NR_TASKS];	/* their own */
static uint64_t lent[NR_TASKS];		/* as the platform knows it */
static struct task *current;
static uint32_t held, nr_loans;

/* --- the pretend platform ----------------------------------------------------*/
struct task *current_task(void)
{
	return current;
}

static uint32_t number(const struct task *t)
{
	return (uint32_t)(t - tasks);
}

uint64_t plat_task_claim(const struct task *t)
{
	return number(t) < NR_TASKS ? claims[number(t)] : 1;
}

void plat_task_lend(struct task *t, uint64_t claim)
{
	CHECK(held);
	nr_loans++;
	if (number(t) < NR_TASKS)
		lent[number(t)] = claim;
}

void plat_brief_lock(uint32_t *word)
{
	CHECK_EQ(held++, 0);
}

void plat_brief_unlock(uint32_t *word)
{
	CHECK_EQ(--held, 0);
}

static uint32_t nr_wakes;

void plat_word_wake(uint32_t *word, uint32_t max)
{
	nr_wakes++;
}

void assert_failed(const char *expr, const char *file, int line)
{
	check_failed(expr, file, line, 0);
}

/* --- tests -------------------------------------------------------------------*/
static void begin(void)
{
	memset(tasks, 0, sizeof(tasks));
	memset(lent, 0, sizeof(lent));
	for (uint32_t i = 0; i < NR_TASKS; i++)
		claims[i] = CLAIM_FIXED(10 * i + 1);
	current = &tasks[NR_TASKS - 1];
}

static int wait_for(uint32_t t, uint32_t to)
{
	return pi_wait(&tasks[t], &tasks[to]);
}

static void leave(uint32_t t)
{
	CHECK_EQ(pi_wait(&tasks[t], NULL), 0);
}

static void chain(void)
{
	CHECK_EQ(wait_for(1, 0), 0);
	CHECK_EQ(lent[0], claims[1]);
	CHECK_EQ(wait_for(2, 1), 0);	/* behind it: both are worth more */
	CHECK_EQ(wait_for(5, 2), 0);
	CHECK_EQ(lent[0], claims[5]);
	CHECK_EQ(lent[1], claims[5]);
	CHECK_EQ(lent[2], claims[5]);
	CHECK_EQ(pi_claim(&tasks[1]), claims[5]);
	/* one with less changes nothing, for nobody */
	nr_loans = 0;
	CHECK_EQ(wait_for(4, 1), 0);
	CHECK_EQ(nr_loans, 0);
	/* the best leaves: what the others lend remains */
	leave(5);
	CHECK_EQ(lent[2], 0);
	CHECK_EQ(lent[1], claims[4]);
	CHECK_EQ(lent[0], claims[4]);
	leave(4);
	CHECK_EQ(lent[1], claims[2]);
	CHECK_EQ(lent[0], claims[2]);
	/* the middle leaves with what is behind it */
	leave(1);
	CHECK_EQ(lent[0], 0);
	CHECK_EQ(lent[1], claims[2]);
}

static void several_locks(void)
{
	wait_for(1, 0);
	wait_for(2, 0);
	wait_for(3, 0);
	CHECK_EQ(lent[0], claims[3]);
	leave(2);
	CHECK_EQ(lent[0], claims[3]);
	leave(3);
	CHECK_EQ(lent[0], claims[1]);
	leave(1);
	CHECK_EQ(lent[0], 0);
	leave(1);	/* nothing to leave */
	CHECK_EQ(wait_for(1, 1), 0);	/* nor for oneself */
	CHECK(!tasks[1].pi.wait.to);
}

/* The owner keeps what it was lent until it says so, even if it passes it on. */
static void handed_over(void)
{
	current = &tasks[0];
	wait_for(1, 0);
	wait_for(2, 0);
	wait_for(5, 0);
	CHECK_EQ(pi_wait(&tasks[5], NULL), 0);
	CHECK_EQ(pi_wait(&tasks[1], &tasks[5]), 0);
	CHECK_EQ(pi_wait(&tasks[2], &tasks[5]), 0);
	CHECK_EQ(lent[5], claims[2]);
	CHECK_EQ(lent[0], claims[5]);
	pi_settle();
	CHECK_EQ(lent[0], 0);
	nr_loans = 0;
	pi_settle();
	CHECK_EQ(nr_loans, 0);
	/* who waits for something else of it still lends */
	wait_for(3, 0);
	wait_for(4, 0);
	leave(4);
	pi_settle();
	CHECK_EQ(lent[0], claims[3]);
}

static void changes(void)
{
	wait_for(2, 1);
	wait_for(1, 0);
	claims[2] = CLAIM_DEADLINE(1000);
	pi_changed(&tasks[2]);
	CHECK(lent[0] == claims[2] && lent[1] == claims[2]);
	claims[2] = CLAIM_FAIR(0);
	pi_changed(&tasks[2]);
	CHECK_EQ(lent[1], claims[2]);
	CHECK_EQ(lent[0], claims[1]);
	/* of one who has a loan and waits itself: both count */
	claims[1] = CLAIM_FAIR(19);
	pi_changed(&tasks[1]);
	CHECK_EQ(lent[0], claims[2]);
	/* of one who waits for nobody: the platform's business */
	nr_loans = 0;
	claims[0] = CLAIM_FIXED(99);
	pi_changed(&tasks[0]);
	CHECK_EQ(nr_loans, 0);
	/* it counts what it is worth when it begins to wait */
	claims[3] = CLAIM_FIXED(77);
	wait_for(3, 1);
	CHECK_EQ(lent[0], CLAIM_FIXED(77));
}

static void cycles(void)
{
	CHECK_EQ(wait_for(1, 0), 0);
	CHECK_EQ(wait_for(2, 1), 0);
	CHECK_EQ(wait_for(0, 2), -EDEADLK);
	CHECK(!tasks[0].pi.wait.to && lent[2] == 0);
	CHECK_EQ(wait_for(0, 1), -EDEADLK);
	/* it would have to give up what it has first: another way is fine */
	CHECK_EQ(wait_for(0, 3), 0);
	CHECK_EQ(lent[3], claims[2]);
	CHECK_EQ(wait_for(3, 2), -EDEADLK);
	CHECK_EQ(pi_wait_like(&tasks[4], &tasks[2]), 0);
	CHECK(tasks[4].pi.wait.to == &tasks[1]);
	CHECK_EQ(pi_wait_like(&tasks[3], &tasks[0]), -EDEADLK);
	CHECK_EQ(pi_wait_like(&tasks[5], &tasks[6]), -ESRCH);
}

static void long_chain(void)
{
	uint32_t n = ARRAY_LEN(tasks);

	for (uint32_t i = 1; i <= PI_DEPTH_MAX; i++)
		CHECK_EQ(wait_for(n - i, n - i - 1), 0);
	current = &tasks[0];
	CHECK_EQ(lent[7], 1);
	CHECK_EQ(pi_wait(&tasks[0], &tasks[n - 1]), -EDEADLK);
	CHECK_EQ(pi_wait(&tasks[0], &tasks[n - 2]), 0);
	CHECK_EQ(lent[7], claims[0]);
	leave(0);
	CHECK_EQ(lent[7], 1);
}

static void ends(void)
{
	pi_task_gone(&tasks[0]);	/* nobody ever waited for it */
	wait_for(1, 0);
	wait_for(2, 0);
	pi_task_gone(&tasks[0]);
	CHECK(!tasks[1].pi.wait.to && !tasks[2].pi.wait.to);
	memset(&tasks[0], 0, sizeof(tasks[0]));
	CHECK_EQ(wait_for(1, 0), 0);
	CHECK_EQ(wait_for(2, 1), 0);
	CHECK_EQ(pi_claim(&tasks[1]), claims[2]);
}

/* --- mutexes -----------------------------------------------------------------*/
static void mutex_wait(uint32_t t, struct mutex *m)
{
	current = &tasks[t];
	CHECK_EQ(pi_mutex_wait(m), m->word);
}

static void mutexes(void)
{
	struct mutex m = { (uint64_t)&tasks[0] }, n = { (uint64_t)&tasks[1] };

	mutex_wait(1, &m);
	CHECK_EQ(m.word, (uint64_t)&tasks[0] | MUTEX_WANTED);
	CHECK_EQ(lent[0], claims[1]);
	mutex_wait(3, &m);
	mutex_wait(5, &n);	/* through 1, which waits for 0 */
	CHECK(lent[1] == claims[5] && lent[0] == claims[5]);
	/* released: nobody lends to it; one is woken */
	current = &tasks[0];
	nr_wakes = 0;
	pi_mutex_unlock(&m, NULL);
	CHECK(!m.word && !lent[0] && nr_wakes == 1);
	/* another took it: who comes again lends to that one */
	m.word = (uint64_t)&tasks[2];
	mutex_wait(1, &m);
	CHECK_EQ(lent[2], claims[5]);
	/* one that still sleeps becomes worth more: it finds the holder */
	CHECK_EQ(wait_for(6, 3), 0);
	CHECK_EQ(lent[2], claims[6]);
	current = &tasks[2];
	pi_mutex_unlock(&m, NULL);
	CHECK_EQ(lent[2], 0);
	m.word = (uint64_t)&tasks[3] | MUTEX_WANTED;
	current = &tasks[3];
	pi_mutex_wait_end();
	CHECK(!tasks[3].pi.mutex && !tasks[3].pi.by_mutex.to);
	/* free, nobody to lend to: the one that became better is woken */
	m.word = 0;
	nr_wakes = 0;
	claims[7] = CLAIM_FIXED(99);
	CHECK_EQ(wait_for(7, 1), 0);
	CHECK_EQ(nr_wakes, 1);
	CHECK_EQ(pi_mutex_wait(&m), 0);
}

/* A wait for a task goes on behind that for a mutex. */
static void both_waits(void)
{
	struct mutex m = { (uint64_t)&tasks[4] };

	CHECK_EQ(wait_for(1, 0), 0);
	mutex_wait(1, &m);
	CHECK_EQ(wait_for(5, 1), 0);
	CHECK_EQ(lent[4], claims[5]);
	CHECK_EQ(lent[0], claims[1]);
	current = &tasks[4];
	pi_mutex_unlock(&m, NULL);
	CHECK_EQ(lent[4], 0);
	current = &tasks[1];
	m.word = (uint64_t)current | MUTEX_WANTED;
	pi_mutex_wait_end();
	CHECK_EQ(lent[0], claims[5]);
	/* a circle through a mutex is none of ours, and ends */
	CHECK_EQ(wait_for(4, 1), 0);
	m.word = (uint64_t)&tasks[4];
	mutex_wait(1, &m);
	CHECK_EQ(lent[4], claims[5]);
	current = &tasks[4];
	pi_mutex_unlock(&m, NULL);
	CHECK_EQ(lent[4], 0);
}

static const struct unit_test tests[] = {
	{ "a chain", chain }, { "several locks of one owner", several_locks },
	{ "handed over", handed_over }, { "changes meanwhile", changes },
	{ "cycles", cycles }, { "a long chain", long_chain },
	{ "ends", ends }, { "mutexes", mutexes },
	{ "both waits", both_waits },
};

static void check_end(void)
{
	CHECK_EQ(held, 0);
}

int main(void)
{
	return unit_run("pi", tests, ARRAY_LEN(tests), begin, check_end);
}
