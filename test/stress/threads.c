/* SPDX-License-Identifier: MIT */
/*
 * Threads that start and end all the time, and signals between them: a signal
 * to a thread that exists is handled once by that thread, unless it merged with
 * the same one still pending; join returns what the thread returned; thread
 * local memory is each thread's own. Now and then a whole process with busy
 * threads exits or is killed.
 */
#include "stress.h"
#include <sched.h>
#include <signal.h>

static __thread volatile int mark;
static __thread volatile int handled;

static void on_signal(int signo)
{
	(void)signo;
	handled++;
}

struct short_life {
	uintptr_t number;
	atomic_int ready, may_end;
};

static void *live(void *arg)
{
	struct short_life *life = arg;

	mark = life->number;
	atomic_store(&life->ready, 1);
	while (!atomic_load(&life->may_end) || !handled)
		sched_yield();
	if (mark != (int)life->number)
		fail("thread local memory: %d, not %lu", mark, life->number);
	return (void *)(life->number ^ 0x55);
}

static void live_and_signal(uintptr_t number)
{
	struct short_life life = { .number = number };
	pthread_t thread;
	void *result;

	errno = pthread_create(&thread, NULL, live, &life);
	must(!errno, "pthread_create");
	while (!atomic_load(&life.ready))
		sched_yield();
	errno = pthread_kill(thread, SIGUSR1);
	must(!errno, "pthread_kill");
	atomic_store(&life.may_end, 1);
	errno = pthread_join(thread, &result);
	must(!errno, "pthread_join");
	if ((uintptr_t)result != (number ^ 0x55))
		fail("join gave %p for %lu", result, number);
}

static void *spin(void *arg)
{
	for (;;)
		getppid();
	return arg;
}

/* A process with busy threads ends by exit, or by a signal from outside. */
static void end_while_busy(int by_signal)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		pthread_t thread;

		for (int i = 0; i < 3; i++)
			pthread_create(&thread, NULL, spin, NULL);
		if (by_signal)
			spin(NULL);
		_exit(5);
	}
	must(pid > 0, "fork");
	if (by_signal) {
		usleep(2000);
		must(!kill(pid, SIGKILL), "kill");
	}
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	if (status != (by_signal ? SIGKILL : 5 << 8))
		fail("busy process ended with wait status 0x%x", status);
}

static void *work(void *arg)
{
	uintptr_t number = (uintptr_t)arg << 24;

	do {
		live_and_signal(++number);
		if (number % 16 == 0)
			end_while_busy(number & 16);
		atomic_fetch_add(&rounds, 1);
	} while (!time_is_over());
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };

	stress_start(argc, argv);
	sigaction(SIGUSR1, &action, NULL);
	run_threads(work);
	return stress_end();
}
