/* SPDX-License-Identifier: MIT */
/*
 * Vector state: x87 and SSE, XCR0, AVX, and that exits leave them alone.
 *
 * XCR0 is only ever set to all that CPUID offers, which the monitor has set
 * already: QEMU's emulation below the rig lets a guest change the host's.
 */
#include "guest.h"

const char guest_name[] = "fpu";

static void set_cr4(uint64_t bits)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	__asm__ volatile("mov %0, %%cr4" :: "r"(v | bits));
}

static void xsetbv(uint64_t v)
{
	__asm__ volatile("xsetbv" :: "c"(0), "a"((uint32_t)v),
			 "d"((uint32_t)(v >> 32)));
}

static uint64_t xgetbv(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

static void bad_xcr0(void *arg)
{
	xsetbv((uint64_t)arg);
}

static void sse_use(void *arg)
{
	__asm__ volatile("movaps %%xmm0, %%xmm1" ::: "memory");
}

static void set_ts(bool on)
{
	uint64_t v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	v = on ? v | 8 : v & ~8ull;
	__asm__ volatile("mov %0, %%cr0" :: "r"(v));
}

static void test_sse(void)
{
	uint64_t in = 0x1122334455667788ull, out = 0;
	struct trap t;

	__asm__ volatile("movq %1, %%xmm5\n\t"
			 "inl $0x80, %%eax\n\t"		/* an exit */
			 "cpuid\n\t"
			 "movq %%xmm5, %0"
			 : "=r"(out) : "r"(in)
			 : "eax", "ebx", "ecx", "edx");
	ok(out == in, "SSE registers survive exits");
	set_ts(true);
	t = try_call(sse_use, NULL);
	ok(t.vector == 7, "CR0.TS: vector %d", t.vector);
	set_ts(false);
	ok(try_call(sse_use, NULL).vector == NO_TRAP, "and without");
}

static void test_x87(void)
{
	uint16_t word = 0x37f, back = 0;
	uint32_t v = 42, r = 0;

	__asm__ volatile("fninit; fldcw %1; fnstcw %0" : "=m"(back)
			 : "m"(word));
	ok(back == 0x37f, "x87 control word");
	__asm__ volatile("fildl %1; inl $0x80, %%eax; fistpl %0"
			 : "=m"(r) : "m"(v) : "eax");
	ok(r == 42, "x87 registers survive an exit");
}

static void test_avx(void)
{
	struct cpuid all = cpuid(0xd, 0);
	uint64_t wanted = (uint64_t)all.d << 32 | all.a;
	uint64_t in[4] = { 1, 2, 3, 0x1234567890abcdefull }, out[4] = { 0 };

	if (!(cpuid(1, 0).c >> 28 & 1)) {
		skip("AVX", "the processor has none");
		return;
	}
	ok(xgetbv() == wanted, "XCR0 is 0x%lx from the start", xgetbv());
	if (xgetbv() != wanted)
		return;
	xsetbv(wanted);
	__asm__ volatile("vmovdqu %1, %%ymm3\n\t"
			 "inl $0x80, %%eax\n\t"
			 "vmovdqu %%ymm3, %0"
			 : "=m"(out) : "m"(in) : "eax");
	ok(out[0] == 1 && out[3] == in[3], "AVX registers survive an exit");
	ok(cpuid(0xd, 0).b >= 832, "size of the state with AVX: %u",
	   cpuid(0xd, 0).b);
}

void guest_main(void)
{
	set_cr4(3u << 9);		/* OSFXSR, OSXMMEXCPT */
	test_sse();
	test_x87();
	if (!(cpuid(1, 0).c >> 26 & 1)) {
		skip("XSAVE", "the processor has none");
		return;
	}
	set_cr4(1u << 18);
	ok(cpuid(1, 0).c >> 27 & 1, "CPUID follows CR4.OSXSAVE");
	ok(try_call(bad_xcr0, (void *)2).vector == 13, "XCR0 without x87");
	ok(try_call(bad_xcr0, (void *)(1ull << 62)).vector == 13,
	   "XCR0 with unknown bits");
	ok(try_call(bad_xcr0, (void *)5).vector == 13,
	   "XCR0 with AVX, without SSE");
	test_avx();
}
