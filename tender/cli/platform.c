/* SPDX-License-Identifier: MIT */
/* Which platform carries the sandbox, see platform.h. */
#include "cli/run.h"
#include "kvm/image.h"
#include "kvm/machine.h"
#include "kvm/probe.h"
#include <errno.h>
#include <string.h>

static const struct platform *const platforms[] = {
	&platform_process, &platform_kvm, &platform_qemu,
};

#define NR_PLATFORMS (sizeof(platforms) / sizeof(platforms[0]))

/* Does the command line ask for what only the process platform has? */
static bool needs_process(const struct run_options *o)
{
	return o->no_patch || o->test_hook ||
	       o->cpus_milli > ABI_CPUS_MAX * 1000 ||
	       (o->memory && (o->memory < ABI_RAM_MIN ||
			      o->memory > MACHINE_RAM_MAX));
}

/* kvm where the probe finds it really usable, else process. */
static const char *choose_auto(const struct run_options *o)
{
	struct kvm_probe p;

	if (!kernel_image_is_built_in() || needs_process(o))
		return "process";
	kvm_probe(&p);
	return p.verdict == KVM_VERDICT_USABLE ? "kvm" : "process";
}

const struct platform *platform_choose(const struct run *r, struct err *e)
{
	const char *name = r->opt.platform;

	if (!strcmp(name, "auto"))
		name = choose_auto(&r->opt);
	for (size_t i = 0; i < NR_PLATFORMS; i++) {
		if (strcmp(platforms[i]->name, name))
			continue;
		return platforms[i]->check(r, e) ? NULL : platforms[i];
	}
	err_set(e, ENOSYS, "platform %s is not part of this build; use "
		"--platform=process", name);
	return NULL;
}
