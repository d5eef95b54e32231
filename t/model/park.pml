/*
 * Parking and readying, cancellation included.
 *
 * lib/sched/fast.h: wf_runcommit, wf_parked, wf_claim_waiter; lib/sched/park.c: wf_gopark, wf_parkedslow,
 * wf_goready; lib/sched/join.c: join_locked, wait_for_child, withdraw; lib/sched/gstart.c: end_exposed;
 * lib/sched/cancel.c: request.
 *
 * A task that waits enters itself where its waker will look, under the lock of that, and switches away.
 * Who is on the M next runs the commit: with that lock held (a semaphore's since before the switch, the
 * joined task's taken by the commit, which calls the wait off when that has ended) it calls wf_parked:
 * status WAITINGC, light barrier, a look at the cancel word. Only then it unlocks. (A child that
 * runs in its joiner's place is join.pml's.)
 *
 * Whoever ends the wait claims the task by CAS from WAITINGC to RUNNABLE and then queues it: the waker,
 * under that lock (when the claim fails the waiter is gone, and the waker goes on as if there was none); the
 * canceller, which sets the cancel word, passes a heavy barrier, and looks at the status; or wf_parked, when
 * it sees the cancel word. A task whose wait was cancelled takes itself out of where it was entered. The
 * canceller holds the lock of the task's life, so that the G does not become another task meanwhile.
 *
 * The story: G0 waits twice, for a post and to join G1, in either order. The second wait is that of a new
 * task in the same G, which nobody cancels. G1 posts and ends. Two Ms run them. Without a post, which some
 * runs leave out, a cancellation ends the wait.
 * Promises: both tasks end whatever happens (a lost wake-up leaves the Ms waiting: an invalid end state); a
 * G is on one M at a time, its old stack included; no post is lost; nothing holds a task that ended; a
 * cancellation ends no wait but that of the task it was meant for.
 *
 * mutant 1: the commit runs before the task is off its stack
 * mutant 2: the canceller has no heavy barrier
 * mutant 3: the waker takes the task without CAS
 * mutant 4: the join's commit does not look again whether the child has ended
 * mutant 5: wf_parked does not look at the cancel word
 * mutant 6: wf_parked looks at the cancel word after the lock is released
 * mutant 7: wf_parked comes before the join's commit has the lock
 */
#ifndef MUTANT
#define MUTANT	0
#endif

#define STATUS	0	/* G0's */
#define CANCEL	1	/* G0's cancel word */
#define LIFE	2	/* the lock in G0's life word */
#define LOCK	3	/* the semaphore's */
#define WAITER	4	/* in its queue */
#define GRANTED	5	/* the post went to this waiter */
#define COUNT	6
#define LIFE1	7	/* the lock in G1's life word; the next two are under it */
#define JOINER	8
#define DONE	9
#define NWORD	10

#define CANCELLER 2
#define NTHR	3	/* two Ms, and the canceller */
#include "tso.h"

#define RUNNABLE 0
#define RUNNING	1
#define WAITINGC 2

#define G0	1	/* 0 is none, or the M's own g0 */
#define G1	2

mtype = { SEM, JOIN };

chan runq = [2] of { byte };
bit onstack[3];		/* an M is on this G's stack */
bit ended[3];
mtype wait;		/* what G0 waits for, or is about to */
bit parked;		/* it has been in that wait */
byte generation;	/* G0's */
bit want_post, want_cancel, acquired;

#define is_mutant(n)	(MUTANT == n)

inline goready(thread)
{
	atomic { drained(thread); runq!G0 }
}

inline board(task)
{
	assert(!onstack[task] && !ended[task]);
	onstack[task] = 1
}

/* by a waker: then G0 is the caller's */
inline claim_waiter()
{
	if
	:: !is_mutant(3) -> cas(me, STATUS, WAITINGC, RUNNABLE, ok)
	:: is_mutant(3) -> st(me, STATUS, RUNNABLE); ok = 1
	fi
}

inline look_at_cancel()
{
	light_barrier(me);
	if
	:: !is_mutant(5) && ld(me, CANCEL) ->
		cas(me, STATUS, WAITINGC, RUNNABLE, ok);
		if :: ok -> goready(me) :: else fi
	:: else
	fi;
	ok = 0
}

/* wf_parked, and the end of the commit */
inline wf_parked(guard)
{
	st(me, STATUS, WAITINGC);
	if
	:: !is_mutant(6) -> look_at_cancel(); lifeunlock(me, guard)
	:: is_mutant(6) -> lifeunlock(me, guard); look_at_cancel()
	fi
}

inline commit()
{
	if
	:: kind == SEM -> wf_parked(LOCK)
	:: kind == JOIN && is_mutant(7) ->
		st(me, STATUS, WAITINGC);
		look_at_cancel();
		lock(me, LIFE1);
		if :: ld(me, DONE) -> goready(me) :: else fi;
		lifeunlock(me, LIFE1)
	:: kind == JOIN && !is_mutant(7) ->
		lock(me, LIFE1);
		if
		:: !is_mutant(4) && ld(me, DONE) -> st(me, STATUS, RUNNABLE); lifeunlock(me, LIFE1); goready(me)
		:: else -> wf_parked(LIFE1)
		fi
	fi
}

/* G0 leaves for next, or for whatever is at hand, or for g0 */
inline gopark(why)
{
	kind = why;
	atomic {
		if
		:: next == 0 && drained(me) && nempty(runq) -> runq?next
		:: next == 0 && empty(runq)
		:: next != 0
		fi
	};
	if :: is_mutant(1) -> commit() :: else fi;
	atomic {
		onstack[G0] = 0;
		if :: next != 0 -> board(next) :: else fi
	};
	if :: !is_mutant(1) -> commit() :: else fi;
	atomic { g = next; next = 0; kind = 0 }
}

inline begin_wait()
{
	st(me, STATUS, RUNNING);
	parked = 1;
	if
	:: wait == SEM ->
		lock(me, LOCK);
		if
		:: ld(me, COUNT) -> st(me, COUNT, 0); st(me, GRANTED, 1); unlock(me, LOCK)
		:: else -> st(me, WAITER, G0); gopark(SEM)
		fi
	:: wait == JOIN ->
		lock(me, LIFE1);
		if
		:: ld(me, DONE) -> lifeunlock(me, LIFE1)
		:: else ->
			st(me, JOINER, G0);
			lifeunlock(me, LIFE1);
			gopark(JOIN)
		fi
	fi
}

/* No wait ends for another reason. */
inline canceled()
{
	assert(want_cancel && generation == 0)
}

inline end_wait()
{
	st(me, STATUS, RUNNING);
	if
	:: wait == SEM ->
		lock(me, LOCK);
		if :: ld(me, GRANTED) -> acquired = 1 :: else -> canceled() fi;
		st(me, WAITER, 0);
		unlock(me, LOCK)
	:: wait == JOIN ->
		lock(me, LIFE1);
		if :: ld(me, DONE) :: else -> canceled(); st(me, JOINER, 0) fi;
		lifeunlock(me, LIFE1)
	fi;
	/* this task is over; its G goes to the next one, or has served */
	lock(me, LIFE);
	st(me, CANCEL, 0);
	atomic { generation++; wait = (wait == SEM -> JOIN : SEM); parked = 0 };
	lifeunlock(me, LIFE);
	if
	:: generation == 2 -> atomic { onstack[G0] = 0; ended[G0] = 1; g = 0 }
	:: else
	fi
}

inline post()
{
	lock(me, LOCK);
	if
	:: ld(me, WAITER) -> assert(!ended[G0] && wait == SEM); st(me, WAITER, 0); claim_waiter()
	:: else
	fi;
	if :: ok -> st(me, GRANTED, 1) :: else -> st(me, COUNT, 1) fi;
	unlock(me, LOCK);
	if :: ok -> goready(me) :: else fi;
	ok = 0
}

inline end_of_g1()
{
	lock(me, LIFE1);
	if
	:: ld(me, JOINER) -> assert(!ended[G0] && wait == JOIN); claim_waiter()
	:: else
	fi;
	st(me, DONE, 1);
	lifeunlock(me, LIFE1);
	if :: ok -> goready(me) :: else fi;
	atomic {
		onstack[G1] = 0;
		ended[G1] = 1;
		g = 0;
		ok = 0
	}
}

proctype M(byte me)
{
	byte g, next;
	mtype kind;
	bit ok;

	do
	:: atomic { g == 0 && drained(me) && nempty(runq) -> runq?g; board(g) }
	:: g == 0 && ended[G0] && ended[G1] -> break
	:: g == G1 -> if :: want_post -> post() :: else fi; end_of_g1()
	:: g == G0 && !parked -> begin_wait()
	:: g == G0 && parked -> end_wait()
	od;
	drained(0) && drained(1);
	assert(want_post == acquired + mem[COUNT])
}

/* weft_cancel, with the handle of G0's first task */
proctype canceller()
{
	bit ok;

	lock(CANCELLER, LIFE);
	if
	:: generation == 0 ->
		xchg(CANCELLER, CANCEL, 1);
		if :: !is_mutant(2) -> heavy_barrier(CANCELLER) :: else fi;
		if
		:: ld(CANCELLER, STATUS) == WAITINGC -> cas(CANCELLER, STATUS, WAITINGC, RUNNABLE, ok)
		:: else
		fi;
		if :: ok -> goready(CANCELLER) :: else fi
	:: else
	fi;
	lifeunlock(CANCELLER, LIFE)
}

init
{
	atomic {
		if
		:: want_post = 1
		:: want_post = 1; want_cancel = 1; run canceller()
		:: want_cancel = 1; run canceller()
		fi;
		if :: wait = SEM :: want_post -> wait = JOIN fi;
		if :: runq!G0; runq!G1 :: runq!G1; runq!G0 fi;
		if :: fullfence = 1 :: skip fi;
		run M(0);
		run M(1)
	}
}
