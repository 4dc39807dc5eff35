/* SPDX-License-Identifier: MIT */
/*
 * The local APIC in xAPIC and x2APIC mode: identity, modes, inter-processor
 * interrupts to itself, priorities, timer, what must fault.
 */
#include "guest.h"

const char guest_name[] = "apic";

static volatile uint32_t got, last, nmis;

static void count(struct frame *f)
{
	got++;
	last = (uint32_t)f->vector;
	apic_eoi();
}

static void nmi(struct frame *f)
{
	nmis++;
}

static const char *mode(void)
{
	return apic_is_x2() ? "x2apic" : "xapic";
}

static void test_identity(void)
{
	uint32_t version = apic_read(APIC_VERSION);

	ok(apic_id() == 0, "%s: id 0", mode());
	ok((version & 0xff) >= 0x10 && (version >> 16 & 0xff) >= 3,
	   "%s: version 0x%x", mode(), version);
	ok(apic_read(APIC_SVR) & APIC_ENABLE, "%s: enabled", mode());
}

static void test_self_ipi(void)
{
	got = 0;
	apic_ipi(0, VEC_TEST);
	ok(!got, "%s: nothing comes with interrupts off", mode());
	ok(apic_read(APIC_IRR + VEC_TEST / 32) >> VEC_TEST % 32 & 1,
	   "%s: it waits in IRR", mode());
	irq_on();
	wait_change(&got, 0, 100);
	irq_off();
	ok(got == 1 && last == VEC_TEST, "%s: IPI to itself", mode());
	irq_on();
	apic_ipi(0, VEC_TEST + 1);
	wait_change(&got, 1, 100);
	apic_ipi(0, ICR_SELF | (VEC_TEST + 2));
	wait_change(&got, 2, 100);
	apic_ipi(0, ICR_ALL | (VEC_TEST + 3));
	wait_change(&got, 3, 100);
	irq_off();
	ok(got == 4, "%s: short-hands self and all: %u", mode(), got);
	apic_ipi(0, ICR_NMI);
	wait_change(&nmis, 0, 100);
	ok(nmis == 1, "%s: NMI to itself", mode());
	nmis = 0;
}

static void test_priority(void)
{
	got = 0;
	apic_write(APIC_TPR, 0x90);
	apic_ipi(0, VEC_TEST);
	irq_on();
	wait_change(&got, 0, 5);
	ok(!got && apic_read(APIC_PPR) == 0x90, "%s: TPR holds back",
	   mode());
	apic_write(APIC_TPR, 0);
	wait_change(&got, 0, 100);
	irq_off();
	ok(got == 1, "%s: TPR lets go", mode());
	__asm__ volatile("mov %0, %%cr8" :: "r"(9ul));
	ok(apic_read(APIC_TPR) == 0x90, "%s: CR8 is TPR", mode());
	__asm__ volatile("mov %0, %%cr8" :: "r"(0ul));
}

static volatile uint32_t order[2], nr_order;

static void ordered(struct frame *f)
{
	if (nr_order < 2)
		order[nr_order++] = (uint32_t)f->vector;
	apic_eoi();
}

static void test_order(void)
{
	set_handler(0x90, ordered);
	set_handler(0xa0, ordered);
	nr_order = 0;
	apic_ipi(0, 0x90);
	apic_ipi(0, 0xa0);
	irq_on();
	wait_change(&nr_order, 0, 100);
	wait_change(&nr_order, 1, 100);
	irq_off();
	ok(nr_order == 2 && order[0] == 0xa0 && order[1] == 0x90,
	   "%s: the higher vector comes first", mode());
}

static void test_timer(void)
{
	uint64_t t0, ns;

	got = 0;
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, VEC_TEST);
	t0 = ns_now();
	apic_write(APIC_TIMER_INIT, 5000000);	/* 5 ms at 1 GHz */
	irq_on();
	wait_change(&got, 0, 1000);
	ns = ns_now() - t0;
	wait_change(&got, 1, 20);
	irq_off();
	ok(got == 1 && ns >= 4 * NS_PER_MS,
	   "%s: timer, one shot after %lu us", mode(), ns / 1000);
	ok(!apic_read(APIC_TIMER_NOW), "%s: it stands still after", mode());
	got = 0;
	apic_write(APIC_LVT_TIMER, VEC_TEST | TIMER_PERIODIC);
	apic_write(APIC_TIMER_INIT, 3000000);
	irq_on();
	for (uint32_t i = 0; i < 5; i++)
		wait_change(&got, i, 1000);
	apic_write(APIC_TIMER_INIT, 0);
	irq_off();
	ok(got >= 5, "%s: timer, periodic", mode());
	got = 0;
	apic_write(APIC_LVT_TIMER, VEC_TEST | APIC_MASKED);
	apic_write(APIC_TIMER_INIT, 1000);
	irq_on();
	wait_change(&got, 0, 5);
	irq_off();
	ok(!got, "%s: timer, masked", mode());
}

static void test_deadline(void)
{
	uint64_t t0;

	if (!(cpuid(1, 0).c >> 24 & 1)) {
		skip("TSC deadline", "CPUID does not offer it");
		return;
	}
	got = 0;
	apic_write(APIC_LVT_TIMER, VEC_TEST | TIMER_DEADLINE);
	__asm__ volatile("mfence");
	t0 = rdtsc();
	wrmsr(MSR_TSC_DEADLINE, t0 + tsc_khz() * 5);
	ok(rdmsr(MSR_TSC_DEADLINE), "%s: deadline is armed", mode());
	irq_on();
	wait_change(&got, 0, 1000);
	irq_off();
	ok(got == 1 && rdtsc() - t0 >= tsc_khz() * 5, "%s: deadline came",
	   mode());
	ok(!rdmsr(MSR_TSC_DEADLINE), "%s: and is disarmed", mode());
	wrmsr(MSR_TSC_DEADLINE, 1);	/* long ago */
	irq_on();
	wait_change(&got, 1, 1000);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + tsc_khz() * 5);
	wrmsr(MSR_TSC_DEADLINE, 0);
	wait_change(&got, 2, 20);
	irq_off();
	ok(got == 2, "%s: deadline in the past at once, 0 disarms: %u",
	   mode(), got);
}

/* ---- what must fault ----------------------------------------------------------------- */

static void read_msr(void *arg)
{
	rdmsr((uint32_t)(uint64_t)arg);
}

static void write_msr(void *arg)
{
	wrmsr((uint32_t)(uint64_t)arg, 0);
}

static void x2_without_enable(void *arg)
{
	wrmsr(MSR_APIC_BASE, (rdmsr(MSR_APIC_BASE) & ~0xc00ull) | 0x400);
}

static void expect_gp(void (*fn)(void *), uint64_t arg, const char *name)
{
	struct trap t = try_call(fn, (void *)arg);

	ok(t.vector == 13, "%s: %s gives #GP", mode(), name);
}

static void test_faults_x2(void)
{
	expect_gp(read_msr, 0x80eu, "reading DFR");
	expect_gp(read_msr, 0x831u, "reading ICR's high half");
	expect_gp(write_msr, 0x831u, "writing ICR's high half");
	expect_gp(write_msr, 0x802u, "writing the id");
	expect_gp(write_msr, 0x803u, "writing the version");
	expect_gp(read_msr, 0x80bu, "reading EOI");
	expect_gp(read_msr, 0x83fu, "reading self-IPI");
	expect_gp(read_msr, 0x8ffu, "an APIC MSR that is not there");
	expect_gp(x2_without_enable, 0, "x2APIC without enable");
	got = 0;
	irq_on();
	wrmsr(0x83f, VEC_TEST);
	wait_change(&got, 0, 100);
	irq_off();
	ok(got == 1, "x2apic: self-IPI register");
}

static void test_faults_x(void)
{
	expect_gp(read_msr, 0x802u, "x2APIC's id");
	expect_gp(write_msr, 0x80bu, "x2APIC's EOI");
	expect_gp(x2_without_enable, 0, "x2APIC without enable");
}

static void all(void)
{
	test_identity();
	test_self_ipi();
	test_priority();
	test_order();
	test_timer();
	test_deadline();
}

void guest_main(void)
{
	for (uint32_t v = VEC_TEST; v < VEC_TEST + 4; v++)
		set_handler(v, count);
	set_handler(2, nmi);
	apic_enable(false);
	all();
	test_faults_x();
	if (!has_x2apic()) {
		skip("x2apic", "CPUID does not offer it");
		return;
	}
	apic_enable(true);
	ok(apic_is_x2(), "x2APIC is on");
	all();
	test_faults_x2();
	apic_enable(false);
	ok(!apic_is_x2(), "x2APIC is off again");
	test_self_ipi();
}
