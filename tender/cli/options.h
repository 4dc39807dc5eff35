/* SPDX-License-Identifier: MIT */
/* Options of `mica run`: one table makes the parser and the help text. */
#pragma once
#include "util/err.h"
#include <stdbool.h>
#include <stdint.h>

#define VOLUMES_MAX	32
#define ENV_MAX		4096
#define DISKS_MAX	8

struct volume {
	char *host, *guest;
	bool read_only;
};

/* A host file as a block device; dev/blk.h opens and checks it. */
struct disk {
	char *host;
	bool read_only;
};

/* A line of /etc/hosts. */
struct host {
	const char *name, *address;
};

struct run_options {
	const char *root, *image, *workdir, *user, *hostname, *strace_file;
	const char *platform, *entrypoint;
	const char *kernel;	/* image file of kvm and qemu */
	struct volume volumes[VOLUMES_MAX];
	unsigned int nr_volumes;
	struct disk disks[DISKS_MAX];
	unsigned int nr_disks;
	const char *tmpfs[VOLUMES_MAX];
	unsigned int nr_tmpfs;
	struct host hosts[VOLUMES_MAX];
	unsigned int nr_hosts;
	const char *env[ENV_MAX];	/* NAME=VALUE or NAME */
	unsigned int nr_env;
	uint64_t memory;	/* bytes, 0 = no limit */
	uint32_t pids, cpus_milli;
	uint32_t rtprio;	/* 0 to 99 */
	bool read_only, interactive, tty, strace, stats, no_patch, test_hook, help;
};

/*
 * Parse argv (argv[0] is the command). *first gets the index of PROGRAM.
 * Returns 0, or -EINVAL with e->text set.
 */
int options_parse(struct run_options *o, int argc, char **argv, int *first,
		  struct err *e);
void options_help(void);
