/* SPDX-License-Identifier: MIT */
/* What the files of exec share. */
#pragma once
#include "linux/elf.h"
#include "linux/process.h"

/* A list of strings, one after the other with their NULs. */
struct strings {
	char *buf;
	size_t len, cap;
	uint32_t nr;
};

/* One exec, from the call to the new program. */
struct exec {
	struct strings argv, envp;
	size_t args_max;	/* bytes of both, with their pointers */
	char *name;		/* what to run, as asked for; AT_EXECFN */
	char *walk_name;	/* relative to the descriptor; NULL: name */
	struct file *file;	/* the program; interpreters of scripts too */
	struct file *interp;	/* dynamic loader, or NULL */
	struct elf_image *image, *interp_image;
	struct cred *cred;	/* of the new program */
	bool secure;		/* gained rights */
	bool fd_closes;		/* the name leads through a descriptor that
				 * will be closed */
	const char *why;	/* of a failure, for people */
	char *why_name;		/* what it is about; heap, or NULL */
	uint64_t entry, sp;	/* results of loading */
	uint64_t interp_base, load_bias;
	uaddr_t stack_top;
};

/* --- strings (exec_args.c) ---------------------------------------------------*/
/* 0, -E2BIG, -ENOMEM. */
int strings_add(struct exec *e, struct strings *s, const char *str, size_t len);
/* From a program's array; NULL array: empty. Also -EFAULT. */
int strings_add_user(struct exec *e, struct strings *s, uint64_t array);
void strings_fini(struct strings *s);
void exec_set_args_max(struct exec *e);
/*
 * The line of a script: replaces argv[0] by the interpreter, its argument and
 * the script's name. line is NUL-terminated; *interp points into it.
 * Returns 0, -ENOEXEC (no usable line), -E2BIG, -ENOMEM.
 */
int exec_take_script(struct exec *e, char *line, size_t n, size_t line_max,
		     const char *script, char **interp);

/* --- loading (exec_load.c) ----------------------------------------------------*/
/* Map the stack, the image and its interpreter into the empty address space.
 * Returns 0 or -errno; the caller can not go back. */
int exec_load(struct exec *e);
/* Addresses that the platform keeps: known before the point of no return. */
int exec_check_placement(struct exec *e);
/* Room for the stack, and where mappings go below it (exec_stack.c). */
int exec_map_stack(struct exec *e);
/* Arguments, environment and auxiliary vector; sets e->sp. */
int exec_fill_stack(struct exec *e);
uint64_t exec_random(uint64_t max_pages);	/* bytes, whole pages */

/* --- the call (exec.c) ----------------------------------------------------------*/
struct exec *exec_create(void);		/* NULL: no memory */
void exec_destroy(struct exec *e);
/*
 * Run the program e->name with e->argv and e->envp, walked to from dirfd.
 * Returns 0: the thread's registers are those of the new program (or the
 * process is ending); -errno: the old program goes on, e->why may say why.
 */
int exec_run(struct exec *e, int dirfd, uint32_t walk_flags);
