/*
 * Pools as a whole: making, watching, changing and destroying them.
 *
 * All pools are in a list, for weft_procs to tell those that follow the number of Ps. The
 * list goes with the runtime; it holds the pool of all Ps too, which serves loops that
 * name none. While such a loop goes on it counts as an object; its helpers, which nobody
 * waits for, never keep weft_shutdown from waiting for them.
 */
#include <errno.h>
#include <string.h>

#include "pool/submit.h"
#include "sched/attr.h"
#include "sched/fast.h"
#include "sched/timer.h"

struct pools {
	struct lock lock; /* guards the list */
	struct link list; /* struct weft_pool by all */
	struct weft_pool everyone;
};

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

/* The caller has the lock and lets go of it: start what may start, wake who is to be. */
static int conclude(struct m *m, struct weft_pool *pool, struct wakelist *wake)
{
	bool more = wf_pool_wants(pool);

	wf_unlock(&pool->lock);
	wf_waitq_wake(m, wake->first);
	return more ? wf_pool_start(m, pool) : 0;
}

/* --- all pools -------------------------------------------------------------------------- */

/* The number of Ps has changed. */
static void resized(struct m *m)
{
	struct pools *pools = wf_sched.pools;
	WF_WAKELIST(wake);

	wf_lock(&pools->lock);
	for (struct link *l = pools->list.next; l != &pools->list; l = l->next) {
		struct weft_pool *pool =
			(struct weft_pool *)((char *)l - offsetof(struct weft_pool, all));

		wf_lock(&pool->lock);
		conclude(m, pool, &wake);
	}
	wf_unlock(&pools->lock);
}

/* The record of all pools; NULL without memory. The runtime is up. */
static struct pools *all_pools(void)
{
	/* acquire: pairs with the exchange below */
	struct pools *pools = atomic_load_explicit(&wf_sched.pools, memory_order_acquire);
	void *none = NULL;

	if (pools)
		return pools;
	pools = wf_alloc(sizeof *pools);
	if (!pools)
		return NULL;
	wf_link_init(&pools->list);
	wf_link_init(&pools->everyone.open);
	pools->everyone.attrs.opaque[ATTR_FLAGS] = ATTR_DETACHED | ATTR_LEAVING;
	pools->everyone.attr = pools->everyone.attrs.opaque;
	wf_link_append(&pools->list, &pools->everyone.all);
	if (!atomic_compare_exchange_strong(&wf_sched.pools, &none, pools)) {
		wf_free(pools, sizeof *pools);
		return none;
	}
	atomic_store(&wf_sched.resized, resized);
	return pools;
}

struct weft_pool *wf_pool_everyone(void)
{
	struct pools *pools = all_pools();

	return pools ? &pools->everyone : NULL;
}

static void enlist(struct weft_pool *pool)
{
	struct pools *pools = wf_sched.pools;

	atomic_fetch_add(&wf_sched.objects, 1);
	wf_lock(&pools->lock);
	wf_link_append(&pools->list, &pool->all);
	wf_unlock(&pools->lock);
}

static void delist(struct weft_pool *pool)
{
	struct pools *pools = wf_sched.pools;

	wf_lock(&pools->lock);
	wf_link_remove(&pool->all);
	wf_unlock(&pools->lock);
	atomic_fetch_sub(&wf_sched.objects, 1);
}

/* --- making ------------------------------------------------------------------------------ */

static size_t levels_size(unsigned n)
{
	return n * sizeof(struct link);
}

static size_t map_size(unsigned n)
{
	return ((size_t)n + LEVELS_A_WORD - 1) / LEVELS_A_WORD * sizeof(uint64_t);
}

static void free_pool(struct weft_pool *pool)
{
	wf_depot_free(&pool->depot, sizeof(struct job));
	if (pool->nlevels > 1) {
		wf_free(pool->level, levels_size(pool->nlevels));
		wf_free(pool->levelmap, map_size(pool->nlevels));
	}
	wf_free(pool, sizeof *pool);
}

void wf_pool_unref(struct weft_pool *pool)
{
	bool last = --pool->refs == 0;

	wf_unlock(&pool->lock);
	if (last)
		free_pool(pool);
}

/* The attributes of its tasks. */
static int set_attrs(struct weft_pool *pool, const weft_pool_attr_t *attr)
{
	int error = 0;

	if (!attr->name && !attr->stack_size)
		return 0;
	weft_attr_setdetachstate(&pool->attrs, WEFT_CREATE_DETACHED);
	if (attr->name)
		error = weft_attr_setname(&pool->attrs, attr->name);
	if (!error && attr->stack_size)
		error = weft_attr_setstacksize(&pool->attrs, attr->stack_size);
	pool->attr = pool->attrs.opaque;
	return error;
}

static int check(const weft_pool_attr_t *attr)
{
	for (size_t i = 0; i < sizeof attr->reserved / sizeof *attr->reserved; i++)
		if (attr->reserved[i])
			return EINVAL;
	if (attr->overflow < WEFT_BLOCK || attr->overflow > WEFT_CALLER_RUNS)
		return EINVAL;
	return 0;
}

static int make(struct weft_pool **made, const weft_pool_attr_t *attr)
{
	struct weft_pool *pool = all_pools() ? wf_alloc(sizeof *pool) : NULL;
	int error;

	if (!pool)
		return ENOMEM;
	pool->nlevels = attr->priorities ? attr->priorities : 1;
	pool->level = pool->nlevels > 1 ? wf_alloc(levels_size(pool->nlevels)) : &pool->onlylevel;
	pool->levelmap = pool->nlevels > 1 ? wf_alloc(map_size(pool->nlevels)) : &pool->onlymap;
	error = pool->level && pool->levelmap ? set_attrs(pool, attr) : ENOMEM;
	if (error) {
		free_pool(pool);
		return error;
	}
	for (unsigned i = 0; i < pool->nlevels; i++)
		wf_link_init(&pool->level[i]);
	wf_link_init(&pool->open);
	pool->workers = attr->workers;
	pool->capacity = attr->capacity;
	pool->overflow = attr->overflow;
	pool->refs = 1;
	pool->magic = wf_pool_magic();
	enlist(pool);
	*made = pool;
	return 0;
}

int weft_pool_create(weft_pool_t **pool, const weft_pool_attr_t *attr)
{
	static const weft_pool_attr_t defaults;
	struct m *m;
	int error;

	if (!pool || (attr && check(attr)))
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	error = m->foreign ? wf_boot() : 0;
	if (!error)
		error = make(pool, attr ? attr : &defaults);
	wf_leave_any(m);
	return error;
}

/* --- waiting ------------------------------------------------------------------------------- */

/* The lock is held, and is not when this returns. */
static int wait_idle(struct m **m, struct weft_pool *pool, int64_t until)
{
	struct waiter w = {.data = NULL};
	WF_WAKELIST(wake);
	int error;

	pool->users++;
	error = wf_waitq_wait(m, &pool->idle, &pool->lock, &w, until, WAIT_CALL);
	if (error) { /* else the pool may be gone */
		wf_lock(&pool->lock);
		pool->users--;
		wf_pool_settle(pool, &wake);
		wf_unlock(&pool->lock);
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
	error = conclude(m, pool, &wake);
	if (!error)
		wf_lock(&pool->lock);
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
	wf_lock(&pool->lock);
	error = revive(*m, pool);
	if (error)
		return error;
	if (wf_pool_queued(pool) || pool->running)
		return wait_idle(m, pool, until);
	wf_unlock(&pool->lock);
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

/* --- changing -------------------------------------------------------------------------------- */

/* The caller's M, with the pool's lock held; NULL and why not. */
static struct m *lock_pool(struct weft_pool *pool, int *error)
{
	struct m *m = wf_enter_any();

	*error = m ? wf_pool_valid(pool) ? 0 : EINVAL : ENOMEM;
	if (!*error) {
		wf_lock(&pool->lock);
		return m;
	}
	if (m)
		wf_leave_any(m);
	return NULL;
}

int weft_pool_pause(weft_pool_t *pool)
{
	int error;
	struct m *m = lock_pool(pool, &error);

	if (!m)
		return error;
	if (pool->draining)
		error = EINVAL;
	else
		pool->paused = true;
	wf_unlock(&pool->lock);
	wf_leave_any(m);
	return error;
}

int weft_pool_resume(weft_pool_t *pool)
{
	int error;
	struct m *m = lock_pool(pool, &error);
	WF_WAKELIST(wake);

	if (!m)
		return error;
	pool->paused = false;
	error = conclude(m, pool, &wake);
	wf_leave_any(m);
	return error;
}

int weft_pool_resize(weft_pool_t *pool, unsigned workers)
{
	int error;
	struct m *m = lock_pool(pool, &error);
	WF_WAKELIST(wake);

	if (!m)
		return error;
	pool->workers = workers;
	error = conclude(m, pool, &wake);
	wf_leave_any(m);
	return error;
}

int weft_pool_stats(weft_pool_t *pool, weft_pool_stats_t *stats, size_t size)
{
	weft_pool_stats_t now = {0};
	struct m *m;
	int error;

	if (!stats || !size)
		return EINVAL;
	m = lock_pool(pool, &error);
	if (!m)
		return error;
	now.workers = wf_pool_bound(pool);
	now.running = pool->running;
	now.queued = wf_pool_queued(pool);
	now.submitted = pool->submitted;
	now.finished = pool->finished;
	now.rejected = pool->rejected;
	now.discarded = pool->discarded;
	now.caller_ran = pool->caller_ran;
	wf_unlock(&pool->lock);
	wf_leave_any(m);
	memset(stats, 0, size);
	memcpy(stats, &now, size < sizeof now ? size : sizeof now);
	return 0;
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
			wf_lock(&pool->lock);
			continue;
		}
		if (!inhabited(pool))
			return;
		wf_waitq_wait(m, &pool->gone, &pool->lock, &w, WF_FOREVER, WAIT_LOCK);
		wf_lock(&pool->lock);
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
	conclude(*m, pool, &wake);
	wf_lock(&pool->lock);
	await_gone(m, pool);
	pool->magic = 0;
	wf_unlock(&pool->lock);
	delist(pool);
	wf_lock(&pool->lock);
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
	m = lock_pool(pool, &error);
	if (!m)
		return error;
	error = wf_within(pool) ? EDEADLK : pool->draining ? EINVAL : 0;
	if (error)
		wf_unlock(&pool->lock);
	else
		destroy(&m, pool, how, discarded);
	wf_leave_any(m);
	return error;
}
