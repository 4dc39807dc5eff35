/* SPDX-License-Identifier: MIT */
/*
 * System V message queues. That a process waits in a queue is seen by its
 * state in /proc.
 */
#include "harness.h"

#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

static int made = -1;

static void remove_made(void)
{
	if (made >= 0)
		msgctl(made, IPC_RMID, NULL);
}

static int queue(void)
{
	made = (int)must(msgget(IPC_PRIVATE, 0600));
	atexit(remove_made);
	return made;
}

struct message {
	long type;
	char text[9000];
};

static int send_type(int id, long type, const char *text, int flags)
{
	struct message m = { .type = type };

	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text) + 1, flags);
}

/* Print what comes, or the error. */
static void get(int id, long type, int flags)
{
	struct message m = { .type = -1 };
	ssize_t n = msgrcv(id, &m, sizeof(m.text), type, flags);

	if (n < 0)
		say("%ld: %s", type, err_name(errno));
	else
		say("%ld: type %ld, %zd bytes, %s", type, m.type, n, m.text);
}

/* Until the process sleeps in its call. */
static void until_asleep(pid_t pid)
{
	char name[40];
	long long end = now_ms() + 20000;
	int asleep = 0;

	sprintf(name, "/proc/%d/stat", (int)pid);
	while (asleep < 3 && now_ms() < end) {
		must(slurp(name));
		asleep = strstr(slurped, ") S") ? asleep + 1 : 0;
		sleep_ms(2);
	}
}

TEST(msg_send_receive)
{
	int id = queue();

	show(send_type(id, 1, "one", 0));
	show(send_type(id, 2, "two", 0));
	show(send_type(id, 1, "three", 0));
	get(id, 0, 0);
	get(id, 0, 0);
	get(id, 0, 0);
	get(id, 0, IPC_NOWAIT);
}

TEST(msg_types)
{
	int id = queue();

	for (int i = 5; i > 0; i--)
		must(send_type(id, i, "abcdef" + i, 0));
	must(send_type(id, 2, "second two", 0));
	get(id, 2, 0);
	get(id, 9, IPC_NOWAIT);
	get(id, -3, 0);
	get(id, -3, 0);
	get(id, -3, 0);
	get(id, -3, IPC_NOWAIT);
	get(id, 5, MSG_EXCEPT);
	get(id, 5, MSG_EXCEPT | IPC_NOWAIT);
	get(id, 0, 0);
	must(send_type(id, 7, "x", 0));
	get(id, (long)(1ul << 63), 0);
}

TEST(msg_errors)
{
	struct message m = { .type = 1 };
	int id = queue();

	show(send_type(id, 0, "x", 0));
	show(send_type(id, -1, "x", 0));
	show(send_type(-1, 1, "x", 0));
	show(msgsnd(id, &m, 8193, 0));
	show(msgsnd(id, &m, (size_t)-1, 0));
	show(msgsnd(id, bad_pointer(), 1, 0));
	show(msgrcv(id, &m, (size_t)-1, 0, 0));
	show(msgrcv(-1, &m, 1, 0, 0));
	must(send_type(id, 1, "x", 0));
	show(msgrcv(id, bad_pointer(), 10, 0, 0));
	/* it was taken out all the same */
	get(id, 0, IPC_NOWAIT);
	show(msgctl(id, 88, NULL));
	show(msgctl(-1, IPC_STAT, NULL));
	show(msgctl(id, IPC_STAT, bad_pointer()));
}

TEST(msg_empty_message)
{
	struct message m = { .type = 4 };
	int id = queue();

	show(msgsnd(id, &m, 0, 0));
	show(msgrcv(id, &m, 0, 0, 0));
	num(m.type);
}

TEST(msg_too_long)
{
	struct message m;
	int id = queue();

	must(send_type(id, 3, "0123456789", 0));
	show(msgrcv(id, &m, 4, 0, 0));
	show(msgrcv(id, &m, 4, 0, MSG_NOERROR));
	say("%.4s", m.text);
	get(id, 0, IPC_NOWAIT);
}

TEST(msg_copy)
{
	int id = queue();

	must(send_type(id, 1, "first", 0));
	must(send_type(id, 2, "second", 0));
	get(id, 1, MSG_COPY | IPC_NOWAIT);
	get(id, 0, MSG_COPY | IPC_NOWAIT);
	get(id, 2, MSG_COPY | IPC_NOWAIT);
	get(id, 0, MSG_COPY);
	get(id, 0, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT);
	get(id, 0, 0);
}

TEST(msg_keys)
{
	key_t key = 0x6f000000 + getpid();
	int id;

	show(msgget(key, 0600));
	id = made = (int)must(msgget(key, IPC_CREAT | 0600));
	atexit(remove_made);
	fact(msgget(key, 0) == id);
	fact(msgget(key, IPC_CREAT | 0600) == id);
	show(msgget(key, IPC_CREAT | IPC_EXCL));
	show(msgctl(id, IPC_RMID, NULL));
	show(msgctl(id, IPC_RMID, NULL));
	show(send_type(id, 1, "x", 0));
	get(id, 0, 0);
}

TEST(msg_stat)
{
	struct msqid_ds ds;
	int id = queue();

	must(msgctl(id, IPC_STAT, &ds));
	num(ds.msg_qnum);
	num(ds.msg_qbytes);
	num(ds.msg_perm.mode);
	num(ds.msg_lspid);
	num(ds.msg_lrpid);
	num(ds.msg_stime);
	num(ds.msg_rtime);
	fact(ds.msg_ctime > 0);
	must(send_type(id, 1, "abc", 0));
	must(msgctl(id, IPC_STAT, &ds));
	num(ds.msg_qnum);
	num(ds.__msg_cbytes);
	fact(ds.msg_lspid == getpid());
	fact(ds.msg_stime > 0);
	get(id, 0, 0);
	must(msgctl(id, IPC_STAT, &ds));
	num(ds.msg_qnum);
	num(ds.__msg_cbytes);
	fact(ds.msg_lrpid == getpid());
	fact(ds.msg_rtime > 0);
}

TEST(msg_full)
{
	struct message m = { .type = 1 };
	struct msqid_ds ds;
	int id = queue();

	show(msgsnd(id, &m, 8192, IPC_NOWAIT));
	show(msgsnd(id, &m, 8192, IPC_NOWAIT));
	show(msgsnd(id, &m, 1, IPC_NOWAIT));
	/* an empty one needs no bytes */
	show(msgsnd(id, &m, 0, IPC_NOWAIT));
	must(msgctl(id, IPC_STAT, &ds));
	ds.msg_qbytes = 2;
	show(msgctl(id, IPC_SET, &ds));
	show(msgsnd(id, &m, 0, IPC_NOWAIT));
	must(msgctl(id, IPC_STAT, &ds));
	num(ds.msg_qbytes);
	num(ds.msg_qnum);
}

TEST(msg_many_empty)
{
	struct message m = { .type = 1 };
	struct msqid_ds ds;
	int id = queue(), n = 0;

	must(msgctl(id, IPC_STAT, &ds));
	ds.msg_qbytes = 5;
	must(msgctl(id, IPC_SET, &ds));
	while (!msgsnd(id, &m, 0, IPC_NOWAIT))
		n++;
	num(n);
	say("%s", err_name(errno));
}

struct call {
	int id;
	long type;
	size_t max;
	const char *text;
};

static int receiver(void *arg)
{
	struct call *c = arg;
	struct message m;
	ssize_t n = msgrcv(c->id, &m, c->max, c->type, 0);

	if (n < 0)
		return errno;
	return m.text[0];
}

static pid_t start_receiver(struct call *c)
{
	pid_t pid = spawn(receiver, c);

	until_asleep(pid);
	return pid;
}

TEST(msg_receiver_waits)
{
	struct call c = { queue(), 3, 100, NULL };
	pid_t pid = start_receiver(&c);
	struct msqid_ds ds;

	must(send_type(c.id, 2, "b", 0));
	must(send_type(c.id, 3, "c", 0));
	show_exit("receiver", pid);
	must(msgctl(c.id, IPC_STAT, &ds));
	num(ds.msg_qnum);
	fact(ds.msg_lrpid == pid);
}

/* Each type to the one that waits for it; else in the order they came. */
TEST(msg_receivers_in_order)
{
	struct call any = { queue(), 0, 100, NULL },
		    five = { any.id, 5, 100, NULL };
	pid_t a = start_receiver(&any), b = start_receiver(&five),
	      c = start_receiver(&any);

	must(send_type(any.id, 1, "1", 0));
	show_exit("a", a);
	must(send_type(any.id, 5, "2", 0));
	show_exit("b", b);
	must(send_type(any.id, 5, "3", 0));
	show_exit("c", c);
}

/* One for whom it is too long gets the error, the next the message. */
TEST(msg_receiver_too_small)
{
	struct call small = { queue(), 0, 2, NULL },
		    large = { small.id, 0, 100, NULL };
	pid_t a = start_receiver(&small), b = start_receiver(&large);

	must(send_type(small.id, 1, "A long one", 0));
	say("small: %s", err_name(WEXITSTATUS(await(a))));
	show_exit("large", b);
}

static int sender(void *arg)
{
	struct call *c = arg;
	struct message m = { .type = c->type };

	m.text[0] = c->text[0];
	return msgsnd(c->id, &m, c->max, 0) ? errno : 0;
}

TEST(msg_sender_waits)
{
	struct call big = { queue(), 1, 8000, "a" },
		    more = { big.id, 2, 8000, "b" },
		    last = { big.id, 3, 8000, "c" };
	struct message m;
	struct msqid_ds ds;
	pid_t b, c;

	must(sender(&big));
	must(sender(&big));
	b = spawn(sender, &more);
	until_asleep(b);
	c = spawn(sender, &last);
	until_asleep(c);
	show(msgrcv(big.id, &m, 8000, 0, 0));
	show(msgrcv(big.id, &m, 8000, 0, 0));
	show_exit("b", b);
	show_exit("c", c);
	must(msgctl(big.id, IPC_STAT, &ds));
	fact(ds.msg_lspid == b || ds.msg_lspid == c);
	num(ds.msg_qnum);
	/* Linux does not say whose is first */
	show(msgrcv(big.id, &m, 8000, 2, 0));
	show(msgrcv(big.id, &m, 8000, 3, 0));
}

TEST(msg_more_room_wakes)
{
	struct call c = { queue(), 1, 100, "x" };
	struct msqid_ds ds;
	pid_t pid;

	must(msgctl(c.id, IPC_STAT, &ds));
	ds.msg_qbytes = 50;
	must(msgctl(c.id, IPC_SET, &ds));
	pid = spawn(sender, &c);
	until_asleep(pid);
	ds.msg_qbytes = 150;
	must(msgctl(c.id, IPC_SET, &ds));
	show_exit("sender", pid);
}

TEST(msg_removed_while_waiting)
{
	struct call c = { queue(), 7, 100, "x" }, full = { c.id, 1, 8000, "x" };
	pid_t a, b;

	must(sender(&full));
	must(sender(&full));
	a = start_receiver(&c);
	b = spawn(sender, &full);
	until_asleep(b);
	must(msgctl(c.id, IPC_RMID, NULL));
	say("receiver: %s", err_name(WEXITSTATUS(await(a))));
	say("sender: %s", err_name(WEXITSTATUS(await(b))));
}

TEST(msg_interrupted)
{
	struct call full = { queue(), 1, 8000, "x" };
	struct message m;

	ticks_start(0);
	show(msgrcv(full.id, &m, 10, 0, 0));
	ticks_stop();
	/* never restarted */
	ticks_start(SA_RESTART);
	show(msgrcv(full.id, &m, 10, 0, 0));
	ticks_stop();
	must(sender(&full));
	must(sender(&full));
	ticks_start(SA_RESTART);
	say("%s", err_name(sender(&full)));
	ticks_stop();
}

TEST(msg_killed_waiter)
{
	struct call c = { queue(), 0, 100, NULL };
	pid_t pid = start_receiver(&c);

	must(kill(pid, SIGKILL));
	show_exit("receiver", pid);
	must(send_type(c.id, 1, "kept", 0));
	get(c.id, 0, IPC_NOWAIT);
}

static int rights(void *arg)
{
	int id = *(int *)arg;
	struct msqid_ds ds;

	must(setgid(65534));
	must(setuid(65534));
	show(send_type(id, 1, "x", IPC_NOWAIT));
	get(id, 0, IPC_NOWAIT);
	show(msgctl(id, IPC_STAT, &ds));
	show(msgctl(id, IPC_RMID, NULL));
	return 0;
}

TEST(msg_rights_of_others)
{
	struct msqid_ds ds;
	int id;

	need_root();
	id = queue();
	say("0600");
	show_exit("other", spawn(rights, &id));
	must(msgctl(id, IPC_STAT, &ds));
	ds.msg_perm.mode = 0602;
	must(msgctl(id, IPC_SET, &ds));
	say("0602");
	show_exit("other", spawn(rights, &id));
	ds.msg_perm.mode = 0604;
	must(msgctl(id, IPC_SET, &ds));
	say("0604");
	show_exit("other", spawn(rights, &id));
}

static int enlarge(void *arg)
{
	int id = *(int *)arg;
	struct msqid_ds ds;

	must(setgid(65534));
	must(setuid(65534));
	must(msgctl(id, IPC_STAT, &ds));
	ds.msg_qbytes = 100;
	show(msgctl(id, IPC_SET, &ds));
	ds.msg_qbytes = 16384;
	show(msgctl(id, IPC_SET, &ds));
	ds.msg_qbytes = 16385;
	show(msgctl(id, IPC_SET, &ds));
	return 0;
}

TEST(msg_enlarge)
{
	struct msqid_ds ds;
	int id;

	need_root();
	id = queue();
	must(msgctl(id, IPC_STAT, &ds));
	ds.msg_perm.uid = 65534;
	must(msgctl(id, IPC_SET, &ds));
	show_exit("owner", spawn(enlarge, &id));
}

TEST(msg_information)
{
	struct msginfo info;
	struct msqid_ds ds;
	int id = queue(), last, found = 0;

	must(send_type(id, 1, "abcd", 0));
	last = (int)must(msgctl(0, MSG_INFO, (struct msqid_ds *)&info));
	fact(info.msgpool >= 1 && info.msgmap >= 1 && info.msgtql >= 5);
	for (int i = 0; i <= last; i++)
		found += msgctl(i, MSG_STAT, &ds) == id && ds.msg_qnum == 1;
	num(found);
	must(msgctl(0, IPC_INFO, (struct msqid_ds *)&info));
	num(info.msgmax);
	num(info.msgmnb);
	num(info.msgssz);
	num(info.msgseg);
	num(info.msgpool);
	num(info.msgmap);
	num(info.msgtql);
	show_file("/proc/sys/kernel/msgmax");
	show_file("/proc/sys/kernel/msgmnb");
}

TEST(msg_proc)
{
	int id = queue(), seen = 0;
	char want[80], *line;

	must(send_type(id, 1, "abcd", 0));
	must(slurp("/proc/sysvipc/msg"));
	*strchr(slurped, '\n') = 0;
	say("%s", slurped);
	sprintf(want, "         0 %10d   600 %11d %10d %5d     0 ", id, 5, 1,
		(int)getpid());
	for (line = slurped + strlen(slurped) + 1; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		seen += !strncmp(line, want, strlen(want));
	num(seen);
}

static int echo(void *arg)
{
	struct message m;

	for (int i = 0; i < 1000; i++) {
		must(msgrcv(*(int *)arg, &m, 8, 1, 0));
		m.type = 2;
		must(msgsnd(*(int *)arg, &m, 8, 0));
	}
	return 0;
}

TEST(msg_ping_pong)
{
	struct message m;
	int id = queue();
	pid_t pid = spawn(echo, &id);

	for (int i = 0; i < 1000; i++) {
		m.type = 1;
		must(msgsnd(id, &m, 8, 0));
		must(msgrcv(id, &m, 8, 2, 0));
	}
	show_exit("child", pid);
}

static int produce(void *arg)
{
	struct message m = { .type = 1 };

	for (int i = 0; i < 300; i++) {
		m.text[0] = 1;
		must(msgsnd(*(int *)arg, &m, (size_t)(1 + i * 7), 0));
	}
	return 0;
}

/* More than fits: senders and receivers wait for each other. */
TEST(msg_stream)
{
	struct message m;
	int id = queue(), n = 0;
	long bytes = 0;
	pid_t pid[3];

	for (int i = 0; i < 3; i++)
		pid[i] = spawn(produce, &id);
	for (; n < 900; n++)
		bytes += must(msgrcv(id, &m, sizeof(m.text), 0, 0));
	num(n);
	num(bytes);
	for (int i = 0; i < 3; i++)
		show_exit("sender", pid[i]);
	get(id, 0, IPC_NOWAIT);
}
