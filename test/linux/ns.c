/* SPDX-License-Identifier: MIT */
/*
 * Namespaces in general: the calls unshare, clone, setns and their errors, the
 * files of /proc/PID/ns; host names and System V and POSIX objects of their own.
 */
#include "ns_help.h"

#include <linux/nsfs.h>
#include <linux/sched.h>
#include <mqueue.h>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

static long raw_clone(unsigned long flags)
{
	long r = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);

	if (!r)
		_exit(7);
	if (r > 0)
		await((pid_t)r);
	return r;
}

static const char *const kinds[] = {
	"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "user", "uts",
};

TEST(links)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char path[64], text[64];
		struct stat st;
		unsigned long nr = 0;
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		n = must(readlink(path, text, sizeof(text) - 1));
		text[n] = 0;
		must(lstat(path, &st));
		fact(S_ISLNK(st.st_mode));
		fd = must(open(path, O_RDONLY));
		must(fstat(fd, &st));
		if (strchr(text, '['))
			nr = strtoul(strchr(text, '[') + 1, NULL, 10);
		fact(nr == st.st_ino);
		say("%.*s %o", (int)strcspn(text, "["), text, st.st_mode);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = must(readlink(path, text + 32, 31));
		fact(!strncmp(text, text + 32, (size_t)n));
		say("type %x", ioctl(fd, NS_GET_NSTYPE));
		close(fd);
	}
}

TEST(file_of_a_namespace)
{
	int fd = open_ns("uts");
	struct statfs s;
	char c;

	must(fstatfs(fd, &s));
	fact(s.f_type == 0x6e736673);
	show(read(fd, &c, 1));
	show(ioctl(fd, NS_GET_PARENT));
	show(ioctl(fd, NS_GET_OWNER_UID, &c));
	show(ioctl(fd, 0xb7ff));
	show(ioctl(open_ns("user"), NS_GET_PARENT));
	show(ioctl(open_ns("pid"), NS_GET_PARENT));
	fact(is_same(must(ioctl(fd, NS_GET_USERNS)), open_ns("user")));
	fact(fcntl(ioctl(fd, NS_GET_USERNS), F_GETFD) == FD_CLOEXEC);
}

TEST(unshare_errors)
{
	show(unshare(0));
	show(unshare(-1));
	show(unshare(CLONE_NEWUTS | CLONE_VFORK));
	show(unshare(CLONE_PARENT));
	show(unshare(CLONE_VM));
	show(unshare(CLONE_SYSVSEM | CLONE_FS | CLONE_FILES));
}

static void *thread_unshares(void *arg)
{
	show(unshare(CLONE_NEWUSER));
	show(unshare(CLONE_VM));
	show(unshare(CLONE_THREAD));
	return NULL;
}

TEST(unshare_in_a_thread)
{
	pthread_t t;

	must0(pthread_create(&t, NULL, thread_unshares, NULL));
	must0(pthread_join(t, NULL));
}

TEST(clone_errors)
{
	show(raw_clone(CLONE_NEWNS | CLONE_FS | SIGCHLD));
	show(raw_clone(CLONE_NEWUSER | CLONE_FS | SIGCHLD));
	show(raw_clone(CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND |
		       CLONE_VM));
	show(raw_clone(CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND |
		       CLONE_VM));
	if (!geteuid())
		show(raw_clone(CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD));
	else
		say("raw_clone(CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD) = "
		    "-1 EINVAL");
}

static int user_unshares(void *arg)
{
	static const int flags[] = {
		CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWCGROUP, CLONE_NEWNS,
		CLONE_NEWPID, CLONE_NEWNET,
	};

	if (!geteuid()) {
		must(setgid(65534));
		must(setuid(65534));
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		show(unshare(flags[i]));
		show(raw_clone((unsigned long)flags[i] | SIGCHLD));
	}
	show(sethostname("x", 1));
	return 0;
}

TEST(without_rights)
{
	show_exit("user", spawn(user_unshares, NULL));
}

TEST(setns_errors)
{
	int pipes[2], fd = open_ns("uts");

	must(pipe(pipes));
	show(setns(-1, 0));
	show(setns(pipes[0], 0));
	show(setns(pipes[0], CLONE_NEWUTS));
	show(setns(fd, CLONE_NEWIPC));
	show(setns(fd, CLONE_NEWIPC | CLONE_NEWUTS));
	show(setns(open_ns("user"), 0));
	fd = must(syscall(SYS_pidfd_open, getpid(), 0));
	show(setns(fd, 0));
	show(setns(fd, CLONE_FS));
	show(setns(fd, CLONE_NEWUSER));
	fd = must(open("/proc/self/ns/uts", O_PATH));
	show(setns(fd, 0));
}

static const char *host(void)
{
	static struct utsname u;

	must(uname(&u));
	return u.nodename;
}

static int child_renames(void *arg)
{
	must(unshare(CLONE_NEWUTS));
	show(sethostname("inner", 5));
	show(setdomainname("domain", 6));
	say("child %s", host());
	return 0;
}

TEST(host_name)
{
	struct utsname u;
	int outer;

	need_root();
	enter_new(CLONE_NEWUTS);
	must(sethostname("outer", 5));
	show_exit("child", spawn(child_renames, NULL));
	say("%s", host());
	outer = open_ns("uts");
	must(unshare(CLONE_NEWUTS));
	say("copied: %s", host());
	fact(!is_same(outer, open_ns("uts")));
	must(write_file("/proc/sys/kernel/hostname", "third\n"));
	must(write_file("/proc/sys/kernel/domainname", "far\n"));
	must(uname(&u));
	say("%s %s", u.nodename, u.domainname);
	show(setns(outer, CLONE_NEWUTS));
	say("back: %s", host());
	show(sethostname("x", 65));
	show(sethostname("x", (size_t)-1));
	show(sethostname(bad_pointer(), 3));
}

TEST(setns_by_pidfd)
{
	int ready[2], fd;
	pid_t pid;
	char c;

	need_root();
	enter_new(CLONE_NEWUTS);
	must(pipe(ready));
	pid = fork();
	if (!pid) {
		must(unshare(CLONE_NEWUTS | CLONE_NEWIPC));
		must(sethostname("by pidfd", 8));
		must(msgget(77, IPC_CREAT | 0600));
		must(write(ready[1], "x", 1));
		for (;;)
			pause();
	}
	must(read(ready[0], &c, 1));
	fd = must(syscall(SYS_pidfd_open, pid, 0));
	show(msgget(77, 0));
	show(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC));
	say("%s", host());
	show_ok(msgget(77, 0));
	must(kill(pid, SIGKILL));
	await(pid);
	show(setns(fd, CLONE_NEWUTS));
}

TEST(kept_by_a_descriptor_and_a_binding)
{
	int a, b;

	need_root();
	enter_new(CLONE_NEWUTS | CLONE_NEWNS);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		skip("not allowed to mount");
	must(sethostname("bound", 5));
	put_file("f", "");
	show(mount("/proc/self/ns/uts", "f", NULL, MS_BIND, NULL));
	a = open_ns("uts");
	must(unshare(CLONE_NEWUTS));
	must(sethostname("other", 5));
	b = must(open("f", O_RDONLY));
	fact(is_same(a, b));
	close(a);
	show(setns(b, 0));
	say("%s", host());
	close(b);
	show(umount("f"));
	show_file("f");
}

static int ipc_child(void *arg)
{
	enter_new(CLONE_NEWIPC);
	show(msgget(4711, 0));
	show(shmget(4711, 0, 0));
	show(semget(4711, 0, 0));
	show(mq_open("/ns", O_RDONLY));
	show_ok(msgget(4711, IPC_CREAT | IPC_EXCL | 0600));
	show_ok(shmget(4711, 100, IPC_CREAT | IPC_EXCL | 0600));
	show_ok(semget(4711, 3, IPC_CREAT | IPC_EXCL | 0600));
	show_ok(mq_open("/ns", O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
	return 0;
}

TEST(ipc_objects)
{
	int msg, shm, sem;

	need_root();
	enter_new(CLONE_NEWIPC);
	msg = show_ok(msgget(4711, IPC_CREAT | 0600));
	shm = show_ok(shmget(4711, 100, IPC_CREAT | 0600));
	sem = show_ok(semget(4711, 2, IPC_CREAT | 0600));
	show_ok(mq_open("/ns", O_RDWR | O_CREAT, 0600, NULL));
	show_exit("child", spawn(ipc_child, NULL));
	show(msgctl(msg, IPC_RMID, NULL));
	show(shmctl(shm, IPC_RMID, NULL));
	show(semctl(sem, 0, IPC_RMID));
	show(mq_unlink("/ns"));
}

/* Attached memory outlives its namespace. */
TEST(shared_memory_of_a_namespace_that_went)
{
	int old, id;
	char *p;

	need_root();
	old = open_ns("ipc");
	enter_new(CLONE_NEWIPC);
	id = must(shmget(IPC_PRIVATE, 4096, 0600));
	p = shmat(id, NULL, 0);
	strcpy(p, "still there");
	must(setns(old, 0));
	say("%s", p);
	show(shmdt(p));
	show(shmctl(id, IPC_RMID, NULL));
}

/* What waits on a semaphore undoes its part when it leaves the namespace. */
TEST(semaphore_undo)
{
	struct sembuf up = { 0, 1, SEM_UNDO };
	int old, id;

	need_root();
	enter_new(CLONE_NEWIPC);
	old = open_ns("ipc");
	id = must(semget(5, 1, IPC_CREAT | 0600));
	must(semop(id, &up, 1));
	num(semctl(id, 0, GETVAL));
	must(unshare(CLONE_NEWIPC));
	show(semctl(id, 0, GETVAL));
	must(setns(old, 0));
	num(semctl(id, 0, GETVAL));
}

TEST(cgroup)
{
	int old = open_ns("cgroup");

	need_root();
	enter_new(CLONE_NEWCGROUP);
	fact(!is_same(old, open_ns("cgroup")));
	fact(slurp("/proc/self/cgroup") > 0 && strstr(slurped, "0::/\n"));
	show(setns(old, CLONE_NEWCGROUP));
	fact(is_same(old, open_ns("cgroup")));
}

TEST(many_made_and_forgotten)
{
	need_root();
	enter_new(CLONE_NEWUTS);
	for (int i = 0; i < 300; i++) {
		must(unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP));
		must(msgget(i, IPC_CREAT | 0600));
	}
	say("done");
}
