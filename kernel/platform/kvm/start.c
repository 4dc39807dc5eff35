/* SPDX-License-Identifier: MIT */
/*
 * Start-up of a machine, step by step: processor, page tables, memory, clock,
 * other processors, devices; then the sandbox's description, which our tender
 * or QEMU put somewhere into memory. Runs on the boot task.
 */
#include "abi/boot.h"
#include "arch/irqflags.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/task.h"
#include "drv/virtio/virtio.h"
#include "lib/string.h"
#include "platform/kvm/apic.h"
#include "platform/kvm/clock.h"
#include "platform/kvm/control.h"
#include "platform/kvm/cpu_start.h"
#include "platform/kvm/entropy.h"
#include "platform/kvm/irq.h"
#include "platform/kvm/paging.h"
#include "platform/kvm/sched.h"
#include "platform/kvm/stop.h"
#include "platform/platform.h"

extern char kernel_data_end[];

/* Also named in boot.S. */
char boot_task_block[TASK_BLOCK_SIZE]
	__attribute__((aligned(TASK_BLOCK_SIZE)));

static struct handover handover;

/* Works from the first instruction on: both ways in map it so. */
static void *boot_to_virt(uint64_t gpa)
{
	return phys_to_virt(gpa);
}

/* A processor that can report: current task, traps. */
static void start_processor(void)
{
	struct task *t = (struct task *)boot_task_block;
	struct cpu *c;

	t->kind = TASK_SYSTEM;
	strlcpy(t->name, "boot", sizeof(t->name));
	arch_task_init(t);
	list_init(&t->link);
	cpu_detect();
	c = cpu_create(0);
	c->current = t;
	c->kernel_sp = t->arch.kernel_sp;
	cpu_online(c);
	cpu_load(c);
}

static uint64_t image_end(void)
{
	return PAGE_UP(virt_to_phys(kernel_data_end));
}

/* Bring the description next to the kernel's image. What it leaves behind is
 * cleared: fresh memory reads as zero (core/page.h). Returns its end. */
static paddr_t move_description(struct handover *h)
{
	paddr_t to = image_end(), from = h->module_gpa;
	uint64_t len = h->module_len;

	memmove(phys_to_virt(to), phys_to_virt(from), len);
	if (from != to) {
		uint64_t keep = MAX(from, to + len);

		if (keep < from + len)
			memset(phys_to_virt(keep), 0, from + len - keep);
	}
	h->module_gpa = to;
	return PAGE_UP(to + len);
}

static void start_memory(struct handover *h)
{
	paddr_t free = move_description(h);
	uint64_t end = h->ram[h->nr_ranges - 1].start +
		       h->ram[h->nr_ranges - 1].len;

	paging_init(h, &free);
	page_init(phys_to_virt(0), free, h->ram[0].start + h->ram[0].len,
		  end);
	for (uint32_t i = 1; i < h->nr_ranges; i++)
		page_add(h->ram[i].start, h->ram[i].len);
}

/* What the tender can not know of the machine. */
static void fill_machine_facts(struct abi_boot *b)
{
	uint32_t one[4], xsave[4] = { 0 };

	cpuid(1, 0, one);
	if (cpu_features.xsave)
		cpuid(0xd, 0, xsave);
	b->hwcap = one[3];
	b->hwcap2 = cpu_features.fsgsbase ? 2 : 0;
	/* signal frame: registers and the vector state (AT_MINSIGSTKSZ) */
	b->minsigstksz = MAX(2048u, xsave[1] + 1024);
	b->vdso = b->vvar_start = b->vvar_end = 0;
	b->nr_cpus = cpu_count();
	b->memory_limit = 0;
	for (uint32_t i = 0; i < handover.nr_ranges; i++)
		b->memory_limit += handover.ram[i].len;
}

static struct abi_boot *check_description(const struct handover *h)
{
	struct abi_boot *b = phys_to_virt(h->module_gpa);

	if (h->module_len < ABI_MODULE_BLOB || b->magic != ABI_BOOT_MAGIC ||
	    b->version != ABI_BOOT_VERSION || b->size != sizeof(*b))
		panic("the sandbox's description is of another version");
	if (b->blob != ABI_MODULE_BLOB || !b->blob_size ||
	    b->blob_size > h->module_len - ABI_MODULE_BLOB)
		panic("the sandbox's description is cut off");
	b->blob = (uint64_t)b + ABI_MODULE_BLOB;
	return b;
}

struct abi_boot *plat_start(void *info)
{
	struct task *idle;
	struct abi_boot *b;
	const char *bad;
	int err;

	start_processor();
	bad = handover_parse(&handover, info, boot_to_virt, image_end());
	stop_init(handover.direct);
	if (bad)
		panic("%s", bad);
	start_memory(&handover);
	b = check_description(&handover);
	apic_init_cpu();
	irq_init(handover.direct);
	clock_init(&handover);
	entropy_init(b->seed, sizeof(b->seed));
	memset(b->seed, 0, sizeof(b->seed));
	idle = sched_create_idle(0);
	if (!idle)
		panic("no memory for the first processor");
	sched_init_cpu(current_task(), idle);
	smp_start(&handover);
	fill_machine_facts(b);
	irq_enable();
	virtio_start(&handover);
	err = control_start(b);
	if (err)
		panic("no file system device: error %d", -err);
	return b;
}
