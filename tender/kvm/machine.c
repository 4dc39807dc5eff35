/* SPDX-License-Identifier: MIT */
/*
 * Making, starting and ending a machine (machine.h). Invariant: the guest runs
 * its first instruction after every vCPU thread has confined itself.
 */
#include "kvm/machine_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TSS_ADDR	0xfffbd000ul	/* three pages for VT-x, in the hole */

static int check_capabilities(int kvm, struct err *e)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {
		{ KVM_CAP_USER_MEMORY, "user memory" },
		{ KVM_CAP_SPLIT_IRQCHIP, "split irqchip" },
		{ KVM_CAP_IRQFD, "irqfd" },
		{ KVM_CAP_IOEVENTFD, "ioeventfd" },
		{ KVM_CAP_IRQ_ROUTING, "interrupt routing" },
		{ KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
		{ KVM_CAP_EXT_CPUID, "CPUID" },
		{ KVM_CAP_MP_STATE, "processor state" },
	};
	int version = ioctl(kvm, KVM_GET_API_VERSION, 0);

	if (version != KVM_API_VERSION)
		return err_set(e, ENOTSUP, "/dev/kvm has version %d of the "
			       "interface, not %d; use --platform=process",
			       version, KVM_API_VERSION);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (ioctl(kvm, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return err_set(e, ENOTSUP, "the host's KVM lacks "
				       "'%s': it needs Linux 4.12 or later; "
				       "use --platform=process",
				       needed[i].name);
	return 0;
}

static int open_kvm(struct machine *m, struct err *e)
{
	int size, max;

	m->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (m->kvm_fd < 0)
		return err_set(e, errno, "opening /dev/kvm: %s; use "
			       "--platform=process", strerror(errno));
	if (check_capabilities(m->kvm_fd, e))
		return -e->code;
	max = ioctl(m->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	if (max > 0 && m->config.nr_cpus > (uint32_t)max)
		return err_set(e, EINVAL, "--cpus: this host's KVM has at "
			       "most %d", max);
	size = ioctl(m->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		return err_set(e, EIO, "asking KVM for the size of a "
			       "processor's state");
	m->run_size = (size_t)size;
	do {	/* a signal makes it start over */
		m->vm_fd = ioctl(m->kvm_fd, KVM_CREATE_VM, 0);
	} while (m->vm_fd < 0 && errno == EINTR);
	if (m->vm_fd < 0)
		return err_set(e, errno, "making a virtual machine: %s",
			       strerror(errno));
	if (ioctl(m->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_TSS_ADDR) > 0 &&
	    ioctl(m->vm_fd, KVM_SET_TSS_ADDR, TSS_ADDR))
		return err_set(e, errno, "preparing a virtual machine: %s",
			       strerror(errno));
	return 0;
}

static void clear(struct machine *m, const struct machine_config *c)
{
	memset(m, 0, sizeof(*m));
	m->config = *c;
	m->kvm_fd = m->vm_fd = m->ram_fd = m->end_fd = -1;
	for (uint32_t i = 0; i < ABI_CPUS_MAX; i++)
		m->vcpus[i].fd = -1;
	pthread_mutex_init(&m->start_lock, NULL);
	pthread_cond_init(&m->start_cond, NULL);
}

int machine_create(struct machine *m, const struct machine_config *c,
		   struct err *e)
{
	int err;

	clear(m, c);
	if (!c->nr_cpus || c->nr_cpus > ABI_CPUS_MAX)
		return err_set(e, EINVAL, "--cpus: a machine has 1 to %u",
			       ABI_CPUS_MAX);
	m->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->end_fd < 0)
		return err_set(e, errno, "making an eventfd: %s",
			       strerror(errno));
	err = open_kvm(m, e);
	if (!err)
		err = machine_memory_create(m, e);
	if (!err)
		err = machine_irq_init(m, e);
	for (uint32_t i = 0; !err && i < c->nr_cpus; i++)
		err = vcpu_create(&m->vcpus[i], m, i, e);
	return err;
}

int machine_add_device(struct machine *m, struct virtio_dev *dev,
		       struct dev_loop *loop, struct err *e)
{
	if (m->nr_devices == ABI_DEVICES_MAX)
		return err_set(e, ENOSPC, "more than %u devices",
			       ABI_DEVICES_MAX);
	return machine_device_connect(m, &m->devices[m->nr_devices++], dev,
				      loop, e);
}

bool machine_wait_start(struct machine *m, int error)
{
	bool go;

	pthread_mutex_lock(&m->start_lock);
	m->nr_ready++;
	if (error)
		m->start_error = error;
	pthread_cond_broadcast(&m->start_cond);
	while (!m->go)
		pthread_cond_wait(&m->start_cond, &m->start_lock);
	go = !m->start_error;
	pthread_mutex_unlock(&m->start_lock);
	return go;
}

int machine_start(struct machine *m, struct err *e)
{
	uint32_t started = 0;
	int err = 0;

	while (!err && started < m->config.nr_cpus) {
		err = vcpu_start_thread(&m->vcpus[started], e);
		if (!err)
			started++;
	}
	pthread_mutex_lock(&m->start_lock);
	while (m->nr_ready < started)
		pthread_cond_wait(&m->start_cond, &m->start_lock);
	if (!err && m->start_error)
		err = err_set(e, m->start_error, "confining a processor's "
			      "thread: %s", strerror(m->start_error));
	pthread_mutex_unlock(&m->start_lock);
	return err;
}

static void let_go(struct machine *m, int error)
{
	pthread_mutex_lock(&m->start_lock);
	if (!m->go && error)
		m->start_error = error;
	m->go = true;
	pthread_cond_broadcast(&m->start_cond);
	pthread_mutex_unlock(&m->start_lock);
}

void machine_go(struct machine *m)
{
	let_go(m, 0);
}

void machine_end(struct machine *m, enum machine_end why, uint32_t cpu,
		 uint64_t code, uint64_t address)
{
	static const uint64_t one = 1;
	uint32_t runs = MACHINE_RUNS;

	if (!__atomic_compare_exchange_n(&m->end, &runs, why, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return;
	m->end_cpu = cpu;
	m->end_code = code;
	m->end_address = address;
	if (write(m->end_fd, &one, sizeof(one)) < 0)
		return;
}

void machine_stop(struct machine *m)
{
	__atomic_store_n(&m->stop, true, __ATOMIC_RELEASE);
	let_go(m, ECANCELED);
	for (uint32_t i = 0; i < m->config.nr_cpus && i < ABI_CPUS_MAX; i++)
		if (m->vcpus[i].has_thread)
			vcpu_kick(&m->vcpus[i]);
	for (uint32_t i = 0; i < m->config.nr_cpus && i < ABI_CPUS_MAX; i++) {
		if (m->vcpus[i].has_thread)
			pthread_join(m->vcpus[i].thread, NULL);
		m->vcpus[i].has_thread = false;
	}
	machine_end(m, MACHINE_STOPPED, 0, 0, 0);
}

void machine_destroy(struct machine *m)
{
	machine_stop(m);
	for (uint32_t i = 0; i < ABI_CPUS_MAX; i++)
		vcpu_destroy(&m->vcpus[i]);
	for (uint32_t i = 0; i < m->nr_devices; i++)
		machine_device_disconnect(&m->devices[i]);
	machine_memory_destroy(m);
	if (m->vm_fd >= 0)
		close(m->vm_fd);
	if (m->kvm_fd >= 0)
		close(m->kvm_fd);
	if (m->end_fd >= 0)
		close(m->end_fd);
	m->kvm_fd = m->vm_fd = m->end_fd = -1;
	m->nr_devices = 0;
}
