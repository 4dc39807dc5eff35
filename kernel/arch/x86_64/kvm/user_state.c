/* SPDX-License-Identifier: MIT */
/*
 * Vector state and segment bases of programs across switches. The kernel uses
 * general registers only, so the program's state stays in the processor until
 * another program's comes: it is saved at every switch away from a program
 * (so any CPU may go on with it), but loaded only when the registers of this
 * CPU do not hold it any more. cpu->fpu_owner is the last whose state was
 * loaded there, plat.fpu_cpu where a task's newest state is; both must agree.
 */
#include "arch/user_state.h"
#include "platform/kvm/user_message.h"
#include "arch/trap.h"
#include "core/panic.h"
#include "lib/string.h"
#include "plat/segments.h"
#include "plat/user_access.h"
#include "platform/kvm/cpu.h"

bool plat_has_smap, plat_has_fsgsbase;

/* XCR0 bits: x87 SSE AVX, and the three of AVX-512 */
#define XCR0_BASIC	0x07u
#define XCR0_AVX	0x04u
#define XCR0_AVX512	0xe0u
#define CR0_MP		(1ull << 1)
#define CR0_EM		(1ull << 2)
#define CR0_TS		(1ull << 3)
#define CR0_NE		(1ull << 5)
#define CR4_OSFXSR	(1ull << 9)
#define CR4_OSXMMEXCPT	(1ull << 10)
#define CR4_OSXSAVE	(1ull << 18)
#define X87_CONTROL	0x37fu
#define MXCSR_START	0x1f80u

_Static_assert(sizeof(struct task) <= PLAT_FPU_OFFSET, "task block layout");
_Static_assert(PLAT_FPU_OFFSET + PLAT_FPU_SIZE <= PLAT_GUARD_OFFSET &&
	       PLAT_FPU_OFFSET % 64 == 0, "task block layout");

/* set once; 0: no XSAVE, FXSAVE instead */
static uint64_t xcr0;
uint32_t user_message_state;
uint64_t user_message_closed = 1;

static void *area_of(struct task *t)
{
	return (char *)t + PLAT_FPU_OFFSET;
}

static void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "a"(leaf), "c"(sub));
}

static void write_xcr0(uint64_t v)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)v),
			 "d"((uint32_t)(v >> 32)));
}

/* What the processor offers of what fits the area, in the standard format. */
static uint64_t choose_xcr0(void)
{
	uint32_t r[4];
	uint64_t v;

	cpuid(0xd, 0, r);
	v = r[0] & (XCR0_BASIC | XCR0_AVX512);
	if ((v & XCR0_AVX512) != XCR0_AVX512 || !(v & XCR0_AVX))
		v &= XCR0_BASIC;
	write_xcr0(v);
	cpuid(0xd, 0, r);
	if (r[1] <= PLAT_FPU_SIZE)
		return v;
	return v & XCR0_BASIC;
}

void fpu_init_cpu(void)
{
	uint64_t cr0, cr4;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	cr0 = (cr0 | CR0_MP | CR0_NE) & ~(CR0_EM | CR0_TS);
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0));
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (cpu_features.xsave)
		cr4 |= CR4_OSXSAVE;
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
	if (cpu_features.xsave) {
		if (!xcr0) {
			xcr0 = choose_xcr0();
			user_message_state = (uint32_t)xcr0;
			user_message_closed = !cpu_features.fsgsbase ||
					      !cpu_features.smap;
		}
		write_xcr0(xcr0);
	}
	__asm__ volatile("fninit");
}

static void fpu_save(void *area)
{
	if (xcr0)
		__asm__ volatile("xsave64 (%0)"
				 : : "r"(area), "a"((uint32_t)xcr0), "d"(0)
				 : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void fpu_load(const void *area)
{
	if (xcr0)
		__asm__ volatile("xrstor64 (%0)"
				 : : "r"(area), "a"((uint32_t)xcr0), "d"(0)
				 : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* The program's GS base; the kernel's is in force again afterwards. */
static uint64_t swap_read_gs(void)
{
	uint64_t v;

	__asm__ volatile("swapgs\n\trdgsbase %0\n\tswapgs"
			 : "=r"(v) : : "memory");
	return v;
}

static void swap_write_gs(uint64_t v)
{
	__asm__ volatile("swapgs\n\twrgsbase %0\n\tswapgs"
			 : : "r"(v) : "memory");
}

void user_state_save(struct cpu *c, struct task *t)
{
	struct plat_task *p = &t->arch.plat;

	p->fs_base = arch_get_fs();
	p->gs_base = plat_has_fsgsbase ? swap_read_gs() : arch_get_gs();
	fpu_save(area_of(t));
}

void user_state_load(struct cpu *c, struct task *t)
{
	struct plat_task *p = &t->arch.plat;

	arch_set_fs(p->fs_base);
	if (plat_has_fsgsbase)
		swap_write_gs(p->gs_base);
	else
		segment_msr_write(MSR_KERNEL_GS_BASE, p->gs_base);
	if (c->fpu_owner == t && p->fpu_cpu == c->id + 1)
		return;
	fpu_load(area_of(t));
	c->fpu_owner = t;
	p->fpu_cpu = c->id + 1;
}

void user_state_forget(struct cpu *c, const struct task *t)
{
	if (c->fpu_owner == t)
		c->fpu_owner = NULL;
}

void user_state_copy(struct task *t, uint64_t fs_base)
{
	memset(area_of(t), 0, PLAT_FPU_SIZE);
	fpu_save(area_of(t));
	t->arch.plat.fs_base = fs_base;
	t->arch.plat.gs_base = arch_get_gs();
}

void user_state_init(struct task *t)
{
	uint8_t *area = area_of(t);
	uint16_t control = X87_CONTROL;
	uint32_t mxcsr = MXCSR_START;

	memset(area, 0, PLAT_FPU_SIZE);
	memcpy(area, &control, sizeof(control));
	memcpy(area + 24, &mxcsr, sizeof(mxcsr));
	t->arch.plat.fs_base = t->arch.plat.gs_base = 0;
}
