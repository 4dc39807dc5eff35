/* SPDX-License-Identifier: MIT */
/*
 * Turning `syscall` instructions of program text into jumps to the kernel's
 * fast entry. Works on a private copy of an executable segment; the jumps go
 * to trampolines ("tail") that will lie at a fixed distance behind the text.
 * The two bytes of the instruction stay behind every resume address, so that
 * a system call is restarted by stepping back two bytes, as on Linux.
 *
 * Order of use: patch_find, patch_check_branches, patch_apply. No allocation,
 * no state; any context.
 */
#pragma once
#include "lib/types.h"

#define PATCH_TRAMPOLINE_MAX	64u	/* bytes of tail per site */

struct patch_site {
	size_t start;		/* first patched byte */
	bool is_moved;		/* what follows the call moves to the tail */
	bool is_before;		/* no: what precedes it does */
	bool is_rip_lea;	/* one lea relative to rip, to be adjusted */
	size_t moved;		/* first byte of the moved instructions */
	size_t moved_len;	/* without a branch at their end */
	uint8_t branch;		/* opcode of that short branch, 0: none */
	size_t branch_to;
	bool ends_in_return;
	size_t end;		/* where the trampoline returns to */
	uint32_t nr;		/* number to load */
	bool has_nr;
	bool refused;		/* a branch leads into the covered bytes */
};

/* Sites of text that match a pattern, by address, at most max. *nr_seen gets
 * the number of syscall instructions. Returns the number of sites. */
size_t patch_find(const uint8_t *text, size_t len, struct patch_site *sites,
		  size_t max, size_t *nr_seen);
/* Mark sites that a branch of the same text could enter in the middle. */
void patch_check_branches(const uint8_t *text, size_t len,
			  struct patch_site *sites, size_t n);
/*
 * Patch text in place and fill the tail. distance is address(tail) -
 * address(text) at run time, within +-2 GiB; entry_slot is the %gs offset of
 * the fast entry's address. Returns bytes of tail used.
 */
size_t patch_apply(uint8_t *text, size_t len, uint8_t *tail, size_t tail_max,
		   int64_t distance, uint32_t entry_slot,
		   const struct patch_site *sites, size_t n);
