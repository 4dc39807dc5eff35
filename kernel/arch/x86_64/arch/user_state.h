/* SPDX-License-Identifier: MIT */
/*
 * State of the program that stays in the processor while the kernel runs:
 * vector registers, bases of FS and GS. Saved when its task is switched out.
 * Context of all: nosleep, interrupts off, unless said otherwise.
 */
#pragma once
#include "core/task.h"

struct cpu;

/* t stops running on c. */
void user_state_save(struct cpu *c, struct task *t);
/* t starts running on c. */
void user_state_load(struct cpu *c, struct task *t);
/* Nobody will ask c for the state of t any more (its block may be reused). */
void user_state_forget(struct cpu *c, const struct task *t);
/* First state of t, not started yet: that of the calling task, but FS base.
 * Context: task. */
void user_state_copy(struct task *t, uint64_t fs_base);
/* First state of t, not started yet: as after execve. Context: task. */
void user_state_init(struct task *t);
