/* SPDX-License-Identifier: MIT */
/*
 * Calls without a buffer between two programs that go on in turn: where the
 * kernel schedules they take a way of their own (kernel/platform/kvm/message.c),
 * which has to do, and to leave alone, all that the other does. Prints TAP.
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
#include <unistd.h>

#define PAGE		4096ul
#define ROUNDS		200
#define FOREVER		MICA_FOREVER

enum { ECHO = 1, QUIT };

/* --- a server in another process -------------------------------------------------*/
/* Memory that is not there yet: the end of one page and the begin of the next. */
static struct mica_msg *fresh(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : (struct mica_msg *)(p + PAGE - 24);
}

static void drop(struct mica_msg *m)
{
	munmap((char *)m + 24 - PAGE, 2 * PAGE);
}

static void add_one(struct mica_msg *m)
{
	for (int i = 0; i < 7; i++)
		m->word[i] += (uint64_t)i + 1;
}

static int serve(int ready)
{
	static struct mica_msg first;
	struct mica_msg *m = &first;
	uint32_t id = (uint32_t)mica_self();
	int err;

	if (write(ready, &id, sizeof(id)) != sizeof(id))
		return 1;
	err = mica_receive(m, NULL, FOREVER);
	while (!err && m->type != QUIT) {
		add_one(m);
		err = mica_reply_receive(m->from, m, NULL, FOREVER);
	}
	return err ? 2 : 0;
}

static pid_t server_pid;
static uint32_t server;

static void begin(void)
{
	int fds[2];

	fflush(stdout);
	if (pipe(fds))
		exit(1);
	server_pid = fork();
	if (!server_pid)
		_exit(serve(fds[1]));
	if (read(fds[0], &server, sizeof(server)) != sizeof(server))
		exit(1);
	close(fds[0]);
	close(fds[1]);
}

static void end(void)
{
	struct mica_msg m = { .type = QUIT };

	CHECK_EQ(mica_send(server, &m, NULL, FOREVER), 0);
	CHECK_EQ(result(server_pid), 0);
}

static void call_once(struct mica_msg *m, uint32_t type, uint64_t seed)
{
	memset(m, 0, sizeof(*m));
	m->type = type;
	for (int i = 0; i < 7; i++)
		m->word[i] = seed * (uint64_t)(i + 3);
	m->from = 12345;
	CHECK_EQ(mica_call(server, m, NULL, FOREVER), 0);
	CHECK_EQ(m->from, server);
	CHECK_EQ(m->type, type);
	for (int i = 0; i < 7; i++)
		CHECK_EQ(m->word[i], seed * (uint64_t)(i + 3) + i + 1);
}

static void contents(void)
{
	struct mica_msg m;

	begin();
	for (uint64_t i = 0; i < ROUNDS; i++)
		call_once(&m, ECHO, i * 0x123456789abcdefull);
	end();
}

/* --- vector registers ---------------------------------------------------------------*/
static uint8_t patterns[2][16][16];

/* A call with all vector registers in use. Returns its result. */
static long call_with_vectors(struct mica_msg *m, int which)
{
	uint8_t (*p)[16] = patterns[which], after[16][16];
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = -1;
	long ret;

	__asm__ volatile(
		".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		"movups 16*\\n(%[p]), %%xmm\\n\n\t.endr\n\t"
		"syscall\n\t"
		".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		"movups %%xmm\\n, 16*\\n(%[a])\n\t.endr\n\t"
		: "=a"(ret)
		: "a"(MICA_SYSCALL), "D"((long)MICA_OP_CALL),
		  "S"((long)server), "d"(m), "r"(r10), "r"(r8), [p] "r"(p),
		  [a] "r"(after)
		: "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3",
		  "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
		  "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	CHECK_EQ(memcmp(p, after, sizeof(after)), 0);
	return ret;
}

static void vectors(void)
{
	struct mica_msg m;

	for (int w = 0; w < 2; w++)
		for (int i = 0; i < 16; i++)
			memset(patterns[w][i], 1 + w * 16 + i, 16);
	begin();
	for (int i = 0; i < ROUNDS; i++) {
		struct mica_msg *bad = i % 3 ? &m : (void *)8;

		m = (struct mica_msg){ .type = ECHO };
		CHECK_EQ(call_with_vectors(bad, i & 1), i % 3 ? 0 : -EFAULT);
	}
	end();
}

/* --- other ends of the wait ---------------------------------------------------------*/
static void bad_addresses(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	struct mica_msg m;

	begin();
	call_once(&m, ECHO, 1);
	CHECK_EQ(mica_call(server, NULL, NULL, FOREVER), -EFAULT);
	CHECK_EQ(mica_call(server, (void *)0xffff800000000000ul, NULL, FOREVER),
		 -EFAULT);
	CHECK_EQ(mica_call(server, (void *)0x7ffffffff000ul, NULL, FOREVER),
		 -EFAULT);
	CHECK_EQ(mica_call(server, (void *)0x1000000000000000ul, NULL, FOREVER),
		 -EFAULT);
	/* can be sent from, but not received into */
	CHECK_EQ(mica_call(server, (struct mica_msg *)page, NULL, FOREVER),
		 -EFAULT);
	call_once(&m, ECHO, 2);
	end();
	munmap(page, PAGE);
}

struct waiter {
	pthread_t thread;
	struct mica_msg *m;
	uint32_t client, id;	/* atomic */
	int result;
};

/* Serves once, then waits for more, into m. */
static void *serve_thread(void *arg)
{
	struct waiter *w = arg;
	struct mica_msg m;

	__atomic_store_n(&w->id, (uint32_t)mica_self(), __ATOMIC_RELEASE);
	w->result = mica_receive(&m, NULL, FOREVER);
	if (!w->result) {
		*w->m = m;
		w->result = mica_reply_receive(m.from, w->m, NULL, FOREVER);
	}
	return NULL;
}

static void start_waiter(struct waiter *w)
{
	struct mica_msg m = { .type = ECHO };

	*w = (struct waiter){ .m = fresh() };
	pthread_create(&w->thread, NULL, serve_thread, w);
	while (!__atomic_load_n(&w->id, __ATOMIC_ACQUIRE))
		usleep(100);
	CHECK_EQ(mica_call(w->id, &m, NULL, FOREVER), 0);
	usleep(2000);
}

/* The memory of one side is not there when the message is to be copied. */
static void missing_pages(void)
{
	struct mica_msg m = { .type = ECHO };
	struct waiter w;

	begin();
	call_once(&m, ECHO, 1);
	for (int i = 0; i < ROUNDS; i++) {
		struct mica_msg *zero = fresh();

		CHECK_EQ(mica_call(server, zero, NULL, FOREVER), 0);
		CHECK_EQ(zero->from, server);
		CHECK_EQ(zero->word[6], 7);
		drop(zero);
	}
	end();
	for (int i = 0; i < 3; i++) {
		start_waiter(&w);
		/* the first half, the second, both */
		madvise((char *)w.m + 24 - PAGE + (i == 1 ? PAGE : 0),
			i == 2 ? 2 * PAGE : PAGE, MADV_DONTNEED);
		memset(&m.word, 0x55 + i, sizeof(m.word));
		CHECK_EQ(mica_call(w.id, &m, NULL, FOREVER), -ESRCH);
		pthread_join(w.thread, NULL);
		CHECK_EQ(w.result, 0);
		CHECK_EQ(w.m->from, mica_self());
		CHECK_EQ(memcmp(w.m->word, m.word, sizeof(m.word)), 0);
		drop(w.m);
	}
}

static void memory_goes(void)
{
	struct mica_msg m = { .type = ECHO };
	struct waiter w;

	start_waiter(&w);
	drop(w.m);
	/* it ends, before it could answer */
	CHECK_EQ(mica_call(w.id, &m, NULL, FOREVER), -ESRCH);
	pthread_join(w.thread, NULL);
	CHECK_EQ(w.result, -EFAULT);
}

static void nothing(int signo)
{
	(void)signo;
}

static void others_end_it(void)
{
	struct sigaction a = { .sa_handler = nothing };
	struct mica_msg m = { .type = 7, .word = { 11, 12, 13, 14, 15, 16, 17 } };
	struct mica_buf b = mica_buf(&m, sizeof(m), NULL, 0);
	struct waiter w;

	sigaction(SIGUSR1, &a, NULL);
	start_waiter(&w);
	pthread_kill(w.thread, SIGUSR1);
	pthread_join(w.thread, NULL);
	CHECK_EQ(w.result, -EINTR);
	drop(w.m);

	start_waiter(&w);
	CHECK_EQ(mica_notify(w.id, 6), 0);
	pthread_join(w.thread, NULL);
	CHECK_EQ(w.result, 0);
	CHECK_EQ(w.m->from, 0);
	CHECK_EQ(w.m->type, 6);
	drop(w.m);

	/* a message that does not come the direct way */
	start_waiter(&w);
	CHECK_EQ(mica_send(w.id, &m, &b, FOREVER), -EMSGSIZE);
	CHECK_EQ(mica_send(w.id, &m, NULL, 1000000000), 0);
	pthread_join(w.thread, NULL);
	CHECK_EQ(w.result, 0);
	CHECK_EQ(w.m->from, mica_self());
	CHECK_EQ(w.m->type, 7);
	CHECK_EQ(w.m->word[6], 17);
	drop(w.m);
}

/* A caller that waits for its reply: a signal, and the server's death. */
static void *call_thread(void *arg)
{
	struct waiter *w = arg;
	struct mica_msg m = { .type = ECHO };

	/* so that the server waits for the next one */
	w->result = mica_call(w->client, &m, NULL, FOREVER);
	__atomic_store_n(&w->id, (uint32_t)mica_self(), __ATOMIC_RELEASE);
	if (!w->result)
		w->result = mica_call(w->client, &m, NULL, FOREVER);
	return NULL;
}

/* Ends when the second call comes. */
static void *bad_server(void *arg)
{
	struct waiter *w = arg;
	struct mica_msg m;

	w->result = mica_name("bad server", 0);
	if (!w->result)
		w->result = mica_receive(&m, NULL, FOREVER);
	if (!w->result)
		w->result = mica_reply_receive(m.from, &m, NULL, FOREVER);
	return NULL;
}

static void callers(void)
{
	struct sigaction a = { .sa_handler = nothing };
	struct waiter caller = { .client = (uint32_t)mica_self() }, s = { 0 };
	struct mica_msg m = { 0 };

	sigaction(SIGUSR1, &a, NULL);
	pthread_create(&caller.thread, NULL, call_thread, &caller);
	CHECK_EQ(mica_receive(&m, NULL, FOREVER), 0);
	CHECK_EQ(mica_reply_receive(m.from, &m, NULL, FOREVER), 0);
	pthread_kill(caller.thread, SIGUSR1);
	pthread_join(caller.thread, NULL);
	CHECK_EQ(caller.result, -EINTR);
	CHECK_EQ(mica_reply(caller.id, &m, NULL) < 0, 1);

	/* ends without an answer: the caller is told */
	pthread_create(&s.thread, NULL, bad_server, &s);
	m = (struct mica_msg){ .type = ECHO };
	while (mica_find("bad server") < 0)
		usleep(100);
	caller.client = (uint32_t)mica_find("bad server");
	pthread_create(&caller.thread, NULL, call_thread, &caller);
	pthread_join(caller.thread, NULL);
	CHECK_EQ(caller.result, -ESRCH);
	pthread_join(s.thread, NULL);
	CHECK_EQ(s.result, 0);
}

static void death(void)
{
	struct mica_msg m;

	begin();
	call_once(&m, ECHO, 1);
	kill(server_pid, SIGKILL);
	CHECK_EQ(result(server_pid), 1000 + SIGKILL);
	CHECK_EQ(mica_call(server, &m, NULL, FOREVER), -ESRCH);
}

int main(void)
{
	static const struct test tests[] = {
		{ "contents", contents }, { "vector registers", vectors },
		{ "missing pages", missing_pages },
		{ "bad addresses", bad_addresses },
		{ "memory that goes", memory_goes },
		{ "others end the wait", others_end_it },
		{ "callers", callers }, { "death", death },
	};

	return run_tests("direct", tests, sizeof(tests) / sizeof(*tests), 60);
}
