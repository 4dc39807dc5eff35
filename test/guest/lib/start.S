/* SPDX-License-Identifier: MIT */
/*
 * Entry of a test guest, its notes, and the stubs of all 256 vectors. With
 * NO_AP_ENTRY the other CPUs are left waiting for INIT and SIPI.
 */

/* As abi/machine.h has them, which is C. */
#define NOTE_TYPE	1
#define VERSION		1
#define CPUS_MAX	8

	.section .note.mica, "a", @note
	.balign 4
	.long 2f - 1f, 4f - 3f, NOTE_TYPE
1:	.asciz "mica"
2:	.balign 4
3:	.long VERSION, 0
	.quad guest_entry
#ifdef NO_AP_ENTRY
	.quad 0
#else
	.quad ap_entry
#endif
4:

	.text
	.globl guest_entry, ap_entry, try_call_raw, try_return, stubs
guest_entry:
	lea boot_stack_end(%rip), %rsp
	xor %ebp, %ebp
	call start
	ud2

/* rdi: number of the CPU. stacks[CPUS_MAX][4096] */
ap_entry:
	cmp $CPUS_MAX, %edi
	jae 9f
	mov %edi, %eax
	inc %eax
	shl $12, %eax
	lea ap_stacks(%rip), %rsp
	add %rax, %rsp
	xor %ebp, %ebp
	call ap_start
9:	cli
	hlt
	jmp 9b

/* void try_call_raw(fn rdi, arg rsi, uint64_t *saved_rsp rdx) */
try_call_raw:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdx)
	sub $8, %rsp
	mov %rdi, %rax
	mov %rsi, %rdi
	call *%rax
	add $8, %rsp
1:	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
/* void try_return(uint64_t saved_rsp rdi): out of the trap */
try_return:
	mov %rdi, %rsp
	cld
	jmp 1b

	.macro stub n
	.balign 16
	.if \n == 8 || (\n >= 10 && \n <= 14) || \n == 17 || \n == 21
	.else
	push $0
	.endif
	push $\n
	jmp common
	.endm

	.balign 16
stubs:
	.set n, 0
	.rept 256
	stub n
	.set n, n + 1
	.endr

common:
	push %rax
	push %rbx
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	cld
	mov %rsp, %rdi
	mov %rsp, %rbx
	and $-16, %rsp
	call trap
	mov %rbx, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	pop %rax
	add $16, %rsp
	iretq

	.bss
	.balign 4096
boot_stack:
	.skip 16384
boot_stack_end:
	.globl ap_stacks
ap_stacks:
	.skip CPUS_MAX * 4096
	.section .note.GNU-stack, "", @progbits
