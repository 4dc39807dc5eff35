/* SPDX-License-Identifier: MIT */
/* The command table and what the commands share. Only cli/ prints and exits. */
#pragma once
#include "util/err.h"

#define MICA_VERSION	"0.1.0"

/* Exit statuses of mica itself, as Docker's. */
enum {
	EXIT_MICA	 = 125,	/* mica's own error */
	EXIT_NOT_RUN	 = 126,	/* found but can not be run */
	EXIT_NOT_FOUND	 = 127,
	EXIT_SIGNAL	 = 128,	/* plus the signal's number */
};

struct command {
	const char *name, *synopsis, *summary;
	int (*run)(int argc, char **argv);	/* argv[0] is the name */
};

extern const struct command commands[];

int cmd_run(int argc, char **argv);
int cmd_features(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* "mica: TEXT" on stderr; returns EXIT_MICA. */
int cli_error(const struct err *e);
int cli_usage_error(const char *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
