/* SPDX-License-Identifier: MIT */
/*
 * What the guest's accesses to ports and to addresses without memory mean: the
 * log and the exit port, and the registers of virtio devices. Everything else
 * reads as ones, writes nothing and is counted, as on a PC's empty bus.
 *
 * Runs in vCPU threads. The data lies in the page shared with KVM, not with
 * the guest: it does not change while it is looked at.
 */
#include "kvm/machine_priv.h"
#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LOG_PATIENCE_MS	1000

/* A log that nobody reads must not stop the guest for good. */
static void log_write(const struct machine *m, const char *p, size_t n)
{
	struct pollfd w = { .fd = m->config.log_fd, .events = POLLOUT };

	while (n) {
		ssize_t done = write(w.fd, p, n);

		if (done > 0) {
			p += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			if (poll(&w, 1, LOG_PATIENCE_MS) <= 0)
				return;
		} else if (errno != EINTR ||
			   __atomic_load_n(&m->stop, __ATOMIC_ACQUIRE)) {
			return;
		}
	}
}

static void log_text(struct vcpu *v, uint32_t gpa)
{
	const struct machine *m = v->machine;
	struct abi_log l;
	const char *text;

	v->exits[EXIT_KIND_LOG]++;
	if (guest_read(&m->memory, gpa, &l, sizeof(l)) ||
	    l.len > ABI_LOG_MAX) {
		v->nr_unknown++;
		return;
	}
	text = guest_ptr(&m->memory, l.gpa, l.len);
	if (text)
		log_write(m, text, l.len);
	else if (l.len)
		v->nr_unknown++;
}

static void exit_port(struct vcpu *v, uint32_t value)
{
	enum machine_end why = value == ABI_EXIT_END ? MACHINE_ENDED :
			       value == ABI_EXIT_PANIC ? MACHINE_PANICKED :
							 MACHINE_BAD_EXIT;

	v->exits[EXIT_KIND_PORT]++;
	machine_end(v->machine, why, v->id, value, 0);
}

static void port_write(struct vcpu *v, uint32_t port, const unsigned char *p,
		       uint32_t size)
{
	uint32_t value = 0;

	memcpy(&value, p, size);
	if (port == ABI_PORT_LOG && size == 4) {
		log_text(v, value);
	} else if (port == ABI_PORT_EXIT && size == 4) {
		exit_port(v, value);
	} else {
		v->exits[EXIT_KIND_PORT]++;
		v->nr_unknown++;
	}
}

void bus_port(struct vcpu *v)
{
	const struct kvm_run *run = v->run;
	uint32_t size = run->io.size, nr = run->io.count;
	unsigned char *p = (unsigned char *)run + run->io.data_offset;

	if (run->io.direction == KVM_EXIT_IO_IN) {
		v->exits[EXIT_KIND_PORT]++;
		v->nr_unknown++;
		memset(p, 0xff, (size_t)size * nr);
		return;
	}
	if (run->io.port == ABI_PORT_LOG_BYTE && size == 1) {
		v->exits[EXIT_KIND_LOG]++;
		log_write(v->machine, (const char *)p, nr);
		return;
	}
	for (uint32_t i = 0; i < nr; i++)
		port_write(v, run->io.port, p + (size_t)i * size, size);
}

void bus_mmio(struct vcpu *v)
{
	struct machine *m = v->machine;
	struct kvm_run *run = v->run;
	uint64_t at = run->mmio.phys_addr - ABI_DEVICE_BASE;
	uint64_t index = at / ABI_DEVICE_SIZE;

	v->exits[EXIT_KIND_MMIO]++;
	if (index < m->nr_devices) {
		struct virtio_mmio *t = &m->devices[index].mmio;

		if (run->mmio.is_write)
			virtio_mmio_write(t, at % ABI_DEVICE_SIZE,
					  run->mmio.data, run->mmio.len);
		else
			virtio_mmio_read(t, at % ABI_DEVICE_SIZE,
					 run->mmio.data, run->mmio.len);
		return;
	}
	v->nr_unknown++;
	if (!run->mmio.is_write)
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
}
