/* SPDX-License-Identifier: MIT */
/* What the files of the tracer's side share. */
#pragma once
#include "linux/ptrace.h"

/* The caller's tracee, or NULL. process_lock held. */
struct tracee *ptrace_mine_locked(uint32_t tid, bool stopped);
/* The requests that look at a stopped tracee or change it (ptrace_look.c). */
long ptrace_look(uint64_t request, uint32_t tid, uint64_t addr,
		 uint64_t data);
