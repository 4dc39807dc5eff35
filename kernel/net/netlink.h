/* SPDX-License-Identifier: MIT */
/* AF_NETLINK, NETLINK_ROUTE: questions about interfaces and addresses. */
#pragma once
#include "net/socket.h"

/* For `families` of the layer above. 0, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT,
 * -ENOMEM. */
int netlink_create(uint32_t type, uint32_t protocol, struct sock **out);
