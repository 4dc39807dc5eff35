#!/bin/sh
# SPDX-License-Identifier: MIT
# What: a static program made by musl-gcc: files, threads, fork, signals
# Needs: musl-gcc
cat >p.c <<'E'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static int total;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *add(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&lock);
		total++;
		pthread_mutex_unlock(&lock);
	}
	return arg;
}
static volatile sig_atomic_t hits;
static void on_signal(int sig) { hits += sig == SIGUSR1; }
int main(int argc, char **argv)
{
	pthread_t t[4];
	int status;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, add, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%d %d %s\n", total, argc, getenv("TZ"));
	fflush(stdout);
	if (fork() == 0)
		_exit(7);
	wait(&status);
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	printf("%d %d\n", WEXITSTATUS(status), (int)hits);
	FILE *f = popen("echo popen", "r");
	char line[100];
	fgets(line, sizeof(line), f);
	printf("%s%d\n", line, pclose(f));
	printf("%f %s\n", 3.5, strerror(2));
	char *big = malloc(50 << 20);
	memset(big, 1, 50 << 20);
	printf("%d\n", big[12345678]);
	return 5;
}
E
musl-gcc -static -O2 -o p p.c; ./p a b; echo $?; ./p | tail -n 1
