/* SPDX-License-Identifier: MIT */
/*
 * Ready tasks between CPUs: in whose queue one waits, which idle CPU comes for
 * it, and what a CPU takes from others. The protocols are in the head of
 * sched.c, the order within a queue is runq.c's.
 */
#include "platform/kvm/ipi.h"
#include "platform/kvm/sched_priv.h"
#include "platform/platform.h"

#define OFFER_NS	30000ull	/* before an idle CPU is woken for the woken */

uint64_t sched_idle_cpus;

void sched_kick(uint32_t cpu)
{
	this_cpu()->stats.kicks++;
	ipi_send(cpu, IPI_RESCHED);
}

/* Take an idle CPU of `cpus` for a task, so that the next waker takes another
 * one; `self` if there is none. */
uint32_t sched_claim_cpu(uint64_t cpus, uint32_t last, uint32_t self)
{
	for (;;) {
		uint64_t seen = __atomic_load_n(&sched_idle_cpus, __ATOMIC_SEQ_CST) & cpus;
		uint32_t cpu = runq_choose_cpu(seen, last, self);
		uint64_t bit = 1ull << cpu;

		if (!(seen & bit) ||
		    __atomic_fetch_and(&sched_idle_cpus, ~bit, __ATOMIC_SEQ_CST) & bit)
			return cpu;
	}
}

/* Tasks wait in our own queue: one idle CPU may come for one of them. */
void sched_offer(struct cpu *c)
{
	uint32_t cpu;

	c->offer_ns = DEADLINE_NEVER;
	/* Partner: the bit set in sched_idle_loop; see the head. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!c->runq.nr || !(__atomic_load_n(&sched_idle_cpus, __ATOMIC_RELAXED) &
			     c->runq.cpus))
		return;
	cpu = sched_claim_cpu(c->runq.cpus, c->id, c->id);
	if (cpu != c->id)
		sched_kick(cpu);
	if (c->runq.nr > 1)
		c->offer_ns = plat_clock_mono_ns() + OFFER_NS;
}

static void offer_later(struct cpu *c, uint64_t now)
{
	/* Partner: as in sched_offer() */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&sched_idle_cpus, __ATOMIC_RELAXED) & ~(1ull << c->id))
		c->offer_ns = MIN(c->offer_ns, now + OFFER_NS);
}

/* Should t, which is in this CPU's queue, run instead of the current task? */
static bool is_better(struct cpu *c, const struct task *t, uint64_t now)
{
	bool better;

	if (c->current == c->idle)
		return true;
	spin_lock(&c->runq.lock);
	better = runq_preempts_locked(&c->runq, t, c->current,
				      now - c->charged_ns);
	spin_unlock(&c->runq.lock);
	return better;
}

void sched_push(struct cpu *c, struct task *t, bool first)
{
	uint32_t *state = &t->arch.plat.sched.request_state, seen;
	bool again = false;

	spin_lock(&c->runq.lock);
	runq_push_locked(&c->runq, t, first, plat_clock_mono_ns());
	/* Partner: take_out, after the request was posted: if it did not find
	 * t in this queue, we see the request here. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while (unlikely((seen = __atomic_load_n(state, __ATOMIC_RELAXED)) !=
			REQUEST_NONE)) {
		if (seen == REQUEST_BUSY)
			continue;
		runq_remove_locked(&c->runq, t);
		runq_take_request(t);
		runq_push_locked(&c->runq, t, first, plat_clock_mono_ns());
		again = true;
	}
	spin_unlock(&c->runq.lock);
	if (unlikely(again))
		sched_kick(c->id);
}

struct task *sched_pop(struct cpu *from, const struct cpu *to,
			const struct task *running)
{
	struct task *t;

	if (!__atomic_load_n(&from->runq.nr, __ATOMIC_RELAXED))
		return NULL;
	spin_lock(&from->runq.lock);
	t = runq_pop_locked(&from->runq, to->id, running,
			    plat_clock_mono_ns());
	if (t && from != to)
		runq_leave_locked(&from->runq, t);
	spin_unlock(&from->runq.lock);
	return t;
}

static void join(struct cpu *c, struct task *t)
{
	spin_lock(&c->runq.lock);
	runq_join_locked(&c->runq, t);
	spin_unlock(&c->runq.lock);
}

static bool may_have_work(const struct cpu *c, const struct cpu *for_cpu)
{
	return __atomic_load_n(&c->runq.nr, __ATOMIC_SEQ_CST) &&
	       __atomic_load_n(&c->runq.cpus, __ATOMIC_RELAXED) >>
	       for_cpu->id & 1;
}

/* From another queue; urgent: only of the better classes. */
struct task *sched_steal(struct cpu *self, bool urgent)
{
	uint32_t n = cpu_count();

	for (uint32_t i = 1; i < n; i++) {
		struct cpu *c = cpu_get((self->id + i) % n);
		struct task *t;

		if (!may_have_work(c, self) ||
		    (urgent && !__atomic_load_n(&c->runq.nr_urgent,
						__ATOMIC_RELAXED)))
			continue;
		t = sched_pop(c, self, NULL);
		if (t) {
			self->stats.steals++;
			join(self, t);
			return t;
		}
	}
	return NULL;
}

bool sched_is_work_for(const struct cpu *self)
{
	for (uint32_t i = 0; i < cpu_count(); i++)
		if (may_have_work(cpu_get(i), self))
			return true;
	return false;
}

/* --- where a ready task goes -----------------------------------------------------*/
/* The CPU whose task has the least claim, idle ones before all; self if others
 * are not better. A hint: they go on meanwhile. */
static uint32_t weakest_cpu(const struct task *t, uint32_t self)
{
	uint64_t least = UINT64_MAX;
	uint32_t found = self;

	for (uint32_t i = 0; i < cpu_count(); i++) {
		uint32_t id = (self + i) % cpu_count();
		struct cpu *c = cpu_get(id);
		struct task *running = __atomic_load_n(&c->current,
						       __ATOMIC_RELAXED);
		uint64_t rank = running == c->idle ? 0 : runq_rank(running);

		if (runq_may_run_on(t, id) && rank < least) {
			least = rank;
			found = id;
		}
	}
	return found;
}

static uint32_t cpu_for(struct cpu *self, const struct task *t)
{
	bool here = runq_may_run_on(t, self->id);

	if (here && (self->current == self->idle ||
		     runq_class_of(t) == RUN_CLASS_FAIR ||
		     runq_rank(t) > runq_rank(self->current)))
		return self->id;
	if (here && cpu_count() == 1)
		return self->id;
	return weakest_cpu(t, self->id);
}

/* t is ready: into a queue. first: it was preempted. */
void sched_make_ready(struct cpu *self, struct task *t, bool first)
{
	uint64_t now;
	uint32_t cpu;

	runq_take_request(t);
	cpu = cpu_for(self, t);
	sched_push(cpu_get(cpu), t, first);
	if (cpu != self->id) {
		/* it may sleep: it looks at its queue after it was idle */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		sched_kick(cpu);
		return;
	}
	now = plat_clock_mono_ns();
	if (!first && is_better(self, t, now))
		self->need_resched = 1;
	offer_later(self, now);
	sched_set_timer(self);
}

/* t had to leave the CPU, but wants to go on. */
void sched_requeue(struct cpu *c, struct task *t)
{
	const struct sched_entity *e = &t->arch.plat.sched;
	bool its_turn = !e->yielded && !(e->request.policy == SCHED_POLICY_RR &&
					 e->slice_ns >= RR_SLICE_NS);
	uint32_t cpu = cpu_for(c, t);

	if (cpu != c->id) {
		spin_lock(&c->runq.lock);
		runq_leave_locked(&c->runq, t);
		spin_unlock(&c->runq.lock);
	}
	sched_push(cpu_get(cpu), t, its_turn);
	if (cpu != c->id)
		sched_kick(cpu);
	else
		sched_offer(c);
}
