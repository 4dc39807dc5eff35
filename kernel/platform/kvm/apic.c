/* SPDX-License-Identifier: MIT */
/*
 * Local APIC: x2APIC through MSRs where there is one, else xAPIC through its
 * register page (Intel SDM vol. 3, chapter 11). Registers are named by their
 * offset in that page; the MSR is 0x800 + offset / 16.
 */
#include "platform/kvm/apic.h"
#include "core/panic.h"
#include "plat/segments.h"
#include "platform/kvm/cpu.h"
#include "platform/kvm/paging.h"

#define APIC_BASE	0xfee00000ull
#define MSR_APIC_BASE	0x1bu
#define BASE_ENABLE	(1ull << 11)
#define BASE_X2APIC	(1ull << 10)
#define MSR_X2APIC	0x800u
#define MSR_ICR		0x830u
#define MSR_DEADLINE	0x6e0u

enum apic_register {
	APIC_TPR = 0x80, APIC_EOI = 0xb0, APIC_SPURIOUS = 0xf0,
	APIC_ICR_LOW = 0x300, APIC_ICR_HIGH = 0x310, APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350, APIC_LVT_LINT1 = 0x360, APIC_LVT_ERROR = 0x370,
	APIC_TIMER_COUNT = 0x380, APIC_TIMER_LEFT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

#define SOFT_ENABLE	0x100u
#define LVT_MASKED	0x10000u
#define LVT_DEADLINE	0x40000u
#define DIVIDE_BY_1	0xbu
#define ICR_INIT	0x500u
#define ICR_STARTUP	0x600u
#define ICR_ASSERT	0x4000u
#define ICR_PENDING	0x1000u

static volatile uint32_t *registers;	/* xAPIC; set once */

static uint32_t apic_read(enum apic_register r)
{
	if (cpu_features.x2apic)
		return (uint32_t)segment_msr_read(MSR_X2APIC + r / 16);
	return registers[r / 4];
}

static void apic_write(enum apic_register r, uint32_t v)
{
	if (cpu_features.x2apic)
		segment_msr_write(MSR_X2APIC + r / 16, v);
	else
		registers[r / 4] = v;
}

void apic_init_cpu(void)
{
	uint64_t base = segment_msr_read(MSR_APIC_BASE) | BASE_ENABLE;

	segment_msr_write(MSR_APIC_BASE, base);
	if (cpu_features.x2apic) {
		segment_msr_write(MSR_APIC_BASE, base | BASE_X2APIC);
	} else if (!registers) {
		registers = mmio_map(APIC_BASE, PAGE_SIZE);
		if (!registers)
			panic("no memory for the local APIC's registers");
	}
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_MASKED);
	apic_write(APIC_LVT_ERROR, LVT_MASKED);
	apic_write(APIC_SPURIOUS, SOFT_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER |
		   (cpu_features.tsc_deadline ? LVT_DEADLINE : 0));
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

static void send(uint32_t apic_id, uint32_t low)
{
	if (cpu_features.x2apic) {
		/* one register of 64 bits; it waits for earlier stores */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		segment_msr_write(MSR_ICR, (uint64_t)apic_id << 32 | low);
		return;
	}
	while (apic_read(APIC_ICR_LOW) & ICR_PENDING)
		__builtin_ia32_pause();
	apic_write(APIC_ICR_HIGH, apic_id << 24);
	apic_write(APIC_ICR_LOW, low);
}

void apic_send(uint32_t apic_id, uint32_t vector)
{
	uint64_t flags = irq_save();

	send(apic_id, ICR_ASSERT | vector);
	irq_restore(flags);
}

void apic_send_init(uint32_t apic_id)
{
	send(apic_id, ICR_INIT | ICR_ASSERT);
}

void apic_send_startup(uint32_t apic_id, uint32_t page)
{
	send(apic_id, ICR_STARTUP | ICR_ASSERT | page);
}

void apic_timer_set(uint32_t count)
{
	apic_write(APIC_TIMER_COUNT, count);
}

uint32_t apic_timer_left(void)
{
	return apic_read(APIC_TIMER_LEFT);
}

void apic_timer_deadline(uint64_t tsc)
{
	/* not ordered by itself with the store that chose this mode */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	segment_msr_write(MSR_DEADLINE, tsc);
}
