/* SPDX-License-Identifier: MIT */
/* `mica help`, from the tables of commands and options. */
#include "cli/cli.h"
#include "cli/options.h"
#include <stdio.h>
#include <string.h>

static void print_commands(void)
{
	printf("mica runs unmodified Linux programs in a small kernel of "
	       "their own.\n\nUsage: mica COMMAND [ARG...]\n\nCommands:\n");
	for (const struct command *c = commands; c->name; c++)
		printf("  %-10s %s\n", c->name, c->summary);
	printf("\nExample: mica run -- sh -c 'uname -a; ls /'\n"
	       "Options of a command: mica help COMMAND\n");
}

int cmd_help(int argc, char **argv)
{
	if (argc < 2) {
		print_commands();
		return 0;
	}
	for (const struct command *c = commands; c->name; c++) {
		if (strcmp(c->name, argv[1]))
			continue;
		printf("Usage: mica %s %s\n\n%s\n", c->name, c->synopsis,
		       c->summary);
		if (c->run == cmd_run) {
			printf("\nOptions:\n");
			options_help();
			printf("\nPlatforms: process, confined host processes; "
			       "kvm, a virtual machine of mica's own;\nqemu, "
			       "the same in QEMU, emulated. auto (the default) "
			       "takes kvm where it is usable,\nelse process. "
			       "'mica doctor' says what this machine has.\n");
			printf("\nExit status: the program's own; 125 mica's "
			       "own error, 126 found but not runnable,\n"
			       "127 not found, 128+N ended by signal N.\n");
		}
		return 0;
	}
	return cli_usage_error("help", "unknown command '%s'", argv[1]);
}
