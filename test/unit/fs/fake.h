/* SPDX-License-Identifier: MIT */
/* The pretend core's switches. */
#pragma once
#include "lib/types.h"
#include "test/unit/tap.h"

extern int fake_interrupt;	/* sleeps end with -EINTR */
extern uint64_t fake_pages_used;
