/* SPDX-License-Identifier: MIT */
/*
 * /proc: what programs read about themselves, others and the system.
 */
#include "harness.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static void link_of(const char *path, char *buf)
{
	int n = readlink(path, buf, PATH_MAX - 1);

	buf[n < 0 ? 0 : n] = 0;
}

TEST(self_is_a_link)
{
	char buf[PATH_MAX], want[64];

	sprintf(want, "%d", getpid());
	link_of("/proc/self", buf);
	fact(strcmp(buf, want) == 0);
	sprintf(want, "%d/task/%d", getpid(), gettid());
	link_of("/proc/thread-self", buf);
	fact(strcmp(buf, want) == 0);
}

TEST(self_exe)
{
	char buf[PATH_MAX], real[PATH_MAX];
	struct stat a, b;

	link_of("/proc/self/exe", buf);
	fact(realpath(self_path, real) && strcmp(buf, real) == 0);
	must(stat("/proc/self/exe", &a));
	must(stat(self_path, &b));
	fact(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	must(lstat("/proc/self/exe", &a));
	fact(S_ISLNK(a.st_mode));
	show_ok(open("/proc/self/exe", O_RDONLY));
}

HELPER(hello)
{
	say("hello from /proc/self/exe");
	return 0;
}

TEST(exec_self_exe)
{
	execl("/proc/self/exe", self_path, "--helper", "hello", NULL);
}

TEST(self_cwd_and_root)
{
	char buf[PATH_MAX], cwd[PATH_MAX];

	link_of("/proc/self/cwd", buf);
	fact(getcwd(cwd, sizeof(cwd)) && strcmp(buf, cwd) == 0);
	link_of("/proc/self/root", buf);
	say("%s", buf);
	put_file("f", "through cwd");
	show_file("/proc/self/cwd/f");
}

TEST(self_fd_links)
{
	char buf[PATH_MAX], path[64], want[PATH_MAX];
	int fd = must(open("f", O_CREAT | O_RDWR, 0600)), p[2];
	struct stat st;

	sprintf(path, "/proc/self/fd/%d", fd);
	link_of(path, buf);
	must((long)getcwd(want, sizeof(want) - 2) ? 0 : -1);
	strcat(want, "/f");
	fact(strcmp(buf, want) == 0);
	must(pipe(p));
	sprintf(path, "/proc/self/fd/%d", p[0]);
	link_of(path, buf);
	must(fstat(p[0], &st));
	sprintf(want, "pipe:[%lu]", (unsigned long)st.st_ino);
	fact(strcmp(buf, want) == 0);
	show(readlink("/proc/self/fd/99", buf, 10));
	show_ok(open("/proc/self/fd/99", O_RDONLY));
}

TEST(self_fd_listing)
{
	int seen[32] = { 0 }, n = 0;
	struct dirent *e;
	DIR *d;

	must(dup2(0, 20));
	d = opendir("/proc/self/fd");
	must(d ? 0 : -1);
	while ((e = readdir(d))) {
		if (isdigit(e->d_name[0]) && atoi(e->d_name) < 32)
			seen[atoi(e->d_name)] = 1;
		n++;
	}
	fact(seen[0] && seen[1] && seen[2] && seen[20] && seen[dirfd(d)]);
	num(seen[21]);
	num(n);
}

TEST(self_fd_reopens_file)
{
	char path[64], c;
	int fd = must(open("f", O_CREAT | O_RDWR, 0600)), again;

	must(write(fd, "abc", 3));
	sprintf(path, "/proc/self/fd/%d", fd);
	again = must(open(path, O_RDONLY));
	show(read(again, &c, 1));
	show(lseek(fd, 0, SEEK_CUR));
	show(write(again, "x", 1));
}

TEST(self_fdinfo)
{
	char path[64];
	int fd = must(open("f", O_CREAT | O_RDWR | O_APPEND, 0600));

	must(write(fd, "12345", 5));
	sprintf(path, "/proc/self/fdinfo/%d", fd);
	must(slurp(path));
	say("pos %s", value("pos"));
	fact(strtol(value("flags"), NULL, 8) & O_APPEND);
}

TEST(self_maps)
{
	void *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	char want[64], line[400];
	int bad = 0, lines = 0;

	must(slurp("/proc/self/maps"));
	fact(strstr(slurped, "[stack]"));
	fact(strstr(slurped, "[heap]") || sbrk(0) != NULL);
	fact(strstr(slurped, self_path + strlen(self_path) - 6));
	sprintf(want, "%lx-%lx r--p 00000000 00:00 0", (unsigned long)p,
		(unsigned long)p + 3 * PAGE);
	fact(strstr(slurped, want));
	for (char *l = slurped; *l; l += strcspn(l, "\n") + 1) {
		unsigned long a, b, off, ino;
		unsigned int x, y;
		char perm[8];

		snprintf(line, sizeof(line), "%.*s", (int)strcspn(l, "\n"), l);
		bad += sscanf(line, "%lx-%lx %4s %lx %x:%x %lu", &a, &b, perm,
			      &off, &x, &y, &ino) != 7 || a >= b;
		lines++;
	}
	num(bad);
	fact(lines > 5);
}

TEST(maps_follow_changes)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	char want[64];

	must(munmap(p + PAGE, PAGE));
	must(slurp("/proc/self/maps"));
	sprintf(want, "%lx-%lx r--p", (unsigned long)p, (unsigned long)p + PAGE);
	fact(strstr(slurped, want));
	must(munmap(p, PAGE));
	must(slurp("/proc/self/maps"));
	fact(strstr(slurped, want));
}

TEST(self_status)
{
	static const char *const keys[] = { "Umask", "State", "Tgid", "Pid",
		"PPid", "Uid", "Gid", "VmSize", "VmRSS", "Threads", "SigPnd",
		"SigBlk", "SigIgn", "SigCgt", "CapEff", "Cpus_allowed" };
	char want[64];

	must(prctl(PR_SET_NAME, "some name"));
	umask(027);
	must(slurp("/proc/self/status"));
	say("Name %s", value("Name"));
	say("Umask %s", value("Umask"));
	say("State %s", value("State"));
	fact(atoi(value("Pid")) == getpid());
	fact(atoi(value("PPid")) == getppid());
	sprintf(want, "%d\t%d\t%d\t%d", getuid(), geteuid(), geteuid(),
		geteuid());
	fact(strcmp(value("Uid"), want) == 0);
	say("Threads %s", value("Threads"));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!value(keys[i]))
			say("no %s", keys[i]);
}

TEST(status_signal_masks)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &s, NULL));
	must(kill(getpid(), SIGUSR1));
	signal(SIGUSR2, SIG_IGN);
	on_signal(SIGHUP, count_signal, 0);
	must(slurp("/proc/self/status"));
	say("SigBlk %s", value("SigBlk"));
	say("ShdPnd %s", value("ShdPnd"));
	fact(strtoull(value("SigIgn"), NULL, 16) & 1 << (SIGUSR2 - 1));
	fact(strtoull(value("SigCgt"), NULL, 16) & 1 << (SIGHUP - 1));
}

TEST(self_stat)
{
	int pid, ppid, pgrp, session, n;
	char name[32], state, *p;

	must(prctl(PR_SET_NAME, "a) b"));
	must(slurp("/proc/self/stat"));
	p = strrchr(slurped, ')');
	n = sscanf(slurped, "%d (%31[^\n]", &pid, name);
	num(n);
	fact(strncmp(name, "a) b)", 5) == 0);
	n = sscanf(p + 2, "%c %d %d %d", &state, &ppid, &pgrp, &session);
	num(n);
	fact(pid == getpid() && ppid == getppid() && pgrp == getpgrp() &&
	     session == getsid(0));
	say("%c", state);
	n = 0;
	for (; *p; p++)
		n += *p == ' ';
	num(n);
}

TEST(self_statm)
{
	long size, rss;

	must(slurp("/proc/self/statm"));
	num(sscanf(slurped, "%ld %ld", &size, &rss));
	fact(size >= rss && rss > 0);
}

/* A number in KiB of /proc/PID/status. */
static long status_kb(pid_t pid, const char *name)
{
	char path[64], *p;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	must(slurp(path));
	p = strstr(slurped, name);
	return p ? atol(p + strlen(name) + 1) : -1;
}

static bool is_about(long value, long wanted)
{
	return value > wanted - 512 && value < wanted + 512;
}

/* Touched memory is resident and private, until it is given back. */
TEST(resident_sizes)
{
	const long kb = 16 << 10;
	long before = status_kb(getpid(), "RssAnon"), rss, after;
	char *p = mmap(NULL, (size_t)kb << 10, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	fact(is_about(status_kb(getpid(), "RssAnon"), before));
	memset(p, 1, (size_t)kb << 10);
	fact(is_about(status_kb(getpid(), "RssAnon"), before + kb));
	rss = status_kb(getpid(), "VmRSS");
	must(slurp("/proc/self/statm"));
	fact(is_about(atol(strchr(slurped, ' ')) * 4, rss));
	must(madvise(p, (size_t)kb << 9, MADV_DONTNEED));
	after = status_kb(getpid(), "VmRSS");
	fact(is_about(after, rss - kb / 2));
	fact(is_about(status_kb(getpid(), "VmHWM"), rss));
}

/* One process sees what another has. */
TEST(resident_sizes_of_child)
{
	const long kb = 8 << 10;
	int fds[2];
	char byte;
	pid_t pid;

	must(pipe(fds));
	pid = must(fork());
	if (!pid) {
		char *p = mmap(NULL, (size_t)kb << 10, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memset(p, 1, (size_t)kb << 10);
		must(write(fds[1], "", 1));
		pause();
	}
	must(read(fds[0], &byte, 1));
	fact(status_kb(pid, "RssAnon") >= kb);
	fact(status_kb(getpid(), "RssAnon") < kb);
	must(kill(pid, SIGKILL));
	must(waitpid(pid, NULL, 0));
}

TEST(self_cmdline)
{
	const char *name = strrchr(self_path, '/');
	int n = must(slurp("/proc/self/cmdline"));

	fact(strstr(slurped, name + 1));
	say("%s", slurped + strlen(slurped) + 1);
	fact(n == (int)(strlen(slurped) + 1 + strlen("self_cmdline") + 1));
}

HELPER(environ)
{
	int n = must(slurp("/proc/self/environ"));

	num(n);
	say("%s %s", slurped, slurped + strlen(slurped) + 1);
	return 0;
}

TEST(self_environ)
{
	char *argv[] = { "x", "--helper", "environ", NULL };
	char *envp[] = { "A=1", "BB=22", NULL };

	execve(self_path, argv, envp);
}

TEST(self_comm)
{
	char name[16];
	int fd;

	must(prctl(PR_SET_NAME, "first"));
	must(slurp("/proc/self/comm"));
	say("%s", slurped);
	fd = must(open("/proc/self/comm", O_WRONLY));
	show(write(fd, "second", 6));
	must(prctl(PR_GET_NAME, name));
	say("%s", name);
}

TEST(self_limits)
{
	struct rlimit r = { 123, 456 };

	must(setrlimit(RLIMIT_NOFILE, &r));
	must(slurp("/proc/self/limits"));
	say("%s", value("Max open files"));
}

TEST(self_auxv)
{
	fact(must(slurp("/proc/self/auxv")) % 16 == 0);
}

TEST(self_mounts)
{
	int lines = 0, bad = 0, root = 0, proc = 0;

	must(slurp("/proc/self/mounts"));
	for (char *l = slurped; *l; l += strcspn(l, "\n") + 1) {
		char dev[1000], dir[1000], type[64], opts[2000];
		int a, b;

		bad += sscanf(l, "%999s %999s %63s %1999s %d %d", dev, dir,
			      type, opts, &a, &b) != 6;
		root += strcmp(dir, "/") == 0;
		proc += strcmp(dir, "/proc") == 0 && strcmp(type, "proc") == 0;
		lines++;
	}
	num(bad);
	fact(lines > 1 && root >= 1 && proc >= 1);
	fact(slurp("/proc/mounts") > 0);
	must(slurp("/proc/self/mountinfo"));
	fact(strstr(slurped, " - proc "));
}

static void *look_at_tasks(void *arg)
{
	struct dirent *e;
	int n = 0, me = 0;
	char path[64];
	DIR *d = opendir("/proc/self/task");

	must(d ? 0 : -1);
	while ((e = readdir(d))) {
		n += isdigit(e->d_name[0]) != 0;
		me += atoi(e->d_name) == gettid();
	}
	num(n);
	num(me);
	sprintf(path, "/proc/self/task/%d/comm", gettid());
	must0(pthread_setname_np(pthread_self(), "worker"));
	must(slurp(path));
	say("%s", slurped);
	return NULL;
}

TEST(self_task)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, look_at_tasks, NULL));
	must0(pthread_join(t, NULL));
	must(slurp("/proc/self/status"));
}

TEST(other_process)
{
	char path[64], buf[PATH_MAX], real[PATH_MAX];
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_NAME, "child");
		for (;;)
			pause();
	}
	sprintf(path, "/proc/%d/comm", pid);
	do {
		sleep_ms(5);
		must(slurp(path));
	} while (strncmp(slurped, "child", 5) != 0);
	sleep_ms(50);
	say("%s", slurped);
	sprintf(path, "/proc/%d/status", pid);
	must(slurp(path));
	fact(atoi(value("PPid")) == getpid());
	say("State %s", value("State"));
	sprintf(path, "/proc/%d/exe", pid);
	link_of(path, buf);
	fact(realpath(self_path, real) && strcmp(buf, real) == 0);
	sprintf(path, "/proc/%d/cmdline", pid);
	fact(slurp(path) > 0);
	kill(pid, SIGKILL);
	await(pid);
}

TEST(zombie_process)
{
	char path[64], buf[16];
	siginfo_t si;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	must(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	sprintf(path, "/proc/%d/status", pid);
	must(slurp(path));
	say("State %s", value("State"));
	sprintf(path, "/proc/%d/cmdline", pid);
	num(slurp(path));
	sprintf(path, "/proc/%d/exe", pid);
	show(readlink(path, buf, 16));
	await(pid);
	show(readlink(path, buf, 16));
	sprintf(path, "/proc/%d", pid);
	show(access(path, F_OK));
}

TEST(dead_process_open_file)
{
	char path[64];
	pid_t pid = fork();
	int dir, fd;

	if (pid == 0) {
		for (;;)
			pause();
	}
	sprintf(path, "/proc/%d", pid);
	dir = must(open(path, O_RDONLY | O_DIRECTORY));
	fd = must(openat(dir, "stat", O_RDONLY));
	kill(pid, SIGKILL);
	await(pid);
	show(read(fd, slurped, 100));
	show_ok(openat(dir, "stat", O_RDONLY));
}

TEST(small_reads_and_seek)
{
	char a[8], b[8];
	int fd = must(open("/proc/self/status", O_RDONLY));

	show(read(fd, a, 4));
	show(read(fd, b, 4));
	show(lseek(fd, 0, SEEK_SET));
	show(read(fd, b, 4));
	fact(memcmp(a, b, 4) == 0);
	show(pread(fd, b, 4, 0));
	show(read(fd, bad_pointer(), 4));
	show(pread(fd, b, 4, 1000000));
}

TEST(own_memory)
{
	char word[] = "in memory", buf[16] = "";
	int fd = must(open("/proc/self/mem", O_RDWR));

	show(pread(fd, buf, 10, (off_t)(uintptr_t)word));
	say("%s", buf);
	show(pwrite(fd, "IN", 2, (off_t)(uintptr_t)word));
	say("%s", word);
	show(pread(fd, buf, 1, 8));
}

TEST(oom_score_adj)
{
	int fd = must(open("/proc/self/oom_score_adj", O_RDWR));

	show(write(fd, "500", 3));
	show_file("/proc/self/oom_score_adj");
	show(write(fd, "5000", 4));
	show(write(fd, "x", 1));
}

static void *wait_for_word(void *arg)
{
	char c;

	must(read(*(int *)arg, &c, 1));
	return NULL;
}

static void show_links(const char *path)
{
	struct stat st;

	must(stat(path, &st));
	say("%s: %lu", path, (unsigned long)st.st_nlink);
}

/* Programs count their threads by the links of their task directory. */
TEST(links_count_directories)
{
	pthread_t t;
	int fds[2];

	show_links("/proc/self/task");
	must(pipe(fds));
	must0(pthread_create(&t, NULL, wait_for_word, fds));
	show_links("/proc/self/task");
	must(write(fds[1], "x", 1));
	must0(pthread_join(t, NULL));
	show_links("/proc/self/fd");
	show_links("/proc/self/ns");
	show_links("/proc/self/attr");
}
