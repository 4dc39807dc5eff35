/* SPDX-License-Identifier: MIT */
/* --stats: what the scheduler and the entry code counted, over all CPUs. */
#include "core/panic.h"
#include "platform/kvm/sched.h"
#include "platform/platform.h"

void plat_stats_print(void)
{
	struct sched_stats s;

	sched_stats_sum(&s);
	klog("stats: switches %lu preempted %lu wakes %lu kicks %lu steals %lu "
	     "halts %lu", s.switches, s.preemptions, s.wakes, s.kicks,
	     s.steals, s.halts);
	klog("stats: interrupts %lu timer %lu exceptions %lu page faults %lu",
	     s.interrupts, s.timer_irqs, s.exceptions, s.page_faults);
}

/* There is no host to call. */
long plat_test_call(const uint64_t args[7])
{
	return -ENOSYS;
}
