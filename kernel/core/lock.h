/* SPDX-License-Identifier: MIT */
/*
 * Sleeping locks. A mutex lies in memory shared by all tasks; taking a free
 * one costs one atomic operation. Not recursive. Order: docs/locking.md.
 */
#pragma once
#include "lib/types.h"

struct mutex {
	uint32_t state;		/* 0 free, 1 held, 2 held and wanted */
	uint32_t owner;		/* task id of the holder, for assert_held */
};

#define MUTEX_INIT { 0, 0 }

void mutex_init(struct mutex *m);
/* Context: task (may sleep, not interruptible). */
void mutex_lock(struct mutex *m);
bool mutex_try_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
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
