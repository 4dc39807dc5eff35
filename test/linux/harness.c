/* SPDX-License-Identifier: MIT */
/*
 * Harness of the Linux behaviour tests: main(), the lists of tests and
 * helpers, and the functions that tests share. See harness.h.
 */
#include "harness.h"

#include <stdarg.h>
#include <sys/resource.h>
#include <sys/time.h>

static struct test *tests;
static struct helper *helpers;

char self_path[4096];
volatile sig_atomic_t signal_count, signal_last;

struct name {
	int nr;
	const char *name;
};

#define N(x) { x, #x }

static const struct name errors[] = {
	N(EPERM), N(ENOENT), N(ESRCH), N(EINTR), N(EIO), N(ENXIO), N(E2BIG),
	N(ENOEXEC), N(EBADF), N(ECHILD), N(EAGAIN), N(ENOMEM), N(EACCES),
	N(EFAULT), N(ENOTBLK), N(EBUSY), N(EEXIST), N(EXDEV), N(ENODEV),
	N(ENOTDIR), N(EISDIR), N(EINVAL), N(ENFILE), N(EMFILE), N(ENOTTY),
	N(ETXTBSY), N(EFBIG), N(ENOSPC), N(ESPIPE), N(EROFS), N(EMLINK),
	N(EPIPE), N(EDOM), N(ERANGE), N(EDEADLK), N(ENAMETOOLONG), N(ENOLCK),
	N(ENOSYS), N(ENOTEMPTY), N(ELOOP), N(ENODATA), N(EOVERFLOW),
	N(EILSEQ), N(ENOTSOCK), N(EDESTADDRREQ), N(EMSGSIZE), N(EPROTOTYPE),
	N(ENOPROTOOPT), N(EPROTONOSUPPORT), N(ESOCKTNOSUPPORT), N(EOPNOTSUPP),
	N(EAFNOSUPPORT), N(EADDRINUSE), N(EADDRNOTAVAIL), N(ENETUNREACH),
	N(ECONNABORTED), N(ECONNRESET), N(ENOBUFS), N(EISCONN), N(ENOTCONN),
	N(ETIMEDOUT), N(ECONNREFUSED), N(EALREADY), N(EINPROGRESS),
	N(ECANCELED), N(EOWNERDEAD), N(ENOTRECOVERABLE),
};

static const struct name signals[] = {
	N(SIGHUP), N(SIGINT), N(SIGQUIT), N(SIGILL), N(SIGTRAP), N(SIGABRT),
	N(SIGBUS), N(SIGFPE), N(SIGKILL), N(SIGUSR1), N(SIGSEGV), N(SIGUSR2),
	N(SIGPIPE), N(SIGALRM), N(SIGTERM), N(SIGSTKFLT), N(SIGCHLD),
	N(SIGCONT), N(SIGSTOP), N(SIGTSTP), N(SIGTTIN), N(SIGTTOU), N(SIGURG),
	N(SIGXCPU), N(SIGXFSZ), N(SIGVTALRM), N(SIGPROF), N(SIGWINCH),
	N(SIGIO), N(SIGPWR), N(SIGSYS),
};

static const char *find_name(const struct name *table, size_t n, int nr)
{
	static char other[8][16];
	static int slot;

	for (size_t i = 0; i < n; i++)
		if (table[i].nr == nr)
			return table[i].name;
	slot = (slot + 1) % 8;
	snprintf(other[slot], sizeof(other[slot]), "#%d", nr);
	return other[slot];
}

const char *err_name(int err)
{
	return find_name(errors, ARRAY_SIZE(errors), err);
}

const char *sig_name(int sig)
{
	return find_name(signals, ARRAY_SIZE(signals), sig);
}

const char *status_name(int status)
{
	static char text[4][40];
	static int slot;
	char *t = text[slot = (slot + 1) % 4];

	if (WIFEXITED(status))
		snprintf(t, 40, "exited %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		snprintf(t, 40, "killed by %s", sig_name(WTERMSIG(status)));
	else if (WIFSTOPPED(status))
		snprintf(t, 40, "stopped by %s", sig_name(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		snprintf(t, 40, "continued");
	else
		snprintf(t, 40, "status %#x", status);
	return t;
}

static void put_line(const char *fmt, va_list ap)
{
	char line[4096];
	int n = vsnprintf(line, sizeof(line) - 1, fmt, ap), done;

	if (n < 0)
		n = 0;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	while ((done = write(STDOUT_FILENO, line, n)) < 0 && errno == EINTR)
		;
	if (done != n)
		_exit(98);
}

void say(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	put_line(fmt, ap);
	va_end(ap);
	errno = saved;
}

void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(fmt, ap);
	va_end(ap);
	_exit(77);
}

void need_root(void)
{
	if (geteuid() != 0)
		skip("needs root");
}

void show_number(const char *what, long long r, bool is_call)
{
	if (is_call && r == -1)
		say("%s: %s", what, err_name(errno));
	else
		say("%s: %lld", what, r);
}

void show_okay(const char *what, long r)
{
	say("%s: %s", what, r == -1 ? err_name(errno) : "ok");
}

void show_error(const char *what, int err)
{
	say("%s: %s", what, err ? err_name(err) : "0");
}

long must_hold(const char *file, int line, const char *what, long r)
{
	const char *base = strrchr(file, '/');

	if (r != -1)
		return r;
	say("%s:%d: %s: %s", base ? base + 1 : file, line, what,
	    err_name(errno));
	_exit(99);
}

char *page_end(size_t n)
{
	char *p = (char *)must(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	must(mprotect(p + PAGE, PAGE, PROT_NONE));
	return p + PAGE - n;
}

void *bad_pointer(void)
{
	return page_end(0);
}

void put_file(const char *path, const char *text)
{
	int fd = must(open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644));

	must(write(fd, text, strlen(text)));
	must(close(fd));
}

void show_file(const char *path)
{
	char buf[512], out[2100];
	int fd = open(path, O_RDONLY), o = 0;
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	if (n < 0) {
		say("%s: %s", path, err_name(errno));
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		unsigned char c = buf[i];

		if (c >= ' ' && c < 127)
			out[o++] = c;
		else
			o += sprintf(out + o, "\\x%02x", c);
	}
	out[o] = 0;
	close(fd);
	say("%s: %zd bytes \"%s\"", path, n, out);
}

char slurped[200000];

int slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), n, total = 0;

	if (fd < 0)
		return -1;
	while ((n = read(fd, slurped + total, sizeof(slurped) - 1 - total)) > 0)
		total += n;
	slurped[total] = 0;
	close(fd);
	return n < 0 ? -1 : total;
}

const char *value(const char *key)
{
	static char line[256];
	size_t n = strlen(key);

	for (const char *p = slurped; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, n) != 0 || !strchr(":\t ", p[n]))
			continue;
		p += n;
		p += strspn(p, ": \t");
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(p, "\n"), p);
		return line;
	}
	return NULL;
}

void sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

pid_t spawn(int (*fn)(void *arg), void *arg)
{
	pid_t pid = must(fork());

	if (pid == 0)
		_exit(fn(arg));
	return pid;
}

int await(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

void show_exit(const char *what, pid_t pid)
{
	say("%s: %s", what, status_name(await(pid)));
}

void on_signal(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	must(sigaction(sig, &sa, NULL));
}

void count_signal(int sig)
{
	signal_count++;
	signal_last = sig;
}

void ticks_start(int sa_flags)
{
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };

	on_signal(SIGALRM, count_signal, sa_flags);
	must(setitimer(ITIMER_REAL, &it, NULL));
}

void ticks_stop(void)
{
	struct itimerval it = { { 0, 0 }, { 0, 0 } };

	must(setitimer(ITIMER_REAL, &it, NULL));
}

void test_register(struct test *t)
{
	struct test **p = &tests;

	while (*p)
		p = &(*p)->next;
	*p = t;
}

void helper_register(struct helper *h)
{
	h->next = helpers;
	helpers = h;
}

static void find_self(const char *arg)
{
	if (arg[0] != '/' && !getcwd(self_path, 2048))
		self_path[0] = 0;
	if (arg[0] != '/')
		strcat(self_path, "/");
	strncat(self_path, arg, 2000);
}

static void enter_tmpdir(void)
{
	const char *base = getenv("TMPDIR");
	char dir[512];

	snprintf(dir, sizeof(dir), "%s/linux-test-XXXXXX",
		 base ? base : "/tmp");
	if (!mkdtemp(dir) || chdir(dir) < 0) {
		fprintf(stderr, "harness: %s: %s\n", dir, err_name(errno));
		exit(99);
	}
}

static int run_helper(int argc, char **argv)
{
	for (struct helper *h = helpers; h && argc > 0; h = h->next)
		if (strcmp(h->name, argv[0]) == 0)
			return h->fn(argc, argv);
	return 99;
}

int main(int argc, char **argv)
{
	struct rlimit core;

	find_self(argv[0]);
	if (argc >= 3 && strcmp(argv[1], "--helper") == 0)
		return run_helper(argc - 2, argv + 2);
	if (argc != 2) {
		fprintf(stderr, "usage: %s --list | NAME\n", argv[0]);
		return 2;
	}
	if (strcmp(argv[1], "--list") == 0) {
		for (struct test *t = tests; t; t = t->next)
			puts(t->name);
		return 0;
	}
	for (struct test *t = tests; t; t = t->next) {
		if (strcmp(t->name, argv[1]) != 0)
			continue;
		must(getrlimit(RLIMIT_CORE, &core));
		core.rlim_cur = 0;
		must(setrlimit(RLIMIT_CORE, &core));
		umask(022);
		enter_tmpdir();
		t->fn();
		return 0;
	}
	fprintf(stderr, "%s: no test '%s'\n", argv[0], argv[1]);
	return 2;
}
