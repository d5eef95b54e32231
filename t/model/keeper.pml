/*
 * The keeper of time: arming a timer against the last M going to sleep (W2).
 *
 * lib/sched/idle.c: keep_time, unkept, time_came, sleep_on_note, wf_stopm, wf_mget, give, wf_timer_armed, wf_wakep; lib/sched/
 * timer.c: wf_timer_arm, wf_parkedtimed; lib/sched/proc.c: give_up_p, sleep_without_p, reset_spinning, see_timers_kept.
 *
 * One of the Ms that sleep, the keeper, sleeps only until the first timer of all (keeper_until, under wf_sched.lock).
 * - Who arms a timer unlocks the heap, a full barrier; then, if a P is idle and the time is nobody's, he wakes an M, as who
 *   makes work does (idle.pml). A task that arms one as it goes to sleep leaves that to its M (p->armed).
 * - An M without work makes its P idle, says that it spins no more, and under the lock looks at the heaps: if the
 *   first time is nobody's or comes before the keeper's, it is the keeper.
 * - Who wakes an M takes the keeper last. An M that was woken may have been the keeper, and so looks whether the time is
 *   somebody's before it runs a task; and so does one that stops spinning for a task.
 * - A keeper whose time comes is none, a full barrier, and takes an idle P and looks at the timers; without a P they are those of who has them all.
 *
 * The story: one M has a P, and a task there arms a timer; it goes on computing, or sleeps. A foreign thread arms an
 * earlier one. Another P is idle, or one of two more Ms has it. What a timer wakes ends or computes for ever. Time passes
 * at any moment, up to the first timer's or both.
 * Promise: when nothing moves any more and a P is idle, no timer is armed whose time has come, and nobody is counted as
 * spinning. (Where all Ps are taken, and while sysmon is awake, sysmon looks: it is not there here.)
 *
 * mutant 1: who arms a timer does not look whether its time is somebody's
 * mutant 2: arming is no full barrier
 * mutant 3: an M that goes to sleep leaves an earlier time to a keeper that is there
 * mutant 4: who takes the keeper away leaves keeper_until
 * mutant 5: an M that stops spinning for a task does not look at the times
 * mutant 6: an M that goes to sleep looks at the heaps before it makes its P idle
 * mutant 7: a keeper whose time has come says so by no full barrier before it looks at the heaps
 */
#ifndef MUTANT
#define MUTANT	0
#endif
#define is_mutant(n)	(MUTANT == n)

#define FIRST	0	/* when the foreign thread's timer is due; 0: it is not armed */
#define SECOND	1	/* the task's */
#define HEAP	2	/* their locks */
#define NPIDLE	4
#define NMSPINNING 5
#define UNTIL	6	/* wf_sched.keeper_until */
#define LOCK	7	/* wf_sched.lock */
#define NWORD	8

#define M0	0
#define M1	1
#define M2	2
#define FOREIGN	3
#define NTHR	4
#include "tso.h"

byte now;
bit midle[3], keeper[3];	/* under LOCK */
byte nextp[3];
#define GIVEN	1

#define first_of(a, b)	(!(b) || (a) && (a) < (b) -> (a) : (b))
#define wf_timers_next(t)	first_of(ld(t, FIRST), ld(t, SECOND))
#define unkept(t, when)	(ld(t, NPIDLE) && (when) && (!ld(t, UNTIL) || (when) < ld(t, UNTIL)))

inline off_midle(thr, m)
{
	midle[m] = 0;
	if
	:: keeper[m] -> keeper[m] = 0;
		if :: !is_mutant(4) -> mem[UNTIL] = 0 :: else fi
	:: else
	fi;
	nextp[m] = GIVEN
}

/* With the lock, whose taking was a full barrier: one that sleeps, rather not the keeper; who is about to sleep stands for a new M. */
inline give(thr)
{
	atomic {
		midle[M0] || midle[M1] || midle[M2];
		if
		:: midle[M0] && !keeper[M0] -> off_midle(thr, M0)
		:: midle[M1] && !keeper[M1] -> off_midle(thr, M1)
		:: midle[M2] && !keeper[M2] -> off_midle(thr, M2)
		:: else ->
			if
			:: midle[M0] -> off_midle(thr, M0)
			:: else ->
				if :: midle[M1] -> off_midle(thr, M1) :: else -> off_midle(thr, M2) fi
			fi
		fi
	}
}

inline wf_wakep(thr)
{
	cas(thr, NMSPINNING, 0, 1, ok);
	if
	:: ok ->
		lock(thr, LOCK);
		if
		:: ld(thr, NPIDLE) ->
			xadd(thr, NPIDLE, -1, n);
			if
			:: midle[M0] || midle[M1] || midle[M2] -> give(thr); unlock(thr, LOCK)
			:: else -> unlock(thr, LOCK); atomic { mem[LOCK] == 0 && (midle[M0] || midle[M1] || midle[M2]) -> give(thr) }
			fi
		:: else -> xadd(thr, NMSPINNING, -1, n); unlock(thr, LOCK)
		fi
	:: else
	fi;
	atomic { n = 0; ok = 0 }
}

inline arm(thr, which, when)
{
	lock(thr, HEAP + which);
	st(thr, which, when);
	if
	:: !is_mutant(2) -> unlock(thr, HEAP + which)
	:: is_mutant(2) -> st(thr, HEAP + which, 0)
	fi
}

inline wf_timer_armed(thr, when)
{
	if
	:: !is_mutant(1) && unkept(thr, when) -> wf_wakep(thr)
	:: else
	fi
}

/* the look before a task is run */
inline see_kept(thr)
{
	if
	:: unkept(thr, wf_timers_next(thr)) && !ld(thr, NMSPINNING) -> wf_wakep(thr)
	:: else
	fi
}

inline fire(which)
{
	if
	:: ld(me, which) && ld(me, which) <= now ->
		lock(me, HEAP + which);
		if :: ld(me, which) -> st(me, which, 0); got = 1 :: else fi;
		unlock(me, HEAP + which)
	:: else
	fi
}

/* with the lock */
inline keep_time()
{
	if :: !is_mutant(6) -> next = wf_timers_next(me) :: else fi;
	if
	:: unkept(me, next) && !(is_mutant(3) && ld(me, UNTIL)) ->
		d_step { keeper[M0] = 0; keeper[M1] = 0; keeper[M2] = 0; keeper[me] = 1; until = next };
		xchg(me, UNTIL, until)
	:: else -> until = 0
	fi;
	next = 0
}

proctype M(byte me)
{
	byte n, until, next;
	bit ok, got, spinning, armed;

	if
	:: me == M0 -> goto task
	:: me == M1 ->
		if :: goto find :: xadd(me, NPIDLE, 1, n); n = 0; goto stopm fi
	:: me == M2 -> goto stopm
	fi;

task:	arm(me, SECOND, 2);
	if
	:: wf_timer_armed(me, 2); goto computes
	:: armed = 1	/* it sleeps */
	fi;

find:	if
	:: !spinning -> xadd(me, NMSPINNING, 1, n); spinning = 1; n = 0
	:: !spinning	/* enough do */
	:: spinning
	fi;
	fire(FIRST);
	fire(SECOND);
	if :: got -> goto execute :: else fi;
	if :: is_mutant(6) -> next = wf_timers_next(me) :: else fi;
	lock(me, LOCK);
	xadd(me, NPIDLE, 1, n);
	unlock(me, LOCK);
	armed = 0;
	if :: spinning -> xadd(me, NMSPINNING, -1, n); spinning = 0 :: else fi;
	n = 0;

stopm:	lock(me, LOCK);
	keep_time();
	midle[me] = 1;
	unlock(me, LOCK);
end_sleep:
	if
	:: atomic { nextp[me] -> nextp[me] = 0; spinning = 1; until = 0; armed = 1 }; goto find
	:: until && now >= until && !nextp[me] ->
		lock(me, LOCK);
		until = 0;
		if
		:: !keeper[me] -> unlock(me, LOCK); goto end_sleep
		:: else
		fi;
		keeper[me] = 0;
		if :: !is_mutant(7) -> xchg(me, UNTIL, 0) :: is_mutant(7) -> st(me, UNTIL, 0) fi;
		next = wf_timers_next(me);
		if
		:: next && next <= now && ld(me, NPIDLE) ->
			xadd(me, NPIDLE, -1, n);
			midle[me] = 0;
			unlock(me, LOCK);
			atomic { n = 0; next = 0; armed = 1 };
			goto find
		:: else -> keep_time(); unlock(me, LOCK); goto end_sleep
		fi
	fi;

execute:
	got = 0;
	if
	:: spinning -> spinning = 0; xadd(me, NMSPINNING, -1, n); n = 0;
		if :: !is_mutant(5) -> see_kept(me) :: else fi
	:: else
	fi;
	if :: armed -> armed = 0; see_kept(me) :: else fi;
	if :: goto find :: skip fi;
computes:
	skip
end_computes:
	false
}

proctype foreign()
{
	byte n;
	bit ok;

	arm(FOREIGN, FIRST, 1);
	wf_timer_armed(FOREIGN, 1)
}

proctype clock()
{
	now = 1;
	if :: now = 2 :: skip fi
}

active proctype monitor()
{
	timeout;
	assert(!mem[NPIDLE] || (!mem[FIRST] || mem[FIRST] > now) && (!mem[SECOND] || mem[SECOND] > now));
	assert(!mem[NMSPINNING])
}

init
{
	atomic {
		run M(M0);
		run M(M1);
		run M(M2);
		run foreign();
		run clock()
	}
}
