/* SPDX-License-Identifier: MIT */
/*
 * Behind every resume address lie the two bytes of a syscall instruction;
 * stepping back onto them is always right, and traps. Where the bytes before
 * show one of our own jumps (patch.c), stepping back onto that saves the trap.
 */
#include "arch/restart.h"
#include "arch/arch_task.h"
#include "arch/uaccess.h"
#include "lib/string.h"

#define SYSCALL_LEN	2u
#define MOV_SYSCALL_LEN	7u	/* e9 rel32 0f 05: a patched mov; syscall */
#define TAIL_LEN	17u	/* lea 10(%rip),%rcx; jmp *%gs:slot; 0f 05 */

static bool is_trampoline_tail(const uint8_t *p)
{
	static const uint8_t tail[TAIL_LEN] = {
		0x48, 0x8d, 0x0d, 10, 0, 0, 0,
		0x65, 0xff, 0x24, 0x25, offsetof(struct arch_task, entry_fast),
		0, 0, 0, 0x0f, 0x05,
	};

	return !memcmp(p, tail, TAIL_LEN);
}

/* The jump at `at` leads to a trampoline that loads nr. */
static bool leads_to_number(uaddr_t at, const uint8_t *jump, uint32_t nr)
{
	uint8_t code[5];
	int32_t rel;
	uint32_t loaded;

	memcpy(&rel, jump + 1, 4);
	if (jump[0] != 0xe9 || jump[5] != 0x0f || jump[6] != 0x05 ||
	    copy_from_user(code, (void *)(at + 5 + (uint64_t)(int64_t)rel),
			   sizeof(code)))
		return false;
	memcpy(&loaded, code + 1, 4);
	return code[0] == 0xb8 && loaded == nr;
}

uaddr_t arch_restart_address(uaddr_t resume, uint32_t nr, bool same)
{
	uint8_t before[TAIL_LEN];
	uaddr_t at = resume - MOV_SYSCALL_LEN;

	if (copy_from_user(before, (void *)(resume - TAIL_LEN), TAIL_LEN))
		return resume - SYSCALL_LEN;
	if (is_trampoline_tail(before))
		return resume - TAIL_LEN;
	if (same && leads_to_number(at, before + TAIL_LEN - MOV_SYSCALL_LEN,
				    nr))
		return at;
	return resume - SYSCALL_LEN;
}
