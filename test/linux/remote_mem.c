/* SPDX-License-Identifier: MIT */
/*
 * Memory of processes that run, sleep or are stopped: process_vm_readv and
 * process_vm_writev, /proc/PID/mem. What the other one was doing goes on.
 */
#include "harness.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PAGE 4096

static struct shared {
	int ready, stop, word;
} *s;

static char secret[4 * PAGE] __attribute__((aligned(PAGE))) = "parent";
static const char text[PAGE] __attribute__((aligned(PAGE))) = "constant";
static int channel[2], queue, semaphore, lock_fd;

static void set_up(void)
{
	s = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		 -1, 0);
	must(s == MAP_FAILED ? -1 : 0);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	queue = must(msgget(IPC_PRIVATE, 0600));
	semaphore = must(semget(IPC_PRIVATE, 1, 0600));
}

static void clean_up(void)
{
	msgctl(queue, IPC_RMID, NULL);
	semctl(semaphore, 0, IPC_RMID);
}

static int load(int *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void set(int *p)
{
	__atomic_store_n(p, 1, __ATOMIC_SEQ_CST);
}

static void await_flag(int *p)
{
	while (!load(p))
		sched_yield();
}

static ssize_t peek(pid_t pid, void *to, const void *from, size_t n)
{
	struct iovec mine = { to, n }, theirs = { (void *)from, n };

	return process_vm_readv(pid, &mine, 1, &theirs, 1, 0);
}

static ssize_t poke(pid_t pid, void *to, const void *from, size_t n)
{
	struct iovec mine = { (void *)from, n }, theirs = { to, n };

	return process_vm_writev(pid, &mine, 1, &theirs, 1, 0);
}

/* Its memory is its own. */
static void look_into(pid_t pid)
{
	char seen[8] = "";

	show(peek(pid, seen, secret, 8));
	say("%s %s", seen, secret);
	show(poke(pid, secret + 8, "poked", 6));
	show(peek(pid, seen, secret + 8, 6));
	say("%s", seen);
	num(secret[8]);
}

/* --- what the other one does meanwhile ------------------------------------------*/
static void begin(void)
{
	strcpy(secret, "child");
	set(&s->ready);
}

static int end(int good)
{
	return good ? strcmp(secret + 8, "poked") : 9;
}

static int runs(void *arg)
{
	begin();
	while (!load(&s->stop))
		;
	return end(1);
}

static int reads(void *arg)
{
	char c;

	begin();
	return end(read(channel[0], &c, 1) == 1);
}

static int polls(void *arg)
{
	struct pollfd p = { channel[0], POLLIN, 0 };

	begin();
	return end(poll(&p, 1, -1) == 1);
}

static int selects(void *arg)
{
	struct timeval t = { 100, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(channel[0], &set);
	begin();
	return end(select(channel[0] + 1, &set, NULL, NULL, &t) == 1);
}

static int epolls(void *arg)
{
	struct epoll_event e = { .events = EPOLLIN };
	int ep = must(epoll_create1(0));

	must(epoll_ctl(ep, EPOLL_CTL_ADD, channel[0], &e));
	begin();
	return end(epoll_wait(ep, &e, 1, -1) == 1);
}

static int waits_on_futex(void *arg)
{
	begin();
	return end(!syscall(SYS_futex, &s->word, FUTEX_WAIT, 0, NULL));
}

static int receives(void *arg)
{
	struct { long type; char c; } m;

	begin();
	return end(msgrcv(queue, &m, 1, 0, 0) == 1);
}

static int takes(void *arg)
{
	struct sembuf b = { 0, -1, 0 };

	begin();
	return end(!semop(semaphore, &b, 1));
}

static int waits_for_lock(void *arg)
{
	int fd = must(open("lock", O_RDWR));

	begin();
	return end(!flock(fd, LOCK_EX));
}

static int waits_for_signal(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &set, NULL));
	begin();
	return end(sigwaitinfo(&set, NULL) == SIGUSR1);
}

static int pauses(void *arg)
{
	sigset_t set, none;

	on_signal(SIGUSR1, count_signal, 0);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &set, NULL));
	begin();
	return end(sigsuspend(&none) < 0 && signal_count == 1);
}

static int sleeps(void *arg)
{
	struct timespec t = { 0, 300000000 };

	begin();
	return end(!clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL));
}

static int grandchild(void *arg)
{
	await_flag(&s->stop);
	return 3;
}

static int waits_for_child(void *arg)
{
	pid_t pid = spawn(grandchild, NULL);
	int status;

	begin();
	return end(waitpid(pid, &status, 0) == pid);
}

static void *reads_in_thread(void *arg)
{
	char c;

	return read(channel[0], &c, 1) == 1 ? secret : NULL;
}

static int joins(void *arg)
{
	pthread_t t;
	void *r;

	must0(pthread_create(&t, NULL, reads_in_thread, NULL));
	begin();
	must0(pthread_join(t, &r));
	return end(r == secret);
}

static int waits_in_vfork(void *arg)
{
	pid_t pid;
	char c;

	strcpy(secret, "child");
	pid = vfork();
	if (!pid) {
		set(&s->ready);
		(void)!read(channel[0], &c, 1);
		_exit(0);
	}
	return end(waitpid(pid, NULL, 0) == pid);
}

static const struct {
	const char *name;
	int (*fn)(void *arg);
} states[] = {
	{ "runs", runs }, { "reads", reads }, { "polls", polls },
	{ "selects", selects }, { "epolls", epolls },
	{ "futex", waits_on_futex }, { "msgrcv", receives },
	{ "semop", takes }, { "flock", waits_for_lock },
	{ "sigwaitinfo", waits_for_signal }, { "sigsuspend", pauses },
	{ "nanosleep", sleeps }, { "waitpid", waits_for_child },
	{ "join", joins }, { "vfork", waits_in_vfork },
};

/* Whatever it waits for. */
static void release(pid_t pid)
{
	struct { long type; char c; } m = { 1, 1 };
	struct sembuf b = { 0, 1, 0 };

	set(&s->stop);
	must(write(channel[1], "x", 1));
	s->word = 1;
	syscall(SYS_futex, &s->word, FUTEX_WAKE, 1);
	must(msgsnd(queue, &m, 1, 0));
	must(semop(semaphore, &b, 1));
	must(flock(lock_fd, LOCK_UN));
}

static void one_state(const char *name, int (*fn)(void *arg))
{
	char seen[8];
	pid_t pid;
	int bad = 0;

	set_up();
	lock_fd = must(open("lock", O_RDWR | O_CREAT, 0600));
	must(flock(lock_fd, LOCK_EX));
	pid = spawn(fn, NULL);
	await_flag(&s->ready);
	say("%s", name);
	look_into(pid);
	for (int i = 0; i < 200; i++) {
		bad += peek(pid, seen, secret, 8) != 8;
		if (i % 16 == 0)
			sleep_ms(1);
	}
	num(bad);
	if (fn == waits_for_signal || fn == pauses)
		must(kill(pid, SIGUSR1));
	release(pid);
	show_exit("child", pid);
	close(channel[0]);
	close(channel[1]);
	close(lock_fd);
	clean_up();
}

TEST(whatever_it_does)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		one_state(states[i].name, states[i].fn);
}

TEST(while_stopped)
{
	pid_t pid;
	int status;

	set_up();
	pid = spawn(runs, NULL);
	await_flag(&s->ready);
	must(kill(pid, SIGSTOP));
	must(waitpid(pid, &status, WUNTRACED));
	look_into(pid);
	must(kill(pid, SIGCONT));
	set(&s->stop);
	show_exit("child", pid);
	clean_up();
}

/* --- how much is moved ------------------------------------------------------------*/
TEST(partial)
{
	static char big[4 * PAGE];
	struct iovec mine[2] = { { big, 3 * PAGE }, { big + 3 * PAGE, PAGE } };
	struct iovec theirs[3];
	pid_t pid;

	set_up();
	pid = spawn(runs, NULL);
	await_flag(&s->ready);
	must(munmap(secret + 2 * PAGE, PAGE));	/* ours, not the child's */
	show(peek(pid, big, secret, sizeof(secret)));
	show(peek(pid, secret + PAGE, secret, 2 * PAGE));
	show(peek(pid, secret + 2 * PAGE, secret, PAGE));
	show(poke(pid, secret, secret + 2 * PAGE, PAGE));
	show(poke(pid, (void *)text, "x", 1));
	show(peek(pid, big, bad_pointer(), 8));
	show(poke(pid, bad_pointer(), big, 8));
	show(peek(pid, big, (void *)-4096l, 8));
	theirs[0] = (struct iovec){ secret, 100 };
	theirs[1] = (struct iovec){ bad_pointer(), 100 };
	theirs[2] = (struct iovec){ secret, 100 };
	show(process_vm_readv(pid, mine, 1, theirs, 3, 0));
	theirs[1] = (struct iovec){ bad_pointer(), 0 };
	show(process_vm_readv(pid, mine, 1, theirs, 3, 0));
	mine[0].iov_len = 150;
	show(process_vm_readv(pid, mine, 1, theirs, 3, 0));
	show(process_vm_readv(pid, mine, 2, theirs, 3, 0));
	show(process_vm_readv(pid, mine, 0, theirs, 3, 0));
	show(process_vm_readv(pid, mine, 1, theirs, 0, 0));
	show(process_vm_readv(pid, mine, 1, theirs, 1, 1));
	show(process_vm_readv(pid, mine, 1025, theirs, 1, 0));
	show(process_vm_readv(pid, mine, 1, bad_pointer(), 1, 0));
	set(&s->stop);
	must(waitpid(pid, NULL, 0));
	clean_up();
}

/* --- who may ----------------------------------------------------------------------*/
static int as_nobody(void *arg)
{
	pid_t pid = *(pid_t *)arg;
	char c;

	must(setgid(65534));
	must(setuid(65534));
	show(peek(pid, &c, secret, 1));
	show(poke(pid, secret, "x", 1));
	return 0;
}

static int hides(void *arg)
{
	must(setgid(65534));
	must(setuid(65534));
	must(prctl(PR_SET_DUMPABLE, 0));
	return runs(arg);
}

static int shows(void *arg)
{
	must(setgid(65534));
	must(setuid(65534));
	must(prctl(PR_SET_DUMPABLE, 1));
	return runs(arg);
}

static void try_as_nobody(int (*fn)(void *arg))
{
	pid_t pid;

	s->ready = s->stop = 0;
	pid = spawn(fn, NULL);
	await_flag(&s->ready);
	show_exit("nobody", spawn(as_nobody, &pid));
	set(&s->stop);
	must(waitpid(pid, NULL, 0));
}

TEST(permission)
{
	if (getuid())
		skip("needs root");
	set_up();
	try_as_nobody(runs);
	try_as_nobody(hides);
	try_as_nobody(shows);
	clean_up();
}

static int ends(void *arg)
{
	return 0;
}

TEST(of_the_dead)
{
	pid_t pid = spawn(ends, NULL);
	siginfo_t i;
	char c;

	must(waitid(P_PID, (id_t)pid, &i, WEXITED | WNOWAIT));
	show(peek(pid, &c, secret, 1));
	must(waitpid(pid, NULL, 0));
	show(peek(pid, &c, secret, 1));
	show(peek(-1, &c, secret, 1));
}

/* --- /proc/PID/mem ----------------------------------------------------------------*/
static void use_file(int fd)
{
	char seen[9] = "";

	show(pread(fd, seen, 8, (off_t)secret));
	say("%s", seen);
	show(pwrite(fd, "poked", 6, (off_t)(secret + 8)));
	/* a debugger may write what the program may not */
	show(pwrite(fd, "C", 1, (off_t)text));
	show(pread(fd, seen, 8, (off_t)text));
	say("%s %c", seen, *(volatile const char *)text);
	show(pread(fd, seen, 8, 8));
	show(pwrite(fd, seen, 8, 8));
	show(pread(fd, bad_pointer(), 8, (off_t)secret));
	show(pwrite(fd, bad_pointer(), 8, (off_t)secret));
	show(pread(fd, seen, 0, 8));
}

TEST(file_of_another)
{
	char path[64];
	pid_t pid;
	int fd;

	set_up();
	pid = spawn(runs, NULL);
	await_flag(&s->ready);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = (int)must(open(path, O_RDWR));
	use_file(fd);
	set(&s->stop);
	show_exit("child", pid);
	clean_up();
}

TEST(file_of_oneself)
{
	use_file((int)must(open("/proc/self/mem", O_RDWR)));
}

/* --- all at once ------------------------------------------------------------------*/
#define ROUNDS 300

static int looks_at_other(void *arg)
{
	pid_t *pids = arg;
	char seen[6000];
	int bad = 0;

	strcpy(secret, "child");
	set(&s->ready);
	await_flag(&s->stop);
	for (int i = 0; i < ROUNDS; i++) {
		bad += peek(pids[0], seen, secret, sizeof(seen)) != sizeof(seen);
		bad += peek(pids[1], seen, secret, sizeof(seen)) != sizeof(seen);
		bad += strcmp(seen, "child") != 0;
	}
	/* the other one may not have finished */
	__atomic_fetch_add(&s->word, 1, __ATOMIC_SEQ_CST);
	while (load(&s->word) < 2)
		sched_yield();
	return bad != 0;
}

/* Each wants the other's memory, and its own. */
TEST(each_other)
{
	pid_t *pids = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	set_up();
	for (int i = 0; i < 2; i++) {
		s->ready = 0;
		pids[i] = spawn(looks_at_other, pids);
		await_flag(&s->ready);
	}
	set(&s->stop);
	show_exit("first", pids[0]);
	show_exit("second", pids[1]);
	clean_up();
}

HELPER(executed)
{
	return 0;
}

static void *changes(void *arg)
{
	while (!load(&s->stop))
		getppid();
	return NULL;
}

/* Threads that come to know of requests as others end the process, by exit,
 * exec or SIGKILL. */
static int short_life(void *arg)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, changes, NULL));
	set(&s->ready);
	if ((long)arg == 1)
		execl(self_path, "x", "--helper", "executed", NULL);
	if ((long)arg == 2)
		kill(getpid(), SIGKILL);
	return 0;
}

TEST(while_it_ends)
{
	char seen[PAGE];
	ssize_t n;
	pid_t pid;

	set_up();
	for (long i = 0; i < 60; i++) {
		s->ready = 0;
		pid = spawn(short_life, (void *)(i % 3));
		await_flag(&s->ready);
		do
			n = peek(pid, seen, secret, sizeof(seen));
		while (n > 0);
		if (errno != ESRCH && errno != EFAULT && errno != EPERM)
			say("%s", err_name(errno));
		must(waitpid(pid, NULL, 0));
	}
	say("done");
	clean_up();
}

/* Who asks is interrupted all the time. */
TEST(under_signals)
{
	char seen[PAGE];
	int bad = 0;
	pid_t pid;

	set_up();
	pid = spawn(runs, NULL);
	await_flag(&s->ready);
	ticks_start(0);
	while (signal_count < 30)
		bad += peek(pid, seen, secret, sizeof(seen)) != sizeof(seen);
	ticks_stop();
	num(bad);
	set(&s->stop);
	must(waitpid(pid, NULL, 0));
	clean_up();
}
