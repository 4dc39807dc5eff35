/* SPDX-License-Identifier: MIT */
/*
 * User namespaces: maps and their rules, what capabilities there are worth,
 * and ids as programs inside and outside get and give them.
 */
#include "ns_help.h"

#include <linux/capability.h>
#include <linux/nsfs.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static void show_ids(void)
{
	say("%u %u %u %u", getuid(), geteuid(), getgid(), getegid());
}

static bool has_cap(int cap)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	must(syscall(SYS_capget, &h, d));
	return d[cap / 32].effective >> cap % 32 & 1;
}

TEST(fresh)
{
	enter_new(CLONE_NEWUSER);
	show_ids();
	fact(has_cap(CAP_SYS_ADMIN));
	show_file("/proc/self/uid_map");
	show_file("/proc/self/setgroups");
	show(setuid(0));
	show(setgroups(0, NULL));
	show(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN));
	show(unshare(CLONE_NEWUSER));
}

TEST(one_id)
{
	become_root_of_new(0);
	show_ids();
	fact(has_cap(CAP_SYS_ADMIN));
	show(setuid(1));
	show(setgid(1));
	show(setresuid(0, 1, 0));
	show(setreuid(0, 1));
	show(setgroups(0, NULL));
	show(write_file("/proc/self/uid_map", "0 0 1"));
	show(write_file("/proc/self/setgroups", "allow"));
	show(write_file("/proc/self/setgroups", "deny"));
}

static void try_map(const char *text)
{
	errno = 0;
	say("\"%s\": %s", text, write_file("/proc/self/uid_map", text) ?
	    err_name(errno) : "ok");
}

TEST(bad_maps)
{
	char text[64];

	enter_new(CLONE_NEWUSER);
	try_map("");
	try_map("0");
	try_map("0 0");
	try_map("0 0 0");
	try_map("a b c");
	try_map("0 0 1 1");
	try_map("0 4294967295 1");
	try_map("4294967295 0 1");
	try_map("1 1 4294967295");
	try_map("0 0 2\n1 5 1\n");
	try_map("0 5 2\n5 6 1\n");
	try_map("\n0 5 2\n");
	try_map("0 12345 1");
	try_map("0 12345 2");
	try_map("-1 5 1");
	show(write_file("/proc/self/setgroups", "maybe"));
	show(write_file("/proc/self/setgroups", "denyx"));
	show(write_file("/proc/self/setgroups", "deny \n"));
	snprintf(text, sizeof(text), "0 %u 1", getgid());
	show(write_file("/proc/self/gid_map", "0 12345 1"));
	show_file("/proc/self/setgroups");
	show(access("/proc/self/uid_map", W_OK));
}

TEST(group_needs_setgroups_denied)
{
	unsigned int gid = getegid();
	char text[64];

	if (!geteuid())
		must(setresuid(65534, 65534, 65534));
	must(prctl(PR_SET_DUMPABLE, 1));
	enter_new(CLONE_NEWUSER);
	snprintf(text, sizeof(text), "5 %u 1", gid);
	show(write_file("/proc/self/gid_map", text));
	show(write_file("/proc/self/setgroups", "deny"));
	show(write_file("/proc/self/gid_map", text));
	num(getgid());
}

/* The parent, with rights, gives a range. */
static int in_range(void *arg)
{
	int *go = arg;
	gid_t groups[3] = { 1, 2, 100 };
	struct stat st;
	char c;

	must(unshare(CLONE_NEWUSER));
	must(write(go[3], "x", 1));
	must(read(go[0], &c, 1));
	show_ids();
	show(setgroups(3, groups));
	show(setgroups(3, (gid_t[]){ 1, 2, 101 }));
	show(getgroups(3, groups));
	say("%u %u %u", groups[0], groups[1], groups[2]);
	put_file("a", "");
	must(stat("a", &st));
	say("new: %u %u", st.st_uid, st.st_gid);
	show(chown("a", 7, 8));
	must(stat("a", &st));
	say("changed: %u %u", st.st_uid, st.st_gid);
	show(chown("a", 200, 8));
	show(chown("a", 7, 2000));
	must(stat("b", &st));
	say("outer: %u %u", st.st_uid, st.st_gid);
	show(chown("b", 7, 7));
	show(chmod("b", 0777));
	show(open("b", O_RDONLY));
	show(unlink("b"));
	show(setresuid(3, 4, 5));
	fact(has_cap(CAP_CHOWN));
	show_ids();
	show(setuid(6));
	show_file("/proc/self/uid_map");
	return 0;
}

TEST(a_range)
{
	int go[4];
	struct stat st;
	char path[64], c;
	pid_t pid;

	need_root();
	must(chmod(".", 0777));
	put_file("b", "");
	must(chmod("b", 0600));
	must(pipe(go));
	must(pipe(go + 2));
	pid = spawn(in_range, go);
	must(read(go[2], &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	if (write_file(path, "0 0 1\n1 10000 99\n") && errno == EPERM) {
		kill(pid, SIGKILL);
		skip("may not map root");
	}
	must(slurp(path));
	say("%s", slurped);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	must(write_file(path, "0 0 1\n1 20000 100"));
	must(write(go[1], "x", 1));
	show_exit("child", pid);
	must(stat("a", &st));
	say("a: %u %u", st.st_uid, st.st_gid);
}

/* A process in a namespace of its own, which waits. */
static int in_gaps(void *arg)
{
	int *go = arg;
	char c;

	must(unshare(CLONE_NEWUSER));
	must(write(go[3], "x", 1));
	must(read(go[0], &c, 1));
	return 0;
}

static int give_gaps(void *arg)
{
	static const char *const maps[] = { "0 0 5", "0 0 3", "0 2 3", "0 2 1",
					    "1 3 2\n", "0 0 1\n2 2 1" };
	char path[64];

	in_gaps(arg);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		int go[4];
		pid_t pid;
		char c;

		must(pipe(go));
		must(pipe(go + 2));
		pid = spawn(in_gaps, go);
		must(read(go[2], &c, 1));
		snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
		errno = 0;
		say("\"%s\": %s", maps[i], write_file(path, maps[i]) ?
		    err_name(errno) : "ok");
		must(write(go[1], "x", 1));
		await(pid);
	}
	return 0;
}

/* Ids that a namespace does not have can not be given on, though it has those
 * before and behind them. */
TEST(gaps)
{
	char path[64], c;
	int go[4];
	pid_t pid;

	need_root();
	must(pipe(go));
	must(pipe(go + 2));
	pid = spawn(give_gaps, go);
	must(read(go[2], &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	must(write_file(path, "0 0 10"));
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	must(write_file(path, "0 0 1\n2 2 1\n3 3 2\n"));
	must(write(go[1], "x", 1));
	show_exit("parent", pid);
}

TEST(files_of_others)
{
	struct stat st;

	become_root_of_new(0);
	must(stat("/", &st));
	fact(st.st_uid == 65534 || st.st_uid == 0);
	put_file("mine", "x");
	must(stat("mine", &st));
	say("%u %u", st.st_uid, st.st_gid);
	show(chown("mine", 0, 0));
	show(chown("mine", 1, -1));
	show(mknod("dev", S_IFCHR | 0600, 0x103));
	show(mknod("fifo", S_IFIFO | 0600, 0));
	show(chmod("mine", 04755));
}

TEST(capabilities_stay_inside)
{
	struct rlimit r = { 1000, 1000 };
	int old_uts = open_ns("uts"), old_user = open_ns("user");

	must(getrlimit(RLIMIT_CORE, &r));
	if (r.rlim_max == RLIM_INFINITY) {
		r.rlim_cur = r.rlim_max = 1 << 20;
		must(setrlimit(RLIMIT_CORE, &r));
	}
	become_root_of_new(0);
	fact(has_cap(CAP_SYS_RESOURCE));
	r.rlim_max++;
	show(setrlimit(RLIMIT_CORE, &r));
	show(sethostname("x", 1));
	show(setns(old_uts, 0));
	show(setns(old_user, 0));
	show(ioctl(old_uts, NS_GET_USERNS));
	show(ioctl(open_ns("user"), NS_GET_PARENT));
	show(setpriority(PRIO_PROCESS, 0, -5));
	must(unshare(CLONE_NEWUTS | CLONE_NEWIPC));
	show(sethostname("x", 1));
	fact(is_same(must(ioctl(open_ns("uts"), NS_GET_USERNS)),
		     open_ns("user")));
}

static int nested(void *arg)
{
	int outer = open_ns("user"), parent;
	unsigned int uid;

	become_root_of_new(CLONE_NEWUTS);
	show_ids();
	show_file("/proc/self/uid_map");
	show(ioctl(outer, NS_GET_OWNER_UID, &uid));
	parent = ioctl(open_ns("user"), NS_GET_PARENT);
	show(parent);
	show(ioctl(open_ns("user"), NS_GET_OWNER_UID, &uid));
	num(uid);
	return 0;
}

TEST(nesting)
{
	become_root_of_new(0);
	show_exit("inner", spawn(nested, NULL));
}

static int go_deeper(void *arg)
{
	int depth = 0;

	while (depth < 100 && !unshare(CLONE_NEWUSER)) {
		char text[32];

		must(write_file("/proc/self/uid_map", "0 0 1"));
		must(write_file("/proc/self/setgroups", "deny"));
		snprintf(text, sizeof(text), "0 0 1");
		must(write_file("/proc/self/gid_map", text));
		depth++;
	}
	say("%d levels, then %s", depth, err_name(errno));
	return 0;
}

TEST(at_most_32_levels)
{
	become_root_of_new(0);
	show_exit("deep", spawn(go_deeper, NULL));
}

/* The owner outside may do all to who is in it; not the other way round. */
static int wait_inside(void *arg)
{
	int *fd = arg;

	become_root_of_new(CLONE_NEWUTS);
	must(write(fd[1], "x", 1));
	for (;;)
		pause();
	return 0;
}

static int enters(void *arg)
{
	int fd = must(syscall(SYS_pidfd_open, *(pid_t *)arg, 0));

	show(setns(fd, CLONE_NEWUSER | CLONE_NEWUTS));
	show_ids();
	show(sethostname("inside", 6));
	show(setns(fd, CLONE_NEWUSER));
	return 0;
}

TEST(enter_from_outside)
{
	int fd[2];
	pid_t pid;
	char c;

	must(pipe(fd));
	pid = spawn(wait_inside, fd);
	if (read(fd[0], &c, 1) != 1)
		skip("no namespaces");
	show_exit("visitor", spawn(enters, &pid));
	show(kill(pid, SIGKILL));
	await(pid);
}

static int exec_keeps(int argc, char **argv)
{
	fact(has_cap(CAP_SYS_ADMIN));
	say("%lu %lu", getauxval(AT_UID), getauxval(AT_EGID));
	return 0;
}

HELPER(inside)
{
	return exec_keeps(argc, argv);
}

TEST(exec_as_root)
{
	become_root_of_new(0);
	execl(self_path, "x", "--helper", "inside", NULL);
}

TEST(exec_as_nobody)
{
	enter_new(CLONE_NEWUSER);
	execl(self_path, "x", "--helper", "inside", NULL);
}

/* --- ids that travel ------------------------------------------------------*/
static struct ucred get_cred(int s)
{
	union {
		char b[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr h;
	} u;
	char c;
	struct iovec io = { &c, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1,
			    .msg_control = u.b, .msg_controllen = sizeof(u) };
	struct ucred k;

	must(recvmsg(s, &m, 0));
	memcpy(&k, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(k));
	return k;
}

static int send_as(int s, unsigned int uid, unsigned int gid)
{
	struct ucred k = { getpid(), uid, gid };
	union {
		char b[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr h;
	} u;
	struct iovec io = { "x", 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1,
			    .msg_control = u.b, .msg_controllen = sizeof(u) };

	memset(&u, 0, sizeof(u));
	u.h = (struct cmsghdr){ CMSG_LEN(sizeof(k)), SOL_SOCKET,
				SCM_CREDENTIALS };
	memcpy(CMSG_DATA(&u.h), &k, sizeof(k));
	return (int)sendmsg(s, &m, 0);
}

static int cred_child(void *arg)
{
	int *s = arg;
	struct ucred k;
	socklen_t len = sizeof(k);

	become_root_of_new(0);
	must(getsockopt(s[1], SOL_SOCKET, SO_PEERCRED, &k, &len));
	say("peer %u %u", k.uid, k.gid);
	show(send_as(s[1], 0, 0));
	show(send_as(s[1], 1, 0));
	show(send_as(s[1], 0, 1));
	k = get_cred(s[1]);
	say("inside: %u %u", k.uid, k.gid);
	return 0;
}

TEST(credentials_of_messages)
{
	int s[2], one = 1;
	struct ucred k;
	pid_t pid;

	must(setresgid(getgid(), getgid(), getgid()));
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	must(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	must(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	if (!geteuid()) {	/* the same facts whoever runs this */
		must(setresgid(65534, 65534, 65534));
		must(setresuid(65534, 65534, 65534));
		must(prctl(PR_SET_DUMPABLE, 1));
	} else {
		skip("needs root");
	}
	pid = spawn(cred_child, s);
	k = get_cred(s[0]);
	must(send_as(s[0], getuid(), getgid()));
	show_exit("child", pid);
	say("outside: %u %u", k.uid, k.gid);
}

static volatile int told_uid = -1;

static void on_info(int sig, siginfo_t *i, void *u)
{
	told_uid = (int)i->si_uid;
}

static int signals_parent(void *arg)
{
	pid_t parent = getppid();

	become_root_of_new(0);
	show(kill(parent, SIGUSR1));
	show(syscall(SYS_rt_sigqueueinfo, parent, SIGUSR2,
		     &(siginfo_t){ .si_code = SI_QUEUE, .si_uid = 0 }));
	return 0;
}

TEST(sender_of_a_signal)
{
	struct sigaction a = { .sa_sigaction = on_info,
			       .sa_flags = SA_SIGINFO };
	siginfo_t i;
	pid_t pid;

	need_root();
	must(setresuid(1000, 1000, 1000));
	must(prctl(PR_SET_DUMPABLE, 1));
	must(sigaction(SIGUSR1, &a, NULL));
	must(sigaction(SIGUSR2, &a, NULL));
	pid = spawn(signals_parent, NULL);
	memset(&i, 0, sizeof(i));
	while (waitid(P_PID, (id_t)pid, &i, WEXITED) && errno == EINTR)
		;
	say("signal from %d, end of %u", told_uid, i.si_uid);
}

static int own_signal(void *arg)
{
	struct sigaction a = { .sa_sigaction = on_info,
			       .sa_flags = SA_SIGINFO };

	become_root_of_new(0);
	must(sigaction(SIGUSR1, &a, NULL));
	must(raise(SIGUSR1));
	say("own: %d", told_uid);
	must(kill(getpid(), SIGUSR1));
	say("own: %d", told_uid);
	return 0;
}

TEST(own_signals)
{
	show_exit("child", spawn(own_signal, NULL));
}

TEST(status_file)
{
	become_root_of_new(0);
	must(slurp("/proc/self/status") > 0 ? 0 : -1);
	say("%.7s", value("Uid"));
	say("%.7s", value("Gid"));
	say("%.16s", value("CapEff"));
}

static int looks_out(void *arg)
{
	pid_t parent = getppid();
	char path[64], text[64];

	become_root_of_new(0);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", parent);
	show(readlink(path, text, sizeof(text)));
	snprintf(path, sizeof(path), "/proc/%d/root", parent);
	show(readlink(path, text, sizeof(text)));
	show(syscall(SYS_get_robust_list, parent, text, text + 8));
	return 0;
}

/* Even the same user outside can not be looked at from inside. */
TEST(no_look_outside)
{
	must(prctl(PR_SET_DUMPABLE, 1));
	show_exit("child", spawn(looks_out, NULL));
}
