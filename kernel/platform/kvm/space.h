/* SPDX-License-Identifier: MIT */
/* Address spaces of programs. */
#pragma once
#include "lib/types.h"

struct arch_fault;
struct space;

enum space_access { SPACE_WRITE = 1, SPACE_EXEC = 2, SPACE_USER = 4 };

/* Empty. NULL: no memory. */
struct space *space_create(void);
/* A copy for fork, pages shared until written. NULL: no memory. */
struct space *space_copy(struct space *from);
struct space *space_get(struct space *s);
/* Context: task. */
void space_put(struct space *s);
/* Make s the one that this CPU translates by; NULL: the kernel's own only.
 * Context: nosleep, interrupts off; waits for no other CPU. */
void space_load(struct space *s);
/* A fault at addr. Returns 0 (try again) or -EFAULT, then f says as what
 * signal. Context: task. */
int space_fault(struct space *s, uaddr_t addr, uint32_t access,
		struct arch_fault *f);
/* Called, without locks of spaces, while a fault finds no memory. Context: init. */
void space_set_out_of_memory(void (*fn)(void));
struct plat_usage;
void space_usage(const struct space *s, struct plat_usage *u);
/* Where the scheduler counts processor time of s; atomic. */
uint64_t *space_cpu_ns(struct space *s);
/* How many tasks of s are ready or running; the scheduler's; atomic. */
uint32_t *space_nr_ready(struct space *s);
