/* SPDX-License-Identifier: MIT */
/*
 * Tasks of the kvm platform: their blocks, first steps and end. A block holds,
 * from the bottom: struct task and the image of the vector state (one page), an
 * unmapped page, the kernel stack with the register record at its top, and
 * above it 64 bytes that the processor fills on entry from user mode.
 */
#include "core/task.h"
#include "arch/irqflags.h"
#include "arch/regs.h"
#include "arch/user_state.h"
#include "lib/string.h"
#include "platform/kvm/ipi.h"
#include "platform/kvm/paging.h"
#include "platform/kvm/sched.h"
#include "platform/kvm/space.h"
#include "platform/kvm/spin.h"
#include "platform/platform.h"

#define ENTRY_AREA	64u	/* above kernel_sp, see entry.S */
#define ONE_CPU		(1ull << 20)
#define DEADLINE_PERCENT	95u	/* of all processors, for deadlines */

static uint64_t admitted;	/* promised to deadline tasks; atomic */
/* Held while a task gives up its address space, and while others look at it. */
static struct spinlock space_lock;

void child_start(void);		/* entry.S */
void task_first_run(void);

/* What switch_stacks pops. */
struct switch_frame {
	uint64_t r15, r14, r13, r12, rbx, rbp;
	uint64_t rip;
	uint64_t pad;		/* keeps the stack aligned for calls */
};

struct regs *task_regs(struct task *t)
{
	return (struct regs *)(t->arch.kernel_sp - sizeof(struct regs));
}

static const struct sched_request system_request = {
	.policy = SCHED_POLICY_FIFO, .priority = SCHED_PRIORITY_SYSTEM,
};
static const struct sched_request program_request = {
	.policy = SCHED_POLICY_FAIR,
};

void arch_task_init(struct task *t)
{
	t->arch.self = (uint64_t)t;
	t->arch.kernel_sp = (uint64_t)t + TASK_BLOCK_SIZE - ENTRY_AREA;
	t->arch.busy = 1;
	runq_task_init(t, t->kind == TASK_SYSTEM ? &system_request :
		       &program_request, NULL);
}

/* t's first switch leads to child_start. */
static void prepare_stack(struct task *t)
{
	struct switch_frame *f = (struct switch_frame *)task_regs(t) - 1;

	/* without it, a stack that overflows is not noticed */
	(void)!page_guard((char *)t + PLAT_GUARD_OFFSET);
	*f = (struct switch_frame){ .rip = (uint64_t)child_start };
	t->arch.plat.sp = (uint64_t)f;
}

/* From child_start, interrupts off. Returns for a user task: to user mode. */
void task_first_run(void)
{
	struct task *t = current_task();

	sched_finish_switch();
	if (t->kind != TASK_SYSTEM)
		return;
	irq_enable();
	t->entry(t->arg);
	plat_task_exit(false);
}

static void idle_main(void *arg)
{
	sched_idle_loop();
}

struct task *sched_create_idle(uint32_t cpu)
{
	struct task *t = task_create(TASK_SYSTEM, "idle");

	if (!t)
		return NULL;
	snprintf(t->name, sizeof(t->name), "idle/%u", cpu);
	t->entry = idle_main;
	t->arch.plat.cpu = cpu;
	t->arch.plat.state = RUN_RUNNING;
	prepare_stack(t);
	return t;
}

static struct space *space_for(enum plat_space kind, struct space *mine)
{
	if (kind == PLAT_SPACE_SHARE)
		return space_get(mine);
	return kind == PLAT_SPACE_COPY ? space_copy(mine) : space_create();
}

int plat_task_start(struct task *t, enum plat_space kind)
{
	struct plat_task *p = &t->arch.plat;

	if (kind != PLAT_SPACE_KERNEL) {
		p->space = space_for(kind, current_task()->arch.plat.space);
		if (!p->space)
			return -ENOMEM;
		p->sched.group = space_nr_ready(p->space);
	}
	if (kind == PLAT_SPACE_NEW)
		user_state_init(t);
	else if (kind != PLAT_SPACE_KERNEL)
		user_state_copy(t, task_regs(t)->fs_base);
	prepare_stack(t);
	sched_start(t);
	return 0;
}

/* Give up the address space; the kernel's own tables are loaded after. */
static void drop_space(struct task *t, struct space *next)
{
	struct space *old = t->arch.plat.space;
	uint64_t flags = spin_lock_irq(&space_lock);

	sched_charge();
	sched_set_group(next ? space_nr_ready(next) : NULL);
	t->arch.plat.space = next;
	space_load(next);
	spin_unlock_irq(&space_lock, flags);
	if (old)
		space_put(old);
}

int plat_space_usage(const struct task *t, struct plat_usage *u)
{
	uint64_t flags = spin_lock_irq(&space_lock);
	const struct space *s = t->arch.plat.space;

	if (s)
		space_usage(s, u);
	spin_unlock_irq(&space_lock, flags);
	return s ? 0 : -ESRCH;
}

/* The part of one processor that t was promised, in units of 1/ONE_CPU. */
static bool admit(struct plat_task *p, uint64_t wanted)
{
	uint64_t limit = cpu_count() * ONE_CPU * DEADLINE_PERCENT / 100;
	uint64_t all = __atomic_add_fetch(&admitted, wanted - p->promised,
					  __ATOMIC_RELAXED);

	if (wanted > p->promised && all > limit) {
		__atomic_sub_fetch(&admitted, wanted - p->promised,
				   __ATOMIC_RELAXED);
		return false;
	}
	p->promised = wanted;
	return true;
}

void plat_task_exit(bool last_in_space)
{
	struct task *t = current_task();

	admit(&t->arch.plat, 0);
	/* its last reference destroys it, whoever has that */
	drop_space(t, NULL);
	task_retire(t);
	sched_exit();
}

int plat_space_leave(void)
{
	struct space *s = space_create();

	if (!s)
		return -ENOMEM;
	drop_space(current_task(), s);
	return 0;
}

int plat_task_schedule(struct task *t, const struct sched_request *r)
{
	uint64_t wanted = 0;

	/* by 1024 first, so that it can not overflow; runtime is not less */
	if (r->policy == SCHED_POLICY_DEADLINE)
		wanted = (r->runtime_ns / 1024) * ONE_CPU /
			 (r->period_ns / 1024);
	if (!admit(&t->arch.plat, wanted))
		return -EBUSY;
	sched_request(t, r);
	return 0;
}

uint64_t plat_task_claim(const struct task *t)
{
	return sched_own_claim((struct task *)t);
}

bool plat_task_is_urgent(const struct task *t)
{
	return claim_is_urgent(t->arch.plat.sched.claim);
}

void plat_task_lend(struct task *t, uint64_t claim)
{
	sched_lend(t, claim);
}

bool plat_mutexes_lend(void)
{
	return true;
}

void plat_brief_lock(uint32_t *word)
{
	preempt_disable();
	while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
		plat_relax();
}

void plat_brief_unlock(uint32_t *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

void plat_kick(struct task *t)
{
	const struct plat_task *p = &t->arch.plat;
	uint32_t cpu;

	/* Partner: the store in switch_to. A task that is not on a CPU passes
	 * the test for work before it is in user mode again. */
	if (!__atomic_load_n(&p->on_cpu, __ATOMIC_SEQ_CST))
		return;
	preempt_disable();
	cpu = __atomic_load_n(&p->cpu, __ATOMIC_RELAXED);
	if (cpu != this_cpu()->id)
		ipi_send(cpu, IPI_RESCHED);
	preempt_enable();
}

bool plat_space_is_shared(const struct task *t)
{
	return t->arch.plat.space &&
	       t->arch.plat.space == current_task()->arch.plat.space;
}

uint32_t plat_task_carrier(const struct task *t)
{
	return 0;
}

uint64_t plat_clock_task_cpu_ns(void)
{
	return sched_task_cpu_ns(current_task());
}

int plat_clock_other_cpu_ns(const struct task *t, uint64_t *ns)
{
	*ns = sched_task_cpu_ns(t);
	return 0;
}

uint64_t plat_clock_process_cpu_ns(void)
{
	struct space *s = current_task()->arch.plat.space;
	uint64_t *counter, counted, running;

	if (!s)
		return sched_task_cpu_ns(current_task());
	counter = space_cpu_ns(s);
	/* a slice that ends meanwhile would be counted twice, or not at all */
	do {
		counted = __atomic_load_n(counter, __ATOMIC_ACQUIRE);
		running = sched_running_ns(s);
	} while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) != counted);
	return counted + running;
}

uint32_t plat_cpu_current(void)
{
	uint32_t id;

	__asm__ volatile("mov %%gs:32, %0" : "=r"(id));
	return id;
}
