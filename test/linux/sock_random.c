/* SPDX-License-Identifier: MIT */
/*
 * Long fixed sequences of calls on sockets of AF_UNIX, none of which waits: each
 * result, each message, address and passed descriptor must be what Linux gives.
 * SOCK_RANDOM_TRACE=1 shows each call, to find the first that differs; the helper
 * "run SEED STEPS" makes other sequences. How much fits into a buffer differs, so
 * all is read every few steps.
 */
#include "random_help.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#define NR_FDS		8
#define DATA_MAX	300u
#define STEPS_TILL_READ	8	/* no more datagrams may wait than Linux takes */

static int fds[NR_FDS];
static char data[DATA_MAX + 1], back[DATA_MAX + 1];

/* Mostly one that is open. */
static int slot(void)
{
	int i = (int)rnd(NR_FDS);

	for (int k = 0; k < 3 && fds[i] < 0; k++)
		i = (int)rnd(NR_FDS);
	return i;
}

static size_t length(void)
{
	static const uint32_t usual[] = { 0, 1, 2, 10, 100 };

	return rnd(3) ? usual[rnd(ARRAY_SIZE(usual))] : rnd(DATA_MAX);
}

static void fill(size_t n)
{
	for (size_t i = 0; i < n; i++)
		data[i] = (char)rnd(256);
}

static void take_slot(int i, int fd)
{
	if (fds[i] >= 0)
		close(fds[i]);
	fds[i] = fd;
}

/* --- addresses -------------------------------------------------------------------*/
/* A name in the file system, one without file, or something odd. */
static socklen_t address(struct sockaddr_un *a, const char **shown)
{
	static const char *const names[] = { "a", "b", "c", "d/a", "no/a",
					     "plain", "@x", "@y", "@" };
	const char *name = names[rnd(ARRAY_SIZE(names))];
	socklen_t len = offsetof(struct sockaddr_un, sun_path);

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path, name);
	*shown = name;
	if (name[0] == '@') {
		char me[40];

		/* these names are everybody's */
		snprintf(me, sizeof(me), "mica%08d", (int)getpid());
		strcpy(a->sun_path + 1, me);
		strcat(a->sun_path + 1, name + 1);
		a->sun_path[0] = 0;
		return len + 1 + (socklen_t)strlen(a->sun_path + 1);
	}
	switch (rnd(25)) {
	case 0:
		*shown = "family";
		a->sun_family = AF_INET;
		break;
	case 1:
		*shown = "unspecified";
		a->sun_family = AF_UNSPEC;
		break;
	case 2:
		*shown = "long";
		memset(a->sun_path, 'l', sizeof(a->sun_path));
		return sizeof(*a) + rnd(2);
	case 3:
		*shown = "short";
		return rnd(3);
	}
	return len + (socklen_t)strlen(name) + rnd(2);
}

static void add_address(const char *what, const struct sockaddr_un *a,
			socklen_t len, socklen_t room)
{
	socklen_t path = offsetof(struct sockaddr_un, sun_path);

	add(len);
	if (traces)
		say("  %s: %u bytes %s", what, len, len > path && room >= len ?
		    a->sun_path : "");
	/* names of its own have the process's number in them */
	if (len > path && room > path && a->sun_path[0])
		add_bytes(a->sun_path, (len < room ? len : room) - path);
}

static void add_cred(const struct ucred *c)
{
	add(c->pid == getpid());
	add(c->uid);
	add(c->gid);
	if (traces)
		say("  %s %d %d", c->pid == getpid() ? "me" : c->pid ?
		    "somebody" : "nobody", (int)c->uid, (int)c->gid);
}

/* --- sockets -----------------------------------------------------------------------*/
static const int types[] = { SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM,
			     SOCK_SEQPACKET };

static void do_socket(void)
{
	int type = types[rnd(ARRAY_SIZE(types))], pair[2] = { -1, -1 };
	int i = (int)rnd(NR_FDS), k = (int)rnd(NR_FDS);
	long r;

	if (i == k || rnd(2)) {
		take_slot(i, socket(AF_UNIX, type | SOCK_NONBLOCK, 0));
		done(fds[i] < 0 ? -1 : 0, "socket %d type %d", i, type);
		return;
	}
	r = socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair);
	take_slot(i, pair[0]);
	take_slot(k, pair[1]);
	done(r, "socketpair %d %d type %d", i, k, type);
}

static void do_bind(void)
{
	struct sockaddr_un a;
	const char *name;
	socklen_t len = address(&a, &name);
	int i = slot();

	/* a name that the kernel chooses is never the same */
	if (len == sizeof(a.sun_family))
		return;
	done(bind(fds[i], (void *)&a, len), "bind %d %s %u", i, name, len);
}

static void do_connect(void)
{
	struct sockaddr_un a;
	const char *name;
	socklen_t len = address(&a, &name);
	int i = slot();

	done(connect(fds[i], (void *)&a, len), "connect %d %s %u", i, name,
	     len);
}

static void do_listen(void)
{
	int i = slot(), backlog = (int)rnd(4) - 1;

	done(listen(fds[i], backlog), "listen %d %d", i, backlog);
}

static void do_accept(void)
{
	struct sockaddr_un a;
	socklen_t len = rnd(4) ? sizeof(a) : rnd(8), room = len;
	int i = slot(), k = (int)rnd(NR_FDS);
	int fd = accept4(fds[i], (void *)&a, &len, SOCK_NONBLOCK);

	done(fd < 0 ? -1 : 0, "accept %d to %d", i, k);
	if (fd < 0)
		return;
	add_address("from", &a, len, room);
	take_slot(k, fd);
}

static void do_names(void)
{
	struct sockaddr_un a;
	socklen_t len = rnd(4) ? sizeof(a) : rnd(8), room = len;
	int i = slot();
	bool peer = rnd(2);
	long r = peer ? getpeername(fds[i], (void *)&a, &len) :
			getsockname(fds[i], (void *)&a, &len);

	done(r, "%s %d", peer ? "getpeername" : "getsockname", i);
	if (!r)
		add_address("name", &a, len, room);
}

static void do_end(void)
{
	static const char *const names[] = { "a", "b", "c", "d/a" };
	const char *name = names[rnd(ARRAY_SIZE(names))];
	int i = slot(), k = slot(), how = (int)rnd(4);
	long r;

	switch (rnd(4)) {
	case 0:
		done(unlink(name), "unlink %s", name);
		break;
	case 1:
		if (i == k)
			break;
		take_slot(k, dup(fds[i]));
		done(fds[k] < 0 ? -1 : 0, "dup %d to %d", i, k);
		break;
	case 2:
		r = close(fds[i]);
		fds[i] = -1;
		done(r, "close %d", i);
		break;
	default:
		done(shutdown(fds[i], how), "shutdown %d %d", i, how);
	}
}

static void do_poll(void)
{
	struct pollfd p[NR_FDS];

	for (int i = 0; i < NR_FDS; i++)
		p[i] = (struct pollfd){ fds[i], POLLIN | POLLOUT | POLLPRI |
					POLLRDHUP, 0 };
	done(poll(p, NR_FDS, 0), "poll");
	for (int i = 0; i < NR_FDS; i++) {
		if (traces && p[i].revents)
			say("  %d: %x", i, p[i].revents);
		add((uint64_t)p[i].revents);
	}
}

/* --- messages ----------------------------------------------------------------------*/
union control {
	struct cmsghdr h;
	char room[CMSG_SPACE(4 * sizeof(int)) +
		  CMSG_SPACE(sizeof(struct ucred))];
};

static int message_flags(void)
{
	static const int flags[] = { MSG_PEEK, MSG_TRUNC, MSG_EOR, MSG_MORE,
				     MSG_WAITALL, MSG_DONTROUTE, MSG_CTRUNC };
	int f = MSG_DONTWAIT;

	while (!rnd(3))
		f |= flags[rnd(ARRAY_SIZE(flags))];
	return f;
}

/* Descriptors and perhaps who we say to be. */
static void put_control(struct msghdr *m, union control *c)
{
	struct ucred me = { getpid(), getuid(), getgid() };
	uint32_t n = rnd(4);

	memset(c, 0, sizeof(*c));
	if (rnd(2))
		return;
	m->msg_control = c;
	m->msg_controllen = sizeof(*c);
	c->h.cmsg_level = SOL_SOCKET;
	if (rnd(2)) {
		c->h.cmsg_type = SCM_CREDENTIALS;
		c->h.cmsg_len = CMSG_LEN(sizeof(me));
		if (!rnd(6))
			me.pid = 0;
		memcpy(CMSG_DATA(&c->h), &me, sizeof(me));
		m->msg_controllen = CMSG_SPACE(sizeof(me));
		return;
	}
	c->h.cmsg_type = SCM_RIGHTS;
	c->h.cmsg_len = CMSG_LEN(n * sizeof(int));
	for (uint32_t k = 0; k < n; k++) {
		int fd = rnd(3) ? 1 : fds[slot()];

		memcpy(CMSG_DATA(&c->h) + k * sizeof(int), &fd, sizeof(fd));
	}
	m->msg_controllen = CMSG_SPACE(n * sizeof(int));
}

static void do_send(void)
{
	struct sockaddr_un a;
	const char *name = "";
	int i = slot(), flags = message_flags() & ~MSG_CTRUNC;
	/* Linux 6.16 and earlier ones differ about unread records of no bytes */
	size_t n = length() + 1;
	struct iovec v[2] = { { data, n / 3 }, { data + n / 3, n - n / 3 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	union control c;
	long r;

	fill(n);
	if (!rnd(2)) {
		m.msg_name = &a;
		m.msg_namelen = address(&a, &name);
	}
	switch (rnd(4)) {
	case 0:
		done(write(fds[i], data, n), "write %d %zu", i, n);
		break;
	case 1:
		r = sendto(fds[i], data, n, flags, m.msg_name, m.msg_namelen);
		done(r, "sendto %d %zu %x %s", i, n, flags, name);
		break;
	default:
		put_control(&m, &c);
		r = sendmsg(fds[i], &m, flags);
		done(r, "sendmsg %d %zu %x %s control %zu type %d", i, n,
		     flags, name, m.msg_controllen, c.h.cmsg_type);
	}
}

static void take_control(struct msghdr *m)
{
	struct cmsghdr *h;

	for (h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t n = h->cmsg_len - CMSG_LEN(0);

		if (traces)
			say("  control %d %zu", h->cmsg_type, n);
		add((uint64_t)h->cmsg_type);
		add(n);
		for (size_t k = 0; h->cmsg_type == SCM_RIGHTS &&
		     k + sizeof(int) <= n; k += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + k, sizeof(fd));
			add((uint64_t)close(fd));
		}
		if (h->cmsg_type == SCM_CREDENTIALS &&
		    n == sizeof(struct ucred)) {
			struct ucred u;

			memcpy(&u, CMSG_DATA(h), sizeof(u));
			add_cred(&u);
		}
	}
}

static long receive(int i, size_t n, int flags, bool full)
{
	static const size_t rooms[] = { 0, 8, CMSG_LEN(0), CMSG_LEN(4),
					CMSG_SPACE(8), sizeof(union control) };
	size_t room = full ? sizeof(union control) :
			     rooms[rnd(ARRAY_SIZE(rooms))];
	struct sockaddr_un a;
	struct iovec v[2] = { { back, n / 2 }, { back + n / 2, n - n / 2 } };
	union control c;
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof(a),
			    .msg_iov = v, .msg_iovlen = 2, .msg_control = &c,
			    .msg_controllen = room };
	long r = recvmsg(fds[i], &m, flags);
	int err = errno;

	done(r, "recvmsg %d %zu %x room %zu", i, n, flags, room);
	if (r < 0)
		return -err;
	if (traces)
		say("  flags %x", m.msg_flags);
	add((uint64_t)m.msg_flags);
	add_address("from", &a, m.msg_namelen, sizeof(a));
	add_bytes(back, (size_t)r < n ? (size_t)r : n);
	take_control(&m);
	return r;
}

static void do_receive(void)
{
	int i = slot(), flags = message_flags();
	size_t n = length();
	long r;

	switch (rnd(4)) {
	case 0:
		r = read(fds[i], back, n);
		done(r, "read %d %zu", i, n);
		break;
	case 1:
		r = recv(fds[i], back, n, flags);
		done(r, "recv %d %zu %x", i, n, flags);
		break;
	default:
		receive(i, n, flags, false);
		return;
	}
	if (r > 0)
		add_bytes(back, (size_t)r < n ? (size_t)r : n);
}

static void read_all(void)
{
	for (int i = 0; i < NR_FDS; i++)
		for (int k = 0; k < 40; k++) {
			long r = receive(i, DATA_MAX, MSG_DONTWAIT, true);

			if (r <= 0 && r != -ECONNRESET)
				break;
		}
}

static void do_options(void)
{
	static const int readable[] = { SO_TYPE, SO_DOMAIN, SO_PROTOCOL,
					SO_ACCEPTCONN, SO_ERROR, SO_PASSCRED,
					SO_KEEPALIVE, SO_RCVLOWAT, SO_REUSEADDR,
					SO_PEEK_OFF, SO_BROADCAST };
	int i = slot(), v = -1, name = readable[rnd(ARRAY_SIZE(readable))];
	socklen_t len = rnd(8) ? sizeof(v) : rnd(6);
	struct ucred c;
	long r;

	switch (rnd(5)) {
	case 0:
		/* what is queued already has no credentials on Linux */
		read_all();
		v = (int)rnd(2);
		r = setsockopt(fds[i], SOL_SOCKET, SO_PASSCRED, &v, sizeof(v));
		done(r, "SO_PASSCRED %d %d", i, v);
		break;
	case 1:
		len = sizeof(c);
		r = getsockopt(fds[i], SOL_SOCKET, SO_PEERCRED, &c, &len);
		done(r, "SO_PEERCRED %d", i);
		if (!r)
			add_cred(&c);
		break;
	case 2:
		r = ioctl(fds[i], FIONREAD, &v);
		done(r, "FIONREAD %d", i);
		if (traces)
			say("  %d", v);
		add((uint64_t)v);
		break;
	default:
		r = getsockopt(fds[i], SOL_SOCKET, name, &v, &len);
		done(r, "getsockopt %d %d", i, name);
		if (traces)
			say("  %d, %u bytes", v, len);
		add((uint64_t)v);
		add(len);
	}
}

static void step(void)
{
	static void (*const calls[])(void) = {
		do_socket, do_socket, do_bind, do_connect, do_connect,
		do_listen, do_accept, do_names, do_options, do_end, do_poll,
		do_send, do_send, do_send, do_send, do_receive, do_receive,
	};

	calls[rnd(ARRAY_SIZE(calls))]();
}

static void run(uint64_t seed, int steps)
{
	traces = getenv("SOCK_RANDOM_TRACE");
	state = seed;
	umask(022);
	must(mkdir("d", 0755));
	put_file("plain", "");
	on_signal(SIGPIPE, SIG_IGN, 0);
	memset(fds, -1, sizeof(fds));
	for (int i = 0; i < steps; i++) {
		step();
		if (i % STEPS_TILL_READ == STEPS_TILL_READ - 1)
			read_all();
		if (i % 100 == 99)
			say("%d: %016llx", i + 1, (unsigned long long)sum);
	}
}

HELPER(run)
{
	run(argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
	    argc > 2 ? atoi(argv[2]) : 1000);
	return 0;
}

TEST(seed_1)
{
	run(1, 4000);
}

TEST(seed_2)
{
	run(2222, 4000);
}
