/* SPDX-License-Identifier: MIT */
/*
 * `mica run --platform=qemu` (qemu/qemu.h). For developers:
 * MICA_QEMU_ARGS    more arguments for QEMU, separated by spaces
 * MICA_QEMU_KERNEL  another kernel's file instead of the one in mica
 */
#include "cli/run.h"
#include "abi/machine.h"
#include "qemu/qemu.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MEMORY_DEFAULT	(4ull << 30)

extern const char kvm_kernel_image[], kvm_kernel_image_end[];

static size_t image_size(void)
{
	return (size_t)(kvm_kernel_image_end - kvm_kernel_image);
}

static int qemu_platform_check(const struct run *r, struct err *e)
{
	if (!image_size() && !getenv("MICA_QEMU_KERNEL"))
		return err_set(e, ENOSYS, "platform qemu is not part of this "
			       "build; use --platform=process");
	if (r->opt.memory && r->opt.memory < ABI_RAM_MIN)
		return err_set(e, EINVAL, "platform qemu needs at least %llu "
			       "MiB of memory (--memory)",
			       (unsigned long long)ABI_RAM_MIN >> 20);
	return qemu_check(e);
}

static int qemu_platform_create(struct run *r, struct err *e)
{
	return description_create(&r->desc, e);
}

static uint64_t memory_size(const struct run *r)
{
	uint64_t host = (uint64_t)sysconf(_SC_PHYS_PAGES) *
			(uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t n = r->opt.memory;

	if (!n)
		n = host < MEMORY_DEFAULT ? host : MEMORY_DEFAULT;
	return n & ~4095ull;
}

static int qemu_platform_start(struct run *r, struct err *e)
{
	struct qemu_disk disks[DISKS_MAX];
	struct qemu_config c = {
		.kernel = kvm_kernel_image,
		.kernel_size = image_size(),
		.kernel_path = r->opt.kernel ? r->opt.kernel :
				getenv("MICA_QEMU_KERNEL"),
		.description = &r->desc,
		.memory = memory_size(r),
		.nr_cpus = r->desc.boot->nr_cpus < ABI_CPUS_MAX ?
			   r->desc.boot->nr_cpus : ABI_CPUS_MAX,
		.disks = disks,
		.nr_disks = r->opt.nr_disks,
		.arguments = getenv("MICA_QEMU_ARGS"),
		.server = r->server,
		.log_fd = r->log_fd,
	};
	struct qemu *q;
	int err;

	for (unsigned int i = 0; i < r->opt.nr_disks; i++)
		disks[i] = (struct qemu_disk){ r->opt.disks[i].host,
					       r->opt.disks[i].read_only };
	for (int i = 0; i < 3; i++)
		c.stdio[i] = r->closed[i] ? -1 : i;
	err = qemu_start(&q, &c, e);
	if (err)
		return err;
	r->carrier = q;
	r->end_fd = qemu_end_fd(q);
	return 0;
}

static void qemu_platform_send_signals(struct run *r, uint64_t signals,
				       uint64_t tty_signals)
{
	qemu_send_signals(r->carrier, signals, tty_signals);
}

static void qemu_platform_send_winsize(struct run *r, uint16_t rows,
				       uint16_t cols)
{
	qemu_send_winsize(r->carrier, rows, cols);
}

static uint32_t qemu_platform_take_stopped(struct run *r)
{
	return qemu_take_stopped(r->carrier);
}

static void qemu_platform_destroy(struct run *r)
{
	if (r->carrier)
		qemu_destroy(r->carrier, &r->report, r->failure,
			     sizeof(r->failure));
	r->carrier = NULL;
	description_destroy(&r->desc);
}

const struct platform platform_qemu = {
	.name = "qemu",
	.is_machine = true,
	.check = qemu_platform_check,
	.create = qemu_platform_create,
	.start = qemu_platform_start,
	.send_signals = qemu_platform_send_signals,
	.send_winsize = qemu_platform_send_winsize,
	.take_stopped = qemu_platform_take_stopped,
	.destroy = qemu_platform_destroy,
};
