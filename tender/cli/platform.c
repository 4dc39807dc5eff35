/* SPDX-License-Identifier: MIT */
/* Which platform carries the sandbox, see platform.h. */
#include "cli/run.h"
#include <errno.h>
#include <string.h>

static const struct platform *const platforms[] = {
	&platform_process, &platform_kvm, &platform_qemu,
};

#define NR_PLATFORMS (sizeof(platforms) / sizeof(platforms[0]))

const struct platform *platform_choose(const struct run *r, struct err *e)
{
	const char *name = r->opt.platform;

	if (!strcmp(name, "auto"))
		name = "process";
	for (size_t i = 0; i < NR_PLATFORMS; i++) {
		if (strcmp(platforms[i]->name, name))
			continue;
		return platforms[i]->check(r, e) ? NULL : platforms[i];
	}
	err_set(e, ENOSYS, "platform %s is not part of this build; use "
		"--platform=process", name);
	return NULL;
}
