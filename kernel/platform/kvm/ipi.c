/* SPDX-License-Identifier: MIT */
/* Interrupts between CPUs, see ipi.h. */
#include "platform/kvm/ipi.h"
#include "arch/arch_cpu.h"
#include "arch/irqflags.h"
#include "core/lock.h"
#include "core/task.h"
#include "platform/kvm/apic.h"
#include "platform/kvm/cpu.h"
#include "platform/kvm/space_priv.h"
#include "platform/platform.h"

static struct mutex barrier_lock = MUTEX_INIT;
static uint64_t barrier_pending;	/* CPUs that owe an answer; atomic */

void ipi_send(uint32_t cpu, uint32_t vector)
{
	apic_send(cpu_get(cpu)->apic_id, vector);
}

void ipi_send_others(uint32_t vector)
{
	uint32_t self = this_cpu()->id;

	for (uint32_t i = 0; i < cpu_count(); i++)
		if (i != self)
			ipi_send(i, vector);
}

/*
 * membarrier. A CPU that runs the space, or takes it up later, has its bit in
 * tlb.cpus: before it enters user mode it sets the bit, which is a full barrier
 * and comes after the fence here if it is not seen. The others are interrupted;
 * an interrupt and its return order memory, and the return serializes, as the
 * invalidation does on this CPU.
 */
int plat_barrier(enum plat_barrier b)
{
	struct space *s = current_task()->arch.plat.space;
	uint64_t flags, left;

	mutex_lock(&barrier_lock);
	flags = irq_save();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	left = b == PLAT_BARRIER_ALL ? ~0ull >> (CPU_MAX - cpu_count()) :
	       __atomic_load_n(&s->tlb.cpus, __ATOMIC_SEQ_CST);
	left &= ~this_cpu()->bit;
	__atomic_store_n(&barrier_pending, left, __ATOMIC_SEQ_CST);
	for (; left; left &= left - 1)
		ipi_send((uint32_t)__builtin_ctzll(left), IPI_BARRIER);
	__asm__ volatile("invlpg (%0)" : : "r"(&flags) : "memory");
	irq_restore(flags);
	/* interrupts are on: others may wait for this CPU's answer */
	while (__atomic_load_n(&barrier_pending, __ATOMIC_SEQ_CST))
		arch_relax();
	mutex_unlock(&barrier_lock);
	return 0;
}

uint32_t plat_barriers(void)
{
	return (1u << PLAT_BARRIERS) - 1;
}

void ipi_barrier_irq(void)
{
	/* Partner: the wait in plat_barrier. */
	__atomic_fetch_and(&barrier_pending, ~this_cpu()->bit,
			   __ATOMIC_SEQ_CST);
}
