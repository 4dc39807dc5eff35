/* SPDX-License-Identifier: MIT */
/* mica's own system call (abi/native.h). */
#pragma once

struct regs;

void native_init(void);
/* r: as the program made the call. Returns the result. Context: task. */
long native_call(const struct regs *r);
/* The same, with the result into r. */
void native_dispatch(struct regs *r);
