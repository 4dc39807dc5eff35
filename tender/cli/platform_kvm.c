/* SPDX-License-Identifier: MIT */
/* `mica run` on the kvm platform: our own monitor (kvm/sandbox.h). */
#include "cli/run.h"
#include "kvm/confine.h"
#include "kvm/probe.h"
#include "kvm/sandbox.h"
#include <errno.h>

static int kvm_check(const struct run *r, struct err *e)
{
	struct kvm_probe p;

	kvm_probe(&p);
	if (p.verdict == KVM_VERDICT_USABLE)
		return 0;
	return err_set(e, ENOTSUP, "KVM can not be used here: %s; "
		       "use --platform=process%s", p.text,
		       p.verdict == KVM_VERDICT_UNUSABLE ?
		       " (MICA_KVM=yes tries all the same)" : "");
}

static int kvm_create(struct run *r, struct err *e)
{
	int err = confine_process(e);

	return err ? err : description_create(&r->desc, e);
}

static int kvm_start(struct run *r, struct err *e)
{
	struct kvm_sandbox_disk disks[DISKS_MAX];
	struct kvm_sandbox_config c = {
		.ram_bytes = r->opt.memory, .nr_cpus = r->desc.boot->nr_cpus,
		.kernel = r->opt.kernel, .description = &r->desc,
		.server = r->server, .log_fd = r->log_fd, .disks = disks,
		.nr_disks = r->opt.nr_disks,
	};
	struct kvm_sandbox *s;
	int err;

	for (int i = 0; i < 3; i++)
		c.stdio[i] = r->closed[i] ? -1 : i;
	for (uint32_t i = 0; i < r->opt.nr_disks; i++) {
		disks[i].path = r->opt.disks[i].host;
		disks[i].read_only = r->opt.disks[i].read_only;
	}
	err = kvm_sandbox_start(&s, &c, e);
	if (err)
		return err;
	r->carrier = s;
	r->end_fd = kvm_sandbox_end_fd(s);
	return 0;
}

static void kvm_send_signals(struct run *r, uint64_t signals,
			     uint64_t tty_signals)
{
	kvm_sandbox_send_signals(r->carrier, signals, tty_signals);
}

static void kvm_send_winsize(struct run *r, uint16_t rows, uint16_t cols)
{
	kvm_sandbox_send_winsize(r->carrier, rows, cols);
}

static bool kvm_is_deaf(struct run *r)
{
	return kvm_sandbox_is_deaf(r->carrier);
}

static uint32_t kvm_take_stopped(struct run *r)
{
	return kvm_sandbox_take_stopped(r->carrier);
}

static void kvm_destroy(struct run *r)
{
	if (r->carrier)
		kvm_sandbox_destroy(r->carrier, &r->report, r->failure,
				    sizeof(r->failure),
				    r->opt.stats ? r->log_fd : -1);
	r->carrier = NULL;
	description_destroy(&r->desc);
}

const struct platform platform_kvm = {
	.name = "kvm",
	.is_machine = true,
	.check = kvm_check,
	.create = kvm_create,
	.start = kvm_start,
	.send_signals = kvm_send_signals,
	.send_winsize = kvm_send_winsize,
	.is_deaf = kvm_is_deaf,
	.take_stopped = kvm_take_stopped,
	.destroy = kvm_destroy,
};
