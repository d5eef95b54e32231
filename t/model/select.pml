/*
 * Select: waiting on several channels at once.
 *
 * lib/chan/select.c: choose, try_arms, queue_arms, release, withdraw_arms; lib/chan/chan.h: wf_chan_pop,
 * wf_chan_give, wf_chan_take.
 *
 * Who selects locks all its channels in one order and looks whether somebody waits on the other side of one:
 * then it hands over, unlocks and readies that one. Else it queues a waiter in each channel and leaves its
 * stack; the commit, run by somebody else, says that it waits and then unlocks, backwards. Whoever finds a
 * waiter under a channel's lock claims its task by CAS, and passes over it when that fails. A canceller claims
 * the same way. Once it is readied, the task takes its other waiters off, each under its channel's lock,
 * before its frame, in which they lie, is gone. A plain send or receive is a select of one case.
 *
 * The story: on two channels without a buffer, task 0 selects among two receives, task 1 among two sends, the
 * channels the other way round; task 2 sends on channel 0, task 3 receives there. Task 0 may be cancelled.
 * Promises: no element is lost, or received or sent twice; all tasks end (but for one sender when a receiver
 * was cancelled); nobody looks at a frame that is gone.
 *
 * mutant 1: locks are taken in the order of the cases
 * mutant 2: the waker looks at the status and sets it, without CAS
 * mutant 3: the other waiters are left in their queues
 * mutant 4: the waiters are queued after the locks were released and taken again
 * mutant 5: the commit looks at the frame after the last lock is released
 * mutant 6: the commit says that the task waits after the locks are released
 * mutant 7: the waiters are taken off without the locks
 */
#ifndef MUTANT
#define MUTANT	0
#endif
#define is_mutant(n)	(MUTANT == n)

#define NT	4
#define NONE	NT

#define RUNNING	0
#define WAITING	1
#define RUNNABLE 2

#define SENDS(t)	((t) == 1 || (t) == 2)
#define ARM(t, c)	((t) * 2 + (c))

byte status[NT];
bit held[2];		/* the channels' locks */
bit queued[2 * NT];	/* this task's waiter is in that channel's queue */
bit woken[2 * NT];
bit frame[NT];		/* the task's waiters are there */
bit readied[NT], committing[NT];
byte moved[NT];		/* elements that it sent or received */
byte ended;
bit want_cancel, cancelled;

inline lock(c)
{
	atomic { !held[c]; held[c] = 1 }
}

inline unlock(c)
{
	held[c] = 0
}

/* n cases, that of channel first before the other */
inline lock_all()
{
	if
	:: n == 1 -> lock(first)
	:: n == 2 && is_mutant(1) -> lock(first); lock(1 - first)
	:: n == 2 && !is_mutant(1) -> lock(0); lock(1)
	fi
}

inline unlock_all()
{
	if
	:: n == 1 -> unlock(first)
	:: n == 2 -> unlock(1); unlock(0)
	fi
}

inline claim(t)
{
	won = 0;
	if
	:: !is_mutant(2) ->
		atomic { if :: status[t] == WAITING -> status[t] = RUNNABLE; won = 1 :: else fi }
	:: is_mutant(2) ->
		if :: status[t] == WAITING -> won = 1; status[t] = RUNNABLE :: else fi
	fi
}

/* wf_chan_give and wf_chan_take; the channel is locked */
inline try(c)
{
	t = 0;
	do
	:: t == NT || mate != NONE -> break
	:: t < NT && mate == NONE && queued[ARM(t, c)] && SENDS(t) != SENDS(me) ->
		assert(frame[t]);
		claim(t);
		if
		:: won ->
			assert(queued[ARM(t, c)]);
			queued[ARM(t, c)] = 0;
			woken[ARM(t, c)] = 1;
			moved[t]++;
			moved[me]++;
			mate = t
		:: else -> t++
		fi
	:: t < NT && mate == NONE && !(queued[ARM(t, c)] && SENDS(t) != SENDS(me)) -> t++
	od
}

inline try_all()
{
	if
	:: try(first); if :: n == 2 -> try(1 - first) :: else fi
	:: n == 2 -> try(1 - first); try(first)
	fi
}

inline queue_all()
{
	queued[ARM(me, first)] = 1;
	if :: n == 2 -> queued[ARM(me, 1 - first)] = 1 :: else fi
}

inline withdraw(c)
{
	if
	:: woken[ARM(me, c)] || is_mutant(3)
	:: !woken[ARM(me, c)] && is_mutant(7) -> queued[ARM(me, c)] = 0
	:: !woken[ARM(me, c)] && !is_mutant(3) && !is_mutant(7) -> lock(c); queued[ARM(me, c)] = 0; unlock(c)
	fi
}

proctype task(byte me; byte first; byte n)
{
	byte t, mate = NONE;
	bit won;

	frame[me] = 1;
	lock_all();
	try_all();
	if
	:: mate != NONE -> unlock_all(); readied[mate] = 1
	:: else ->
		if :: is_mutant(4) -> unlock_all(); lock_all() :: else fi;
		queue_all();
		committing[me] = 1;
end:		readied[me];
		status[me] = RUNNING;
		withdraw(first);
		if :: n == 2 -> withdraw(1 - first) :: else fi;
		assert(moved[me] == 1 || (me == 0 && cancelled))
	fi;
	assert(moved[me] <= 1);
	frame[me] = 0;
	ended++
}

/* release, by whoever is on the M next */
proctype commit(byte me; byte first; byte n)
{
end:	committing[me];
	if :: !is_mutant(6) -> status[me] = WAITING :: else fi;
	assert(frame[me]);
	if
	:: n == 1 -> unlock(first)
	:: n == 2 -> unlock(1); assert(frame[me]); unlock(0)
	fi;
	if :: is_mutant(5) -> assert(frame[me]) :: else fi;
	if :: is_mutant(6) -> status[me] = WAITING :: else fi
}

proctype canceller()
{
end:	atomic { status[0] == WAITING -> status[0] = RUNNABLE; cancelled = 1 };
	readied[0] = 1
}

/* nothing moves any more */
proctype monitor()
{
end:	timeout;
	assert(!held[0] && !held[1]);
	assert(moved[0] + moved[3] == moved[1] + moved[2]);
	if
	:: cancelled -> assert(ended == NT - 1 && moved[3] == 1)
	:: else -> assert(ended == NT)
	fi
}

init
{
	atomic {
		if :: want_cancel = 1 :: skip fi;
		run task(0, 0, 2);
		run commit(0, 0, 2);
		run task(1, 1, 2);
		run commit(1, 1, 2);
		run task(2, 0, 1);
		run commit(2, 0, 1);
		run task(3, 0, 1);
		run commit(3, 0, 1);
		if :: want_cancel -> run canceller() :: else fi;
		run monitor()
	}
}
