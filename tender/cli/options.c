/* SPDX-License-Identifier: MIT */
/*
 * Parser of `mica run`. Names and meanings are Docker's; parsing stops at the
 * first word that is not an option.
 */
#include "cli/options.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_ROOT = 256, OPT_TMPFS, OPT_READ_ONLY, OPT_ENV_FILE, OPT_HOSTNAME,
	OPT_PIDS, OPT_RTPRIO, OPT_CPUS, OPT_ENTRYPOINT, OPT_PLATFORM, OPT_STRACE,
	OPT_STATS, OPT_NO_PATCH, OPT_TEST_HOOK, OPT_RM, OPT_DISK,
	OPT_KERNEL, OPT_IMAGE, OPT_ADD_HOST,
};

static const struct option_help {
	struct option opt;
	const char *arg, *text;		/* text NULL: hidden */
} table[] = {
	{ { "root", 1, 0, OPT_ROOT }, "DIR",
	  "use DIR as the root of the file tree" },
	{ { "image", 1, 0, OPT_IMAGE }, "FILE",
	  "use the tree in an EROFS image as the root" },
	{ { "entrypoint", 1, 0, OPT_ENTRYPOINT }, "PROGRAM",
	  "the program; what follows the options are its arguments" },
	{ { "volume", 1, 0, 'v' }, "HOST:GUEST[:ro]",
	  "give access to a host file or directory" },
	{ { "disk", 1, 0, OPT_DISK }, "FILE[:ro]",
	  "a file as a disk, /dev/vda and on (kvm, qemu)" },
	{ { "tmpfs", 1, 0, OPT_TMPFS }, "DIR", "an empty tmpfs at DIR" },
	{ { "read-only", 0, 0, OPT_READ_ONLY }, NULL,
	  "the root file tree can not be written" },
	{ { "workdir", 1, 0, 'w' }, "DIR", "working directory inside" },
	{ { "env", 1, 0, 'e' }, "NAME[=VALUE]",
	  "set a variable, or pass it on" },
	{ { "env-file", 1, 0, OPT_ENV_FILE }, "FILE",
	  "variables from a file, one NAME=VALUE a line" },
	{ { "user", 1, 0, 'u' }, "UID[:GID]", "user inside (number or name)" },
	{ { "hostname", 1, 0, OPT_HOSTNAME }, "NAME", "host name inside" },
	{ { "add-host", 1, 0, OPT_ADD_HOST }, "NAME:ADDRESS",
	  "a line for /etc/hosts" },
	{ { "memory", 1, 0, 'm' }, "BYTES", "memory limit, or RAM of a machine; 512m, 2g" },
	{ { "pids-limit", 1, 0, OPT_PIDS }, "N", "at most N tasks" },
	{ { "cpus", 1, 0, OPT_CPUS }, "N", "processors; fractions are rounded up" },
	{ { "rtprio", 1, 0, OPT_RTPRIO }, "N",
	  "the host's real-time classes, up to priority N (process)" },
	{ { "interactive", 0, 0, 'i' }, NULL,
	  "keep stdin open (always the case)" },
	{ { "tty", 0, 0, 't' }, NULL, "give the program a terminal" },
	{ { "platform", 1, 0, OPT_PLATFORM }, "NAME",
	  "what carries the kernel: process, kvm, qemu or auto" },
	{ { "kernel", 1, 0, OPT_KERNEL }, "FILE",
	  "another kernel than the built-in one (kvm, qemu)" },
	{ { "strace", 2, 0, OPT_STRACE }, "[=FILE]",
	  "print every system call (stderr or FILE)" },
	{ { "stats", 0, 0, OPT_STATS }, NULL,
	  "print counters when the program ends" },
	{ { "rm", 0, 0, OPT_RM }, NULL,
	  "nothing is ever left behind: accepted for habit" },
	{ { "help", 0, 0, 'h' }, NULL, "print this" },
	{ { "no-patch", 0, 0, OPT_NO_PATCH }, NULL, NULL },
	{ { "test-hook", 0, 0, OPT_TEST_HOOK }, NULL, NULL },
};

#define NR_OPTIONS (sizeof(table) / sizeof(table[0]))

void options_help(void)
{
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		const struct option_help *h = &table[i];
		char left[64];
		bool optional = h->opt.has_arg == 2;

		if (!h->text)
			continue;
		snprintf(left, sizeof(left), "%s%c%s --%s%s%s",
			 h->opt.val < 256 ? "-" : " ",
			 h->opt.val < 256 ? h->opt.val : ' ',
			 h->opt.val < 256 ? "," : " ", h->opt.name,
			 h->arg && !optional ? " " : "",
			 h->arg ? h->arg : "");
		printf("  %-34s %s\n", left, h->text);
	}
}

static int bad(struct err *e, const char *option, const char *value,
	       const char *want)
{
	return err_set(e, EINVAL, "bad value '%s' for --%s: want %s", value,
		       option, want);
}

/* NAME:ADDRESS or NAME=ADDRESS; an address of IPv6 may stand in brackets. */
static int parse_host(struct run_options *o, const char *s, struct err *e)
{
	struct host *h = &o->hosts[o->nr_hosts];
	size_t n = strcspn(s, ":= \t\n"), len;
	struct in6_addr parsed;
	char *copy = strdup(s), *address;

	if (o->nr_hosts == VOLUMES_MAX || !copy)
		return err_set(e, EINVAL, "more than %d hosts", VOLUMES_MAX);
	if (!n || (s[n] != ':' && s[n] != '='))
		return bad(e, "add-host", s, "NAME:ADDRESS");
	copy[n] = 0;
	address = copy + n + 1;
	len = strlen(address);
	if (*address == '[' && address[len - 1] == ']') {
		address[len - 1] = 0;
		address++;
	}
	if (inet_pton(AF_INET, address, &parsed) != 1 &&
	    inet_pton(AF_INET6, address, &parsed) != 1)
		return bad(e, "add-host", s, "an IP address after the name");
	*h = (struct host){ copy, address };
	o->nr_hosts++;
	return 0;
}

static int parse_memory(const char *s, uint64_t *out, struct err *e)
{
	char *end;
	double v;
	int shift = 0;

	errno = 0;
	v = strtod(s, &end);
	switch (tolower((unsigned char)*end)) {
	case 'g':
		shift = 30;
		break;
	case 'm':
		shift = 20;
		break;
	case 'k':
		shift = 10;
		break;
	case 'b':
	case 0:
		break;
	default:
		return bad(e, "memory", s, "a number with suffix b, k, m or g");
	}
	if (*end && end[1] && !(tolower((unsigned char)end[1]) == 'b' &&
				!end[2]))
		return bad(e, "memory", s, "a number with suffix b, k, m or g");
	if (end == s || errno || v < 0 || v > 1e15)
		return bad(e, "memory", s, "a number with suffix b, k, m or g");
	*out = (uint64_t)(v * (double)(1ull << shift));
	if (*out && *out < 6u << 20)
		return bad(e, "memory", s, "at least 6m");
	return 0;
}

static int parse_rtprio(const char *s, uint32_t *out, struct err *e)
{
	char *end;
	long v = strtol(s, &end, 10);

	if (end == s || *end || v < 0 || v > 99)
		return bad(e, "rtprio", s, "a number from 0 to 99");
	*out = (uint32_t)v;
	return 0;
}

static int parse_pids(const char *s, uint32_t *out, struct err *e)
{
	char *end;
	long v = strtol(s, &end, 10);

	if (end == s || *end || v < -1 || v > 1 << 22)
		return bad(e, "pids-limit", s, "a number, -1 for no limit");
	*out = v < 0 ? 0 : (uint32_t)v;
	return 0;
}

static int parse_cpus(const char *s, uint32_t *out, struct err *e)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !(v > 0) || v > 4096)
		return bad(e, "cpus", s, "a positive number");
	*out = (uint32_t)(v * 1000);
	return 0;
}

/* HOST:GUEST[:ro|rw] */
static int parse_volume(struct run_options *o, const char *s, struct err *e)
{
	struct volume *v = &o->volumes[o->nr_volumes];
	char *copy = strdup(s), *guest, *mode;

	if (o->nr_volumes == VOLUMES_MAX || !copy)
		return err_set(e, EINVAL, "more than %d volumes", VOLUMES_MAX);
	guest = strchr(copy, ':');
	if (!guest || guest == copy || guest[1] != '/')
		return bad(e, "volume", s,
			   "HOST:GUEST[:ro] with an absolute GUEST path");
	*guest++ = 0;
	mode = strchr(guest, ':');
	if (mode) {
		*mode++ = 0;
		if (strcmp(mode, "ro") && strcmp(mode, "rw"))
			return bad(e, "volume", s, "mode ro or rw");
		v->read_only = !strcmp(mode, "ro");
	}
	v->host = copy;
	v->guest = guest;
	o->nr_volumes++;
	return 0;
}

/* FILE[:ro|rw]; any other colon belongs to the name. */
static int parse_disk(struct run_options *o, const char *s, struct err *e)
{
	struct disk *d = &o->disks[o->nr_disks];
	char *copy, *mode;

	if (o->nr_disks == DISKS_MAX)
		return err_set(e, EINVAL, "more than %d disks", DISKS_MAX);
	copy = strdup(s);
	if (!copy)
		return err_set(e, ENOMEM, "reading --disk");
	mode = strrchr(copy, ':');
	if (mode && (!strcmp(mode, ":ro") || !strcmp(mode, ":rw"))) {
		d->read_only = !strcmp(mode, ":ro");
		*mode = 0;
	}
	if (!*copy)
		return bad(e, "disk", s, "FILE[:ro]");
	d->host = copy;
	o->nr_disks++;
	return 0;
}

static int add_env(struct run_options *o, const char *s, struct err *e)
{
	if (!*s || *s == '=')
		return bad(e, "env", s, "NAME=VALUE or NAME");
	if (o->nr_env == ENV_MAX)
		return err_set(e, EINVAL, "more than %d variables", ENV_MAX);
	o->env[o->nr_env++] = s;
	return 0;
}

static int read_env_file(struct run_options *o, const char *path,
			 struct err *e)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int err = 0;

	if (!f)
		return err_set(e, EINVAL, "reading --env-file %s: %s", path,
			       strerror(errno));
	while (!err && (n = getline(&line, &size, f)) >= 0) {
		char *p = line;

		if (n && line[n - 1] == '\n')
			line[n - 1] = 0;
		while (isspace((unsigned char)*p))
			p++;
		if (*p && *p != '#')
			err = add_env(o, strdup(p), e);
	}
	free(line);
	fclose(f);
	return err;
}

static int check_platform(struct run_options *o, struct err *e)
{
	static const char *const names[] = { "auto", "process", "kvm",
					     "qemu" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(o->platform, names[i]))
			return 0;
	return bad(e, "platform", o->platform, "auto, process, kvm or qemu");
}

static int take(struct run_options *o, int c, char *arg, struct err *e)
{
	switch (c) {	/* flat table */
	case 'h':
		o->help = true;
		return 0;
	case OPT_ROOT:
		o->root = arg;
		return 0;
	case 'v':
		return parse_volume(o, arg, e);
	case OPT_DISK:
		return parse_disk(o, arg, e);
	case OPT_TMPFS:
		if (*arg != '/' || o->nr_tmpfs == VOLUMES_MAX)
			return bad(e, "tmpfs", arg, "an absolute path");
		o->tmpfs[o->nr_tmpfs++] = arg;
		return 0;
	case OPT_READ_ONLY:
		o->read_only = true;
		return 0;
	case 'w':
		if (*arg != '/')
			return bad(e, "workdir", arg, "an absolute path");
		o->workdir = arg;
		return 0;
	case 'e':
		return add_env(o, arg, e);
	case OPT_ENV_FILE:
		return read_env_file(o, arg, e);
	case 'u':
		o->user = arg;
		return 0;
	case OPT_HOSTNAME:
		if (!*arg || strlen(arg) > 64)
			return bad(e, "hostname", arg, "1 to 64 characters");
		o->hostname = arg;
		return 0;
	case OPT_ADD_HOST:
		return parse_host(o, arg, e);
	case 'm':
		return parse_memory(arg, &o->memory, e);
	case OPT_PIDS:
		return parse_pids(arg, &o->pids, e);
	case OPT_CPUS:
		return parse_cpus(arg, &o->cpus_milli, e);
	case OPT_RTPRIO:
		return parse_rtprio(arg, &o->rtprio, e);
	case 'i':
		o->interactive = true;
		return 0;
	case 't':
		o->tty = true;
		return 0;
	case OPT_PLATFORM:
		o->platform = arg;
		return check_platform(o, e);
	case OPT_KERNEL:
		o->kernel = arg;
		return 0;
	case OPT_STRACE:
		o->strace = true;
		o->strace_file = arg;
		return 0;
	case OPT_STATS:
		o->stats = true;
		return 0;
	case OPT_NO_PATCH:
		o->no_patch = true;
		return 0;
	case OPT_TEST_HOOK:
		o->test_hook = true;
		return 0;
	case OPT_RM:
		return 0;
	case OPT_ENTRYPOINT:
		if (!*arg)
			return bad(e, "entrypoint", arg, "a program");
		o->entrypoint = arg;
		return 0;
	case OPT_IMAGE:
		o->image = arg;
		return 0;
	}
	return err_set(e, EINVAL, "unknown option");
}

int options_parse(struct run_options *o, int argc, char **argv, int *first,
		  struct err *e)
{
	struct option longs[NR_OPTIONS + 1] = { { 0 } };
	int c, err;

	memset(o, 0, sizeof(*o));
	o->platform = "auto";
	for (size_t i = 0; i < NR_OPTIONS; i++)
		longs[i] = table[i].opt;
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "+:v:w:e:u:m:ith", longs,
				NULL)) != -1) {
		const char *word = argv[optind > 1 ? optind - 1 : 1];

		if (c == '?')
			return err_set(e, EINVAL, "unknown option '%s'", word);
		if (c == ':')
			return err_set(e, EINVAL, "option '%s' needs a value",
				       word);
		err = take(o, c, optarg, e);
		if (err)
			return err;
	}
	if (o->image && o->root)
		return err_set(e, EINVAL, "--root and --image: only one tree "
			       "can be the root");
	/* the word before is --entrypoint's, or an option's after it */
	if (o->entrypoint)
		argv[--optind] = (char *)o->entrypoint;
	*first = optind;
	return 0;
}
