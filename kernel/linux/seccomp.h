/* SPDX-License-Identifier: MIT */
/* seccomp(2): filters of system calls, of threads. */
#pragma once
#include "linux/process.h"

struct seccomp_filter;

/* What is to be done with the call that the record holds (regs->orig_rax). True:
 * do it. Otherwise it is not done: *ret is its result, a signal or the end of
 * the caller may be on the way. Context: the calling thread, in its call. */
bool seccomp_allows(struct regs *r, long *ret);
/* A new thread has the caller's filters. Caller holds process_lock. */
void seccomp_inherit_locked(struct thread *child, const struct thread *parent);
/* Of a thread that is not linked. */
void seccomp_drop(struct thread *t);
/* For /proc. Caller holds process_lock. */
uint32_t seccomp_nr_filters_locked(const struct thread *t);
/* prctl: PR_SET_SECCOMP. */
long seccomp_prctl(uint64_t mode, uint64_t arg);
