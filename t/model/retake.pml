/*
 * Taking a P from an M that runs.
 *
 * lib/sched/sched.h: wf_enter_plain, wf_leave; lib/sched/enter.c: wf_enter_slow, settle_p, wf_leave_slow,
 * wf_acquirep, wf_releasep; lib/sched/retake.c: wf_seize, wf_retake; lib/sched/procresize.c: want_stop,
 * seize_all, wf_gcstopm; lib/sched/idle.c: wf_handoffp.
 *
 * - An M on its way into the runtime stores inside, passes the light barrier, and looks at attn and at its P, in
 *   this order: if attn was cleared before it looked, then what the stopper did to its P is seen too.
 *   With a P and no attn it goes on. Else it takes the lock, which who takes Ps holds: then its P is
 *   settled. Without one it takes an idle one, or queues its task and sleeps until it is given a P.
 * - On its way out it clears inside, passes the light barrier, and looks at attn: then it comes in again,
 *   and if attn is still set it gives its P up, as wf_gcstopm does under the lock when gcwaiting is set.
 * - The stopper, with the lock, sets gcwaiting and each M's attn and passes the heavy barrier. An M whose
 *   inside it sees cleared has not looked at its P since it left, and will meet attn when it looks: its P is
 *   taken. One that is inside keeps it; the stopper lets the lock go and tries again.
 *
 * - sysmon sets a bit of its own in the attn of the M that it sees to have the P, passes the heavy barrier,
 *   and only then takes the lock and looks, as the stopper does. It clears the bit under the lock, and hands
 *   the P on. That bit is looked at on the way in alone.
 *
 * Here two Ms share one P and go in and out for ever, and either a stopper stops and starts the world for
 * ever, or sysmon takes the P for ever (both at once are too many states: between them is the lock). Who has
 * the P counts in it (one bit), by a load and a store. Full fences in place of the barriers are tried too.
 * Promise: one at a time has the P, and sees what was done to it before.
 *
 * mutant 1: the stopper has no heavy barrier
 * mutant 2: an M that has a P does not look at attn on its way in
 * mutant 3: an M looks at its P before it looks at attn
 * mutant 4: attn is set after the heavy barrier
 * mutant 5: without membarrier, the light barrier is no fence
 * mutant 6: the stopper does not look at inside
 * mutant 7: sysmon has no heavy barrier
 * mutant 8: sysmon clears its bit before it has taken the P
 */
#ifndef MUTANT
#define MUTANT	0
#endif
#define is_mutant(n)	(MUTANT == n)

#define INSIDE(m)	(m)
#define ATTN(m)		(2 + (m))
#define P(m)		(4 + (m))	/* m->p: whether it has the P */
#define PM		6	/* p->m: 1 + the M that has it */
#define GCWAITING	7
#define LOCK		8	/* wf_sched.lock */
#define COUNT		9	/* what lies in the P */
#define NWORD		10

#define STOPPER	2
#define SYSMON	3
#define NTHR	4
#define STOP	1	/* ATTN_STOP */
#define RETAKE	2	/* ATTN_RETAKE */
#include "tso.h"

/* under LOCK */
bit pidle;		/* the P is on the idle list */
bit stopped;		/* it is the stopper's */
bit midle[2];		/* this M sleeps */
bit nextp[2];		/* it was given the P */

bit used;		/* somebody is at it, and how often that happened, modulo 2 */
bit uses;

inline use(thr)
{
	atomic { assert(!used); used = 1 };
	assert(ld(thr, COUNT) == uses);
	st(thr, COUNT, !uses);
	atomic { uses = !uses; used = 0 }
}

/* Give the P up if the world is to stop; without one, sleep until there is one. */
inline wf_schedule()
{
	do
	:: ld(me, P(me)) && ld(me, GCWAITING) ->
		lock(me, LOCK);
		if
		:: ld(me, GCWAITING) -> st(me, PM, 0); st(me, P(me), 0); stopped = 1
		:: else
		fi;
		unlock(me, LOCK)
	:: ld(me, P(me)) && !ld(me, GCWAITING) -> break
	:: !ld(me, P(me)) ->
		lock(me, LOCK);
		if	/* in truth somebody wakes it for that */
		:: pidle && !ld(me, GCWAITING) -> pidle = 0; nextp[me] = 1
		:: else -> midle[me] = 1
		fi;
		unlock(me, LOCK);
		atomic { nextp[me]; nextp[me] = 0 };
		st(me, PM, 1 + me);
		st(me, P(me), 1)
	od
}

inline wf_enter()
{
	st(me, INSIDE(me), 1);
	if :: !is_mutant(5) -> light_barrier(me) :: else fi;
	if
	:: !is_mutant(3) -> attn = ld(me, ATTN(me)); has = ld(me, P(me))
	:: is_mutant(3) -> has = ld(me, P(me)); attn = ld(me, ATTN(me))
	fi;
	if
	:: has && (!attn || is_mutant(2))
	:: else ->
		lock(me, LOCK);
		if
		:: !ld(me, P(me)) && !ld(me, GCWAITING) && pidle ->
			pidle = 0;
			st(me, PM, 1 + me);
			st(me, P(me), 1)
		:: else
		fi;
		unlock(me, LOCK);
		if :: !ld(me, P(me)) -> wf_schedule() :: else fi
	fi
}

inline clear_inside()
{
	st(me, INSIDE(me), 0);
	if :: !is_mutant(5) -> light_barrier(me) :: else fi
}

proctype M(byte me)
{
	bit has;
	byte attn;

	do
	:: wf_enter();
		use(me);
		clear_inside();
		do
		:: !(ld(me, ATTN(me)) & STOP) -> break
		:: else ->
			wf_enter();
			if :: ld(me, ATTN(me)) & STOP -> wf_schedule() :: else fi;
			clear_inside()
		od;
end_computes:	skip
	od
}

/* atomic or, and the like of and */
inline set(thr, word, bits)
{
	d_step { drained(thr); mem[word] = mem[word] | (bits) }
}

inline clear(thr, word, bits)
{
	d_step { drained(thr); mem[word] = mem[word] & (3 - (bits)) }
}

inline want_stop(on)
{
	if
	:: on -> set(STOPPER, ATTN(0), STOP); set(STOPPER, ATTN(1), STOP)
	:: else -> clear(STOPPER, ATTN(0), STOP); clear(STOPPER, ATTN(1), STOP)
	fi
}

/* what wf_seize looks at, m being the P's M */
#define outside(thr, m)	(ld(thr, PM) == 1 + (m) && ld(thr, P(m)) && \
			(!ld(thr, INSIDE(m)) || is_mutant(6)))

inline seize(thr, m)
{
	st(thr, P(m), 0);
	st(thr, PM, 0)
}

proctype stopper()
{
	do
	:: lock(STOPPER, LOCK);
		xchg(STOPPER, GCWAITING, 1);
		if :: !is_mutant(4) -> want_stop(1) :: else fi;
		atomic { if :: pidle -> pidle = 0; stopped = 1 :: else fi };
		do
		:: stopped -> break
		:: !stopped ->
			if :: !is_mutant(1) -> heavy_barrier(STOPPER) :: else fi;
			if :: is_mutant(4) -> want_stop(1) :: else fi;
			if
			:: outside(STOPPER, 0) -> seize(STOPPER, 0); stopped = 1
			:: outside(STOPPER, 1) -> seize(STOPPER, 1); stopped = 1
			:: else -> unlock(STOPPER, LOCK); lock(STOPPER, LOCK)
			fi
		od;
		use(STOPPER);
		atomic {
			stopped = 0;
			if
			:: midle[0] -> midle[0] = 0; nextp[0] = 1
			:: midle[1] -> midle[1] = 0; nextp[1] = 1
			:: !midle[0] && !midle[1] -> pidle = 1
			fi
		};
		xchg(STOPPER, GCWAITING, 0);
		want_stop(0);
		unlock(STOPPER, LOCK);
end_computes:	skip
	od
}

/* wf_handoffp, with the P in hand */
inline handoff()
{
	lock(SYSMON, LOCK);
	atomic {
		if
		:: ld(SYSMON, GCWAITING) -> stopped = 1
		:: !ld(SYSMON, GCWAITING) && midle[0] -> midle[0] = 0; nextp[0] = 1
		:: !ld(SYSMON, GCWAITING) && midle[1] -> midle[1] = 0; nextp[1] = 1
		:: !ld(SYSMON, GCWAITING) && !midle[0] && !midle[1] -> pidle = 1
		fi
	};
	unlock(SYSMON, LOCK)
}

proctype sysmon()
{
	byte m;
	bit taken;

	do
	:: ld(SYSMON, PM) ->
		m = ld(SYSMON, PM);
		if :: m -> m-- :: else fi;
		set(SYSMON, ATTN(m), RETAKE);
		if :: !is_mutant(7) -> heavy_barrier(SYSMON) :: else fi;
		if :: is_mutant(8) -> clear(SYSMON, ATTN(m), RETAKE) :: else fi;
		lock(SYSMON, LOCK);
		taken = 0;
		if
		:: !ld(SYSMON, GCWAITING) && outside(SYSMON, m) ->
			seize(SYSMON, m);
			taken = 1
		:: else
		fi;
		clear(SYSMON, ATTN(m), RETAKE);
		unlock(SYSMON, LOCK);
		if :: taken -> use(SYSMON); handoff(); taken = 0 :: else fi;
		m = 0
end_computes:	skip
	od
}

init
{
	atomic {
		if :: fullfence = 1 :: skip fi;
		mem[P(0)] = 1;
		mem[PM] = 1;
		run M(0);
		run M(1);
		if :: run stopper() :: run sysmon() fi
	}
}
