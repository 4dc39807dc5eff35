/* SPDX-License-Identifier: MIT */
/*
 * Debug registers: breakpoints on code and data, single steps, DR6.
 *
 * Breakpoints are set at the identity map's addresses, which nothing else
 * uses: QEMU's emulation below the rig keeps them when the guest has ended.
 */
#include "guest.h"

const char guest_name[] = "debug";

#define TF 0x100ull
#define RF 0x10000ull

static volatile uint32_t hits, steps;
static volatile uint64_t dr6_seen, rip_seen;
static volatile uint64_t word;

static void debug(struct frame *f)
{
	uint64_t dr6;

	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	dr6_seen = dr6;
	rip_seen = f->rip;
	hits++;
	if (dr6 & 1u << 14)
		steps++;
	f->rflags |= RF;
	__asm__ volatile("mov %0, %%dr6" :: "r"(0xffff0ff0ul));
}

/* The same code or data at its physical address. */
static void *low(const volatile void *p)
{
	return (void *)gpa_of(p);
}

static void set_breakpoint(const volatile void *p, uint64_t kind)
{
	__asm__ volatile("mov %0, %%dr0" :: "r"(p));
	__asm__ volatile("mov %0, %%dr7" :: "r"(kind << 16 | 0x402));
}

__attribute__((noinline)) static void target(void)
{
	__asm__ volatile("nop" ::: "memory");
}

void guest_main(void)
{
	void (*fn)(void) = (void (*)(void))low((void *)target);
	volatile uint64_t *p = low(&word);

	set_handler(1, debug);
	set_breakpoint(fn, 0);
	fn();
	ok(hits == 1 && dr6_seen & 1 && rip_seen == (uint64_t)fn,
	   "a breakpoint on code");
	hits = 0;
	set_breakpoint(p, 0xd);		/* write, 4 bytes */
	(void)*p;
	ok(!hits, "a read does not hit a watch for writing");
	*p = 1;
	ok(hits == 1 && dr6_seen & 1, "a watch on data");
	set_breakpoint(NULL, 0);
	__asm__ volatile("mov %0, %%dr7" :: "r"(0x400ul));
	hits = 0;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n\t"
			 "nop\n\t"
			 "cpuid\n\t"		/* emulated by the host */
			 "pushfq; andq $~0x100, (%%rsp); popfq"
			 ::: "rax", "rbx", "rcx", "rdx", "cc", "memory");
	ok(steps >= 4, "single steps, over an emulated instruction: %u",
	   steps);
}
