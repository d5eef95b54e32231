/*
 * The ring of a P: its owner, and two thieves.
 *
 * lib/sched/fast.h: wf_runqput, wf_runqget, wf_runqtake; lib/sched/runq.c: wf_runqputslow, wf_runqsteal. head
 * and tail are 32-bit counters (8-bit ones here, which start just below their wrap); tail is written by
 * the owner alone, head grows by CAS.
 *
 * - put: wf_runqput. The slot is written, then the tail exchanged. When the ring is full its older half (here
 *   the oldest) and the new task go to the global queue (wf_runqputslow): one CAS on head takes them off.
 * - get: wf_runqget, of the owner and of a thief (wf_runqsteal). Head, tail, slot, in this order, then CAS
 *   on head, and again when that fails.
 * - take: wf_runqtake, a joiner's way to its unstarted child, as the owner of a Chase-Lev deque pops. The
 *   tail is exchanged back first; who then finds head below it has the slot alone; at the last task
 *   the CAS on head decides, and the tail is put right in both outcomes. Meanwhile head may be ahead of tail
 *   by one, which is why all but the owner's look for room compare by signed difference.
 *
 * The owner does these in any order, the thieves steal all the time. What else is in a P (runnext, which
 * changes by exchange and CAS alone) is not modelled.
 * Promise: each task is taken exactly once, and none is left when the owner has seen the ring empty.
 *
 * mutant 1: the take-back's exchange is a plain store
 * mutant 2: the CAS on head is a load and a store
 * mutant 3: the tail is published before the slot is written
 * mutant 4: the tail is loaded before the head
 * mutant 5: the last task is taken back without the CAS
 * mutant 6: the counters are compared as unsigned
 * mutant 7: a full ring is emptied without the CAS
 */
#ifndef MUTANT
#define MUTANT	0
#endif

#define N	2	/* slots */
#define NTASK	4	/* tasks 1 to NTASK, 0 is an empty slot */
#define FIRST	254	/* where the counters start */

#define HEAD	0
#define TAIL	1
#define SLOT(i)	(2 + (i) % N)
#define NWORD	(2 + N)

#define OWNER	0
#define NTHR	3
#include "tso.h"

#define add(a, n)	(((a) + (n)) & 255)
#if MUTANT == 6
#define less(a, b)	((a) < (b))
#else
#define less(a, b)	(add(a, -(b)) > 127)
#endif

byte taken[NTASK + 1];
bit closed;			/* the owner saw the ring empty after its last put */

inline got(g)
{
	atomic { taken[g]++; assert(g != 0 && taken[g] == 1) }
}

/* CAS on head; the task is the caller's from this very step on */
inline claim(me, g)
{
#if MUTANT == 2
	ok = (ld(me, HEAD) == h);
	if
	:: ok -> st(me, HEAD, add(h, 1)); got(g)
	:: else
	fi
#else
	atomic {
		cas(me, HEAD, h, add(h, 1), ok);
		if
		:: ok -> got(g)
		:: else
		fi
	}
#endif
}

/* ok: a task was taken, or there is none (none is set) */
inline get(me)
{
	do
	::
#if MUTANT == 4
		t = ld(me, TAIL);
		h = ld(me, HEAD);
#else
		h = ld(me, HEAD);
		t = ld(me, TAIL);
#endif
		none = !less(h, t);
		if
		:: none -> break
		:: else
		fi;
		g = ld(me, SLOT(h));
		claim(me, g);
		if
		:: ok -> break
		:: else
		fi
	od;
	atomic { h = 0; t = 0; g = 0; ok = 0 }
}

inline put(task)
{
	do
	:: h = ld(OWNER, HEAD);
		t = ld(OWNER, TAIL);
		if
		:: add(t, -h) < N -> break
		:: else
		fi;
		g = ld(OWNER, SLOT(h));
#if MUTANT == 7
		xchg(OWNER, HEAD, add(h, 1));
		got(g);
		ok = 1;
#else
		claim(OWNER, g);
#endif
		if
		:: ok -> got(task); goto put_done
		:: else
		fi
	od;
#if MUTANT == 3
	xchg(OWNER, TAIL, add(t, 1));
	st(OWNER, SLOT(t), task);
#else
	st(OWNER, SLOT(t), task);
	xchg(OWNER, TAIL, add(t, 1));
#endif
put_done:
	atomic { h = 0; t = 0; g = 0; ok = 0 }
}

/* Whatever is in the newest slot may be the child that the owner joins, taken already or not. */
inline take()
{
	t = add(ld(OWNER, TAIL), -1);
	g = ld(OWNER, SLOT(t));
	if
	:: g == 0
	:: else ->
#if MUTANT == 1
		st(OWNER, TAIL, t);
#else
		xchg(OWNER, TAIL, t);
#endif
		h = ld(OWNER, HEAD);
		if
		:: less(h, t) -> got(g)
#if MUTANT == 5
		:: h == t -> got(g); xchg(OWNER, HEAD, add(h, 1)); st(OWNER, TAIL, add(t, 1))
#else
		:: h == t -> claim(OWNER, g); st(OWNER, TAIL, add(t, 1))
#endif
		:: less(t, h) -> st(OWNER, TAIL, add(t, 1))
		fi
	fi;
	atomic { h = 0; t = 0; g = 0; ok = 0 }
}

proctype owner()
{
	byte h, t, g, next = 1;
	bit ok, none;

	do
	:: next <= NTASK -> put(next); next++; none = 0
	:: get(OWNER)
	:: take()
	:: next > NTASK && none -> break
	od;
	for (next : 1 .. NTASK) {
		assert(taken[next] == 1)
	}
	closed = 1
}

proctype thief(byte me)
{
	byte h, t, g;
	bit ok, none;

	do
	:: get(me)
	:: closed -> break
	od
}

init
{
	atomic {
		mem[HEAD] = FIRST;
		mem[TAIL] = FIRST;
		run owner();
		run thief(1);
		run thief(2)
	}
}
