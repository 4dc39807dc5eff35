/* SPDX-License-Identifier: MIT */
/*
 * Futexes with an owner (kernel/linux/futex_pi.c): fast paths of the C library
 * on the word, slow paths in the kernel, hand-over to the first waiter, and
 * waiters that give up.
 *
 * N_TASKS lock and unlock one word N_ROUNDS times. Checked: at most one holds
 * the lock; nobody sleeps for ever; the word is free at the end.
 *
 * Bugs: RACE NO_HANDOVER
 *   RACE         the unlocker looks for waiters and changes the word in two
 *                critical sections: a locker that comes in between sleeps on
 *                a free word
 *   NO_HANDOVER  a waiter that is woken thinks that it owns the word, but the
 *                unlocker has only freed it
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
chan queue = [N_TASKS] of { byte };
bit woken[N_TASKS + 1];
byte holders = 0;

inline take()
{
	atomic { bucket == 0 -> bucket = 1 }
}

inline release()
{
	bucket = 0
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
		:: v == NOBODY && empty(queue) ->
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
				atomic { woken[me] = 0; queue!me };
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
			:: woken[me] == 0 -> queue??eval(me)
			fi
		};
		release()
	:: else
	fi
}

inline unlock_pi(me)
{
	byte first = 0;

	take();
	if
	:: len(queue) > 0 -> queue?<first>
	:: len(queue) == 0
	fi;
#ifdef RACE
	release();
	take();
#endif
	assert(owner == me);
	if
	:: first == NOBODY -> atomic { owner = NOBODY; waiters = 0 }
	:: first != NOBODY ->
		queue?first;
#ifdef NO_HANDOVER
		atomic { owner = NOBODY; waiters = 0 };
#else
		atomic { owner = first; waiters = (len(queue) > 0) };
#endif
		woken[first] = 1
	fi;
	release()
}

proctype task(byte me)
{
	byte round = 0, v;
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
	assert(owner == NOBODY && empty(queue) && bucket == 0)
}
