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
#include "platform/kvm/sched.h"
#include "arch/arch_cpu.h"
#include "arch/irqflags.h"
#include "arch/user_state.h"
#include "core/panic.h"
#include "lib/string.h"
#include "platform/kvm/clock.h"
#include "platform/kvm/hand_over.h"
#include "platform/kvm/ipi.h"
#include "platform/kvm/space.h"
#include "platform/kvm/tlb.h"
#include "platform/platform.h"

#define OFFER_NS	30000ull	/* before an idle CPU is woken for the woken */

void switch_stacks(uint64_t *save_sp, uint64_t load_sp);	/* switch.S */
void switch_idle(void);

static uint64_t idle;		/* CPUs that halt or are about to; atomic */

/* --- time --------------------------------------------------------------------*/
/* Count the time of the running task, not of its turn. Returns the time. */
static inline uint64_t count_time(struct cpu *c, struct task *t)
{
	uint64_t now = plat_clock_mono_ns();
	uint64_t ns = now - MIN(now, c->switched_ns);

	__atomic_store_n(&t->arch.plat.cpu_ns, t->arch.plat.cpu_ns + ns,
			 __ATOMIC_RELAXED);
	if (t->arch.plat.space)
		__atomic_fetch_add(space_cpu_ns(t->arch.plat.space), ns,
				   __ATOMIC_RELAXED);
	__atomic_store_n(&c->switched_ns, now, __ATOMIC_RELAXED);
	return now;
}

/* Both up to now. */
static void charge(struct cpu *c)
{
	struct task *t = c->current;
	uint64_t now = count_time(c, t);
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
static void set_timer(struct cpu *c)
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

/* Take an idle CPU of `cpus` for a task, so that the next waker takes another
 * one; `self` if there is none. */
static uint32_t claim_cpu(uint64_t cpus, uint32_t last, uint32_t self)
{
	for (;;) {
		uint64_t seen = __atomic_load_n(&idle, __ATOMIC_SEQ_CST) & cpus;
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
	if (!c->runq.nr || !(__atomic_load_n(&idle, __ATOMIC_RELAXED) &
			     c->runq.cpus))
		return;
	cpu = claim_cpu(c->runq.cpus, c->id, c->id);
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

static void push(struct cpu *c, struct task *t, bool first)
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
		kick(c->id);
}

static struct task *pop(struct cpu *from, const struct cpu *to,
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
static struct task *steal(struct cpu *self, bool urgent)
{
	uint32_t n = cpu_count();

	for (uint32_t i = 1; i < n; i++) {
		struct cpu *c = cpu_get((self->id + i) % n);
		struct task *t;

		if (!may_have_work(c, self) ||
		    (urgent && !__atomic_load_n(&c->runq.nr_urgent,
						__ATOMIC_RELAXED)))
			continue;
		t = pop(c, self, NULL);
		if (t) {
			self->stats.steals++;
			join(self, t);
			return t;
		}
	}
	return NULL;
}

static bool is_work_for(const struct cpu *self)
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
static void make_ready(struct cpu *self, struct task *t, bool first)
{
	uint64_t now;
	uint32_t cpu;

	runq_take_request(t);
	cpu = cpu_for(self, t);
	push(cpu_get(cpu), t, first);
	if (cpu != self->id) {
		/* it may sleep: it looks at its queue after it was idle */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		kick(cpu);
		return;
	}
	now = plat_clock_mono_ns();
	if (!first && is_better(self, t, now))
		self->need_resched = 1;
	offer_later(self, now);
	set_timer(self);
}

/* --- the switch ----------------------------------------------------------------*/
/* t had to leave the CPU, but wants to go on. */
static void requeue(struct cpu *c, struct task *t)
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
	push(cpu_get(cpu), t, its_turn);
	if (cpu != c->id)
		kick(cpu);
	else
		offer(c);
}

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
	requeue(c, t);
}

static inline void finish_switch(struct cpu *c)
{
	if (c->is_handed) {
		/* asleep, not at home any more; timer and turn go on */
		c->is_handed = false;
		/* Partner: the wait in sched_catch. */
		__atomic_store_n(&c->prev->arch.plat.on_cpu, 0,
				 __ATOMIC_RELEASE);
		return;
	}
	let_go(c, c->prev);
	set_timer(c);
}

void sched_finish_switch(void)
{
	finish_switch(this_cpu());
}

static inline __attribute__((always_inline)) void
switch_to(struct cpu *c, struct task *next)
{
	struct task *prev = c->current;
	struct plat_task *p = &next->arch.plat;

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
	/* Partner: request_deliver, which did not find it anywhere. */
	if (unlikely(__atomic_load_n(&p->sched.request_state,
				     __ATOMIC_SEQ_CST) != REQUEST_NONE))
		kick(c->id);
	space_load(p->space);
	if (next->kind == TASK_USER)
		user_state_load(c, next);
	switch_stacks(&prev->arch.plat.sp, p->sp);
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
		return pop(c, c, prev);
	/* lower than before: others may have better ones than we */
	if (runq_class_of(prev) != RUN_CLASS_FAIR && !c->runq.nr_urgent)
		next = steal(c, true);
	if (!next)
		next = pop(c, c, NULL);
	if (!next)
		next = steal(c, false);
	return next || prev == c->idle ? next : c->idle;
}

/* Let another task run if there is one. Interrupts off. */
static void switch_away(struct cpu *c)
{
	struct task *next;

	c->need_resched = 0;
	charge(c);
	next = choose(c, c->current);
	if (next)
		switch_to(c, next);
	else
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
void sched_put_caught(struct task *t)
{
	this_cpu()->stats.wakes++;
	make_ready(this_cpu(), t, false);
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
	cpu = claim_cpu(cpus ? cpus : ~0ull, self->id, self->id);
	t->arch.plat.cpu = cpu;
	t->arch.plat.state = RUN_READY;
	if (cpu == self->id) {
		make_ready(self, t, false);
	} else {
		push(cpu_get(cpu), t, false);
		kick(cpu);
	}
	irq_restore(flags);
}

/* Does `to` take over our turn? */
static inline bool hand_over(struct cpu *c, struct task *to)
{
	if (c->need_resched || !runq_hand_over(&c->runq, c->current, to, c->id))
		return false;
	count_time(c, c->current);
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
			set_timer(c);
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
		offer(c);
	set_timer(c);
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
	set_timer(c);
}

/* --- requests ------------------------------------------------------------------*/
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
		make_ready(this_cpu(), t, first);
	} else if (__atomic_load_n(&t->arch.plat.on_cpu, __ATOMIC_SEQ_CST)) {
		cpu = __atomic_load_n(&t->arch.plat.cpu, __ATOMIC_RELAXED);
		if (cpu != this_cpu()->id)
			kick(cpu);
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

/* --- idle CPUs, start ----------------------------------------------------------*/
void sched_idle_loop(void)
{
	struct cpu *c = this_cpu();
	uint64_t bit = 1ull << c->id;

	for (;;) {
		irq_disable();
		/* Partner: offer, offer_later; see the head. */
		__atomic_fetch_or(&idle, bit, __ATOMIC_SEQ_CST);
		if (!is_work_for(c) && !c->need_resched) {
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
