/* SPDX-License-Identifier: MIT */
/*
 * What a process is and may: groups and sessions, prctl(), priorities, limits,
 * usage, processors, the name of the system.
 */
#include "harness.h"

#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

/* Run fn in a child and print how it ended. */
static void in_child(int (*fn)(void *))
{
	show_exit("child", spawn(fn, NULL));
}

static int new_group(void *arg)
{
	show(setpgid(0, 0));
	fact(getpgrp() == getpid());
	show(setpgid(0, 0));
	fact(getpgid(0) == getpid());
	show(setsid());
	return 0;
}

TEST(setpgid_self)
{
	pid_t sid = getsid(0);

	in_child(new_group);
	fact(getsid(0) == sid);
}

TEST(setpgid_errors)
{
	pid_t pid;

	show(setpgid(-1, 0));
	show(setpgid(0, -1));
	show(setpgid(999999, 0));
	show(getpgid(-1));
	show(getpgid(999999));
	show(getsid(999999));
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	show(setpgid(pid, 999999));
	show(setpgid(pid, pid));
	fact(getpgid(pid) == pid);
	show(setpgid(pid, getpgrp()));
	fact(getpgid(pid) == getpgrp());
	must(kill(pid, SIGKILL));
	await(pid);
}

static int new_session(void *arg)
{
	fact(setsid() == getpid());
	fact(getsid(0) == getpid());
	fact(getpgrp() == getpid());
	show(setsid());
	show(setpgid(0, 0));
	show(setpgid(getppid(), 0));
	return 0;
}

TEST(setsid_call)
{
	in_child(new_session);
}

TEST(setpgid_after_exec)
{
	int p[2];
	pid_t pid;
	char c;

	must(pipe2(p, O_CLOEXEC));
	pid = fork();
	if (pid == 0) {
		execl("/bin/sleep", "sleep", "100", NULL);
		_exit(126);
	}
	close(p[1]);
	must(read(p[0], &c, 1));
	show(setpgid(pid, pid));
	must(kill(pid, SIGKILL));
	await(pid);
}

TEST(setpgid_other_session)
{
	int p[2];
	pid_t pid;
	char c;

	must(pipe(p));
	pid = fork();
	if (pid == 0) {
		setsid();
		must(write(p[1], "x", 1));
		pause();
	}
	must(read(p[0], &c, 1));
	show(setpgid(pid, pid));
	must(kill(pid, SIGKILL));
	await(pid);
}

TEST(prctl_name)
{
	char name[16];

	show(prctl(PR_SET_NAME, "a name that is too long"));
	must(prctl(PR_GET_NAME, name));
	say("%s", name);
	show(prctl(PR_SET_NAME, bad_pointer()));
	show(prctl(PR_GET_NAME, bad_pointer()));
	show(prctl(PR_SET_NAME, ""));
	must(prctl(PR_GET_NAME, name));
	say("'%s'", name);
}

TEST(prctl_values)
{
	show(prctl(PR_GET_DUMPABLE));
	show(prctl(PR_SET_DUMPABLE, 0));
	show(prctl(PR_GET_DUMPABLE));
	show(prctl(PR_SET_DUMPABLE, 2));
	show(prctl(PR_SET_DUMPABLE, 1));
	show(prctl(PR_GET_KEEPCAPS));
	show(prctl(PR_SET_KEEPCAPS, 1));
	show(prctl(PR_GET_KEEPCAPS));
	show(prctl(PR_SET_KEEPCAPS, 2));
	show(prctl(PR_SET_PDEATHSIG, 100));
	show(prctl(99999, 0, 0, 0, 0));
}

TEST(prctl_no_new_privs)
{
	show(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	show(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	show(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	show(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	if (fork() == 0) {
		show(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
		_exit(0);
	}
	wait(NULL);
}

TEST(prctl_timer_slack)
{
	show(prctl(PR_SET_TIMERSLACK, 12345));
	show(prctl(PR_GET_TIMERSLACK));
}

TEST(nice_and_priority)
{
	show(getpriority(PRIO_PROCESS, 0));
	show(nice(3));
	show(getpriority(PRIO_PROCESS, 0));
	show(setpriority(PRIO_PROCESS, 0, 100));
	show(getpriority(PRIO_PROCESS, 0));
	show(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	show(getpriority(77, 0));
	show(setpriority(77, 0, 0));
	show(getpriority(PRIO_PROCESS, 999999));
	show(setpriority(PRIO_PROCESS, 999999, 0));
	if (fork() == 0) {
		show(getpriority(PRIO_PROCESS, 0));
		_exit(0);
	}
	wait(NULL);
}

TEST(scheduler_calls)
{
	struct sched_param sp = { 0 };

	show(sched_getscheduler(0));
	show(sched_getparam(0, &sp));
	num(sp.sched_priority);
	show(sched_setscheduler(0, SCHED_BATCH, &sp));
	show(sched_getscheduler(0));
	show(sched_setscheduler(0, SCHED_OTHER, &sp));
	sp.sched_priority = 5;
	show(sched_setscheduler(0, SCHED_OTHER, &sp));
	show(sched_setscheduler(0, 99, &sp));
	show(sched_get_priority_max(SCHED_FIFO));
	show(sched_get_priority_min(SCHED_RR));
	show(sched_get_priority_max(99));
	show(sched_getscheduler(999999));
	show(sched_getscheduler(-1));
	show(sched_yield());
}

TEST(affinity)
{
	cpu_set_t set, one;
	int n, first = 0;

	must(sched_getaffinity(0, sizeof(set), &set));
	n = CPU_COUNT(&set);
	fact(n > 0);
	fact(n <= sysconf(_SC_NPROCESSORS_CONF));
	while (!CPU_ISSET(first, &set))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	show(sched_setaffinity(0, sizeof(one), &one));
	must(sched_getaffinity(0, sizeof(set), &set));
	num(CPU_COUNT(&set));
	CPU_ZERO(&one);
	show(sched_setaffinity(0, sizeof(one), &one));
	show(syscall(SYS_sched_getaffinity, 0, 1, &set));
	show(sched_getaffinity(999999, sizeof(set), &set));
	show(syscall(SYS_sched_getaffinity, 0, 128, bad_pointer()));
}

TEST(rlimit_get_set)
{
	struct rlimit r = { 10, 5 }, old;

	show(setrlimit(RLIMIT_NOFILE, &r));
	r = (struct rlimit){ 50, 100 };
	show(setrlimit(RLIMIT_NOFILE, &r));
	r = (struct rlimit){ 100, 100 };
	show(prlimit(0, RLIMIT_NOFILE, &r, &old));
	num(old.rlim_cur);
	num(old.rlim_max);
	must(getrlimit(RLIMIT_NOFILE, &r));
	num(r.rlim_cur);
	show(getrlimit(99, &r));
	show(setrlimit(99, &r));
	show(syscall(SYS_getrlimit, RLIMIT_NOFILE, bad_pointer()));
	show(prlimit(999999, RLIMIT_NOFILE, NULL, &r));
}

TEST(rlimit_all_readable)
{
	struct rlimit r;

	for (int i = 0; i < 16; i++)
		say("%d %d %d", i, getrlimit(i, &r), r.rlim_cur <= r.rlim_max);
}

TEST(rlimit_raise_needs_privilege)
{
	struct rlimit r = { 50, 100 };

	must(setrlimit(RLIMIT_NOFILE, &r));
	if (geteuid() == 0)
		must(setresuid(65534, 65534, 65534));
	r.rlim_max = 101;
	show(setrlimit(RLIMIT_NOFILE, &r));
	r.rlim_cur = 100;
	r.rlim_max = 100;
	show(setrlimit(RLIMIT_NOFILE, &r));
}

static int exceed_fsize(void *arg)
{
	struct rlimit r = { 100, 100 };
	static char buf[200];
	int fd = must(open("f", O_CREAT | O_WRONLY | O_TRUNC, 0600));

	must(setrlimit(RLIMIT_FSIZE, &r));
	signal(SIGXFSZ, arg ? SIG_IGN : SIG_DFL);
	show(write(fd, buf, 80));
	show(write(fd, buf, 80));
	show(write(fd, buf, 80));
	show(ftruncate(fd, 101));
	return 3;
}

TEST(rlimit_fsize_signal)
{
	in_child(exceed_fsize);
}

TEST(rlimit_fsize_errno)
{
	show_exit("child", spawn(exceed_fsize, "ignore"));
}

TEST(rlimit_as)
{
	struct rlimit r = { 256 << 20, 256 << 20 };
	void *p;

	must(setrlimit(RLIMIT_AS, &r));
	p = mmap(NULL, 512 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fact(p == MAP_FAILED);
	say("%s", err_name(errno));
	p = mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fact(p == MAP_FAILED);
	fact(malloc(300 << 20) == NULL);
}

TEST(rlimit_data)
{
	struct rlimit r = { 0, RLIM_INFINITY };
	char *top = sbrk(0);

	must(setrlimit(RLIMIT_DATA, &r));
	fact(sbrk(1 << 20) == (void *)-1);
	fact(sbrk(0) == top);
}

static int deep(int n)
{
	volatile char frame[65536];

	frame[0] = n;
	return n ? deep(n - 1) + frame[0] : 0;
}

static int small_stack(void *arg)
{
	struct rlimit r = { 1 << 20, 1 << 20 };

	must(setrlimit(RLIMIT_STACK, &r));
	return deep(64) == 12345;
}

TEST(rlimit_stack)
{
	in_child(small_stack);
}

__attribute__((noreturn)) static int burn(void *arg)
{
	struct rlimit r = { 1, 2 };

	must(setrlimit(RLIMIT_CPU, &r));
	for (;;)
		;
}

TEST(rlimit_cpu)
{
	in_child(burn);
}

TEST(rlimit_core_zero)
{
	struct rlimit r;

	must(getrlimit(RLIMIT_CORE, &r));
	num(r.rlim_cur);
	num(r.rlim_max);
}

TEST(rusage_self)
{
	struct rusage r, s;
	volatile char *p;
	long long t;

	must(getrusage(RUSAGE_SELF, &r));
	fact(r.ru_maxrss > 0);
	p = malloc(4 << 20);
	for (int i = 0; i < 4 << 20; i += PAGE)
		p[i] = 1;
	for (t = now_ms(); now_ms() - t < 50;)
		;
	must(getrusage(RUSAGE_SELF, &s));
	fact(s.ru_minflt >= r.ru_minflt);
	fact(s.ru_utime.tv_sec * 1000000 + s.ru_utime.tv_usec +
	     s.ru_stime.tv_sec * 1000000 + s.ru_stime.tv_usec >
	     r.ru_utime.tv_sec * 1000000 + r.ru_utime.tv_usec +
	     r.ru_stime.tv_sec * 1000000 + r.ru_stime.tv_usec);
	show(getrusage(RUSAGE_THREAD, &r));
}

TEST(times_call)
{
	struct tms t;
	clock_t a = times(&t), b;

	sleep_ms(30);
	b = times(NULL);
	fact(b > a);
	fact(t.tms_utime >= 0 && t.tms_stime >= 0);
	show(syscall(SYS_times, bad_pointer()));
}

TEST(uname_fields)
{
	struct utsname u;

	must(uname(&u));
	say("%s %s", u.sysname, u.machine);
	fact(u.release[0] >= '4' && strchr(u.release, '.'));
	fact(u.nodename[0] != 0);
	fact(u.version[0] == '#');
	show(syscall(SYS_uname, bad_pointer()));
}

TEST(hostname)
{
	struct utsname u;
	char name[65];

	must(uname(&u));
	must(gethostname(name, sizeof(name)));
	fact(strcmp(u.nodename, name) == 0);
	if (geteuid() == 0)
		must(setresuid(65534, 65534, 65534));
	show(sethostname("new", 3));
	show(setdomainname("new", 3));
}

TEST(sysinfo_values)
{
	struct sysinfo s;

	show(sysinfo(&s));
	fact(s.uptime >= 0);
	fact(s.totalram > 0 && s.freeram <= s.totalram);
	fact(s.procs > 0);
	fact(s.mem_unit > 0);
	show(syscall(SYS_sysinfo, bad_pointer()));
}

TEST(personality_values)
{
	num(personality(0xffffffff));
	num(personality(ADDR_NO_RANDOMIZE));
	num(personality(0xffffffff));
	if (fork() == 0) {
		num(personality(0xffffffff));
		_exit(0);
	}
	wait(NULL);
}

TEST(umask_inherited)
{
	umask(0137);
	if (fork() == 0) {
		say("%o", umask(0));
		_exit(0);
	}
	wait(NULL);
	say("%o", umask(0));
}

TEST(getcpu_call)
{
	unsigned int cpu = 999, node = 999;

	show(syscall(SYS_getcpu, &cpu, &node, NULL));
	fact(cpu < 999 && node < 999);
	show(syscall(SYS_getcpu, NULL, NULL, NULL));
	show(syscall(SYS_getcpu, bad_pointer(), NULL, NULL));
}

TEST(membarrier_call)
{
	long q = syscall(SYS_membarrier, 0, 0, 0);

	if (q < 0 && errno == ENOSYS)
		skip("no membarrier");
	fact(q > 0);
	show(syscall(SYS_membarrier, 0, 1, 0));
	show(syscall(SYS_membarrier, 1 << 30, 0, 0));
}
