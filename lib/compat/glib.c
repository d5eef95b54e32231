/*
 * What GThreadPool on Weft is made of, in plain C types: the library needs no GLib, and
 * weft/compat/glib/glib.h gives these calls their names.
 *
 * The items are in a list of the pool's own, sorted as the program wants it; for each there
 * is a job in a pool of Weft's, which takes the first item when it runs.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <weft/compat/glib/weft-gpool.h>
#include <weft/pool.h>
#include <weft/task.h>

struct item {
	struct item *next;
	void *data;
};

struct gpool {
	struct weft_gpool public;
	weft_pool_t *jobs;
	pthread_mutex_t lock; /* guards all below; held for a few instructions */
	struct item *first, **end;
	unsigned n;
	int max; /* -1: no bound */
	int (*compare)(const void *, const void *, void *);
	void *compare_data;
	void (*free_item)(void *);
};

/* As GLib has them until they are set; there are no unused threads here to keep. */
static _Atomic int wf_gpool_unused = 8;
static _Atomic unsigned wf_gpool_idletime = 15000;

static struct gpool *of(struct weft_gpool *public)
{
	return (struct gpool *)public;
}

/* --- the items; all with the lock held --------------------------------------------- */

static void link_at(struct gpool *pool, struct item **at, struct item *item)
{
	item->next = *at;
	*at = item;
	if (!item->next)
		pool->end = &item->next;
	pool->n++;
}

static struct item *unlink_at(struct gpool *pool, struct item **at)
{
	struct item *item = *at;

	*at = item->next;
	if (!*at)
		pool->end = at;
	pool->n--;
	return item;
}

/* Behind all that do not sort after it. */
static struct item **place_of(struct gpool *pool, const void *data)
{
	struct item **at = &pool->first;

	if (!pool->compare)
		return pool->end;
	while (*at && pool->compare((*at)->data, data, pool->compare_data) <= 0)
		at = &(*at)->next;
	return at;
}

static void sort(struct gpool *pool)
{
	struct item *item = pool->first, *next;

	pool->first = NULL;
	pool->end = &pool->first;
	pool->n = 0;
	for (; item; item = next) {
		next = item->next;
		link_at(pool, place_of(pool, item->data), item);
	}
}

/* --- running ------------------------------------------------------------------------- */

static void run_first(void *arg)
{
	struct gpool *pool = arg;
	struct item *item = NULL;
	void *data;

	pthread_mutex_lock(&pool->lock);
	if (pool->first)
		item = unlink_at(pool, &pool->first);
	pthread_mutex_unlock(&pool->lock);
	if (!item)
		return;
	data = item->data;
	free(item);
	pool->public.func(data, pool->public.user_data);
}

static void bound(struct gpool *pool)
{
	if (pool->max == 0) {
		weft_pool_pause(pool->jobs);
		return;
	}
	weft_pool_resize(pool->jobs, pool->max < 0 ? UINT_MAX : (unsigned)pool->max);
	weft_pool_resume(pool->jobs);
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
	pthread_mutex_init(&pool->lock, NULL);
	pool->end = &pool->first;
	pool->free_item = free_item;
	pool->max = max;
	bound(pool);
	return &pool->public;
}

int weft_gpool_push(struct weft_gpool *public, void *data)
{
	struct gpool *pool = of(public);
	struct item *item = malloc(sizeof *item);

	if (!item)
		return -1;
	item->data = data;
	pthread_mutex_lock(&pool->lock);
	link_at(pool, place_of(pool, data), item);
	pthread_mutex_unlock(&pool->lock);
	/* without a job of its own the item is run by the next one's */
	return weft_pool_submit(pool->jobs, run_first, pool) ? -1 : 0;
}

void weft_gpool_set_max(struct weft_gpool *public, int max)
{
	struct gpool *pool = of(public);

	pthread_mutex_lock(&pool->lock);
	pool->max = max;
	pthread_mutex_unlock(&pool->lock);
	bound(pool);
}

int weft_gpool_get_max(struct weft_gpool *public)
{
	struct gpool *pool = of(public);
	int max;

	pthread_mutex_lock(&pool->lock);
	max = pool->max;
	pthread_mutex_unlock(&pool->lock);
	return max;
}

unsigned weft_gpool_threads(struct weft_gpool *public)
{
	struct gpool *pool = of(public);
	weft_pool_stats_t stats;

	if (public->exclusive && weft_gpool_get_max(public) > 0)
		return (unsigned)weft_gpool_get_max(public);
	return weft_pool_stats(pool->jobs, &stats, sizeof stats) ? 0 : (unsigned)stats.running;
}

unsigned weft_gpool_unprocessed(struct weft_gpool *public)
{
	struct gpool *pool = of(public);
	unsigned n;

	pthread_mutex_lock(&pool->lock);
	n = pool->n;
	pthread_mutex_unlock(&pool->lock);
	return n;
}

void weft_gpool_sort(struct weft_gpool *public, int (*compare)(const void *, const void *, void *),
		     void *data)
{
	struct gpool *pool = of(public);

	pthread_mutex_lock(&pool->lock);
	pool->compare = compare;
	pool->compare_data = data;
	if (compare)
		sort(pool);
	pthread_mutex_unlock(&pool->lock);
}

int weft_gpool_front(struct weft_gpool *public, void *data)
{
	struct gpool *pool = of(public);
	struct item **at;
	bool found;

	pthread_mutex_lock(&pool->lock);
	for (at = &pool->first; *at && (*at)->data != data;)
		at = &(*at)->next;
	found = *at;
	if (found) {
		struct item *item = unlink_at(pool, at);

		link_at(pool, &pool->first, item);
	}
	pthread_mutex_unlock(&pool->lock);
	return found;
}

/* --- freeing --------------------------------------------------------------------------- */

static void drop_items(struct gpool *pool)
{
	struct item *item;

	pthread_mutex_lock(&pool->lock);
	item = pool->first;
	pool->first = NULL;
	pool->end = &pool->first;
	pool->n = 0;
	pthread_mutex_unlock(&pool->lock);
	while (item) {
		struct item *next = item->next;

		if (pool->free_item)
			pool->free_item(item->data);
		free(item);
		item = next;
	}
}

/* When all jobs have ended; false in one of them. */
static bool finished(struct gpool *pool)
{
	if (weft_pool_destroy(pool->jobs, WEFT_DRAIN, NULL))
		return false;
	drop_items(pool);
	pthread_mutex_destroy(&pool->lock);
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

	if (immediate)
		drop_items(pool);
	if (!wait || !finished(pool))
		weft_go(finish, pool);
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
