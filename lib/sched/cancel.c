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

/* With g's life locked, so that it is this life that is asked to end. */
static void request(struct m *m, struct g *g)
{
	if (atomic_fetch_or(&g->cancel, GC_REQUESTED) & GC_REQUESTED)
		return;
	wf_heavy_barrier(); /* pairs with wf_parked's light one (K3) */
	if (wf_status(g) == G_WAITINGC && wf_claim(g, G_WAITINGC))
		wf_goready(m, g);
}

int weft_cancel(weft_t task)
{
	struct m *m = wf_enter_any();
	struct g *g;
	uint64_t life;
	int error = ESRCH;

	if (!m)
		return ENOMEM;
	if (wf_lifelock_begun(task, &g, &life)) {
		error = life & LIFE_FOREIGN ? EINVAL : 0;
		if (!error && !(life & LIFE_DONE))
			request(m, g);
		wf_lifeunlock(g, life);
	}
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
	return 0;
}

int weft_setcanceltype(int type, int *old)
{
	struct gtop *top = own_top();

	if (type != WEFT_CANCEL_DEFERRED && type != WEFT_CANCEL_ASYNCHRONOUS)
		return EINVAL;
	if (!top)
		return ENOMEM;
	if (old)
		*old = top->state.canceltype;
	top->state.canceltype = (uint8_t)type;
	return 0;
}
