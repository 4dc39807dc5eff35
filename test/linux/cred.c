/* SPDX-License-Identifier: MIT */
/*
 * User and group identities: who may change them to what. The tests that
 * start as root need root on both sides; the others hold for everybody.
 */
#include "harness.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/time.h>

static void show_uids(void)
{
	uid_t r, e, s;

	must(getresuid(&r, &e, &s));
	say("uid %d %d %d", r, e, s);
}

static void show_gids(void)
{
	gid_t r, e, s;

	must(getresgid(&r, &e, &s));
	say("gid %d %d %d", r, e, s);
}

static void become_user(void)
{
	if (geteuid() != 0)
		return;
	must(chmod(".", 0777));
	must(setgroups(0, NULL));
	must(setresgid(65534, 65534, 65534));
	must(setresuid(65534, 65534, 65534));
}

TEST(getters_agree)
{
	uid_t r, e, s;

	show(getresuid(&r, &e, &s));
	fact(r == getuid() && e == geteuid());
	show(getresgid(&r, &e, &s));
	fact(r == getgid() && e == getegid());
	show(syscall(SYS_getresuid, &r, &e, bad_pointer()));
	show(syscall(SYS_getresgid, bad_pointer(), &e, &s));
}

TEST(user_to_self)
{
	uid_t u = getuid();
	gid_t g = getgid();

	show(setuid(u));
	show(setgid(g));
	show(setreuid(u, u));
	show(setresuid(-1, -1, -1));
	show(setresgid(g, -1, g));
}

TEST(user_to_other)
{
	become_user();
	show(setuid(12));
	show(seteuid(12));
	show(setreuid(12, -1));
	show(setresuid(-1, 0, -1));
	show(setresuid(-1, -1, 12));
	show(setgid(12));
	show(setregid(-1, 12));
	show(setresgid(12, 12, 12));
	show(setgroups(1, (gid_t[1]){ 12 }));
}

TEST(invalid_ids)
{
	need_root();
	show(setuid(-1));
	show(setgid(-1));
	show(syscall(SYS_setgroups, -1, NULL));
	show(syscall(SYS_setgroups, 70000, NULL));
	show(syscall(SYS_setgroups, 2, bad_pointer()));
}

TEST(root_setuid_is_final)
{
	need_root();
	show(setuid(1000));
	show_uids();
	show(setuid(0));
	show(seteuid(0));
}

TEST(root_seteuid_and_back)
{
	need_root();
	show(seteuid(1000));
	show_uids();
	show(setuid(1001));
	show(setuid(1000));
	show_uids();
	show(seteuid(0));
	show_uids();
}

TEST(root_setresuid_swap)
{
	need_root();
	show(setresuid(10, 20, 30));
	show_uids();
	show(setresuid(20, 30, 10));
	show_uids();
	show(setresuid(40, -1, -1));
	show(setresuid(-1, 20, -1));
	show_uids();
}

TEST(root_setreuid_saves)
{
	need_root();
	show(setreuid(10, 20));
	show_uids();
	show(setreuid(20, 10));
	show_uids();
}

TEST(root_groups)
{
	gid_t g[8];

	need_root();
	show(setgroups(3, (gid_t[3]){ 5, 6, 7 }));
	show(getgroups(0, NULL));
	show(getgroups(2, g));
	show(getgroups(8, g));
	say("%d %d %d", g[0], g[1], g[2]);
	show(getgroups(-1, g));
	show(setgroups(0, NULL));
	show(getgroups(8, g));
	show(syscall(SYS_getgroups, 8, bad_pointer()));
}

TEST(root_setresgid)
{
	need_root();
	show(setgid(100));
	show_gids();
	show(setresgid(1, 2, 3));
	show_gids();
	show(setregid(-1, 9));
	show_gids();
}

TEST(fork_inherits)
{
	need_root();
	must(setresgid(1, 2, 3));
	must(setresuid(4, 5, 6));
	if (fork() == 0) {
		show_uids();
		show_gids();
		_exit(0);
	}
	wait(NULL);
}

HELPER(ids)
{
	show_uids();
	show_gids();
	return 0;
}

TEST(exec_saves_effective)
{
	char *argv[] = { "x", "--helper", "ids", NULL };

	need_root();
	must(setresgid(0, 0, 3));
	must(setresuid(0, 0, 6));
	execv(self_path, argv);
}

TEST(fsuid)
{
	need_root();
	num(setfsuid(-1));
	num(setfsuid(1000));
	num(setfsuid(-1));
	num(setfsgid(1000));
	num(setfsgid(-1));
	must(seteuid(50));
	num(setfsuid(-1));
}

TEST(file_owner_is_effective)
{
	struct stat st;

	need_root();
	must(chmod(".", 0777));
	must(setegid(22));
	must(seteuid(33));
	put_file("f", "");
	must(stat("f", &st));
	num(st.st_uid);
	num(st.st_gid);
}

TEST(access_uses_real_ids)
{
	need_root();
	put_file("f", "x");
	must(chmod("f", 0600));
	must(setresuid(1000, 0, 0));
	show(access("f", R_OK));
	show(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
	must(setresuid(0, 1000, 0));
	show(access("f", R_OK));
	show_ok(open("f", O_RDONLY));
}

TEST(group_permission)
{
	need_root();
	put_file("f", "x");
	must(chmod("f", 0640));
	must(chmod(".", 0755));
	must(chown("f", 0, 77));
	must(setgroups(1, (gid_t[1]){ 77 }));
	must(setresgid(5, 5, 5));
	must(setresuid(6, 6, 6));
	show_ok(open("f", O_RDONLY));
	show_ok(open("f", O_RDWR));
}

static long capget_self(struct __user_cap_data_struct *d)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(SYS_capget, &h, d);
}

TEST(capabilities_follow_uid)
{
	struct __user_cap_data_struct d[2];

	need_root();
	must(capget_self(d));
	fact(d[0].effective != 0 && d[0].permitted != 0);
	must(seteuid(1000));
	must(capget_self(d));
	fact(d[0].effective != 0);
	fact(d[0].permitted != 0);
	must(seteuid(0));
	must(capget_self(d));
	fact(d[0].effective != 0);
	must(setresuid(1000, 1000, 1000));
	must(capget_self(d));
	fact(d[0].effective != 0 || d[0].permitted != 0);
}

TEST(capget_versions)
{
	struct __user_cap_header_struct h = { 0x11111111, 0 };
	struct __user_cap_data_struct d[2];

	show(syscall(SYS_capget, &h, d));
	fact(h.version == _LINUX_CAPABILITY_VERSION_3);
	show(syscall(SYS_capget, &h, NULL));
	h.pid = 999999;
	show(syscall(SYS_capget, &h, d));
	h.pid = -1;
	show(syscall(SYS_capget, &h, d));
	show(syscall(SYS_capget, bad_pointer(), d));
}

TEST(user_has_no_capabilities)
{
	struct __user_cap_data_struct d[2];

	become_user();
	must(capget_self(d));
	num(d[0].effective);
	num(d[0].permitted);
	d[0].effective = d[0].permitted = 1;
	show(syscall(SYS_capset, (struct __user_cap_header_struct[1]){
		     { _LINUX_CAPABILITY_VERSION_3, 0 } }, d));
}

TEST(dumpable_after_change)
{
	need_root();
	num(prctl(PR_GET_DUMPABLE));
	must(seteuid(1000));
	fact(prctl(PR_GET_DUMPABLE) == 1);
}

TEST(kill_needs_same_user)
{
	pid_t pid, root = getpid();
	int p[2];
	char c;

	need_root();
	must(pipe(p));
	pid = fork();
	if (pid == 0) {
		become_user();
		show(kill(root, 0));
		show(kill(root, SIGCONT));
		show(kill(getpid(), 0));
		must(write(p[1], "x", 1));
		pause();
	}
	must(read(p[0], &c, 1));
	show(kill(pid, SIGKILL));
	show_exit("user", pid);
}

TEST(kill_by_real_or_saved_id)
{
	pid_t pid;
	int p[2];
	char c;

	need_root();
	must(pipe(p));
	pid = fork();
	if (pid == 0) {
		must(setresuid(100, 200, 300));
		must(write(p[1], "x", 1));
		pause();
	}
	must(read(p[0], &c, 1));
	must(setresuid(0, 200, 0));
	show(kill(pid, 0));
	must(setresuid(0, 0, 0));
	must(setresuid(0, 300, 0));
	show(kill(pid, 0));
	must(setresuid(0, 0, 0));
	must(setresuid(100, 0, 0));
	must(setresuid(-1, 7, -1));
	show(kill(pid, 0));
	must(setresuid(-1, 0, -1));
	must(kill(pid, SIGKILL));
	await(pid);
}

TEST(user_may_not)
{
	become_user();
	show(chroot("."));
	show(mount("a", ".", "tmpfs", 0, NULL));
	show(mknod("dev", S_IFCHR | 0600, 0x103));
	show(nice(-5));
	show(settimeofday(&(struct timeval){ 1, 0 }, NULL));
	show(syscall(SYS_reboot, 0, 0, 0, NULL));
}
