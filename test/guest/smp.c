/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs, entered directly: all come, with their own id; interrupts
 * from one to another in both modes, broadcast, NMI, HLT and wake-up; the
 * same word changed by all.
 */
#include "guest.h"

const char guest_name[] = "smp";

#define ROUNDS		200u
#define ADDS		20000u
#define VEC_PING	VEC_TEST
#define VEC_STOP	(VEC_TEST + 1)
#define VEC_ADD		(VEC_TEST + 2)

static volatile uint32_t ids[CPUS_MAX], pongs, nmis, adds_done;
static volatile uint64_t sum;
static volatile uint32_t phase;		/* odd: x2APIC */

static void ping(struct frame *f)
{
	apic_eoi();
	__atomic_fetch_add(&pongs, 1, __ATOMIC_SEQ_CST);
}

static void nmi(struct frame *f)
{
	__atomic_fetch_add(&nmis, 1, __ATOMIC_SEQ_CST);
}

static void add(struct frame *f)
{
	apic_eoi();
	for (uint32_t i = 0; i < ADDS; i++)
		__atomic_fetch_add(&sum, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&adds_done, 1, __ATOMIC_SEQ_CST);
}

static void change_mode(struct frame *f)
{
	apic_eoi();
	apic_enable(true);
	__atomic_fetch_add(&pongs, 1, __ATOMIC_SEQ_CST);
}

void ap_main(uint32_t cpu)
{
	apic_enable(false);
	ids[cpu] = apic_id() << 16 | (cpuid(1, 0).b >> 24) << 8 |
		   (cpuid(0, 0).a >= 0xb && cpuid(0xb, 0).b ?
		    cpuid(0xb, 0).d & 0xff : cpu);
	__atomic_fetch_add(&phase, 1, __ATOMIC_SEQ_CST);
	for (;;)
		wait_halted();
}

static bool wait_for(volatile uint32_t *word, uint32_t value)
{
	uint64_t end = rdtsc() + tsc_khz() * 3000;

	while (*word < value && rdtsc() < end)
		__asm__ volatile("pause");
	return *word >= value;
}

static void test_ids(uint32_t nr)
{
	for (uint32_t i = 1; i <= nr; i++)
		ok(ids[i] == (i << 16 | i << 8 | i),
		   "CPU %u: ids of APIC and CPUID are 0x%x", i, ids[i]);
}

static void test_pings(uint32_t nr, const char *mode)
{
	uint32_t good = 0;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		pongs = 0;
		apic_ipi(1 + round % nr, VEC_PING);
		good += wait_for(&pongs, 1);
	}
	ok(good == ROUNDS, "%s: %u of %u wake-ups of halted CPUs", mode,
	   good, ROUNDS);
	good = 0;
	for (uint32_t round = 0; round < ROUNDS / 4; round++) {
		pongs = 0;
		apic_ipi(0, ICR_OTHERS | VEC_PING);
		good += wait_for(&pongs, nr);
	}
	ok(good == ROUNDS / 4, "%s: broadcast to the others", mode);
	nmis = 0;
	for (uint32_t i = 1; i <= nr; i++)
		apic_ipi(i, ICR_NMI);
	ok(wait_for(&nmis, nr), "%s: NMI to each", mode);
	sum = adds_done = 0;
	apic_ipi(0, ICR_OTHERS | VEC_ADD);
	ok(wait_for(&adds_done, nr) && sum == (uint64_t)nr * ADDS,
	   "%s: atomic additions by all", mode);
}

void guest_main(void)
{
	uint32_t nr = machine->nr_cpus - 1;

	if (!nr) {
		skip("all", "the machine has one CPU");
		return;
	}
	apic_enable(false);
	set_handler(VEC_PING, ping);
	set_handler(VEC_ADD, add);
	set_handler(VEC_STOP, change_mode);
	set_handler(2, nmi);
	ok(wait_for(&aps_started, nr) && wait_for(&phase, nr),
	   "%u CPUs came by themselves", aps_started);
	test_ids(nr);
	test_pings(nr, "xapic");
	if (!has_x2apic())
		return;
	pongs = 0;
	apic_ipi(0, ICR_OTHERS | VEC_STOP);
	ok(wait_for(&pongs, nr), "all change to x2APIC");
	apic_enable(true);
	test_pings(nr, "x2apic");
}
