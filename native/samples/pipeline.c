/* SPDX-License-Identifier: MIT */
/*
 * Sample: a pipeline of threads. A source sends numbers, stages in between
 * transform them, a sink adds them up. No locks, no queues: each send ends
 * when the next stage has taken the message.
 */
#include "native/mica.h"
#include <pthread.h>
#include <stdio.h>

#define NR_STAGES	3
#define NR_ITEMS	1000
enum { ITEM = 1, END = 2 };

struct stage {
	uint64_t (*fn)(uint64_t n);
	uint32_t next;		/* whom to send to */
	uint32_t id;
	pthread_barrier_t *ready;
	pthread_t thread;
	int err;
};

static uint64_t square(uint64_t n)
{
	return n * n;
}

static uint64_t plus_one(uint64_t n)
{
	return n + 1;
}

static uint64_t twice(uint64_t n)
{
	return 2 * n;
}

static void *run(void *arg)
{
	struct stage *s = arg;
	struct mica_msg m = { .type = 0 };

	s->id = (uint32_t)mica_self();
	pthread_barrier_wait(s->ready);		/* ids are known */
	pthread_barrier_wait(s->ready);		/* they are connected */
	while (!s->err && m.type != END) {
		s->err = mica_receive(&m, NULL, MICA_FOREVER);
		m.word[0] = s->fn(m.word[0]);
		if (!s->err)
			s->err = mica_send(s->next, &m, NULL, MICA_FOREVER);
	}
	return NULL;
}

static int feed(uint32_t first)
{
	struct mica_msg m = { .type = ITEM };
	int err = 0;

	for (uint64_t i = 0; i <= NR_ITEMS && !err; i++) {
		m.type = i < NR_ITEMS ? ITEM : END;
		m.word[0] = i;
		err = mica_send(first, &m, NULL, MICA_FOREVER);
	}
	return err;
}

static void *source(void *arg)
{
	struct stage *first = arg;

	first->err |= feed(first->id);
	return NULL;
}

int main(void)
{
	static uint64_t (*const fns[])(uint64_t) = { square, plus_one, twice };
	struct stage s[NR_STAGES] = { { 0 } };
	pthread_barrier_t ready;
	struct mica_msg m = { .type = 0 };
	uint64_t sum = 0;
	pthread_t feeder;
	int err = mica_self() < 0;

	pthread_barrier_init(&ready, NULL, NR_STAGES + 1);
	for (int i = 0; i < NR_STAGES; i++) {
		s[i].fn = fns[i];
		s[i].ready = &ready;
		err |= pthread_create(&s[i].thread, NULL, run, &s[i]);
	}
	if (err)
		return 1;
	pthread_barrier_wait(&ready);
	for (int i = 0; i < NR_STAGES; i++)
		s[i].next = i + 1 < NR_STAGES ? s[i + 1].id :
			    (uint32_t)mica_self();
	pthread_barrier_wait(&ready);
	if (pthread_create(&feeder, NULL, source, &s[0]))
		return 1;
	while (!err && m.type != END) {
		err = mica_receive(&m, NULL, MICA_FOREVER);
		if (m.type == ITEM)
			sum += m.word[0];
	}
	pthread_join(feeder, NULL);
	for (int i = 0; i < NR_STAGES; i++) {
		pthread_join(s[i].thread, NULL);
		err |= s[i].err;
	}
	printf("%d items, sum %lu\n", NR_ITEMS, (unsigned long)sum);
	return err != 0;
}
