/* SPDX-License-Identifier: MIT */
/*
 * The smallest program: its first instruction reads the time-stamp counter. It
 * prints the count in hexadecimal and ends. Under QEMU's -icount shift=0 the
 * counter is the number of instructions since the machine's start.
 */
	.globl _start
_start:	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	lea	text(%rip), %rsi
	mov	$16, %ecx
1:	rol	$4, %rax
	mov	%eax, %edx
	and	$15, %edx
	lea	digits(%rip), %rdi
	mov	(%rdi,%rdx), %dl
	mov	%dl, (%rsi)
	inc	%rsi
	dec	%ecx
	jnz	1b
	mov	$1, %eax		/* write */
	mov	$1, %edi
	lea	text(%rip), %rsi
	mov	$17, %edx
	syscall
	mov	$60, %eax		/* exit */
	xor	%edi, %edi
	syscall
	.data
digits:	.ascii	"0123456789abcdef"
text:	.ascii	"0000000000000000\n"
	.section .note.GNU-stack,"",@progbits
