/* SPDX-License-Identifier: MIT */
/*
 * The jail of the monitor's threads (tender/kvm/confine.c): in a child for each
 * try, a thread confines itself and makes a host call; SIGSYS must end it if
 * and only if the call is not in its table. No KVM is needed.
 */
#include "kvm/confine.h"
#include <asm/ioctls.h>
#include <errno.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_MAX	500
#define VCPU_FD		1000	/* not open: its calls fail, but are made */
#define MISTAKE		99

static const char *const kinds[NR_THREAD_KINDS] = {
	"processor", "devices", "files", "main",
};

/* A thread's call of that number, or NULL. */
static const struct hostcall *find(enum thread_kind kind, long nr)
{
	const struct thread_calls *t = &thread_calls[kind];

	for (size_t i = 0; i < t->nr_calls; i++)
		if (t->calls[i].nr == nr)
			return &t->calls[i];
	return NULL;
}

/* Did the jail end a thread of that kind for this call? */
static bool is_refused(enum thread_kind kind, long nr, const long arg[4])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    confine_thread(kind, VCPU_FD))
			_exit(MISTAKE);
		syscall(nr, arg[0], arg[1], arg[2], arg[3], 0, 0);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == MISTAKE)) {
		printf("# no child, or it could not be confined\n");
		exit(1);
	}
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

#define CALL_URETPROBE	335	/* these two pass every filter, and fail */
#define CALL_UPROBE	336

/* Calls that would not come back, or take the child with them. */
static bool is_left_out(long nr)
{
	return nr == SYS_exit || nr == SYS_exit_group ||
	       nr == SYS_rt_sigreturn || nr == SYS_kill ||
	       nr == SYS_restart_syscall;
}

/* Arguments that are nonsense everywhere: where a rule stands they break it. */
static bool test_numbers(enum thread_kind kind)
{
	const long nonsense[4] = { -1, -1, -1, -1 };
	bool good = true;

	for (long nr = 0; nr < CALLS_MAX; nr++) {
		const struct hostcall *c = find(kind, nr);
		bool want = !c || c->rules[0].kind != ARG_END;

		if ((is_left_out(nr) && c) || nr == CALL_URETPROBE ||
		    nr == CALL_UPROBE)
			continue;
		if (is_refused(kind, nr, nonsense) == want)
			continue;
		printf("# call %ld is %s\n", nr, want ? "made" : "refused");
		good = false;
	}
	return good;
}

struct try {
	enum thread_kind kind;
	long nr, arg[4];
	bool refused;
};

/* The rules: what they let through and what just misses them. */
static bool test_rules(void)
{
	const long own = getpid();
	const struct try tries[] = {
		{ THREAD_VCPU, SYS_ioctl, { VCPU_FD, KVM_RUN }, false },
		{ THREAD_VCPU, SYS_ioctl, { VCPU_FD, (long)KVM_GET_REGS },
		  false },
		{ THREAD_VCPU, SYS_ioctl, { VCPU_FD + 1, KVM_RUN }, true },
		{ THREAD_VCPU, SYS_ioctl, { VCPU_FD, (long)KVM_SET_REGS },
		  true },
		{ THREAD_VCPU, SYS_ioctl, { 0, TCGETS }, true },
		{ THREAD_VCPU, SYS_futex, { 0, FUTEX_WAKE | 128 }, false },
		{ THREAD_VCPU, SYS_futex, { 0, FUTEX_LOCK_PI }, true },
		{ THREAD_DEVICE, SYS_getrandom, { 0, 0, 0 }, false },
		{ THREAD_DEVICE, SYS_getrandom, { 0, 0, 1 }, true },
		{ THREAD_FILES, SYS_ioctl, { VCPU_FD, TIOCGWINSZ }, false },
		{ THREAD_FILES, SYS_ioctl, { VCPU_FD, TIOCSTI }, true },
		{ THREAD_FILES, SYS_ioctl, { VCPU_FD, KVM_RUN }, true },
		{ THREAD_FILES, SYS_mmap, { 0, 4096, PROT_READ }, false },
		{ THREAD_FILES, SYS_mmap, { 0, 4096, PROT_EXEC }, true },
		{ THREAD_FILES, SYS_mprotect, { 0, 0, PROT_EXEC }, true },
		{ THREAD_MAIN, SYS_tgkill, { own, own, 0 }, true },
		{ THREAD_MAIN, SYS_kill, { own, SIGSTOP }, true },
		{ THREAD_MAIN, SYS_kill, { 1, SIGSTOP }, true },
		{ THREAD_MAIN, SYS_ioctl, { VCPU_FD, TIOCSTI }, true },
	};
	bool good = true;

	/* `own` is the parent here, so not the child that is confined */
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		if (is_refused(tries[i].kind, tries[i].nr, tries[i].arg) ==
		    tries[i].refused)
			continue;
		printf("# try %zu\n", i);
		good = false;
	}
	return good;
}

/* What no thread of the monitor may ever do. */
static bool test_never(void)
{
	static const int never[] = {
		SYS_execve, SYS_execveat, SYS_fork, SYS_vfork, SYS_clone,
		SYS_clone3, SYS_socket, SYS_socketpair, SYS_connect, SYS_bind,
		SYS_ptrace, SYS_mount, SYS_umount2, SYS_unshare, SYS_setns,
		SYS_chroot, SYS_pivot_root, SYS_bpf, SYS_init_module,
		SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd,
		SYS_tkill, SYS_memfd_create, SYS_io_uring_setup, SYS_seccomp,
		SYS_prctl, SYS_arch_prctl, SYS_userfaultfd, SYS_sendmsg,
	};

	for (int k = 0; k < NR_THREAD_KINDS; k++)
		for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
			if (find((enum thread_kind)k, never[i])) {
				printf("# %s: call %d\n", kinds[k], never[i]);
				return false;
			}
	return true;
}

int main(void)
{
	int failed = 0;
	bool ok;

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(120);
	printf("1..%d\n", NR_THREAD_KINDS + 2);
	for (int k = 0; k < NR_THREAD_KINDS; k++) {
		ok = test_numbers((enum thread_kind)k);
		failed += !ok;
		printf("%sok %d - jail: the calls of thread %s\n",
		       ok ? "" : "not ", k + 1, kinds[k]);
	}
	ok = test_rules();
	failed += !ok;
	printf("%sok %d - jail: rules of arguments\n", ok ? "" : "not ",
	       NR_THREAD_KINDS + 1);
	ok = test_never();
	failed += !ok;
	printf("%sok %d - jail: calls that none has\n", ok ? "" : "not ",
	       NR_THREAD_KINDS + 2);
	return failed != 0;
}
