/* SPDX-License-Identifier: MIT */
/*
 * Two tasks that wake each other: by pipes between processes, by pipes and
 * futexes between threads. One operation is one round trip. The driver runs
 * "context-switch" on one processor, where each round trip is two switches.
 */
#include "bench.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int to_peer[2], from_peer[2];

static void echo_forever(void)
{
	char c;

	while (read(to_peer[0], &c, 1) == 1 && write(from_peer[1], &c, 1) == 1)
		;
}

static void make_pipes(void)
{
	must(!pipe(to_peer) && !pipe(from_peer), "pipe");
}

static void start_process(void)
{
	pid_t pid;

	make_pipes();
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		close(to_peer[1]);
		echo_forever();
		_exit(0);
	}
}

static void *echo_thread(void *arg)
{
	echo_forever();
	return arg;
}

static void start_pipe_thread(void)
{
	pthread_t thread;

	make_pipes();
	must(!pthread_create(&thread, NULL, echo_thread, NULL), "thread");
}

static void round_trips(uint64_t n)
{
	char c = 0;

	while (n--) {
		must(write(to_peer[1], &c, 1) == 1, "write");
		must(read(from_peer[0], &c, 1) == 1, "read");
	}
}

/* turn: whose move it is. Each side waits while it is the other's. */
static uint32_t turn;

static void futex_wait_while(uint32_t value)
{
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == value)
		syscall(SYS_futex, &turn, FUTEX_WAIT | FUTEX_PRIVATE_FLAG,
			value, NULL, NULL, 0);
}

static void futex_set(uint32_t value)
{
	__atomic_store_n(&turn, value, __ATOMIC_RELEASE);
	syscall(SYS_futex, &turn, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL,
		NULL, 0);
}

static void *futex_thread(void *arg)
{
	for (;;) {
		futex_wait_while(0);
		futex_set(0);
	}
	return arg;
}

static void start_futex_thread(void)
{
	pthread_t thread;

	must(!pthread_create(&thread, NULL, futex_thread, NULL), "thread");
}

static void futex_round_trips(uint64_t n)
{
	while (n--) {
		futex_set(1);
		futex_wait_while(1);
	}
}

static const struct bench table[] = {
	{ "pipe-pingpong-process", round_trips, start_process },
	{ "pipe-pingpong-thread", round_trips, start_pipe_thread },
	{ "futex-pingpong", futex_round_trips, start_futex_thread },
	{ "context-switch", round_trips, start_process },
};

int main(int argc, char **argv)
{
	return bench_main(table, sizeof(table) / sizeof(table[0]), argc, argv);
}
