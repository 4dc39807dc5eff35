/* SPDX-License-Identifier: MIT */
/*
 * Threads: life, names, thread-local storage, signals to threads,
 * threads together with fork() and exit().
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, fn, arg));
	return t;
}

static void *join(pthread_t t)
{
	void *r = NULL;

	must0(pthread_join(t, &r));
	return r;
}

static void *twice(void *arg)
{
	return (void *)(2 * (long)arg);
}

__attribute__((noreturn)) static void *forever(void *arg)
{
	for (;;)
		pause();
}

TEST(create_and_join)
{
	pthread_t t = start(twice, (void *)21);

	num(join(t));
}

static void *exit_early(void *arg)
{
	pthread_exit(arg);
}

TEST(pthread_exit_value)
{
	num(join(start(exit_early, (void *)33)));
}

static void *ids(void *arg)
{
	fact(getpid() != gettid());
	fact(getpid() == *(pid_t *)arg);
	fact(getppid() != getpid());
	return NULL;
}

TEST(same_process_id)
{
	pid_t me = getpid();

	fact(gettid() == me);
	join(start(ids, &me));
}

static _Thread_local int local = 5;
static int global = 5;

static void *change(void *arg)
{
	num(local);
	local += (long)arg;
	global += (long)arg;
	num(local);
	return NULL;
}

TEST(thread_local_storage)
{
	join(start(change, (void *)1));
	join(start(change, (void *)2));
	num(local);
	num(global);
}

static pthread_key_t key;

static void on_key(void *value)
{
	say("destructor %ld", (long)value);
}

static void *use_key(void *arg)
{
	pthread_setspecific(key, arg);
	return pthread_getspecific(key);
}

TEST(keys_with_destructor)
{
	must0(pthread_key_create(&key, on_key));
	num(join(start(use_key, (void *)7)));
	num(pthread_getspecific(key));
	show_err(pthread_key_delete(key));
}

TEST(detach)
{
	pthread_attr_t a;
	pthread_t t;

	must0(pthread_attr_init(&a));
	must0(pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED));
	must0(pthread_create(&t, &a, twice, NULL));
	t = start(twice, NULL);
	show_err(pthread_detach(t));
	sleep_ms(20);
}

static int add_one;
static pthread_mutex_t add_lock = PTHREAD_MUTEX_INITIALIZER;

static void *adder(void *arg)
{
	for (int i = 0; i < (long)arg; i++) {
		pthread_mutex_lock(&add_lock);
		add_one++;
		pthread_mutex_unlock(&add_lock);
	}
	return NULL;
}

TEST(many_threads_at_once)
{
	pthread_t t[64];

	for (int i = 0; i < 64; i++)
		t[i] = start(adder, (void *)100);
	for (int i = 0; i < 64; i++)
		join(t[i]);
	num(add_one);
}

TEST(many_threads_in_turn)
{
	for (int i = 0; i < 500; i++)
		join(start(adder, (void *)1));
	num(add_one);
}

static void *own_stack(void *arg)
{
	volatile char big[200000];

	for (size_t i = 0; i < sizeof(big); i += 1000)
		big[i] = i / 1000;
	return (void *)(long)big[5000];
}

TEST(stack_size)
{
	pthread_attr_t a;
	pthread_t t;
	size_t size;

	must0(pthread_attr_init(&a));
	show_err(pthread_attr_setstacksize(&a, 1000));
	show_err(pthread_attr_setstacksize(&a, 512 << 10));
	must0(pthread_attr_getstacksize(&a, &size));
	num(size);
	must0(pthread_create(&t, &a, own_stack, NULL));
	num(join(t));
}

static void *overflow(void *arg)
{
	volatile char big[4096];

	big[0] = (long)arg;
	return (long)arg ? overflow((void *)((long)arg + 1)) + big[0] : NULL;
}

TEST(stack_guard)
{
	pid_t pid = fork();

	if (pid == 0) {
		join(start(overflow, (void *)1));
		_exit(0);
	}
	show_exit("child", pid);
}

static void *named(void *arg)
{
	char name[16];

	must0(pthread_setname_np(pthread_self(), "worker"));
	must(prctl(PR_GET_NAME, name));
	say("%s", name);
	return NULL;
}

TEST(names)
{
	char name[16];
	pthread_t t = start(forever, NULL);

	must(prctl(PR_SET_NAME, "main"));
	join(start(named, NULL));
	must(prctl(PR_GET_NAME, name));
	say("%s", name);
	show_err(pthread_setname_np(pthread_self(), "name with 16 chars"));
	show_err(pthread_setname_np(t, "other"));
	must0(pthread_getname_np(t, name, sizeof(name)));
	say("%s", name);
}

TEST(exit_group_ends_all)
{
	for (int i = 0; i < 5; i++)
		start(forever, NULL);
	exit(7);
}

static void *exit_process(void *arg)
{
	exit(8);
}

TEST(exit_from_thread)
{
	start(exit_process, NULL);
	forever(NULL);
}

static void *outlive(void *arg)
{
	sleep_ms(50);
	say("still here");
	exit(9);
}

TEST(main_thread_ends_first)
{
	start(outlive, NULL);
	pthread_exit(NULL);
}

static void *last_thread(void *arg)
{
	sleep_ms(50);
	say("last");
	return NULL;
}

TEST(last_thread_ends_process)
{
	start(last_thread, NULL);
	pthread_exit(NULL);
}

TEST(raw_exit_of_main)
{
	start(outlive, NULL);
	syscall(SYS_exit, 3);
}

static void *fork_here(void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		fact(getpid() == gettid());
		_exit(4);
	}
	return (void *)(long)await(pid);
}

TEST(fork_from_thread)
{
	for (int i = 0; i < 3; i++)
		start(forever, NULL);
	say("%s", status_name((long)join(start(fork_here, NULL))));
}

static void before_fork(void)
{
	say("prepare");
}

static void after_parent(void)
{
	say("parent");
}

TEST(atfork_handlers)
{
	pid_t pid;

	must0(pthread_atfork(before_fork, after_parent, NULL));
	pid = fork();
	if (pid == 0)
		_exit(0);
	await(pid);
}

static void *wait_for(void *arg)
{
	return (void *)(long)await((long)arg);
}

TEST(wait_for_child_of_other_thread)
{
	pid_t pid;

	pid = fork();
	if (pid == 0)
		_exit(6);
	say("%s", status_name((long)join(start(wait_for, (void *)(long)pid))));
}

static pthread_t handler_thread;

static void note_thread(int sig)
{
	handler_thread = pthread_self();
	signal_count++;
}

static void *wait_signal(void *arg)
{
	*(volatile int *)arg = 1;
	while (signal_count == 0)
		sleep_ms(1);
	return NULL;
}

TEST(kill_thread)
{
	volatile int up = 0;
	pthread_t t;

	on_signal(SIGUSR1, note_thread, 0);
	t = start(wait_signal, (void *)&up);
	while (!up)
		sched_yield();
	do {
		must0(pthread_kill(t, SIGUSR1));
		sleep_ms(5);
	} while (!signal_count);
	join(t);
	fact(pthread_equal(handler_thread, t));
	show_err(pthread_kill(pthread_self(), 0));
	show_err(pthread_kill(pthread_self(), 99));
}

static void *spin_until_signal(void *arg)
{
	*(volatile int *)arg = 1;
	while (signal_count == 0)
		;
	return NULL;
}

TEST(kill_spinning_thread)
{
	volatile int up = 0;
	pthread_t t;

	on_signal(SIGUSR1, note_thread, 0);
	t = start(spin_until_signal, (void *)&up);
	while (!up)
		sched_yield();
	must0(pthread_kill(t, SIGUSR1));
	join(t);
	fact(pthread_equal(handler_thread, t));
}

static void *open_signal(void *arg)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	must0(pthread_sigmask(SIG_UNBLOCK, &s, NULL));
	while (signal_count == 0)
		sleep_ms(5);
	return NULL;
}

TEST(process_signal_takes_open_thread)
{
	sigset_t s;
	pthread_t t;

	on_signal(SIGUSR1, note_thread, 0);
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	must0(pthread_sigmask(SIG_BLOCK, &s, NULL));
	t = start(open_signal, NULL);
	must(kill(getpid(), SIGUSR1));
	join(t);
	fact(pthread_equal(handler_thread, t));
	must0(pthread_sigmask(SIG_BLOCK, NULL, &s));
	num(sigismember(&s, SIGUSR1));
}

static void *mask_of_thread(void *arg)
{
	sigset_t s;

	must0(pthread_sigmask(SIG_BLOCK, NULL, &s));
	return (void *)(long)sigismember(&s, SIGUSR2);
}

TEST(mask_inherited)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	num(join(start(mask_of_thread, NULL)));
	must0(pthread_sigmask(SIG_BLOCK, &s, NULL));
	num(join(start(mask_of_thread, NULL)));
}

TEST(fatal_signal_ends_all_threads)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 4; i++)
			start(forever, NULL);
		sleep_ms(20);
		raise(SIGTERM);
		_exit(1);
	}
	show_exit("child", pid);
}

static void *bad_access(void *arg)
{
	*(volatile int *)8 = 1;
	return NULL;
}

TEST(fault_in_thread_kills_process)
{
	pid_t pid = fork();

	if (pid == 0) {
		start(bad_access, NULL);
		forever(NULL);
	}
	show_exit("child", pid);
}

TEST(stop_and_continue_all)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		start(forever, NULL);
		start(forever, NULL);
		forever(NULL);
	}
	sleep_ms(30);
	must(kill(pid, SIGSTOP));
	must(waitpid(pid, &status, WUNTRACED));
	say("%s", status_name(status));
	must(kill(pid, SIGCONT));
	must(waitpid(pid, &status, WCONTINUED));
	say("%s", status_name(status));
	must(kill(pid, SIGKILL));
	show_exit("child", pid);
}

static void once_only(void)
{
	say("once");
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *call_once(void *arg)
{
	pthread_once(&once, once_only);
	return NULL;
}

TEST(once_control)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		t[i] = start(call_once, NULL);
	for (int i = 0; i < 8; i++)
		join(t[i]);
}

static void *change_cwd(void *arg)
{
	must(chdir("/"));
	umask(0123);
	must(setenv("SEEN", "yes", 1));
	return (void *)must(dup2(1, 50));
}

TEST(process_attributes_shared)
{
	char buf[4096];

	num(join(start(change_cwd, NULL)));
	say("%s %o %s", getcwd(buf, sizeof(buf)), umask(0), getenv("SEEN"));
	show(fcntl(50, F_GETFD));
}

static void *cpu_clock(void *arg)
{
	struct timespec a, b;
	clockid_t c;
	volatile long x = 0;

	must0(pthread_getcpuclockid(pthread_self(), &c));
	must(clock_gettime(c, &a));
	for (long i = 0; i < 20000000; i++)
		x += i;
	must(clock_gettime(c, &b));
	return (void *)(long)(b.tv_sec > a.tv_sec || b.tv_nsec > a.tv_nsec);
}

TEST(thread_cpu_clock)
{
	num(join(start(cpu_clock, NULL)));
}

static uint32_t spin_stop;

static void *spin_until_told(void *arg)
{
	while (!__atomic_load_n(&spin_stop, __ATOMIC_RELAXED))
		;
	return NULL;
}

TEST(cpu_clock_of_other_thread)
{
	struct timespec ts = { 0, 0 }, nap = { 0, 50000000 };
	clockid_t c;
	pthread_t t;

	must0(pthread_create(&t, NULL, spin_until_told, NULL));
	must0(pthread_getcpuclockid(t, &c));
	nanosleep(&nap, NULL);
	show(clock_gettime(c, &ts));
	fact(ts.tv_sec || ts.tv_nsec);
	__atomic_store_n(&spin_stop, 1, __ATOMIC_RELAXED);
	must0(pthread_join(t, NULL));
}

#ifdef __GLIBC__
#define CAN_END_RAW 1
#else
#define CAN_END_RAW 0
#endif

static volatile int end_now;

static void *end_when_told(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	*(volatile int *)arg = 1;
	while (!end_now)
		sched_yield();
	/* the library's way blocks signals first; nobody can join it so */
	syscall(SYS_exit, 0);
	return NULL;
}

static void *end_after_signal(void *arg)
{
	sigset_t set;
	int seen = *(int *)arg;

	sigemptyset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	while (signal_count == seen)
		usleep(100);
	return NULL;
}

/* A signal to the process that was meant for a thread which ends goes to
 * another one: else this waits for ever. */
TEST(signal_of_a_thread_that_ends)
{
	volatile int started;
	pthread_t first, second;
	pthread_attr_t small;
	sigset_t set;
	int seen;

	if (!CAN_END_RAW)
		skip("the library's list of threads would break");
	must0(pthread_attr_init(&small));
	must0(pthread_attr_setstacksize(&small, 65536));
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must0(pthread_sigmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < 200; i++) {
		started = end_now = 0;
		seen = signal_count;
		must0(pthread_create(&first, &small, end_when_told,
				     (void *)&started));
		must0(pthread_create(&second, NULL, end_after_signal, &seen));
		while (!started)
			sched_yield();
		end_now = 1;
		for (volatile int n = i; n; n--)
			;
		must(kill(getpid(), SIGUSR1));
		must0(pthread_join(second, NULL));
	}
	num(signal_count);
}
