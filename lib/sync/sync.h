/*
 * What the objects of this folder share: the place where one waits for them, the life
 * that this place is of, and the mutex as condition variables see it.
 *
 * The rules that all of them keep:
 *   S1  The last that a call touches of an object is what gives it away, or lets go of
 *       a waiter: whoever is let in may end the object and free it. An object that is
 *       handed to a waiter is the waiter's from then on, and the waiter is readied only
 *       when the lock has been let go of.
 *   S2  Somebody waits, so the bit WAIT of the object's word is set: who sees it goes the
 *       long way. It is set and cleared under the lock; it may be set though nobody
 *       waits any more, and who finds that out clears it.
 */
#ifndef WF_SYNC_H
#define WF_SYNC_H

#include <weft/sync.h>

#include "sched/timer.h"
#include "sched/waitq.h"

#define wf_rarely(condition) __builtin_expect(!!(condition), 0)

/* An attribute object that was destroyed; the value of one that is not is a small one. */
enum { ATTR_GONE = -1 };

/*
 * Where one waits for an object. After a fork the waiters of before are other tasks'
 * and threads' of the parent, and one of those may have held the lock: in a new life
 * (wf_sched.forks) the place starts anew when it is first locked.
 */
struct waitpoint {
	struct waitq queue;
	struct lock lock; /* guards queue, and what the object says */
	_Atomic uint32_t life;
};

/* Begin a new life; forget puts right what the object itself knows of waiters. */
void wf_waitpoint_renew(struct waitpoint *at, void (*forget)(struct waitpoint *));

static inline void wf_waitpoint_lock(struct waitpoint *at, void (*forget)(struct waitpoint *))
{
	/* acquire: pairs with wf_waitpoint_renew's release */
	if (wf_rarely(atomic_load_explicit(&at->life, memory_order_acquire) !=
		      (uint32_t)wf_sched.forks))
		wf_waitpoint_renew(at, forget);
	wf_lock(&at->lock);
}

/* Whether a time can be told by it. */
static inline bool wf_clock_known(clockid_t clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

/* The calling task or the stand-in of the calling thread; NULL without memory for one. */
struct g *wf_caller(void);

/* --- a mutex, for cond.c --------------------------------------------------------- */

struct mutex {
	struct waitpoint at;
	_Atomic uintptr_t word; /* the holder's G, and bits: see mutex.c */
	int type;               /* as in weft_mutex_t: the holder's to read */
	uint32_t nested;        /* how often a recursive one is locked beyond once */
};

/* Who waits in a mutex's queue, or may come to be moved there. */
struct lockwait {
	struct waiter waiter;
	unsigned losses; /* how often it was woken and somebody else was faster */
	bool handed;     /* it holds the mutex */
	bool competes;   /* it was woken to take it, and the mutex says so */
};

/* 0 when g holds it; EPERM, or EINVAL for one that was destroyed. */
int wf_mutex_check(const struct mutex *mutex, const struct g *g);

/* Unlock a mutex that the caller holds: once, if it is locked more often. m is inside. */
void wf_mutex_release(struct m *m, struct mutex *mutex);

/* Lock it again, after the wait of w for something else has ended. */
void wf_mutex_reacquire(struct m **m, struct mutex *mutex, struct lockwait *w);

/* Whoever waits at from waits for the mutex from now on, and for nothing else; one of
 * them is woken if it is free. from is locked, and is not when this returns. */
void wf_mutex_requeue(struct m *m, struct mutex *mutex, struct waitpoint *from);

#endif
