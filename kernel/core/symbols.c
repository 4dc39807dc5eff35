/* SPDX-License-Identifier: MIT */
/*
 * Look-up in the symbol table that tools/gen-symbols makes from the linked
 * kernel: gaps between sorted addresses, and names in which a byte from 0x80 on
 * stands for two others. Both are walked from the start: only reports of a crash
 * look here, and the table is in the memory of every kernel, so small beats fast.
 */
#include "core/symbols.h"

extern const char kernel_text_start[];
extern const uint32_t kernel_nr_symbols;
extern const uint32_t kernel_symbol_first;	/* from kernel_text_start */
extern const uint16_t kernel_symbol_gaps[];	/* kernel_nr_symbols - 1 */
extern const uint8_t kernel_symbol_names[];
extern const uint8_t kernel_symbol_pairs[][2];

#define FIRST_PAIR	0x80u
#define NR_PAIRS	128u

/* A pair's parts are bytes or earlier pairs: what waits is never deeper. */
static void decode(const uint8_t *p, char name[SYMBOL_NAME_MAX])
{
	uint8_t waiting[NR_PAIRS + 1];
	uint32_t depth = 0, len = 0;

	while (len < SYMBOL_NAME_MAX - 1) {
		uint8_t c = depth ? waiting[--depth] : *p++;

		if (!c)
			break;
		for (; c >= FIRST_PAIR; c = kernel_symbol_pairs[c - FIRST_PAIR][0])
			waiting[depth++] =
				kernel_symbol_pairs[c - FIRST_PAIR][1];
		name[len++] = (char)c;
	}
	name[len] = 0;
}

bool symbol_find(uint64_t pc, char name[SYMBOL_NAME_MAX], uint64_t *offset)
{
	uint64_t off = pc - (uint64_t)kernel_text_start;
	uint64_t start = kernel_symbol_first;
	const uint8_t *names = kernel_symbol_names;

	*offset = 0;
	if (pc < (uint64_t)kernel_text_start || !kernel_nr_symbols || off >> 24)
		return false;
	for (uint32_t i = 0; i + 1 < kernel_nr_symbols; i++) {
		if (start + kernel_symbol_gaps[i] > off)
			break;
		start += kernel_symbol_gaps[i];
		while (*names++)
			;
	}
	*offset = off - start;
	decode(names, name);
	return true;
}
