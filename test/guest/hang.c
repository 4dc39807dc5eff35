/* SPDX-License-Identifier: MIT */
/* A guest that hangs with interrupts off: who runs it ends it. */
#include "guest.h"

const char guest_name[] = "hang";

void guest_main(void)
{
	put("# the guest hangs\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}
