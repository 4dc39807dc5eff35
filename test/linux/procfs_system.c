/* SPDX-License-Identifier: MIT */
/*
 * /proc: what programs read about the system.
 */
#include "harness.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

TEST(root_listing)
{
	struct dirent *e;
	int me = 0, init = 0, self = 0, meminfo = 0;
	DIR *d = opendir("/proc");

	must(d ? 0 : -1);
	while ((e = readdir(d))) {
		me += atoi(e->d_name) == getpid();
		init += strcmp(e->d_name, "1") == 0;
		self += strcmp(e->d_name, "self") == 0;
		meminfo += strcmp(e->d_name, "meminfo") == 0;
	}
	say("%d %d %d %d", me, init, self, meminfo);
}

TEST(root_errors)
{
	show_ok(open("/proc/999999/stat", O_RDONLY));
	show_ok(open("/proc/nothing", O_RDONLY));
	show_ok(open("/proc/nothing", O_CREAT | O_RDWR, 0600));
	show(mkdir("/proc/new", 0755));
	show(unlink("/proc/self/exe"));
	show_ok(open("/proc/self/stat", O_WRONLY));
}

TEST(meminfo)
{
	static const char *const keys[] = { "MemTotal", "MemFree",
		"MemAvailable", "Buffers", "Cached", "SwapTotal", "SwapFree",
		"Shmem" };
	long total, freed;

	must(slurp("/proc/meminfo"));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!value(keys[i]) || !strstr(value(keys[i]), " kB"))
			say("no %s", keys[i]);
	total = atol(value("MemTotal"));
	freed = atol(value("MemFree"));
	fact(total > 1000 && freed > 0 && freed <= total);
}

TEST(cpuinfo)
{
	int n = 0;

	must(slurp("/proc/cpuinfo"));
	for (char *p = slurped; (p = strstr(p, "processor\t:")); p++)
		n++;
	fact(n == get_nprocs());
	fact(value("flags\t") && strstr(value("flags\t"), "sse2"));
	fact(value("model name\t") != NULL);
}

TEST(system_stat)
{
	must(slurp("/proc/stat"));
	fact(strncmp(slurped, "cpu  ", 5) == 0);
	fact(value("cpu0") != NULL);
	fact(value("btime") && atol(value("btime")) > 1600000000);
	fact(value("processes") != NULL);
	fact(value("ctxt") != NULL);
}

TEST(uptime_and_loadavg)
{
	double up, idle, a, b, c;
	int run, all, last;

	must(slurp("/proc/uptime"));
	num(sscanf(slurped, "%lf %lf", &up, &idle));
	fact(up >= 0);
	must(slurp("/proc/loadavg"));
	num(sscanf(slurped, "%lf %lf %lf %d/%d %d", &a, &b, &c, &run, &all,
		   &last));
}

TEST(version)
{
	struct utsname u;
	char want[200];

	must(uname(&u));
	must(slurp("/proc/version"));
	snprintf(want, sizeof(want), "Linux version %s", u.release);
	fact(strncmp(slurped, want, strlen(want)) == 0);
}

TEST(filesystems)
{
	must(slurp("/proc/filesystems"));
	fact(strstr(slurped, "nodev\ttmpfs\n"));
	fact(strstr(slurped, "nodev\tproc\n"));
}

TEST(sys_kernel)
{
	struct utsname u;

	must(uname(&u));
	must(slurp("/proc/sys/kernel/ostype"));
	say("%s", slurped);
	must(slurp("/proc/sys/kernel/osrelease"));
	fact(strncmp(slurped, u.release, strlen(u.release)) == 0);
	must(slurp("/proc/sys/kernel/hostname"));
	fact(strncmp(slurped, u.nodename, strlen(u.nodename)) == 0);
	must(slurp("/proc/sys/kernel/pid_max"));
	fact(atoi(slurped) >= 32768);
	must(slurp("/proc/sys/kernel/random/boot_id"));
	num(strlen(slurped));
}

TEST(sys_values)
{
	static const char *const files[] = { "/proc/sys/vm/overcommit_memory",
		"/proc/sys/vm/max_map_count", "/proc/sys/fs/file-max",
		"/proc/sys/fs/pipe-max-size", "/proc/sys/kernel/cap_last_cap",
		"/proc/sys/kernel/ngroups_max", "/proc/sys/kernel/threads-max",
		"/proc/sys/fs/nr_open", "/proc/sys/net/core/somaxconn" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		say("%s %s", files[i],
		    slurp(files[i]) > 0 && isdigit(slurped[0]) ? "ok" : "missing");
}

TEST(random_uuid)
{
	char first[64];

	must(slurp("/proc/sys/kernel/random/uuid"));
	num(strlen(slurped));
	memcpy(first, slurped, sizeof(first));
	must(slurp("/proc/sys/kernel/random/uuid"));
	fact(strcmp(first, slurped) != 0);
}
