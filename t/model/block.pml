/*
 * Who may block when no more threads are to be had.
 *
 * lib/sched/block.c: wait_for_thread, room, say, wf_blocking_left, wf_blocking_admit.
 *
 * - Who begins takes the lock, counts itself as waiting, passes the heavy barrier, and counts who blocks. If
 *   nobody waits in the queue and there is room, it goes on: it says that it blocks, and lets go of the lock.
 *   Else it is queued and sleeps.
 * - Who ends says so by a plain store, passes the light barrier, and looks whether somebody waits: if so it
 *   takes the lock, and if there is room lets the first of the queue in, who counts as admitted until it has
 *   said itself that it blocks, under the lock.
 *
 * - Who waited in one of Weft's calls in between begins anew when it goes back (wf_blocking_again): the
 *   second round of a thread is that, too.
 *
 * Here three threads block twice each, and two may at a time, of which the last one is not one to block on.
 * Full fences in place of the barriers are tried too.
 * Promise: never do more than one block, and nobody waits for ever.
 *
 * mutant 1: who begins passes no heavy barrier
 * mutant 2: who begins counts before it is seen to wait
 * mutant 3: who ends looks before it says that it ends
 * mutant 4: without membarrier, the light barrier is no fence
 * mutant 5: who was let in does not count before it runs
 * mutant 6: who finds room says so after it has let go of the lock
 * mutant 7: who ends lets nobody in
 */
#ifndef MUTANT
#define MUTANT	0
#endif
#define is_mutant(n)	(MUTANT == n)

#define BLOCKING(t)	(t)	/* m->blocking */
#define WAITED		3	/* wf_blocked.n */
#define LOCK		4	/* wf_blocked.lock */
#define NWORD		5

#define NTHR	3
#define ROUNDS	2
#define MAXM	2
#include "tso.h"

/* under LOCK */
byte admitted;
chan queue = [NTHR] of { byte };

bit woken[NTHR];
byte blocked;	/* who blocks in truth */

/* wf_sched.lock, under which the count is made, is no part of the protocol */
#define room(thr)	(ld(thr, BLOCKING(0)) + ld(thr, BLOCKING(1)) + ld(thr, BLOCKING(2)) + \
			(is_mutant(5) -> 0 : admitted) + 1 < MAXM)

inline begin()
{
	lock(me, LOCK);
	if :: !is_mutant(2) -> xadd(me, WAITED, 1, was) :: else fi;
	if :: !is_mutant(1) -> heavy_barrier(me) :: else fi;
	free = room(me);
	if :: is_mutant(2) -> xadd(me, WAITED, 1, was) :: else fi;
	if
	:: len(queue) > 0 || !free ->
		queue!me;
		unlock(me, LOCK);
		atomic { woken[me]; woken[me] = 0 };
		lock(me, LOCK);
		admitted--;
		st(me, BLOCKING(me), 1);
		unlock(me, LOCK)
	:: else ->
		xadd(me, WAITED, -1, was);
		if
		:: !is_mutant(6) -> st(me, BLOCKING(me), 1); unlock(me, LOCK)
		:: is_mutant(6) -> unlock(me, LOCK); st(me, BLOCKING(me), 1)
		fi
	fi
}

inline admit()
{
	lock(me, LOCK);
	if
	:: room(me) && len(queue) > 0 ->
		queue?first;
		xadd(me, WAITED, -1, was);
		admitted++;
		unlock(me, LOCK);
		woken[first] = 1
	:: else -> unlock(me, LOCK)
	fi
}

inline left()
{
	if :: is_mutant(3) -> seen = ld(me, WAITED) :: else fi;
	st(me, BLOCKING(me), 0);
	if :: !is_mutant(4) -> light_barrier(me) :: else fi;
	if :: !is_mutant(3) -> seen = ld(me, WAITED) :: else fi;
	if :: seen && !is_mutant(7) -> admit() :: else fi
}

proctype T(byte me)
{
	byte was, seen, first, round;
	bit free;

	do
	:: round < ROUNDS ->
		begin();
		atomic { blocked++; assert(blocked < MAXM) };
		blocked--;
		left();
		round++
	:: else -> break
	od
}

init
{
	atomic {
		if :: fullfence = 1 :: skip fi;
		run T(0);
		run T(1);
		run T(2)
	}
}
