/* SPDX-License-Identifier: MIT */
/*
 * Sleeping locks on a platform word. States of a mutex: 0 free, 1 held,
 * 2 held and perhaps wanted. Whoever has slept takes it as 2, so the next
 * unlock wakes again: no wake-up is lost, at the price of one spare wake.
 */
#include "core/lock.h"
#include "core/panic.h"
#include "core/task.h"
#include "platform/platform.h"

void mutex_init(struct mutex *m)
{
	*m = (struct mutex)MUTEX_INIT;
}

bool mutex_try_lock(struct mutex *m)
{
	uint32_t free = 0;

	if (!__atomic_compare_exchange_n(&m->state, &free, 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	m->owner = current_task()->id;
	return true;
}

void mutex_lock(struct mutex *m)
{
	if (likely(mutex_try_lock(m)))
		return;
	/* the holder may wait for one of them */
	if (current_task()->nr_deferred)
		task_wakes_flush();
	/* Pairs with the exchange in mutex_unlock: who sets 2 and then sees
	 * it unchanged in the word wait will be woken by the holder. */
	while (__atomic_exchange_n(&m->state, 2, __ATOMIC_ACQUIRE) != 0)
		plat_word_wait(&m->state, 2, DEADLINE_NEVER);
	m->owner = current_task()->id;
}

void mutex_unlock(struct mutex *m)
{
	m->owner = 0;
	if (__atomic_exchange_n(&m->state, 0, __ATOMIC_RELEASE) == 2)
		plat_word_wake(&m->state, 1);
}

bool mutex_is_held(const struct mutex *m)
{
	return m->owner == current_task()->id;
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
