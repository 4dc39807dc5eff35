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
 * Tasks of the better classes (runq.h) that would have to wait here, and those
 * that may not run here, go at once to the CPU that has the least to lose.
 *
 * Locks (spinlocks, interrupts off): wait bucket (word.c), then timerq, then
 * runq; two run queues never.
 *
 * Handing over. A task that wakes another and goes to sleep at once (a message
 * and the wait for its answer) can give it its processor directly: neither goes
 * through a run queue, and the turn goes on, with its end and its account
 * (charged_ns): so a pair that hand it to and fro is to the others one task.
 */
#include "platform/kvm/sched_priv.h"
#include "arch/arch_cpu.h"
#include "arch/irqflags.h"
#include "arch/user_state.h"
#include "core/panic.h"
#include "platform/kvm/hand_over.h"
#include "platform/kvm/switch.h"
#include "platform/kvm/tlb.h"
#include "platform/platform.h"

void switch_idle(void);		/* switch.S */

/* --- the switch ----------------------------------------------------------------*/
/* t is not on this CPU's stack any more; say so, as the last use of it. */
static void let_go(struct cpu *c, struct task *t)
{
	uint32_t state = __atomic_load_n(&t->arch.plat.state, __ATOMIC_RELAXED);

	if (t != c->idle && state != RUN_RUNNING) {
		spin_lock(&c->runq.lock);
		runq_leave_locked(&c->runq, t);
		spin_unlock(&c->runq.lock);
	}
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
	sched_requeue(c, t);
}

static inline void finish_switch(struct cpu *c)
{
	if (sched_finish_handed(c))
		return;
	let_go(c, c->prev);
	sched_set_timer(c);
}

void sched_finish_switch(void)
{
	finish_switch(this_cpu());
}

static inline __attribute__((always_inline)) void
switch_to(struct cpu *c, struct task *next)
{
	struct task *prev = c->current;

	if (prev->kind == TASK_USER && prev->arch.plat.state != RUN_DEAD)
		user_state_save(c, prev);
	switch_begin(c, prev, next);
	if (next->arch.plat.space)
		space_load_on(c, next->arch.plat.space);
	if (next->kind == TASK_USER)
		user_state_load(c, next);
	switch_stacks(&prev->arch.plat.sp, next->arch.plat.sp);
	/* perhaps on another CPU, much later */
	finish_switch(this_cpu());
}

/* The task that runs next here; NULL: prev goes on. */
static struct task *choose(struct cpu *c, struct task *prev)
{
	bool goes_on = prev != c->idle &&
		       prev->arch.plat.state == RUN_RUNNING &&
		       runq_may_run_on(prev, c->id);
	struct task *next = NULL;

	if (goes_on)
		return sched_pop(c, c, prev);
	/* lower than before: others may have better ones than we */
	if (runq_class_of(prev) != RUN_CLASS_FAIR && !c->runq.nr_urgent)
		next = sched_steal(c, true);
	if (!next)
		next = sched_pop(c, c, NULL);
	if (!next)
		next = sched_steal(c, false);
	return next || prev == c->idle ? next : c->idle;
}

/* Let another task run if there is one. Interrupts off. */
static void switch_away(struct cpu *c)
{
	struct task *next;

	c->need_resched = 0;
	sched_charge_cpu(c);
	next = choose(c, c->current);
	if (next)
		switch_to(c, next);
	else
		sched_set_timer(c);
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
void sched_wait_off(const struct task *t)
{
	while (__atomic_load_n(&t->arch.plat.on_cpu, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
}

void sched_put_caught(struct task *t)
{
	this_cpu()->stats.wakes++;
	sched_make_ready(this_cpu(), t, false);
}

void sched_wake(struct task *t)
{
	uint64_t flags = irq_save();

	if (sched_catch(t))
		sched_put_caught(t);
	irq_restore(flags);
}

void sched_start(struct task *t)
{
	uint64_t flags = irq_save();
	struct cpu *self = this_cpu();
	uint64_t cpus;
	uint32_t cpu;

	runq_take_request(t);
	cpus = t->arch.plat.sched.request.cpus;
	cpu = sched_claim_cpu(cpus ? cpus : ~0ull, self->id, self->id);
	t->arch.plat.cpu = cpu;
	t->arch.plat.state = RUN_READY;
	if (cpu == self->id) {
		sched_make_ready(self, t, false);
	} else {
		sched_push(cpu_get(cpu), t, false);
		sched_kick(cpu);
	}
	irq_restore(flags);
}

/* Does `to` take over our turn? */
static inline bool hand_over(struct cpu *c, struct task *to)
{
	if (c->need_resched || !runq_hand_over(&c->runq, c->current, to, c->id))
		return false;
	sched_count_time(c, c->current);
	c->is_handed = true;
	switch_to(c, to);
	return true;
}

void sched_sleep(struct sleeper *s, struct task *to)
{
	struct cpu *c = this_cpu();

	if (c->preempt_off)
		panic("sleep while preemption is off");
	if (s) {
		spin_lock(&c->timerq.lock);
		timerq_add_locked(&c->timerq, s);
		spin_unlock(&c->timerq.lock);
		if (to)
			sched_set_timer(c);
	}
	if (likely(to && hand_over(c, to)))
		return;
	if (to)
		sched_put_caught(to);
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
	if (now >= c->slice_end_ns)
		c->need_resched = 1;
	if (now >= c->offer_ns)
		sched_offer(c);
	sched_set_timer(c);
}

/* Somebody put a task into our queue, or has one to give away, or posted work
 * or a request for the program that runs here (the way out of the interrupt
 * sees work). */
void sched_resched_irq(void)
{
	struct cpu *c = this_cpu();
	struct task *t = c->current, *first;
	uint64_t now = plat_clock_mono_ns();

	if (t == c->idle) {
		c->need_resched = 1;
		return;
	}
	spin_lock(&c->runq.lock);
	first = runq_first_locked(&c->runq, c->id, now);
	if (first && runq_preempts_locked(&c->runq, first, t,
					  now - c->charged_ns))
		c->need_resched = 1;
	spin_unlock(&c->runq.lock);
	if (t->arch.plat.sched.request_state != REQUEST_NONE)
		c->need_resched = 1;
	sched_set_timer(c);
}

/* --- idle CPUs, start ----------------------------------------------------------*/
void sched_idle_loop(void)
{
	struct cpu *c = this_cpu();
	uint64_t bit = 1ull << c->id;

	for (;;) {
		irq_disable();
		/* Partner: offer, offer_later; see the head. */
		__atomic_fetch_or(&sched_idle_cpus, bit, __ATOMIC_SEQ_CST);
		if (!sched_is_work_for(c) && !c->need_resched) {
			c->stats.halts++;
			tlb_idle();
			switch_idle();
			irq_disable();
		}
		__atomic_fetch_and(&sched_idle_cpus, ~bit, __ATOMIC_SEQ_CST);
		switch_away(c);
		irq_enable();
	}
}

void sched_init_cpu(struct task *current, struct task *idle_task)
{
	struct cpu *c = this_cpu();

	runq_init(&c->runq);
	timerq_init(&c->timerq);
	c->timer_ns = c->offer_ns = c->slice_end_ns = DEADLINE_NEVER;
	c->current = current;
	c->kernel_sp = current->arch.kernel_sp;
	cpu_set_kernel_stack(c, (uint64_t)current + TASK_BLOCK_SIZE);
	c->idle = idle_task;
	c->switched_ns = c->charged_ns = plat_clock_mono_ns();
	current->arch.plat.cpu = c->id;
	current->arch.plat.on_cpu = 1;
	current->arch.plat.state = RUN_RUNNING;
}
