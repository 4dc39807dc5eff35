/* SPDX-License-Identifier: MIT */
/*
 * The first program of a sandbox: looked up like a shell does, with failures
 * explained to the person who typed its name.
 */
#include "linux/exec.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "fs/rootfs.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/exec_priv.h"
#include "linux/path.h"
#include <linux/fcntl.h>
#include <linux/limits.h>

#define STATUS_NOT_FOUND	127u
#define STATUS_MICA		125u
#define STATUS_NOT_RUNNABLE	126u
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *blob(const struct abi_boot *b, uint32_t off)
{
	return (const char *)b->blob + off;
}

static int add_block(struct exec *e, struct strings *s, const char *p,
		     uint32_t n)
{
	int err = 0;

	for (; n && !err; n--) {
		size_t len = strlen(p);

		err = strings_add(e, s, p, len);
		p += len + 1;
	}
	return err;
}

/* The walk there waits for the first use of a name where it is sure to succeed:
 * many programs use none. */
static int set_cwd(const struct abi_boot *b)
{
	struct thread *t = current_thread();

	t->fs->cwd_later = blob(b, b->cwd);
	return rootfs_leads_to_cwd(b) ? 0 : fs_settle_now(t->fs, t->cred);
}

/* PATH of the program's environment. */
static const char *find_path(const struct abi_boot *b)
{
	const char *p = blob(b, b->envp);

	for (uint32_t i = 0; i < b->envc; i++) {
		if (!strncmp(p, "PATH=", 5))
			return p + 5;
		p += strlen(p) + 1;
	}
	return DEFAULT_PATH;
}

static const char *error_text(int err)
{
	switch (err) {
	case -ENOENT:
		return "not found";
	case -EACCES:
		return "permission denied";
	case -ENOTDIR:
		return "not a directory";
	case -EISDIR:
		return "is a directory";
	case -ELOOP:
		return "too many levels of symbolic links or scripts";
	case -ENOMEM:
		return "out of memory";
	case -E2BIG:
		return "argument list too long";
	case -ETXTBSY:
		return "file is open for writing";
	case -EIO:
		return "input/output error";
	case -ENAMETOOLONG:
		return "name too long";
	case -ENOEXEC:
		return "is not a program (and has no #! line)";
	case -ELIBBAD:
		return "interpreter is damaged";
	default:
		return NULL;
	}
}

static void explain(struct abi_boot *b, const char *name, const struct exec *e,
		    int err)
{
	char *m = b->start_message;
	size_t size = sizeof(b->start_message);
	const char *why = error_text(err);

	b->start_error = err == -ENOENT && !e->why ? STATUS_NOT_FOUND :
						     STATUS_NOT_RUNNABLE;
	if (e->why && e->why_name && err == -ENOENT)
		snprintf(m, size, "%s: interpreter %s not found", name,
			 e->why_name);
	else if (e->why && e->why_name)
		snprintf(m, size, "%s: %s: %s", name, e->why_name, e->why);
	else if (e->why && strcmp(e->why, "is not a program"))
		snprintf(m, size, "%s: %s", name, e->why);
	else if (why)
		snprintf(m, size, "%s: %s", name, why);
	else
		snprintf(m, size, "%s: error %d", name, -err);
}

/* One attempt; the message is kept if it is worth more than an earlier one. */
static int attempt(struct abi_boot *b, const char *name, int *kept)
{
	struct exec *e = exec_create();
	int err;

	if (!e)
		return -ENOMEM;
	e->name = kstrdup(name);
	err = e->name ? 0 : -ENOMEM;
	if (!err)
		err = add_block(e, &e->argv, blob(b, b->argv), b->argc);
	if (!err)
		err = add_block(e, &e->envp, blob(b, b->envp), b->envc);
	if (!err)
		err = exec_run(e, AT_FDCWD, WALK_FOLLOW);
	if (err && (!*kept || *kept == -ENOENT)) {
		explain(b, name, e, err);
		*kept = err;
		if (e->why)
			*kept = -ENOEXEC;
	}
	exec_destroy(e);
	return err;
}

static bool is_final(int err)
{
	return err != -ENOENT && err != -ENOTDIR && err != -EACCES &&
	       err != -ESTALE && err != -ENODEV;
}

static int search(struct abi_boot *b, const char *program)
{
	const char *dir = find_path(b);
	char *name = kmalloc(PATH_MAX);
	int err = -ENOENT, kept = 0, first = 0;

	if (!name)
		return -ENOMEM;
	for (;;) {
		const char *end = strchr(dir, ':');
		int len = (int)(end ? (size_t)(end - dir) : strlen(dir));

		if (len + strlen(program) + 2 < PATH_MAX) {
			snprintf(name, PATH_MAX, "%.*s%s%s", len, dir,
				 len ? "/" : "", program);
			err = attempt(b, name, &kept);
			if (!err || is_final(err) || kept == -ENOEXEC)
				break;
			if (err == -EACCES)
				first = err;
		}
		if (!end)
			break;
		dir = end + 1;
	}
	kfree(name);
	if (err && first && !is_final(err))
		err = first;
	if (err == -ENOENT && kept != -ENOEXEC)
		snprintf(b->start_message, sizeof(b->start_message),
			 "%s: not found", program);
	return err;
}

int exec_initial(const struct abi_boot *b)
{
	const char *program = blob(b, b->program);
	int kept = 0, err;

	err = set_cwd(b);
	if (err) {
		const char *why = error_text(err);

		boot->start_error = STATUS_MICA;
		snprintf(boot->start_message, sizeof(boot->start_message),
			 "working directory %s: %s", blob(b, b->cwd),
			 why ? why : "cannot be entered");
		return err;
	}
	boot->start_error = STATUS_NOT_FOUND;
	if (!*program)
		err = -ENOENT;
	else if (strchr(program, '/'))
		err = attempt(boot, program, &kept);
	else
		err = search(boot, program);
	if (!err) {
		boot->start_error = 0;
		boot->start_message[0] = 0;
	} else if (!boot->start_message[0]) {
		const char *why = error_text(err);

		boot->start_error = STATUS_NOT_RUNNABLE;
		snprintf(boot->start_message, sizeof(boot->start_message),
			 "%s: %s", program, why ? why : "cannot be started");
	}
	return err;
}
