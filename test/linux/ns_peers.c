/* SPDX-License-Identifier: MIT */
/*
 * Mounts that hear of each other: peers, slaves, what can not be bound, in one
 * tree and between namespaces; what /proc/self/mountinfo says of it.
 */
#include "ns_help.h"

#include <limits.h>

static int seen[64], nr_seen;

/* The numbers of groups, in the order in which they were seen. */
static int number_of(int group)
{
	int i = 0;

	while (i < nr_seen && seen[i] != group)
		i++;
	if (i == nr_seen)
		seen[nr_seen++] = group;
	return i + 1;
}

/* What mountinfo says of the mounts at dir, below the working directory. */
static void show_peers(const char *dir)
{
	char cwd[PATH_MAX], path[2 * PATH_MAX], *line, *next, *end, *p;
	int nr = 0;

	must(getcwd(cwd, sizeof(cwd)) ? 0 : -1);
	snprintf(path, sizeof(path), " %s/%s ", cwd, dir);
	must(slurp("/proc/self/mountinfo") > 0 ? 0 : -1);
	for (line = slurped; (next = strchr(line, '\n')); line = next + 1) {
		*next = 0;
		p = strstr(line, path);
		end = p ? strstr(p, " - ") : NULL;
		if (!end)
			continue;
		*end = 0;
		printf("%s:", dir);
		if (strstr(p, " shared:"))
			printf(" shared %d", number_of(atoi(
				strstr(p, " shared:") + 8)));
		if (strstr(p, " master:"))
			printf(" master %d", number_of(atoi(
				strstr(p, " master:") + 8)));
		printf("%s\n", strstr(p, " unbindable") ? " unbindable" : "");
		nr++;
	}
	if (!nr)
		printf("%s: none\n", dir);
}

/* A tmpfs at name, of the kind wanted. */
static void make_mount(const char *name, unsigned long kind)
{
	must(mkdir(name, 0755));
	must(mount("t", name, "tmpfs", 0, NULL));
	must(mount(NULL, name, NULL, kind, NULL));
}

static void bind_as(const char *from, const char *to, unsigned long kind)
{
	must(mkdir(to, 0755));
	must(mount(from, to, NULL, MS_BIND, NULL));
	if (kind)
		must(mount(NULL, to, NULL, kind, NULL));
}

TEST(kinds)
{
	private_tree();
	must(mkdir("no", 0755));
	make_mount("a", MS_SHARED);
	show_peers("a");
	show(mount(NULL, "a", NULL, MS_SHARED | MS_PRIVATE, NULL));
	show(mount(NULL, "a", NULL, MS_SHARED | MS_RDONLY, NULL));
	show(mount(NULL, "no", NULL, MS_SHARED, NULL));
	/* alone it can be no slave */
	must(mount(NULL, "a", NULL, MS_SLAVE, NULL));
	show_peers("a");
	must(mount(NULL, "a", NULL, MS_UNBINDABLE, NULL));
	show_peers("a");
	show(mount("a", "no", NULL, MS_BIND, NULL));
	must(mount(NULL, "a", NULL, MS_SLAVE, NULL));
	show_peers("a");
	nr_seen = 0;	/* the number that went may come again */
	must(mount(NULL, "a", NULL, MS_SHARED | MS_SILENT, NULL));
	show_peers("a");
	bind_as("a", "b", 0);
	bind_as("a", "c", MS_SLAVE);
	bind_as("c", "d", 0);
	bind_as("c", "e", MS_SHARED);
	bind_as("e", "f", 0);
	bind_as("f", "g", MS_SLAVE);
	bind_as("f", "h", MS_PRIVATE);
	for (const char *p = "abcdefgh"; *p; p++)
		show_peers((char[]){ *p, 0 });
	/* the last ones of their groups go */
	must(umount("e"));
	must(mount(NULL, "f", NULL, MS_PRIVATE, NULL));
	show_peers("g");
	must(umount("a"));
	must(umount("b"));
	for (const char *p = "abcdefgh"; *p; p++)
		show_peers((char[]){ *p, 0 });
}

TEST(comes_and_goes)
{
	static const char *const all[] = { "a/m", "b/m", "c/m", "d/m", "e/m" };

	private_tree();
	make_mount("a", MS_SHARED);
	must(mkdir("a/m", 0755));
	bind_as("a", "b", 0);
	bind_as("a", "c", MS_SLAVE);
	bind_as("c", "d", MS_SHARED);
	bind_as("a", "e", MS_PRIVATE);
	must(mount("x", "b/m", "tmpfs", 0, NULL));
	put_file("a/m/f", "seen");
	for (int i = 0; i < 5; i++) {
		show_peers(all[i]);
		printf("%s %d\n", all[i], access("d/m/f", F_OK));
	}
	/* what comes on a slave stays there */
	must(mkdir("c/m/in", 0755));
	must(mount("y", "c/m/in", "tmpfs", 0, NULL));
	show_peers("a/m/in");
	show_peers("c/m/in");
	show_peers("d/m/in");
	/* c/m holds something, and stays */
	show(umount("a/m"));
	for (int i = 0; i < 5; i++)
		show_peers(all[i]);
	show(umount("c/m/in"));
	show(umount("c/m"));
	for (int i = 0; i < 5; i++)
		show_peers(all[i]);
}

TEST(in_use_somewhere)
{
	int fd;

	private_tree();
	make_mount("a", MS_SHARED);
	must(mkdir("a/m", 0755));
	bind_as("a", "b", 0);
	must(mount("x", "a/m", "tmpfs", 0, NULL));
	fd = must(open("b/m", O_RDONLY | O_DIRECTORY));
	show(umount("a/m"));
	show_peers("a/m");
	close(fd);
	show(umount("a/m"));
	show_peers("b/m");
}

TEST(trees_come_whole)
{
	private_tree();
	make_mount("s", MS_PRIVATE);
	make_mount("s/p", MS_PRIVATE);
	make_mount("s/u", MS_UNBINDABLE);
	must(mkdir("s/p/q", 0755));
	make_mount("a", MS_SHARED);
	must(mkdir("a/m", 0755));
	must(mkdir("a/n", 0755));
	bind_as("a", "b", 0);
	bind_as("a/m", "narrow", 0);
	show(mount("s", "a/m", NULL, MS_BIND | MS_REC, NULL));
	show_peers("a/m");
	show_peers("b/m");
	show_peers("narrow");
	show_peers("a/m/p");
	show_peers("b/m/p");
	show_peers("b/m/u");
	show_peers("s/p");
	show(mount("s", "a/n", NULL, MS_MOVE, NULL));
	must(mount(NULL, "s/u", NULL, MS_PRIVATE, NULL));
	show(mount("s", "a/n", NULL, MS_MOVE, NULL));
	show_peers("s");
	show_peers("a/n/p");
	show_peers("b/n/u");
	show(mount("a/n", "s", NULL, MS_MOVE, NULL));
	show(umount2("b/m", MNT_DETACH));
	show_peers("a/m");
	show_peers("a/m/p");
	show_peers("narrow");
	show(umount2("a", MNT_DETACH));
	show_peers("b/n");
}

/* Where something is mounted already, what comes goes beneath it. */
TEST(beneath)
{
	private_tree();
	make_mount("a", MS_SHARED);
	must(mkdir("a/m", 0755));
	bind_as("a", "c", MS_SLAVE);
	must(mount("over", "c/m", "tmpfs", 0, NULL));
	put_file("c/m/over", "");
	must(mount("x", "a/m", "tmpfs", 0, NULL));
	put_file("a/m/beneath", "");
	show_peers("c/m");
	show(access("c/m/over", F_OK));
	show(umount("a/m"));
	show_peers("c/m");
	show(access("c/m/over", F_OK));
	must(mount("x", "a/m", "tmpfs", 0, NULL));
	put_file("a/m/beneath", "");
	show(umount("c/m"));
	show(access("c/m/beneath", F_OK));
	show(umount("a/m"));
	show_peers("c/m");
}

static int pipes[4];

static void step(int to)
{
	char c;

	must(write(pipes[to ? 1 : 3], "x", 1));
	must(read(pipes[to ? 2 : 0], &c, 1));
}

static int other_tree(void *arg)
{
	int flags = *(int *)arg;

	if (flags & CLONE_NEWUSER)
		become_root_of_new(CLONE_NEWNS);
	else
		must(unshare(CLONE_NEWNS));
	show_peers("a");
	must(mount("x", "a/m", "tmpfs", 0, NULL));
	step(1);
	show_peers("a/n");
	show(umount("a/n"));
	show(umount("a/m"));
	fflush(stdout);
	return 0;
}

static void two_trees(int flags)
{
	pid_t pid;
	char c;

	private_tree();
	make_mount("a", MS_SHARED);
	must(mkdir("a/m", 0755));
	must(mkdir("a/n", 0755));
	must(pipe(pipes));
	must(pipe(pipes + 2));
	fflush(stdout);
	pid = spawn(other_tree, &flags);
	must(read(pipes[0], &c, 1));
	show_peers("a/m");
	must(mount("y", "a/n", "tmpfs", 0, NULL));
	fflush(stdout);
	must(write(pipes[3], "x", 1));
	show_exit("child", pid);
	show_peers("a/m");
	show_peers("a/n");
}

TEST(between_namespaces)
{
	two_trees(0);
}

TEST(a_lesser_namespace_only_hears)
{
	two_trees(CLONE_NEWUSER);
}

static int lesser_hears(void *arg)
{
	become_root_of_new(CLONE_NEWNS);
	step(1);
	show(umount("a/m/in"));
	fflush(stdout);
	step(1);
	show_peers("a/m");
	show_peers("a/m/in");
	fflush(stdout);
	return 0;
}

/* It can not look below what came with a tree, unless its owner does. */
TEST(locked_until_the_owner_unmounts)
{
	pid_t pid;
	char c;

	private_tree();
	make_mount("a", MS_SHARED);
	must(mkdir("a/m", 0755));
	make_mount("s", MS_PRIVATE);
	make_mount("s/in", MS_PRIVATE);
	must(pipe(pipes));
	must(pipe(pipes + 2));
	fflush(stdout);
	pid = spawn(lesser_hears, NULL);
	must(read(pipes[0], &c, 1));
	must(mount("s", "a/m", NULL, MS_BIND | MS_REC, NULL));
	step(0);
	show(umount("a/m/in"));
	fflush(stdout);
	must(write(pipes[3], "x", 1));
	show_exit("child", pid);
}

TEST(roots_of_shared)
{
	private_tree();
	make_mount("a", MS_SHARED);
	make_mount("a/root", MS_PRIVATE);
	must(mkdir("a/root/old", 0755));
	show(syscall(SYS_pivot_root, "a/root", "a/root/old"));
	show(mount("a/root", "a", NULL, MS_MOVE, NULL));
	show(mount("a/root", "a/root/old", NULL, MS_MOVE, NULL));
	must(mount(NULL, "a", NULL, MS_PRIVATE, NULL));
	must(mount(NULL, "a/root", NULL, MS_SHARED, NULL));
	show(syscall(SYS_pivot_root, "a/root", "a/root/old"));
}

/* Each binding of a shared mount into itself doubles them. */
TEST(doubled)
{
	char name[16], path[32] = "a";

	private_tree();
	make_mount("a", MS_SHARED);
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "a/%d", i);
		must(mkdir(name, 0755));
	}
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "a/%d", i);
		must(mount("a", name, NULL, MS_BIND, NULL));
	}
	put_file("a/f", "");
	for (int i = 8; i >= 0; i--)
		strcat(strcat(path, "/"), (char[]){ (char)('0' + i), 0 });
	strcat(path, "/f");
	show(access(path, F_OK));
	show(umount("a/8"));
	show(umount2("a", MNT_DETACH));
	show_peers("a");
}
