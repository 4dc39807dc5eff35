/* SPDX-License-Identifier: MIT */
/*
 * The standard streams of the sandbox: host descriptors 0, 1 and 2. They are
 * read and written by host calls straight on the program's buffers, so that
 * pipes, files, sockets and terminals behave as without mica.
 *
 * A blocking transfer sleeps in the host call itself (a kick ends it). Only
 * poll and epoll need to be told of readiness: the system task "hostio" polls
 * the descriptors somebody waits for, once per registration.
 */
#pragma once
#include "abi/boot.h"
#include "fs/vfs.h"

struct hostio;

/* Read the boot block. Context: init. */
void hostio_init(const struct abi_boot *boot);
/*
 * Open stream n (0..2) as file; streams that are the same host object share
 * one inode. Terminals are the tty layer's: see tty_open_stdio().
 * Returns 0, -EBADF (closed on the host), -ENOMEM.
 */
int hostio_open(uint32_t n, struct file **out);
/* What stream n is. */
const struct abi_stdio *hostio_info(uint32_t n);
struct hostio *hostio_stream(uint32_t n);

/*
 * Transfer with the meaning of read(2) and write(2) on the host descriptor.
 * Returns bytes, 0 (end), -EAGAIN (nonblock), -ERESTARTSYS, -errno.
 */
ssize_t hostio_read(struct hostio *h, struct uio *u, bool nonblock);
ssize_t hostio_write(struct hostio *h, struct uio *u, bool nonblock);
/* Ready EPOLL* events; registers with pt. */
uint32_t hostio_poll(struct hostio *h, struct poll_table *pt);
/* Look again at readiness: something but the host changed it. */
void hostio_wake(struct hostio *h);
