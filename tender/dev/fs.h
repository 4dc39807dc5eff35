/* SPDX-License-Identifier: MIT */
/*
 * virtio-fs: the files of the host (dev/files/), the standard streams, the log
 * and the sandbox's control channel as one FUSE file system. What is special
 * about it: abi/fs_device.h. Everything the guest sends is hostile: it gets an
 * errno or breaks its device.
 *
 * Requests are answered where they come in, by the device's thread: it is the
 * one that has called fs_enter_thread(). The owner ignores SIGPIPE.
 */
#pragma once
#include "abi/control.h"
#include "dev/files/fsrv.h"
#include "dev/loop.h"

struct fs_dev;

struct fs_config {
	struct fsrv *server;	/* exports complete; stays the caller's */
	int stdio[3];		/* -1: closed; stay the caller's */
	int log_fd;		/* likewise */
	/* The sandbox's last word, copied and terminated. May be NULL. Called
	 * with the device's lock held. */
	void (*report)(void *arg, const struct abi_report *r);
	void *report_arg;
};

/*
 * The loop is the one that will serve the device's doorbells.
 * Returns 0 or -errno.
 */
int fs_create(struct fs_dev **out, const char *name,
	      const struct guest_memory *memory, struct dev_loop *loop,
	      const struct fs_config *config, struct err *e);
/* The loop does not run any more. NULL is allowed. */
void fs_destroy(struct fs_dev *fs);
struct virtio_dev *fs_virtio(struct fs_dev *fs);
/* How many directories the guest may keep referenced at a time. */
uint32_t fs_nodes_max(const struct fs_dev *fs);
/* In the thread that runs the loop, before dev_loop_run. */
void fs_enter_thread(struct fs_dev *fs);

/*
 * Events for the sandbox; any thread but under no device's lock. Bit n-1 is
 * signal n; tty_signals go to the foreground process group.
 */
void fs_send_signals(struct fs_dev *fs, uint64_t signals,
		     uint64_t tty_signals);
void fs_send_winsize(struct fs_dev *fs, uint16_t rows, uint16_t cols);
/* Has the sandbox left events untaken that were sent before now? */
bool fs_is_deaf(struct fs_dev *fs);
/* End the sandbox at once. */
void fs_send_stop(struct fs_dev *fs);
