/* SPDX-License-Identifier: MIT */
/*
 * Waiting for children: wait4(), waitid(), their options; stop and continue;
 * zombies, orphans and who adopts them.
 */
#include "harness.h"

#include <sys/prctl.h>
#include <sys/resource.h>

static int exit_with(void *arg)
{
	return (long)arg;
}

__attribute__((noreturn)) static int sleep_forever(void *arg)
{
	for (;;)
		pause();
}

static int die_by(void *arg)
{
	raise((long)arg);
	return 99;
}

static void show_info(const char *what, const siginfo_t *si)
{
	say("%s: signo %s code %d status %d", what, sig_name(si->si_signo),
	    si->si_code, si->si_status);
}

TEST(exit_codes)
{
	show_exit("0", spawn(exit_with, (void *)0));
	show_exit("1", spawn(exit_with, (void *)1));
	show_exit("255", spawn(exit_with, (void *)255));
	show_exit("256", spawn(exit_with, (void *)256));
	show_exit("-1", spawn(exit_with, (void *)-1));
}

TEST(killed_by_signal)
{
	static const int sigs[] = { SIGTERM, SIGKILL, SIGHUP, SIGUSR1, SIGALRM,
				    SIGABRT, SIGSEGV, SIGPIPE, 35, 64 };

	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++) {
		int status = await(spawn(die_by, (void *)(long)sigs[i]));

		fact(WIFSIGNALED(status) && WTERMSIG(status) == sigs[i]);
	}
}

TEST(ignored_by_default)
{
	show_exit("SIGCHLD", spawn(die_by, (void *)SIGCHLD));
	show_exit("SIGURG", spawn(die_by, (void *)SIGURG));
	show_exit("SIGWINCH", spawn(die_by, (void *)SIGWINCH));
	show_exit("SIGCONT", spawn(die_by, (void *)SIGCONT));
}

TEST(no_children)
{
	int status = 5;

	show(wait(&status));
	show(waitpid(getpid(), &status, 0));
	show(waitpid(getppid(), &status, 0));
	show(waitpid(-77777, &status, WNOHANG));
	num(status);
}

TEST(nohang)
{
	pid_t pid = spawn(sleep_forever, NULL);
	int status = 5;

	show(waitpid(pid, &status, WNOHANG));
	num(status);
	must(kill(pid, SIGKILL));
	show_exit("child", pid);
	show(waitpid(pid, &status, WNOHANG));
}

TEST(wait_errors)
{
	pid_t pid = spawn(exit_with, (void *)3);
	siginfo_t si;

	show(waitpid(pid, NULL, 0x10000000));
	show(waitpid(INT32_MIN, NULL, WNOHANG));
	show(waitid(P_PID, pid, &si, 0));
	show(waitid(P_PID, 0, &si, WEXITED));
	show(waitid(99, pid, &si, WEXITED));
	show(waitid(P_PID, -3, &si, WEXITED));
	show(syscall(SYS_wait4, pid, bad_pointer(), 0, NULL));
	show(waitpid(pid, NULL, 0));
}

TEST(any_child)
{
	pid_t a = spawn(exit_with, (void *)1), b = spawn(exit_with, (void *)2);
	int sum = 0, status;

	for (int i = 0; i < 2; i++) {
		pid_t pid = must(waitpid(-1, &status, 0));

		fact(pid == a || pid == b);
		sum += WEXITSTATUS(status);
	}
	num(sum);
	show(waitpid(-1, &status, 0));
}

TEST(by_process_group)
{
	pid_t a = spawn(exit_with, (void *)1), b;
	int status;

	b = must(fork());
	if (b == 0) {
		setpgid(0, 0);
		_exit(2);
	}
	setpgid(b, b);
	fact(waitpid(-b, &status, 0) == b);
	num(WEXITSTATUS(status));
	fact(waitpid(0, &status, 0) == a);
	num(WEXITSTATUS(status));
}

TEST(zombie_until_waited)
{
	pid_t pid = spawn(exit_with, (void *)3);
	siginfo_t si = { 0 };

	must(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	show(kill(pid, 0));
	show(kill(pid, SIGKILL));
	fact(getpgid(pid) == getpgrp());
	show_exit("child", pid);
	show(kill(pid, 0));
	show(getpgid(pid));
}

TEST(waitid_exited)
{
	pid_t pid = spawn(exit_with, (void *)0x1234);
	siginfo_t si = { 0 };

	show(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	show_info("exit", &si);
	fact(si.si_pid == pid);
	fact(si.si_uid == getuid());
	show(waitid(P_ALL, 0, &si, WEXITED));
	show_info("exit", &si);
	show(waitid(P_PID, pid, &si, WEXITED));
}

TEST(waitid_killed)
{
	siginfo_t si = { 0 };

	spawn(die_by, (void *)SIGTERM);
	show(waitid(P_ALL, 0, &si, WEXITED));
	show_info("killed", &si);
}

TEST(waitid_nohang)
{
	pid_t pid = spawn(sleep_forever, NULL);
	siginfo_t si;

	memset(&si, 0xff, sizeof(si));
	show(waitid(P_PID, pid, &si, WEXITED | WNOHANG));
	num(si.si_pid);
	num(si.si_signo);
	must(kill(pid, SIGKILL));
	show(waitid(P_PID, pid, NULL, WEXITED));
}

TEST(stop_and_continue)
{
	pid_t pid = spawn(sleep_forever, NULL);
	int status;

	must(kill(pid, SIGSTOP));
	fact(waitpid(pid, &status, WUNTRACED) == pid);
	say("%s", status_name(status));
	show(waitpid(pid, &status, WUNTRACED | WNOHANG));
	must(kill(pid, SIGCONT));
	fact(waitpid(pid, &status, WCONTINUED) == pid);
	say("%s", status_name(status));
	show(waitpid(pid, &status, WCONTINUED | WUNTRACED | WNOHANG));
	must(kill(pid, SIGTERM));
	show_exit("child", pid);
}

TEST(stop_signals)
{
	static const int sigs[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++) {
		pid_t pid = must(fork());

		if (pid == 0) {
			/* Not an orphaned group: those do not stop. */
			setpgid(0, 0);
			raise(sigs[i]);
			_exit(0);
		}
		must(waitpid(pid, &status, WUNTRACED));
		say("%s", status_name(status));
		must(kill(pid, SIGCONT));
		show_exit("then", pid);
	}
}

TEST(stopped_child_killed)
{
	pid_t pid = spawn(sleep_forever, NULL);
	int status;

	must(kill(pid, SIGSTOP));
	must(waitpid(pid, &status, WUNTRACED));
	must(kill(pid, SIGTERM));
	sleep_ms(20);
	show(waitpid(pid, &status, WNOHANG));
	must(kill(pid, SIGKILL));
	show_exit("child", pid);
}

TEST(waitid_stop_continue)
{
	pid_t pid = spawn(sleep_forever, NULL);
	siginfo_t si = { 0 };

	must(kill(pid, SIGSTOP));
	must(waitid(P_PID, pid, &si, WSTOPPED | WNOWAIT));
	show_info("stop", &si);
	must(waitid(P_PID, pid, &si, WSTOPPED));
	show_info("stop", &si);
	must(kill(pid, SIGCONT));
	must(waitid(P_PID, pid, &si, WCONTINUED));
	show_info("continue", &si);
	must(kill(pid, SIGKILL));
	must(waitid(P_PID, pid, &si, WEXITED | WSTOPPED | WCONTINUED));
	show_info("end", &si);
}

static siginfo_t last_info;

static void keep_info(int sig, siginfo_t *si, void *ctx)
{
	last_info = *si;
	signal_count++;
}

static void on_child(int flags)
{
	struct sigaction sa = { .sa_sigaction = keep_info,
				.sa_flags = SA_SIGINFO | flags };

	must(sigaction(SIGCHLD, &sa, NULL));
}

/* Wait until count_signal() or keep_info() ran n times. */
static void until(int n)
{
	for (int i = 0; signal_count < n && i < 500; i++)
		sleep_ms(10);
}

TEST(sigchld_info)
{
	pid_t pid;

	on_child(0);
	pid = spawn(exit_with, (void *)9);
	until(1);
	show_info("handler", &last_info);
	fact(last_info.si_pid == pid);
	fact(last_info.si_uid == getuid());
	show_exit("child", pid);
}

TEST(sigchld_on_stop)
{
	pid_t pid;

	on_child(0);
	pid = spawn(sleep_forever, NULL);
	must(kill(pid, SIGSTOP));
	until(1);
	show_info("stop", &last_info);
	must(kill(pid, SIGCONT));
	until(2);
	show_info("continue", &last_info);
	must(kill(pid, SIGKILL));
	until(3);
	show_info("end", &last_info);
	show_exit("child", pid);
}

TEST(sigchld_nocldstop)
{
	pid_t pid;
	int status;

	on_child(SA_NOCLDSTOP);
	pid = spawn(sleep_forever, NULL);
	must(kill(pid, SIGSTOP));
	while (waitpid(pid, &status, WUNTRACED) < 0 && errno == EINTR)
		;
	say("%s", status_name(status));
	num(signal_count);
	must(kill(pid, SIGKILL));
	until(1);
	show_info("end", &last_info);
}

TEST(sigchld_ignored_reaps)
{
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	pid = spawn(exit_with, (void *)3);
	show(waitpid(pid, NULL, 0));
	show(kill(pid, 0));
}

TEST(nocldwait_reaps)
{
	on_child(SA_NOCLDWAIT);
	spawn(exit_with, (void *)3);
	spawn(exit_with, (void *)3);
	while (wait(NULL) < 0 && errno == EINTR)
		;
	say("%s", err_name(errno));
	fact(signal_count >= 1);
}

TEST(wait_interrupted)
{
	pid_t pid = spawn(sleep_forever, NULL);
	int status;

	ticks_start(0);
	show(waitpid(pid, &status, 0));
	ticks_stop();
	must(kill(pid, SIGKILL));
	show_exit("child", pid);
}

TEST(wait_restarted)
{
	pid_t pid;
	int status;

	pid = must(fork());
	if (pid == 0) {
		sleep_ms(80);
		_exit(4);
	}
	ticks_start(SA_RESTART);
	fact(waitpid(pid, &status, 0) == pid);
	ticks_stop();
	say("%s", status_name(status));
	fact(signal_count > 0);
}

TEST(orphan_goes_to_subreaper)
{
	int p[2], status;
	pid_t me = getpid(), child, orphan;
	int flag = 0;

	show(prctl(PR_SET_CHILD_SUBREAPER, 1));
	must(prctl(PR_GET_CHILD_SUBREAPER, &flag));
	num(flag);
	must(pipe(p));
	child = must(fork());
	if (child == 0) {
		orphan = must(fork());
		if (orphan == 0) {
			while (getppid() != me)
				sleep_ms(5);
			_exit(77);
		}
		must(write(p[1], &orphan, sizeof(orphan)));
		_exit(0);
	}
	must(read(p[0], &orphan, sizeof(orphan)));
	show_exit("child", child);
	fact(waitpid(orphan, &status, 0) == orphan);
	say("orphan: %s", status_name(status));
}

TEST(zombie_of_dead_parent_goes_to_subreaper)
{
	int status, seen = 0;
	pid_t child;

	must(prctl(PR_SET_CHILD_SUBREAPER, 1));
	child = must(fork());
	if (child == 0) {
		pid_t z = spawn(exit_with, (void *)33);
		siginfo_t si;

		must(waitid(P_PID, z, &si, WEXITED | WNOWAIT));
		_exit(0);
	}
	while (wait(&status) > 0)
		seen += WEXITSTATUS(status);
	num(seen);
}

TEST(orphan_changes_parent)
{
	int p[2];
	pid_t child;
	char c;

	must(pipe(p));
	child = must(fork());
	if (child == 0) {
		pid_t mine = getpid();

		if (fork() == 0) {
			while (getppid() == mine)
				sleep_ms(5);
			must(write(p[1], "x", 1));
		}
		_exit(0);
	}
	close(p[1]);
	show_exit("child", child);
	show(read(p[0], &c, 1));
}

TEST(rusage_of_child)
{
	struct rusage r, all;
	int status;
	pid_t pid = must(fork());

	if (pid == 0) {
		volatile unsigned long x = 0;
		long long t = now_ms();

		while (now_ms() - t < 60)
			x++;
		_exit(0);
	}
	fact(wait4(pid, &status, 0, &r) == pid);
	fact(r.ru_utime.tv_sec * 1000000 + r.ru_utime.tv_usec +
	     r.ru_stime.tv_sec * 1000000 + r.ru_stime.tv_usec > 1000);
	must(getrusage(RUSAGE_CHILDREN, &all));
	fact(all.ru_utime.tv_usec + all.ru_utime.tv_sec * 1000000 >=
	     r.ru_utime.tv_usec + r.ru_utime.tv_sec * 1000000);
	show(getrusage(99, &r));
	show(syscall(SYS_getrusage, RUSAGE_SELF, bad_pointer()));
}

TEST(parent_death_signal)
{
	int p[2];
	pid_t child;
	char c;

	must(pipe(p));
	child = must(fork());
	if (child == 0) {
		int q[2];

		must(pipe(q));
		if (fork() == 0) {
			int sig = 0;

			must(prctl(PR_SET_PDEATHSIG, SIGKILL));
			must(prctl(PR_GET_PDEATHSIG, &sig));
			num(sig);
			must(write(q[1], "x", 1));
			for (;;)
				pause();
		}
		must(read(q[0], &c, 1));
		_exit(0);
	}
	close(p[1]);
	show_exit("child", child);
	show(read(p[0], &c, 1));
}

/* Ends by a signal with this limit of core dumps. */
static int die(void *arg)
{
	struct rlimit r;

	must(getrlimit(RLIMIT_CORE, &r));
	r.rlim_cur = *(unsigned *)arg;
	must(setrlimit(RLIMIT_CORE, &r));
	must(prctl(PR_SET_DUMPABLE, ((unsigned *)arg)[2]));
	raise((int)((unsigned *)arg)[1]);
	return 0;
}

/* The core bit follows limit, signal and dumpable. A pattern that names a
 * program dumps whatever the limit is. */
TEST(core_bit)
{
	static unsigned how[][3] = {
		{ 1u << 24, SIGQUIT, 1 }, { 1u << 24, SIGTERM, 1 },
		{ 1u << 24, SIGKILL, 1 }, { 1u << 24, SIGSEGV, 1 },
		{ 0, SIGQUIT, 1 }, { PAGE - 1, SIGQUIT, 1 },
		{ 1u << 24, SIGQUIT, 0 },
	};
	struct rlimit r;

	must(getrlimit(RLIMIT_CORE, &r));
	if (r.rlim_max < how[0][0])
		skip("the hard limit of core dumps is too low");
	if (slurp("/proc/sys/kernel/core_pattern") < 0 || slurped[0] == '|')
		skip("core dumps go to a program");
	for (unsigned i = 0; i < ARRAY_SIZE(how); i++) {
		siginfo_t si = { 0 };
		pid_t pid = spawn(die, how[i]);
		int status;

		must(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
		status = await(pid);
		say("%s %d: %d %d", sig_name(si.si_status), si.si_code,
		    WTERMSIG(status), !!WCOREDUMP(status));
	}
}
