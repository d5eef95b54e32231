/*
 * The wait queue; waitq.h tells how it is used.
 */
#include "sched/waitq.h"

#include <errno.h>

#include "sched/fast.h"

int wf_waitcall(void)
{
	struct g *g = wf_getg();

	if (!g || g->flags & GF_FOREIGN || !wf_cancel_due(g))
		return 0;
	wf_cancelpoint(g);
	return ECANCELED;
}

/* The time at which a wait of g ends by itself. */
static int64_t ends_at(const struct g *g, int64_t until, enum waitkind kind)
{
	return kind == WAIT_CALL ? wf_endsat(g, until) : until;
}

void wf_havetimer(struct g *g, struct timer *t, int64_t until)
{
	*t = (struct timer){.when = until, .g = g};
	g->top->timer = t;
	g->flags |= GF_TIMER;
	if (until <= wf_nanotime())
		g->flags |= GF_TIMEDOUT;
}

int wf_waitended(struct g *g)
{
	int error = g->flags & GF_TIMEDOUT ? ETIMEDOUT : g->top->cancelled ? ECANCELED : 0;

	if (g->flags & GF_TIMER)
		wf_timer_stop(g->top->timer);
	g->flags &= (uint16_t) ~(GF_TIMED | GF_TIMER | GF_TIMEDOUT);
	return error;
}

int wf_wait(struct m **m, wf_commitf *commit, void *arg, int64_t until, enum waitkind kind)
{
	struct g *g = wf_getg();
	_Alignas(CACHELINE) struct timer timer; /* others' meet it in their heap: one miss */

	until = ends_at(g, until, kind);
	if (until != WF_FOREVER)
		wf_havetimer(g, &timer, until);
	g->top->cancelled = false;
	g->flags |= GF_TIMED;
	if ((*m)->foreign)
		wf_foreign_park(*m, commit, arg, until);
	else
		*m = wf_gopark(*m, g, commit, arg, kind == WAIT_CALL && wf_cancellable(g));
	return wf_waitended(g);
}

/* Commit: the waiter is queued already; from here on it may be woken. */
static bool unlock(struct g *g, void *lock)
{
	wf_parked(g);
	wf_unlock(lock);
	return true;
}

/* wf_waitq_park of a wait that has an end. */
static __attribute__((noinline)) int park_until(struct m **m, struct lock *lock, struct waiter *w,
						int64_t until, enum waitkind kind)
{
	int error;

	if (until <= wf_nanotime()) {
		wf_waitq_remove(w);
		wf_unlock(lock);
		return ETIMEDOUT;
	}
	error = wf_wait(m, unlock, lock, until, kind);
	if (error)
		wf_waitq_withdraw(w);
	return error;
}

int wf_waitq_park(struct m **m, struct lock *lock, struct waiter *w, int64_t until,
		  enum waitkind kind)
{
	struct g *g = wf_getg();

	w->g = g;
	w->woken = false;
	until = ends_at(g, until, kind);
	if (wf_unlikely(until != WF_FOREVER))
		return park_until(m, lock, w, until, kind);
	if ((*m)->foreign)
		wf_foreign_park(*m, unlock, lock, WF_FOREVER);
	else
		*m = wf_parkunlock(*m, g, lock, kind == WAIT_CALL && wf_cancellable(g));
	if (wf_likely(w->woken))
		return 0;
	wf_waitq_withdraw(w);
	return ECANCELED;
}

int wf_waitq_wait(struct m **m, struct waitq *q, struct lock *lock, struct waiter *w, int64_t until,
		  enum waitkind kind)
{
	wf_waitq_push(q, lock, w);
	return wf_waitq_park(m, lock, w, until, kind);
}

bool wf_waitq_finish(struct waiter *w)
{
	if (!wf_claim_waiter(w->g))
		return false; /* its owner may be reading woken */
	w->woken = true;
	wf_waitq_remove(w);
	return true;
}

bool wf_waitq_claim(struct waiter *w)
{
	if (wf_waitq_finish(w))
		return true;
	wf_waitq_remove(w); /* the last look at it */
	return false;
}

bool wf_waitq_waits(const struct waiter *w)
{
	unsigned status = wf_status(w->g);

	return status == G_WAITING || status == G_WAITINGC || status == G_WAITINGT;
}

struct waiter *wf_waitq_pop(struct waitq *q)
{
	struct waiter *w;

	while ((w = wf_waitq_first(q)))
		if (wf_waitq_claim(w))
			return w;
	return NULL;
}

struct waiter *wf_waitq_take(struct waitq *q, const void *object)
{
	struct waiter *taken = NULL, **end = &taken, *w, *next;

	for (w = wf_waitq_first(q); w; w = next) {
		next = w->next;
		if (w->object != object || !wf_waitq_claim(w))
			continue;
		w->next = NULL;
		*end = w;
		end = &w->next;
	}
	return taken;
}

void wf_waitq_wake(struct m *m, struct waiter *list)
{
	while (list) {
		struct waiter *w = list;

		list = w->next; /* w is gone as soon as its owner runs */
		wf_goready(m, w->g);
	}
}

void wf_waitq_wakedetached(struct m *m, struct waiter *list)
{
	while (list) {
		struct waiter *w = list;
		struct g *g = w->g;

		list = w->next;
		if (!wf_claim_waiter(g))
			wf_throw("a wait ended that only its waker ends");
		w->woken = true;
		wf_goready(m, g);
	}
}

bool wf_waitq_move(struct waiter *w, struct waitq *to, struct lock *lock)
{
	if (!wf_claim_waiter(w->g))
		return false;
	wf_setstatus(w->g, G_RUNNABLE, G_WAITING);
	w->woken = true; /* for the wait that began in the other queue */
	wf_waitq_unlink(w);
	wf_waitq_push(to, lock, w);
	return true;
}

void wf_waitq_withdraw(struct waiter *w)
{
	struct lock *lock;

	/* acquire: pairs with wf_waitq_remove; looked at again under the lock (Q3) */
	while ((lock = atomic_load_explicit(&w->lock, memory_order_acquire))) {
		bool ours;

		wf_lock(lock);
		ours = atomic_load_explicit(&w->lock, memory_order_relaxed) == lock;
		if (ours)
			wf_waitq_remove(w);
		wf_unlock(lock);
		if (ours)
			return;
	}
}
