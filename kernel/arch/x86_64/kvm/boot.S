/* SPDX-License-Identifier: MIT */
/*
 * First instructions in a machine: the PVH entry (32-bit protected mode, ebx =
 * physical address of struct hvm_start_info), the direct 64-bit entry and the
 * entry of further CPUs (abi/machine.h), and the trampoline that brings CPUs up
 * by SIPI. All of them end in C, on a kernel stack.
 *
 * The tables made here map the first 4 GiB, at 0, at the direct map and at the
 * kernel's own address; the kernel's final ones are made by paging.c.
 */
#define KERNEL_VIRT	0xffffffff80000000
#define DIRECT_MAP	0xffff800000000000
#define PHYS(x)		((x) - KERNEL_VIRT)

#define PTE_TABLE	0x03		/* present, writable */
#define PTE_LARGE	0x83
#define MSR_EFER	0xc0000080
#define EFER_BITS	0x901		/* SCE LME NXE */
#define CR0_PG_WP	0x80010000
#define CR4_PAE		0x20
#define SIPI_GPA	0x8000

	.section .note.xen, "a", @note
	.balign	4
	.long	4, 4, 18
	.asciz	"Xen"
	.long	PHYS(entry_pvh)

	.section .note.mica, "a", @note
	.balign	4
	.long	5, 24, 1
	.asciz	"mica"
	.balign	4
	.long	1, 0
	.quad	entry_direct, entry_ap

	.section .text.boot, "ax"
	.code32
	.globl	entry_pvh
entry_pvh:
	cld
	mov	$PHYS(boot_stack_end), %esp
	mov	%ebx, %ebp
	/* 4 GiB: four entries, if the processor has pages of 1 GiB */
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	3f
	mov	$0x80000001, %eax
	cpuid
	bt	$26, %edx
	jnc	3f
	mov	$PHYS(boot_pdpt_low), %edi
	mov	$PTE_LARGE, %eax
	mov	$4, %ecx
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x40000000, %eax
	loop	1b
	movl	$PTE_LARGE, PHYS(boot_pdpt_high) + 510 * 8
	jmp	4f
	/* or four page directories, 2 MiB pages */
3:	mov	$PHYS(boot_pd), %edi
	mov	$PTE_LARGE, %eax
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x200000, %eax
	loop	1b
	mov	$PHYS(boot_pdpt_low), %edi
	mov	$PHYS(boot_pd) + PTE_TABLE, %eax
	mov	$4, %ecx
2:	mov	%eax, (%edi)
	add	$8, %edi
	add	$4096, %eax
	loop	2b
	movl	$PHYS(boot_pd) + PTE_TABLE, PHYS(boot_pdpt_high) + 510 * 8
4:	movl	$PHYS(boot_pdpt_low) + PTE_TABLE, PHYS(boot_pml4)
	movl	$PHYS(boot_pdpt_low) + PTE_TABLE, PHYS(boot_pml4) + 256 * 8
	movl	$PHYS(boot_pdpt_high) + PTE_TABLE, PHYS(boot_pml4) + 511 * 8
	call	long_mode
	lgdt	PHYS(boot_gdt_ref)
	ljmp	$0x10, $PHYS(pvh_64)

/* Paging on, with boot_pml4. Clobbers eax, ecx, edx. */
long_mode:
	mov	%cr4, %eax
	or	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$PHYS(boot_pml4), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_BITS, %eax
	wrmsr
	mov	%cr0, %eax
	or	$CR0_PG_WP, %eax
	mov	%eax, %cr0
	ret

	.code64
pvh_64:
	mov	$0x18, %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	movabs	$DIRECT_MAP, %rdi
	mov	%ebp, %eax
	add	%rax, %rdi
	movabs	$entry_direct, %rax
	jmp	*%rax

/* rdi = struct abi_machine or struct hvm_start_info, in the direct map */
	.globl	entry_direct
entry_direct:
	mov	$boot_task_block + 65536 - 64, %rsp
	xor	%ebp, %ebp
	push	%rbp
	popfq
	call	kernel_main
	ud2

/*
 * A further CPU: rdi = its number. It waits until the first CPU has made its
 * struct cpu (smp.c), then takes the kernel's tables and its idle task's stack.
 */
	.globl	entry_ap
entry_ap:
	mov	smp_ready(,%rdi,8), %rsi
	test	%rsi, %rsi
	jnz	1f
	pause
	jmp	entry_ap
1:	mov	smp_cr3, %rax
	mov	%rax, %cr3
	mov	8(%rsi), %rsp		/* cpu->kernel_sp */
	xor	%ebp, %ebp
	push	%rbp
	popfq
	mov	%rsi, %rdi
	call	smp_cpu_main
	ud2

/*
 * Copied to SIPI_GPA. In real mode, cs = SIPI_GPA / 16; the CPU's number comes
 * from its local APIC's id (CPUID leaf 1).
 */
	.globl	trampoline_start, trampoline_end
	.code16
trampoline_start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	trampoline_gdt_ref - trampoline_start
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$0x08, $SIPI_GPA + trampoline_32 - trampoline_start
	.balign	8
trampoline_gdt_ref:
	.word	boot_gdt_end - boot_gdt - 1
	.long	PHYS(boot_gdt)
	.code32
trampoline_32:
	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	$PHYS(boot_stack_end), %esp	/* one CPU at a time */
	mov	$PHYS(long_mode), %eax
	call	*%eax
	ljmp	$0x10, $PHYS(trampoline_64)
trampoline_end:

	.code64
trampoline_64:
	mov	$0x18, %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	mov	$1, %eax
	cpuid
	shr	$24, %ebx
	mov	%ebx, %edi
	movabs	$entry_ap, %rax
	jmp	*%rax

	.section .rodata
	.balign	8
boot_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x08: 32-bit code */
	.quad	0x00af9b000000ffff	/* 0x10: 64-bit code */
	.quad	0x00cf93000000ffff	/* 0x18: data */
boot_gdt_end:
boot_gdt_ref:
	.word	boot_gdt_end - boot_gdt - 1
	.quad	PHYS(boot_gdt)

	.section .bss
	.balign	4096
	.globl	boot_pml4
boot_pml4:	.skip	4096
boot_pdpt_low:	.skip	4096
boot_pdpt_high:	.skip	4096
boot_pd:	.skip	4 * 4096
boot_stack:	.skip	512
boot_stack_end:

	.section .note.GNU-stack, "", @progbits
