/* SPDX-License-Identifier: MIT */
/*
 * Names: directories, links, renames, the walk along a path, the current
 * directory.
 */
#include "harness.h"

#include <dirent.h>
#include <limits.h>

#define RENAME_NOREPLACE_ 1
#define RENAME_EXCHANGE_ 2

static int rename2(const char *a, const char *b, unsigned int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static int links(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : (int)st.st_nlink;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return lstat(a, &x) == 0 && lstat(b, &y) == 0 &&
	       x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* Print the sorted names of a directory in one line. */
static void list(const char *path)
{
	struct dirent **e;
	char line[1024] = "";
	int n = scandir(path, &e, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		strcat(line, " ");
		strcat(line, e[i]->d_name);
	}
	say("%s:%s", path, n < 0 ? err_name(errno) : line);
}

TEST(mkdir_errors)
{
	show(mkdir("d", 0755));
	show(mkdir("d", 0755));
	show(mkdir("d/", 0755));
	show(mkdir("a/b", 0755));
	show(mkdir("", 0755));
	show(mkdir("e/", 0755));
	show(mkdir("/", 0755));
	show(mkdir(".", 0755));
	put_file("f", "");
	show(mkdir("f", 0755));
	show(mkdir("f/x", 0755));
	show(mkdir(bad_pointer(), 0755));
}

TEST(rmdir_errors)
{
	must(mkdir("d", 0755));
	must(mkdir("d/e", 0755));
	put_file("f", "");
	must(symlink("d", "l"));
	show(rmdir("d"));
	show(rmdir("d/e/."));
	show(rmdir("d/e/.."));
	show(rmdir("d/e/"));
	show(rmdir("f"));
	show(rmdir("l"));
	show(rmdir("l/"));
	show(rmdir("nothing"));
	show(rmdir("d"));
	show(rmdir("/"));
}

TEST(directory_links)
{
	must(mkdir("d", 0755));
	list("d");
	must(mkdir("d/a", 0755));
	must(mkdir("d/b", 0755));
	put_file("d/f", "");
	fact(links("d") == 4 || links("d") == 1);
	list("d");
	fact(same_file("d", "d/a/.."));
}

TEST(link_call)
{
	put_file("f", "text");
	must(mkdir("d", 0755));
	show(link("f", "g"));
	num(links("f"));
	show(link("f", "g"));
	show(link("nothing", "h"));
	show(link("f", "nothing/h"));
	show(link("f", "f/h"));
	fact(same_file("f", "g"));
	show(unlink("f"));
	num(links("g"));
	show_file("g");
	show(link("g", "d"));
	show(link("g", ""));
}

TEST(link_directory_refused)
{
	must(mkdir("d", 0755));
	show(link("d", "e"));
	show(link(".", "e"));
}

TEST(link_symlink_itself)
{
	put_file("f", "text");
	must(symlink("f", "l"));
	show(link("l", "m"));
	fact(same_file("l", "m"));
	show(linkat(AT_FDCWD, "l", AT_FDCWD, "n", AT_SYMLINK_FOLLOW));
	fact(same_file("f", "n"));
	show(linkat(AT_FDCWD, "l", AT_FDCWD, "o", 0x8));
	show(linkat(AT_FDCWD, "", AT_FDCWD, "o", 0));
}

TEST(unlink_errors)
{
	put_file("f", "");
	must(mkdir("d", 0755));
	must(symlink("nowhere", "l"));
	show(unlink("d"));
	show(unlink("nothing"));
	show(unlink("f/"));
	show(unlink("f/x"));
	show(unlink("l"));
	show(unlink(""));
	show(unlink("f"));
	show(unlink("f"));
	show(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
	show(unlinkat(AT_FDCWD, "d", 0x1));
	show(unlinkat(-1, "d", 0));
}

TEST(symlink_readlink)
{
	char buf[16];

	show(symlink("some/target", "l"));
	show(symlink("other", "l"));
	show(symlink("", "m"));
	memset(buf, '.', sizeof(buf));
	show(readlink("l", buf, sizeof(buf)));
	say("%.16s", buf);
	show(readlink("l", buf, 4));
	show(readlink("l", buf, 0));
	show(readlink("nothing", buf, 4));
	put_file("f", "");
	show(readlink("f", buf, 4));
	show(readlink(".", buf, 4));
	show(readlink("l", bad_pointer(), 4));
	show(symlink("x", "nothing/l"));
}

TEST(symlink_size_and_mode)
{
	struct stat st;

	must(symlink("12345", "l"));
	must(lstat("l", &st));
	num(st.st_size);
	fact(S_ISLNK(st.st_mode));
	num(st.st_mode & 0777);
}

TEST(symlink_loop)
{
	char a[16], b[16];

	must(symlink("y", "x"));
	must(symlink("x", "y"));
	show_ok(open("x", O_RDONLY));
	show_ok(open("x/a", O_RDONLY));
	show_ok(open("x", O_CREAT | O_WRONLY, 0600));
	put_file("l0", "end");
	for (int i = 0; i < 41; i++) {
		sprintf(a, "l%d", i);
		sprintf(b, "l%d", i + 1);
		must(symlink(a, b));
	}
	show_ok(open("l40", O_RDONLY));
	show_ok(open("l41", O_RDONLY));
}

TEST(walk_errors)
{
	must(mkdir("d", 0755));
	put_file("f", "");
	must(symlink("f", "lf"));
	must(symlink("nowhere", "dangling"));
	show(access("f/", F_OK));
	show(access("f/.", F_OK));
	show(access("f/..", F_OK));
	show(access("lf/", F_OK));
	show(access("d/.", F_OK));
	show(access("d/../f", F_OK));
	show(access("nothing/../f", F_OK));
	show(access("dangling", F_OK));
	show(access("dangling/", F_OK));
	show(access(".//d///..//f", F_OK));
	show(access("/../../..", F_OK));
	show(access("", F_OK));
}

TEST(rename_file)
{
	put_file("a", "one");
	put_file("b", "two");
	show(rename("a", "c"));
	show_file("c");
	show(rename("c", "b"));
	show_file("b");
	show(rename("nothing", "x"));
	show(rename("b", "nothing/x"));
	show(rename("b", "b"));
	show(rename("b", "b/x"));
	show(rename("", "x"));
	show(rename("b", "new/"));
	list(".");
}

TEST(rename_directory)
{
	put_file("f", "");
	must(mkdir("a", 0755));
	must(mkdir("a/in", 0755));
	must(mkdir("b", 0755));
	must(mkdir("full", 0755));
	put_file("full/x", "");
	show(rename("a", "a/in/b"));
	show(rename("a", "f"));
	show(rename("f", "b"));
	show(rename("a", "full"));
	show(rename("a", "b"));
	list("b");
	show(rename("b", "c/"));
	show(rename("c/.", "d"));
	show(rename("c/..", "d"));
	list(".");
}

TEST(rename_moves_dotdot)
{
	must(mkdir("a", 0755));
	must(mkdir("b", 0755));
	must(mkdir("a/x", 0755));
	show(rename("a/x", "b/y"));
	fact(same_file("b", "b/y/.."));
	list("a");
	list("b");
}

TEST(rename_hard_links)
{
	put_file("a", "t");
	must(link("a", "b"));
	show(rename("a", "b"));
	list(".");
}

TEST(renameat2_flags)
{
	put_file("a", "one");
	put_file("b", "two");
	must(mkdir("d", 0755));
	show(rename2("a", "b", RENAME_NOREPLACE_));
	show(rename2("a", "c", RENAME_NOREPLACE_));
	show(rename2("c", "b", RENAME_EXCHANGE_));
	show_file("b");
	show_file("c");
	show(rename2("c", "d", RENAME_EXCHANGE_));
	show_file("d");
	show(rename2("c", "nothing", RENAME_EXCHANGE_));
	show(rename2("b", "x", RENAME_EXCHANGE_ | RENAME_NOREPLACE_));
	show(rename2("b", "x", 64));
	list(".");
}

TEST(getdents_types)
{
	struct dirent **e;
	int n;

	put_file("file", "");
	must(mkdir("dir", 0755));
	must(symlink("file", "link"));
	must(mkfifo("fifo", 0644));
	n = scandir(".", &e, NULL, alphasort);
	for (int i = 0; i < n; i++)
		say("%s %d", e[i]->d_name, e[i]->d_type);
}

TEST(getdents_small_buffer)
{
	char buf[4096], name[16];
	bool seen[100] = { 0 };
	int fd, n, total = 0;

	for (int i = 0; i < 100; i++) {
		sprintf(name, "f%02d", i);
		put_file(name, "");
	}
	fd = must(open(".", O_RDONLY | O_DIRECTORY));
	show(syscall(SYS_getdents64, fd, buf, 8));
	while ((n = must(syscall(SYS_getdents64, fd, buf, 100))) > 0) {
		for (int o = 0; o < n;) {
			struct dirent64 *d = (struct dirent64 *)(buf + o);

			if (d->d_name[0] == 'f')
				seen[atoi(d->d_name + 1)] = true;
			total++;
			o += d->d_reclen;
		}
	}
	num(total);
	for (int i = 0; i < 100; i++)
		if (!seen[i])
			say("f%02d not seen", i);
	show(syscall(SYS_getdents64, fd, bad_pointer(), 100));
	show(lseek(fd, 0, SEEK_SET));
	show(syscall(SYS_getdents64, fd, bad_pointer(), 100));
	put_file("reg", "");
	show(syscall(SYS_getdents64, must(open("reg", 0)), buf, 100));
	show(syscall(SYS_getdents64, -1, buf, 100));
}

TEST(rewinddir_sees_changes)
{
	DIR *d = opendir(".");
	struct dirent *e;
	int before = 0, after = 0;

	while ((e = readdir(d)))
		before++;
	put_file("new", "");
	rewinddir(d);
	while ((e = readdir(d)))
		after++;
	num(before);
	num(after);
}

TEST(unlink_while_reading)
{
	DIR *d;
	struct dirent *e;
	char name[16];
	int left = 0;

	must(mkdir("d", 0755));
	must(chdir("d"));
	for (int i = 0; i < 300; i++) {
		sprintf(name, "file%d", i);
		put_file(name, "");
	}
	d = opendir(".");
	while ((e = readdir(d)))
		if (e->d_name[0] == 'f')
			must(unlink(e->d_name));
	rewinddir(d);
	while ((e = readdir(d)))
		left++;
	num(left);
	must(chdir(".."));
	show(rmdir("d"));
}

TEST(getcwd_chdir)
{
	char top[PATH_MAX], buf[PATH_MAX];
	int fd;

	must((long)getcwd(top, sizeof(top)) ? 0 : -1);
	must(mkdir("d", 0755));
	must(mkdir("d/e", 0755));
	show(chdir("d/e"));
	getcwd(buf, sizeof(buf));
	say("%s", buf + strlen(top));
	fd = must(open("..", O_RDONLY));
	show(fchdir(fd));
	getcwd(buf, sizeof(buf));
	say("%s", buf + strlen(top));
	show(chdir("nothing"));
	put_file("f", "");
	show(chdir("f"));
	show(fchdir(must(open("f", O_RDONLY))));
	show(fchdir(-1));
	show(chdir(""));
	show(chdir(bad_pointer()));
	must(rename("../d", "../moved"));
	getcwd(buf, sizeof(buf));
	say("%s", buf + strlen(top));
}

TEST(getcwd_errors)
{
	char buf[PATH_MAX];

	must(chdir("/"));
	show(syscall(SYS_getcwd, buf, 2));
	show(syscall(SYS_getcwd, buf, 1));
	show(syscall(SYS_getcwd, bad_pointer(), 100));
	show(syscall(SYS_getcwd, buf, 0));
}

TEST(removed_cwd)
{
	char buf[PATH_MAX];
	struct stat st;

	must(mkdir("d", 0755));
	must(chdir("d"));
	must(rmdir("../d"));
	show(syscall(SYS_getcwd, buf, sizeof(buf)));
	show_ok(open("f", O_CREAT | O_RDWR, 0600));
	show(mkdir("e", 0755));
	show(stat(".", &st));
	show(chdir("."));
	show(chdir(".."));
}

TEST(cwd_is_per_process)
{
	char a[PATH_MAX], b[PATH_MAX];

	getcwd(a, sizeof(a));
	if (fork() == 0)
		_exit(chdir("/"));
	wait(NULL);
	getcwd(b, sizeof(b));
	fact(strcmp(a, b) == 0);
}

TEST(chroot_directory)
{
	char buf[64];

	need_root();
	must(mkdir("jail", 0755));
	put_file("jail/f", "inside");
	show(chroot("nothing"));
	show(chroot("jail"));
	show(chdir("/"));
	show_file("/f");
	show_file("/../../f");
	show(syscall(SYS_getcwd, buf, sizeof(buf)));
	show(access("/proc", F_OK));
}

TEST(mknod_kinds)
{
	struct stat st;

	show(mknod("reg", S_IFREG | 0640, 0));
	show(mknod("pipe", S_IFIFO | 0600, 0));
	show(mknod("sock", S_IFSOCK | 0600, 0));
	show(mknod("plain", 0600, 0));
	show(mknod("reg", S_IFREG | 0640, 0));
	show(mknod("dir", S_IFDIR | 0755, 0));
	must(stat("reg", &st));
	say("%o", st.st_mode);
	must(stat("plain", &st));
	say("%o", st.st_mode);
	must(stat("sock", &st));
	say("%o", st.st_mode);
	show_ok(open("sock", O_RDONLY));
}

TEST(deep_path)
{
	char path[PATH_MAX];
	int depth = 0;

	while (depth < 300) {
		must(mkdir("deep", 0755));
		must(chdir("deep"));
		depth++;
	}
	must((long)getcwd(path, sizeof(path)) ? 0 : -1);
	fact(strlen(path) > 300 * 5);
	show(access(path, F_OK));
	show(access("../../..", F_OK));
	while (depth-- > 0) {
		must(chdir(".."));
		must(rmdir("deep"));
	}
	list(".");
}
