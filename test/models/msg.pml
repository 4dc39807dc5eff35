/* SPDX-License-Identifier: MIT */
/*
 * Messages (kernel/core/msg.c): senders and a receiver that meet, copy without
 * the lock, give up when their time is over, and die.
 *
 * N_SENDERS send one message each, and may give up. The receiver takes
 * N_RECEIVES messages, may give up too, then ends, which ends the waits for it.
 * Checked: nobody sleeps for ever; a send is told to have succeeded exactly if
 * the receiver got it; nobody copies from or to a task that has left; what is the
 * receiver's own is touched by one at a time: by itself, or by a sender that asks
 * a question (ask_locked) while it waits.
 *
 * Bugs: LEAVE_CLAIMED NO_FORGET GIVE_UP_UNLOCKED NO_LOOK_AGAIN ASK_BUSY ASK_UNLOCKED
 *   LEAVE_CLAIMED     one whose time is over leaves while another copies
 *   NO_FORGET         the death of the receiver does not end its senders
 *   GIVE_UP_UNLOCKED  one gives up without looking whether it is done
 *   NO_LOOK_AGAIN     a receiver does not look at its senders again when a
 *                     copy to it has failed
 *   ASK_BUSY          a question is answered though the receiver does not wait
 *   ASK_UNLOCKED      or when the lock has been released
 */
#define N_SENDERS 2
#ifndef N_RECEIVES
#define N_RECEIVES 2
#endif
#define R N_SENDERS		/* the receiver's number */

mtype = { IDLE, SENDING, RECEIVING };
bit lock = 0;
mtype state[N_SENDERS + 1];
bit done[N_SENDERS + 1];
bit ok[N_SENDERS + 1];		/* the result, with done */
bit claimed[N_SENDERS + 1];
bit unparked[N_SENDERS + 1];	/* the park word remembers */
bit alive = 1;			/* the receiver has a port */
byte sent = 0, received = 0;
byte over = 0;			/* senders that have ended */
bit touched;			/* the receiver's own */

inline touch()
{
	atomic { assert(!touched); touched = 1 };
	touched = 0
}

inline take()
{
	atomic { lock == 0 -> lock = 1 }
}

inline release()
{
	lock = 0
}

/* end_locked: p's wait is over. */
inline end_wait(p, result)
{
	atomic {
		assert(state[p] != IDLE && !claimed[p]);
		state[p] = IDLE;
		ok[p] = result;
		done[p] = 1;
		unparked[p] = 1
	}
}

/* The copy without the lock; `other` sleeps. It may fail (bad memory). */
inline copy(other, result)
{
	claimed[other] = 1;
	release();
	assert(state[other] != IDLE && !done[other]);
	if
	:: result = 1
	:: result = 0
	fi;
	assert(state[other] != IDLE && !done[other]);
	take();
	atomic { claimed[other] = 0; unparked[other] = unparked[other] || !result }
}

/* has_missed_locked */
#define has_sender (\
	(state[0] == SENDING && !claimed[0] && !done[0]) || \
	(state[1] == SENDING && !claimed[1] && !done[1]))
#ifdef NO_LOOK_AGAIN
#define missed(p) false
#else
#define missed(p) (p == R && has_sender)
#endif

/* port_wait, with the lock; ends without it. result: what `ok` says, or 0. */
inline wait(me, result)
{
	late = 0;
	do
	:: release();
		if
		:: done[me]
		:: !done[me] && !late -> late = 1	/* time is over */
		:: !done[me] ->
			if
			:: atomic { unparked[me] == 1 -> unparked[me] = 0 }
			:: me == R && over == N_SENDERS && !unparked[me] ->
				late = 1	/* nobody is left to wait for */
			fi
		fi;
#ifdef GIVE_UP_UNLOCKED
		if
		:: late && !done[me] ->
			take();
			state[me] = IDLE;
			release();
			result = 0;
			break
		:: else
		fi;
#endif
		if
		:: done[me] -> result = ok[me]; break
		:: else
		fi;
		take();
		if
		:: done[me]
#ifndef LEAVE_CLAIMED
		:: !done[me] && claimed[me]
		:: !done[me] && !claimed[me] && (late || missed(me)) ->
#else
		:: !done[me] && (late || missed(me)) ->
#endif
			state[me] = IDLE;
			release();
			result = 0;
			break
		:: else
		fi
	od
}

/* ask_locked */
inline ask()
{
	if
#ifdef ASK_BUSY
	:: alive ->
#else
	:: alive && state[R] == RECEIVING && !claimed[R] && !done[R] ->
#endif
#ifdef ASK_UNLOCKED
		release();
		touch();
		take()
#else
		touch()
#endif
	:: skip
	fi
}

proctype sender(byte me)
{
	bit result, late;

	take();
	ask();
	do
	:: !alive -> release(); break		/* -ESRCH */
	:: alive && state[R] == RECEIVING && !claimed[R] && !done[R] ->
		copy(R, result);
		if
		:: result -> sent++; end_wait(R, 1); release(); break
		:: else	-> release(); break	/* -EFAULT */
		fi
	:: alive && !(state[R] == RECEIVING && !claimed[R] && !done[R]) ->
		state[me] = SENDING;
		done[me] = 0;
		wait(me, result);
		if
		:: result -> sent++
		:: else
		fi;
		break
	od;
	over++
}

/* One message; result: got it. */
inline receive(result)
{
	do
	:: take();
		s = 0;
		do
		:: s < N_SENDERS && !(state[s] == SENDING && !claimed[s] &&
				      !done[s]) -> s++
		:: else -> break
		od;
		if
		:: s < N_SENDERS ->
			copy(s, result);
			end_wait(s, result);
			release();
			if
			:: result -> break
			:: else			/* its memory was bad: again */
			fi
		:: else ->
			state[R] = RECEIVING;
			done[R] = 0;
			wait(R, result);
			if
			:: result -> break
			:: !result && late -> break
			:: else			/* somebody was missed */
			fi
		fi
	od
}

proctype receiver()
{
	byte n = 0, s;
	bit result, late;

	do
	:: n < N_RECEIVES ->
		n++;
		late = 0;
		receive(result);
		touch();
		if
		:: result -> received++
		:: else
		fi
	:: else -> break
	od;
	take();
	alive = 0;
#ifndef NO_FORGET
	s = 0;
	do
	:: s < N_SENDERS ->
		if
		:: state[s] == SENDING -> end_wait(s, 0)
		:: else
		fi;
		s++
	:: else -> break
	od;
#endif
	release()
}

init {
	byte i = 0;

	atomic {
		do
		:: i <= N_SENDERS -> state[i] = IDLE; i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < N_SENDERS -> run sender(i); i++
		:: else -> break
		od;
		run receiver()
	};
	_nr_pr == 1;
	assert(sent == received)
}
