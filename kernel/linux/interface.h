/* SPDX-License-Identifier: MIT */
/* Network interfaces as programs see them: ioctls, /proc/net, /sys. */
#pragma once
#include "lib/types.h"

/* IFF_*: <linux/if.h> wants a C library. */
enum {
	INTERFACE_UP = 1u << 0, INTERFACE_BROADCAST = 1u << 1,
	INTERFACE_LOOPBACK = 1u << 3,
	INTERFACE_RUNNING = 1u << 6, INTERFACE_MULTICAST = 1u << 12,
};

struct netdev;

uint32_t interface_flags(const struct netdev *d);
