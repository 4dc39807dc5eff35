/* SPDX-License-Identifier: MIT */
/* TCP over the loopback: how connections end, flags of sending and receiving,
 * urgent data, limits. */
#include "inet_help.h"

#include <sys/epoll.h>
#include <sys/uio.h>
#include <linux/sockios.h>

static void want_sigpipe(void)
{
	on_signal(SIGPIPE, count_signal, 0);
}

TEST(orderly_end)
{
	char b[4];
	int s[2];

	tcp_pair(AF_INET, s);
	num(poll_now(s[0], EVERY_EVENT));
	must(write(s[0], "ab", 2));
	show(shutdown(s[0], SHUT_WR));
	num(wait_for(s[1], POLLRDHUP));
	num(poll_now(s[1], EVERY_EVENT));
	show(read(s[1], b, 4));
	show(read(s[1], b, 4));
	show(write(s[1], "xy", 2));
	show(read(s[0], b, 4));
	close(s[1]);
	wait_for(s[0], POLLRDHUP);
	num(poll_now(s[0], EVERY_EVENT));
	show(read(s[0], b, 4));
	show(shutdown(s[0], SHUT_RD));
}

TEST(write_after_own_shutdown)
{
	int s[2];

	want_sigpipe();
	tcp_pair(AF_INET, s);
	must(shutdown(s[0], SHUT_WR));
	show(write(s[0], "x", 1));
	num(signal_count);
	show(send(s[0], "x", 1, MSG_NOSIGNAL));
	num(signal_count);
	num(poll_now(s[0], EVERY_EVENT));
}

TEST(write_to_closed_peer)
{
	char b;
	int s[2];

	want_sigpipe();
	tcp_pair(AF_INET, s);
	close(s[1]);
	wait_for(s[0], POLLRDHUP);
	num(poll_now(s[0], EVERY_EVENT));
	show(write(s[0], "x", 1));
	wait_for(s[0], POLLHUP);
	num(poll_now(s[0], EVERY_EVENT));
	show(read(s[0], &b, 1));
	show(write(s[0], "x", 1));
	num(signal_count);
	show(write(s[0], "x", 1));
	num(get_int(s[0], SOL_SOCKET, SO_ERROR));
}

TEST(close_with_unread_data)
{
	char b[4];
	int s[2];

	want_sigpipe();
	tcp_pair(AF_INET, s);
	must(write(s[0], "lost", 4));
	must(write(s[1], "kept", 4));
	wait_for(s[1], POLLIN);
	close(s[1]);
	wait_for(s[0], POLLHUP);
	num(poll_now(s[0], EVERY_EVENT));
	show(read(s[0], b, 4));
	show(read(s[0], b, 4));
	show(read(s[0], b, 4));
	show(write(s[0], "x", 1));
	num(signal_count);
}

TEST(reset_is_told_to_writers)
{
	int s[2];

	want_sigpipe();
	tcp_pair(AF_INET, s);
	must(write(s[0], "lost", 4));
	wait_for(s[1], POLLIN);
	close(s[1]);
	wait_for(s[0], POLLHUP);
	show(write(s[0], "x", 1));
	num(signal_count);
	show(write(s[0], "x", 1));
	num(signal_count);
}

TEST(linger_zero)
{
	struct linger l = { 1, 0 };
	socklen_t n = sizeof(l);
	char b;
	int s[2];

	tcp_pair(AF_INET, s);
	show(setsockopt(s[1], SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	close(s[1]);
	wait_for(s[0], POLLHUP);
	num(get_int(s[0], SOL_SOCKET, SO_ERROR));
	show(read(s[0], &b, 1));
	l.l_linger = 7;
	must(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	l.l_linger = l.l_onoff = 0;
	show(getsockopt(s[0], SOL_SOCKET, SO_LINGER, &l, &n));
	num(l.l_onoff);
	num(l.l_linger);
	show(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &l, 4));
}

TEST(shutdown_reading)
{
	char b[8];
	int s[2];

	tcp_pair(AF_INET, s);
	show(shutdown(s[0], SHUT_RD));
	num(poll_now(s[0], EVERY_EVENT));
	show(read(s[0], b, 8));
	show(write(s[1], "late", 4));
	wait_for(s[0], POLLIN);
	show(read(s[0], b, 8));
	show(read(s[0], b, 8));
	show(write(s[0], "x", 1));
	show(read(s[1], b, 8));
}

TEST(shutdown_both_then_data)
{
	char b[8];
	int s[2];

	tcp_pair(AF_INET, s);
	show(shutdown(s[0], SHUT_RDWR));
	num(poll_now(s[0], EVERY_EVENT));
	show(read(s[1], b, 8));
	show(write(s[1], "late", 4));
	wait_for(s[1], POLLHUP);
	num(poll_now(s[1], EVERY_EVENT));
	show(shutdown(s[0], SHUT_RDWR));
}

TEST(shutdown_errors)
{
	int s[2], c = tcp(AF_INET);

	tcp_pair(AF_INET, s);
	show(shutdown(s[0], 3));
	show(shutdown(s[0], -1));
	show(shutdown(c, SHUT_RD));
	show(shutdown(c, SHUT_RDWR));
}

TEST(not_connected)
{
	char b;
	int c = tcp(AF_INET);

	want_sigpipe();
	show(read(c, &b, 1));
	show(write(c, "x", 1));
	num(signal_count);
	show(send_to(c, "x", name4("127.0.0.1", 9)));
	num(signal_count);
	num(poll_now(c, EVERY_EVENT));
	must(listen(c, 1));
	show(read(c, &b, 1));
	show(write(c, "x", 1));
}

TEST(address_of_connected_is_ignored)
{
	struct name n = { .len = sizeof(n.a) };
	char b[4];
	int s[2];

	tcp_pair(AF_INET, s);
	show(send_to(s[0], "ab", name4("127.0.0.1", 9)));
	show(recvfrom(s[1], b, 4, 0, (struct sockaddr *)&n.a, &n.len));
	num(n.len);
}

TEST(peek_and_wait)
{
	char b[8] = "";
	int s[2];

	tcp_pair(AF_INET, s);
	must(write(s[0], "abc", 3));
	must(write(s[0], "def", 3));
	wait_for(s[1], POLLIN);
	sleep_ms(20);
	show(recv(s[1], b, 2, MSG_PEEK));
	show(recv(s[1], b, 8, MSG_PEEK));
	show(recv(s[1], b, 6, MSG_WAITALL));
	say("%s", b);
	show(recv(s[1], b, 8, MSG_DONTWAIT));
	must(write(s[0], "gh", 2));
	must(shutdown(s[0], SHUT_WR));
	show(recv(s[1], b, 8, MSG_WAITALL));
}

TEST(truncate_drops)
{
	char b[8] = "";
	int s[2];

	tcp_pair(AF_INET, s);
	must(write(s[0], "abcdef", 6));
	wait_for(s[1], POLLIN);
	show(recv(s[1], NULL, 4, MSG_TRUNC));
	show(recv(s[1], b, 8, 0));
	say("%s", b);
	show(recv(s[1], b, 8, MSG_ERRQUEUE));
}

static int write_late(void *arg)
{
	int *s = arg;

	sleep_ms(30);
	must(write(s[0], "abc", 3));
	sleep_ms(30);
	must(write(s[0], "def", 3));
	return 0;
}

TEST(sleeping_readers)
{
	char b[8];
	int s[2];
	pid_t p;

	tcp_pair(AF_INET, s);
	p = spawn(write_late, s);
	show(recv(s[1], b, 6, MSG_WAITALL));
	show_exit("child", p);
	must(set_int(s[1], SOL_SOCKET, SO_RCVLOWAT, 5));
	must(write(s[0], "abc", 3));
	sleep_ms(20);
	num(poll_now(s[1], POLLIN));
	must(write(s[0], "de", 2));
	num(wait_for(s[1], POLLIN));
	show(read(s[1], b, 8));
}

TEST(timeouts)
{
	struct timeval t = { 0, 30000 };
	static char big[1 << 20];
	char b;
	int s[2];

	tcp_pair(AF_INET, s);
	must(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	must(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)));
	show(read(s[0], &b, 1));
	must(set_int(s[0], SOL_SOCKET, SO_SNDBUF, 8192));
	must(set_int(s[1], SOL_SOCKET, SO_RCVBUF, 8192));
	while (write(s[0], big, sizeof(big)) > 0)
		;
	say("%s", err_name(errno));
	fact(!(poll_now(s[0], POLLOUT)));
}

TEST(full_buffer_and_room)
{
	static char big[1 << 16];
	long sent = 0, got = 0, n;
	int s[2];

	tcp_pair(AF_INET, s);
	must(fcntl(s[0], F_SETFL, O_NONBLOCK));
	must(fcntl(s[1], F_SETFL, O_NONBLOCK));
	while ((n = write(s[0], big, sizeof(big))) > 0)
		sent += n;
	say("%s", err_name(errno));
	fact(sent > 65536);
	while (got < sent && wait_for(s[1], POLLIN)) {
		n = read(s[1], big, sizeof(big));
		if (n > 0)
			got += n;
	}
	fact(got == sent);
	num(wait_for(s[0], POLLOUT));
}

TEST(interrupted_reader)
{
	char b;
	int s[2];

	tcp_pair(AF_INET, s);
	ticks_start(0);
	show(read(s[0], &b, 1));
	ticks_stop();
}

TEST(counts_of_bytes)
{
	int s[2], n = -1;

	tcp_pair(AF_INET, s);
	must(write(s[0], "abc", 3));
	must(write(s[0], "def", 3));
	wait_for(s[1], POLLIN);
	sleep_ms(20);
	show(ioctl(s[1], FIONREAD, &n));
	num(n);
	show(ioctl(s[0], SIOCOUTQ, &n));
	num(n);
	show(ioctl(listener(AF_INET, 1), FIONREAD, &n));
}

TEST(urgent_byte)
{
	char b[8] = "";
	int s[2], at = -1, n = -1;

	tcp_pair(AF_INET, s);
	show(recv(s[1], b, 1, MSG_OOB));
	must(write(s[0], "ab", 2));
	show(send(s[0], "cd!", 3, MSG_OOB));
	must(write(s[0], "ef", 2));
	wait_for(s[1], POLLPRI);
	sleep_ms(20);
	num(poll_now(s[1], EVERY_EVENT));
	show(ioctl(s[1], FIONREAD, &n));
	num(n);
	show(recv(s[1], b, 8, MSG_OOB | MSG_PEEK));
	show(recv(s[1], b, 8, MSG_OOB));
	num(b[0]);
	show(recv(s[1], b, 8, MSG_OOB));
	num(poll_now(s[1], EVERY_EVENT));
	must(ioctl(s[1], SIOCATMARK, &at));
	num(at);
	show(read(s[1], b, 8));
	must(ioctl(s[1], SIOCATMARK, &at));
	num(at);
	show(read(s[1], b, 8));
	say("%.2s", b);
	must(ioctl(s[1], SIOCATMARK, &at));
	num(at);
	show(recv(s[1], b, 8, MSG_OOB));
}

TEST(urgent_byte_in_line)
{
	char b[8] = "";
	int s[2], at = -1;

	tcp_pair(AF_INET, s);
	must(set_int(s[1], SOL_SOCKET, SO_OOBINLINE, 1));
	must(write(s[0], "ab", 2));
	must(send(s[0], "!", 1, MSG_OOB));
	must(write(s[0], "cd", 2));
	wait_for(s[1], POLLPRI);
	sleep_ms(20);
	show(recv(s[1], b, 8, MSG_OOB));
	show(read(s[1], b, 8));
	must(ioctl(s[1], SIOCATMARK, &at));
	num(at);
	show(read(s[1], b, 8));
	say("%.3s", b);
}

TEST(two_urgent_bytes)
{
	char b[8] = "";
	int s[2];

	tcp_pair(AF_INET, s);
	must(write(s[0], "a", 1));
	must(send(s[0], "1", 1, MSG_OOB));
	must(write(s[0], "b", 1));
	must(send(s[0], "2", 1, MSG_OOB));
	must(write(s[0], "c", 1));
	wait_for(s[1], POLLPRI);
	sleep_ms(20);
	show(recv(s[1], b, 8, MSG_OOB));
	num(b[0]);
	show(read(s[1], b, 8));
	say("%.3s", b);
	show(read(s[1], b, 8));
}

TEST(urgent_signal)
{
	int s[2];

	on_signal(SIGURG, count_signal, 0);
	tcp_pair(AF_INET, s);
	must(send(s[0], "1", 1, MSG_OOB));
	sleep_ms(20);
	num(signal_count);
	must(fcntl(s[1], F_SETOWN, getpid()));
	must(send(s[0], "2", 1, MSG_OOB));
	for (int i = 0; i < 100 && !signal_count; i++)
		sleep_ms(10);
	num(signal_count);
	num(signal_last == SIGURG);
}

TEST(vectors)
{
	struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
	char x[4] = "", y[4] = "";
	struct iovec in[2] = { { x, 3 }, { y, 3 } };
	struct msghdr h = { .msg_iov = in, .msg_iovlen = 2 };
	int s[2];

	tcp_pair(AF_INET, s);
	show(writev(s[0], out, 3));
	show(recvmsg(s[1], &h, 0));
	say("%s %s", x, y);
	num(h.msg_flags);
	num(h.msg_namelen);
}

TEST(edge_triggered)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	int s[2], ep = must(epoll_create1(0));
	char b[4];

	tcp_pair(AF_INET, s);
	must(epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &e));
	show(epoll_wait(ep, &e, 1, 0));
	must(write(s[0], "a", 1));
	show(epoll_wait(ep, &e, 1, 5000));
	num(e.events);
	show(epoll_wait(ep, &e, 1, 0));
	must(write(s[0], "b", 1));
	show(epoll_wait(ep, &e, 1, 5000));
	show(read(s[1], b, 4));
	must(shutdown(s[0], SHUT_WR));
	show(epoll_wait(ep, &e, 1, 5000));
	num(e.events);
}

static int exchange(void *arg)
{
	static char b[100000];
	int fd = *(int *)arg;
	long n, sum = 0;

	while ((n = read(fd, b, sizeof(b))) > 0)
		for (long i = 0; i < n; i++)
			sum += (unsigned char)b[i];
	return must(write(fd, &sum, sizeof(sum))) != sizeof(sum);
}

TEST(megabytes)
{
	static unsigned char b[33333];
	long sum = 0, got = 0, sent = 0;
	int s[2];
	pid_t p;

	tcp_pair(AF_INET6, s);
	p = spawn(exchange, &s[1]);
	for (int i = 0; i < 300; i++) {
		for (size_t k = 0; k < sizeof(b); k++)
			sum += b[k] = (k * 7 + i) % 251;
		sent += must(write(s[0], b, sizeof(b)));
	}
	num(sent);
	must(shutdown(s[0], SHUT_WR));
	show(read(s[0], &got, sizeof(got)));
	fact(got == sum);
	show_exit("child", p);
}
