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
/* size_t user_copy(void *dst, const void *src, size_t n): bytes NOT copied */
	.globl user_copy
	.type user_copy, @function
user_copy:
	mov	%rdx, %rcx
1:	rep movsb
2:	mov	%rcx, %rax
	ret
	FIXUP	1b, 2b

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

	.globl user_fail
user_fail:
	mov	$-14, %rax
	ret

	.section .note.GNU-stack, "", @progbits
