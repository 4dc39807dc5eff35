/* SPDX-License-Identifier: MIT */
/*
 * What a test guest stands on: it is entered as a kernel is (abi/machine.h),
 * has page tables, an interrupt table and output, and says in TAP what the
 * machine did right. One CPU unless it starts more; no memory allocation.
 */
#pragma once
#include "abi/machine.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE	4096u
#define CPUS_MAX	8u
#define VEC_TEST	0x80u		/* free for tests: 0x80..0x8f */
#define NS_PER_MS	1000000ull

/* ---- the guest gives these ---- */
extern const char guest_name[];
void guest_main(void);

/* ---- output and results ---- */
void put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One result. */
void ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void skip(const char *name, const char *why);
_Noreturn void guest_exit(uint32_t value);

/* ---- the machine ---- */
extern const struct abi_machine *machine;
/* The device of a virtio type, or NULL. */
const struct abi_device *device_of(uint32_t type);
/* Any guest physical address below 4 GiB; devices are uncached there. */
void *at(uint64_t gpa);
uint64_t gpa_of(const volatile void *p);
/* Page table entry (4 KiB) of a page that tests may remap. */
extern char window[PAGE_SIZE];
void window_map(uint64_t gpa, uint64_t bits);

/* ---- traps and interrupts ---- */
struct frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx,
		 rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

#define NO_TRAP (-1)

struct trap {
	int vector;		/* NO_TRAP */
	uint64_t error, rip, cr2;
};

/* Call fn(arg) and catch the exception that ends it (first CPU only). */
struct trap try_call(void (*fn)(void *arg), void *arg);
/* Called for the vector, then the frame is gone back to. */
void set_handler(uint32_t vector, void (*fn)(struct frame *f));
/* Use stack `ist` (1..7) of the TSS for the vector. */
void set_ist(uint32_t vector, uint32_t ist);
/* A vector that ring 3 may raise. */
void set_user_gate(uint32_t vector);
/* Loads GDT, TSS, IDT, page tables on this CPU. */
void cpu_setup(uint32_t cpu);
extern char ist_stack[PAGE_SIZE];

/* ---- local APIC, in either mode ---- */
#define APIC_ID		0x02u
#define APIC_VERSION	0x03u
#define APIC_TPR	0x08u
#define APIC_PPR	0x0au
#define APIC_EOI	0x0bu
#define APIC_LDR	0x0du
#define APIC_SVR	0x0fu
#define APIC_ISR	0x10u
#define APIC_TMR	0x18u
#define APIC_IRR	0x20u
#define APIC_ESR	0x28u
#define APIC_ICR	0x30u
#define APIC_LVT_TIMER	0x32u
#define APIC_LVT_LINT0	0x35u
#define APIC_TIMER_INIT	0x38u
#define APIC_TIMER_NOW	0x39u
#define APIC_TIMER_DIV	0x3eu
#define APIC_SELF_IPI	0x3fu
#define APIC_ENABLE	0x100u		/* in SVR */
#define APIC_MASKED	(1u << 16)
#define TIMER_PERIODIC	(1u << 17)
#define TIMER_DEADLINE	(2u << 17)
#define ICR_NMI		0x400u
#define ICR_INIT	0x500u
#define ICR_STARTUP	0x600u
#define ICR_LEVEL	0x4000u
#define ICR_SELF	(1u << 18)
#define ICR_ALL		(2u << 18)
#define ICR_OTHERS	(3u << 18)

bool has_x2apic(void);
void apic_enable(bool x2);
bool apic_is_x2(void);
uint32_t apic_read(uint32_t reg);
void apic_write(uint32_t reg, uint32_t v);
void apic_ipi(uint32_t dest, uint32_t low);
void apic_eoi(void);
uint32_t apic_id(void);

/* ---- time ---- */
uint64_t tsc_khz(void);
uint64_t ns_now(void);
/* Spin, or with interrupts open halt, until *word changes or ms passed. */
bool wait_change(volatile uint32_t *word, uint32_t old, uint32_t ms);

/* ---- instructions ---- */
#define MSR_APIC_BASE	0x1bu
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_EFER	0xc0000080u

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" :: "c"(msr), "a"((uint32_t)v),
			 "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return (uint64_t)hi << 32 | lo;
}

struct cpuid {
	uint32_t a, b, c, d;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(sub));
	return r;
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" :: "a"(v), "Nd"(port) : "memory");
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline void irq_on(void)
{
	__asm__ volatile("sti; nop" ::: "memory");
}

static inline void irq_off(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline void wait_halted(void)	/* interrupts open only inside */
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

/* ---- the other CPUs (start.S enters here) ---- */
void ap_main(uint32_t cpu);	/* the guest's, or a default that halts */
extern volatile uint32_t aps_started;	/* counts those in ap_main */
