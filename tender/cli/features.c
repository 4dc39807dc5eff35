/* SPDX-License-Identifier: MIT */
/* `mica features`: what this build offers, from the tables it is made of. */
#include "cli/cli.h"
#include "process/hostcalls.h"
#include <stdio.h>
#include <string.h>

static const char separation[] =
	"program and kernel share one protection domain; the boundary to the "
	"host is the seccomp filter with argument rules, an own PID "
	"namespace, no capabilities, an unprivileged identity, and the few "
	"descriptors listed in docs/security.md";

static void print_json(void)
{
	printf("{\n  \"version\": \"%s\",\n  \"platforms\": {\n"
	       "    \"process\": {\n      \"available\": true,\n"
	       "      \"separation\": \"%s\",\n      \"host_calls\": [",
	       MICA_VERSION, separation);
	for (size_t i = 0; i < nr_hostcalls; i++)
		printf("%s\n        { \"name\": \"%s\", \"rule\": \"%s\" }",
		       i ? "," : "", hostcalls[i].name,
		       hostcalls[i].rule_text);
	printf("\n      ]\n    },\n    \"kvm\": {\n"
	       "      \"available\": false,\n"
	       "      \"separation\": \"not part of this build\",\n"
	       "      \"host_calls\": []\n    }\n  }\n}\n");
}

static void print_text(void)
{
	printf("mica %s\n\nplatform process (default)\n  separation: %s\n"
	       "  host calls (%zu):\n", MICA_VERSION, separation,
	       nr_hostcalls);
	for (size_t i = 0; i < nr_hostcalls; i++)
		printf("    %-14s %-38s %s\n", hostcalls[i].name,
		       hostcalls[i].why, hostcalls[i].rule_text);
	printf("\nplatform kvm: not part of this build\n");
}

int cmd_features(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--json"))
		print_json();
	else if (argc == 1)
		print_text();
	else
		return cli_usage_error("features", "unknown argument '%s'",
				       argv[1]);
	return 0;
}
