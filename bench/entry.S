/* SPDX-License-Identifier: MIT */
/*
 * A kernel that does nothing: at its PVH entry (32 bits, no paging) it reads the
 * time-stamp counter, writes it in hexadecimal to QEMU's debug port and ends the
 * machine. In the place of mica's kernel (MICA_QEMU_KERNEL) it tells how many
 * instructions the firmware needs, which bench/count takes off.
 */
	.code32
	.section .text
	.globl _start
_start:	rdtsc
	mov	%edx, %ebx
	mov	%eax, %esi
	mov	$0xe9, %edx
	mov	$8, %ecx
	call	hex
	mov	%esi, %ebx
	mov	$8, %ecx
	call	hex
	mov	$10, %al
	out	%al, %dx
	mov	$0xf4, %edx
	mov	$0x10, %eax
	out	%eax, %dx
	hlt
hex:	rol	$4, %ebx
	mov	%ebx, %eax
	and	$15, %eax
	mov	digits(%eax), %al
	out	%al, %dx
	loop	hex
	ret
digits:	.ascii	"0123456789abcdef"

	.section .note, "a", @note
	.long	4, 4, 18	/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	_start
	.section .note.GNU-stack,"",@progbits
