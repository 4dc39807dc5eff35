/* SPDX-License-Identifier: MIT */
/*
 * The stub page: the only place whose `syscall` instructions the host filter
 * lets through. Nothing else lives here.
 */
	.section .stub, "ax"

/* long host_call(nr, a, b, c, d, e, f) - C calling convention */
	.globl host_call
	.type host_call, @function
host_call:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	ret

/*
 * The same, for calls that may sleep in the host: does not enter the host
 * when work is pending (-EINTR). A kick that arrives between the test and the
 * syscall moves the instruction pointer to host_call_abort.
 */
	.globl host_call_intr, host_call_intr_check, host_call_intr_syscall
	.globl host_call_abort
	.type host_call_intr, @function
host_call_intr:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
host_call_intr_check:
	testl	$~4, %gs:40		/* work other than TASK_WORK_SLOW */
	jnz	host_call_abort
host_call_intr_syscall:
	syscall
	ret
host_call_abort:
	mov	$-4, %rax
	ret

/*
 * host_exit(uint32_t *busy): give the task's block back and end the host
 * thread. No stack is used, nor may a signal come: host_leave.
 */
	.globl host_exit
	.type host_exit, @function
host_exit:
	movl	$0, (%rdi)
	mov	$60, %eax
	xor	%edi, %edi
	syscall
	ud2

/*
 * host_hand_over(uint32_t *word): another host thread takes this task over,
 * both stacks included: say so, wake it, end. As above.
 */
	.globl host_hand_over
	.type host_hand_over, @function
host_hand_over:
	movl	$1, (%rdi)
	mov	$1, %esi		/* FUTEX_WAKE, shared */
	mov	$1, %edx
	mov	$202, %eax
	syscall
	mov	$60, %eax
	xor	%edi, %edi
	syscall
	ud2

/* host_restore(struct host_ucontext *): go on with what it holds. */
	.globl host_restore
	.type host_restore, @function
host_restore:
	mov	%rdi, %rsp
/* Return from a host signal handler (SA_RESTORER). */
	.globl host_sigreturn
	.type host_sigreturn, @function
host_sigreturn:
	mov	$15, %eax
	syscall
	ud2

	.section .note.GNU-stack, "", @progbits
