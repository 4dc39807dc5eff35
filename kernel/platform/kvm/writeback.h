/* SPDX-License-Identifier: MIT */
/*
 * The service "writeback": pages that programs write through shared mappings of
 * host files go to the host every WRITEBACK_NS, if they have changed; so the
 * host is never further behind than that, however long a program maps them.
 */
#pragma once
#include "lib/types.h"

#define WRITEBACK_NS	(5 * NSEC_PER_SEC)	/* as Linux's, to begin with */

/* A page became dirty. Context: task; no lock of files is held. */
void writeback_wanted(void);
/* The machine ends: have all written that is dirty now; until then at most. The
 * caller has no work pending (task_clear_work). Context: task. */
void writeback_finish(uint64_t deadline_ns);
