/* SPDX-License-Identifier: MIT */
/* Patched program text, see text.c. */
#pragma once
#include "linux/mm.h"

/*
 * Map [addr, addr+len) of the calling process from the patched copy of
 * f's executable segment at file offset `offset`, private, with `prot`
 * (PLAT_*). False: nothing was done, map the file itself.
 * Locks: mm->lock held for writing.
 */
bool text_map_patched(struct mm *mm, struct file *f, uint64_t offset,
		      uaddr_t addr, size_t len, uint32_t prot);
/* Is that in code which the program does not know of? Takes mm->lock. */
bool text_is_trampoline(struct mm *mm, uaddr_t addr);
/* Bytes of trampolines that want to lie right behind a mapping of f. */
size_t text_tail_bytes(struct file *f);
