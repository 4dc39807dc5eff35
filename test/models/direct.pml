/* SPDX-License-Identifier: MIT */
/*
 * The direct way of messages (kernel/platform/kvm/message.c) with its going to
 * sleep in one exchange (park.h), among all other ways to be woken.
 *
 * A client makes N_CALLS calls, a server replies and receives; both go the direct
 * way when they can. Somebody else posts work to the client and unparks either
 * for no reason. Each task has a processor when it is ready: there are enough.
 * Checked: nobody sleeps for ever (work included); no task runs on two
 * processors, or is switched to before it has left the one it was on; every
 * message is taken once, and every call gets its own reply.
 *
 * Bugs: NO_WAIT LATE_STATE FORGET EARLY
 *   NO_WAIT     a caught task is not waited for until it has left its processor
 *   LATE_STATE  the park word says asleep before the state does
 *   FORGET      an unpark that came before the exchange is not seen
 *   EARLY       the wait of the other is ended before it is known that it sleeps
 */
#ifndef N_CALLS
#define N_CALLS 2
#endif
#define C 0
#define S 1

mtype = { RUNNING, READY, SLEEPING };		/* plat.state */
mtype = { NONE, NOTIFIED, ASLEEP };		/* wake */
mtype = { IDLE, CALLING, RECEIVING };		/* port.state */
mtype state[2] = RUNNING, wake[2] = NONE, port[2] = IDLE;
bit on_cpu[2] = 1;
bit queued[2], handed[2];	/* how it comes back */
bit done[2], direct[2];		/* the wait is over; nothing delivered yet */
bit here[2];			/* is_direct */
bit lock;
bit work, got_work;		/* the client's */
byte inbox[2];			/* number of the call */
bit over;			/* the client has ended, the server is to */

#define HAS_WORK(me) ((me == C && work) || (me == S && over))

inline take() { atomic { !lock -> lock = 1 } }

/* sched_catch */
inline catch(t, ok)
{
	atomic {
		ok = (state[t] == SLEEPING);
		if
		:: ok -> state[t] = READY
		:: else
		fi
	}
#ifndef NO_WAIT
	if
	:: ok -> !on_cpu[t]
	:: else
	fi
#endif
}

inline unpark(t, ok)
{
	atomic { ok = (wake[t] == ASLEEP); wake[t] = NOTIFIED }
	if
	:: ok ->
		catch(t, ok);
		if
		:: ok -> queued[t] = 1
		:: else
		fi
	:: else
	fi
}

/* Off the processor, until somebody brings it back. */
inline away(me)
{
	on_cpu[me] = 0;
	back(me)
}

inline back(me)
{
	if
	:: atomic { queued[me] -> queued[me] = 0; assert(!on_cpu[me]);
		    state[me] = RUNNING; on_cpu[me] = 1 }
	:: atomic { handed[me] -> handed[me] = 0; on_cpu[1 - me] = 0 }
	fi
}

/* task_park */
inline park(me)
{
	if
	:: atomic { wake[me] == NONE -> wake[me] = ASLEEP };
		state[me] = SLEEPING;
		if
		:: wake[me] == ASLEEP -> away(me)
		:: atomic { wake[me] != ASLEEP && state[me] == SLEEPING ->
			    state[me] = RUNNING }
		:: wake[me] != ASLEEP && state[me] == READY -> away(me)
		fi
	:: wake[me] != NONE
	fi;
	wake[me] = NONE
}

/* park_begin. go: it sleeps. */
inline begin(me, go)
{
#ifdef LATE_STATE
	atomic { go = (wake[me] == NONE); wake[me] = ASLEEP };
	state[me] = SLEEPING;
#else
	state[me] = SLEEPING;
	atomic { go = (wake[me] == NONE); wake[me] = ASLEEP };
#endif
#ifdef FORGET
	go = 1;
#endif
	if
	:: !go ->
		wake[me] = NOTIFIED;
		atomic {
			if
			:: state[me] == SLEEPING -> state[me] = RUNNING
			:: else -> go = 1
			fi
		}
	:: else
	fi
}

/* The lock is held: p waits for us, we will wait as `how`. went: we did. */
inline try_direct(me, p, how, nr, went)
{
	went = 0;
#ifdef EARLY
	port[p] = IDLE;
#endif
	catch(p, ok);
	if
	:: ok ->
		begin(me, went);
		if
		:: !went -> queued[p] = 1
		:: went ->
			port[p] = IDLE;
			port[me] = how;
			direct[me] = 1;
			here[me] = 1;
			done[me] = 0;
			if
			:: !here[p] -> inbox[p] = nr; done[p] = 1
			:: else
			fi;
			lock = 0;
			/* switch_begin, deliver; p says that we have left */
			assert(!on_cpu[p] && !queued[p] && direct[p]);
			if
			:: here[p] -> inbox[p] = nr; direct[p] = 0
			:: else
			fi;
			atomic { state[p] = RUNNING; on_cpu[p] = 1;
				 handed[p] = 1 };
			back(me);
			wake[me] = NONE
		fi
	:: else
	fi
}

/* msg_end_direct, and port_wait; interrupted: there is work */
inline wait_on(me, interrupted)
{
	interrupted = 0;
	do
	:: done[me] || !direct[me] -> break
	:: else ->
		take();
		here[me] = 0;
		if
		:: !done[me] && HAS_WORK(me) ->
			port[me] = IDLE;
			lock = 0;
			interrupted = 1;
			break
		:: else -> lock = 0
		fi;
		if
		:: HAS_WORK(me)
		:: else -> park(me)
		fi
	od;
	direct[me] = 0;
	done[me] = 0
}

/* The other ways: p's wait is over, and we wait. */
inline slowly(me, p, how, nr)
{
	if
	:: p >= 0 -> inbox[p] = nr; port[p] = IDLE; done[p] = 1
	:: else
	fi;
	port[me] = how;
	direct[me] = 1;		/* as "nothing has come" */
	here[me] = 0;
	done[me] = 0;
	lock = 0
}

active proctype client()
{
	byte n = 0;
	bit ok, went, interrupted;

	do
	:: n == N_CALLS && got_work -> break
	:: else ->
		if
		:: work -> work = 0; got_work = 1	/* way out */
		:: else
		fi;
		if
		:: n == N_CALLS && got_work
		:: n == N_CALLS && !got_work -> park(C)	/* until it comes */
		:: n < N_CALLS ->
			take();
			went = 0;
			if
			:: port[S] == RECEIVING && !work ->
				try_direct(C, S, CALLING, n + 1, went)
			:: else
			fi;
			if
			:: !went && port[S] == RECEIVING ->
				slowly(C, S, CALLING, n + 1);
				unpark(S, ok)
			:: !went && port[S] != RECEIVING -> lock = 0
			:: else
			fi;
			if
			:: went || port[C] == CALLING || done[C] ->
				wait_on(C, interrupted);
				if
				:: !interrupted ->
					assert(inbox[C] == n + 1);
					n++
				:: else
				fi
			:: else			/* the server is not there yet */
			fi
		fi
	od;
	over = 1;
	unpark(S, ok)
}

active proctype server()
{
	bit ok, went, interrupted;

	/* the first receive */
	take();
	slowly(S, -1, RECEIVING, 0);
	wait_on(S, interrupted);
	do
	:: interrupted && over -> break
	:: else ->
		/* the last call is not answered before the client has seen its
		 * work, which has to end the call then */
		if
		:: inbox[S] < N_CALLS
		:: inbox[S] == N_CALLS -> got_work
		fi;
		take();
		went = 0;
		if
		:: port[C] == CALLING && !over ->
			try_direct(S, C, RECEIVING, inbox[S], went)
		:: else
		fi;
		if
		:: !went && port[C] == CALLING ->
			slowly(S, C, RECEIVING, inbox[S]);
			unpark(C, ok)
		:: !went && port[C] != CALLING ->
			slowly(S, -1, RECEIVING, 0)
		:: else
		fi;
		wait_on(S, interrupted)
	od
}

/* Work for the client, and an unpark of the server for no reason. */
active proctype other()
{
	bit ok;

	unpark(S, ok);
	work = 1;
	unpark(C, ok)
}
