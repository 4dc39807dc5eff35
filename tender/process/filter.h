/* SPDX-License-Identifier: MIT */
/* The seccomp filter of a sandbox, made from the table of host calls. */
#pragma once
#include "util/hostcall.h"
#include <stdbool.h>

/*
 * Write the program into f. A call whose instruction lies outside the stub
 * page is trapped (SIGSYS, never executed); a call from the stub page that the
 * table does not allow kills the process. rtprio: with those calls of --rtprio.
 */
void filter_build(struct filter *f, bool rtprio);
