/* SPDX-License-Identifier: MIT */
/*
 * Dispatch of interrupts. Vectors: devices from VECTOR_DEVICES, one for each
 * source; timer and messages between CPUs at the top. Attaching happens at
 * start, one at a time; a handler entry is published by its function pointer.
 */
#include "platform/kvm/irq.h"
#include "arch/irqflags.h"
#include "core/panic.h"
#include "platform/kvm/apic.h"
#include "platform/kvm/ioapic.h"
#include "platform/kvm/ipi.h"
#include "platform/kvm/sched.h"
#include "platform/kvm/tlb.h"

#define VECTOR_DEVICES	0x30u
#define VECTOR_DEV_END	0x60u
#define NR_HANDLERS	32u

struct handler {
	void (*fn)(void *arg);	/* atomic; NULL: unused */
	void *arg;
	uint32_t vector;
};

static struct handler handlers[NR_HANDLERS];
static bool is_direct;		/* set once */
static uint64_t nr_unexpected;

void irq_init(bool direct)
{
	is_direct = direct;
	if (!direct)
		ioapic_init();
}

static bool run_handlers(uint32_t vector)
{
	bool found = false;

	for (uint32_t i = 0; i < NR_HANDLERS; i++) {
		void (*fn)(void *) =
			__atomic_load_n(&handlers[i].fn, __ATOMIC_ACQUIRE);

		if (!fn)
			break;
		if (handlers[i].vector != vector)
			continue;
		fn(handlers[i].arg);
		found = true;
	}
	return found;
}

void irq_dispatch(uint32_t vector)
{
	switch (vector) {
	case VECTOR_SPURIOUS:
		return;		/* not to be acknowledged */
	case VECTOR_TIMER:
		apic_eoi();
		sched_timer_irq();
		return;
	case IPI_RESCHED:
		apic_eoi();
		sched_resched_irq();
		return;
	case IPI_TLB:
		apic_eoi();
		tlb_irq();
		return;
	case IPI_BARRIER:
		apic_eoi();
		ipi_barrier_irq();
		return;
	case IPI_STOP:
		irq_halt_cpu();
	default:
		if (!run_handlers(vector) && !nr_unexpected++)
			klog("unexpected interrupt %#x", vector);
		apic_eoi();
	}
}

int irq_attach(uint32_t source, void (*fn)(void *arg), void *arg)
{
	uint32_t vector = is_direct ? source : VECTOR_DEVICES + source;
	struct handler *h = NULL;

	if (vector < VECTOR_DEVICES || vector >= VECTOR_DEV_END)
		return -EINVAL;
	for (uint32_t i = 0; i < NR_HANDLERS && !h; i++)
		if (!handlers[i].fn)
			h = &handlers[i];
	if (!h)
		return -ENOSPC;
	h->arg = arg;
	h->vector = vector;
	/* Partner: the load in run_handlers. */
	__atomic_store_n(&h->fn, fn, __ATOMIC_RELEASE);
	return is_direct ? 0 : ioapic_route(source, vector);
}

void irq_halt_cpu(void)
{
	for (;;)
		__asm__ volatile("cli\n\thlt");
}
