/* SPDX-License-Identifier: MIT */
/*
 * Calls that programs seldom make and that no other family makes: what they
 * check, and what little they do.
 */
#include "harness.h"

#include <dirent.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/klog.h>
#include <sys/resource.h>
#include <sys/swap.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/xattr.h>

#define NR_fchmodat2	452

static void become_user(void)
{
	if (geteuid() != 0)
		return;
	must(chmod(".", 0777));
	must(setresgid(65534, 65534, 65534));
	must(setresuid(65534, 65534, 65534));
}

static char *must_map(size_t pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p == MAP_FAILED ? -1 : 0);
	return p;
}

/* --- directories and names -------------------------------------------------*/
TEST(getdents_old)
{
	char buffer[512];
	int fd;

	put_file("one", "");
	fd = must(open(".", O_RDONLY | O_DIRECTORY));
	show(syscall(SYS_getdents, fd, bad_pointer(), sizeof(buffer)));
	show(syscall(SYS_getdents, fd, buffer, 1));
	fact(syscall(SYS_getdents, fd, buffer, sizeof(buffer)) > 0);
	/* the type is the last byte of a record */
	fact(buffer[*(unsigned short *)(buffer + 16) - 1] == DT_DIR ||
	     buffer[*(unsigned short *)(buffer + 16) - 1] == DT_REG);
	show(syscall(SYS_getdents, fd, buffer, sizeof(buffer)));
	show(syscall(SYS_getdents, -1, buffer, sizeof(buffer)));
	close(fd);
	fd = must(open("one", O_RDONLY));
	show(syscall(SYS_getdents, fd, buffer, sizeof(buffer)));
}

TEST(at_calls_from_a_directory)
{
	char text[16] = "";
	int dir;

	show(mkdirat(AT_FDCWD, "d", 0755));
	dir = must(open("d", O_RDONLY | O_DIRECTORY));
	show(mkdirat(dir, "inner", 0700));
	show(mkdirat(dir, "inner", 0700));
	show(mkdirat(99, "x", 0700));
	show(mkdirat(dir, bad_pointer(), 0700));
	show(mknodat(dir, "fifo", S_IFIFO | 0600, 0));
	show(mknodat(dir, "fifo", S_IFIFO | 0600, 0));
	show(mknodat(dir, "wrong", S_IFDIR | 0600, 0));
	show(mknodat(99, "fifo", S_IFIFO | 0600, 0));
	show(symlinkat("inner", dir, "link"));
	show(symlinkat("inner", dir, "link"));
	show(symlinkat("", dir, "empty"));
	show(readlinkat(dir, "link", text, sizeof(text)));
	say("%s", text);
	show(readlinkat(dir, "link", text, 2));
	show(readlinkat(dir, "link", text, 0));
	show(readlinkat(dir, "fifo", text, sizeof(text)));
	show(renameat(dir, "link", AT_FDCWD, "moved"));
	show(renameat(dir, "link", AT_FDCWD, "moved"));
	show(renameat(dir, "fifo", 99, "moved"));
	show(readlinkat(AT_FDCWD, "moved", text, sizeof(text)));
}

TEST(futimesat_both_times)
{
	struct timeval t[2] = { { 100, 500000 }, { 200, 0 } };
	struct timeval wrong[2] = { { 1, 1000000 }, { 1, 0 } };
	struct stat st;
	int fd;

	put_file("f", "");
	show(syscall(SYS_futimesat, AT_FDCWD, "f", t));
	must(stat("f", &st));
	num(st.st_atim.tv_sec);
	num(st.st_atim.tv_nsec);
	num(st.st_mtim.tv_sec);
	show(syscall(SYS_futimesat, AT_FDCWD, "f", wrong));
	show(syscall(SYS_futimesat, AT_FDCWD, "none", t));
	fd = must(open("f", O_RDONLY));
	t[1].tv_sec = 300;
	show(syscall(SYS_futimesat, fd, NULL, t));
	must(stat("f", &st));
	num(st.st_mtim.tv_sec);
	show(syscall(SYS_futimesat, 99, NULL, t));
}

TEST(fchmodat2_flags)
{
	struct stat st;

	put_file("f", "");
	must(symlink("f", "l"));
	errno = 0;
	if (syscall(NR_fchmodat2, AT_FDCWD, "f", 0640, 0) < 0 &&
	    errno == ENOSYS)
		skip("no fchmodat2");
	must(stat("f", &st));
	num(st.st_mode & 07777);
	show(syscall(NR_fchmodat2, AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
	show(syscall(NR_fchmodat2, AT_FDCWD, "l", 0604, 0));
	must(stat("f", &st));
	num(st.st_mode & 07777);
	show(syscall(NR_fchmodat2, AT_FDCWD, "f", 0600, 0x40000000));
	show(syscall(NR_fchmodat2, AT_FDCWD, "", 0600, 0));
	show(syscall(NR_fchmodat2, 99, "", 0600, AT_EMPTY_PATH));
	show(syscall(NR_fchmodat2, must(open("f", O_RDONLY)), "", 0611,
		     AT_EMPTY_PATH));
	must(stat("f", &st));
	num(st.st_mode & 07777);
}

TEST(xattrs_of_descriptors_and_links)
{
	char text[64];
	int fd;

	put_file("f", "");
	must(symlink("f", "l"));
	fd = must(open("f", O_RDWR));
	errno = 0;
	if (fsetxattr(fd, "user.a", "1", 1, 0) < 0 && errno == EOPNOTSUPP)
		skip("no attributes here");
	show(fsetxattr(fd, "user.a", "22", 2, XATTR_CREATE));
	show(fsetxattr(fd, "user.b", "22", 2, XATTR_REPLACE));
	show(fsetxattr(fd, "user.a", "22", 2, XATTR_REPLACE));
	show(fsetxattr(99, "user.a", "22", 2, 0));
	show(fgetxattr(fd, "user.a", text, sizeof(text)));
	show(flistxattr(fd, NULL, 0));
	show(flistxattr(fd, text, 3));
	show(flistxattr(fd, text, sizeof(text)));
	say("%s", text);
	show(flistxattr(99, text, sizeof(text)));
	show(llistxattr("l", text, sizeof(text)));
	show(llistxattr("none", text, sizeof(text)));
	show(lremovexattr("l", "user.a"));
	show(lremovexattr("none", "user.a"));
	show(fremovexattr(fd, "user.a"));
	show(fremovexattr(fd, "user.a"));
	show(fremovexattr(99, "user.a"));
	show(flistxattr(fd, text, sizeof(text)));
}

TEST(inotify_init_old)
{
	char event[256];
	int fd = must(syscall(SYS_inotify_init));

	num(fcntl(fd, F_GETFL) & O_NONBLOCK);
	num(fcntl(fd, F_GETFD));
	show(inotify_add_watch(fd, ".", IN_CREATE));
	put_file("f", "");
	show(read(fd, event, sizeof(event)));
}

TEST(sync_returns)
{
	put_file("f", "text");
	sync();
	show_file("f");
}

/* --- what only root may, and nobody here -----------------------------------*/
TEST(privileged_calls_of_users)
{
	struct timex t = { .modes = ADJ_OFFSET };

	become_user();
	show(syscall(SYS_acct, "f"));
	show(swapon("f", 0));
	show(swapoff("f"));
	/* kernels may have neither */
	fact(syscall(SYS_iopl, 3) && (errno == EPERM || errno == ENOSYS));
	fact(syscall(SYS_ioperm, 0x80, 1, 1) &&
	     (errno == EPERM || errno == ENOSYS));
	show(syscall(SYS_vhangup));
	show(syscall(SYS_syslog, 5, NULL, 0));
	show(syscall(SYS_syslog, 11, NULL, 0));
	show(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &t));
	show(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &t));
	show(syscall(SYS_clock_adjtime, 77, &t));
	show(syscall(SYS_clock_adjtime, CLOCK_REALTIME, bad_pointer()));
	t.modes = 0;
	fact(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &t) >= 0);
}

/* --- memory ------------------------------------------------------------------*/
TEST(mlock2_flags)
{
	char *p = must_map(2);

	show(syscall(SYS_mlock2, p, PAGE, 0));
	show(syscall(SYS_mlock2, p, PAGE, 1));
	show(syscall(SYS_mlock2, p, PAGE, 2));
	show(mlock(bad_pointer(), PAGE));
	show(syscall(SYS_mlock2, bad_pointer(), PAGE, 1));
	show(munlock(p, 2 * PAGE));
}

TEST(memory_policy)
{
	unsigned long mask = 1;
	char *p = must_map(1);
	int mode = -1;

	show(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0));
	num(mode);
	show(syscall(SYS_get_mempolicy, bad_pointer(), NULL, 0, NULL, 0));
	show(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 1 << 20));
	show(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
	show(syscall(SYS_set_mempolicy, 77, NULL, 0));
	show(syscall(SYS_set_mempolicy, MPOL_DEFAULT, &mask, 64));
	show(syscall(SYS_mbind, p, PAGE, MPOL_DEFAULT, NULL, 0, 0));
	show(syscall(SYS_mbind, p + 1, PAGE, MPOL_DEFAULT, NULL, 0, 0));
	show(syscall(SYS_mbind, p, PAGE, 77, NULL, 0, 0));
	show(syscall(SYS_mbind, p, PAGE, MPOL_DEFAULT, NULL, 0, 1 << 20));
}

static void policy_of(void *at, int flags)
{
	unsigned long nodes[4] = { -1, -1, -1, -1 };
	int mode = -1;

	show(syscall(SYS_get_mempolicy, &mode, nodes, 129, at, flags));
	say("mode %x nodes %lx %lx %lx", mode, nodes[0], nodes[1], nodes[2]);
}

TEST(memory_policy_is_told)
{
	static const int modes[] = {
		MPOL_BIND, MPOL_INTERLEAVE, MPOL_PREFERRED, MPOL_LOCAL,
		MPOL_PREFERRED_MANY, MPOL_BIND | MPOL_F_STATIC_NODES,
		MPOL_PREFERRED | MPOL_F_RELATIVE_NODES, MPOL_DEFAULT,
		MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES,
	};
	unsigned long mask = 1;
	char *p = must_map(3);
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		say("%x", modes[i]);
		show(syscall(SYS_set_mempolicy, modes[i], NULL, 0));
		policy_of(NULL, 0);
		show(syscall(SYS_set_mempolicy, modes[i], &mask, 64));
		policy_of(NULL, 0);
		policy_of(NULL, MPOL_F_NODE);
		show(syscall(SYS_mbind, p + PAGE, PAGE, modes[i], &mask, 64,
			     0));
		policy_of(p, MPOL_F_ADDR);
		policy_of(p + PAGE + 5, MPOL_F_ADDR);
		policy_of(p + PAGE, MPOL_F_ADDR | MPOL_F_NODE);
	}
	policy_of(NULL, MPOL_F_MEMS_ALLOWED);
	policy_of(p, MPOL_F_MEMS_ALLOWED | MPOL_F_ADDR);
	must(syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64));
	must(syscall(SYS_mbind, p, 3 * PAGE, MPOL_BIND, &mask, 64, 0));
	pid = fork();
	if (!pid) {
		policy_of(NULL, 0);
		policy_of(p, MPOL_F_ADDR);
		_exit(0);
	}
	await(pid);
	must(munmap(p + PAGE, PAGE));
	show(syscall(SYS_mbind, p, 3 * PAGE, MPOL_DEFAULT, NULL, 0, 0));
	policy_of(p, MPOL_F_ADDR);
	policy_of(p + PAGE, MPOL_F_ADDR);
	show(syscall(SYS_mbind, p, 0, MPOL_DEFAULT, NULL, 0, 0));
	show(syscall(SYS_mbind, p, PAGE, MPOL_BIND, bad_pointer(), 64, 0));
	show(syscall(SYS_get_mempolicy, NULL, bad_pointer(), 64, NULL, 0));
	show(syscall(SYS_get_mempolicy, NULL, &mask, 0, NULL, 0));
	show(syscall(SYS_get_mempolicy, NULL, &mask, 1 << 20, NULL, 0));
}

TEST(protection_keys)
{
	char *p = must_map(1);

	/* where there are none, and on wrong arguments where there are */
	show(syscall(SYS_pkey_alloc, 1, 0));
	show(syscall(SYS_pkey_alloc, 0, 4));
	show(syscall(SYS_pkey_free, 77));
	show(syscall(SYS_pkey_free, -1));
	show(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1));
	show(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 77));
	show(syscall(SYS_pkey_mprotect, p + 1, PAGE, PROT_READ, -1));
	show(read(0, p, 0));
}

/* --- processes ----------------------------------------------------------------*/
TEST(io_priority)
{
	fact(syscall(SYS_ioprio_get, 1, 0) >= 0);
	show(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 5));
	num(syscall(SYS_ioprio_get, 1, 0));
	/* classes are numbers of three bits, 4 and above are none */
	show(syscall(SYS_ioprio_set, 1, 0, 12 << 13));
	show(syscall(SYS_ioprio_set, 1, 0, 7 << 13));
	show(syscall(SYS_ioprio_set, 1, 0, 1));
	show(syscall(SYS_ioprio_set, 1, 0, 11 << 13));
	num(syscall(SYS_ioprio_get, 1, 0));
	show(syscall(SYS_ioprio_set, 9, 0, 2 << 13));
	show(syscall(SYS_ioprio_get, 9, 0));
	show(syscall(SYS_ioprio_get, 1, 0x7ffffff0));
	show(syscall(SYS_ioprio_set, 1, 0, 3 << 13 | 7));
	num(syscall(SYS_ioprio_get, 1, getpid()));
}

TEST(setparam_of_ordinary)
{
	struct sched_param zero = { 0 }, one = { .sched_priority = 1 };

	show(syscall(SYS_sched_setparam, 0, &zero));
	show(syscall(SYS_sched_setparam, 0, &one));
	show(syscall(SYS_sched_setparam, 0, NULL));
	show(syscall(SYS_sched_setparam, -1, &zero));
	show(syscall(SYS_sched_setparam, 0x7ffffff0, &zero));
}

TEST(signal_with_data_to_thread)
{
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	siginfo_t got;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &set, NULL));
	info.si_value.sival_int = 42;
	show(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1,
		     &info));
	show(sigwaitinfo(&set, &got));
	num(got.si_value.sival_int);
	num(got.si_code);
	show(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &info));
	show(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 65, &info));
	show(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1,
		     bad_pointer()));
	show(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0x7ffffff0, SIGUSR1,
		     &info));
	info.si_code = SI_USER;
	show(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1,
		     &info));
	show(sigwaitinfo(&set, &got));
}

TEST(nothing_to_restart)
{
	show(syscall(SYS_restart_syscall));
}
