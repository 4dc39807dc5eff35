/* SPDX-License-Identifier: MIT */
/* The supervisor's loop, and what it passes up. */
#pragma once
#include "abi/boot.h"
#include "lib/types.h"

struct supervisor_ops {
	/* Look at the doorbell fields and take what is set. */
	void (*doorbell)(struct abi_doorbell *d);
};

void supervisor_run(const struct supervisor_ops *ops) __noreturn;
