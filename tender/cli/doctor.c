/* SPDX-License-Identifier: MIT */
/*
 * `mica doctor`: try what each platform needs, one by one, and say what to do
 * about each thing that is missing. Changes nothing on the host.
 */
#include "cli/cli.h"
#include "kvm/image.h"
#include "kvm/probe.h"
#include "process/sandbox.h"
#include "qemu/qemu.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define HWCAP2_FSGSBASE_BIT (1u << 1)

static int check_fsgsbase(char *detail, size_t n)
{
	snprintf(detail, n, "instructions wrfsbase/wrgsbase are not enabled: "
		 "needs Linux 5.9 or later without 'nofsgsbase'");
	return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT ? 0 : -1;
}

static int check_namespaces(char *detail, size_t n)
{
	unsigned long flags = CLONE_NEWPID | SIGCHLD;
	pid_t pid;

	if (!sandbox_has_root())
		flags |= CLONE_NEWUSER;
	pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	if (pid < 0) {
		snprintf(detail, n, "clone: %s; %s", strerror(errno),
			 geteuid() ? "user namespaces are off: see sysctl "
			 "user.max_user_namespaces and "
			 "kernel.unprivileged_userns_clone" :
			 "this root lacks CAP_SYS_ADMIN, CAP_SETUID or "
			 "CAP_SETGID, and user namespaces are refused: give "
			 "the container these capabilities, or let its "
			 "seccomp profile allow clone with CLONE_NEWUSER");
		return -1;
	}
	waitpid(pid, NULL, 0);
	return 0;
}

static int check_seccomp(char *detail, size_t n)
{
	uint32_t action = SECCOMP_RET_TRAP;

	snprintf(detail, n, "seccomp filters are not available (kernel "
		 "option SECCOMP_FILTER, or refused by the container)");
	return (int)syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

static int check_memory(char *detail, size_t n)
{
	int fd = memfd_create("mica-doctor", MFD_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, ABI_POOL_SIZE))
		p = mmap((void *)ABI_POOL_BASE, ABI_POOL_SIZE,
			 PROT_READ | PROT_WRITE, MAP_SHARED |
			 MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0);
	snprintf(detail, n, "mapping %llu GiB of address space: %s; raise "
		 "'ulimit -v' and 'ulimit -f'", ABI_POOL_SIZE >> 30,
		 strerror(errno));
	if (p != MAP_FAILED)
		munmap(p, ABI_POOL_SIZE);
	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? -1 : 0;
}

static int check_proc(char *detail, size_t n)
{
	snprintf(detail, n, "/proc is not mounted; mica reads /proc/self");
	return access("/proc/self/exe", R_OK);
}

static const struct {
	const char *what;
	int (*check)(char *detail, size_t n);
} checks[] = {
	{ "per-thread base registers", check_fsgsbase },
	{ "namespaces", check_namespaces },
	{ "seccomp filters", check_seccomp },
	{ "memory object and address space", check_memory },
	{ "/proc", check_proc },
};

static bool report_process(void)
{
	char detail[512];
	unsigned int rtprio = sandbox_rtprio_max();
	int missing = 0;

	printf("platform process\n");
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		int bad = checks[i].check(detail, sizeof(detail));

		printf("%-8s %s\n", bad ? "MISSING" : "ok", checks[i].what);
		if (bad)
			printf("         %s\n", detail);
		missing += bad != 0;
	}
	if (rtprio)
		printf("%-8s real-time classes, with --rtprio up to %u\n", "ok",
		       rtprio);
	else
		printf("%-8s real-time classes: the host refuses them; for "
		       "--rtprio, raise\n         'ulimit -r', or run as root "
		       "with CAP_SYS_NICE\n", "--");
	return !missing;
}

static bool report_kvm(void)
{
	struct kvm_probe p;

	printf("platform kvm\n");
	if (!kernel_image_is_built_in()) {
		printf("%-8s not part of this build\n", "--");
		return false;
	}
	kvm_probe(&p);
	if (p.verdict == KVM_VERDICT_USABLE)
		printf("%-8s KVM: %s%s\n", "ok", p.is_forced ?
		       "MICA_KVM=yes says so" : "a small guest runs right",
		       p.is_cached ? " (seen since the last boot)" : "");
	else
		printf("%-8s KVM: not used\n         %s%s\n", "--", p.text,
		       p.is_cached ? " (seen since the last boot; "
		       "MICA_KVM=probe looks again)" : "");
	return p.verdict == KVM_VERDICT_USABLE;
}

static bool report_qemu(void)
{
	struct err e;
	bool ok = kernel_image_is_built_in();

	printf("platform qemu\n");
	if (!ok) {
		printf("%-8s not part of this build\n", "--");
		return false;
	}
	ok = !qemu_check(&e);
	printf("%-8s %s\n", ok ? "ok" : "--", ok ? "QEMU is installed" :
	       e.text);
	return ok;
}

int cmd_doctor(int argc, char **argv)
{
	bool process, kvm, qemu;
	struct utsname u;

	if (argc > 1)
		return cli_usage_error("doctor", "unknown argument '%s'",
				       argv[1]);
	uname(&u);
	printf("host: %s %s %s, %s\n", u.sysname, u.release, u.machine,
	       geteuid() ? "ordinary user" : "root");
	process = report_process();
	kvm = report_kvm();
	qemu = report_qemu();
	if (kvm || process)
		printf("mica can run here; --platform=auto takes %s\n",
		       kvm ? "kvm" : "process");
	else
		printf("mica can %s\n", qemu ? "only run here with "
		       "--platform=qemu" : "not run here");
	return kvm || process ? 0 : 1;
}
