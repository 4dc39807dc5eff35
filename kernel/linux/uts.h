/* SPDX-License-Identifier: MIT */
/* Names and sizes of the system, as uname, sysinfo and /proc tell them. */
#pragma once
#include "lib/types.h"

#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.12.0-mica"
#define UTS_VERSION "#1 SMP PREEMPT mica"
#define UTS_MACHINE "x86_64"
#define UTS_LEN 65u

/* Copies; buf has UTS_LEN bytes. */
void uts_get_hostname(char *buf);
void uts_get_domainname(char *buf);
/* Longer names are cut. */
void uts_set_hostname(const char *name, size_t len);
/* What the sandbox may use and what it does, in bytes. */
void system_memory(uint64_t *total, uint64_t *free);
