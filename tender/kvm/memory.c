/* SPDX-License-Identifier: MIT */
/*
 * The guest's RAM: one memfd, sparse, mapped once; below 3 GiB and, for the
 * rest, from 4 GiB on. Between them lie the devices and the local APICs.
 */
#include "kvm/machine_priv.h"
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEFAULT_RAM_MAX	(4ull << 30)
#define RAM_UNIT	(2ull << 20)

uint64_t machine_default_ram(void)
{
	uint64_t host = (uint64_t)sysconf(_SC_PHYS_PAGES) *
			(uint64_t)sysconf(_SC_PAGESIZE);

	return host < DEFAULT_RAM_MAX ? host & ~(RAM_UNIT - 1) :
					DEFAULT_RAM_MAX;
}

uint64_t machine_low_ram(const struct machine *m)
{
	uint64_t ram = m->config.ram_bytes;

	return ram < ABI_LOW_RAM_END ? ram : ABI_LOW_RAM_END;
}

uint64_t machine_high_ram(const struct machine *m)
{
	return m->config.ram_bytes - machine_low_ram(m);
}

static int add_slot(struct machine *m, uint32_t slot, uint64_t gpa,
		    unsigned char *host, uint64_t len, struct err *e)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = len,
		.userspace_addr = (uintptr_t)host,
	};
	int err;

	if (!len)
		return 0;
	if (ioctl(m->vm_fd, KVM_SET_USER_MEMORY_REGION, &r))
		return err_set(e, errno, "giving the machine %llu MiB of "
			       "memory: %s", (unsigned long long)len >> 20,
			       strerror(errno));
	err = guest_memory_add(&m->memory, gpa, host, len);
	return err ? err_set(e, -err, "memory map of the machine") : 0;
}

int machine_memory_create(struct machine *m, struct err *e)
{
	uint64_t ram = m->config.ram_bytes, low;
	void *p;
	int err;

	if (ram < ABI_RAM_MIN || ram > MACHINE_RAM_MAX)
		return err_set(e, EINVAL, "--memory: a machine has %llu MiB to "
			       "%llu GiB", ABI_RAM_MIN >> 20,
			       MACHINE_RAM_MAX >> 30);
	ram &= ~(RAM_UNIT - 1);
	m->config.ram_bytes = ram;
	m->ram_fd = memfd_create("mica-ram", MFD_CLOEXEC);
	if (m->ram_fd < 0 || ftruncate(m->ram_fd, (off_t)ram))
		return err_set(e, errno, "making %llu MiB of memory: %s; give "
			       "less by --memory or raise 'ulimit -f'",
			       (unsigned long long)ram >> 20, strerror(errno));
	p = mmap(NULL, ram, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
		 m->ram_fd, 0);
	if (p == MAP_FAILED)
		return err_set(e, errno, "mapping %llu MiB of memory: %s; give "
			       "less by --memory or raise 'ulimit -v'",
			       (unsigned long long)ram >> 20, strerror(errno));
	madvise(p, ram, MADV_DONTDUMP);
	m->ram = p;
	low = machine_low_ram(m);
	err = add_slot(m, 0, 0, m->ram, low, e);
	return err ? err : add_slot(m, 1, ABI_HIGH_RAM_START, m->ram + low,
				    machine_high_ram(m), e);
}

void machine_memory_destroy(struct machine *m)
{
	if (m->ram)
		munmap(m->ram, m->config.ram_bytes);
	if (m->ram_fd >= 0)
		close(m->ram_fd);
	m->ram = NULL;
	m->ram_fd = -1;
}
