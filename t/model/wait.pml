/*
 * A wait with a time: wake-up, timer and cancellation, and what each may still touch of the waiter's frame.
 *
 * lib/sched/timer.c: wf_parkedtimed, fire_first, fire_due, wf_timer_stop; lib/sched/waitq.c: wf_wait, wf_waitq_park,
 * wf_waitq_claim, wf_waitq_withdraw, wf_waitended; lib/sched/park.c: wf_cancelledwhileparking; lib/sched/cancel.c: request;
 * lib/time/sleep.c: sleeps.
 *
 * A waiter's record and timer lie in its frame. It queues itself under the object's lock, or waits for the time alone, in no
 * queue. Once it is off its stack the commit locks the heap of its P, arms the timer, sets the status, looks at the cancel
 * word, unlocks the heap, and then the object. Three may claim it, by CAS of the status: a waker under the object's lock, who
 * takes it off the queue; its timer under the heap's lock, which takes itself off the heap; a canceller, who has no lock, and
 * only while the status says that the wait may be cancelled. Whoever claimed it readies it. Then the waiter stops its timer
 * (found armed without the lock, looked at again under it), and takes itself off the queue unless a waker did; then its frame
 * is gone.
 *
 * The story: a task waits twice, each time in a new frame. Once a cancellation was told to it, it can't be cancelled any
 * more. A post may come, and a cancellation; either the timers fire, or both of these come and have to do. What the weaker
 * barriers of the status and the cancel word do is park.pml's business: steps are atomic here.
 * Promises: every wait ends, by exactly one; nobody touches a frame that is gone; nothing that is gone is left armed or
 * queued; no post is lost.
 *
 * mutant 1: the commit arms the timer once the status is set, and not in one piece with it
 * mutant 2: the timer takes the task without CAS
 * mutant 3: the waiter stops its timer without the heap's lock
 * mutant 4: the timer claims the task once it has unlocked the heap
 * mutant 5: the waker claims the task once it has unlocked the object
 * mutant 6: the commit does not look at the cancel word
 * mutant 7: a waiter that was woken does not stop its timer
 * mutant 8: the canceller claims any wait
 * mutant 9: a waiter that was cancelled does not stop its timer
 * mutant 10: the waiter whose time has come stays in the queue
 */
#ifndef MUTANT
#define MUTANT	0
#endif
#define is_mutant(n)	(MUTANT == n)

#define RUNNING	0
#define RUNNABLE 1
#define WAITINGC 2	/* may be cancelled */
#define WAITINGT 3

#define NONE	0
#define WOKEN	1
#define TIMEDOUT 2
#define CANCELED 3

bit object, heap;	/* locks */
byte status;
byte queued;		/* the frame whose record is in the object's queue; frames are 1 and 2 */
byte waits;		/* the frame that the status is of */
byte armed;		/* the frame whose timer is in the heap */
bit alive[3];		/* the frame is there */
byte why[3];		/* who ended its wait */
byte tokens;		/* posts that nobody took yet */
byte taken, posted;
bit cancel;		/* was asked for */
bit cancellable = 1;	/* the task may be cancelled */
bit readied, over;
bit fires, posts, cancels, waits_for_object;
byte nwaits;
chan park = [1] of { byte };	/* to the commit: the frame that it is of */

inline lock(l)
{
	d_step { !l; l = 1 }
}

inline claim(frame, reason)
{
	d_step {
		ok = (status == WAITINGC || status == WAITINGT);
		if
		:: ok -> status = RUNNABLE; assert(why[frame] == NONE); why[frame] = reason
		:: else
		fi
	}
}

inline goready()
{
	d_step { assert(!readied && status == RUNNABLE); readied = 1 }
}

inline touch(frame)
{
	assert(alive[frame])
}

inline stop_timer()
{
	if
	:: is_mutant(3) && armed == frame -> armed = 0
	:: !is_mutant(3) && armed == frame ->
		lock(heap);
		if :: armed == frame -> armed = 0 :: else fi;
		heap = 0
	:: armed != frame
	fi
}

inline withdraw()
{
	if
	:: why[frame] == WOKEN || !waits_for_object
	:: why[frame] == TIMEDOUT && is_mutant(10)
	:: else ->
		lock(object);
		if :: queued == frame -> queued = 0 :: else fi;
		object = 0
	fi
}

proctype task()
{
	byte frame = 1;

	do
	:: frame > nwaits -> break
	:: frame <= nwaits && cancel && cancellable -> cancellable = 0; why[frame] = CANCELED; frame++
	:: frame <= nwaits && !(cancel && cancellable) ->
		if
		:: waits_for_object -> lock(object)
		:: else
		fi;
		if
		:: waits_for_object && tokens -> atomic { tokens--; taken++; object = 0; why[frame] = WOKEN }
		:: else ->
			alive[frame] = 1;
			if :: waits_for_object -> queued = frame :: else fi;
			park!frame;
			/* somewhere else */
			atomic { readied -> readied = 0; assert(status == RUNNABLE); status = RUNNING };
			if
			:: is_mutant(7) && why[frame] == WOKEN
			:: is_mutant(9) && why[frame] == CANCELED
			:: else -> stop_timer()
			fi;
			withdraw();
			if :: why[frame] == WOKEN -> taken++ :: why[frame] == CANCELED -> cancellable = 0 :: else fi;
			alive[frame] = 0
		fi;
		frame++
	od;
	over = 1
}

inline look_at_cancel()
{
	if
	:: !is_mutant(6) && cancel && mine == WAITINGC ->
		d_step {
			ok = (status == WAITINGC);
			if :: ok -> status = RUNNABLE; why[frame] = CANCELED :: else fi
		}
	:: else
	fi
}

/* on the M that the task left */
proctype commit()
{
	byte frame, mine;
	bit ok;

end:	do
	:: park?frame ->
		ok = 0;
		mine = (cancellable -> WAITINGC : WAITINGT);
		if
		:: !is_mutant(1) ->
			lock(heap);
			touch(frame);
			armed = frame;
			d_step { status = mine; waits = frame };
			look_at_cancel();
			heap = 0
		:: is_mutant(1) ->
			d_step { status = mine; waits = frame };
			look_at_cancel();
			lock(heap);
			armed = frame;
			heap = 0
		fi;
		if :: ok -> goready() :: else fi;
		if :: waits_for_object -> object = 0 :: else fi
	od
}

proctype poster()
{
	bit ok;
	byte w;

	lock(object);
	w = queued;
	if
	:: w && !is_mutant(5) -> touch(w); claim(w, WOKEN); queued = 0
	:: else
	fi;
	if :: !ok && !(w && is_mutant(5)) -> tokens++ :: else fi;
	if
	:: w && is_mutant(5) -> queued = 0; object = 0; touch(w); claim(w, WOKEN);
		if :: !ok -> tokens++ :: else fi
	:: else -> object = 0
	fi;
	if :: ok -> goready() :: else fi;
	posted = 1
}

/* who looks at the heap, all of the time */
proctype clock()
{
	bit ok;
	byte t;

end:	do
	:: armed && !heap ->
		lock(heap);
		t = armed;
		ok = 0;
		if
		:: t && is_mutant(4) -> armed = 0; heap = 0; touch(t); claim(t, TIMEDOUT)
		:: t && is_mutant(2) -> touch(t); d_step { status = RUNNABLE; why[t] = TIMEDOUT; ok = 1 }; armed = 0; heap = 0
		:: t && !is_mutant(2) && !is_mutant(4) -> touch(t); claim(t, TIMEDOUT); touch(t); armed = 0; heap = 0
		:: !t -> heap = 0
		fi;
		if :: ok -> goready() :: else fi
	od
}

/* with the task's life locked */
proctype canceller()
{
	bit ok;

	cancel = 1;
	d_step {
		ok = (status == WAITINGC || (is_mutant(8) && status == WAITINGT));
		if
		:: ok -> status = RUNNABLE;
			why[waits] = CANCELED;
			assert(cancellable)
		:: else
		fi
	};
	if :: ok -> goready() :: else fi
}

init
{
	atomic {
		nwaits = 2;
		if
		:: fires = 1; waits_for_object = 1; posts = 1
		:: fires = 1; waits_for_object = 1; posts = 1; cancels = 1
		:: fires = 1; cancels = 1
		:: fires = 1; cancels = 1; cancellable = 0
		:: waits_for_object = 1; posts = 1; cancels = 1
		:: cancels = 1; nwaits = 1
		fi;
		run task();
		run commit();
		if :: fires -> run clock() :: else fi;
		if :: posts -> run poster() :: else fi;
		if :: cancels -> run canceller() :: else fi
	};
	over && (!posts || posted) && !object && !heap;
	/* nothing is left of it, and no post is lost */
	assert(why[1] != NONE && (nwaits == 1 || why[2] != NONE));
	assert(queued == 0 && armed == 0);
	assert(!posts || taken + tokens == 1)
}
