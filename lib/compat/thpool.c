/*
 * The C-Thread-Pool API: a threadpool is a weft_pool_t.
 *
 * One without threads is paused for good. It is known by a bound that is asked for nowhere
 * else.
 */
#include <limits.h>

#include <weft/compat/thpool/thpool.h>
#include <weft/pool.h>

#define NO_THREADS UINT_MAX

static weft_pool_stats_t stats_of(void *pool)
{
	weft_pool_stats_t stats = {0};

	weft_pool_stats(pool, &stats, sizeof stats);
	return stats;
}

void *weft_thpool_init(int num_threads)
{
	weft_pool_attr_t attr = {.name = "thpool", .workers = NO_THREADS};
	weft_pool_t *pool;

	if (num_threads > 0)
		attr.workers = (unsigned)num_threads;
	if (weft_pool_create(&pool, &attr))
		return NULL;
	if (attr.workers == NO_THREADS)
		weft_pool_pause(pool);
	return pool;
}

int weft_thpool_add_work(void *pool, void (*function_p)(void *), void *arg_p)
{
	return weft_pool_submit(pool, function_p, arg_p) ? -1 : 0;
}

void weft_thpool_wait(void *pool)
{
	weft_pool_wait(pool);
}

void weft_thpool_pause(void *pool)
{
	weft_pool_pause(pool);
}

void weft_thpool_resume(void *pool)
{
	if (stats_of(pool).workers != NO_THREADS)
		weft_pool_resume(pool);
}

void weft_thpool_destroy(void *pool)
{
	weft_pool_destroy(pool, WEFT_DISCARD, NULL);
}

int weft_thpool_num_threads_working(void *pool)
{
	return (int)stats_of(pool).running;
}
