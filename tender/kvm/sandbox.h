/* SPDX-License-Identifier: MIT */
/*
 * One sandbox on the kvm platform: a machine, its devices and the threads that
 * serve them, all in the calling process. Ends with it.
 */
#pragma once
#include "abi/control.h"
#include "dev/files/fsrv.h"
#include "util/description.h"

struct kvm_sandbox;

struct kvm_sandbox_disk {
	const char *path;
	bool read_only;
};

struct kvm_sandbox_config {
	uint64_t ram_bytes;
	uint32_t nr_cpus;
	const char *kernel;	/* image file; NULL: the built-in one */
	struct description *description;	/* handles_max is filled in */
	struct fsrv *server;
	int stdio[3];		/* -1: closed */
	int log_fd;
	const struct kvm_sandbox_disk *disks;
	uint32_t nr_disks;
};

/*
 * Make it and run it. After success the calling thread is confined to waiting,
 * signals, messages and kvm_sandbox_*.
 * Returns 0 or -errno with a text for the user; nothing is left then.
 */
int kvm_sandbox_start(struct kvm_sandbox **out,
		      const struct kvm_sandbox_config *c, struct err *e);
/* Readable: it has ended. */
int kvm_sandbox_end_fd(const struct kvm_sandbox *s);
void kvm_sandbox_send_signals(struct kvm_sandbox *s, uint64_t signals,
			      uint64_t tty_signals);
void kvm_sandbox_send_winsize(struct kvm_sandbox *s, uint16_t rows,
			      uint16_t cols);
/* Are there signals that the kernel did not take? */
bool kvm_sandbox_is_deaf(struct kvm_sandbox *s);
/* The signal the program stopped by since the last call, or 0. */
uint32_t kvm_sandbox_take_stopped(struct kvm_sandbox *s);
/*
 * End it if it still runs, and take everything away. *r is the kernel's report
 * (exit_valid and start_error 0: there was none); `failure` says then what
 * happened. stats_fd: where the monitor's counters go, or -1.
 */
void kvm_sandbox_destroy(struct kvm_sandbox *s, struct abi_report *r,
			 char *failure, size_t failure_size, int stats_fd);
