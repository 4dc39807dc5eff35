/* SPDX-License-Identifier: MIT */
/* What CPUID says is consistent, and enough for the kernel. */
#include "guest.h"

const char guest_name[] = "cpuid";

#define KVM_LEAF	0x40000000u
#define FREQUENCY_LEAF	0x40000010u
#define BIT(word, n)	((word) >> (n) & 1)

static void test_needed(void)
{
	struct cpuid one = cpuid(1, 0), ext = cpuid(0x80000001, 0);

	ok(cpuid(0, 0).a >= 0xd, "leaves up to 0xd: 0x%x", cpuid(0, 0).a);
	ok(BIT(one.d, 0) && BIT(one.d, 4) && BIT(one.d, 5) &&
	   BIT(one.d, 6) && BIT(one.d, 8) && BIT(one.d, 9),
	   "FPU TSC MSR PAE CX8 APIC");
	ok(BIT(one.d, 13) && BIT(one.d, 15) && BIT(one.d, 16) &&
	   BIT(one.d, 24) && BIT(one.d, 25) && BIT(one.d, 26),
	   "PGE CMOV PAT FXSR SSE SSE2");
	ok(BIT(ext.d, 29) && BIT(ext.d, 20) && BIT(ext.d, 11),
	   "long mode, NX, SYSCALL");
	ok(BIT(one.c, 31), "says that there is a hypervisor");
	ok(BIT(one.c, 21), "x2APIC");
	ok(BIT(one.c, 24), "TSC-deadline timer");
}

static void test_hypervisor(void)
{
	struct cpuid k = cpuid(KVM_LEAF, 0), f;

	ok(k.b == 0x4b4d564b && k.c == 0x564b4d56 && k.d == 0x4d,
	   "signature KVMKVMKVM");
	f = cpuid(KVM_LEAF + 1, 0);
	ok(BIT(f.a, 3), "kvmclock");
	ok(BIT(f.a, 24), "kvmclock is stable");
	if (k.a < FREQUENCY_LEAF) {
		skip("TSC frequency", "no leaf 0x40000010");
		return;
	}
	f = cpuid(FREQUENCY_LEAF, 0);
	ok(!machine->tsc_khz || f.a == machine->tsc_khz,
	   "TSC frequency: %u kHz, as the hand-over says", f.a);
}

/* Ids here; on the other CPUs in smp.c. */
static void test_ids(void)
{
	struct cpuid one = cpuid(1, 0);

	ok(one.b >> 24 == 0, "APIC id 0");
	if (cpuid(0, 0).a >= 0xb && cpuid(0xb, 0).b)
		ok(cpuid(0xb, 0).d == 0 && cpuid(0xb, 1).d == 0,
		   "x2APIC id 0");
	else
		skip("topology leaf", "there is none");
	ok((one.b >> 16 & 0xff) >= machine->nr_cpus || machine->nr_cpus == 1 ||
	   !BIT(one.d, 28), "count of logical processors");
}

static void test_xsave(void)
{
	struct cpuid one = cpuid(1, 0), x;

	if (!BIT(one.c, 26)) {
		skip("XSAVE", "the processor has none");
		return;
	}
	x = cpuid(0xd, 0);
	ok((x.a & 3) == 3 && x.c >= 576 && x.c <= 16384,
	   "XSAVE: components 0x%x, %u bytes", x.a, x.c);
	ok(!BIT(one.c, 28) || x.a >> 2 & 1, "AVX has its component");
}

/* What our machine does not have must not be promised. */
static void test_not_promised(void)
{
	ok(!BIT(cpuid(1, 0).c, 5), "no VMX");
	ok(!BIT(cpuid(0x80000001, 0).c, 2), "no SVM");
	ok(!BIT(cpuid(1, 0).c, 3), "no MONITOR");
	ok(!(cpuid(0, 0).a >= 0xa && cpuid(0xa, 0).a & 0xff), "no PMU");
}

void guest_main(void)
{
	test_needed();
	test_hypervisor();
	test_ids();
	test_xsave();
	test_not_promised();
}
