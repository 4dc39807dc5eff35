/* SPDX-License-Identifier: MIT */
/*
 * user_state_save and user_state_load with a message between them, which goes
 * from program to program in the vector registers: the sender's own are saved by
 * then and the receiver's not loaded yet. The kernel itself uses none. In line,
 * because every instruction of platform/kvm/message.c counts.
 * Context: nosleep, interrupts off.
 */
#pragma once
#include "core/task.h"
#include "platform/kvm/cpu.h"

/* Set once: what xsave is told, if this processor has all that is used here. */
extern uint32_t user_message_state;
/* Not 0: it has not, or messages are not to go this way. Set at start. */
extern uint64_t user_message_closed;

#define MESSAGE_FIXUP(at, to) \
	".pushsection .fixup, \"a\"\n\t.quad " at ", " to "\n\t.popsection\n\t"

/* t's image of them. */
struct user_vectors {
	uint8_t bytes[PLAT_FPU_SIZE];
};
static inline struct user_vectors *user_vectors(struct task *t)
{
	return (struct user_vectors *)((char *)t + PLAT_FPU_OFFSET);
}

/* t goes on after all. */
static inline void user_message_drop(struct task *t)
{
	__asm__ volatile("xrstor64 %0" : : "m"(*user_vectors(t)),
			 "a"(user_message_state), "d"(0) : "memory");
}

/* Save t's state and fetch the 64 bytes at `from`, of t's program, whose first
 * word becomes t's id. False: they are not there, and nothing has changed. */
static inline __attribute__((always_inline)) bool
user_message_take(struct task *t, uint64_t from)
{
	uint64_t fs, gs;

	__asm__ volatile("rdfsbase %0\n\tswapgs\n\trdgsbase %1\n\tswapgs"
			 : "=r"(fs), "=r"(gs) : : "memory");
	t->arch.plat.fs_base = fs;
	t->arch.plat.gs_base = gs;
	__asm__ volatile("xsave64 %0" : "=m"(*user_vectors(t))
			 : "a"(user_message_state), "d"(0) : "memory");
	__asm__ goto("stac\n"
		     "1:\tmovups (%0), %%xmm0\n"
		     "2:\tmovups 16(%0), %%xmm1\n"
		     "3:\tmovups 32(%0), %%xmm2\n"
		     "4:\tmovups 48(%0), %%xmm3\n\t"
		     "clac\n\t"
		     "pinsrd $0, %1, %%xmm0\n\t"	/* SSE4.1, older than SMAP */
		     MESSAGE_FIXUP("1b", "%l[fault]")
		     MESSAGE_FIXUP("2b", "%l[fault]")
		     MESSAGE_FIXUP("3b", "%l[fault]")
		     MESSAGE_FIXUP("4b", "%l[fault]")
		     : : "r"(from), "m"(t->id) : "memory" : fault);
	return true;
fault:
	__asm__ volatile("clac" : : : "memory");
	user_message_drop(t);
	return false;
}

/* Put them into memory of the kernel. */
static inline void user_message_keep(void *to)
{
	__asm__ volatile("movups %%xmm0, (%0)\n\tmovups %%xmm1, 16(%0)\n\t"
			 "movups %%xmm2, 32(%0)\n\tmovups %%xmm3, 48(%0)"
			 : : "r"(to) : "memory");
}

/* Put them into memory of the program whose address space is loaded. False: it
 * is not there; a part may have been written. */
static inline __attribute__((always_inline)) bool user_message_give(uint64_t to)
{
	__asm__ goto("stac\n"
		     "1:\tmovups %%xmm0, (%0)\n"
		     "2:\tmovups %%xmm1, 16(%0)\n"
		     "3:\tmovups %%xmm2, 32(%0)\n"
		     "4:\tmovups %%xmm3, 48(%0)\n\t"
		     "clac\n\t"
		     MESSAGE_FIXUP("1b", "%l[fault]")
		     MESSAGE_FIXUP("2b", "%l[fault]")
		     MESSAGE_FIXUP("3b", "%l[fault]")
		     MESSAGE_FIXUP("4b", "%l[fault]")
		     : : "r"(to) : "memory" : fault);
	return true;
fault:
	__asm__ volatile("clac" : : : "memory");
	return false;
}

/* Load t's state, after either. */
static inline void user_message_end(struct cpu *c, struct task *t)
{
	struct plat_task *p = &t->arch.plat;

	__asm__ volatile("wrfsbase %0\n\tswapgs\n\twrgsbase %1\n\tswapgs"
			 : : "r"(p->fs_base), "r"(p->gs_base) : "memory");
	user_message_drop(t);
	/* nobody's, for what user_state_load knows */
	c->fpu_owner = NULL;
}
