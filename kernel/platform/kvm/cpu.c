/* SPDX-License-Identifier: MIT */
/*
 * What each processor has of its own: struct cpu, segments, the TSS with its
 * three emergency stacks; and the features that all of them have.
 */
#include "platform/kvm/cpu.h"
#include "arch/trap.h"
#include "core/page.h"
#include "lib/string.h"
#include "plat/segments.h"
#include "platform/kvm/cpu_start.h"

#define SEL_TSS		0x40u

#define MSR_EFER	0xc0000080u
#define EFER_SCE	1u
#define EFER_NXE	(1u << 11)
#define CR0_WP		(1ull << 16)
#define CR4_PGE		(1ull << 7)
#define CR4_UMIP	(1ull << 11)
#define CR4_FSGSBASE	(1ull << 16)
#define CR4_SMEP	(1ull << 20)
#define CR4_SMAP	(1ull << 21)

#define BLOCK_ORDER	3u	/* pages */
_Static_assert(sizeof(struct cpu_block) <= PAGE_SIZE << BLOCK_ORDER, "block");

struct cpu_features cpu_features;
static struct cpu_block first;
static struct cpu *cpus[CPU_MAX];	/* set at start */
static uint32_t nr_cpus;

static const uint64_t gdt_template[NR_GDT] = {
	[2] = 0x00af9b000000ffff,	/* 0x10: kernel code */
	[3] = 0x00cf93000000ffff,	/* 0x18: kernel data */
	[5] = 0x00cff3000000ffff,	/* 0x28: program data */
	[6] = 0x00affb000000ffff,	/* 0x30: program code */
};

uint32_t cpu_count(void)
{
	return __atomic_load_n(&nr_cpus, __ATOMIC_ACQUIRE);
}

struct cpu *cpu_get(uint32_t id)
{
	return cpus[id];
}

static struct cpu_block *block_of(struct cpu *c)
{
	return (struct cpu_block *)c;
}

/* --- features -----------------------------------------------------------------*/
void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "a"(leaf), "c"(sub));
}

/* Leaf, register and bit: Intel SDM vol. 2, CPUID. */
void cpu_detect(void)
{
	struct cpu_features *f = &cpu_features;
	uint32_t max[4], one[4], seven[4] = { 0 }, ext[4];

	cpuid(0, 0, max);
	cpuid(1, 0, one);
	if (max[0] >= 7)
		cpuid(7, 0, seven);
	cpuid(0x80000001, 0, ext);
	f->xsave = one[2] >> 26 & 1;
	f->x2apic = one[2] >> 21 & 1;
	f->tsc_deadline = one[2] >> 24 & 1;
	f->pge = one[3] >> 13 & 1;
	f->fsgsbase = seven[1] & 1;
	f->smep = seven[1] >> 7 & 1;
	f->invpcid = seven[1] >> 10 & 1;
	f->smap = seven[1] >> 20 & 1;
	f->umip = seven[2] >> 2 & 1;
	f->nx = ext[3] >> 20 & 1;
	f->huge_1g = ext[3] >> 26 & 1;
	f->rdtscp = ext[3] >> 27 & 1;
}

static void set_controls(void)
{
	const struct cpu_features *f = &cpu_features;
	uint64_t cr0, cr4;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_WP));
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 |= (f->pge ? CR4_PGE : 0) | (f->umip ? CR4_UMIP : 0) |
	       (f->fsgsbase ? CR4_FSGSBASE : 0) | (f->smep ? CR4_SMEP : 0) |
	       (f->smap ? CR4_SMAP : 0);
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
	segment_msr_write(MSR_EFER, segment_msr_read(MSR_EFER) | EFER_SCE |
			  (f->nx ? EFER_NXE : 0));
}

/* --- one processor ---------------------------------------------------------------*/
static void fill_block(struct cpu_block *b)
{
	uint64_t at = (uint64_t)&b->tss, limit = sizeof(b->tss) - 1;

	memcpy(b->gdt, gdt_template, sizeof(b->gdt));
	b->gdt[8] = limit | (at & 0xffffff) << 16 | 0x89ull << 40 |
		    (at >> 24 & 0xff) << 56;
	b->gdt[9] = at >> 32;
	b->tss.io_map = sizeof(b->tss);
	for (uint32_t i = 0; i < NR_IST; i++) {
		uint64_t *top = (uint64_t *)(b->ist[i] + IST_SIZE - 16);

		*top = (uint64_t)&b->cpu;
		b->tss.ist[i] = (uint64_t)top;
	}
}

struct cpu *cpu_create(uint32_t id)
{
	struct cpu_block *b = id ? page_alloc(BLOCK_ORDER, true) : &first;

	if (!b)
		return NULL;
	b->cpu.self = &b->cpu;
	b->cpu.id = b->cpu.apic_id = id;
	b->cpu.bit = 1ull << id;
	fill_block(b);
	cpus[id] = &b->cpu;
	return &b->cpu;
}

void cpu_online(struct cpu *c)
{
	/* ids are given in this order; holes are not allowed */
	__atomic_store_n(&nr_cpus, c->id + 1, __ATOMIC_RELEASE);
}

void cpu_load(struct cpu *c)
{
	struct cpu_block *b = block_of(c);
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr = { sizeof(b->gdt) - 1,
					   (uint64_t)b->gdt };

	set_controls();
	__asm__ volatile("lgdt %0\n\t"
			 "pushq $0x10\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl $0x18, %%eax\n\t"
			 "movl %%eax, %%ss\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%fs\n\t"
			 "movl %%eax, %%gs\n\t"
			 "lldt %%ax\n\t"
			 : : "m"(gdtr) : "rax", "memory");
	/* a TSS that was loaded once is marked busy */
	b->gdt[8] &= ~(2ull << 40);
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
	segment_msr_write(MSR_GS_BASE, (uint64_t)c);
	segment_msr_write(MSR_KERNEL_GS_BASE, 0);
	trap_init_cpu();
	fpu_init_cpu();
}
