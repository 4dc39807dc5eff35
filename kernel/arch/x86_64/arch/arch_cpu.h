/* SPDX-License-Identifier: MIT */
/*
 * Processor state that is not in the register record: vector state here, the
 * bases of FS and GS in plat/segments.h (arch_get_fs, arch_set_fs, _gs).
 */
#pragma once
#include "lib/types.h"
#include "plat/segments.h"

static inline void arch_relax(void)
{
	__builtin_ia32_pause();
}

/* Initial vector state, as after execve. */
void arch_fpu_reset(void);
/* Bytes that arch_fpu_save writes, trailer included. */
size_t arch_fpu_frame_size(void);
/*
 * Save the live vector state to program memory in the format of a Linux
 * signal frame (64-byte aligned). Returns 0 or -EFAULT.
 */
int arch_fpu_save(void *user_frame) __must_check;
/* Load it back; hostile contents are refused. NULL = reset. */
int arch_fpu_restore(const void *user_frame) __must_check;
/*
 * For debuggers, the same state as an image of arch_fpu_image_size() bytes in
 * 64-byte aligned kernel memory. put: the first `len` bytes are new, the rest is
 * as get left it. Returns 0 or -EINVAL.
 */
size_t arch_fpu_image_size(void);
void arch_fpu_get(void *image);
int arch_fpu_put(void *image, size_t len) __must_check;
