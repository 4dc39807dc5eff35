/* SPDX-License-Identifier: MIT */
/* clone3(2), pidfds of clone(2): what they take, what they refuse. */
#include "harness.h"

#include <poll.h>
#include <sched.h>

static long raw_clone(unsigned long flags, void *stack, void *ptid, void *ctid)
{
	return syscall(SYS_clone, flags, stack, ptid, ctid, 0);
}

/* struct clone_args, as words. */
enum { A_FLAGS, A_PIDFD, A_CHILD_TID, A_PARENT_TID, A_EXIT_SIGNAL, A_STACK,
       A_STACK_SIZE, A_TLS, A_SET_TID, A_SET_TID_SIZE, A_CGROUP, NR_WORDS };

static long clone3_words(uint64_t *a, size_t size)
{
	long pid = syscall(SYS_clone3, a, size);

	if (pid == 0)
		_exit(8);
	return pid;
}

TEST(clone3_fork)
{
	uint64_t a[NR_WORDS + 600] = { [A_EXIT_SIGNAL] = SIGCHLD };

	for (size_t n = 64; n <= 4096; n += n < 112 ? 8 : 3976)
		show_exit("child", clone3_words(a, n));
	show(clone3_words(a, 0));
	show(clone3_words(a, 63));
	show(clone3_words(a, 4097));
	show(clone3_words(a, ~0ul));
	show(syscall(SYS_clone3, bad_pointer(), 64));
	show(syscall(SYS_clone3, NULL, 64));
	a[NR_WORDS] = 1;
	show(clone3_words(a, 96));
	show_exit("not read", clone3_words(a, 88));
}

TEST(clone3_bad_arguments)
{
	static char stack[16384];
	static const struct { int word; uint64_t value; } bad[] = {
		{ A_EXIT_SIGNAL, 65 }, { A_EXIT_SIGNAL, 256 },
		{ A_EXIT_SIGNAL, 1ull << 32 }, { A_STACK, 4096 },
		{ A_STACK_SIZE, 4096 }, { A_SET_TID_SIZE, 1 }, { A_SET_TID, 4096 },
		{ A_FLAGS, 1 }, { A_FLAGS, SIGCHLD }, { A_FLAGS, 0x00400000 },
		{ A_FLAGS, 1ull << 34 }, { A_FLAGS, 1ull << 63 },
		{ A_FLAGS, CLONE_SIGHAND }, { A_FLAGS, CLONE_PARENT },
		{ A_FLAGS, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND },
		{ A_FLAGS, 1ull << 32 | CLONE_SIGHAND | CLONE_VM },
	};
	uint64_t a[NR_WORDS];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(a, 0, sizeof(a));
		a[A_EXIT_SIGNAL] = SIGCHLD;
		a[bad[i].word] = bad[i].value;
		show(clone3_words(a, sizeof(a)));
	}
	memset(a, 0, sizeof(a));
	a[A_STACK] = ~0ull << 12;
	a[A_STACK_SIZE] = sizeof(stack);
	show(clone3_words(a, sizeof(a)));
	memset(a, 0, sizeof(a));
	a[A_FLAGS] = 1ull << 33;		/* CLONE_INTO_CGROUP */
	a[A_CGROUP] = 1ull << 31;
	show(clone3_words(a, sizeof(a)));
	a[A_CGROUP] = 0;
	show(clone3_words(a, 80));
	a[A_CGROUP] = 999;
	show(clone3_words(a, sizeof(a)));
}

/* All that a child can be given. */
TEST(clone3_everything)
{
	uint64_t a[NR_WORDS] = { 0 };
	int parent_tid = 0, child_tid = 0, pidfd = -1;
	struct pollfd wait;
	pid_t pid;

	a[A_FLAGS] = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_PIDFD;
	a[A_PARENT_TID] = (uintptr_t)&parent_tid;
	a[A_CHILD_TID] = (uintptr_t)&child_tid;
	a[A_PIDFD] = (uintptr_t)&pidfd;
	a[A_EXIT_SIGNAL] = SIGUSR1;
	on_signal(SIGUSR1, count_signal, 0);
	pid = must(syscall(SYS_clone3, a, sizeof(a)));
	if (pid == 0)
		_exit(child_tid == getpid() ? 5 : 6);
	fact(parent_tid == pid && child_tid == 0);
	show(fcntl(pidfd, F_GETFD));
	wait = (struct pollfd){ pidfd, POLLIN, 0 };
	show(poll(&wait, 1, 20000));
	show(waitpid(pid, NULL, 0));
	show(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
	fact(waitpid(pid, NULL, __WALL) == pid);
	show(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
	fact(signal_count == 1);
}

TEST(clone_pidfd)
{
	int pidfd = -1, same = -1;
	pid_t pid = must(raw_clone(CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL));

	if (pid == 0)
		_exit(fcntl(3, F_GETFD) == -1 ? 3 : 4);
	num(pidfd);
	show(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
	show_exit("child", pid);
	show(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL,
		       &same, NULL));
	show(raw_clone(CLONE_PIDFD | SIGCHLD, NULL, bad_pointer(), NULL));
	/* the number is free again */
	num(must(dup(0)));
}

/* Handlers go, what is ignored stays. */
TEST(clone3_clear_handlers)
{
	uint64_t a[NR_WORDS] = { [A_FLAGS] = 1ull << 32, [A_EXIT_SIGNAL] = SIGCHLD };
	struct sigaction sa;
	pid_t pid;

	on_signal(SIGUSR1, count_signal, SA_RESTART);
	signal(SIGUSR2, SIG_IGN);
	pid = must(syscall(SYS_clone3, a, sizeof(a)));
	if (pid == 0) {
		sigaction(SIGUSR1, NULL, &sa);
		if (sa.sa_handler != SIG_DFL || sa.sa_flags & SA_RESTART)
			_exit(1);
		sigaction(SIGUSR2, NULL, &sa);
		_exit(sa.sa_handler == SIG_IGN ? 2 : 3);
	}
	show_exit("child", pid);
	sigaction(SIGUSR1, NULL, &sa);
	fact(sa.sa_handler == count_signal);
}
