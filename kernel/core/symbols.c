/* SPDX-License-Identifier: MIT */
/*
 * Look-up in the symbol table that tools/gen-symbols makes from the linked
 * kernel: gaps between sorted addresses and a string area, both walked from
 * the start: only reports of a crash look here, and the table is in memory of
 * every kernel, so small beats fast.
 */
#include "core/symbols.h"

extern const char kernel_text_start[];
extern const uint32_t kernel_nr_symbols;
extern const uint32_t kernel_symbol_first;	/* from kernel_text_start */
extern const uint16_t kernel_symbol_gaps[];	/* kernel_nr_symbols - 1 */
extern const char kernel_symbol_names[];

const char *symbol_find(uint64_t pc, uint64_t *offset)
{
	uint64_t off = pc - (uint64_t)kernel_text_start;
	uint64_t start = kernel_symbol_first;
	const char *name = kernel_symbol_names;

	*offset = 0;
	if (pc < (uint64_t)kernel_text_start || !kernel_nr_symbols || off >> 24)
		return NULL;
	for (uint32_t i = 0; i + 1 < kernel_nr_symbols; i++) {
		if (start + kernel_symbol_gaps[i] > off)
			break;
		start += kernel_symbol_gaps[i];
		while (*name++)
			;
	}
	*offset = off - start;
	return name;
}
