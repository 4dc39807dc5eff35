/* SPDX-License-Identifier: MIT */
/*
 * Sleeping locks on a platform word. Whoever waits says so in the word, so that
 * the holder wakes one; whoever has waited takes it as wanted, so the next unlock
 * wakes again: no wake-up is lost, at the price of one spare wake. Waiters sleep
 * on the low half of the word: if another holder's looks the same it is wanted
 * as well, so its unlock wakes.
 */
#include "core/lock.h"
#include "core/panic.h"
#include "core/pi.h"
#include "core/task.h"
#include "platform/platform.h"

void mutex_init(struct mutex *m)
{
	*m = (struct mutex)MUTEX_INIT;
}

static bool take(struct mutex *m, uint64_t word)
{
	uint64_t free = 0;

	return __atomic_compare_exchange_n(&m->word, &free, word, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

bool mutex_try_lock(struct mutex *m)
{
	return take(m, (uint64_t)current_task());
}

/* Little endian. */
static uint32_t *sleep_word(struct mutex *m)
{
	return (uint32_t *)&m->word;
}

#define HOLDERS_AWAITED	4u

/* Locks are mostly held for less than it takes to sleep. */
static bool take_soon(struct mutex *m, struct task *t)
{
	for (uint32_t holders = 0; holders < HOLDERS_AWAITED; holders++) {
		uint32_t seen = __atomic_load_n(sleep_word(m), __ATOMIC_RELAXED);

		if (take(m, (uint64_t)t))
			return true;
		if (!plat_spin_while(sleep_word(m), seen))
			break;
	}
	return false;
}

static __attribute__((noinline)) void lock_slow(struct mutex *m, struct task *t)
{
	bool lends = plat_mutexes_lend(), waited = false;
	uint64_t seen;

	/* the holder may wait for one of them */
	if (t->nr_deferred)
		task_wakes_flush();
	if (!PLAT_SCHEDULES && take_soon(m, t))
		return;
	/* Pairs with the exchange in unlock_slow: who marks it and then sees it
	 * unchanged in the word wait will be woken by the holder. */
	while (!take(m, (uint64_t)t | MUTEX_WANTED)) {
		seen = lends ? pi_mutex_wait(m) : mutex_mark_wanted(m);
		if (!seen)
			continue;
		waited = true;
		plat_word_wait(sleep_word(m), (uint32_t)seen, DEADLINE_NEVER);
	}
	if (lends && waited)
		pi_mutex_wait_end();
}

void mutex_lock(struct mutex *m)
{
	struct task *t = current_task();

	if (likely(take(m, (uint64_t)t)))
		return;
	lock_slow(m, t);
}
static __attribute__((noinline)) void unlock_slow(struct mutex *m)
{
	if (plat_mutexes_lend())
		pi_mutex_unlock(m, sleep_word(m));
	else if (__atomic_exchange_n(&m->word, 0, __ATOMIC_RELEASE) &
		 MUTEX_WANTED)
		plat_word_wake(sleep_word(m), 1);
}

void mutex_unlock(struct mutex *m)
{
	uint64_t mine = (uint64_t)current_task();

	if (unlikely(!__atomic_compare_exchange_n(&m->word, &mine, 0, false,
						  __ATOMIC_RELEASE,
						  __ATOMIC_RELAXED)))
		unlock_slow(m);
}

bool mutex_is_held(const struct mutex *m)
{
	return (m->word & ~MUTEX_WANTED) == (uint64_t)current_task();
}

void mutex_lock_two(struct mutex *a, struct mutex *b)
{
	if (a > b) {
		struct mutex *t = a;

		a = b;
		b = t;
	}
	mutex_lock(a);
	if (a != b)
		mutex_lock(b);
}

void mutex_unlock_two(struct mutex *a, struct mutex *b)
{
	mutex_unlock(a);
	if (a != b)
		mutex_unlock(b);
}

void rwlock_init(struct rwlock *l)
{
	mutex_init(&l->m);
	l->readers = 0;
	l->word = 0;
}

void rwlock_read_lock(struct rwlock *l)
{
	mutex_lock(&l->m);
	__atomic_fetch_add(&l->readers, 1, __ATOMIC_ACQUIRE);
	mutex_unlock(&l->m);
}

void rwlock_read_unlock(struct rwlock *l)
{
	/* The release pairs with the writer's acquire load of readers. */
	if (__atomic_fetch_sub(&l->readers, 1, __ATOMIC_ACQ_REL) == 1) {
		__atomic_fetch_add(&l->word, 1, __ATOMIC_RELEASE);
		plat_word_wake(&l->word, 1);
	}
}

/* Holds m while writing: new readers and writers queue there. */
void rwlock_write_lock(struct rwlock *l)
{
	mutex_lock(&l->m);
	for (;;) {
		uint32_t word = __atomic_load_n(&l->word, __ATOMIC_ACQUIRE);

		if (__atomic_load_n(&l->readers, __ATOMIC_ACQUIRE) == 0)
			return;
		plat_word_wait(&l->word, word, DEADLINE_NEVER);
	}
}

void rwlock_write_unlock(struct rwlock *l)
{
	mutex_unlock(&l->m);
}
