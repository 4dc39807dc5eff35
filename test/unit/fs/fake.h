/* SPDX-License-Identifier: MIT */
/* The pretend core's switches. */
#pragma once
#include "lib/types.h"
#include "test/unit/tap.h"

extern int fake_interrupt;	/* sleeps end with -EINTR */
extern uint64_t fake_pages_used;
/* Around a test (unit_run): it gives back what it takes. */
void fake_count_pages(void);
void fake_check_pages(void);
