/*
 * Submitting against the last spinning M going to sleep.
 *
 * lib/sched/proc.c: steal, give_up_p, sleep_without_p, take_idle_p, reset_spinning; lib/sched/idle.c:
 * wf_wakep, wf_startm, give_late, wf_stopm, needed, wf_handoffp, leave_idle; lib/sched/sched.h: wf_wake.
 * npidle counts the idle Ps, nmspinning the Ms that look for work.
 *
 * - A submitter queues a task, which is a full barrier (a ring's tail is exchanged, the lock of the global
 *   queue is given back by exchange). If npidle is not 0 then and nmspinning is 0, it wakes: CAS nmspinning
 *   from 0 to 1, take an idle P under the lock, have an M run it, which counts as spinning.
 *   Without an idle P it takes its count back before it unlocks: else an M could give a P up meanwhile,
 *   and a submitter see the P idle but trust in somebody who spins.
 * - An M that finds work stops being counted, and wakes another if there is more.
 * - An M that finds nothing gives its P up, under the lock, if the global queue is empty; it stops being
 *   counted; it looks at all queues again, and if there is work and an idle P, it takes that. Else it
 *   sleeps. All these are full barriers. Not every M spins: one that did not, as enough others do, looks
 *   again too: npidle was 0 to who queued a task before.
 * - An M that hands its P off passes it to another if it has seen work, and to one that spins if no P is idle
 *   and nobody spins. Else the P becomes idle, and if there is work then, the M wakes another.
 * - When no M sleeps, a new one is made. If there is no thread for it, the P becomes idle, unless an M went
 *   to sleep meanwhile: that gets it. From then on no M goes to sleep while there is work and an idle P.
 *
 * Here an M queues a task in its ring and computes for ever, and a foreign thread queues one in the global
 * queue. Two Ps are left, and two Ms that may start anywhere in their loop. A task ends or computes for ever.
 * Promise: when nothing moves any more, no task is queued while a P is idle and an M has none, and nobody is
 * counted as spinning.
 *
 * mutant 1: no second look at the queues
 * mutant 2: the push is no full barrier
 * mutant 3: an M that finds work wakes nobody
 * mutant 4: an M that was not spinning does not look again
 * mutant 5: what was queued globally is no full barrier
 * mutant 6: who wakes and finds no idle P takes its count back after it unlocks
 * mutant 7: an M hands its P off without a second look at the queues
 * mutant 8: without a thread for a new M, who wakes does not look for a sleeping one again
 * mutant 9: an M goes to sleep without a look for work and an idle P
 */
#ifndef MUTANT
#define MUTANT	0
#endif
#define is_mutant(n)	(MUTANT == n)

#define TAIL	0	/* of the submitting M's ring: one task is put there */
#define HEAD	1
#define GLOBAL	2	/* tasks in the global queue */
#define NPIDLE	3
#define NMSPINNING 4
#define LOCK	5	/* wf_sched.lock */
#define NWORD	6

#define OWNER	0
#define FOREIGN	1
#define M0	2
#define M1	3
#define NTHR	4
#include "tso.h"

bit midle[NTHR];	/* asleep and to be had; under LOCK */
byte nextp[NTHR];	/* was given a P, and is to be without or with spinning */
bit leaving[NTHR];	/* an M that hands its P off */
#define NOSPIN	1
#define SPIN	2
bit nothread;		/* there is none for a new M */

#define work_anywhere(t)	(ld(t, HEAD) != ld(t, TAIL) || ld(t, GLOBAL))

/* ok: there was an M for the P that the caller has */
inline mget(how)
{
	atomic {
		if
		:: midle[M0] -> midle[M0] = 0; nextp[M0] = how; ok = 1
		:: midle[M1] -> midle[M1] = 0; nextp[M1] = how; ok = 1
		:: !midle[M0] && !midle[M1] -> ok = 0
		fi
	}
}

/* With LOCK, which it gives back, and a P in hand. A new M, here, is one that is about to sleep or leave. */
inline wf_startm(thr, as)
{
	mget(as);
	unlock(thr, LOCK);
	if
	:: ok
	:: !ok && !nothread && leaving[thr] -> nextp[thr] = as
	:: !ok && !nothread && !leaving[thr] -> atomic { midle[M0] || midle[M1] -> mget(as) }
	:: !ok && nothread ->
		lock(thr, LOCK);
		if :: !is_mutant(8) -> mget(as) :: else fi;
		if
		:: ok
		:: else -> xadd(thr, NMSPINNING, -1, n); xadd(thr, NPIDLE, 1, n)
		fi;
		unlock(thr, LOCK)
	fi
}

inline wf_wake(thr)
{
	if
	:: ld(thr, NPIDLE) && !ld(thr, NMSPINNING) -> cas(thr, NMSPINNING, 0, 1, ok)
	:: else
	fi;
	if
	:: ok ->
		lock(thr, LOCK);
		if
		:: ld(thr, NPIDLE) -> xadd(thr, NPIDLE, -1, n); wf_startm(thr, SPIN)
		:: else ->
			if :: !is_mutant(6) -> xadd(thr, NMSPINNING, -1, n) :: else fi;
			unlock(thr, LOCK);
			if :: is_mutant(6) -> xadd(thr, NMSPINNING, -1, n) :: else fi
		fi
	:: else
	fi;
	atomic { n = 0; ok = 0 }
}

proctype owner()
{
	byte n;
	bit ok;

	if
	:: !is_mutant(2) -> xchg(OWNER, TAIL, 1)
	:: is_mutant(2) -> st(OWNER, TAIL, 1)
	fi;
	wf_wake(OWNER)	/* and computes */
}

proctype foreign()
{
	byte n;
	bit ok;

	lock(FOREIGN, LOCK);
	st(FOREIGN, GLOBAL, 1);
	if
	:: !is_mutant(5) -> unlock(FOREIGN, LOCK)
	:: is_mutant(5) -> st(FOREIGN, LOCK, 0)
	fi;
	wf_wake(FOREIGN)
}

proctype M(byte me)
{
	byte n;
	bit ok, spinning;

	goto execute;	/* in the middle of the loop, so to speak */

find:	if
	:: !spinning -> xadd(me, NMSPINNING, 1, n); spinning = 1
	:: !spinning && ld(me, NMSPINNING) -> goto give_up	/* enough do */
	:: spinning
	fi;
	if
	:: ld(me, HEAD) != ld(me, TAIL) -> cas(me, HEAD, 0, 1, ok)
	:: else
	fi;
	if :: ok -> goto got :: else fi;
give_up:
	lock(me, LOCK);
	if
	:: ld(me, GLOBAL) -> st(me, GLOBAL, 0); unlock(me, LOCK); goto got
	:: else
	fi;
	xadd(me, NPIDLE, 1, n);
	unlock(me, LOCK);
	n = 0;
	if
	:: spinning -> xadd(me, NMSPINNING, -1, n)
	:: !spinning && is_mutant(4) -> goto stopm
	:: else
	fi;
	if
	:: !is_mutant(1) && work_anywhere(me) ->
		lock(me, LOCK);
		if
		:: ld(me, NPIDLE) -> xadd(me, NPIDLE, -1, n); unlock(me, LOCK)
		:: else -> unlock(me, LOCK); goto stopm
		fi
	:: else -> goto stopm
	fi;
	if
	:: spinning -> xadd(me, NMSPINNING, 1, n); n = 0
	:: else
	fi;
	goto find;

stopm:	atomic { n = 0; ok = 0; spinning = 0 };
	lock(me, LOCK);
	if
	:: nothread && !is_mutant(9) && ld(me, NPIDLE) && work_anywhere(me) ->
		xadd(me, NPIDLE, -1, n);
		unlock(me, LOCK);
		n = 0;
		goto find
	:: else
	fi;
sleep:	midle[me] = 1;
	unlock(me, LOCK);
end_sleep:
	atomic { nextp[me] -> spinning = (nextp[me] == SPIN); nextp[me] = 0 };
	goto find;

got:	ok = 0;
	if
	:: spinning -> spinning = 0; xadd(me, NMSPINNING, -1, n);
		if :: !is_mutant(3) && work_anywhere(me) -> wf_wake(me) :: else fi
	:: else
	fi;
execute: n = 0;
	if
	:: goto find
	:: !nothread -> goto handoffp
	:: skip
	fi;
end_computes:
	false;

handoffp: /* and another M takes the place of this one */
	leaving[me] = 1;
	if
	:: !ld(me, GLOBAL) && !ld(me, NPIDLE) -> cas(me, NMSPINNING, 0, 1, ok)
	:: else
	fi;
	lock(me, LOCK);
	if
	:: ok -> wf_startm(me, SPIN)
	:: !ok && ld(me, GLOBAL) -> wf_startm(me, NOSPIN)
	:: else ->
		xadd(me, NPIDLE, 1, n);
		unlock(me, LOCK);
		if :: !is_mutant(7) && work_anywhere(me) -> wf_wake(me) :: else fi
	fi;
	atomic { leaving[me] = 0; n = 0; ok = 0 };
	if
	:: nextp[me] -> goto end_sleep
	:: else -> lock(me, LOCK); goto sleep
	fi
}

active proctype monitor()
{
	timeout;
	assert(!mem[NPIDLE] || mem[HEAD] == mem[TAIL] && !mem[GLOBAL] || !midle[M0] && !midle[M1]);
	assert(!mem[NMSPINNING])
}

init
{
	atomic {
		if :: nothread = 1 :: skip fi;
		run owner();
		run foreign();
		run M(M0);
		run M(M1)
	}
}
