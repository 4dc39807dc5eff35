/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues. Names are everybody's on the host, so each test has
 * one with its process number in it.
 */
#include "harness.h"

#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>

static char name[64];

static void unlink_name(void)
{
	mq_unlink(name);
}

static const char *own_name(void)
{
	if (!name[0]) {
		sprintf(name, "/linux-test-%d", (int)getpid());
		atexit(unlink_name);
	}
	return name;
}

static mqd_t make(int flags, long max, long size)
{
	struct mq_attr a = { .mq_maxmsg = max, .mq_msgsize = size };

	return (mqd_t)must(mq_open(own_name(), O_CREAT | O_EXCL | flags, 0600,
				   &a));
}

static void get(mqd_t q)
{
	char text[100] = "";
	unsigned prio = 99;
	ssize_t n = mq_receive(q, text, sizeof(text), &prio);

	if (n < 0)
		say("%s", err_name(errno));
	else
		say("%zd bytes, priority %u, %s", n, prio, text);
}

/* Until the process sleeps in its call. */
static void until_asleep(pid_t pid)
{
	char file[40];
	long long end = now_ms() + 20000;
	int asleep = 0;

	sprintf(file, "/proc/%d/stat", (int)pid);
	while (asleep < 3 && now_ms() < end) {
		must(slurp(file));
		asleep = strstr(slurped, ") S") ? asleep + 1 : 0;
		sleep_ms(2);
	}
}

static struct timespec in_ms(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ms * 1000000l;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

TEST(mq_open_and_unlink)
{
	struct mq_attr a;
	mqd_t q;

	show(mq_open(own_name(), O_RDWR));
	q = (mqd_t)must(mq_open(name, O_CREAT | O_RDWR, 0600, NULL));
	must(mq_getattr(q, &a));
	num(a.mq_maxmsg);
	num(a.mq_msgsize);
	num(a.mq_curmsgs);
	num(a.mq_flags);
	num(fcntl(q, F_GETFD));
	show_ok(mq_open(name, O_RDONLY));
	show_ok(mq_open(name, O_CREAT | O_WRONLY, 0600, NULL));
	show(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL));
	show(mq_unlink(name));
	show(mq_unlink(name));
	show(mq_open(name, O_RDWR));
	show(mq_send(q, "still", 6, 1));
}

TEST(mq_names)
{
	char longname[300];

	show(syscall(SYS_mq_open, "", O_CREAT | O_RDWR, 0600, NULL));
	show(syscall(SYS_mq_open, "a/b", O_CREAT | O_RDWR, 0600, NULL));
	show(syscall(SYS_mq_open, "/ab", O_CREAT | O_RDWR, 0600, NULL));
	show(syscall(SYS_mq_open, ".", O_CREAT | O_RDWR, 0600, NULL));
	show(syscall(SYS_mq_open, "..", O_RDWR, 0600, NULL));
	show(syscall(SYS_mq_open, bad_pointer(), O_RDWR, 0600, NULL));
	memset(longname, 'x', sizeof(longname));
	longname[0] = '/';
	longname[299] = 0;
	show(mq_open(longname, O_CREAT | O_RDWR, 0600, NULL));
	show(mq_unlink("/no-such-queue-here"));
	show(syscall(SYS_mq_unlink, ""));
	show(syscall(SYS_mq_unlink, "a/b"));
}

static int open_attr(long max, long size, int flags)
{
	struct mq_attr a = { .mq_maxmsg = max, .mq_msgsize = size };

	return mq_open(own_name(), O_CREAT | O_RDWR | flags, 0600, &a);
}

TEST(mq_attributes)
{
	struct mq_attr a;

	show(open_attr(0, 10, 0));
	show(open_attr(10, 0, 0));
	show(open_attr(-1, 10, 0));
	show(open_attr(100000, 10, 0));
	show(open_attr(10, 1 << 25, 0));
	show(mq_open(name, O_RDWR));
	must(mq_getattr((mqd_t)must(open_attr(3, 77, 0)), &a));
	num(a.mq_maxmsg);
	num(a.mq_msgsize);
	/* once there is one, they do not matter */
	show_ok(open_attr(0, 10, 0));
	show(open_attr(0, 10, O_EXCL));
	show(mq_open(name, O_CREAT | O_RDWR, 0600, bad_pointer()));
	show(syscall(SYS_mq_open, name + 1, O_ACCMODE, 0, NULL));
}

TEST(mq_priorities)
{
	mqd_t q = make(O_RDWR, 8, 50);

	must(mq_send(q, "low 1", 6, 1));
	must(mq_send(q, "high 1", 7, 9));
	must(mq_send(q, "middle", 7, 5));
	must(mq_send(q, "high 2", 7, 9));
	must(mq_send(q, "low 2", 6, 1));
	must(mq_send(q, "highest", 8, 32767));
	for (int i = 0; i < 6; i++)
		get(q);
	show(mq_send(q, "x", 1, 32768));
}

TEST(mq_sizes)
{
	mqd_t q = make(O_RDWR | O_NONBLOCK, 2, 10);
	char buf[20];

	show(mq_send(q, "0123456789", 10, 0));
	show(mq_send(q, "01234567890", 11, 0));
	show(mq_send(q, "", 0, 0));
	show(mq_receive(q, buf, 9, NULL));
	show(mq_receive(q, buf, 10, NULL));
	show(mq_receive(q, buf, 20, NULL));
	show(mq_receive(q, buf, 20, NULL));
	show(mq_send(q, bad_pointer(), 4, 0));
	must(mq_send(q, "abc", 3, 0));
	show(mq_receive(q, bad_pointer(), 10, NULL));
	/* it was taken out all the same */
	show(mq_receive(q, buf, 10, NULL));
}

TEST(mq_descriptors)
{
	mqd_t q = make(O_RDWR, 2, 10), r, w;
	int fd = (int)must(open("/dev/null", O_RDWR));
	char buf[10];

	r = (mqd_t)must(mq_open(name, O_RDONLY));
	w = (mqd_t)must(mq_open(name, O_WRONLY));
	show(mq_send(r, "x", 1, 0));
	show(mq_receive(w, buf, 10, NULL));
	show(mq_send(w, "x", 1, 0));
	show(mq_receive(r, buf, 10, NULL));
	show(mq_send(fd, "x", 1, 0));
	show(mq_send(-1, "x", 1, 0));
	show(mq_receive(fd, buf, 10, NULL));
	show(mq_getattr(fd, NULL));
	show(mq_notify(fd, NULL));
	show(mq_close(q));
	show(mq_close(q));
	show(lseek(r, 0, SEEK_SET));
	show(write(w, "x", 1));
}

TEST(mq_nonblocking)
{
	mqd_t q = make(O_RDWR, 1, 10);
	struct mq_attr a = { .mq_flags = O_NONBLOCK }, old;
	char buf[10];

	show(mq_setattr(q, &a, &old));
	num(old.mq_flags);
	must(mq_getattr(q, &a));
	num(a.mq_flags);
	show(mq_receive(q, buf, 10, NULL));
	show(mq_send(q, "x", 1, 0));
	show(mq_send(q, "x", 1, 0));
	must(mq_getattr(q, &a));
	num(a.mq_curmsgs);
	a.mq_flags = O_APPEND;
	show(mq_setattr(q, &a, NULL));
	a.mq_flags = 0;
	show(mq_setattr(q, &a, NULL));
	fact(fcntl(q, F_GETFL) & O_NONBLOCK);
}

TEST(mq_timeouts)
{
	mqd_t q = make(O_RDWR, 1, 10);
	struct timespec t = in_ms(40), past = { 1, 0 }, bad = { 1, -1 };
	long long start = now_ms();
	char buf[10];

	show(mq_timedreceive(q, buf, 10, NULL, &t));
	fact(now_ms() - start >= 39);
	show(mq_timedreceive(q, buf, 10, NULL, &past));
	show(mq_timedreceive(q, buf, 10, NULL, &bad));
	show(mq_timedsend(q, "a", 1, 0, &bad));
	show(mq_timedsend(q, "a", 1, 0, &past));
	show(mq_timedsend(q, "a", 1, 0, &past));
	t = in_ms(30);
	show(mq_timedsend(q, "a", 1, 0, &t));
	show(mq_timedreceive(q, buf, 10, NULL, &past));
	show(mq_timedreceive(q, buf, 10, NULL, bad_pointer()));
}

struct call {
	mqd_t q;
	const char *text;
	unsigned prio;
};

static int receiver(void *arg)
{
	char buf[100];

	if (mq_receive(((struct call *)arg)->q, buf, sizeof(buf), NULL) < 0)
		return errno;
	return buf[0];
}

static int sender(void *arg)
{
	struct call *c = arg;

	return mq_send(c->q, c->text, strlen(c->text) + 1, c->prio) ? errno :
								      0;
}

TEST(mq_receivers_wait_in_order)
{
	struct call c = { .q = make(O_RDWR, 4, 10) };
	pid_t a = spawn(receiver, &c), b;
	struct mq_attr attr;

	until_asleep(a);
	b = spawn(receiver, &c);
	until_asleep(b);
	must(mq_send(c.q, "A", 2, 0));
	show_exit("first", a);
	must(mq_send(c.q, "B", 2, 0));
	show_exit("second", b);
	must(mq_getattr(c.q, &attr));
	num(attr.mq_curmsgs);
}

TEST(mq_sender_waits)
{
	struct call c = { make(O_RDWR, 1, 50), "waited", 7 };
	pid_t pid;

	must(mq_send(c.q, "there", 6, 3));
	pid = spawn(sender, &c);
	until_asleep(pid);
	get(c.q);
	show_exit("sender", pid);
	get(c.q);
}

TEST(mq_interrupted)
{
	mqd_t q = make(O_RDWR, 1, 10);
	char buf[10];

	ticks_start(0);
	show(mq_receive(q, buf, 10, NULL));
	ticks_stop();
	must(mq_send(q, "x", 1, 0));
	ticks_start(0);
	show(mq_send(q, "x", 1, 0));
	ticks_stop();
}

static int late_sender(void *arg)
{
	sleep_ms(30);
	return sender(arg);
}

TEST(mq_restarted)
{
	struct call c = { make(O_RDWR, 1, 10), "x", 0 };
	char buf[10];
	pid_t pid = spawn(late_sender, &c);

	ticks_start(SA_RESTART);
	show(mq_receive(c.q, buf, 10, NULL));
	ticks_stop();
	show_exit("sender", pid);
}

TEST(mq_poll)
{
	mqd_t q = make(O_RDWR, 1, 10);
	struct pollfd p = { .fd = q, .events = POLLIN | POLLOUT };
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	struct call c = { q, "x", 0 };
	int ep = (int)must(epoll_create1(0));
	char buf[10];
	pid_t pid;

	must(epoll_ctl(ep, EPOLL_CTL_ADD, q, &e));
	show(poll(&p, 1, 0));
	num(p.revents);
	show(epoll_wait(ep, &e, 1, 0));
	pid = spawn(late_sender, &c);
	show(epoll_wait(ep, &e, 1, 10000));
	num(e.events);
	show_exit("sender", pid);
	show(poll(&p, 1, 0));
	num(p.revents);
	pid = spawn(receiver, &c);
	show_exit("receiver", pid);
	p.events = POLLOUT;
	show(poll(&p, 1, 10000));
	must(mq_send(q, "y", 1, 0));
	show(poll(&p, 1, 0));
	must(mq_receive(q, buf, 10, NULL));
}

static volatile int got_value, got_code;
static volatile pid_t got_pid;

static void on_message(int sig, siginfo_t *i, void *ctx)
{
	got_value = i->si_value.sival_int;
	got_code = i->si_code;
	got_pid = i->si_pid;
	signal_count++;
}

static int want_signal(mqd_t q)
{
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL,
			      .sigev_signo = SIGUSR1,
			      .sigev_value.sival_int = 4711 };

	return mq_notify(q, &e);
}

TEST(mq_notify_signal)
{
	struct sigaction sa = { .sa_sigaction = on_message,
				.sa_flags = SA_SIGINFO };
	mqd_t q = make(O_RDWR, 4, 10);
	struct call c = { q, "x", 0 };
	char buf[10];
	pid_t pid;

	sigaction(SIGUSR1, &sa, NULL);
	show(want_signal(q));
	show(want_signal(q));
	pid = spawn(sender, &c);
	show_exit("sender", pid);
	num(signal_count);
	num(got_value);
	fact(got_code == SI_MESGQ);
	fact(got_pid == pid);
	/* once only */
	must(mq_receive(q, buf, 10, NULL));
	must(mq_send(q, "x", 1, 0));
	num(signal_count);
	/* only for a message into the empty queue */
	show(want_signal(q));
	must(mq_send(q, "x", 1, 0));
	num(signal_count);
	must(mq_receive(q, buf, 10, NULL));
	must(mq_receive(q, buf, 10, NULL));
	must(mq_send(q, "x", 1, 0));
	num(signal_count);
}

/* A receiver that waits takes the message, and nobody is told. */
TEST(mq_notify_waiting_receiver)
{
	struct call c = { .q = make(O_RDWR, 4, 10) };
	pid_t pid = spawn(receiver, &c);

	on_signal(SIGUSR1, count_signal, 0);
	until_asleep(pid);
	must(want_signal(c.q));
	must(mq_send(c.q, "R", 2, 0));
	show_exit("receiver", pid);
	num(signal_count);
	must(mq_send(c.q, "S", 2, 0));
	num(signal_count);
}

static int try_notify(void *arg)
{
	mqd_t q = ((struct call *)arg)->q;

	show(want_signal(q));
	/* another's registration is not ours to end */
	show(mq_notify(q, NULL));
	show(want_signal(q));
	return 0;
}

TEST(mq_notify_is_of_one)
{
	struct call c = { .q = make(O_RDWR, 4, 10) };
	struct sigevent e = { .sigev_notify = 77 };
	mqd_t again = (mqd_t)must(mq_open(name, O_RDWR));

	show(mq_notify(c.q, &e));
	e.sigev_notify = SIGEV_SIGNAL;
	e.sigev_signo = 1000;
	show(mq_notify(c.q, &e));
	show(want_signal(c.q));
	show_exit("other", spawn(try_notify, &c));
	show(mq_notify(c.q, NULL));
	e.sigev_notify = SIGEV_NONE;
	show(mq_notify(c.q, &e));
	show(want_signal(c.q));
	/* any close of the queue by its owner ends it */
	show(mq_close(again));
	show(want_signal(c.q));
}

static int notify_and_end(void *arg)
{
	return want_signal(((struct call *)arg)->q);
}

TEST(mq_notify_ends_with_the_process)
{
	struct call c = { .q = make(O_RDWR, 4, 10) };

	show_exit("other", spawn(notify_and_end, &c));
	show(want_signal(c.q));
}

TEST(mq_status_file)
{
	mqd_t q = make(O_RDWR, 4, 10);
	struct stat st;
	char text[200] = "";

	must(mq_send(q, "12345", 5, 0));
	show(read(q, text, sizeof(text)));
	say("%s", text);
	show(read(q, text, sizeof(text)));
	must(fstat(q, &st));
	num(st.st_size);
	num(st.st_mode);
	fact(st.st_uid == geteuid());
}

TEST(mq_inherited)
{
	struct call c = { make(O_RDWR, 4, 10), "child", 2 };

	show_exit("child", spawn(sender, &c));
	must(mq_unlink(name));
	show_exit("child", spawn(sender, &c));
	show_exit("reader", spawn(receiver, &c));
}

static int open_others(void *arg)
{
	must(setgid(65534));
	must(setuid(65534));
	show_ok(mq_open(name, O_RDONLY));
	show_ok(mq_open(name, O_WRONLY));
	show_ok(mq_open(name, O_RDWR));
	show_ok(mq_open(name, O_CREAT | O_RDWR, 0600, NULL));
	show(mq_unlink(name));
	return 0;
}

TEST(mq_rights_of_others)
{
	need_root();
	umask(0);
	make(O_RDWR, 4, 10);
	show_exit("0600", spawn(open_others, NULL));
	must(mq_unlink(name));
	must(mq_open(name, O_CREAT | O_RDWR, 0604, NULL));
	show_exit("0604", spawn(open_others, NULL));
}

TEST(mq_umask)
{
	struct stat st;

	umask(027);
	must(fstat((int)must(mq_open(own_name(), O_CREAT | O_RDWR, 0777,
				     NULL)), &st));
	num(st.st_mode);
}

static int use_up(void *arg)
{
	struct rlimit l = { 30000, 30000 };
	struct mq_attr a = { .mq_maxmsg = 10, .mq_msgsize = 1000 };
	char n[80];
	int made = 0;

	/* a user without queues of his own */
	must(setgid(61000));
	must(setuid(61000));
	must(setrlimit(RLIMIT_MSGQUEUE, &l));
	for (; made < 10; made++) {
		sprintf(n, "%s-%d", name, made);
		if (mq_open(n, O_CREAT | O_RDWR, 0600, &a) < 0)
			break;
	}
	num(made);
	say("%s", err_name(errno));
	while (made-- > 0) {
		sprintf(n, "%s-%d", name, made);
		must(mq_unlink(n));
	}
	return 0;
}

TEST(mq_memory_limit)
{
	need_root();
	own_name();
	show_exit("limited", spawn(use_up, NULL));
}

static int echo(void *arg)
{
	mqd_t *q = arg;
	char buf[10];

	for (int i = 0; i < 1000; i++) {
		must(mq_receive(q[0], buf, 10, NULL));
		must(mq_send(q[1], buf, 4, 0));
	}
	return 0;
}

TEST(mq_ping_pong)
{
	mqd_t q[2] = { make(O_RDWR, 1, 10) };
	char buf[10];
	pid_t pid;

	must(mq_unlink(name));
	q[1] = make(O_RDWR, 1, 10);
	pid = spawn(echo, q);
	for (int i = 0; i < 1000; i++) {
		must(mq_send(q[0], "ping", 4, 0));
		must(mq_receive(q[1], buf, 10, NULL));
	}
	show_exit("child", pid);
}

static int produce(void *arg)
{
	for (unsigned i = 0; i < 500; i++)
		must(mq_send(((struct call *)arg)->q, "0123456789", i % 10,
			     i % 4));
	return 0;
}

TEST(mq_stream)
{
	struct call c = { .q = make(O_RDWR, 3, 10) };
	pid_t pid[3];
	long bytes = 0;
	char buf[10];

	for (int i = 0; i < 3; i++)
		pid[i] = spawn(produce, &c);
	for (int i = 0; i < 1500; i++)
		bytes += must(mq_receive(c.q, buf, 10, NULL));
	num(bytes);
	for (int i = 0; i < 3; i++)
		show_exit("sender", pid[i]);
}

TEST(mq_limits_in_proc)
{
	show_file("/proc/sys/fs/mqueue/msg_default");
	show_file("/proc/sys/fs/mqueue/msg_max");
	show_file("/proc/sys/fs/mqueue/msgsize_default");
	show_file("/proc/sys/fs/mqueue/msgsize_max");
	show_file("/proc/sys/fs/mqueue/queues_max");
}
