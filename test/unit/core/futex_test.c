/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the futex queues: who is woken, requeueing, and that no
 * wake-up is lost between two threads that hand a word to and fro. Prints TAP.
 */
#include "core/futex.h"
#include "core/sched.h"
#include "fs/fake.h"
#include "platform/platform.h"

/* The calling task's own claim. */
static uint64_t claim;

bool plat_task_is_urgent(const struct task *t)
{
	return claim_is_urgent(claim);
}

uint64_t plat_task_claim(const struct task *t)
{
	return claim;
}

static const struct futex_key k1 = { 1, 64 }, k2 = { 1, 128 };

static void enqueue(struct futex_waiter *w, const struct futex_key *k,
		    uint32_t bitset)
{
	struct futex_bucket *b = futex_wait_lock(k);

	*w = (struct futex_waiter){ .task = current_task(), .bitset = bitset };
	futex_wait_commit(b, w, k);
}

static void wakes(void)
{
	struct futex_waiter w[4];

	CHECK_EQ(futex_wake(&k1, 9, ~0u), 0);
	for (uint32_t i = 0; i < 4; i++)
		enqueue(&w[i], &k1, 1u << i);
	CHECK_EQ(futex_wake(&k2, 9, ~0u), 0);
	CHECK_EQ(futex_wake(&k1, 1, ~0u), 1);
	CHECK_EQ(futex_wait_end(&w[0]), 1);	/* first in, first out */
	CHECK_EQ(futex_wake(&k1, 9, 1u << 2), 1);
	CHECK_EQ(futex_wait_end(&w[2]), 1);
	CHECK_EQ(futex_wait_end(&w[1]), 0);	/* gives up */
	CHECK_EQ(futex_wake(&k1, 9, ~0u), 1);
	CHECK_EQ(futex_wait_end(&w[3]), 1);
	CHECK_EQ(futex_wake(&k1, 9, ~0u), 0);
}

static void enqueue_as(struct futex_waiter *w, uint64_t c)
{
	claim = c;
	enqueue(w, &k1, ~0u);
	claim = 0;
}

/* Urgent ones first, by claim; equals and all others by arrival. */
static void order_of_wakes(void)
{
	static const uint64_t claims[] = {
		CLAIM_FAIR(0), CLAIM_FIXED(10), CLAIM_FIXED(50),
		CLAIM_FAIR(-20), CLAIM_DEADLINE(900), CLAIM_FIXED(50),
		CLAIM_DEADLINE(100), CLAIM_IDLE,
	};
	static const uint32_t order[] = { 4, 6, 2, 5, 1, 0, 3, 7 };
	struct futex_waiter w[8];
	struct futex_bucket *b1, *b2;

	for (uint32_t requeued = 0; requeued < 2; requeued++) {
		for (uint32_t i = 0; i < 8; i++)
			enqueue_as(&w[i], claims[i]);
		if (requeued) {
			futex_lock_two(&k1, &k2, &b1, &b2);
			for (uint32_t i = 0; i < 8; i++)
				futex_move_locked(&w[order[i]], b2, &k2);
			futex_unlock_two(b1, b2);
		}
		for (uint32_t i = 0; i < 8; i++) {
			CHECK_EQ(futex_wake(requeued ? &k2 : &k1, 1, ~0u), 1);
			CHECK_EQ(w[order[i]].woken, 1);
		}
	}
}

static void owner_waits_refuse_wakes(void)
{
	struct futex_waiter w;

	enqueue(&w, &k1, ~0u);
	w.owner_wait = &w;
	CHECK_EQ(futex_wake(&k1, 1, ~0u), -EINVAL);
	CHECK_EQ(futex_wait_end(&w), 0);
}

static void moves(void)
{
	struct futex_bucket *b1, *b2;
	struct futex_waiter w[2];

	enqueue(&w[0], &k1, ~0u);
	enqueue(&w[1], &k1, ~0u);
	futex_lock_two(&k1, &k2, &b1, &b2);
	CHECK(futex_next_locked(b1, &k1, NULL) == &w[0]);
	CHECK(futex_next_locked(b1, &k1, &w[0]) == &w[1]);
	CHECK(!futex_next_locked(b1, &k1, &w[1]));
	futex_move_locked(&w[0], b2, &k2);
	futex_unlock_two(b1, b2);
	CHECK_EQ(futex_wake(&k1, 9, ~0u), 1);
	CHECK_EQ(futex_wait_end(&w[1]), 1);
	CHECK_EQ(futex_wake(&k2, 9, ~0u), 1);
	CHECK_EQ(futex_wait_end(&w[0]), 1);
}

static void count(struct futex_waiter *w, void *arg)
{
	++*(uint32_t *)arg;
}

static void all_are_found(void)
{
	struct futex_waiter w[20];
	uint32_t n = 0;

	for (uint64_t i = 0; i < 20; i++)
		enqueue(&w[i], &(struct futex_key){ i, i * 4 }, ~0u);
	futex_for_each(count, &n);
	CHECK_EQ(n, 20);
	for (uint32_t i = 0; i < 20; i++)
		CHECK_EQ(futex_wait_end(&w[i]), 0);
}

/* --- two threads ------------------------------------------------------------------*/
#define ROUNDS 3000u

static uint32_t turn;	/* whose turn it is: the shared word */
static uint32_t timeouts;

static void wait_for_turn(uint32_t other)
{
	while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == other) {
		struct futex_waiter w = { .task = current_task(),
					  .bitset = ~0u };
		struct futex_bucket *b = futex_wait_lock(&k1);

		if (__atomic_load_n(&turn, __ATOMIC_RELAXED) != other) {
			futex_wait_abort(b);
			return;
		}
		futex_wait_commit(b, &w, &k1);
		if (futex_wait_sleep(&w, 1, DEADLINE_NEVER))
			timeouts++;
		futex_wait_end(&w);
	}
}

static void *player(void *arg)
{
	uint32_t me = *(uint32_t *)arg;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		wait_for_turn(!me);
		__atomic_store_n(&turn, !me, __ATOMIC_SEQ_CST);
		futex_wake(&k1, 1, ~0u);
	}
	return NULL;
}

static void ping_pong(void)
{
	static uint32_t ids[2] = { 0, 1 };
	unsigned long t;

	pthread_create(&t, NULL, player, &ids[1]);
	player(&ids[0]);
	pthread_join(t, NULL);
	CHECK_EQ(timeouts, 0);
	CHECK_EQ(futex_wake(&k1, 9, ~0u), 0);
}

static const struct unit_test tests[] = {
	{ "wakes", wakes }, { "order of wakes", order_of_wakes },
	{ "owner waits refuse wakes", owner_waits_refuse_wakes },
	{ "moves", moves }, { "all are found", all_are_found },
	{ "ping-pong", ping_pong },
};

int main(void)
{
	return unit_run("futex", tests, ARRAY_LEN(tests), NULL, NULL);
}
