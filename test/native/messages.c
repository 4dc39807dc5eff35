/* SPDX-License-Identifier: MIT */
/*
 * Behaviour of the native interface as programs see it, between threads and
 * between processes: what each error is for, that nothing is lost, that the
 * death of a partner and signals end a wait. Prints TAP.
 */
#define _GNU_SOURCE
#include "test/native/harness.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIG		MICA_BUF_MAX
#define NR_PROCESSES	8
#define NR_ROUNDS	300

/* --- basics --------------------------------------------------------------------*/
static void arguments(void)
{
	struct mica_msg m = { 0 };
	uint32_t ids[MICA_SET_MAX + 1] = { 0 };

	CHECK_EQ(mica_version(), MICA_NATIVE_VERSION);
	CHECK_EQ(mica_self() > 0, 1);
	CHECK_EQ(mica_self(), mica_self());
	CHECK_EQ(mica_send(0, &m, NULL, 0), -ESRCH);
	CHECK_EQ(mica_send(0x7ffffff0, &m, NULL, MICA_FOREVER), -ESRCH);
	CHECK_EQ(mica_send(1, NULL, NULL, 0), -EFAULT);
	CHECK_EQ(mica_receive((void *)-4096l, NULL, 0), -EFAULT);
	CHECK_EQ(mica_receive(&m, (void *)8, 0), -EFAULT);
	CHECK_EQ(mica_receive_from(ids, MICA_SET_MAX + 1, &m, NULL, 0),
		 -EINVAL);
	CHECK_EQ(mica_receive_from((void *)8, 2, &m, NULL, 0), -EFAULT);
	CHECK_EQ(mica_receive(&m, NULL, 0), -EAGAIN);
	CHECK_EQ(mica_reply((uint32_t)mica_self(), &m, NULL), -EINVAL);
	CHECK_EQ(mica_send((uint32_t)mica_self(), &m, NULL, 0), -EDEADLK);
}

static void names(void)
{
	CHECK_EQ(mica_find("nobody"), -ESRCH);
	CHECK_EQ(mica_name("a name that is too long", 0), -ENAMETOOLONG);
	CHECK_EQ(mica_name("here", 8), -EINVAL);
	CHECK_EQ(mica_name("clock", 0), mica_find("clock") > 0 ? -EEXIST : 0);
	CHECK_EQ(mica_name("here", 0), 0);
	CHECK_EQ(mica_find("here"), mica_self());
	CHECK_EQ(mica_name("", 0), 0);
	CHECK_EQ(mica_find("here"), -ESRCH);
}

static void timeouts(void)
{
	struct mica_msg m;
	int64_t start = now_ns();

	CHECK_EQ(mica_receive(&m, NULL, 20 * MS), -ETIMEDOUT);
	CHECK_EQ(now_ns() - start >= 20 * MS, 1);
}

/* --- between processes -------------------------------------------------------------*/
static int call_with_text(uint32_t parent)
{
	char in[64];
	struct mica_buf b = mica_buf("question", 9, in, sizeof(in));
	struct mica_msg m = { .type = 3, .word = { 41 } };
	int err = mica_call(parent, &m, &b, MICA_FOREVER);

	if (err)
		return err;
	return m.word[0] == 42 && b.got == 7 && !strcmp(in, "answer") ? 0 : 99;
}

static void call_between_processes(void)
{
	char in[64];
	struct mica_buf b = mica_buf("answer", 7, in, sizeof(in));
	pid_t pid = child(call_with_text);
	struct mica_msg m;

	CHECK_EQ(mica_receive(&m, &b, MICA_FOREVER), 0);
	CHECK_EQ(m.type, 3);
	CHECK_EQ(b.got, 9);
	CHECK_EQ(strcmp(in, "question"), 0);
	m.word[0]++;
	CHECK_EQ(mica_reply(m.from, &m, &b), 0);
	CHECK_EQ(result(pid), 0);
	CHECK_EQ(mica_reply(m.from, &m, NULL), -ESRCH);
}

/* Memory that is not there yet: zero pages, copies on write. */
static int send_big(uint32_t parent)
{
	char *p = mmap(NULL, BIG, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mica_buf b = mica_buf(p, BIG, NULL, 0);
	struct mica_msg m = { 0 };

	p[0] = 'a';
	p[BIG - 1] = 'z';
	return mica_send(parent, &m, &b, MICA_FOREVER);
}

static void big_buffers(void)
{
	char *p = mmap(NULL, BIG + 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mica_buf b = mica_buf(NULL, 0, p, BIG);
	struct mica_buf cut, too_long = mica_buf(p, BIG + 1, NULL, 0);
	pid_t pid = child(send_big);
	struct mica_msg m = { 0 };

	CHECK_EQ(mica_receive(&m, &b, MICA_FOREVER), 0);
	CHECK_EQ(b.got, BIG);
	CHECK_EQ(p[0] == 'a' && p[BIG - 1] == 'z' && !p[BIG / 2], 1);
	CHECK_EQ(result(pid), 0);
	CHECK_EQ(mica_send(m.from, &m, &too_long, 0), -EMSGSIZE);
	/* the room ends in a page that is not there: nothing is lost */
	munmap(p + BIG, 4096);
	cut = mica_buf(NULL, 0, p + BIG - 100, 4000);
	pid = child(call_with_text);
	CHECK_EQ(mica_receive(&m, &cut, MICA_FOREVER), 0);	/* 9 bytes fit */
	b = mica_buf("answer", 7, NULL, 0);
	m.word[0]++;
	CHECK_EQ(mica_reply(m.from, &m, &b), 0);
	CHECK_EQ(result(pid), 0);
	munmap(p, BIG);
}

static int send_from_nowhere(uint32_t parent)
{
	struct mica_buf b = mica_buf((void *)4096, 100, NULL, 0);
	struct mica_msg m = { .type = 1 };
	int err = mica_send(parent, &m, &b, MICA_FOREVER);

	m.type = 2;
	if (err == -EFAULT)
		err = mica_send(parent, &m, NULL, MICA_FOREVER);
	return err;
}

static void bad_buffers(void)
{
	char in[100];
	struct mica_buf b = mica_buf(NULL, 0, in, sizeof(in));
	pid_t pid = child(send_from_nowhere);
	struct mica_msg m;

	CHECK_EQ(mica_receive(&m, &b, MICA_FOREVER), 0);
	CHECK_EQ(m.type, 2);	/* the first never came */
	CHECK_EQ(result(pid), 0);
}

/* --- ends of a wait ------------------------------------------------------------------*/
static int call_parent(uint32_t parent)
{
	struct mica_msg m = { 0 };

	return mica_call(parent, &m, NULL, MICA_FOREVER);
}

static int wait_for_parent(uint32_t parent)
{
	struct mica_msg m = { 0 };
	uint32_t ids[1] = { parent };

	return mica_receive_from(ids, 1, &m, NULL, MICA_FOREVER);
}

/* Two callers, one received, one not, and one that listens; then I die. */
static int die_with_partners(uint32_t parent)
{
	struct mica_msg m;
	pid_t pids[3];
	int fds[2], n = 0;

	if (pipe(fds))
		return 1;
	for (int i = 0; i < 3; i++)
		pids[i] = child(i < 2 ? call_parent : wait_for_parent);
	if (mica_receive(&m, NULL, MICA_FOREVER))
		return 2;
	m.type = (uint32_t)pids[0];
	m.word[0] = (uint64_t)pids[1];
	m.word[1] = (uint64_t)pids[2];
	usleep(20000);
	n = mica_send(parent, &m, NULL, MICA_FOREVER);
	raise(SIGKILL);
	return n;
}

/* What ended the children of a process that was killed, as its own child saw. */
static int watch_death(uint32_t parent)
{
	struct mica_msg m = { 0 };
	int bad = 0, status;
	pid_t pid;

	(void)parent;
	/* orphans come to us */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return 1;
	pid = child(die_with_partners);
	if (mica_receive(&m, NULL, MICA_FOREVER))
		return 2;
	if (result(pid) != 1000 + SIGKILL)
		return 3;
	for (int i = 0; i < 3; i++) {
		if (waitpid(-1, &status, 0) < 0)
			return 4;
		bad |= !WIFEXITED(status) ||
		       (int8_t)WEXITSTATUS(status) != -ESRCH;
	}
	return bad ? 5 : 0;
}

static void death(void)
{
	CHECK_EQ(result(child(watch_death)), 0);
}

static void nothing(int signo)
{
	(void)signo;
}

static int wait_for_signal(uint32_t parent)
{
	struct sigaction a = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct mica_msg m = { .type = 1 };
	timer_t timer;
	struct itimerspec t = { .it_value = { 0, 20000000 } };
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL,
			      .sigev_signo = SIGUSR1 };

	sigaction(SIGUSR1, &a, NULL);
	if (timer_create(CLOCK_MONOTONIC, &e, &timer) ||
	    timer_settime(timer, 0, &t, NULL))
		return 1;
	if (mica_receive(&m, NULL, MICA_FOREVER) != -EINTR)
		return 2;
	m.type = 1;
	return mica_send(parent, &m, NULL, MICA_FOREVER);
}

static void signals(void)
{
	pid_t pid = child(wait_for_signal);
	struct mica_msg m;

	CHECK_EQ(mica_receive(&m, NULL, MICA_FOREVER), 0);
	CHECK_EQ(m.type, 1);
	CHECK_EQ(result(pid), 0);
	/* a caller that is killed while we have its message */
	pid = child(call_parent);
	CHECK_EQ(mica_receive(&m, NULL, MICA_FOREVER), 0);
	kill(pid, SIGKILL);
	CHECK_EQ(result(pid), 1000 + SIGKILL);
	CHECK_EQ(mica_reply(m.from, &m, NULL), -ESRCH);
	/* and one whose message we do not have yet */
	pid = child(call_parent);
	usleep(20000);
	kill(pid, SIGKILL);
	CHECK_EQ(result(pid), 1000 + SIGKILL);
	CHECK_EQ(mica_receive(&m, NULL, 0), -EAGAIN);
}

static int answer_with_call(uint32_t parent)
{
	struct mica_msg m = { .type = 1 };
	int err = mica_receive(&m, NULL, MICA_FOREVER);

	/* the parent waits for our reply: asking it back is a cycle */
	if (!err && mica_call(parent, &m, NULL, MICA_FOREVER) != -EDEADLK)
		err = 1;
	return err ? err : mica_reply(m.from, &m, NULL);
}

static int name_and_answer(uint32_t parent)
{
	int err = mica_name("asker", 0);

	return err ? err : answer_with_call(parent);
}

static int wait_for_name(const char *name)
{
	int id;

	while ((id = mica_find(name)) == -ESRCH)
		usleep(1000);
	return id;
}

static void cycle(void)
{
	pid_t pid = child(name_and_answer);
	struct mica_msg m = { 0 };

	CHECK_EQ(mica_call((uint32_t)wait_for_name("asker"), &m, NULL,
			   MICA_FOREVER), 0);
	CHECK_EQ(result(pid), 0);
}

/* --- rights ------------------------------------------------------------------------------*/
static int refused[2];	/* a pipe: the other user may not send */

static int other_user(uint32_t parent)
{
	struct mica_msg m = { 0 };
	char byte = 0;
	int id;

	if (setgid(65534) || setuid(65534))
		return 77;
	if (mica_send(parent, &m, NULL, MICA_FOREVER) != -EPERM)
		return 1;
	if (mica_notify(parent, 1) != -EPERM)
		return 2;
	if (write(refused[1], &byte, 1) != 1)
		return 3;
	id = wait_for_name("open");
	return mica_send((uint32_t)id, &m, NULL, MICA_FOREVER);
}

static void rights(void)
{
	struct mica_msg m = { 0 };
	char byte;
	pid_t pid;

	if (getuid()) {
		printf("# not root: skipped\n");
		return;
	}
	CHECK_EQ(pipe(refused), 0);
	pid = child(other_user);
	close(refused[1]);
	CHECK_EQ(read(refused[0], &byte, 1), 1);
	close(refused[0]);
	CHECK_EQ(mica_receive(&m, NULL, 0), -EAGAIN);
	CHECK_EQ(mica_name("open", MICA_PUBLIC), 0);
	CHECK_EQ(mica_receive(&m, NULL, MICA_FOREVER), 0);
	CHECK_EQ(result(pid), 0);
	CHECK_EQ(mica_name("", 0), 0);
}

/* --- the clock ---------------------------------------------------------------------------*/
static void clock_task(void)
{
	int clock = mica_find("clock");
	struct mica_msg m = { .type = 12345 };

	CHECK_EQ(clock > 0, 1);
	CHECK_EQ(mica_call((uint32_t)clock, &m, NULL, MICA_FOREVER), 0);
	CHECK_EQ(m.type, MICA_ERROR);
	CHECK_EQ(m.word[0], EINVAL);
	m = (struct mica_msg){ .type = MICA_CLOCK_ALARM,
			       .word = { (uint64_t)now_ns(), 6 } };
	CHECK_EQ(mica_call((uint32_t)clock, &m, NULL, MICA_FOREVER), 0);
	CHECK_EQ(mica_receive(&m, NULL, 5000 * MS), 0);
	CHECK_EQ(m.from, 0);
	CHECK_EQ(m.type, 6);
	/* set and taken back */
	m = (struct mica_msg){ .type = MICA_CLOCK_ALARM,
			       .word = { (uint64_t)(now_ns() + 500 * MS), 6 } };
	CHECK_EQ(mica_call((uint32_t)clock, &m, NULL, MICA_FOREVER), 0);
	m = (struct mica_msg){ .type = MICA_CLOCK_ALARM };
	CHECK_EQ(mica_call((uint32_t)clock, &m, NULL, MICA_FOREVER), 0);
	CHECK_EQ(mica_receive(&m, NULL, 700 * MS), -ETIMEDOUT);
	/* what time it is, for whoever asks and however long he would wait */
	for (int i = 0; i < 3; i++) {
		uint64_t before = (uint64_t)now_ns();

		m = (struct mica_msg){ .type = MICA_CLOCK_TICKS, .from = 77,
				       .word = { 1, 2, 3, 4, 5, 6, 7 } };
		CHECK_EQ(mica_call((uint32_t)clock, &m, NULL,
				   i ? 5000 * MS : MICA_FOREVER), 0);
		CHECK_EQ(m.from, clock);
		CHECK_EQ(m.type, 0);
		CHECK_EQ(m.word[0] >= before &&
			 m.word[0] <= (uint64_t)now_ns(), 1);
		CHECK_EQ(m.word[2], m.word[0] / (1000 * MS / MICA_CLOCK_HZ));
		CHECK_EQ(m.word[3], MICA_CLOCK_HZ);
		CHECK_EQ(m.word[4] | m.word[5] | m.word[6], 0);
	}
	/* a mere send to it, and ours to answer: no harm */
	m.type = MICA_CLOCK_TICKS;
	CHECK_EQ(mica_send((uint32_t)clock, &m, NULL, MICA_FOREVER), 0);
}

/* --- many ------------------------------------------------------------------------------------*/
static int many_calls(uint32_t parent)
{
	char text[200], back[200];

	for (int i = 0; i < NR_ROUNDS; i++) {
		struct mica_buf b = mica_buf(text, sizeof(text), back,
					     sizeof(back));
		struct mica_msg m = { .word = { (uint64_t)i } };
		int64_t timeout = i % 5 ? MICA_FOREVER : 1000;
		int err;

		memset(text, i, sizeof(text));
		err = mica_call(parent, &m, &b, timeout);
		if (err == -ETIMEDOUT && i % 5 == 0)
			continue;
		if (err || m.word[0] != (uint64_t)i + 1 ||
		    memcmp(text, back, sizeof(text)))
			return err ? err : 98;
	}
	return 0;
}

static void *reaper(void *arg)
{
	pid_t *pids = arg;
	struct mica_msg m = { .type = 9 };

	for (int i = 0; i < NR_PROCESSES; i++)
		CHECK_EQ(result(pids[i]), 0);
	CHECK_EQ(mica_send((uint32_t)pids[NR_PROCESSES], &m, NULL,
			   MICA_FOREVER), 0);
	return NULL;
}

static void many(void)
{
	pid_t pids[NR_PROCESSES + 1];
	char text[200];
	struct mica_buf b = mica_buf(NULL, 0, text, sizeof(text));
	struct mica_msg m = { 0 };
	pthread_t t;
	int err;

	for (int i = 0; i < NR_PROCESSES; i++)
		pids[i] = child(many_calls);
	pids[NR_PROCESSES] = mica_self();
	pthread_create(&t, NULL, reaper, pids);
	err = mica_receive(&m, &b, MICA_FOREVER);
	while (!err && m.type != 9) {
		m.word[0]++;
		b = mica_buf(text, b.got, text, sizeof(text));
		err = mica_reply_receive(m.from, &m, &b, MICA_FOREVER);
	}
	CHECK_EQ(err, 0);
	pthread_join(t, NULL);
}

int main(void)
{
	static const struct test tests[] = {
		{ "arguments", arguments }, { "names", names },
		{ "timeouts", timeouts },
		{ "call between processes", call_between_processes },
		{ "big buffers", big_buffers }, { "bad buffers", bad_buffers },
		{ "death", death }, { "signals", signals },
		{ "cycle", cycle }, { "rights", rights },
		{ "clock", clock_task }, { "many", many },
	};

	return run_tests("messages", tests, sizeof(tests) / sizeof(*tests), 60);
}
