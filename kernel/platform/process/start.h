/* SPDX-License-Identifier: MIT */
/* Start of the boot task on platform process; called by main.c first of all. */
#pragma once
#include "abi/boot.h"
#include "platform/process/supervisor.h"

void platform_start(struct abi_boot *boot);
