/* SPDX-License-Identifier: MIT */
/* Time: TSC, kvmclock, wall clock; they go forward and agree. */
#include "guest.h"

const char guest_name[] = "time";

#define MSR_WALL_CLOCK	0x4b564d00u
#define MSR_SYSTEM_TIME	0x4b564d01u
#define STABLE		1u

struct pvclock {
	uint32_t version, pad;
	uint64_t tsc, ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad2[2];
};

struct wall_clock {
	uint32_t version, sec, ns;
};

static volatile struct pvclock clock __attribute__((aligned(64)));
static volatile struct wall_clock wall __attribute__((aligned(64)));

static uint64_t scale(uint64_t d)
{
	unsigned __int128 v = clock.shift < 0 ? d >> -clock.shift :
						d << clock.shift;

	return (uint64_t)(v * clock.mul >> 32);
}

static uint64_t kvmclock_ns(void)
{
	uint32_t version;
	uint64_t ns;

	do {
		version = clock.version & ~1u;
		__asm__ volatile("" ::: "memory");
		ns = clock.ns + scale(rdtsc() - clock.tsc);
		__asm__ volatile("" ::: "memory");
	} while (version != clock.version);
	return ns;
}

static void test_tsc(void)
{
	uint64_t last = rdtsc();
	bool forward = true;

	for (uint32_t i = 0; i < 100000; i++) {
		uint64_t t = rdtsc();

		forward &= t >= last;
		last = t;
	}
	ok(forward, "the TSC goes forward");
}

static void test_kvmclock(void)
{
	uint64_t last, a, b, t0, ns;
	bool forward = true;

	if (!(cpuid(0x40000001, 0).a >> 3 & 1)) {
		skip("kvmclock", "CPUID does not offer it");
		return;
	}
	wrmsr(MSR_SYSTEM_TIME, gpa_of(&clock) | 1);
	ok(clock.version && !(clock.version & 1) && clock.mul,
	   "kvmclock is filled in");
	ok(clock.flags & STABLE, "kvmclock: stable");
	last = kvmclock_ns();
	for (uint32_t i = 0; i < 100000; i++) {
		uint64_t now = kvmclock_ns();

		forward &= now >= last;
		last = now;
	}
	ok(forward, "kvmclock goes forward");
	a = kvmclock_ns();
	t0 = rdtsc();
	while (rdtsc() - t0 < tsc_khz() * 50)
		;
	b = kvmclock_ns();
	ns = b - a;
	ok(ns > 49 * NS_PER_MS && ns < 100 * NS_PER_MS,
	   "kvmclock and TSC agree: 50 ms are %lu us", ns / 1000);
	wrmsr(MSR_SYSTEM_TIME, 0);
}

static void test_wall_clock(void)
{
	uint64_t wall_ns;

	wrmsr(MSR_WALL_CLOCK, gpa_of(&wall));
	wall_ns = wall.sec * 1000000000ull + wall.ns;
	ok(wall.sec > 1700000000u && wall.ns < 1000000000u,
	   "wall clock: %u s at the start", wall.sec);
	if (!machine->real_ns) {
		skip("wall clock agrees", "no real_ns in the hand-over");
		return;
	}
	ok(machine->real_ns - wall_ns + 60000000000ull < 120000000000ull,
	   "and the hand-over's time agree");
}

void guest_main(void)
{
	apic_enable(false);
	ok(tsc_khz() > 1000, "TSC: %lu kHz", tsc_khz());
	test_tsc();
	test_kvmclock();
	test_wall_clock();
}
