/*
 * The scheduler's loop, on g0: find a runnable G and run it.
 *
 * When is an M woken? Too many awake waste CPU, too few leave work waiting. As in
 * Go's scheduler: one that looks for work without having any is spinning; whoever
 * makes a G runnable wakes an M when some P is idle and nobody spins; a spinning
 * M that finds work wakes the next, so a burst wakes one by one as long as there is
 * work; at most half as many spin as are busy. The last look:
 *
 *   W1  A submitter queues the G, passes a full barrier, and looks at whether a P is
 *       idle and nobody spins. A spinning M gives up its P, says that it spins no
 *       more, passes a full barrier, and looks at all queues once more before it
 *       sleeps. Of the two at least one sees the other.
 *
 * t/model/idle.pml is the model.
 */
#include "sched/fast.h"

/* A spin takes about SPIN_NS. */
enum { STEAL_ROUNDS = 4, SPIN_PAUSES = 30, SPIN_NS = 10000 };

static struct g *from_global(struct p *p)
{
	struct g *g = NULL;

	if (wf_sched.runq.n || wf_sched.slowq.n) {
		wf_lock(&wf_sched.lock);
		g = wf_globrunqget(p, RUNQ_SIZE / 2);
		if (!g)
			g = wf_gqpop(&wf_sched.slowq);
		wf_unlock(&wf_sched.lock);
	}
	return g;
}

/* One round over all others, from a random one on. */
static struct g *steal_round(struct m *m, struct p *p, bool last)
{
	unsigned n = wf_sched.nprocs, first = wf_random(m, n);
	struct g *g;

	for (unsigned i = 0; i < n; i++) {
		struct p *victim = wf_allp[(first + i) % n];

		if (victim != p && (g = wf_runqsteal(p, victim, last)))
			return g;
	}
	return NULL;
}

/* Whether a timer is due before a spin would be over: then it isn't worth while. A thread
 * that sleeps finds what has come due since at one go. */
static bool time_is_near(void)
{
	int64_t next = wf_timers_next();

	return next != WF_FOREVER && next - wf_nanotime() < SPIN_NS;
}

/* Look for somebody else's work as a spinning M. */
static struct g *steal(struct m *m, struct p *p)
{
	uint32_t busy = wf_sched.nprocs - wf_sched.npidle;
	int rounds;
	struct g *g;

	if (!m->spinning && 2 * wf_sched.nmspinning >= busy)
		return NULL;
	if (!m->spinning) {
		m->spinning = true;
		atomic_fetch_add(&wf_sched.nmspinning, 1);
	}
	rounds = time_is_near() ? 1 : STEAL_ROUNDS;
	for (int round = 0; round < rounds && !wf_sched.gcwaiting; round++) {
		wf_chaos();
		g = steal_round(m, p, round == rounds - 1);
		if (g || (g = from_global(p)))
			return g;
		if (rounds == 1)
			break;
		for (int i = 0; i < SPIN_PAUSES << round; i++)
			wf_relax();
	}
	return NULL;
}

/* What the timers of other Ps, which may be idle, have to offer. */
static struct g *from_timers(struct m *m, struct p *p)
{
	int64_t next = wf_timers_next(), now;

	if (next == WF_FOREVER)
		return NULL;
	now = wf_nanotime();
	if (next > now)
		return NULL;
	wf_timers_overdue(m, now);
	return wf_pick(p);
}

/* An M without work gives its P up; returns one with a last find, or NULL. */
static struct g *give_up_p(struct p *p)
{
	struct g *g;

	wf_lock(&wf_sched.lock);
	if (wf_sched.gcwaiting) {
		wf_unlock(&wf_sched.lock);
		return NULL;
	}
	g = wf_globrunqget(p, RUNQ_SIZE / 2);
	if (!g)
		g = wf_gqpop(&wf_sched.slowq);
	if (!g) {
		wf_releasep();
		wf_pidleput(p);
	}
	wf_unlock(&wf_sched.lock);
	return g;
}

bool wf_work_for(struct p *p)
{
	return !wf_runqempty(p) || wf_sched.runq.n || wf_sched.slowq.n;
}

/* W1: the look after an M gave its P up and said that it spins no more. */
bool wf_work_anywhere(void)
{
	if (wf_sched.runq.n || wf_sched.slowq.n)
		return true;
	for (unsigned i = 0; i < wf_sched.nprocs; i++)
		if (!wf_runqempty(wf_allp[i]))
			return true;
	return false;
}

/* There is work: have an idle P for it, spinning as before. */
static bool take_idle_p(struct m *m, bool spinning)
{
	struct p *p;

	wf_lock(&wf_sched.lock);
	p = wf_sched.gcwaiting ? NULL : wf_pidleget();
	wf_unlock(&wf_sched.lock);
	if (!p)
		return false;
	wf_acquirep(p);
	if (spinning) {
		m->spinning = true;
		atomic_fetch_add(&wf_sched.nmspinning, 1);
	}
	return true;
}

/* Whether the M has something else to do than to look for tasks. */
static bool wanted(struct m *m)
{
	return wf_sched.dying || m->ending || (m == &wf_m0 && wf_sched.m0exit && !m->staying);
}

/* Sleep until there is a P with work; or come back without one when wanted. */
static void sleep_without_p(struct m *m)
{
	bool spinning = m->spinning;

	if (spinning) {
		m->spinning = false;
		atomic_fetch_sub(&wf_sched.nmspinning, 1);
	}
	if (wf_work_anywhere() && take_idle_p(m, spinning))
		return;
	wf_stopm();
}

/* A runnable G; sleeps while there is none. NULL when the M is wanted. */
struct g *wf_findrunnable(struct m *m)
{
	struct g *g;

	for (;;) {
		struct p *p = wf_p(m);

		if (wanted(m))
			return NULL;
		if (!p) {
			wf_stopm();
			continue;
		}
		if (wf_sched.gcwaiting) {
			wf_gcstopm();
			continue;
		}
		wf_timers_look(p);
		if ((g = wf_pick(p)) || (g = from_global(p)) || (g = steal(m, p)) ||
		    (g = from_timers(m, p)) || (g = give_up_p(p)))
			return g;
		if (!wf_p(m))
			sleep_without_p(m);
	}
}

/* A spinning M found work. Who queued more meanwhile saw it spin and woke nobody:
 * if there is more, another is woken now. */
static void reset_spinning(struct m *m)
{
	m->spinning = false;
	atomic_fetch_sub(&wf_sched.nmspinning, 1);
	if (wf_work_anywhere() || wf_timers_unkept())
		wf_wake();
}

/* Hand on what a leaving M has. m0 stays while there is work and no thread for
 * another M: what was accepted is run. */
static bool may_leave(struct m *m)
{
	struct p *p = wf_p(m);

	m->staying = false;
	if (!p && !wf_sched.dying && wf_timers_unkept()) /* it may have been the keeper */
		wf_wake();
	if (!p || wf_handoffp(wf_releasep()) || wf_sched.dying)
		return true;
	if (!wf_work_anywhere() || !take_idle_p(m, false))
		return true;
	m->staying = m == &wf_m0;
	m->ending = false;
	return false;
}

/* The next G for this M: ready to be entered. NULL when the M is wanted. */
static struct g *next_g(struct m *m)
{
	for (;;) {
		struct g *g = m->picked;

		if (m->lockedg) {
			wf_stoplockedm(m);
			return m->lockedg;
		}
		m->picked = NULL;
		if (!g)
			g = wf_findrunnable(m);
		m->staying = false;
		if (m->spinning)
			reset_spinning(m);
		if (!g && may_leave(m))
			return NULL;
		if (!g)
			continue;
		if (g->flags & GF_LOCKED) {
			wf_startlockedm(m, g);
			continue;
		}
		if (g->flags & GF_STARTED || wf_givestack(wf_p(m), g))
			return g;
	}
}

/* A timer was armed, or the keeper was given this P, and the M goes on to run a task. */
static void see_timers_kept(struct p *p)
{
	p->armed = false;
	if (wf_timers_unkept())
		wf_wake();
}

static __attribute__((noinline)) void prepare(struct m *m, struct g *g)
{
	if (wf_unlikely(wf_p(m)->armed))
		see_timers_kept(wf_p(m));
	wf_torun(m, g);
}

WF_NOWATCH void wf_execute(struct m *m, struct g *g)
{
	prepare(m, g);
	if (wf_watched)
		wf_hooks_leave(m->stk0, &g->top->stk);
	wf_gogo(&g->sched);
}

/* One round of the scheduler; comes back on g0's stack with the next mcall. */
WF_NOWATCH void wf_schedule(void)
{
	struct m *m = wf_getg()->m;
	struct g *g = next_g(m);

	if (!g)
		wf_gogo(&m->g0->sched); /* makes wf_mstart return */
	wf_execute(m, g);
}
