/*
 * Pools as a whole: making, watching and changing them.
 *
 * All pools are in a list, for weft_procs to tell those that follow the number of Ps. The
 * list goes with the runtime; it holds the pool of all Ps too, which serves loops that
 * name none. While such a loop goes on it counts as an object; its helpers, which nobody
 * waits for, never keep weft_shutdown from waiting for them.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "pool/pool.h"
#include "sched/attr.h"
#include "sched/fast.h"

struct pools {
	struct lock lock; /* guards the list */
	struct link list; /* struct weft_pool by all */
	struct weft_pool everyone;
};

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

		wf_lock(&pool->object.lock);
		wf_pool_conclude(m, pool, &wake);
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

void wf_pool_delist(struct weft_pool *pool)
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

	wf_unlock(&pool->object.lock);
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
	return attr->priorities > INT_MAX ? EINVAL : 0; /* they are asked for by an int */
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
	pool->object.magic = wf_magic(POOL);
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

/* --- changing -------------------------------------------------------------------------------- */

int weft_pool_pause(weft_pool_t *pool)
{
	int error;
	struct m *m = wf_object_lock(pool, POOL, &error);

	if (!m)
		return error;
	if (pool->draining)
		error = EINVAL;
	else
		pool->paused = true;
	wf_unlock(&pool->object.lock);
	wf_leave_any(m);
	return error;
}

int weft_pool_resume(weft_pool_t *pool)
{
	int error;
	struct m *m = wf_object_lock(pool, POOL, &error);
	WF_WAKELIST(wake);

	if (!m)
		return error;
	pool->paused = false;
	error = wf_pool_conclude(m, pool, &wake);
	wf_leave_any(m);
	return error;
}

int weft_pool_resize(weft_pool_t *pool, unsigned workers)
{
	int error;
	struct m *m = wf_object_lock(pool, POOL, &error);
	WF_WAKELIST(wake);

	if (!m)
		return error;
	pool->workers = workers;
	error = wf_pool_conclude(m, pool, &wake);
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
	m = wf_object_lock(pool, POOL, &error);
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
	wf_unlock(&pool->object.lock);
	wf_leave_any(m);
	memset(stats, 0, size);
	memcpy(stats, &now, size < sizeof now ? size : sizeof now);
	return 0;
}
