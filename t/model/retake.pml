/*
 * Taking a P from an M that runs.
 *
 * lib/sched/sched.h: wf_enter_plain, wf_leave; lib/sched/m.c: wf_enter_slow, settle_p, wf_leave_slow,
 * wf_acquirep, wf_releasep; lib/sched/procresize.c: want_stop, seize_all, seize, wf_gcstopm.
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
 * Here two Ms share one P and go in and out for ever, and a stopper stops and starts the world for ever. Who
 * has the P counts in it (one bit), by a load and a store. Full fences in place of the barriers are tried too.
 * Promise: one at a time has the P, and sees what was done to it before.
 *
 * mutant 1: the stopper has no heavy barrier
 * mutant 2: an M that has a P does not look at attn on its way in
 * mutant 3: an M looks at its P before it looks at attn
 * mutant 4: attn is set after the heavy barrier
 * mutant 5: without membarrier, the light barrier is no fence
 * mutant 6: the stopper does not look at inside
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
#define NTHR	3
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
	bit has, attn;

	do
	:: wf_enter();
		use(me);
		clear_inside();
		do
		:: !ld(me, ATTN(me)) -> break
		:: else ->
			wf_enter();
			if :: ld(me, ATTN(me)) -> wf_schedule() :: else fi;
			clear_inside()
		od;
end_computes:	skip
	od
}

inline want_stop(on)
{
	xchg(STOPPER, ATTN(0), on);
	xchg(STOPPER, ATTN(1), on)
}

/* what seize looks at, m being the P's M */
#define outside(m)	(ld(STOPPER, PM) == 1 + (m) && ld(STOPPER, P(m)) && \
			(!ld(STOPPER, INSIDE(m)) || is_mutant(6)))

inline seize(m)
{
	st(STOPPER, P(m), 0);
	st(STOPPER, PM, 0);
	stopped = 1
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
			:: outside(0) -> seize(0)
			:: outside(1) -> seize(1)
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

init
{
	atomic {
		if :: fullfence = 1 :: skip fi;
		mem[P(0)] = 1;
		mem[PM] = 1;
		run M(0);
		run M(1);
		run stopper()
	}
}
