/* SPDX-License-Identifier: MIT */
/* Functions that the compiler calls by name where the processor lacks an instruction. */
#include "lib/types.h"

int __popcountdi2(uint64_t x);

int __popcountdi2(uint64_t x)
{
	int n = 0;

	for (; x; x &= x - 1)
		n++;
	return n;
}
