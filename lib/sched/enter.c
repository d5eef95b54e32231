/*
 * In and out of the runtime, when that takes more than a look: the P was taken, the world is
 * to stop, or something waits to be seen to (wf_enter and wf_leave have the short halves).
 */
#include "sched/retake.h"

/* m's task is back, whose P was taken; whether it computed meanwhile. */
static bool strayed(struct m *m)
{
	bool computed = m->retaken == RETAKEN_PREEMPTED;

	m->retaken = RETAKEN_NOT;
	if (computed) /* relaxed: a hint */
		atomic_fetch_sub_explicit(&wf_sched.strays, 1, memory_order_relaxed);
	return computed;
}

/* Its P was taken from m while g computed, and none is idle: g waits its turn. */
static void queue_self(struct g *g)
{
	struct m *m = g->m;
	bool slow = strayed(m);

	m->curg = NULL;
	if (m->blocking) /* g has to wait, its thread has not */
		wf_blocking_left(m);
	wf_setstatus(g, G_RUNNING, G_RUNNABLE);
	if (slow)
		wf_slowqput(g);
	else
		wf_globrunqput(g);
	wf_wake();
}

static WF_NOWATCH void without_p(struct g *g)
{
	queue_self(g);
	wf_schedule();
}

/* With the P that it had or an idle one; NULL when there is none. */
static struct p *settle_p(struct m *m)
{
	struct p *p;

	wf_lock(&wf_sched.lock); /* who takes Ps holds it: now it is settled */
	p = wf_p(m);
	if (!p && !wf_sched.gcwaiting && (p = wf_pidleget()))
		wf_acquirep(p);
	if (p)
		strayed(m);
	wf_unlock(&wf_sched.lock);
	return p;
}

struct m *wf_enter_slow(struct g *g)
{
	struct m *m = g->m;

	if (g->flags & GF_FOREIGN) {
		wf_foreign_leave(m);
		return NULL;
	}
	if (wf_forked()) {
		wf_forget(g);
		return NULL;
	}
	wf_light_barrier_slow();
	if (!(m->attn & ATTN_SETTLE) && wf_p(m)) /* in this order, as in wf_enter_plain */
		return m;
	return settle_p(m) ? m : wf_mcall(m, g, without_p);
}

/* Whether m is wanted for something else than its task. m0 does not return from weft_start
 * while a task is bound to its thread: that one goes on. */
static bool called_away(const struct m *m)
{
	uint32_t attn = atomic_load(&m->attn);

	return attn & ATTN_STOP || (attn & ATTN_EXIT && !m->lockedg);
}

void wf_leave_slow(struct m *m)
{
	for (;;) {
		wf_light_barrier_slow();
		if (atomic_load(&m->attn) & ATTN_CANCEL)
			wf_async_act_on(m);
		if (!(m->attn & (ATTN_POSTED | ATTN_BLOCK)) && !called_away(m))
			return;
		m = wf_enter();
		if (!m)
			return;
		wf_post_flush(m);
		if (called_away(m))
			m = wf_giveway(m, m->curg);
		if (m->attn & ATTN_BLOCK)
			m = wf_blocking_again(m, m->curg);
		atomic_store_explicit(&m->inside, 0, memory_order_release);
	}
}

int wf_leave_slow_ok(struct m *m)
{
	wf_leave_slow(m);
	return 0;
}
