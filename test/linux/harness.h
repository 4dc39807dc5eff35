/* SPDX-License-Identifier: MIT */
/*
 * Harness of the Linux behaviour tests.
 *
 * A family is one program made of test/linux/<family>.c and harness.c. Each
 * TEST(name) is one behaviour and runs in a process of its own, inside a fresh
 * temporary directory:
 *
 *	./family --list		names of all tests
 *	./family NAME		run one test
 *
 * A test prints facts. The same facts and the same exit status must appear on
 * Linux and on mica, so a fact is never a pid, an address, a time or a size
 * that may differ between two correct systems. It must also be the same for
 * root and for an ordinary user, or skip().
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096

struct test {
	const char *name;
	void (*fn)(void);
	struct test *next;
};

/* Add t to the list of tests; TEST() calls it before main(). */
void test_register(struct test *t);

#define TEST(n)                                                               \
	static void test_##n(void);                                           \
	static struct test record_##n = { #n, test_##n, NULL };               \
	__attribute__((constructor)) static void register_##n(void)           \
	{                                                                     \
		test_register(&record_##n);                                   \
	}                                                                     \
	static void test_##n(void)

/*
 * A program to be executed by a test of the same family:
 * execv(self_path, {"x", "--helper", "name", args...}). argc and argv start
 * at the helper's name, as with main().
 */
struct helper {
	const char *name;
	int (*fn)(int argc, char **argv);
	struct helper *next;
};

void helper_register(struct helper *h);

#define HELPER(n)                                                             \
	static int helper_##n(int argc, char **argv);                         \
	static struct helper hrecord_##n = { #n, helper_##n, NULL };          \
	__attribute__((constructor)) static void hregister_##n(void)          \
	{                                                                     \
		helper_register(&hrecord_##n);                                \
	}                                                                     \
	static int helper_##n(int argc, char **argv)

/* Absolute path of the running program, without use of /proc. */
extern char self_path[4096];

/* Print one line, by one write(2), so that processes do not mix lines. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* End the test as skipped, with a reason that the runner shows. */
void skip(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Skip unless the effective user is root. */
void need_root(void);

/* Names: "ENOENT", "SIGSEGV"; "exited 3", "killed by SIGKILL", "stopped..". */
const char *err_name(int err);
const char *sig_name(int sig);
const char *status_name(int status);

/* What show() and its relatives stand on; not called directly. */
void show_number(const char *what, long long r, bool is_call);
void show_okay(const char *what, long r);
void show_error(const char *what, int err);
long must_hold(const char *file, int line, const char *what, long r);

/* Run a call, print its text and its result (a number, or the errno). */
#define show(x)                                                               \
	({                                                                    \
		errno = 0;                                                    \
		long long r_ = (long long)(x);                                \
		show_number(#x, r_, true);                                    \
		r_;                                                           \
	})

/* As show(), but any success is printed as "ok" (descriptors, pids). */
#define show_ok(x)                                                            \
	({                                                                    \
		errno = 0;                                                    \
		long r_ = (long)(x);                                          \
		show_okay(#x, r_);                                            \
		r_;                                                           \
	})

/* As show() for functions that return an errno, as pthread_*() do. */
#define show_err(x) show_error(#x, (x))

/* Print the text and the value of an expression. */
#define num(x) show_number(#x, (long long)(x), false)
#define fact(x) say("%s: %s", #x, (x) ? "yes" : "no")

/* A call that is not the subject: on failure the test ends with status 99. */
#define must(x)                                                               \
	({                                                                    \
		errno = 0;                                                    \
		must_hold(__FILE__, __LINE__, #x, (long)(x));                 \
	})

/* As must() for pthread functions, which return the errno. */
#define must0(x)                                                              \
	({                                                                    \
		errno = (x);                                                  \
		must_hold(__FILE__, __LINE__, #x, errno ? -1 : 0);            \
	})

/* The pointer n bytes before the end of a page that nothing follows. */
char *page_end(size_t n);

/* A pointer to memory that is not accessible. */
void *bad_pointer(void);

/* Make a file with this content. */
void put_file(const char *path, const char *text);

/* Print the content of a small file in one line, quoted. */
void show_file(const char *path);

/*
 * Read a whole file (of /proc, say) into slurped, always 0-terminated.
 * Returns the length, or -1 with errno.
 */
extern char slurped[200000];
int slurp(const char *path);

/* The value behind "key:" or "key " at the start of a line slurped, or NULL. */
const char *value(const char *key);

void sleep_ms(int ms);

/* Milliseconds of CLOCK_MONOTONIC. */
long long now_ms(void);

/* fork(); the child runs fn(arg) and exits with its result. */
pid_t spawn(int (*fn)(void *arg), void *arg);

/* waitpid() for one child; returns its wait status. */
int await(pid_t pid);

/* Print "<what>: exited N" and so on for one child. */
void show_exit(const char *what, pid_t pid);

/* Install a handler with these flags. */
void on_signal(int sig, void (*fn)(int), int flags);

/* Number of times that count_signal() ran, and the last signal it saw. */
extern volatile sig_atomic_t signal_count, signal_last;
void count_signal(int sig);

/*
 * From now on SIGALRM arrives every few milliseconds, so that a blocking call
 * is interrupted for sure, however late it starts. Handler: count_signal().
 */
void ticks_start(int sa_flags);
void ticks_stop(void);
