/* SPDX-License-Identifier: MIT */
/*
 * The 16-bit "hello": the first CPU leaves 64-bit mode for real mode, where
 * the code of real_code.S says hello, handles a real-mode interrupt and ends the
 * machine.
 */
#include "guest.h"

const char guest_name[] = "real";

#define CODE_AT 0x9000u		/* real_code.S is made for this address */

extern const char real16[], real16_end[];

void guest_main(void)
{
	char *to = at(CODE_AT);
	void (*go)(void) = (void (*)(void))(uint64_t)CODE_AT;

	for (uint32_t i = 0; i < (uint32_t)(real16_end - real16); i++)
		to[i] = real16[i];
	put("# real: leaving 64-bit mode\n");
	go();
}
