/* SPDX-License-Identifier: MIT */
/*
 * The jail, see confine.h. Filters are per thread: a vCPU thread, which the
 * guest keeps busy, can do next to nothing; only the thread that serves files
 * may open them. All threads share memory, so whoever takes over one of them
 * completely may in the end use the calls of all: the union of the tables is
 * the outer wall, and no table has calls that start programs, make sockets,
 * trace, mount or change namespaces.
 */
#include "kvm/confine.h"
#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY		65534u
#define CALLS_MAX	80u

int confine_process(struct err *e)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	if (syscall(SYS_close_range, 3, ~0u, 0))
		return err_set(e, errno, "closing the caller's descriptors: "
			       "%s%s", strerror(errno), errno == ENOSYS ?
			       "; platform kvm needs Linux 5.9 or later" : "");
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set(e, errno, "giving up new privileges");
	return 0;
}

/* Of the calling thread only, hence not by the C library. */
static void become_nobody(void)
{
	/* a root that lacks the right keeps its number but not its rights */
	if (geteuid() == 0 && !syscall(SYS_setgroups, 0, NULL) &&
	    !syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY))
		syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	return syscall(SYS_capset, &h, none) ? -errno : 0;
}

static int drop_identity(enum thread_kind kind)
{
	if (kind == THREAD_FILES)	/* opens what its caller may open */
		return 0;
	/* the first thread's user says who may send signals to us: not nobody */
	if (kind != THREAD_MAIN)
		become_nobody();
	return drop_capabilities();
}

/* The table with this thread's own numbers. */
static void resolve(struct hostcall *c, int vcpu_fd)
{
	for (size_t i = 0; i < 3 && c->rules[i].kind != ARG_END; i++) {
		struct arg_rule *r = &c->rules[i];

		if (r->values[0] == FD_OF_VCPU)
			r->values[0] = (uint32_t)vcpu_fd;
		if (r->values[0] == OWN_PID)
			r->values[0] = (uint32_t)getpid();
	}
}

int confine_thread(enum thread_kind kind, int vcpu_fd)
{
	const struct thread_calls *t = &thread_calls[kind];
	struct hostcall calls[CALLS_MAX];
	struct filter f = { .n = 0 };
	struct sock_fprog fprog = { 0, f.prog };
	int err = drop_identity(kind);

	if (err || t->nr_calls > CALLS_MAX)
		return err ? err : -E2BIG;
	for (size_t i = 0; i < t->nr_calls; i++) {
		calls[i] = t->calls[i];
		resolve(&calls[i], vcpu_fd);
	}
	filter_add_arch(&f);
	filter_add_calls(&f, calls, t->nr_calls);
	filter_add_kill(&f);
	if (f.n > FILTER_MAX)
		return -E2BIG;
	fprog.len = (unsigned short)f.n;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog) ?
		       -errno : 0;
}
