/* SPDX-License-Identifier: MIT */
/*
 * The system task "clock": runs the timers (core/timer.h) and answers
 * messages: ticks, alarms (abi/native.h).
 */
#pragma once
#include "lib/types.h"

/* Start it if it does not run yet. Returns 0 or -errno. Context: task. */
int clock_start(void);
/* Also wait until it can be found by its name. */
int clock_start_service(void);
/* The timer that comes first has changed: look again. Context: any. */
void clock_poke(void);
