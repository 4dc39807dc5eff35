/* SPDX-License-Identifier: MIT */
/* ptrace(2): stops at signals, system calls, exec and events. */
#include "ptrace_help.h"
#include "seccomp_help.h"

#include <pthread.h>
#include <sched.h>

/* --- signals --------------------------------------------------------------------*/
static int raise_usr1(void *arg)
{
	on_signal(SIGUSR1, count_signal, 0);
	on_signal(SIGUSR2, count_signal, 0);
	raise(SIGUSR1);
	return signal_count * 100 + signal_last;
}

static void show_info(pid_t pid)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	if (show(ptrace(PTRACE_GETSIGINFO, pid, 0, DATA(&si))))
		return;
	say("signo %s code %x", sig_name(si.si_signo), si.si_code);
}

TEST(signal_is_delivered)
{
	pid_t pid = traced(raise_usr1, NULL);

	show_info(pid);
	go_on(pid, 0);
	show_stop(pid);
	show_info(pid);
	go_on(pid, SIGUSR1);
	show_exit("child", pid);
}

TEST(signal_is_suppressed)
{
	pid_t pid = traced(raise_usr1, NULL);

	go_on(pid, 0);
	show_stop(pid);
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(signal_is_changed)
{
	pid_t pid = traced(raise_usr1, NULL);

	go_on(pid, 0);
	show_stop(pid);
	go_on(pid, SIGUSR2);
	show_exit("child", pid);
	pid = traced(raise_usr1, NULL);
	go_on(pid, 0);
	show_stop(pid);
	go_on(pid, SIGTERM);
	show_exit("child", pid);
}

static siginfo_t handler_info;

static void keep_info(int sig, siginfo_t *si, void *uc)
{
	handler_info = *si;
}

static int queue_usr1(void *arg)
{
	struct sigaction sa = { .sa_sigaction = keep_info,
				.sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &sa, NULL);
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 5 });
	return handler_info.si_value.sival_int;
}

TEST(siginfo_is_changed)
{
	pid_t pid = traced(queue_usr1, NULL);
	siginfo_t si;

	go_on(pid, 0);
	show_stop(pid);
	must(ptrace(PTRACE_GETSIGINFO, pid, 0, DATA(&si)));
	num(si.si_value.sival_int);
	si.si_value.sival_int = 9;
	show(ptrace(PTRACE_SETSIGINFO, pid, 0, DATA(&si)));
	go_on(pid, SIGUSR1);
	show_exit("child", pid);
}

static int raise_ignored(void *arg)
{
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	raise(SIGCHLD);
	return 3;
}

TEST(ignored_signals_are_seen)
{
	pid_t pid = traced(raise_ignored, NULL);

	go_on(pid, 0);
	show_stop(pid);
	go_on(pid, SIGUSR1);
	show_stop(pid);
	go_on(pid, SIGCHLD);
	show_exit("child", pid);
}

static int fault(void *arg)
{
	*(volatile int *)bad_pointer() = 1;
	return 0;
}

TEST(fault_is_seen)
{
	pid_t pid = traced(fault, NULL);

	go_on(pid, 0);
	show_stop(pid);
	show_info(pid);
	go_on(pid, SIGSEGV);
	show_exit("child", pid);
}

static int wait_blocked(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 });
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 2 });
	raise(SIGUSR2);
	return 0;
}

TEST(pending_signals)
{
	struct ptrace_peeksiginfo_args a = { .nr = 8 };
	pid_t pid = traced(wait_blocked, NULL);
	siginfo_t si[8];
	uint64_t mask;

	go_on(pid, 0);
	show_stop(pid);
	show(ptrace(PTRACE_PEEKSIGINFO, pid, DATA(&a), DATA(si)));
	say("%s", sig_name(si[0].si_signo));
	a.flags = PTRACE_PEEKSIGINFO_SHARED;
	show(ptrace(PTRACE_PEEKSIGINFO, pid, DATA(&a), DATA(si)));
	say("%d %d", si[0].si_value.sival_int, si[1].si_value.sival_int);
	a.off = 1;
	show(ptrace(PTRACE_PEEKSIGINFO, pid, DATA(&a), DATA(si)));
	a.flags = 4;
	show(ptrace(PTRACE_PEEKSIGINFO, pid, DATA(&a), DATA(si)));
	show(ptrace(PTRACE_GETSIGMASK, pid, 8, DATA(&mask)));
	fact(mask == (1ull << (SIGUSR1 - 1) | 1ull << (SIGRTMIN - 1)));
	show(ptrace(PTRACE_GETSIGMASK, pid, 4, DATA(&mask)));
	mask = 1ull << (SIGRTMIN - 1);
	show(ptrace(PTRACE_SETSIGMASK, pid, 8, DATA(&mask)));
	go_on(pid, 0);
	show_stop(pid);
	go_on(pid, SIGUSR1);
	show_exit("child", pid);
}

/* --- system calls ------------------------------------------------------------------*/
static int call_twice(void *arg)
{
	long a = syscall(SYS_getppid);
	long b = syscall(SYS_umask, 022);

	return a == 77 ? 1 : b == -1 ? 2 : 3;
}

static void to_next_call(pid_t pid)
{
	must(ptrace(PTRACE_SYSCALL, pid, 0, 0));
	show_stop(pid);
}

TEST(calls_stop)
{
	pid_t pid = traced(call_twice, NULL);
	struct user_regs_struct r;

	must(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
	to_next_call(pid);
	num(regs_of(pid).orig_rax);
	num((long)regs_of(pid).rax);
	to_next_call(pid);
	r = regs_of(pid);
	num(r.orig_rax);
	fact((pid_t)r.rax == getpid());
	show_info(pid);
	to_next_call(pid);
	r = regs_of(pid);
	num(r.orig_rax);
	num(r.rdi);
	to_next_call(pid);
	must(ptrace(PTRACE_SYSCALL, pid, 0, 0));
	show_stop(pid);
	num(regs_of(pid).orig_rax);
	num(regs_of(pid).rdi);
	must(ptrace(PTRACE_SYSCALL, pid, 0, 0));
	show_exit("child", pid);
}

TEST(calls_stop_without_sysgood)
{
	pid_t pid = traced(call_twice, NULL);

	to_next_call(pid);
	show_info(pid);
	to_next_call(pid);
	finish(pid);
}

TEST(call_is_skipped)
{
	pid_t pid = traced(call_twice, NULL);

	to_next_call(pid);
	show(ptrace(PTRACE_POKEUSR, pid, 8 * ORIG_RAX, (uint64_t)-1));
	to_next_call(pid);
	num((long)regs_of(pid).rax);
	show(ptrace(PTRACE_POKEUSR, pid, 8 * RAX, 77));
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(call_is_changed)
{
	pid_t pid = traced(call_twice, NULL);

	to_next_call(pid);
	show(ptrace(PTRACE_POKEUSR, pid, 8 * ORIG_RAX, SYS_getpid));
	to_next_call(pid);
	fact((pid_t)regs_of(pid).rax == pid);
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(signal_at_a_call)
{
	pid_t pid = traced(raise_usr1, NULL);

	to_next_call(pid);
	must(ptrace(PTRACE_SYSCALL, pid, 0, SIGUSR2));
	show_stop(pid);
	go_on(pid, 0);
	show_stop(pid);
	finish(pid);
}

TEST(calls_are_emulated)
{
	pid_t pid = traced(call_twice, NULL);

	must(ptrace(PTRACE_SYSEMU, pid, 0, 0));
	show_stop(pid);
	num(regs_of(pid).orig_rax);
	must(ptrace(PTRACE_POKEUSR, pid, 8 * RAX, 77));
	go_on(pid, 0);
	show_exit("child", pid);
}

static void call_info(pid_t pid)
{
	struct ptrace_syscall_info i;

	memset(&i, 0xff, sizeof(i));
	show(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), DATA(&i)));
	num(i.op);
	say("arch %x", i.arch);
	fact(i.instruction_pointer == regs_of(pid).rip);
	fact(i.stack_pointer == regs_of(pid).rsp);
	if (i.op == PTRACE_SYSCALL_INFO_ENTRY)
		say("entry %llu %llu", i.entry.nr, i.entry.args[0]);
	if (i.op == PTRACE_SYSCALL_INFO_EXIT)
		say("exit %lld %d", i.exit.rval, i.exit.is_error);
}

static int umask_and_close(void *arg)
{
	syscall(SYS_umask, 027);
	syscall(SYS_umask, 022);
	syscall(SYS_close, 999);
	return 0;
}

TEST(call_info)
{
	pid_t pid = traced(umask_and_close, NULL);

	must(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
	call_info(pid);
	to_next_call(pid);
	call_info(pid);
	to_next_call(pid);
	to_next_call(pid);
	to_next_call(pid);
	call_info(pid);
	to_next_call(pid);
	to_next_call(pid);
	call_info(pid);
	show(ptrace(PTRACE_GET_SYSCALL_INFO, pid, 8, DATA(NULL)));
	finish(pid);
}

/* A call that sleeps is made again behind the stop. */
static int read_pipe(void *arg)
{
	char c = 0;

	return read(*(int *)arg, &c, 1) == 1 ? c : 99;
}

TEST(interrupted_call_goes_on)
{
	int p[2];
	pid_t pid;

	must(pipe(p));
	pid = traced(read_pipe, &p[0]);
	go_on(pid, 0);
	wait_state(pid, 'S');
	kill(pid, SIGUSR1);
	show_stop(pid);
	go_on(pid, 0);
	must(write(p[1], "\7", 1));
	show_exit("child", pid);
}

/* --- exec ------------------------------------------------------------------------------*/
HELPER(exec_end)
{
	return 4;
}

static int exec_self(void *arg)
{
	char *args[] = { "x", "--helper", "exec_end", NULL };

	execv(self_path, args);
	return 98;
}

TEST(exec_traps)
{
	pid_t pid = traced(exec_self, NULL);

	go_on(pid, 0);
	show_stop(pid);
	show_info(pid);
	num((int)regs_of(pid).rax);
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(exec_event)
{
	pid_t pid = traced(exec_self, NULL);
	unsigned long msg = 0;

	show(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC));
	go_on(pid, 0);
	show_stop(pid);
	show(ptrace(PTRACE_GETEVENTMSG, pid, 0, DATA(&msg)));
	fact(msg == (unsigned long)pid);
	go_on(pid, 0);
	show_exit("child", pid);
}

/* --- children -------------------------------------------------------------------------*/
static int fork_one(void *arg)
{
	pid_t pid = *(int *)arg == 1 ? fork() : vfork();

	if (!pid)
		_exit(6);
	return WEXITSTATUS(await(pid)) + 1;
}

static void follow(int how, unsigned long options)
{
	pid_t pid = traced(fork_one, &how), child;
	unsigned long msg = 0;

	must(ptrace(PTRACE_SETOPTIONS, pid, 0, options));
	go_on(pid, 0);
	show_stop(pid);
	must(ptrace(PTRACE_GETEVENTMSG, pid, 0, DATA(&msg)));
	child = (pid_t)msg;
	show_stop(child);
	show_info(child);
	go_on(child, 0);
	go_on(pid, 0);
	show_exit("grandchild", child);
	while (WIFSTOPPED(msg = (unsigned long)stop_of(pid))) {
		say("parent %s", stop_name((int)msg));
		go_on(pid, 0);
	}
	say("parent %s", status_name((int)msg));
}

TEST(fork_event)
{
	follow(1, PTRACE_O_TRACEFORK);
}

TEST(vfork_events)
{
	follow(2, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE);
}

static void *thread_body(void *arg)
{
	return arg;
}

static int one_thread(void *arg)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, thread_body, NULL));
	must0(pthread_join(t, NULL));
	return 8;
}

TEST(clone_event)
{
	pid_t pid = traced(one_thread, NULL), tid;
	unsigned long msg = 0;

	must(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE |
		    PTRACE_O_TRACEEXIT));
	go_on(pid, 0);
	show_stop(pid);
	must(ptrace(PTRACE_GETEVENTMSG, pid, 0, DATA(&msg)));
	tid = (pid_t)msg;
	show_stop(tid);
	go_on(tid, 0);
	show_stop(tid);
	must(ptrace(PTRACE_GETEVENTMSG, tid, 0, DATA(&msg)));
	num(msg);
	go_on(tid, 0);
	show_stop(tid);
	go_on(pid, 0);
	show_stop(pid);
	must(ptrace(PTRACE_GETEVENTMSG, pid, 0, DATA(&msg)));
	num(msg);
	go_on(pid, 0);
	show_exit("process", pid);
}

TEST(untraced_clone)
{
	int how = 1;
	pid_t pid = traced(fork_one, &how);

	go_on(pid, 0);
	/* only the news of its child's end */
	show_stop(pid);
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(exit_event)
{
	pid_t pid = traced(fault, NULL);
	unsigned long msg = 0;

	must(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT));
	go_on(pid, 0);
	show_stop(pid);
	go_on(pid, SIGSEGV);
	show_stop(pid);
	must(ptrace(PTRACE_GETEVENTMSG, pid, 0, DATA(&msg)));
	num(msg & 0x7f);
	show(ptrace(PTRACE_PEEKUSR, pid, 8 * RAX, DATA(&msg)));
	go_on(pid, 0);
	show_exit("child", pid);
}

/* --- filters of system calls --------------------------------------------------------*/
static int filtered(void *arg)
{
	long a, b;

	answer(SYS_getppid, SECCOMP_RET_TRACE | 5);
	a = syscall(SYS_getppid);
	b = syscall(SYS_getppid);
	return a == 77 ? b == -1 && errno == ENOSYS ? 1 : 2 : 3;
}

TEST(filter_asks_the_tracer)
{
	pid_t pid = traced(filtered, NULL);
	unsigned long msg = 0;

	must(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP));
	go_on(pid, 0);
	show_stop(pid);
	must(ptrace(PTRACE_GETEVENTMSG, pid, 0, DATA(&msg)));
	num(msg);
	num(regs_of(pid).orig_rax);
	call_info(pid);
	must(ptrace(PTRACE_POKEUSR, pid, 8 * ORIG_RAX, (uint64_t)-1));
	must(ptrace(PTRACE_POKEUSR, pid, 8 * RAX, 77));
	go_on(pid, 0);
	show_stop(pid);
	must(ptrace(PTRACE_SETOPTIONS, pid, 0, 0));
	must(ptrace(PTRACE_POKEUSR, pid, 8 * ORIG_RAX, (uint64_t)-1));
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(filter_and_no_tracer)
{
	pid_t pid = traced(filtered, NULL);

	go_on(pid, 0);
	show_exit("child", pid);
}
