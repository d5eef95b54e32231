/*
 * Waiting for a pool that has nothing to do, and destroying one.
 *
 * Who waits is woken by who makes the last job end (wf_pool_settle). Destroying a pool is to
 * let nothing new in, to wait until nobody is left in it (J4), and to let go of the handle's
 * reference.
 */
#include <errno.h>

#include "pool/submit.h"
#include "sched/fast.h"
#include "sched/timer.h"

/* --- who waits ----------------------------------------------------------------------- */

void wf_pool_take(struct waitq *q, int outcome, struct wakelist *wake)
{
	struct waiter *w;

	while ((w = wf_waitq_pop(q))) {
		if (w->data)
			((struct offer *)w->data)->outcome = outcome;
		wf_wakelist_add(wake, w);
	}
}

/* Nothing is queued and nothing runs. */
static void now_idle(struct weft_pool *pool, struct wakelist *wake)
{
	unsigned before = wake->n;

	wf_pool_take(&pool->idle, 0, wake);
	pool->users -= wake->n - before;
	if (!pool->users) /* who has a job that was not accepted is one of them */
		wf_depot_trim(&pool->depot, sizeof(struct job));
	if (pool->draining && !pool->users && !wf_pool_live(pool))
		wf_pool_take(&pool->gone, 0, wake);
}

void wf_pool_settle(struct weft_pool *pool, struct wakelist *wake)
{
	if (!wf_pool_queued(pool) && !pool->running)
		now_idle(pool, wake);
}

int wf_pool_conclude(struct m *m, struct weft_pool *pool, struct wakelist *wake)
{
	bool more = wf_pool_wants(pool);

	wf_unlock(&pool->object.lock);
	wf_waitq_wake(m, wake->first);
	return more ? wf_pool_start(m, pool) : 0;
}

/* --- waiting ------------------------------------------------------------------------------- */

/* The lock is held, and is not when this returns. */
static int wait_idle(struct m **m, struct weft_pool *pool, int64_t until)
{
	struct waiter w = {.data = NULL};
	WF_WAKELIST(wake);
	int error;

	pool->users++;
	error = wf_waitq_wait(m, &pool->idle, &pool->object.lock, &w, until, WAIT_CALL);
	if (error) { /* else the pool may be gone */
		wf_lock(&pool->object.lock);
		pool->users--;
		wf_pool_settle(pool, &wake);
		wf_unlock(&pool->object.lock);
		wf_waitq_wake(*m, wake.first);
	}
	return error;
}

/* Jobs that nobody was there for, since no task could be had. The lock is held, and is
 * not when this returns with an error. */
static int revive(struct m *m, struct weft_pool *pool)
{
	WF_WAKELIST(wake);
	int error;

	if (wf_likely(wf_pool_live(pool) || !wf_pool_queued(pool)))
		return 0;
	error = wf_pool_conclude(m, pool, &wake);
	if (!error)
		wf_lock(&pool->object.lock);
	return error;
}

/* m is inside, and not when this returns. */
static int wait_entered(struct m **m, struct weft_pool *pool, int64_t until)
{
	int error;

	if (!wf_pool_valid(pool))
		return EINVAL;
	if (wf_within(pool))
		return EDEADLK;
	wf_lock(&pool->object.lock);
	error = revive(*m, pool);
	if (error)
		return error;
	if (wf_pool_queued(pool) || pool->running)
		return wait_idle(m, pool, until);
	wf_unlock(&pool->object.lock);
	return 0;
}

static int wait(struct weft_pool *pool, int64_t until)
{
	struct m *m;
	int error = pool ? wf_waitcall() : EINVAL;

	if (error)
		return error;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	error = wait_entered(&m, pool, until);
	wf_leave_any(m);
	if (error == ECANCELED)
		wf_cancelpoint(wf_getg());
	return error;
}

int weft_pool_wait(weft_pool_t *pool)
{
	return wait(pool, WF_FOREVER);
}

int weft_pool_timedwait(weft_pool_t *pool, const struct timespec *abstime)
{
	int64_t until;
	int error = wf_until(abstime, CLOCK_MONOTONIC, &until);

	return error ? error : wait(pool, until);
}

/* --- destroying ------------------------------------------------------------------------------- */

/* Whether something or somebody is in there. */
static bool inhabited(const struct weft_pool *pool)
{
	return wf_pool_queued(pool) || pool->running || wf_pool_live(pool) || pool->users;
}

/* Nothing is accepted any more; who waits for room is told so. */
static uint64_t discard(struct weft_pool *pool, struct wakelist *wake)
{
	unsigned before = wake->n;

	pool->discarding = true;
	wf_pool_take(&pool->senders, ECANCELED, wake);
	pool->users -= wake->n - before;
	return wf_jobs_discard(pool, wake);
}

/* Until nobody is left in the pool; the lock is held, also when this returns. */
static void await_gone(struct m **m, struct weft_pool *pool)
{
	while (inhabited(pool)) {
		struct waiter w = {.data = NULL};

		if (revive(*m, pool)) { /* no task could be had: later, maybe */
			wf_leave_any(*m);
			weft_yield();
			*m = wf_enter_any();
			wf_lock(&pool->object.lock);
			continue;
		}
		if (!inhabited(pool))
			return;
		wf_waitq_wait(m, &pool->gone, &pool->object.lock, &w, WF_FOREVER, WAIT_LOCK);
		wf_lock(&pool->object.lock);
	}
}

/* The lock is held, and is not when this returns. */
static void destroy(struct m **m, struct weft_pool *pool, int how, size_t *discarded)
{
	WF_WAKELIST(wake);
	uint64_t n = 0;

	pool->draining = true;
	pool->paused = false;
	if (how == WEFT_DISCARD)
		n = discard(pool, &wake);
	wf_pool_settle(pool, &wake);
	wf_pool_conclude(*m, pool, &wake);
	wf_lock(&pool->object.lock);
	await_gone(m, pool);
	pool->object.magic = 0;
	wf_unlock(&pool->object.lock);
	wf_pool_delist(pool);
	wf_lock(&pool->object.lock);
	wf_pool_unref(pool);
	if (discarded)
		*discarded = n;
}

int weft_pool_destroy(weft_pool_t *pool, int how, size_t *discarded)
{
	struct m *m;
	int error;

	if (how != WEFT_DRAIN && how != WEFT_DISCARD)
		return EINVAL;
	m = wf_object_lock(pool, POOL, &error);
	if (!m)
		return error;
	error = wf_within(pool) ? EDEADLK : pool->draining ? EINVAL : 0;
	if (error)
		wf_unlock(&pool->object.lock);
	else
		destroy(&m, pool, how, discarded);
	wf_leave_any(m);
	return error;
}
