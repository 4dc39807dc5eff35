/* SPDX-License-Identifier: MIT */
/*
 * Long fixed sequences of calls on a small tree of files: each result, and now
 * and then the whole tree (kinds, modes, links, sizes, contents, attributes),
 * must be what Linux gives. FILE_RANDOM_TRACE=1 shows each call, to find the first
 * that differs; the helper "run SEED STEPS" makes other sequences, and "run SEED
 * STEPS plain" such as volumes and layers can follow (no special modes,
 * attributes, holes; links of directories).
 */
#include "random_help.h"

#include <dirent.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define NR_FDS		6
#define DATA_MAX	30000u

static bool plain;
static int fds[NR_FDS];
static char data[DATA_MAX], back[DATA_MAX];

/* --- what calls are made on --------------------------------------------------*/
static const char *short_name(void)
{
	static const char *const names[] = {
		"a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "e", "e/b",
		"d/../a", "d/.", "d/..", "./a", "a/", "d/", "s", "s/a", "d/s",
		"", ".", "a/b", "nothing/x",
	};

	return names[rnd(ARRAY_SIZE(names))];
}

/* Sometimes one that is just too long, or not. */
static const char *name(void)
{
	static char deep[300];

	if (rnd(60))
		return short_name();
	memset(deep, 'n', sizeof(deep));
	deep[254 + rnd(3)] = 0;
	return deep;
}

static int slot(void)
{
	return (int)rnd(NR_FDS);
}

static size_t length(void)
{
	static const uint32_t usual[] = { 0, 1, 10, 100, 4095, 4096, 4097, 8192 };

	return rnd(3) ? usual[rnd(ARRAY_SIZE(usual))] : rnd(DATA_MAX);
}

static mode_t any_mode(void)
{
	mode_t mode = rnd(010000);

	return plain ? mode & 0777 : mode;
}

static off_t offset(void)
{
	static const off_t usual[] = { 0, 1, 4095, 4096, 4097, 12288, -1,
				       1 << 20 };

	return rnd(3) ? usual[rnd(ARRAY_SIZE(usual))] : (off_t)rnd(20000);
}

static void fill(size_t n)
{
	for (size_t i = 0; i < n; i++)
		data[i] = (char)rnd(256);
}

/* --- open files ----------------------------------------------------------------*/
static void do_open(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR };
	static const int extras[] = { O_CREAT, O_EXCL, O_TRUNC, O_APPEND,
				      O_DIRECTORY, O_NOFOLLOW, O_PATH };
	/* who opens a FIFO does not wait */
	int i = slot(), flags = modes[rnd(ARRAY_SIZE(modes))] | O_NONBLOCK;
	mode_t mode = 0400 | rnd(0400);
	const char *path = name();

	if (rnd(2))
		flags |= O_CREAT;
	for (uint32_t n = rnd(3); n; n--)
		flags |= extras[rnd(ARRAY_SIZE(extras))];
	if (fds[i] >= 0)
		close(fds[i]);
	fds[i] = open(path, flags, mode);
	done(fds[i] < 0 ? -1 : 0, "open %s %o %o", path, flags, mode);
}

static void do_transfer(void)
{
	int i = slot();
	size_t n = length();
	off_t at = offset();
	char *p = rnd(2) ? data : back;
	struct iovec v[2] = { { p, n / 3 }, { p + n / 3, n - n / 3 } };
	uint32_t how = rnd(4);
	long r;

	if (p == data) {
		fill(n);
		r = how == 0 ? write(fds[i], p, n) :
		    how == 1 ? pwrite(fds[i], p, n, at) :
		    how == 2 ? writev(fds[i], v, 2) :
			       pwritev(fds[i], v, 2, at);
	} else {
		memset(p, 0, n);
		r = how == 0 ? read(fds[i], p, n) :
		    how == 1 ? pread(fds[i], p, n, at) :
		    how == 2 ? readv(fds[i], v, 2) : preadv(fds[i], v, 2, at);
	}
	done(r, "%s%u %d %zu %ld", p == data ? "write" : "read", how, i, n, at);
	if (r > 0 && p == back)
		add_bytes(p, (size_t)r);
}

static void do_seek(void)
{
	static const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END, 9 };
	int i = slot(), whence = whences[rnd(ARRAY_SIZE(whences))];
	off_t at = offset();
	struct stat st;

	/* file systems differ about directories */
	if (fstat(fds[i], &st) || !S_ISREG(st.st_mode))
		return;
	done(lseek(fds[i], at, whence), "lseek %d %ld %d", i, at, whence);
}

static void do_size(void)
{
	int i = slot();
	off_t at = offset(), n = offset();
	const char *path = name();

	switch (rnd(4)) {
	case 0:
		done(truncate(path, at), "truncate %s %ld", path, at);
		break;
	case 1:
		done(fallocate(fds[i], rnd(2), at, n), "fallocate %d %ld %ld",
		     i, at, n);
		break;
	case 2:
		if (plain)
			break;
		done(fallocate(fds[i], FALLOC_FL_PUNCH_HOLE |
			       FALLOC_FL_KEEP_SIZE, at, n),
		     "punch %d %ld %ld", i, at, n);
		break;
	default:
		done(ftruncate(fds[i], at), "ftruncate %d %ld", i, at);
	}
}

static void do_copy(void)
{
	int i = slot(), k = slot();
	size_t n = length();
	off_t from = offset(), to = offset(), *in = rnd(2) ? &from : NULL;
	long r;

	if (rnd(2)) {
		r = copy_file_range(fds[i], in, fds[k], rnd(2) ? &to : NULL, n,
				    0);
		/* file systems differ about sharing blocks, and who says what
		 * first about a file that is both */
		done(r, "copy_file_range %d %d %zu", i, k, n);
	} else {
		done(sendfile(fds[k], fds[i], in, n), "sendfile %d %d %zu", k,
		     i, n);
	}
	add((uint64_t)from);
	add((uint64_t)to);
}

static void do_map(void)
{
	int i = slot(), prot = rnd(2) ? PROT_READ : PROT_READ | PROT_WRITE;
	int flags = rnd(3) ? MAP_SHARED : MAP_PRIVATE;
	off_t at = rnd(3) * PAGE;
	struct stat st;
	char *p = mmap(NULL, PAGE, prot, flags, fds[i], at);

	done(p == MAP_FAILED ? -1 : 0, "mmap %d %d %d %ld", i, prot, flags, at);
	if (p == MAP_FAILED)
		return;
	if (!fstat(fds[i], &st) && st.st_size > at) {
		/* what is written behind the end may be seen later, or not */
		size_t n = st.st_size - at < PAGE ? (size_t)(st.st_size - at) :
						    PAGE;
		size_t from = rnd((uint32_t)n), len = rnd(96);

		add_bytes(p, n);
		if (prot & PROT_WRITE)
			memset(p + from, (int)rnd(256),
			       len < n - from ? len : n - from);
		add_bytes(p, n);
	}
	if (traces)
		say("  so far %016llx", (unsigned long long)sum);
	munmap(p, PAGE);
}

static void do_descriptor(void)
{
	int i = slot(), k = slot();
	long r;

	switch (rnd(4)) {
	case 0:
		r = fcntl(fds[i], F_SETFL, O_NONBLOCK | (rnd(2) ? O_APPEND : 0));
		done(r, "F_SETFL %d", i);
		break;
	case 1:
		r = fcntl(fds[i], F_GETFL);
		done(r, "F_GETFL %d", i);
		break;
	case 2:
		if (fds[i] >= 0 && i != k) {
			if (fds[k] >= 0)
				close(fds[k]);
			fds[k] = dup(fds[i]);
			done(fds[k] < 0 ? -1 : 0, "dup %d %d", i, k);
		}
		break;
	default:
		r = close(fds[i]);
		fds[i] = -1;
		done(r, "close %d", i);
	}
}

/* --- names ----------------------------------------------------------------------*/
static void do_name(void)
{
	const char *a = short_name(), *b = short_name();
	uint32_t flags = rnd(4);

	switch (rnd(9)) {
	case 0:
		done(mkdir(a, 0700 | rnd(0100)), "mkdir %s", a);
		break;
	case 1:
		done(rmdir(a), "rmdir %s", a);
		break;
	case 2:
		done(unlink(a), "unlink %s", a);
		break;
	case 3:
		done(link(a, b), "link %s %s", a, b);
		break;
	case 4:
		done(linkat(AT_FDCWD, a, AT_FDCWD, b, AT_SYMLINK_FOLLOW),
		     "linkat %s %s", a, b);
		break;
	case 5:
		done(symlink(a, b), "symlink %s %s", a, b);
		break;
	case 6:
		done(syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags),
		     "renameat2 %s %s %u", a, b, flags);
		break;
	case 7:
		done(mknod(a, (rnd(2) ? S_IFIFO : S_IFREG) | 0600, 0),
		     "mknod %s", a);
		break;
	default:
		done(rename(a, b), "rename %s %s", a, b);
	}
}

static void add_stat(const struct stat *st)
{
	bool is_dir = S_ISDIR(st->st_mode);
	long links = is_dir && plain ? 0 : (long)st->st_nlink;
	long size = is_dir ? 0 : (long)st->st_size;

	add(st->st_mode);
	add((uint64_t)links);
	add((uint64_t)size);
	if (traces)
		say("  mode %o nlink %ld size %ld", st->st_mode, links, size);
}

static void do_attribute(void)
{
	static const char *const keys[] = { "user.a", "user.bb", "user.",
					    "user", "nothing.a" };
	const char *a = name(), *key = keys[rnd(ARRAY_SIZE(keys))];
	struct stat st;
	char text[300];
	int i = slot(), flags;
	long r;

	switch (rnd(9)) {
	case 0:
		done(chmod(a, any_mode()), "chmod %s", a);
		break;
	case 1:
		r = rnd(2) ? stat(a, &st) : lstat(a, &st);
		done(r, "stat %s", a);
		if (!r)
			add_stat(&st);
		break;
	case 2:
		r = fstat(fds[i], &st);
		done(r, "fstat %d", i);
		if (!r)
			add_stat(&st);
		break;
	case 3:
		done(access(a, (int)rnd(8)), "access %s", a);
		break;
	case 4:
		r = readlink(a, text, rnd(5));
		done(r, "readlink %s", a);
		break;
	case 5:
		flags = (int)rnd(3);
		if (plain)
			break;
		done(setxattr(a, key, data, rnd(200), flags),
		     "setxattr %s %s %d", a, key, flags);
		break;
	case 6:
		r = getxattr(a, key, text, rnd(2) ? sizeof(text) : rnd(60));
		done(r, "getxattr %s %s", a, key);
		break;
	case 7:
		if (plain)
			break;
		done(removexattr(a, key), "removexattr %s %s", a, key);
		break;
	default:
		done(fchmod(fds[i], any_mode()), "fchmod %d", i);
	}
}

/* --- the whole tree --------------------------------------------------------------*/
static void add_content(const char *path, const struct stat *st)
{
	char text[300];
	int fd;
	long r;

	if (S_ISLNK(st->st_mode)) {
		r = readlink(path, text, sizeof(text));
		add_bytes(text, r > 0 ? (size_t)r : 0);
	} else if (S_ISREG(st->st_mode) && st->st_mode & 0400) {
		fd = open(path, O_RDONLY);
		while ((r = read(fd, back, sizeof(back))) > 0)
			add_bytes(back, (size_t)r);
		add((uint64_t)r);
		close(fd);
	}
	if (traces)
		say("  so far %016llx", (unsigned long long)sum);
	for (const char *key = "user.a";; key = "user.bb") {
		r = lgetxattr(path, key, text, sizeof(text));
		add((uint64_t)(r < 0 ? -errno : r));
		if (traces)
			say("  %s %ld %s", key, r, r < 0 ? err_name(errno) : "");
		if (key[5] == 'b')
			break;
	}
}

static void look(const char *dir, int depth)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort);

	add((uint64_t)n);
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		if (strcmp(list[i]->d_name, ".") &&
		    strcmp(list[i]->d_name, "..") && !lstat(path, &st)) {
			if (traces)
				say(" %s", path);
			add_bytes(path, strlen(path));
			add_stat(&st);
			add_content(path, &st);
			if (S_ISDIR(st.st_mode) && depth < 4)
				look(path, depth + 1);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

static void step(void)
{
	static void (*const calls[])(void) = {
		do_open, do_open, do_open, do_transfer, do_transfer,
		do_transfer, do_transfer, do_seek, do_size, do_copy, do_map,
		do_descriptor, do_name, do_name, do_name, do_attribute,
		do_attribute,
	};

	calls[rnd(ARRAY_SIZE(calls))]();
}

static void run(uint64_t seed, int steps)
{
	/* permissions are another subject, and root has them all */
	if (geteuid())
		skip("wants root");
	traces = getenv("FILE_RANDOM_TRACE");
	umask(022);
	mkdir("w", 0755);	/* "d/.." may lead out of it */
	must(chdir("w"));
	on_signal(SIGXFSZ, SIG_IGN, 0);
	on_signal(SIGPIPE, SIG_IGN, 0);
	state = seed;
	memset(fds, -1, sizeof(fds));
	for (int i = 0; i < steps; i++) {
		step();
		if (i % 25 == 24) {
			look(".", 0);
			say("%d: %016llx", i + 1, (unsigned long long)sum);
		}
	}
}

HELPER(run)
{
	plain = argc > 3;
	run(argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
	    argc > 2 ? atoi(argv[2]) : 1000);
	return 0;
}

TEST(seed_1)
{
	run(1, 2000);
}

TEST(seed_2)
{
	run(2222, 2000);
}

TEST(plain_1)
{
	plain = true;
	run(3, 2000);
}

TEST(plain_2)
{
	plain = true;
	run(44, 2000);
}
