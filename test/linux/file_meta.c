/* SPDX-License-Identifier: MIT */
/*
 * What a file says of itself: stat in all forms, modes, owners, times,
 * extended attributes, file system facts.
 */
#include "harness.h"

#include <grp.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>

TEST(stat_fields)
{
	struct stat st;
	time_t now = time(NULL);

	put_file("f", "hello");
	must(stat("f", &st));
	fact(S_ISREG(st.st_mode));
	say("%o", st.st_mode & 07777);
	num(st.st_size);
	num(st.st_nlink);
	fact(st.st_uid == geteuid());
	fact(st.st_gid == getegid());
	fact(st.st_ino != 0);
	fact(st.st_mtime >= now - 2 && st.st_mtime <= now + 2);
	fact(st.st_blksize >= 512);
}

TEST(stat_errors)
{
	struct stat st;

	show(stat("nothing", &st));
	show(stat("", &st));
	show(stat(bad_pointer(), &st));
	show(syscall(SYS_stat, ".", bad_pointer()));
	show(syscall(SYS_fstat, 0, page_end(10)));
	show(fstat(-1, &st));
	show(fstat(77, &st));
	show(lstat("nothing/x", &st));
}

TEST(stat_and_lstat)
{
	struct stat st;

	put_file("f", "hello");
	must(symlink("f", "l"));
	must(symlink("nowhere", "dangling"));
	must(stat("l", &st));
	fact(S_ISREG(st.st_mode));
	must(lstat("l", &st));
	fact(S_ISLNK(st.st_mode));
	show(stat("dangling", &st));
	show(lstat("dangling", &st));
	must(mkdir("d", 0755));
	must(symlink("d", "ld"));
	must(lstat("ld/", &st));
	fact(S_ISDIR(st.st_mode));
}

TEST(fstatat_flags)
{
	struct stat st;
	int fd;

	put_file("f", "hello");
	must(symlink("f", "l"));
	fd = must(open("f", O_RDONLY));
	show(fstatat(fd, "", &st, AT_EMPTY_PATH));
	num(st.st_size);
	show(fstatat(fd, "", &st, 0));
	show(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	fact(S_ISDIR(st.st_mode));
	show(fstatat(AT_FDCWD, "l", &st, AT_SYMLINK_NOFOLLOW));
	fact(S_ISLNK(st.st_mode));
	show(fstatat(AT_FDCWD, "f", &st, 0x1));
	show(fstatat(fd, "x", &st, 0));
	show(fstatat(-1, "", &st, AT_EMPTY_PATH));
}

TEST(statx_call)
{
	struct statx sx = { 0 };
	struct stat st;

	put_file("f", "hello");
	must(stat("f", &st));
	show(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
	fact((sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	num(sx.stx_size);
	say("%o", sx.stx_mode);
	fact(sx.stx_ino == st.st_ino);
	fact(makedev(sx.stx_dev_major, sx.stx_dev_minor) == st.st_dev);
	fact(sx.stx_mtime.tv_sec == st.st_mtim.tv_sec &&
	     (long)sx.stx_mtime.tv_nsec == st.st_mtim.tv_nsec);
	show(statx(must(open("f", 0)), "", AT_EMPTY_PATH, STATX_SIZE, &sx));
	show(statx(AT_FDCWD, "f", 0x1, STATX_SIZE, &sx));
	show(statx(AT_FDCWD, "f", 0, 0x80000000, &sx));
	show(statx(AT_FDCWD, "nothing", 0, STATX_SIZE, &sx));
	show(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_SIZE, bad_pointer()));
	show(syscall(SYS_statx, AT_FDCWD, "f", 0x6000, STATX_SIZE, &sx));
}

TEST(stat_kinds)
{
	struct stat st;
	int p[2];

	must(pipe(p));
	must(fstat(p[0], &st));
	fact(S_ISFIFO(st.st_mode));
	num(st.st_size);
	must(stat("/dev/null", &st));
	fact(S_ISCHR(st.st_mode));
	say("%u:%u", major(st.st_rdev), minor(st.st_rdev));
	must(stat("/dev/zero", &st));
	say("%u:%u", major(st.st_rdev), minor(st.st_rdev));
	must(stat("/", &st));
	fact(S_ISDIR(st.st_mode));
}

TEST(access_call)
{
	put_file("f", "x");
	must(chmod("f", 0444));
	show(access("f", F_OK));
	show(access("f", R_OK));
	show(access("f", X_OK));
	must(chmod("f", 0755));
	show(access("f", R_OK | W_OK | X_OK));
	show(access("f", 8));
	show(access("nothing", F_OK));
	show(access(".", X_OK));
	show(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
	show(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0x4000));
	show(faccessat(-1, "f", R_OK, 0));
}

TEST(chmod_call)
{
	struct stat st;
	int fd;

	put_file("f", "x");
	must(symlink("f", "l"));
	show(chmod("f", 04711));
	must(stat("f", &st));
	say("%o", st.st_mode);
	show(chmod("l", 0600));
	must(stat("f", &st));
	say("%o", st.st_mode);
	fd = must(open("f", O_RDONLY));
	show(fchmod(fd, 0123));
	must(fstat(fd, &st));
	say("%o", st.st_mode);
	show(chmod("f", 0177777));
	must(stat("f", &st));
	say("%o", st.st_mode);
	show(chmod("nothing", 0600));
	show(fchmod(-1, 0600));
	show(fchmodat(-1, "f", 0600, 0));
}

TEST(write_clears_setuid)
{
	struct stat st;
	int fd;

	put_file("f", "x");
	must(chmod("f", 06777));
	fd = must(open("f", O_WRONLY));
	if (geteuid() == 0)
		must(setresuid(65534, 65534, 65534));
	must(write(fd, "y", 1));
	must(fstat(fd, &st));
	say("%o", st.st_mode & 07777);
}

TEST(chown_by_root)
{
	struct stat st;

	need_root();
	put_file("f", "x");
	must(chmod("f", 06755));
	show(chown("f", 1, 2));
	must(stat("f", &st));
	num(st.st_uid);
	num(st.st_gid);
	say("%o", st.st_mode & 07777);
	show(chown("f", -1, 7));
	show(chown("f", 8, -1));
	must(stat("f", &st));
	num(st.st_uid);
	num(st.st_gid);
	must(symlink("f", "l"));
	show(lchown("l", 3, 3));
	must(lstat("l", &st));
	num(st.st_uid);
	must(stat("f", &st));
	num(st.st_uid);
	show(fchownat(AT_FDCWD, "f", 1, 1, 0x1));
	show(chown("nothing", 1, 1));
	show(fchown(-1, 1, 1));
}

TEST(chown_by_user)
{
	put_file("f", "x");
	must(chmod(".", 0777));
	if (geteuid() == 0) {
		must(chown("f", 65534, 65534));
		must(setgroups(0, NULL));
		must(setresgid(65534, 65534, 65534));
		must(setresuid(65534, 65534, 65534));
	}
	show(chown("f", geteuid(), getegid()));
	show(chown("f", 0, -1));
	show(chown("f", -1, 0));
	show(chown("f", -1, -1));
}

TEST(permission_denied_for_user)
{
	must(mkdir("d", 0700));
	put_file("d/f", "x");
	put_file("none", "x");
	must(chmod("none", 0));
	if (geteuid() == 0) {
		must(chmod(".", 0755));
		must(setresuid(65534, 65534, 65534));
		show_ok(open("d/f", O_RDONLY));
		show_ok(open("none", O_RDONLY));
		show_ok(open("none", O_WRONLY));
		show(access("none", R_OK));
		show(unlink("none"));
		show(mkdir("e", 0755));
		show(chmod("none", 0777));
		show(chdir("d"));
		show(rename("none", "x"));
	} else {
		skip("needs root");
	}
}

TEST(sticky_directory)
{
	need_root();
	must(chmod(".", 0755));
	must(mkdir("t", 0777));
	must(chmod("t", 01777));
	put_file("t/f", "x");
	must(mkdir("t/d", 0777));
	must(setresuid(65534, 65534, 65534));
	show(unlink("t/f"));
	show(rename("t/f", "t/g"));
	show(rmdir("t/d"));
	show_ok(open("t/mine", O_CREAT | O_RDWR, 0600));
	show(unlink("t/mine"));
}

TEST(setgid_directory)
{
	struct stat st;

	need_root();
	must(mkdir("d", 0777));
	must(chown("d", 0, 5));
	must(chmod("d", 02777));
	put_file("d/f", "");
	must(mkdir("d/e", 0755));
	must(stat("d/f", &st));
	num(st.st_gid);
	must(stat("d/e", &st));
	num(st.st_gid);
	say("%o", st.st_mode & 07777);
}

TEST(utimensat_call)
{
	struct timespec t[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat st;
	int fd;

	put_file("f", "x");
	show(utimensat(AT_FDCWD, "f", t, 0));
	must(stat("f", &st));
	say("%ld.%ld %ld.%ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
	    (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_sec = 3000;
	fd = must(open("f", O_RDONLY));
	show(futimens(fd, t));
	must(stat("f", &st));
	say("%ld %ld", (long)st.st_atime, (long)st.st_mtime);
	t[1].tv_nsec = UTIME_NOW;
	show(utimensat(AT_FDCWD, "f", t, 0));
	must(stat("f", &st));
	fact(st.st_atime == 1000 && llabs(st.st_mtime - time(NULL)) < 3);
	t[1].tv_nsec = 1000000000;
	show(utimensat(AT_FDCWD, "f", t, 0));
	show(utimensat(AT_FDCWD, "nothing", NULL, 0));
	show(utimensat(AT_FDCWD, "f", NULL, 0x1));
	show(utimensat(AT_FDCWD, "f", bad_pointer(), 0));
	show(utimensat(-1, "f", NULL, 0));
}

TEST(utimes_old_calls)
{
	struct timeval tv[2] = { { 11, 500000 }, { 22, 0 } };
	struct timeval bad[2] = { { 1, 1000000 }, { 2, 0 } };
	struct stat st;

	put_file("f", "x");
	show(syscall(SYS_utimes, "f", tv));
	must(stat("f", &st));
	say("%ld.%09ld %ld", (long)st.st_atime, st.st_atim.tv_nsec,
	    (long)st.st_mtime);
	show(syscall(SYS_utimes, "f", bad));
	show(syscall(SYS_utime, "f", ((long[2]){ 33, 44 })));
	must(stat("f", &st));
	say("%ld %ld", (long)st.st_atime, (long)st.st_mtime);
}

TEST(times_change)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct stat a, b;
	int fd;

	put_file("f", "x");
	must(utimensat(AT_FDCWD, "f", old, 0));
	must(stat("f", &a));
	fd = must(open("f", O_WRONLY));
	must(write(fd, "y", 1));
	must(stat("f", &b));
	fact(b.st_mtime > a.st_mtime);
	must(utimensat(AT_FDCWD, ".", old, 0));
	put_file("g", "");
	must(stat(".", &b));
	fact(b.st_mtime > 1000);
	must(utimensat(AT_FDCWD, ".", old, 0));
	must(unlink("g"));
	must(stat(".", &b));
	fact(b.st_mtime > 1000);
	must(utimensat(AT_FDCWD, "f", old, 0));
	must(ftruncate(fd, 0));
	must(stat("f", &b));
	fact(b.st_mtime > 1000);
	must(utimensat(AT_FDCWD, "f", old, 0));
	must(chmod("f", 0600));
	must(stat("f", &b));
	fact(b.st_mtime == 1000 && b.st_ctime > 1000);
}

TEST(xattr_user)
{
	char buf[64];

	put_file("f", "x");
	if (setxattr("f", "user.a", "1234", 4, 0) < 0 && errno == EOPNOTSUPP)
		skip("no user attributes here");
	memset(buf, '.', sizeof(buf));
	show(getxattr("f", "user.a", buf, sizeof(buf)));
	say("%.5s", buf);
	show(getxattr("f", "user.a", buf, 3));
	show(getxattr("f", "user.a", NULL, 0));
	show(getxattr("f", "user.b", buf, 3));
	show(setxattr("f", "user.a", "x", 1, XATTR_CREATE));
	show(setxattr("f", "user.b", "x", 1, XATTR_REPLACE));
	show(setxattr("f", "user.a", "zz", 2, XATTR_REPLACE));
	show(listxattr("f", buf, sizeof(buf)));
	say("%s", buf);
	show(listxattr("f", buf, 2));
	show(removexattr("f", "user.a"));
	show(removexattr("f", "user.a"));
	show(listxattr("f", buf, sizeof(buf)));
	show(setxattr("f", "user.", "x", 1, 0));
	show(setxattr("f", "", "x", 1, 0));
	show(setxattr("f", "nonsense.a", "x", 1, 0));
	show(fgetxattr(-1, "user.a", buf, 1));
	show(getxattr("nothing", "user.a", buf, 1));
	show(setxattr("f", "user.c", "x", 1, 4));
}

TEST(xattr_on_symlink)
{
	put_file("f", "x");
	must(symlink("f", "l"));
	if (setxattr("l", "user.a", "12", 2, 0) < 0 && errno == EOPNOTSUPP)
		skip("no user attributes here");
	show(getxattr("f", "user.a", NULL, 0));
	show(lsetxattr("l", "user.b", "1", 1, 0));
	show(lgetxattr("l", "user.a", NULL, 0));
}

TEST(statfs_call)
{
	struct statfs a, b;
	struct statvfs v;

	put_file("f", "x");
	show(statfs(".", &a));
	show(fstatfs(must(open("f", O_RDONLY)), &b));
	fact(a.f_type == b.f_type);
	fact(a.f_bsize > 0 && a.f_blocks >= a.f_bfree);
	fact(a.f_bfree >= a.f_bavail);
	num(a.f_namelen);
	show(statvfs(".", &v));
	num(v.f_namemax);
	show(statfs("nothing", &a));
	show(fstatfs(-1, &a));
	show(statfs(".", bad_pointer()));
	must(statfs("/proc", &a));
	say("%lx", (long)a.f_type);
}

TEST(umask_values)
{
	say("%o", umask(0755));
	say("%o", umask(0xfff));
	say("%o", umask(022));
}
