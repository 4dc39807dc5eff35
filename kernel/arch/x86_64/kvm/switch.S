/* SPDX-License-Identifier: MIT */
/*
 * The switch of kernel stacks. Interrupts are off. What a C function may
 * change is saved by the compiler's code around the call.
 */
	.text
/* void switch_stacks(uint64_t *save_sp, uint64_t load_sp) */
	.globl switch_stacks
	.type switch_stacks, @function
switch_stacks:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

/*
 * void switch_idle(void): interrupts on and halt, as one step. One that comes
 * between the two all the same returns behind the halt (trap.c).
 */
	.globl switch_idle, switch_idle_halt, switch_idle_end
	.type switch_idle, @function
switch_idle:
	sti
switch_idle_halt:
	hlt
switch_idle_end:
	ret

	.section .note.GNU-stack, "", @progbits
