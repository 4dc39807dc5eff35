/* SPDX-License-Identifier: MIT */
/*
 * Look-up in the symbol table that tools/gen-symbols makes from the linked
 * kernel: sorted offsets from the window's base and a string area.
 */
#include "core/symbols.h"

struct symbol {
	uint32_t offset;	/* from kernel_text_start */
	uint32_t name;		/* in kernel_symbol_names */
};

extern const char kernel_text_start[];
extern const uint32_t kernel_nr_symbols;
extern const struct symbol kernel_symbols[];
extern const char kernel_symbol_names[];

const char *symbol_find(uint64_t pc, uint64_t *offset)
{
	uint64_t off = pc - (uint64_t)kernel_text_start;
	uint32_t lo = 0, hi = kernel_nr_symbols;

	*offset = 0;
	if (pc < (uint64_t)kernel_text_start || !hi || off >> 24)
		return NULL;
	while (hi - lo > 1) {
		uint32_t mid = (lo + hi) / 2;

		if (kernel_symbols[mid].offset <= off)
			lo = mid;
		else
			hi = mid;
	}
	*offset = off - kernel_symbols[lo].offset;
	return kernel_symbol_names + kernel_symbols[lo].name;
}
