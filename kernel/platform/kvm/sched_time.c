/* SPDX-License-Identifier: MIT */
/*
 * Time of the scheduler: what a task has used is charged to it, its process and
 * its turn; and when a CPU has to look again, for which its timer is set.
 */
#include "lib/string.h"
#include "platform/kvm/clock.h"
#include "platform/kvm/sched_priv.h"

/* Both up to now. */
void sched_charge_cpu(struct cpu *c)
{
	struct task *t = c->current;
	uint64_t now = sched_count_time(c, t);
	uint64_t ns = now - MIN(now, c->charged_ns);

	c->charged_ns = now;
	if (t == c->idle)
		return;
	spin_lock(&c->runq.lock);
	runq_charge_locked(&c->runq, t, ns, now);
	if (unlikely(t->arch.plat.sched.request_state != REQUEST_NONE))
		runq_apply_locked(&c->runq, t, now);
	spin_unlock(&c->runq.lock);
}

/* When the scheduler has to look again at what runs here. */
static void set_limit(struct cpu *c)
{
	uint64_t ns;

	c->slice_end_ns = DEADLINE_NEVER;
	if (c->current == c->idle || (!c->runq.nr && runq_class_of(c->current)
				      == RUN_CLASS_FIXED))
		return;
	spin_lock(&c->runq.lock);
	ns = runq_limit_ns_locked(&c->runq, c->current, c->charged_ns);
	spin_unlock(&c->runq.lock);
	if (ns != DEADLINE_NEVER)
		c->slice_end_ns = c->charged_ns + ns;
}

/* The earliest of what this CPU waits for: a sleeper, the end of the running
 * task's time. A timer that fires early does no harm. */
void sched_set_timer(struct cpu *c)
{
	uint64_t at = __atomic_load_n(&c->timerq.first_ns, __ATOMIC_RELAXED);

	if (!c->need_resched) {
		set_limit(c);
		at = MIN(at, c->slice_end_ns);
	}
	if (c->runq.nr)
		at = MIN(at, c->offer_ns);
	if (at >= c->timer_ns)
		return;
	c->timer_ns = at;
	timer_program(at);
}

void sched_charge(void)
{
	sched_charge_cpu(this_cpu());
}

uint64_t sched_task_cpu_ns(const struct task *t)
{
	const struct plat_task *p = &t->arch.plat;
	uint64_t counted, running;

	/* a slice that ends meanwhile would be counted twice, or not at all */
	do {
		struct cpu *c = cpu_get(__atomic_load_n(&p->cpu,
							__ATOMIC_RELAXED));
		uint64_t now, since;

		counted = __atomic_load_n(&p->cpu_ns, __ATOMIC_ACQUIRE);
		since = __atomic_load_n(&c->switched_ns, __ATOMIC_RELAXED);
		now = plat_clock_mono_ns();
		running = __atomic_load_n(&c->current, __ATOMIC_ACQUIRE) == t &&
			  now > since ? now - since : 0;
	} while (__atomic_load_n(&p->cpu_ns, __ATOMIC_ACQUIRE) != counted);
	return counted + running;
}

uint64_t sched_running_ns(const struct space *s)
{
	uint64_t now = plat_clock_mono_ns(), ns = 0;

	for (uint32_t i = 0; i < cpu_count(); i++) {
		struct cpu *c = cpu_get(i);
		struct task *t = __atomic_load_n(&c->current, __ATOMIC_RELAXED);
		uint64_t since = __atomic_load_n(&c->switched_ns,
						 __ATOMIC_RELAXED);

		/* blocks of tasks are never unmapped */
		if (t && t->arch.plat.space == s && now > since)
			ns += now - since;
	}
	return ns;
}

void sched_stats_sum(struct sched_stats *out)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t i = 0; i < cpu_count(); i++) {
		const struct sched_stats *s = &cpu_get(i)->stats;

		out->switches += s->switches;
		out->preemptions += s->preemptions;
		out->wakes += s->wakes;
		out->kicks += s->kicks;
		out->steals += s->steals;
		out->halts += s->halts;
		out->timer_irqs += s->timer_irqs;
		out->interrupts += s->interrupts;
		out->exceptions += s->exceptions;
		out->page_faults += s->page_faults;
	}
}

