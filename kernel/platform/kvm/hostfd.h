/* SPDX-License-Identifier: MIT */
/*
 * Host descriptors as platform.h means them: numbers of open files. 0 to 2 are
 * the standard streams, 5 the log, as on the process platform.
 */
#pragma once
#include "platform/kvm/hostfile.h"

/* A new descriptor; takes over the reference, also on failure. Returns it, or
 * -ENFILE, -ENOMEM. */
int hostfd_add(struct hostopen *o);
/* Make o descriptor fd, which is free; at start only. */
int hostfd_set(int fd, struct hostopen *o);
/* With a reference; NULL: no such descriptor. */
struct hostopen *hostfd_get(int fd);
