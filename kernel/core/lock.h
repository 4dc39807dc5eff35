/* SPDX-License-Identifier: MIT */
/*
 * Sleeping locks. A mutex lies in memory shared by all tasks; taking a free
 * one costs one atomic operation. Not recursive. Order: docs/locking.md. Where
 * priorities matter (plat_mutexes_lend), the holder inherits that of those that
 * wait, and the best of them is woken first (core/pi.h); readers of a rwlock do
 * not.
 */
#pragma once
#include "lib/types.h"

struct task;

struct mutex {
	uint64_t word;		/* 0 free, else the holder's task, + MUTEX_WANTED */
};

#define MUTEX_WANTED	1ull
#define MUTEX_INIT { 0 }

/* Its holder has to wake somebody. Returns the word, 0: nobody holds it. */
static inline uint64_t mutex_mark_wanted(struct mutex *m)
{
	uint64_t w = __atomic_load_n(&m->word, __ATOMIC_RELAXED);

	while (w && !(w & MUTEX_WANTED) &&
	       !__atomic_compare_exchange_n(&m->word, &w, w | MUTEX_WANTED,
					    false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
	return w ? w | MUTEX_WANTED : 0;
}

void mutex_init(struct mutex *m);
/* Context: task (may sleep, not interruptible). */
void mutex_lock(struct mutex *m);
bool mutex_try_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
/* The same in line, for hot paths. t: the calling task. */
static inline bool mutex_try_lock_by(struct mutex *m, struct task *t)
{
	uint64_t free = 0;

	return __atomic_compare_exchange_n(&m->word, &free, (uint64_t)t, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
static inline void mutex_unlock_by(struct mutex *m, struct task *t)
{
	uint64_t mine = (uint64_t)t;

	if (!likely(__atomic_compare_exchange_n(&m->word, &mine, 0, false,
						__ATOMIC_RELEASE,
						__ATOMIC_RELAXED)))
		mutex_unlock(m);
}
bool mutex_is_held(const struct mutex *m);	/* by the calling task */
/* Take two locks of the same class in address order; a may equal b. */
void mutex_lock_two(struct mutex *a, struct mutex *b);
void mutex_unlock_two(struct mutex *a, struct mutex *b);

/* Many readers or one writer; writers are preferred. */
struct rwlock {
	struct mutex m;
	uint32_t readers;
	uint32_t word;		/* bumped when the last reader leaves */
};

void rwlock_init(struct rwlock *l);
void rwlock_read_lock(struct rwlock *l);
void rwlock_read_unlock(struct rwlock *l);
void rwlock_write_lock(struct rwlock *l);
void rwlock_write_unlock(struct rwlock *l);
