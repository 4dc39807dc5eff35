/* SPDX-License-Identifier: MIT */
/*
 * The end of processes and waiting for it (kernel/linux/wait.c, exit.c) on wait
 * queues (kernel/core/wait.h), and the reuse of a task's block
 * (kernel/core/task.c).
 *
 * N_CHILDREN end; two threads of their parent wait for any child until there is
 * none. Checked: no wait sleeps for ever; each child is reaped once; a block is
 * not given to a new task before the ended one has left it.
 *
 * Bugs: LOOK_FIRST LOOK_AT_QUEUE_FIRST REUSE_EARLY
 *   LOOK_FIRST           the waiter looks for children before it enqueues
 *   LOOK_AT_QUEUE_FIRST  the one that ends looks whether somebody waits
 *                        before it has become a zombie
 *   REUSE_EARLY          a block is reused while its task still runs on it
 */
#define N_CHILDREN 2
#define N_WAITERS 2

mtype = { RUNNING, ZOMBIE, REAPED };
bit process_lock = 0;
mtype child_state[N_CHILDREN];
bit queued[N_WAITERS];
bit unparked[N_WAITERS];	/* the park word remembers */
byte reaped = 0;

/* block of child i: on the retired list; a thread still on it */
bit retired[N_CHILDREN], busy[N_CHILDREN];

inline take()
{
	atomic { process_lock == 0 -> process_lock = 1 }
}

inline release()
{
	process_lock = 0
}

inline wake_waiters()
{
	w = 0;
	do
	:: w < N_WAITERS ->
		atomic {
			if
			:: queued[w] -> unparked[w] = 1
			:: else
			fi
		};
		w++
	:: else -> break
	od
}

proctype child(byte me)
{
	byte w;
	bit anybody = 1;

#ifdef LOOK_AT_QUEUE_FIRST
	anybody = queued[0] || queued[1];
#endif
	take();
	child_state[me] = ZOMBIE;
	release();
	if
	:: anybody -> wake_waiters()
	:: else
	fi;
	/* plat_task_exit: on the list first, busy = 0 as the last act */
	atomic { retired[me] = 1 };
	assert(busy[me] == 1);	/* nobody else took the stack it stands on */
	busy[me] = 0
}

inline look()
{
	take();
	c = 0;
	found = 0;
	left = 0;
	do
	:: c < N_CHILDREN ->
		if
		:: child_state[c] == ZOMBIE && !found ->
			child_state[c] = REAPED;
			reaped++;
			found = 1
		:: child_state[c] == RUNNING -> left = 1
		:: else
		fi;
		c++
	:: else -> break
	od;
	release()
}

proctype waiter(byte me)
{
	byte c;
	bit found, left;

	do
	::
#ifdef LOOK_FIRST
		look();
		if
		:: !found && left ->
			queued[me] = 1;
			atomic { unparked[me] == 1; unparked[me] = 0 }
		:: else
		fi;
#else
		queued[me] = 1;
		do
		:: look();
			if
			:: found || !left -> break
			:: else ->
				atomic { unparked[me] == 1; unparked[me] = 0 }
			fi
		od;
#endif
		queued[me] = 0;
		if
		:: !found && !left -> break	/* -ECHILD */
		:: else
		fi
	od
}

#ifdef REUSE_EARLY
#define is_free(b) (retired[b])
#else
#define is_free(b) (retired[b] && !busy[b])
#endif

/* A new task that takes the first block that is free. */
proctype creator()
{
	byte b;

	atomic {
		if
		:: is_free(0) -> b = 0
		:: is_free(1) -> b = 1
		fi;
		retired[b] = 0;
		busy[b] = 0	/* cleared: memset of the block */
	}
}

init {
	byte i = 0;

	atomic {
		do
		:: i < N_CHILDREN ->
			child_state[i] = RUNNING;
			busy[i] = 1;
			run child(i);
			i++
		:: else -> break
		od;
		run waiter(0);
		run waiter(1);
		run creator()
	};
	_nr_pr == 1;
	assert(reaped == N_CHILDREN)
}
