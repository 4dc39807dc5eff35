/* SPDX-License-Identifier: MIT */
/*
 * One processor: what entry code, scheduler and traps need at hand. The
 * kernel's GS base is the struct cpu of the processor it runs on. The offsets
 * are in entry.S.
 */
#pragma once
#include "lib/types.h"
#include "platform/kvm/runq.h"

#define CPU_MAX	64u

struct task;
struct space;

struct cpu {
	/* 0: only this CPU */
	struct task *current;
	uint64_t kernel_sp;	/* 8: of current */
	uint64_t user_sp;	/* 16: scratch while entering */
	struct cpu *self;	/* 24 */
	uint32_t id, apic_id;	/* 32, 36: set once */
	uint32_t preempt_off;	/* 40: no preemption while not 0 */
	uint32_t need_resched;	/* 44: look for another task soon */
	uint64_t bit;		/* of id, in masks; set once */
	struct task *idle, *prev;
	bool is_handed;		/* current took over the turn of prev */
	struct space *space;	/* whose page tables are loaded */
	struct task *fpu_owner;	/* see user_state.c */
	uint64_t switched_ns;	/* when current began to run */
	uint64_t charged_ns;	/* up to here its turn is counted (runq.h) */
	uint64_t slice_end_ns;
	uint64_t offer_ns;	/* when idle CPUs are told of our queue */
	uint64_t timer_ns;	/* when the timer will fire */
	/* locks of their own */
	struct runq runq;
	struct timerq timerq;
	struct sched_stats stats;
};
_Static_assert(offsetof(struct cpu, need_resched) == 44, "entry.S");

/* Set once, before anything else. */
struct cpu_features {
	bool xsave, fsgsbase, smap, smep, umip, pge, nx, x2apic, tsc_deadline,
	     huge_1g, rdtscp, invpcid;
};
extern struct cpu_features cpu_features;

/* The processor that runs this; only without preemption. */
static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__ volatile("mov %%gs:24, %0" : "=r"(c));
	return c;
}

uint32_t cpu_count(void);
struct cpu *cpu_get(uint32_t id);

/* --- the processor's own tables -------------------------------------------------*/
#define IST_SIZE	8192u
#define NR_IST		3u
#define NR_GDT		10u

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, io_map;
} __attribute__((packed));

/* All of one processor, in one block. */
struct cpu_block {
	struct cpu cpu;
	uint64_t gdt[NR_GDT];
	struct tss tss;
	/* topmost word of each: the struct cpu (see entry_paranoid) */
	uint8_t ist[NR_IST][IST_SIZE] __attribute__((aligned(64)));
};

/* Stack of the next entry from user mode on this CPU. */
static inline void cpu_set_kernel_stack(struct cpu *c, uint64_t sp)
{
	((struct cpu_block *)c)->tss.rsp[0] = sp;
}
