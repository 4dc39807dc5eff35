/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing regular files: offsets, vectors, holes, truncation,
 * copying inside the kernel, error cases and partial results.
 */
#include "harness.h"

#include <limits.h>
#include <linux/falloc.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static int make(const char *text)
{
	int fd = must(open("f", O_CREAT | O_TRUNC | O_RDWR, 0644));

	must(pwrite(fd, text, strlen(text), 0));
	return fd;
}

static long long size_of(int fd)
{
	struct stat st;

	must(fstat(fd, &st));
	return st.st_size;
}

TEST(read_to_end)
{
	char buf[8];
	int fd = make("0123456789");

	show(read(fd, buf, 8));
	show(read(fd, buf, 8));
	show(read(fd, buf, 8));
	show(lseek(fd, 0, SEEK_CUR));
	show(read(fd, buf, 0));
}

TEST(lseek_whence)
{
	int fd = make("0123456789");

	show(lseek(fd, 4, SEEK_SET));
	show(lseek(fd, 3, SEEK_CUR));
	show(lseek(fd, -2, SEEK_END));
	show(lseek(fd, 100, SEEK_END));
	show(lseek(fd, -200, SEEK_CUR));
	show(lseek(fd, 0, SEEK_CUR));
	show(lseek(fd, -1, SEEK_SET));
	show(lseek(fd, 0, 77));
	show(lseek(-1, 0, SEEK_SET));
}

TEST(seek_data_hole)
{
	int fd = make("");

	show(lseek(fd, 0, SEEK_DATA));
	show(lseek(fd, 0, SEEK_HOLE));
	must(pwrite(fd, "x", 1, 0));
	show(lseek(fd, 0, SEEK_DATA));
	show(lseek(fd, 0, SEEK_HOLE));
	show(lseek(fd, 1, SEEK_DATA));
	show(lseek(fd, 1, SEEK_HOLE));
	show(lseek(fd, -1, SEEK_HOLE));
}

TEST(seek_hole_in_sparse)
{
	long long data, hole;
	int fd = make("x");

	must(pwrite(fd, "y", 1, 1 << 20));
	data = must(lseek(fd, 1 << 19, SEEK_DATA));
	hole = must(lseek(fd, 0, SEEK_HOLE));
	fact(data > 1 << 19 && data <= 1 << 20);
	fact(hole >= 1 && hole <= 65536);
}

TEST(write_past_end_makes_zeroes)
{
	char buf[32];
	int fd = make("ab");

	show(lseek(fd, 6, SEEK_SET));
	show(write(fd, "cd", 2));
	num(size_of(fd));
	show(pread(fd, buf, sizeof(buf), 0));
	show_file("f");
}

TEST(sparse_large)
{
	int fd = make("");
	char c = 'q';
	struct stat st;

	show(pwrite(fd, "x", 1, 1LL << 32));
	num(size_of(fd));
	show(pread(fd, &c, 1, 1LL << 31));
	num(c);
	must(fstat(fd, &st));
	fact(st.st_blocks < 1024);
}

TEST(pread_pwrite)
{
	char buf[8] = "";
	int fd = make("0123456789");

	show(lseek(fd, 5, SEEK_SET));
	show(pread(fd, buf, 3, 2));
	say("%.3s", buf);
	show(pwrite(fd, "XY", 2, 0));
	show(lseek(fd, 0, SEEK_CUR));
	show(pread(fd, buf, 3, 9));
	show(pread(fd, buf, 3, 10));
	show(pread(fd, buf, 3, -1));
	show(pwrite(fd, buf, 3, -1));
	show_file("f");
}

TEST(pwrite_append_goes_to_end)
{
	int fd;

	make("start");
	fd = must(open("f", O_RDWR | O_APPEND));
	show(pwrite(fd, "end", 3, 0));
	show_file("f");
}

TEST(pipe_has_no_offset)
{
	int p[2];
	char c;

	must(pipe(p));
	show(lseek(p[0], 0, SEEK_CUR));
	show(pread(p[0], &c, 1, 0));
	show(pwrite(p[1], &c, 1, 0));
	show(ftruncate(p[1], 0));
}

TEST(readv_writev)
{
	char a[3], b[4], c[5];
	struct iovec w[3] = { { "one", 3 }, { "", 0 }, { "three", 5 } };
	struct iovec r[3] = { { a, 3 }, { b, 4 }, { c, 5 } };
	int fd = make("");

	show(writev(fd, w, 3));
	show_file("f");
	lseek(fd, 0, SEEK_SET);
	show(readv(fd, r, 3));
	say("%.3s %.4s %.1s", a, b, c);
	show(readv(fd, r, 0));
}

TEST(vector_errors)
{
	char a[4] = "abc";
	struct iovec v[3] = { { a, 2 }, { a, (size_t)-1 }, { a, 1 } };
	int fd = make("0123456789");

	show(readv(fd, v, -1));
	show(readv(fd, v, 1025));
	show(readv(fd, v, 2));
	show(writev(fd, v, 2));
	show(readv(fd, bad_pointer(), 1));
	show(writev(-1, v, 1));
	v[1].iov_len = 1;
	v[1].iov_base = bad_pointer();
	show(lseek(fd, 0, SEEK_SET));
	show(readv(fd, v, 3));
	show(lseek(fd, 0, SEEK_CUR));
	v[0].iov_base = bad_pointer();
	show(readv(fd, v, 2));
}

TEST(preadv_pwritev)
{
	char a[2], b[3];
	struct iovec w[2] = { { "12", 2 }, { "345", 3 } };
	struct iovec r[2] = { { a, 2 }, { b, 3 } };
	int fd = make("abcdefgh");

	show(pwritev(fd, w, 2, 2));
	show(lseek(fd, 0, SEEK_CUR));
	show(preadv(fd, r, 2, 1));
	say("%.2s %.3s", a, b);
	show(preadv(fd, r, 2, -1));
	show_file("f");
}

TEST(preadv2_flags)
{
	char a[4] = "";
	struct iovec r = { a, 3 };
	struct iovec w = { "zz", 2 };
	int fd = make("abcdefgh");

	lseek(fd, 3, SEEK_SET);
	show(preadv2(fd, &r, 1, -1, 0));
	say("%s", a);
	show(lseek(fd, 0, SEEK_CUR));
	show(preadv2(fd, &r, 1, 0, 0));
	say("%s", a);
	show(preadv2(fd, &r, 1, 0, 0x40000000));
	show(pwritev2(fd, &w, 1, 0, RWF_APPEND));
	show_file("f");
}

TEST(read_into_bad_memory)
{
	int fd = make("0123456789");
	char *p = page_end(4);

	show(read(fd, bad_pointer(), 5));
	show(lseek(fd, 0, SEEK_CUR));
	show(read(fd, p, 4));
	show(read(fd, bad_pointer(), 0));
	show(read(fd, (void *)-1L, 1));
	show(read(fd, (void *)0x8000000000000000, 1));
}

TEST(write_from_bad_memory)
{
	int fd = make("");

	show(write(fd, bad_pointer(), 5));
	num(size_of(fd));
	show(write(fd, bad_pointer(), 0));
	show(write(fd, NULL, 1));
	show(pwrite(fd, NULL, 10, 0));
	num(size_of(fd));
}

TEST(write_page_end_partial)
{
	char *p = page_end(10);
	ssize_t n;
	int fd = make("");

	memset(p, 'p', 10);
	n = write(fd, p, 20);
	/* Linux writes the part before the fault, or nothing. */
	fact((n == 10 && size_of(fd) == 10) || (n == -1 && errno == EFAULT));
}

TEST(read_page_end_partial)
{
	char *p = page_end(4);
	ssize_t n;
	int fd = make("0123456789");

	n = read(fd, p, 10);
	fact(n == 4 || (n == -1 && errno == EFAULT));
	if (n == 4)
		fact(memcmp(p, "0123", 4) == 0);
	fact(lseek(fd, 0, SEEK_CUR) == (n == 4 ? 4 : 0));
}

TEST(bad_descriptor)
{
	char c = 0;

	show(read(-1, &c, 1));
	show(write(500, &c, 1));
	show(read(500, bad_pointer(), 1));
	show(fsync(-1));
	show(ftruncate(-1, 0));
	show(lseek(12345, 0, SEEK_SET));
}

TEST(ftruncate_grow_shrink)
{
	int fd = make("0123456789");

	show(ftruncate(fd, 4));
	show_file("f");
	show(ftruncate(fd, 8));
	show_file("f");
	show(ftruncate(fd, -1));
	show(lseek(fd, 0, SEEK_CUR));
}

TEST(truncate_path)
{
	make("0123456789");
	must(mkdir("d", 0755));
	show(truncate("f", 3));
	show_file("f");
	show(truncate("nothing", 3));
	show(truncate("d", 3));
	show(truncate("f", -3));
	show(truncate("f/x", 3));
	show(truncate(bad_pointer(), 3));
}

TEST(truncate_clears_tail)
{
	char page[PAGE];
	int fd = make("");

	memset(page, 'x', PAGE);
	must(write(fd, page, PAGE));
	must(ftruncate(fd, 10));
	must(ftruncate(fd, 20));
	show_file("f");
}

TEST(fallocate_modes)
{
	int fd = make("ab");
	char c = 1;

	if (fallocate(fd, 0, 0, 8192) < 0 && errno == EOPNOTSUPP)
		skip("no fallocate here");
	num(size_of(fd));
	show(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192, 8192));
	num(size_of(fd));
	must(pwrite(fd, "zzzz", 4, 4096));
	show(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096,
		       4096));
	show(pread(fd, &c, 1, 4096));
	num(c);
	show(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
	show(fallocate(fd, 0, -1, 10));
	show(fallocate(fd, 0, 0, 0));
	show(fallocate(-1, 0, 0, 10));
}

/* What a mapping shows, and what it changed, goes with it. */
TEST(fallocate_under_mapping)
{
	int fd = make("");
	char c = 1, *p;

	must(ftruncate(fd, 2 * PAGE + 100));
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(p, 'x', 2 * PAGE + 100);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10,
		      PAGE) < 0 && errno == EOPNOTSUPP)
		skip("no holes here");
	printf("%d %d %d %d\n", p[9], p[10], p[PAGE + 9], p[PAGE + 10]);
	show(fallocate(fd, 0, 0, 4 * PAGE));
	num(size_of(fd));
	printf("%d %d\n", p[2 * PAGE + 99], p[2 * PAGE + 100]);
	p[3 * PAGE + 5] = 'y';
	must(msync(p, 4 * PAGE, MS_SYNC));
	must(munmap(p, 4 * PAGE));
	show(pread(fd, &c, 1, PAGE + 9));
	num(c);
	show(pread(fd, &c, 1, PAGE + 10));
	num(c);
	show(pread(fd, &c, 1, 3 * PAGE + 5));
	num(c);
}

TEST(posix_fallocate_grows)
{
	int fd = make("ab");

	show_err(posix_fallocate(fd, 0, 5000));
	num(size_of(fd));
	show_err(posix_fallocate(fd, 0, 0));
}

TEST(copy_file_range_call)
{
	off_t in = 2, out = 1;
	int a = make("0123456789");
	int b = must(open("g", O_CREAT | O_RDWR, 0644));

	if (copy_file_range(a, NULL, b, NULL, 0, 0) < 0 &&
	    (errno == ENOSYS || errno == EXDEV))
		skip("no copy_file_range here");
	show(copy_file_range(a, &in, b, &out, 4, 0));
	num(in);
	num(out);
	show_file("g");
	show(copy_file_range(a, NULL, b, NULL, 100, 0));
	show(lseek(a, 0, SEEK_CUR));
	show(lseek(b, 0, SEEK_CUR));
	show_file("g");
	show(copy_file_range(a, NULL, b, NULL, 100, 0));
	show(copy_file_range(a, NULL, b, NULL, 1, 1));
	show(copy_file_range(-1, NULL, b, NULL, 1, 0));
	show(copy_file_range(a, NULL, must(open("g", O_RDONLY)), NULL, 1, 0));
}

TEST(copy_file_range_overlap)
{
	off_t in = 0, out = 2;
	int fd = make("0123456789");

	show(copy_file_range(fd, &in, fd, &out, 5, 0));
	in = 0;
	out = 6;
	show(copy_file_range(fd, &in, fd, &out, 4, 0));
	show_file("f");
}

TEST(sendfile_call)
{
	off_t off = 3;
	int a = make("0123456789");
	int b = must(open("g", O_CREAT | O_RDWR, 0644));
	int p[2];
	char buf[32];

	show(sendfile(b, a, &off, 4));
	num(off);
	show(lseek(a, 0, SEEK_CUR));
	show(sendfile(b, a, NULL, 100));
	show(lseek(a, 0, SEEK_CUR));
	show(sendfile(b, a, NULL, 100));
	show_file("g");
	must(pipe(p));
	off = 0;
	show(sendfile(p[1], a, &off, 5));
	show(read(p[0], buf, 32));
	show(sendfile(b, p[0], NULL, 1));
	show(sendfile(a, -1, NULL, 1));
	show(sendfile(must(open("g", O_RDONLY)), a, &off, 1));
}

TEST(splice_file_pipe)
{
	int p[2];
	loff_t off = 2;
	int a = make("0123456789");
	int b = must(open("g", O_CREAT | O_RDWR, 0644));

	must(pipe(p));
	show(splice(a, &off, p[1], NULL, 4, 0));
	num(off);
	show(splice(p[0], NULL, b, NULL, 100, 0));
	show_file("g");
	show(splice(a, NULL, b, NULL, 1, 0));
	show(splice(a, NULL, p[1], &off, 1, 0));
	show(splice(p[0], NULL, b, NULL, 1, SPLICE_F_NONBLOCK));
	show(splice(-1, NULL, p[1], NULL, 1, 0));
	show(splice(a, NULL, p[1], NULL, 0, 0));
}

TEST(sync_calls)
{
	int p[2];
	int fd = make("x");

	must(pipe(p));
	show(fsync(fd));
	show(fdatasync(fd));
	show(fsync(p[0]));
	show(syncfs(fd));
	show(sync_file_range(fd, 0, 0, 0));
	show(fsync(must(open(".", O_RDONLY))));
}

TEST(fadvise)
{
	int p[2];
	int fd = make("x");

	must(pipe(p));
	show_err(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	show_err(posix_fadvise(fd, 0, 0, 99));
	show_err(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL));
	show_err(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL));
	show(readahead(fd, 0, 100));
}

TEST(large_transfer)
{
	size_t n = 3 << 20;
	char *a = malloc(n), *b = calloc(1, n);
	int fd = make("");

	for (size_t i = 0; i < n; i++)
		a[i] = i * 7 + i / 4096;
	show(write(fd, a, n));
	show(pread(fd, b, n, 0));
	fact(memcmp(a, b, n) == 0);
	show(pread(fd, b, n, n - 10));
	show(pread(fd, b, 100, 4090));
	fact(memcmp(a + 4090, b, 100) == 0);
}

TEST(offset_shared_by_dup_and_fork)
{
	int fd = make("0123456789"), d = must(dup(fd));
	char c;

	show(read(fd, &c, 1));
	show(lseek(d, 0, SEEK_CUR));
	if (fork() == 0) {
		must(lseek(d, 7, SEEK_SET));
		_exit(0);
	}
	wait(NULL);
	show(lseek(fd, 0, SEEK_CUR));
	show(lseek(must(open("f", O_RDONLY)), 0, SEEK_CUR));
}

TEST(offset_too_big)
{
	int fd = make("");

	show(pwrite(fd, "x", 1, LLONG_MAX));
	show(pread(fd, (char[1]){ 0 }, 1, LLONG_MAX));
	show(pread(fd, (char[4]){ 0 }, 4, LLONG_MAX - 1));
}
