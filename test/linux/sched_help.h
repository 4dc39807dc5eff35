/* SPDX-License-Identifier: MIT */
/* Classes and processors, for the families pi and sched_classes. */
#pragma once
#include "harness.h"

#include <libgen.h>
#include <sched.h>
#include <sys/file.h>

static inline int set(int policy, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	return sched_setscheduler(0, policy, &p) ? -errno : 0;
}

/*
 * Never two at a time: all on one processor. Tests that run beside this one
 * natively want the same: in turn.
 */
static inline void one_processor(void)
{
	char path[sizeof(self_path)];
	cpu_set_t cpus;

	strcpy(path, self_path);
	flock(open(dirname(path), O_RDONLY | O_CLOEXEC), LOCK_EX);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	for (int i = 0, found = 0; i < CPU_SETSIZE; i++) {
		if (found)
			CPU_CLR(i, &cpus);
		found |= CPU_ISSET(i, &cpus) != 0;
	}
	sched_setaffinity(0, sizeof(cpus), &cpus);
}
