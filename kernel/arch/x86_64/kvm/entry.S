/* SPDX-License-Identifier: MIT */
/*
 * Ways into and out of the kernel on platform kvm. In the kernel, %gs is the
 * CPU's struct cpu; the program's GS base waits in the MSR that swapgs
 * exchanges. Every way in from a program fills the register record (struct
 * regs) at kernel_sp - 160; the 64 bytes above kernel_sp take what the
 * processor pushes for an exception or interrupt, and the frame for iretq.
 *
 * The flag AC is off in the kernel (SMAP), except inside an access to program
 * memory; DF is off; interrupts are off in the first and last instructions.
 */
#define REGS_SIZE	160
#define R_R15		0
#define R_R14		8
#define R_R13		16
#define R_R12		24
#define R_RBP		32
#define R_RBX		40
#define R_R10		56
#define R_R9		64
#define R_R8		72
#define R_RAX		80
#define R_RDX		96
#define R_RSI		104
#define R_RDI		112
#define R_ORIG_RAX	120
#define R_RIP		128
#define R_RFLAGS	136
#define R_RSP		144

/* struct cpu (platform/kvm/cpu.h) */
#define C_CURRENT	%gs:0
#define C_KERNEL_SP	%gs:8
#define C_USER_SP	%gs:16
#define C_NEED_RESCHED	%gs:44
/* struct arch_task */
#define T_WORK		40
#define T_CALLS		56

#define MICA_SYSCALL	0x6d7367	/* abi/native.h */
#define USER_CS		0x33
#define USER_SS		0x2b
/* What a program may have in rflags: CF PF AF ZF SF TF DF OF NT RF AC ID */
#define FLAGS_USER	0x254dd5
#define FLAGS_SLOW	0x10100		/* RF, TF: not by sysret */

#define MSR_GS_BASE	0xc0000101

	/* The fifteen general registers, in the order of struct regs. */
	.macro PUSH_REGS
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
	.endm

	.macro POP_REGS
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
	.endm

	/* Registers that functions keep for their callers; message_direct not. */
	.macro RESTORE_KEPT
	mov	R_R15(%rsp), %r15
	mov	R_R14(%rsp), %r14
	mov	R_R13(%rsp), %r13
	mov	R_R12(%rsp), %r12
	mov	R_RBX(%rsp), %rbx
	.endm

	/* To the program, with rcx = rip, r11 = rflags, rax, and RESTORE_KEPT's
	 * registers as they are. */
	.macro RETURN_FAST
	mov	R_RSI(%rsp), %rsi
	mov	R_RDI(%rsp), %rdi
	mov	R_RDX(%rsp), %rdx
	mov	R_R8(%rsp), %r8
	mov	R_R9(%rsp), %r9
	mov	R_R10(%rsp), %r10
	mov	R_RBP(%rsp), %rbp
	mov	R_RSP(%rsp), %rsp
	swapgs
	sysretq
	.endm

	/* An interrupt keeps the program's AC and DF. */
	.macro CLEAR_FLAGS
	cld
	cmpb	$0, plat_has_smap
	je	1f
	clac
1:
	.endm

	.text
/*
 * SYSCALL: rcx = resume address, r11 = flags; the mask MSR has cleared IF,
 * TF, DF, AC and NT.
 */
	.globl entry_syscall
	.type entry_syscall, @function
entry_syscall:
	swapgs
	mov	%rsp, C_USER_SP
	mov	C_KERNEL_SP, %rsp
	sub	$8, %rsp		/* fs_base: live in the register */
	push	C_USER_SP
	push	%r11			/* rflags */
	push	%rcx			/* rip */
	push	%rax			/* orig_rax */
	PUSH_REGS
	cmp	$MICA_SYSCALL, %eax
	je	entry_message
entry_call:
	mov	C_CURRENT, %rax
	incq	T_CALLS(%rax)
	sti
	mov	%rsp, %rdi
	xor	%ebp, %ebp
	call	syscall_dispatch
	cli
	mov	C_CURRENT, %rax
	cmpl	$0, T_WORK(%rax)
	jne	exit_slow
	cmpl	$0, C_NEED_RESCHED
	jne	exit_slow
	mov	R_RIP(%rsp), %rcx
	mov	R_RFLAGS(%rsp), %r11
	/* sysret to a non-canonical address would fault in the kernel */
	mov	%rcx, %rax
	shr	$47, %rax
	jnz	exit_slow
	test	$FLAGS_SLOW, %r11d
	jnz	exit_slow
	mov	R_RAX(%rsp), %rax
	RETURN_FAST

/*
 * Messages: most take a way of their own, with interrupts off, and with the
 * arguments where they are. message_direct keeps no register but rsp. It returns
 * 1 if it has done nothing.
 */
entry_message:
	mov	%r10, %rcx
	xor	%ebp, %ebp
	call	message_direct
	cmp	$1, %rax
	je	1f
	mov	C_CURRENT, %rcx
	incq	T_CALLS(%rcx)
	cmpl	$0, T_WORK(%rcx)
	jne	2f
	cmpl	$0, C_NEED_RESCHED
	jne	2f
	mov	R_RFLAGS(%rsp), %r11
	test	$FLAGS_SLOW, %r11d
	jne	2f
	/* canonical: programs have nothing at the end of their half */
	mov	R_RIP(%rsp), %rcx
	RESTORE_KEPT
	RETURN_FAST
1:	RESTORE_KEPT
	jmp	entry_call
2:	mov	%rax, R_RAX(%rsp)
	jmp	exit_slow

/* Full exit: every register from the record, by iretq. rsp = the record. */
exit_slow:
	cli
	mov	C_CURRENT, %rax
	cmpl	$0, C_NEED_RESCHED
	jne	exit_resched
	cmpl	$0, T_WORK(%rax)
	jne	exit_work
	/* iretq would fault here, not in the program */
	mov	R_RIP(%rsp), %rax
	mov	%rax, %rcx
	shl	$16, %rcx
	sar	$16, %rcx
	cmp	%rax, %rcx
	jne	exit_wild
	mov	%rax, REGS_SIZE+24(%rsp)
	movq	$USER_CS, REGS_SIZE+32(%rsp)
	mov	R_RFLAGS(%rsp), %rax
	and	$FLAGS_USER, %eax
	or	$0x202, %eax
	mov	%rax, REGS_SIZE+40(%rsp)
	mov	R_RSP(%rsp), %rax
	mov	%rax, REGS_SIZE+48(%rsp)
	movq	$USER_SS, REGS_SIZE+56(%rsp)
	POP_REGS
	add	$64, %rsp		/* orig_rax to the frame */
	swapgs
	iretq

exit_resched:
	call	schedule
	jmp	exit_slow

exit_work:
	sti
	mov	%rsp, %rdi
	xor	%ebp, %ebp
	call	user_exit_work		/* clears the work bits */
	jmp	exit_slow

exit_wild:
	sti
	mov	%rsp, %rdi
	xor	%ebp, %ebp
	call	trap_wild_return
	jmp	exit_slow

/*
 * Exceptions and interrupts: rsp = vector, error code, rip, cs, rflags, rsp,
 * ss. From a program, the stack is at the top of the task's block.
 */
entry_common:
	testb	$3, 24(%rsp)
	jz	entry_kernel
	swapgs
	sub	$16, %rsp		/* to kernel_sp; fs_base */
	pushq	56(%rsp)		/* rsp */
	pushq	56(%rsp)		/* rflags */
	pushq	48(%rsp)		/* rip */
	pushq	$-1			/* orig_rax */
	PUSH_REGS
	CLEAR_FLAGS
	mov	%rsp, %rdi
	mov	REGS_SIZE+8(%rsp), %esi
	mov	REGS_SIZE+16(%rsp), %rdx
	xor	%ebp, %ebp
	call	trap_user
	jmp	exit_slow

entry_kernel:
	PUSH_REGS
	CLEAR_FLAGS
	mov	%rsp, %rdi
	call	trap_kernel
	POP_REGS
	add	$16, %rsp
	iretq

/*
 * NMI, double fault, machine check: at any instruction, on stacks of their
 * own, with whatever GS base. The CPU's struct lies at the top of the stack,
 * right above what the processor pushed.
 */
entry_paranoid:
	PUSH_REGS
	CLEAR_FLAGS
	mov	$MSR_GS_BASE, %ecx
	rdmsr
	mov	%eax, %r12d
	mov	%edx, %r13d
	mov	176(%rsp), %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	wrmsr
	mov	%rsp, %rdi
	call	trap_paranoid
	mov	$MSR_GS_BASE, %ecx
	mov	%r12d, %eax
	mov	%r13d, %edx
	wrmsr
	POP_REGS
	add	$16, %rsp
	iretq

/* A task's first instructions, on its own stack; interrupts are off. */
	.globl child_start
	.type child_start, @function
child_start:
	xor	%ebp, %ebp
	call	task_first_run		/* system tasks do not return */
	mov	C_KERNEL_SP, %rsp
	sub	$REGS_SIZE, %rsp
	jmp	exit_slow

/* One entry of 16 bytes for each vector, at entry_vectors + 16 * vector. Their
 * addresses differ in the lowest 16 bits only (fill_idt): kernel.ld checks it. */
	.balign	16
	.globl entry_vectors
entry_vectors:
	.set	vector, 0
	.rept	112
	.balign	16
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || \
		  vector == 17 || vector == 21 || vector == 29 || vector == 30)
	pushq	$0
	.endif
	pushq	$vector
	.if	vector == 2 || vector == 8 || vector == 18
	jmp	entry_paranoid
	.else
	jmp	entry_common
	.endif
	.set	vector, vector + 1
	.endr

	.section .note.GNU-stack, "", @progbits
