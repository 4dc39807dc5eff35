/* SPDX-License-Identifier: MIT */
/*
 * The futex system call itself, without a library above it.
 */
#include "futex_help.h"

static uint32_t word, word2;
static volatile int waiting, woken;

struct waiter {
	void *addr;
	int op;
	uint32_t bits;
	pthread_t thread;
};

static void *wait_here(void *arg)
{
	struct waiter *w = arg;

	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	must(futex(w->addr, w->op, 0, NULL, NULL, w->bits));
	__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Start n threads that wait on addr, and let them fall asleep. */
static void sleepers(struct waiter *w, int n, void *addr, int op)
{
	for (int i = 0; i < n; i++) {
		w[i].addr = addr;
		w[i].op = op;
		must0(pthread_create(&w[i].thread, NULL, wait_here, &w[i]));
	}
	while (waiting < n)
		sched_yield();
	sleep_ms(100);
}

/* Wait until n threads were woken (and, shortly, that it stays so). */
static void woken_is(int n)
{
	for (int i = 0; woken < n && i < 300; i++)
		sleep_ms(10);
	sleep_ms(20);
	num(woken);
}

TEST(wait_value_differs)
{
	word = 1;
	show(futex(&word, F_WAIT, 0, NULL, NULL, 0));
	show(futex(&word, F_WAIT | F_PRIVATE, 2, NULL, NULL, 0));
	show(futex(&word, F_WAIT_BITSET, 2, NULL, NULL, ~0u));
}

TEST(wait_timeout)
{
	struct timespec t = { 0, 30000000 };
	long long start = now_ms();

	show(futex(&word, F_WAIT, 0, &t, NULL, 0));
	fact(now_ms() - start >= 29);
	show(futex(&word, F_WAIT | F_PRIVATE, 0, &t, NULL, 0));
}

TEST(wait_bitset_absolute)
{
	struct timespec t, past = { 1, 0 };
	long long start = now_ms();

	show(futex(&word, F_WAIT_BITSET, 0, &past, NULL, ~0u));
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 30000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	show(futex(&word, F_WAIT_BITSET, 0, &t, NULL, ~0u));
	fact(now_ms() - start >= 29);
	show(futex(&word, F_WAIT_BITSET | F_REALTIME, 0, &t, NULL, ~0u));
}

TEST(bad_arguments)
{
	struct timespec t = { 0, 1000000000 };
	char *unaligned = (char *)&word + 1;

	show(futex(unaligned, F_WAIT, 0, NULL, NULL, 0));
	show(futex(unaligned, F_WAKE, 1, NULL, NULL, 0));
	show(futex(&word, F_WAIT, 0, &t, NULL, 0));
	t.tv_sec = -1;
	t.tv_nsec = 0;
	show(futex(&word, F_WAIT, 0, &t, NULL, 0));
	show(futex(&word, F_WAIT_BITSET, 0, NULL, NULL, 0));
	show(futex(&word, F_WAKE_BITSET, 1, NULL, NULL, 0));
	show(futex(&word, 77, 0, NULL, NULL, 0));
	show(futex(&word, F_WAKE | F_REALTIME, 0, NULL, NULL, 0));
	show(futex(&word, F_REQUEUE, -1, NULL, &word2, 0));
}

TEST(bad_addresses)
{
	show(futex(bad_pointer(), F_WAIT, 0, NULL, NULL, 0));
	show(futex(NULL, F_WAIT | F_PRIVATE, 0, NULL, NULL, 0));
	show(futex(bad_pointer(), F_WAKE, 1, NULL, NULL, 0));
	show(futex(bad_pointer(), F_WAKE | F_PRIVATE, 1, NULL, NULL, 0));
	show(futex((void *)0x8000000000000000, F_WAIT, 0, NULL, NULL, 0));
	show(futex(&word, F_WAIT, 0, bad_pointer(), NULL, 0));
	show(futex(&word, F_CMP_REQUEUE, 1, (void *)1, bad_pointer(), 0));
}

TEST(wait_interrupted)
{
	ticks_start(0);
	show(futex(&word, F_WAIT, 0, NULL, NULL, 0));
	ticks_stop();
}

TEST(wait_with_timeout_interrupted)
{
	struct timespec t = { 1000, 0 };

	ticks_start(0);
	show(futex(&word, F_WAIT, 0, &t, NULL, 0));
	ticks_stop();
}

static void *wake_later(void *arg)
{
	sleep_ms(100);
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	while (futex(&word, F_WAKE, 1, NULL, NULL, 0) == 0 && word == 1)
		sleep_ms(1);
	return NULL;
}

TEST(wait_restarted)
{
	pthread_t t;
	sigset_t s;
	int r;

	sigfillset(&s);
	must0(pthread_sigmask(SIG_BLOCK, &s, NULL));
	must0(pthread_create(&t, NULL, wake_later, NULL));
	must0(pthread_sigmask(SIG_UNBLOCK, &s, NULL));
	ticks_start(SA_RESTART);
	do {
		r = futex(&word, F_WAIT, 0, NULL, NULL, 0);
	} while (r == 0 && word == 0);
	/* The restart may find the new value already. */
	fact(r == 0 || errno == EAGAIN);
	ticks_stop();
	word = 2;
	pthread_join(t, NULL);
}

TEST(wake_none)
{
	show(futex(&word, F_WAKE, 1, NULL, NULL, 0));
	show(futex(&word, F_WAKE, 0, NULL, NULL, 0));
	show(futex(&word, F_WAKE | F_PRIVATE, 100, NULL, NULL, 0));
}

TEST(wake_some_then_all)
{
	struct waiter w[5];

	sleepers(w, 5, &word, F_WAIT | F_PRIVATE);
	show(futex(&word, F_WAKE | F_PRIVATE, 2, NULL, NULL, 0));
	woken_is(2);
	show(futex(&word, F_WAKE | F_PRIVATE, INT32_MAX, NULL, NULL, 0));
	woken_is(5);
}

TEST(private_and_shared_differ)
{
	struct waiter w[1];
	uint32_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	sleepers(w, 1, p, F_WAIT | F_PRIVATE);
	show(futex(p, F_WAKE, 1, NULL, NULL, 0));
	show(futex(p, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0));
	woken_is(1);
}

TEST(wake_bitset)
{
	struct waiter w[2] = { { .bits = 1 }, { .bits = 6 } };

	sleepers(w, 2, &word, F_WAIT_BITSET | F_PRIVATE);
	show(futex(&word, F_WAKE_BITSET | F_PRIVATE, 9, NULL, NULL, 8));
	show(futex(&word, F_WAKE_BITSET | F_PRIVATE, 9, NULL, NULL, 4));
	woken_is(1);
	show(futex(&word, F_WAKE_BITSET | F_PRIVATE, 9, NULL, NULL, ~0u));
	woken_is(2);
}

TEST(requeue)
{
	struct waiter w[4];

	sleepers(w, 4, &word, F_WAIT | F_PRIVATE);
	show(futex(&word, F_REQUEUE | F_PRIVATE, 1, (void *)2, &word2, 0));
	woken_is(1);
	show(futex(&word, F_WAKE | F_PRIVATE, 9, NULL, NULL, 0));
	woken_is(2);
	show(futex(&word2, F_WAKE | F_PRIVATE, 9, NULL, NULL, 0));
	woken_is(4);
}

TEST(cmp_requeue)
{
	struct waiter w[3];

	sleepers(w, 3, &word, F_WAIT | F_PRIVATE);
	show(futex(&word, F_CMP_REQUEUE | F_PRIVATE, 1, (void *)9, &word2, 5));
	show(futex(&word, F_CMP_REQUEUE | F_PRIVATE, 1, (void *)9, &word2, 0));
	woken_is(1);
	show(futex(&word2, F_WAKE | F_PRIVATE, 9, NULL, NULL, 0));
	woken_is(3);
}

/* FUTEX_OP: op << 28 | cmp << 24 | oparg << 12 | cmparg */
#define WAKE_OP(op, arg, cmp, cmparg)                                         \
	((uint32_t)(op) << 28 | (uint32_t)(cmp) << 24 | (arg) << 12 | (cmparg))

TEST(wake_op)
{
	struct waiter w[1], v[1];

	sleepers(w, 1, &word, F_WAIT | F_PRIVATE);
	waiting = 0;
	sleepers(v, 1, &word2, F_WAIT | F_PRIVATE);
	/* word2 = 7 (set); wake one there when the old value was 1: no. */
	show(futex(&word, F_WAKE_OP | F_PRIVATE, 1, (void *)1, &word2,
		   WAKE_OP(0, 7, 0, 1)));
	woken_is(1);
	num(word2);
	/* word2 += 3; wake one there when the old value was 7: yes. */
	show(futex(&word, F_WAKE_OP | F_PRIVATE, 1, (void *)1, &word2,
		   WAKE_OP(1, 3, 0, 7)));
	woken_is(2);
	num(word2);
}

TEST(wake_op_operations)
{
	word2 = 12;
	for (uint32_t op = 0; op < 5; op++) {
		must(futex(&word, F_WAKE_OP, 0, (void *)0, &word2,
			   WAKE_OP(op, 10, 0, 0)));
		num(word2);
	}
	/* oparg is a shift with bit 3 of op. */
	must(futex(&word, F_WAKE_OP, 0, (void *)0, &word2,
		   WAKE_OP(8, 4, 0, 0)));
	num(word2);
	show(futex(&word, F_WAKE_OP, 0, (void *)0, &word2, WAKE_OP(6, 0, 0, 0)));
	show(futex(&word, F_WAKE_OP, 0, (void *)0, &word2, WAKE_OP(0, 0, 9, 0)));
	show(futex(&word, F_WAKE_OP, 0, (void *)0, bad_pointer(),
		   WAKE_OP(0, 0, 0, 0)));
}

TEST(shared_between_processes)
{
	uint32_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (pid == 0)
		_exit(futex(p, F_WAIT, 0, NULL, NULL, 0) == 0 ? 3 : 4);
	while (futex(p, F_WAKE, 1, NULL, NULL, 0) == 0)
		sleep_ms(2);
	show_exit("child", pid);
}

TEST(shared_by_file_at_other_address)
{
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));
	uint32_t *p, *q;
	pid_t pid;

	must(ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid = fork();
	if (pid == 0) {
		q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		_exit(q == p || futex(q + 5, F_WAIT, 0, NULL, NULL, 0));
	}
	while (futex(p + 5, F_WAKE, 1, NULL, NULL, 0) == 0)
		sleep_ms(2);
	show_exit("child", pid);
}

TEST(private_not_between_processes)
{
	uint32_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec t = { 0, 150000000 };
	pid_t pid = fork();

	if (pid == 0) {
		show(futex(p, F_WAIT | F_PRIVATE, 0, &t, NULL, 0));
		_exit(0);
	}
	for (int i = 0; i < 10; i++) {
		sleep_ms(10);
		if (futex(p, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0))
			say("woken across processes");
	}
	show_exit("child", pid);
}

TEST(lock_pi_basics)
{
	uint32_t tid = gettid();
	struct timespec past = { 1, 0 };

	if (futex(&word, F_LOCK_PI, 0, NULL, NULL, 0) < 0 && errno == ENOSYS)
		skip("no PI futexes");
	fact(word == tid);
	show(futex(&word, F_LOCK_PI, 0, NULL, NULL, 0));
	show(futex(&word, F_TRYLOCK_PI, 0, NULL, NULL, 0));
	show(futex(&word, F_UNLOCK_PI, 0, NULL, NULL, 0));
	num(word);
	show(futex(&word, F_UNLOCK_PI, 0, NULL, NULL, 0));
	show(futex(&word, F_TRYLOCK_PI, 0, NULL, NULL, 0));
	show(futex(&word, F_UNLOCK_PI, 0, NULL, NULL, 0));
	word = 999999;
	show(futex(&word, F_LOCK_PI, 0, &past, NULL, 0));
}

static void *lock_pi_thread(void *arg)
{
	bool mine;

	must(futex(&word, F_LOCK_PI | F_PRIVATE, 0, NULL, NULL, 0));
	woken++;
	mine = (word & 0x3fffffff) == (uint32_t)gettid();
	must(futex(&word, F_UNLOCK_PI | F_PRIVATE, 0, NULL, NULL, 0));
	return (void *)(long)mine;
}

TEST(lock_pi_hand_over)
{
	pthread_t t;
	void *mine;

	if (futex(&word, F_LOCK_PI | F_PRIVATE, 0, NULL, NULL, 0) < 0)
		skip("no PI futexes");
	must0(pthread_create(&t, NULL, lock_pi_thread, NULL));
	while (!(__atomic_load_n(&word, __ATOMIC_SEQ_CST) & 0x80000000))
		sleep_ms(1);
	num(woken);
	show(futex(&word, F_UNLOCK_PI | F_PRIVATE, 0, NULL, NULL, 0));
	must0(pthread_join(t, &mine));
	fact(mine);
	num(woken);
	num(word);
}

TEST(robust_list_registration)
{
	struct { void *list; long offset; void *pending; } head, *got;
	size_t len;

	head.list = &head.list;
	head.offset = 0;
	head.pending = NULL;
	show(syscall(SYS_set_robust_list, &head, 24));
	show(syscall(SYS_get_robust_list, 0, &got, &len));
	fact(got == (void *)&head);
	num(len);
	show(syscall(SYS_set_robust_list, &head, 23));
	show(syscall(SYS_get_robust_list, 999999, &got, &len));
	show(syscall(SYS_get_robust_list, 0, bad_pointer(), &len));
}

TEST(robust_list_walk_at_exit)
{
	struct entry { struct entry *next; uint32_t word; } *e;
	struct { struct entry *list; long offset; struct entry *pending; } *h;
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	h = (void *)page;
	e = (void *)(page + 64);
	pid = fork();
	if (pid == 0) {
		h->list = &e[0];
		h->offset = offsetof(struct entry, word);
		e[0].next = &e[1];
		e[1].next = (struct entry *)h;
		h->pending = &e[2];
		e[0].word = gettid();
		e[1].word = 12345;
		e[2].word = gettid() | 0x80000000;
		must(syscall(SYS_set_robust_list, h, 24));
		syscall(SYS_exit, 0);
	}
	await(pid);
	say("%#x %d %#x", e[0].word, e[1].word, e[2].word);
}
