/* SPDX-License-Identifier: MIT */
/*
 * Touching program memory. Each instruction that may fault has an entry in
 * the fix-up table: (address, where to go instead).
 */
	.macro FIXUP at, to
	.pushsection .fixup, "a"
	.quad	\at, \to
	.popsection
	.endm

	.text
/*
 * size_t user_copy(void *dst, const void *src, size_t n): bytes NOT copied.
 * Up to 32 bytes by overlapping moves (rep movsb is slow to start); a fault
 * there falls back to the byte loop, which knows how far it came.
 */
	.globl user_copy
	.type user_copy, @function
user_copy:
	cmp	$32, %rdx
	ja	8f
	cmp	$16, %edx
	jae	3f
	cmp	$8, %edx
	jae	2f
	cmp	$4, %edx
	jae	1f
	mov	%edx, %ecx
	jmp	7f
1:	mov	(%rsi), %eax
11:	mov	-4(%rsi,%rdx), %ecx
12:	mov	%eax, (%rdi)
13:	mov	%ecx, -4(%rdi,%rdx)
	xor	%eax, %eax
	ret
2:	mov	(%rsi), %rax
21:	mov	-8(%rsi,%rdx), %rcx
22:	mov	%rax, (%rdi)
23:	mov	%rcx, -8(%rdi,%rdx)
	xor	%eax, %eax
	ret
3:	mov	(%rsi), %rax
31:	mov	8(%rsi), %rcx
32:	mov	-16(%rsi,%rdx), %r8
33:	mov	-8(%rsi,%rdx), %r9
34:	mov	%rax, (%rdi)
35:	mov	%rcx, 8(%rdi)
36:	mov	%r8, -16(%rdi,%rdx)
37:	mov	%r9, -8(%rdi,%rdx)
	xor	%eax, %eax
	ret
/* byte by byte: rcx = how many are left */
6:	mov	%edx, %ecx
7:	test	%ecx, %ecx
	jz	72f
71:	movzbl	(%rsi), %eax
73:	mov	%al, (%rdi)
	inc	%rsi
	inc	%rdi
	dec	%ecx
	jnz	71b
72:	mov	%ecx, %eax
	ret
8:	mov	%rdx, %rcx
81:	rep movsb
82:	mov	%rcx, %rax
	ret
	FIXUP	1b, 6b
	FIXUP	11b, 6b
	FIXUP	12b, 6b
	FIXUP	13b, 6b
	FIXUP	2b, 6b
	FIXUP	21b, 6b
	FIXUP	22b, 6b
	FIXUP	23b, 6b
	FIXUP	3b, 6b
	FIXUP	31b, 6b
	FIXUP	32b, 6b
	FIXUP	33b, 6b
	FIXUP	34b, 6b
	FIXUP	35b, 6b
	FIXUP	36b, 6b
	FIXUP	37b, 6b
	FIXUP	71b, 72b
	FIXUP	73b, 72b
	FIXUP	81b, 82b

/*
 * int user_read_64_bytes(void *dst, const void *src), user_write_64_bytes(same):
 * 0 or -EFAULT. Sixteen moves, where rep would only begin.
 */
	.macro MOVE4 at, may_fault
	.irp	n, 0, 1
	.if	\may_fault == 0
1:	mov	\at+16*\n(%rsi), %rax
2:	mov	\at+16*\n+8(%rsi), %rcx
	mov	%rax, \at+16*\n(%rdi)
	mov	%rcx, \at+16*\n+8(%rdi)
	.else
	mov	\at+16*\n(%rsi), %rax
	mov	\at+16*\n+8(%rsi), %rcx
1:	mov	%rax, \at+16*\n(%rdi)
2:	mov	%rcx, \at+16*\n+8(%rdi)
	.endif
	FIXUP	1b, user_fail
	FIXUP	2b, user_fail
	.endr
	.endm

	.globl user_read_64_bytes
user_read_64_bytes:
	MOVE4	0, 0
	MOVE4	32, 0
	xor	%eax, %eax
	ret

	.globl user_write_64_bytes
user_write_64_bytes:
	MOVE4	0, 1
	MOVE4	32, 1
	xor	%eax, %eax
	ret

/* size_t user_clear(void *dst, size_t n): bytes NOT cleared */
	.globl user_clear
	.type user_clear, @function
user_clear:
	mov	%rsi, %rcx
	xor	%eax, %eax
1:	rep stosb
2:	mov	%rcx, %rax
	ret
	FIXUP	1b, 2b

/* long user_str(char *dst, const char *src, size_t max): length, -1 fault,
 * -2 no NUL within max */
	.globl user_str
	.type user_str, @function
user_str:
	xor	%eax, %eax
1:	cmp	%rdx, %rax
	jae	4f
2:	movzbl	(%rsi,%rax), %ecx
	mov	%cl, (%rdi,%rax)
	test	%cl, %cl
	jz	3f
	inc	%rax
	jmp	1b
3:	ret
4:	mov	$-2, %rax
	ret
5:	mov	$-1, %rax
	ret
	FIXUP	2b, 5b

	.globl user_load32_raw
user_load32_raw:
1:	mov	(%rdi), %eax
	mov	%eax, (%rsi)
	xor	%eax, %eax
	ret
	FIXUP	1b, user_fail

	.globl user_load64_raw
user_load64_raw:
1:	mov	(%rdi), %rax
	mov	%rax, (%rsi)
	xor	%eax, %eax
	ret
	FIXUP	1b, user_fail

	.globl user_store32_raw
user_store32_raw:
1:	mov	%esi, (%rdi)
	xor	%eax, %eax
	ret
	FIXUP	1b, user_fail

	.globl user_store64_raw
user_store64_raw:
1:	mov	%rsi, (%rdi)
	xor	%eax, %eax
	ret
	FIXUP	1b, user_fail

/* int user_cmpxchg32_raw(uint32_t *p, uint32_t *old, uint32_t new) */
	.globl user_cmpxchg32_raw
user_cmpxchg32_raw:
	mov	(%rsi), %eax
1:	lock cmpxchg %edx, (%rdi)
	mov	%eax, (%rsi)
	xor	%eax, %eax
	ret
	FIXUP	1b, user_fail

/* int user_xsave(void *frame, uint64_t mask) */
	.globl user_xsave
user_xsave:
	mov	%rsi, %rax
	mov	%rsi, %rdx
	shr	$32, %rdx
1:	xsave64	(%rdi)
	xor	%eax, %eax
	ret
	FIXUP	1b, user_fail

	.globl user_xrstor
user_xrstor:
	mov	%rsi, %rax
	mov	%rsi, %rdx
	shr	$32, %rdx
1:	xrstor64 (%rdi)
	xor	%eax, %eax
	ret
	FIXUP	1b, user_fail

/* int user_fxsave(void *frame), int user_fxrstor(const void *frame) */
	.globl user_fxsave
user_fxsave:
1:	fxsave64 (%rdi)
	xor	%eax, %eax
	ret
	FIXUP	1b, user_fail

	.globl user_fxrstor
user_fxrstor:
1:	fxrstor64 (%rdi)
	xor	%eax, %eax
	ret
	FIXUP	1b, user_fail

	.globl user_fail
user_fail:
	mov	$-14, %rax
	ret

	.section .note.GNU-stack, "", @progbits
