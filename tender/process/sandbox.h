/* SPDX-License-Identifier: MIT */
/*
 * One sandbox on the process platform, from the tender's side: its memory
 * object, boot block, confined first process, and end.
 */
#pragma once
#include "abi/boot.h"
#include "util/description.h"
#include <stdint.h>
#include <stdbool.h>
#include <sys/types.h>

struct sandbox {
	int pool_fd;
	int server_fd;		/* the tender's end */
	int guest_server_fd;	/* the sandbox's end, until started */
	int log_fd;
	pid_t pid;		/* first process, as the tender sees it */
	int pidfd;
	struct abi_boot *boot;	/* shared with the kernel */
	uint64_t boot_at;	/* its offset in the memory object */
	bool as_root;		/* the tender has root's rights */
	bool keeps_nice;	/* CAP_SYS_NICE, for --rtprio */
};

/*
 * Make the memory object with the kernel's data; *d is the description in it.
 * Returns 0 or -errno.
 */
int sandbox_create(struct sandbox *s, struct description *d, struct err *e);
/*
 * Can we do what only root can: give the sandbox user nobody's identity and
 * its own PID namespace? Not so for "root" of a user namespace that lacks
 * other ids, or of a container without capabilities.
 */
bool sandbox_has_root(void);
/*
 * The highest real-time priority that the host would let a sandbox of ours
 * have; 0: none.
 */
unsigned int sandbox_rtprio_max(void);
/* Start the first process, confined. After it s->pid and s->pidfd are set. */
int sandbox_start(struct sandbox *s, struct err *e);
/* Wake the supervisor after a change of boot->doorbell. */
void sandbox_ring(struct sandbox *s);
/* Kill everything and forget. Idempotent. */
void sandbox_destroy(struct sandbox *s);

/* In the first process: give up rights, map the kernel, jump. No return. */
void confine_and_enter(struct sandbox *s) __attribute__((noreturn));
/* Where the embedded kernel ends its use of the memory object. */
uint64_t image_pool_used(void);
const struct abi_image *image_info(void);
int image_load_data(int pool_fd, struct err *e);
/* Map text and constants; only in the sandbox's first process. 0 or -errno */
int image_map(int exe_fd);
