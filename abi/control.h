/* SPDX-License-Identifier: MIT */
/*
 * What tender and kernel tell each other while a sandbox runs on the kvm
 * platform: records read from and written to the node "control" of the file
 * system device (abi/fs_device.h). On the process platform the doorbell and
 * the boot block in shared memory do the same.
 */
#pragma once
#include <stdint.h>
#include <stddef.h>

/* One READ gives one or more of these. Unknown kinds are to be passed over. */
enum abi_event_kind {
	ABI_EVENT_POLL = 1,	/* arg = stream 0..2, value = POLL* bits */
	ABI_EVENT_SIGNAL,	/* value: bit n-1: signal n for the program */
	ABI_EVENT_TTY_SIGNAL,	/* same, for the foreground process group */
	ABI_EVENT_WINSIZE,	/* value = rows << 16 | columns */
	ABI_EVENT_STOP,		/* end the sandbox at once */
};

struct abi_event {
	uint32_t kind;		/* enum abi_event_kind */
	uint32_t arg;
	uint64_t value;
};

/* A WRITE takes one. The last one counts; a stop of the program (`stopped`)
 * may be reported any number of times before. */
struct abi_report {
	uint32_t exit_status;	/* wait status of the program */
	uint32_t exit_valid;
	uint32_t stopped;	/* signal the main program stopped by, or 0 */
	uint32_t start_error;	/* exit status of a failed start: 125..127 */
	char start_message[256];
};
_Static_assert(sizeof(struct abi_event) == 16, "abi_event layout");
_Static_assert(sizeof(struct abi_report) == 272, "abi_report layout");
