/*
 * Parking and readying: how a G leaves the processor and how it comes back.
 *
 * A G that waits switches to the next G of its P directly; g0 comes in only when
 * there is none at hand. The next G is chosen first, then the stack is left, and
 * the commit, run by whoever is on the M then, makes the old one findable (I3).
 *
 *   K1  The commit calls wf_parked before anybody can find g, or under the lock
 *       that who finds it has to take: only a G whose status is one of the
 *       G_WAITINGs is readied.
 *   K2  A cancellable wait has two who may end it, its waker and a canceller. The
 *       compare and swap of the status decides (wf_claim_waiter, weft_cancel).
 *   K3  weft_cancel sets the request, passes a heavy barrier, looks at the
 *       status. wf_parked sets the status, passes the light one, looks at the
 *       request. One of the two sees the other.
 *   K4  What K3 looks at belongs to this wait only while the lock of K1 is held: once
 *       it is released, a cancelled waiter may withdraw, end, and its G be another
 *       task that waits. So wf_parked comes before the unlocking. (A joiner whose child
 *       runs in its place is not woken in this way: J1 in join.c.)
 *
 * t/model/park.pml is the model.
 */
#include <sched.h>

#include <weft/task.h>

#include "sched/fast.h"
#include "sched/retake.h"

enum { TURN_NS = 1000000 };

void wf_callcommit(struct m *m, struct p *p)
{
	struct commit commit = p->commit;

	if (!commit.fn(commit.what, commit.arg)) {
		wf_setstatus(commit.what, G_RUNNING, G_WAITING);
		wf_goready(m, commit.what);
	}
}

/* What few tasks have to save when they leave, and to load when they go on. */
void wf_savespecial(struct m *m, struct g *g)
{
	if (g->flags & GF_FPENV) {
		wf_fpenv_save(&g->top->env);
		wf_fpenv_load(&m->top.env);
	}
	if (g->flags & GF_BLOCKING) /* relaxed: see struct m */
		atomic_store_explicit(&m->blocking, 0, memory_order_relaxed);
}

void wf_loadspecial(struct m *m, struct g *g)
{
	if (g->flags & GF_FPENV)
		wf_fpenv_load(&g->top->env);
	if (g->flags & GF_BLOCKING)
		wf_blocking_resumed(m);
	if (g->flags & GF_ASYNC)
		wf_async_resumed(m, g);
}

/* The first thing on g0's stack: what mcall was asked for. */
WF_NOWATCH void wf_g0entry(struct g *g)
{
	struct m *m = g->m;

	if (wf_watched)
		wf_hooks_arrive(m->stk0);
	m->g0fn(g);
	wf_throw("a function on g0 returned");
}

struct m *wf_mcall(struct m *m, struct g *g, void (*fn)(struct g *))
{
	wf_savetask(m, g);
	m->g0fn = fn;
	wf_setg(m->g0);
	if (wf_watched)
		m = wf_watched_mcall(&g->sched, &m->g0->sched, wf_g0entry, g, &g->top->stk,
				     m->stk0);
	else
		m = wf_ctx_mcall(&g->sched, &m->g0->sched, wf_g0entry, g);
	wf_runcommit(m); /* it was not g0 that resumed g, but another G */
	wf_loadtask(m, g);
	return m;
}

/* On g0: g's commit, then others. */
static WF_NOWATCH void park_on_g0(struct g *g)
{
	struct m *m = g->m;

	if (m->curg == g)
		m->curg = NULL;
	wf_runcommit(m);
	if (m->blocking) /* g waits within a blocking call: its thread is free (B3) */
		wf_blocking_left(m);
	wf_schedule();
}

static inline void call_after(struct p *p, wf_commitf *fn, struct g *g, void *arg)
{
	p->commit.fn = fn;
	p->commit.arg = arg;
	wf_setcommit(p, AFTER_CALL, g);
}

struct m *wf_parktog0(struct m *m, struct g *g)
{
	return wf_mcall(m, g, park_on_g0);
}

/* Leave the M to others; commit says what becomes of g. */
static inline struct m *leave_to_next(struct m *m, struct g *g, wf_commitf *commit, void *arg)
{
	struct p *p = wf_p(m);
	struct g *next = g->flags & GF_LOCKED ? NULL : wf_pickswitchable(m, p);

	call_after(p, commit, g, arg);
	return next ? wf_switchto(m, g, next) : wf_parktog0(m, g);
}

struct m *wf_gopark(struct m *m, struct g *g, wf_commitf *commit, void *arg, bool cancellable)
{
	wf_chaos();
	wf_setcancellable(g, cancellable);
	wf_count(&wf_p(m)->stats.parks, 1);
	return leave_to_next(m, g, commit, arg);
}

/* Whether a cancellation was asked for before g was seen to wait; claims it then. */
bool wf_cancelledwhileparking(struct g *g)
{
	wf_light_barrier_slow(); /* K3, without membarrier too */
	if (!(atomic_load_explicit(&g->cancel, memory_order_relaxed) & GC_REQUESTED) ||
	    !wf_claim(g, G_WAITINGC))
		return false;
	g->top->cancelled = true;
	return true;
}

/* wf_parked when a cancellation was asked for, or may have been. */
void wf_parkedslow(struct g *g)
{
	if (wf_cancelledwhileparking(g))
		wf_goready(wf_getg()->m, g);
}

bool wf_makerunnable(struct p *p, struct g *g)
{
	if (wf_status(g) == G_WAITING)
		wf_setstatus(g, G_WAITING, G_RUNNABLE);
	if (g->flags & GF_FOREIGN) {
		wf_notewakeup(&g->m->park);
		return false;
	}
	if (p) {
		wf_count(&p->stats.readies, 1);
		wf_runqputnext(p, g);
	} else {
		atomic_fetch_add_explicit(&wf_sched.readied, 1, memory_order_relaxed);
		wf_globrunqput(g);
	}
	return true;
}

void wf_goready(struct m *m, struct g *g)
{
	wf_chaos();
	if (wf_makerunnable(m ? wf_p(m) : NULL, g))
		wf_wake();
}

void wf_readyall(struct m *m, struct gqueue *ready)
{
	struct p *p = m ? wf_p(m) : NULL;
	struct g *g;

	if (!ready->n)
		return;
	if (p) {
		wf_count(&p->stats.readies, ready->n);
		while ((g = wf_gqpop(ready)))
			wf_runqput(p, g);
	} else {
		atomic_fetch_add_explicit(&wf_sched.readied, ready->n, memory_order_relaxed);
		wf_globrunqputall(ready);
	}
	/* an M that looks for work runs the only one itself */
	if (!p || m->curg || wf_runqlen(p) > 1)
		wf_wake();
}

/* The caller is runnable still, but not here. */
static bool requeue_global(struct g *g, void *arg)
{
	(void)arg;
	wf_setstatus(g, G_RUNNING, G_RUNNABLE);
	wf_globrunqput(g);
	return true;
}

/* To the global queue and to g0: the M is wanted for something else. */
struct m *wf_giveway(struct m *m, struct g *g)
{
	call_after(wf_p(m), requeue_global, g, NULL);
	return wf_mcall(m, g, park_on_g0);
}

/* Let the other runnable Gs of this P go first; NULL: there is none. */
static inline struct m *gosched(struct m *m, struct g *g)
{
	struct p *p = wf_p(m);
	struct g *next = g->flags & GF_LOCKED ? NULL : wf_pickswitchable(m, p);

	if (wf_likely(next != NULL)) {
		wf_setcommit(p, AFTER_QUEUE, g);
		return wf_switchto(m, g, next);
	}
	if (!m->picked && !(g->flags & GF_LOCKED) && !wf_sched.runq.n && !wf_sched.slowq.n)
		return NULL;
	return wf_giveway(m, g);
}

/* The caller has nobody of this P to let go first, but others compute without one: the
 * kernel may let them. Not each time: those would use up a slice of its own each. */
static void let_strays_run(struct m *m)
{
	if (wf_nanotime() - m->gave < TURN_NS)
		return;
	sched_yield();
	m->gave = wf_nanotime();
}

/* weft_yield when anything is special. */
static __attribute__((noinline)) int yield_slow(void)
{
	struct m *m = wf_enter(), *then;

	if (!m)
		return sched_yield();
	then = gosched(m, m->curg);
	wf_leave(then ? then : m);
	/* relaxed: a hint */
	if (!then && atomic_load_explicit(&wf_sched.strays, memory_order_relaxed))
		let_strays_run(m);
	return 0;
}

/* The same once next was taken from the ring, and is fresh or bound to an M. */
static __attribute__((noinline)) int yield_to(struct m *m, struct g *g, struct g *next)
{
	struct p *p = wf_p(m);
	struct m *then;

	if (next->flags & GF_LOCKED) {
		m->picked = next;
		m = wf_giveway(m, g);
	} else if (wf_givestack(p, next)) {
		wf_setcommit(p, AFTER_QUEUE, g);
		m = wf_switchto(m, g, next);
	} else if ((then = gosched(m, g))) {
		m = then;
	}
	wf_leave(m);
	return 0;
}

int weft_yield(void)
{
	struct m *m = wf_getm();
	struct g *g, *next;
	struct p *p;

	if (wf_unlikely(!m))
		return yield_slow();
	p = wf_enter_plain(m);
	g = m->curg;
	if (wf_unlikely(!p || g->flags & GF_LOCKED || p->pass == 1 ||
			atomic_load_explicit(&p->runnext, memory_order_relaxed)))
		return yield_slow();
	next = wf_runqget(p);
	if (wf_unlikely(!next))
		return yield_slow();
	p->pass--;
	if (wf_unlikely((next->flags & (GF_STARTED | GF_LOCKED)) != GF_STARTED))
		return yield_to(m, g, next);
	wf_setcommit(p, AFTER_QUEUE, g);
	return wf_leave_ok(wf_switchto(m, g, next));
}
