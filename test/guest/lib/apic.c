/* SPDX-License-Identifier: MIT */
/* The local APIC in xAPIC and x2APIC mode, and time. */
#include "lib.h"

#define XAPIC_GPA	0xfee00000ull
#define BASE_ENABLE	(1ull << 11)
#define BASE_X2		(1ull << 10)
#define X2_MSR		0x800u
#define APIC_HZ_KHZ	1000000ull	/* KVM's and QEMU's timer: 1 GHz */
#define SPURIOUS	0xffu

bool has_x2apic(void)
{
	return cpuid(1, 0).c >> 21 & 1;
}

bool apic_is_x2(void)
{
	return rdmsr(MSR_APIC_BASE) & BASE_X2;
}

static volatile uint32_t *reg_of(uint32_t reg)
{
	return at(XAPIC_GPA + reg * 16ull);
}

uint32_t apic_read(uint32_t reg)
{
	return apic_is_x2() ? (uint32_t)rdmsr(X2_MSR + reg) : *reg_of(reg);
}

void apic_write(uint32_t reg, uint32_t v)
{
	if (apic_is_x2())
		wrmsr(X2_MSR + reg, v);
	else
		*reg_of(reg) = v;
}

void apic_ipi(uint32_t dest, uint32_t low)
{
	if (apic_is_x2()) {
		wrmsr(X2_MSR + APIC_ICR, (uint64_t)dest << 32 | low);
		return;
	}
	while (*reg_of(APIC_ICR) & 1u << 12)
		__asm__ volatile("pause");
	*reg_of(APIC_ICR + 1) = dest << 24;
	*reg_of(APIC_ICR) = low;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

uint32_t apic_id(void)
{
	uint32_t id = apic_read(APIC_ID);

	return apic_is_x2() ? id : id >> 24;
}

static void ignore(struct frame *f)
{
}

void apic_enable(bool x2)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	/* the way back from x2APIC leads over "off" */
	if (!x2 && base & BASE_X2)
		wrmsr(MSR_APIC_BASE, base & ~(BASE_X2 | BASE_ENABLE));
	base = (base & ~BASE_X2) | BASE_ENABLE;
	wrmsr(MSR_APIC_BASE, base);
	if (x2)
		wrmsr(MSR_APIC_BASE, base | BASE_X2);
	set_handler(SPURIOUS, ignore);
	apic_write(APIC_SVR, APIC_ENABLE | SPURIOUS);
	apic_write(APIC_TPR, 0);
}

/* ---- time ----------------------------------------------------------------------- */

uint64_t tsc_khz(void)
{
	static uint64_t khz;
	uint64_t t0;

	if (machine->tsc_khz)
		return machine->tsc_khz;
	if (khz)
		return khz;
	apic_write(APIC_LVT_TIMER, APIC_MASKED | VEC_TEST);
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_TIMER_INIT, 0xffffffff);
	t0 = rdtsc();
	while (apic_read(APIC_TIMER_NOW) > 0xffffffff - 10 * APIC_HZ_KHZ)
		__asm__ volatile("pause");
	khz = (rdtsc() - t0) / 10;
	apic_write(APIC_TIMER_INIT, 0);
	return khz;
}

uint64_t ns_now(void)
{
	return rdtsc() / (tsc_khz() / 1000) * 1000;
}

bool wait_change(volatile uint32_t *word, uint32_t old, uint32_t ms)
{
	uint64_t end = rdtsc() + tsc_khz() * ms;

	while (*word == old) {
		if (rdtsc() > end)
			return false;
		__asm__ volatile("pause");
	}
	return true;
}
