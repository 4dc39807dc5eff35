/* SPDX-License-Identifier: MIT */
/*
 * Classic BPF as seccomp filters use it: a program over a block of 32-bit
 * words in the machine's byte order. Source: Linux's
 * Documentation/networking/filter.rst and userspace-api/seccomp_filter.rst.
 */
#pragma once
#include "lib/types.h"
#include <linux/filter.h>

/*
 * True if bpf_run may run it over `words` words: only instructions of this
 * dialect, every jump forward and inside, no load from outside the block or of
 * memory that some way to it has not stored, a return at the end.
 * scratch: room for len numbers. Context: any.
 */
bool bpf_is_valid(const struct sock_filter *code, uint32_t len, uint32_t words,
		  uint16_t *scratch);
/* The value that it returns; a division by 0 returns 0. Each instruction runs
 * once at most. Context: any. */
uint32_t bpf_run(const struct sock_filter *code, const uint32_t *data,
		 uint32_t words);
