/* SPDX-License-Identifier: MIT */
/* Names and sizes of the system, as uname, sysinfo and /proc tell them. */
#pragma once
#include "lib/types.h"

#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.12.0-mica"
#define UTS_VERSION "#1 SMP PREEMPT mica"
#define UTS_MACHINE "x86_64"
#define UTS_LEN 65u

enum uts_name { UTS_HOSTNAME, UTS_DOMAINNAME, UTS_NAMES };
/* Those of the caller's namespace. Copies; buf has UTS_LEN bytes. */
void uts_get_name(enum uts_name which, char *buf);
/* Longer names are cut. Returns 0 or -EPERM. */
int uts_set_name(enum uts_name which, const char *name, size_t len);
/* What the sandbox may use and what it does, in bytes. */
void system_memory(uint64_t *total, uint64_t *free);
