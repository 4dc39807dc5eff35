/* SPDX-License-Identifier: MIT */
/* The standard streams: transfers that wait, and readiness. */
#pragma once
#include "abi/boot.h"
#include "abi/fs_device.h"
#include "platform/kvm/hostfile.h"

/* Open those that there are. Returns 0 or -errno. Context: init. */
int stream_start(const struct abi_boot *boot);
/* Use a special node, which is open already. Returns 0 or -ENOMEM. */
int stream_open_node(enum fs_special which, bool readable, bool writable,
		     struct hostopen **out);
/*
 * As read(2) and write(2) on the host's descriptor fd: wait unless that is
 * non-blocking. Return bytes, -EAGAIN, -EINTR (kicked), -EFAULT, -errno.
 */
ssize_t stream_read(struct hostopen *o, uint32_t fd, void *buf, size_t n);
ssize_t stream_write(struct hostopen *o, uint32_t fd, const void *buf,
		     size_t n);
/* The tender says that a stream became ready. */
void stream_ready(void);
