/* SPDX-License-Identifier: MIT */
/*
 * The host calls that a sandbox on the process platform may make, with the
 * rules for their arguments. One table makes the seccomp filter, the list of
 * `mica features`, docs/security.md and the isolation test.
 */
#pragma once
#include "util/hostcall.h"

extern const struct hostcall hostcalls[];
extern const size_t nr_hostcalls;
/* Only with --rtprio, and then before the others. */
extern const struct hostcall hostcalls_rtprio[];
extern const size_t nr_hostcalls_rtprio;
