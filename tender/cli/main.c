/* SPDX-License-Identifier: MIT */
/* mica: find the command in the table and run it. */
#include "cli/cli.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct command commands[] = {
	{ "run", "[OPTIONS] [--] PROGRAM [ARG...]",
	  "run a program in a sandbox of its own", cmd_run },
	{ "features", "[--json]",
	  "what this build can do and what separates a sandbox", cmd_features },
	{ "doctor", "", "what this machine lacks, and how to mend it",
	  cmd_doctor },
	{ "version", "", "print the version", cmd_version },
	{ "help", "[COMMAND]", "print this, or a command's options", cmd_help },
	{ NULL, NULL, NULL, NULL },
};

int cli_error(const struct err *e)
{
	fprintf(stderr, "mica: %s\n", e->text);
	return EXIT_MICA;
}

int cli_usage_error(const char *command, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "mica %s: ", command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nSee 'mica help %s'.\n", command);
	return EXIT_MICA;
}

int cmd_version(int argc, char **argv)
{
	printf("mica %s\n", MICA_VERSION);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "help";

	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	if (!strcmp(name, "--version") || !strcmp(name, "-v"))
		name = "version";
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return argc > 1 ? c->run(argc - 1, argv + 1) :
					  (c->run(argc, argv), EXIT_MICA);
	fprintf(stderr, "mica: unknown command '%s'\nSee 'mica help'.\n",
		name);
	return EXIT_MICA;
}
