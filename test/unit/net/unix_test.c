/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of AF_UNIX sockets as objects: bytes, records, names, files in
 * flight, ends. Calls do not block unless a test says so. Prints TAP.
 */
#include <linux/eventpoll.h>
#include "core/heap.h"
#include "core/timer.h"
#include "fs/fake.h"
#include "lib/string.h"
#include "net/unix.h"

static uint32_t nr_files;	/* open, of the tests' own kind */

uint64_t clock_mono_ns(void)
{
	return clock_real_ns();
}

/* --- helpers ------------------------------------------------------------------------*/
struct flat_data {
	struct sock_data d;
	uint8_t *at;
	size_t bad_after;	/* the program's memory ends here */
};

static size_t flat_move(struct flat_data *f, void *kernel, size_t n, bool in)
{
	n = MIN(n, f->bad_after);
	if (in)
		memcpy(f->at, kernel, n);
	else
		memcpy(kernel, f->at, n);
	f->at += n;
	f->bad_after -= n;
	f->d.left -= n;
	return n;
}

static size_t flat_in(struct sock_data *d, void *kernel, size_t n)
{
	return flat_move(container_of(d, struct flat_data, d), kernel, n,
			 true);
}

static size_t flat_out(struct sock_data *d, void *kernel, size_t n)
{
	return flat_move(container_of(d, struct flat_data, d), kernel, n,
			 false);
}

static ssize_t send_msg(struct sock *s, const void *buf, size_t n,
			struct sock_msg *m)
{
	struct flat_data f = { { n, flat_out }, (uint8_t *)buf, SIZE_MAX };

	m->data = &f.d;
	return s->ops->send(s, m);
}

static ssize_t recv_msg(struct sock *s, void *buf, size_t n,
			struct sock_msg *m)
{
	struct flat_data f = { { n, flat_in }, buf, SIZE_MAX };

	m->data = &f.d;
	return s->ops->recv(s, m);
}

static ssize_t send_str(struct sock *s, const char *text)
{
	struct sock_msg m = { .nonblock = true };

	return send_msg(s, text, strlen(text), &m);
}

/* True if the next receive of at most max bytes gives exactly want. */
static bool recv_is(struct sock *s, size_t max, uint32_t flags,
		    const char *want)
{
	struct sock_msg m = { .nonblock = true, .flags = flags };
	char buf[256];
	ssize_t n = recv_msg(s, buf, max, &m);

	return n == (ssize_t)strlen(want) && !memcmp(buf, want, (size_t)n);
}

static ssize_t recv_error(struct sock *s)
{
	struct sock_msg m = { .nonblock = true };
	char c;

	return recv_msg(s, &c, 1, &m);
}

static void make_pair(uint32_t type, struct sock *s[2])
{
	s[0] = unix_create(type);
	s[1] = unix_create(type);
	unix_pair(s[0], s[1]);
}

static void close_pair(struct sock *s[2])
{
	s[0]->ops->release(s[0]);
	s[1]->ops->release(s[1]);
}

/* --- streams ------------------------------------------------------------------------*/
static void stream_bytes(void)
{
	struct sock *s[2];

	make_pair(SOCK_STREAM, s);
	CHECK_EQ(recv_error(s[1]), -EAGAIN);
	CHECK_EQ(send_str(s[0], "hello "), 6);
	CHECK_EQ(send_str(s[0], "world"), 5);
	CHECK_EQ(unix_readable_bytes(s[1]), 11);
	CHECK(recv_is(s[1], 3, MSG_PEEK, "hel"));
	CHECK(recv_is(s[1], 100, MSG_PEEK, "hello world"));
	CHECK(recv_is(s[1], 8, 0, "hello wo"));
	CHECK(recv_is(s[1], 100, 0, "rld"));
	CHECK_EQ(recv_error(s[1]), -EAGAIN);
	CHECK_EQ(s[0]->wmem, 0);
	close_pair(s);
}

static void stream_ends(void)
{
	struct sock *s[2];

	make_pair(SOCK_STREAM, s);
	send_str(s[0], "x");
	CHECK_EQ(unix_shutdown(s[0], 1), 0);
	CHECK_EQ(send_str(s[0], "y"), -EPIPE);
	CHECK(recv_is(s[1], 1, 0, "x"));
	CHECK_EQ(recv_error(s[1]), 0);
	CHECK(unix_poll(s[1]) & EPOLLRDHUP);
	CHECK(!(unix_poll(s[1]) & EPOLLHUP));
	CHECK_EQ(send_str(s[1], "back"), 4);
	/* unread data: the peer is told of a reset */
	s[0]->ops->release(s[0]);
	CHECK(unix_poll(s[1]) & EPOLLHUP);
	CHECK_EQ(recv_error(s[1]), -ECONNRESET);
	CHECK_EQ(recv_error(s[1]), 0);
	CHECK_EQ(send_str(s[1], "z"), -EPIPE);
	s[1]->ops->release(s[1]);
}

static void stream_full(void)
{
	static char big[65536];
	struct sock_msg m = { .nonblock = true };
	struct sock *s[2];
	ssize_t n, sent = 0;

	make_pair(SOCK_STREAM, s);
	while ((n = send_msg(s[0], big, sizeof(big), &m)) > 0)
		sent += n;
	CHECK_EQ(n, -EAGAIN);
	CHECK(sent >= 150000 && sent < 300000);
	CHECK(!(unix_poll(s[0]) & EPOLLOUT));
	while ((n = recv_msg(s[1], big, sizeof(big), &m)) > 0)
		sent -= n;
	CHECK_EQ(sent, 0);
	CHECK(unix_poll(s[0]) & EPOLLOUT);
	close_pair(s);
}

static void stream_bad_memory(void)
{
	struct flat_data f = { { 100, flat_out }, (uint8_t *)"abcdefgh", 8 };
	struct sock_msg m = { .nonblock = true, .data = &f.d };
	struct sock *s[2];
	char buf[16];

	make_pair(SOCK_STREAM, s);
	CHECK_EQ(s[0]->ops->send(s[0], &m), -EFAULT);
	CHECK_EQ(recv_error(s[1]), -EAGAIN);
	send_str(s[0], "abc");
	f = (struct flat_data){ { 3, flat_in }, (uint8_t *)buf, 1 };
	CHECK_EQ(s[1]->ops->recv(s[1], &m), -EFAULT);
	CHECK(recv_is(s[1], 16, 0, "abc"));
	close_pair(s);
}

static void peek_offset(void)
{
	struct sock *s[2];

	make_pair(SOCK_STREAM, s);
	s[1]->peek_off = 0;
	send_str(s[0], "abc");
	send_str(s[0], "def");
	CHECK(recv_is(s[1], 2, MSG_PEEK, "ab"));
	CHECK(recv_is(s[1], 2, MSG_PEEK, "cd"));
	CHECK(recv_is(s[1], 1, 0, "a"));
	CHECK_EQ(s[1]->peek_off, 3);
	CHECK(recv_is(s[1], 9, MSG_PEEK, "ef"));
	close_pair(s);
}

/* --- records ------------------------------------------------------------------------*/
static void records(void)
{
	struct sock_msg m = { .nonblock = true };
	struct sock *s[2];
	char buf[8];

	make_pair(SOCK_SEQPACKET, s);
	send_str(s[0], "first");
	send_str(s[0], "");
	send_str(s[0], "second");
	CHECK_EQ(recv_msg(s[1], buf, 3, &m), 3);
	CHECK_EQ(m.out_flags, MSG_TRUNC);
	CHECK(recv_is(s[1], 9, 0, ""));
	CHECK(recv_is(s[1], 9, 0, "second"));
	s[0]->ops->release(s[0]);
	CHECK_EQ(recv_error(s[1]), 0);
	s[1]->ops->release(s[1]);
}

static void datagrams(void)
{
	struct sock *a = unix_create(SOCK_DGRAM), *b = unix_create(SOCK_DGRAM);
	struct sock *c = unix_create(SOCK_DGRAM);
	int n = 0;

	CHECK_EQ(send_str(a, "x"), -ENOTCONN);
	CHECK_EQ(a->ops->connect(a, b, true), 0);
	while (send_str(a, "x") == 1)
		n++;
	CHECK_EQ(n, SOCK_DGRAM_QUEUE + 1);
	CHECK(!(unix_poll(a) & EPOLLOUT));
	CHECK(recv_is(b, 1, 0, "x"));
	CHECK(unix_poll(a) & EPOLLOUT);
	/* b talks to c only: a may not send to it any more */
	CHECK_EQ(b->ops->connect(b, c, true), 0);
	CHECK_EQ(send_str(a, "x"), -EPERM);
	b->ops->release(b);
	CHECK_EQ(send_str(a, "x"), -ECONNREFUSED);
	CHECK_EQ(send_str(a, "x"), -ENOTCONN);
	a->ops->release(a);
	c->ops->release(c);
}

/* --- names, connections ---------------------------------------------------------------*/
static const char name1[] = "\1\0\0one", name2[] = "\1\0\0two";

static void abstract_names(void)
{
	struct sock *a = unix_create(SOCK_STREAM), *b, *found;
	uint8_t sun[SOCK_NAME_MAX];

	b = unix_create(SOCK_STREAM);
	CHECK_EQ(unix_name(a, sun), 2);
	CHECK_EQ(unix_bind_abstract(a, name1, 6), 0);
	CHECK_EQ(unix_bind_abstract(a, name2, 6), -EINVAL);
	CHECK_EQ(unix_bind_abstract(b, name1, 6), -EADDRINUSE);
	CHECK_EQ(unix_bind_abstract(b, name1, 5), 0);
	CHECK_EQ(unix_name(a, sun), 6);
	CHECK(!memcmp(sun, name1, 6));
	found = unix_find_abstract(NULL, name1, 6, SOCK_STREAM);
	CHECK(found == a);
	sock_put(found);
	CHECK(!unix_find_abstract(NULL, name1, 6, SOCK_DGRAM));
	a->ops->release(a);
	CHECK(!unix_find_abstract(NULL, name1, 6, SOCK_STREAM));
	b->ops->release(b);
	a = unix_create(SOCK_DGRAM);
	CHECK_EQ(unix_autobind(a), 0);
	CHECK_EQ(unix_name(a, sun), 8);
	CHECK_EQ(unix_autobind(a), 0);
	a->ops->release(a);
}

static void connections(void)
{
	struct sock *l = unix_create(SOCK_STREAM), *c[3], *n;
	struct sock_cred cred = { 7, 8, 9 };

	CHECK_EQ(unix_listen(l, 1, &cred), -EINVAL);
	unix_bind_abstract(l, name1, 6);
	for (int i = 0; i < 3; i++) {
		c[i] = unix_create(SOCK_STREAM);
		c[i]->own_cred.pid = i + 1;
	}
	CHECK_EQ(unix_stream_connect(c[0], l, true), -ECONNREFUSED);
	CHECK_EQ(unix_listen(l, 1, &cred), 0);
	CHECK_EQ(unix_accept(l, true, &n), -EAGAIN);
	CHECK_EQ(unix_stream_connect(c[0], l, true), 0);
	CHECK_EQ(unix_stream_connect(c[0], l, true), -EISCONN);
	CHECK_EQ(unix_stream_connect(c[1], l, true), 0);
	CHECK_EQ(unix_stream_connect(c[2], l, true), -EAGAIN);
	CHECK_EQ(c[0]->peer_cred.pid, 7);
	CHECK(unix_poll(l) & EPOLLIN);
	CHECK_EQ(send_str(c[0], "early"), 5);
	CHECK_EQ(unix_accept(l, true, &n), 0);
	CHECK_EQ(n->peer_cred.pid, 1);
	CHECK(recv_is(n, 9, 0, "early"));
	n->ops->release(n);
	/* c[1] was never accepted */
	l->ops->release(l);
	CHECK_EQ(recv_error(c[1]), -ECONNRESET);
	for (int i = 0; i < 3; i++)
		c[i]->ops->release(c[i]);
}

/* --- files in flight ------------------------------------------------------------------*/
/* A "file": it releases its socket with its last reference. */
struct test_file {
	uint32_t refs;
	struct sock *s;
};

static struct test_file *file_new(struct sock *s)
{
	struct test_file *f = kzalloc(sizeof(*f));

	f->refs = 1;
	f->s = s;
	nr_files++;
	return f;
}

static void *file_ref(void *p)
{
	((struct test_file *)p)->refs++;
	return p;
}

static void file_unref(void *p)
{
	struct test_file *f = p;

	if (--f->refs)
		return;
	if (f->s)
		f->s->ops->release(f->s);
	nr_files--;
	kfree(f);
}

static ssize_t send_file(struct sock *s, struct test_file *f)
{
	struct sock_msg m = { .nonblock = true };
	ssize_t n;

	m.files = sk_files_create(1);
	m.files->file[m.files->nr++] = f;
	CHECK_EQ(sk_files_launch(m.files), 0);
	n = send_msg(s, "f", 1, &m);
	sk_files_drop(m.files);
	return n;
}

static void passing_files(void)
{
	struct sock_msg m = { .nonblock = true };
	struct sock *s[2];
	char buf[8];

	make_pair(SOCK_STREAM, s);
	send_str(s[0], "ab");
	CHECK_EQ(send_file(s[0], file_new(NULL)), 1);
	CHECK_EQ(send_file(s[0], file_new(NULL)), 1);
	send_str(s[0], "cd");
	CHECK_EQ(sk_files_in_flight(), 2);
	/* bytes before the files go with them, those behind do not */
	CHECK_EQ(recv_msg(s[1], buf, 8, &m), 3);
	CHECK(m.files && m.files->nr == 1);
	sk_files_drop(m.files);
	CHECK_EQ(nr_files, 1);
	m.files = NULL;
	m.flags = MSG_PEEK;
	CHECK_EQ(recv_msg(s[1], buf, 8, &m), 1);
	CHECK(m.files && m.files->nr == 1);
	sk_files_drop(m.files);
	CHECK_EQ(nr_files, 1);
	CHECK_EQ(sk_files_in_flight(), 1);
	close_pair(s);
	CHECK_EQ(nr_files, 0);
	CHECK_EQ(sk_files_in_flight(), 0);
}

/* Each socket is only held by a message in the next one's queue. */
static void long_chain(void)
{
	struct sock *s[2], *t[2];

	make_pair(SOCK_STREAM, s);
	for (int i = 0; i < 5000; i++) {
		make_pair(SOCK_STREAM, t);
		CHECK_EQ(send_file(t[0], file_new(s[0])), 1);
		CHECK_EQ(send_file(t[0], file_new(s[1])), 1);
		s[0] = t[0];
		s[1] = t[1];
	}
	close_pair(s);
	CHECK_EQ(nr_files, 0);
}

static void too_many_in_flight(void)
{
	struct sk_files *f = sk_files_create(1), *g = sk_files_create(1);

	f->nr = SK_FILES_IN_FLIGHT_MAX;
	CHECK_EQ(sk_files_launch(f), 0);
	g->nr = 1;
	CHECK_EQ(sk_files_launch(g), -ETOOMANYREFS);
	CHECK_EQ(sk_files_in_flight(), SK_FILES_IN_FLIGHT_MAX);
	sk_files_land(f);
	f->nr = g->nr = 0;
	sk_files_drop(f);
	sk_files_drop(g);
}

/* --- without memory, with threads -------------------------------------------------------*/
static void no_memory(void)
{
	for (uint32_t i = 1; i < 4; i++) {
		struct sock *s[2];

		make_pair(SOCK_DGRAM, s);
		heap_fail_after(i);
		send_str(s[0], "a");
		send_str(s[1], "b");
		unix_autobind(s[0]);
		heap_fail_after(0);
		CHECK_EQ(send_str(s[0], "c"), 1);
		close_pair(s);
	}
}

#define STRESS_BYTES 3000000u

static void *stress_writer(void *arg)
{
	static uint8_t buf[5000];
	struct sock *s = arg;
	uint32_t sent = 0;

	while (sent < STRESS_BYTES) {
		uint32_t n = MIN(1 + sent % 4999, STRESS_BYTES - sent);
		struct sock_msg m = { 0 };

		for (uint32_t i = 0; i < n; i++)
			buf[i] = (uint8_t)((sent + i) % 251);
		if (send_msg(s, buf, n, &m) != n)
			break;
		sent += n;
	}
	s->ops->release(s);
	return NULL;
}

static void two_threads(void)
{
	static uint8_t buf[7000];
	uint32_t got = 0, wrong = 0;
	struct sock *s[2];
	unsigned long t;
	ssize_t n;

	make_pair(SOCK_STREAM, s);
	s[0]->sndbuf = 20000;
	pthread_create(&t, NULL, stress_writer, s[0]);
	do {
		struct sock_msg m = { 0 };

		n = recv_msg(s[1], buf, 1 + got % 6999, &m);
		for (ssize_t i = 0; i < n; i++)
			wrong += buf[i] != (got + (uint32_t)i) % 251;
		got += n > 0 ? (uint32_t)n : 0;
	} while (n > 0);
	pthread_join(t, NULL);
	CHECK_EQ(n, 0);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(got, STRESS_BYTES);
	s[1]->ops->release(s[1]);
}

static void interrupted(void)
{
	struct sock_msg m = { 0 };
	struct sock *s[2];
	char c;

	make_pair(SOCK_STREAM, s);
	fake_interrupt = 1;
	CHECK_EQ(recv_msg(s[0], &c, 1, &m), -ERESTARTSYS);
	s[0]->rcvtimeo_ns = 1000000;
	CHECK_EQ(recv_msg(s[0], &c, 1, &m), -EINTR);
	fake_interrupt = 0;
	close_pair(s);
}

static const struct unit_test tests[] = {
	{ "stream: bytes", stream_bytes }, { "stream: ends", stream_ends },
	{ "stream: full", stream_full },
	{ "stream: bad memory", stream_bad_memory },
	{ "stream: peek offset", peek_offset }, { "records", records },
	{ "datagrams", datagrams }, { "abstract names", abstract_names },
	{ "connections", connections }, { "passing files", passing_files },
	{ "long chain of files", long_chain },
	{ "too many files in flight", too_many_in_flight },
	{ "no memory", no_memory }, { "two threads", two_threads },
	{ "interrupted", interrupted },
};

int main(void)
{
	sock_upcalls.file_get = file_ref;
	sock_upcalls.file_put = file_unref;
	return unit_run("unix", tests, ARRAY_LEN(tests), fake_count_pages, fake_check_pages);
}
