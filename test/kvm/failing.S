/* SPDX-License-Identifier: MIT */
/*
 * Kernels that end badly, for test/kvm/run: one file for each FAILURE_* below,
 * with both entries (PVH for QEMU, the "mica" note for our monitor). None has a
 * stack, an interrupt table or anything else.
 */
#define PORT_EXIT	0xf4
#define EXIT_ORDERLY	0x10
#define EXIT_PANIC	0x11
#define NOTE_VERSION	1
#define OFFSET		0xffffffff80000000

	.macro	leave value
	mov	$PORT_EXIT, %edx
	mov	$\value, %eax
	out	%eax, %dx
9:	hlt
	jmp	9b
	.endm

	.text
	.code32
	.globl entry32
entry32:
#if defined(FAILURE_TRIPLE)
	lidt	none - OFFSET
	ud2
#elif defined(FAILURE_PANIC)
	leave	EXIT_PANIC
#elif defined(FAILURE_SILENT)
	leave	EXIT_ORDERLY
#elif defined(FAILURE_GARBAGE)
	leave	0x1234
#elif defined(FAILURE_HANG)
1:	cli
	hlt
	jmp	1b
#elif defined(FAILURE_SPIN)
1:	jmp	1b
#endif

	.code64
	.globl entry64
entry64:
#if defined(FAILURE_TRIPLE)
	lidt	none(%rip)
	ud2
#elif defined(FAILURE_PANIC)
	leave	EXIT_PANIC
#elif defined(FAILURE_SILENT)
	leave	EXIT_ORDERLY
#elif defined(FAILURE_GARBAGE)
	leave	0x1234
#elif defined(FAILURE_HANG)
1:	cli
	hlt
	jmp	1b
#elif defined(FAILURE_SPIN)
1:	jmp	1b
#endif
none:	.fill	10, 1, 0

	.section .note, "a", @note
	.balign	4
	.long	4, 4, 18	/* Xen: the PVH entry */
	.asciz	"Xen"
	.long	entry32 - OFFSET
	.long	5, 24, 1
	.asciz	"mica"
	.balign	4
	.long	NOTE_VERSION, 0
	.quad	entry64, 0
	.section .note.GNU-stack,"",@progbits
