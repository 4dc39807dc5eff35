/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: which task runs on which CPU, and the switch between them.
 * A task is in exactly one of these: current of a CPU, in one run queue, or
 * asleep (then whoever knows what it waits for calls sched_wake).
 *
 * Leaving a CPU. A task that sleeps is still on its stack when others can wake
 * it already; another CPU must not run it before the switch is done:
 *
 *	CPU 0: task A			CPU 1
 *	state = SLEEPING
 *	unlock its wait bucket
 *					state SLEEPING -> READY
 *					waits while A.on_cpu
 *	switch to B
 *	B: A.on_cpu = 0 (release)
 *					puts A into a run queue
 *
 * CPU 0 has its interrupts off from the first line on and takes no lock that
 * CPU 1 may hold while it waits (only locks of run queues), so the wait is
 * short. A task that is preempted stays RUNNING and is put into the queue by
 * the task that follows it, likewise after on_cpu = 0.
 *
 * Idle CPUs. A CPU sets its bit in `idle` and then looks at all run queues
 * before it halts; whoever queues a task looks at `idle` afterwards. Both in
 * sequentially consistent order, so at least one sees the other.
 *
 * Where the woken run. On the waker's CPU: mostly the waker sleeps soon, and
 * the change of task costs no interrupt. If they still wait OFFER_NS later, an
 * idle CPU is told to come for them. New tasks are given to idle CPUs at once.
 *
 * Locks (spinlocks, interrupts off): wait bucket (word.c), then timerq, then
 * runq; two run queues never.
 */
#include "platform/kvm/sched.h"
#include "arch/arch_cpu.h"
#include "arch/irqflags.h"
#include "arch/user_state.h"
#include "core/panic.h"
#include "lib/string.h"
#include "platform/kvm/clock.h"
#include "platform/kvm/ipi.h"
#include "platform/kvm/space.h"
#include "platform/kvm/tlb.h"
#include "platform/platform.h"

#define SLICE_NS	4000000ull	/* among equals */
#define OFFER_NS	30000ull	/* before an idle CPU is woken for the woken */
#define RUN_MIN_NS	1000000ull	/* before a wake-up preempts an equal */

void switch_stacks(uint64_t *save_sp, uint64_t load_sp);	/* switch.S */
void switch_idle(void);

static uint64_t idle;		/* CPUs that halt or are about to; atomic */

/* --- time --------------------------------------------------------------------*/
/* Count the time of the running task up to now. */
static void charge(struct cpu *c)
{
	struct task *t = c->current;
	uint64_t now = plat_clock_mono_ns();
	uint64_t ns = now - MIN(now, c->switched_ns);

	__atomic_store_n(&t->arch.plat.cpu_ns, t->arch.plat.cpu_ns + ns,
			 __ATOMIC_RELAXED);
	if (t->arch.plat.space)
		__atomic_fetch_add(space_cpu_ns(t->arch.plat.space), ns,
				   __ATOMIC_RELAXED);
	__atomic_store_n(&c->switched_ns, now, __ATOMIC_RELAXED);
	c->slice_end_ns = now + SLICE_NS;
}

/* The earliest of what this CPU waits for: a sleeper, the end of the slice if
 * others wait for it. A timer that fires early does no harm. */
static void set_timer(struct cpu *c)
{
	uint64_t at = __atomic_load_n(&c->timerq.first_ns, __ATOMIC_RELAXED);

	if (c->runq.nr && c->current != c->idle && !c->need_resched)
		at = MIN(at, c->slice_end_ns);
	if (c->runq.nr)
		at = MIN(at, c->offer_ns);
	if (at >= c->timer_ns)
		return;
	c->timer_ns = at;
	timer_program(at);
}

void sched_charge(void)
{
	charge(this_cpu());
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

/* --- queues ------------------------------------------------------------------*/
static void kick(uint32_t cpu)
{
	this_cpu()->stats.kicks++;
	ipi_send(cpu, IPI_RESCHED);
}

/* Take an idle CPU for a task, so that the next waker takes another one. */
static uint32_t claim_cpu(uint32_t last, uint32_t self)
{
	for (;;) {
		uint64_t seen = __atomic_load_n(&idle, __ATOMIC_SEQ_CST);
		uint32_t cpu = runq_choose_cpu(seen, last, self);
		uint64_t bit = 1ull << cpu;

		if (!(seen & bit) ||
		    __atomic_fetch_and(&idle, ~bit, __ATOMIC_SEQ_CST) & bit)
			return cpu;
	}
}

/* Tasks wait in our own queue: one idle CPU may come for one of them. */
static void offer(struct cpu *c)
{
	uint32_t cpu;

	c->offer_ns = DEADLINE_NEVER;
	/* Partner: the bit set in sched_idle_loop; see the head. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!c->runq.nr || !__atomic_load_n(&idle, __ATOMIC_RELAXED))
		return;
	cpu = claim_cpu(c->id, c->id);
	if (cpu != c->id)
		kick(cpu);
	if (c->runq.nr > 1)
		c->offer_ns = plat_clock_mono_ns() + OFFER_NS;
}

static void offer_later(struct cpu *c, uint64_t now)
{
	/* Partner: as in offer() */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&idle, __ATOMIC_RELAXED) & ~(1ull << c->id))
		c->offer_ns = MIN(c->offer_ns, now + OFFER_NS);
}

/* t came into this CPU's queue: when does it get the CPU? */
static void consider(struct cpu *c, const struct task *t)
{
	uint64_t now = plat_clock_mono_ns();

	if (c->current == c->idle ||
	    run_class_of(t) < run_class_of(c->current) ||
	    now - c->switched_ns >= RUN_MIN_NS)
		c->need_resched = 1;
	offer_later(c, now);
	set_timer(c);
}

static void push(struct cpu *c, struct task *t)
{
	spin_lock(&c->runq.lock);
	runq_push_locked(&c->runq, t);
	spin_unlock(&c->runq.lock);
}

static struct task *pop(struct cpu *c, enum run_class lowest)
{
	struct task *t;

	if (!__atomic_load_n(&c->runq.nr, __ATOMIC_RELAXED))
		return NULL;
	spin_lock(&c->runq.lock);
	t = runq_pop_locked(&c->runq, lowest);
	spin_unlock(&c->runq.lock);
	return t;
}

static struct task *steal(struct cpu *self)
{
	uint32_t n = cpu_count();

	for (uint32_t i = 1; i < n; i++) {
		struct task *t = pop(cpu_get((self->id + i) % n),
				     RUN_CLASS_USER);

		if (t) {
			self->stats.steals++;
			return t;
		}
	}
	return NULL;
}

static bool is_work_anywhere(void)
{
	for (uint32_t i = 0; i < cpu_count(); i++)
		if (__atomic_load_n(&cpu_get(i)->runq.nr, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

/* --- the switch ----------------------------------------------------------------*/
/* t is not on this CPU's stack any more; say so, as the last use of it. */
static void let_go(struct cpu *c, struct task *t)
{
	uint32_t state = __atomic_load_n(&t->arch.plat.state, __ATOMIC_RELAXED);

	if (state == RUN_DEAD) {
		user_state_forget(c, t);
		/* Partner: reuse_block in core/task.c. */
		__atomic_store_n(&t->arch.busy, 0, __ATOMIC_RELEASE);
		return;
	}
	if (state != RUN_RUNNING || t == c->idle) {
		/* Partner: the wait in sched_wake. */
		__atomic_store_n(&t->arch.plat.on_cpu, 0, __ATOMIC_RELEASE);
		return;
	}
	t->arch.plat.state = RUN_READY;
	__atomic_store_n(&t->arch.plat.on_cpu, 0, __ATOMIC_RELEASE);
	push(c, t);
	offer(c);
}

void sched_finish_switch(void)
{
	struct cpu *c = this_cpu();

	let_go(c, c->prev);
	set_timer(c);
}

static void switch_to(struct cpu *c, struct task *next)
{
	struct task *prev = c->current;
	struct plat_task *p = &next->arch.plat;

	charge(c);
	c->stats.switches++;
	if (prev->kind == TASK_USER && prev->arch.plat.state != RUN_DEAD)
		user_state_save(c, prev);
	c->prev = prev;
	__atomic_store_n(&c->current, next, __ATOMIC_RELAXED);
	c->kernel_sp = next->arch.kernel_sp;
	cpu_set_kernel_stack(c, (uint64_t)next + TASK_BLOCK_SIZE);
	p->state = RUN_RUNNING;
	__atomic_store_n(&p->cpu, c->id, __ATOMIC_RELAXED);
	/* Partner: the load in plat_kick. It posted work first: either it sees
	 * us here, or we see the work before we go to user mode. */
	__atomic_store_n(&p->on_cpu, 1, __ATOMIC_SEQ_CST);
	space_load(p->space);
	if (next->kind == TASK_USER)
		user_state_load(c, next);
	switch_stacks(&prev->arch.plat.sp, p->sp);
	/* perhaps on another CPU, much later */
	sched_finish_switch();
}

/* Let another task run if there is one. Interrupts off. */
static void switch_away(struct cpu *c)
{
	struct task *prev = c->current, *next;
	bool goes_on = prev->arch.plat.state == RUN_RUNNING && prev != c->idle;

	c->need_resched = 0;
	next = pop(c, goes_on ? run_class_of(prev) : RUN_CLASS_USER);
	if (!next && !goes_on)
		next = steal(c);
	if (!next && !goes_on && prev != c->idle)
		next = c->idle;
	if (next) {
		switch_to(c, next);
		return;
	}
	charge(c);
	set_timer(c);
}

void schedule(void)
{
	uint64_t flags = irq_save();
	struct cpu *c = this_cpu();

	if (c->preempt_off)
		panic("switch of tasks while preemption is off");
	switch_away(c);
	irq_restore(flags);
}

void preempt_check(void)
{
	if (this_cpu()->need_resched && irq_are_enabled() &&
	    this_cpu()->current != this_cpu()->idle)
		schedule();
}

void sched_preempt_irq(void)
{
	struct cpu *c = this_cpu();

	if (!c->need_resched || c->preempt_off || c->current == c->idle)
		return;
	c->stats.preemptions++;
	schedule();
}

/* --- sleeping and waking ---------------------------------------------------------*/
void sched_wake(struct task *t)
{
	uint64_t flags = irq_save();
	uint32_t sleeping = RUN_SLEEPING;

	if (__atomic_compare_exchange_n(&t->arch.plat.state, &sleeping,
					RUN_READY, false, __ATOMIC_ACQ_REL,
					__ATOMIC_RELAXED)) {
		/* Partner: sched_finish_switch on the CPU it is leaving. */
		while (__atomic_load_n(&t->arch.plat.on_cpu, __ATOMIC_ACQUIRE))
			arch_relax();
		this_cpu()->stats.wakes++;
		push(this_cpu(), t);
		consider(this_cpu(), t);
	}
	irq_restore(flags);
}

void sched_start(struct task *t)
{
	uint64_t flags = irq_save();
	struct cpu *self = this_cpu();
	uint32_t cpu = claim_cpu(self->id, self->id);

	t->arch.plat.cpu = cpu;
	t->arch.plat.state = RUN_READY;
	push(cpu_get(cpu), t);
	if (cpu == self->id)
		consider(self, t);
	else
		kick(cpu);
	irq_restore(flags);
}

void sched_sleep(struct sleeper *s)
{
	struct cpu *c = this_cpu();

	if (c->preempt_off)
		panic("sleep while preemption is off");
	if (s) {
		spin_lock(&c->timerq.lock);
		timerq_add_locked(&c->timerq, s);
		spin_unlock(&c->timerq.lock);
	}
	switch_away(c);
}

void sched_forget_sleeper(struct sleeper *s, uint32_t cpu)
{
	struct cpu *c = cpu_get(cpu);
	uint64_t flags = spin_lock_irq(&c->timerq.lock);

	timerq_remove_locked(&c->timerq, s);
	spin_unlock_irq(&c->timerq.lock, flags);
}

void sched_exit(void)
{
	irq_disable();
	current_task()->arch.plat.state = RUN_DEAD;
	switch_away(this_cpu());
	panic("a task that ended runs again");
}

void sched_timer_irq(void)
{
	struct cpu *c = this_cpu();
	uint64_t now = plat_clock_mono_ns();
	struct sleeper *s;

	c->stats.timer_irqs++;
	c->timer_ns = DEADLINE_NEVER;
	/* under the lock to the end: see sched_forget_sleeper */
	spin_lock(&c->timerq.lock);
	while ((s = timerq_expire_locked(&c->timerq, now)))
		sched_wake(s->task);
	spin_unlock(&c->timerq.lock);
	if (c->runq.nr && now >= c->slice_end_ns)
		c->need_resched = 1;
	if (now >= c->offer_ns)
		offer(c);
	set_timer(c);
}

/* Somebody put a task into our queue, or has one to give away, or posted work
 * for the program that runs here (the way out of the interrupt sees it). */
void sched_resched_irq(void)
{
	struct cpu *c = this_cpu();
	bool better;

	if (c->current == c->idle) {
		c->need_resched = 1;
		return;
	}
	spin_lock(&c->runq.lock);
	better = runq_has_locked(&c->runq, RUN_CLASS_SYSTEM) &&
		 c->current->kind != TASK_SYSTEM;
	spin_unlock(&c->runq.lock);
	if (better || (c->runq.nr &&
		       plat_clock_mono_ns() - c->switched_ns >= RUN_MIN_NS))
		c->need_resched = 1;
	set_timer(c);
}

/* --- idle CPUs, start ----------------------------------------------------------*/
void sched_idle_loop(void)
{
	struct cpu *c = this_cpu();
	uint64_t bit = 1ull << c->id;

	for (;;) {
		irq_disable();
		/* Partner: offer, offer_later; see the head. */
		__atomic_fetch_or(&idle, bit, __ATOMIC_SEQ_CST);
		if (!is_work_anywhere() && !c->need_resched) {
			c->stats.halts++;
			tlb_idle();
			switch_idle();
			irq_disable();
		}
		__atomic_fetch_and(&idle, ~bit, __ATOMIC_SEQ_CST);
		switch_away(c);
		irq_enable();
	}
}

void sched_init_cpu(struct task *current, struct task *idle_task)
{
	struct cpu *c = this_cpu();

	runq_init(&c->runq);
	timerq_init(&c->timerq);
	c->timer_ns = c->offer_ns = DEADLINE_NEVER;
	c->current = current;
	c->kernel_sp = current->arch.kernel_sp;
	cpu_set_kernel_stack(c, (uint64_t)current + TASK_BLOCK_SIZE);
	c->idle = idle_task;
	c->switched_ns = plat_clock_mono_ns();
	c->slice_end_ns = c->switched_ns + SLICE_NS;
	current->arch.plat.cpu = c->id;
	current->arch.plat.on_cpu = 1;
	current->arch.plat.state = RUN_RUNNING;
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
