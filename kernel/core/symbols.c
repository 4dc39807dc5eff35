/* SPDX-License-Identifier: MIT */
/*
 * Look-up in the symbol table that tools/gen-symbols makes from the linked
 * kernel: gaps between sorted addresses, and names in which a byte that no name
 * has stands for two others. Both are walked from the start: only reports of a crash
 * look here, and the table is in the memory of every kernel, so small beats fast.
 */
#include "core/symbols.h"

extern const char kernel_text_start[];
extern const uint32_t kernel_nr_symbols;
extern const uint32_t kernel_symbol_first;	/* from kernel_text_start */
extern const uint8_t kernel_symbol_gaps[];	/* a byte, or LONG_GAP and two */
extern const uint8_t kernel_symbol_names[];
extern const uint8_t kernel_symbol_pairs[][2];

#define LONG_GAP	255u
#define FIRST_PAIR	1u	/* to '0' - 1, then from 0x80 on */
#define NR_PAIRS	175u

static bool is_pair(uint8_t c)
{
	return c < '0' || c >= 0x80;
}

static const uint8_t *pair(uint8_t c)
{
	return kernel_symbol_pairs[c < '0' ? c - FIRST_PAIR :
				   c - 0x80 + '0' - FIRST_PAIR];
}

/* A pair's parts are bytes or earlier pairs: what waits is never deeper. */
static void decode(const uint8_t *p, char name[SYMBOL_NAME_MAX])
{
	uint8_t waiting[NR_PAIRS + 1];
	uint32_t depth = 0, len = 0;

	while (len < SYMBOL_NAME_MAX - 1) {
		uint8_t c = depth ? waiting[--depth] : *p++;

		if (!c)
			break;
		for (; is_pair(c); c = pair(c)[0])
			waiting[depth++] = pair(c)[1];
		name[len++] = (char)c;
	}
	name[len] = 0;
}

static uint32_t next_gap(const uint8_t **p)
{
	const uint8_t *at = *p;

	*p = at + (*at == LONG_GAP ? 3 : 1);
	return *at == LONG_GAP ? at[1] | (uint32_t)at[2] << 8 : *at;
}

bool symbol_find(uint64_t pc, char name[SYMBOL_NAME_MAX], uint64_t *offset)
{
	uint64_t off = pc - (uint64_t)kernel_text_start;
	uint64_t start = kernel_symbol_first;
	const uint8_t *names = kernel_symbol_names, *gaps = kernel_symbol_gaps;
	uint32_t gap;

	*offset = 0;
	if (pc < (uint64_t)kernel_text_start || !kernel_nr_symbols || off >> 24)
		return false;
	for (uint32_t i = 0; i + 1 < kernel_nr_symbols; i++) {
		gap = next_gap(&gaps);
		if (start + gap > off)
			break;
		start += gap;
		while (*names++)
			;
	}
	*offset = off - start;
	decode(names, name);
	return true;
}
