/*
 * What GThreadPool on Weft is made of, in plain C types: the library needs no GLib, and
 * weft/compat/glib/glib.h gives these calls their names.
 *
 * The items are in a list of the pool's own, sorted as the program wants it; for each there
 * is a job in a pool of Weft's, which takes the first item when it runs.
 *
 *   T1  While nobody is in a push, items <= jobs that are queued or about to take one + owed:
 *       each item is taken by some job. owed counts those for which no job could be had; a
 *       job that has run its item takes one of these too.
 *   T2  Once freed is set no item is added. Who frees waits for all jobs, and then has the
 *       pool for himself.
 */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <weft/compat/glib/weft-gpool.h>
#include <weft/pool.h>
#include <weft/sync.h>
#include <weft/task.h>

struct item {
	struct item *next, *prev;
	void *data;
};

struct gpool {
	struct weft_gpool public;
	weft_pool_t *jobs;
	weft_mutex_t lock; /* guards all below; the program's compare is called with it held */
	struct item items; /* the ring's head, which is none */
	unsigned n;
	_Atomic unsigned owed; /* T1; read without the lock as a hint */
	int max;               /* -1: no bound */
	bool freed;            /* T2 */
	bool immediate;        /* what is left then is dropped */
	int (*compare)(const void *, const void *, void *);
	void *compare_data;
	void (*free_item)(void *);
};

/* What is set for unused threads, of which there never are any. */
static _Atomic int wf_gpool_unused = WEFT_GPOOL_UNSET;
static _Atomic unsigned wf_gpool_idletime = 15000;

static struct gpool *of(struct weft_gpool *public)
{
	return (struct gpool *)public;
}

/* --- the items; all with the lock held --------------------------------------------- */

static void insert_before(struct item *at, struct item *item)
{
	item->next = at;
	item->prev = at->prev;
	at->prev->next = item;
	at->prev = item;
}

static void remove_item(struct item *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
}

static int order(const struct gpool *pool, const struct item *a, const struct item *b)
{
	return pool->compare(a->data, b->data, pool->compare_data);
}

/* Behind all that do not sort after it. */
static void add(struct gpool *pool, struct item *item)
{
	struct item *at = &pool->items;

	while (pool->compare && at->prev != &pool->items && order(pool, at->prev, item) > 0)
		at = at->prev;
	insert_before(at, item);
	pool->n++;
}

static struct item *take_first(struct gpool *pool)
{
	struct item *item = pool->items.next;

	if (item == &pool->items)
		return NULL;
	remove_item(item);
	pool->n--;
	return item;
}

/* Two sorted chains as one; of equals, those of a come first. A chain is linked by next,
 * and ends with NULL. */
static struct item *merged(const struct gpool *pool, struct item *a, struct item *b)
{
	struct item *first, **end = &first;

	while (a && b) {
		struct item **from = order(pool, a, b) <= 0 ? &a : &b;

		*end = *from;
		end = &(*from)->next;
		*from = *end;
	}
	*end = a ? a : b;
	return first;
}

/* The first n of a chain, sorted; they are taken from it. n is not 0. */
static struct item *sorted(const struct gpool *pool, struct item **chain, unsigned n)
{
	struct item *first = *chain;

	if (n > 1) {
		first = sorted(pool, chain, n / 2);
		return merged(pool, first, sorted(pool, chain, n - n / 2));
	}
	*chain = first->next;
	first->next = NULL;
	return first;
}

static void sort(struct gpool *pool)
{
	struct item *chain = pool->items.next, *next;

	if (!pool->n)
		return;
	chain = sorted(pool, &chain, pool->n);
	pool->items.next = pool->items.prev = &pool->items;
	for (; chain; chain = next) {
		next = chain->next;
		insert_before(&pool->items, chain);
	}
}

/* --- running ------------------------------------------------------------------------- */

/* Run the first item; false when there is none. */
static bool run_first(struct gpool *pool)
{
	struct item *item;
	void *data;

	weft_mutex_lock(&pool->lock);
	item = take_first(pool);
	weft_mutex_unlock(&pool->lock);
	if (!item)
		return false;
	data = item->data;
	free(item);
	pool->public.func(data, pool->public.user_data);
	return true;
}

/* One of the items that no job was there for is the caller's to run. */
static bool take_owed(struct gpool *pool)
{
	bool owed;

	/* relaxed: who finds 0 too early leaves it to another */
	if (!atomic_load_explicit(&pool->owed, memory_order_relaxed))
		return false;
	weft_mutex_lock(&pool->lock);
	owed = pool->owed;
	if (owed)
		pool->owed--;
	weft_mutex_unlock(&pool->lock);
	return owed;
}

static void job(void *arg)
{
	do
		run_first(arg);
	while (take_owed(arg));
}

/* With the lock held: the pool's bound as max says. */
static int bound(struct gpool *pool)
{
	int error;

	if (pool->max == 0)
		return weft_pool_pause(pool->jobs);
	error = weft_pool_resize(pool->jobs, pool->max < 0 ? UINT_MAX : (unsigned)pool->max);
	return error ? error : weft_pool_resume(pool->jobs);
}

struct weft_gpool *weft_gpool_new(void (*func)(void *, void *), void *user_data,
				  void (*free_item)(void *), int max, int exclusive)
{
	weft_pool_attr_t attr = {.name = "pool", .workers = 1};
	struct gpool *pool = calloc(1, sizeof *pool);

	if (!pool)
		return NULL;
	if (weft_pool_create(&pool->jobs, &attr)) {
		free(pool);
		return NULL;
	}
	pool->public.func = func;
	pool->public.user_data = user_data;
	pool->public.exclusive = exclusive;
	pool->items.next = pool->items.prev = &pool->items;
	pool->free_item = free_item;
	pool->max = max;
	bound(pool); /* nothing is queued that would have to be started */
	return &pool->public;
}

int weft_gpool_push(struct weft_gpool *public, void *data)
{
	struct gpool *pool = of(public);
	struct item *item = malloc(sizeof *item);
	bool freed;

	if (!item)
		return ENOMEM;
	item->data = data;
	weft_mutex_lock(&pool->lock);
	freed = pool->freed;
	if (!freed)
		add(pool, item);
	weft_mutex_unlock(&pool->lock);
	if (freed) {
		free(item);
		return EINVAL;
	}
	if (!weft_pool_submit(pool->jobs, job, pool))
		return 0;
	weft_mutex_lock(&pool->lock);
	pool->owed++;
	weft_mutex_unlock(&pool->lock);
	return EAGAIN;
}

int weft_gpool_set_max(struct weft_gpool *public, int max)
{
	struct gpool *pool = of(public);
	int error;

	weft_mutex_lock(&pool->lock);
	pool->max = max;
	error = bound(pool);
	weft_mutex_unlock(&pool->lock);
	return error;
}

/* --- asking and ordering ------------------------------------------------------------- */

int weft_gpool_get_max(struct weft_gpool *public)
{
	struct gpool *pool = of(public);
	int max;

	weft_mutex_lock(&pool->lock);
	max = pool->max;
	weft_mutex_unlock(&pool->lock);
	return max;
}

unsigned weft_gpool_threads(struct weft_gpool *public)
{
	weft_pool_stats_t stats = {0};
	int max = public->exclusive ? weft_gpool_get_max(public) : 0;

	weft_pool_stats(of(public)->jobs, &stats, sizeof stats);
	return (unsigned)stats.running > (unsigned)max ? (unsigned)stats.running : (unsigned)max;
}

unsigned weft_gpool_unprocessed(struct weft_gpool *public)
{
	struct gpool *pool = of(public);
	unsigned n;

	weft_mutex_lock(&pool->lock);
	n = pool->n;
	weft_mutex_unlock(&pool->lock);
	return n;
}

int weft_gpool_freed(struct weft_gpool *public)
{
	struct gpool *pool = of(public);
	bool freed;

	weft_mutex_lock(&pool->lock);
	freed = pool->freed;
	weft_mutex_unlock(&pool->lock);
	return freed;
}

void weft_gpool_sort(struct weft_gpool *public, int (*compare)(const void *, const void *, void *),
		     void *data)
{
	struct gpool *pool = of(public);

	weft_mutex_lock(&pool->lock);
	pool->compare = compare;
	pool->compare_data = data;
	if (compare)
		sort(pool);
	weft_mutex_unlock(&pool->lock);
}

int weft_gpool_front(struct weft_gpool *public, void *data)
{
	struct gpool *pool = of(public);
	struct item *item;
	bool found;

	weft_mutex_lock(&pool->lock);
	for (item = pool->items.next; item != &pool->items && item->data != data;)
		item = item->next;
	found = item != &pool->items;
	if (found) {
		remove_item(item);
		insert_before(pool->items.next, item);
	}
	weft_mutex_unlock(&pool->lock);
	return found;
}

/* --- freeing --------------------------------------------------------------------------- */

static void drop_items(struct gpool *pool)
{
	for (;;) {
		struct item *item;

		weft_mutex_lock(&pool->lock);
		item = take_first(pool);
		weft_mutex_unlock(&pool->lock);
		if (!item)
			return;
		if (pool->free_item)
			pool->free_item(item->data);
		free(item);
	}
}

/* When all jobs have ended; false in one of them. */
static bool finished(struct gpool *pool)
{
	if (weft_pool_destroy(pool->jobs, pool->immediate ? WEFT_DISCARD : WEFT_DRAIN, NULL))
		return false;
	while (!pool->immediate && run_first(pool)) /* what no job was ever had for (T1) */
		;
	weft_mutex_destroy(&pool->lock);
	free(pool);
	return true;
}

static void finish(void *pool)
{
	finished(pool);
}

void weft_gpool_free(struct weft_gpool *public, int immediate, int wait)
{
	struct gpool *pool = of(public);

	weft_mutex_lock(&pool->lock);
	pool->freed = true;
	pool->immediate = immediate;
	weft_mutex_unlock(&pool->lock);
	if (immediate)
		drop_items(pool);
	if (wait && finished(pool))
		return;
	if (weft_go(finish, pool)) /* no task could be had: then the caller has to wait */
		finished(pool);
}

/* --- of all pools ------------------------------------------------------------------------ */

void weft_gpool_set_max_unused(int max)
{
	wf_gpool_unused = max;
}

int weft_gpool_get_max_unused(void)
{
	return wf_gpool_unused;
}

void weft_gpool_set_idle_time(unsigned ms)
{
	wf_gpool_idletime = ms;
}

unsigned weft_gpool_get_idle_time(void)
{
	return wf_gpool_idletime;
}
