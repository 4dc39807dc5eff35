/* SPDX-License-Identifier: MIT */
/*
 * Message queues of both kinds between processes, under signals all the time:
 *
 *	turns	pairs; a stream of numbers through a POSIX queue of one message, so
 *		that both sides sleep again and again, then an answer through one of
 *		System V. Each wait has an end far away: one that is reached is a
 *		wake-up that was lost.
 *	pool	all put messages into a few small queues and take them out, with
 *		short time limits; what is put in comes out once.
 */
#include "stress.h"
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <sys/time.h>

#define NR_POOLS	3
#define STREAM		50
#define STUCK_S		60	/* far more than any machine needs */

struct shared {
	atomic_ulong put[NR_POOLS], sum_put[NR_POOLS];
	atomic_ulong got[NR_POOLS], sum_got[NR_POOLS];
	atomic_ulong rounds, signals;
};

struct answer {
	long type;
	uint64_t value;
};

static struct shared *s;
static mqd_t pools[NR_POOLS], streams[MAX_THREADS];
static int answers[MAX_THREADS];

static void on_signal(__attribute__((unused)) int sig)
{
	atomic_fetch_add(&s->signals, 1);
}

static mqd_t make_queue(const char *kind, int number, long max_nr)
{
	struct mq_attr a = { .mq_maxmsg = max_nr, .mq_msgsize = 8 };
	char name[64];
	mqd_t q;

	snprintf(name, sizeof(name), "/stress-%d-%s-%d", (int)getpid(), kind,
		 number);
	q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a);
	must(q >= 0, "mq_open");
	must(!mq_unlink(name), "mq_unlink");
	return q;
}

static struct timespec in_ns(uint64_t ns)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	ns += (uint64_t)t.tv_nsec;
	t.tv_sec += (time_t)(ns / 1000000000);
	t.tv_nsec = (long)(ns % 1000000000);
	return t;
}

/* --- turns ---------------------------------------------------------------------*/
static void pass(mqd_t q, uint64_t *value, int is_sender)
{
	struct timespec end = in_ns(STUCK_S * 1000000000ull);
	long r;

	do
		r = is_sender ? mq_timedsend(q, (char *)value, 8, 0, &end) :
				mq_timedreceive(q, (char *)value, 8, NULL, &end);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == ETIMEDOUT)
		fail("turns: a %s's wake-up was lost",
		     is_sender ? "sender" : "receiver");
	must(r >= 0, is_sender ? "mq_timedsend" : "mq_timedreceive");
}

/* Signals let it look at the time. */
static void await_answer(int id, struct answer *a)
{
	uint64_t end = now_ns() + STUCK_S * 1000000000ull;
	long r;

	do
		r = msgrcv(id, a, 8, 1, 0);
	while (r < 0 && errno == EINTR && now_ns() < end);
	if (r < 0 && errno == EINTR)
		fail("turns: the wake-up by an answer was lost");
	must(r == 8, "msgrcv");
}

/* One round of a pair; returns 0 when the first one has had enough. */
static int take_turn(int pair, int is_first)
{
	struct answer a = { 1, 0 };
	uint64_t value, last = 0;

	for (uint64_t i = 1; i <= STREAM && (i == 1 || last); i++) {
		/* the first of a stream is 0: it is over */
		value = i == 1 && time_is_over() ? 0 : i;
		pass(streams[pair], &value, is_first);
		if (!is_first && value && value != i)
			fail("turns: %lu in place of %lu",
			     (unsigned long)value, (unsigned long)i);
		last = value;
	}
	a.value = last;
	if (is_first)
		await_answer(answers[pair], &a);
	else
		while (msgsnd(answers[pair], &a, 8, 0))
			must(errno == EINTR, "msgsnd");
	if (a.value != last)
		fail("turns: a wrong answer");
	atomic_fetch_add(&s->rounds, 1);
	return last != 0;
}

/* --- pool ----------------------------------------------------------------------*/
static void use_pool(uint32_t r)
{
	uint32_t i = r % NR_POOLS, is_sender = r >> 4 & 1;
	struct timespec end = in_ns((r >> 8) % 2000000);
	uint64_t value = r;
	long n;

	if (is_sender)
		n = mq_timedsend(pools[i], (char *)&value, 8, r >> 28, &end);
	else
		n = mq_timedreceive(pools[i], (char *)&value, 8, NULL, &end);
	if (n < 0) {
		must(errno == ETIMEDOUT || errno == EINTR, "pool");
		return;
	}
	atomic_fetch_add(is_sender ? &s->put[i] : &s->got[i], 1);
	atomic_fetch_add(is_sender ? &s->sum_put[i] : &s->sum_got[i], value);
}

static void *use_pools(void *arg)
{
	uint32_t state = (uint32_t)(uintptr_t)arg * 7919 + 1;

	while (!time_is_over())
		use_pool(random_next(&state));
	return NULL;
}

static void check_pool(int i)
{
	struct timespec now = in_ns(0);
	uint64_t value;

	while (mq_timedreceive(pools[i], (char *)&value, 8, NULL, &now) == 8) {
		atomic_fetch_add(&s->got[i], 1);
		atomic_fetch_add(&s->sum_got[i], value);
	}
	must(errno == ETIMEDOUT, "what is left");
	if (s->put[i] != s->got[i] || s->sum_put[i] != s->sum_got[i])
		fail("pool %d: %lu messages put, %lu got", i, s->put[i],
		     s->got[i]);
}

static void member(long number)
{
	struct itimerval often = { { 0, 5000 }, { 0, 1000 + number * 300 } };
	struct sigaction act = { .sa_handler = on_signal };
	pthread_t t;

	must(!sigaction(SIGALRM, &act, NULL), "sigaction");
	must(!setitimer(ITIMER_REAL, &often, NULL), "setitimer");
	errno = pthread_create(&t, NULL, use_pools, (void *)number);
	must(!errno, "pthread_create");
	while (take_turn((int)number / 2, !(number % 2)))
		;
	pthread_join(t, NULL);
	_exit(0);
}

int main(int argc, char **argv)
{
	pid_t pids[MAX_THREADS];

	stress_start(argc, argv);
	nr_threads &= ~1l;
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(s != MAP_FAILED, "mmap");
	for (int i = 0; i < NR_POOLS; i++)
		pools[i] = make_queue("pool", i, 1 + i);
	for (long i = 0; i < nr_threads / 2; i++) {
		streams[i] = make_queue("stream", (int)i, 1);
		answers[i] = msgget(IPC_PRIVATE, 0600);
		must(answers[i] >= 0, "msgget");
	}
	for (long i = 0; i < nr_threads; i++) {
		pids[i] = fork();
		if (!pids[i])
			member(i);
	}
	for (long i = 0; i < nr_threads; i++)
		await(pids[i]);
	for (long i = 0; i < nr_threads / 2; i++)
		msgctl(answers[i], IPC_RMID, NULL);
	for (int i = 0; i < NR_POOLS; i++)
		check_pool(i);
	atomic_store(&rounds, s->rounds);
	return stress_end();
}
