/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers: those a kernel uses hold what is written, refuse
 * what is wrong, and others do not exist.
 */
#include "guest.h"

const char guest_name[] = "msr";

#define STAR		0xc0000081u
#define LSTAR		0xc0000082u
#define CSTAR		0xc0000083u
#define SFMASK		0xc0000084u
#define FS_BASE		0xc0000100u
#define GS_BASE		0xc0000101u
#define KERNEL_GS_BASE	0xc0000102u
#define TSC_AUX		0xc0000103u
#define TSC		0x10u
#define TSC_ADJUST	0x3bu
#define SYSENTER_CS	0x174u
#define SYSENTER_ESP	0x175u
#define SYSENTER_EIP	0x176u
#define PAT		0x277u
#define CANONICAL	0xffff923412345678ull
#define NOT_CANONICAL	0x1234567812345678ull

struct access {
	uint32_t msr;
	uint64_t value;
};

static uint64_t value_read;

static void do_read(void *arg)
{
	value_read = rdmsr(((struct access *)arg)->msr);
}

static void do_write(void *arg)
{
	wrmsr(((struct access *)arg)->msr, ((struct access *)arg)->value);
}

static bool faults(void (*fn)(void *), uint32_t msr, uint64_t value)
{
	struct access a = { msr, value };

	return try_call(fn, &a).vector == 13;
}

static void test_holds(uint32_t msr, uint64_t value, const char *name)
{
	uint64_t old;

	if (faults(do_read, msr, 0)) {
		ok(false, "%s: can not be read", name);
		return;
	}
	old = value_read;
	ok(!faults(do_write, msr, value) && rdmsr(msr) == value,
	   "%s holds 0x%lx", name, value);
	wrmsr(msr, old);
}

static void test_plain(void)
{
	test_holds(STAR, 0x0018001000000000ull, "STAR");
	test_holds(LSTAR, CANONICAL, "LSTAR");
	test_holds(CSTAR, CANONICAL, "CSTAR");
	test_holds(SFMASK, 0x47700, "SFMASK");
	test_holds(FS_BASE, CANONICAL, "FS.base");
	test_holds(GS_BASE, CANONICAL, "GS.base");
	test_holds(KERNEL_GS_BASE, CANONICAL, "kernel GS.base");
	test_holds(SYSENTER_CS, 0x10, "SYSENTER_CS");
	test_holds(SYSENTER_ESP, CANONICAL, "SYSENTER_ESP");
	test_holds(SYSENTER_EIP, CANONICAL, "SYSENTER_EIP");
	test_holds(PAT, 0x0007040600070406ull, "PAT");
	if (cpuid(0x80000001, 0).d >> 27 & 1)
		test_holds(TSC_AUX, 77, "TSC_AUX");
	else
		skip("TSC_AUX", "no RDTSCP");
}

/* Written by the processor itself, without KVM: it should know better. */
static void test_canonical(uint32_t msr, const char *name)
{
	uint64_t old = rdmsr(msr);

	if (faults(do_write, msr, NOT_CANONICAL)) {
		ok(true, "%s: canonical only", name);
		return;
	}
	wrmsr(msr, old);
	skip(name, "this processor (an emulated one?) takes any address");
}

static void test_refused(void)
{
	test_canonical(LSTAR, "LSTAR");
	test_canonical(KERNEL_GS_BASE, "kernel GS.base");
	test_canonical(FS_BASE, "FS.base");
	ok(faults(do_write, PAT, 0x0202020202020202ull),
	   "PAT: no reserved types");
	ok(faults(do_write, MSR_EFER, ~0ull), "EFER: no reserved bits");
	ok(faults(do_write, MSR_EFER, rdmsr(MSR_EFER) & ~0x100ull),
	   "EFER.LME stays while paging is on");
	ok(faults(do_write, MSR_APIC_BASE, ~0ull), "APIC base: reserved");
	ok(faults(do_read, 0x12345678, 0) && faults(do_write, 0x12345678, 0),
	   "an MSR that does not exist");
	ok(faults(do_read, 0x4b564dff, 0), "a KVM MSR that does not exist");
}

static void test_tsc(void)
{
	uint64_t before = rdmsr(TSC), t = rdtsc();

	ok(t >= before && t - before < tsc_khz() * 100, "TSC is the TSC");
	if (!(cpuid(7, 0).b >> 1 & 1)) {
		skip("TSC_ADJUST", "CPUID does not offer it");
		return;
	}
	wrmsr(TSC_ADJUST, 1ull << 40);
	t = rdtsc();
	ok(t >> 40 && rdmsr(TSC_ADJUST) == 1ull << 40,
	   "TSC_ADJUST moves the TSC");
	wrmsr(TSC_ADJUST, 0);
	ok(rdtsc() < t, "and back");
}

/* GS and FS by MSR are what the segments use. */
static void test_bases(void)
{
	static uint64_t words[2] = { 111, 222 };
	uint64_t a, b;

	wrmsr(GS_BASE, (uint64_t)words);
	wrmsr(KERNEL_GS_BASE, (uint64_t)(words + 1));
	__asm__ volatile("mov %%gs:0, %0; swapgs; mov %%gs:0, %1; swapgs"
			 : "=r"(a), "=r"(b));
	ok(a == 111 && b == 222, "swapgs");
	wrmsr(FS_BASE, (uint64_t)(words + 1));
	__asm__ volatile("mov %%fs:0, %0" : "=r"(a));
	ok(a == 222, "FS.base");
	if (cpuid(7, 0).b & 1) {
		uint64_t cr4;

		__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
		__asm__ volatile("mov %0, %%cr4" :: "r"(cr4 | 1u << 16));
		__asm__ volatile("wrgsbase %1; rdgsbase %0" : "=r"(a)
				 : "r"((uint64_t)words));
		ok(a == (uint64_t)words, "wrgsbase");
	} else {
		skip("FSGSBASE", "the processor has none");
	}
}

/* ---- hypercalls --------------------------------------------------------------- */

#define KVM_ENOSYS 1000

static int64_t answer;

static void hypercall(void *arg)
{
	uint64_t number = (uint64_t)arg;

	if (cpuid(0, 0).c == 0x444d4163)	/* "cAMD" */
		__asm__ volatile("vmmcall" : "=a"(answer) : "a"(number)
				 : "memory");
	else
		__asm__ volatile("vmcall" : "=a"(answer) : "a"(number)
				 : "memory");
}

static void test_hypercall(void)
{
	ok(try_call(hypercall, (void *)0x7777).vector == NO_TRAP &&
	   answer == -KVM_ENOSYS, "a hypercall that does not exist: %ld",
	   answer);
}

void guest_main(void)
{
	test_plain();
	test_refused();
	test_tsc();
	test_bases();
	test_hypercall();
}
