/* SPDX-License-Identifier: MIT */
/* The network namespace of the caller. */
#pragma once
#include "net/socket.h"

struct net_space *net_ns_space(void);	/* borrowed; NULL: the first */
/* A capability over it. */
bool net_ns_has_cap(int cap);
/* May the caller change the interfaces of n? Only those of his own. */
bool net_ns_may_admin(const struct net_space *n);
