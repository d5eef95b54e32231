/*
 * Joining, and letting go.
 *
 * A G's joiner and the LIFE_ bits are guarded by the lock in its life word. The
 * joiner is entered there before it parks; its commit looks again whether the
 * child is done. A child that nobody has started is taken back from the queue's
 * tail and switched to at once; at its end it switches back (LIFE_DIRECT).
 *
 *   J1  A joiner that switches to its child is G_WAITINGJ while it is still on its own
 *       stack: it has the child's life locked, and whoever may end its wait (the child's end,
 *       weft_cancel) locks that first. The child, on its stack, unlocks it.
 *   J2  LIFE_JOINING and LIFE_DIRECT and no other flag say that joiner is such a one, and that
 *       nobody has the lock: the child's end takes the joiner and ends the life by one
 *       compare and swap.
 *
 * Of two tasks that join each other one is told (EDEADLK), and the other goes on waiting,
 * for the end of the one that was told: see of_two.
 *
 * t/model/join.pml is the model.
 */
#include <errno.h>

#include <weft/task.h>

#include "sched/fast.h"

/* What keeps a task from being joined by (another) anybody. */
enum { LIFE_UNJOINABLE = LIFE_DETACHED | LIFE_JOINING | LIFE_FOREIGN };

/* The life of an ended child, locked, is over; its result was wanted. */
static void reap(struct m *m, struct g *child, uint64_t life, void **value)
{
	void *result = (void *)child->sched.ret;

	wf_lifeend(m, child, life);
	if (value)
		*value = result;
}

/* Locks handle's G for its joiner. Errors leave it unlocked. */
static int lock_joinable(weft_t handle, const struct g *self, struct g **child, uint64_t *life)
{
	int error;

	if (!wf_lifelock_begun(handle, child, life))
		return ESRCH;
	error = *child == self ? EDEADLK : *life & LIFE_UNJOINABLE ? EINVAL : 0;
	if (error)
		wf_lifeunlock(*child, *life);
	return error;
}

/* Whether child joins self: then neither would ever end. Both are entered as
 * joiners before they look, so at least the later one sees it. */
static bool joins_me(struct g *self, struct g *child)
{
	uint64_t life = wf_lifelock(self);
	bool yes = life & LIFE_JOINING && self->joiner == child;

	wf_lifeunlock(self, life);
	return yes;
}

/* Not the joiner any more. Returns false when the child has ended meanwhile. */
static bool withdraw(struct g *child)
{
	uint64_t life = wf_lifelock(child);
	bool running = !(life & LIFE_DONE);

	if (running) {
		child->joiner = NULL;
		life &= ~(uint64_t)LIFE_JOINING;
	}
	wf_lifeunlock(child, life);
	return running;
}

/* Self and child are seen to join each other: whether self is the one that is told, and
 * joins no more. Where both look at the same time both see it: the first to have the lock
 * withdraws, and the other does not see it any more. */
static __attribute__((noinline)) bool of_two(struct g *self, struct g *child)
{
	bool told;

	wf_lock(&wf_sched.joins);
	told = joins_me(self, child) && withdraw(child);
	wf_unlock(&wf_sched.joins);
	return told;
}

/* Commit: park unless the child has ended since the joiner was entered. */
static bool wait_for_child(struct g *self, void *arg)
{
	struct g *child = arg;
	uint64_t life = wf_lifelock(child);
	bool running = !(life & LIFE_DONE);

	if (running)
		wf_parked(self);
	wf_lifeunlock(child, life);
	return running;
}

/* Take a child back from the queue to run it instead of the caller: it need not
 * be fresh, but must not be bound to another M. */
static bool take_back(struct m *m, struct g *self, struct g *child)
{
	if (self->flags & GF_LOCKED || wf_p(m)->pass == 1 || !wf_runqtake(wf_p(m), child))
		return false;
	if (wf_unlikely(child->flags & GF_LOCKED)) {
		wf_runqput(wf_p(m), child);
		return false;
	}
	wf_p(m)->pass--; /* as a pick of the child */
	return child->flags & GF_STARTED || wf_givestack(wf_p(m), child);
}

/* The caller joins child, whose life it has locked, from here on (J1). */
static inline void join_directly(struct g *self, struct g *child)
{
	child->joiner = self;
	atomic_store_explicit(&self->top->joins, child, memory_order_relaxed);
	wf_setstatus(self, G_RUNNING, G_WAITINGJ);
}

/* Not after all, and child, which was taken back, is queued again. */
static void leave_it(struct p *p, struct g *self, struct g *child, uint64_t life)
{
	wf_setstatus(self, G_WAITINGJ, G_RUNNING);
	wf_lifeunlock(child, life);
	wf_runqput(p, child);
}

/* Take the result that the child's end left with its joiner. */
static inline void take_result(struct g *self, void **value)
{
	self->flags &= (uint16_t)~GF_JOINED;
	if (value)
		*value = (void *)self->sched.ret;
}

/* The wait is over without the child's result: either it ended before the caller was
 * parked, or the wait was cancelled, or its time came. Leaves the runtime. */
static int join_unparked(struct m *m, struct g *self, struct g *child, void **value, bool timedout)
{
	if (withdraw(child)) {
		wf_leave(m);
		if (timedout)
			return ETIMEDOUT;
		wf_cancelpoint(self);
		return ECANCELED;
	}
	reap(m, child, wf_lifelock(child), value);
	wf_leave(m);
	return 0;
}

/* Leave with the result, or with why there is none. */
static inline int conclude(struct m *m, struct g *self, struct g *child, void **value)
{
	if (wf_unlikely(!(self->flags & GF_JOINED)))
		return join_unparked(m, self, child, value, false);
	take_result(self, value);
	wf_leave(m);
	return 0;
}

/* The wait of a joiner who is entered as such, and has a time at which it ends. */
static int join_parked(struct m *m, struct g *self, struct g *child, void **value, int64_t until)
{
	struct timer timer;
	int error;

	wf_havetimer(self, &timer, until);
	m = wf_gopark(m, self, wait_for_child, child, wf_cancellable(self));
	error = wf_waitended(self);
	if (!(self->flags & GF_JOINED))
		return join_unparked(m, self, child, value, error == ETIMEDOUT);
	take_result(self, value);
	wf_leave(m);
	return 0;
}

/* The caller was asked to end while its child ran in its place. Leaves the runtime. */
static __attribute__((noinline)) int called_off(struct m *m, struct g *self)
{
	self->flags &= (uint16_t)~GF_CALLEDOFF;
	wf_leave(m);
	wf_cancelpoint(self);
	return ECANCELED;
}

/* The end of a wait in which the child ran in the caller's place. */
static inline int conclude_directly(struct m *m, struct g *self, void **value)
{
	if (wf_unlikely(self->flags & GF_CALLEDOFF))
		return called_off(m, self);
	if (value)
		*value = (void *)self->sched.ret;
	return wf_leave_ok(m);
}

/* child, whose life is locked, was taken back: run it. */
static int run_taken(struct m *m, struct g *self, struct g *child, uint64_t life, void **value)
{
	struct p *p = wf_p(m);

	join_directly(self, child);
	wf_light_barrier_slow(); /* pairs with weft_cancel's heavy one (K3) */
	if (wf_cancel_due(self)) {
		leave_it(p, self, child, life);
		wf_leave(m);
		wf_cancelpoint(self);
		return ECANCELED;
	}
	wf_count(&p->stats.parks, 1);
	p->commit.after = AFTER_JOIN;
	return conclude_directly(wf_switchto(m, self, child), self, value);
}

/* child's life is locked, and the caller may join it. */
static __attribute__((noinline)) int join_locked(struct m *m, struct g *self, struct g *child,
						 uint64_t life, void **value, int64_t until)
{
	if (life & LIFE_DONE) {
		reap(m, child, life, value);
		wf_leave(m);
		return 0;
	}
	if (until != WF_FOREVER && until <= wf_nanotime()) {
		wf_lifeunlock(child, life);
		wf_leave(m);
		return ETIMEDOUT;
	}
	if (until == WF_FOREVER && take_back(m, self, child))
		return run_taken(m, self, child, life, value);
	child->joiner = self;
	wf_lifeunlock(child, life | LIFE_JOINING);
	if (wf_unlikely(joins_me(self, child)) && of_two(self, child)) {
		wf_leave(m);
		return EDEADLK;
	}
	if (until != WF_FOREVER)
		return join_parked(m, self, child, value, until);
	m = wf_gopark(m, self, wait_for_child, child, wf_cancellable(self));
	return conclude(m, self, child, value);
}

/* The wait is over, or was called off. */
static int conclude_foreign(struct m *m, struct g *child, void **value)
{
	struct g *self = wf_getg();
	bool timedout = self->flags & GF_TIMEDOUT;

	self->flags &= (uint16_t) ~(GF_TIMED | GF_TIMEDOUT);
	if (self->flags & GF_JOINED)
		take_result(self, value);
	else if (timedout && withdraw(child))
		return ETIMEDOUT;
	else
		reap(m, child, wf_lifelock(child), value);
	return 0;
}

static int join_foreign(weft_t handle, void **value, int64_t until)
{
	struct m *m = wf_foreign_enter();
	struct g *child = NULL;
	uint64_t life;
	int error = m ? lock_joinable(handle, NULL, &child, &life) : ENOMEM;

	if (!error && life & LIFE_DONE) {
		reap(m, child, life, value);
	} else if (!error) {
		child->joiner = wf_getg();
		wf_lifeunlock(child, life | LIFE_JOINING);
		wf_getg()->flags |= GF_TIMED;
		wf_foreign_park(m, wait_for_child, child, wf_endsat(wf_getg(), until));
		error = conclude_foreign(m, child, value);
	}
	if (m)
		wf_foreign_leave(m);
	return error;
}

/* Every join but that of a child that runs at once. */
static __attribute__((noinline)) int join_slow(weft_t handle, void **value, int64_t until)
{
	struct m *m = wf_enter();
	struct g *self, *child;
	uint64_t life;
	int error;

	if (!m)
		return join_foreign(handle, value, until);
	self = m->curg;
	if (wf_cancel_due(self)) {
		wf_leave(m);
		wf_cancelpoint(self);
		return ECANCELED;
	}
	error = lock_joinable(handle, self, &child, &life);
	if (!error)
		return join_locked(m, self, child, life, value, wf_endsat(self, until));
	wf_leave(m);
	return error;
}

/* Children that run in their joiners' place go before all others: now and then it is
 * the others' turn, and the join is like any other wait. */
static inline bool may_run_direct(struct p *p)
{
	if (wf_likely(++p->direct % DIRECT_TURNS))
		return true;
	p->pass = 1;
	return false;
}

/* Lock the life that handle is of, unless something has happened to it. */
static inline bool lock_fresh(const struct p *p, struct g *child, weft_t handle)
{
	uint64_t life = handle;

	if (p->solo) { /* nobody else looks: the caller is as good as off its stack (J1) */
		atomic_store_explicit(&child->life, life | LIFE_JOINING | LIFE_DIRECT,
				      memory_order_relaxed);
		return true;
	}
	/* acquire: as wf_lifelock; and that nobody joins it, or detached it */
	return atomic_compare_exchange_strong_explicit(&child->life, &life, life | LIFE_LOCK,
						       memory_order_acquire, memory_order_relaxed);
}

/* Take back the newest of the caller's tasks if handle is its, it is fresh, and a stack is at
 * hand: then it can be run in the caller's place at once. Its life is locked. */
static inline struct g *take_newest(struct p *p, const struct g *self, weft_t handle)
{
	struct g *child;

	if (wf_unlikely(self->flags & GF_LOCKED) || !p->stacks || !may_run_direct(p))
		return NULL;
	child = wf_runqtakelife(p, handle);
	if (wf_unlikely(!child))
		return NULL;
	if (wf_likely(!(child->flags & (GF_STARTED | GF_ATTR | GF_LOCKED | GF_VOID))) &&
	    wf_likely(lock_fresh(p, child, handle)))
		return child;
	wf_runqput(p, child);
	return NULL;
}

/* Go on as child, which is fresh, on a stack from the cache, until it switches back. */
static inline struct m *switch_there(struct m *m, struct p *p, struct g *self, struct g *child)
{
	struct gtop *top = wf_stackpop(p);

	wf_ownstack(child, top);
	wf_count(&p->stats.there, 1);
	if (!p->solo)
		p->commit.after = AFTER_JOIN;
	wf_savetask(m, self);
	wf_become(m, child, G_RUNNABLE);
	m = wf_ctx_switch(&self->sched, &top->idle, m); /* nobody watches: wf_enter_plain */
	wf_runcommit(m);
	wf_loadtask(m, self);
	return m;
}

int weft_join(weft_t handle, void **value)
{
	struct m *m = wf_getm();
	struct g *self, *child;
	struct p *p;

	if (wf_unlikely(!m))
		return join_slow(handle, value, WF_FOREVER);
	p = wf_enter_plain(m);
	self = m->curg;
	if (wf_unlikely(!p || self->top->state.deadline) ||
	    wf_unlikely(!(child = take_newest(p, self, handle))))
		return join_slow(handle, value, WF_FOREVER);
	join_directly(self, child);
	wf_light_barrier(); /* pairs with weft_cancel's heavy one (K3) */
	if (wf_unlikely(atomic_load_explicit(&self->cancel, memory_order_relaxed) & GC_REQUESTED)) {
		leave_it(p, self, child, handle);
		return join_slow(handle, value, WF_FOREVER);
	}
	return conclude_directly(switch_there(m, p, self, child), self, value);
}

int weft_clockjoin(weft_t handle, void **value, clockid_t clock, const struct timespec *abs)
{
	int64_t until;
	int error = wf_until(abs, clock, &until);

	return error ? error : join_slow(handle, value, until);
}

int weft_timedjoin(weft_t handle, void **value, const struct timespec *abs)
{
	return weft_clockjoin(handle, value, CLOCK_REALTIME, abs);
}

int weft_tryjoin(weft_t handle, void **value)
{
	struct m *m = wf_enter_any();
	struct g *child = NULL;
	uint64_t life;
	int error;

	if (!m)
		return ENOMEM;
	error = lock_joinable(handle, m->foreign ? NULL : m->curg, &child, &life);
	if (!error && life & LIFE_DONE) {
		reap(m, child, life, value);
	} else if (!error) {
		wf_lifeunlock(child, life);
		error = EBUSY;
	}
	wf_leave_any(m);
	return error;
}

int weft_detach(weft_t handle)
{
	struct m *m = wf_enter_any();
	struct g *g;
	uint64_t life;
	int error = ESRCH;

	if (!m)
		return ENOMEM;
	if (wf_lifelock_begun(handle, &g, &life)) {
		error = life & (LIFE_FOREIGN | LIFE_DETACHED) ? EINVAL : 0;
		if (!error && life & LIFE_DONE && !(life & LIFE_JOINING))
			wf_lifeend(m, g, life);
		else
			wf_lifeunlock(g,
				      error || life & LIFE_JOINING ? life : life | LIFE_DETACHED);
		if (!error && life & LIFE_JOINING)
			error = EINVAL;
	}
	wf_leave_any(m);
	return error;
}
