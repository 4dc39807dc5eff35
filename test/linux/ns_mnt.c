/* SPDX-License-Identifier: MIT */
/*
 * Mount namespaces: trees that change without each other, what users of their
 * own user namespace may mount and may not uncover, roots that are exchanged.
 */
#include "ns_help.h"

#include <sys/vfs.h>

/* The same facts for root and others. */
static void user_tree(void)
{
	become_root_of_new(CLONE_NEWNS);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		skip("not allowed to mount: %s", err_name(errno));
}

static bool has_line(const char *text)
{
	must(slurp("/proc/self/mounts") > 0 ? 0 : -1);
	return strstr(slurped, text) != NULL;
}

static int mounts_more(void *arg)
{
	must(unshare(CLONE_NEWNS));
	show(access("m/f", F_OK));
	show(mount("inner", "m/d", "tmpfs", 0, NULL));
	put_file("m/d/g", "inner");
	fact(has_line("inner"));
	show(umount2("m", MNT_DETACH));
	show(access("m/f", F_OK));
	return 0;
}

TEST(trees_of_their_own)
{
	private_tree();
	must(mkdir("m", 0755));
	must(mount("outer", "m", "tmpfs", 0, NULL));
	must(mkdir("m/d", 0755));
	put_file("m/f", "outer");
	show_exit("child", spawn(mounts_more, NULL));
	show_file("m/f");
	show(access("m/d/g", F_OK));
	fact(has_line("outer"));
	fact(has_line("inner"));
	show(umount("m"));
}

static int stays(void *arg)
{
	int *fd = arg;
	char c;

	must(unshare(CLONE_NEWNS));
	must(mount("there", "m", "tmpfs", 0, NULL));
	put_file("m/f", "in the other tree");
	must(write(fd[1], "x", 1));
	must(read(fd[2], &c, 1));
	return 0;
}

TEST(setns_there_and_back)
{
	int own, fd[4], there;
	char path[64], cwd[4096], c;
	pid_t pid;

	private_tree();
	must(mkdir("m", 0755));
	must(pipe(fd));
	must(pipe(fd + 2));
	must(getcwd(cwd, sizeof(cwd)) ? 0 : -1);
	pid = spawn(stays, fd);
	must(read(fd[0], &c, 1));
	own = open_ns("mnt");
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	there = must(open(path, O_RDONLY));
	show(setns(there, CLONE_NEWNS));
	say("%s", getcwd(path, sizeof(path)) ? path : "?");
	must(chdir(cwd));
	show_file("m/f");
	show(umount("m"));
	show(setns(own, 0));
	must(chdir(cwd));
	show(access("m/f", F_OK));
	must(write(fd[3], "x", 1));
	show_exit("child", pid);
}

TEST(own_tree_only)
{
	int other = must(open("/", O_RDONLY | O_DIRECTORY)), f;

	private_tree();
	must(mkdir("m", 0755));
	/* what is open is in the old tree */
	must(fchdir(other));
	show(mount("x", ".", "tmpfs", 0, NULL));
	show(umount2(".", MNT_DETACH));
	show(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND, NULL));
	f = open("proc/self/ns/mnt", O_RDONLY);
	fact(f >= 0);
}

TEST(a_tree_can_not_hold_itself)
{
	private_tree();
	put_file("f", "");
	show(mount("/proc/self/ns/mnt", "f", NULL, MS_BIND, NULL));
	show(mount("/proc/self/ns/user", "f", NULL, MS_BIND, NULL));
	show(mount("/proc/self/fd/1", "f", NULL, MS_BIND, NULL) ? 0 : 1);
	show(umount("f"));
}

TEST(what_users_may_mount)
{
	user_tree();
	must(mkdir("m", 0755));
	show(mount("t", "m", "tmpfs", 0, NULL));
	show(mount("t", "m", "ramfs", 0, NULL));
	show(mount("p", "m", "proc", 0, NULL));
	show(mount("d", "m", "devtmpfs", 0, NULL));
	show(mount("q", "m", "mqueue", 0, NULL));
	show(mount("n", "m", "nothing", 0, NULL));
	must(unshare(CLONE_NEWIPC));
	show(mount("q", "m", "mqueue", 0, NULL));
	show(mknod("m/x", S_IFCHR | 0600, 0x103));
}

TEST(what_users_may_not_uncover)
{
	if (geteuid())
		skip("not root");
	private_tree();
	must(mkdir("m", 0777));
	must(mkdir("other", 0777));
	put_file("m/secret", "s");
	must(mount("cover", "m", "tmpfs", MS_NOSUID | MS_RDONLY, NULL));
	user_tree();
	show(umount("m"));
	show(umount2("m", MNT_DETACH));
	show(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND, NULL));
	show(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	show(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY |
		   MS_NOSUID, NULL));
	show(mount(".", "other", NULL, MS_BIND, NULL));
	show(mount(".", "other", NULL, MS_BIND | MS_REC, NULL));
	show(access("other/m/secret", F_OK));
	show(umount("other/m"));
	show(umount2("other", MNT_DETACH));
	show(mount("m", "other", NULL, MS_BIND, NULL));
	show(mount(NULL, "other", NULL, MS_REMOUNT | MS_BIND, NULL));
	show(umount("other"));
}

TEST(recursive_binding)
{
	struct statfs s;

	private_tree();
	must(mkdir("a", 0755));
	must(mkdir("b", 0755));
	must(mount("1", "a", "tmpfs", 0, NULL));
	must(mkdir("a/x", 0755));
	must(mount("2", "a/x", "tmpfs", 0, NULL));
	must(mkdir("a/x/y", 0755));
	must(mount("3", "a/x/y", "tmpfs", 0, NULL));
	put_file("a/x/y/f", "deep");
	show(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
	show_file("b/x/y/f");
	show(umount("b"));
	show(umount("b/x/y"));
	show(access("b/x/y/f", F_OK));
	show_file("a/x/y/f");
	/* into itself */
	must(mkdir("a/in", 0755));
	show(mount("a", "a/in", NULL, MS_BIND | MS_REC, NULL));
	show_file("a/in/x/y/f");
	show(access("a/in/in/x", F_OK));
	/* all there is */
	show(mount("/", "b", NULL, MS_BIND | MS_REC, NULL));
	must(statfs("b/proc", &s));
	fact(s.f_type == 0x9fa0);
}

/* As bubblewrap builds a sandbox. */
TEST(new_root)
{
	int old;

	user_tree();
	must(mkdir("m", 0755));
	must(mount("t", "m", "tmpfs", 0, NULL));
	must(mkdir("m/newroot", 0755));
	must(mkdir("m/oldroot", 0755));
	must(chdir("m"));
	show(syscall(SYS_pivot_root, ".", "oldroot"));
	must(chdir("/"));
	must(mount("newroot", "newroot", NULL, MS_BIND | MS_REC, NULL));
	must(mkdir("newroot/usr", 0755));
	show(mount("oldroot/usr", "newroot/usr", NULL, MS_BIND | MS_REC, NULL));
	show(mount("none", "newroot/usr", NULL, MS_REMOUNT | MS_BIND |
		   MS_RDONLY | MS_NOSUID | MS_NODEV, NULL));
	must(mount("oldroot", "oldroot", NULL, MS_REC | MS_PRIVATE, NULL) &&
	     errno != EINVAL);
	show(umount2("oldroot", MNT_DETACH));
	old = must(open("/", O_DIRECTORY | O_RDONLY));
	must(chdir("/newroot"));
	show(syscall(SYS_pivot_root, ".", "."));
	must(fchdir(old));
	show(umount2(".", MNT_DETACH));
	must(chdir("/"));
	show(access("/usr/bin", F_OK));
	show(mkdir("/usr/x", 0755));
	show(access("/oldroot", F_OK));
	show(mkdir("/tmp", 0755));
	show(unshare(CLONE_NEWUSER));
}

TEST(chrooted_may_not_leave)
{
	user_tree();
	must(mkdir("m", 0755));
	must(chroot("m"));
	show(unshare(CLONE_NEWUSER));
	show(unshare(CLONE_NEWNS));
}

static int holds(void *arg)
{
	must(unshare(CLONE_NEWNS));
	must(mkdir("n", 0755));
	must(mount("t", "n", "tmpfs", 0, NULL));
	return must(open("n", O_RDONLY)) < 0;
}

TEST(many_made_and_forgotten)
{
	private_tree();
	for (int i = 0; i < 50; i++) {
		must(unshare(CLONE_NEWNS));
		rmdir("n");
		show_exit("child", spawn(holds, NULL));
	}
	must(rmdir("n"));
}

TEST(moved)
{
	private_tree();
	must(mkdir("a", 0755));
	must(mkdir("b", 0755));
	put_file("file", "");
	must(mount("1", "a", "tmpfs", 0, NULL));
	must(mkdir("a/x", 0755));
	must(mount("2", "a/x", "tmpfs", 0, NULL));
	must(mkdir("a/x/y", 0755));
	put_file("a/x/f", "deep");
	show(mount("a", "b", NULL, MS_MOVE, NULL));
	show_file("b/x/f");
	show(access("a/x", F_OK));
	show(umount("a"));
	show(umount("b"));
	show(mount("b/x", "a", NULL, MS_MOVE, NULL));
	show_file("a/f");
	/* on itself, below itself, what is no mount, what it is not */
	show(mount("a", "a", NULL, MS_MOVE, NULL));
	show(mount("a", "a/y", NULL, MS_MOVE, NULL));
	show(mount("a/y", "b", NULL, MS_MOVE, NULL));
	show(mount("a", "file", NULL, MS_MOVE, NULL));
	show(mount("file", "a", NULL, MS_MOVE, NULL));
	show(mount("nothing", "a", NULL, MS_MOVE, NULL));
	show(mount("/", "a", NULL, MS_MOVE, NULL));
	/* over another */
	show(mount("a", "b", NULL, MS_MOVE, NULL));
	show_file("b/f");
	show(umount("b"));
	show(access("b/x", F_OK));
	show(umount("b"));
	show(rmdir("a"));
}

TEST(users_move_their_own_only)
{
	if (geteuid())
		skip("not root");
	private_tree();
	must(mkdir("m", 0777));
	must(mkdir("other", 0777));
	must(mount("cover", "m", "tmpfs", 0, NULL));
	user_tree();
	show(mount("m", "other", NULL, MS_MOVE, NULL));
	must(mount("own", "m", "tmpfs", 0, NULL));
	show(mount("m", "other", NULL, MS_MOVE, NULL));
	show(umount("other"));
	show(umount("m"));
}
