/* SPDX-License-Identifier: MIT */
/*
 * What lies in the guest's memory before its first instruction: kernel,
 * sandbox's description, page tables, GDT and the hand-over block
 * (abi/machine.h), and the registers of the vCPUs.
 */
#include "kvm/longmode.h"
#include "kvm/machine_priv.h"
#include <errno.h>
#include <string.h>
#include <time.h>

#define PTE_PRESENT	1ull
#define PTE_WRITE	2ull
#define PTE_LARGE	0x80ull
#define LARGE_SIZE	(2ull << 20)
#define ENTRIES		512u

enum { PML4, PDPT_DIRECT, PDPT_KERNEL, PD_FIRST };

static int load_image(struct machine *m, const struct kernel_image *k,
		      struct err *e)
{
	for (uint32_t i = 0; i < k->nr_segments; i++) {
		const struct image_segment *s = &k->segments[i];
		unsigned char *p = guest_ptr(&m->memory, s->gpa, s->mem_len);

		if (!p)
			return err_set(e, ENOMEM, "the kernel needs more "
				       "memory than %llu MiB: raise --memory",
				       (unsigned long long)
				       m->config.ram_bytes >> 20);
		/* the rest is zero: fresh memory */
		memcpy(p, s->bytes, s->file_len);
	}
	return 0;
}

static int load_module(struct machine *m, uint64_t gpa,
		       const struct description *d, struct err *e)
{
	uint64_t len = description_size(d);
	struct abi_boot *b = guest_ptr(&m->memory, gpa, len);

	if (!b || gpa + len > 1ull << 30)
		return err_set(e, ENOMEM, "arguments and environment do not "
			       "fit into %llu MiB: raise --memory",
			       (unsigned long long)m->config.ram_bytes >> 20);
	*b = *d->boot;
	b->nr_cpus = m->config.nr_cpus;
	b->blob = ABI_MODULE_BLOB;
	memcpy((char *)b + ABI_MODULE_BLOB, d->blob, d->boot->blob_size);
	m->module_gpa = gpa;
	return 0;
}

/* The first GiB at both addresses, from the same directory. */
static void fill_tables(uint64_t *t)
{
	uint64_t flags = PTE_PRESENT | PTE_WRITE;
	uint64_t pd = ABI_TABLES_GPA + PD_FIRST * MACHINE_PAGE;

	t[ABI_DIRECT_MAP >> 39 & (ENTRIES - 1)] =
		(ABI_TABLES_GPA + PDPT_DIRECT * MACHINE_PAGE) | flags;
	t[ABI_KERNEL_VIRT >> 39 & (ENTRIES - 1)] =
		(ABI_TABLES_GPA + PDPT_KERNEL * MACHINE_PAGE) | flags;
	t[PDPT_DIRECT * ENTRIES + (ABI_DIRECT_MAP >> 30 & (ENTRIES - 1))] =
		pd | flags;
	t[PDPT_KERNEL * ENTRIES + (ABI_KERNEL_VIRT >> 30 & (ENTRIES - 1))] =
		pd | flags;
	for (uint32_t i = 0; i < ENTRIES; i++)
		t[PD_FIRST * ENTRIES + i] = (i * LARGE_SIZE) | flags |
					    PTE_LARGE;
}

static uint64_t real_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* The devices are in their reset state: nobody else looks at them yet. */
static void fill_facts(const struct virtio_dev *d, struct abi_device_facts *f)
{
	f->features = d->features;
	f->queue_size = d->queue_size_max;
	f->config_len = d->config_len < sizeof(f->config) ?
			d->config_len : (uint32_t)sizeof(f->config);
	if (f->config_len)
		memcpy(f->config, d->config, f->config_len);
}

static void fill_machine(const struct machine *m, struct abi_machine *a,
			 const struct kernel_image *k, uint64_t module_len)
{
	*a = (struct abi_machine){
		.magic = ABI_MACHINE_MAGIC, .version = ABI_MACHINE_VERSION,
		.size = sizeof(*a), .flags = ABI_MACHINE_FACTS,
		.nr_cpus = m->config.nr_cpus,
		.tsc_khz = m->tsc_khz, .real_ns = real_ns(),
		.image_end = k->end, .module_gpa = m->module_gpa,
		.module_len = module_len, .nr_devices = m->nr_devices,
		.nr_ranges = machine_high_ram(m) ? 2 : 1,
	};
	a->ranges[0].len = machine_low_ram(m);
	a->ranges[0].kind = ABI_RANGE_RAM;
	if (machine_high_ram(m)) {
		a->ranges[1].start = ABI_HIGH_RAM_START;
		a->ranges[1].len = machine_high_ram(m);
		a->ranges[1].kind = ABI_RANGE_RAM;
	}
	for (uint32_t i = 0; i < m->nr_devices; i++) {
		a->devices[i].type = m->devices[i].mmio.dev->type;
		a->devices[i].vector = ABI_DEVICE_VECTOR + i;
		a->devices[i].base = machine_device_base(i);
		fill_facts(m->devices[i].mmio.dev, &a->facts[i]);
	}
}

static int set_registers(struct machine *m, const struct kernel_image *k,
			 struct err *e)
{
	struct longmode_start start = {
		.rip = k->entry64, .cr3 = ABI_TABLES_GPA,
		.rdi = ABI_DIRECT_MAP + ABI_MACHINE_GPA,
		.gdt_base = ABI_DIRECT_MAP + ABI_GDT_GPA,
		.gdt_limit = LONGMODE_GDT_ENTRIES * 8 - 1,
	};
	int err = longmode_set(m->vcpus[0].fd, &start);

	start.rip = k->ap_entry;
	for (uint32_t i = 1; !err && k->ap_entry && i < m->config.nr_cpus;
	     i++) {
		start.rdi = i;
		err = longmode_set(m->vcpus[i].fd, &start);
		if (!err)
			err = longmode_set_runnable(m->vcpus[i].fd);
	}
	return err ? err_set(e, -err, "setting a processor's registers: %s",
			     strerror(-err)) : 0;
}

int machine_load(struct machine *m, const struct kernel_image *k,
		 const struct description *d, struct err *e)
{
	uint64_t module = (k->end + MACHINE_PAGE - 1) & ~(MACHINE_PAGE - 1);
	unsigned char *low = m->ram;
	int err = load_image(m, k, e);

	if (!err)
		err = load_module(m, module, d, e);
	if (err)
		return err;
	fill_tables((uint64_t *)(low + ABI_TABLES_GPA));
	longmode_fill_gdt((uint64_t *)(low + ABI_GDT_GPA));
	fill_machine(m, (struct abi_machine *)(low + ABI_MACHINE_GPA), k,
		     description_size(d));
	return set_registers(m, k, e);
}

const struct abi_boot *machine_description(const struct machine *m)
{
	if (!m->module_gpa)
		return NULL;
	return guest_ptr(&m->memory, m->module_gpa, sizeof(struct abi_boot));
}
