/* SPDX-License-Identifier: MIT */
/*
 * `mica run --platform=qemu` (qemu/qemu.h). For developers:
 * MICA_QEMU_ARGS    more arguments for QEMU, separated by spaces
 * MICA_QEMU_KERNEL  another kernel's file instead of the one in mica
 */
#include "cli/run.h"
#include "abi/machine.h"
#include "kvm/image.h"
#include "kvm/machine.h"
#include "qemu/qemu.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MEMORY_DEFAULT	(4ull << 30)

static int qemu_platform_check(const struct run *r, struct err *e)
{
	if (!kernel_image_is_built_in() && !r->opt.kernel &&
	    !getenv("MICA_QEMU_KERNEL"))
		return err_set(e, ENOSYS, "platform qemu is not part of this "
			       "build; use --platform=process");
	if (r->opt.memory && (r->opt.memory < ABI_RAM_MIN ||
			      r->opt.memory > MACHINE_RAM_MAX))
		return err_set(e, EINVAL, "--memory: a machine has %llu MiB to "
			       "%llu GiB", ABI_RAM_MIN >> 20,
			       MACHINE_RAM_MAX >> 30);
	if (r->opt.cpus_milli > ABI_CPUS_MAX * 1000)
		return err_set(e, EINVAL, "--cpus: a machine has 1 to %u",
			       ABI_CPUS_MAX);
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

static int start_with(struct run *r, const struct kernel_image *image,
		      struct err *e)
{
	struct qemu_disk disks[DISKS_MAX];
	struct qemu_config c = {
		.kernel = image->data,
		.kernel_size = image->size,
		.kernel_path = r->opt.kernel ? NULL :
				getenv("MICA_QEMU_KERNEL"),
		.description = &r->desc,
		.memory = memory_size(r),
		.nr_cpus = r->desc.boot->nr_cpus,
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

static int qemu_platform_start(struct run *r, struct err *e)
{
	struct kernel_image image = { .data = NULL };
	int err = 0;

	/* QEMU would take any kernel, and say little about what is wrong */
	if (r->opt.kernel || kernel_image_is_built_in())
		err = kernel_image_open(&image, r->opt.kernel, e);
	/* QEMU would wait for ever */
	if (!err && image.end + description_size(&r->desc) > memory_size(r))
		err = err_set(e, ENOMEM, "the kernel needs more memory than "
			      "%llu MiB: raise --memory",
			      (unsigned long long)memory_size(r) >> 20);
	if (!err)
		err = start_with(r, &image, e);
	kernel_image_close(&image);
	return err;
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

static bool qemu_platform_is_deaf(struct run *r)
{
	return qemu_is_deaf(r->carrier);
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
	.is_deaf = qemu_platform_is_deaf,
	.take_stopped = qemu_platform_take_stopped,
	.destroy = qemu_platform_destroy,
};
