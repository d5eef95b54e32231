/*
 * The wait queue; waitq.h tells how it is used.
 */
#include "sync/waitq.h"

#include "sched/fast.h"

static void enqueue(struct waitq *q, struct waiter *w)
{
	w->next = NULL;
	if (!q->head)
		q->tail = &q->head;
	*q->tail = w;
	q->tail = &w->next;
}

/* Commit: the waiter is queued already; from here on it may be woken. */
static bool unlock(struct g *g, void *lock)
{
	wf_parked(g);
	wf_unlock(lock);
	return true;
}

void wf_waitq_wait(struct waitq *q, struct lock *lock, const void *object)
{
	struct m *m = wf_enter(), *foreign = m ? NULL : wf_foreign_enter();
	struct waiter w = {.g = wf_getg(), .object = object};

	if (!m && !foreign)
		wf_throw("no memory for a thread to wait");
	enqueue(q, &w);
	if (m) {
		wf_leave(wf_gopark(m, w.g, unlock, lock, false));
	} else {
		wf_foreign_park(foreign, unlock, lock);
		wf_foreign_leave(foreign);
	}
}

struct waiter *wf_waitq_take(struct waitq *q, const void *object)
{
	struct waiter **at = &q->head, *taken = NULL, **end = &taken;

	while (*at) {
		struct waiter *w = *at;

		if (w->object != object) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = NULL;
		*end = w;
		end = &w->next;
	}
	q->tail = at;
	return taken;
}

void wf_waitq_wake(struct waiter *list)
{
	struct m *m = wf_enter();

	while (list) {
		struct waiter *w = list;

		list = w->next; /* w is gone as soon as its owner runs */
		wf_goready(m, w->g);
	}
	if (m)
		wf_leave(m);
}
