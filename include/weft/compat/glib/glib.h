/*
 * GThreadPool on Weft: `pkg-config --cflags --libs weft-glib` puts this folder first. This
 * header includes the system's <glib.h> and has g_thread_pool_* mean the functions below,
 * which do what GLib documents. All else of GLib is as it is.
 *
 * The threads of a pool are tasks, which end as soon as they have nothing to run. So there
 * never is an unused thread: their number is 0, which is within any maximum, none is idle
 * for longer than any time, and stopping them has nothing to do. What is set for them is
 * told again. Kernel threads are Weft's own matter (weft_config_t's max_threads).
 *
 * The functions are inline, in GLib's types, over calls of the library in plain C ones.
 */
#ifndef WEFT_COMPAT_GLIB_H
#define WEFT_COMPAT_GLIB_H

#pragma GCC system_header
#include_next <glib.h>

#include <errno.h>

#include "weft-gpool.h"

static inline struct weft_gpool *weft_gpool_of(GThreadPool *pool)
{
	return (struct weft_gpool *)(void *)pool;
}

static inline gboolean weft_gpool_error(GError **error)
{
	g_set_error_literal(error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN,
			    "no task could be had for a thread pool");
	return FALSE;
}

/**
 * Make a pool. Tasks are made when there is something to run, in an exclusive pool too: no
 * other pool can take them away.
 *
 * @param func           called with each item and user_data; not NULL
 * @param item_free_func called for what g_thread_pool_free drops; may be NULL
 * @param max_threads    items that run at once: 0 none, -1 no bound, which an exclusive pool
 *                       can't have
 * @return the pool; NULL and *error when Weft could not be started or without memory
 */
static inline GThreadPool *weft_g_thread_pool_new_full(GFunc func, gpointer user_data,
						       GDestroyNotify item_free_func,
						       gint max_threads, gboolean exclusive,
						       GError **error)
{
	struct weft_gpool *pool;

	g_return_val_if_fail(func, NULL);
	g_return_val_if_fail(!exclusive || max_threads != -1, NULL);
	g_return_val_if_fail(max_threads >= -1, NULL);
	pool = weft_gpool_new(func, user_data, item_free_func, max_threads, exclusive);
	if (!pool)
		weft_gpool_error(error);
	return (GThreadPool *)(void *)pool;
}

static inline GThreadPool *weft_g_thread_pool_new(GFunc func, gpointer user_data, gint max_threads,
						  gboolean exclusive, GError **error)
{
	return weft_g_thread_pool_new_full(func, user_data, NULL, max_threads, exclusive, error);
}

/** FALSE and *error set when no task could be had: the data is queued all the same, and run
 * by another item's. Without memory for that the program ends, as by g_malloc. */
static inline gboolean weft_g_thread_pool_push(GThreadPool *pool, gpointer data, GError **error)
{
	int failed;

	g_return_val_if_fail(pool && data, FALSE);
	failed = weft_gpool_push(weft_gpool_of(pool), data);
	g_return_val_if_fail(failed != EINVAL, FALSE); /* it was freed */
	if (failed == ENOMEM)
		g_error("no memory for an item of a thread pool");
	return failed ? weft_gpool_error(error) : TRUE;
}

/** FALSE and *error set when no task could be had; max_threads is set all the same. */
static inline gboolean weft_g_thread_pool_set_max_threads(GThreadPool *pool, gint max_threads,
							  GError **error)
{
	g_return_val_if_fail(pool, FALSE);
	g_return_val_if_fail(!weft_gpool_freed(weft_gpool_of(pool)), FALSE);
	g_return_val_if_fail(!pool->exclusive || max_threads != -1, FALSE);
	g_return_val_if_fail(max_threads >= -1, FALSE);
	return weft_gpool_set_max(weft_gpool_of(pool), max_threads) ? weft_gpool_error(error)
								    : TRUE;
}

static inline gint weft_g_thread_pool_get_max_threads(GThreadPool *pool)
{
	g_return_val_if_fail(pool, 0);
	return weft_gpool_get_max(weft_gpool_of(pool));
}

/** Items that run now; of an exclusive pool, max_threads if that is more. */
static inline guint weft_g_thread_pool_get_num_threads(GThreadPool *pool)
{
	g_return_val_if_fail(pool, 0);
	return weft_gpool_threads(weft_gpool_of(pool));
}

/** Items that wait. */
static inline guint weft_g_thread_pool_unprocessed(GThreadPool *pool)
{
	g_return_val_if_fail(pool, 0);
	return weft_gpool_unprocessed(weft_gpool_of(pool));
}

/**
 * Free a pool, which nobody may use from now on; running items are run to their end.
 *
 * @param immediate TRUE: items that wait are dropped; FALSE: they are run, which a pool whose
 *                  max_threads is 0 refuses if there are any
 * @param wait_     TRUE: return when nothing runs any more; FALSE: at once. In a function of
 *                  the pool itself the call always returns at once
 */
static inline void weft_g_thread_pool_free(GThreadPool *pool, gboolean immediate, gboolean wait_)
{
	g_return_if_fail(pool && !weft_gpool_freed(weft_gpool_of(pool)));
	g_return_if_fail(immediate || weft_gpool_get_max(weft_gpool_of(pool)) ||
			 !weft_gpool_unprocessed(weft_gpool_of(pool)));
	weft_gpool_free(weft_gpool_of(pool), immediate, wait_);
}

/** Sort what waits, and put what is pushed in its place; of equals, the first pushed runs
 * first. NULL: what is pushed goes to the end. */
static inline void weft_g_thread_pool_set_sort_function(GThreadPool *pool, GCompareDataFunc func,
							gpointer user_data)
{
	g_return_if_fail(pool);
	weft_gpool_sort(weft_gpool_of(pool), func, user_data);
}

/** FALSE when the item does not wait. */
static inline gboolean weft_g_thread_pool_move_to_front(GThreadPool *pool, gpointer data)
{
	g_return_val_if_fail(pool, FALSE);
	return weft_gpool_front(weft_gpool_of(pool), data);
}

static inline void weft_g_thread_pool_set_max_unused_threads(gint max_threads)
{
	g_return_if_fail(max_threads >= -1);
	weft_gpool_set_max_unused(max_threads);
}

/** What was set; else what GLib has, which since 2.84 is 8. */
static inline gint weft_g_thread_pool_get_max_unused_threads(void)
{
	gint max = weft_gpool_get_max_unused();

	if (max != WEFT_GPOOL_UNSET)
		return max;
	return glib_check_version(2, 84, 0) ? 2 : 8;
}

static inline guint weft_g_thread_pool_get_num_unused_threads(void)
{
	return 0;
}

static inline void weft_g_thread_pool_stop_unused_threads(void)
{
}

static inline void weft_g_thread_pool_set_max_idle_time(guint interval)
{
	weft_gpool_set_idle_time(interval);
}

static inline guint weft_g_thread_pool_get_max_idle_time(void)
{
	return weft_gpool_get_idle_time();
}

#define g_thread_pool_new weft_g_thread_pool_new
#define g_thread_pool_new_full weft_g_thread_pool_new_full
#define g_thread_pool_push weft_g_thread_pool_push
#define g_thread_pool_set_max_threads weft_g_thread_pool_set_max_threads
#define g_thread_pool_get_max_threads weft_g_thread_pool_get_max_threads
#define g_thread_pool_get_num_threads weft_g_thread_pool_get_num_threads
#define g_thread_pool_unprocessed weft_g_thread_pool_unprocessed
#define g_thread_pool_free weft_g_thread_pool_free
#define g_thread_pool_set_sort_function weft_g_thread_pool_set_sort_function
#define g_thread_pool_move_to_front weft_g_thread_pool_move_to_front
#define g_thread_pool_set_max_unused_threads weft_g_thread_pool_set_max_unused_threads
#define g_thread_pool_get_max_unused_threads weft_g_thread_pool_get_max_unused_threads
#define g_thread_pool_get_num_unused_threads weft_g_thread_pool_get_num_unused_threads
#define g_thread_pool_stop_unused_threads weft_g_thread_pool_stop_unused_threads
#define g_thread_pool_set_max_idle_time weft_g_thread_pool_set_max_idle_time
#define g_thread_pool_get_max_idle_time weft_g_thread_pool_get_max_idle_time

#endif
