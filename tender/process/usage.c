/* SPDX-License-Identifier: MIT */
/* Memory of a sandbox's processes, see usage.h: /proc/PID/status, statm. */
#include "process/usage.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR_KNOWN	256u

/* Numbers on the host by numbers inside, as seen last; 0: not seen. */
static pid_t known[NR_KNOWN];

struct status {
	uint32_t inner;		/* number in the innermost PID namespace */
	pid_t parent;
	struct fsrv_usage usage;
};

static FILE *children_open(pid_t first)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", first,
		 first);
	return fopen(path, "re");
}

/* Private resident bytes of a host process, 0 if there is none. */
static uint64_t private_bytes(pid_t pid)
{
	unsigned long size, rss = 0, shared = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%lu %lu %lu", &size, &rss, &shared) != 3)
		rss = shared = 0;
	fclose(f);
	return (rss - shared) * 4096ull;
}

uint64_t usage_total(pid_t first)
{
	FILE *f = children_open(first);
	uint64_t total = 0;
	int pid;

	while (f && fscanf(f, "%d", &pid) == 1)
		total += private_bytes(pid);
	if (f)
		fclose(f);
	return total;
}

/* Add the KiB of the line called name. */
static bool take_line(const char *line, const char *name, uint64_t *bytes)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n) || line[n] != ':')
		return false;
	*bytes += strtoull(line + n + 1, NULL, 10) << 10;
	return true;
}

static bool status_read(pid_t pid, struct status *s)
{
	uint64_t peak = 0;
	char path[64], line[256];
	FILE *f;

	memset(s, 0, sizeof(*s));
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		struct fsrv_usage *u = &s->usage;

		if (!strncmp(line, "NSpid:", 6))
			s->inner = (uint32_t)strtoul(strrchr(line, '\t') + 1,
						     NULL, 10);
		else if (!strncmp(line, "PPid:", 5))
			s->parent = (pid_t)strtol(line + 5, NULL, 10);
		else if (!take_line(line, "RssAnon", &u->private) &&
			 !take_line(line, "RssFile", &u->mapped) &&
			 !take_line(line, "RssShmem", &u->mapped) &&
			 !take_line(line, "VmPTE", &u->tables))
			take_line(line, "VmHWM", &peak);
	}
	fclose(f);
	/* the host keeps the peak of both together */
	s->usage.private_peak = s->usage.private;
	if (peak > s->usage.private + s->usage.mapped)
		s->usage.private_peak = peak - s->usage.mapped;
	return true;
}

/* The process on the host; *s is its status. False: there is none. */
static bool look_for(pid_t first, uint32_t inner, struct status *s)
{
	FILE *f = children_open(first);
	bool found = false;
	int pid;

	while (f && !found && fscanf(f, "%d", &pid) == 1) {
		if (!status_read(pid, s))
			continue;
		known[s->inner % NR_KNOWN] = pid;
		found = s->inner == inner;
	}
	if (f)
		fclose(f);
	return found;
}

int usage_of(pid_t first, uint32_t inner, struct fsrv_usage *u)
{
	pid_t pid = known[inner % NR_KNOWN];
	struct status s;

	/* the number may belong to another process by now, even outside */
	if ((!pid || !status_read(pid, &s) || s.inner != inner ||
	     s.parent != first) && !look_for(first, inner, &s))
		return -ESRCH;
	*u = s.usage;
	return 0;
}
