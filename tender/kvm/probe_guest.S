/* SPDX-License-Identifier: MIT */
/*
 * The probe's guest (probe.c): starts in 64-bit mode at privilege level 0,
 * goes to level 3 and makes system calls; the handler counts them and writes
 * the count to PORT_COUNT. Then a loop between two writes to PORT_MARK, for
 * the monitor to time; without the warm-up before it a good KVM looks bad.
 * Position independent.
 */
#define PORT_MARK	0xe8
#define PORT_COUNT	0xf4
#define WARM_UP		500
#define ITERATIONS	4000
#define CALLS		200
#define MSR_STAR	0xc0000081
#define MSR_LSTAR	0xc0000082
#define MSR_SFMASK	0xc0000084
#define STAR_SELECTORS	0x00100008	/* sysret base 0x10, syscall 0x08 */
#define RFLAGS_FIXED	2
#define RFLAGS_IF	0x200

	.section .rodata
	.globl probe_guest, probe_guest_end
	.balign 16
probe_guest:
	mov $MSR_STAR, %ecx
	xor %eax, %eax
	mov $STAR_SELECTORS, %edx
	wrmsr
	mov $MSR_LSTAR, %ecx
	lea handler(%rip), %rax
	mov %rax, %rdx
	shr $32, %rdx
	wrmsr
	mov $MSR_SFMASK, %ecx
	mov $RFLAGS_IF, %eax
	xor %edx, %edx
	wrmsr
	xor %r12d, %r12d
	lea user(%rip), %rcx
	mov $RFLAGS_FIXED, %r11d
	sysretq

user:	mov $CALLS, %ebx
1:	syscall
	dec %ebx
	jnz 1b
	hlt				/* never: the last call does not return */

handler:
	mov %cs, %eax
	test $3, %al			/* a broken KVM is still at level 3 */
	jnz 2f
	inc %r12d
	cmp $CALLS, %r12d
	je 2f
	sysretq
2:	mov %r12d, %eax
	out %eax, $PORT_COUNT

	mov $WARM_UP, %ecx
3:	dec %ecx
	jnz 3b
	out %eax, $PORT_MARK
	mov $ITERATIONS, %ecx
4:	dec %ecx
	jnz 4b
	out %eax, $PORT_MARK
	hlt
probe_guest_end:
	.section .note.GNU-stack,"",@progbits
