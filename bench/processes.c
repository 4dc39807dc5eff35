/* SPDX-License-Identifier: MIT */
/*
 * Making and ending processes and threads. The programs to execute are found
 * beside this one: true-static and true-dynamic.
 */
#include "bench.h"
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char static_path[PATH_MAX + 32], dynamic_path[PATH_MAX + 32];

static void wait_for(pid_t pid)
{
	int status;

	must(pid > 0, "fork");
	must(waitpid(pid, &status, 0) == pid && status == 0, "child");
}

static void fork_wait(uint64_t n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		wait_for(pid);
	}
}

static void execute(const char *path)
{
	char *argv[] = { (char *)path, NULL };

	execve(path, argv, environ);
	_exit(127);
}

static void fork_exec_static(uint64_t n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0)
			execute(static_path);
		wait_for(pid);
	}
}

static void fork_exec_dynamic(uint64_t n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0)
			execute(dynamic_path);
		wait_for(pid);
	}
}

static void vfork_exec_static(uint64_t n)
{
	while (n--) {
		pid_t pid = vfork();

		if (pid == 0)
			execute(static_path);
		wait_for(pid);
	}
}

static void vfork_exec_dynamic(uint64_t n)
{
	while (n--) {
		pid_t pid = vfork();

		if (pid == 0)
			execute(dynamic_path);
		wait_for(pid);
	}
}

static void *nothing(void *arg)
{
	return arg;
}

static void thread_join(uint64_t n)
{
	while (n--) {
		pthread_t thread;

		must(!pthread_create(&thread, NULL, nothing, NULL), "thread");
		pthread_join(thread, NULL);
	}
}

static void find_programs(const char *self)
{
	char copy[PATH_MAX], *folder;

	snprintf(copy, sizeof(copy), "%s", self);
	folder = dirname(copy);
	snprintf(static_path, sizeof(static_path), "%s/true-static", folder);
	snprintf(dynamic_path, sizeof(dynamic_path), "%s/true-dynamic", folder);
}

static const struct bench table[] = {
	{ "fork-wait", fork_wait, NULL },
	{ "fork-exec-static", fork_exec_static, NULL },
	{ "fork-exec-dynamic", fork_exec_dynamic, NULL },
	{ "vfork-exec-static", vfork_exec_static, NULL },
	{ "vfork-exec-dynamic", vfork_exec_dynamic, NULL },
	{ "thread-create-join", thread_join, NULL },
};

int main(int argc, char **argv)
{
	find_programs(argv[0]);
	return bench_main(table, sizeof(table) / sizeof(table[0]), argc, argv);
}
