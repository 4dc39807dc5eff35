/* SPDX-License-Identifier: MIT */
/* Lengths of the simple instructions that compilers put behind a system call. */
#pragma once
#include "lib/types.h"

/*
 * Length of the instruction at p if it is one of the known ones that mean the
 * same at any address (no branch, nothing relative to rip), 0 if not.
 * Reads at most `room` bytes.
 */
size_t insn_length(const uint8_t *p, size_t room);
