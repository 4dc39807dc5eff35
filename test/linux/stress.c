/* SPDX-License-Identifier: MIT */
/*
 * Short bursts of everything at once: what a single call never shows. Each
 * test is bounded by a count, runs about a second, and its result does not
 * depend on who wins a race.
 */
#include "harness.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define NR_THREADS 4

static volatile int stop;

static void run_threads(int n, void *(*fn)(void *))
{
	pthread_t t[64];
	long bad = 0;
	void *r;

	for (long i = 0; i < n; i++)
		must0(pthread_create(&t[i], NULL, fn, (void *)i));
	for (int i = 0; i < n; i++) {
		must0(pthread_join(t[i], &r));
		bad += (long)r;
	}
	num(bad);
}

static void *fork_and_wait(void *arg)
{
	long bad = 0;

	for (int i = 0; i < 25; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(i);
		bad += await(pid) != i << 8;
	}
	return (void *)bad;
}

TEST(fork_in_threads)
{
	run_threads(NR_THREADS, fork_and_wait);
}

static void *spawn_program(void *arg)
{
	long bad = 0;

	for (int i = 0; i < 10; i++)
		bad += system("exit 3") != 3 << 8;
	return (void *)bad;
}

TEST(system_in_threads)
{
	run_threads(NR_THREADS, spawn_program);
}

static void *vfork_and_exec(void *arg)
{
	volatile long bad = 0;

	for (volatile int i = 0; i < 10; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		bad += await(pid) != 0;
	}
	return (void *)bad;
}

TEST(vfork_in_threads)
{
	run_threads(NR_THREADS, vfork_and_exec);
}

static void *map_and_unmap(void *arg)
{
	long bad = 0;

	for (int i = 0; i < 300; i++) {
		size_t n = (1 + i % 7) * PAGE;
		char *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memset(p, (long)arg, n);
		sched_yield();
		for (size_t k = 0; k < n; k += 512)
			bad += p[k] != (char)(long)arg;
		munmap(p, n);
	}
	return (void *)bad;
}

TEST(mappings_in_threads)
{
	run_threads(NR_THREADS, map_and_unmap);
}

TEST(mappings_during_fork)
{
	pthread_t t;
	int bad = 0;

	must0(pthread_create(&t, NULL, map_and_unmap, (void *)5));
	for (int i = 0; i < 30; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			char *p = malloc(100000);

			memset(p, 1, 100000);
			_exit(p[99999] != 1);
		}
		bad += await(pid) != 0;
	}
	must0(pthread_join(t, NULL));
	num(bad);
}

static void *allocate(void *arg)
{
	void *p[64] = { 0 };
	unsigned int seed = (long)arg;

	for (int i = 0; i < 5000; i++) {
		int k = rand_r(&seed) % 64, n = 1 + rand_r(&seed) % 40000;

		free(p[k]);
		p[k] = malloc(n);
		memset(p[k], i, n < 100 ? n : 100);
	}
	for (int k = 0; k < 64; k++)
		free(p[k]);
	return NULL;
}

TEST(malloc_in_threads)
{
	run_threads(NR_THREADS, allocate);
}

static void *open_and_close(void *arg)
{
	char name[32];
	long bad = 0;
	int fd;

	for (int i = 0; i < 200; i++) {
		sprintf(name, "f%ld", (long)arg);
		fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		bad += fd < 0 || write(fd, name, 3) != 3 || close(fd) < 0;
		bad += unlink(name) < 0;
	}
	return (void *)bad;
}

TEST(files_in_threads)
{
	run_threads(NR_THREADS, open_and_close);
}

static void *make_threads(void *arg)
{
	pthread_t t;

	for (int i = 0; i < 50; i++) {
		must0(pthread_create(&t, NULL, allocate, (void *)(long)i));
		must0(pthread_join(t, NULL));
		if (i == 5)
			break;
	}
	return NULL;
}

TEST(threads_in_threads)
{
	run_threads(8, make_threads);
}

static void *send_signals(void *arg)
{
	for (int i = 0; i < 300; i++) {
		kill(getpid(), SIGUSR1);
		if (i % 8 == 0)
			sched_yield();
	}
	return NULL;
}

static void *work_under_signals(void *arg)
{
	long bad = 0;
	int p[2];
	char c;

	must(pipe(p));
	for (int i = 0; i < 500; i++) {
		bad += write(p[1], "x", 1) != 1;
		bad += read(p[0], &c, 1) != 1;
		bad += syscall(SYS_getpid) != getpid();
	}
	return (void *)bad;
}

static void *signals_and_work(void *arg)
{
	return (long)arg % 2 ? send_signals(arg) : work_under_signals(arg);
}

TEST(signals_and_pipes)
{
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	run_threads(NR_THREADS, signals_and_work);
	fact(signal_count > 0);
}

static void *fault_often(void *arg)
{
	char *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long bad = 0;

	for (int i = 0; i < 60; i++) {
		madvise(p, 16 * PAGE, MADV_DONTNEED);
		for (int k = 0; k < 16; k++) {
			bad += p[k * PAGE] != 0;
			p[k * PAGE] = 1;
		}
	}
	return (void *)bad;
}

static void *signals_and_faults(void *arg)
{
	return (long)arg % 2 ? send_signals(arg) : fault_often(arg);
}

TEST(signals_and_faults)
{
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	run_threads(NR_THREADS, signals_and_faults);
}

TEST(children_all_seen)
{
	int got = 0, status;

	on_signal(SIGCHLD, count_signal, SA_RESTART);
	for (int i = 0; i < 100; i++)
		if (fork() == 0)
			_exit(0);
	while (waitpid(-1, &status, 0) > 0)
		got++;
	num(got);
	fact(signal_count > 0 && signal_count <= 100);
}

TEST(killed_in_the_middle)
{
	static const char *const last = "abc";
	int bad = 0;

	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			pthread_t t;

			for (int k = 0; k < 3; k++)
				pthread_create(&t, NULL, open_and_close,
					       (void *)(long)(i * 10 + k));
			for (;;)
				map_and_unmap((void *)last);
		}
		usleep(1000 + i * 300);
		kill(pid, SIGKILL);
		must(waitpid(pid, &status, 0));
		bad += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
	}
	num(bad);
}

TEST(exec_with_busy_threads)
{
	int bad = 0;

	for (int i = 0; i < 15; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t;

			for (int k = 0; k < 4; k++)
				pthread_create(&t, NULL, k % 2 ? open_and_close
					       : allocate, (void *)(long)k);
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		bad += await(pid) != 0;
	}
	num(bad);
}

TEST(exit_with_busy_threads)
{
	int bad = 0;

	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t;

			for (int k = 0; k < 4; k++)
				pthread_create(&t, NULL, k % 2 ? open_and_close
					       : map_and_unmap, (void *)9);
			exit(5);
		}
		bad += await(pid) != 5 << 8;
	}
	num(bad);
}

TEST(append_by_processes)
{
	char line[16];
	int fd = must(open("log", O_CREAT | O_RDWR | O_APPEND, 0600));
	int lines[4] = { 0 }, bad = 0;

	for (int w = 0; w < 4; w++) {
		if (fork() == 0) {
			sprintf(line, "writer %d line\n", w);
			for (int i = 0; i < 200; i++)
				must(write(fd, line, 14));
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	lseek(fd, 0, SEEK_SET);
	while (read(fd, line, 14) == 14) {
		bad += memcmp(line, "writer ", 7) != 0 || line[13] != '\n';
		lines[(line[7] - '0') & 3]++;
	}
	say("%d %d %d %d bad %d", lines[0], lines[1], lines[2], lines[3], bad);
}

static void *rename_race(void *arg)
{
	long seen = 0;
	char buf[8];
	int fd;

	for (int i = 0; i < 300; i++) {
		if ((long)arg == 0) {
			put_file("new", i % 2 ? "odd" : "evn");
			must(rename("new", "file"));
			continue;
		}
		fd = open("file", O_RDONLY);
		seen += fd < 0 || read(fd, buf, 8) != 3;
		close(fd);
	}
	return (void *)seen;
}

TEST(rename_is_atomic)
{
	put_file("file", "old");
	run_threads(3, rename_race);
}

static int sock[2];

static void *echo_socket(void *arg)
{
	char buf[64];
	long bad = 0;

	for (int i = 0; i < 2000; i++) {
		if ((long)arg == 0) {
			bad += write(sock[0], &i, sizeof(i)) != sizeof(i);
			bad += read(sock[0], buf, sizeof(i)) != sizeof(i);
			bad += memcmp(buf, &i, sizeof(i)) != 0;
		} else {
			bad += read(sock[1], buf, sizeof(i)) != sizeof(i);
			bad += write(sock[1], buf, sizeof(i)) != sizeof(i);
		}
	}
	return (void *)bad;
}

TEST(socket_ping_pong)
{
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	run_threads(2, echo_socket);
}

static int ep, ev[8];
static volatile int served;

static void *serve(void *arg)
{
	struct epoll_event e;
	uint64_t v;

	if ((long)arg == 0) {
		for (int i = 0; i < 800; i++) {
			must(eventfd_write(ev[i % 8], 1));
			if (i % 50 == 0)
				sched_yield();
		}
		return NULL;
	}
	while (!stop) {
		if (epoll_wait(ep, &e, 1, 20) != 1)
			continue;
		if (read(e.data.fd, &v, 8) == 8 &&
		    __atomic_add_fetch(&served, v, __ATOMIC_SEQ_CST) == 800)
			stop = 1;
	}
	return NULL;
}

TEST(epoll_with_several_waiters)
{
	struct epoll_event e = { .events = EPOLLIN };

	ep = must(epoll_create1(0));
	for (int i = 0; i < 8; i++) {
		e.data.fd = ev[i] = must(eventfd(0, EFD_NONBLOCK));
		must(epoll_ctl(ep, EPOLL_CTL_ADD, ev[i], &e));
	}
	run_threads(4, serve);
	num(served);
}

static pthread_mutex_t pi;
static int inside, most;

static void *hammer_pi(void *arg)
{
	for (int i = 0; i < 30000; i++) {
		pthread_mutex_lock(&pi);
		if (++inside > most)
			most = inside;
		inside--;
		pthread_mutex_unlock(&pi);
	}
	return NULL;
}

TEST(pi_lock_hammered)
{
	pthread_mutexattr_t a;

	must0(pthread_mutexattr_init(&a));
	must0(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT));
	must0(pthread_mutex_init(&pi, &a));
	run_threads(2, hammer_pi);
	num(most);
}

static uint32_t gate;

static void *open_and_pass_gate(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		uint32_t want = 2 * i + (long)arg, now;

		while ((now = __atomic_load_n(&gate, __ATOMIC_SEQ_CST)) != want)
			syscall(SYS_futex, &gate, 128, now, NULL, NULL, 0);
		__atomic_store_n(&gate, want + 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &gate, 129, 1, NULL, NULL, 0);
	}
	return NULL;
}

TEST(no_wake_up_lost)
{
	run_threads(2, open_and_pass_gate);
	num(gate);
}

TEST(process_limit)
{
	struct rlimit r = { 30, 30 };
	int n = 0, err = 0;
	pid_t pid, pids[60];

	need_root();
	must(setresuid(54321, 54321, 54321));
	must(setrlimit(RLIMIT_NPROC, &r));
	while (n < 60) {
		pid = fork();
		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid < 0) {
			err = errno;
			break;
		}
		pids[n++] = pid;
	}
	num(n);
	say("%s", err_name(err));
	for (int i = 0; i < n; i++)
		kill(pids[i], SIGTERM);
	while (wait(NULL) > 0)
		;
}

TEST(tree_of_processes)
{
	int status, sum = 0;

	/* Each level forks three; leaves return 1, nodes the sum. */
	for (int level = 0; level < 4; level++) {
		pid_t pid = 0;

		for (int i = 0; i < 3; i++) {
			pid = must(fork());
			if (pid == 0)
				break;
		}
		if (pid != 0) {
			while (wait(&status) > 0)
				sum += WEXITSTATUS(status);
			if (level == 0)
				break;
			_exit(sum);
		}
		if (level == 3)
			_exit(1);
	}
	num(sum);
}
