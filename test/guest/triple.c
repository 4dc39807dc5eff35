/* SPDX-License-Identifier: MIT */
/* A triple fault: the machine ends and says so. */
#include "guest.h"

const char guest_name[] = "triple";

void guest_main(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	put("# a triple fault follows\n");
	__asm__ volatile("lidt %0; ud2" :: "m"(none));
}
