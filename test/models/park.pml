/* SPDX-License-Identifier: MIT */
/*
 * Parking and unparking (kernel/core/park.c: task_park, task_unpark,
 * task_post_work) on a host's futex.
 *
 * One task waits, interruptibly and with a deadline that may pass, until it has
 * got N_EVENTS events from as many wakers; another task posts work at it once.
 * Checked: it never sleeps when it should not (an invalid end state otherwise).
 *
 * Bugs: FORGET ONLY_KICK
 *   FORGET     an unpark that comes before the park is not remembered
 *   ONLY_KICK  work that is posted to a task that does not sleep yet is not
 *              remembered in the park word; the host's signal comes too early
 */
#ifndef N_EVENTS
#define N_EVENTS 3
#endif

mtype = { NONE, NOTIFIED, ASLEEP };
mtype wake = NONE;	/* struct task.wake */
bool sleeping = false;	/* in the host's futex */
bool work = false;	/* arch.work */
byte events = 0;
bool got_work = false;

/* The host compares and enqueues in one step. */
inline host_wait()
{
	atomic {
		if
		:: wake == ASLEEP -> sleeping = true
		:: else
		fi
	}
	if
	:: !sleeping
	:: sleeping -> !sleeping
	:: sleeping -> sleeping = false		/* deadline */
	fi
}

inline unpark()
{
	mtype old;

#ifdef FORGET
	atomic {
		old = wake;
		if
		:: wake == ASLEEP -> wake = NOTIFIED
		:: else
		fi
	}
#else
	atomic { old = wake; wake = NOTIFIED }
#endif
	if
	:: old == ASLEEP -> sleeping = false
	:: else
	fi
}

active proctype task()
{
	do
	:: events == N_EVENTS && got_work -> break
	:: else ->
		/* task_park(deadline, true) */
		if
		:: work -> work = false; got_work = true; wake = NONE
		:: else ->
			bool announced = false;

			atomic {
				if
				:: wake == NONE -> wake = ASLEEP;
					announced = true
				:: else
				fi
			}
			if
			:: announced -> host_wait()
			:: else
			fi;
			wake = NONE
		fi
	od
}

active [N_EVENTS] proctype waker()
{
	atomic { events++ }
	unpark()
}

/* Its kick, a signal of the host, ends a wait that has begun and makes a running
 * program look; it does nothing to a task that is just about to sleep. */
active proctype poster()
{
	mtype before;

	work = true;
#ifdef ONLY_KICK
	before = wake;
#else
	atomic { before = wake; wake = NOTIFIED }
#endif
	if
	:: before == ASLEEP -> sleeping = false
	:: else
	fi
}
