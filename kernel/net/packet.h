/* SPDX-License-Identifier: MIT */
/* AF_PACKET, SOCK_RAW: whole frames of network interfaces. */
#pragma once
#include "net/socket.h"

/* protocol: of which frames (ETH_P_*), in network order; 0: none yet.
 * 0, -ESOCKTNOSUPPORT, -ENOMEM. The caller has checked who may. */
int packet_create(uint32_t type, uint32_t protocol, struct sock **out);
