/* SPDX-License-Identifier: MIT */
/*
 * Signals that processes send: handlers, masks, queues, waiting, jumps.
 */
#include "harness.h"

#include <setjmp.h>
#include <sys/resource.h>

static siginfo_t info;
static sigset_t mask_in_handler;

static void keep_info(int sig, siginfo_t *si, void *ctx)
{
	info = *si;
	count_signal(sig);
	sigprocmask(SIG_BLOCK, NULL, &mask_in_handler);
}

static void on_info(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = keep_info,
				.sa_flags = SA_SIGINFO | flags };

	must(sigaction(sig, &sa, NULL));
}

static sigset_t set_of(int a, int b)
{
	sigset_t s;

	sigemptyset(&s);
	if (a)
		sigaddset(&s, a);
	if (b)
		sigaddset(&s, b);
	return s;
}

static void block(int a, int b)
{
	sigset_t s = set_of(a, b);

	must(sigprocmask(SIG_BLOCK, &s, NULL));
}

static void unblock(int a, int b)
{
	sigset_t s = set_of(a, b);

	must(sigprocmask(SIG_UNBLOCK, &s, NULL));
}

TEST(handler_runs)
{
	on_signal(SIGUSR1, count_signal, 0);
	show(kill(getpid(), SIGUSR1));
	num(signal_count);
	show(raise(SIGUSR1));
	num(signal_count);
	fact(signal_last == SIGUSR1);
}

TEST(info_of_kill)
{
	on_info(SIGUSR1, 0);
	must(kill(getpid(), SIGUSR1));
	num(info.si_signo == SIGUSR1);
	fact(info.si_code == SI_USER);
	fact(info.si_pid == getpid());
	fact(info.si_uid == getuid());
}

TEST(info_of_tgkill)
{
	on_info(SIGUSR1, 0);
	show(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1));
	fact(info.si_code == SI_TKILL);
	fact(info.si_pid == getpid());
	show(syscall(SYS_tkill, gettid(), SIGUSR1));
	num(signal_count);
	show(syscall(SYS_tgkill, getpid(), 999999, SIGUSR1));
	show(syscall(SYS_tgkill, 1 << 20, gettid(), SIGUSR1));
	show(syscall(SYS_tgkill, -1, gettid(), SIGUSR1));
	show(syscall(SYS_tgkill, getpid(), gettid(), 77));
	show(syscall(SYS_tgkill, getpid(), gettid(), 0));
}

TEST(info_of_sigqueue)
{
	on_info(SIGUSR1, 0);
	show(sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 99 }));
	fact(info.si_code == SI_QUEUE);
	num(info.si_value.sival_int);
	fact(info.si_pid == getpid());
	show(sigqueue(999999, SIGUSR1, (union sigval){ .sival_int = 99 }));
	show(sigqueue(getpid(), 65, (union sigval){ .sival_int = 99 }));
}

TEST(rt_sigqueueinfo_rules)
{
	siginfo_t si = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	si.si_code = SI_USER;
	show(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &si));
	si.si_code = -7;
	show(syscall(SYS_rt_sigqueueinfo, pid, SIGTERM, &si));
	show(syscall(SYS_rt_sigqueueinfo, pid, SIGTERM, bad_pointer()));
	show_exit("child", pid);
}

TEST(kill_errors)
{
	show(kill(999999, SIGUSR1));
	show(kill(getpid(), 65));
	show(kill(getpid(), -1));
	show(kill(-999999, SIGUSR1));
	show(kill(getpid(), 0));
	show(kill(INT32_MIN, SIGUSR1));
}

TEST(kill_group)
{
	pid_t a, b;

	a = fork();
	if (a == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(a, a);
	b = fork();
	if (b == 0) {
		setpgid(0, a);
		for (;;)
			pause();
	}
	setpgid(b, a);
	show(kill(-a, SIGTERM));
	show_exit("first", a);
	show_exit("second", b);
	show(kill(-a, SIGTERM));
}

TEST(kill_own_group)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		on_signal(SIGUSR1, count_signal, 0);
		must(kill(0, SIGUSR1));
		num(signal_count);
		must(killpg(0, SIGUSR1));
		num(signal_count);
		_exit(0);
	}
	show_exit("child", pid);
}

TEST(sigaction_rules)
{
	struct sigaction sa = { .sa_handler = count_signal,
				.sa_flags = SA_RESTART | SA_NODEFER }, old;

	sa.sa_mask = set_of(SIGUSR2, SIGKILL);
	show(sigaction(SIGUSR1, &sa, &old));
	fact(old.sa_handler == SIG_DFL);
	show(sigaction(SIGUSR1, NULL, &old));
	fact(old.sa_handler == count_signal);
	num(old.sa_flags & (SA_RESTART | SA_NODEFER | SA_RESETHAND));
	num(sigismember(&old.sa_mask, SIGUSR2));
	num(sigismember(&old.sa_mask, SIGKILL));
	show(sigaction(SIGKILL, &sa, NULL));
	show(sigaction(SIGSTOP, &sa, NULL));
	show(sigaction(SIGKILL, NULL, &old));
	show(sigaction(0, NULL, &old));
	show(sigaction(65, NULL, &old));
	show(syscall(SYS_rt_sigaction, SIGUSR1, bad_pointer(), NULL, 8));
	show(syscall(SYS_rt_sigaction, SIGUSR1, NULL, bad_pointer(), 8));
	show(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
}

TEST(mask_during_handler)
{
	struct sigaction sa = { .sa_sigaction = keep_info,
				.sa_flags = SA_SIGINFO };
	sigset_t now;

	sa.sa_mask = set_of(SIGUSR2, 0);
	must(sigaction(SIGUSR1, &sa, NULL));
	must(raise(SIGUSR1));
	num(sigismember(&mask_in_handler, SIGUSR1));
	num(sigismember(&mask_in_handler, SIGUSR2));
	num(sigismember(&mask_in_handler, SIGHUP));
	must(sigprocmask(SIG_BLOCK, NULL, &now));
	num(sigismember(&now, SIGUSR1));
	num(sigismember(&now, SIGUSR2));
}

static int depth, deepest;

static void nest(int sig)
{
	if (++depth > deepest)
		deepest = depth;
	if (++signal_count < 4)
		kill(getpid(), sig);
	depth--;
}

TEST(defer_and_nodefer)
{
	on_signal(SIGUSR1, nest, 0);
	must(raise(SIGUSR1));
	num(signal_count);
	num(deepest);
	signal_count = deepest = 0;
	on_signal(SIGUSR1, nest, SA_NODEFER);
	must(raise(SIGUSR1));
	num(signal_count);
	num(deepest);
}

TEST(resethand)
{
	struct sigaction sa;

	on_signal(SIGUSR1, count_signal, SA_RESETHAND);
	must(raise(SIGUSR1));
	must(sigaction(SIGUSR1, NULL, &sa));
	fact(sa.sa_handler == SIG_DFL);
	say("dying");
	raise(SIGUSR1);
}

TEST(block_and_pending)
{
	sigset_t p;

	on_signal(SIGUSR1, count_signal, 0);
	block(SIGUSR1, 0);
	must(raise(SIGUSR1));
	must(raise(SIGUSR1));
	num(signal_count);
	must(sigpending(&p));
	num(sigismember(&p, SIGUSR1));
	num(sigismember(&p, SIGUSR2));
	unblock(SIGUSR1, 0);
	num(signal_count);
	must(sigpending(&p));
	num(sigismember(&p, SIGUSR1));
}

TEST(ignored_is_not_kept)
{
	sigset_t p;

	signal(SIGUSR1, SIG_IGN);
	must(raise(SIGUSR1));
	block(SIGUSR1, 0);
	must(raise(SIGUSR1));
	must(sigpending(&p));
	num(sigismember(&p, SIGUSR1));
	signal(SIGUSR1, SIG_IGN);
	must(sigpending(&p));
	num(sigismember(&p, SIGUSR1));
}

TEST(sigprocmask_rules)
{
	sigset_t s = set_of(SIGKILL, SIGSTOP), old;

	show(sigprocmask(SIG_BLOCK, &s, NULL));
	must(sigprocmask(SIG_BLOCK, NULL, &old));
	num(sigismember(&old, SIGKILL));
	s = set_of(SIGUSR1, SIGUSR2);
	must(sigprocmask(SIG_SETMASK, &s, &old));
	s = set_of(SIGUSR1, 0);
	must(sigprocmask(SIG_UNBLOCK, &s, &old));
	num(sigismember(&old, SIGUSR1));
	must(sigprocmask(SIG_BLOCK, NULL, &old));
	num(sigismember(&old, SIGUSR1));
	num(sigismember(&old, SIGUSR2));
	show(sigprocmask(99, &s, NULL));
	show(sigprocmask(99, NULL, &old));
	show(syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad_pointer(), NULL, 8));
	show(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, bad_pointer(), 8));
	show(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 16));
}

static int order[8], order_n;

static void note_order(int sig, siginfo_t *si, void *ctx)
{
	if (order_n < 8)
		order[order_n++] = sig * 1000 + si->si_value.sival_int;
}

TEST(realtime_queue_order)
{
	struct sigaction sa = { .sa_sigaction = note_order,
				.sa_flags = SA_SIGINFO };
	static const int sends[][2] = { { 41, 1 }, { 40, 2 }, { 40, 3 },
					{ 42, 4 }, { 41, 5 } };

	sigfillset(&sa.sa_mask);
	for (int s = 40; s <= 42; s++)
		must(sigaction(s, &sa, NULL));
	block(40, 41);
	block(42, 0);
	for (int i = 0; i < 5; i++)
		must(sigqueue(getpid(), sends[i][0],
			      (union sigval){ .sival_int = sends[i][1] }));
	sa.sa_mask = set_of(40, 41);
	sigaddset(&sa.sa_mask, 42);
	must(sigprocmask(SIG_UNBLOCK, &sa.sa_mask, NULL));
	for (int i = 0; i < order_n; i++)
		num(order[i]);
}

TEST(sigqueue_limit)
{
	struct rlimit r = { 5, 5 };
	int n = 0;

	must(getrlimit(RLIMIT_SIGPENDING, &r));
	fact(r.rlim_cur > 0);
	block(40, 0);
	r.rlim_cur = 0;
	must(setrlimit(RLIMIT_SIGPENDING, &r));
	while (n < 10 && sigqueue(getpid(), 40, (union sigval){ 0 }) == 0)
		n++;
	num(n);
	say("%s", err_name(errno));
	show(kill(getpid(), SIGCHLD));
}

TEST(sigsuspend_call)
{
	sigset_t none = set_of(0, 0), now;

	on_signal(SIGUSR1, count_signal, SA_RESTART);
	block(SIGUSR1, 0);
	must(raise(SIGUSR1));
	show(sigsuspend(&none));
	num(signal_count);
	must(sigprocmask(SIG_BLOCK, NULL, &now));
	num(sigismember(&now, SIGUSR1));
	show(syscall(SYS_rt_sigsuspend, bad_pointer(), 8));
	show(syscall(SYS_rt_sigsuspend, &none, 4));
}

TEST(pause_call)
{
	ticks_start(SA_RESTART);
	show(pause());
	ticks_stop();
}

TEST(sigwaitinfo_call)
{
	sigset_t s = set_of(SIGUSR1, SIGUSR2);
	siginfo_t si;

	block(SIGUSR1, SIGUSR2);
	must(sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 3 }));
	must(kill(getpid(), SIGUSR1));
	fact(sigwaitinfo(&s, &si) == SIGUSR1);
	num(si.si_code);
	fact(sigwaitinfo(&s, &si) == SIGUSR2);
	num(si.si_code);
	num(si.si_value.sival_int);
}

TEST(sigtimedwait_call)
{
	sigset_t s = set_of(SIGUSR1, 0);
	struct timespec t = { 0, 30000000 };
	long long start = now_ms();

	block(SIGUSR1, 0);
	show(sigtimedwait(&s, NULL, &t));
	fact(now_ms() - start >= 29);
	t.tv_nsec = 0;
	show(sigtimedwait(&s, NULL, &t));
	must(raise(SIGUSR1));
	fact(sigtimedwait(&s, NULL, &t) == SIGUSR1);
	t.tv_nsec = 1000000000;
	show(sigtimedwait(&s, NULL, &t));
	show(syscall(SYS_rt_sigtimedwait, bad_pointer(), NULL, NULL, 8));
	show(syscall(SYS_rt_sigtimedwait, &s, NULL, NULL, 4));
}

TEST(sigwait_from_child)
{
	sigset_t s = set_of(SIGUSR1, 0);
	siginfo_t si;
	pid_t pid;

	block(SIGUSR1, 0);
	pid = fork();
	if (pid == 0) {
		sleep_ms(30);
		_exit(kill(getppid(), SIGUSR1) < 0);
	}
	fact(sigwaitinfo(&s, &si) == SIGUSR1);
	fact(si.si_pid == pid);
	show_exit("child", pid);
}

TEST(sigwait_interrupted)
{
	sigset_t s = set_of(SIGUSR1, 0);

	block(SIGUSR1, 0);
	ticks_start(SA_RESTART);
	/* Not sigwaitinfo(): some libraries hide EINTR. */
	show(syscall(SYS_rt_sigtimedwait, &s, NULL, NULL, 8));
	ticks_stop();
}

static sigjmp_buf jump;

static void jump_out(int sig)
{
	siglongjmp(jump, sig);
}

TEST(siglongjmp_restores_mask)
{
	sigset_t now;

	on_signal(SIGUSR1, jump_out, 0);
	if (sigsetjmp(jump, 1) == 0) {
		raise(SIGUSR1);
		say("not reached");
	}
	must(sigprocmask(SIG_BLOCK, NULL, &now));
	num(sigismember(&now, SIGUSR1));
	if (sigsetjmp(jump, 0) == 0)
		raise(SIGUSR1);
	must(sigprocmask(SIG_BLOCK, NULL, &now));
	num(sigismember(&now, SIGUSR1));
}

static void change_errno(int sig)
{
	errno = 77;
}

TEST(handler_keeps_registers_of_caller)
{
	long r;

	on_signal(SIGUSR1, change_errno, 0);
	errno = 5;
	r = syscall(SYS_kill, getpid(), SIGUSR1);
	num(r);
	num(errno);
}

TEST(two_signals_both_run)
{
	on_signal(SIGUSR1, count_signal, 0);
	on_signal(SIGUSR2, count_signal, 0);
	block(SIGUSR1, SIGUSR2);
	must(raise(SIGUSR1));
	must(raise(SIGUSR2));
	unblock(SIGUSR1, SIGUSR2);
	num(signal_count);
}

TEST(kill_wins_over_mask)
{
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t s;

		sigfillset(&s);
		sigprocmask(SIG_SETMASK, &s, NULL);
		for (;;)
			pause();
	}
	sleep_ms(20);
	must(kill(pid, SIGKILL));
	show_exit("child", pid);
}

TEST(continue_discards_stop)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		block(SIGTSTP, 0);
		setpgid(0, 0);
		raise(SIGTSTP);
		raise(SIGCONT);
		unblock(SIGTSTP, 0);
		_exit(3);
	}
	must(waitpid(pid, &status, WUNTRACED));
	say("%s", status_name(status));
}

TEST(continue_runs_handler)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		on_signal(SIGCONT, count_signal, 0);
		raise(SIGSTOP);
		_exit(10 + signal_count);
	}
	must(waitpid(pid, &status, WUNTRACED));
	must(kill(pid, SIGCONT));
	show_exit("child", pid);
}

TEST(abort_call)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGABRT, SIG_IGN);
		abort();
	}
	show_exit("child", pid);
	pid = fork();
	if (pid == 0) {
		on_signal(SIGABRT, count_signal, 0);
		abort();
	}
	show_exit("child", pid);
}

TEST(self_death)
{
	say("last words");
	raise(SIGTERM);
}

TEST(storm)
{
	int got = 0;
	pid_t pid;

	on_signal(SIGUSR1, count_signal, SA_RESTART);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 2000; i++)
			kill(getppid(), SIGUSR1);
		_exit(0);
	}
	while (waitpid(pid, NULL, WNOHANG) == 0)
		got += getppid() >= 0;
	fact(signal_count > 0 && signal_count <= 2000);
	fact(got >= 0);
}
