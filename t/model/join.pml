/*
 * Joining a child that nobody has started: it runs in its joiner's place.
 *
 * lib/sched/join.c: weft_join, lock_fresh, leave_it, called_off; lib/sched/fast.h: wf_joined_directly;
 * lib/sched/gstart.c: end_directly, end_exposed; lib/sched/cancel.c: request, call_off.
 *
 * The joiner takes the child back from its queue and locks its life by CAS, from the word that the handle is. It
 * enters itself, says so (top->joins, status WAITINGJ), passes a light barrier, looks at its cancel word, and
 * switches. The child, on its own stack, unlocks its life and marks it: JOINING and DIRECT. At its end one CAS from
 * that word to the next generation makes the joiner its own, and it switches back; if that fails it takes the lock
 * and looks what there is. The canceller sets the cancel word under the lock of the joiner's life, passes a heavy
 * barrier and looks at the status; if that is WAITINGJ it locks the child's life instead, and ends the wait if the
 * life is marked, its joiner is the G, and the G's life is still the one that was to be cancelled.
 *
 * The story: the tasks of one G, two of them, one after the other, join the lives of another G; the first joins twice,
 * unless it is cancelled. A child may go on until its joiner was cancelled. Two Ms run them.
 * Promises: all end (a lost cancellation or wake-up is an invalid end state); a G is on one M at a time, its old stack
 * included; a child's result reaches its joiner; a cancellation ends no wait but that of the task it was meant for.
 *
 * mutant 1: the life is unlocked and marked before the joiner is off its stack
 * mutant 2: the canceller has no heavy barrier
 * mutant 3: the child's end takes the joiner without CAS
 * mutant 4: the canceller does not look whether the G is another task by now
 * mutant 5: the joiner does not look at its cancel word
 * mutant 6: the canceller does not look whether the child's life is marked
 */
#ifndef MUTANT
#define MUTANT	0
#endif

#define STATUS	0	/* the joiner's */
#define CANCEL	1	/* its cancel word */
#define JLIFE	2	/* the lock in its life word */
#define CLIFE	3	/* the child's life word: 4 times the generation, and flags */
#define JOINER	4	/* under that lock, as are the next two */
#define JOINS	5	/* the joiner's top->joins */
#define CALLED	6	/* GF_CALLEDOFF */
#define NWORD	7

#define CANCELLER 2
#define NTHR	3	/* two Ms, and the canceller */
#include "tso.h"

#define RUNNING	0
#define WAITINGJ 1

#define LOCKED	1
#define MARKED	2	/* JOINING and DIRECT */
#define DONE	3	/* ended, and not joined: nobody has the lock or wants it */

#define J	1	/* 0 is none */
#define C	2

chan runq = [2] of { byte };
bit onstack[3];		/* an M is on this G's stack */
byte task;		/* the generation of the joiner's G */
byte joined;		/* children whose end reached their joiner */
byte joins;		/* that the first task is to make still */
bit over;		/* both tasks have ended */
bit want_cancel;
bit stubborn;		/* the child ends once its joiner was cancelled */

#define is_mutant(n)	(MUTANT == n)
#define generation	(mem[CLIFE] / 4)

inline board(g)
{
	assert(!onstack[g]);
	onstack[g] = 1
}

/* the lock in the child's life word; life is what it was */
inline lock_child(thread)
{
	atomic {
		drained(thread) && mem[CLIFE] % 4 != LOCKED;
		life = mem[CLIFE];
		mem[CLIFE] = life - life % 4 + LOCKED
	}
}

/* this task is over: the G goes to the next one, or has served */
inline end_task()
{
	lock(me, JLIFE);
	st(me, CANCEL, 0);
	atomic { task++; joins = 1 };
	lifeunlock(me, JLIFE);
	if
	:: task == 2 -> atomic { onstack[J] = 0; over = 1; g = 0 }
	:: else
	fi
}

/* what a joiner left behind that was cancelled is joined by the next */
inline reap()
{
	atomic { mem[CLIFE] % 4 == DONE && drained(me) -> mem[CLIFE] = mem[CLIFE] - DONE + 4 }
}

inline join()
{
	st(me, STATUS, RUNNING);
	life = ld(me, CLIFE) / 4 * 4;
	cas(me, CLIFE, life, life + LOCKED, ok);
	if
	:: ok ->
		st(me, JOINER, J);
		st(me, JOINS, C);
		st(me, STATUS, WAITINGJ);
		light_barrier(me);
		if
		:: !is_mutant(5) && ld(me, CANCEL) ->
			/* leave_it: the child stays in the queue, and is nobody's who joins */
			st(me, STATUS, RUNNING);
			st(me, CLIFE, life);
			assert(want_cancel && task == 0);
			end_task()
		:: else ->
			if :: is_mutant(1) -> st(me, CLIFE, life + MARKED) :: else fi;
			atomic { onstack[J] = 0; board(C); g = C };
			if :: !is_mutant(1) -> st(me, CLIFE, life + MARKED) :: else fi
		fi
	:: else		/* who has a stale handle has the lock for a moment */
	fi;
	ok = 0
}

/* on the joiner's stack again: the end of its child, or a cancellation */
inline joined_or_called_off()
{
	st(me, STATUS, RUNNING);
	if
	:: ld(me, CALLED) ->
		assert(want_cancel && task == 0);
		st(me, CALLED, 0);
		end_task();
		if :: g == J -> reap() :: else fi
	:: else ->
		joined++;
		joins--;
		if :: joins == 0 -> end_task() :: else fi
	fi;
	back = 0
}

inline switch_back()
{
	atomic { onstack[C] = 0; board(J); g = J; back = 1 }
}

inline end_of_child()
{
	!stubborn || !want_cancel || task > 0 || ld(me, CLIFE) % 4 != MARKED;
	life = ld(me, CLIFE);
	if
	:: life % 4 == MARKED && !is_mutant(3) -> cas(me, CLIFE, life, life - MARKED + 4, ok)
	:: life % 4 == MARKED && is_mutant(3) -> st(me, CLIFE, life - MARKED + 4); ok = 1
	:: else
	fi;
	if
	:: ok -> switch_back()
	:: else ->
		lock_child(me);
		if
		:: life % 4 == MARKED -> st(me, CLIFE, life - MARKED + 4); switch_back()
		:: else ->
			onstack[C] = 0;	/* as far as the next life is concerned, which has another stack */
			st(me, CLIFE, life - life % 4 + DONE);
			g = 0
		fi
	fi;
	ok = 0
}

proctype M(byte me)
{
	byte g, life;
	bit ok, back;

	do
	:: atomic { g == 0 && drained(me) && nempty(runq) -> runq?g; board(g); back = (g == J && mem[STATUS] == WAITINGJ) }
	:: g == 0 && over -> break
	:: g == C -> end_of_child()
	:: g == J && !back -> join()
	:: g == J && back -> joined_or_called_off()
	od
}

/* weft_cancel, with the handle of the first task */
proctype canceller()
{
	byte life, status;
	bit called;

	lock(CANCELLER, JLIFE);
	if
	:: task == 0 ->
		xchg(CANCELLER, CANCEL, 1);
		if :: !is_mutant(2) -> heavy_barrier(CANCELLER) :: else fi;
		status = ld(CANCELLER, STATUS)
	:: else
	fi;
	lifeunlock(CANCELLER, JLIFE);
	if
	:: status == WAITINGJ ->
		lock_child(CANCELLER);
		if
		:: (life % 4 == MARKED || is_mutant(6)) && ld(CANCELLER, JOINER) == J && (task == 0 || is_mutant(4)) ->
			st(CANCELLER, CALLED, 1);
			st(CANCELLER, CLIFE, life - life % 4);
			called = 1
		:: else -> st(CANCELLER, CLIFE, life)
		fi;
		if :: called -> atomic { drained(CANCELLER); runq!J } :: else fi
	:: else
	fi
}

init
{
	atomic {
		mem[CLIFE] = 4;
		joins = 2;
		runq!J;
		if
		:: want_cancel = 1; run canceller()
		:: want_cancel = 1; stubborn = 1; run canceller()
		:: skip
		fi;
		if :: fullfence = 1 :: skip fi;
		run M(0);
		run M(1)
	}
}
