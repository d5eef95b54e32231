/*
 * Store buffers, as x86 has them (TSO).
 *
 * A thread's plain store goes into a buffer of its own (two entries here) and reaches memory later,
 * in order; its own loads see it at once, those of others only then. A locked instruction waits until
 * the thread's buffer is empty and acts on memory itself. Loads are not delayed and stores do not pass
 * each other, so that acquire and release cost nothing and do not appear: what a model shows missing
 * is a full barrier, a locked instruction or a heavy barrier.
 *
 * The includer defines NTHR (threads 0 to NTHR-1) and NWORD (words 0 to NWORD-1, all zero at first).
 * Buffers are emptied by one more process, at any time it likes. Waiting for it is how a barrier drains.
 */
byte mem[NWORD];
byte sbn[NTHR];			/* stores that wait, a thread */
byte sbw[2 * NTHR];		/* their words, oldest first */
byte sbv[2 * NTHR];		/* their values */
bit fullfence;			/* wf_fullfence: there is no membarrier */

#define drained(t)	(sbn[t] == 0)

/* a load: the thread's own newest store to the word, or memory */
#define ld(t, w) \
	((sbn[t] > 1 && sbw[2 * (t) + 1] == (w)) -> sbv[2 * (t) + 1] : \
	((sbn[t] > 0 && sbw[2 * (t)] == (w)) -> sbv[2 * (t)] : mem[w]))

inline st(thr, word, val)
{
	d_step {
		sbn[thr] < 2;
		sbw[2 * (thr) + sbn[thr]] = word;
		sbv[2 * (thr) + sbn[thr]] = val;
		sbn[thr]++
	}
}

inline xchg(thr, word, val)
{
	d_step { drained(thr); mem[word] = val }
}

/* was: what the word held before */
inline xadd(thr, word, val, was)
{
	d_step { drained(thr); was = mem[word]; mem[word] = mem[word] + val }
}

inline cas(thr, word, from, to, won)
{
	d_step {
		drained(thr);
		won = (mem[word] == (from));
		if
		:: won -> mem[word] = to
		:: else
		fi
	}
}

/* wf_lock and wf_unlock, the latter an exchange; wf_lifelock is the same, but wf_lifeunlock a store */
inline lock(thr, word)
{
	d_step { drained(thr) && mem[word] == 0; mem[word] = 1 }
}

inline unlock(thr, word)
{
	xchg(thr, word, 0)
}

inline lifeunlock(thr, word)
{
	st(thr, word, 0)
}

/* The asymmetric barrier: nothing but the compiler's hands off here, and a membarrier there, which drains
 * the buffers of all threads, one after the other. Without membarrier both are full fences. */
inline light_barrier(thr)
{
	!fullfence || drained(thr)
}

inline heavy_barrier(thr)
{
	drained(thr);
	fullfence || drained(0);
#if NTHR > 1
	fullfence || drained(1);
#endif
#if NTHR > 2
	fullfence || drained(2);
#endif
#if NTHR > 3
	fullfence || drained(3)
#endif
}

inline flush(thr)
{
	d_step {
		sbn[thr] > 0;
		mem[sbw[2 * (thr)]] = sbv[2 * (thr)];
		sbw[2 * (thr)] = sbw[2 * (thr) + 1];
		sbv[2 * (thr)] = sbv[2 * (thr) + 1];
		sbw[2 * (thr) + 1] = 0;
		sbv[2 * (thr) + 1] = 0;
		sbn[thr]--
	}
}

active proctype memory()
{
end:	do
	:: flush(0)
#if NTHR > 1
	:: flush(1)
#endif
#if NTHR > 2
	:: flush(2)
#endif
#if NTHR > 3
	:: flush(3)
#endif
	od
}
