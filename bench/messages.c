/* SPDX-License-Identifier: MIT */
/*
 * Round trips between two tasks: a call and its reply by messages of the native
 * interface. Outside of mica the same measurements are made with what a program
 * would use there instead, futexes in shared memory. "call-clock" asks the
 * system task "clock", and runs in mica only.
 */
#include "bench.h"
#include "native/mica.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Shared with the server, thread or process. */
struct meeting {
	uint32_t server;	/* id of the server, when it is ready */
	uint32_t turn;		/* futex: 1 the server's, 0 ours */
};

static struct meeting *meeting;

static int in_mica(void)
{
	return mica_version() > 0;
}

/* --- futexes ---------------------------------------------------------------------*/
static void wait_while(uint32_t value)
{
	while (__atomic_load_n(&meeting->turn, __ATOMIC_ACQUIRE) == value)
		syscall(SYS_futex, &meeting->turn, FUTEX_WAIT, value, NULL,
			NULL, 0);
}

static void set_turn(uint32_t value)
{
	__atomic_store_n(&meeting->turn, value, __ATOMIC_RELEASE);
	syscall(SYS_futex, &meeting->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void *serve_by_futex(void *arg)
{
	__atomic_store_n(&meeting->server, 1, __ATOMIC_RELEASE);
	for (;;) {
		wait_while(0);
		set_turn(0);
	}
	return arg;
}

/* --- messages --------------------------------------------------------------------*/
static void *serve(void *arg)
{
	struct mica_msg m;
	int err;

	if (!in_mica())
		return serve_by_futex(arg);
	__atomic_store_n(&meeting->server, (uint32_t)mica_self(),
			 __ATOMIC_RELEASE);
	err = mica_receive(&m, NULL, MICA_FOREVER);
	while (!err)
		err = mica_reply_receive(m.from, &m, NULL, MICA_FOREVER);
	return arg;
}

static void new_meeting(void)
{
	meeting = mmap(NULL, sizeof(*meeting), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(meeting != MAP_FAILED, "mmap");
}

static void wait_for_server(void)
{
	while (!__atomic_load_n(&meeting->server, __ATOMIC_ACQUIRE))
		usleep(100);
}

static void start_thread(void)
{
	pthread_t thread;

	new_meeting();
	must(!pthread_create(&thread, NULL, serve, NULL), "thread");
	wait_for_server();
}

static void start_process(void)
{
	pid_t pid;

	new_meeting();
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(NULL);
		_exit(0);
	}
	wait_for_server();
}

static void start_clock(void)
{
	int id = mica_find("clock");

	must(id > 0, "mica_find");
	new_meeting();
	meeting->server = (uint32_t)id;
}

static void calls(uint64_t n)
{
	struct mica_msg m;

	while (n--) {
		m.type = MICA_CLOCK_TICKS;
		must(!mica_call(meeting->server, &m, NULL, MICA_FOREVER),
		     "call");
	}
}

static void round_trips(uint64_t n)
{
	if (in_mica()) {
		calls(n);
		return;
	}
	while (n--) {
		set_turn(1);
		wait_while(1);
	}
}

static const struct bench table[] = {
	{ "call-thread", round_trips, start_thread },
	{ "call-process", round_trips, start_process },
	{ "call-clock", calls, start_clock },
};

int main(int argc, char **argv)
{
	size_t n = sizeof(table) / sizeof(table[0]);

	return bench_main(table, in_mica() ? n : n - 1, argc, argv);
}
