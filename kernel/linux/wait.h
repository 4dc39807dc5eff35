/* SPDX-License-Identifier: MIT */
/* Hook of pidfd.c for waitid(P_PIDFD). */
#pragma once
#include "linux/process.h"

/* The process of a pidfd, with a reference; NULL: not a pidfd. */
struct process *pidfd_process_get(int fd);
