/* SPDX-License-Identifier: MIT */
/*
 * Cancellation at every kind of point, clean-up handlers, keys and their
 * destructors, pthread_once.
 */
#include "pthread_help.h"

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static int fds[2], listener, lock_fd;
static sem_t sem;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_t sleeper;
static int tid, cleaned;

static void unlock(void *m)
{
	pthread_mutex_unlock(m);
}

/* --- calls that wait -------------------------------------------------------*/
static void p_read(void)
{
	char c;

	read(fds[0], &c, 1);
}

static void p_readv(void)
{
	char c;
	struct iovec v = { &c, 1 };

	readv(fds[0], &v, 1);
}

static void p_recv(void)
{
	char c;

	recv(fds[0], &c, 1, 0);
}

static void p_recvmsg(void)
{
	char c;
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	recvmsg(fds[0], &m, 0);
}

static void p_write(void)
{
	static char big[4096];

	for (;;)
		write(fds[0], big, sizeof(big));
}

static void p_send(void)
{
	static char big[4096];

	for (;;)
		send(fds[0], big, sizeof(big), 0);
}

static void p_accept(void)
{
	accept(listener, NULL, NULL);
}

static void p_poll(void)
{
	struct pollfd p = { fds[0], POLLIN, 0 };

	poll(&p, 1, -1);
}

static void p_ppoll(void)
{
	ppoll(NULL, 0, NULL, NULL);
}

static void p_select(void)
{
	fd_set s;

	FD_ZERO(&s);
	FD_SET(fds[0], &s);
	select(fds[0] + 1, &s, NULL, NULL, NULL);
}

static void p_pselect(void)
{
	pselect(0, NULL, NULL, NULL, NULL, NULL);
}

static void p_epoll(void)
{
	struct epoll_event e;

	epoll_wait(epoll_create1(0), &e, 1, -1);
}

static void p_pause(void)
{
	pause();
}

static void p_sleep(void)
{
	sleep(1000);
}

static void p_nanosleep(void)
{
	struct timespec t = { 1000, 0 };

	nanosleep(&t, NULL);
}

static void p_clock_nanosleep(void)
{
	struct timespec t = at_ms(CLOCK_MONOTONIC, 1000000);

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void p_sem(void)
{
	sem_wait(&sem);
}

static void p_sem_timed(void)
{
	struct timespec t = at_ms(CLOCK_REALTIME, 1000000);

	sem_timedwait(&sem, &t);
}

static void p_cond(void)
{
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	pthread_cond_wait(&cond, &mutex);
	pthread_cleanup_pop(1);
}

static void p_cond_timed(void)
{
	struct timespec t = at_ms(CLOCK_REALTIME, 1000000);

	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	pthread_cond_timedwait(&cond, &mutex, &t);
	pthread_cleanup_pop(1);
}

static void p_join(void)
{
	pthread_join(sleeper, NULL);
}

static void p_wait(void)
{
	waitpid(-1, NULL, 0);
}

static void p_waitid(void)
{
	siginfo_t i;

	waitid(P_ALL, 0, &i, WEXITED);
}

static void p_sigwait(void)
{
	sigset_t s;
	int sig;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	sigwait(&s, &sig);
}

static void p_sigwaitinfo(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	sigwaitinfo(&s, NULL);
}

static void p_sigsuspend(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigsuspend(&s);
}

static void p_open(void)
{
	open("fifo", O_RDONLY);
}

static void p_setlkw(void)
{
	struct flock l = { .l_type = F_WRLCK };

	fcntl(lock_fd, F_SETLKW, &l);
}

static const struct {
	const char *name;
	void (*fn)(void);
} points[] = {
	{ "read", p_read }, { "readv", p_readv }, { "recv", p_recv },
	{ "recvmsg", p_recvmsg }, { "write", p_write }, { "send", p_send },
	{ "accept", p_accept }, { "poll", p_poll }, { "ppoll", p_ppoll },
	{ "select", p_select }, { "pselect", p_pselect },
	{ "epoll_wait", p_epoll }, { "pause", p_pause }, { "sleep", p_sleep },
	{ "nanosleep", p_nanosleep },
	{ "clock_nanosleep", p_clock_nanosleep }, { "sem_wait", p_sem },
	{ "sem_timedwait", p_sem_timed }, { "cond_wait", p_cond },
	{ "cond_timedwait", p_cond_timed }, { "join", p_join },
	{ "waitpid", p_wait }, { "waitid", p_waitid },
	{ "sigwait", p_sigwait }, { "sigwaitinfo", p_sigwaitinfo },
	{ "sigsuspend", p_sigsuspend }, { "open of a fifo", p_open },
	{ "F_SETLKW", p_setlkw },
};

static void count_clean(void *arg)
{
	add(&cleaned);
}

static void *at_point(void *fn)
{
	pthread_cleanup_push(count_clean, NULL);
	tell_tid(&tid);
	((void (*)(void))fn)();
	say("it returned");
	pthread_cleanup_pop(0);
	return NULL;
}

static void *sleep_on(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

/* A child that holds the lock of lock_fd and stays. */
static pid_t lock_holder(void)
{
	struct flock l = { .l_type = F_WRLCK };
	int *done = shared();
	pid_t pid = must(fork());

	if (!pid) {
		must(fcntl(lock_fd, F_SETLK, &l));
		add(done);
		for (;;)
			pause();
	}
	until(done, 1);
	return pid;
}

TEST(every_point_that_waits)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	pid_t child;

	strcpy(a.sun_path, "socket");
	must(listener = socket(AF_UNIX, SOCK_STREAM, 0));
	must(bind(listener, (void *)&a, sizeof(a)));
	must(listen(listener, 1));
	must(lock_fd = open("locked", O_CREAT | O_RDWR, 0600));
	must(mkfifo("fifo", 0600));
	must(sem_init(&sem, 0, 0));
	child = lock_holder();
	sleeper = start(sleep_on, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(points); i++) {
		pthread_t t;
		void *r;

		must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
		tid = cleaned = 0;
		t = start(at_point, points[i].fn);
		told_and_asleep(&tid);
		must0(pthread_cancel(t));
		r = (void *)join(t);
		say("%s: %s, %d", points[i].name,
		    r == PTHREAD_CANCELED ? "cancelled" : "no", cleaned);
		close(fds[0]);
		close(fds[1]);
	}
	must0(pthread_mutex_trylock(&mutex));
	kill(child, SIGKILL);
	await(child);
}

static void *cancelled_before(void *fn)
{
	pthread_cleanup_push(count_clean, NULL);
	must0(pthread_cancel(pthread_self()));
	((void (*)(void))fn)();
	say("it returned");
	pthread_cleanup_pop(0);
	return NULL;
}

/* A request that is there already ends the call at once. */
TEST(every_point_with_a_request)
{
	must(listener = socket(AF_UNIX, SOCK_STREAM, 0));
	must(lock_fd = open("locked", O_CREAT | O_RDWR, 0600));
	must(mkfifo("fifo", 0600));
	must(sem_init(&sem, 0, 1));
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	sleeper = start(sleep_on, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(points); i++) {
		pthread_t t = start(cancelled_before, points[i].fn);

		say("%s: %s", points[i].name,
		    (void *)join(t) == PTHREAD_CANCELED ? "cancelled" : "no");
	}
	num(cleaned);
}

static void *on_a_mutex(void *arg)
{
	tell_tid(&tid);
	must0(pthread_mutex_lock(&mutex));
	must0(pthread_mutex_unlock(&mutex));
	say("not cancelled yet");
	pthread_testcancel();
	say("not reached");
	return NULL;
}

TEST(no_point_is_mutex_lock)
{
	pthread_t t;

	must0(pthread_mutex_lock(&mutex));
	t = start(on_a_mutex, NULL);
	told_and_asleep(&tid);
	must0(pthread_cancel(t));
	sleep_ms(20);
	must0(pthread_mutex_unlock(&mutex));
	fact((void *)join(t) == PTHREAD_CANCELED);
}

TEST(state_and_type)
{
	int old;

	show_err(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old));
	num(old);
	show_err(pthread_setcancelstate(7, &old));
	show_err(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old));
	num(old);
	show_err(pthread_setcanceltype(7, &old));
	show_err(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old));
	num(old);
}

static int stage;

static void *not_now(void *arg)
{
	struct timespec t = { 0, 1000000 };
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	add(&stage);
	until(&stage, 2);
	nanosleep(&t, NULL);
	pthread_testcancel();
	say("still here");
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	say("and here");
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
	say("not here");
	return NULL;
}

TEST(request_waits_for_enable)
{
	pthread_t t = start(not_now, NULL);

	until(&stage, 1);
	must0(pthread_cancel(t));
	must0(pthread_cancel(t));
	add(&stage);
	fact((void *)join(t) == PTHREAD_CANCELED);
}

static void *compute(void *arg)
{
	volatile unsigned long n = 0;
	int old;

	pthread_cleanup_push(count_clean, NULL);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	add(&stage);
	for (;;)
		n++;
	pthread_cleanup_pop(0);
	return NULL;
}

TEST(asynchronous_many)
{
	int good = 0;

	for (int i = 0; i < 30; i++) {
		pthread_t t;

		stage = 0;
		t = start(compute, NULL);
		until(&stage, 1);
		must0(pthread_cancel(t));
		good += (void *)join(t) == PTHREAD_CANCELED;
	}
	say("%d %d", good, cleaned);
}

/* Request and end of the wait race: the thread ends, or it does not. */
static void *brief(void *arg)
{
	for (int i = 0; i < 20; i++)
		must(sem_post(&sem));
	for (int i = 0; i < 20; i++)
		sem_wait(&sem);
	return (void *)1;
}

TEST(race_with_the_end)
{
	int other = 0;

	must(sem_init(&sem, 0, 0));
	for (int i = 0; i < 200; i++) {
		pthread_t t = start(brief, NULL);
		long r;

		must0(pthread_cancel(t));
		r = join(t);
		other += r != 1 && (void *)r != PTHREAD_CANCELED;
	}
	num(other);
}

/* --- clean-up, keys, once --------------------------------------------------*/
static void told(void *arg)
{
	say("clean up %ld", (long)arg);
}

static void inner(void)
{
	pthread_cleanup_push(told, (void *)3);
	pthread_exit((void *)9);
	pthread_cleanup_pop(0);
}

static void *exits_inside(void *arg)
{
	pthread_cleanup_push(told, (void *)1);
	pthread_cleanup_push(told, (void *)2);
	pthread_cleanup_pop(1);
	inner();
	pthread_cleanup_pop(0);
	return NULL;
}

TEST(exit_runs_handlers)
{
	num(join(start(exits_inside, NULL)));
}

static pthread_key_t keys[3];
static int runs;

static void again(void *value)
{
	runs++;
	pthread_setspecific(keys[0], value);
}

static void once_more(void *value)
{
	long n = (long)value;

	say("value %ld", n);
	if (n > 1)
		pthread_setspecific(keys[1], (void *)(n - 1));
}

static void *set_keys(void *arg)
{
	for (int i = 0; i < 3; i++)
		must0(pthread_setspecific(keys[i], (void *)3));
	return NULL;
}

TEST(destructors)
{
	must0(pthread_key_create(&keys[0], again));
	must0(pthread_key_create(&keys[1], once_more));
	must0(pthread_key_create(&keys[2], NULL));
	join(start(set_keys, NULL));
	num(runs);
	fact(pthread_getspecific(keys[1]) == NULL);
	show_err(pthread_key_delete(keys[1]));
	show_err(pthread_key_delete(keys[1]));
	show_err(pthread_setspecific(keys[1], NULL));
}

static void *set_and_wait(void *arg)
{
	set_keys(NULL);
	tell_tid(&tid);
	for (;;)
		pause();
	return NULL;
}

TEST(destructors_of_a_cancelled_thread)
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		must0(pthread_key_create(&keys[i], once_more));
	t = start(set_and_wait, NULL);
	told_and_asleep(&tid);
	must0(pthread_cancel(t));
	fact((void *)join(t) == PTHREAD_CANCELED);
}

TEST(all_keys)
{
	static pthread_key_t k[PTHREAD_KEYS_MAX + 1];
	int n = 0, err;

	while (n <= PTHREAD_KEYS_MAX && !(err = pthread_key_create(&k[n], NULL)))
		n++;
	show_error("last", err);
	num(n);
	for (int i = 0; i < n; i++)
		must0(pthread_setspecific(k[i], (void *)(long)(i + 1)));
	for (int i = 0; i < n; i++)
		if (pthread_getspecific(k[i]) != (void *)(long)(i + 1))
			say("key %d differs", i);
}

static pthread_once_t control = PTHREAD_ONCE_INIT;
static int once_runs;

static void slow_init(void)
{
	add(&once_runs);
	sleep_ms(20);
}

static void *use_once(void *arg)
{
	pthread_once(&control, slow_init);
	return (void *)(long)once_runs;
}

TEST(once_of_many)
{
	pthread_t t[8];
	long sum = 0;

	for (int i = 0; i < 8; i++)
		t[i] = start(use_once, NULL);
	for (int i = 0; i < 8; i++)
		sum += join(t[i]);
	say("%ld %d", sum, once_runs);
}

static void first_waits(void)
{
	if (!__atomic_fetch_add(&once_runs, 1, __ATOMIC_SEQ_CST)) {
		tell_tid(&tid);
		for (;;)
			pause();
	}
}

static void *use_once_again(void *arg)
{
	pthread_once(&control, first_waits);
	return (void *)(long)once_runs;
}

/* Cancelled within: as if it had never been called. */
TEST(once_is_cancelled)
{
	pthread_t a = start(use_once_again, NULL), b;

	told_and_asleep(&tid);
	b = start(use_once_again, NULL);
	must0(pthread_cancel(a));
	fact((void *)join(a) == PTHREAD_CANCELED);
	num(join(b));
}
