/*
 * Joining, and letting go.
 *
 * A G's joiner and the LIFE_ bits are guarded by the lock in its life word. The
 * joiner is entered there before it parks; its commit looks again whether the
 * child is done. A child that nobody has started is taken back from the queue's
 * tail and switched to at once; at its end it switches back (GF_DIRECT).
 *
 * Of two tasks that join each other one is told (EDEADLK), and the other goes on waiting,
 * for the end of the one that was told: see of_two.
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
	child->flags |= GF_DIRECT;
	return child->flags & GF_STARTED || wf_givestack(wf_p(m), child);
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
	child->joiner = self;
	if (until == WF_FOREVER && take_back(m, self, child)) {
		m = wf_parkinto(m, self, child, wf_cancellable(self));
		return conclude(m, self, child, value);
	}
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
	if (wf_likely(p->direct--))
		return true;
	p->direct = DIRECT_TURNS;
	p->pass = 1;
	return false;
}

/* Whether child is the caller's newest, fresh, and a stack is at hand: then it can
 * be run in the caller's place at once. child's life is locked. */
static inline bool runs_at_once(struct p *p, const struct g *self, struct g *child, uint64_t life)
{
	return !(life & (LIFE_DONE | LIFE_UNJOINABLE)) && !(self->flags & GF_LOCKED) && p->stacks &&
	       may_run_direct(p) && wf_runqtake(p, child);
}

int weft_join(weft_t handle, void **value)
{
	struct g *self = wf_getg(), *child;
	uint64_t life;
	struct m *m;
	struct p *p;

	if (wf_unlikely(!self))
		return join_slow(handle, value, WF_FOREVER);
	m = self->m;
	if (wf_unlikely(!wf_enter_plain(m)) || wf_wait_special(self) ||
	    wf_unlikely(!wf_lifelock_of(handle, &child, &life)))
		return join_slow(handle, value, WF_FOREVER);
	p = wf_p(m);
	if (wf_unlikely(!runs_at_once(p, self, child, life))) {
		wf_lifeunlock(child, life);
		return join_slow(handle, value, WF_FOREVER);
	}
	if (wf_unlikely((child->flags & (GF_STARTED | GF_ATTR | GF_LOCKED | GF_VOID)) != 0)) {
		wf_runqput(p, child);
		if (child->joiner == child) { /* nobody was given this handle */
			wf_lifeunlock(child, life);
			return join_slow(handle, value, WF_FOREVER);
		}
		child->joiner = self;
		wf_lifeunlock(child, life | LIFE_JOINING);
		m = wf_gopark(m, self, wait_for_child, child, wf_cancellable(self));
	} else {
		child->joiner = self;
		child->flags |= GF_DIRECT;
		wf_takestack(child, wf_stackpop(p));
		m = wf_parkinto(m, self, child, wf_cancellable(self));
	}
	return conclude(m, self, child, value);
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
