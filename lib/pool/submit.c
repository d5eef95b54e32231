/*
 * Submitting: into the hands of a new worker while the bound leaves room, else to the
 * queue; when that is full, as the pool's overflow says.
 */
#include <errno.h>

#include "pool/future.h"
#include "pool/submit.h"
#include "sched/fast.h"

/* What was asked for, and what became of it. */
struct submission {
	unsigned prio;
	void (*fn)(void *); /* NULL: f's */
	void *arg;
	struct weft_future *f;
	struct job *job;
	bool cancelled; /* the caller was, while it waited */
};

/* Where a submission goes. */
enum place { TO_WORKER, TO_QUEUE, IN_PLACE, TO_WAIT, NOWHERE };

/* All with the lock held. */

static bool may_submit(const struct weft_pool *pool)
{
	if (wf_likely(!pool->draining))
		return true;
	return !pool->discarding && wf_within(pool);
}

static enum place when_full(struct weft_pool *pool, int *error)
{
	if (pool->overflow == WEFT_REJECT) {
		pool->rejected++;
		*error = EAGAIN;
		return NOWHERE;
	}
	return pool->overflow == WEFT_CALLER_RUNS || wf_within(pool) ? IN_PLACE : TO_WAIT;
}

static enum place choose(struct weft_pool *pool, int *error)
{
	uint64_t queued = wf_pool_queued(pool);

	if (wf_unlikely(!may_submit(pool))) {
		*error = ECANCELED;
		return NOWHERE;
	}
	if (!queued && !pool->paused && wf_pool_live(pool) < wf_pool_bound(pool))
		return TO_WORKER;
	return pool->capacity && queued >= pool->capacity ? when_full(pool, error) : TO_QUEUE;
}

/* The job's record: the future's own, or one of the pool's. */
static bool make_job(struct weft_pool *pool, struct submission *s)
{
	struct job *job;

	if (s->f) {
		s->job = &s->f->job;
		return true;
	}
	job = wf_depot_get(&pool->depot);
	if (wf_unlikely(!job) && wf_depot_fill(&pool->depot, sizeof *job))
		job = wf_depot_get(&pool->depot);
	if (!job)
		return false;
	job->fn = s->fn;
	job->arg = s->arg;
	s->job = job;
	return true;
}

/* It begins: in the hands of its worker or its submitter. */
static void begins(struct weft_pool *pool, struct submission *s)
{
	pool->submitted++;
	pool->running++;
	if (s->f)
		atomic_store_explicit(&s->f->state, FUTURE_RUNNING, memory_order_relaxed);
}

/* Without the lock. */

/* No task could be had for a job that had begun: as if it had not been submitted. */
static void take_back(struct m *m, struct weft_pool *pool, struct submission *s)
{
	WF_WAKELIST(wake);

	wf_lock(&pool->object.lock);
	pool->submitted--;
	pool->running--;
	if (!s->f)
		wf_depot_put(&pool->depot, s->job);
	wf_pool_unstarted(pool, &wake);
	wf_unlock(&pool->object.lock);
	wf_waitq_wake(m, wake.first);
}

/* The lock is held, and is not when this returns. */
static int to_worker(struct m *m, struct weft_pool *pool, struct submission *s)
{
	int error;

	begins(pool, s);
	wf_pool_addlive(pool, 1);
	wf_unlock(&pool->object.lock);
	error = wf_pool_startwith(m, pool, s->job);
	if (error)
		take_back(m, pool, s);
	return error;
}

/* So it is here. */
static int to_queue(struct m *m, struct weft_pool *pool, struct submission *s)
{
	bool more;

	wf_jobs_push(pool, s->prio, s->job);
	pool->submitted++;
	more = wf_unlikely(wf_pool_live(pool) < wf_pool_bound(pool)) && wf_pool_wants(pool);
	wf_unlock(&pool->object.lock);
	if (more)
		wf_pool_start(m, pool); /* else others run the job, or it is tried again (J3) */
	return 0;
}

/* Until there is room. So it is here; the runtime is left. */
static int to_wait(struct m *m, struct weft_pool *pool, struct submission *s)
{
	struct offer offer = {.job = s->job, .prio = s->prio};
	WF_WAKELIST(wake);
	int error;

	offer.w.data = &offer;
	pool->users++;
	error = wf_waitq_wait(&m, &pool->senders, &pool->object.lock, &offer.w, WF_FOREVER,
			      WAIT_CALL);
	if (error) { /* else the pool may be gone */
		wf_lock(&pool->object.lock);
		pool->users--;
		if (!s->f)
			wf_depot_put(&pool->depot, s->job);
		wf_pool_settle(pool, &wake);
		wf_unlock(&pool->object.lock);
		wf_waitq_wake(m, wake.first);
	}
	wf_leave_any(m);
	s->cancelled = error == ECANCELED;
	return error ? error : offer.outcome;
}

/* --- in place ------------------------------------------------------------------------ */

/* A job that its submitter runs. */
struct errand {
	struct weft_pool *pool;
	struct job job, *own; /* own: the future's, if it is one */
	enum future_state left;
	struct scope scope;
};

static void errand_over(struct errand *e)
{
	WF_WAKELIST(wake);
	struct weft_pool *pool = e->pool;
	struct m *m;

	wf_scope_leave(&e->scope);
	m = wf_enter_any();
	if (!m)
		wf_throw("no memory for a thread that had some");
	wf_lock(&pool->object.lock);
	pool->running--;
	pool->finished++;
	pool->caller_ran++;
	if (!e->own->fn)
		wf_future_settle(wf_future_of(e->own), e->left, &wake);
	wf_pool_settle(pool, &wake);
	wf_unlock(&pool->object.lock);
	wf_waitq_wake(m, wake.first);
	wf_leave_any(m);
}

static void errand_exited(void *arg)
{
	struct errand *e = arg;

	e->left = wf_job_exited(e->own);
	errand_over(e);
}

/* The lock is held, and is not when this returns; the runtime is left. */
static int in_place(struct m *m, struct weft_pool *pool, struct submission *s)
{
	struct errand e = {.pool = pool, .job = {.fn = s->fn, .arg = s->arg}, .left = FUTURE_DONE};

	e.own = s->f ? &s->f->job : &e.job;
	begins(pool, s);
	wf_unlock(&pool->object.lock);
	wf_leave_any(m);
	weft_cleanup_push(errand_exited, &e);
	wf_scope_enter(&e.scope, pool);
	wf_job_run(e.own);
	weft_cleanup_pop(0);
	errand_over(&e);
	return 0;
}

/* --- the calls -------------------------------------------------------------------------- */

/* The lock is held, and is not when this returns; the runtime is left. A future's job has its
 * pool counted already. */
static __attribute__((noinline)) int submit(struct m *m, struct weft_pool *pool,
					    struct submission *s)
{
	enum place place;
	int error = 0;

	place = choose(pool, &error);
	if (place == IN_PLACE)
		return in_place(m, pool, s);
	if (place != NOWHERE && !make_job(pool, s))
		error = ENOMEM;
	if (wf_unlikely(error != 0))
		wf_unlock(&pool->object.lock);
	else if (place == TO_WAIT)
		return to_wait(m, pool, s);
	else if (place == TO_WORKER)
		error = to_worker(m, pool, s);
	else
		error = to_queue(m, pool, s);
	wf_leave_any(m);
	return error;
}

static __attribute__((noinline)) int submit_specially(struct m *m, struct weft_pool *pool,
						      unsigned prio, void (*fn)(void *), void *arg)
{
	struct submission s = {.prio = prio, .fn = fn, .arg = arg};
	int error = submit(m, pool, &s);

	if (wf_unlikely(s.cancelled))
		wf_cancelpoint(wf_getg());
	return error;
}

/* With the lock held: whether a job goes to the queue, and there are as many workers as
 * there may be; the common case of a burst. */
static inline bool just_queues(const struct weft_pool *pool)
{
	return !pool->draining && !pool->capacity && wf_pool_live(pool) >= wf_pool_bound(pool);
}

int weft_pool_submit_prio(weft_pool_t *pool, int prio, void (*fn)(void *), void *arg)
{
	struct job *job;
	struct m *m;

	if (!pool || !fn)
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	if (wf_unlikely(!wf_pool_valid(pool) || (unsigned)prio >= pool->nlevels)) {
		wf_leave_any(m);
		return EINVAL;
	}
	wf_lock(&pool->object.lock);
	if (wf_unlikely(!just_queues(pool)) || wf_unlikely(!(job = wf_depot_get(&pool->depot))))
		return submit_specially(m, pool, (unsigned)prio, fn, arg);
	job->fn = fn;
	job->arg = arg;
	wf_jobs_push(pool, (unsigned)prio, job);
	pool->submitted++;
	wf_unlock(&pool->object.lock);
	wf_leave_any(m);
	return 0;
}

int weft_pool_submit(weft_pool_t *pool, void (*fn)(void *), void *arg)
{
	return weft_pool_submit_prio(pool, 0, fn, arg);
}

/* A future of a pool that exists, which is counted as the pool's. */
static struct weft_future *future_for(struct weft_pool *pool, void *(*fn)(void *), void *arg)
{
	struct weft_future *f = wf_future_new(pool, fn, arg);

	if (f) {
		wf_lock(&pool->object.lock);
		pool->refs++;
		wf_unlock(&pool->object.lock);
	}
	return f;
}

/* One that the pool did not accept. */
static void unmake(struct weft_pool *pool, struct weft_future *f)
{
	struct m *m = wf_enter_any();

	wf_future_free(f);
	wf_lock(&pool->object.lock);
	wf_pool_unref(pool);
	if (m)
		wf_leave_any(m);
}

int weft_pool_async(weft_pool_t *pool, weft_future_t **future, void *(*fn)(void *), void *arg)
{
	struct submission s = {.prio = 0};
	struct m *m;
	int error;

	if (!pool || !future || !fn)
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	error = wf_pool_valid(pool) ? 0 : EINVAL;
	if (!error && !(s.f = future_for(pool, fn, arg)))
		error = ENOMEM;
	if (error) {
		wf_leave_any(m);
		return error;
	}
	*future = s.f; /* before it runs in place, and may end the caller */
	wf_lock(&pool->object.lock);
	error = submit(m, pool, &s);
	if (error) {
		*future = NULL;
		unmake(pool, s.f);
	}
	if (wf_unlikely(s.cancelled))
		wf_cancelpoint(wf_getg());
	return error;
}
