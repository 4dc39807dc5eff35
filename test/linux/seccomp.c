/* SPDX-License-Identifier: MIT */
/* seccomp(2) and prctl(PR_SET_SECCOMP): filters' answers, who has them. */
#include "seccomp_help.h"

#include <pthread.h>

/* --- answers ------------------------------------------------------------------------*/
TEST(errno_of_a_call)
{
	answer(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV);
	show(syscall(SYS_getppid));
	fact(getpid() > 0);
}

TEST(errno_values)
{
	answer(SYS_getppid, SECCOMP_RET_ERRNO);
	num(syscall(SYS_getppid));
	answer(SYS_getsid, SECCOMP_RET_ERRNO | 4095);
	fact(syscall(SYS_getsid, 0) == -1 && errno == 4095);
	answer(SYS_getpgid, SECCOMP_RET_ERRNO | 0xffff);
	fact(syscall(SYS_getpgid, 0) == -1 && errno == 4095);
}

/* Numbers that the kernel uses within itself are not taken for them. */
TEST(errno_that_would_restart)
{
	answer(SYS_getppid, SECCOMP_RET_ERRNO | 512);
	num((syscall(SYS_getppid), errno));
	answer(SYS_getpgid, SECCOMP_RET_ERRNO | 514);
	num((syscall(SYS_getpgid, 0), errno));
}

TEST(missing_calls_are_filtered)
{
	answer(9999, SECCOMP_RET_ERRNO | EDOM);
	show(syscall(9999));
	show(syscall(9998));
	answer(-1, SECCOMP_RET_ERRNO | ERANGE);
	show(syscall(-1));
}

static int getppid_in_child(void *arg)
{
	answer(SYS_getppid, (uint32_t)(uintptr_t)arg);
	syscall(SYS_getppid);
	return 5;
}

TEST(kills)
{
	static const uint32_t answers[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
		SECCOMP_RET_TRAP, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW | 77,
		SECCOMP_RET_TRACE | 1, 0x12340000, 0x7ffd0000,
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		say("%08x", answers[i]);
		show_exit("child", spawn(getppid_in_child,
					 (void *)(uintptr_t)answers[i]));
	}
}

TEST(trace_without_tracer)
{
	answer(SYS_getppid, SECCOMP_RET_TRACE | 9);
	show(syscall(SYS_getppid));
}

static volatile siginfo_t got;
extern char trap_site_end[];

static void note_trap(int sig, siginfo_t *info, void *context)
{
	*(siginfo_t *)&got = *info;
	signal_count++;
}

static long call_here(long nr)
{
	long ret;

	__asm__ volatile("syscall\n\t.globl trap_site_end\n"
			 "trap_site_end:\n\tnop\n\tnop\n\tnop"
			 : "=a"(ret) : "a"(nr) : "rcx", "r11", "memory");
	return ret;
}

TEST(trap)
{
	struct sigaction a = { .sa_flags = SA_SIGINFO };

	a.sa_sigaction = note_trap;
	must(sigaction(SIGSYS, &a, NULL));
	answer(SYS_getppid, SECCOMP_RET_TRAP | 1234);
	for (int i = 0; i < 3; i++) {
		num(call_here(SYS_getppid));	/* rax as it was */
		num(signal_count);
	}
	num(got.si_signo);
	num(got.si_code);
	num(got.si_errno);
	fact(got.si_call_addr == trap_site_end);
	num(got.si_syscall);
	fact(got.si_arch == AUDIT_ARCH_X86_64);
}

TEST(trap_ignored_or_blocked_kills)
{
	for (int blocked = 0; blocked < 2; blocked++) {
		pid_t pid = must(fork());

		if (pid == 0) {
			sigset_t s;

			sigfillset(&s);
			if (blocked)
				sigprocmask(SIG_BLOCK, &s, NULL);
			else
				signal(SIGSYS, SIG_IGN);
			_exit(getppid_in_child((void *)SECCOMP_RET_TRAP));
		}
		show_exit("child", pid);
	}
}

/* The strictest counts, whatever came first; of equals the newest. */
TEST(several_filters)
{
	answer(SYS_getppid, SECCOMP_RET_ERRNO | 11);
	answer(SYS_getppid, SECCOMP_RET_ALLOW);
	num((syscall(SYS_getppid), errno));
	answer(SYS_getppid, SECCOMP_RET_ERRNO | 12);
	num((syscall(SYS_getppid), errno));
	answer(SYS_getppid, SECCOMP_RET_TRACE);
	num((syscall(SYS_getppid), errno));
	show_exit("child", spawn(getppid_in_child,
				 (void *)SECCOMP_RET_KILL_PROCESS));
}

/* --- what can not be had ---------------------------------------------------------------*/
TEST(bad_arguments)
{
	struct sock_filter code[] = { ALLOW };
	struct sock_fprog empty = { 0, code }, lost = { 1, bad_pointer() };

	no_privs();
	show(syscall(SYS_seccomp, 99, 0, NULL));
	show(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
	show(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, &empty));
	show(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1 << 20, &empty));
	show(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &empty));
	show(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &lost));
	show(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL));
	show(install_flags(code, 4097, 0));
	show(prctl(PR_SET_SECCOMP, 0, 0));
	show(prctl(PR_SET_SECCOMP, 3, 0));
	show(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, bad_pointer()));
	show(prctl(PR_GET_SECCOMP));
}

TEST(actions_available)
{
	static const uint32_t actions[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
		SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE,
		SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, 5, 0x12340000,
	};

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		show(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0,
			     &actions[i]));
	show(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &actions[0]));
	show(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, bad_pointer()));
}

TEST(too_many)
{
	static struct sock_filter code[4096];
	int n = 0;

	for (size_t i = 0; i < 4096; i++)
		code[i] = (struct sock_filter)ALLOW;
	no_privs();
	while (install_flags(code, 4000, 0) == 0)
		n++;
	fact(n >= 4 && errno == ENOMEM);
	fact(getppid() > 0);
}

TEST(needs_no_new_privs)
{
	struct sock_filter code[] = { ALLOW };

	if (geteuid() == 0)
		must(setresuid(65534, 65534, 65534));
	show(INSTALL(code));
	num(prctl(PR_GET_SECCOMP));
	no_privs();
	show(INSTALL(code));
	num(prctl(PR_GET_SECCOMP));
}

/* --- strict ----------------------------------------------------------------------------*/
static int strict_child(void *arg)
{
	struct rlimit none = { 0, 0 };

	must(setrlimit(RLIMIT_CORE, &none));
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	(void)!write(1, "strict\n", 7);
	if (!arg)
		syscall(SYS_exit, 3);
	syscall((long)arg);
	syscall(SYS_exit, 4);
	return 0;
}

TEST(strict)
{
	show_exit("exit", spawn(strict_child, NULL));
	show_exit("getpid", spawn(strict_child, (void *)SYS_getpid));
	show_exit("exit_group", spawn(strict_child, (void *)SYS_exit_group));
	show_exit("unknown", spawn(strict_child, (void *)9999));
}

TEST(strict_after_filter)
{
	struct sock_filter code[] = { ALLOW };

	no_privs();
	must(INSTALL(code));
	show(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	show(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL));
}

/* --- who has them --------------------------------------------------------------------*/
HELPER(ppid)
{
	show(syscall(SYS_getppid));
	num(prctl(PR_GET_SECCOMP));
	return 6;
}

TEST(fork_and_exec_keep)
{
	pid_t pid;

	answer(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV);
	pid = must(fork());
	if (pid == 0) {
		execl(self_path, "x", "--helper", "ppid", NULL);
		_exit(99);
	}
	show_exit("child", pid);
}

static int go, failed_tid;

static void *ppid_when_told(void *arg)
{
	__atomic_store_n(&failed_tid, gettid(), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
		sleep_ms(1);
	syscall(SYS_getppid);
	num(errno);
	num(prctl(PR_GET_SECCOMP));
	num(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	return NULL;
}

static pthread_t start_ppid(void)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, ppid_when_told, NULL));
	while (!__atomic_load_n(&failed_tid, __ATOMIC_SEQ_CST))
		sleep_ms(1);
	return t;
}

static void let_go(pthread_t t)
{
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	must0(pthread_join(t, NULL));
}

static const struct sock_filter no_ppid[] = {
	LOAD(NR), IF(SYS_getppid), RETURN(SECCOMP_RET_ERRNO | EXDEV), ALLOW
};

TEST(one_thread_alone)
{
	pthread_t t = start_ppid();

	no_privs();
	must(INSTALL(no_ppid));
	let_go(t);
	go = failed_tid = 0;
	let_go(start_ppid());	/* has its creator's */
}

TEST(all_threads)
{
	pthread_t t = start_ppid();

	no_privs();
	show(install_flags(no_ppid, 4, SECCOMP_FILTER_FLAG_TSYNC));
	let_go(t);
}

static void *own_filter(void *arg)
{
	no_privs();
	must(INSTALL(no_ppid));
	__atomic_store_n(&failed_tid, gettid(), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
		sleep_ms(1);
	return NULL;
}

TEST(all_threads_but_one_differs)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, own_filter, NULL));
	while (!__atomic_load_n(&failed_tid, __ATOMIC_SEQ_CST))
		sleep_ms(1);
	no_privs();
	fact(install_flags(no_ppid, 4, SECCOMP_FILTER_FLAG_TSYNC) ==
	     failed_tid);
	num(prctl(PR_GET_SECCOMP));
	show(install_flags(no_ppid, 4, SECCOMP_FILTER_FLAG_TSYNC |
			   SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
	let_go(t);
}

static void *ppid_now(void *arg)
{
	syscall(SYS_getppid);
	say("not reached");
	return NULL;
}

/* One thread's end leaves the others; the whole process's does not. */
TEST(thread_killed)
{
	pthread_t t;

	answer(SYS_getppid, SECCOMP_RET_KILL_THREAD);
	must0(pthread_create(&t, NULL, ppid_now, NULL));
	must0(pthread_join(t, NULL));
	say("still here");
}

static int two_threads(void *arg)
{
	pthread_t t;

	answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
	must0(pthread_create(&t, NULL, ppid_now, NULL));
	must0(pthread_join(t, NULL));
	return 5;
}

TEST(process_killed)
{
	show_exit("child", spawn(two_threads, NULL));
}

TEST(status_file)
{
	answer(SYS_getppid, SECCOMP_RET_ERRNO | 1);
	answer(SYS_getppid, SECCOMP_RET_ERRNO | 1);
	must(slurp("/proc/self/status"));
	fact(!strncmp(value("NoNewPrivs"), "1\n", 2));
	fact(!strncmp(value("Seccomp"), "2\n", 2));
}

/* A call that a signal interrupts comes through the filter again. */
TEST(restarted_calls)
{
	int p[2];
	char c;

	on_signal(SIGALRM, count_signal, SA_RESTART);
	must(pipe(p));
	answer(SYS_getppid, SECCOMP_RET_ERRNO | 1);
	if (must(fork()) == 0) {
		sleep_ms(60);
		(void)!write(p[1], "x", 1);
		_exit(0);
	}
	ticks_start(SA_RESTART);
	num(read(p[0], &c, 1));
	ticks_stop();
	wait(NULL);
}
