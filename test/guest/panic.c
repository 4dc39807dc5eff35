/* SPDX-License-Identifier: MIT */
/* A guest that gives up. */
#include "guest.h"

const char guest_name[] = "panic";

void guest_main(void)
{
	put("# panic: on purpose\n");
	guest_exit(ABI_EXIT_PANIC);
}
