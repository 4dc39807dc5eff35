/* SPDX-License-Identifier: MIT */
/* `mica features`: what this build offers, from the tables it is made of. */
#include "cli/cli.h"
#include "kvm/confine.h"
#include "kvm/image.h"
#include "process/hostcalls.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char process_separation[] =
	"program and kernel share one protection domain; the boundary to the "
	"host is the seccomp filter with argument rules, an own PID "
	"namespace, no capabilities, an unprivileged identity, and the few "
	"descriptors listed in docs/security.md";
static const char kvm_separation[] =
	"program and kernel are separated by the processor's privilege "
	"levels; the boundary to the host is KVM, and around the monitor a "
	"seccomp filter for each kind of thread, no capabilities in all but "
	"the one that serves files, and an unprivileged identity in those "
	"that run the guest and its disks";
static const char qemu_separation[] =
	"program and kernel are separated by the processor's privilege "
	"levels; the boundary to the host is QEMU with its own sandbox and "
	"the file server: for tests and machines without KVM";

static void print_calls_json(const struct hostcall *c, size_t nr,
			     const char *indent)
{
	for (size_t i = 0; i < nr; i++)
		printf("%s\n%s  { \"name\": \"%s\", \"rule\": \"%s\" }",
		       i ? "," : "", indent, c[i].name, c[i].rule_text);
	printf("\n%s]", indent);
}

static void print_kvm_json(void)
{
	printf("    \"kvm\": {\n      \"available\": %s,\n"
	       "      \"separation\": \"%s\",\n      \"threads\": {\n",
	       kernel_image_is_built_in() ? "true" : "false",
	       kvm_separation);
	for (int k = 0; k < NR_THREAD_KINDS; k++) {
		printf("%s        \"%s\": [", k ? ",\n" : "",
		       thread_calls[k].name);
		print_calls_json(thread_calls[k].calls,
				 thread_calls[k].nr_calls, "        ");
	}
	printf("\n      }\n    },\n");
}

static void print_json(void)
{
	printf("{\n  \"version\": \"%s\",\n  \"platforms\": {\n"
	       "    \"process\": {\n      \"available\": true,\n"
	       "      \"separation\": \"%s\",\n      \"host_calls\": [",
	       MICA_VERSION, process_separation);
	print_calls_json(hostcalls, nr_hostcalls, "      ");
	printf("\n    },\n");
	print_kvm_json();
	printf("    \"qemu\": {\n      \"available\": %s,\n"
	       "      \"separation\": \"%s\"\n    }\n  }\n}\n",
	       kernel_image_is_built_in() ? "true" : "false",
	       qemu_separation);
}

static void print_calls(const struct hostcall *c, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		printf("    %-14s %-38s %s\n", c[i].name, c[i].why,
		       c[i].rule_text);
}

static void print_text(void)
{
	printf("mica %s\n\nplatform process\n  separation: %s\n"
	       "  host calls (%zu):\n", MICA_VERSION, process_separation,
	       nr_hostcalls);
	print_calls(hostcalls, nr_hostcalls);
	printf("  and with --rtprio:\n");
	print_calls(hostcalls_rtprio, nr_hostcalls_rtprio);
	if (!kernel_image_is_built_in()) {
		printf("\nplatforms kvm and qemu: not part of this build\n");
		return;
	}
	printf("\nplatform kvm (taken by itself where KVM is usable: mica "
	       "doctor)\n  separation: %s\n", kvm_separation);
	for (int k = 0; k < NR_THREAD_KINDS; k++) {
		const struct thread_calls *t = &thread_calls[k];

		printf("  host calls of thread '%s', %s (%zu):\n", t->name,
		       t->what, t->nr_calls);
		print_calls(t->calls, t->nr_calls);
	}
	printf("\nplatform qemu\n  separation: %s\n", qemu_separation);
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
