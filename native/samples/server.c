/* SPDX-License-Identifier: MIT */
/*
 * Sample: a server with several clients, each in a process of its own. The
 * server keeps counters by name; clients find it by its name and add to them.
 * The text of a request travels in the buffer, the number in the message.
 */
#include "native/mica.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_CLIENTS	4
#define NR_CALLS	1000
#define NR_COUNTERS	8
#define NAME_LEN	16

enum { ADD = 1, STOP = 2 };

struct counter {
	char name[NAME_LEN];
	uint64_t value;
};

static uint64_t add(struct counter *table, const char *name, uint64_t n)
{
	for (int i = 0; i < NR_COUNTERS; i++) {
		if (!table[i].name[0])
			strcpy(table[i].name, name);
		if (!strcmp(table[i].name, name))
			return table[i].value += n;
	}
	return 0;
}

static int serve(void)
{
	struct counter table[NR_COUNTERS] = { 0 };
	char name[NAME_LEN] = "";
	struct mica_buf buf = mica_buf(NULL, 0, name, sizeof(name));
	struct mica_msg m;
	int err = mica_name("counters", 0);

	if (!err)
		err = mica_receive(&m, &buf, MICA_FOREVER);
	while (!err && m.type != STOP) {
		name[NAME_LEN - 1] = 0;
		m.word[0] = add(table, name, m.word[0]);
		err = mica_reply_receive(m.from, &m, &buf, MICA_FOREVER);
	}
	for (int i = 0; i < NR_COUNTERS && table[i].name[0]; i++)
		printf("%s: %lu\n", table[i].name,
		       (unsigned long)table[i].value);
	fflush(stdout);
	return err ? err : mica_reply(m.from, &m, NULL);
}

static int find_server(void)
{
	int id;

	while ((id = mica_find("counters")) == -ESRCH)
		usleep(1000);
	return id;
}

static int client(void)
{
	char name[NAME_LEN] = "calls";
	struct mica_buf buf = mica_buf(name, sizeof(name), NULL, 0);
	int server = find_server(), err = server < 0 ? server : 0;

	for (int i = 0; i < NR_CALLS && !err; i++) {
		struct mica_msg m = { .type = ADD, .word = { 1 } };

		err = mica_call((uint32_t)server, &m, &buf, MICA_FOREVER);
	}
	return err;
}

/* Run fn in a process of its own. */
static pid_t start(int (*fn)(void))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	_exit(fn() != 0);
}

static int failed(pid_t pid)
{
	int status = 1;

	return waitpid(pid, &status, 0) != pid || status;
}

int main(void)
{
	struct mica_msg stop = { .type = STOP };
	pid_t server, clients[NR_CLIENTS];
	int bad = 0;

	if (mica_version() < 0) {
		fprintf(stderr, "server: this sample runs inside mica\n");
		return 1;
	}
	server = start(serve);
	for (int i = 0; i < NR_CLIENTS; i++)
		clients[i] = start(client);
	for (int i = 0; i < NR_CLIENTS; i++)
		bad |= failed(clients[i]);
	bad |= mica_call((uint32_t)find_server(), &stop, NULL, MICA_FOREVER);
	bad |= failed(server);
	return bad != 0;
}
