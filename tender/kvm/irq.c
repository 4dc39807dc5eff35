/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and doorbells without a thread in between: a device's eventfd is
 * an irqfd that KVM turns into a message to a local APIC; the guest's write to
 * QueueNotify is an ioeventfd that wakes the device's thread. There is no PIC,
 * PIT or IOAPIC; the split irqchip only provides the local APICs.
 */
#include "kvm/machine_priv.h"
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IOAPIC_PINS	24u	/* numbers that KVM keeps for an IOAPIC */
#define MSI_ADDRESS	0xfee00000u	/* fixed, physical, to APIC id 0 */

uint64_t machine_device_base(uint32_t index)
{
	return ABI_DEVICE_BASE + index * ABI_DEVICE_SIZE;
}

int machine_irq_init(struct machine *m, struct err *e)
{
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP, .args = { IOAPIC_PINS },
	};

	if (ioctl(m->vm_fd, KVM_ENABLE_CAP, &split))
		return err_set(e, errno, "giving the machine interrupt "
			       "controllers: %s", strerror(errno));
	return 0;
}

/* KVM takes the whole table at once: all devices so far. */
static int set_routes(struct machine *m, uint32_t nr, struct err *e)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entries[ABI_DEVICES_MAX];
	} t;

	memset(&t, 0, sizeof(t));
	t.head.nr = nr;
	for (uint32_t i = 0; i < nr; i++) {
		t.entries[i].gsi = IOAPIC_PINS + i;
		t.entries[i].type = KVM_IRQ_ROUTING_MSI;
		t.entries[i].u.msi.address_lo = MSI_ADDRESS;
		t.entries[i].u.msi.data = ABI_DEVICE_VECTOR + i;
	}
	if (ioctl(m->vm_fd, KVM_SET_GSI_ROUTING, &t))
		return err_set(e, errno, "routing the interrupt of a device: "
			       "%s", strerror(errno));
	return 0;
}

static int make_eventfd(int *fd, struct err *e)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? err_set(e, errno, "making an eventfd: %s",
				 strerror(errno)) : 0;
}

static int connect_bell(struct machine *m, struct machine_device *d,
			uint32_t queue, uint64_t base, struct err *e)
{
	struct kvm_ioeventfd io = {
		.datamatch = queue, .len = 4,
		.addr = base + VIRTIO_MMIO_QUEUE_NOTIFY,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};
	int fd;

	if (make_eventfd(&fd, e))
		return -e->code;
	d->bells[queue].source.fd = fd;
	d->nr_bells = queue + 1;
	io.fd = fd;
	if (ioctl(m->vm_fd, KVM_IOEVENTFD, &io))
		return err_set(e, errno, "connecting a doorbell: %s",
			       strerror(errno));
	return 0;
}

static void ring(int fd)
{
	static const uint64_t one = 1;

	/* full: it is readable already */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void device_interrupt(void *arg)
{
	struct machine_device *d = arg;

	__atomic_fetch_add(&d->nr_interrupts, 1, __ATOMIC_RELAXED);
	ring(d->irq_fd);
}

/* A doorbell that came as an ordinary access (odd width). */
static void device_notify(void *arg, uint32_t queue)
{
	struct machine_device *d = arg;

	if (queue < d->nr_bells)
		ring(d->bells[queue].source.fd);
}

int machine_device_connect(struct machine *m, struct machine_device *d,
			   struct virtio_dev *dev, struct dev_loop *loop,
			   struct err *e)
{
	uint32_t index = (uint32_t)(d - m->devices);
	struct virtio_mmio_hooks hooks = { device_interrupt, device_notify,
					   d };
	struct kvm_irqfd irq = { .gsi = IOAPIC_PINS + index };
	int err;

	d->irq_fd = -1;
	d->gsi = irq.gsi;
	virtio_mmio_init(&d->mmio, dev, &hooks);
	err = set_routes(m, index + 1, e);
	if (!err)
		err = make_eventfd(&d->irq_fd, e);
	irq.fd = (uint32_t)d->irq_fd;
	if (!err && ioctl(m->vm_fd, KVM_IRQFD, &irq))
		err = err_set(e, errno, "connecting an interrupt: %s",
			      strerror(errno));
	for (uint32_t q = 0; !err && q < dev->nr_queues; q++) {
		err = connect_bell(m, d, q, machine_device_base(index), e);
		if (!err)
			err = dev_loop_add_doorbell(loop, &d->bells[q],
						    d->bells[q].source.fd, dev,
						    q, e);
	}
	return err;
}

void machine_device_disconnect(struct machine_device *d)
{
	for (uint32_t q = 0; q < d->nr_bells; q++)
		close(d->bells[q].source.fd);
	if (d->irq_fd >= 0)
		close(d->irq_fd);
	d->nr_bells = 0;
	d->irq_fd = -1;
}
