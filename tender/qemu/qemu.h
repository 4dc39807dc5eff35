/* SPDX-License-Identifier: MIT */
/*
 * A sandbox in QEMU's microvm machine: for hosts without a usable KVM, and for
 * developing the kernel. QEMU has processors, memory and interrupts; files,
 * streams and control are our own device (dev/fs.h), by vhost-user.
 *
 * Nothing is left on the host: the kernel, the description and the guest's
 * memory are anonymous files, the connections are socket pairs, and QEMU dies
 * with the thread that started it.
 */
#pragma once
#include "abi/control.h"
#include "dev/files/fsrv.h"
#include "util/description.h"
#include <stddef.h>

#define QEMU_DISKS_MAX	8u

struct qemu_disk {
	const char *path;
	bool read_only;
};

struct qemu_config {
	const void *kernel;	/* ELF file with a PVH note */
	size_t kernel_size;
	const char *kernel_path; /* instead of it, or NULL */
	struct description *description;
	uint64_t memory;	/* bytes */
	uint32_t nr_cpus;
	const struct qemu_disk *disks;
	uint32_t nr_disks;
	const char *arguments;	/* more of QEMU's, words; may be NULL */
	struct fsrv *server;	/* exports complete; stays the caller's */
	int stdio[3];
	int log_fd;
};

struct qemu;

/* Is there a QEMU? Returns 0 or -ENOENT, with what to install in e. */
int qemu_check(struct err *e);
/*
 * Start it. SIGPIPE is ignored and signals are blocked already. Fills in what
 * the description does not know yet. Returns 0 or -errno.
 */
int qemu_start(struct qemu **out, const struct qemu_config *config,
	       struct err *e);
/* Readable once QEMU has ended. */
int qemu_end_fd(const struct qemu *q);
void qemu_send_signals(struct qemu *q, uint64_t signals,
		       uint64_t tty_signals);
void qemu_send_winsize(struct qemu *q, uint16_t rows, uint16_t cols);
/* Are there signals that the kernel did not take? */
bool qemu_is_deaf(struct qemu *q);
/* The signal that the program stopped by since the last call, or 0. */
uint32_t qemu_take_stopped(struct qemu *q);
/*
 * End and forget it. Fills *report; without an orderly end report->exit_valid
 * and start_error are 0 and failure says in one line what happened.
 */
void qemu_destroy(struct qemu *q, struct abi_report *report, char *failure,
		  size_t failure_size);
