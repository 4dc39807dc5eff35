/* SPDX-License-Identifier: MIT */
/*
 * Futexes with an owner (kernel/linux/futex_pi.c): fast paths of the C library
 * on the word, slow paths in the kernel, hand-over to the best waiter (any of
 * them here), and waiters that give up. Whoever waits lends to the owner:
 * `lends` is its edge in the graph of core/pi.c.
 *
 * N_TASKS lock and unlock one word N_ROUNDS times. Checked: at most one holds
 * the lock; nobody sleeps for ever; the word is free at the end; whenever the
 * bucket is free, all that wait lend to the owner, and nobody else does.
 *
 * Bugs: RACE NO_HANDOVER NO_FOLLOW STAYS_LENT
 *   RACE         the unlocker looks for waiters and changes the word in two
 *                critical sections: a locker that comes in between sleeps on
 *                a free word
 *   NO_HANDOVER  a waiter that is woken thinks that it owns the word, but the
 *                unlocker has only freed it
 *   NO_FOLLOW    the others that wait still lend to the owner before
 *   STAYS_LENT   a waiter that gives up leaves its loan behind
 */
#ifndef N_TASKS
#define N_TASKS 3
#endif
#ifndef N_ROUNDS
#define N_ROUNDS 2
#endif
#define NOBODY 0

byte owner = NOBODY;		/* of the word: thread id, from 1 */
bit waiters = 0;		/* FUTEX_WAITERS */
bit bucket = 0;			/* lock of the bucket */
bit queued[N_TASKS + 1];
byte nr_queued = 0;
byte lends[N_TASKS + 1];	/* to whom; NOBODY */
bit woken[N_TASKS + 1];
byte holders = 0;

inline take()
{
	atomic { bucket == 0 -> bucket = 1 }
}

inline release()
{
	d_step {
		i = 1;
		do
		:: i <= N_TASKS ->
			assert(lends[i] == (queued[i] -> owner : NOBODY));
			i++
		:: else -> break
		od;
		i = 0;
		bucket = 0
	}
}

/* Out of the queue: it lends no more. */
inline dequeue(who)
{
	queued[who] = 0;
	nr_queued--;
	lends[who] = NOBODY
}

/* cmpxchg of the whole word */
inline change(from, from_waiters, to, to_waiters, good)
{
	atomic {
		if
		:: owner == from && waiters == from_waiters ->
			owner = to;
			waiters = to_waiters;
			good = 1
		:: else -> good = 0
		fi
	}
}

inline lock_pi(me)
{
	take();
	do
	:: atomic { v = owner; vw = waiters };
		if
		:: v == NOBODY && nr_queued == 0 ->
			change(v, vw, me, 0, good);
			if
			:: good -> release(); result = 1; break
			:: else
			fi
		:: else ->
			change(v, vw, v, 1, good);
			if
			:: good && v == NOBODY ->
				/* free, but others were first: cannot be */
				assert(false)
			:: good ->
				atomic {
					woken[me] = 0;
					queued[me] = 1;
					nr_queued++;
					lends[me] = v
				};
				release();
				if
				:: true -> woken[me] == 1; result = 1
				:: true -> result = 0	/* time is over */
				fi;
				break
			:: else
			fi
		fi
	od;
	if
	:: result == 0 ->	/* leave the queue, unless it came after all */
		take();
		atomic {
			if
			:: woken[me] == 1 -> result = 1
			:: woken[me] == 0 ->
				dequeue(me);
#ifdef STAYS_LENT
				lends[me] = owner
#endif
			fi
		};
		release()
	:: else
	fi
}

/* The best one: any. NOBODY if there is none. */
inline find_best(who)
{
	if
	:: nr_queued == 0 -> who = NOBODY
	:: queued[1] -> who = 1
	:: queued[2] -> who = 2
#if N_TASKS > 2
	:: queued[3] -> who = 3
#endif
	fi
}

/* All that still wait lend to `who`. */
inline follow(who)
{
	i = 1;
	do
	:: i <= N_TASKS ->
		if
		:: queued[i] -> lends[i] = who
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

inline unlock_pi(me)
{
	take();
	find_best(best);
#ifdef RACE
	release();
	take();
#endif
	assert(owner == me);
	if
	:: best == NOBODY -> atomic { owner = NOBODY; waiters = 0 }
	:: best != NOBODY ->
		atomic {
			dequeue(best);
#ifdef NO_HANDOVER
			owner = NOBODY;
			waiters = 0;
			follow(NOBODY);
#else
			owner = best;
			waiters = (nr_queued > 0);
#ifndef NO_FOLLOW
			follow(best);
#endif
#endif
		};
		woken[best] = 1
	fi;
	best = NOBODY;
	release()
}

proctype task(byte me)
{
	byte round = 0, v, i = 0, best = NOBODY;
	bit vw, good, result;

	do
	:: round < N_ROUNDS ->
		round++;
		change(NOBODY, 0, me, 0, good);	/* fast path */
		result = good;
		if
		:: !good -> lock_pi(me)
		:: else
		fi;
		if
		:: result ->
			holders++;
			assert(holders == 1);
			holders--;
			change(me, 0, NOBODY, 0, good);	/* fast path */
			if
			:: !good -> unlock_pi(me)
			:: else
			fi
		:: else		/* gave up */
		fi
	:: else -> break
	od
}

init {
	byte i = 1;

	atomic {
		do
		:: i <= N_TASKS -> run task(i); i++
		:: else -> break
		od
	};
	_nr_pr == 1;
	assert(owner == NOBODY && nr_queued == 0 && bucket == 0)
}
