/* SPDX-License-Identifier: MIT */
/*
 * Futex queues (kernel/core/futex.h): wait with time-outs and signals, wake,
 * requeue. Two buckets, each with a word, a lock and a counter of waiters.
 *
 * N_WAITERS wait on word 1 while it is 0. One task moves waiters from 1 to 2;
 * then one changes word 1 and wakes bucket 1, and at the end all of bucket 2
 * are woken. Time-outs may come at any time. Checked: nobody sleeps for ever;
 * as many were woken as the wakers say; a queue is changed only under the lock
 * of the bucket it is in; the counters are 0 at the end.
 *
 * Bugs: NO_FENCE LOOK_BEFORE WRONG_BUCKET
 *   NO_FENCE      the waker looks at the counter before its store to the word
 *                 is seen by others
 *   LOOK_BEFORE   the waiter looks at the word before it takes the lock
 *   WRONG_BUCKET  a waiter that gives up does not look again which bucket it
 *                 is in, once it has the lock
 */
#ifndef N_WAITERS
#define N_WAITERS 3
#endif

bit word = 0;
bit lock[2];
byte counter[2];		/* nr_waiters */
byte where[N_WAITERS];		/* 0, 1: in that queue; 2: in none */
byte bucket[N_WAITERS];		/* waiter.bucket, as the waiter reads it */
bit woken[N_WAITERS];
byte said = 0, came = 0;	/* woken, as wakers and waiters count */
byte finished = 0;
bit requeued = 0;		/* no more moves */

inline take(b)
{
	atomic { lock[b] == 0 -> lock[b] = 1 }
}

inline release(b)
{
	lock[b] = 0
}

inline remove(w)
{
	assert(lock[where[w]] == 1);
	counter[where[w]]--;
	where[w] = 2
}

proctype waiter(byte me)
{
	byte b;
	bit seen;

	atomic { counter[0]++ }
#ifdef LOOK_BEFORE
	seen = word;
	take(0);
#else
	take(0);
	seen = word;
#endif
	if
	:: seen == 1 ->
		atomic { counter[0]-- };
		release(0);
		goto out
	:: else
	fi;
	atomic { where[me] = 0; bucket[me] = 0 };
	release(0);
	if
	:: true -> woken[me] == 1	/* parked until then */
	:: true				/* deadline or signal */
	fi;
	if
	:: woken[me] -> goto was_woken
	:: else
	fi;
again:
	b = bucket[me];
	take(b);
#ifndef WRONG_BUCKET
	if
	:: b != bucket[me] -> release(b); goto again
	:: else
	fi;
#endif
	if
	:: woken[me] -> release(b); goto was_woken
	:: else ->
		assert(where[me] == b);
		atomic { remove(me) };
		release(b);
		goto out
	fi;
was_woken:
	atomic { came++ };
out:
	atomic { finished++ }
}

inline wake_all(b)
{
	if
	:: counter[b] == 0
	:: else ->
		take(b);
		w = 0;
		do
		:: w < N_WAITERS ->
			atomic {
				if
				:: where[w] == b ->
					remove(w);
					said++;
					woken[w] = 1
				:: else
				fi
			};
			w++
		:: else -> break
		od;
		release(b)
	fi
}

proctype waker()
{
	byte w;

#ifdef NO_FENCE
	byte early = counter[0];

	word = 1;
	if
	:: early == 0
	:: else -> wake_all(0)
	fi;
#else
	word = 1;
	wake_all(0);
#endif
	requeued == 1;
	wake_all(1)
}

proctype requeuer()
{
	byte w = 0;

	take(0);
	take(1);
	do
	:: w < N_WAITERS && where[w] == 0 && word == 0 ->
		atomic {	/* futex_move_locked */
			counter[0]--;
			counter[1]++;
			where[w] = 1;
			bucket[w] = 1
		};
		w++
	:: w < N_WAITERS -> w++
	:: else -> break
	od;
	release(1);
	release(0);
	requeued = 1
}

init {
	byte i = 0;

	atomic {
		do
		:: i < N_WAITERS -> where[i] = 2; run waiter(i); i++
		:: else -> break
		od;
		run waker();
		run requeuer()
	};
	finished == N_WAITERS;
	_nr_pr == 1;
	assert(said == came);
	assert(counter[0] == 0 && counter[1] == 0)
}
