/* SPDX-License-Identifier: MIT */
/*
 * Clocks from the time-stamp counter, which all CPUs of a machine share; its
 * frequency is told by the monitor or by KVM, or measured against the local
 * APIC's timer, which runs at 1 GHz under KVM and in QEMU's emulation.
 */
#include "platform/kvm/clock.h"
#include "core/panic.h"
#include "plat/segments.h"
#include "platform/kvm/apic.h"
#include "platform/kvm/cpu.h"
#include "platform/kvm/cpu_start.h"
#include "platform/kvm/paging.h"
#include "platform/platform.h"

#define LEAF_HYPERVISOR	0x40000000u
#define LEAF_KVM_FEATURES 0x40000001u
#define LEAF_FREQUENCY	0x40000010u	/* eax: kHz of the TSC */
#define KVM_CLOCKSOURCE2 (1u << 3)
#define MSR_KVM_CLOCK	0x4b564d01u	/* MSR_KVM_SYSTEM_TIME_NEW */
#define CALIBRATE_TICKS	2000000u	/* 2 ms */
#define NR_SAMPLES	8u
#define RESET_MAX_NS	60000000000ull
#define LAPIC_MAX_NS	2000000000ull

/* Documentation/virt/kvm/x86/msr.rst */
struct pvclock {
	uint32_t version, pad0;
	uint64_t tsc_timestamp, system_time;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad[2];
};

struct kvm_clock kvm_clock;

/* KVM tells a multiplier for its clock: the frequency follows. */
static uint64_t khz_of_kvmclock(void)
{
	static struct pvclock area __attribute__((aligned(64)));
	struct pvclock c;
	uint64_t khz;

	segment_msr_write(MSR_KVM_CLOCK, virt_to_phys(&area) | 1);
	__asm__ volatile("" : : : "memory");
	c = *(volatile struct pvclock *)&area;
	segment_msr_write(MSR_KVM_CLOCK, 0);
	if (!c.mul)
		return 0;
	khz = (1000000ull << 32) / c.mul;
	return c.shift < 0 ? khz << -c.shift : khz >> c.shift;
}

static uint64_t khz_of_leaves(void)
{
	uint32_t one[4], r[4], f[4];

	cpuid(1, 0, one);
	if (!(one[2] >> 31))
		return 0;		/* no hypervisor says anything */
	cpuid(LEAF_HYPERVISOR, 0, r);
	if (r[0] >= LEAF_FREQUENCY) {
		cpuid(LEAF_FREQUENCY, 0, f);
		if (f[0])
			return f[0];
	}
	if (r[1] != 0x4b4d564b || r[0] < LEAF_KVM_FEATURES) /* "KVMK" */
		return 0;
	cpuid(LEAF_KVM_FEATURES, 0, f);
	return f[0] & KVM_CLOCKSOURCE2 ? khz_of_kvmclock() : 0;
}

struct sample {
	uint64_t tsc;
	uint32_t left;		/* of the APIC's timer */
};

/* Both counters at once, as nearly as that goes: of several readings the one
 * that took least time (the host may take the processor away in between). */
static struct sample take_sample(void)
{
	struct sample best = { 0 };
	uint64_t shortest = UINT64_MAX;

	for (uint32_t i = 0; i < NR_SAMPLES; i++) {
		uint64_t from = tsc_read();
		uint32_t left = apic_timer_left();
		uint64_t took = tsc_read() - from;

		if (took >= shortest)
			continue;
		shortest = took;
		best = (struct sample){ from + took / 2, left };
	}
	return best;
}

static uint64_t calibrate(void)
{
	struct sample a, b;

	/* in deadline mode the counter does not run */
	if (cpu_features.tsc_deadline)
		panic("no frequency of the time-stamp counter");
	apic_timer_set(UINT32_MAX);
	a = take_sample();
	while (a.left - apic_timer_left() < CALIBRATE_TICKS)
		__builtin_ia32_pause();
	b = take_sample();
	apic_timer_set(0);
	return (b.tsc - a.tsc) * 1000000 / (a.left - b.left);
}

/* A monitor's command line is older than its machine, whose counter begins at
 * 0: with that the time is right to the monitor's own start-up. */
static uint64_t since_reset_ns(void)
{
	uint64_t ns = clock_ticks_to_ns(kvm_clock.tsc_start);

	return ns < RESET_MAX_NS ? ns : 0;
}

void clock_init(const struct handover *h)
{
	uint64_t khz = h->tsc_khz ? h->tsc_khz : khz_of_leaves();

	if (!khz)
		khz = calibrate();
	khz = MIN(MAX(khz, 1000ull), 1ull << 31);
	kvm_clock.mul = (1000000ull << TSC_SHIFT) / khz;
	kvm_clock.tick_mul = (khz << TSC_SHIFT) / 1000000;
	kvm_clock.tsc_start = tsc_read();
	kvm_clock.real_start = h->real_ns;
	if (!h->direct)
		kvm_clock.real_start += since_reset_ns();
}

uint64_t plat_clock_mono_ns(void)
{
	return clock_now_ns();
}

uint64_t plat_clock_boot_ns(void)
{
	return plat_clock_mono_ns();
}

uint64_t plat_clock_real_ns(void)
{
	return kvm_clock.real_start + plat_clock_mono_ns();
}

static uint64_t to_tsc(uint64_t mono_ns)
{
	unsigned __int128 t = (unsigned __int128)mono_ns * kvm_clock.tick_mul;

	return kvm_clock.tsc_start + (uint64_t)(t >> TSC_SHIFT) + 1;
}

void timer_program(uint64_t deadline_mono_ns)
{
	uint64_t now;

	if (cpu_features.tsc_deadline) {
		/* years ahead is as good as never, and no overflow */
		apic_timer_deadline(deadline_mono_ns >= 1ull << 62 ? 0 :
				    to_tsc(deadline_mono_ns));
		return;
	}
	if (deadline_mono_ns == DEADLINE_NEVER) {
		apic_timer_set(0);
		return;
	}
	now = plat_clock_mono_ns();
	/* too early is allowed: the scheduler sets it again */
	apic_timer_set(deadline_mono_ns <= now ? 1 : (uint32_t)
		       MIN(deadline_mono_ns - now + 1, LAPIC_MAX_NS));
}
