/* SPDX-License-Identifier: MIT */
/*
 * What the tender needs to know of the image, and the first steps of the boot
 * task on this platform.
 */
#include "platform/platform.h"
#include "abi/boot.h"
#include "arch/arch_task.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/task.h"
#include "lib/string.h"
#include "platform/process/host.h"

extern const char kernel_start[], host_signal_entry[], host_sigreturn[];
extern const char kernel_data_end[];

static char boot_task_block[TASK_BLOCK_SIZE]
	__attribute__((aligned(TASK_BLOCK_SIZE)));

__attribute__((section(".image"), used))
static const struct abi_image image = {
	.magic = ABI_IMAGE_MAGIC,
	.version = ABI_BOOT_VERSION,
	.size = sizeof(struct abi_image),
	.entry = (uint64_t)kernel_start,
	.stack_top = (uint64_t)boot_task_block + TASK_BLOCK_SIZE - 64,
	.signal_handler = (uint64_t)host_signal_entry,
	.signal_return = (uint64_t)host_sigreturn,
	.pool_used = (uint64_t)kernel_data_end,
};

struct abi_boot *plat_start(void *handover)
{
	struct abi_boot *boot = handover;
	struct task *t = (struct task *)boot_task_block;

	t->kind = TASK_SYSTEM;
	strlcpy(t->name, "supervisor", sizeof(t->name));
	arch_task_init(t);
	t->arch.plat.host_tid = t->arch.plat.host_tgid = 1;
	list_init(&t->link);
	__asm__ volatile("wrgsbase %0" : : "r"(t));
	process_platform.boot = boot;
	process_platform.supervisor = t;
	if (boot->magic != ABI_BOOT_MAGIC || boot->version != ABI_BOOT_VERSION ||
	    boot->size != sizeof(*boot))
		panic("boot block of another version");
	clock_init(boot->vdso);
	plat_space_reset();
	set_alternate_stack(t);
	supervisor_init();
	page_init((void *)ABI_POOL_BASE, boot->pool_used, ABI_POOL_SIZE,
		  ABI_POOL_SIZE);
	return boot;
}
