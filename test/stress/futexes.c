/* SPDX-License-Identifier: MIT */
/*
 * Lost wake-ups and broken exclusion: mutexes and condition variables of
 * threads and of processes that share memory, waits with short time limits,
 * and requeues (a broadcast moves the waiters to the mutex). Counters that only
 * change under their lock must add up; a lost wake-up shows as a hang.
 */
#include "stress.h"

#define QUEUE	8

struct channel {
	pthread_mutex_t lock;
	pthread_cond_t not_full, not_empty;
	int used, head;
	uint32_t items[QUEUE];
	uint64_t sent, received, sum_sent, sum_received;
	int senders;
};

static struct channel *channel;

static void init(struct channel *c, int senders)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;

	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&c->lock, &mutex);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	pthread_condattr_setclock(&cond, CLOCK_MONOTONIC);
	pthread_cond_init(&c->not_full, &cond);
	pthread_cond_init(&c->not_empty, &cond);
	c->senders = senders;
}

/* Waits, now and then with a limit that is likely to pass. */
static void wait_on(pthread_cond_t *cond, pthread_mutex_t *lock, int limited)
{
	struct timespec limit;

	if (!limited) {
		pthread_cond_wait(cond, lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_nsec += 20000;
	if (limit.tv_nsec >= 1000000000) {
		limit.tv_nsec -= 1000000000;
		limit.tv_sec++;
	}
	pthread_cond_timedwait(cond, lock, &limit);
}

static void send_items(struct channel *c, uint32_t state)
{
	while (!time_is_over()) {
		uint32_t item = random_next(&state);

		pthread_mutex_lock(&c->lock);
		while (c->used == QUEUE)
			wait_on(&c->not_full, &c->lock, item % 5 == 0);
		c->items[(c->head + c->used++) % QUEUE] = item;
		c->sent++;
		c->sum_sent += item;
		if (item % 3)
			pthread_cond_signal(&c->not_empty);
		else
			pthread_cond_broadcast(&c->not_empty);
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_lock(&c->lock);
	c->senders--;
	pthread_cond_broadcast(&c->not_empty);
	pthread_mutex_unlock(&c->lock);
}

static void receive_items(struct channel *c)
{
	pthread_mutex_lock(&c->lock);
	for (;;) {
		while (!c->used && c->senders)
			wait_on(&c->not_empty, &c->lock, c->received % 7 == 0);
		if (!c->used)
			break;
		c->sum_received += c->items[c->head];
		c->head = (c->head + 1) % QUEUE;
		c->used--;
		c->received++;
		pthread_cond_broadcast(&c->not_full);
	}
	pthread_cond_broadcast(&c->not_empty);
	pthread_mutex_unlock(&c->lock);
}

/* Even numbers send, odd ones receive. */
static void *work(void *arg)
{
	uintptr_t number = (uintptr_t)arg;

	if (number % 2)
		receive_items(channel);
	else
		send_items(channel, number * 999 + 1);
	return NULL;
}

static void check(const struct channel *c, const char *what)
{
	if (c->sent != c->received || c->sum_sent != c->sum_received || c->used)
		fail("%s: %lu sent, %lu received, %d left", what,
		     (unsigned long)c->sent, (unsigned long)c->received,
		     c->used);
	atomic_fetch_add(&rounds, c->sent);
}

int main(int argc, char **argv)
{
	pid_t children[MAX_THREADS];

	stress_start(argc, argv);
	nr_threads = (nr_threads + 1) & ~1;
	channel = mmap(NULL, 2 * sizeof(*channel), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(channel != MAP_FAILED, "mmap");
	init(channel, nr_threads / 2);
	end_ns -= (uint64_t)(seconds_wanted * 5e8);
	run_threads(work);
	check(channel, "threads");
	init(++channel, nr_threads / 2);
	end_ns += (uint64_t)(seconds_wanted * 5e8);
	for (long i = 0; i < nr_threads; i++) {
		children[i] = fork();
		if (!children[i]) {
			work((void *)i);
			_exit(0);
		}
	}
	for (long i = 0; i < nr_threads; i++)
		await(children[i]);
	check(channel, "processes");
	return stress_end();
}
