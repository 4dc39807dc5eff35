/* SPDX-License-Identifier: MIT */
/* Reference counts. Everything else uses the __atomic builtins in place, with its partner named in a comment. */
#pragma once
#include "lib/types.h"

struct refcount {
	uint32_t n;
};

static inline void ref_init(struct refcount *r, uint32_t n)
{
	__atomic_store_n(&r->n, n, __ATOMIC_RELAXED);
}

static inline void ref_get(struct refcount *r)
{
	__atomic_fetch_add(&r->n, 1, __ATOMIC_RELAXED);
}

/* Returns true if the caller gave up the last reference. */
static inline bool ref_put(struct refcount *r)
{
	return __atomic_fetch_sub(&r->n, 1, __ATOMIC_ACQ_REL) == 1;
}

/* Take a reference unless the count already fell to zero. */
static inline bool ref_try_get(struct refcount *r)
{
	uint32_t n = __atomic_load_n(&r->n, __ATOMIC_RELAXED);

	while (n)
		if (__atomic_compare_exchange_n(&r->n, &n, n + 1, true,
						__ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static inline uint32_t ref_read(const struct refcount *r)
{
	return __atomic_load_n(&r->n, __ATOMIC_RELAXED);
}
