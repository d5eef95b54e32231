/*
 * Waiting: what everything that parks a task is built on.
 *
 * A waiter lies in the frame of who waits, a task or a foreign thread. The queue
 * that it is in, and what the queue belongs to, are guarded by a lock of the
 * object's. Who waits queues itself under that lock, which is let go of when it is
 * off its stack; who wakes takes a waiter off under the lock, and readies it then or
 * after it has let go of the lock.
 *
 *   Q1  A wait has up to three who may end it: its waker, its timer, a cancellation.
 *       The one who claims the G (wf_claim_waiter) does. A waker claims under the
 *       lock, so that a waiter that is found in a queue is still in its frame.
 *   Q2  A waiter whose wait was ended by another takes itself off its queue, under
 *       the lock, before its frame is left. Wakers that meet it meanwhile take it
 *       off and go on to the next.
 *   Q3  A waiter's lock changes only under the old and the new one (wf_waitq_move), and
 *       only once its wait can be ended by a waker alone.
 *   Q4  Who withdraws takes a lock of the object's, for which the object has to be there
 *       still. Where it may go as soon as its waiters were woken, a waiter whose wait was
 *       ended by another is left in its queue (wf_waitq_finish), and the object goes once
 *       its queue is empty.
 */
#ifndef WF_WAITQ_H
#define WF_WAITQ_H

#include "sched/sched.h"

struct waiter {
	struct waiter *next, *prev;
	_Atomic(struct lock *) lock; /* of the queue it is in; NULL once it was taken off */
	struct waitq *q;
	struct g *g;
	const void *object; /* which object, or what of it, is waited for */
	void *data;         /* what waiter and waker hand each other */
	bool woken;         /* by a waker, who has left what he had to */
};

/* Linked by next from the first to the last, whose next is NULL; by prev the other
 * way, and the first's prev is the last. */
struct waitq {
	/* changed under the lock; whether there is one may be looked at without, as a hint */
	_Atomic(struct waiter *) first;
};

/* Both relaxed: the lock orders them, and a hint needs no order. */
static inline struct waiter *wf_waitq_first(const struct waitq *q)
{
	return atomic_load_explicit(&q->first, memory_order_relaxed);
}

static inline void wf_waitq_setfirst(struct waitq *q, struct waiter *w)
{
	atomic_store_explicit(&q->first, w, memory_order_relaxed);
}

/* What may end a wait besides its waker and the time. */
enum waitkind {
	WAIT_LOCK, /* nothing: locks, barriers, once */
	WAIT_CALL, /* cancellation and the task's deadline: the API's waiting calls */
};

static inline void wf_waitq_enter(struct waitq *q, struct lock *lock, struct waiter *w)
{
	w->q = q;
	/* relaxed: the lock guards it; see wf_waitq_withdraw */
	atomic_store_explicit(&w->lock, lock, memory_order_relaxed);
}

static inline void wf_waitq_push(struct waitq *q, struct lock *lock, struct waiter *w)
{
	struct waiter *first = wf_waitq_first(q);

	wf_waitq_enter(q, lock, w);
	w->next = NULL;
	if (first) {
		w->prev = first->prev;
		first->prev->next = w;
		first->prev = w;
	} else {
		w->prev = w;
		wf_waitq_setfirst(q, w);
	}
}

static inline void wf_waitq_pushfront(struct waitq *q, struct lock *lock, struct waiter *w)
{
	struct waiter *first = wf_waitq_first(q);

	wf_waitq_enter(q, lock, w);
	w->next = first;
	w->prev = first ? first->prev : w;
	if (first)
		first->prev = w;
	wf_waitq_setfirst(q, w);
}

/* Both with the queue's lock held. */
static inline void wf_waitq_unlink(struct waiter *w)
{
	struct waitq *q = w->q;
	struct waiter *first = wf_waitq_first(q);

	if (w->next)
		w->next->prev = w->prev;
	else
		first->prev = w->prev;
	if (first == w)
		wf_waitq_setfirst(q, w->next);
	else
		w->prev->next = w->next;
}

static inline void wf_waitq_remove(struct waiter *w)
{
	wf_waitq_unlink(w);
	/* release: pairs with wf_waitq_withdraw; from here on w may be gone (Q2) */
	atomic_store_explicit(&w->lock, NULL, memory_order_release);
}

/*
 * Wait until somebody wakes w, which is pushed to the end of q. lock guards q; it is
 * held, and is not held any more when this returns. *m is the caller's, from
 * wf_enter_any, and is what it is on then. w->object and w->data are the caller's
 * to set before.
 *
 * Returns 0 when woken; ETIMEDOUT when the time until, or under WAIT_CALL the
 * task's deadline, came first; ECANCELED when a cancellation ended it, which
 * wf_cancelpoint has to be told of once the caller has put its things in order and
 * left. w is off its queue in any case.
 */
int wf_waitq_wait(struct m **m, struct waitq *q, struct lock *lock, struct waiter *w, int64_t until,
		  enum waitkind kind);

/* The same for a waiter that the caller has pushed, to wherever in the queue. */
int wf_waitq_park(struct m **m, struct lock *lock, struct waiter *w, int64_t until,
		  enum waitkind kind);

/* The first whose wait is not over for another reason, claimed and taken off q; NULL
 * when there is none. lock is held. The caller leaves in w->data what it has to, and
 * then readies w->g, after which w is gone. */
struct waiter *wf_waitq_pop(struct waitq *q);

/* The same for a waiter that was chosen otherwise: false when its wait is over. */
bool wf_waitq_claim(struct waiter *w);

/* The same, but when its wait is over w stays where it is until its owner withdraws it (Q4). */
bool wf_waitq_finish(struct waiter *w);

/* Whether w's wait is not over; its queue's lock is held. */
bool wf_waitq_waits(const struct waiter *w);

/* Of those who wait for object, all, claimed: a list by next. */
struct waiter *wf_waitq_take(struct waitq *q, const void *object);

/* Ready them all. *m is the caller's. */
void wf_waitq_wake(struct m *m, struct waiter *list);

/* The same for a queue of those whose waits nothing but a waker ends (WAIT_LOCK, for ever): all
 * of it, as it is, and then each is claimed and readied in turn, when the lock has been let go
 * of. Nobody withdraws from such a queue, so that nobody needs it any more. */
static inline struct waiter *wf_waitq_detach(struct waitq *q)
{
	struct waiter *all = wf_waitq_first(q);

	wf_waitq_setfirst(q, NULL);
	return all;
}

void wf_waitq_wakedetached(struct m *m, struct waiter *list);

/* Move w to the end of another queue, where only a waker ends its wait; both locks are
 * held. False when its wait is over: then it stays where it is, as with wf_waitq_finish. */
bool wf_waitq_move(struct waiter *w, struct waitq *to, struct lock *lock);

/* Take w off whichever queue it is in by now; no lock is held. */
void wf_waitq_withdraw(struct waiter *w);

/*
 * The same for those who are in several queues at once: the caller has pushed its
 * waiters, and holds what commit lets go of. commit(g, arg) runs once the caller is
 * off its stack: it calls wf_parked(g), then lets go of the locks, and returns true.
 * The caller withdraws its waiters itself. Returns as wf_waitq_wait does.
 */
int wf_wait(struct m **m, wf_commitf *commit, void *arg, int64_t until, enum waitkind kind);

/* What a waiting call begins with: ECANCELED when a cancellation was asked for that
 * the caller is told of, 0 otherwise; does not return when it ends the caller. Called
 * before the runtime is entered. */
int wf_waitcall(void);

#endif
