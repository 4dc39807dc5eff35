/* SPDX-License-Identifier: MIT */
/*
 * Host calls and the inside of platform process. Only this folder calls the
 * host; tender/process/hostcalls.c lists what the filter lets through.
 */
#pragma once
#include "abi/boot.h"
#include "core/task.h"
#include "platform/platform.h"
#include "lib/types.h"
#include <asm/unistd.h>

/* Result or negative errno, as the host kernel returns it. stub.S */
long host_call(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
	       uint64_t e, uint64_t f);
/* Does not start, and ends with -EINTR, when work is pending. */
long host_call_intr(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		    uint64_t e, uint64_t f);
void host_exit(uint32_t *busy) __noreturn;
void host_hand_over(uint32_t *word) __noreturn;
/*
 * The end of a host thread: last(word), one of the two above, with every host
 * signal blocked. A kick that came after the store would write its frame over
 * that of the block's next host thread.
 */
void host_leave(void (*last)(uint32_t *word), uint32_t *word) __noreturn;

#define HC1(nr, a)		host_call(nr, (uint64_t)(a), 0, 0, 0, 0, 0)
#define HC2(nr, a, b) \
	host_call(nr, (uint64_t)(a), (uint64_t)(b), 0, 0, 0, 0)
#define HC3(nr, a, b, c) \
	host_call(nr, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 0, 0, 0)

/* Set once at start. */
struct process_platform {
	struct abi_boot *boot;
	struct task *supervisor;
	int (*vdso_clock_gettime)(int clock, void *ts);
};
extern struct process_platform process_platform;

void clock_init(uint64_t vdso);
bool is_in_supervisor(void);
/* Ask the supervisor to start t (PLAT_SPACE_NEW, PLAT_SPACE_KERNEL) or, with
 * context, a process that takes t over. Returns 0 or -errno. */
struct host_context;
int supervisor_start_task(struct task *t, enum plat_space space,
			  struct host_context *context);
void supervisor_init(void);
void supervisor_ring(void);	/* wake it */

/* Callee-saved registers, as context_save (entry.S) stores them. */
struct host_context {
	uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
};
int context_save(struct host_context *c) __attribute__((returns_twice));
void context_resume(struct host_context *c) __noreturn;

/* Clone with the stack of t. Returns the host id, or -errno. */
long clone_thread(struct task *t);
long clone_process(struct task *t, bool sibling);
void set_alternate_stack(struct task *t);
/* The calling process carries t; from now on t can be kicked here. */
void process_reveal(struct task *t, uint32_t host_tid);
