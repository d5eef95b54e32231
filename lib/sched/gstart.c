/*
 * A stack is a loop that runs Gs.
 *
 * wf_gstart is the first frame of every task's stack. It runs the G that the
 * stack was given, ends it, and goes on with the next: when that has not started
 * either, it takes over the stack without any switch. Else the loop stops where
 * it is, in top->idle, and the stack goes to the P's cache: whoever gives it to a
 * fresh G has only to switch there. So a G costs a stack's preparation once in a
 * stack's life, and the signal mask is looked at (by the portable backend) as often.
 *
 * A G that leaves by weft_exit is ended on g0, and its stack begins anew.
 */
#include <stdlib.h>

#include "sched/fast.h"
#include "sched/retake.h"

static struct gtop *stack_for(struct p *p, const struct gattr *attr)
{
	return attr ? wf_stackget(attr->stacksize, attr->guardsize) : wf_stackfresh(p);
}

/* wf_givestack for a G with attributes, or when the P's cache is empty. */
bool wf_givestackslow(struct p *p, struct g *g)
{
	struct gattr *attr = g->flags & GF_ATTR ? (struct gattr *)g->top : NULL;
	struct gtop *top = stack_for(p, attr);

	if (!top) { /* what is free but of another size may make room */
		wf_stackflush(p);
		wf_stacktrim();
		top = stack_for(p, attr);
	}
	if (!top) {
		wf_stackwait(g);
		return false;
	}
	if (attr) {
		if (attr->fpenv) {
			top->env = attr->env;
			g->flags |= GF_FPENV;
		}
		g->flags &= (uint16_t)~GF_ATTR;
		wf_free(attr, sizeof *attr);
	}
	wf_takestack(g, top);
	return true;
}

/* What the task is once it begins; nothing of who was on the stack before. */
static inline void begin(struct m *m, struct g *g, struct gtop *top)
{
	*m->errnop = 0; /* exceptions: who left the M took them along */
	top->state = (struct taskstate){0};
	if (__builtin_expect(g->flags & GF_FPENV, 0))
		wf_fpenv_load(&top->env);
}

/* The thread is as it was before a task that had something special. */
static __attribute__((noinline)) void unload(struct m *m, struct g *g)
{
	if (g->flags & GF_FPENV)
		wf_fpenv_load(&m->top.env);
	wf_blocking_ended(m, g);
}

/* The program's own code; who comes back may be on another M. */
static inline struct m *run(struct m *m, struct g *g, struct gtop *top, uintptr_t *result)
{
	uintptr_t fn = top->fn;
	void *arg = (void *)top->arg;

	*result = 0;
	wf_leave(m);
	if (g->flags & GF_VOID)
		((void (*)(void *))fn)(arg);
	else
		*result = (uintptr_t)((void *(*)(void *))fn)(arg);
	if (wf_unlikely(top->keys.used))
		wf_keys_destroy(&top->keys);
	m = wf_getm();
	if (wf_unlikely(!m || !wf_enter_plain(m)) && !(m = wf_enter_slow(g)))
		exit(0); /* in a forked child this was the last thread */
	if (m->eh)
		*m->eh = (struct ehglobals){0};
	if (wf_unlikely(g->flags & GF_SPECIAL))
		unload(m, g);
	return m;
}

/* main left by weft_exit: the last task to end lets weft_start return. */
static void check_last(void)
{
	uint64_t created = wf_sched.created, finished = wf_sched.finished;

	wf_lock(&wf_sched.lock);
	for (unsigned i = 0; i < wf_sched.nps; i++) {
		created += wf_allp[i]->stats.created;
		finished += wf_finished(wf_allp[i]);
	}
	wf_unlock(&wf_sched.lock);
	if (created == finished)
		wf_last_gone();
}

/* joiner, which waits for g, whose life is locked, is the caller's from here on. */
static inline bool claim_joiner(struct g *joiner, uint64_t life)
{
	if (!(life & LIFE_DIRECT))
		return wf_claim_waiter(joiner);
	wf_setstatus(joiner, G_WAITINGJ, G_RUNNABLE);
	return true;
}

/* g was exposed: lock its life, and let go of it with what it left. Returns the
 * joiner that is to have the result, if it is parked; *direct: it switched to g. */
static struct g *end_exposed(struct m *m, struct g *g, bool *direct)
{
	uintptr_t result = g->sched.ret;
	uint64_t life = wf_lifelock(g);
	struct g *joiner = life & LIFE_JOINING ? g->joiner : NULL;

	*direct = life & LIFE_DIRECT;
	wf_setstatus(g, G_RUNNING, G_DEAD);
	if (life & LIFE_DETACHED || (g->flags & GF_MAIN && !joiner)) {
		wf_lifeend(m, g, life);
		return NULL;
	}
	if (!joiner || !claim_joiner(joiner, life)) {
		wf_lifeunlock(g, life | LIFE_DONE);
		return NULL;
	}
	joiner->sched.ret = result;
	if (!*direct)
		joiner->flags |= GF_JOINED;
	wf_lifeend(m, g, life);
	return joiner;
}

/*
 * g's life is over: whoever joins it gets its result; without one its memory
 * is free. From here on g may be another task at any time. Returns who is to
 * run next because it switched to g itself.
 */
static inline struct g *end(struct m *m, struct g *g)
{
	struct p *p = wf_p(m);
	struct g *joiner;
	bool direct;

	wf_count(&p->stats.finished, 1);
	if (!(g->flags & GF_EXPOSED)) {
		wf_setstatus(g, G_RUNNING, G_DEAD);
		wf_gput(&p->gfree, g);
		return NULL;
	}
	joiner = end_exposed(m, g, &direct);
	if (joiner && direct)
		wf_count(&p->stats.readies, 1);
	else if (joiner)
		wf_goready(m, joiner);
	return joiner && direct ? joiner : NULL;
}

/* end of one who ran in its joiner's place and has nothing special: the joiner, who is to
 * run next, and waits still (J2). NULL: nothing was done. */
static inline struct g *end_directly(struct p *p, struct g *g, uintptr_t result)
{
	uint64_t life = atomic_load_explicit(&g->life, memory_order_relaxed);
	uint64_t next;
	struct g *joiner;

	if ((g->flags & (GF_EXPOSED | GF_LOCKED | GF_MAIN)) != GF_EXPOSED ||
	    (life & LIFE_FLAGS) != (LIFE_JOINING | LIFE_DIRECT) ||
	    wf_unlikely(
		    __builtin_add_overflow(life, LIFE_NEXT - (LIFE_JOINING | LIFE_DIRECT), &next)))
		return NULL;
	if (p->solo)
		atomic_store_explicit(&g->life, next, memory_order_relaxed);
	/* acquire and release: as locking and unlocking it */
	else if (wf_unlikely(!atomic_compare_exchange_strong_explicit(
			 &g->life, &life, next, memory_order_acq_rel, memory_order_relaxed)))
		return NULL;
	joiner = g->joiner;
	g->joiner = g;
	joiner->sched.ret = result;
	wf_setstatus(g, G_RUNNING, G_DEAD);
	if (wf_unlikely(atomic_load_explicit(&g->cancel, memory_order_relaxed)))
		wf_cancelword_clear(g);
	wf_gput(&p->gfree, g);
	wf_count(&p->stats.back, 1);
	return joiner;
}

__attribute__((always_inline)) static inline void after_end(void)
{
	/* relaxed: set before the last task ends, by a task that ends itself */
	if (wf_unlikely(atomic_load_explicit(&wf_sched.mainexited, memory_order_relaxed)))
		check_last();
}

static WF_NOWATCH void schedule_others(struct g *g0)
{
	wf_runcommit(g0->m);
	wf_schedule();
}

/* Stop the loop until the stack is given to another G; g0 finds what to run. */
static __attribute__((noinline)) struct m *stop_for_g0(struct m *m, struct gtop *top)
{
	wf_setcommit(wf_p(m), AFTER_STACK, top);
	m->curg = NULL;
	m->g0fn = schedule_others;
	wf_setg(m->g0);
	if (wf_watched)
		return wf_watched_mcall(&top->idle, &m->g0->sched, wf_g0entry, m->g0, &top->stk,
					m->stk0);
	return wf_ctx_mcall(&top->idle, &m->g0->sched, wf_g0entry, m->g0);
}

/* The same, and next, which has a stack, runs meanwhile. The P may have the stack back at
 * once: nobody but its owner looks at that cache, which is the caller until it has left.
 * Inlined to where the loop is, so that no return is predicted from the call of somebody else. */
__attribute__((always_inline)) static inline struct m *stop_for(struct m *m, struct gtop *top,
								struct g *next, unsigned from)
{
	struct p *p = wf_p(m);

	if (!WF_POISONS && wf_likely(wf_stackfits(p, top)))
		wf_stackpush(p, top);
	else
		wf_setcommit(p, AFTER_STACK, top);
	wf_become(m, next, from);
	if (wf_unlikely(wf_watched))
		return wf_watched_switch(&top->idle, &next->sched, m, &top->stk, &next->top->stk);
	return wf_ctx_switch(&top->idle, &next->sched, m);
}

/* Whether next can't just take over the stack, or be switched to as it is. */
static inline bool awkward(const struct gtop *top, const struct g *next)
{
	return wf_unlikely(next->flags & GF_LOCKED) ||
	       (!(next->flags & GF_STARTED) && wf_unlikely(next->flags & GF_ATTR || !top->common));
}

/* Let g0 sort out what next needs; NULL when there is none. */
static struct m *stop_awkwardly(struct m *m, struct gtop *top, struct g *next)
{
	m->picked = next;
	return stop_for_g0(m, top);
}

/* Run Gs, one after the other, until one has to be switched to. */
__attribute__((always_inline)) static inline struct m *run_gs(struct m *m, struct gtop *top)
{
	for (;;) {
		struct g *g = m->curg, *next;

		uintptr_t result;

		begin(m, g, top);
		m = run(m, g, top, &result);
		next = end_directly(wf_p(m), g, result);
		if (wf_likely(next != NULL))
			return stop_for(m, top, next, G_WAITINGJ);
		g->sched.ret = result;
		if (wf_unlikely(g->flags & (GF_LOCKED | GF_MAIN)))
			wf_goexit(m, g);
		next = end(m, g);
		after_end();
		if (!next)
			next = wf_pick(wf_p(m));
		if (wf_unlikely(!next) || awkward(top, next))
			return stop_awkwardly(m, top, next);
		if (next->flags & GF_STARTED) {
			wf_count(&wf_p(m)->stats.switches, 1);
			return stop_for(m, top, next, G_RUNNABLE);
		}
		wf_ownstack(next, top);
		wf_torun(m, next);
	}
}

void wf_gstart(struct m *m)
{
	struct gtop *top = m->curg->top;

	if (wf_watched)
		wf_hooks_arrive(&top->stk);
	for (;;) {
		wf_runcommit(m);
		if (wf_unlikely(!wf_p(m)->stacks))
			wf_stackahead(wf_p(m));
		m = run_gs(m, top);
	}
}

/* The stack of a G that does not come back to its first frame begins anew. */
static void renew(struct gtop *top)
{
	wf_hooks_unstack(&top->stk);
	wf_hooks_stack(&top->stk);
	wf_ctx_init(&top->idle, top->stk.lo, top->stk.hi, wf_gstart);
}

/* Returns whether the M's thread is to end with g, which was bound to it. */
static bool exited(struct m *m, struct g *g)
{
	struct gtop *top = g->top;
	bool locked = g->flags & GF_LOCKED, main = g->flags & GF_MAIN, exiting = top->state.exiting;
	void *program = (void *)top->arg;
	struct g *next;

	m->curg = NULL;
	next = end(m, g);
	if (locked) {
		m->lockedg = NULL;
		if (next) /* nobody goes on on this thread */
			wf_goready(m, next);
		next = NULL;
	}
	m->picked = next;
	renew(top);
	wf_stackput(wf_p(m), top);
	if (main)
		wf_main_gone(program, exiting);
	after_end();
	return locked;
}

/* On g0: the end of a G that leaves by weft_exit, or whose M has to know. */
static WF_NOWATCH void goexit0(struct g *g)
{
	struct m *m = g->m;

	if (exited(m, g))
		wf_mexit(m);
	wf_schedule();
}

/* End g, whose result is in sched.ret, without coming back to its stack. */
_Noreturn void wf_goexit(struct m *m, struct g *g)
{
	wf_mcall(m, g, goexit0);
	wf_throw("an ended task was resumed");
}
