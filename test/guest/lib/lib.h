/* SPDX-License-Identifier: MIT */
/* What the files of the library share. */
#pragma once
#include "guest.h"

void start(const struct abi_machine *m);
void ap_start(uint32_t cpu);
void paging_init(void);
/* "vector 13, error 0x0 at 0x..." and the end. */
_Noreturn void die(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
