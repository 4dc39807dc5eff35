/* SPDX-License-Identifier: MIT */
/*
 * Details of calls that whole programs hardly show: which of two errors comes
 * first, what is counted from where. Found by the Linux Test Project.
 */
#include "harness.h"

#include <grp.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef F_CREATED_QUERY
#define F_CREATED_QUERY 1028
#endif
#define NOBODY 65534

/* --- files ----------------------------------------------------------------*/
static int holds_locks(void *arg)
{
	int *p = arg, fd = open("f", O_RDWR);
	static const struct flock locks[] = {
		{ .l_type = F_WRLCK, .l_start = 10, .l_len = 5 },
		{ .l_type = F_RDLCK, .l_start = 1, .l_len = 5 },
		{ .l_type = F_WRLCK, .l_start = 3, .l_len = 2 },
		{ .l_type = F_RDLCK, .l_start = 20 },
	};
	char c;

	for (size_t i = 0; i < ARRAY_SIZE(locks); i++)
		must(fcntl(fd, F_SETLK, &locks[i]));
	must(write(p[1], "x", 1));
	close(p[1]);
	return read(p[2], &c, 1) != 0;
}

TEST(getlk_tells_first)
{
	int p[4], fd;
	char c;
	pid_t pid;

	must(pipe(p));
	must(pipe(p + 2));
	put_file("f", "");
	fd = must(open("f", O_RDWR));
	pid = spawn(holds_locks, (int[]){ p[0], p[1], p[2] });
	must(read(p[0], &c, 1));
	for (long at = 0; at >= 0;) {
		struct flock l = { .l_type = F_WRLCK, .l_start = at };

		must(fcntl(fd, F_GETLK, &l));
		say("from %ld: type %d, %ld + %ld", at, l.l_type,
		    (long)l.l_start, (long)l.l_len);
		at = l.l_type == F_UNLCK || !l.l_len ? -1 :
		     l.l_start + l.l_len;
	}
	kill(pid, SIGKILL);
	await(pid);
}

TEST(created_query)
{
	int made = must(open("new", O_CREAT | O_RDWR, 0600));
	int found = must(open("new", O_CREAT | O_RDWR, 0600));

	if (fcntl(made, F_CREATED_QUERY, 0) < 0)
		skip("no F_CREATED_QUERY: %s", err_name(errno));
	num(fcntl(made, F_CREATED_QUERY, 0));
	num(fcntl(dup(made), F_CREATED_QUERY, 0));
	num(fcntl(found, F_CREATED_QUERY, 0));
	num(fcntl(open("new", O_RDONLY), F_CREATED_QUERY, 0));
}

static long open_in_root(int dir, const char *name, uint64_t flags)
{
	struct open_how how = { .flags = flags, .resolve = RESOLVE_IN_ROOT };

	if (flags & O_CREAT)
		how.mode = 0600;
	return syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

TEST(openat2_in_root_absolute)
{
	int dir;

	must(mkdir("d", 0700));
	put_file("d/inside", "in");
	must(symlink("/inside", "d/link"));
	dir = must(open("d", O_PATH | O_DIRECTORY));
	show_ok(open_in_root(dir, "/inside", O_RDONLY));
	show_ok(open_in_root(dir, "///inside", O_RDONLY));
	show_ok(open_in_root(dir, "/link", O_RDONLY));
	show_ok(open_in_root(dir, "/", O_RDONLY));
	show_ok(open_in_root(dir, "/..", O_RDONLY | O_DIRECTORY));
	show_ok(open_in_root(dir, "/proc/version", O_RDONLY));
	show_ok(open_in_root(AT_FDCWD, "/proc/version", O_CREAT));
	show_ok(open_in_root(AT_FDCWD, "/d/inside", O_RDONLY));
	show_ok(open_in_root(dir, "/made", O_CREAT | O_RDWR));
	show_file("d/made");
}

TEST(position_of_a_pipe)
{
	struct iovec v = { "x", 1 };
	int p[2];

	must(pipe(p));
	show(pwritev(p[0], &v, 1, 0));
	show(preadv(p[1], &v, 1, 0));
	show(pwrite(p[0], "x", 1, 0));
	show(pread(p[1], v.iov_base, 0, 0));
	show(writev(p[0], &v, 1));
}

TEST(sendfile_stores_position)
{
	off_t *pos = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int in, out;

	put_file("in", "abc");
	in = must(open("in", O_RDONLY));
	out = must(open("out", O_CREAT | O_RDWR, 0600));
	must(mprotect(pos, PAGE, PROT_READ));
	show(sendfile(out, in, pos, 3));
	show(sendfile(out, in, pos, 0));
	must(mprotect(pos, PAGE, PROT_READ | PROT_WRITE));
	*pos = 3;
	must(mprotect(pos, PAGE, PROT_READ));
	show(sendfile(out, in, pos, 3));
}

TEST(vmsplice_writes_what_fits)
{
	static char data[200000] __attribute__((aligned(PAGE)));
	struct iovec v = { data, sizeof(data) };
	int p[2];

	must(pipe(p));
	show(vmsplice(p[1], &v, 1, 0));
	show(vmsplice(p[1], &v, 1, SPLICE_F_NONBLOCK));
	must(read(p[0], data, PAGE));
	show(vmsplice(p[1], &v, 1, 0));
}

TEST(fallocate_of_sealed)
{
	int fd = must(memfd_create("m", MFD_ALLOW_SEALING));

	must(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	show(fallocate(fd, 0, 0, 2 * PAGE));
	show(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		       PAGE));
	must(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	show(fallocate(fd, 0, 0, 2 * PAGE));
	show(fallocate(fd, 0, 0, 3 * PAGE));
}

/* --- inotify --------------------------------------------------------------*/
static void say_events(int in)
{
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n = read(in, buf, sizeof(buf));

	for (ssize_t at = 0; at < n;) {
		struct inotify_event *e = (void *)(buf + at);

		say("watch %d mask %x name '%s'", e->wd, e->mask,
		    e->len ? e->name : "");
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

TEST(inotify_of_directory_itself)
{
	int in = must(inotify_init1(IN_NONBLOCK));

	must(mkdir("d", 0700));
	must(inotify_add_watch(in, "d", IN_ALL_EVENTS));
	must(rename("d", "e"));
	must(rmdir("e"));
	say_events(in);
}

TEST(inotify_after_unlink)
{
	int fd, in = must(inotify_init1(IN_NONBLOCK));

	fd = must(open("f", O_CREAT | O_RDWR, 0600));
	must(inotify_add_watch(in, ".", IN_MODIFY));
	must(unlink("f"));
	must(write(fd, "x", 1));
	say_events(in);
	must(inotify_add_watch(in, ".", IN_MODIFY | IN_EXCL_UNLINK));
	must(write(fd, "x", 1));
	say_events(in);
}

TEST(inotify_fdinfo)
{
	int in = must(inotify_init1(IN_NONBLOCK));
	char name[64], *at;

	must(inotify_add_watch(in, ".", IN_MODIFY | IN_ONESHOT));
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", in);
	must(slurp(name));
	at = strstr(slurped, "inotify wd:");
	fact(at && !strncmp(at, "inotify wd:1 ino:", 17));
	at = at ? strstr(at, " mask:") : NULL;
	say("%.*s", at ? 15 : 0, at);
}

/* --- processes ------------------------------------------------------------*/
static void become_nobody(void)
{
	need_root();
	must(setgroups(0, NULL));
	must(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY));
}

TEST(first_process_is_others)
{
	struct sched_param none = { 0 };
	void *list;
	size_t len;
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };

	become_nobody();
	show(setpriority(PRIO_PROCESS, 1, -2));
	show(syscall(SYS_get_robust_list, 1, &list, &len));
	show(sched_setscheduler(1, 99, &none));
	show(sched_setscheduler(1, SCHED_OTHER, &(struct sched_param){ 1 }));
	show(kill(1, SIGUSR1));
	show(kill(1, 0));
	show(syscall(SYS_rt_sigqueueinfo, 1, SIGUSR1, &info));
}

static int asleep(void *arg)
{
	pause();
	return 0;
}

TEST(pidfd_that_does_not_block)
{
	pid_t pid = spawn(asleep, NULL);
	int fd = (int)must(syscall(SYS_pidfd_open, pid, O_NONBLOCK));
	struct pollfd p = { .fd = fd, .events = POLLIN };
	siginfo_t info;

	show(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
	info.si_pid = 7;
	show(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG));
	num(info.si_pid);
	kill(pid, SIGKILL);
	must(poll(&p, 1, 10000));
	show(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
	show(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
}

TEST(pidfd_signal_of_another_number)
{
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	int fd = (int)must(syscall(SYS_pidfd_open, getpid(), 0));

	signal(SIGUSR2, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	show(syscall(SYS_pidfd_send_signal, fd, SIGUSR2, &info, 0));
	show(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &info, 0));
}

static int thread_waits(void *arg)
{
	int *tid = arg;

	/* the signal may choose this thread */
	while (syscall(SYS_futex, tid, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0))
		if (errno != EINTR)
			must(-1);
	return 0;
}

TEST(sigqueueinfo_by_thread)
{
	static char stack[65536] __attribute__((aligned(16)));
	static int word;
	siginfo_t info = { .si_code = SI_QUEUE };
	int tid;

	on_signal(SIGUSR1, count_signal, 0);
	tid = must(clone(thread_waits, stack + sizeof(stack),
			 CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			 CLONE_THREAD | CLONE_SYSVSEM, &word));
	show(syscall(SYS_rt_sigqueueinfo, tid, SIGUSR1, &info));
	for (int i = 0; i < 10000 && !signal_count; i++)
		sleep_ms(1);
	num(signal_count);
	_exit(0);
}

static int says_slack(void *arg)
{
	num(prctl(PR_GET_TIMERSLACK));
	must(prctl(PR_SET_TIMERSLACK, 80000));
	num(prctl(PR_GET_TIMERSLACK));
	must(prctl(PR_SET_TIMERSLACK, 0));
	num(prctl(PR_GET_TIMERSLACK));
	return 0;
}

TEST(timer_slack_of_child)
{
	must(prctl(PR_SET_TIMERSLACK, 70000));
	show_exit("child", spawn(says_slack, NULL));
	must(prctl(PR_SET_TIMERSLACK, 0));
	num(prctl(PR_GET_TIMERSLACK));
}

TEST(arguments_not_used)
{
	show(prctl(PR_SET_THP_DISABLE, 0, 1, 0, 0));
	show(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
	show(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	show(syscall(SYS_unshare, -1));
}

TEST(sticky_timeouts)
{
	struct timespec ts = { 0, 20000000 };
	struct timeval tv = { 0, 20000 };

	must(personality(STICKY_TIMEOUTS));
	show(select(0, NULL, NULL, NULL, &tv));
	num(tv.tv_usec);
	show(syscall(SYS_ppoll, NULL, 0, &ts, NULL, 8));
	num(ts.tv_nsec);
	show(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, NULL));
	num(ts.tv_nsec);
	must(personality(0));
	show(select(0, NULL, NULL, NULL, &tv));
	num(tv.tv_usec);
}

/* --- file systems ---------------------------------------------------------*/
TEST(sysfs_call)
{
	char name[64] = "";
	long n = syscall(SYS_sysfs, 3, 0, 0);

	if (n < 0)
		skip("no sysfs call: %s", err_name(errno));
	fact(n > 3);
	n = must(syscall(SYS_sysfs, 1, "proc", 0));
	show(syscall(SYS_sysfs, 2, n, name));
	say("%s", name);
	show(syscall(SYS_sysfs, 1, "nothing", 0));
	show(syscall(SYS_sysfs, 1, bad_pointer(), 0));
	show(syscall(SYS_sysfs, 2, 1000, name));
	show(syscall(SYS_sysfs, 2, n, bad_pointer()));
	show(syscall(SYS_sysfs, 4, 0, 0));
}

TEST(ustat_call)
{
	char buf[64];
	struct stat st;

	must(stat("/proc", &st));
	if (syscall(SYS_ustat, st.st_dev, buf) < 0 && errno == ENOSYS)
		skip("no ustat");
	show(syscall(SYS_ustat, st.st_dev, buf));
	show(syscall(SYS_ustat, st.st_dev, bad_pointer()));
	show(syscall(SYS_ustat, -1, buf));
}
