/* SPDX-License-Identifier: MIT */
/*
 * Program text where system calls need no patching: it is mapped from its
 * file as it is. The other choice is linux/patched/.
 */
#include "linux/text.h"

bool text_map_patched(struct mm *mm, struct file *f, uint64_t offset,
		      uaddr_t addr, size_t len, uint32_t prot)
{
	return false;
}

size_t text_tail_bytes(struct file *f)
{
	return 0;
}

bool text_is_trampoline(struct mm *mm, uaddr_t addr)
{
	return false;
}
