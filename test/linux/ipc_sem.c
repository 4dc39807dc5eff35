/* SPDX-License-Identifier: MIT */
/*
 * System V semaphores. Who waits is seen by GETNCNT and GETZCNT, so nothing
 * here sleeps and hopes.
 */
#include "harness.h"

#include <sys/ipc.h>
#include <sys/sem.h>

static int made = -1;

static void remove_made(void)
{
	if (made >= 0)
		semctl(made, 0, IPC_RMID);
}

static int set_of(int n)
{
	made = (int)must(semget(IPC_PRIVATE, n, 0600));
	atexit(remove_made);
	return made;
}

static int op(int id, int num, int n, int flags)
{
	struct sembuf b = { (unsigned short)num, (short)n, (short)flags };

	return semop(id, &b, 1);
}

static int timed(int id, int num, int n, int ms)
{
	struct sembuf b = { (unsigned short)num, (short)n, 0 };
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	return semtimedop(id, &b, 1, &t);
}

static int value_of(int id, int num)
{
	return (int)must(semctl(id, num, GETVAL));
}

/* Until n callers wait for more (or, cmd GETZCNT, for zero). */
static void wait_for(int id, int num, int cmd, int n)
{
	long long end = now_ms() + 20000;

	while (semctl(id, num, cmd) != n && now_ms() < end)
		sleep_ms(1);
	if (now_ms() >= end)
		say("nobody waits");
}

TEST(sem_create)
{
	struct semid_ds ds;
	int id;

	show(semget(IPC_PRIVATE, 0, 0600));
	show(semget(IPC_PRIVATE, -1, 0600));
	show(semget(IPC_PRIVATE, 32001, 0600));
	id = set_of(3);
	for (int i = 0; i < 3; i++)
		num(value_of(id, i));
	show(semctl(id, 3, GETVAL));
	show(semctl(id, -1, GETVAL));
	show(semctl(-1, 0, GETVAL));
	show(semctl(id, 0, 99));
	must(semctl(id, 0, IPC_STAT, &ds));
	num(ds.sem_nsems);
	num(ds.sem_otime);
	num(ds.sem_perm.mode);
	fact(ds.sem_ctime > 0);
	num(semctl(id, 0, GETPID));
}

TEST(sem_keys)
{
	key_t key = 0x6e000000 + getpid();
	int id;

	show(semget(key, 2, 0600));
	show(semget(key, 0, IPC_CREAT | 0600));
	id = made = (int)must(semget(key, 2, IPC_CREAT | 0600));
	atexit(remove_made);
	fact(semget(key, 0, 0600) == id);
	fact(semget(key, 2, 0600) == id);
	show(semget(key, 3, 0600));
	show(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
	show(semctl(id, 0, IPC_RMID));
	show(semctl(id, 0, IPC_RMID));
	show(op(id, 0, 1, 0));
}

TEST(sem_set_values)
{
	unsigned short v[3] = { 5, 0, 32767 }, got[3];
	int id = set_of(3);

	show(semctl(id, 1, SETVAL, 17));
	num(value_of(id, 1));
	fact(semctl(id, 1, GETPID) == getpid());
	show(semctl(id, 1, SETVAL, 32768));
	show(semctl(id, 1, SETVAL, -1));
	show(semctl(id, 7, SETVAL, 1));
	show(semctl(id, 0, SETALL, v));
	show(semctl(id, 0, GETALL, got));
	for (int i = 0; i < 3; i++)
		num(got[i]);
	v[1] = 40000;
	show(semctl(id, 0, SETALL, v));
	num(value_of(id, 1));
	show(semctl(id, 0, SETALL, bad_pointer()));
	show(semctl(id, 0, GETALL, bad_pointer()));
}

TEST(sem_op_errors)
{
	struct sembuf many[501];
	int id = set_of(2);

	memset(many, 0, sizeof(many));
	show(semop(id, many, 0));
	show(semop(id, many, 500));
	show(semop(id, many, 501));
	show(semop(-1, many, 1));
	show(semop(id, bad_pointer(), 1));
	show(op(id, 2, 1, 0));
	show(op(id, 0, -1, IPC_NOWAIT));
	must(op(id, 0, 1, 0));
	show(op(id, 0, 0, IPC_NOWAIT));
	show(op(id, 0, 32767, 0));
	num(value_of(id, 0));
}

TEST(sem_op_simple)
{
	int id = set_of(1);
	struct semid_ds ds;

	show(op(id, 0, 3, 0));
	num(value_of(id, 0));
	show(op(id, 0, -2, 0));
	num(value_of(id, 0));
	fact(semctl(id, 0, GETPID) == getpid());
	must(semctl(id, 0, IPC_STAT, &ds));
	fact(ds.sem_otime > 0);
	show(op(id, 0, -1, 0));
	show(op(id, 0, 0, 0));
}

TEST(sem_all_or_nothing)
{
	struct sembuf b[] = { { 0, -1, 0 }, { 1, 5, 0 },
			      { 2, -1, IPC_NOWAIT } };
	int id = set_of(3);

	must(semctl(id, 0, SETVAL, 1));
	show(semop(id, b, 3));
	num(value_of(id, 0));
	num(value_of(id, 1));
	must(semctl(id, 2, SETVAL, 1));
	show(semop(id, b, 3));
	num(value_of(id, 0));
	num(value_of(id, 1));
	num(value_of(id, 2));
}

TEST(sem_same_one_twice)
{
	struct sembuf b[] = { { 0, 0, IPC_NOWAIT }, { 0, 1, 0 },
			      { 0, -1, IPC_NOWAIT }, { 0, 2, 0 } };
	int id = set_of(1);

	show(semop(id, b, 4));
	num(value_of(id, 0));
	show(semop(id, b, 4));
	num(value_of(id, 0));
}

TEST(sem_out_of_range_rolls_back)
{
	struct sembuf b[] = { { 0, 5, 0 }, { 1, 1, 0 } };
	int id = set_of(2);

	must(semctl(id, 1, SETVAL, 32767));
	show(semop(id, b, 2));
	num(value_of(id, 0));
}

TEST(sem_timeout)
{
	int id = set_of(1);
	struct sembuf b = { 0, -1, 0 };
	struct timespec bad = { 0, 1000000000 }, none = { 0, 0 };
	long long start = now_ms();

	show(timed(id, 0, -1, 50));
	fact(now_ms() - start >= 50);
	show(semtimedop(id, &b, 1, &none));
	show(semtimedop(id, &b, 1, &bad));
	show(semtimedop(id, &b, 1, bad_pointer()));
	must(op(id, 0, 1, 0));
	show(semtimedop(id, &b, 1, &none));
	num(semctl(id, 0, GETNCNT));
}

static int take(void *arg)
{
	return op(*(int *)arg, 0, -1, 0) ? errno : 0;
}

TEST(sem_wakes)
{
	int id = set_of(1);
	pid_t pid = spawn(take, &id);

	wait_for(id, 0, GETNCNT, 1);
	num(semctl(id, 0, GETZCNT));
	must(op(id, 0, 1, 0));
	show_exit("taker", pid);
	num(value_of(id, 0));
	num(semctl(id, 0, GETNCNT));
}

TEST(sem_pid_of_the_woken)
{
	int id = set_of(1);
	pid_t pid = spawn(take, &id);

	wait_for(id, 0, GETNCNT, 1);
	must(op(id, 0, 1, 0));
	show_exit("taker", pid);
	fact(semctl(id, 0, GETPID) == pid);
}

static int for_zero(void *arg)
{
	return op(*(int *)arg, 0, 0, 0) ? errno : 0;
}

TEST(sem_waits_for_zero)
{
	int id = set_of(1);
	pid_t pid[3];

	must(semctl(id, 0, SETVAL, 2));
	for (int i = 0; i < 3; i++)
		pid[i] = spawn(for_zero, &id);
	wait_for(id, 0, GETZCNT, 3);
	num(semctl(id, 0, GETNCNT));
	must(op(id, 0, -1, 0));
	num(semctl(id, 0, GETZCNT));
	must(op(id, 0, -1, 0));
	for (int i = 0; i < 3; i++)
		show_exit("waiter", pid[i]);
}

TEST(sem_setval_wakes)
{
	int id = set_of(1);
	pid_t pid = spawn(take, &id);

	wait_for(id, 0, GETNCNT, 1);
	must(semctl(id, 0, SETVAL, 4));
	show_exit("taker", pid);
	num(value_of(id, 0));
}

TEST(sem_setall_wakes)
{
	unsigned short v = 1;
	int id = set_of(1);
	pid_t pid = spawn(take, &id);

	wait_for(id, 0, GETNCNT, 1);
	must(semctl(id, 0, SETALL, &v));
	show_exit("taker", pid);
	num(value_of(id, 0));
}

TEST(sem_removed_while_waiting)
{
	int id = set_of(1);
	pid_t a = spawn(take, &id), b = spawn(take, &id);

	wait_for(id, 0, GETNCNT, 2);
	must(semctl(id, 0, IPC_RMID));
	say("a: %s", err_name(WEXITSTATUS(await(a))));
	say("b: %s", err_name(WEXITSTATUS(await(b))));
}

static void no_action(int sig)
{
}

TEST(sem_interrupted)
{
	int id = set_of(1);
	struct timespec t = { 20, 0 };
	struct sembuf b = { 0, -1, 0 };

	ticks_start(0);
	show(op(id, 0, -1, 0));
	show(semtimedop(id, &b, 1, &t));
	ticks_stop();
	ticks_start(SA_RESTART);
	show(op(id, 0, -1, 0));
	ticks_stop();
	num(semctl(id, 0, GETNCNT));
	on_signal(SIGUSR1, no_action, 0);
}

struct order {
	int id, need, mark;
};

static int take_many(void *arg)
{
	struct order *o = arg;
	struct sembuf b[] = { { 0, (short)-o->need, 0 }, { 1, 1, 0 } };

	if (semop(o->id, b, 2))
		return 99;
	return value_of(o->id, 1);
}

/* In the order they came. */
TEST(sem_order)
{
	struct order o = { set_of(2), 1, 0 };
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		pid[i] = spawn(take_many, &o);
		wait_for(o.id, 0, GETNCNT, i + 1);
	}
	for (int i = 0; i < 3; i++) {
		must(op(o.id, 0, 1, 0));
		show_exit("waiter", pid[i]);
	}
}

/* Who wants less may overtake who wants more than there is. */
TEST(sem_overtakes)
{
	struct order two = { set_of(2), 2, 0 }, one = { two.id, 1, 0 };
	pid_t a = spawn(take_many, &two), b;

	wait_for(two.id, 0, GETNCNT, 1);
	b = spawn(take_many, &one);
	wait_for(two.id, 0, GETNCNT, 2);
	must(op(two.id, 0, 1, 0));
	show_exit("wants one", b);
	must(op(two.id, 0, 2, 0));
	show_exit("wants two", a);
}

static int give_back(void *arg)
{
	struct sembuf b[] = { { 0, -1, 0 }, { 1, 1, 0 } };

	return semop(*(int *)arg, b, 2) ? errno : 0;
}

/* One that is done makes the next possible. */
TEST(sem_chain)
{
	int id = set_of(2), last;
	pid_t a, b;
	struct sembuf on_second = { 1, -1, 0 };

	last = id;
	b = fork();
	if (!b)
		_exit(semop(id, &on_second, 1) ? errno : 0);
	wait_for(id, 1, GETNCNT, 1);
	a = spawn(give_back, &last);
	wait_for(id, 0, GETNCNT, 1);
	must(op(id, 0, 1, 0));
	show_exit("first", a);
	show_exit("second", b);
	num(value_of(id, 0));
	num(value_of(id, 1));
}

static int with_undo(void *arg)
{
	int id = *(int *)arg;

	must(op(id, 0, -2, SEM_UNDO));
	must(op(id, 1, 3, SEM_UNDO));
	must(op(id, 1, 4, 0));
	num(value_of(id, 0));
	num(value_of(id, 1));
	return 0;
}

TEST(sem_undo)
{
	int id = set_of(2);
	pid_t pid;

	must(semctl(id, 0, SETVAL, 5));
	pid = spawn(with_undo, &id);
	show_exit("child", pid);
	num(value_of(id, 0));
	num(value_of(id, 1));
	fact(semctl(id, 0, GETPID) == pid);
}

static int hold(void *arg)
{
	must(op(*(int *)arg, 0, -1, SEM_UNDO));
	pause();
	return 0;
}

TEST(sem_undo_of_the_killed_wakes)
{
	int id = set_of(1);
	pid_t holder, waiter;

	must(semctl(id, 0, SETVAL, 1));
	holder = spawn(hold, &id);
	while (value_of(id, 0))
		sleep_ms(1);
	waiter = spawn(take, &id);
	wait_for(id, 0, GETNCNT, 1);
	must(kill(holder, SIGKILL));
	show_exit("holder", holder);
	show_exit("waiter", waiter);
}

static int undo_cleared(void *arg)
{
	int id = *(int *)arg;

	must(op(id, 0, 5, SEM_UNDO));
	must(semctl(id, 0, SETVAL, 9));
	return 0;
}

TEST(sem_setval_clears_undo)
{
	int id = set_of(1);

	show_exit("child", spawn(undo_cleared, &id));
	num(value_of(id, 0));
}

static int undo_below_zero(void *arg)
{
	int id = *(int *)arg;

	must(op(id, 0, 5, SEM_UNDO));
	must(op(id, 0, -3, 0));
	return 0;
}

TEST(sem_undo_stops_at_zero)
{
	int id = set_of(1);

	show_exit("child", spawn(undo_below_zero, &id));
	num(value_of(id, 0));
}

static int undo_and_fork(void *arg)
{
	int id = *(int *)arg;
	pid_t pid;

	must(op(id, 0, 1, SEM_UNDO));
	pid = fork();
	if (!pid)
		_exit(0);
	await(pid);
	num(value_of(id, 0));
	return 0;
}

TEST(sem_undo_is_not_inherited)
{
	int id = set_of(1);

	show_exit("child", spawn(undo_and_fork, &id));
	num(value_of(id, 0));
}

HELPER(show_value)
{
	num(value_of(atoi(argv[1]), 0));
	return 0;
}

static int undo_and_exec(void *arg)
{
	char text[20];

	sprintf(text, "%d", *(int *)arg);
	must(op(*(int *)arg, 0, 1, SEM_UNDO));
	execl(self_path, "x", "--helper", "show_value", text, NULL);
	return 9;
}

TEST(sem_undo_survives_exec)
{
	int id = set_of(1);

	show_exit("child", spawn(undo_and_exec, &id));
	num(value_of(id, 0));
}

static int undo_of_removed(void *arg)
{
	int id = (int)must(semget(IPC_PRIVATE, 4, 0600)), again;

	must(op(id, 3, 1, SEM_UNDO));
	must(semctl(id, 0, IPC_RMID));
	again = (int)must(semget(IPC_PRIVATE, 1, 0600));
	must(op(again, 0, 2, SEM_UNDO));
	*(int *)arg = again;
	return 0;
}

TEST(sem_undo_of_a_removed_set)
{
	int *id = (int *)must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	show_exit("child", spawn(undo_of_removed, id));
	made = *id;
	atexit(remove_made);
	num(value_of(*id, 0));
}

static int undo_range(void *arg)
{
	int id = *(int *)arg;

	must(op(id, 0, 32767, SEM_UNDO));
	must(op(id, 0, -32767, 0));
	show(op(id, 0, 32767, SEM_UNDO));
	num(value_of(id, 0));
	return 0;
}

TEST(sem_undo_range)
{
	int id = set_of(1);

	show_exit("child", spawn(undo_range, &id));
}

static int rights(void *arg)
{
	int id = *(int *)arg;
	unsigned short v[2];

	must(setgid(65534));
	must(setuid(65534));
	show(semctl(id, 0, GETVAL));
	show(semctl(id, 0, GETALL, v));
	show(semctl(id, 0, SETVAL, 1));
	show(op(id, 0, 1, 0));
	show(op(id, 0, 0, IPC_NOWAIT));
	show(op(id, 9, 1, 0));
	show(semctl(id, 0, IPC_RMID));
	return 0;
}

TEST(sem_rights_of_others)
{
	struct semid_ds ds;
	int id;

	need_root();
	id = set_of(1);
	say("0600");
	show_exit("other", spawn(rights, &id));
	must(semctl(id, 0, IPC_STAT, &ds));
	ds.sem_perm.mode = 0604;
	must(semctl(id, 0, IPC_SET, &ds));
	say("0604");
	show_exit("other", spawn(rights, &id));
	ds.sem_perm.mode = 0606;
	must(semctl(id, 0, IPC_SET, &ds));
	say("0606");
	show_exit("other", spawn(rights, &id));
}

TEST(sem_information)
{
	struct seminfo info;
	struct semid_ds ds;
	int id = set_of(7), last, found = 0;

	last = (int)must(semctl(0, 0, SEM_INFO, &info));
	fact(info.semusz >= 1 && info.semaem >= 7);
	num(info.semvmx);
	for (int i = 0; i <= last; i++)
		found += semctl(i, 0, SEM_STAT, &ds) == id &&
			 ds.sem_nsems == 7;
	num(found);
	must(semctl(0, 0, IPC_INFO, &info));
	num(info.semmni);
	num(info.semmns);
	num(info.semmsl);
	num(info.semopm);
	num(info.semume);
	num(info.semmnu);
	num(info.semusz);
	num(info.semaem);
	num(info.semmap);
	show_file("/proc/sys/kernel/sem");
}

TEST(sem_proc)
{
	int id = set_of(12), seen = 0;
	char want[80], *line;

	must(slurp("/proc/sysvipc/sem"));
	*strchr(slurped, '\n') = 0;
	say("%s", slurped);
	sprintf(want, "         0 %10d   600 %10d ", id, 12);
	for (line = slurped + strlen(slurped) + 1; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		seen += !strncmp(line, want, strlen(want));
	num(seen);
}

struct counter {
	int id;
	volatile int *n;
};

static int count_up(void *arg)
{
	struct counter *c = arg;

	for (int i = 0; i < 2000; i++) {
		must(op(c->id, 0, -1, SEM_UNDO));
		*c->n = *c->n + 1;
		must(op(c->id, 0, 1, SEM_UNDO));
	}
	return 0;
}

TEST(sem_excludes)
{
	struct counter c = { set_of(1), (volatile int *)must(mmap(NULL, PAGE,
				PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0)) };
	pid_t pid[4];

	must(semctl(c.id, 0, SETVAL, 1));
	for (int i = 0; i < 4; i++)
		pid[i] = spawn(count_up, &c);
	for (int i = 0; i < 4; i++)
		show_exit("child", pid[i]);
	num(*c.n);
	num(value_of(c.id, 0));
}

static int ping(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		must(op(*(int *)arg, 0, -1, 0));
		must(op(*(int *)arg, 1, 1, 0));
	}
	return 0;
}

TEST(sem_ping_pong)
{
	int id = set_of(2);
	pid_t pid = spawn(ping, &id);

	for (int i = 0; i < 1000; i++) {
		must(op(id, 0, 1, 0));
		must(op(id, 1, -1, 0));
	}
	show_exit("child", pid);
}

TEST(sem_large_set)
{
	unsigned short *v = calloc(32000, 2);
	int id = set_of(32000);

	v[31999] = 3;
	show(semctl(id, 0, SETALL, v));
	show(op(id, 31999, -3, SEM_UNDO));
	v[31999] = 1;
	show(semctl(id, 0, GETALL, v));
	num(v[31999]);
}
