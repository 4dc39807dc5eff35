/* SPDX-License-Identifier: MIT */
/* ptrace(2): attaching, who waits for whom, group stops, ends. */
#include "ptrace_help.h"

#include <pthread.h>
#include <sys/prctl.h>

/* --- attaching --------------------------------------------------------------------*/
TEST(attach_and_detach)
{
	pid_t pid = untraced(just_pause, NULL);
	char path[64];

	show(ptrace(PTRACE_ATTACH, pid, 0, 0));
	show_stop(pid);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	must(slurp(path));
	say("%.17s", value("State"));
	fact(atoi(value("TracerPid")) == getpid());
	show(ptrace(PTRACE_ATTACH, pid, 0, 0));
	show(ptrace(PTRACE_DETACH, pid, 0, 999));
	show(ptrace(PTRACE_DETACH, pid, 0, 0));
	must(slurp(path));
	num(atoi(value("TracerPid")));
	show(ptrace(PTRACE_CONT, pid, 0, 0));
	finish(pid);
}

TEST(detach_with_a_signal)
{
	pid_t pid = untraced(just_pause, NULL);

	must(ptrace(PTRACE_ATTACH, pid, 0, 0));
	show_stop(pid);
	show(ptrace(PTRACE_DETACH, pid, 0, SIGTERM));
	show_exit("child", pid);
}

TEST(attach_errors)
{
	pid_t pid = traced(just_pause, NULL);

	show(ptrace(PTRACE_ATTACH, getpid(), 0, 0));
	show(ptrace(PTRACE_ATTACH, 0, 0, 0));
	show(ptrace(PTRACE_ATTACH, 999999, 0, 0));
	show(ptrace(PTRACE_SEIZE, pid, 1, 0));
	show(ptrace(PTRACE_SEIZE, pid, 0, 0x80000000));
	show(ptrace(PTRACE_SEIZE, pid, 0, 0));
	show(ptrace(PTRACE_CONT, getpid(), 0, 0));
	show(ptrace(PTRACE_SETOPTIONS, pid, 0, 0x10000));
	show(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	show(ptrace(PTRACE_LISTEN, pid, 0, 0));
	show(ptrace(PTRACE_CONT, pid, 0, 65));
	show(ptrace(4711, pid, 0, 0));
	show(ptrace(4711, getpid(), 0, 0));
	go_on(pid, 0);
	show(ptrace(PTRACE_CONT, pid, 0, 0));
	show(ptrace(PTRACE_DETACH, pid, 0, 0));
	finish(pid);
}

static int trace_me_twice(void *arg)
{
	return ptrace(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM;
}

TEST(traceme_twice)
{
	pid_t pid = traced(trace_me_twice, NULL);

	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(no_right_to_attach)
{
	pid_t victim, pid;

	need_root();
	victim = untraced(just_pause, NULL);
	pid = must(fork());
	if (!pid) {
		must(setresgid(1, 1, 1));
		must(setresuid(1, 1, 1));
		show(ptrace(PTRACE_ATTACH, victim, 0, 0));
		show(ptrace(PTRACE_SEIZE, victim, 0, 0));
		_exit(0);
	}
	show_exit("other user", pid);
	finish(victim);
}

/* --- seizing ------------------------------------------------------------------------*/
static pid_t seized(uint64_t options)
{
	pid_t pid = untraced(just_pause, NULL);

	wait_state(pid, 'S');
	must(ptrace(PTRACE_SEIZE, pid, 0, options));
	return pid;
}

TEST(interrupt)
{
	pid_t pid = seized(0);
	siginfo_t si;

	num(waitpid(pid, NULL, WNOHANG | __WALL));
	show(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	show_stop(pid);
	must(ptrace(PTRACE_GETSIGINFO, pid, 0, DATA(&si)));
	say("%s %x", sig_name(si.si_signo), si.si_code);
	go_on(pid, 0);
	wait_state(pid, 'S');
	show(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	show_stop(pid);
	show(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	go_on(pid, 0);
	show_stop(pid);
	finish(pid);
}

TEST(group_stop_seized)
{
	pid_t pid = seized(0);

	kill(pid, SIGSTOP);
	show_stop(pid);
	go_on(pid, SIGSTOP);
	show_stop(pid);
	show(ptrace(PTRACE_LISTEN, pid, 0, 0));
	show(ptrace(PTRACE_CONT, pid, 0, 0));
	kill(pid, SIGCONT);
	show_stop(pid);
	go_on(pid, 0);
	show_stop(pid);
	go_on(pid, SIGCONT);
	finish(pid);
}

TEST(seize_a_stopped_process)
{
	pid_t pid = untraced(just_pause, NULL);
	int status;

	kill(pid, SIGSTOP);
	must(waitpid(pid, &status, WUNTRACED));
	say("%s", stop_name(status));
	must(ptrace(PTRACE_SEIZE, pid, 0, 0));
	show_stop(pid);
	kill(pid, SIGCONT);
	go_on(pid, 0);
	show_stop(pid);
	finish(pid);
}

TEST(group_stop_attached)
{
	pid_t pid = traced(just_pause, NULL);
	siginfo_t si;

	go_on(pid, 0);
	kill(pid, SIGSTOP);
	show_stop(pid);
	go_on(pid, SIGSTOP);
	show_stop(pid);
	show(ptrace(PTRACE_GETSIGINFO, pid, 0, DATA(&si)));
	go_on(pid, 0);
	kill(pid, SIGCONT);
	show_stop(pid);
	finish(pid);
}

/* The stop that the tracer let pass holds again when it is gone. */
TEST(detach_while_stopped)
{
	pid_t pid = seized(0);
	int status;

	kill(pid, SIGSTOP);
	show_stop(pid);
	go_on(pid, SIGSTOP);
	show_stop(pid);
	show(ptrace(PTRACE_DETACH, pid, 0, 0));
	wait_state(pid, 'T');
	kill(pid, SIGCONT);
	wait_state(pid, 'S');
	must(waitpid(pid, &status, WCONTINUED));
	fact(WIFCONTINUED(status));
	finish(pid);
}

/* --- the end -------------------------------------------------------------------------*/
TEST(kill_in_a_stop)
{
	pid_t pid = traced(just_pause, NULL);

	show(kill(pid, SIGKILL));
	show_exit("child", pid);
	pid = traced(just_pause, NULL);
	show(ptrace(PTRACE_KILL, pid, 0, 0));
	show_exit("child", pid);
}

/* A process that traces victim, and ends; the victim is its grandparent's. */
static void tracer_ends(uint64_t options, pid_t victim)
{
	pid_t pid = must(fork());

	if (!pid) {
		must(ptrace(PTRACE_SEIZE, victim, 0, options));
		must(ptrace(PTRACE_INTERRUPT, victim, 0, 0));
		stop_of(victim);
		_exit(0);
	}
	show_exit("tracer", pid);
}

TEST(tracer_ends)
{
	pid_t pid = untraced(just_pause, NULL);

	tracer_ends(0, pid);
	wait_state(pid, 'S');
	num(waitpid(pid, NULL, WNOHANG));
	finish(pid);
}

TEST(exit_kill)
{
	pid_t pid = untraced(just_pause, NULL);

	tracer_ends(PTRACE_O_EXITKILL, pid);
	show_exit("child", pid);
}

/* --- waiting --------------------------------------------------------------------------*/
TEST(wait_options)
{
	pid_t pid = traced(just_pause, NULL);
	siginfo_t si;
	int status;

	num(waitpid(pid, &status, WNOHANG));
	go_on(pid, 0);
	kill(pid, SIGUSR1);
	memset(&si, 0, sizeof(si));
	show(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOWAIT));
	fact(si.si_code == CLD_TRAPPED && si.si_pid == pid);
	num(si.si_status);
	show(waitid(P_PID, (id_t)pid, &si, WEXITED | WSTOPPED));
	show(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOHANG));
	go_on(pid, SIGKILL);
	show(waitid(P_PID, (id_t)pid, &si, WEXITED));
	fact(si.si_code == CLD_KILLED);
}

/* The real parent learns of the end only after the tracer did. */
TEST(tracer_waits_first)
{
	pid_t victim = untraced(just_pause, NULL), tracer;
	int p[2], q[2];
	char c;

	must(pipe(p));
	must(pipe(q));
	tracer = must(fork());
	if (!tracer) {
		must(ptrace(PTRACE_SEIZE, victim, 0, 0));
		must(write(p[1], "a", 1));
		must(read(q[0], &c, 1));
		say("tracer: %s", stop_name(stop_of(victim)));
		must(write(p[1], "b", 1));
		must(read(q[0], &c, 1));
		show(waitpid(victim, NULL, __WALL));
		_exit(0);
	}
	must(read(p[0], &c, 1));
	kill(victim, SIGKILL);
	wait_state(victim, 'Z');
	num(waitpid(victim, NULL, WNOHANG));
	must(write(q[1], "a", 1));
	must(read(p[0], &c, 1));
	show_exit("victim", victim);
	must(write(q[1], "b", 1));
	show_exit("tracer", tracer);
}

static pid_t thread_child;

static void *wait_in_thread(void *arg)
{
	int status;

	errno = 0;
	show(ptrace(PTRACE_CONT, thread_child, 0, 0));
	num(waitpid(thread_child, &status, WNOHANG | __WALL | __WNOTHREAD) ==
	    -1);
	say("%s", err_name(errno));
	return NULL;
}

TEST(tracer_is_one_thread)
{
	pthread_t t;

	thread_child = traced(just_pause, NULL);
	must0(pthread_create(&t, NULL, wait_in_thread, NULL));
	must0(pthread_join(t, NULL));
	finish(thread_child);
}

static void *exec_in_thread(void *arg)
{
	char *args[] = { "x", "--helper", "seven", NULL };

	execv(self_path, args);
	return NULL;
}

HELPER(seven)
{
	return 7;
}

static int exec_from_thread(void *arg)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, exec_in_thread, NULL));
	for (;;)
		pause();
	return 0;
}

TEST(exec_of_a_thread)
{
	pid_t pid = traced(exec_from_thread, NULL), tid;
	unsigned long msg = 0;
	int status;

	must(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE |
		    PTRACE_O_TRACEEXEC));
	go_on(pid, 0);
	show_stop(pid);
	must(ptrace(PTRACE_GETEVENTMSG, pid, 0, DATA(&msg)));
	tid = (pid_t)msg;
	show_stop(tid);
	go_on(pid, 0);
	go_on(tid, 0);
	show_stop(pid);
	must(ptrace(PTRACE_GETEVENTMSG, pid, 0, DATA(&msg)));
	fact((pid_t)msg == tid);
	num(waitpid(tid, &status, __WALL | WNOHANG));
	go_on(pid, 0);
	show_exit("process", pid);
}

TEST(child_signals_of_a_tracer)
{
	pid_t pid;

	on_signal(SIGCHLD, count_signal, 0);
	pid = traced(just_pause, NULL);
	fact(signal_count >= 1);
	signal_count = 0;
	on_signal(SIGCHLD, count_signal, SA_NOCLDSTOP);
	go_on(pid, 0);
	kill(pid, SIGUSR1);
	show_stop(pid);
	num(signal_count);
	finish(pid);
}
