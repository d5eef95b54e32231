/*
 * Changing the number of Ps while tasks are queued, run and end.
 *
 * lib/sched/procresize.c: wf_stoptheworld, wf_procresize, wf_starttheworld, wf_gcstopm; lib/sched/proc.c:
 * wf_findrunnable; lib/sched/enter.c: wf_enter_slow, queue_self, wf_leave_slow; lib/sched/idle.c: wf_startm,
 * give_late, wf_stopm.
 *
 * A P is some M's, or idle, or in the hands of who is about to give it to an M, or stopped. The stopper sets
 * gcwaiting and attn, takes the idle Ps and those of Ms that are not inside, and looks again, idle Ps
 * included, until all are stopped; it has the lock but for the time between two looks. An M in its loop meets
 * gcwaiting and gives its P up. An M that comes in without one takes an idle P, or queues its task, wakes
 * somebody for it, and sleeps. With all Ps stopped, the queues of those that go are emptied into the
 * global one; Ps with work are started, the others are idle, and if there is one it wakes an M.
 *
 * Steps are atomic and ordered here (what is done under the lock is one, but for the stopper's): the order of
 * memory is retake.pml's matter, the ring runq.pml's, and how few wake-ups will do is idle.pml's: here
 * everybody who makes work, or finds some, wakes an M.
 *
 * The story: two Ms, two Ps. A task waits in the second P's ring; it makes another. A foreign thread
 * queues a third, and one more goes from two Ps to one, and back or not. A task has two parts: the program's
 * own code, outside, and its end, inside. An M that is to be new is one that sleeps before long; in
 * some runs there is no thread for it, and the P becomes idle.
 * Promise: both parts of each task run once, the Ps end up idle and as many as was asked for, and a P is used
 * by the M that has it.
 *
 * mutant 1: the queue of a P that goes is not emptied
 * mutant 2: an M in its loop does not look at gcwaiting
 * mutant 3: the Ps of Ms that are inside are taken too
 * mutant 4: idle Ps are taken at the first look only
 * mutant 5: a task that queues itself for want of a P wakes nobody
 * mutant 6: starting the world wakes nobody for the global queue
 */
#ifndef MUTANT
#define MUTANT	0
#endif
#define is_mutant(n)	(MUTANT == n)

#define NONE	2	/* no P, no M, no task */
#define TASKS	3	/* 0 in the ring, 1 its child, 2 the foreign thread's */

chan ring[2] = [TASKS] of { byte };
chan runq = [TASKS] of { byte };	/* wf_sched.runq */
bit locked;		/* wf_sched.lock is the stopper's */
bit gcwaiting, attn, nothread;
byte nprocs = 2;
byte mp[2];		/* m->p */
bit inside[2];
bit midle[2];
byte nextp[2] = NONE;
bit idle[2], stopped[2];	/* of Ps */
byte parts[TASKS];	/* how many a task has run */

#define work_anywhere	(len(runq) || len(ring[0]) || nprocs == 2 && len(ring[1]))

/* With the lock. */
inline pidleget(p)
{
	if
	:: !gcwaiting && idle[0] -> idle[0] = 0; p = 0
	:: !gcwaiting && !idle[0] && idle[1] -> idle[1] = 0; p = 1
	:: else -> p = NONE
	fi
}

inline wf_startm(p)
{
	atomic {
		!locked && (midle[0] || midle[1] || nothread);
		if
		:: midle[0] -> midle[0] = 0; nextp[0] = p
		:: midle[1] -> midle[1] = 0; nextp[1] = p
		:: !midle[0] && !midle[1] -> idle[p] = 1
		fi;
		p = NONE
	}
}

inline wf_wake()
{
	if
	:: idle[0] || idle[1] -> atomic { !locked -> pidleget(q) }
	:: else
	fi;
	if :: q != NONE -> wf_startm(q) :: else fi
}

proctype M(byte me)
{
	byte g = NONE, q = NONE;

schedule:
	if
	:: mp[me] == NONE -> goto stopm
	:: mp[me] != NONE && gcwaiting && !is_mutant(2) ->	/* wf_gcstopm */
		atomic {
			!locked;
			if :: gcwaiting -> stopped[mp[me]] = 1; mp[me] = NONE :: else fi
		};
		goto schedule
	:: mp[me] != NONE && (!gcwaiting || is_mutant(2))
	fi;
	assert(mp[me] != NONE);
	if	/* its own, another's, the global queue's */
	:: atomic { ring[mp[me]]?g -> goto execute }
	:: atomic {
			empty(ring[mp[me]]) && nprocs == 2;
			if :: ring[1 - mp[me]]?g -> goto execute :: empty(ring[1 - mp[me]]) fi
		}
	:: empty(ring[mp[me]]) && nprocs == 1
	fi;
	atomic {	/* give_up_p */
		!locked;
		if
		:: runq?g -> goto execute
		:: empty(runq) && gcwaiting
		:: empty(runq) && !gcwaiting -> idle[mp[me]] = 1; mp[me] = NONE; goto look_again
		fi
	};
	!is_mutant(2) || !gcwaiting || work_anywhere;	/* or it spins */
	goto schedule;
look_again:
	if
	:: work_anywhere -> atomic { !locked -> pidleget(mp[me]) }; goto schedule
	:: else
	fi;
stopm:	atomic {
		!locked;
		if :: nothread && work_anywhere -> pidleget(mp[me]) :: else fi;
		if :: mp[me] != NONE -> goto schedule :: else -> midle[me] = 1 fi
	};
end_sleep:
	atomic { nextp[me] != NONE -> mp[me] = nextp[me]; nextp[me] = NONE };
	goto schedule;

execute:
	wf_wake();
	if :: parts[g] == 1 -> goto end :: else fi;
leave:	inside[me] = 0;
	if
	:: attn -> inside[me] = 1; goto enter_slow
	:: else
	fi;
	assert(parts[g] == 0);
	parts[g]++;	/* the program's own code */
	inside[me] = 1;
	if
	:: !attn && mp[me] != NONE -> goto end
	:: else
	fi;
enter_slow:
	atomic {
		!locked;
		if :: mp[me] == NONE -> pidleget(mp[me]) :: else fi
	};
	if
	:: mp[me] != NONE && parts[g] == 1 -> goto end
	:: mp[me] != NONE && parts[g] == 0 && !attn -> goto leave
	:: else -> atomic { !locked -> runq!g; g = NONE }
	fi;
	if :: !is_mutant(5) -> wf_wake() :: else fi;
	goto schedule;

end:	assert(parts[g] == 1 && mp[me] != NONE);
	parts[g]++;
	if :: g == 0 -> ring[mp[me]]!1; wf_wake() :: else fi;
	g = NONE;
	goto schedule
}

proctype foreign()
{
	byte q = NONE;

	atomic { !locked -> runq!2 };
	wf_wake()
}

#define seizable(m)	(mp[m] != NONE && (!inside[m] || is_mutant(3)))
#define all_stopped	(stopped[0] && (nprocs == 1 || stopped[1]))

inline stop_idle()
{
	if :: idle[0] -> idle[0] = 0; stopped[0] = 1 :: else fi;
	if :: idle[1] -> idle[1] = 0; stopped[1] = 1 :: else fi
}

inline seize(m)
{
	if :: seizable(m) -> stopped[mp[m]] = 1; mp[m] = NONE :: else fi
}

inline wf_stoptheworld()
{
	atomic { !locked -> locked = 1; gcwaiting = 1 };
	attn = 1;
	stop_idle();
	do
	:: all_stopped -> break
	:: else ->
		if :: !is_mutant(4) -> stop_idle() :: else fi;
		seize(0);
		seize(1);
		if
		:: all_stopped
		:: else ->
			locked = 0;
			seizable(0) || seizable(1) || all_stopped || !is_mutant(4) && (idle[0] || idle[1]);
			atomic { !locked -> locked = 1 }
		fi
	od
}

inline resize(n)
{
	wf_stoptheworld();
	if
	:: n == 1 && !is_mutant(1) -> do :: ring[1]?q -> runq!q :: empty(ring[1]) -> break od
	:: else
	fi;
	nprocs = n;
	/* the second P has no work now, nor when it is new */
	atomic {
		stopped[0] = 0;
		stopped[1] = 0;
		idle[0] = empty(ring[0]);
		idle[1] = (n == 2);
		q = (idle[0] -> NONE : 0)
	};
	gcwaiting = 0;
	attn = 0;
	locked = 0;
	if :: q != NONE -> wf_startm(q) :: else fi;
	if :: !is_mutant(6) -> wf_wake() :: else fi
}

proctype resizer()
{
	byte q = NONE;

	resize(1);
	if :: resize(2) :: skip fi
}

active proctype monitor()
{
	timeout;
	assert(parts[0] == 2 && parts[1] == 2 && parts[2] == 2);
	assert(idle[0] && idle[1] == (nprocs == 2))
}

init
{
	atomic {
		if :: nothread = 1 :: skip fi;
		inside[0] = 1;
		inside[1] = 1;
		mp[1] = 1;
		ring[1]!0;
		run M(0);
		run M(1);
		run foreign();
		run resizer()
	}
}
