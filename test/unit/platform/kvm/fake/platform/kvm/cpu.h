/* SPDX-License-Identifier: MIT */
/* Pretend processors: one for each host thread of the test. */
#pragma once
#include "lib/types.h"
#include "platform/kvm/runq.h"

struct cpu {
	uint32_t id, preempt_off;
	struct timerq timerq;
};

struct cpu *this_cpu(void);
