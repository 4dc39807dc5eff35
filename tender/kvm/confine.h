/* SPDX-License-Identifier: MIT */
/*
 * The jail of the monitor: what each of its threads may still ask of the host
 * once the guest runs. The tables are what `mica features` prints and
 * docs/security.md lists.
 */
#pragma once
#include "util/err.h"
#include "util/hostcall.h"

enum thread_kind {
	THREAD_VCPU,	/* runs the guest, answers its register accesses */
	THREAD_DEVICE,	/* random numbers, disks */
	THREAD_FILES,	/* the file system device: the caller's files */
	THREAD_MAIN,	/* signals, window size, the end */
	NR_THREAD_KINDS,
};

/* Stands for the vCPU's descriptor in a rule of the tables. */
#define FD_OF_VCPU	0xfffffff0u
/* ... and for this process's own number. */
#define OWN_PID		0xfffffff1u

struct thread_calls {
	const char *name, *what;
	const struct hostcall *calls;
	size_t nr_calls;
};

extern const struct thread_calls thread_calls[NR_THREAD_KINDS];

/*
 * What holds for the whole process, before any thread is started: no new
 * privileges, no core dumps, not traceable, no descriptor above 2 but ours
 * (those of the caller are closed).
 */
int confine_process(struct err *e);
/*
 * Give up what the calling thread does not need: capabilities (all kinds but
 * THREAD_FILES), for root the identity (not THREAD_MAIN either), then all calls
 * but those of its kind. vcpu_fd: for THREAD_VCPU. Returns 0 or -errno: then
 * the guest must not run.
 */
int confine_thread(enum thread_kind kind, int vcpu_fd);
