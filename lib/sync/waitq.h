/*
 * The wait queue: what synchronisation objects park on.
 *
 * A waiter lies in the frame of who waits. The queue and what it belongs to are
 * guarded by a lock of the object; the caller queues itself under it and parks, and
 * the lock is let go of when it is off its stack. Who wakes takes a waiter off under
 * the lock and readies it afterwards.
 */
#ifndef WF_WAITQ_H
#define WF_WAITQ_H

#include "sched/sched.h"

struct waiter {
	struct waiter *next;
	struct g *g;
	const void *object; /* for queues that several objects share */
};

struct waitq {
	struct waiter *head, **tail;
};

/* Queue the caller and wait until it is woken. lock is held, and is not when this
 * returns. Not ended by cancellation. */
void wf_waitq_wait(struct waitq *q, struct lock *lock, const void *object);

/* Take those who wait for object off the queue; lock is held. */
struct waiter *wf_waitq_take(struct waitq *q, const void *object);

/* Ready them; lock is not held. */
void wf_waitq_wake(struct waiter *list);

#endif
