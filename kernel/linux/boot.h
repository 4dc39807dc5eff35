/* SPDX-License-Identifier: MIT */
/* The boot block: what the tender said at start. Set once, by main.c. */
#pragma once
#include "abi/boot.h"

extern struct abi_boot *boot;
