/* SPDX-License-Identifier: MIT */
/*
 * Copied to 0x9000, which is mapped at itself: 64 bits, 32 bits, 16 bits with
 * paging off, then real mode.
 */
#define AT(x)	((x) - real16 + 0x9000)
#define PORT_LOG	0xe8
#define PORT_EXIT	0xf4
#define EXIT_END	0x10
#define MSR_EFER	0xc0000080

	.section .rodata
	.globl real16, real16_end
	.balign 16
real16:
	.code64
	cli
	lgdt AT(gdt_ptr)
	lidt AT(idt_ptr)
	push $0x08
	push $AT(bits32)
	lretq
bits32:
	.code32
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $0x8ff0, %esp
	mov %cr0, %eax
	and $0x7fffffff, %eax
	mov %eax, %cr0
	mov $MSR_EFER, %ecx
	rdmsr
	and $~0x100, %eax
	wrmsr
	mov %cr4, %eax
	and $~0x20, %eax
	mov %eax, %cr4
	ljmp $0x18, $AT(bits16)
bits16:
	.code16
	mov $0x20, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov %eax, %fs
	mov %eax, %gs
	mov %cr0, %eax
	and $~1, %eax
	mov %eax, %cr0
	ljmp $0, $AT(real_mode)
real_mode:
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x8ff0, %sp
	mov $AT(log_hello), %eax
	out %eax, $PORT_LOG

	/* int 0x21 through the real-mode table at address 0 */
	movw $AT(handler), 0x84
	movw $0, 0x86
	mov $5, %cx
	int $0x21
	cmp $6, %cx
	jne bad
	mov $AT(log_int), %eax
	out %eax, $PORT_LOG

	/* a string instruction, a segment other than zero, a far call */
	mov $0x900, %ax
	mov %ax, %ds
	mov $0xa00, %ax
	mov %ax, %es
	xor %si, %si
	xor %di, %di
	mov $64, %cx
	cld
	rep movsb
	xor %ax, %ax
	mov %ax, %ds
	mov 0x9000, %eax
	cmp 0xa000, %eax
	jne bad
	lcall $0x900, $(AT(far_fn) - 0x9000)
	cmp $0x1234, %bx
	jne bad
	mov $AT(log_end), %eax
	out %eax, $PORT_LOG
	mov $EXIT_END, %eax
	out %eax, $PORT_EXIT
bad:
	mov $0x11, %eax
	out %eax, $PORT_EXIT
1:	hlt
	jmp 1b

handler:
	inc %cx
	iret
far_fn:
	mov $0x1234, %bx
	lret

	.balign 16
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* 0x08: 32-bit code */
	.quad 0x00cf93000000ffff	/* 0x10: data */
	.quad 0x00009b000000ffff	/* 0x18: 16-bit code */
	.quad 0x000093000000ffff	/* 0x20: 16-bit data */
gdt_ptr:
	.word . - gdt - 1
	.quad AT(gdt)
idt_ptr:
	.word 0x3ff
	.quad 0

	.macro log name, text
	.balign 16
\name:	.quad AT(1f)
	.long 2f - 1f, 0
1:	.ascii "\text"
2:
	.endm
	log log_hello, "hello from 16 bits\nok 1 - real: hello\n"
	log log_int, "ok 2 - real: an interrupt\n"
	log log_end, "ok 3 - real: strings, segments, far calls\n1..3\n"
real16_end:
	.section .note.GNU-stack, "", @progbits
