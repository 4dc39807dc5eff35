/* SPDX-License-Identifier: MIT */
/* What tender and kernel tell each other while the sandbox runs
 * (abi/control.h). */
#pragma once
#include "abi/boot.h"

/*
 * Open the standard streams and the control node, begin to listen to the
 * tender, and see to it that the sandbox's end is reported. boot stays.
 * Returns 0, or -ENODEV (no file system device), -ENOMEM, -errno.
 * Context: init, after virtio_start.
 */
int control_start(struct abi_boot *boot);
