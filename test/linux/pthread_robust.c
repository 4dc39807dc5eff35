/* SPDX-License-Identifier: MIT */
/*
 * Robust mutexes: their owner ends as a thread, as a process, by SIGKILL, by
 * execve, with many locks, while others wait, while it waits itself.
 */
#include "pthread_help.h"

#define NORMAL		PTHREAD_MUTEX_NORMAL
#define CHECKED		PTHREAD_MUTEX_ERRORCHECK
#define RECURSIVE	PTHREAD_MUTEX_RECURSIVE
#define INHERIT		PTHREAD_PRIO_INHERIT

static const struct kind kinds[] = {
	{ "normal", NORMAL, 0, true, true },
	{ "checked", CHECKED, 0, true, true },
	{ "recursive", RECURSIVE, 0, true, true },
	{ "inherit", NORMAL, INHERIT, true, true },
	{ "inherit checked", CHECKED, INHERIT, true, true },
	{ "inherit recursive", RECURSIVE, INHERIT, true, true },
};

#define for_each_kind(k) \
	for (const struct kind *k = kinds; k < kinds + ARRAY_SIZE(kinds); k++)

static void *in_lock(void *m)
{
	return (void *)(long)pthread_mutex_lock(m);
}

HELPER(end_at_once)
{
	return 5;
}

/* How an owner can end. */
enum end { BY_EXIT, BY_KILL, BY_EXEC, BY_RAW_EXIT, BY_FAULT, NR_ENDS };
static const char *const end_names[] = { "exit", "SIGKILL", "exec",
	"exit of the thread", "a fault" };

static void end_by(enum end how)
{
	char *args[] = { "x", "--helper", "end_at_once", NULL };

	switch (how) {
	case BY_KILL:
		raise(SIGKILL);
		break;
	case BY_EXEC:
		execv(self_path, args);
		break;
	case BY_RAW_EXIT:
		syscall(SYS_exit, 0);
		break;
	case BY_FAULT:
		*(volatile int *)bad_pointer() = 1;
		break;
	default:
		_exit(0);
	}
	_exit(99);
}

TEST(thread_ends)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);

		say("--- %s", k->name);
		show_err(join(start(in_lock, m)));
		show_err(pthread_mutex_lock(m));
		show_free(m);
		show_err(pthread_mutex_consistent(m));
		show_err(pthread_mutex_consistent(m));
		show_err(pthread_mutex_unlock(m));
		show_free(m);
		show_err(pthread_mutex_destroy(m));
	}
}

TEST(process_ends)
{
	for_each_kind(k) {
		for (int how = 0; how < NR_ENDS; how++) {
			pthread_mutex_t *m = mutex_of(k);
			pid_t pid = must(fork());

			if (!pid) {
				must0(pthread_mutex_lock(m));
				end_by(how);
			}
			await(pid);
			say("--- %s, %s", k->name, end_names[how]);
			show_err(pthread_mutex_lock(m));
			show_err(pthread_mutex_consistent(m));
			show_err(pthread_mutex_unlock(m));
			show_free(m);
		}
	}
}

TEST(first_call_after_the_end)
{
	struct timespec t = at_ms(CLOCK_REALTIME, 60000);
	struct timespec mono = at_ms(CLOCK_MONOTONIC, 60000);

	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);

		say("--- %s", k->name);
		must0((int)join(start(in_lock, m)));
		show_err(pthread_mutex_trylock(m));
		must0(pthread_mutex_consistent(m));
		must0(pthread_mutex_unlock(m));
		must0((int)join(start(in_lock, m)));
		show_err(pthread_mutex_timedlock(m, &t));
		must0(pthread_mutex_consistent(m));
		must0(pthread_mutex_unlock(m));
		must0((int)join(start(in_lock, m)));
		show_err(pthread_mutex_clocklock(m, CLOCK_MONOTONIC, &mono));
		must0(pthread_mutex_consistent(m));
		must0(pthread_mutex_unlock(m));
	}
}

TEST(not_made_consistent)
{
	for_each_kind(k) {
		struct timespec t = at_ms(CLOCK_REALTIME, 20);
		pthread_mutex_t *m = mutex_of(k);

		say("--- %s", k->name);
		must0((int)join(start(in_lock, m)));
		show_err(pthread_mutex_lock(m));
		show_err(pthread_mutex_unlock(m));
		show_err(pthread_mutex_lock(m));
		show_err(pthread_mutex_trylock(m));
		show_err(pthread_mutex_timedlock(m, &t));
		show_err(pthread_mutex_consistent(m));
		show_err(pthread_mutex_destroy(m));
	}
}

/* The one who inherits may end as well. */
TEST(heirs_end_too)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);

		say("--- %s", k->name);
		for (int i = 0; i < 3; i++)
			show_err(join(start(in_lock, m)));
		show_err(pthread_mutex_lock(m));
		show_err(pthread_mutex_consistent(m));
		show_err(pthread_mutex_unlock(m));
		show_free(m);
	}
}

/* --- with others waiting ---------------------------------------------------*/
struct scene {
	int locked, tids[4], pids[4], go;
	int results[4];
};

/* A child that owns m and ends when told. */
static pid_t owner_of(pthread_mutex_t *m, struct scene *s, enum end how)
{
	pid_t pid = must(fork());

	if (!pid) {
		must0(pthread_mutex_lock(m));
		add(&s->locked);
		until(&s->go, 1);
		end_by(how);
	}
	until(&s->locked, 1);
	return pid;
}

static void *wait_and_mend(void *arg)
{
	static int next;
	struct scene *s = ((void **)arg)[0];
	pthread_mutex_t *m = ((void **)arg)[1];
	int me = __atomic_fetch_add(&next, 1, __ATOMIC_SEQ_CST) % 3;
	long err;

	tell_tid(&s->tids[me]);
	err = pthread_mutex_lock(m);
	if (err == EOWNERDEAD)
		must0(pthread_mutex_consistent(m));
	if (!err || err == EOWNERDEAD)
		must0(pthread_mutex_unlock(m));
	return (void *)err;
}

TEST(waiting_threads)
{
	for_each_kind(k) {
		for (int how = 0; how < NR_ENDS; how++) {
			pthread_mutex_t *m = mutex_of(k);
			struct scene *s = shared();
			void *arg[] = { s, m };
			pid_t pid = owner_of(m, s, how);
			int died = 0, good = 0, other = 0;
			pthread_t t[3];

			for (int i = 0; i < 3; i++)
				t[i] = start(wait_and_mend, arg);
			for (int i = 0; i < 3; i++)
				told_and_asleep(&s->tids[i]);
			add(&s->go);
			await(pid);
			for (int i = 0; i < 3; i++) {
				long err = join(t[i]);

				died += err == EOWNERDEAD;
				good += err == 0;
				other += err && err != EOWNERDEAD;
			}
			say("%s, %s: %d %d %d", k->name, end_names[how], died,
			    good, other);
			show_free(m);
		}
	}
}

TEST(waiting_processes)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);
		struct scene *s = shared();
		pid_t pid = owner_of(m, s, BY_KILL), w[3];
		int died = 0, good = 0;

		for (int i = 0; i < 3; i++) {
			w[i] = must(fork());
			if (!w[i]) {
				void *arg[] = { s, m };

				_exit((int)(long)wait_and_mend(arg));
			}
			asleep(w[i], w[i]);
		}
		add(&s->go);
		await(pid);
		for (int i = 0; i < 3; i++) {
			int status = await(w[i]);

			died += WEXITSTATUS(status) == EOWNERDEAD;
			good += status == 0;
		}
		say("%s: %d %d", k->name, died, good);
		show_free(m);
	}
}

static void *wait_and_leave(void *arg)
{
	static int next;
	struct scene *s = ((void **)arg)[0];
	pthread_mutex_t *m = ((void **)arg)[1];
	int me = __atomic_fetch_add(&next, 1, __ATOMIC_SEQ_CST) % 3;
	long err;

	tell_tid(&s->tids[me]);
	err = pthread_mutex_lock(m);
	if (!err || err == EOWNERDEAD)
		must0(pthread_mutex_unlock(m));
	return (void *)err;
}

/* Nobody mends it: all who wait are told. (Without PI, glibc 2.36 wakes one.) */
TEST(waiters_of_a_lost_mutex)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);
		struct scene *s = shared();
		void *arg[] = { s, m };
		int died = 0, lost = 0;
		pthread_t t[3];
		pid_t pid;

		if (k->protocol != INHERIT)
			continue;
		pid = owner_of(m, s, BY_EXIT);

		for (int i = 0; i < 3; i++)
			t[i] = start(wait_and_leave, arg);
		for (int i = 0; i < 3; i++)
			told_and_asleep(&s->tids[i]);
		add(&s->go);
		await(pid);
		for (int i = 0; i < 3; i++) {
			long err = join(t[i]);

			died += err == EOWNERDEAD;
			lost += err == ENOTRECOVERABLE;
		}
		say("%s: %d %d", k->name, died, lost);
	}
}

/* A process that only waits is killed: the owner and the next go on. */
TEST(waiter_is_killed)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);
		struct scene *s = shared();
		void *arg[] = { s, m };
		pthread_t t;
		pid_t pid;

		must0(pthread_mutex_lock(m));
		pid = must(fork());
		if (!pid)
			_exit(pthread_mutex_lock(m));
		asleep(pid, pid);
		t = start(wait_and_mend, arg);
		while (!s->tids[0] && !s->tids[1] && !s->tids[2])
			sleep_ms(1);
		for (int i = 0; i < 3; i++)
			if (s->tids[i])
				asleep(getpid(), s->tids[i]);
		must(kill(pid, SIGKILL));
		await(pid);
		must0(pthread_mutex_unlock(m));
		say("%s: %s", k->name, err_name((int)join(t)));
		show_free(m);
	}
}

/* A thread among others in a process that is killed owns it. */
static struct { pthread_mutex_t *m; int *locked; } owned;

static void *own_and_wait(void *arg)
{
	must0(pthread_mutex_lock(owned.m));
	add(owned.locked);
	for (;;)
		pause();
	return NULL;
}

TEST(thread_of_killed_process)
{
	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);
		int *locked = shared();
		pid_t pid = must(fork());

		if (!pid) {
			owned.m = m;
			owned.locked = locked;
			start(own_and_wait, NULL);
			for (;;)
				pause();
		}
		until(locked, 1);
		must(kill(pid, SIGKILL));
		say("%s: %s", k->name, err_name(pthread_mutex_lock(m)));
		await(pid);
		show_err(pthread_mutex_consistent(m));
		show_err(pthread_mutex_unlock(m));
	}
}

TEST(many_at_once)
{
	pthread_mutex_t *m[24];
	int died = 0;
	pid_t pid;

	for (int i = 0; i < 24; i++)
		m[i] = mutex_of(&kinds[i % ARRAY_SIZE(kinds)]);
	pid = must(fork());
	if (!pid) {
		for (int i = 0; i < 24; i++)
			must0(pthread_mutex_lock(m[i]));
		for (int i = 0; i < 24; i += 5)
			must0(pthread_mutex_unlock(m[i]));
		raise(SIGKILL);
	}
	await(pid);
	for (int i = 0; i < 24; i++) {
		int err = pthread_mutex_trylock(m[i]);

		died += err == EOWNERDEAD;
		if (i % 5 == 0 || i == 23)
			say("%d: %s", i, err_name(err));
	}
	num(died);
}

/* A condition variable gives the mutex back with the bad news. */
TEST(owner_ends_while_waiting_for_a_condition)
{
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

	for_each_kind(k) {
		pthread_mutex_t *m = mutex_of(k);
		int *go = shared();
		struct timespec t;
		pid_t pid;

		must0(pthread_mutex_lock(m));
		pid = must(fork());
		if (!pid) {
			must0(pthread_mutex_lock(m));
			add(go);
			_exit(0);
		}
		asleep(pid, pid);
		t = at_ms(CLOCK_REALTIME, 300);
		say("%s: %s", k->name,
		    err_name(pthread_cond_timedwait(&cond, m, &t)));
		until(go, 1);
		await(pid);
		show_err(pthread_mutex_consistent(m));
		show_err(pthread_mutex_unlock(m));
	}
}
