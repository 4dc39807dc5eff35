/* SPDX-License-Identifier: MIT */
/*
 * The probe, see probe.h. The guest (probe_guest.S) runs in a child that is
 * killed when the deadline passes: whatever a broken KVM does, nothing of it
 * stays in this process. The verdict comes back by a pipe and is trusted as
 * far as "usable or not" goes.
 *
 * Usable = all system calls came to the kernel and back, and a loop is not
 * absurdly slow (a kernel that is emulated instruction by instruction is).
 */
#include "kvm/cpuid.h"
#include "kvm/longmode.h"
#include "kvm/probe_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GUEST_SIZE	0x10000u
#define GUEST_TABLES	0x1000u
#define GUEST_GDT	0x6000u
#define GUEST_CODE	0x8000u
#define GUEST_STACK	0xa000u
#define TSS_ADDR	0xfffbd000ul
#define PORT_MARK	0xe8u
#define ITERATIONS	4000u
#define CALLS		200u
#define SLOW_PS		500000u		/* an iteration */
#define DEADLINE_MS	500		/* processor time of the guest */
#define PATIENCE_MS	3000		/* in all, on a busy machine */
#define TRIES		5u		/* of a guest that seems to be slow */
#define PTE_TABLE	7ull		/* present, writable, user */
#define PTE_LARGE	0x87ull

extern const char probe_guest[], probe_guest_end[];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void fill_guest(unsigned char *m)
{
	uint64_t *tables = (uint64_t *)(m + GUEST_TABLES);

	tables[0] = (GUEST_TABLES + 0x1000) | PTE_TABLE;
	tables[512] = (GUEST_TABLES + 0x2000) | PTE_TABLE;
	tables[1024] = PTE_LARGE;
	longmode_fill_gdt((uint64_t *)(m + GUEST_GDT));
	memcpy(m + GUEST_CODE, probe_guest,
	       (size_t)(probe_guest_end - probe_guest));
}

/* Make the guest. Returns the vCPU's descriptor or -1, with what failed. */
static int make_guest(int kvm, const char **what)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = GUEST_SIZE,
	};
	struct longmode_start start = {
		.rip = GUEST_CODE, .rsp = GUEST_STACK, .cr3 = GUEST_TABLES,
		.gdt_base = GUEST_GDT, .gdt_limit = LONGMODE_GDT_ENTRIES * 8 - 1,
	};
	struct kvm_cpuid2 *cpuid = cpuid_supported(kvm);
	void *m = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int vm, vcpu;

	*what = "KVM_GET_SUPPORTED_CPUID";
	if (!cpuid || m == MAP_FAILED)
		return -1;
	fill_guest(m);
	slot.userspace_addr = (uintptr_t)m;
	*what = "KVM_CREATE_VM";
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return -1;
	*what = "making the guest";
	ioctl(vm, KVM_SET_TSS_ADDR, TSS_ADDR);	/* only VT-x has it */
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot))
		return -1;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0 || ioctl(vcpu, KVM_SET_CPUID2, cpuid))
		return -1;
	return longmode_set(vcpu, &start) ? -1 : vcpu;
}

static uint32_t out_value(const struct kvm_run *run)
{
	uint32_t v;

	memcpy(&v, (const char *)run + run->io.data_offset, sizeof(v));
	return v;
}

/* Run it to its end, or to a wrong count; *r gets what was seen. */
static void run_guest(int vcpu, struct kvm_run *run, struct probe_result *r)
{
	uint64_t mark[2] = { 0 };
	uint32_t nr_marks = 0;

	while (nr_marks < 2) {
		if (ioctl(vcpu, KVM_RUN, 0)) {
			r->code = errno;
			r->outcome = PROBE_RUN_FAILED;
			return;
		}
		r->code = (int)run->exit_reason;
		if (run->exit_reason != KVM_EXIT_IO || run->io.size != 4)
			return;
		if (run->io.port == PORT_MARK) {
			mark[nr_marks++] = now_ns();
			continue;
		}
		r->nr_calls = out_value(run);
		if (r->nr_calls != CALLS)
			break;
	}
	r->outcome = PROBE_FINISHED;
	r->loop_ps = (uint32_t)((mark[1] - mark[0]) * 1000 / ITERATIONS);
}

static void child(int kvm, int out)
{
	struct probe_result r = { .outcome = PROBE_SETUP_FAILED };
	static const struct itimerval limit = {
		.it_value.tv_usec = DEADLINE_MS * 1000,
	};
	const char *what = "";
	struct kvm_run *run;
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	int vcpu = make_guest(kvm, &what);

	r.code = errno;
	snprintf(r.what, sizeof(r.what), "%s", what);
	if (vcpu >= 0 && size > 0) {
		run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
			   MAP_SHARED, vcpu, 0);
		if (run != MAP_FAILED) {
			r.outcome = PROBE_STOPPED;
			/* SIGPROF ends this process */
			signal(SIGPROF, SIG_DFL);
			setitimer(ITIMER_PROF, &limit, NULL);
			run_guest(vcpu, run, &r);
		}
	}
	if (write(out, &r, sizeof(r)) != sizeof(r))
		_exit(1);
	_exit(0);
}

/*
 * Run the guest in a child. *r is zero (PROBE_NO_ANSWER) if there was none:
 * the machine was too busy; PROBE_HUNG if it ran and ran.
 */
static void run_child(int kvm, struct probe_result *r)
{
	struct pollfd p = { .events = POLLIN };
	int pipes[2], status = 0;
	pid_t pid;

	memset(r, 0, sizeof(*r));
	if (pipe2(pipes, O_CLOEXEC))
		return;
	p.fd = pipes[0];
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		child(kvm, pipes[1]);
	}
	close(pipes[1]);
	if (pid > 0) {
		if (poll(&p, 1, PATIENCE_MS) <= 0 ||
		    read(p.fd, r, sizeof(*r)) != sizeof(*r))
			memset(r, 0, sizeof(*r));
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
			r->outcome = PROBE_HUNG;
	}
	close(pipes[0]);
}

/*
 * The best of some runs: on a busy machine the guest may just have had to
 * wait, and the verdict is kept.
 */
static void run_tries(int kvm, struct probe_result *r)
{
	uint32_t best = UINT32_MAX;

	for (uint32_t i = 0; i < TRIES; i++) {
		run_child(kvm, r);
		if (r->outcome != PROBE_FINISHED || r->nr_calls != CALLS)
			return;
		if (r->loop_ps < best)
			best = r->loop_ps;
		r->loop_ps = best;
		if (best < SLOW_PS)
			return;
	}
}

/* The result in words; sets the verdict. */
static void judge(struct kvm_probe *p, const struct probe_result *r)
{
	size_t n = sizeof(p->text);

	p->verdict = KVM_VERDICT_UNUSABLE;
	p->nr_calls = r->nr_calls;
	p->loop_ps = r->loop_ps;
	switch (r->outcome) {
	case PROBE_SETUP_FAILED:
		snprintf(p->text, n, "%s: %s", r->what, strerror(r->code));
		return;
	case PROBE_RUN_FAILED:
		snprintf(p->text, n, "running a small guest: %s",
			 strerror(r->code));
		return;
	case PROBE_STOPPED:
		snprintf(p->text, n, "a small guest broke off (exit reason "
			 "%d)", r->code);
		return;
	case PROBE_FINISHED:
		break;
	default:
		snprintf(p->text, n, "a small guest gave no answer in %d ms",
			 r->outcome == PROBE_HUNG ? DEADLINE_MS : PATIENCE_MS);
		return;
	}
	if (r->nr_calls != CALLS)
		snprintf(p->text, n, "only %u of %u system calls of a small "
			 "guest worked", r->nr_calls, CALLS);
	else if (r->loop_ps >= SLOW_PS)
		snprintf(p->text, n, "a small guest ran at %u ns a loop, which "
			 "is emulation", r->loop_ps / 1000);
	else
		p->verdict = KVM_VERDICT_USABLE;
}

static bool forced(struct kvm_probe *p, const char *how)
{
	p->is_forced = true;
	if (how && !strcmp(how, "yes")) {
		p->verdict = KVM_VERDICT_USABLE;
		return true;
	}
	if (how && !strcmp(how, "no")) {
		p->verdict = KVM_VERDICT_UNUSABLE;
		snprintf(p->text, sizeof(p->text), "MICA_KVM=no says so");
		return true;
	}
	p->is_forced = false;
	return false;
}

static int open_kvm(struct kvm_probe *p)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
		p->verdict = KVM_VERDICT_MISSING;
		snprintf(p->text, sizeof(p->text), "there is no /dev/kvm: "
			 "switch virtualization on in the firmware, load the "
			 "module kvm_intel or kvm_amd, or pass the device to "
			 "this container");
	} else {
		p->verdict = KVM_VERDICT_DENIED;
		snprintf(p->text, sizeof(p->text), "opening /dev/kvm: %s: "
			 "become a member of its group (kvm) or ask for "
			 "access", strerror(errno));
	}
	return -1;
}

void kvm_probe(struct kvm_probe *p)
{
	const char *how = getenv("MICA_KVM");
	uint64_t start = now_ns();
	struct probe_result r;
	int kvm;

	memset(p, 0, sizeof(*p));
	if (forced(p, how))
		return;
	kvm = open_kvm(p);
	if (kvm < 0)
		return;
	if (!(how && !strcmp(how, "probe")) && probe_cache_get(kvm, p)) {
		close(kvm);
		return;
	}
	run_tries(kvm, &r);
	judge(p, &r);
	p->took_us = (uint32_t)((now_ns() - start) / 1000);
	/* the lack of an answer may be the load of the moment */
	if (r.outcome != PROBE_NO_ANSWER)
		probe_cache_put(kvm, p);
	close(kvm);
}
