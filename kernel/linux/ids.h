/* SPDX-License-Identifier: MIT */
/* Credentials of programs: what exec and prctl need from linux/cred.c and caps.c. */
#pragma once
#include "linux/process.h"

/* Fresh private copy of the caller's credentials, to be changed. NULL: no memory. */
struct cred *ids_begin(void);
/* Make n (from ids_begin) the caller's credentials. Takes over n. */
void ids_commit(struct cred *n);
/* Linux's capability changes when user ids go from old to n's. */
void ids_fix_caps(const struct cred *old, struct cred *n);
/*
 * Credentials after exec of file f: set-id bits (unless no_new_privs or a
 * nosuid mount) and capability rules. *secure = AT_SECURE.
 * Returns 0 and a reference in *out, or -ENOMEM.
 */
int ids_for_exec(struct file *f, struct cred **out, bool *secure);
/* prctl options about credentials. -ENOSYS: not one of them. */
long ids_prctl(uint64_t option, uint64_t a2, uint64_t a3, uint64_t a4,
	       uint64_t a5);
