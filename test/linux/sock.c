/* SPDX-License-Identifier: MIT */
/*
 * AF_UNIX sockets: pairs, names, connections, options, error cases.
 */
#include "harness.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static short poll_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	must(poll(&p, 1, 0));
	return p.revents;
}

/* Fill in a name; a leading '@' makes it abstract. */
static socklen_t name_to(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path, name);
	if (name[0] != '@')
		return sizeof(*a);
	a->sun_path[0] = 0;
	return offsetof(struct sockaddr_un, sun_path) + strlen(name);
}

static int bind_to(int fd, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_to(&a, name);

	return bind(fd, (struct sockaddr *)&a, n);
}

static int connect_to(int fd, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_to(&a, name);

	return connect(fd, (struct sockaddr *)&a, n);
}

static int make(int type)
{
	return must(socket(AF_UNIX, type, 0));
}

static int listener(const char *name, int type)
{
	int fd = make(type);

	must(bind_to(fd, name));
	must(listen(fd, 5));
	return fd;
}

/* An abstract name that no other run uses at the same time. */
static const char *abstract_name(void)
{
	static char name[40];

	sprintf(name, "@linux-test-%d", (int)getpid());
	return name;
}

TEST(pair_stream)
{
	char buf[16] = "";
	int s[2];

	show(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	show(write(s[0], "one", 3));
	show(write(s[0], "two", 3));
	show(read(s[1], buf, 4));
	show(read(s[1], buf, 16));
	show(write(s[1], "back", 4));
	show(read(s[0], buf, 16));
	say("%.4s", buf);
	close(s[0]);
	show(read(s[1], buf, 16));
}

TEST(pair_dgram)
{
	char buf[16] = "";
	int s[2];

	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	show(write(s[0], "one", 3));
	show(write(s[0], "", 0));
	show(write(s[0], "three", 5));
	show(read(s[1], buf, 2));
	show(read(s[1], buf, 16));
	show(read(s[1], buf, 16));
	say("%.5s", buf);
	show(recv(s[1], buf, 16, MSG_DONTWAIT));
}

TEST(pair_seqpacket)
{
	char buf[16];
	int s[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	show(write(s[0], "one", 3));
	show(write(s[0], "three", 5));
	show(read(s[1], buf, 16));
	show(read(s[1], buf, 2));
	close(s[0]);
	show(read(s[1], buf, 16));
}

TEST(pair_flags_and_errors)
{
	int s[2];

	show(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0, s));
	num(fcntl(s[0], F_GETFD));
	fact(fcntl(s[1], F_GETFL) & O_NONBLOCK);
	show(read(s[0], s, 1));
	show(socketpair(AF_UNIX, 99, 0, s));
	show(socketpair(AF_UNIX, SOCK_STREAM, 77, s));
	show(socketpair(999, SOCK_STREAM, 0, s));
	show(socketpair(AF_UNIX, SOCK_STREAM, 0, bad_pointer()));
	show_ok(socket(AF_UNIX, SOCK_STREAM, 77));
	show_ok(socket(AF_UNIX, SOCK_STREAM | 0x100, 0));
	show_ok(socket(12345, SOCK_STREAM, 0));
}

TEST(connect_by_path)
{
	char buf[8] = "";
	int l = listener("sock", SOCK_STREAM), c = make(SOCK_STREAM), a;
	struct stat st;

	must(stat("sock", &st));
	fact(S_ISSOCK(st.st_mode));
	show(connect_to(c, "sock"));
	num(poll_now(l, POLLIN));
	a = show_ok(accept(l, NULL, NULL));
	num(poll_now(l, POLLIN));
	must(write(c, "ping", 4));
	show(read(a, buf, 8));
	must(write(a, "pong", 4));
	show(read(c, buf, 8));
	say("%.4s", buf);
	show(connect_to(c, "sock"));
}

TEST(connect_before_accept)
{
	char buf[8];
	int l = listener("sock", SOCK_STREAM), c = make(SOCK_STREAM), a;

	must(connect_to(c, "sock"));
	show(write(c, "early", 5));
	close(c);
	a = must(accept(l, NULL, NULL));
	show(read(a, buf, 8));
	show(read(a, buf, 8));
}

TEST(abstract_names)
{
	const char *name = abstract_name();
	struct sockaddr_un a;
	socklen_t n = sizeof(a);
	int l = listener(name, SOCK_STREAM), c = make(SOCK_STREAM);

	show(connect_to(c, name));
	show(bind_to(make(SOCK_STREAM), name));
	must(getpeername(c, (struct sockaddr *)&a, &n));
	num(a.sun_path[0]);
	fact(n == offsetof(struct sockaddr_un, sun_path) + strlen(name));
	close(l);
	show(connect_to(make(SOCK_STREAM), name));
	show(bind_to(make(SOCK_STREAM), name));
}

TEST(autobind)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(a);
	int fd = make(SOCK_DGRAM);

	show(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)));
	must(getsockname(fd, (struct sockaddr *)&a, &n));
	num(n);
	num(a.sun_path[0]);
}

TEST(bind_errors)
{
	struct sockaddr_un a;
	int fd = make(SOCK_STREAM);

	must(mkdir("dir", 0755));
	put_file("file", "");
	show(bind_to(fd, "dir/nothing/s"));
	show(bind_to(fd, "file"));
	show(bind_to(fd, "dir"));
	name_to(&a, "x");
	show(bind(fd, (struct sockaddr *)&a, 1));
	show(bind(fd, (struct sockaddr *)&a, 1000));
	show(bind(fd, bad_pointer(), sizeof(a)));
	a.sun_family = AF_INET;
	show(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	show(bind_to(fd, "s"));
	show(bind_to(fd, "t"));
	show(bind_to(0, "u"));
	show(bind_to(-1, "u"));
}

TEST(connect_errors)
{
	struct sockaddr_un a = { .sun_family = AF_INET };
	int fd = make(SOCK_STREAM);

	put_file("file", "");
	must(bind_to(make(SOCK_STREAM), "unheard"));
	listener("packets", SOCK_SEQPACKET);
	show(connect_to(fd, "nothing"));
	show(connect_to(fd, "file"));
	show(connect_to(fd, "unheard"));
	show(connect_to(fd, "packets"));
	show(connect(fd, (struct sockaddr *)&a, sizeof(a)));
	show(connect(fd, bad_pointer(), sizeof(a)));
	show(connect_to(0, "unheard"));
	show(connect_to(-1, "unheard"));
}

TEST(refused_after_close)
{
	int l = listener("s", SOCK_STREAM), c;

	close(l);
	show(connect_to(make(SOCK_STREAM), "s"));
	must(unlink("s"));
	show(connect_to(make(SOCK_STREAM), "s"));
	l = listener("s", SOCK_STREAM);
	must(unlink("s"));
	show(connect_to(make(SOCK_STREAM), "s"));
	l = listener("s", SOCK_STREAM);
	c = make(SOCK_STREAM);
	must(connect_to(c, "s"));
	close(l);
	fact(poll_now(c, POLLIN) & POLLHUP);
	fact(read(c, &l, 1) <= 0);
}

TEST(listen_and_accept_errors)
{
	int fd = make(SOCK_STREAM), d = make(SOCK_DGRAM), l;

	show(listen(fd, 5));
	show(accept(fd, NULL, NULL));
	show(listen(d, 5));
	show(accept(d, NULL, NULL));
	show(listen(0, 5));
	show(accept(0, NULL, NULL));
	show(accept(-1, NULL, NULL));
	l = listener("s", SOCK_STREAM | SOCK_NONBLOCK);
	show(accept(l, NULL, NULL));
	show(accept4(l, NULL, NULL, 0x1));
	show(read(l, &fd, 1));
	show(send(l, "x", 1, 0));
}

TEST(accept4_flags)
{
	int l = listener("s", SOCK_STREAM), a;

	must(connect_to(make(SOCK_STREAM), "s"));
	must(connect_to(make(SOCK_STREAM), "s"));
	a = must(accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
	num(fcntl(a, F_GETFD));
	fact(fcntl(a, F_GETFL) & O_NONBLOCK);
	a = must(accept(l, NULL, NULL));
	num(fcntl(a, F_GETFD));
	fact(fcntl(a, F_GETFL) & O_NONBLOCK);
}

TEST(backlog_full)
{
	int l = make(SOCK_STREAM), n = 0, c, err = 0;

	must(bind_to(l, "s"));
	must(listen(l, 2));
	for (int i = 0; i < 20; i++) {
		c = make(SOCK_STREAM | SOCK_NONBLOCK);
		if (connect_to(c, "s") == 0)
			n++;
		else
			err = errno;
	}
	num(n);
	say("%s", err_name(err));
	must(accept(l, NULL, NULL));
	show(connect_to(make(SOCK_STREAM | SOCK_NONBLOCK), "s"));
}

TEST(accept_blocks)
{
	int l = listener("s", SOCK_STREAM);
	pid_t pid = fork();

	if (pid == 0) {
		sleep_ms(50);
		_exit(connect_to(make(SOCK_STREAM), "s") < 0);
	}
	show_ok(accept(l, NULL, NULL));
	show_exit("child", pid);
	ticks_start(0);
	show(accept(l, NULL, NULL));
	ticks_stop();
}

TEST(names_of_both_ends)
{
	struct sockaddr_un a;
	socklen_t n = sizeof(a);
	int l = listener("srv", SOCK_STREAM), c = make(SOCK_STREAM), s;

	must(connect_to(c, "srv"));
	s = must(accept(l, (struct sockaddr *)&a, &n));
	num(n);
	n = sizeof(a);
	must(getpeername(c, (struct sockaddr *)&a, &n));
	say("%d %s", n, a.sun_path);
	n = sizeof(a);
	must(getsockname(s, (struct sockaddr *)&a, &n));
	say("%d %s", n, a.sun_path);
	n = sizeof(a);
	must(getsockname(c, (struct sockaddr *)&a, &n));
	num(n);
	n = 4;
	must(getsockname(s, (struct sockaddr *)&a, &n));
	num(n);
	show(getpeername(l, (struct sockaddr *)&a, &n));
	show(getsockname(0, (struct sockaddr *)&a, &n));
	n = -1;
	show(getsockname(s, (struct sockaddr *)&a, &n));
	n = 20;
	show(getsockname(s, bad_pointer(), &n));
}

TEST(shutdown_directions)
{
	char c;
	int s[2];

	signal(SIGPIPE, SIG_IGN);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	must(write(s[1], "x", 1));
	show(shutdown(s[0], SHUT_WR));
	show(write(s[0], "x", 1));
	show(read(s[1], &c, 1));
	show(read(s[0], &c, 1));
	show(write(s[1], "y", 1));
	show(shutdown(s[0], SHUT_RD));
	show(read(s[0], &c, 1));
	show(read(s[0], &c, 1));
	show(write(s[1], "z", 1));
	show(shutdown(s[0], 3));
	show(shutdown(make(SOCK_STREAM), SHUT_RDWR));
	show(shutdown(0, SHUT_RD));
}

TEST(poll_after_shutdown)
{
	int s[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	num(poll_now(s[0], POLLIN | POLLOUT));
	must(shutdown(s[1], SHUT_WR));
	num(poll_now(s[0], POLLIN | POLLOUT | POLLRDHUP));
	close(s[1]);
	num(poll_now(s[0], POLLIN | POLLOUT | POLLRDHUP));
	num(poll_now(make(SOCK_STREAM), POLLIN | POLLOUT));
	num(poll_now(make(SOCK_DGRAM), POLLIN | POLLOUT));
}

TEST(sigpipe_and_nosignal)
{
	int s[2];

	on_signal(SIGPIPE, count_signal, 0);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	close(s[1]);
	show(send(s[0], "x", 1, MSG_NOSIGNAL));
	num(signal_count);
	show(send(s[0], "x", 1, 0));
	num(signal_count);
	show(write(s[0], "x", 1));
	num(signal_count);
}

TEST(reset_when_data_unread)
{
	char c;
	int s[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	must(write(s[0], "unread", 6));
	close(s[1]);
	show(read(s[0], &c, 1));
	show(read(s[0], &c, 1));
}

TEST(stream_sendto)
{
	struct sockaddr_un a;
	socklen_t n = name_to(&a, "nothing");
	int s[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	show(sendto(s[0], "x", 1, 0, (struct sockaddr *)&a, n));
	show(send(make(SOCK_STREAM), "x", 1, MSG_NOSIGNAL));
	show(recv(make(SOCK_STREAM), &a, 1, 0));
	show(send(0, "x", 1, 0));
	show(recv(-1, &a, 1, 0));
}

TEST(options)
{
	struct ucred uc;
	int s[2], v;
	socklen_t n = sizeof(v);

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	must(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &n));
	num(v);
	must(getsockopt(s[0], SOL_SOCKET, SO_DOMAIN, &v, &n));
	num(v);
	must(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &v, &n));
	num(v);
	must(getsockopt(s[0], SOL_SOCKET, SO_ACCEPTCONN, &v, &n));
	num(v);
	n = sizeof(uc);
	show(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &uc, &n));
	fact(uc.pid == getpid() && uc.uid == geteuid() && uc.gid == getegid());
	v = 8192;
	show(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	n = sizeof(v);
	must(getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, &n));
	num(v);
	show(getsockopt(s[0], SOL_SOCKET, 9999, &v, &n));
	show(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, 1));
	show(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, bad_pointer(), 4));
	show(getsockopt(s[0], SOL_SOCKET, SO_TYPE, bad_pointer(), &n));
	show(getsockopt(0, SOL_SOCKET, SO_TYPE, &v, &n));
	n = 2;
	show(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &n));
	num(n);
}

TEST(peer_credentials_of_listener)
{
	struct ucred uc;
	socklen_t n = sizeof(uc);
	int l = listener("s", SOCK_STREAM), a;
	pid_t pid = fork();

	if (pid == 0) {
		int c = make(SOCK_STREAM);

		must(connect_to(c, "s"));
		must(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &uc, &n));
		must(read(c, &n, 1) == 0 ? 0 : -1);
		_exit(uc.pid == getppid() ? 5 : 6);
	}
	a = must(accept(l, NULL, NULL));
	must(getsockopt(a, SOL_SOCKET, SO_PEERCRED, &uc, &n));
	fact(uc.pid == pid);
	sleep_ms(50);
	close(a);
	show_exit("child", pid);
}

TEST(receive_timeout)
{
	struct timeval t = { 0, 40000 };
	long long start = now_ms();
	char c;
	int s[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	show(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	show(read(s[0], &c, 1));
	fact(now_ms() - start >= 39);
}

TEST(send_blocks_and_timeout)
{
	static char buf[1 << 20];
	struct timeval t = { 0, 40000 };
	int s[2];
	ssize_t n;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	must(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)));
	n = send(s[0], buf, sizeof(buf), 0);
	fact(n > 0 && n < (ssize_t)sizeof(buf));
	show(send(s[0], buf, 1000, 0));
	fact(poll_now(s[0], POLLOUT) & POLLOUT);
}

TEST(ioctl_counts)
{
	int s[2], n = -1;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	must(write(s[0], "12345", 5));
	show(ioctl(s[1], FIONREAD, &n));
	num(n);
	show(ioctl(s[0], FIONREAD, &n));
	num(n);
	n = 1;
	show(ioctl(s[0], FIONBIO, &n));
	show(read(s[0], &n, 1));
}

TEST(read_and_write_on_sockets)
{
	struct stat st;
	int s[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	must(fstat(s[0], &st));
	fact(S_ISSOCK(st.st_mode));
	show(lseek(s[0], 0, SEEK_CUR));
	show(pread(s[0], &st, 1, 0));
	show(ftruncate(s[0], 0));
	show(fsync(s[0]));
	show(write(s[0], bad_pointer(), 1));
	must(write(s[1], "x", 1));
	show(read(s[0], bad_pointer(), 1));
	show(read(s[0], &st, 0));
}

TEST(large_stream_through_fork)
{
	static char buf[100000];
	long total = 0, n;
	int s[2];
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid = fork();
	if (pid == 0) {
		close(s[0]);
		for (int i = 0; i < 20; i++)
			must(write(s[1], buf, sizeof(buf)));
		_exit(0);
	}
	close(s[1]);
	while ((n = read(s[0], buf, 7777)) > 0)
		total += n;
	num(total);
	show_exit("child", pid);
}

TEST(inet_basics)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		skip("no AF_INET: %s", err_name(errno));
	show(listen(fd, 1));
	close(fd);
	show_ok(socket(AF_INET, SOCK_DGRAM, 6));
	show_ok(socket(AF_INET, 77, 0));
}
