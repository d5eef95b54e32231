/*
 * Workers.
 *
 * A worker is a task: it runs jobs as long as there are any, then ends. One that is made
 * for a job has it in hand, and that job counts as running from then on: what is
 * submitted to a pool with a free slot starts, whatever happens to the pool meanwhile.
 * Others begin at the queue.
 *
 * Each job finds its task as a new one would be. errno and values under keys are reset
 * after a job. Where a job left more behind (it was told its task's handle, so that a
 * cancellation may be on its way; its cancellation state or type is not the default; it
 * has a deadline, or is bound to its thread) the worker ends, and another takes its place. So it is
 * with a job that leaves by weft_exit.
 */
#include <errno.h>
#include <stdlib.h>

#include "pool/pool.h"
#include "sched/fast.h"

/* A worker lets other tasks of its P go first once in so many jobs. */
enum { JOBS_A_TURN = 61 };

struct worker {
	struct weft_pool *pool;
	struct job *job;   /* that it runs */
	struct loop *loop; /* or that it helps, with range */
	struct range range;
	unsigned jobs;
	enum future_state left; /* how the job ended */
	struct scope scope;
};

void wf_job_run(struct job *job)
{
	struct weft_future *f;

	if (job->fn) {
		job->fn(job->arg);
		return;
	}
	f = wf_future_of(job);
	f->value = f->fn(f->arg);
}

enum future_state wf_job_exited(struct job *job)
{
	struct g *g = wf_getg();
	bool told = !(g->flags & GF_FOREIGN) && g->top->state.exiting;
	void *value = told ? (void *)g->top->value : NULL;

	if (job->fn)
		return FUTURE_DONE;
	wf_future_of(job)->value = value;
	return value == WEFT_CANCELED ? FUTURE_CANCELED : FUTURE_DONE;
}

bool wf_pool_wants(struct weft_pool *pool)
{
	if (pool->paused || wf_pool_live(pool) >= wf_pool_bound(pool))
		return false;
	if (!wf_pool_queued(pool) && !wf_loop_wanting(pool))
		return false;
	wf_pool_addlive(pool, 1);
	return true;
}

/* --- one job after the other -------------------------------------------------------- */

/* The job's values under keys end with it. */
static void drop_keys(void)
{
	struct keys *keys = &wf_getg()->top->keys;

	if (wf_unlikely(keys->used))
		wf_keys_destroy(keys);
}

/* Whether the next job could tell that there was one before. */
static bool tainted(const struct g *g)
{
	const struct taskstate *state = &g->top->state;

	return g->flags & (GF_LOCKED | GF_BLOCKING) || state->told || state->deadline ||
	       state->cancelstate || state->canceltype ||
	       atomic_load_explicit(&g->cancel, memory_order_relaxed) & GC_REQUESTED;
}

/* All with the lock held. */

static void put_down(struct worker *w, struct wakelist *wake)
{
	struct weft_pool *pool = w->pool;

	if (w->job) {
		pool->running--;
		pool->finished++;
		wf_jobs_end(pool, w->job, w->left, wake);
		w->job = NULL;
	} else if (w->loop) {
		wf_loop_leave(w->loop, &w->range, wake);
		w->loop = NULL;
	}
}

static bool take_up(struct worker *w, struct wakelist *wake)
{
	struct weft_pool *pool = w->pool;

	if (pool->paused || wf_pool_live(pool) > wf_pool_bound(pool))
		return false;
	w->job = wf_jobs_pop(pool);
	if (!w->job)
		return (w->loop = wf_loop_join(pool, &w->range));
	pool->running++;
	if (!w->job->fn) /* relaxed: the lock guards it; who reads without waits for the end */
		atomic_store_explicit(&wf_future_of(w->job)->state, FUTURE_RUNNING,
				      memory_order_relaxed);
	if (pool->senders.first)
		wf_jobs_admit(pool, wake);
	return true;
}

/* From one job to the next; false when there is none, and the worker counts no more. ends
 * says that it is not to have another. m is the caller's. */
static bool change(struct worker *w, struct m *m, bool ends)
{
	struct weft_pool *pool = w->pool;
	WF_WAKELIST(wake);
	bool goes_on, more;

	wf_lock(&pool->object.lock);
	put_down(w, &wake);
	goes_on = !ends && take_up(w, &wake);
	if (!goes_on)
		wf_pool_addlive(pool, -1);
	more = wf_pool_wants(pool);
	wf_pool_settle(pool, &wake);
	if (!goes_on)
		wf_leaving(m->curg);
	wf_unlock(&pool->object.lock); /* the pool may be gone, unless there is more */
	wf_waitq_wake(m, wake.first);
	if (more)
		wf_pool_start(m, pool);
	return goes_on;
}

static bool next(struct worker *w)
{
	struct m *m;
	bool goes_on;

	drop_keys();
	m = wf_enter();
	if (!m) /* in a forked child this was the last thread */
		exit(0);
	*m->errnop = 0;
	goes_on = change(w, m, tainted(m->curg));
	wf_leave(m);
	if (goes_on && ++w->jobs % JOBS_A_TURN == 0)
		weft_yield();
	return goes_on;
}

/* What was taken up has not come to its end: by weft_exit. */
static void abandoned(void *arg)
{
	struct worker *w = arg;
	struct m *m;

	wf_scope_leave(&w->scope);
	if (w->job)
		w->left = wf_job_exited(w->job);
	drop_keys();
	m = wf_enter();
	if (!m)
		exit(0);
	change(w, m, true);
	wf_leave(m);
}

static void run(struct worker *w)
{
	w->left = FUTURE_DONE;
	if (w->job)
		wf_job_run(w->job);
	else
		wf_loop_help(w->loop, &w->range);
}

static void work(struct weft_pool *pool, struct job *job)
{
	struct worker w = {.pool = pool, .job = job};

	weft_cleanup_push(abandoned, &w);
	wf_scope_enter(&w.scope, pool);
	if (job)
		run(&w);
	while (next(&w))
		run(&w);
	wf_scope_leave(&w.scope);
	weft_cleanup_pop(0);
}

static void work_on(void *pool)
{
	work(pool, NULL);
}

static void work_with(void *arg)
{
	struct job *job = arg;

	work((struct weft_pool *)job->link.next, job);
}

/* --- making them ------------------------------------------------------------------------ */

void wf_pool_unstarted(struct weft_pool *pool, struct wakelist *wake)
{
	wf_pool_addlive(pool, -1);
	if (wf_pool_queued(pool) && !wf_pool_live(pool))
		wf_lacking(); /* J3 */
	wf_pool_settle(pool, wake);
}

static void give_back(struct m *m, struct weft_pool *pool)
{
	WF_WAKELIST(wake);

	wf_lock(&pool->object.lock);
	wf_pool_unstarted(pool, &wake);
	wf_unlock(&pool->object.lock);
	wf_waitq_wake(m, wake.first);
}

int wf_pool_start(struct m *m, struct weft_pool *pool)
{
	int error = wf_go(m, pool->attr, work_on, pool);

	if (error)
		give_back(m, pool);
	return error;
}

int wf_pool_startwith(struct m *m, struct weft_pool *pool, struct job *job)
{
	job->link.next = (struct link *)pool;
	return wf_go(m, pool->attr, work_with, job);
}
