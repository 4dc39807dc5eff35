/* SPDX-License-Identifier: MIT */
/*
 * Read-write locks of each preference, semaphores with and without a name,
 * spinlocks.
 */
#include "pthread_help.h"

#include <limits.h>

static const struct {
	const char *name;
	int kind;
} kinds[] = {
	{ "prefer readers", PTHREAD_RWLOCK_PREFER_READER_NP },
	{ "prefer writers", PTHREAD_RWLOCK_PREFER_WRITER_NP },
	{ "prefer writers, not recursive",
	  PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP },
};

static pthread_rwlock_t *rwlock_of(int kind)
{
	pthread_rwlock_t *l = shared();
	pthread_rwlockattr_t a;

	must0(pthread_rwlockattr_init(&a));
	must0(pthread_rwlockattr_setkind_np(&a, kind));
	must0(pthread_rwlockattr_setpshared(&a, 1));
	must0(pthread_rwlock_init(l, &a));
	return l;
}

static void *in_read(void *l)
{
	long err = pthread_rwlock_tryrdlock(l);

	if (!err)
		pthread_rwlock_unlock(l);
	return (void *)err;
}

static void *in_write(void *l)
{
	long err = pthread_rwlock_trywrlock(l);

	if (!err)
		pthread_rwlock_unlock(l);
	return (void *)err;
}

#define show_others(l)                                                        \
	do {                                                                  \
		show_error("read", (int)join(start(in_read, (l))));           \
		show_error("write", (int)join(start(in_write, (l))));         \
	} while (0)

TEST(rwlock_attributes)
{
	pthread_rwlockattr_t a;
	int v;

	must0(pthread_rwlockattr_init(&a));
	show_err(pthread_rwlockattr_getkind_np(&a, &v));
	num(v);
	show_err(pthread_rwlockattr_setkind_np(&a, 3));
	show_err(pthread_rwlockattr_setpshared(&a, 2));
}

TEST(rwlock_results)
{
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 };

	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		pthread_rwlock_t *l = rwlock_of(kinds[k].kind);

		say("--- %s", kinds[k].name);
		show_err(pthread_rwlock_rdlock(l));
		show_err(pthread_rwlock_rdlock(l));
		show_others(l);
		show_err(pthread_rwlock_trywrlock(l));
		show_err(pthread_rwlock_timedwrlock(l, &past));
		show_err(pthread_rwlock_timedwrlock(l, &bad));
		show_err(pthread_rwlock_unlock(l));
		show_others(l);
		show_err(pthread_rwlock_unlock(l));
		show_err(pthread_rwlock_wrlock(l));
		show_others(l);
		show_err(pthread_rwlock_wrlock(l));
		show_err(pthread_rwlock_rdlock(l));
		show_err(pthread_rwlock_tryrdlock(l));
		show_err(pthread_rwlock_timedrdlock(l, &past));
		show_err(pthread_rwlock_unlock(l));
		show_others(l);
		show_err(pthread_rwlock_destroy(l));
	}
}

static pthread_rwlock_t *held;

static void *limits(void *reads)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };

	for (int c = 0; c < 2; c++) {
		struct timespec t = at_ms(clocks[c], 15);
		long long since = now_ms();

		if (reads)
			show_err(pthread_rwlock_clockrdlock(held, clocks[c],
							    &t));
		show_err(pthread_rwlock_clockwrlock(held, clocks[c], &t));
		fact(now_ms() - since >= 14);
		show_err(pthread_rwlock_clockwrlock(held, 99, &t));
	}
	return NULL;
}

TEST(rwlock_limits)
{
	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		held = rwlock_of(kinds[k].kind);
		must0(pthread_rwlock_rdlock(held));
		join(start(limits, NULL));
		must0(pthread_rwlock_unlock(held));
		must0(pthread_rwlock_wrlock(held));
		join(start(limits, held));
		must0(pthread_rwlock_unlock(held));
		show_others(held);
	}
}

static int tid;

static void *wait_to_write(void *l)
{
	tell_tid(&tid);
	must0(pthread_rwlock_wrlock(l));
	must0(pthread_rwlock_unlock(l));
	return NULL;
}

/* What makes the preferences differ: a reader comes while a writer waits. */
TEST(rwlock_preference)
{
	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		pthread_rwlock_t *l = rwlock_of(kinds[k].kind);
		pthread_t t;

		say("--- %s", kinds[k].name);
		must0(pthread_rwlock_rdlock(l));
		tid = 0;
		t = start(wait_to_write, l);
		told_and_asleep(&tid);
		show_others(l);
		must0(pthread_rwlock_unlock(l));
		join(t);
		show_others(l);
	}
}

struct pair {
	pthread_rwlock_t *l;
	int a, b, bad;
};

static void *read_and_write(void *arg)
{
	struct pair *p = arg;
	unsigned int r = gettid();

	for (int i = 0; i < 600; i++) {
		r = r * 1103515245 + 12345;
		if (r >> 16 & 3) {
			must0(pthread_rwlock_rdlock(p->l));
			if (*(volatile int *)&p->a != *(volatile int *)&p->b)
				add(&p->bad);
		} else {
			must0(pthread_rwlock_wrlock(p->l));
			++*(volatile int *)&p->a;
			++*(volatile int *)&p->b;
		}
		must0(pthread_rwlock_unlock(p->l));
	}
	return NULL;
}

TEST(rwlock_of_threads)
{
	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct pair p = { .l = rwlock_of(kinds[k].kind) };
		pthread_t t[4];

		for (int i = 0; i < 4; i++)
			t[i] = start(read_and_write, &p);
		for (int i = 0; i < 4; i++)
			join(t[i]);
		say("%s: %d %s", kinds[k].name, p.bad,
		    p.a == p.b ? "equal" : "differ");
		show_others(p.l);
	}
}

TEST(rwlock_of_processes)
{
	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct pair *p = shared();
		pid_t pid[4];

		p->l = rwlock_of(kinds[k].kind);
		for (int i = 0; i < 4; i++) {
			pid[i] = must(fork());
			if (!pid[i]) {
				read_and_write(p);
				_exit(0);
			}
		}
		for (int i = 0; i < 4; i++)
			must(await(pid[i]) ? -1 : 0);
		say("%s: %d %s", kinds[k].name, p->bad,
		    p->a == p->b ? "equal" : "differ");
		show_others(p->l);
	}
}

/* --- semaphores ------------------------------------------------------------*/
TEST(semaphore_errors)
{
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 }, t;
	long long since;
	sem_t s;
	int v;

	show(sem_init(&s, 0, (unsigned int)SEM_VALUE_MAX + 1));
	show(sem_init(&s, 0, SEM_VALUE_MAX));
	show(sem_post(&s));
	show(sem_getvalue(&s, &v));
	num(v);
	show(sem_init(&s, 0, 0));
	show(sem_trywait(&s));
	show(sem_timedwait(&s, &past));
	show(sem_timedwait(&s, &bad));
	since = now_ms();
	t = at_ms(CLOCK_MONOTONIC, 15);
	show(sem_clockwait(&s, CLOCK_MONOTONIC, &t));
	t = at_ms(CLOCK_REALTIME, 15);
	show(sem_clockwait(&s, CLOCK_REALTIME, &t));
	fact(now_ms() - since >= 28);
	show(sem_clockwait(&s, 99, &t));
	show(sem_destroy(&s));
}

static sem_t *the_sem;

static void *wait_sem(void *arg)
{
	must(sem_wait(the_sem));
	add(arg);
	return NULL;
}

TEST(semaphore_waiters)
{
	static int got;
	pthread_t t[6];
	int v;

	the_sem = shared();
	must(sem_init(the_sem, 1, 0));
	for (int i = 0; i < 6; i++)
		t[i] = start(wait_sem, &got);
	for (int n = 1; n <= 6; n++) {
		show(sem_post(the_sem));
		until(&got, n);
		num(got);
	}
	for (int i = 0; i < 6; i++)
		join(t[i]);
	show(sem_getvalue(the_sem, &v));
	num(v);
}

static void post(int sig)
{
	sem_post(the_sem);
}

TEST(semaphore_posted_by_handler)
{
	the_sem = shared();
	must(sem_init(the_sem, 0, 0));
	on_signal(SIGALRM, post, SA_RESTART);
	alarm(1);
	show(sem_wait(the_sem));
}

TEST(semaphore_name_errors)
{
	char name[300] = "/";

	fact(sem_open("/linux-test-none", 0) == SEM_FAILED && errno == ENOENT);
	fact(sem_open("/a/b", O_CREAT, 0600, 1) == SEM_FAILED &&
	     errno == EINVAL);
	fact(sem_open("/", O_CREAT, 0600, 1) == SEM_FAILED && errno == EINVAL);
	memset(name + 1, 'x', 260);
	fact(sem_open(name, O_CREAT, 0600, 1) == SEM_FAILED &&
	     (errno == ENAMETOOLONG || errno == EINVAL));
	fact(sem_open("/linux-test-big", O_CREAT, 0600,
		      (unsigned int)SEM_VALUE_MAX + 1) == SEM_FAILED &&
	     errno == EINVAL);
	show(sem_unlink("/linux-test-none"));
}

HELPER(open_by_name)
{
	sem_t *a = sem_open(argv[1], 0), *b = sem_open(argv[2], 0);

	must(a == SEM_FAILED || b == SEM_FAILED ? -1 : 0);
	for (int i = 0; i < 50; i++) {
		must(sem_wait(a));
		must(sem_post(b));
	}
	must(sem_close(a));
	must(sem_close(b));
	return 0;
}

TEST(semaphore_by_name_across_exec)
{
	char names[2][64];
	char *args[] = { "x", "--helper", "open_by_name", names[0], names[1],
		NULL };
	sem_t *s[2], *again;
	pid_t pid;
	int v;

	for (int i = 0; i < 2; i++) {
		sprintf(names[i], "/linux-test-%d-%d", (int)getpid(), i);
		s[i] = sem_open(names[i], O_CREAT | O_EXCL, 0600, 0);
		if (s[i] == SEM_FAILED)
			skip("no named semaphores: %s", err_name(errno));
	}
	again = sem_open(names[0], O_CREAT, 0600, 7);
	fact(again == s[0]);
	pid = must(fork());
	if (!pid) {
		execv(self_path, args);
		_exit(99);
	}
	for (int i = 0; i < 50; i++) {
		must(sem_post(s[0]));
		must(sem_wait(s[1]));
	}
	show_exit("child", pid);
	must(sem_getvalue(s[0], &v));
	num(v);
	for (int i = 0; i < 2; i++)
		show(sem_unlink(names[i]));
	show(sem_post(s[0]));
	show(sem_trywait(s[0]));
	show(sem_close(s[0]));
	show(sem_close(s[1]));
}

/* --- spinlocks -------------------------------------------------------------*/
struct spun {
	pthread_spinlock_t lock;
	int n;
};

static void *spin(void *arg)
{
	struct spun *s = arg;

	for (int i = 0; i < 2000; i++) {
		while (pthread_spin_trylock(&s->lock))
			sched_yield();
		++*(volatile int *)&s->n;
		must0(pthread_spin_unlock(&s->lock));
	}
	return NULL;
}

TEST(spinlock)
{
	struct spun *s = shared();
	pthread_t t[3];
	pid_t pid;

	show_err(pthread_spin_init(&s->lock, PTHREAD_PROCESS_SHARED));
	show_err(pthread_spin_lock(&s->lock));
	show_err(pthread_spin_trylock(&s->lock));
	show_err(pthread_spin_unlock(&s->lock));
	pid = must(fork());
	if (!pid) {
		spin(s);
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		t[i] = start(spin, s);
	for (int i = 0; i < 3; i++)
		join(t[i]);
	show_exit("child", pid);
	num(s->n);
	show_err(pthread_spin_destroy(&s->lock));
}
