/* SPDX-License-Identifier: MIT */
/*
 * Namespaces of processes: what numbers programs inside and outside see and
 * give, the init's duties and protection, its end, and entering.
 */
#include "ns_help.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

/* A reader of it sees the end when all writers have ended. */
static int wait_for_end(int fd)
{
	char c;

	return (int)read(fd, &c, 1);
}

static pid_t outer;	/* the number of somebody outside */

/* A number that nobody inside has. Its process ends with the test. */
static void make_outer(void)
{
	int fds[2];

	must(pipe(fds));
	while (outer < 100) {
		outer = fork();
		if (!outer) {
			close(fds[1]);
			_exit(wait_for_end(fds[0]));
		}
		if (outer < 100) {
			kill(outer, SIGKILL);
			await(outer);
		}
	}
}

/* fn is the init of a new namespace. Returns its number here. */
static pid_t start_init(int (*fn)(void *arg), void *arg)
{
	become_root_of_new(CLONE_NEWPID);
	return spawn(fn, arg);
}

static void show_init(int (*fn)(void *arg), void *arg)
{
	show_exit("init", start_init(fn, arg));
}

static int exit_3(void *arg)
{
	return 3;
}

static int wait_for_ever(void *arg)
{
	while (pause() < 0)
		;
	return 0;
}

/* --- numbers ----------------------------------------------------------------*/
static int second(void *arg)
{
	num(getpid());
	num(gettid());
	num(getppid());
	num(getpgrp());
	show(setsid());
	num(getsid(0));
	num(getpgid(0));
	return 0;
}

static int numbers_of_init(void *arg)
{
	num(getpid());
	num(gettid());
	num(getppid());
	num(getpgrp());
	num(getsid(0));
	show(getpgid(outer));
	show(getsid(outer));
	show(setpgid(0, outer));
	show(setpgid(0, 0));
	num(getpgrp());
	show(kill(outer, 0));
	show(syscall(SYS_tgkill, outer, outer, 0));
	show(sched_getscheduler(outer));
	show(getpriority(PRIO_PROCESS, (id_t)outer));
	show(prlimit(outer, RLIMIT_CORE, NULL, NULL));
	show(pidfd_open(outer, 0));
	show(ptrace(PTRACE_ATTACH, outer, 0, 0));
	show(waitpid(outer, NULL, WNOHANG));
	show_exit("second", spawn(second, NULL));
	num(spawn(exit_3, NULL));
	show(waitpid(-1, NULL, 0));
	return 0;
}

TEST(numbers)
{
	make_outer();
	show_init(numbers_of_init, NULL);
}

static void show_levels(pid_t pid)
{
	char path[64], *v, *end;
	int n = 0;
	long last = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	must(slurp(path));
	v = (char *)value("NSpid");
	while (v && *v && *v != '\n') {
		last = strtol(v, &end, 10);
		if (end == v)
			break;
		v = end;
		n++;
	}
	say("%d numbers, the last is %ld", n, n > 1 ? last : 0);
}

TEST(from_outside)
{
	pid_t pid = start_init(wait_for_ever, NULL), next;
	siginfo_t i = { 0 };

	fact(pid > 1 && pid != getpid());
	fact(!kill(pid, 0));
	show_levels(getpid());
	show_levels(pid);
	next = spawn(exit_3, NULL);
	must(waitid(P_PID, (id_t)next, &i, WEXITED | WNOWAIT));
	fact(i.si_pid == next);
	show_levels(next);
	show_exit("next", next);
	must(kill(pid, SIGKILL));
	show_exit("init", pid);
}

TEST(words_of_clone)
{
	pid_t *w = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0), pid;

	become_root_of_new(0);
	pid = (pid_t)must(syscall(SYS_clone, CLONE_NEWPID | CLONE_PARENT_SETTID |
				  CLONE_CHILD_SETTID | SIGCHLD, NULL, w, w + 1,
				  0));
	if (!pid) {
		num(w[1]);
		num(syscall(SYS_set_tid_address, w + 1));
		_exit(0);
	}
	show_exit("child", pid);
	fact(*w == pid);
}

static int go_deeper(void *arg)
{
	int depth = *(int *)arg;

	while (!unshare(CLONE_NEWPID)) {
		pid_t pid = fork();

		if (pid)
			exit(WEXITSTATUS(await(pid)));
		depth++;
	}
	say("%d: %s", depth, err_name(errno));
	return 0;
}

TEST(depth)
{
	int depth = 1;

	show_init(go_deeper, &depth);
}

/* --- init --------------------------------------------------------------------*/
static void note(int sig, siginfo_t *i, void *unused)
{
	signal_last = sig;
	signal_count = i->si_pid;
}

static void on_info(int sig)
{
	struct sigaction a = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

	must(sigaction(sig, &a, NULL));
}

static int attack_init(void *arg)
{
	show(kill(1, SIGTERM));
	show(kill(1, SIGKILL));
	show(kill(1, SIGSTOP));
	show(kill(-1, SIGKILL));
	show(kill(1, SIGUSR1));
	return 0;
}

static int defend(void *arg)
{
	on_info(SIGUSR1);
	show(raise(SIGTERM));
	show(kill(getpid(), SIGKILL));
	show_exit("attacker", spawn(attack_init, NULL));
	num(signal_last);
	num(signal_count);
	return 4;
}

TEST(init_is_protected)
{
	show_init(defend, NULL);
}

static int block_and_look(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	must(sigprocmask(SIG_BLOCK, &set, NULL));
	must(raise(SIGTERM));
	must(sigpending(&set));
	fact(sigismember(&set, SIGTERM));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	must(sigpending(&set));
	fact(sigismember(&set, SIGTERM));
	return 5;
}

TEST(blocked_signals_of_init)
{
	show_init(block_and_look, NULL);
}

static int handle_one(void *arg)
{
	int *fds = arg;

	on_info(SIGUSR1);
	must(write(fds[1], "x", 1));
	while (signal_last != SIGUSR1)
		usleep(1000);
	num(signal_count);
	return 6;
}

TEST(signals_from_outside)
{
	int fds[2], status;
	pid_t pid;

	must(pipe(fds));
	pid = start_init(handle_one, fds);
	must(wait_for_end(fds[0]));
	must(kill(pid, SIGTERM));
	must(kill(pid, SIGSTOP));
	must(waitpid(pid, &status, WUNTRACED));
	say("%s", status_name(status));
	must(kill(pid, SIGCONT));
	must(kill(pid, SIGUSR1));
	show_exit("init", pid);
}

static int fault(void *arg)
{
	struct rlimit none = { 0, 0 };

	must(setrlimit(RLIMIT_CORE, &none));
	*(volatile char *)bad_pointer() = 1;
	return 7;
}

TEST(fault_of_init)
{
	show_init(fault, NULL);
}

static int leave_members(void *arg)
{
	for (int i = 0; i < 3; i++)
		if (!fork()) {
			if (i == 1)
				must(setsid());
			if (!fork())
				signal(SIGTERM, SIG_IGN);
			wait_for_ever(NULL);
		}
	return 8;
}

TEST(end_of_init)
{
	int fds[2];
	pid_t pid;

	must(pipe(fds));
	pid = start_init(leave_members, NULL);
	close(fds[1]);
	show_exit("init", pid);
	/* they were gone before it */
	must(fcntl(fds[0], F_SETFL, O_NONBLOCK));
	num(wait_for_end(fds[0]));
	show(fork());
	show(waitpid(-1, NULL, 0));
}

TEST(killed_init_takes_all)
{
	int fds[2];
	pid_t pid, member;
	int status;

	must(pipe(fds));
	pid = start_init(wait_for_ever, NULL);
	member = spawn(wait_for_ever, NULL);
	close(fds[1]);
	must(kill(pid, SIGKILL));
	must(waitpid(member, &status, 0));
	say("member: %s", status_name(status));
	show_exit("init", pid);
	num(wait_for_end(fds[0]));
}

static int make_orphan(void *arg)
{
	int *fds = arg;

	if (!fork()) {
		close(fds[1]);
		wait_for_end(fds[0]);
		num(getppid());
		exit(9);
	}
	return 0;
}

static int adopt(void *arg)
{
	int fds[2], status;
	pid_t parent;

	if (arg)
		must(prctl(PR_SET_CHILD_SUBREAPER, 1));
	must(pipe(fds));
	parent = spawn(make_orphan, fds);
	show_exit("parent", parent);
	close(fds[1]);
	num(waitpid(-1, &status, 0));
	say("%s", status_name(status));
	return 0;
}

TEST(orphans)
{
	show_init(adopt, NULL);
}

static int below_subreaper(void *arg)
{
	show_exit("subreaper", spawn(adopt, "yes"));
	return 0;
}

TEST(subreaper)
{
	show_init(below_subreaper, NULL);
}

/* The outer subreaper is not asked. */
TEST(subreaper_outside)
{
	must(prctl(PR_SET_CHILD_SUBREAPER, 1));
	show_init(adopt, NULL);
}

/* --- making and entering ---------------------------------------------------------*/
static void *nothing(void *arg)
{
	return arg;
}

TEST(unshare_twice)
{
	pthread_t t;

	become_root_of_new(CLONE_NEWPID);
	show(unshare(CLONE_NEWPID));
	show_err(pthread_create(&t, NULL, nothing, NULL));
	show(open("/proc/self/ns/pid_for_children", O_RDONLY));
	show_exit("first", spawn(exit_3, NULL));
	show_ok(open("/proc/self/ns/pid_for_children", O_RDONLY));
	show(fork());
}

static int sibling_of_init(void *arg)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0,
				   0);

	if (!pid)
		_exit(0);
	say("%d %s", pid, err_name(errno));
	return 0;
}

TEST(init_has_no_siblings)
{
	show_init(sibling_of_init, NULL);
}

static int try_to_leave(void *arg)
{
	int *fd = arg;

	show(setns(*fd, CLONE_NEWPID));
	show(setns(open_ns("pid"), CLONE_NEWPID));
	show(ioctl(open_ns("pid"), NS_GET_PARENT));
	show(ioctl(*fd, NS_GET_PARENT));
	show_exit("second", spawn(second, NULL));
	return 0;
}

TEST(no_way_back)
{
	int fd;

	become_root_of_new(0);
	fd = open_ns("pid");
	must(unshare(CLONE_NEWPID));
	show_exit("init", spawn(try_to_leave, &fd));
}

static int show_own(void *arg)
{
	num(getpid());
	num(getppid());
	return 0;
}

TEST(enter)
{
	pid_t pid = start_init(wait_for_ever, NULL), own;
	char path[64];
	int fd, up, status;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	fd = must(open(path, O_RDONLY | O_CLOEXEC));
	up = must(ioctl(fd, NS_GET_PARENT));
	fact(is_same(up, open_ns("pid")));
	fact(is_same(fd, must(open("/proc/self/ns/pid_for_children",
				   O_RDONLY))));
	show(setns(up, CLONE_NEWPID));
	own = spawn(exit_3, NULL);
	fact(getpgid(own) == getpgrp());
	await(own);
	show(setns(fd, CLONE_NEWPID));
	show_exit("second", spawn(show_own, NULL));
	own = spawn(wait_for_ever, NULL);
	must(kill(pid, SIGKILL));
	must(waitpid(own, &status, 0));
	say("third: %s", status_name(status));
	show_exit("init", pid);
	show(fork());
}

TEST(enter_by_pidfd)
{
	pid_t pid = start_init(wait_for_ever, NULL);
	int fd = must(pidfd_open(pid, 0));

	show(setns(open_ns("pid"), 0));
	show(setns(fd, CLONE_NEWPID));
	show_exit("second", spawn(show_own, NULL));
	must(kill(pid, SIGKILL));
	show_exit("init", pid);
}

/* --- what shows numbers ---------------------------------------------------------*/
#define NO_PROC 100	/* where a host forbids to mount it, as in some containers */

static void with_mounts(int (*fn)(void *arg))
{
	int status;

	become_root_of_new(CLONE_NEWPID | CLONE_NEWNS);
	must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	status = await(spawn(fn, NULL));
	if (WEXITSTATUS(status) == NO_PROC)
		skip("no proc can be mounted here");
	say("init: %s", status_name(status));
}

static int look_at_proc(void *arg)
{
	char text[64] = "";
	ssize_t n;
	pid_t pid;

	if (mount("proc", "/proc", "proc", 0, NULL)) {
		return NO_PROC;
	}
	n = must(readlink("/proc/self", text, sizeof(text) - 1));
	text[n] = 0;
	say("self %s", text);
	n = must(readlink("/proc/thread-self", text, sizeof(text) - 1));
	text[n] = 0;
	say("thread-self %s", text);
	pid = spawn(wait_for_ever, NULL);
	for (int i = 1; i < 20; i++) {
		snprintf(text, sizeof(text), "/proc/%d", i);
		if (!access(text, F_OK))
			say("%s", text);
	}
	must(slurp("/proc/2/stat"));
	say("%d", atoi(slurped));
	must(slurp("/proc/2/status"));
	say("Pid %.1s PPid %.1s Tgid %.1s NSpid %.1s", value("Pid"),
	    value("PPid"), value("Tgid"), value("NSpid"));
	show_file("/proc/1/task/1/children");
	must(slurp("/proc/loadavg"));
	say("last number %d", atoi(strrchr(slurped, ' ')));
	show(access("/proc/2/task/2/status", F_OK));
	show(access("/proc/2/task/1", F_OK));
	must(kill(pid, SIGKILL));
	await(pid);
	show(access("/proc/2", F_OK));
	return 0;
}

TEST(proc_of_its_own)
{
	with_mounts(look_at_proc);
}

static int look_at_outer_proc(void *arg)
{
	char text[16] = "";

	fact(readlink("/proc/self", text, sizeof(text) - 1) > 0);
	fact(atoi(text) > 1);
	show_levels(atoi(text));
	return 0;
}

TEST(proc_of_outside)
{
	show_init(look_at_outer_proc, NULL);
}

/* Nobody has looked at it before. */
TEST(proc_of_outside_first)
{
	need_root();
	must(unshare(CLONE_NEWPID));
	show_exit("init", spawn(look_at_outer_proc, NULL));
}

static int own_proc_is_left(void *arg)
{
	char text[16];

	if (mount("proc", "/proc", "proc", 0, NULL)) {
		return NO_PROC;
	}
	must(unshare(CLONE_NEWPID));
	show_exit("deeper", spawn(show_own, NULL));
	show((long)readlink("/proc/self", text, 16));
	return 0;
}

/* Who is not in the namespace has no number there. */
TEST(proc_of_another)
{
	with_mounts(own_proc_is_left);
}

static long send_cred(int fd, pid_t pid)
{
	char c = 'x', buf[CMSG_SPACE(sizeof(struct ucred))] = { 0 };
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buf,
			    .msg_controllen = sizeof(buf) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	struct ucred u = { pid, getuid(), getgid() };

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_CREDENTIALS;
	h->cmsg_len = CMSG_LEN(sizeof(u));
	memcpy(CMSG_DATA(h), &u, sizeof(u));
	return sendmsg(fd, &m, 0);
}

static pid_t receive_cred(int fd)
{
	char c, buf[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buf,
			    .msg_controllen = sizeof(buf) };
	struct ucred u;

	must(recvmsg(fd, &m, 0));
	if (!CMSG_FIRSTHDR(&m))
		return -1;
	memcpy(&u, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(u));
	return u.pid;
}

static int talk(void *arg)
{
	int *fds = arg;

	num(receive_cred(fds[1]));
	show(send_cred(fds[1], getpid()));
	show(send_cred(fds[1], 2));
	show(send_cred(fds[1], 77));
	must(write(fds[1], "x", 1));
	return 0;
}

TEST(credentials_of_sockets)
{
	int fds[2], one = 1;
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	must(setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	must(setsockopt(fds[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	pid = start_init(talk, fds);
	must(send_cred(fds[0], getpid()));
	show_exit("init", pid);
	/* the second was sent without any */
	fact(receive_cred(fds[0]) == pid);
	fact(receive_cred(fds[0]) == pid);
}

static int connect_to(void *arg)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(struct ucred);
	struct ucred u;
	int s = must(socket(AF_UNIX, SOCK_STREAM, 0));

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", (char *)arg);
	must(connect(s, (struct sockaddr *)&a, sizeof(a)));
	must(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, &n));
	num(u.pid);
	return 0;
}

TEST(peer_of_a_socket)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "sock" };
	socklen_t n = sizeof(struct ucred);
	struct ucred u;
	int s = must(socket(AF_UNIX, SOCK_STREAM, 0)), c;
	pid_t pid;

	must(bind(s, (struct sockaddr *)&a, sizeof(a)));
	must(listen(s, 1));
	pid = start_init(connect_to, a.sun_path);
	c = must(accept(s, NULL, NULL));
	must(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &n));
	show_exit("init", pid);
	fact(u.pid == pid);
}

static int hold_lock(void *arg)
{
	struct flock l = { .l_type = F_WRLCK };
	int *fds = arg, fd = must(open("f", O_RDWR));

	show(fcntl(fd, F_GETOWN));
	must(fcntl(fd, F_SETOWN, getpid()));
	show(fcntl(fd, F_GETOWN));
	show(fcntl(fd, F_SETOWN, outer));
	must(fcntl(fd, F_SETLK, &l));
	must(write(fds[1], "x", 1));
	return wait_for_ever(NULL);
}

static int test_lock(void *arg)
{
	struct flock l = { .l_type = F_WRLCK };

	must(fcntl(must(open("f", O_RDWR)), F_GETLK, &l));
	num(l.l_pid);
	return 0;
}

TEST(locks_of_files)
{
	struct flock l = { .l_type = F_WRLCK };
	int fds[2], fd;
	pid_t pid;

	put_file("f", "text");
	make_outer();
	must(pipe(fds));
	pid = start_init(hold_lock, fds);
	must(wait_for_end(fds[0]));
	fd = must(open("f", O_RDWR));
	must(fcntl(fd, F_GETLK, &l));
	fact(l.l_pid == pid);
	show_exit("second", spawn(test_lock, NULL));
	must(kill(pid, SIGKILL));
	show_exit("init", pid);
	must(fcntl(fd, F_SETLK, &l));
	l.l_type = F_WRLCK;
	must(fcntl(fd, F_SETLK, &l));
}

static int use_objects(void *arg)
{
	int id = must(semget(IPC_PRIVATE, 1, 0600)), shm;
	struct shmid_ds ds;

	must(semctl(id, 0, SETVAL, 1));
	num(semctl(id, 0, GETPID));
	must(semctl(id, 0, IPC_RMID));
	shm = must(shmget(IPC_PRIVATE, 4096, 0600));
	must(shmctl(shm, IPC_STAT, &ds));
	num(ds.shm_cpid);
	num(ds.shm_lpid);
	must(shmctl(shm, IPC_RMID, NULL));
	return 0;
}

TEST(system_v)
{
	show_init(use_objects, NULL);
}

static int lead_terminal(void *arg)
{
	int m = must(posix_openpt(O_RDWR | O_NOCTTY)), s;
	pid_t pid;

	must(grantpt(m));
	must(unlockpt(m));
	must(setsid());
	s = must(open(ptsname(m), O_RDWR));
	num(tcgetpgrp(s));
	num(tcgetsid(s));
	pid = spawn(wait_for_ever, NULL);
	must(setpgid(pid, pid));
	signal(SIGTTOU, SIG_IGN);
	show(tcsetpgrp(s, pid));
	num(tcgetpgrp(s));
	show(tcsetpgrp(s, outer));
	must(kill(-pid, SIGKILL));
	show_exit("group", pid);
	return 0;
}

TEST(terminal)
{
	make_outer();
	show_init(lead_terminal, NULL);
}

static int fork_once(void *arg)
{
	must(ptrace(PTRACE_TRACEME, 0, 0, 0));
	raise(SIGSTOP);
	show_exit("own child", spawn(exit_3, NULL));
	return 0;
}

TEST(traced_from_outside)
{
	pid_t pid = start_init(fork_once, NULL), child = 0, who;
	unsigned long message = 0;
	int status;

	must(waitpid(pid, &status, 0));
	say("%s", status_name(status));
	must(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK));
	must(ptrace(PTRACE_CONT, pid, 0, 0));
	while ((who = waitpid(-1, &status, __WALL)) > 0) {
		if (status >> 16 == PTRACE_EVENT_FORK)
			must(ptrace(PTRACE_GETEVENTMSG, who, 0, &message));
		if (WIFSTOPPED(status))
			must(ptrace(PTRACE_CONT, who, 0, 0));
		else
			say("%s: %s", who == pid ? "init" : "child",
			    status_name(status));
		if (who != pid)
			child = who;
	}
	fact((pid_t)message == child);
}

static void *become_leader(void *arg)
{
	execl(self_path, self_path, "--helper", "show_numbers", NULL);
	return NULL;
}

HELPER(show_numbers)
{
	num(getpid());
	num(gettid());
	return 0;
}

static int exec_in_thread(void *arg)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, become_leader, NULL));
	return wait_for_ever(NULL);
}

TEST(exec_of_a_thread)
{
	show_init(exec_in_thread, NULL);
}

static pthread_mutex_t inheriting;

static void *lock_twice(void *arg)
{
	must0(pthread_mutex_lock(&inheriting));
	must0(pthread_mutex_unlock(&inheriting));
	num(gettid());
	must0(pthread_mutex_lock(&inheriting));
	return NULL;
}

/* The words of mutexes have numbers in them that programs see. */
static int use_mutexes(void *arg)
{
	pthread_mutexattr_t a;
	pthread_t t;

	pthread_mutexattr_init(&a);
	must0(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT));
	must0(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
	must0(pthread_mutex_init(&inheriting, &a));
	must0(pthread_mutex_lock(&inheriting));
	must0(pthread_create(&t, NULL, lock_twice, NULL));
	sleep_ms(20);
	must0(pthread_mutex_unlock(&inheriting));
	must0(pthread_join(t, NULL));
	fact(pthread_mutex_lock(&inheriting) == EOWNERDEAD);
	return 0;
}

TEST(mutexes_with_owners)
{
	show_init(use_mutexes, NULL);
}

static int signal_by_descriptor(void *arg)
{
	int *fd = arg;
	pid_t pid = spawn(wait_for_ever, NULL);
	int own = must(pidfd_open(pid, 0));
	siginfo_t i = { 0 };

	show(pidfd_send_signal(*fd, 0, NULL, 0));
	show(pidfd_send_signal(own, SIGKILL, NULL, 0));
	must(waitid(P_PIDFD, (id_t)own, &i, WEXITED));
	num(i.si_pid);
	num(i.si_status);
	return 0;
}

TEST(descriptors_of_processes)
{
	int fd = must(pidfd_open(getpid(), 0));

	show_init(signal_by_descriptor, &fd);
}

static int group_of_outside(void *arg)
{
	on_info(SIGUSR2);
	num(getpgrp());
	must(kill(0, SIGUSR2));
	while (signal_last != SIGUSR2)
		usleep(1000);
	num(signal_count);
	return 0;
}

/* A group reaches across; what others see of the sender. */
TEST(group_across)
{
	on_info(SIGUSR2);
	if (getpgrp() != getpid())
		must(setpgid(0, 0));
	show_init(group_of_outside, NULL);
	num(signal_last == SIGUSR2);
	num(signal_count);
}

static int many(void *arg)
{
	pid_t last = 0;

	for (int i = 0; i < 40; i++) {
		last = spawn(exit_3, NULL);
		await(last);
	}
	num(last);
	show(kill(last, 0));
	return 0;
}

TEST(numbers_go_up)
{
	show_init(many, NULL);
}
