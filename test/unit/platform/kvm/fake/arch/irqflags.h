/* SPDX-License-Identifier: MIT */
/* Pretend interrupt flag: host threads have none. */
#pragma once
#include "lib/types.h"

#define RFLAGS_IF	(1ull << 9)

static inline uint64_t irq_save(void)
{
	return RFLAGS_IF;
}

static inline void irq_restore(uint64_t flags)
{
}

static inline bool irq_are_enabled(void)
{
	return true;
}
