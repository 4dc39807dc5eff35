/* SPDX-License-Identifier: MIT */
/*
 * Access to program memory. A bad address gives -EFAULT, never a panic: the
 * copy routines have fix-ups, and addresses in the kernel's window are refused.
 */
#pragma once
#include "lib/types.h"

/* True if [p, p+n) can be program memory (says nothing about mappings). */
bool user_range_ok(const void *p, size_t n);
/* Returns 0 or -EFAULT; on -EFAULT a part may have been copied. */
int copy_from_user(void *dst, const void *src_user, size_t n) __must_check;
int copy_to_user(void *dst_user, const void *src, size_t n) __must_check;
/*
 * A structure that may grow: `known` bytes of dst from n of the program, the
 * rest stays as it is. Returns 0, -EFAULT, or -E2BIG: n is more than a page, or
 * something that is not known is not zero.
 */
int copy_struct_from_user(void *dst, size_t known, const void *src_user,
			  size_t n) __must_check;
/* The same as copy_*_user for 64 bytes. */
int copy_64_from_user(void *dst, const void *src_user) __must_check;
int copy_64_to_user(void *dst_user, const void *src) __must_check;
/* Bytes copied before the fault (0..n). */
size_t copy_from_user_partial(void *dst, const void *src_user, size_t n);
size_t copy_to_user_partial(void *dst_user, const void *src, size_t n);
int clear_user(void *dst_user, size_t n) __must_check;
/* Copy a string with its NUL. Returns length without NUL, -EFAULT, or -ENAMETOOLONG if no NUL within max bytes. */
ssize_t strncpy_from_user(char *dst, const char *src_user, size_t max);
/* Aligned 32-bit word, atomic. */
int user_load32(const uint32_t *p, uint32_t *out) __must_check;
int user_store32(uint32_t *p, uint32_t v) __must_check;
int user_store64(uint64_t *p, uint64_t v) __must_check;
int user_load64(const uint64_t *p, uint64_t *out) __must_check;
/* *p: old -> new if it equals *old; *old gets what was there. */
int user_cmpxchg32(uint32_t *p, uint32_t *old, uint32_t new_val) __must_check;
