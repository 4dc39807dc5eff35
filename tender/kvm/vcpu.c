/* SPDX-License-Identifier: MIT */
/*
 * A virtual processor and the thread that runs it. The thread confines itself,
 * waits until all the others have done so too, and then does nothing but
 * KVM_RUN and what the exits ask for (bus.c).
 *
 * Stopping: m->stop is set, then immediate_exit, then a signal is sent. A
 * thread inside KVM_RUN is interrupted; one that is about to enter it returns
 * at once because of immediate_exit; both look at m->stop afterwards.
 */
#include "kvm/confine.h"
#include "kvm/cpuid.h"
#include "kvm/machine_priv.h"
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KICK_SIGNAL	SIGRTMAX
#define STACK_SIZE	(256u << 10)
#define LEAF_XSAVE	0xdu

/*
 * All vector state that CPUID offers is on from the start: some hosts do not
 * show KVM the guest's XSETBV (QEMU's emulation of SVM), and KVM then loads
 * what it believes XCR0 to be. To a kernel that sets XCR0 it is the same.
 */
static int set_vector_state(const struct vcpu *v, const struct kvm_cpuid2 *c,
			    struct err *e)
{
	struct kvm_xcrs x = { .nr_xcrs = 1 };

	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == LEAF_XSAVE &&
		    c->entries[i].index == 0)
			x.xcrs[0].value = c->entries[i].eax |
					  (uint64_t)c->entries[i].edx << 32;
	if (!(x.xcrs[0].value & 1))
		return 0;
	if (ioctl(v->fd, KVM_SET_XCRS, &x))
		return err_set(e, errno, "setting the vector state of "
			       "processor %u: %s", v->id, strerror(errno));
	return 0;
}

static int set_cpuid(const struct vcpu *v, struct err *e)
{
	struct machine *m = v->machine;
	struct kvm_cpuid2 *c = cpuid_supported(m->kvm_fd);
	long khz = ioctl(v->fd, KVM_GET_TSC_KHZ);
	int err = 0;

	if (!c)
		return err_set(e, errno, "asking KVM for the processor's "
			       "features: %s", strerror(errno));
	m->tsc_khz = khz > 0 ? (uint32_t)khz : 0;
	cpuid_adapt(c, v->id, m->config.nr_cpus, m->tsc_khz);
	if (ioctl(v->fd, KVM_SET_CPUID2, c))
		err = err_set(e, errno, "setting the features of processor "
			      "%u: %s", v->id, strerror(errno));
	else
		err = set_vector_state(v, c, e);
	free(c);
	return err;
}

int vcpu_create(struct vcpu *v, struct machine *m, uint32_t id, struct err *e)
{
	v->machine = m;
	v->id = id;
	v->fd = ioctl(m->vm_fd, KVM_CREATE_VCPU, id);
	if (v->fd < 0)
		return err_set(e, errno, "making processor %u: %s", id,
			       strerror(errno));
	v->run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      v->fd, 0);
	if (v->run == MAP_FAILED) {
		v->run = NULL;
		return err_set(e, errno, "mapping processor %u", id);
	}
	return set_cpuid(v, e);
}

void vcpu_destroy(struct vcpu *v)
{
	if (v->run)
		munmap(v->run, v->machine->run_size);
	if (v->fd >= 0)
		close(v->fd);
	v->run = NULL;
	v->fd = -1;
}

/* Where the guest was; 0 if it can not be known. By number: the C library
 * would extend the request's sign. */
static uint64_t guest_rip(const struct vcpu *v)
{
	struct kvm_regs regs;

	return syscall(SYS_ioctl, v->fd, (unsigned long)KVM_GET_REGS,
		       &regs) ? 0 : regs.rip;
}

static void end_by_kvm(struct vcpu *v, uint64_t code)
{
	machine_end(v->machine, MACHINE_KVM_ERROR, v->id, code, guest_rip(v));
}

/* The guest has left for this reason. */
static void handle_exit(struct vcpu *v)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_IO:
		bus_port(v);
		return;
	case KVM_EXIT_MMIO:
		bus_mmio(v);
		return;
	case KVM_EXIT_INTR:
		v->exits[EXIT_KIND_SIGNAL]++;
		return;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_IOAPIC_EOI:
		v->exits[EXIT_KIND_OTHER]++;
		return;
	case KVM_EXIT_SHUTDOWN:
		v->exits[EXIT_KIND_OTHER]++;
		machine_end(v->machine, MACHINE_RESET, v->id, 0, guest_rip(v));
		return;
	default:
		v->exits[EXIT_KIND_OTHER]++;
		end_by_kvm(v, v->run->exit_reason);
	}
}

static bool is_over(const struct machine *m)
{
	return __atomic_load_n(&m->stop, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&m->end, __ATOMIC_ACQUIRE) != MACHINE_RUNS;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	sigset_t kick;

	sigemptyset(&kick);
	sigaddset(&kick, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	__atomic_store_n(&v->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	if (!machine_wait_start(v->machine, -confine_thread(THREAD_VCPU,
							    v->fd)))
		return NULL;
	while (!is_over(v->machine)) {
		if (!ioctl(v->fd, KVM_RUN, 0))
			handle_exit(v);
		else if (errno == EINTR || errno == EAGAIN)
			v->exits[EXIT_KIND_SIGNAL]++;
		else
			end_by_kvm(v, (uint64_t)errno << 32);
	}
	return NULL;
}

static void on_kick(int signo)
{
}

int vcpu_start_thread(struct vcpu *v, struct err *e)
{
	struct sigaction act = { .sa_handler = on_kick };
	pthread_attr_t attr;
	int err;

	sigaction(KICK_SIGNAL, &act, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	err = pthread_create(&v->thread, &attr, vcpu_thread, v);
	pthread_attr_destroy(&attr);
	if (err)
		return err_set(e, err, "starting the thread of processor %u: "
			       "%s", v->id, strerror(err));
	v->has_thread = true;
	return 0;
}

/*
 * By number: the jail lets signals go to this process only, and the C
 * library's call may not say which. A thread without a number yet finds m->stop
 * when it is ready to start.
 */
void vcpu_kick(struct vcpu *v)
{
	int tid = __atomic_load_n(&v->tid, __ATOMIC_ACQUIRE);

	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (tid)
		syscall(SYS_tgkill, getpid(), tid, KICK_SIGNAL);
}
