/* SPDX-License-Identifier: MIT */
/*
 * What tools/nested and the first process of its virtual machine (init.c)
 * agree on. They talk over one virtio-serial port. The host sends one request;
 * the guest answers with frames until the status frame, after which it powers
 * off.
 *
 * Request: struct rig_request, then `len` bytes: the working directory, the
 * arguments and the environment, each string ended by a zero byte.
 * Numbers are little endian. tools/nested has the same layouts.
 */
#pragma once
#include <stdint.h>

#define RIG_MAGIC	0x3147495241434d00ull	/* "\0MCARIG1" */
#define RIG_ALIVE_SECONDS 5
#define RIG_MAX_REQUEST	(4u << 20)

enum rig_frame_kind {
	RIG_READY = 'R',	/* empty: the guest waits for its request */
	RIG_ALIVE = 'A',	/* empty: every RIG_ALIVE_SECONDS or so */
	RIG_STDOUT = 'O',
	RIG_STDERR = 'E',
	RIG_STATUS = 'S',	/* a wait status, 4 bytes */
	RIG_ERROR = 'X',	/* text: the command could not be started */
};

struct rig_request {
	uint64_t magic;
	uint64_t real_ns;	/* the host's CLOCK_REALTIME */
	uint32_t len;
	uint32_t argc;
	uint32_t envc;
	uint32_t uid;
	uint32_t gid;
	uint32_t stdin_len;	/* bytes of standard input after the strings */
};

struct rig_frame {
	uint32_t kind;
	uint32_t len;
};
