/* SPDX-License-Identifier: MIT */
/*
 * Ways into and out of the kernel on platform process. %gs is the task's
 * block (struct task, arch_task first). Every way in fills the register
 * record (struct regs) at a fixed place under kernel_sp; every way out reads
 * it and leaves it intact until the last jump, so that a kick which arrives
 * on the way out can start over (see host_signal in platform/process).
 * The program's stack below its rsp and the vector state are never touched.
 */
#define REGS_SIZE	160
#define R_RAX		80
#define R_RIP		128

#define T_KERNEL_SP	%gs:8
#define T_USER_SP	%gs:16
#define T_RESUME	%gs:32
#define T_WORK		%gs:40
#define T_PATCHED	%gs:56
#define T_TRAPPED	%gs:64

	.text

/*
 * Fast entry, jumped to by the trampolines of patched call sites:
 * eax = number, rcx = where to resume, all else as at a syscall instruction.
 */
	.globl entry_fast
	.type entry_fast, @function
entry_fast:
	mov	%rsp, T_USER_SP
	mov	T_KERNEL_SP, %rsp
	sub	$8, %rsp		/* fs_base: live in the register */
	push	T_USER_SP
	push	$0x202			/* rflags: dead at a system call */
	push	%rcx			/* rip */
	push	%rax			/* orig_rax */
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	xor	%ebp, %ebp
	cld				/* the program's, if it set that */
	incq	T_PATCHED
	call	syscall_dispatch
	.globl exit_window_start, exit_window_end, exit_restart
exit_window_start:
	cmpl	$0, T_WORK
	jne	exit_work
	mov	R_RAX(%rsp), %rax
	mov	R_RIP(%rsp), %rcx
	mov	104(%rsp), %rsi
	mov	112(%rsp), %rdi
	mov	96(%rsp), %rdx
	mov	72(%rsp), %r8
	mov	64(%rsp), %r9
	mov	56(%rsp), %r10
	mov	32(%rsp), %rbp
	mov	144(%rsp), %rsp
	jmp	*%rcx

/* Full exit: every register from the record. rsp = the record. */
exit_restart:
	cmpl	$0, T_WORK
	jne	exit_work
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	add	$8, %rsp
	popq	T_RESUME
	popfq
	pop	%rsp
	jmp	*T_RESUME
exit_window_end:

exit_work:
	mov	%rsp, %rdi
	xor	%ebp, %ebp
	call	user_exit_work		/* clears the work bits */
	jmp	exit_restart

/*
 * The host's signal handler, on the task's alternate stack, which tells %gs
 * should the program have changed that. The host clears the flags DF and TF, not
 * AC: with a program's, the first odd address would be the next signal.
 */
	.globl host_signal_entry
	.type host_signal_entry, @function
host_signal_entry:
	pushfq
	andq	$~0x40000, (%rsp)
	popfq
	mov	%rsp, %rax
	and	$-65536, %rax
	rdgsbase %rcx
	wrgsbase %rax
	sub	%rax, %rcx		/* not 0: it was changed */
	jmp	host_signal

/* The host signal handler made the record and set rsp to it. */
	.globl entry_trap
	.type entry_trap, @function
entry_trap:
	mov	%rsp, %rdi
	xor	%ebp, %ebp
	incq	T_TRAPPED
	call	syscall_dispatch
	jmp	exit_restart

	.globl entry_fault
	.type entry_fault, @function
entry_fault:
	mov	%rsp, %rdi
	xor	%ebp, %ebp
	call	user_fault
	jmp	exit_restart

	.globl entry_kick
	.type entry_kick, @function
entry_kick:
	jmp	exit_restart

/*
 * First instructions of a new host thread: the host left rsp in the task's
 * own block, everything else is the parent's.
 */
	.globl child_start
	.type child_start, @function
child_start:
	mov	%rsp, %rdi
	and	$-65536, %rdi
	wrgsbase %rdi
	and	$-16, %rsp
	xor	%ebp, %ebp
	call	plat_child_main		/* system tasks do not return */
	mov	T_KERNEL_SP, %rsp
	sub	$REGS_SIZE, %rsp
	jmp	exit_restart

/* plat_switch_save(struct arch_context *): like setjmp; 0, then 1. */
	.globl context_save
	.type context_save, @function
context_save:
	mov	%rbx, 0(%rdi)
	mov	%rbp, 8(%rdi)
	mov	%r12, 16(%rdi)
	mov	%r13, 24(%rdi)
	mov	%r14, 32(%rdi)
	mov	%r15, 40(%rdi)
	lea	8(%rsp), %rax
	mov	%rax, 48(%rdi)
	mov	(%rsp), %rax
	mov	%rax, 56(%rdi)
	xor	%eax, %eax
	ret

/* context_resume(struct arch_context *): context_save returns 1. */
	.globl context_resume
	.type context_resume, @function
context_resume:
	mov	0(%rdi), %rbx
	mov	8(%rdi), %rbp
	mov	16(%rdi), %r12
	mov	24(%rdi), %r13
	mov	32(%rdi), %r14
	mov	40(%rdi), %r15
	mov	48(%rdi), %rsp
	mov	$1, %eax
	jmp	*56(%rdi)

/* The tender jumps here: rdi = boot block; rsp = top of the boot task. */
	.globl kernel_start
	.type kernel_start, @function
kernel_start:
	xor	%ebp, %ebp
	call	kernel_main
	ud2

	.section .note.GNU-stack, "", @progbits
