/* SPDX-License-Identifier: MIT */
/*
 * The first process of a sandbox, between clone and the kernel's first
 * instruction. Steps in order, each with the rights that are still needed
 * after it. Anything that fails ends the process with a message: a sandbox
 * that is not confined must not run.
 */
#include "process/filter.h"
#include "process/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534u
#define SA_RESTORER_FLAG 0x04000000

static void fail(const char *what)
{
	dprintf(2, "mica: confining the sandbox: %s: %s\n", what,
		strerror(errno));
	_exit(125);
}

/* Descriptors to their fixed numbers; everything else is closed. */
static void place_descriptors(struct sandbox *s)
{
	int pool = fcntl(s->pool_fd, F_DUPFD, 32);
	int server = fcntl(s->guest_server_fd, F_DUPFD, 32);
	int log = fcntl(s->log_fd, F_DUPFD, 32);

	if (pool < 0 || server < 0 || log < 0 ||
	    dup2(pool, ABI_FD_POOL) < 0 || dup2(server, ABI_FD_SERVER) < 0 ||
	    dup2(log, ABI_FD_LOG) < 0)
		fail("placing descriptors");
	for (int i = 0; i < 3; i++)
		if (s->boot->stdio[i].kind == ABI_STDIO_CLOSED)
			close(i);
	if (syscall(SYS_close_range, ABI_FD_FIRST_FREE, ~0u, 0))
		fail("closing descriptors");
}

/*
 * Raising RLIMIT_RTPRIO needs CAP_SYS_RESOURCE, which is dropped later. A root
 * without it (of a container) that may use the classes itself hands that right
 * on: with CAP_SYS_NICE, the filter and the PID namespace, a sandbox can give
 * its own threads these classes, and nothing else.
 */
static void set_limits(struct sandbox *s)
{
	struct rlimit none = { 0, 0 }, files;
	struct rlimit rtprio = { s->boot->rtprio, s->boot->rtprio };

	setrlimit(RLIMIT_CORE, &none);
	if (setrlimit(RLIMIT_RTPRIO, &rtprio)) {
		if (!s->as_root)
			fail("--rtprio");
		s->keeps_nice = true;
	}
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* --cpus N: no more than N processors (rounded up) of those we may use. */
static void set_processors(const struct sandbox *s)
{
	unsigned int want = (s->boot->cpus_milli + 999) / 1000;
	cpu_set_t have, set;

	if (!want || sched_getaffinity(0, sizeof(have), &have))
		return;
	CPU_ZERO(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE && want; cpu++) {
		if (!CPU_ISSET(cpu, &have))
			continue;
		CPU_SET(cpu, &set);
		want--;
	}
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("limiting the processors");
}

/* Needs CAP_SETUID, CAP_SETGID, CAP_SETPCAP until it is through. */
static void drop_identity(const struct sandbox *s)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct kept[2] = { { 0 } };
	struct pollfd server = { .fd = ABI_FD_SERVER };

	if (s->keeps_nice) {
		kept[0].effective = kept[0].permitted = 1u << CAP_SYS_NICE;
		if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
			fail("keeping CAP_SYS_NICE");
	}
	for (int cap = 0; cap < 64; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (s->as_root) {
		if (setgroups(0, NULL))
			fail("setgroups");
		if (syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) ||
		    syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY))
			fail("becoming nobody");
	}
	if (syscall(SYS_capset, &h, kept))
		fail("dropping capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fail("no_new_privs");
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* after the change of identity, which clears it */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		fail("parent-death signal");
	/* a tender that died before that left the socket without a peer */
	if (poll(&server, 1, 0) > 0 && server.revents & POLLHUP)
		_exit(125);
}

static void install_handlers(const struct abi_image *image)
{
	static const int signals[] = {
		SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGCHLD,
		ABI_KICK_SIGNAL,
	};
	struct {
		uint64_t handler, flags, restorer, mask;
	} act = { (uint64_t)SIG_IGN, 0, 0, 0 };
	uint64_t empty = 0;

	syscall(SYS_rt_sigaction, SIGPIPE, &act, NULL, 8);
	act.handler = image->signal_handler;
	act.flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER_FLAG;
	act.restorer = image->signal_return;
	act.mask = ~0ull;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (syscall(SYS_rt_sigaction, signals[i], &act, NULL, 8))
			fail("installing signal handlers");
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &empty, NULL, 8);
}

static void install_filter(const struct sandbox *s)
{
	struct filter f;
	struct sock_fprog fprog = { 0, f.prog };

	filter_build(&f, s->boot->rtprio != 0);
	if (f.n > FILTER_MAX) {
		errno = E2BIG;
		fail("building the filter");
	}
	fprog.len = (unsigned short)f.n;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_SPEC_ALLOW, &fprog))
		fail("installing the seccomp filter");
}

static void map_kernel(void)
{
	int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *pool = (void *)ABI_POOL_BASE;

	if (exe < 0)
		fail("opening the mica program");
	errno = -image_map(exe);
	if (errno)
		fail("mapping the kernel");
	close(exe);
	if (mmap(pool, ABI_POOL_SIZE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE,
		 ABI_FD_POOL, 0) != pool)
		fail("mapping the memory object");
}

void confine_and_enter(struct sandbox *s)
{
	const struct abi_image *image = image_info();
	uint64_t boot = ABI_POOL_BASE + s->boot_at;
	uint64_t entry = image->entry, stack = image->stack_top;

	setsid();
	place_descriptors(s);
	set_limits(s);
	set_processors(s);
	map_kernel();
	drop_identity(s);
	install_handlers(image);
	syscall(SYS_set_robust_list, NULL, 24);
	syscall(SYS_set_tid_address, NULL);
	install_filter(s);
	/* from here on only the kernel's stub page can make calls */
	__asm__ volatile("mov %1, %%rsp\n\txor %%ebp, %%ebp\n\tjmp *%0"
			 : : "r"(entry), "r"(stack), "D"(boot) : "memory");
	__builtin_unreachable();
}
