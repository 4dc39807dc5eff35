/* SPDX-License-Identifier: MIT */
/*
 * mount, umount2, pivot_root. Each test works in a mount namespace of its own.
 */
#include "harness.h"

#include <sched.h>
#include <mqueue.h>
#include <sys/mount.h>
#include <sys/statfs.h>

/* Skip unless we may mount; keep what we do away from others. */
static void private_mounts(void)
{
	need_root();
	(void)!unshare(CLONE_NEWNS);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    errno == EPERM)
		skip("not allowed to mount");
	must(mkdir("m", 0755));
	if (mount("none", "m", "tmpfs", 0, "size=1m,mode=711") &&
	    errno == EPERM)
		skip("not allowed to mount");
}

static char *at(const char *name)
{
	static char path[4200];

	must(getcwd(path, 4096) ? 0 : -1);
	strcat(path, "/m/");
	return strcat(path, name);
}

TEST(tmpfs_options)
{
	struct statfs s;
	struct stat st;

	private_mounts();
	must(statfs("m", &s));
	fact(s.f_type == 0x01021994);
	fact((unsigned long)(s.f_blocks * s.f_bsize) == 1 << 20);
	must(stat("m", &st));
	say("mode %o", st.st_mode & 07777);
	put_file("m/f", "here");
	show_file("m/f");
	show(umount("m"));
	show(access("m/f", F_OK));
	show(umount("m"));
}

TEST(busy_and_detached)
{
	int fd;

	private_mounts();
	put_file("m/f", "x");
	fd = must(open("m/f", O_RDONLY));
	show(umount("m"));
	show(umount2("m", MNT_DETACH));
	show(access("m/f", F_OK));
	show(read(fd, (char[4]){ 0 }, 4));
	close(fd);
}

TEST(read_only)
{
	private_mounts();
	put_file("m/f", "x");
	show(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	show(open("m/f", O_WRONLY));
	show(open("m/new", O_WRONLY | O_CREAT, 0600));
	show(mkdir("m/d", 0700));
	show(unlink("m/f"));
	show(chmod("m/f", 0600));
	show(rename("m/f", "m/g"));
	show(access("m/f", W_OK));
	show_ok(open("m/f", O_RDONLY));
}

TEST(bind)
{
	private_mounts();
	must(mkdir("m/a", 0755));
	must(mkdir("m/b", 0755));
	put_file("m/a/f", "shown twice");
	show(mount("m/a", "m/b", NULL, MS_BIND, NULL));
	show_file("m/b/f");
	put_file("m/b/g", "other way");
	show_file("m/a/g");
	show(rename("m/a/f", "m/b/h"));
	show(link("m/a/f", "m/b/h"));
	show(rmdir("m/b"));
	show(umount("m/b"));
	show(access("m/b/f", F_OK));
}

TEST(bind_of_a_file)
{
	private_mounts();
	put_file("m/a", "one");
	put_file("m/b", "two");
	show(mount("m/a", "m/b", NULL, MS_BIND, NULL));
	show_file("m/b");
	show(unlink("m/b"));
	show(umount("m/b"));
	show_file("m/b");
}

TEST(dot_dot_crosses_upwards)
{
	char a[4096], b[4096];

	private_mounts();
	must(getcwd(a, sizeof(a)) ? 0 : -1);
	must(chdir("m"));
	must(chdir(".."));
	must(getcwd(b, sizeof(b)) ? 0 : -1);
	fact(!strcmp(a, b));
}

TEST(exec_flag)
{
	private_mounts();
	put_file("m/s", "#!/bin/sh\necho ran\n");
	must(chmod("m/s", 0755));
	fflush(stdout);
	num(WEXITSTATUS(system("m/s 2>/dev/null")));
	must(mount(NULL, "m", NULL, MS_REMOUNT | MS_NOEXEC, NULL));
	num(WEXITSTATUS(system("m/s 2>/dev/null")));
	show(access("m/s", X_OK));
}

TEST(pivot_root_call)
{
	char *m;

	private_mounts();
	must(mkdir("m/old", 0755));
	put_file("m/hello", "new root");
	m = strdup(at(""));
	show(syscall(SYS_pivot_root, "/", m));
	show(syscall(SYS_pivot_root, m, at("none")));
	show(syscall(SYS_pivot_root, m, at("old")));
	must(chdir("/"));
	show_file("/hello");
	show(access("/old/etc/passwd", F_OK));
	show(umount2("/old", MNT_DETACH));
	show(access("/old/etc/passwd", F_OK));
}

TEST(errors)
{
	private_mounts();
	show(mount("none", "missing", "tmpfs", 0, NULL));
	show(mount("none", "m", "nosuchfs", 0, NULL));
	show(mount("missing", "m", NULL, MS_BIND, NULL));
	show(umount("missing"));
	show(umount2("m", 0x1000));
	put_file("m/f", "x");
	show(umount("m/f"));
	show(mount("none", "m/f", "tmpfs", 0, NULL));
}

/* The names of POSIX message queues are files of this file system. */
TEST(mount_mqueue)
{
	char name[64], path[80];
	struct mq_attr a;
	struct stat st;
	int fd;

	private_mounts();
	must(umount("m"));
	show(mount("none", "m", "mqueue", 0, NULL));
	sprintf(name, "/linux-test-%d", (int)getpid());
	sprintf(path, "m%s", name);
	fd = (int)must(mq_open(name, O_CREAT | O_RDWR, 0640, NULL));
	must(stat(path, &st));
	num(st.st_mode);
	num(st.st_size);
	must(mq_send(fd, "12345", 5, 0));
	must(slurp(path));
	say("%s", slurped);
	show(mkdir("m/linux-test-d", 0700));
	show(symlink("x", "m/linux-test-l"));
	show(link(path, "m/linux-test-h"));
	show(rename(path, "m/linux-test-r"));
	show(truncate(path, 0));
	show(chmod(path, 0600));
	must(fstat(fd, &st));
	num(st.st_mode);
	show(unlink(path));
	show(mq_open(name, O_RDWR));
	must(close((int)must(open(path, O_CREAT | O_EXCL | O_RDWR, 0600))));
	must(close(fd));
	fd = (int)must(mq_open(name, O_RDWR));
	must(mq_getattr(fd, &a));
	num(a.mq_maxmsg);
	num(a.mq_msgsize);
	show(mq_unlink(name));
	show(stat(path, &st));
	must(close(fd));
	show(umount("m"));
	show(mount("none", "m", "mqueue", 0, NULL));
	show(umount("m"));
}
