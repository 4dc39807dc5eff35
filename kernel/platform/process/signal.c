/* SPDX-License-Identifier: MIT */
/*
 * Host signals: trapped system calls (SIGSYS), faults, kicks. The handler
 * never does kernel work: it fills the register record and lets the thread
 * continue at an entry point, so that all work happens outside signal context
 * with the vector state live in the registers.
 */
#include "arch/fixup.h"
#include "arch/regs.h"
#include "core/panic.h"
#include "lib/string.h"
#include "platform/platform.h"
#include "platform/process/host.h"
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/sigcontext.h>
#include <linux/audit.h>

/* struct ucontext of the x86-64 signal ABI (asm/ucontext.h, asm/sigcontext.h) */
struct host_ucontext {
	uint64_t uc_flags;
	void *uc_link;
	uint64_t ss_sp, ss_flags, ss_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	void *fpstate;
	uint64_t reserved[8];
	uint64_t uc_sigmask;
};

#define UC_STRICT_RESTORE_SS	4
#define SS_DISABLE		2
#define HOST_CS			0x33
#define HOST_SS			0x2b
#define RFLAGS_TF	0x100ull
#define RFLAGS_DF	0x400ull
#define RFLAGS_AC	0x40000ull
#define TRAP_ALIGNMENT	17

extern const char host_call_intr_check[], host_call_intr_syscall[];
extern const char host_call_abort[];
extern const char exit_window_start[], exit_window_end[], exit_restart[];
extern const char entry_trap[], entry_fault[], entry_kick[];

/* From entry.S. gs_changed: by the program, until now. */
void host_signal(int signo, siginfo_t *si, struct host_ucontext *uc,
		 uint64_t gs_changed);

void host_restore(const struct host_ucontext *uc) __noreturn;	/* stub.S */

static bool is_between(uint64_t pc, const char *from, const char *to)
{
	return pc >= (uint64_t)from && pc < (uint64_t)to;
}

static bool is_in_kernel(const struct task *t, const struct host_ucontext *uc)
{
	return (uc->rip >= ABI_WINDOW_BASE && uc->rip < ABI_WINDOW_END) ||
	       uc->rsp - (uint64_t)t < TASK_BLOCK_SIZE;
}

/* Fill the record from the interrupted program and continue at entry. */
static void enter(struct task *t, struct host_ucontext *uc, const char *entry,
		  uint64_t orig_rax)
{
	struct regs *r = task_regs(t);

	r->r15 = uc->r15;
	r->r14 = uc->r14;
	r->r13 = uc->r13;
	r->r12 = uc->r12;
	r->r11 = uc->r11;
	r->r10 = uc->r10;
	r->r9 = uc->r9;
	r->r8 = uc->r8;
	r->rbp = uc->rbp;
	r->rbx = uc->rbx;
	r->rax = uc->rax;
	r->rcx = uc->rcx;
	r->rdx = uc->rdx;
	r->rsi = uc->rsi;
	r->rdi = uc->rdi;
	r->rip = uc->rip;
	r->rsp = uc->rsp;
	r->rflags = uc->eflags;
	r->orig_rax = orig_rax;
	uc->rip = (uint64_t)entry;
	uc->rsp = (uint64_t)r;
	uc->eflags &= ~(RFLAGS_TF | RFLAGS_DF | RFLAGS_AC);
}

static void on_trap(struct task *t, siginfo_t *si, struct host_ucontext *uc)
{
	if (is_in_kernel(t, uc)) {
		/* the host's vDSO falling back to a call, or a refused one */
		uc->rax = (uint64_t)-ENOSYS;
		return;
	}
	if (si->si_arch != AUDIT_ARCH_X86_64) {
		/* int 0x80: there is no 32-bit interface */
		t->arch.fault = (struct arch_fault){
			SIGSEGV, SI_KERNEL, 0, 13, 0
		};
		enter(t, uc, entry_fault, (uint64_t)-1);
		return;
	}
	enter(t, uc, entry_trap, (uint32_t)si->si_syscall);
}

/*
 * The last jump of an exit faults when the program is to go on where no
 * program can be (a wild signal handler, entry point, signal frame). All
 * registers are the program's by then: it is the program's fault.
 */
static void blame_program(struct task *t, int signo, struct host_ucontext *uc)
{
	if (signo != SIGSEGV ||
	    !is_between(uc->rip, exit_window_start, exit_window_end))
		return;
	uc->rip = uc->rip >= (uint64_t)exit_restart ? t->arch.resume : uc->rcx;
}

/*
 * Single step. The full exit loads the flag TF and then goes on to the program:
 * what traps until then, and at the program's first instruction, before it ran,
 * is no step of the program; the flag stays. A jump into the kernel (a patched
 * call) takes the flag off: the call itself is the step (linux/ptrace_stop.c).
 */
static bool is_step_of_kernel(struct task *t, struct host_ucontext *uc)
{
	bool leaving = t->arch.plat.leaving;

	t->arch.plat.leaving = false;
	if (is_between(uc->rip, exit_restart, exit_window_end))
		t->arch.plat.leaving = true;
	else if (is_in_kernel(t, uc))
		uc->eflags &= ~RFLAGS_TF;
	else
		return leaving && uc->rip == t->arch.resume;
	return true;
}

/* A program's flag AC is still on after a patched call; the first odd address
 * in the kernel takes it off. */
static bool is_odd_address(struct task *t, struct host_ucontext *uc)
{
	if (uc->trapno != TRAP_ALIGNMENT || !is_in_kernel(t, uc))
		return false;
	uc->eflags &= ~RFLAGS_AC;
	return true;
}

static void on_fault(struct task *t, int signo, siginfo_t *si,
		     struct host_ucontext *uc)
{
	if (signo == SIGTRAP && si->si_code == TRAP_TRACE &&
	    is_step_of_kernel(t, uc))
		return;
	if (is_odd_address(t, uc))
		return;
	blame_program(t, signo, uc);
	if (is_in_kernel(t, uc)) {
		uint64_t to = fixup_find(uc->rip);

		if (!to)
			panic_at(uc->rip, uc->rbp, "fault in the kernel: "
				 "signal %d, address %#lx, stack %#lx", signo,
				 (uint64_t)si->si_addr, uc->rsp);
		uc->rip = to;
		return;
	}
	t->arch.fault = (struct arch_fault){
		.signo = (uint32_t)signo, .code = (uint32_t)si->si_code,
		.addr = (uint64_t)si->si_addr,
		.trapno = uc->trapno, .error = uc->err,
	};
	enter(t, uc, entry_fault, (uint64_t)-1);
}

static void on_kick(struct task *t, struct host_ucontext *uc)
{
	if (is_between(uc->rip, exit_window_start, exit_window_end)) {
		uc->rip = (uint64_t)exit_restart;
		uc->rsp = (uint64_t)task_regs(t);
	} else if (is_between(uc->rip, host_call_intr_check,
			      host_call_intr_syscall + 1)) {
		uc->rip = (uint64_t)host_call_abort;
	} else if (!is_in_kernel(t, uc)) {
		enter(t, uc, entry_kick, (uint64_t)-1);
	}
}

void host_signal(int signo, siginfo_t *si, struct host_ucontext *uc,
		 uint64_t gs_changed)
{
	struct task *t = current_task();

	switch (signo) {
	case SIGSYS:
		on_trap(t, si, uc);
		break;
	case ABI_KICK_SIGNAL:
		on_kick(t, uc);
		break;
	case SIGCHLD:
		/* only the supervisor has children; it looks at the word */
		__atomic_fetch_add(&process_platform.boot->doorbell.word, 1,
				   __ATOMIC_SEQ_CST);
		break;
	default:
		/* it may be for want of %gs, which is the task's again */
		if (signo == SIGSEGV && gs_changed)
			return;
		on_fault(t, signo, si, uc);
	}
}

void host_leave(void (*last)(uint32_t *word), uint32_t *word)
{
	struct host_ucontext uc = {
		.uc_flags = UC_STRICT_RESTORE_SS, .ss_flags = SS_DISABLE,
		.rip = (uint64_t)last, .rdi = (uint64_t)word,
		.cs = HOST_CS, .ss = HOST_SS, .uc_sigmask = ~0ull,
	};

	host_restore(&uc);
}
