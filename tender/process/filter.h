/* SPDX-License-Identifier: MIT */
/* The seccomp filter of a sandbox, made from the table of host calls. */
#pragma once
#include <stddef.h>
#include <linux/filter.h>

#define FILTER_MAX 512

/*
 * Write the program into prog. A call whose instruction lies outside the stub
 * page is trapped (SIGSYS, never executed); a call from the stub page that the
 * table does not allow kills the process.
 * Returns the number of instructions.
 */
size_t filter_build(struct sock_filter prog[FILTER_MAX]);
