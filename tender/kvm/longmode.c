/* SPDX-License-Identifier: MIT */
/*
 * Registers for a start in 64-bit mode. Everything that VT-x checks at entry
 * is set, not only what SVM looks at: a busy TSS, an unusable LDT.
 */
#include "kvm/longmode.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define GDT_CODE64	0x00af9b000000ffffull
#define GDT_DATA	0x00cf93000000ffffull
#define GDT_TSS		0x00008b0000000067ull

void longmode_fill_gdt(uint64_t gdt[LONGMODE_GDT_ENTRIES])
{
	memset(gdt, 0, LONGMODE_GDT_ENTRIES * sizeof(gdt[0]));
	gdt[ABI_SEL_CODE / 8] = GDT_CODE64;
	gdt[ABI_SEL_DATA / 8] = GDT_DATA;
	gdt[ABI_SEL_TSS / 8] = GDT_TSS;
}

static void set_segments(struct kvm_sregs *s)
{
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = ABI_SEL_CODE, .type = 0xb,
		.present = 1, .s = 1, .l = 1, .g = 1,
	};
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = ABI_SEL_DATA, .type = 3,
		.present = 1, .db = 1, .s = 1, .g = 1,
	};

	s->cs = code;
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->tr = (struct kvm_segment){
		.limit = 0x67, .selector = ABI_SEL_TSS, .type = 0xb,
		.present = 1,
	};
	s->ldt = (struct kvm_segment){ .unusable = 1, .type = 2 };
}

int longmode_set(int vcpu_fd, const struct longmode_start *start)
{
	struct kvm_regs regs = {
		.rip = start->rip, .rsp = start->rsp, .rdi = start->rdi,
		.rflags = 2,
	};
	struct kvm_sregs s;

	if (ioctl(vcpu_fd, KVM_GET_SREGS, &s))
		return -errno;
	set_segments(&s);
	s.gdt.base = start->gdt_base;
	s.gdt.limit = start->gdt_limit;
	s.idt.base = 0;
	s.idt.limit = 0;
	s.cr3 = start->cr3;
	s.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	s.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &s) ||
	    ioctl(vcpu_fd, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

int longmode_set_runnable(int vcpu_fd)
{
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_RUNNABLE };

	return ioctl(vcpu_fd, KVM_SET_MP_STATE, &s) ? -errno : 0;
}
