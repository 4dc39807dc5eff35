/* SPDX-License-Identifier: MIT */
/* Single transfers between kernel memory and an open file of the host. */
#pragma once
#include "platform/kvm/hostfile.h"

/* Is p an address of the program's, not the kernel's? */
bool host_buffer_is_user(const void *p);
/* One request each; buf is the kernel's, n at most 1 MiB. Return bytes or
 * -errno. Context: task. */
ssize_t host_fetch(struct hostopen *o, void *buf, size_t n, uint64_t off);
ssize_t host_store(struct hostopen *o, const void *buf, size_t n,
		   uint64_t off);
