/* SPDX-License-Identifier: MIT */
/* What the files of the QEMU runner share. */
#pragma once
#include "qemu/qemu.h"
#include <sys/types.h>

/* Descriptors that QEMU inherits; -1 where there is none. */
enum {
	QEMU_KERNEL, QEMU_INITRD, QEMU_FS, QEMU_LOG,
	QEMU_DISKS,
	QEMU_NR_FDS = QEMU_DISKS + QEMU_DISKS_MAX,
};

/* Where qemu-system-x86_64 is. Returns 0 or -ENOENT with e set. */
int qemu_find(char *path, size_t size, struct err *e);
/*
 * The arguments, NULL at the end. fds: see above, -1 where config has a path.
 * Returns NULL without memory. Owner: qemu_free_arguments.
 */
char **qemu_arguments(const struct qemu_config *config,
		      const int fds[QEMU_NR_FDS]);
void qemu_free_arguments(char **argv);
/*
 * Run it with these descriptors, its messages going to messages_fd, no other
 * input or output, in a session of its own, without new privileges. With
 * as_nobody it is not root even if the caller is. It dies with the calling
 * thread.
 */
pid_t qemu_spawn(const char *path, char **argv, const int fds[QEMU_NR_FDS],
		 int messages_fd, bool as_nobody, struct err *e);
