/* SPDX-License-Identifier: MIT */
/* The device that the tests of virtio-mmio share (virtio_mmio_test.c). */
#pragma once
#include "fake_guest.h"

#define CONFIG_LEN	12u
#define VERSION_1	VIRTIO_FEATURE(VIRTIO_F_VERSION_1)

extern struct fake_guest g;
extern struct virtio_dev dev;
extern unsigned char config[CONFIG_LEN];
extern uint32_t starts;		/* of the device, since set_up() */

/* Around each test. */
void set_up(void);
void tear_down(void);

enum state {
	RESET, ACKNOWLEDGED, DRIVER, FEATURES_OK, QUEUES, RUNNING, BROKEN,
	FAILED, NR_STATES,
};

/* From wherever it is. */
void enter(enum state s);
