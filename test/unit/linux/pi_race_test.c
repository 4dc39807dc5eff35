/* SPDX-License-Identifier: MIT */
/*
 * The known race of futexes with an owner, in kernel/linux/futex_pi.c on host
 * threads: two of them hammer one word, and unlock by the call whether anybody
 * waits or not. They meet after a few turns: one that sleeps on a free word is
 * not rescued by the next unlock then. Built twice: as it is, where they must come to the end; and
 * with -DMICA_BUG_PI_RACE, the known mistake, where they must stall: else this
 * test would find nothing. Prints TAP.
 */
#include "core/futex.h"
#include "core/pi.h"
#include "core/sched.h"
#include "fs/fake.h"
#include "linux/futex_calls.h"
#include "linux/pid_ns.h"
#include "platform/platform.h"

int printf(const char *fmt, ...);
int pthread_create(unsigned long *t, const void *attr, void *(*fn)(void *),
		   void *arg);
int pthread_join(unsigned long t, void **ret);
int usleep(unsigned int us);
long syscall(long nr, ...);
void _exit(int status) __noreturn;

#define NR_SCHED_YIELD	24
#define ROUNDS		10000u
#define BURST_MAX	4u	/* turns of each in a round */
#define STALL_MS	4000u
#ifdef MICA_BUG_PI_RACE
#define HAS_MISTAKE	1
#else
#define HAS_MISTAKE	0
#endif

static struct process process = { .pid_ns = &pid_ns_first };
static struct thread threads[2];
static uint32_t word, inside, wrong, turns, met, running = 2;
struct mutex process_lock;
struct pid_ns pid_ns_first;

/* --- the pretend personality and platform ------------------------------------*/
struct thread *thread_find(uint32_t tid)
{
	return tid - 1 < 2 ? &threads[tid - 1] : NULL;
}

uint32_t pid_of_nr_locked(const struct pid_ns *n, uint32_t nr)
{
	return nr;
}

int futex_key_get(uint64_t uaddr, uint32_t flags, struct futex_key *k)
{
	*k = (struct futex_key){ 1, uaddr };
	return 0;
}

int user_load32(const uint32_t *p, uint32_t *out)
{
	*out = __atomic_load_n(p, __ATOMIC_SEQ_CST);
	return 0;
}

int user_cmpxchg32(uint32_t *p, uint32_t *old, uint32_t new_val)
{
	__atomic_compare_exchange_n(p, old, new_val, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	return 0;
}

bool plat_task_is_urgent(const struct task *t)
{
	return false;
}

uint64_t plat_task_claim(const struct task *t)
{
	return CLAIM_FAIR(0);
}

void plat_task_lend(struct task *t, uint64_t claim)
{
}

void plat_brief_lock(uint32_t *held)
{
	while (__atomic_exchange_n(held, 1, __ATOMIC_ACQUIRE))
		plat_relax();
}

void plat_brief_unlock(uint32_t *held)
{
	__atomic_store_n(held, 0, __ATOMIC_RELEASE);
}

void plat_relax(void)
{
	syscall(NR_SCHED_YIELD);
}

/* --- the hammers -------------------------------------------------------------*/
static void lock(uint32_t tid)
{
	uint32_t none = 0;

	if (!__atomic_compare_exchange_n(&word, &none, tid, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
	    futex_lock_pi((uint64_t)&word, 0, DEADLINE_NEVER, false))
		wrong++;
}

static void turn(uint32_t tid, bool yields)
{
	lock(tid);
	if (__atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST))
		wrong++;
	__atomic_store_n(&turns, turns + 1, __ATOMIC_RELAXED);
	if (yields)	/* so that they meet on one processor too */
		plat_relax();
	__atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
	if (futex_unlock_pi((uint64_t)&word, 0))
		wrong++;
}

static void *hammer(void *arg)
{
	struct thread *me = arg;

	me->task = current_task();
	me->task->personality = me;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		__atomic_fetch_add(&met, 1, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&met, __ATOMIC_SEQ_CST) < 2 * (i + 1))
			plat_relax();
		for (uint32_t n = i % BURST_MAX + 1; n; n--)
			turn(me->tid, i % 16 == me->tid);
	}
	__atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* True: nobody had a turn for STALL_MS. */
static bool stalls(void)
{
	uint32_t seen = ~0u, quiet = 0;

	while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) && quiet < STALL_MS) {
		uint32_t now = __atomic_load_n(&turns, __ATOMIC_RELAXED);

		usleep(10000);
		quiet = now == seen ? quiet + 10 : 0;
		seen = now;
	}
	return quiet >= STALL_MS;
}

int main(void)
{
	bool found, good;
	unsigned long t[2];

	for (uint32_t i = 0; i < 2; i++) {
		threads[i].tid = threads[i].nr = i + 1;
		threads[i].process = &process;
		pthread_create(&t[i], NULL, hammer, &threads[i]);
	}
	found = stalls();
	good = HAS_MISTAKE ? found :
	       !found && !wrong && !word && turns == ROUNDS * (BURST_MAX + 1);
	printf("1..1\n%s 1 - PI race%s: %u turns, %u wrong, word %#x\n",
	       good ? "ok" : "not ok", HAS_MISTAKE ? " is found" : "", turns,
	       wrong, word);
	return !good;
}
