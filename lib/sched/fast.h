/*
 * The paths that a task's life takes when nothing special is in the way: from the
 * cache of free Gs to the ring, from there to a stack, and back. Inline, because
 * a call costs as much as what it would do here; what is rare is in the file that
 * has the name of the thing.
 */
#ifndef WF_FAST_H
#define WF_FAST_H

#include "sched/sched.h"

#define wf_likely(condition) __builtin_expect(!!(condition), 1)
#define wf_unlikely(condition) __builtin_expect(!!(condition), 0)

/* --- run queues (runq.c has the protocol, R1 to R3) ------------------------------- */

/*
 * A P that is alone is the only one: its queue is nobody else's, and nobody sleeps who
 * might be woken for what is in it. That stays so while its owner is inside, since the
 * world is stopped before another P is made.
 */

/*
 * A P that is solo is alone, and no foreign thread has ever come in: what only those may
 * look at who are inside (a life word, an object's lock) its owner alone looks at, between
 * coming in and leaving or switching. So that takes no locked instruction, and no lock. It
 * stays so while its owner is inside, since a foreign thread stops the world before it comes
 * in for the first time. sysmon touches nothing of the kind but what has a timer, nor does an M
 * without a P.
 */

/* Put g into p's ring, behind all others; false when that is full. A full barrier, unless
 * alone. Owner only. */
__attribute__((always_inline)) static inline bool wf_runqpush(struct p *p, struct g *g, bool alone)
{
	/* acquire: the taker has read the slot that is written next (R2) */
	uint32_t head = atomic_load_explicit(&p->runqhead, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&p->runqtail, memory_order_relaxed);

	if (wf_unlikely(tail - head >= RUNQ_SIZE))
		return false;
	atomic_store_explicit(&p->runq[tail % RUNQ_SIZE], g, memory_order_relaxed);
	/* pairs with wf_runqget's load of tail, and orders what wf_wake looks at */
	if (alone)
		atomic_store_explicit(&p->runqtail, tail + 1, memory_order_release);
	else
		atomic_exchange(&p->runqtail, tail + 1);
	return true;
}

/* Queue g behind all others of p. A full barrier, unless alone. Owner only. */
__attribute__((always_inline)) static inline void wf_runqput(struct p *p, struct g *g)
{
	if (wf_unlikely(!wf_runqpush(p, g, p->alone)))
		wf_runqputslow(p, g);
}

/* Have somebody woken for what the owner of p has queued. */
static inline void wf_wakefor(const struct p *p)
{
	if (!p->alone)
		wf_wake();
}

/* Have g run next on p; who was to be is queued. A full barrier. Owner only. */
static inline void wf_runqputnext(struct p *p, struct g *g)
{
	struct g *before = atomic_load_explicit(&p->runnext, memory_order_relaxed);

	if (p->alone)
		atomic_store_explicit(&p->runnext, g, memory_order_release);
	else
		before = atomic_exchange(&p->runnext, g);
	if (wf_unlikely(before != NULL))
		wf_runqput(p, before);
}

/* The oldest of a ring; NULL when it is empty. Anybody. */
static inline struct g *wf_runqget(struct p *p)
{
	for (;;) {
		uint32_t head = atomic_load(&p->runqhead);
		uint32_t tail = atomic_load(&p->runqtail);
		struct g *g;

		if ((int32_t)(tail - head) <= 0)
			return NULL;
		g = atomic_load_explicit(&p->runq[head % RUNQ_SIZE], memory_order_relaxed);
		if (p->alone) {
			atomic_store_explicit(&p->runqhead, head + 1, memory_order_release);
			return g;
		}
		if (wf_likely(atomic_compare_exchange_weak(&p->runqhead, &head, head + 1)))
			return g;
	}
}

/* Take back what is just before tail, the newest in p's ring, which is not empty as it looks;
 * false: a thief was faster. Owner only. */
static inline bool wf_runqtaketail(struct p *p, uint32_t tail)
{
	uint32_t head;
	int32_t left;
	bool ours;

	if (p->alone) {
		atomic_store_explicit(&p->runqtail, tail - 1, memory_order_release);
		return true;
	}
	atomic_exchange(&p->runqtail, tail - 1);
	head = atomic_load(&p->runqhead);
	left = (int32_t)(tail - 1 - head);
	if (wf_likely(left > 0)) /* R3: no thief gets as far */
		return true;
	ours = left == 0 && atomic_compare_exchange_strong(&p->runqhead, &head, head + 1);
	atomic_store_explicit(&p->runqtail, tail, memory_order_release);
	return ours;
}

/* The newest in p's ring, as it looks: a thief may have it at any time. NULL when the ring is
 * empty: what its slots hold was taken, and may be gone. Owner only. */
static inline struct g *wf_runqnewest(struct p *p, uint32_t tail)
{
	/* acquire: pairs with a thief's compare and swap */
	if (atomic_load_explicit(&p->runqhead, memory_order_acquire) == tail)
		return NULL;
	return atomic_load_explicit(&p->runq[(tail - 1) % RUNQ_SIZE], memory_order_relaxed);
}

/* Take g back if it is the newest in p's ring and nobody has it yet. Owner only. */
static inline bool wf_runqtake(struct p *p, struct g *g)
{
	uint32_t tail = atomic_load_explicit(&p->runqtail, memory_order_relaxed);

	return wf_runqnewest(p, tail) == g && wf_runqtaketail(p, tail);
}

/* Take back the newest in p's ring if handle is of its life, which nothing has happened to;
 * whether it still is, its life's lock tells. Owner only. */
static inline struct g *wf_runqtakelife(struct p *p, unsigned long handle)
{
	uint32_t tail = atomic_load_explicit(&p->runqtail, memory_order_relaxed);
	struct g *g = wf_runqnewest(p, tail);

	if (!g || handle & LIFE_FLAGS ||
	    atomic_load_explicit(&g->life, memory_order_relaxed) != handle)
		return NULL;
	return wf_runqtaketail(p, tail) ? g : NULL;
}

/* What p runs next of what it has at hand; NULL when that is nothing. */
static inline struct g *wf_pick(struct p *p)
{
	struct g *g;

	if (wf_unlikely(--p->pass == 0) && (g = wf_pickturn(p)))
		return g;
	g = atomic_load_explicit(&p->runnext, memory_order_relaxed);
	if (g && p->alone) {
		atomic_store_explicit(&p->runnext, NULL, memory_order_relaxed);
		return g;
	}
	if (g && atomic_compare_exchange_strong(&p->runnext, &g, NULL))
		return g;
	return wf_runqget(p);
}

/* --- free Gs (g.c) ------------------------------------------------------------------ */

static inline struct g *wf_gget(struct gcache *cache)
{
	struct g *g = cache->list;

	if (wf_unlikely(!g) && !(g = wf_gfill(cache)))
		return NULL;
	cache->list = g->schedlink;
	cache->n--;
	return g;
}

/* g is G_DEAD, its life word says which generation the next one is. */
static inline void wf_gput(struct gcache *cache, struct g *g)
{
	if (wf_unlikely(cache->n == GCACHE_BATCH))
		wf_gspill(cache);
	g->schedlink = cache->list;
	cache->list = g;
	cache->n++;
}

/* --- lives (g.c) ---------------------------------------------------------------------- */

/* Take the lock in a G's life word, held for a few instructions and never while its
 * holder waits. Returns the word as it was. */
static inline uint64_t wf_lifelock(struct g *g)
{
	uint64_t word = atomic_load_explicit(&g->life, memory_order_relaxed);

	/* acquire: pairs with wf_lifeunlock's release */
	if (wf_likely(!(word & LIFE_LOCK)) &&
	    wf_likely(atomic_compare_exchange_strong_explicit(
		    &g->life, &word, word | LIFE_LOCK, memory_order_acquire, memory_order_relaxed)))
		return word;
	return wf_lifelock_slow(g);
}

static inline void wf_lifeunlock(struct g *g, uint64_t life)
{
	/* release: pairs with the acquire of the next who locks it */
	atomic_store_explicit(&g->life, life, memory_order_release);
}

/* Take the lock in a G's life word if handle is (still) its: *life is the word
 * as it was. False for a stale handle. Generation 0 is what slots have that no G
 * was ever in. It does no harm to lock another life for a moment. */
static inline bool wf_lifelock_of(unsigned long handle, struct g **gp, uint64_t *life)
{
	uint32_t index = wf_index(handle);
	struct g *chunk, *g;
	uint64_t word;

	/* acquire: pairs with chunk_new's release */
	chunk = (struct g *)atomic_load_explicit(&wf_chunks[index >> CHUNK_BITS],
						 memory_order_acquire);
	if (wf_unlikely(!chunk || !wf_generation(handle)))
		return false;
	*gp = g = chunk + index % CHUNK_GS;
	*life = word = wf_lifelock(g);
	if (wf_likely((word & ~LIFE_FLAGS) == handle))
		return true;
	wf_lifeunlock(g, word);
	return false;
}

/* The same where a handle may be one that nobody was given: of a life that has not begun,
 * or of a task whose handle was never asked for. joiner was written before the status. */
static inline bool wf_lifelock_begun(unsigned long handle, struct g **gp, uint64_t *life)
{
	if (!wf_lifelock_of(handle, gp, life))
		return false;
	if (wf_status(*gp) == G_DEAD ? *life & (LIFE_DONE | LIFE_FOREIGN) : (*gp)->joiner != *gp)
		return true;
	wf_lifeunlock(*gp, *life);
	return false;
}

static inline struct chunk *wf_chunk_of(const struct g *g)
{
	return (struct chunk *)((uintptr_t)g & ~(uintptr_t)(CHUNK_SIZE - 1));
}

/* The caller knows that this life goes on meanwhile. */
static inline unsigned long wf_handle(const struct g *g)
{
	return atomic_load_explicit(&g->life, memory_order_relaxed) & ~LIFE_FLAGS;
}

/* The end of a life whose handle was known, and whose lock the caller has: no
 * handle of before is good any more, and g is free. */
static inline void wf_lifeend(struct m *m, struct g *g, uint64_t life)
{
	uint64_t next = (life & ~LIFE_FLAGS) + LIFE_NEXT;

	g->joiner = g;
	if (wf_unlikely(atomic_load_explicit(&g->cancel, memory_order_relaxed) ||
			!wf_generation(next))) {
		wf_lifeend_slow(m, g, next);
		return;
	}
	wf_lifeunlock(g, next);
	wf_gput(wf_gcache(m), g);
}

/* --- stacks (stack.c) -------------------------------------------------------------------- */

/* Whether top can simply be kept by p. */
static inline bool wf_stackfits(const struct p *p, const struct gtop *top)
{
	/* relaxed: who waits for a stack is seen to by the next one */
	return top->common && p->nstacks != STACK_CACHE_MAX &&
	       !atomic_load_explicit(&wf_sched.nstackwait, memory_order_relaxed);
}

static inline void wf_stackpush(struct p *p, struct gtop *top)
{
	top->link = p->stacks;
	p->stacks = top;
	p->nstacks++;
}

static inline void wf_stackput(struct p *p, struct gtop *top)
{
	wf_poison(top);
	if (wf_unlikely(!wf_stackfits(p, top)))
		wf_stackputslow(p, top);
	else
		wf_stackpush(p, top);
}

/* From a cache that is not empty. */
static inline struct gtop *wf_stackpop(struct p *p)
{
	struct gtop *top = p->stacks;

	p->stacks = top->link;
	p->nstacks--;
	return top;
}

/* A fresh G has the stack from now on: one that runs it, or is to. */
static inline void wf_ownstack(struct g *g, struct gtop *top)
{
	top->fn = g->sched.pc;
	top->arg = g->sched.ctxt;
	g->top = top;
	g->stack = top->stack;
	g->stackguard0 = g->stackguard1 = top->stack.lo;
	g->flags |= GF_STARTED;
}

/* Give a fresh G a stack that nobody is on. */
static inline void wf_takestack(struct g *g, struct gtop *top)
{
	wf_ownstack(g, top);
	wf_ctx_hand(&g->sched, &top->idle);
}

/* The same from the P's cache; false: there is none, and g waits for one. */
static inline bool wf_givestack(struct p *p, struct g *g)
{
	if (wf_unlikely(!p->stacks || g->flags & GF_ATTR))
		return wf_givestackslow(p, g);
	wf_takestack(g, wf_stackpop(p));
	return true;
}

/* --- switching (park.c) --------------------------------------------------------------------- */

/* Whether a wait that g begins now may be ended by a cancellation. */
static inline bool wf_cancellable(const struct g *g)
{
	return g->top->state.cancelstate != CANCEL_DISABLE && !g->top->state.exiting;
}

/* Whether a waiting call of g is to end by a cancellation that was asked for. */
static inline bool wf_cancel_due(const struct g *g)
{
	/* acquire: pairs with weft_cancel's fetch_or */
	return wf_unlikely(atomic_load_explicit(&g->cancel, memory_order_acquire) & GC_REQUESTED) &&
	       wf_cancellable(g);
}

/* Whether a waiting call of g may end otherwise than by its waker or a cancellation to
 * come: it was asked to end, or has a deadline. */
static inline bool wf_wait_special(const struct g *g)
{
	return wf_cancel_due(g) || wf_unlikely(g->top->state.deadline != 0);
}

/* The time at which a waiting call of g ends that is to end at until. */
static inline int64_t wf_endsat(const struct g *g, int64_t until)
{
	int64_t deadline = g->top->state.deadline;

	return wf_unlikely(deadline) && deadline < until ? deadline : until;
}

static inline void wf_setcancellable(struct g *g, bool cancellable)
{
	g->flags = (uint16_t)((g->flags & ~GF_CANCELLABLE) | (cancellable ? GF_CANCELLABLE : 0));
}

/* g, off its stack, waits from now on (K1). */
__attribute__((always_inline)) static inline void wf_parked(struct g *g)
{
	if (wf_unlikely(g->flags & GF_TIMER)) {
		wf_parkedtimed(g);
		return;
	}
	if (!(g->flags & GF_CANCELLABLE)) {
		wf_setstatus(g, G_RUNNING, g->flags & GF_TIMED ? G_WAITINGT : G_WAITING);
		return;
	}
	wf_setstatus(g, G_RUNNING, G_WAITINGC);
	wf_light_barrier(); /* pairs with weft_cancel's heavy one (K3) */
	if (wf_unlikely(atomic_load_explicit(&g->cancel, memory_order_relaxed) & GC_REQUESTED ||
			wf_fullfence))
		wf_parkedslow(g);
}

/* What libc and the C++ runtime keep per thread and a task keeps over a switch. */
static inline void wf_savetask(struct m *m, struct g *g)
{
	struct gtop *top = g->top;

	top->error = *m->errnop;
	if (m->eh) {
		top->eh = *m->eh;
		*m->eh = (struct ehglobals){0};
	}
	if (wf_unlikely(g->flags & (GF_FPENV | GF_BLOCKING)))
		wf_savespecial(m, g);
}

static inline void wf_loadtask(struct m *m, struct g *g)
{
	struct gtop *top = g->top;

	*m->errnop = top->error;
	if (m->eh)
		*m->eh = top->eh;
	if (wf_unlikely(g->flags & GF_SPECIAL))
		wf_loadspecial(m, g);
}

/* The next G is to do this once the caller's context has left its stack (I3). */
static inline void wf_setcommit(struct p *p, enum after after, void *what)
{
	p->commit.after = after;
	p->commit.what = what;
}

/* Do it. */
__attribute__((always_inline)) static inline void wf_runcommit(struct m *m)
{
	struct p *p = wf_p(m);
	enum after after = p->commit.after;
	void *what = p->commit.what;

	if (after == AFTER_NOTHING)
		return;
	p->commit.after = AFTER_NOTHING;
	if (after == AFTER_STACK) { /* its task ended */
		wf_stackput(p, what);
	} else if (after == AFTER_QUEUE) { /* it yielded */
		wf_setstatus(what, G_RUNNING, G_RUNNABLE);
		wf_runqput(p, what);
		wf_wakefor(p);
	} else if (after == AFTER_JOIN) { /* it joins the G that runs now (J1) */
		struct g *child = m->curg;
		uint64_t life = atomic_load_explicit(&child->life, memory_order_relaxed);

		wf_lifeunlock(child, life ^ (LIFE_LOCK | LIFE_JOINING | LIFE_DIRECT));
	} else if (after == AFTER_UNLOCK) { /* it waits in a queue */
		struct lock *lock = p->commit.arg;

		wf_parked(what); /* K4 */
		wf_unlock(lock);
	} else if (after == AFTER_CALL) {
		wf_callcommit(m, p);
	}
}

/* to, which the caller has in hand, becomes what runs on m. */
static inline void wf_become(struct m *m, struct g *to, unsigned from)
{
	wf_setstatus(to, from, G_RUNNING);
	atomic_store_explicit(&to->m, m, memory_order_relaxed); /* C1 */
	m->curg = to;
	wf_setg(to);
}

static inline void wf_torun(struct m *m, struct g *to)
{
	wf_become(m, to, G_RUNNABLE);
	wf_count(&wf_p(m)->stats.switches, 1);
}

/* The direct switch. to has its stack and is not bound to an M. Returns the M
 * that g runs on when it goes on. */
__attribute__((always_inline)) static inline struct m *wf_switchto(struct m *m, struct g *g,
								   struct g *to)
{
	wf_chaos();
	wf_savetask(m, g);
	wf_torun(m, to);
	if (wf_unlikely(wf_watched))
		m = wf_watched_switch(&g->sched, &to->sched, m, &g->top->stk, &to->top->stk);
	else
		m = wf_ctx_switch(&g->sched, &to->sched, m);
	wf_runcommit(m);
	wf_loadtask(m, g);
	return m;
}

/* Claim a G that was found waiting; false when it was cancelled meanwhile, or is
 * not off its stack yet. */
static inline bool wf_claim_waiter(struct g *g)
{
	unsigned status = wf_status(g);

	if (status == G_WAITING) {
		wf_setstatus(g, G_WAITING, G_RUNNABLE);
		return true;
	}
	return (status == G_WAITINGC || status == G_WAITINGT) && wf_claim(g, status);
}

/* A G that can be switched to from here; NULL when g0 has to find one. */
static inline struct g *wf_pickswitchable(struct m *m, struct p *p)
{
	struct g *next;

	while ((next = wf_pick(p))) {
		if (wf_unlikely(next->flags & GF_LOCKED)) {
			m->picked = next;
			return NULL;
		}
		if (next->flags & GF_STARTED || wf_givestack(p, next))
			return next;
	}
	return NULL;
}

/* wf_pickswitchable by a P that is alone: rather who was just readied. */
static inline struct g *wf_pickalone(struct m *m, struct p *p)
{
	struct g *g = atomic_load_explicit(&p->runnext, memory_order_relaxed);

	if (wf_unlikely(!g || p->pass == 1 || (g->flags & (GF_STARTED | GF_LOCKED)) != GF_STARTED))
		return wf_pickswitchable(m, p);
	p->pass--;
	atomic_store_explicit(&p->runnext, NULL, memory_order_relaxed);
	return g;
}

/* wf_parkunlock where nobody else is who could look at g or at the queue (p is solo). */
__attribute__((always_inline)) static inline struct m *wf_parksolo(struct m *m, struct p *p,
								   struct g *g, bool cancellable)
{
	struct g *next;

	wf_chaos();
	wf_count(&p->stats.parks, 1);
	next = wf_unlikely(g->flags & GF_LOCKED) ? NULL : wf_pickalone(m, p);
	wf_setstatus(g, G_RUNNING, cancellable ? G_WAITINGC : G_WAITING);
	return wf_likely(next != NULL) ? wf_switchto(m, g, next) : wf_parktog0(m, g);
}

/* wf_gopark of one who was queued under a lock that is still held, and is let go of
 * when g is off its stack. */
__attribute__((always_inline)) static inline struct m *
wf_parkunlock(struct m *m, struct g *g, struct lock *lock, bool cancellable)
{
	struct p *p = wf_p(m);
	struct g *next;

	wf_chaos();
	wf_setcancellable(g, cancellable);
	wf_count(&p->stats.parks, 1);
	next = wf_unlikely(g->flags & GF_LOCKED) ? NULL : wf_pickswitchable(m, p);
	p->commit.arg = lock;
	wf_setcommit(p, AFTER_UNLOCK, g);
	return wf_likely(next != NULL) ? wf_switchto(m, g, next) : wf_parktog0(m, g);
}

/* wf_goready of a task by one who has a P: it runs next. */
__attribute__((always_inline)) static inline void wf_readynext(struct m *m, struct g *g)
{
	struct p *p = wf_p(m);

	if (wf_unlikely(g->flags & GF_FOREIGN)) {
		wf_goready(m, g);
		return;
	}
	wf_chaos();
	if (wf_status(g) == G_WAITING)
		wf_setstatus(g, G_WAITING, G_RUNNABLE);
	wf_count(&p->stats.readies, 1);
	wf_runqputnext(p, g);
	wf_wakefor(p);
}

/* The same where the P is solo, and g, claimed already, is a task. */
__attribute__((always_inline)) static inline void wf_readysolo(struct m *m, struct g *g)
{
	struct p *p = wf_p(m);
	struct g *before = atomic_load_explicit(&p->runnext, memory_order_relaxed);

	wf_chaos();
	wf_count(&p->stats.readies, 1);
	atomic_store_explicit(&p->runnext, g, memory_order_relaxed);
	if (wf_unlikely(before != NULL))
		wf_runqput(p, before);
}

#endif
