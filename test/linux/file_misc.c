/* SPDX-License-Identifier: MIT */
/*
 * Special files and file objects: memfd and seals, inotify, deleted files,
 * the memory devices.
 */
#include "harness.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#endif

TEST(memfd_basics)
{
	struct stat st;
	char buf[8] = "";
	int fd = must(memfd_create("name", MFD_CLOEXEC));

	num(fcntl(fd, F_GETFD));
	show(write(fd, "hello", 5));
	must(fstat(fd, &st));
	num(st.st_size);
	num(st.st_nlink);
	fact(S_ISREG(st.st_mode));
	show(pread(fd, buf, 8, 0));
	show(ftruncate(fd, 100000));
	show(lseek(fd, 0, SEEK_END));
	show(memfd_create("x", 0x4000));
	show(syscall(SYS_memfd_create, bad_pointer(), 0));
}

TEST(memfd_link_name)
{
	char path[64], target[128];
	int fd = must(memfd_create("my name", 0)), n;

	sprintf(path, "/proc/self/fd/%d", fd);
	n = must(readlink(path, target, sizeof(target) - 1));
	target[n] = 0;
	say("%s", target);
}

TEST(memfd_name_length)
{
	char name[300];

	memset(name, 'x', sizeof(name));
	name[250] = 0;
	show_ok(memfd_create(name, 0));
	name[249] = 0;
	show_ok(memfd_create(name, 0));
	show_ok(memfd_create("", 0));
}

TEST(memfd_seals)
{
	int fd = must(memfd_create("s", MFD_ALLOW_SEALING));

	must(ftruncate(fd, 100));
	num(fcntl(fd, F_GET_SEALS));
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	show(ftruncate(fd, 50));
	show(ftruncate(fd, 200));
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	show(ftruncate(fd, 300));
	show(pwrite(fd, "x", 1, 200));
	show(pwrite(fd, "x", 1, 199));
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	show(pwrite(fd, "x", 1, 0));
	fact(mmap(NULL, 100, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	num(fcntl(fd, F_GET_SEALS));
}

TEST(memfd_seal_errors)
{
	int fd = must(memfd_create("s", 0));
	int s = must(memfd_create("s", MFD_ALLOW_SEALING));
	int reg = must(open("f", O_CREAT | O_RDWR, 0600));
	char *p;

	num(fcntl(fd, F_GET_SEALS));
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	must(ftruncate(s, PAGE));
	p = (char *)must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      s, 0));
	show(fcntl(s, F_ADD_SEALS, F_SEAL_WRITE));
	must(munmap(p, PAGE));
	show(fcntl(s, F_ADD_SEALS, F_SEAL_WRITE));
	show(fcntl(s, F_ADD_SEALS, 0x8000));
	fact(fcntl(reg, F_ADD_SEALS, F_SEAL_GROW) < 0);
}

TEST(deleted_file_still_there)
{
	struct stat st;
	char buf[8] = "";
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));

	must(write(fd, "abc", 3));
	must(unlink("f"));
	must(fstat(fd, &st));
	num(st.st_nlink);
	show(pread(fd, buf, 8, 0));
	show(write(fd, "def", 3));
	show(lseek(fd, 0, SEEK_END));
	show(fchmod(fd, 0644));
	show(ftruncate(fd, 1));
	show(access("f", F_OK));
	put_file("f", "new one");
	show(pread(fd, buf, 8, 0));
	show_file("f");
}

TEST(deleted_file_fd_link)
{
	char path[64], target[4096], want[4096];
	int fd = must(open("f", O_CREAT | O_RDWR, 0600)), n;

	getcwd(want, sizeof(want) - 32);
	strcat(want, "/f (deleted)");
	must(write(fd, "abc", 3));
	must(unlink("f"));
	sprintf(path, "/proc/self/fd/%d", fd);
	n = must(readlink(path, target, sizeof(target) - 1));
	target[n] = 0;
	fact(strcmp(target, want) == 0);
	show_ok(open(path, O_RDONLY));
}

TEST(dev_null)
{
	char buf[8];
	int fd = must(open("/dev/null", O_RDWR));

	show(write(fd, "anything", 8));
	show(read(fd, buf, 8));
	show(lseek(fd, 100, SEEK_SET));
	show(isatty(fd));
	show(write(fd, bad_pointer(), 8));
	show(read(fd, bad_pointer(), 8));
	show_ok(open("/dev/null", O_WRONLY | O_TRUNC | O_CREAT, 0600));
	show(ftruncate(fd, 0));
}

TEST(dev_zero)
{
	char buf[8] = "xxxxxxx";
	int fd = must(open("/dev/zero", O_RDWR));
	char *p;

	show(read(fd, buf, 8));
	num(buf[0] | buf[7]);
	show(write(fd, buf, 8));
	show(read(fd, bad_pointer(), 8));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	fact(p != MAP_FAILED && p[0] == 0);
	p[0] = 1;
	num(p[0]);
}

TEST(dev_full)
{
	char buf[4] = "xxx";
	int fd = must(open("/dev/full", O_RDWR));

	show(write(fd, buf, 4));
	show(read(fd, buf, 4));
	num(buf[0]);
}

TEST(dev_random)
{
	char a[16], b[16];
	int fd = must(open("/dev/urandom", O_RDONLY));

	show(read(fd, a, 16));
	show(read(fd, b, 16));
	fact(memcmp(a, b, 16) != 0);
	show(read(fd, bad_pointer(), 16));
	fd = must(open("/dev/random", O_RDONLY));
	show(read(fd, b, 16));
}

TEST(dev_fd_links)
{
	struct stat a, b;

	must(fstat(1, &a));
	must(stat("/dev/stdout", &b));
	fact(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	must(stat("/dev/fd/1", &b));
	fact(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
}

TEST(dev_tty_without_terminal)
{
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		show_ok(open("/dev/tty", O_RDWR));
		_exit(0);
	}
	await(pid);
}

static void show_event(int fd)
{
	char buf[1024] __attribute__((aligned(8)));
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		say("read: %s", err_name(errno));
	for (ssize_t o = 0; o < n;) {
		struct inotify_event *e = (void *)(buf + o);

		say("event %#x wd %d name '%s' cookie %s", e->mask, e->wd,
		    e->len ? e->name : "", e->cookie ? "yes" : "no");
		o += sizeof(*e) + e->len;
	}
}

TEST(inotify_directory)
{
	int fd = must(inotify_init1(IN_NONBLOCK));

	must(mkdir("d", 0755));
	show(inotify_add_watch(fd, "d", IN_CREATE | IN_DELETE | IN_MOVE));
	show_event(fd);
	put_file("d/f", "x");
	show_event(fd);
	must(rename("d/f", "d/g"));
	show_event(fd);
	must(unlink("d/g"));
	must(mkdir("d/e", 0755));
	show_event(fd);
	show_event(fd);
}

TEST(inotify_file)
{
	struct pollfd p;
	int fd = must(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), f, n;

	put_file("f", "x");
	show(inotify_add_watch(fd, "f", IN_ALL_EVENTS));
	f = must(open("f", O_RDWR));
	must(write(f, "y", 1));
	must(close(f));
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	show(poll(&p, 1, 0));
	show(ioctl(fd, FIONREAD, &n));
	num(n);
	show_event(fd);
	show(poll(&p, 1, 0));
	must(chmod("f", 0600));
	must(unlink("f"));
	show_event(fd);
}

TEST(inotify_errors)
{
	char c;
	int fd = must(inotify_init1(IN_NONBLOCK)), wd;

	show(inotify_add_watch(fd, "nothing", IN_CREATE));
	show(inotify_add_watch(fd, ".", 0));
	show(inotify_add_watch(1, ".", IN_CREATE));
	show(inotify_add_watch(-1, ".", IN_CREATE));
	put_file("f", "x");
	show(inotify_add_watch(fd, "f", IN_CREATE | IN_ONLYDIR));
	show(inotify_rm_watch(fd, 5));
	wd = must(inotify_add_watch(fd, ".", IN_CREATE));
	fact(inotify_add_watch(fd, ".", IN_DELETE) == wd);
	show(inotify_add_watch(fd, ".", IN_CREATE | 0x10000000));
	show(inotify_rm_watch(fd, wd));
	show(read(fd, &c, 1));
	show_event(fd);
	show(inotify_init1(1));
}
