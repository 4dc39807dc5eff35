/* SPDX-License-Identifier: MIT */
/*
 * fork(), vfork(), clone() with its flags.
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>

#define STACK_SIZE 65536

static volatile int shared_word;
static volatile int tid_word;

static long raw_clone(unsigned long flags, void *stack, void *ptid, void *ctid)
{
	return syscall(SYS_clone, flags, stack, ptid, ctid, 0);
}

/* clone() with a stack of its own; fn runs in the child. */
static pid_t start(int (*fn)(void *), int flags)
{
	char *stack = malloc(STACK_SIZE);

	return clone(fn, stack + STACK_SIZE, flags, NULL, &tid_word, NULL,
		     &tid_word);
}

TEST(fork_returns_twice)
{
	pid_t me = getpid(), pid = fork();

	if (pid == 0) {
		fact(getppid() == me);
		fact(getpid() != me);
		_exit(7);
	}
	show_exit("child", pid);
	fact(pid > 0);
}

TEST(memory_is_copied)
{
	static int global = 1;
	int local = 1, *heap = malloc(sizeof(int));
	pid_t pid;

	*heap = 1;
	pid = fork();
	if (pid == 0) {
		global = local = *heap = 2;
		_exit(global + local + *heap);
	}
	show_exit("child", pid);
	say("%d %d %d", global, local, *heap);
}

TEST(descriptors_are_copied)
{
	int fd = must(open("/", O_RDONLY)), extra = fd + 1;
	pid_t pid = fork();

	if (pid == 0) {
		close(fd);
		_exit(dup2(1, extra) != extra);
	}
	show_exit("child", pid);
	show(fcntl(fd, F_GETFD));
	show(fcntl(extra, F_GETFD));
}

TEST(many_generations)
{
	int depth = 0, status;

	while (depth < 20) {
		pid_t pid = must(fork());

		if (pid) {
			must(waitpid(pid, &status, 0));
			if (depth == 0)
				say("%s", status_name(status));
			_exit(WEXITSTATUS(status) + (depth != 0));
		}
		depth++;
	}
	_exit(0);
}

TEST(many_children)
{
	pid_t pids[100];
	int sum = 0;

	for (int i = 0; i < 100; i++) {
		pids[i] = must(fork());
		if (pids[i] == 0)
			_exit(i);
	}
	for (int i = 0; i < 100; i++)
		sum += WEXITSTATUS(await(pids[i]));
	num(sum);
	show(wait(NULL));
}

TEST(vfork_shares_memory_until_exit)
{
	static volatile int word = 1;
	pid_t pid = vfork();

	if (pid == 0) {
		word = 2;
		_exit(3);
	}
	num(word);
	show_exit("child", pid);
}

TEST(vfork_parent_waits_for_exec)
{
	static volatile int word;
	static char *argv[] = { "sh", "-c", "exit 4", NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		word = 1;
		execv("/bin/sh", argv);
		_exit(9);
	}
	num(word);
	show_exit("child", pid);
}

TEST(vfork_failed_exec)
{
	static volatile int error;
	static char *argv[] = { "x", NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execv("/nothing/here", argv);
		error = errno;
		_exit(5);
	}
	say("%s", err_name(error));
	show_exit("child", pid);
}

TEST(vfork_descriptors_not_shared)
{
	int fd = must(open("/", O_RDONLY));
	pid_t pid = vfork();

	if (pid == 0) {
		close(fd);
		_exit(0);
	}
	show_exit("child", pid);
	show(fcntl(fd, F_GETFD));
}

TEST(vfork_child_signalled)
{
	pid_t pid = vfork();

	if (pid == 0) {
		kill(getpid(), SIGKILL);
		_exit(0);
	}
	show_exit("child", pid);
}

static int set_word(void *arg)
{
	shared_word = 42;
	return 6;
}

TEST(clone_vm_shares_memory)
{
	pid_t pid = must(start(set_word, CLONE_VM | SIGCHLD));

	show_exit("child", pid);
	num(shared_word);
}

TEST(clone_without_vm_copies)
{
	pid_t pid = must(start(set_word, SIGCHLD));

	show_exit("child", pid);
	num(shared_word);
}

static int close_three(void *arg)
{
	return close(3) < 0;
}

TEST(clone_files_shares_descriptors)
{
	must(dup2(1, 3));
	show_exit("child", must(start(close_three, CLONE_FILES | SIGCHLD)));
	show(fcntl(3, F_GETFD));
	must(dup2(1, 3));
	show_exit("child", must(start(close_three, SIGCHLD)));
	show(fcntl(3, F_GETFD));
}

static int change_fs(void *arg)
{
	umask(077);
	return chdir("/") < 0;
}

TEST(clone_fs_shares_cwd_and_umask)
{
	char buf[4096];

	show_exit("child", must(start(change_fs, SIGCHLD)));
	say("%o %s", umask(022), strcmp(getcwd(buf, 4096), "/") ? "here" : "/");
	show_exit("child", must(start(change_fs, CLONE_FS | SIGCHLD)));
	say("%o %s", umask(022), strcmp(getcwd(buf, 4096), "/") ? "here" : "/");
}

static int set_handler(void *arg)
{
	signal(SIGUSR1, SIG_IGN);
	return 0;
}

TEST(clone_sighand_shares_handlers)
{
	struct sigaction sa;

	show_exit("child", must(start(set_handler, CLONE_VM | SIGCHLD)));
	must(sigaction(SIGUSR1, NULL, &sa));
	fact(sa.sa_handler == SIG_IGN);
	show_exit("child", must(start(set_handler, CLONE_VM | CLONE_SIGHAND |
				      SIGCHLD)));
	must(sigaction(SIGUSR1, NULL, &sa));
	fact(sa.sa_handler == SIG_IGN);
}

TEST(clone_parent_settid)
{
	pid_t word = 0, pid;

	pid = must(raw_clone(SIGCHLD | CLONE_PARENT_SETTID, NULL, &word, NULL));
	if (pid == 0)
		_exit(word != 0 && word != getpid());
	fact(word == pid);
	show_exit("child", pid);
}

TEST(clone_child_settid)
{
	pid_t word = 0, pid;

	pid = must(raw_clone(SIGCHLD | CLONE_CHILD_SETTID, NULL, NULL, &word));
	if (pid == 0)
		_exit(word != (pid_t)syscall(SYS_getpid));
	num(word);
	show_exit("child", pid);
}

static int just_exit(void *arg)
{
	return 0;
}

TEST(clone_child_cleartid_wakes)
{
	pid_t pid;
	int value;

	tid_word = 1;
	pid = must(start(just_exit, CLONE_VM | CLONE_PARENT_SETTID |
			 CLONE_CHILD_CLEARTID | SIGCHLD));
	while ((value = tid_word) != 0)
		syscall(SYS_futex, &tid_word, 0, value, NULL, NULL, 0);
	num(tid_word);
	show_exit("child", pid);
}

TEST(clone_thread_same_process)
{
	int value;

	tid_word = 1;
	must(start(set_word, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
		   CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |
		   CLONE_CHILD_CLEARTID));
	while ((value = tid_word) != 0)
		syscall(SYS_futex, &tid_word, 0, value, NULL, NULL, 0);
	num(shared_word);
	show(wait(NULL));
}

/* A TLS address that is no address of a program, canonical or not. */
TEST(clone_wild_tls)
{
	static const unsigned long wild[] = { 0x7ffffffff000, 1ul << 47,
					      1ul << 63, ~0ul };

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
		long pid = syscall(SYS_clone, SIGCHLD | CLONE_SETTLS, NULL,
				   NULL, NULL, wild[i]);

		if (pid == 0)
			syscall(SYS_exit_group, 1);
		show(pid);
		if (pid > 0)
			waitpid((pid_t)pid, NULL, 0);
	}
}

TEST(clone_invalid_flags)
{
	show(raw_clone(CLONE_THREAD, NULL, NULL, NULL));
	show(raw_clone(CLONE_SIGHAND | SIGCHLD, NULL, NULL, NULL));
	show(raw_clone(CLONE_THREAD | CLONE_VM, NULL, NULL, NULL));
	show(raw_clone(CLONE_NEWNS | CLONE_FS | SIGCHLD, NULL, NULL, NULL));
}

TEST(clone_exit_signal)
{
	pid_t pid;

	on_signal(SIGUSR2, count_signal, 0);
	on_signal(SIGCHLD, count_signal, 0);
	pid = must(raw_clone(SIGUSR2, NULL, NULL, NULL));
	if (pid == 0)
		_exit(2);
	show(waitpid(pid, NULL, 0));
	show(waitpid(pid, NULL, __WCLONE) == pid);
	num(signal_count);
	fact(signal_last == SIGUSR2);
}

TEST(clone_no_exit_signal)
{
	int status = 0;
	pid_t pid;

	on_signal(SIGCHLD, count_signal, 0);
	pid = must(raw_clone(0, NULL, NULL, NULL));
	if (pid == 0)
		_exit(2);
	fact(waitpid(pid, &status, __WALL) == pid);
	say("%s", status_name(status));
	num(signal_count);
}

TEST(clone_parent_flag)
{
	pid_t me = getpid(), middle;
	int status;

	middle = must(fork());
	if (middle == 0) {
		pid_t pid = must(raw_clone(CLONE_PARENT | SIGCHLD, NULL, NULL,
					   NULL));

		if (pid == 0)
			_exit(getppid() == me ? 11 : 12);
		_exit(wait(NULL) == -1 ? 0 : 1);
	}
	show_exit("middle", middle);
	must(wait(&status));
	say("sibling: %s", status_name(status));
}

TEST(fork_keeps_name_and_limits)
{
	struct rlimit r = { 100, 200 };
	char name[16];
	pid_t pid;

	must(prctl(PR_SET_NAME, "parent"));
	must(setrlimit(RLIMIT_NOFILE, &r));
	pid = fork();
	if (pid == 0) {
		must(prctl(PR_GET_NAME, name));
		must(getrlimit(RLIMIT_NOFILE, &r));
		say("%s %d %d", name, (int)r.rlim_cur, (int)r.rlim_max);
		must(prctl(PR_SET_NAME, "child"));
		_exit(0);
	}
	await(pid);
	must(prctl(PR_GET_NAME, name));
	say("%s", name);
}

TEST(fork_clears_child_times)
{
	struct tms t;
	pid_t pid = fork();

	if (pid == 0) {
		times(&t);
		num(t.tms_cutime + t.tms_cstime);
		_exit(0);
	}
	await(pid);
}

TEST(fork_does_not_copy_alarm)
{
	pid_t pid;

	alarm(1000);
	pid = fork();
	if (pid == 0)
		_exit(alarm(0) != 0);
	show_exit("child", pid);
	fact(alarm(0) > 900);
}

TEST(fork_does_not_copy_pending_signals)
{
	sigset_t s, pending;
	pid_t pid;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &s, NULL));
	must(raise(SIGUSR1));
	pid = fork();
	if (pid == 0) {
		must(sigpending(&pending));
		_exit(sigismember(&pending, SIGUSR1));
	}
	show_exit("child", pid);
	must(sigpending(&pending));
	num(sigismember(&pending, SIGUSR1));
}

TEST(stdio_buffer_copied)
{
	pid_t pid;

	if (isatty(1))
		skip("output is a terminal");
	printf("twice\n");
	pid = fork();
	if (pid == 0)
		exit(0);
	await(pid);
	fflush(stdout);
}

TEST(raw_fork_number)
{
	pid_t pid = syscall(SYS_fork);

	if (pid == 0)
		_exit(1);
	show_exit("fork", pid);
	fact(getpid() == (pid_t)syscall(SYS_getpid));
	fact((pid_t)syscall(SYS_gettid) == getpid());
}

#define BORN	300

static volatile int all_born;

static void nothing(int signo)
{
}

static void *bear_children(void *arg)
{
	int ended = 0, status;

	for (int i = 0; i < BORN; i++) {
		pid_t pid = must(fork());

		if (!pid)
			_exit(7);
		while (waitpid(pid, &status, 0) != pid)
			;
		ended += status == 7 << 8;
	}
	num(ended);
	all_born = 1;
	return NULL;
}

/* Children that get signals from their first moment on. */
TEST(signals_at_birth)
{
	struct timespec breath = { 0, 100000 };
	pthread_t t;

	(void)setpgid(0, 0);	/* unless it leads a session */
	signal(SIGUSR1, nothing);
	must0(pthread_create(&t, NULL, bear_children, NULL));
	while (!all_born) {
		for (int i = 0; i < 20; i++)
			must(kill(0, SIGUSR1));
		nanosleep(&breath, NULL);
	}
	must0(pthread_join(t, NULL));
}
