/* SPDX-License-Identifier: MIT */
/*
 * open(), openat(), creat(): flags, modes, umask, error cases.
 */
#include "harness.h"

static int mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : (int)(st.st_mode & 07777);
}

TEST(missing_file)
{
	show_ok(open("nothing", O_RDONLY));
	show_ok(open("", O_RDONLY));
	show_ok(open("nothing/below", O_CREAT | O_RDWR, 0600));
}

TEST(lowest_descriptor)
{
	int a = must(open("/", O_RDONLY)), b = must(open("/", O_RDONLY));

	close(a);
	fact(open(".", O_RDONLY) == a);
	fact(open(".", O_RDONLY) == b + 1);
}

TEST(excl)
{
	show_ok(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644));
	show_ok(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644));
	must(symlink("f", "link"));
	must(symlink("nowhere", "dangling"));
	show_ok(open("link", O_CREAT | O_EXCL | O_WRONLY, 0644));
	show_ok(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0644));
	show_ok(open("dangling", O_CREAT | O_WRONLY, 0644));
	show(access("nowhere", F_OK));
}

TEST(append)
{
	char buf[16] = "";
	int fd = must(open("f", O_CREAT | O_RDWR | O_APPEND, 0644));

	show(write(fd, "one", 3));
	show(lseek(fd, 0, SEEK_SET));
	show(write(fd, "two", 3));
	show(lseek(fd, 0, SEEK_CUR));
	show(lseek(fd, 1, SEEK_SET));
	show(read(fd, buf, sizeof(buf)));
	say("%s", buf);
	show_file("f");
}

TEST(append_two_writers)
{
	int a = must(open("f", O_CREAT | O_WRONLY | O_APPEND, 0644));
	int b = must(open("f", O_WRONLY | O_APPEND));

	must(write(a, "a1 ", 3));
	must(write(b, "b1 ", 3));
	must(write(a, "a2", 2));
	show_file("f");
}

TEST(trunc)
{
	put_file("f", "content");
	show_ok(open("f", O_RDWR));
	show_file("f");
	show_ok(open("f", O_WRONLY | O_TRUNC));
	show_file("f");
}

TEST(directory_flag)
{
	put_file("f", "x");
	must(mkdir("d", 0755));
	must(symlink("d", "ld"));
	show_ok(open("d", O_RDONLY | O_DIRECTORY));
	show_ok(open("ld", O_RDONLY | O_DIRECTORY));
	show_ok(open("f", O_RDONLY | O_DIRECTORY));
	show_ok(open("ld", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
}

TEST(directory_for_writing)
{
	char c;

	must(mkdir("d", 0755));
	show_ok(open("d", O_WRONLY));
	show_ok(open("d", O_RDWR));
	show_ok(open("d", O_CREAT | O_RDONLY, 0644));
	show_ok(open("d/", O_CREAT | O_RDWR, 0644));
	show_ok(open("new/", O_CREAT | O_RDWR, 0644));
	show(read(must(open("d", O_RDONLY)), &c, 1));
}

TEST(nofollow)
{
	put_file("f", "x");
	must(mkdir("d", 0755));
	put_file("d/g", "y");
	must(symlink("f", "lf"));
	must(symlink("d", "ld"));
	show_ok(open("lf", O_RDONLY | O_NOFOLLOW));
	show_ok(open("f", O_RDONLY | O_NOFOLLOW));
	show_ok(open("ld/g", O_RDONLY | O_NOFOLLOW));
	show_ok(open("lf", O_PATH | O_NOFOLLOW));
}

TEST(path_descriptor)
{
	struct stat st;
	char buf[8];
	int fd;

	put_file("f", "hello");
	fd = must(open("f", O_PATH));
	show(read(fd, buf, 1));
	show(write(fd, buf, 1));
	show(fchmod(fd, 0600));
	show(ftruncate(fd, 0));
	show(lseek(fd, 0, SEEK_CUR));
	show(fstat(fd, &st));
	num(st.st_size);
	fact((fcntl(fd, F_GETFL) & O_PATH) != 0);
	fact(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	say("%s", err_name(errno));
	show(close(fd));
}

TEST(path_directory)
{
	int fd;

	must(mkdir("d", 0755));
	put_file("d/f", "x");
	fd = must(open("d", O_PATH | O_DIRECTORY));
	show_ok(openat(fd, "f", O_RDONLY));
	show(fchdir(fd));
	show(access("f", F_OK));
	show(syscall(SYS_getdents64, fd, (char[512]){ 0 }, 512));
}

TEST(tmpfile)
{
	char path[64];
	struct stat st;
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	if (fd < 0 && errno == EOPNOTSUPP)
		skip("no O_TMPFILE here");
	must(fd);
	show(write(fd, "hidden", 6));
	must(fstat(fd, &st));
	num(st.st_nlink);
	sprintf(path, "/proc/self/fd/%d", fd);
	show(linkat(AT_FDCWD, path, AT_FDCWD, "seen", AT_SYMLINK_FOLLOW));
	show_file("seen");
	show_ok(open(".", O_TMPFILE | O_RDONLY, 0600));
	show_ok(open("seen", O_TMPFILE | O_RDWR, 0600));
}

TEST(tmpfile_excl_cannot_be_linked)
{
	char path[64];
	int fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);

	if (fd < 0 && errno == EOPNOTSUPP)
		skip("no O_TMPFILE here");
	sprintf(path, "/proc/self/fd/%d", (int)must(fd));
	show(linkat(AT_FDCWD, path, AT_FDCWD, "seen", AT_SYMLINK_FOLLOW));
}

TEST(openat_dirfd)
{
	int d, f;

	must(mkdir("d", 0755));
	put_file("d/f", "inner");
	put_file("f", "outer");
	d = must(open("d", O_RDONLY));
	f = must(open("f", O_RDONLY));
	show_ok(openat(d, "f", O_RDONLY));
	show_ok(openat(f, "f", O_RDONLY));
	show_ok(openat(-1, "f", O_RDONLY));
	show_ok(openat(-1, "/", O_RDONLY));
	show_ok(openat(AT_FDCWD, "f", O_RDONLY));
	show_ok(openat(d, "../f", O_RDONLY));
	show_ok(openat(999, "f", O_RDONLY));
}

TEST(openat_removed_directory)
{
	int d;

	must(mkdir("d", 0755));
	d = must(open("d", O_RDONLY));
	must(rmdir("d"));
	show_ok(openat(d, "f", O_CREAT | O_RDWR, 0600));
	show_ok(openat(d, ".", O_RDONLY));
	show_ok(openat(d, "f", O_RDONLY));
}

TEST(create_mode_umask)
{
	close(must(open("a", O_CREAT | O_WRONLY, 0666)));
	printf("%o\n", mode_of("a"));
	umask(077);
	close(must(open("b", O_CREAT | O_WRONLY, 0777)));
	printf("%o\n", mode_of("b"));
	umask(0);
	close(must(open("c", O_CREAT | O_WRONLY, 01777)));
	printf("%o\n", mode_of("c"));
	must(mkdir("d", 0777));
	printf("%o\n", mode_of("d"));
	printf("%o\n", umask(0123));
	printf("%o\n", umask(07777));
	printf("%o\n", umask(0));
	fflush(stdout);
}

TEST(create_existing_keeps_mode)
{
	close(must(creat("f", 0600)));
	close(must(creat("f", 0644)));
	say("%o", mode_of("f"));
}

TEST(create_without_access)
{
	char c = 'x';
	int fd = must(open("f", O_CREAT | O_RDWR, 0000));

	show(write(fd, &c, 1));
	show(pread(fd, &c, 1, 0));
	say("%o", mode_of("f"));
}

TEST(access_mode)
{
	char c = 'x';
	int r, w;

	put_file("f", "x");
	r = must(open("f", O_RDONLY));
	w = must(open("f", O_WRONLY));
	show(write(r, &c, 1));
	show(read(w, &c, 1));
	show(pwrite(r, &c, 1, 0));
	show(pread(w, &c, 1, 0));
	show(ftruncate(r, 0));
	num(fcntl(r, F_GETFL) & O_ACCMODE);
	num(fcntl(w, F_GETFL) & O_ACCMODE);
}

TEST(bad_path_pointer)
{
	char *p = page_end(3);

	show_ok(open(bad_pointer(), O_RDONLY));
	show_ok(open(NULL, O_RDONLY));
	memcpy(p, "abc", 3);
	show_ok(open(p, O_RDONLY));
	memcpy(p, "/.", 3);
	show_ok(open(p, O_RDONLY));
}

TEST(name_too_long)
{
	char name[300], *path = malloc(5000);

	memset(name, 'n', sizeof(name));
	name[256] = 0;
	show_ok(open(name, O_CREAT | O_RDWR, 0600));
	name[255] = 0;
	show_ok(open(name, O_CREAT | O_RDWR, 0600));
	memset(path, '/', 4999);
	path[4096] = 0;
	show_ok(open(path, O_RDONLY));
	path[4095] = 0;
	show_ok(open(path, O_RDONLY));
}

TEST(descriptor_limit)
{
	int n = 0, fd = -1;

	while ((fd = open("/", O_RDONLY)) >= 0 && n++ < 100000)
		if (fd > 60)
			break;
	fact(fd == 61);
	close(61);
}

TEST(close_twice)
{
	int fd = must(open("/", O_RDONLY));

	show(close(fd));
	show(close(fd));
	show(close(-1));
	show(close(100000));
}

TEST(close_range_call)
{
	int fd, r;

	for (fd = 10; fd < 20; fd++)
		must(dup2(1, fd));
	r = syscall(SYS_close_range, 12, 15, 0);
	if (r < 0 && errno == ENOSYS)
		skip("no close_range");
	num(r);
	for (fd = 10; fd < 20; fd++)
		printf("%d", fcntl(fd, F_GETFD) >= 0);
	must(syscall(SYS_close_range, 17, ~0u, 4));
	for (fd = 10; fd < 20; fd++)
		printf("%d", fcntl(fd, F_GETFD));
	puts("");
	fflush(stdout);
	show(syscall(SYS_close_range, 5, 4, 0));
	show(syscall(SYS_close_range, 5, 6, 64));
}

TEST(unknown_flags_ignored)
{
	put_file("f", "x");
	show_ok(open("f", O_RDONLY | 0x10000000));
	show_ok(open("f", O_RDONLY | O_NONBLOCK | O_SYNC | O_DSYNC | O_NOCTTY));
}

TEST(getfl_shows_status_flags)
{
	int fd = must(open("f", O_CREAT | O_EXCL | O_RDWR | O_APPEND |
			   O_NONBLOCK | O_CLOEXEC | O_TRUNC, 0600));
	int fl = must(fcntl(fd, F_GETFL));

	fact((fl & O_ACCMODE) == O_RDWR);
	fact(fl & O_APPEND);
	fact(fl & O_NONBLOCK);
	fact(fl & O_CREAT);
	fact(fl & O_EXCL);
	fact(fl & O_TRUNC);
	fact(fl & O_CLOEXEC);
	num(fcntl(fd, F_GETFD));
}

TEST(openat2_resolve)
{
	struct { uint64_t flags, mode, resolve; } how = { O_RDONLY, 0, 0x08 };

	must(mkdir("d", 0755));
	put_file("d/f", "x");
	must(symlink("f", "d/l"));
	must(symlink("/etc", "d/abs"));
	if (syscall(SYS_openat2, AT_FDCWD, "d/f", &how, sizeof(how)) < 0 &&
	    errno == ENOSYS)
		skip("no openat2");
	chdir("d");
	show_ok(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how)));
	show_ok(syscall(SYS_openat2, AT_FDCWD, "../d/f", &how, sizeof(how)));
	show_ok(syscall(SYS_openat2, AT_FDCWD, "abs", &how, sizeof(how)));
	how.resolve = 0x04;
	show_ok(syscall(SYS_openat2, AT_FDCWD, "l", &how, sizeof(how)));
	how.resolve = 0;
	how.mode = 0644;
	show_ok(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how)));
	show_ok(syscall(SYS_openat2, AT_FDCWD, "f", &how, 8));
}
