/*
 * Cancellation: asking a task to end, and when it does.
 *
 * The request is a bit of the G's cancel word; who sets it looks for a wait to
 * end (K2, K3 in park.c). The task itself acts upon it, in its waiting calls.
 */
#include <errno.h>

#include <weft/task.h>

#include "sched/fast.h"

void wf_cancelpoint(struct g *g)
{
	if (g->top->state.cancelstate == WEFT_CANCEL_ENABLE)
		weft_exit(WEFT_CANCELED);
	g->top->state.cancelstate = WEFT_CANCEL_DISABLE;
}

/* With g's life locked, so that it is this life that is asked to end. Returns the child that
 * g joins and whose life is to be locked before g's wait can be ended (J1). */
static struct g *request(struct m *m, struct g *g)
{
	uint32_t before = atomic_fetch_or(&g->cancel, GC_REQUESTED);
	unsigned status;

	if (before & GC_REQUESTED)
		return NULL;
	wf_heavy_barrier(); /* pairs with the light one of wf_parked and of joins (K3) */
	status = wf_status(g);
	if (status == G_WAITINGJ)
		return atomic_load_explicit(&g->top->joins, memory_order_relaxed);
	if (status == G_WAITINGC && wf_claim(g, G_WAITINGC)) {
		g->top->cancelled = true;
		wf_goready(m, g);
	} else if (before & GC_ASYNC)
		wf_async_signal(g);
	return NULL;
}

/* End the wait of task, which is or was g, for child, if it goes on. No other life is locked
 * meanwhile: two that join each other could be cancelled at once. */
static void call_off(struct m *m, weft_t task, struct g *g, struct g *child)
{
	uint64_t life = wf_lifelock(child);
	bool joins = (life & (LIFE_JOINING | LIFE_DIRECT)) == (LIFE_JOINING | LIFE_DIRECT) &&
		     child->joiner == g && wf_handle(g) == task && wf_cancellable(g);

	if (joins) {
		child->joiner = NULL;
		g->flags |= GF_CALLEDOFF;
		wf_setstatus(g, G_WAITINGJ, G_RUNNABLE);
		life &= ~(uint64_t)(LIFE_JOINING | LIFE_DIRECT);
	}
	wf_lifeunlock(child, life);
	if (joins)
		wf_goready(m, g);
}

int weft_cancel(weft_t task)
{
	struct m *m = wf_enter_any();
	struct g *g, *child = NULL;
	uint64_t life;
	int error = ESRCH;

	if (!m)
		return ENOMEM;
	if (wf_lifelock_begun(task, &g, &life)) {
		error = life & LIFE_FOREIGN ? EINVAL : 0;
		if (!error && !(life & LIFE_DONE))
			child = request(m, g);
		wf_lifeunlock(g, life);
	}
	if (child)
		call_off(m, task, g, child);
	wf_leave_any(m);
	return error;
}

void weft_testcancel(void)
{
	struct g *g = wf_getg();

	if (g && !(g->flags & GF_FOREIGN) && wf_cancel_due(g) &&
	    g->top->state.cancelstate == WEFT_CANCEL_ENABLE)
		weft_exit(WEFT_CANCELED);
}

/* The record of the caller's own settings; NULL without memory for one. */
static struct gtop *own_top(void)
{
	struct g *g = wf_getg();
	struct m *m;

	if (g)
		return g->top;
	m = wf_foreign_enter();
	if (m)
		wf_foreign_leave(m);
	return m ? &m->top : NULL;
}

/* A request that was pending may be acted upon by now. */
static void act_at_once(void)
{
	struct g *g = wf_getg();

	if (!(g->flags & GF_FOREIGN))
		wf_async_act(g);
}

/* A task's type is known to who cancels it; a foreign thread is not cancelled. */
static int set_type(struct gtop *top, int type)
{
	struct g *g = wf_getg();
	int error = 0;

	if (!(g->flags & GF_FOREIGN) && type != top->state.canceltype) {
		if (type == WEFT_CANCEL_ASYNCHRONOUS)
			error = wf_async_ask(g);
		else
			wf_async_unask(g);
	}
	if (!error)
		top->state.canceltype = (uint8_t)type;
	return error;
}

int weft_deadline(const struct timespec *abs)
{
	struct gtop *top = own_top();
	int64_t until = 0;

	if (abs && wf_until(abs, CLOCK_MONOTONIC, &until))
		return EINVAL;
	if (!top)
		return ENOMEM;
	/* 0 is none: a time that has passed since long is 1 */
	top->state.deadline = abs && !until ? 1 : until;
	return 0;
}

int weft_setcancelstate(int state, int *old)
{
	struct gtop *top = own_top();

	if (state != WEFT_CANCEL_ENABLE && state != WEFT_CANCEL_DISABLE &&
	    state != WEFT_CANCEL_MASKED)
		return EINVAL;
	if (!top)
		return ENOMEM;
	if (old)
		*old = top->state.cancelstate;
	top->state.cancelstate = (uint8_t)state;
	act_at_once();
	return 0;
}

int weft_setcanceltype(int type, int *old)
{
	struct gtop *top = own_top();
	int before, error;

	if (type != WEFT_CANCEL_DEFERRED && type != WEFT_CANCEL_ASYNCHRONOUS)
		return EINVAL;
	if (!top)
		return ENOMEM;
	before = top->state.canceltype;
	error = set_type(top, type);
	if (error)
		return error;
	if (old)
		*old = before;
	act_at_once();
	return 0;
}
