/* SPDX-License-Identifier: MIT */
/*
 * Threads as such: attributes, stacks, affinity, scheduling, joining with
 * limits, signals to threads, handlers of fork.
 */
#include "pthread_help.h"

#include <limits.h>
#include <sys/resource.h>

static void *nothing(void *arg)
{
	return arg;
}

TEST(attributes)
{
	struct sched_param p;
	pthread_attr_t a;
	size_t size;
	int v;

	must0(pthread_attr_init(&a));
	show_err(pthread_attr_getdetachstate(&a, &v));
	num(v);
	show_err(pthread_attr_setdetachstate(&a, 2));
	show_err(pthread_attr_getguardsize(&a, &size));
	num(size);
	show_err(pthread_attr_getinheritsched(&a, &v));
	num(v);
	show_err(pthread_attr_setinheritsched(&a, 2));
	show_err(pthread_attr_getscope(&a, &v));
	num(v);
	show_err(pthread_attr_setscope(&a, PTHREAD_SCOPE_PROCESS));
	show_err(pthread_attr_getschedpolicy(&a, &v));
	num(v);
	show_err(pthread_attr_setschedpolicy(&a, 99));
	show_err(pthread_attr_getschedparam(&a, &p));
	num(p.sched_priority);
	show_err(pthread_attr_setstacksize(&a, PTHREAD_STACK_MIN - 1));
	show_err(pthread_attr_setstacksize(&a, PTHREAD_STACK_MIN));
	show_err(pthread_attr_setstack(&a, &a, 100));
	show_err(pthread_attr_destroy(&a));
}

TEST(default_stack_is_the_limit)
{
	struct rlimit l;
	pthread_attr_t a;
	size_t size;

	must(getrlimit(RLIMIT_STACK, &l));
	must0(pthread_attr_init(&a));
	must0(pthread_attr_getstacksize(&a, &size));
	fact(l.rlim_cur == RLIM_INFINITY || size == l.rlim_cur);
}

/* Where the stack of the calling thread is, by its own word. */
static void show_stack(size_t want, size_t want_guard)
{
	char here, *low;
	pthread_attr_t a;
	size_t size, guard;
	void *base;

	must0(pthread_getattr_np(pthread_self(), &a));
	must0(pthread_attr_getstack(&a, &base, &size));
	must0(pthread_attr_getguardsize(&a, &guard));
	low = base;
	fact(&here > low && &here < low + size);
	fact(!want || size == want);
	fact(guard == want_guard);
	must0(pthread_attr_destroy(&a));
}

static void *use_stack(void *arg)
{
	volatile char space[40000];

	for (unsigned int i = 0; i < sizeof(space); i += 512)
		space[i] = 1;
	show_stack(65536, (size_t)arg);
	return NULL;
}

TEST(stack_of_a_size)
{
	pthread_attr_t a;
	pthread_t t;

	for (size_t guard = 0; guard <= 2 * PAGE; guard += PAGE) {
		must0(pthread_attr_init(&a));
		must0(pthread_attr_setstacksize(&a, 65536));
		must0(pthread_attr_setguardsize(&a, guard));
		must0(pthread_create(&t, &a, use_stack, (void *)guard));
		join(t);
	}
}

TEST(stack_of_ones_own)
{
	char *memory = (char *)must(mmap(NULL, 65536, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	int used = 0;
	pthread_attr_t a;
	pthread_t t;

	must0(pthread_attr_init(&a));
	must0(pthread_attr_setstack(&a, memory, 65536));
	must0(pthread_create(&t, &a, use_stack, NULL));
	join(t);
	for (int i = 0; i < 65536; i++)
		used += memory[i] != 0;
	fact(used > 0);
}

TEST(stack_of_the_first_thread)
{
	show_stack(0, 0);
}

static void *over_the_guard(void *arg)
{
	pthread_attr_t a;
	size_t size;
	void *base;

	must0(pthread_getattr_np(pthread_self(), &a));
	must0(pthread_attr_getstack(&a, &base, &size));
	((volatile char *)base)[-1] = 1;
	say("not reached");
	return NULL;
}

TEST(guard)
{
	pid_t pid = must(fork());

	if (!pid) {
		join(start(over_the_guard, NULL));
		_exit(0);
	}
	show_exit("child", pid);
}

TEST(no_room_for_a_stack)
{
	pthread_attr_t a;
	pthread_t t;

	must0(pthread_attr_init(&a));
	must0(pthread_attr_setstacksize(&a, 1ul << 47));
	show_err(pthread_create(&t, &a, nothing, NULL));
}

/* --- affinity --------------------------------------------------------------*/
static void *on_cpu(void *arg)
{
	cpu_set_t set;

	must0(pthread_getaffinity_np(pthread_self(), sizeof(set), &set));
	num(CPU_COUNT(&set));
	fact(CPU_ISSET(0, &set));
	return NULL;
}

TEST(affinity)
{
	cpu_set_t one, none, got, far;
	pthread_attr_t a;
	pthread_t t;

	CPU_ZERO(&none);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	CPU_ZERO(&far);
	CPU_SET(1000, &far);
	show_err(pthread_setaffinity_np(pthread_self(), sizeof(none), &none));
	show_err(pthread_setaffinity_np(pthread_self(), sizeof(far), &far));
	must0(pthread_attr_init(&a));
	must0(pthread_attr_setaffinity_np(&a, sizeof(one), &one));
	must0(pthread_create(&t, &a, on_cpu, NULL));
	join(t);
	show_err(pthread_setaffinity_np(pthread_self(), sizeof(one), &one));
	join(start(on_cpu, NULL));
	CPU_ZERO(&got);
	show_err(pthread_getaffinity_np(pthread_self(), sizeof(got), &got));
	fact(CPU_EQUAL(&got, &one));
	show_err(pthread_getaffinity_np(pthread_self(), 1, &got));
}

/* --- scheduling ------------------------------------------------------------*/
static void *tell_sched(void *arg)
{
	struct sched_param p;
	int policy;

	must0(pthread_getschedparam(pthread_self(), &policy, &p));
	say("policy %d, priority %d", policy, p.sched_priority);
	return NULL;
}

TEST(scheduling)
{
	struct sched_param p = { 0 };
	pthread_attr_t a;
	pthread_t t;
	int err;

	must0(pthread_attr_init(&a));
	tell_sched(NULL);
	show_err(pthread_setschedparam(pthread_self(), SCHED_BATCH, &p));
	join(start(tell_sched, NULL));
	p.sched_priority = 1;
	show_err(pthread_setschedparam(pthread_self(), SCHED_OTHER, &p));
	show_err(pthread_setschedparam(pthread_self(), 99, &p));
	p.sched_priority = 100;
	show_err(pthread_setschedparam(pthread_self(), SCHED_FIFO, &p));
	must0(pthread_attr_setinheritsched(&a, PTHREAD_EXPLICIT_SCHED));
	join(start(tell_sched, NULL));
	must0(pthread_create(&t, &a, tell_sched, NULL));
	join(t);
	p.sched_priority = 7;
	must0(pthread_attr_setschedpolicy(&a, SCHED_FIFO));
	must0(pthread_attr_setschedparam(&a, &p));
	err = pthread_create(&t, &a, tell_sched, NULL);
	if (err == EPERM)
		skip("no real-time rights");
	join(t);
	show_err(pthread_setschedparam(pthread_self(), SCHED_RR, &p));
	show_err(pthread_setschedprio(pthread_self(), 9));
	tell_sched(NULL);
	join(start(tell_sched, NULL));
	must0(pthread_attr_setinheritsched(&a, PTHREAD_INHERIT_SCHED));
	must0(pthread_create(&t, &a, tell_sched, NULL));
	join(t);
}

TEST(scheduling_without_rights)
{
	struct sched_param p = { 0 };
	pthread_attr_t a;
	pthread_t t;
	int err;

	must0(pthread_attr_init(&a));
	need_root();
	must(setgid(65534));
	must(setuid(65534));
	p.sched_priority = 7;
	err = pthread_setschedparam(pthread_self(), SCHED_FIFO, &p);
	if (!err)
		skip("everybody has real-time rights");
	show_error("set", err);
	must0(pthread_attr_setinheritsched(&a, PTHREAD_EXPLICIT_SCHED));
	must0(pthread_attr_setschedpolicy(&a, SCHED_FIFO));
	must0(pthread_attr_setschedparam(&a, &p));
	show_err(pthread_create(&t, &a, tell_sched, NULL));
}

/* --- joining ---------------------------------------------------------------*/
static int tid, go;

static void *until_told(void *arg)
{
	tell_tid(&tid);
	until(&go, 1);
	return (void *)5;
}

TEST(join_with_limits)
{
	pthread_t t = start(until_told, NULL);
	struct timespec real = at_ms(CLOCK_REALTIME, 15);
	struct timespec mono = at_ms(CLOCK_MONOTONIC, 15);
	struct timespec past = { 1, 0 };
	void *r = NULL;

	show_err(pthread_tryjoin_np(t, &r));
	show_err(pthread_timedjoin_np(t, &r, &real));
	show_err(pthread_timedjoin_np(t, &r, &past));
	show_err(pthread_clockjoin_np(t, &r, CLOCK_MONOTONIC, &mono));
	show_err(pthread_clockjoin_np(t, &r, 99, &mono));
	add(&go);
	mono = at_ms(CLOCK_MONOTONIC, 60000);
	show_err(pthread_clockjoin_np(t, &r, CLOCK_MONOTONIC, &mono));
	num(r);
	show_err(pthread_join(pthread_self(), NULL));
}

TEST(detached_can_not_be_joined)
{
	pthread_t t = start(until_told, NULL);

	until(&tid, 1);
	show_err(pthread_detach(t));
	show_err(pthread_detach(t));
	show_err(pthread_join(t, NULL));
	add(&go);
}

TEST(names)
{
	pthread_t t = start(until_told, NULL);
	char name[16];

	until(&tid, 1);
	show_err(pthread_setname_np(t, "fifteen-letters"));
	show_err(pthread_getname_np(t, name, sizeof(name)));
	say("%s", name);
	show_err(pthread_setname_np(t, "sixteen-letters!"));
	show_err(pthread_getname_np(t, name, 15));
	show_err(pthread_getname_np(pthread_self(), name, sizeof(name)));
	say("%s", name);
	add(&go);
	join(t);
}

TEST(cpu_clock)
{
	struct timespec a, b;
	clockid_t clock;

	must0(pthread_getcpuclockid(pthread_self(), &clock));
	must(clock_gettime(clock, &a));
	for (volatile int i = 0; i < 20000000; i++)
		;
	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b));
	fact(b.tv_sec > a.tv_sec ||
	     (b.tv_sec == a.tv_sec && b.tv_nsec > a.tv_nsec));
}

/* --- signals ---------------------------------------------------------------*/
static volatile pthread_t ran_in;
static volatile int value_seen;

static void note(int sig, siginfo_t *info, void *context)
{
	ran_in = pthread_self();
	value_seen = info->si_value.sival_int;
	signal_count++;
}

static void notes(int sig)
{
	struct sigaction a = { .sa_flags = SA_SIGINFO };

	a.sa_sigaction = note;
	must(sigaction(sig, &a, NULL));
}

TEST(signals_to_a_thread)
{
	union sigval value = { .sival_int = 77 };
	pthread_t t;

	notes(SIGUSR1);
	t = start(until_told, NULL);
	until(&tid, 1);
	show_err(pthread_kill(t, 0));
	show_err(pthread_kill(t, 65));
	show_err(pthread_kill(t, SIGUSR1));
	while (signal_count < 1)
		sleep_ms(1);
	fact(pthread_equal(ran_in, t));
	show_err(pthread_sigqueue(t, SIGUSR1, value));
	while (signal_count < 2)
		sleep_ms(1);
	fact(pthread_equal(ran_in, t));
	num(value_seen);
	add(&go);
	join(t);
}

static void *only_tell(void *arg)
{
	tell_tid(&tid);
	return NULL;
}

TEST(signal_to_an_ended_thread)
{
	pthread_t t = start(only_tell, NULL);

	until(&tid, 1);
	while (tgkill(getpid(), tid, 0) == 0)
		sleep_ms(1);
	show_err(pthread_kill(t, 0));
	show_err(pthread_kill(t, SIGUSR1));
	join(t);
}

static void *own_mask(void *arg)
{
	sigset_t s, got;

	must0(pthread_sigmask(SIG_SETMASK, NULL, &got));
	fact(sigismember(&got, SIGUSR1));
	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	must0(pthread_sigmask(SIG_BLOCK, &s, NULL));
	must0(pthread_sigmask(SIG_SETMASK, NULL, &got));
	fact(sigismember(&got, SIGUSR2));
	return NULL;
}

TEST(masks)
{
	sigset_t s, got;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	show_err(pthread_sigmask(9, &s, NULL));
	show_err(pthread_sigmask(SIG_BLOCK, &s, NULL));
	join(start(own_mask, NULL));
	must0(pthread_sigmask(SIG_SETMASK, NULL, &got));
	fact(sigismember(&got, SIGUSR1));
	fact(sigismember(&got, SIGUSR2));
}

/* The mask that a new thread starts with can be an attribute. */
TEST(mask_as_attribute)
{
	pthread_attr_t a;
	pthread_t t;
	sigset_t s;

	must0(pthread_attr_init(&a));
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	show_err(pthread_attr_getsigmask_np(&a, &s));
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	show_err(pthread_attr_setsigmask_np(&a, &s));
	must0(pthread_create(&t, &a, own_mask, NULL));
	join(t);
}

static void *take(void *arg)
{
	long sum = 0;
	sigset_t s;
	int sig;

	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN);
	sigaddset(&s, SIGRTMIN + 1);
	for (;;) {
		must0(sigwait(&s, &sig));
		if (sig == SIGRTMIN + 1)
			return (void *)sum;
		sum++;
	}
}

/* Signals of the process are shared out, none is lost or doubled. */
TEST(sigwait_of_many)
{
	union sigval v = { 0 };
	pthread_t t[3];
	long sum = 0;
	sigset_t s;

	sigfillset(&s);
	must0(pthread_sigmask(SIG_BLOCK, &s, NULL));
	for (int i = 0; i < 3; i++)
		t[i] = start(take, NULL);
	for (int i = 0; i < 60; i++)
		must(sigqueue(getpid(), SIGRTMIN, v));
	for (int i = 0; i < 3; i++)
		must(sigqueue(getpid(), SIGRTMIN + 1, v));
	for (int i = 0; i < 3; i++)
		sum += join(t[i]);
	num(sum);
}

/* --- fork ------------------------------------------------------------------*/
static char order[64];
static int *parent_is_done;

static void before1(void) { strcat(order, " before1"); }
static void before2(void) { strcat(order, " before2"); }
static void parent2(void) { strcat(order, " parent2"); }
static void child1(void) { strcat(order, " child1"); }
static void child2(void) { strcat(order, " child2"); }

static void *fork_here(void *arg)
{
	pid_t pid = must(fork());

	if (!pid) {
		until(parent_is_done, 1);
		say("child:%s", order);
		_exit(0);
	}
	say("parent:%s", order);
	add(parent_is_done);
	show_exit("child", pid);
	return NULL;
}

TEST(order_of_fork_handlers)
{
	parent_is_done = shared();
	show_err(pthread_atfork(before1, NULL, child1));
	show_err(pthread_atfork(before2, parent2, child2));
	join(start(fork_here, NULL));
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void take_lock(void)
{
	pthread_mutex_lock(&lock);
}

static void drop_lock(void)
{
	pthread_mutex_unlock(&lock);
}

static void *use_lock(void *arg)
{
	while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST)) {
		pthread_mutex_lock(&lock);
		sched_yield();
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* What the handlers are for: a lock that another thread uses. */
TEST(fork_handlers_keep_a_lock)
{
	int good = 0;
	pthread_t t;

	must0(pthread_atfork(take_lock, drop_lock, drop_lock));
	t = start(use_lock, NULL);
	for (int i = 0; i < 20; i++) {
		pid_t pid = must(fork());

		if (!pid) {
			alarm(30);
			take_lock();
			_exit(3);
		}
		good += WEXITSTATUS(await(pid)) == 3;
	}
	add(&go);
	join(t);
	num(good);
}
