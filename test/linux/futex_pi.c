/* SPDX-License-Identifier: MIT */
/*
 * Futexes with an owner, without a library: results, words, limits, signals,
 * requeues, death of owners, robust lists.
 */
#include "futex_help.h"

static uint32_t word, word2;
static int tids[8];

static uint32_t me(void)
{
	return (uint32_t)gettid();
}

/* The word, with `tid` in place of a number. */
static void show_word(const char *what, uint32_t v, uint32_t tid)
{
	say("%s: %s%s%s", what, v & WAITERS ? "waiters " : "",
	    v & OWNER_DIED ? "died " : "",
	    !(v & TID_MASK) ? "free" : (v & TID_MASK) == tid ? "tid" : "other");
}

static long lock_pi(void *w)
{
	return futex(w, F_LOCK_PI | F_PRIVATE, 0, NULL, NULL, 0);
}

static long unlock_pi(void *w)
{
	return futex(w, F_UNLOCK_PI | F_PRIVATE, 0, NULL, NULL, 0);
}

TEST(errors)
{
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 };
	char *odd = (char *)&word + 1;

	show(futex(odd, F_LOCK_PI, 0, NULL, NULL, 0));
	show(futex(odd, F_LOCK_PI2, 0, NULL, NULL, 0));
	show(futex(odd, F_TRYLOCK_PI, 0, NULL, NULL, 0));
	show(futex(odd, F_UNLOCK_PI, 0, NULL, NULL, 0));
	show(futex(bad_pointer(), F_LOCK_PI, 0, NULL, NULL, 0));
	show(futex(bad_pointer(), F_LOCK_PI | F_PRIVATE, 0, NULL, NULL, 0));
	show(futex(bad_pointer(), F_TRYLOCK_PI, 0, NULL, NULL, 0));
	show(futex(bad_pointer(), F_UNLOCK_PI, 0, NULL, NULL, 0));
	show(futex(&word, F_LOCK_PI, 0, &bad, NULL, 0));
	show(futex(&word, F_LOCK_PI, 0, bad_pointer(), NULL, 0));
	show(futex(&word, F_TRYLOCK_PI, 0, bad_pointer(), NULL, 0));
	show_word("word", word, me());
	show(futex(&word, F_LOCK_PI, 0, &past, NULL, 0));
	show(futex(&word, F_LOCK_PI2, 0, &past, NULL, 0));
	show(futex(&word, F_UNLOCK_PI, 0, NULL, NULL, 0));
	show(futex(&word, F_LOCK_PI2, 0, &past, NULL, 0));
	show(futex(&word, F_UNLOCK_PI, 0, NULL, NULL, 0));
	word = me() | OWNER_DIED;
	show(futex(&word, F_LOCK_PI, 0, NULL, NULL, 0));
	show(futex(&word, F_UNLOCK_PI, 0, NULL, NULL, 0));
	num(word);
	word = OWNER_DIED;
	show(futex(&word, F_TRYLOCK_PI, 0, NULL, NULL, 0));
	show_word("word", word, me());
	word = WAITERS;
	show(futex(&word, F_LOCK_PI, 0, NULL, NULL, 0));
	show_word("word", word, me());
	word = 0x3ffffff0;
	show(futex(&word, F_LOCK_PI, 0, NULL, NULL, 0));
	show(futex(&word, F_TRYLOCK_PI, 0, NULL, NULL, 0));
	show(futex(&word, F_UNLOCK_PI, 0, NULL, NULL, 0));
}

struct holder {
	uint32_t *word;
	int tid, go;
};

/* Owns the word until told; then unlocks (or not: op 0). */
static void *hold(void *arg)
{
	struct holder *h = arg;

	must(futex(h->word, F_LOCK_PI | F_PRIVATE, 0, NULL, NULL, 0));
	tell_tid(&h->tid);
	until(&h->go, 1);
	if (h->go == 1)
		must(unlock_pi(h->word));
	return NULL;
}

static pthread_t holder(struct holder *h, uint32_t *w)
{
	pthread_t t;

	*h = (struct holder){ .word = w };
	t = start(hold, h);
	until(&h->tid, 1);
	return t;
}

TEST(limits)
{
	struct holder h;
	pthread_t t = holder(&h, &word);
	struct timespec at;
	long long since;

	at = at_ms(CLOCK_REALTIME, 20);
	since = now_ms();
	show(futex(&word, F_LOCK_PI | F_PRIVATE, 0, &at, NULL, 0));
	fact(now_ms() - since >= 19);
	at = at_ms(CLOCK_MONOTONIC, 20);
	since = now_ms();
	show(futex(&word, F_LOCK_PI2 | F_PRIVATE, 0, &at, NULL, 0));
	fact(now_ms() - since >= 19);
	at = at_ms(CLOCK_REALTIME, 20);
	since = now_ms();
	show(futex(&word, F_LOCK_PI2 | F_PRIVATE | F_REALTIME, 0, &at, NULL,
		   0));
	fact(now_ms() - since >= 19);
	show(futex(&word, F_TRYLOCK_PI | F_PRIVATE, 0, NULL, NULL, 0));
	show(futex(&word, F_UNLOCK_PI | F_PRIVATE, 0, NULL, NULL, 0));
	show_word("word", word, h.tid);
	add(&h.go);
	join(t);
	num(word);
}

/* The other operations do not touch those who wait for an owner. */
static void *lock_and_unlock(void *w)
{
	tell_tid(&tids[0]);
	must(lock_pi(w));
	must(unlock_pi(w));
	return NULL;
}

TEST(mixed_with_other_operations)
{
	struct holder h;
	pthread_t t = holder(&h, &word), u;
	uint32_t v;

	tids[0] = 0;
	u = start(lock_and_unlock, &word);
	told_and_asleep(&tids[0]);
	v = word;
	show(futex(&word, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0));
	show(futex(&word, F_WAKE_BITSET | F_PRIVATE, 1, NULL, NULL, 1));
	show(futex(&word, F_REQUEUE | F_PRIVATE, 1, (void *)1, &word2, 0));
	show(futex(&word, F_CMP_REQUEUE | F_PRIVATE, 1, (void *)1, &word2, v));
	show(futex(&word, F_WAKE_OP | F_PRIVATE, 1, (void *)1, &word2, 0));
	show(futex(&word, F_CMP_REQUEUE_PI | F_PRIVATE, 1, (void *)1, &word2,
		   v));
	add(&h.go);
	join(t);
	join(u);
	num(word);
}

/* A program that writes another owner's name into the word is told. */
TEST(word_was_changed)
{
	struct holder h;
	pthread_t t = holder(&h, &word), u;
	uint32_t v;

	tids[0] = 0;
	u = start(lock_and_unlock, &word);
	told_and_asleep(&tids[0]);
	v = word;
	word = me() | WAITERS;
	show(unlock_pi(&word));
	show(lock_pi(&word));
	show_word("word", word, me());
	word = 0x3ffffff0 | WAITERS;
	show(lock_pi(&word));
	show(futex(&word, F_TRYLOCK_PI | F_PRIVATE, 0, NULL, NULL, 0));
	show(unlock_pi(&word));
	word = v;
	add(&h.go);
	join(t);
	join(u);
	num(word);
}

static void *wait_plain(void *w)
{
	tell_tid(&tids[1]);
	futex(w, F_WAIT | F_PRIVATE, *(uint32_t *)w, NULL, NULL, 0);
	return NULL;
}

TEST(plain_waiters_on_an_owned_word)
{
	pthread_t t;

	must(lock_pi(&word));
	t = start(wait_plain, &word);
	told_and_asleep(&tids[1]);
	show(unlock_pi(&word));
	show_word("word", word, me());
	show(futex(&word, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0));
	join(t);
	show(unlock_pi(&word));
	num(word);
}

/* A signal handler runs, then the wait for ownership goes on. */
static void *lock_with_signals(void *arg)
{
	long r;

	tell_tid(&tids[2]);
	r = futex(&word, F_LOCK_PI | F_PRIVATE, 0, arg, NULL, 0);
	if (!r)
		must(unlock_pi(&word));
	return (void *)r;
}

TEST(signals_do_not_end_a_lock)
{
	struct timespec at = at_ms(CLOCK_REALTIME, 1000000);

	for (int limited = 0; limited < 2; limited++) {
		pthread_t t;

		on_signal(SIGUSR1, count_signal, 0);
		signal_count = tids[2] = 0;
		must(lock_pi(&word));
		t = start(lock_with_signals, limited ? &at : NULL);
		told_and_asleep(&tids[2]);
		must0(pthread_kill(t, SIGUSR1));
		while (!signal_count)
			sleep_ms(1);
		told_and_asleep(&tids[2]);
		show(unlock_pi(&word));
		num(join(t));
		num(word);
	}
}

/* --- requeue ---------------------------------------------------------------*/
static struct {
	int tid[4], results[4], errors[4], owner[4];
} seen;

/* As a condition variable of a library would: wait, own word2, unlock it. */
static void *wait_requeue(void *arg)
{
	long i = (long)arg;

	tell_tid(&seen.tid[i]);
	seen.results[i] = futex(&word, F_WAIT_REQUEUE_PI | F_PRIVATE, 0, NULL,
				&word2, 0);
	seen.errors[i] = errno;
	if (!seen.results[i]) {
		seen.owner[i] = (word2 & TID_MASK) == me();
		must(unlock_pi(&word2));
	}
	return NULL;
}

static long requeue_pi(uint32_t wake, long requeue, uint32_t val)
{
	return futex(&word, F_CMP_REQUEUE_PI | F_PRIVATE, wake,
		     (void *)requeue, &word2, val);
}

TEST(requeue_errors)
{
	struct timespec past = { 1, 0 };

	show(futex(&word, F_WAIT_REQUEUE_PI, 0, NULL, &word, 0));
	show(futex(&word, F_WAIT_REQUEUE_PI, 1, NULL, &word2, 0));
	show(futex(&word, F_WAIT_REQUEUE_PI, 0, &past, &word2, 0));
	show(futex(&word, F_WAIT_REQUEUE_PI | F_REALTIME, 0, &past, &word2,
		   0));
	show(futex(&word, F_WAIT_REQUEUE_PI, 0, NULL, bad_pointer(), 0));
	show(futex(bad_pointer(), F_WAIT_REQUEUE_PI, 0, NULL, &word2, 0));
	show(futex(&word, F_WAIT_REQUEUE_PI, 0, NULL, (char *)&word2 + 1, 0));
	show(requeue_pi(0, 1, 0));
	show(requeue_pi(2, 1, 0));
	show(requeue_pi(1, -1, 0));
	show(requeue_pi(1, 1, 1));
	show(requeue_pi(1, 1, 0));
	show(futex(&word, F_CMP_REQUEUE_PI, 1, (void *)1, &word, 0));
	show(futex(&word, F_CMP_REQUEUE_PI, 1, (void *)1, bad_pointer(), 0));
}

static void waiters(pthread_t *t, int n)
{
	memset(&seen, 0, sizeof(seen));
	for (long i = 0; i < n; i++) {
		t[i] = start(wait_requeue, (void *)i);
		told_and_asleep(&seen.tid[i]);
	}
}

static void show_seen(pthread_t *t, int n)
{
	for (int i = 0; i < n; i++) {
		join(t[i]);
		say("%d: %d, %s, %s", i, seen.results[i],
		    seen.results[i] ? err_name(seen.errors[i]) : "-",
		    seen.owner[i] ? "owner" : "not owner");
	}
}

TEST(requeue_of_a_free_word)
{
	pthread_t t[3];

	waiters(t, 3);
	show(futex(&word, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0));
	show(futex(&word, F_REQUEUE | F_PRIVATE, 1, (void *)1, &word2, 0));
	show(futex(&word, F_CMP_REQUEUE_PI | F_PRIVATE, 1, (void *)1, tids, 0));
	show(requeue_pi(1, 0, 0));
	show(requeue_pi(1, 9, 0));
	show_seen(t, 3);
	show_word("word2", word2, 0);
}

TEST(requeue_of_an_owned_word)
{
	pthread_t t[3];

	waiters(t, 3);
	must(lock_pi(&word2));
	show(requeue_pi(1, 1, 0));
	show_word("word2", word2, me());
	show(requeue_pi(1, 9, 0));
	show(requeue_pi(1, 9, 0));
	show(unlock_pi(&word2));
	show_seen(t, 3);
	show_word("word2", word2, 0);
}

static volatile int handled;

static void note_handled(int sig)
{
	handled++;
}

/* Before the requeue the call restarts, after it the caller is told. */
TEST(signals_and_requeue)
{
	pthread_t t[2];

	on_signal(SIGUSR1, note_handled, 0);
	waiters(t, 2);
	must(lock_pi(&word2));
	must0(pthread_kill(t[1], SIGUSR1));
	while (handled < 1)
		sleep_ms(1);
	told_and_asleep(&seen.tid[1]);
	show(requeue_pi(1, 9, 0));
	must0(pthread_kill(t[1], SIGUSR1));
	while (handled < 2)
		sleep_ms(1);
	show(unlock_pi(&word2));
	show_seen(t, 2);
	show_word("word2", word2, 0);
}

/* --- death -----------------------------------------------------------------*/
static void *lock_and_tell(void *arg)
{
	tell_tid(&tids[3]);
	must(lock_pi(arg));
	show_word("inherited", *(uint32_t *)arg, me());
	must(unlock_pi(arg));
	return NULL;
}

/* Without a robust list: who waits already becomes the owner. */
TEST(owner_ends)
{
	struct holder h;
	pthread_t t = holder(&h, &word), u;

	u = start(lock_and_tell, &word);
	told_and_asleep(&tids[3]);
	__atomic_store_n(&h.go, 2, __ATOMIC_SEQ_CST);
	join(t);
	join(u);
	num(word);
}

/* Nobody waited: the word keeps a name that means nobody. */
TEST(owner_ends_alone)
{
	struct holder h;
	pthread_t t = holder(&h, &word);

	__atomic_store_n(&h.go, 2, __ATOMIC_SEQ_CST);
	join(t);
	for (int i = 0; i < 1000 && lock_pi(&word) && errno == EAGAIN; i++)
		sleep_ms(1);
	show(lock_pi(&word));
	show(unlock_pi(&word));
	show_word("word", word, h.tid);
}

struct entry {
	uintptr_t next;
	uint32_t word;
};

struct head {
	uintptr_t next;
	long offset;
	uintptr_t pending;
};

struct robust {
	struct head head;
	struct entry e[8];
	int ready, go;
};

/* Ends with this list. */
static void end_with(struct robust *r)
{
	must(syscall(SYS_set_robust_list, &r->head, sizeof(r->head)));
	syscall(SYS_exit, 0);
}

static struct robust *robust_page(void)
{
	struct robust *r = shared();

	r->head.next = (uintptr_t)&r->head;
	r->head.offset = offsetof(struct entry, word);
	return r;
}

TEST(robust_bits)
{
	struct robust *r = robust_page();
	pid_t pid = must(fork());

	if (!pid) {
		/* plain, plain with waiters, PI, of another, PI of another */
		for (int i = 0; i < 7; i++)
			r->e[i].next = (uintptr_t)&r->e[i + 1] | (i == 1 ||
								 i == 3);
		r->e[7].next = (uintptr_t)&r->head;
		r->head.next = (uintptr_t)&r->e[0];
		r->e[0].word = me();
		r->e[1].word = me() | WAITERS;
		r->e[2].word = me() | WAITERS;	/* PI */
		r->e[3].word = 5;
		r->e[4].word = 5 | WAITERS;	/* PI */
		r->e[5].word = me() | OWNER_DIED;
		r->e[6].word = 0;
		r->e[7].word = me() | OWNER_DIED | WAITERS;
		end_with(r);
	}
	await(pid);
	for (int i = 0; i < 8; i++)
		show_word("word", r->e[i].word, 5);
}

TEST(robust_bad_lists)
{
	struct robust *r;

	for (int how = 0; how < 6; how++) {
		pid_t pid;

		r = robust_page();
		pid = must(fork());
		if (!pid) {
			r->head.next = (uintptr_t)&r->e[0];
			r->e[0].next = (uintptr_t)&r->e[1];
			r->e[1].next = (uintptr_t)&r->head;
			r->e[0].word = r->e[1].word = r->e[2].word = me();
			if (how == 0)	/* a circle without the head */
				r->e[1].next = (uintptr_t)&r->e[0];
			if (how == 1)
				r->e[0].next = (uintptr_t)bad_pointer();
			if (how == 2)
				r->head.next = (uintptr_t)bad_pointer();
			if (how == 3)
				r->head.offset = 1;
			if (how == 4)	/* pending, and in the list */
				r->head.pending = (uintptr_t)&r->e[0];
			if (how == 5)	/* pending as PI, the list as not */
				r->head.pending = (uintptr_t)&r->e[0] | 1;
			if (how < 4)
				r->head.pending = (uintptr_t)&r->e[2];
			end_with(r);
		}
		await(pid);
		say("--- %d", how);
		for (int i = 0; i < 3; i++)
			show_word("word", r->e[i].word, 0);
	}
}

static long wait_robust(struct robust *r)
{
	return futex(&r->e[0].word, F_WAIT, r->e[0].word, NULL, NULL, 0);
}

/* It had unlocked, or was about to take it: somebody else is woken. */
TEST(robust_pending)
{
	static const uint32_t words[] = { 0, WAITERS, OWNER_DIED, 5 };

	for (int i = 0; i < 4; i++) {
		struct robust *r = robust_page();
		struct timespec t;
		pid_t w, pid;

		r->e[0].word = words[i];
		w = must(fork());
		if (!w)
			_exit(wait_robust(r) ? errno : 0);
		asleep(w, w);
		pid = must(fork());
		if (!pid) {
			r->head.pending = (uintptr_t)&r->e[0];
			end_with(r);
		}
		await(pid);
		t = (struct timespec){ 0, 0 };
		say("%#x: %ld left", words[i],
		    futex(&r->e[0].word, F_WAKE, 9, &t, NULL, 0));
		show_exit("waiter", w);
	}
}

/* One of those who wait for a robust word is woken. */
TEST(robust_wakes_one)
{
	struct robust *r = robust_page();
	pid_t w[3], pid;
	int left;

	pid = must(fork());
	if (!pid) {
		r->e[0].word = me() | WAITERS;
		r->e[0].next = (uintptr_t)&r->head;
		r->head.next = (uintptr_t)&r->e[0];
		add(&r->ready);
		until(&r->go, 1);
		end_with(r);
	}
	until(&r->ready, 1);
	for (int i = 0; i < 3; i++) {
		w[i] = must(fork());
		if (!w[i])
			_exit(wait_robust(r) ? errno : 0);
		asleep(w[i], w[i]);
	}
	add(&r->go);
	await(pid);
	left = futex(&r->e[0].word, F_WAKE, 9, NULL, NULL, 0);
	num(left);
	for (int i = 0; i < 3; i++)
		show_exit("waiter", w[i]);
	show_word("word", r->e[0].word, 0);
}

TEST(robust_list_of_others)
{
	uintptr_t head = 0;
	struct robust *r = robust_page();
	size_t len = 0;
	pid_t pid = must(fork());

	if (!pid) {
		must(syscall(SYS_set_robust_list, &r->head, 24));
		add(&r->ready);
		until(&r->go, 1);
		_exit(0);
	}
	until(&r->ready, 1);
	show(syscall(SYS_get_robust_list, pid, &head, &len));
	fact(head == (uintptr_t)&r->head);
	num(len);
	show(syscall(SYS_get_robust_list, 0x3ffffff0, &head, &len));
	show(syscall(SYS_get_robust_list, 0, bad_pointer(), &len));
	show(syscall(SYS_get_robust_list, 0, &head, bad_pointer()));
	show(syscall(SYS_set_robust_list, &r->head, 0));
	show(syscall(SYS_set_robust_list, NULL, 24));
	add(&r->go);
	show_exit("child", pid);
}
