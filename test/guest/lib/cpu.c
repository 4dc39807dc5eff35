/* SPDX-License-Identifier: MIT */
/* Page tables, descriptor tables, traps of a test guest. */
#include "lib.h"

#define SEL_CODE	0x08u
#define SEL_DATA	0x10u
#define SEL_USER_DATA	0x18u
#define SEL_USER_CODE	0x20u
#define SEL_TSS		0x28u

#define OP_STI		0xfb
#define OP_HLT		0xf4

#define PTE_P		1ull
#define PTE_W		2ull
#define PTE_U		4ull
#define PTE_UC		0x18ull		/* PWT | PCD */
#define PTE_HUGE	0x80ull

/* ---- paging: 4 GiB at 0, at the direct map, 1 GiB at the kernel's place ------- */

#define ALIGNED __attribute__((aligned(4096)))
static uint64_t pml4[512] ALIGNED, pdpt[512] ALIGNED, pdpt_high[512] ALIGNED;
static uint64_t pd[4][512] ALIGNED;
static uint64_t window_pd[512] ALIGNED, window_pt[512] ALIGNED;
char window[PAGE_SIZE] ALIGNED;

/*
 * The window's address in the kernel's image is 4 KiB mapped through a table
 * of its own, so that tests may point it anywhere.
 */
static void map_window(void)
{
	uint64_t base = gpa_of(window) & ~0x1fffffull;

	for (uint32_t i = 0; i < 512; i++) {
		window_pd[i] = pd[0][i];
		window_pt[i] = (base + i * 4096ull) | PTE_P | PTE_W;
	}
	window_pd[base >> 21] = gpa_of(window_pt) | PTE_P | PTE_W;
	pdpt_high[510] = gpa_of(window_pd) | PTE_P | PTE_W;
}

void window_map(uint64_t gpa, uint64_t bits)
{
	window_pt[gpa_of(window) >> 12 & 511] = gpa | bits;
	__asm__ volatile("invlpg (%0)" :: "r"(window) : "memory");
}

void paging_is_ready(void);

void paging_init(void)
{
	for (uint64_t i = 0; i < 4 * 512; i++)
		pd[i / 512][i % 512] = i << 21 | PTE_P | PTE_W | PTE_HUGE |
				       (i >= 3 * 512 ? PTE_UC : 0);
	for (uint32_t i = 0; i < 4; i++)
		pdpt[i] = gpa_of(pd[i]) | PTE_P | PTE_W | PTE_U;
	pml4[0] = pml4[256] = gpa_of(pdpt) | PTE_P | PTE_W | PTE_U;
	pml4[511] = gpa_of(pdpt_high) | PTE_P | PTE_W;
	map_window();
	paging_is_ready();
}

uint64_t gpa_of(const volatile void *p)
{
	return (uint64_t)p - ABI_KERNEL_VIRT;
}

void *at(uint64_t gpa)
{
	return (void *)(ABI_DIRECT_MAP + gpa);
}

/* ---- descriptor tables -------------------------------------------------------------- */

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3], reserved1, ist[7], reserved2;
	uint16_t reserved3, io_map;
} __attribute__((packed));

struct gate {
	uint16_t low, sel;
	uint8_t ist, type;
	uint16_t mid;
	uint32_t high, reserved;
};

struct table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static uint64_t gdt[CPUS_MAX][8];
static struct tss tss[CPUS_MAX];
static struct gate idt[256];
char ist_stack[PAGE_SIZE] ALIGNED;
extern const char stubs[];

static void fill_idt(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint64_t fn = (uint64_t)stubs + i * 16ul;

		idt[i].low = (uint16_t)fn;
		idt[i].sel = SEL_CODE;
		idt[i].type = 0x8e;
		idt[i].mid = (uint16_t)(fn >> 16);
		idt[i].high = (uint32_t)(fn >> 32);
	}
}

void set_ist(uint32_t vector, uint32_t ist)
{
	idt[vector].ist = (uint8_t)ist;
}

void set_user_gate(uint32_t vector)
{
	idt[vector].type = 0xee;
}

static void fill_gdt(uint32_t cpu)
{
	uint64_t base = (uint64_t)&tss[cpu], *g = gdt[cpu];

	g[SEL_CODE / 8] = 0x00af9b000000ffffull;
	g[SEL_DATA / 8] = 0x00cf93000000ffffull;
	g[SEL_USER_DATA / 8] = 0x00cff3000000ffffull;
	g[SEL_USER_CODE / 8] = 0x00affb000000ffffull;
	g[SEL_TSS / 8] = (sizeof(struct tss) - 1) |
			 (base & 0xffffff) << 16 | 0x89ull << 40 |
			 (base >> 24 & 0xff) << 56;
	g[SEL_TSS / 8 + 1] = base >> 32;
	tss[cpu].io_map = sizeof(struct tss);
	tss[cpu].rsp[0] = tss[cpu].ist[0] =
		(uint64_t)ist_stack + sizeof(ist_stack);
}

void cpu_setup(uint32_t cpu)
{
	struct table t;

	if (cpu == 0)
		fill_idt();
	fill_gdt(cpu);
	__asm__ volatile("mov %0, %%cr3" :: "r"(gpa_of(pml4)) : "memory");
	t = (struct table){ sizeof(gdt[cpu]) - 1, (uint64_t)gdt[cpu] };
	__asm__ volatile("lgdt %0\n\t"
			 "push %1\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "push %%rax\n\t"
			 "lretq\n"
			 "1:\tmov %2, %%ds\n\t"
			 "mov %2, %%es\n\t"
			 "mov %2, %%ss\n\t"
			 "mov %3, %%fs\n\t"
			 "mov %3, %%gs\n\t"
			 :: "m"(t), "i"(SEL_CODE), "r"(SEL_DATA), "r"(0)
			 : "rax", "memory");
	__asm__ volatile("ltr %w0" :: "r"(SEL_TSS));
	t = (struct table){ sizeof(idt) - 1, (uint64_t)idt };
	__asm__ volatile("lidt %0" :: "m"(t));
}

/* ---- traps ------------------------------------------------------------------------------ */

static void (*handlers[256])(struct frame *f);
static uint64_t try_rsp;
static bool trying;
static struct trap caught;

void try_call_raw(void (*fn)(void *arg), void *arg, uint64_t *saved_rsp);
_Noreturn void try_return(uint64_t saved_rsp);
void trap(struct frame *f);

void set_handler(uint32_t vector, void (*fn)(struct frame *f))
{
	handlers[vector] = fn;
}

struct trap try_call(void (*fn)(void *arg), void *arg)
{
	caught = (struct trap){ .vector = NO_TRAP };
	trying = true;
	try_call_raw(fn, arg, &try_rsp);
	trying = false;
	return caught;
}

/*
 * An interrupt between the sti and the hlt of wait_halted ends its sleep. A
 * processor holds it back until the hlt; QEMU 7.2's emulation forgets to when
 * the CPU has just been entered by VMRUN, and nothing else would come.
 */
static void skip_halt(struct frame *f)
{
	const uint8_t *rip = (const uint8_t *)f->rip;

	if (!(f->cs & 3) && rip[-1] == OP_STI && rip[0] == OP_HLT)
		f->rip++;
}

void trap(struct frame *f)
{
	uint64_t cr2;

	if (f->vector >= 32)
		skip_halt(f);
	if (handlers[f->vector]) {
		handlers[f->vector](f);
		return;
	}
	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	if (trying && f->vector < 32) {
		trying = false;
		caught = (struct trap){ (int)f->vector, f->error, f->rip,
					cr2 };
		try_return(try_rsp);
	}
	die("vector %lu, error 0x%lx at 0x%lx, cr2 0x%lx", f->vector,
	    f->error, f->rip, cr2);
}
