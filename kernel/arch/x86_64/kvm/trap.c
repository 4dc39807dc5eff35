/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts, from entry.S. A program's exception becomes the
 * signal and code that Linux gives (the tables of its arch/x86/kernel/traps.c
 * as seen from outside: test/linux/signal_fault.c). One in the kernel is
 * either an access to program memory with a fix-up, or the kernel's bug.
 *
 * Faults on program addresses are served by space_fault with interrupts on;
 * where the kernel may not sleep they fail at once, to the fix-up.
 */
#include "arch/trap.h"
#include "arch/arch_task.h"
#include "arch/fixup.h"
#include "arch/irqflags.h"
#include "arch/regs.h"
#include "core/panic.h"
#include "core/task.h"
#include "plat/segments.h"
#include "plat/user_access.h"
#include "platform/kvm/cpu.h"
#include "platform/kvm/irq.h"
#include "platform/kvm/sched.h"
#include "platform/kvm/space.h"
#include <asm/siginfo.h>
#include <asm/signal.h>

#define VECTOR_DB	1u
#define VECTOR_NMI	2u
#define VECTOR_BP	3u
#define VECTOR_OF	4u
#define VECTOR_DF	8u
#define VECTOR_PF	14u
#define VECTOR_MF	16u
#define VECTOR_MC	18u
#define VECTOR_XM	19u
#define NR_EXCEPTIONS	32u

/* Error code of a page fault. */
#define PF_PRESENT	1u
#define PF_WRITE	2u
#define PF_RESERVED	8u
#define PF_FETCH	16u

#define RFLAGS_TF	(1ull << 8)
#define RFLAGS_AC	(1ull << 18)
#define CR0_AM		(1ull << 18)
#define DR6_STEP	(1ull << 14)
#define DR6_CLEAR	0xffff0ff0ull
#define USER_HALF_END	0x800000000000ull

/* What entry_kernel and entry_paranoid push. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

extern const char switch_idle_halt[], switch_idle_end[];	/* switch.S */

void trap_user(struct regs *r, uint32_t vector, uint64_t error);
void trap_wild_return(struct regs *r);
void trap_kernel(struct trap_frame *f);
void trap_paranoid(struct trap_frame *f);
void user_fault(struct regs *r);

static const char *const names[NR_EXCEPTIONS] = {
	"divide error", "debug", "non-maskable interrupt", "breakpoint",
	"overflow", "bound range", "invalid opcode", "device not available",
	"double fault", "coprocessor overrun", "invalid TSS",
	"segment not present", "stack segment", "general protection",
	"page fault", "reserved", "x87", "alignment check", "machine check",
	"SIMD", "virtualization", "control protection",
};

static const char *vector_name(uint64_t vector)
{
	return vector < NR_EXCEPTIONS && names[vector] ? names[vector] :
	       "unexpected";
}

static uint64_t read_cr2(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

static uint64_t take_dr6(void)
{
	uint64_t v;

	__asm__ volatile("mov %%db6, %0" : "=r"(v));
	__asm__ volatile("mov %0, %%db6" : : "r"(DR6_CLEAR));
	return v;
}

/*
 * Handlers wake at once: the interrupted task may be holding wake-ups back
 * (task_wakes_begin), and its list of them is not the handler's to touch.
 */
static void run_interrupt(uint32_t vector)
{
	struct task *t = current_task();
	uint32_t depth = t->defer_depth;

	this_cpu()->stats.interrupts++;
	t->defer_depth = 0;
	irq_dispatch(vector);
	t->defer_depth = depth;
}

static void count_exception(uint64_t vector)
{
	struct sched_stats *s = &this_cpu()->stats;

	s->exceptions++;
	s->page_faults += vector == VECTOR_PF;
}

/* --- exceptions of programs -------------------------------------------------*/
enum fault_addr { ADDR_NONE, ADDR_RIP };

struct signal_of {
	uint8_t signo, addr;
	uint8_t code;
};

static const struct signal_of signals[NR_EXCEPTIONS] = {
	[0] = { SIGFPE, ADDR_RIP, FPE_INTDIV },
	[VECTOR_BP] = { SIGTRAP, ADDR_NONE, SI_KERNEL },
	[5] = { SIGSEGV, ADDR_NONE, SI_KERNEL },
	[6] = { SIGILL, ADDR_RIP, ILL_ILLOPN },
	[10] = { SIGSEGV, ADDR_NONE, SI_KERNEL },
	[11] = { SIGBUS, ADDR_NONE, SI_KERNEL },
	[12] = { SIGBUS, ADDR_NONE, SI_KERNEL },
	[13] = { SIGSEGV, ADDR_NONE, SI_KERNEL },
	[17] = { SIGBUS, ADDR_NONE, BUS_ADRALN },
};

/* si_code of the first unmasked exception in x87 or SSE flags; 0: none. */
static uint32_t float_code(uint32_t raised)
{
	if (raised & 0x01)
		return FPE_FLTINV;
	if (raised & 0x04)
		return FPE_FLTDIV;
	if (raised & 0x08)
		return FPE_FLTOVF;
	if (raised & 0x12)		/* denormal operand, underflow */
		return FPE_FLTUND;
	return raised & 0x20 ? FPE_FLTRES : 0;
}

static uint32_t x87_code(void)
{
	uint16_t status, control;

	__asm__ volatile("fnstsw %0\n\tfnstcw %1"
			 : "=m"(status), "=m"(control));
	return float_code(status & ~(uint32_t)control & 0x3f);
}

static uint32_t sse_code(void)
{
	uint32_t mxcsr;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	return float_code(mxcsr & ~(mxcsr >> 7) & 0x3f);
}

static void give_signal(struct regs *r, uint32_t vector, uint64_t error,
			uint32_t signo, uint32_t code, uint64_t addr)
{
	current_task()->arch.fault = (struct arch_fault){
		.signo = signo, .code = code, .addr = addr,
		.trapno = vector, .error = error,
	};
	user_fault(r);
}

static void page_fault_user(struct regs *r, uint64_t addr, uint64_t error)
{
	struct task *t = current_task();
	struct arch_fault f = { .signo = SIGSEGV, .code = SEGV_MAPERR };

	if (error & PF_RESERVED)
		panic("damaged page table: address %#lx, error %#lx", addr,
		      error);
	if (addr >= USER_HALF_END)
		error |= PF_PRESENT;	/* tells nothing of the kernel's half */
	else if (!space_fault(t->arch.plat.space, addr, SPACE_USER |
			      (error & PF_WRITE ? SPACE_WRITE : 0) |
			      (error & PF_FETCH ? SPACE_EXEC : 0), &f))
		return;
	give_signal(r, VECTOR_PF, error, f.signo, f.code, addr);
}

static void debug_user(struct regs *r, uint64_t dr6)
{
	give_signal(r, VECTOR_DB, 0, SIGTRAP,
		    dr6 & DR6_STEP ? TRAP_TRACE : TRAP_BRKPT, r->rip);
}

static void float_user(struct regs *r, uint32_t vector, uint32_t code)
{
	if (code)
		give_signal(r, vector, 0, SIGFPE, code, r->rip);
}

static void exception_user(struct regs *r, uint32_t vector, uint64_t error)
{
	const struct signal_of *s = &signals[vector];
	bool known = vector < NR_EXCEPTIONS && s->signo;

	give_signal(r, vector, error, known ? s->signo : SIGSEGV,
		    known ? s->code : SI_KERNEL,
		    known && s->addr == ADDR_RIP ? r->rip : 0);
}

/* From entry_common, interrupts off; the record is complete. */
void trap_user(struct regs *r, uint32_t vector, uint64_t error)
{
	uint64_t info = 0;

	if (vector >= NR_EXCEPTIONS) {
		run_interrupt(vector);
		return;
	}
	count_exception(vector);
	/* another fault, once interrupts are on, overwrites these */
	if (vector == VECTOR_PF)
		info = read_cr2();
	else if (vector == VECTOR_DB)
		info = take_dr6();
	irq_enable();
	switch (vector) {
	case VECTOR_PF:
		page_fault_user(r, info, error);
		break;
	case VECTOR_DB:
		debug_user(r, info);
		break;
	case VECTOR_MF:
		float_user(r, vector, x87_code());
		break;
	case VECTOR_XM:
		float_user(r, vector, sse_code());
		break;
	default:
		exception_user(r, vector, error);
	}
}

/* The program is to go on at an address that no processor can have in rip. */
void trap_wild_return(struct regs *r)
{
	give_signal(r, 13, 0, SIGSEGV, SI_KERNEL, 0);
}

/* --- exceptions of the kernel -------------------------------------------------*/
static void bug(const struct trap_frame *f, uint64_t addr) __noreturn;

static void bug(const struct trap_frame *f, uint64_t addr)
{
	uint64_t guard = (uint64_t)current_task() + PLAT_GUARD_OFFSET;

	if (f->vector == VECTOR_DF && addr - guard < PAGE_SIZE)
		panic_at(f->rip, f->rbp, "kernel stack overflow: stack %#lx",
			 f->rsp);
	panic_at(f->rip, f->rbp, "%s in the kernel: error %#lx, address %#lx, "
		 "stack %#lx, flags %#lx", vector_name(f->vector), f->error,
		 addr, f->rsp, f->rflags);
}

static void fix_up(struct trap_frame *f, uint64_t addr)
{
	uint64_t to = fixup_find(f->rip);

	if (!to)
		bug(f, addr);
	f->rip = to;
}

/* Interrupts and preemption are on where it happened. */
static bool may_sleep(const struct trap_frame *f)
{
	return f->rflags & RFLAGS_IF && !this_cpu()->preempt_off;
}

static void page_fault_kernel(struct trap_frame *f)
{
	struct task *t = current_task();
	uint64_t addr = read_cr2();
	struct arch_fault fault;
	int err = -EFAULT;

	if (addr >= USER_HALF_END || f->error & (PF_RESERVED | PF_FETCH) ||
	    (plat_has_smap && !(f->rflags & RFLAGS_AC)))
		bug(f, addr);
	if (may_sleep(f) && t->arch.plat.space) {
		irq_enable();
		err = space_fault(t->arch.plat.space, addr,
				  f->error & PF_WRITE ? SPACE_WRITE : 0,
				  &fault);
		irq_disable();
	}
	if (err)
		fix_up(f, addr);
}

static void exception_kernel(struct trap_frame *f)
{
	switch (f->vector) {
	case VECTOR_PF:
		page_fault_kernel(f);
		break;
	case VECTOR_DB:
		/* no breakpoints are ever set, and TF is off in the kernel */
		take_dr6();
		f->rflags &= ~RFLAGS_TF;
		break;
	default:
		fix_up(f, 0);
	}
}

/*
 * An interrupt between sti and hlt has woken this CPU, which must not halt
 * then: nothing would wake it again. The processor holds interrupts off there,
 * but not if an NMI comes just then, nor in every emulation of it (QEMU 7.2
 * forgets it if the CPU had just been entered by VMRUN).
 */
static void skip_halt(struct trap_frame *f)
{
	if (f->rip == (uint64_t)switch_idle_halt)
		f->rip = (uint64_t)switch_idle_end;
}

/* From entry_kernel, interrupts off. */
void trap_kernel(struct trap_frame *f)
{
	if (f->vector < NR_EXCEPTIONS) {
		count_exception(f->vector);
		exception_kernel(f);
		return;
	}
	skip_halt(f);
	run_interrupt((uint32_t)f->vector);
	if (f->rflags & RFLAGS_IF)
		sched_preempt_irq();
}

/* From entry_paranoid: at any point, perhaps within the entry code itself. */
void trap_paranoid(struct trap_frame *f)
{
	if (f->vector == VECTOR_NMI) {
		klog("non-maskable interrupt on CPU %u at %#lx",
		     this_cpu()->id, f->rip);
		return;
	}
	bug(f, f->vector == VECTOR_DF ? read_cr2() : 0);
}

/* --- tables of the processor ----------------------------------------------------*/
/* As in entry.S; vectors beyond are faults. */
#define NR_VECTORS	112u
#define ENTRY_SIZE	16u

struct gate {
	uint64_t low;		/* selector, stack, type, half the offset */
	uint64_t offset_high;
};

#define GATE_INTERRUPT	0x8e	/* present, interrupts off */
#define GATE_FOR_USER	0x60	/* programs may raise it */
#define KERNEL_CS	0x10ull
#define STAR_USER	0x23	/* sysret: SS = this + 8, CS = this + 16 */

#define MSR_TSC_AUX	0xc0000103u	/* rdtscp, rdpid: the CPU's number */
#define MSR_STAR	0xc0000081u
#define MSR_LSTAR	0xc0000082u
#define MSR_SFMASK	0xc0000084u
/* Off in the kernel: TF IF DF IOPL NT RF AC */
#define SYSCALL_MASK	0x57700ull

extern const char entry_vectors[], entry_syscall[];
static struct gate idt[NR_VECTORS];	/* written by the first CPU */

/* Change an entry's stack and type. */
static void set_gate(uint32_t vector, uint64_t ist, uint64_t type)
{
	idt[vector].low &= ~(0xffffull << 32);
	idt[vector].low |= ist << 32 | type << 40;
}

static void fill_idt(void)
{
	uint64_t at = (uint64_t)entry_vectors;
	struct gate gate = {
		(at & 0xffff) | KERNEL_CS << 16 |
		(uint64_t)GATE_INTERRUPT << 40 | (at >> 16 & 0xffff) << 48,
		at >> 32,
	};

	for (uint32_t i = 0; i < NR_VECTORS; i++, gate.low += ENTRY_SIZE)
		idt[i] = gate;
	set_gate(VECTOR_BP, 0, GATE_INTERRUPT | GATE_FOR_USER);
	set_gate(VECTOR_OF, 0, GATE_INTERRUPT | GATE_FOR_USER);
	set_gate(VECTOR_NMI, TRAP_IST_NMI, GATE_INTERRUPT);
	set_gate(VECTOR_DF, TRAP_IST_DF, GATE_INTERRUPT);
	set_gate(VECTOR_MC, TRAP_IST_MC, GATE_INTERRUPT);
}

/* Programs that set AC in their flags get them; the kernel never does. */
static void allow_alignment_checks(void)
{
	uint64_t cr0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_AM));
}

void trap_init_cpu(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (uint64_t)idt };

	if (!idt[0].low) {
		plat_has_smap = cpu_features.smap;
		plat_has_fsgsbase = cpu_features.fsgsbase;
		fill_idt();
	}
	__asm__ volatile("lidt %0" : : "m"(idtr));
	allow_alignment_checks();
	segment_msr_write(MSR_STAR, (uint64_t)STAR_USER << 48 |
			  (uint64_t)KERNEL_CS << 32);
	segment_msr_write(MSR_LSTAR, (uint64_t)entry_syscall);
	segment_msr_write(MSR_SFMASK, SYSCALL_MASK);
	if (cpu_features.rdtscp)
		segment_msr_write(MSR_TSC_AUX, this_cpu()->id);
}
