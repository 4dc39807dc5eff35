/* SPDX-License-Identifier: MIT */
/* Pretend interrupt flag: host threads have none. */
#pragma once
#include "lib/types.h"

static inline uint64_t irq_save(void)
{
	return 0;
}

static inline void irq_restore(uint64_t flags)
{
}

static inline bool irq_are_enabled(void)
{
	return true;
}
