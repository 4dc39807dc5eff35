/* SPDX-License-Identifier: MIT */
/*
 * The futex calls beyond those of futex.c: several words at once, the futex2
 * calls, interruption and restart, clocks, keys of odd mappings.
 */
#include "futex_help.h"

static uint32_t word, word2;
static int tids[8];

/* What the call in the thread returned. */
static void show_end(const char *what, pthread_t t, const struct sleeper *s)
{
	long r = join(t);

	if (r < 0)
		say("%s: %s", what, err_name(s->err));
	else
		say("%s: %ld", what, r);
}

static long wait_word(void *arg)
{
	return futex(arg, F_WAIT | F_PRIVATE, 0, NULL, NULL, 0);
}

static long wait_word_shared(void *arg)
{
	return futex(arg, F_WAIT, 0, NULL, NULL, 0);
}

/* --- futex_waitv -----------------------------------------------------------*/
static struct waitv two[2], many[128];

static void set(struct waitv *v, void *addr, uint64_t val, uint32_t flags)
{
	*v = (struct waitv){ val, (uintptr_t)addr, flags, 0 };
}

TEST(waitv_errors)
{
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 };
	struct timespec negative = { -1, 0 };

	set(&two[0], &word, 0, FUTEX2_U32);
	set(&two[1], &word2, 0, FUTEX2_U32);
	show(waitv(two, 2, 1, NULL, 0));
	show(waitv(two, 0, 0, NULL, 0));
	show(waitv(two, 129, 0, NULL, 0));
	show(waitv(NULL, 1, 0, NULL, 0));
	show(waitv(bad_pointer(), 1, 0, NULL, 0));
	show(waitv(two, 2, 0, &past, 2));
	show(waitv(two, 2, 0, bad_pointer(), 2));
	show(waitv(two, 2, 0, bad_pointer(), 1));
	show(waitv(two, 2, 0, &bad, 1));
	show(waitv(two, 2, 0, &negative, 1));
	show(waitv(two, 2, 0, &past, CLOCK_MONOTONIC));
	show(waitv(two, 2, 0, &past, CLOCK_REALTIME));
	set(&two[0], &word, 1, FUTEX2_U32);
	show(waitv(two, 2, 0, NULL, 0));
	set(&two[0], &word, 1ull << 32, FUTEX2_U32);
	show(waitv(two, 2, 0, NULL, 0));
	set(&two[0], &word, 0, FUTEX2_U32 | 0x100);
	show(waitv(two, 2, 0, NULL, 0));
	for (uint32_t size = 0; size < 4; size++) {
		set(&two[0], &word, 0, size);
		show(waitv(two, 1, 0, &past, 0));
	}
	set(&two[0], (char *)&word + 1, 0, FUTEX2_U32);
	show(waitv(two, 2, 0, NULL, 0));
	set(&two[0], bad_pointer(), 0, FUTEX2_U32);
	show(waitv(two, 2, 0, NULL, 0));
	set(&two[0], bad_pointer(), 0, FUTEX2_U32 | FUTEX2_OWN);
	show(waitv(two, 2, 0, NULL, 0));
	set(&two[0], &word, 0, FUTEX2_U32);
	two[0].reserved = 1;
	show(waitv(two, 2, 0, NULL, 0));
}

/* All is checked before the first word is looked at. */
TEST(waitv_order_of_errors)
{
	set(&two[0], &word, 1, FUTEX2_U32);
	set(&two[1], &word2, 0, 0);
	show(waitv(two, 2, 0, NULL, 0));
	set(&two[1], (char *)&word2 + 2, 0, FUTEX2_U32);
	show(waitv(two, 2, 0, NULL, 0));
	set(&two[1], bad_pointer(), 0, FUTEX2_U32);
	show(waitv(two, 2, 0, NULL, 0));
	set(&two[1], bad_pointer(), 0, FUTEX2_U32 | FUTEX2_OWN);
	show(waitv(two, 2, 0, NULL, 0));
}

TEST(waitv_limits)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };

	set(&two[0], &word, 0, FUTEX2_U32);
	set(&two[1], &word2, 0, FUTEX2_U32 | FUTEX2_OWN);
	for (int i = 0; i < 2; i++) {
		struct timespec t = at_ms(clocks[i], 20);
		long long since = now_ms();

		show(waitv(two, 2, 0, &t, clocks[i]));
		fact(now_ms() - since >= 19);
	}
}

static long wait_many(void *arg)
{
	return waitv(many, 128, 0, NULL, 0);
}

TEST(waitv_tells_which)
{
	static uint32_t words[128];
	struct sleeper s;

	for (int i = 0; i < 128; i++)
		set(&many[i], &words[i], 0,
		    FUTEX2_U32 | (i % 2 ? FUTEX2_OWN : 0));
	for (int i = 0; i < 128; i += 25) {
		pthread_t t = sleeps(&s, wait_many, NULL, &tids[0]);

		show(futex(&words[i], F_WAKE | (i % 2 ? F_PRIVATE : 0), 1,
			   NULL, NULL, 0));
		show_end("which", t, &s);
	}
	/* none is left in a queue */
	show(futex(&words[0], F_WAKE, 9, NULL, NULL, 0));
	show(futex(&words[1], F_WAKE | F_PRIVATE, 9, NULL, NULL, 0));
}

TEST(waitv_same_word_twice)
{
	struct sleeper s;
	pthread_t t;

	for (int i = 0; i < 128; i++)
		set(&many[i], &word, 0, FUTEX2_U32 | FUTEX2_OWN);
	t = sleeps(&s, wait_many, NULL, &tids[0]);
	show(futex(&word, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0));
	show_end("which", t, &s);
	show(futex(&word, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0));
}

TEST(waitv_can_be_requeued)
{
	struct sleeper s;
	pthread_t t;

	for (int i = 0; i < 128; i++)
		set(&many[i], i == 7 ? &word : &word2, 0,
		    FUTEX2_U32 | FUTEX2_OWN);
	t = sleeps(&s, wait_many, NULL, &tids[0]);
	show(futex(&word, F_REQUEUE | F_PRIVATE, 0, (void *)9, tids + 4, 0));
	show(futex(tids + 4, F_WAKE | F_PRIVATE, 9, NULL, NULL, 0));
	show_end("which", t, &s);
}

/* --- futex2 ----------------------------------------------------------------*/
TEST(wake2_errors)
{
	need_futex2();
	show(wake2(&word, 0, 1, FUTEX2_U32));
	show(wake2(&word, 1ull << 32, 1, FUTEX2_U32));
	show(wake2(&word, ~0u, 1, FUTEX2_U32 | 0x100));
	for (uint32_t size = 0; size < 4; size++)
		show(wake2(&word, ~0u, 1, size));
	show(wake2((char *)&word + 1, ~0u, 1, FUTEX2_U32));
	show(wake2(bad_pointer(), ~0u, 1, FUTEX2_U32));
	show(wake2(bad_pointer(), ~0u, 1, FUTEX2_U32 | FUTEX2_OWN));
	show(wake2(bad_pointer(), ~0u, 0, FUTEX2_U32));
	show(wake2(&word, ~0u, 0, FUTEX2_U32));
	show(wake2(&word, ~0u, -1, FUTEX2_U32));
}

TEST(wait2_errors)
{
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 };

	need_futex2();
	show(wait2(&word, 1, ~0u, FUTEX2_U32, NULL, 0));
	show(wait2(&word, 0, 0, FUTEX2_U32, NULL, 0));
	show(wait2(&word, 1ull << 32, ~0u, FUTEX2_U32, NULL, 0));
	show(wait2(&word, 0, 1ull << 32, FUTEX2_U32, NULL, 0));
	show(wait2(&word, 0, ~0u, FUTEX2_U32 | 0x100, NULL, 0));
	for (uint32_t size = 0; size < 4; size++)
		show(wait2(&word, 0, ~0u, size, &past, CLOCK_MONOTONIC));
	show(wait2(&word, 0, ~0u, FUTEX2_U32, &past, CLOCK_REALTIME));
	show(wait2(&word, 0, ~0u, FUTEX2_U32, &past, 2));
	show(wait2(&word, 1, ~0u, FUTEX2_U32, NULL, 2));
	show(wait2(&word, 1, ~0u, FUTEX2_U32, &bad, 1));
	show(wait2(&word, 1, ~0u, FUTEX2_U32, bad_pointer(), 1));
	show(wait2((char *)&word + 2, 0, ~0u, FUTEX2_U32, NULL, 0));
	show(wait2(bad_pointer(), 0, ~0u, FUTEX2_U32, NULL, 0));
	show(wait2(bad_pointer(), 0, ~0u, FUTEX2_U32 | FUTEX2_OWN, NULL, 0));
}

TEST(wait2_limits)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };

	need_futex2();
	for (int i = 0; i < 2; i++) {
		struct timespec t = at_ms(clocks[i], 20);
		long long since = now_ms();

		show(wait2(&word, 0, ~0u, FUTEX2_U32, &t, clocks[i]));
		fact(now_ms() - since >= 19);
	}
}

static long wait2_own(void *arg)
{
	return wait2(&word, 0, (uintptr_t)arg, FUTEX2_U32 | FUTEX2_OWN, NULL,
		     0);
}

/* Both interfaces have the same queues. */
TEST(wait2_and_the_old_calls)
{
	struct sleeper s[4];
	pthread_t t[4];

	need_futex2();
	t[0] = sleeps(&s[0], wait2_own, (void *)1, &tids[0]);
	t[1] = sleeps(&s[1], wait2_own, (void *)2, &tids[1]);
	t[2] = sleeps(&s[2], wait_word, &word, &tids[2]);
	t[3] = sleeps(&s[3], wait2_own, (void *)4, &tids[3]);
	show(wake2(&word, 8, 9, FUTEX2_U32 | FUTEX2_OWN));
	show_end("old", t[2], &s[2]);
	show(wake2(&word, ~0u, 9, FUTEX2_U32));
	show(futex(&word, F_WAKE_BITSET | F_PRIVATE, 9, NULL, NULL, 2));
	show_end("bit 2", t[1], &s[1]);
	show(wake2(&word, ~0u, -5, FUTEX2_U32 | FUTEX2_OWN));
	show_end("bit 1", t[0], &s[0]);
	show(wake2(&word, 4, 1, FUTEX2_U32 | FUTEX2_OWN));
	show_end("bit 4", t[3], &s[3]);
}

TEST(requeue2_errors)
{
	need_futex2();
	set(&two[0], &word, 0, FUTEX2_U32);
	set(&two[1], &word2, 0, FUTEX2_U32);
	show(requeue2(two, 1, 1, 1));
	show(requeue2(NULL, 0, 1, 1));
	show(requeue2(bad_pointer(), 0, 1, 1));
	show(requeue2(two, 0, -1, 1));
	show(requeue2(two, 0, 1, -1));
	show(requeue2(two, 0, 1, 1));
	set(&two[0], &word, 1, FUTEX2_U32);
	show(requeue2(two, 0, 1, 1));
	set(&two[0], &word, 0, FUTEX2_U32);
	set(&two[1], &word2, 1ull << 32, FUTEX2_U32);
	show(requeue2(two, 0, 1, 1));
	set(&two[1], &word2, 5, FUTEX2_U32);
	show(requeue2(two, 0, 1, 1));
	set(&two[1], &word2, 5, 0);
	show(requeue2(two, 0, 1, 1));
	set(&two[1], (char *)&word2 + 1, 5, FUTEX2_U32);
	show(requeue2(two, 0, 1, 1));
	set(&two[1], bad_pointer(), 5, FUTEX2_U32);
	show(requeue2(two, 0, 1, 1));
}

TEST(requeue2)
{
	struct sleeper s[3];
	pthread_t t[3];

	need_futex2();
	set(&two[0], &word, 0, FUTEX2_U32 | FUTEX2_OWN);
	set(&two[1], &word2, 0, FUTEX2_U32 | FUTEX2_OWN);
	for (int i = 0; i < 3; i++)
		t[i] = sleeps(&s[i], wait_word, &word, &tids[i]);
	show(requeue2(two, 0, 1, 1));
	show_end("first", t[0], &s[0]);
	show(wake2(&word2, ~0u, 9, FUTEX2_U32 | FUTEX2_OWN));
	show_end("second", t[1], &s[1]);
	show(wake2(&word, ~0u, 9, FUTEX2_U32 | FUTEX2_OWN));
	show_end("third", t[2], &s[2]);
}

/* --- interruption ----------------------------------------------------------*/
static struct timespec later;

static long w_plain(void *a)
{
	return futex(&word, F_WAIT, 0, NULL, NULL, 0);
}

static long w_timeout(void *a)
{
	struct timespec t = { 1000, 0 };

	return futex(&word, F_WAIT, 0, &t, NULL, 0);
}

static long w_bitset(void *a)
{
	return futex(&word, F_WAIT_BITSET, 0, NULL, NULL, 1);
}

static long w_bitset_until(void *a)
{
	return futex(&word, F_WAIT_BITSET, 0, &later, NULL, 1);
}

static long w_v(void *a)
{
	return waitv(two, 2, 0, NULL, 0);
}

static long w_v_until(void *a)
{
	return waitv(two, 2, 0, &later, CLOCK_MONOTONIC);
}

static long w_wait2(void *a)
{
	return wait2(&word, 0, ~0u, FUTEX2_U32, NULL, 0);
}

static long w_wait2_until(void *a)
{
	return wait2(&word, 0, ~0u, FUTEX2_U32, &later, CLOCK_MONOTONIC);
}

static const struct {
	const char *name;
	long (*fn)(void *arg);
	bool is_new;
} waits[] = {
	{ "WAIT", w_plain, false },
	{ "WAIT with timeout", w_timeout, false },
	{ "WAIT_BITSET", w_bitset, false },
	{ "WAIT_BITSET until", w_bitset_until, false },
	{ "waitv", w_v, false },
	{ "waitv until", w_v_until, false },
	{ "wait2", w_wait2, true },
	{ "wait2 until", w_wait2_until, true },
};

static void on_each_wait(int flags)
{
	bool has2 = wake2(&word, 1, 0, FUTEX2_U32) == 0;

	set(&two[0], &word2, 0, FUTEX2_U32);
	set(&two[1], &word, 0, FUTEX2_U32);
	on_signal(SIGUSR1, count_signal, flags);
	for (unsigned int i = 0; i < ARRAY_SIZE(waits); i++) {
		struct sleeper s;
		bool ended;
		pthread_t t;
		int woken;

		if (waits[i].is_new && !has2)
			continue;
		signal_count = 0;
		later = at_ms(CLOCK_MONOTONIC, 1000000);
		t = sleeps(&s, waits[i].fn, NULL, &tids[0]);
		must0(pthread_kill(t, SIGUSR1));
		while (!signal_count)
			sleep_ms(1);
		/* it ended, or sleeps again */
		ended = false;
		for (int j = 0; j < 50 && !ended; j++) {
			ended = !pthread_tryjoin_np(t, NULL);
			sleep_ms(1);
		}
		woken = futex(&word, F_WAKE, 1, NULL, NULL, 0);
		if (!ended)
			must0(pthread_join(t, NULL));
		say("%s: %s", waits[i].name,
		    woken ? "restarted" : err_name(s.err));
	}
}

TEST(signal_without_restart)
{
	if (wake2(&word, 1, 0, FUTEX2_U32))
		skip("no futex2 calls");
	on_each_wait(0);
}

TEST(signal_with_restart)
{
	if (wake2(&word, 1, 0, FUTEX2_U32))
		skip("no futex2 calls");
	on_each_wait(SA_RESTART);
}

/* Stopped and continued without a handler: all go on waiting. */
TEST(stop_and_continue)
{
	uint32_t *w = shared();
	int *result = shared();

	for (unsigned int i = 0; i < 4; i++) {
		struct timespec t = { 1000, 0 };
		int status;
		pid_t pid = must(fork());

		if (!pid) {
			if (i < 2)
				*result = futex(w, F_WAIT, 0, i ? &t : NULL,
						NULL, 0);
			t = at_ms(CLOCK_MONOTONIC, 1000000);
			if (i >= 2)
				*result = futex(w, F_WAIT_BITSET, 0,
						i > 2 ? &t : NULL, NULL, 1);
			_exit(*result ? errno : 0);
		}
		asleep(pid, pid);
		for (int n = 0; n < 3; n++) {
			must(kill(pid, SIGSTOP));
			must(waitpid(pid, &status, WUNTRACED));
			must(kill(pid, SIGCONT));
			must(waitpid(pid, &status, WCONTINUED));
			asleep(pid, pid);
		}
		show(futex(w, F_WAKE, 9, NULL, NULL, 0));
		show_exit("child", pid);
	}
}

/* A wait that was stopped past its limit ends by it. */
TEST(stopped_past_the_limit)
{
	uint32_t *w = shared();
	struct timespec t = { 0, 50000000 };
	int status;
	pid_t pid = must(fork());

	if (!pid) {
		show(futex(w, F_WAIT, 0, &t, NULL, 0));
		_exit(0);
	}
	asleep(pid, pid);
	must(kill(pid, SIGSTOP));
	must(waitpid(pid, &status, WUNTRACED));
	sleep_ms(100);
	must(kill(pid, SIGCONT));
	show_exit("child", pid);
}

/* --- keys and limits -------------------------------------------------------*/
TEST(clock_flag)
{
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 };

	show(futex(&word, F_WAIT | F_REALTIME, 0, &past, NULL, 0));
	show(futex(&word, F_WAIT | F_REALTIME, 0, &bad, NULL, 0));
	show(futex(&word, F_WAIT | F_REALTIME, 0, bad_pointer(), NULL, 0));
	show(futex(&word, F_WAIT_BITSET | F_REALTIME, 0, &past, NULL, ~0u));
	show(futex(&word, F_WAIT_BITSET | F_REALTIME, 0, &bad, NULL, ~0u));
	show(futex(&word, F_WAKE_BITSET | F_REALTIME, 1, NULL, NULL, ~0u));
	show(futex(&word, F_REQUEUE | F_REALTIME, 1, NULL, &word2, 0));
	show(futex(&word, F_LOCK_PI | F_REALTIME, 0, &past, NULL, 0));
	show(futex(&word, F_UNLOCK_PI | F_REALTIME, 0, NULL, NULL, 0));
	show(futex(&word, 2, 0, NULL, NULL, 0));
	show(futex(&word, 14, 0, NULL, NULL, 0));
	show(futex(&word, 14 | F_REALTIME, 0, NULL, NULL, 0));
}

TEST(read_only_words)
{
	uint32_t *anon = mmap(NULL, PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec past = { 0, 1 };
	uint32_t *file, *none;
	int fd;

	put_file("f", "\0\0\0\0\0\0\0\0");
	must(truncate("f", PAGE));
	must(fd = open("f", O_RDONLY));
	file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	none = mmap(NULL, PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	show(futex(anon, F_WAIT | F_PRIVATE, 0, &past, NULL, 0));
	show(futex(anon, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0));
	show(futex(file, F_WAIT, 0, &past, NULL, 0));
	show(futex(file, F_WAKE, 1, NULL, NULL, 0));
	show(futex(none, F_WAIT, 0, &past, NULL, 0));
	show(futex(none, F_WAIT | F_PRIVATE, 0, &past, NULL, 0));
	show(futex(&word, F_WAKE_OP | F_PRIVATE, 1, (void *)1, anon, 0));
}

/* Words of private memory may be named as shared: one process, one key. */
TEST(shared_name_of_private_memory)
{
	uint32_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sleeper s;
	pthread_t t;
	pid_t pid;

	*p = 0;
	t = sleeps(&s, wait_word_shared, p, &tids[0]);
	pid = must(fork());
	if (!pid) {
		show(futex(p, F_WAKE, 9, NULL, NULL, 0));
		_exit(0);
	}
	show_exit("child", pid);
	show(futex(p, F_WAKE, 9, NULL, NULL, 0));
	show_end("wait", t, &s);
}

TEST(counts_of_requeue)
{
	struct sleeper s[5];
	pthread_t t[5];

	for (int i = 0; i < 5; i++)
		t[i] = sleeps(&s[i], wait_word, &word, &tids[i]);
	show(futex(&word, F_CMP_REQUEUE | F_PRIVATE, 0, (void *)2, &word2, 0));
	show(futex(&word, F_CMP_REQUEUE | F_PRIVATE, 1, (void *)9, &word, 0));
	show_end("woken", t[2], &s[2]);
	show(futex(&word, F_CMP_REQUEUE | F_PRIVATE, 0, (void *)0, &word2, 0));
	show(futex(&word, F_REQUEUE | F_PRIVATE, 0, (void *)-1, &word2, 0));
	show(futex(&word, F_REQUEUE | F_PRIVATE, -1, (void *)1, &word2, 0));
	show(futex(&word2, F_WAKE | F_PRIVATE, 9, NULL, NULL, 0));
	show(futex(&word, F_WAKE | F_PRIVATE, 9, NULL, NULL, 0));
	for (int i = 0; i < 5; i++)
		if (i != 2)
			show_end("woken", t[i], &s[i]);
}

/* A word goes away below its waiters: they sleep on, a wake-up finds none. */
TEST(unmapped_below_a_waiter)
{
	uint32_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sleeper s;
	pthread_t t = sleeps(&s, wait_word_shared, p, &tids[0]);

	on_signal(SIGUSR1, count_signal, 0);
	must(munmap(p, PAGE));
	must(mmap(p, PAGE, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p ? 0 : -1);
	show(futex(p, F_WAKE, 9, NULL, NULL, 0));
	must0(pthread_kill(t, SIGUSR1));
	show_end("wait", t, &s);
}
