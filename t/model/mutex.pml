/*
 * Mutexes: barging, hand-over, and waits that end at their time.
 *
 * lib/sync/mutex.c: lock_fast, take, take_or_wait, wait_inside, enter, weft_mutex_unlock, release_alone,
 * wf_mutex_release, hand_over, release_to; lib/sched/waitq.c: wf_waitq_pop, wf_waitq_withdraw.
 *
 * The word is who holds the mutex (0: nobody) and the bits WAIT (somebody is in the queue) and WOKEN (one that was
 * taken off the queue is on his way to the mutex). Each change of it is one compare and swap, so a step here is a
 * look at the word and a swap that may fail. The queue and WAIT are guarded by a lock. Who unlocks and finds WAIT
 * without WOKEN takes the first off the queue; when that one has lost before, the holder puts him in its place, else
 * it sets WOKEN and lets go of the mutex, which is the last that it touches. Who was woken takes the mutex and clears
 * WOKEN, or clears it and enters the queue at its front.
 *
 * A timed wait may be ended by its time instead of a waker: whoever claims it first decides (the status word of
 * park.pml, one step here). It takes itself off the queue then, if no waker has.
 *
 * The story: N tasks lock, once or twice, and unlock; the last one waits with a time, which may come.
 * Promises: one holds it at a time; nobody waits for ever while the mutex is free (an invalid end state); who is
 * handed the mutex holds it; nobody loses more than LIMIT times; at the end nobody holds it, nothing is in the queue,
 * and no bit but WAIT is left.
 *
 * mutant 1: WAIT is set before the queue's lock is taken
 * mutant 2: who was woken enters the queue again without clearing WOKEN
 * mutant 3: an unlock looks at the bits and lets go in two steps
 * mutant 4: who enters the queue does not look again whether the mutex is free
 * mutant 5: the holder lets go of the mutex before it takes a waiter off, and does not look again
 * mutant 6: a waker takes a waiter whose time has come for one it has woken
 * mutant 7: who has lost is woken to compete all the same
 * mutant 8: WAIT is cleared with the last waiter after the queue's lock was let go of
 */
#ifndef MUTANT
#define MUTANT	0
#endif
#define is_mutant(n)	(MUTANT == n)

#define N	3
#define LIMIT	1
#define NOBODY	0

/* tasks are 1 to N */
byte holder;		/* of the word */
bit wait_bit, woken_bit;
bit qlock;
byte queue[N];		/* tasks, first to last; 0 is none */
byte queued;

#define RUNS	0
#define WAITS	1
#define CLAIMED	2	/* by a waker, and not readied yet */
#define TIMED	3	/* by its time */
byte status[N + 1];
bit handed[N + 1], competes[N + 1];
byte losses[N + 1];
byte inside;		/* how many are in what the mutex guards */
byte turns[N + 1];

inline lock_queue()	{ atomic { !qlock -> qlock = 1 } }
inline unlock_queue()	{ qlock = 0 }

inline push_back()	{ queue[queued] = me; queued++ }
inline push_front()
{
	i = queued;
	do
	:: i > 0 -> queue[i] = queue[i - 1]; i--
	:: else -> break
	od;
	queue[0] = me;
	queued++
}

inline drop_at(at)
{
	i = at;
	do
	:: i + 1 < queued -> queue[i] = queue[i + 1]; i++
	:: else -> break
	od;
	queued--;
	queue[queued] = 0;
	i = 0
}

/* the first whose wait is not over; those in front of it are taken off too */
inline pop()
{
	d_step {
		w = 0;
		do
		:: queued > 0 && w == 0 ->
			if
			:: status[queue[0]] == WAITS -> w = queue[0]; status[w] = CLAIMED
			:: status[queue[0]] != WAITS && is_mutant(6) -> w = queue[0]
			:: else
			fi;
			drop_at(0)
		:: else -> break
		od
	}
}

/* a task that waits alone for something is woken by its status: RUNS */
inline ready(task)
{
	status[task] = RUNS
}

/* take, by who has the word in sight: free it is his at once */
inline take()
{
	atomic {
		if
		:: holder == NOBODY ->
			holder = me;
			if :: competes[me] -> woken_bit = 0; competes[me] = 0 :: else fi;
			got = 1
		:: else
		fi
	}
}

/* with the queue locked */
inline take_or_wait()
{
	atomic {
		if
		:: holder == NOBODY && !is_mutant(4) ->
			holder = me;
			if :: competes[me] -> woken_bit = 0; competes[me] = 0 :: else fi;
			got = 1
		:: else ->
			wait_bit = 1;
			if :: competes[me] && !is_mutant(2) -> woken_bit = 0 :: else fi
		fi
	}
}

inline acquire()
{
	got = 0;
	take();
	do
	:: got -> break
	:: !got ->
		if
		:: is_mutant(1) -> take_or_wait(); if :: !got -> lock_queue() :: else fi
		:: !is_mutant(1) -> lock_queue(); take_or_wait(); if :: got -> unlock_queue() :: else fi
		fi;
		if
		:: got -> break
		:: else
		fi;
		d_step {
			if
			:: competes[me] ->
				competes[me] = 0;
				losses[me]++;
				assert(losses[me] <= LIMIT);
				push_front()
			:: else -> push_back()
			fi;
			status[me] = WAITS
		};
		unlock_queue();
		if
		:: status[me] == RUNS
		:: me == N && status[me] == TIMED -> goto timed_out
		fi;
		if
		:: handed[me] -> handed[me] = 0; assert(holder == me); got = 1
		:: else -> take()
		fi
	od
}

/* release_alone: done when nobody is to be woken */
inline release_alone()
{
	if
	:: is_mutant(3) ->
		done = !wait_bit || woken_bit;
		if :: done -> holder = NOBODY :: else fi
	:: else ->
		atomic {
			if
			:: !wait_bit || woken_bit -> holder = NOBODY; done = 1
			:: else
			fi
		}
	fi
}

inline release()
{
	done = 0;
	release_alone();
	do
	:: done -> break
	:: !done ->
		if :: is_mutant(5) -> holder = NOBODY :: else fi;
		lock_queue();
		pop();
		if :: queued == 0 && !is_mutant(8) -> wait_bit = 0 :: else fi;
		if
		:: w != 0 && losses[w] >= LIMIT && !is_mutant(7) && !is_mutant(5) ->
			atomic { handed[w] = 1; holder = w };
			unlock_queue();
			ready(w);
			done = 1
		:: else ->
			unlock_queue();
			if :: queued == 0 && is_mutant(8) -> wait_bit = 0 :: else fi;
			if
			:: w == 0 && is_mutant(5) -> done = 1
			:: w == 0 && !is_mutant(5) -> release_alone()
			:: else ->
				atomic {
					competes[w] = 1;
					woken_bit = 1;
					if :: !is_mutant(5) -> holder = NOBODY :: else fi
				};
				ready(w);
				done = 1
			fi
		fi;
		w = 0
	od
}

proctype task(byte me)
{
	byte i, w;
	bit got, done;

	do
	:: turns[me] > 0 ->
		acquire();
		inside++;
		assert(inside == 1 && holder == me);
		inside--;
		release();
		losses[me] = 0;
		turns[me]--
	:: else -> break
	od;
	goto out;
timed_out:
	lock_queue();
	d_step {
		i = 0;
		do
		:: i < queued && queue[i] != me -> i++
		:: else -> break
		od;
		if :: i < queued -> drop_at(i) :: else fi;
		i = 0
	};
	unlock_queue();
	assert(!handed[me] && !competes[me]);
	status[me] = RUNS;
	turns[me] = 0;
out:
	skip
}

/* init is the timer too: the time of the last task's wait comes, or does not */
bit with_timer;

init
{
	byte k;

	atomic {
		turns[1] = 2;
		turns[2] = 2;
		turns[3] = 1;
		run task(1);
		run task(2);
		run task(3);
		if
		:: with_timer = 1
		:: skip
		fi
	};
	do
	:: atomic { with_timer && status[N] == WAITS -> status[N] = TIMED; with_timer = 0 }
	:: turns[1] == 0 && turns[2] == 0 && turns[3] == 0 && _nr_pr == 1 -> break
	od;
	assert(holder == NOBODY && queued == 0 && !woken_bit);
	for (k : 1 .. N) {
		assert(!handed[k] && !competes[k])
	}
}
