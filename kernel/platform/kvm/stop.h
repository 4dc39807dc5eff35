/* SPDX-License-Identifier: MIT */
/* The log and the end of the machine. */
#pragma once
#include "lib/types.h"

/* How both work: our tender's ports or QEMU's. Before it, as QEMU's. */
void stop_init(bool direct);
/* Also called by plat_stop when all is well, before the machine ends; NULL:
 * nothing. Context: task. */
void stop_on_end(void (*report)(void));
