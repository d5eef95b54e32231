/*
 * A pool: submitting against the last worker going away.
 *
 * lib/pool/submit.c: choose, to_worker, take_back, to_queue, to_wait; lib/pool/work.c: wf_pool_wants, change, take_up,
 * give_back, wf_pool_start; lib/pool/queue.c: wf_jobs_admit; lib/pool/pool.c: conclude, resized, destroy, await_gone;
 * lib/sched/sysmon.c: retry.
 *
 * live counts the workers. Who submits while it is below the bound and nothing is queued counts a worker, and makes a
 * task with the job in hand; else the job is queued; while the queue is full the submitter waits. A worker that has
 * run its job takes the next one, or stops being counted, in one piece under the lock; if there is still work and room for
 * a worker then, it starts one. All of it is under the pool's lock, and so one step here, but for the making of tasks and
 * the jobs themselves. A task may not be had: then its slot is given back, and if jobs are queued and nobody is left, sysmon
 * is to try again, who goes through the list of pools. Who resizes or resumes starts a worker if there is work. Who
 * destroys waits until nobody is in the pool, and takes it off the list.
 *
 * The story: one submitter with two jobs, one with a third, a queue of one, and who changes the bound from one to two or back,
 * or pauses and resumes. At most one worker ends after a job that left something behind; at most one task can't be had.
 * When all are back the pool is drained and freed.
 * Promises: each job that was accepted runs once, and no other; no more jobs run at once than the bound allows; who waits for
 * room goes on; nobody touches the pool once it is freed. Else something waits forever: an invalid end state.
 *
 * mutant 1: a worker that found no job stops being counted once it has let go of the lock
 * mutant 2: who submits counts the worker once its task was made
 * mutant 3: who queues a job starts no worker, and neither does one that ends with jobs left
 * mutant 4: who resumes starts no worker
 * mutant 5: a worker that takes a job lets nobody in who waits for room
 * mutant 6: who could not have a task tells nobody
 * mutant 7: a worker looks at the pool again after it has let go of the lock as the last
 * mutant 8: who destroys does not wait for workers that have no job
 */
#ifndef MUTANT
#define MUTANT	0
#endif
#define is_mutant(n)	(MUTANT == n)

#define JOBS	3
#define NONE	JOBS
#define JOB_OVER (JOBS + 1)
#define CAPACITY 1

mtype = { TO_WORKER, TO_QUEUE, TO_WAIT };

bit listlocked;
bit paused;
byte live, running;
byte bound = 1, most;	/* most: what the bound ever was */
chan queue = [JOBS] of { byte };
chan senders = [JOBS] of { byte };	/* who waits for room: the job that each has */
bit woken[JOBS];
chan tasks = [JOBS + 1] of { byte };	/* workers that were made: a job in hand, or none */
byte ran[JOBS];
bit accepted[JOBS];
byte atonce;		/* jobs that run now */
bit taints, refusals;	/* may happen once more */
bit lacking;		/* sysmon is to try again */
bit freed;
byte out;		/* submitters, and who resizes, that are not back */

#define wants	(len(queue) && live < bound && !paused)

/* wf_go: whether there is a task */
inline go(job)
{
	if
	:: tasks!job; ok = 1
	:: d_step { refusals -> refusals = 0; ok = 0 }
	fi
}

/* With the lock: the slot of a worker that can't be had. */
inline give_back()
{
	assert(!freed);
	live--;
	if :: len(queue) && !live && !is_mutant(6) -> lacking = 1 :: else fi
}

/* Without the lock, for a slot that was taken. */
inline wf_pool_start()
{
	if :: more -> go(NONE); if :: !ok -> atomic { give_back() } :: else fi :: else fi
}

/* With the lock: another is to be started then. */
inline wants_more()
{
	assert(!freed);
	more = wants && !is_mutant(3);
	if :: more -> live++ :: else fi
}

inline submit(job)
{
	atomic {
		assert(!freed);
		if
		:: !len(queue) && live < bound && !paused -> where = TO_WORKER;
			running++;
			if :: !is_mutant(2) -> live++ :: else fi
		:: else ->
			if
			:: len(queue) >= CAPACITY -> where = TO_WAIT; senders!job
			:: else -> where = TO_QUEUE; queue!job; wants_more()
			fi
		fi
	};
	if
	:: where == TO_WORKER ->
		go(job);
		if
		:: !ok -> atomic { running--; give_back() }
		:: ok && is_mutant(2) -> live++
		:: ok && !is_mutant(2)
		fi;
		accepted[job] = ok
	:: where == TO_QUEUE -> accepted[job] = 1; wf_pool_start()
	:: where == TO_WAIT -> woken[job]; accepted[job] = 1
	fi
}

proctype submitter(byte from, to)
{
	bit ok, more;
	byte job;
	mtype where;

	job = from;
	do
	:: job <= to -> submit(job); job++
	:: else -> break
	od;
	out--
}

/* With the lock. */
inline take_up()
{
	if
	:: !ends && !paused && live <= bound && len(queue) ->
		queue?job;
		running++;
		if
		:: !is_mutant(5) && len(queue) < CAPACITY && len(senders) ->
			senders?sent;
			queue!sent;
			woken[sent] = 1
		:: else
		fi
	:: else
	fi
}

/* A thread that runs workers' tasks. */
proctype worker()
{
	byte job = NONE, sent;
	bit ok, more, ends;

end:	do
	:: tasks?job ->
		do
		:: atomic {
				job < NONE -> atonce++;
				assert(atonce <= most);
				ran[job]++
			};
			if :: skip :: d_step { taints -> taints = 0; ends = 1 } fi;
			d_step { atonce--; job = JOB_OVER }
		:: atomic {
				job >= NONE ->
				assert(!freed);
				if :: job == JOB_OVER -> running--; job = NONE :: else fi;
				take_up();
				if :: job == NONE && !is_mutant(1) -> live-- :: else fi;
				wants_more()
			};
			if
			:: is_mutant(1) && job == NONE -> live--
			:: is_mutant(7) && job == NONE -> assert(!freed)
			:: else
			fi;
			wf_pool_start();
			if :: job == NONE -> break :: else fi
		od;
		ends = 0
	od
}

/* In its list a pool does not go. */
proctype sysmon()
{
	bit ok, more;

end:	do
	:: atomic { lacking && !listlocked -> listlocked = 1; lacking = 0 };
		if :: !freed -> atomic { wants_more() }; wf_pool_start() :: else fi;
		atomic { listlocked = 0; more = 0 }
	od
}

proctype resizer(byte n)
{
	bit ok, more;

	atomic { bound = n; wants_more() };
	wf_pool_start();
	out--
}

proctype pauser()
{
	bit ok, more;

	paused = 1;
	atomic { paused = 0; if :: !is_mutant(4) -> wants_more() :: else fi };
	wf_pool_start();
	out--
}

#define inhabited	(len(queue) || running || live && !is_mutant(8) || len(senders))

proctype destroyer()
{
	out == 0;
	atomic { !inhabited && !listlocked -> freed = 1 };
	assert(ran[0] == accepted[0] && ran[1] == accepted[1] && ran[2] == accepted[2])
}

init
{
	atomic {
		out = 2;
		if
		:: bound = 1; most = 1
		:: bound = 1; most = 1; out++; run pauser()
		:: bound = 1; most = 2; out++; run resizer(2)
		:: bound = 2; most = 2; out++; run resizer(1)
		fi;
		if :: taints = 1 :: skip fi;
		if :: refusals = 1 :: skip fi;
		run submitter(0, 1);
		run submitter(2, 2);
		run worker();
		run worker();
		run sysmon();
		run destroyer()
	}
}
