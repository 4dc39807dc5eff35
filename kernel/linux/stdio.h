/* SPDX-License-Identifier: MIT */
/* The program's standard streams and terminal at start-up. */
#pragma once
#include "abi/boot.h"
#include "linux/process.h"

/* Drivers of terminals and streams; before the file tree is built, since
 * /dev/pts shows them. Context: init. Returns 0 or -errno. */
int stdio_init(const struct abi_boot *boot);
/*
 * Descriptors 0, 1, 2 of the first thread, and its session's terminal.
 * What is closed on the host stays closed. Returns 0 or -errno.
 */
int stdio_install(struct thread *first, const struct abi_boot *boot);
