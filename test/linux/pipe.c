/* SPDX-License-Identifier: MIT */
/*
 * Pipes and FIFOs: end of file, SIGPIPE, blocking, capacity, atomicity.
 */
#include "harness.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static short poll_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	must(poll(&p, 1, 0));
	return p.revents;
}

/* Fill a non-blocking pipe in pieces of n bytes; returns the total. */
static long fill(int fd, size_t n)
{
	static char buf[70000];
	long total = 0, r;

	while ((r = write(fd, buf, n)) > 0)
		total += r;
	return total;
}

TEST(write_then_read)
{
	char buf[16] = "";
	int p[2];

	show(pipe(p));
	show(write(p[1], "hello", 5));
	show(write(p[1], " you", 4));
	show(read(p[0], buf, 3));
	show(read(p[0], buf, 16));
	say("%.6s", buf);
	show(read(p[1], buf, 1));
	show(write(p[0], buf, 1));
}

TEST(end_of_file)
{
	char c;
	int p[2], d;

	must(pipe(p));
	d = must(dup(p[1]));
	must(write(p[1], "x", 1));
	close(p[1]);
	close(d);
	show(read(p[0], &c, 1));
	show(read(p[0], &c, 1));
	show(read(p[0], &c, 1));
}

TEST(end_of_file_needs_all_writers_closed)
{
	int p[2];
	char c;
	pid_t pid;

	must(pipe(p));
	pid = fork();
	if (pid == 0) {
		sleep_ms(50);
		_exit(0);
	}
	close(p[1]);
	show(read(p[0], &c, 1));
	show(waitpid(pid, NULL, WNOHANG) >= 0);
}

TEST(sigpipe_kills)
{
	int p[2];

	must(pipe(p));
	close(p[0]);
	say("before");
	write(p[1], "x", 1);
	say("not reached");
}

TEST(epipe_when_ignored)
{
	int p[2];

	signal(SIGPIPE, SIG_IGN);
	must(pipe(p));
	close(p[0]);
	show(write(p[1], "x", 1));
	show(write(p[1], "x", 0));
	show(write(p[1], bad_pointer(), 1));
}

TEST(epipe_with_handler)
{
	int p[2];

	on_signal(SIGPIPE, count_signal, 0);
	must(pipe(p));
	close(p[0]);
	show(write(p[1], "x", 1));
	num(signal_count);
	show(writev(p[1], (struct iovec[1]){ { "x", 1 } }, 1));
	num(signal_count);
}

TEST(nonblocking)
{
	char c;
	int p[2];

	must(pipe2(p, O_NONBLOCK));
	show(read(p[0], &c, 1));
	show(write(p[1], "x", 1));
	show(read(p[0], &c, 1));
	show(read(p[0], &c, 1));
	close(p[1]);
	show(read(p[0], &c, 1));
}

TEST(pipe2_flags)
{
	int p[2];

	show(pipe2(p, O_CLOEXEC | O_NONBLOCK));
	num(fcntl(p[0], F_GETFD));
	num(fcntl(p[1], F_GETFD));
	fact(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	fact(fcntl(p[1], F_GETFL) & O_NONBLOCK);
	num(fcntl(p[0], F_GETFL) & O_ACCMODE);
	num(fcntl(p[1], F_GETFL) & O_ACCMODE);
	show(pipe2(p, O_APPEND));
	show(pipe2(p, 1));
	show(syscall(SYS_pipe, bad_pointer()));
	show(syscall(SYS_pipe2, page_end(4), 0));
	fact(dup(0) == p[1] + 1);
}

TEST(capacity_default)
{
	int p[2];

	must(pipe2(p, O_NONBLOCK));
	show(fill(p[1], 4096));
	say("%s", err_name(errno));
}

TEST(capacity_bytes)
{
	int p[2];
	long n;

	must(pipe2(p, O_NONBLOCK));
	n = fill(p[1], 1);
	fact(n == 65536);
	show(fcntl(p[1], F_GETPIPE_SZ));
}

TEST(capacity_set)
{
	char buf[8192];
	int p[2];

	must(pipe2(p, O_NONBLOCK));
	show(fcntl(p[1], F_SETPIPE_SZ, 4096));
	show(fcntl(p[0], F_GETPIPE_SZ));
	show(fill(p[1], 4096));
	show(fcntl(p[0], F_SETPIPE_SZ, 5000));
	show(fill(p[1], 4096));
	show(fcntl(p[0], F_SETPIPE_SZ, 4096));
	show(read(p[0], buf, 8192));
	show(fcntl(p[0], F_SETPIPE_SZ, 0));
	show(fcntl(p[0], F_SETPIPE_SZ, -1));
	show(fcntl(0, F_SETPIPE_SZ, 4096));
	show(fcntl(1, F_GETPIPE_SZ) >= -1);
}

TEST(atomic_small_write)
{
	char buf[4096] = "";
	int p[2];

	must(pipe2(p, O_NONBLOCK));
	fill(p[1], 4096);
	must(read(p[0], buf, 4095));
	show(write(p[1], buf, 4096));
	must(read(p[0], buf, 1));
	show(write(p[1], buf, 4096));
}

TEST(partial_large_write)
{
	static char buf[100000];
	int p[2];

	must(pipe2(p, O_NONBLOCK));
	show(write(p[1], buf, sizeof(buf)));
	show(write(p[1], buf, sizeof(buf)));
}

TEST(blocking_writer_waits)
{
	static char buf[200000];
	int p[2];
	long total = 0, n;
	pid_t pid;

	must(pipe(p));
	pid = fork();
	if (pid == 0) {
		n = write(p[1], buf, sizeof(buf));
		_exit(n == sizeof(buf) ? 0 : 1);
	}
	close(p[1]);
	while ((n = read(p[0], buf, 10000)) > 0)
		total += n;
	num(total);
	show_exit("writer", pid);
}

TEST(atomic_writers)
{
	char buf[4096];
	int p[2], mixed = 0, count = 0;
	size_t got;

	must(pipe(p));
	for (int w = 0; w < 4; w++) {
		if (fork() == 0) {
			memset(buf, 'a' + w, sizeof(buf));
			for (int i = 0; i < 50; i++)
				must(write(p[1], buf, sizeof(buf)));
			_exit(0);
		}
	}
	close(p[1]);
	for (;;) {
		for (got = 0; got < sizeof(buf);) {
			ssize_t n = read(p[0], buf + got, sizeof(buf) - got);

			if (n <= 0)
				break;
			got += n;
		}
		if (got < sizeof(buf))
			break;
		count++;
		for (size_t i = 1; i < sizeof(buf); i++)
			mixed += buf[i] != buf[0];
	}
	num(count);
	num(mixed);
	while (wait(NULL) > 0)
		;
}

TEST(read_interrupted)
{
	char c;
	int p[2];

	must(pipe(p));
	ticks_start(0);
	show(read(p[0], &c, 1));
	ticks_stop();
	fact(signal_count > 0);
}

TEST(read_restarted)
{
	char c;
	int p[2];

	must(pipe(p));
	ticks_start(SA_RESTART);
	if (fork() == 0) {
		sleep_ms(100);
		must(write(p[1], "x", 1));
		_exit(0);
	}
	show(read(p[0], &c, 1));
	fact(signal_count > 0);
	ticks_stop();
	wait(NULL);
}

TEST(write_interrupted)
{
	static char buf[100000];
	int p[2];

	must(pipe(p));
	must(write(p[1], buf, 65536));
	ticks_start(0);
	show(write(p[1], "x", 1));
	must(read(p[0], buf, 4096));
	show(write(p[1], buf, 10000));
	ticks_stop();
}

TEST(fionread)
{
	char c;
	int p[2], n = -1;

	must(pipe(p));
	show(ioctl(p[0], FIONREAD, &n));
	num(n);
	must(write(p[1], "12345", 5));
	must(read(p[0], &c, 1));
	must(ioctl(p[0], FIONREAD, &n));
	num(n);
	must(ioctl(p[1], FIONREAD, &n));
	num(n);
	show(ioctl(p[0], FIONREAD, bad_pointer()));
}

TEST(poll_states)
{
	char c;
	int p[2];

	must(pipe2(p, O_NONBLOCK));
	num(poll_now(p[0], POLLIN | POLLOUT));
	num(poll_now(p[1], POLLIN | POLLOUT));
	must(write(p[1], "x", 1));
	num(poll_now(p[0], POLLIN | POLLRDNORM));
	fill(p[1], 4096);
	num(poll_now(p[1], POLLOUT));
	close(p[1]);
	num(poll_now(p[0], POLLIN));
	while (read(p[0], &c, 1) > 0)
		;
	num(poll_now(p[0], POLLIN));
	must(pipe(p));
	close(p[0]);
	num(poll_now(p[1], POLLOUT));
}

TEST(poll_wakes_on_write)
{
	struct pollfd q = { .events = POLLIN };
	int p[2];

	must(pipe(p));
	if (fork() == 0) {
		sleep_ms(50);
		must(write(p[1], "x", 1));
		_exit(0);
	}
	q.fd = p[0];
	show(poll(&q, 1, 10000));
	num(q.revents);
	wait(NULL);
}

TEST(poll_wakes_on_close)
{
	struct pollfd q = { .events = POLLIN };
	int p[2];

	must(pipe(p));
	if (fork() == 0) {
		sleep_ms(50);
		_exit(0);
	}
	close(p[1]);
	q.fd = p[0];
	show(poll(&q, 1, 10000));
	num(q.revents);
	wait(NULL);
}

TEST(fifo_open_order)
{
	char buf[8] = "";
	int fd;

	must(mkfifo("q", 0600));
	show_ok(open("q", O_WRONLY | O_NONBLOCK));
	fd = show_ok(open("q", O_RDONLY | O_NONBLOCK));
	show(read(fd, buf, 1));
	close(fd);
	if (fork() == 0) {
		fd = must(open("q", O_WRONLY));
		must(write(fd, "hi", 2));
		_exit(0);
	}
	fd = must(open("q", O_RDONLY));
	show(read(fd, buf, 8));
	wait(NULL);
	show(read(fd, buf, 8));
}

TEST(fifo_read_write)
{
	char c;
	int fd;

	must(mkfifo("q", 0600));
	fd = show_ok(open("q", O_RDWR));
	show(write(fd, "x", 1));
	show(read(fd, &c, 1));
	show(mkfifo("q", 0600));
	show(lseek(fd, 0, SEEK_SET));
	show(unlink("q"));
	show(write(fd, "y", 1));
}

TEST(fifo_open_interrupted)
{
	must(mkfifo("q", 0600));
	ticks_start(0);
	show_ok(open("q", O_RDONLY));
	ticks_stop();
}

TEST(fifo_forgets_unread)
{
	char c;
	int fd;

	must(mkfifo("q", 0600));
	fd = must(open("q", O_RDWR | O_NONBLOCK));
	must(write(fd, "x", 1));
	close(fd);
	fd = must(open("q", O_RDWR | O_NONBLOCK));
	show(read(fd, &c, 1));
}

TEST(tee_call)
{
	char buf[8] = "";
	int a[2], b[2];

	must(pipe2(a, O_NONBLOCK));
	must(pipe2(b, O_NONBLOCK));
	must(write(a[1], "hello", 5));
	show(tee(a[0], b[1], 3, 0));
	show(read(b[0], buf, 8));
	show(read(a[0], buf, 8));
	show(tee(a[0], b[1], 3, 0));
	show(tee(a[0], a[1], 3, 0));
	show(tee(0, b[1], 3, 0));
}

/* Without bytes it does not matter what the file is. */
TEST(vmsplice_of_nothing)
{
	struct iovec v = { "x", 0 };
	int fd = must(open("file", O_RDWR | O_CREAT, 0600));
	int null = must(open("/dev/null", O_WRONLY));

	show(vmsplice(fd, &v, 0, 0));
	show(vmsplice(fd, &v, 1, 0));
	show(vmsplice(null, &v, 1, 0));
	v.iov_len = 1;
	show(vmsplice(fd, &v, 1, 0));
	show(vmsplice(null, &v, 1, 0));
}

TEST(vmsplice_call)
{
	char buf[8] = "", text[] = "spliced";
	struct iovec v = { text, 7 };
	int p[2];

	must(pipe(p));
	show(vmsplice(p[1], &v, 1, 0));
	show(read(p[0], buf, 8));
	say("%.7s", buf);
	show(vmsplice(0, &v, 1, 0));
}

TEST(splice_pipe_to_pipe)
{
	char buf[16] = "";
	int a[2], b[2];

	must(pipe2(a, O_NONBLOCK));
	must(pipe2(b, O_NONBLOCK));
	must(write(a[1], "0123456789", 10));
	show(splice(a[0], NULL, b[1], NULL, 4, 0));
	show(splice(a[0], NULL, b[1], NULL, 100, 0));
	show(splice(a[0], NULL, b[1], NULL, 100, 0));
	show(read(b[0], buf, 16));
	say("%.10s", buf);
	show(splice(a[0], NULL, a[1], NULL, 100, 0));
}

TEST(read_into_page_end)
{
	char *q = page_end(4);
	int p[2];

	must(pipe(p));
	must(write(p[1], "0123456789", 10));
	show(read(p[0], bad_pointer(), 4));
	show(read(p[0], q, 4));
	say("%.4s", q);
	show(write(p[1], bad_pointer(), 4));
	show(read(p[0], q, 0));
}

TEST(many_pipes_through_fork)
{
	int p[2], q[2];
	char c = 0;

	must(pipe(p));
	must(pipe(q));
	if (fork() == 0) {
		while (read(p[0], &c, 1) == 1 && c < 100) {
			c++;
			must(write(q[1], &c, 1));
		}
		_exit(0);
	}
	for (int i = 0; i < 50; i++) {
		must(write(p[1], &c, 1));
		must(read(q[0], &c, 1));
		c++;
	}
	num(c);
	must(write(p[1], &c, 1));
	wait(NULL);
}

TEST(proc_fd_reopen)
{
	char path[32], c;
	int p[2], w;

	must(pipe(p));
	sprintf(path, "/proc/self/fd/%d", p[0]);
	w = must(open(path, O_WRONLY));
	show(write(w, "x", 1));
	show(read(p[0], &c, 1));
}

/* What is in a pipe stays when it is made larger, and more is written then. */
TEST(larger_with_contents)
{
	static char in[70000], out[sizeof(in)];
	size_t n = 0;
	int fds[2];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 7 + i / 256);
	for (int turn = 0; turn < 20; turn++) {
		must(pipe(fds));
		must(write(fds[1], in, 60000));
		must(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20));
		must(write(fds[1], in + 60000, 10000));
		for (n = 0; n < sizeof(in);)
			n += (size_t)must(read(fds[0], out + n,
					       sizeof(in) - n));
		if (memcmp(in, out, sizeof(in)))
			say("%d: other contents", turn);
		close(fds[0]);
		close(fds[1]);
	}
	num(n);
}
