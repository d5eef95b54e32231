/*
 * Tasks bound to their M.
 *
 * Such a task (weft_lock_thread) is run by no other M: who takes it from a queue hands its P
 * to that one, which sleeps until then.
 */
#include <errno.h>

#include <weft/runtime.h>

#include "sched/sched.h"

enum { LOCKS_MAX = 1 << 30 };

/* The task of this M waits or is queued: the P goes to others until somebody who
 * has the task in hand brings one. */
void wf_stoplockedm(struct m *m)
{
	struct p *p = wf_p(m);

	if (p) {
		wf_count(&p->stats.handoffs, 1);
		wf_handoffp(wf_releasep());
	}
	wf_msleep(m, WF_FOREVER);
	wf_noteclear(&m->park);
	p = m->nextp;
	m->nextp = NULL;
	wf_acquirep(p);
}

/* g was taken from a queue by an M that may not run it. */
void wf_startlockedm(struct m *m, struct g *g)
{
	struct m *to = g->m;
	struct p *p;

	wf_count(&wf_p(m)->stats.handoffs, 1);
	p = wf_releasep();
	to->nextp = p;
	wf_notewakeup(&to->park);
	wf_stopm();
}

/* A foreign thread is its own as it is: there the nesting is only counted. */
int weft_lock_thread(void)
{
	struct m *m = wf_enter_any();
	struct g *g = wf_getg();
	int error = 0;

	if (!m)
		return ENOMEM;
	if (g->top->state.locks == LOCKS_MAX)
		error = EAGAIN;
	else if (g->top->state.locks++ == 0 && !m->foreign) {
		g->flags |= GF_LOCKED;
		m->lockedg = g;
	}
	wf_leave_any(m);
	return error;
}

int weft_unlock_thread(void)
{
	struct m *m = wf_enter_any();
	struct g *g = wf_getg();
	int error = 0;

	if (!m)
		return ENOMEM;
	if (!g->top->state.locks)
		error = EPERM;
	else if (--g->top->state.locks == 0 && !m->foreign) {
		g->flags &= (uint16_t)~GF_LOCKED;
		m->lockedg = NULL;
	}
	wf_leave_any(m);
	return error;
}
