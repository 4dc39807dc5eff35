/* SPDX-License-Identifier: MIT */
/*
 * execve() and relatives: what is passed on, what is reset, scripts, errors.
 */
#include "harness.h"

#include <grp.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>

extern char **environ;

/* Run a helper of this family in a child and print how it ended. */
#define run_helper(...) run_helper_args((char *[]){ __VA_ARGS__, NULL })

static void run_helper_args(char **args)
{
	char *argv[16] = { "x", "--helper" };
	pid_t pid;

	for (int i = 0; args[i]; i++)
		argv[i + 2] = args[i];
	pid = must(fork());
	if (pid == 0) {
		execv(self_path, argv);
		say("execv: %s", err_name(errno));
		_exit(126);
	}
	show_exit("helper", pid);
}

static int try_exec(const char *path)
{
	char *argv[] = { "argv0", "one", "two", NULL };
	pid_t pid = must(fork());

	if (pid == 0) {
		execv(path, argv);
		say("execv: %s", err_name(errno));
		_exit(126);
	}
	return await(pid);
}

static void put_program(const char *path, const char *text, int mode)
{
	put_file(path, text);
	must(chmod(path, mode));
}

HELPER(print)
{
	for (int i = 0; i < argc; i++)
		say("argv[%d] '%s'", i, argv[i]);
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "TEST", 4) == 0)
			say("env '%s'", *e);
	return 12;
}

TEST(arguments_and_environment)
{
	must(clearenv());
	must(setenv("TEST_A", "value", 1));
	must(setenv("TEST_EMPTY", "", 1));
	run_helper("print", "a b", "", "c\td");
}

TEST(empty_environment)
{
	char *argv[] = { "x", "--helper", "print", NULL }, *envp[] = { NULL };
	pid_t pid = fork();

	setenv("TEST_A", "value", 1);
	if (pid == 0) {
		execve(self_path, argv, envp);
		_exit(126);
	}
	show_exit("helper", pid);
}

TEST(replaces_program)
{
	char *argv[] = { "x", "--helper", "print", "last", NULL };

	setenv("TEST_A", "value", 1);
	execv(self_path, argv);
}

TEST(keeps_pid_and_cwd)
{
	char me[80];
	pid_t pid = must(fork());

	if (pid == 0) {
		sprintf(me, "[ $$ = %d ] && [ \"$(pwd -P)\" = / ] && exit 5",
			getpid());
		must(chdir("/"));
		execl("/bin/sh", "sh", "-c", me, NULL);
		_exit(126);
	}
	show_exit("sh", pid);
}

HELPER(fds)
{
	for (int i = 1; i < argc; i++)
		say("%s %s", argv[i],
		    fcntl(atoi(argv[i]), F_GETFD) >= 0 ? "open" : "closed");
	return 0;
}

TEST(close_on_exec)
{
	must(dup2(1, 20));
	must(dup3(1, 21, O_CLOEXEC));
	must(dup2(1, 22));
	must(fcntl(22, F_SETFD, FD_CLOEXEC));
	run_helper("fds", "20", "21", "22");
	num(fcntl(21, F_GETFD));
}

HELPER(signals)
{
	struct sigaction sa;
	sigset_t s;

	must(sigaction(SIGUSR1, NULL, &sa));
	say("SIGUSR1 %s", sa.sa_handler == SIG_DFL ? "default" : "kept");
	must(sigaction(SIGUSR2, NULL, &sa));
	say("SIGUSR2 %s", sa.sa_handler == SIG_IGN ? "ignored" : "changed");
	must(sigprocmask(SIG_BLOCK, NULL, &s));
	say("SIGHUP %s", sigismember(&s, SIGHUP) ? "blocked" : "open");
	must(sigpending(&s));
	say("SIGHUP %s", sigismember(&s, SIGHUP) ? "pending" : "none");
	return 0;
}

TEST(signals_over_exec)
{
	char *argv[] = { "x", "--helper", "signals", NULL };
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGHUP);
	on_signal(SIGUSR1, count_signal, 0);
	signal(SIGUSR2, SIG_IGN);
	must(sigprocmask(SIG_BLOCK, &s, NULL));
	must(raise(SIGHUP));
	execv(self_path, argv);
}

HELPER(attributes)
{
	struct rlimit r;
	stack_t ss;
	char name[16];

	must(getrlimit(RLIMIT_NOFILE, &r));
	num(r.rlim_cur);
	say("%o", umask(0));
	must(sigaltstack(NULL, &ss));
	fact(ss.ss_flags == SS_DISABLE);
	must(prctl(PR_GET_NAME, name));
	say("%s", name);
	fact(getpriority(PRIO_PROCESS, 0) == 5);
	fact(alarm(0) > 0);
	num(prctl(PR_GET_KEEPCAPS));
	return 0;
}

TEST(attributes_over_exec)
{
	struct rlimit r = { 55, 60 };
	stack_t ss = { malloc(65536), 0, 65536 };
	char *argv[] = { "x", "--helper", "attributes", NULL };

	must(link(self_path, "program") < 0 ? symlink(self_path, "program") : 0);
	must(setrlimit(RLIMIT_NOFILE, &r));
	umask(0137);
	must(sigaltstack(&ss, NULL));
	must(prctl(PR_SET_NAME, "before"));
	must(setpriority(PRIO_PROCESS, 0, 5));
	alarm(100);
	execv("./program", argv);
}

TEST(errors)
{
	char name[300];

	put_program("noexec", "#!/bin/sh\n", 0644);
	put_program("text", "just text", 0755);
	put_program("empty", "", 0755);
	must(mkdir("dir", 0755));
	memset(name, 'n', 299);
	name[299] = 0;
	try_exec("nothing");
	try_exec("noexec");
	try_exec("text");
	try_exec("empty");
	try_exec("dir");
	try_exec("noexec/x");
	try_exec(name);
	try_exec("");
	try_exec(bad_pointer());
	show(syscall(SYS_execve, self_path, bad_pointer(), NULL));
	show(syscall(SYS_execve, self_path, ((char *[]){ bad_pointer(), NULL }),
		     NULL));
}

TEST(damaged_elf)
{
	char head[64] = "\177ELF\2\1\1";
	int fd;

	put_program("short", "\177ELF", 0755);
	try_exec("short");
	fd = must(open("half", O_CREAT | O_WRONLY, 0755));
	must(write(fd, head, sizeof(head)));
	close(fd);
	try_exec("half");
	head[16] = 2;
	head[18] = 40;
	fd = must(open("arm", O_CREAT | O_WRONLY, 0755));
	must(write(fd, head, sizeof(head)));
	close(fd);
	try_exec("arm");
}

TEST(script)
{
	put_program("s", "#!/bin/sh\necho \"$0\" \"$@\"\nexit 3\n", 0755);
	say("%s", status_name(try_exec("./s")));
}

TEST(script_with_argument)
{
	char line[4200];

	sprintf(line, "#! %s   --helper  \n", self_path);
	put_program("print", line, 0755);
	say("%s", status_name(try_exec("print")));
	sprintf(line, "#!/bin/sh -e -u \nexit 1\n");
	put_program("two", line, 0755);
	fact(WEXITSTATUS(try_exec("./two")) == 2);
}

TEST(script_errors)
{
	put_program("a", "#!/nothing/here\n", 0755);
	put_program("b", "#!\n", 0755);
	put_program("loop", "#!./loop\n", 0755);
	put_program("dir", "#!/\n", 0755);
	try_exec("./a");
	try_exec("./b");
	try_exec("./loop");
	try_exec("./dir");
}

TEST(script_of_script)
{
	char line[4200], cwd[4096];

	must((long)getcwd(cwd, sizeof(cwd)) ? 0 : -1);
	put_program("inner", "#!/bin/sh\necho inner $# \"$2\"\n", 0755);
	sprintf(line, "#!%s/inner\n", cwd);
	put_program("outer", line, 0755);
	say("%s", status_name(try_exec("./outer")));
}

TEST(execvp_searches_path)
{
	must(mkdir("bin", 0755));
	put_program("bin/tool", "#!/bin/sh\necho tool\n", 0755);
	put_program("bin/plain", "echo plain\n", 0755);
	must(setenv("PATH", "/nothing:bin", 1));
	if (fork() == 0) {
		execlp("tool", "tool", NULL);
		_exit(126);
	}
	wait(NULL);
	if (fork() == 0) {
		execlp("plain", "plain", NULL);
		_exit(126);
	}
	wait(NULL);
	show(execlp("missing", "missing", NULL));
}

TEST(arguments_too_long)
{
	size_t n = 200 << 10;
	char *big = malloc(n), *argv[] = { "x", big, NULL };
	char **many = calloc(sizeof(char *), 20001);

	memset(big, 'a', n);
	big[n - 1] = 0;
	show(execv("/bin/true", argv));
	big[(128 << 10)] = 0;
	show(execv("/bin/true", argv));
	for (int i = 0; i < 20000; i++)
		many[i] = big + (128 << 10) - 1000;
	show(execv("/bin/true", many));
	big[(128 << 10) - 1] = 0;
	execv("/bin/true", argv);
}

TEST(large_arguments_pass)
{
	static char big[100000];
	char *argv[] = { "sh", "-c", "echo ${#0} ${#1}", big, big, NULL };

	memset(big, 'b', sizeof(big) - 1);
	execv("/bin/sh", argv);
}

TEST(null_argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		syscall(SYS_execve, "/bin/true", NULL, NULL);
		_exit(126);
	}
	show_exit("true", pid);
}

static void *exec_in_thread(void *arg)
{
	char *argv[] = { "x", "--helper", "print", "from thread", NULL };

	execv(self_path, argv);
	return NULL;
}

TEST(exec_from_thread)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, exec_in_thread, NULL));
	for (;;)
		pause();
}

__attribute__((noreturn)) static void *spin(void *arg)
{
	for (;;)
		sleep_ms(1);
}

HELPER(single)
{
	fact(getpid() == gettid());
	fact(access("/proc/self/task", F_OK) < 0 || atoi(argv[1]) == getpid());
	return 0;
}

TEST(exec_ends_other_threads)
{
	char pid[16];
	char *argv[] = { "x", "--helper", "single", pid, NULL };
	pthread_t t;

	sprintf(pid, "%d", getpid());
	for (int i = 0; i < 4; i++)
		must0(pthread_create(&t, NULL, spin, NULL));
	execv(self_path, argv);
}

HELPER(nothing)
{
	return 0;
}

static int vfork_child;		/* atomic; 0: none, -1: no more */

static void *signal_vfork_child(void *arg)
{
	int pid, last = 0, sent = 0;

	while ((pid = __atomic_load_n(&vfork_child, __ATOMIC_SEQ_CST)) >= 0) {
		if (pid != last)
			sent = 0;
		last = pid;
		/* without end they would leave the child no time */
		if (pid && sent++ < 20)
			kill(pid, SIGURG);
	}
	return NULL;
}

/* The handler, then nobody, takes signals on the way out of shared memory. */
TEST(vfork_exec_among_signals)
{
	char *argv[] = { "x", "--helper", "nothing", NULL };
	pthread_t t;
	int status;

	on_signal(SIGURG, count_signal, 0);
	must0(pthread_create(&t, NULL, signal_vfork_child, NULL));
	for (int i = 0; i < 200; i++) {
		pid_t pid = must(vfork());

		if (pid == 0) {
			__atomic_store_n(&vfork_child, getpid(),
					 __ATOMIC_SEQ_CST);
			execv(self_path, argv);
			_exit(126);
		}
		__atomic_store_n(&vfork_child, 0, __ATOMIC_SEQ_CST);
		must(waitpid(pid, &status, 0));
		if (status)
			say("status %#x", status);
	}
	__atomic_store_n(&vfork_child, -1, __ATOMIC_SEQ_CST);
	must0(pthread_join(t, NULL));
}

TEST(execveat_calls)
{
	char *argv[] = { "x", "--helper", "print", "at", NULL };
	int dir, fd;

	put_program("s", "#!/bin/sh\nexit 0\n", 0755);
	fd = must(open(self_path, O_PATH | O_CLOEXEC));
	dir = must(open(".", O_RDONLY | O_DIRECTORY));
	must(symlink("s", "l"));
	show(syscall(SYS_execveat, dir, "nothing", argv, environ, 0));
	show(syscall(SYS_execveat, -1, "s", argv, environ, 0));
	show(syscall(SYS_execveat, dir, "l", argv, environ,
		     AT_SYMLINK_NOFOLLOW));
	show(syscall(SYS_execveat, dir, "s", argv, environ, 0x1));
	show(syscall(SYS_execveat, fd, "", argv, environ, 0));
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
}

TEST(posix_spawn_actions)
{
	char *argv[] = { "sh", "-c", "echo to file; exit 6", NULL };
	posix_spawn_file_actions_t fa;
	pid_t pid;

	must0(posix_spawn_file_actions_init(&fa));
	must0(posix_spawn_file_actions_addopen(&fa, 1, "out",
					       O_CREAT | O_WRONLY, 0600));
	show_err(posix_spawn(&pid, "/bin/sh", &fa, NULL, argv, environ));
	show_exit("sh", pid);
	show_file("out");
}

TEST(posix_spawn_attributes)
{
	char *argv[] = { "x", "--helper", "signals", NULL };
	posix_spawnattr_t a;
	sigset_t s;
	pid_t pid;

	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&s);
	sigaddset(&s, SIGHUP);
	must0(posix_spawnattr_init(&a));
	must0(posix_spawnattr_setsigmask(&a, &s));
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	must0(posix_spawnattr_setsigdefault(&a, &s));
	must0(posix_spawnattr_setflags(&a, POSIX_SPAWN_SETSIGMASK |
				       POSIX_SPAWN_SETSIGDEF |
				       POSIX_SPAWN_SETPGROUP));
	signal(SIGUSR1, SIG_IGN);
	must0(posix_spawn(&pid, self_path, NULL, &a, argv, environ));
	show_exit("helper", pid);
}

TEST(posix_spawn_failure)
{
	char *argv[] = { "x", NULL };
	pid_t pid;

	show_err(posix_spawn(&pid, "/nothing", NULL, NULL, argv, environ));
	show_err(posix_spawnp(&pid, "nothing-here", NULL, NULL, argv, environ));
	show_err(posix_spawn(&pid, "/", NULL, NULL, argv, environ));
}

TEST(system_and_popen)
{
	char line[64] = "";
	FILE *f;

	say("%s", status_name(system("exit 3")));
	say("%s", status_name(system("kill -TERM $$")));
	f = popen("echo from popen; exit 4", "r");
	fgets(line, sizeof(line), f);
	say("%.10s", line);
	say("%s", status_name(pclose(f)));
}

TEST(auxiliary_vector)
{
	fact(getauxval(AT_PAGESZ) == 4096);
	fact(getauxval(AT_PHDR) != 0);
	fact(getauxval(AT_PHNUM) > 0);
	fact(getauxval(AT_ENTRY) != 0);
	fact(getauxval(AT_RANDOM) != 0);
	fact(getauxval(AT_UID) == getuid());
	fact(getauxval(AT_EGID) == getegid());
	num(getauxval(AT_SECURE));
	num(getauxval(AT_CLKTCK));
	fact(getauxval(AT_EXECFN) && access((char *)getauxval(AT_EXECFN),
					    X_OK) == 0);
}

TEST(text_busy)
{
	char buf[8192];
	int in = must(open(self_path, O_RDONLY)), out;
	ssize_t n;
	pid_t pid;

	out = must(open("copy", O_CREAT | O_WRONLY, 0755));
	while ((n = read(in, buf, sizeof(buf))) > 0)
		must(write(out, buf, n));
	try_exec("./copy");
	close(out);
	pid = must(fork());
	if (pid == 0) {
		execl("./copy", "copy", "--helper", "print", NULL);
		_exit(126);
	}
	show_exit("copy", pid);
}

TEST(removed_program_runs_on)
{
	must(symlink("/bin/sh", "l"));
	put_program("s", "#!/bin/sh\nrm \"$0\"\n[ ! -e \"$0\" ]\necho gone\n",
		    0755);
	say("%s", status_name(try_exec("./s")));
}
