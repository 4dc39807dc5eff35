/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of messages: rendezvous in both orders, calls and replies,
 * time-outs, cycles, death, sets, notifications, buffers with and without a
 * shared address space, rights; and a stress run whose sums must be right.
 * Tasks are host threads (test/unit/fs/fake.c). Prints TAP.
 */
#include "core/msg.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/task.h"
#include "fs/fake.h"
#include "lib/string.h"
#include "platform/platform.h"
#include "test/unit/core/msg_actor.h"

#define NEVER	DEADLINE_NEVER
#define PAST	1ull		/* a deadline that is over */
#define NR_CLIENTS	4u
#define NR_CALLS	5000u

static bool shared = true;	/* all address spaces are one */

bool plat_space_is_shared(const struct task *t)
{
	return shared || t == current_task();
}

/* Priorities: test/native/priorities.c. */
bool plat_task_is_urgent(const struct task *t)
{
	return false;
}

int pi_wait(struct task *t, struct task *to)
{
	check_failed("nobody lends", __FILE__, __LINE__, 0);
	return 0;
}

void pi_settle(void)
{
}

int copy_from_user(void *dst, const void *src, size_t n)
{
	return copy_from_user_partial(dst, src, n) == n ? 0 : -EFAULT;
}

int copy_to_user(void *dst, const void *src, size_t n)
{
	return copy_to_user_partial(dst, src, n) == n ? 0 : -EFAULT;
}

int copy_64_to_user(void *dst, const void *src)
{
	return copy_to_user(dst, src, 64);
}

bool task_has_work(void)
{
	return false;
}

static struct msg_from only(const uint32_t *id)
{
	return (struct msg_from){ id, 1 };
}

/* --- rendezvous ----------------------------------------------------------------*/
static void sender_first(void)
{
	struct actor a = { .op = SEND, .to = msg_self(), .deadline_ns = NEVER,
			   .m = { .type = 7, .word = { 1, 2, 3, 4, 5, 6, 7 } } };
	struct msg m;

	start_until(&a, PORT_SENDING);
	CHECK_EQ(msg_receive(NULL, &m, NULL, NEVER), 0);
	CHECK_EQ(end(&a), 0);
	CHECK_EQ(m.from, a.id);
	CHECK_EQ(m.type, 7);
	CHECK_EQ(m.word[6], 7);
}

static void receiver_first(void)
{
	struct actor a = { .op = RECEIVE, .deadline_ns = NEVER };
	struct msg m = { .from = 99, .type = 8, .word = { 42 } };

	start_until(&a, PORT_RECEIVING);
	CHECK_EQ(msg_send(a.id, &m, NULL, 0), 0);
	CHECK_EQ(end(&a), 0);
	CHECK_EQ(a.m.from, msg_self());	/* not to be forged */
	CHECK_EQ(a.m.word[0], 42);
}

static void call_and_reply(void)
{
	struct actor a = { .op = CALL, .to = msg_self(), .deadline_ns = NEVER,
			   .m = { .type = 1 } };
	struct msg m;

	start_until(&a, PORT_SENDING);
	CHECK_EQ(msg_reply(a.id, &m, NULL), -EINVAL);	/* not received */
	CHECK_EQ(msg_receive(NULL, &m, NULL, 0), 0);
	until(a.id, PORT_CALLING);
	CHECK_EQ(msg_receive(NULL, &m, NULL, 0), -EAGAIN); /* only once */
	m.word[0] = 5;
	CHECK_EQ(msg_reply(a.id, &m, NULL), 0);
	CHECK_EQ(end(&a), 0);
	CHECK_EQ(a.m.word[0], 5);
	CHECK_EQ(a.m.from, msg_self());
	CHECK_EQ(msg_reply(a.id, &m, NULL), -ESRCH);
}

static void wrong_partners(void)
{
	struct actor a = { .op = RECEIVE, .deadline_ns = NEVER };
	struct msg m = { 0 };
	uint32_t nobody = 0x7fffffff;
	struct msg_from from = only(&nobody);

	CHECK_EQ(msg_send(nobody, &m, NULL, NEVER), -ESRCH);
	CHECK_EQ(msg_receive(&from, &m, NULL, NEVER), -ESRCH);
	CHECK_EQ(msg_notify_id(nobody, 1), -ESRCH);
	start_until(&a, PORT_RECEIVING);
	CHECK_EQ(msg_reply(a.id, &m, NULL), -EINVAL);
	CHECK_EQ(msg_send(a.id, &m, NULL, 0), 0);
	end(&a);
}

/* --- giving up -------------------------------------------------------------------*/
static void no_waiting(void)
{
	struct actor a = { .op = RECEIVE, .deadline_ns = NEVER,
			   .stays = true };
	struct msg m = { 0 };

	CHECK_EQ(msg_receive(NULL, &m, NULL, 0), -EAGAIN);
	CHECK_EQ(msg_receive(NULL, &m, NULL, PAST), -ETIMEDOUT);
	start_until(&a, PORT_RECEIVING);
	CHECK_EQ(msg_call(a.id, &m, NULL, PAST), -ETIMEDOUT); /* no reply */
	CHECK_EQ(end(&a), 0);
}

static void sender_gives_up(void)
{
	struct actor a = { .op = SEND, .to = msg_self(), .deadline_ns = PAST };
	struct actor b = { .op = SEND, .to = msg_self(), .deadline_ns = 0 };
	struct msg m;

	start(&a);
	CHECK_EQ(end(&a), -ETIMEDOUT);
	start(&b);
	CHECK_EQ(end(&b), -EAGAIN);
	CHECK_EQ(msg_receive(NULL, &m, NULL, 0), -EAGAIN);
}

static void interrupted(void)
{
	struct msg m = { 0 };

	fake_interrupt = 1;
	CHECK_EQ(msg_receive(NULL, &m, NULL, NEVER), -EINTR);
	fake_interrupt = 0;
}

/* --- cycles ----------------------------------------------------------------------*/
static void cycles(void)
{
	struct actor a = { .op = CALL, .to = msg_self(), .deadline_ns = NEVER };
	struct actor b = { .op = CALL, .deadline_ns = NEVER };
	struct msg m = { 0 };
	struct msg_from from;

	CHECK_EQ(msg_send(msg_self(), &m, NULL, NEVER), -EDEADLK);
	start_until(&a, PORT_SENDING);
	CHECK_EQ(msg_send(a.id, &m, NULL, NEVER), -EDEADLK);
	b.to = a.id;
	start_until(&b, PORT_SENDING);
	CHECK_EQ(msg_call(b.id, &m, NULL, NEVER), -EDEADLK);
	from = only(&b.id);
	CHECK_EQ(msg_receive(&from, &m, NULL, NEVER), -EDEADLK);
	CHECK_EQ(msg_receive(NULL, &m, NULL, 0), 0);
	CHECK_EQ(m.from, a.id);
	/* it waits for the reply now */
	CHECK_EQ(msg_send(a.id, &m, NULL, NEVER), -EDEADLK);
	CHECK_EQ(msg_reply(a.id, &m, NULL), 0);
	CHECK_EQ(end(&a), 0);
	CHECK_EQ(end(&b), -ESRCH);	/* a has ended */
}

static void *die_later(void *arg)
{
	uint32_t *id = arg;
	struct port *me;

	*id = msg_self();
	me = current_task()->port;
	for (bool wanted = false; !wanted; sched_yield()) {
		mutex_lock(&msg_lock);
		wanted = *(volatile uint32_t *)&id[1];
		mutex_unlock(&msg_lock);
	}
	CHECK(me != NULL);
	msg_task_gone(current_task());
	return NULL;
}

static void death_of_the_partner(void)
{
	struct actor a[3] = {
		{ .op = SEND, .deadline_ns = NEVER },
		{ .op = CALL, .deadline_ns = NEVER },
		{ .op = RECEIVE, .deadline_ns = NEVER },
	};
	static const enum port_state states[] = { PORT_SENDING, PORT_SENDING,
						  PORT_RECEIVING };
	volatile uint32_t id[2] = { 0, 0 };
	unsigned long t;

	pthread_create(&t, NULL, die_later, (void *)id);
	while (!id[0])
		sched_yield();
	for (uint32_t i = 0; i < 3; i++) {
		a[i].to = id[0];
		start_until(&a[i], states[i]);
	}
	id[1] = 1;
	pthread_join(t, NULL);
	for (uint32_t i = 0; i < 3; i++)
		CHECK_EQ(end(&a[i]), -ESRCH);
}

/* --- choice ------------------------------------------------------------------------*/
static void order_and_sets(void)
{
	struct actor a[3];
	struct msg_from from;
	uint32_t ids[2];
	struct msg m;

	for (uint32_t i = 0; i < 3; i++) {
		a[i] = (struct actor){ .op = SEND, .to = msg_self(),
				       .deadline_ns = NEVER };
		start_until(&a[i], PORT_SENDING);
	}
	from = only(&a[2].id);
	CHECK_EQ(msg_receive(&from, &m, NULL, 0), 0);
	CHECK_EQ(m.from, a[2].id);
	ids[0] = a[2].id;
	ids[1] = a[1].id;
	from = (struct msg_from){ ids, 2 };
	CHECK_EQ(msg_receive(&from, &m, NULL, 0), 0);
	CHECK_EQ(m.from, a[1].id);
	CHECK_EQ(msg_receive(&from, &m, NULL, 0), -EAGAIN);
	CHECK_EQ(msg_receive(NULL, &m, NULL, 0), 0);
	CHECK_EQ(m.from, a[0].id);
	for (uint32_t i = 0; i < 3; i++)
		CHECK_EQ(end(&a[i]), 0);
}

static void notifications(void)
{
	struct actor a = { .op = RECEIVE, .deadline_ns = NEVER };
	uint32_t ids[2] = { 0x7fffffff, 0 };
	struct msg_from messages = only(ids), both = { ids, 2 };
	struct msg m;

	msg_self();
	msg_notify(current_task(), 1);
	msg_notify(current_task(), 4);
	CHECK_EQ(msg_receive(&messages, &m, NULL, 0), -ESRCH);
	CHECK_EQ(msg_receive(&both, &m, NULL, 0), 0);
	CHECK_EQ(m.from, 0);
	CHECK_EQ(m.type, 5);
	CHECK_EQ(msg_receive(&both, &m, NULL, 0), -EAGAIN);
	start_until(&a, PORT_RECEIVING);
	CHECK_EQ(msg_notify_id(a.id, 16), 0);
	CHECK_EQ(end(&a), 0);
	CHECK_EQ(a.m.from, 0);
	CHECK_EQ(a.m.type, 16);
}

/* --- buffers ------------------------------------------------------------------------*/
static struct msg_buf buf(const void *out, uint32_t out_len, void *in,
			  uint32_t in_len)
{
	return (struct msg_buf){ .out = (uint64_t)out, .out_len = out_len,
				 .in = (uint64_t)in, .in_len = in_len,
				 .user = true };
}

/* A call with 300 bytes there and back, the receiver first or second. */
static void buffer_round(bool receiver_first_one)
{
	char question[300], answer[300], got[300], back[300];
	struct msg_buf cb = buf(question, 300, back, 300);
	struct msg_buf rb = buf(NULL, 0, got, 300);
	struct actor a = { .op = CALL, .to = msg_self(), .b = &cb,
			   .deadline_ns = NEVER };
	struct actor r = { .op = RECEIVE, .b = &rb, .deadline_ns = NEVER };
	struct msg m = { 0 };

	memset(question, 'q', 300);
	memset(answer, 'a', 300);
	memset(got, 0, 300);
	memset(back, 0, 300);
	if (receiver_first_one) {
		struct msg_buf b = buf(question, 300, NULL, 0);

		start_until(&r, PORT_RECEIVING);
		CHECK_EQ(msg_send(r.id, &m, &b, NEVER), 0);
		CHECK_EQ(end(&r), 0);
	} else {
		struct msg_buf ab = buf(answer, 300, NULL, 0);

		start_until(&a, PORT_SENDING);
		CHECK_EQ(msg_receive(NULL, &m, &rb, NEVER), 0);
		CHECK_EQ(msg_reply(a.id, &m, &ab), 0);
		CHECK_EQ(end(&a), 0);
		CHECK_EQ(cb.got, 300);
		CHECK(!memcmp(back, answer, 300));
	}
	CHECK_EQ(rb.got, 300);
	CHECK(!memcmp(got, question, 300));
}

static void buffers(void)
{
	for (uint32_t i = 0; i < 4; i++) {
		shared = i & 1;
		buffer_round(i & 2);
	}
	shared = true;
}

static void too_long(void)
{
	static char bytes[300];
	struct msg_buf rb = buf(NULL, 0, bytes, 10), sb = buf(bytes, 11, NULL,
							      0);
	struct actor r = { .op = RECEIVE, .b = &rb, .deadline_ns = NEVER };
	struct msg_buf ab = buf(bytes, 300, NULL, 0);
	struct actor a = { .op = SEND, .to = msg_self(), .b = &ab,
			   .deadline_ns = NEVER };
	struct msg m = { 0 };

	start_until(&r, PORT_RECEIVING);
	CHECK_EQ(msg_send(r.id, &m, &sb, NEVER), -EMSGSIZE);
	sb.out_len = 10;
	CHECK_EQ(msg_send(r.id, &m, &sb, NEVER), 0);
	CHECK_EQ(end(&r), 0);
	CHECK_EQ(rb.got, 10);
	sb.out_len = MSG_BUF_MAX + 1;
	CHECK_EQ(msg_send(msg_self(), &m, &sb, NEVER), -EMSGSIZE);
	start_until(&a, PORT_SENDING);
	CHECK_EQ(msg_receive(NULL, &m, NULL, 0), -EAGAIN);
	CHECK_EQ(end(&a), -EMSGSIZE);
}

static void bad_memory(void)
{
	char bytes[300];
	struct msg_buf bad_in = buf(NULL, 0, (void *)64, 300);
	struct msg_buf bad_out = buf((void *)64, 300, NULL, 0);
	struct msg_buf out = buf(bytes, 300, NULL, 0), in = buf(NULL, 0, bytes,
								300);
	struct msg m = { 0 };

	memset(bytes, 1, sizeof(bytes));
	for (uint32_t i = 0; i < 2; i++) {
		struct actor r = { .op = RECEIVE, .b = &in,
				   .deadline_ns = NEVER };
		struct actor s = { .op = SEND, .to = msg_self(), .b = &out,
				   .deadline_ns = NEVER };

		shared = i;
		/* the sender's: the receiver goes on waiting */
		start_until(&r, PORT_RECEIVING);
		CHECK_EQ(msg_send(r.id, &m, &bad_out, NEVER), -EFAULT);
		CHECK_EQ(msg_send(r.id, &m, NULL, NEVER), 0);
		CHECK_EQ(end(&r), 0);
		/* the receiver's: the sender goes on waiting */
		start_until(&s, PORT_SENDING);
		CHECK_EQ(msg_receive(NULL, &m, &bad_in, NEVER), -EFAULT);
		CHECK_EQ(msg_receive(NULL, &m, &in, NEVER), 0);
		CHECK_EQ(end(&s), 0);
	}
}

static void no_memory(void)
{
	char bytes[300];
	struct msg_buf out = buf(bytes, 300, NULL, 0), in = buf(NULL, 0, bytes,
								300);
	struct actor r = { .op = RECEIVE, .b = &in, .deadline_ns = NEVER };
	struct msg m = { 0 };

	memset(bytes, 1, sizeof(bytes));
	shared = false;
	start_until(&r, PORT_RECEIVING);
	heap_fail_after(1);
	CHECK_EQ(msg_send(r.id, &m, &out, NEVER), -ENOMEM);
	CHECK_EQ(msg_send(r.id, &m, &out, NEVER), 0);
	CHECK_EQ(end(&r), 0);
	msg_task_gone(current_task());
	heap_fail_after(1);
	CHECK_EQ(msg_self(), 0);
	heap_fail_after(1);
	CHECK_EQ(msg_receive(NULL, &m, NULL, 0), -ENOMEM);
	shared = true;
}

/* --- names and rights ------------------------------------------------------------------*/
static bool nobody_may(const struct task *from, const struct task *to)
{
	return false;
}

static void names_and_rights(void)
{
	struct actor a = { .op = RECEIVE, .deadline_ns = NEVER };
	struct msg m = { 0 };

	CHECK_EQ(msg_find(""), 0);
	CHECK_EQ(msg_set_name("here", 0), 0);
	CHECK_EQ(msg_find("here"), msg_self());
	start_until(&a, PORT_RECEIVING);
	current_task()->kind = TASK_USER;
	CHECK_EQ(msg_send(a.id, &m, NULL, NEVER), -EPERM); /* the system's */
	port_find_locked(a.id)->task->kind = TASK_USER;
	msg_set_policy(nobody_may);
	CHECK_EQ(msg_send(a.id, &m, NULL, NEVER), -EPERM);
	CHECK_EQ(msg_notify_id(a.id, 1), -EPERM);
	port_find_locked(a.id)->rights = MSG_PUBLIC;
	CHECK_EQ(msg_send(a.id, &m, NULL, NEVER), 0);
	msg_set_policy(NULL);
	current_task()->kind = TASK_SYSTEM;
	end(&a);
	msg_task_gone(current_task());
	CHECK_EQ(msg_find("here"), 0);
}

/* --- all at once --------------------------------------------------------------------------*/
static uint32_t server_id;
static uint64_t sum_sent;	/* atomic */

/* Calls, some with too little time; counts what was answered. */
static void *client(void *arg)
{
	uint64_t sum = 0;
	uint32_t given_up = 0;

	for (uint64_t i = 0; i < NR_CALLS; i++) {
		char text[32], back[32];
		struct msg_buf b = buf(text, 32, back, 32);
		struct msg m = { .type = 1, .word = { i } };
		int err;

		memset(text, (int)i, sizeof(text));
		memset(back, 0, sizeof(back));
		err = msg_call(server_id, &m, i % 3 ? &b : NULL,
			       i % 7 ? NEVER : PAST);
		if (err) {
			CHECK_EQ(err, -ETIMEDOUT);
			given_up++;
			continue;
		}
		CHECK_EQ(m.word[0], i + 1);
		CHECK(i % 3 == 0 || !memcmp(text, back, 32));
		sum += i;
		if (i % 5 == 0)
			CHECK_EQ(msg_notify_id(server_id, 1), 0);
	}
	__atomic_fetch_add(&sum_sent, sum, __ATOMIC_RELAXED);
	CHECK(given_up <= NR_CALLS / 7 + 1);
	msg_task_gone(current_task());
	return NULL;
}

static void *serve(void *arg)
{
	uint64_t sum = 0;
	bool stop = false;
	char text[32];

	server_id = msg_self();
	__atomic_store_n((uint32_t *)arg, 1, __ATOMIC_RELEASE);
	while (!stop) {
		struct msg_buf b = buf(NULL, 0, text, 32), r;
		struct msg m;

		CHECK_EQ(msg_receive(NULL, &m, &b, NEVER), 0);
		if (!m.from)
			continue;
		stop = m.type == 2;
		r = buf(text, b.got, NULL, 0);
		m.word[0]++;
		if (!msg_reply(m.from, &m, &r))
			sum += m.word[0] - 1;
	}
	/* an answer may come when the caller has just given up: not more */
	CHECK(sum >= sum_sent);
	msg_task_gone(current_task());
	return NULL;
}

/* A wait that began the direct way and ends by those who do not know it. */
static void direct_wait(void)
{
	struct actor a = { .op = DIRECT };
	struct msg m = { .type = 3, .word = { [6] = 33 } };
	char text[4] = "abc";
	struct msg_buf b = { .out = (uint64_t)text, .out_len = 4 };

	start_until(&a, PORT_RECEIVING);
	CHECK_EQ(msg_send(a.id, &m, &b, NEVER), -EMSGSIZE);
	CHECK_EQ(msg_send(a.id, &m, NULL, NEVER), 0);
	CHECK_EQ(end(&a), 0);
	CHECK_EQ(a.m.from, msg_self());
	CHECK_EQ(a.m.word[6], 33);

	a = (struct actor){ .op = DIRECT };
	start_until(&a, PORT_RECEIVING);
	CHECK_EQ(msg_notify_id(a.id, 5), 0);
	CHECK_EQ(end(&a), 0);
	CHECK_EQ(a.m.from, 0);
	CHECK_EQ(a.m.type, 5);
}

static void stress(void)
{
	unsigned long server, t[NR_CLIENTS];
	uint32_t ready = 0;
	struct msg m = { .type = 2 };

	for (uint32_t round = 0; round < 2; round++) {
		shared = round;
		ready = 0;
		sum_sent = 0;
		pthread_create(&server, NULL, serve, &ready);
		while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
			sched_yield();
		for (uint32_t i = 0; i < NR_CLIENTS; i++)
			pthread_create(&t[i], NULL, client, NULL);
		for (uint32_t i = 0; i < NR_CLIENTS; i++)
			pthread_join(t[i], NULL);
		CHECK_EQ(msg_call(server_id, &m, NULL, NEVER), 0);
		pthread_join(server, NULL);
	}
	shared = true;
}

static const struct unit_test tests[] = {
	{ "sender first", sender_first }, { "receiver first", receiver_first },
	{ "call and reply", call_and_reply },
	{ "wrong partners", wrong_partners }, { "no waiting", no_waiting },
	{ "a sender gives up", sender_gives_up },
	{ "interrupted", interrupted }, { "cycles", cycles },
	{ "death of the partner", death_of_the_partner },
	{ "order and sets", order_and_sets },
	{ "notifications", notifications }, { "buffers", buffers },
	{ "too long", too_long }, { "bad memory", bad_memory },
	{ "no memory", no_memory }, { "names and rights", names_and_rights },
	{ "direct wait", direct_wait },
	{ "stress", stress },
};

static void forget_me(void)
{
	msg_task_gone(current_task());
}

int main(void)
{
	return unit_run("msg", tests, ARRAY_LEN(tests), NULL, forget_me);
}
