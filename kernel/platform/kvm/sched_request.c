/* SPDX-License-Identifier: MIT */
/*
 * Changes of how a task is to be scheduled, from outside: requests and loans.
 * They are posted with the task and taken over by whoever has it next, since
 * only that one may touch what the queues keep of it (runq_take_request).
 */
#include "arch/arch_cpu.h"
#include "arch/irqflags.h"
#include "platform/kvm/sched_priv.h"
#include "platform/platform.h"

/* Out of the queue it waits in; false: it is in none. */
static bool take_out(struct task *t, uint32_t *cpu)
{
	struct runq *q = __atomic_load_n(&t->arch.plat.sched.queue,
					 __ATOMIC_SEQ_CST);
	bool found;

	if (!q)
		return false;
	spin_lock(&q->lock);
	found = t->arch.plat.sched.queue == q;
	if (found)
		runq_remove_locked(q, t);
	spin_unlock(&q->lock);
	*cpu = container_of(q, struct cpu, runq)->id;
	return found;
}

/* Alone with what is to come of e. Returns the state before. */
static uint32_t request_begin(struct sched_entity *e)
{
	uint32_t seen = __atomic_load_n(&e->request_state, __ATOMIC_RELAXED);

	/* Partner: runq_take_request. */
	while (seen == REQUEST_BUSY ||
	       !__atomic_compare_exchange_n(&e->request_state, &seen,
					    REQUEST_BUSY, false,
					    __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		arch_relax();
		seen = __atomic_load_n(&e->request_state, __ATOMIC_RELAXED);
	}
	return seen;
}

static void request_end(struct sched_entity *e, uint32_t state)
{
	__atomic_store_n(&e->request_state, state, __ATOMIC_SEQ_CST);
}

/*
 * Something new was posted for t. Where t may be, and who takes it over: in a
 * queue (we do, here; first: before its equals); on its way to a CPU (switch_to
 * looks after it has said so); on a CPU (told by an interrupt, charge); asleep
 * (make_ready, when it is woken); on its way into a queue (push, which looks
 * after it has said so).
 */
static void request_deliver(struct task *t, bool first)
{
	uint32_t cpu;

	if (t == current_task()) {
		this_cpu()->need_resched = 1;
	} else if (take_out(t, &cpu)) {
		sched_make_ready(this_cpu(), t, first);
	} else if (__atomic_load_n(&t->arch.plat.on_cpu, __ATOMIC_SEQ_CST)) {
		cpu = __atomic_load_n(&t->arch.plat.cpu, __ATOMIC_RELAXED);
		if (cpu != this_cpu()->id)
			sched_kick(cpu);
	}
}

/* Only the last of several requests counts. */
void sched_request(struct task *t, const struct sched_request *r)
{
	struct sched_entity *e = &t->arch.plat.sched;
	uint64_t flags = irq_save();

	request_begin(e);
	e->next = *r;
	e->has_next = true;
	request_end(e, REQUEST_NEW);
	request_deliver(t, false);
	irq_restore(flags);
	preempt_check();
}

uint64_t sched_own_claim(struct task *t)
{
	struct sched_entity *e = &t->arch.plat.sched;
	uint64_t flags = irq_save(), claim;
	uint32_t state = request_begin(e);

	claim = e->has_next ? runq_claim_of(&e->next, plat_clock_mono_ns()) :
		runq_own_claim(t);
	request_end(e, state);
	irq_restore(flags);
	return claim;
}

void sched_lend(struct task *t, uint64_t claim)
{
	struct sched_entity *e = &t->arch.plat.sched;
	uint64_t flags = irq_save(), was, own = 0;
	uint32_t state = request_begin(e);
	const struct sched_request *r = e->has_next ? &e->next : &e->request;

	/* a loan that its own claim covers changes nothing for now; a deadline
	 * is used up at any time */
	if (r->policy != SCHED_POLICY_DEADLINE)
		own = runq_claim_of(r, 0);
	was = MAX(own, e->next_lent);
	e->next_lent = claim;
	claim = MAX(own, claim);
	request_end(e, claim == was ? state : REQUEST_NEW);
	if (claim != was)
		request_deliver(t, claim < was);
	irq_restore(flags);
}

void sched_set_group(uint32_t *group)
{
	struct task *t = current_task();
	struct cpu *c = this_cpu();

	spin_lock(&c->runq.lock);
	runq_leave_locked(&c->runq, t);
	t->arch.plat.sched.group = group;
	runq_join_locked(&c->runq, t);
	spin_unlock(&c->runq.lock);
}
