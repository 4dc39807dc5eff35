/* SPDX-License-Identifier: MIT */
/*
 * sendmsg() and recvmsg(): vectors, flags, descriptors and credentials that
 * travel in messages, several messages per call.
 */
#include "harness.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

/* Send one byte with n descriptors. */
static int send_fds(int sock, const int *fds, int n)
{
	char control[CMSG_SPACE(sizeof(int) * 300)] = { 0 };
	struct iovec v = { "f", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = CMSG_SPACE(sizeof(int) * n) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	return sendmsg(sock, &m, 0);
}

/* Receive up to room descriptors; returns how many came, or -1. */
static int recv_fds(int sock, int *fds, int room, int flags, int *got_flags)
{
	char control[CMSG_SPACE(sizeof(int) * 300)] = { 0 }, data[16];
	struct iovec v = { data, sizeof(data) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = CMSG_LEN(sizeof(int) * room) };
	struct cmsghdr *c;
	int n;

	if (recvmsg(sock, &m, flags) < 0)
		return -1;
	*got_flags = m.msg_flags;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(c), sizeof(int) * n);
	return n;
}

static void pair(int type, int s[2])
{
	must(socketpair(AF_UNIX, type, 0, s));
}

TEST(vectors)
{
	char a[4] = "", b[8] = "";
	struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cdef", 4 } };
	struct iovec in[2] = { { a, 3 }, { b, 8 } };
	struct msghdr m = { .msg_iov = out, .msg_iovlen = 3 };
	int s[2];

	pair(SOCK_STREAM, s);
	show(sendmsg(s[0], &m, 0));
	m.msg_iov = in;
	m.msg_iovlen = 2;
	m.msg_flags = 77;
	show(recvmsg(s[1], &m, 0));
	say("%s %s", a, b);
	num(m.msg_flags);
	num(m.msg_controllen);
}

TEST(peek)
{
	char buf[8] = "";
	int s[2];

	pair(SOCK_STREAM, s);
	must(write(s[0], "hello", 5));
	show(recv(s[1], buf, 3, MSG_PEEK));
	show(recv(s[1], buf, 8, MSG_PEEK));
	show(recv(s[1], buf, 8, 0));
	show(recv(s[1], buf, 8, MSG_PEEK | MSG_DONTWAIT));
	pair(SOCK_DGRAM, s);
	must(write(s[0], "hello", 5));
	show(recv(s[1], buf, 3, MSG_PEEK));
	show(recv(s[1], buf, 8, 0));
}

TEST(truncated_datagram)
{
	char buf[8];
	struct iovec v = { buf, 3 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int s[2];

	pair(SOCK_DGRAM, s);
	must(write(s[0], "hello", 5));
	must(write(s[0], "hello", 5));
	show(recv(s[1], buf, 3, MSG_TRUNC));
	show(recvmsg(s[1], &m, 0));
	fact(m.msg_flags & MSG_TRUNC);
}

TEST(dont_wait)
{
	char c;
	int s[2];

	pair(SOCK_STREAM, s);
	show(recv(s[0], &c, 1, MSG_DONTWAIT));
	show(recv(s[0], &c, 0, MSG_DONTWAIT));
	close(s[1]);
	show(recv(s[0], &c, 1, MSG_DONTWAIT));
}

TEST(wait_all)
{
	char buf[16] = "";
	int s[2];
	pid_t pid;

	pair(SOCK_STREAM, s);
	pid = fork();
	if (pid == 0) {
		must(write(s[0], "12", 2));
		sleep_ms(30);
		must(write(s[0], "345", 3));
		sleep_ms(30);
		must(write(s[0], "6789", 4));
		_exit(0);
	}
	close(s[0]);
	show(recv(s[1], buf, 7, MSG_WAITALL));
	say("%s", buf);
	show(recv(s[1], buf, 16, MSG_WAITALL));
	show_exit("child", pid);
}

TEST(receive_interrupted)
{
	char c;
	int s[2];

	pair(SOCK_STREAM, s);
	ticks_start(0);
	show(recv(s[0], &c, 1, 0));
	ticks_stop();
}

TEST(pass_descriptor)
{
	int s[2], p[2], fd, flags;
	char c;

	pair(SOCK_STREAM, s);
	must(pipe(p));
	show(send_fds(s[0], &p[1], 1));
	close(p[1]);
	show(recv_fds(s[1], &fd, 1, 0, &flags));
	num(flags);
	num(fcntl(fd, F_GETFD));
	show(write(fd, "x", 1));
	close(fd);
	show(read(p[0], &c, 1));
	show(read(p[0], &c, 1));
}

TEST(pass_several)
{
	int s[2], p[4], got[4], flags;

	pair(SOCK_DGRAM, s);
	must(pipe(p));
	must(pipe(p + 2));
	show(send_fds(s[0], p, 4));
	show(recv_fds(s[1], got, 4, MSG_CMSG_CLOEXEC, &flags));
	fact(flags & MSG_CMSG_CLOEXEC);
	for (int i = 0; i < 4; i++)
		num(fcntl(got[i], F_GETFD));
	show(write(got[3], "x", 1));
	show(read(p[2], p, 1));
}

TEST(pass_with_little_room)
{
	int s[2], fds[3] = { 1, 1, 1 }, got[3], flags;
	char c;

	pair(SOCK_STREAM, s);
	must(send_fds(s[0], fds, 3));
	show(recv_fds(s[1], got, 1, 0, &flags));
	fact(flags & MSG_CTRUNC);
	must(send_fds(s[0], fds, 3));
	show(read(s[1], &c, 1));
	fact(dup(0) == got[0] + 1);
}

TEST(pass_errors)
{
	int s[2], fds[300];

	pair(SOCK_STREAM, s);
	fds[0] = 99;
	show(send_fds(s[0], fds, 1));
	for (int i = 0; i < 300; i++)
		fds[i] = 1;
	show(send_fds(s[0], fds, 254));
	show(send_fds(s[0], fds, 253));
}

TEST(pass_to_other_process)
{
	int s[2], fd, flags;
	pid_t pid;

	pair(SOCK_STREAM, s);
	pid = fork();
	if (pid == 0) {
		must(mkdir("d", 0700));
		fd = must(open("d/secret", O_CREAT | O_RDWR, 0600));
		must(write(fd, "passed on", 9));
		must(send_fds(s[1], &fd, 1));
		_exit(0);
	}
	must(recv_fds(s[0], &fd, 1, 0, &flags) == 1 ? 0 : -1);
	show_exit("child", pid);
	show(lseek(fd, 0, SEEK_CUR));
	show(pread(fd, (char[16]){ 0 }, 16, 0));
}

TEST(pass_socket_in_itself)
{
	int s[2], got, flags;

	pair(SOCK_STREAM, s);
	show(send_fds(s[0], &s[1], 1));
	show(recv_fds(s[1], &got, 1, 0, &flags));
	must(write(s[0], "hi", 2));
	show(read(got, (char[4]){ 0 }, 4));
}

TEST(descriptors_in_flight_closed)
{
	int s[2], p[2];
	char c;

	pair(SOCK_STREAM, s);
	must(pipe(p));
	must(send_fds(s[0], &p[1], 1));
	close(p[1]);
	close(s[0]);
	close(s[1]);
	show(read(p[0], &c, 1));
}

TEST(rights_split_stream_reads)
{
	int s[2], fd = 1, got, flags;

	pair(SOCK_STREAM, s);
	must(write(s[0], "aaa", 3));
	must(send_fds(s[0], &fd, 1));
	must(write(s[0], "bbb", 3));
	/* A read does not run past a message with descriptors. */
	show(recv_fds(s[1], &got, 1, 0, &flags));
	show(recv_fds(s[1], &got, 1, MSG_DONTWAIT, &flags));
}

TEST(credentials)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] = { 0 }, c;
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct ucred uc;
	int s[2], on = 1;
	pid_t pid;

	pair(SOCK_STREAM, s);
	must(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	pid = fork();
	if (pid == 0)
		_exit(write(s[1], "x", 1) != 1);
	show(recvmsg(s[0], &m, 0));
	fact(CMSG_FIRSTHDR(&m)->cmsg_type == SCM_CREDENTIALS);
	memcpy(&uc, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(uc));
	fact(uc.pid == pid && uc.uid == getuid() && uc.gid == getgid());
	show_exit("child", pid);
}

TEST(credentials_false)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] = { 0 };
	struct ucred uc = { 1, getuid(), getgid() };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int s[2];

	pair(SOCK_STREAM, s);
	if (geteuid() == 0) {
		must(setresgid(65534, 65534, 65534));
		must(setresuid(65534, 65534, 65534));
	}
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(uc));
	uc.pid = getpid();
	uc.uid = getuid() + 1;
	uc.gid = getgid();
	memcpy(CMSG_DATA(c), &uc, sizeof(uc));
	show(sendmsg(s[0], &m, 0));
	uc.uid = getuid();
	memcpy(CMSG_DATA(c), &uc, sizeof(uc));
	show(sendmsg(s[0], &m, 0));
}

TEST(message_errors)
{
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int s[2];

	pair(SOCK_STREAM, s);
	show(sendmsg(s[0], bad_pointer(), 0));
	show(sendmsg(0, &m, 0));
	m.msg_iov = bad_pointer();
	show(sendmsg(s[0], &m, 0));
	m.msg_iov = &v;
	m.msg_iovlen = 2000;
	show(sendmsg(s[0], &m, 0));
	m.msg_iovlen = 1;
	v.iov_base = bad_pointer();
	show(sendmsg(s[0], &m, 0));
	m.msg_control = bad_pointer();
	m.msg_controllen = 32;
	v.iov_base = "x";
	show(sendmsg(s[0], &m, 0));
	show(recvmsg(s[0], bad_pointer(), 0));
}

TEST(dgram_too_large)
{
	char *big = calloc(1, 4 << 20);
	int s[2];

	pair(SOCK_DGRAM, s);
	show(send(s[0], big, 4 << 20, 0));
	show(send(s[0], big, 60000, 0));
	show(recv(s[1], big, 4 << 20, 0));
}

TEST(dgram_queue_full)
{
	int s[2], n = 0;

	pair(SOCK_DGRAM, s);
	while (n < 10000 && send(s[0], "x", 1, MSG_DONTWAIT) == 1)
		n++;
	fact(n > 0 && n < 10000);
	say("%s", err_name(errno));
	must(read(s[1], &n, 1));
	show(send(s[0], "x", 1, MSG_DONTWAIT));
}

TEST(sendmmsg_recvmmsg)
{
	struct iovec out[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } }, in[4];
	struct mmsghdr m[4] = { 0 };
	char buf[4][8];
	int s[2];

	pair(SOCK_DGRAM, s);
	for (int i = 0; i < 3; i++) {
		m[i].msg_hdr.msg_iov = &out[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	show(sendmmsg(s[0], m, 3, 0));
	num(m[2].msg_len);
	for (int i = 0; i < 4; i++) {
		in[i] = (struct iovec){ buf[i], 8 };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &in[i],
						.msg_iovlen = 1 };
	}
	show(recvmmsg(s[1], m, 4, MSG_DONTWAIT, NULL));
	say("%d %d %d", m[0].msg_len, m[1].msg_len, m[2].msg_len);
	show(recvmmsg(s[1], m, 4, MSG_DONTWAIT, NULL));
	must(write(s[0], "z", 1));
	show(recvmmsg(s[1], m, 4, MSG_WAITFORONE, NULL));
}

TEST(epoll_on_listener)
{
	struct sockaddr_un a = { AF_UNIX, "s" };
	struct epoll_event e = { .events = EPOLLIN };
	int l = must(socket(AF_UNIX, SOCK_STREAM, 0)), c;
	int ep = must(epoll_create1(0));

	must(bind(l, (struct sockaddr *)&a, sizeof(a)));
	must(listen(l, 5));
	must(epoll_ctl(ep, EPOLL_CTL_ADD, l, &e));
	show(epoll_wait(ep, &e, 1, 0));
	c = must(socket(AF_UNIX, SOCK_STREAM, 0));
	must(connect(c, (struct sockaddr *)&a, sizeof(a)));
	show(epoll_wait(ep, &e, 1, 1000));
	num(e.events);
	must(accept(l, NULL, NULL));
	show(epoll_wait(ep, &e, 1, 0));
}

TEST(epoll_edge_on_stream)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int ep = must(epoll_create1(0)), s[2];

	pair(SOCK_STREAM, s);
	must(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e));
	show(epoll_wait(ep, &e, 1, 0));
	num(e.events);
	show(epoll_wait(ep, &e, 1, 0));
	must(write(s[1], "x", 1));
	show(epoll_wait(ep, &e, 1, 1000));
	num(e.events & EPOLLIN);
	show(epoll_wait(ep, &e, 1, 0));
	close(s[1]);
	show(epoll_wait(ep, &e, 1, 1000));
	fact((e.events & EPOLLHUP) && (e.events & EPOLLIN));
}

TEST(splice_and_sendfile_on_sockets)
{
	char buf[8] = "";
	int s[2], p[2];

	pair(SOCK_STREAM, s);
	must(pipe(p));
	must(write(p[1], "12345", 5));
	show(splice(p[0], NULL, s[0], NULL, 5, 0));
	show(read(s[1], buf, 8));
	must(write(s[1], "abc", 3));
	show(splice(s[0], NULL, p[1], NULL, 10, 0));
	show(read(p[0], buf, 8));
	say("%.3s", buf);
}
