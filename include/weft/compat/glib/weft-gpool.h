/*
 * What GThreadPool on Weft is made of; for glib.h beside this file, which has GLib's names
 * and types. Plain C types, so that the library needs no GLib.
 */
#ifndef WEFT_COMPAT_GPOOL_H
#define WEFT_COMPAT_GPOOL_H

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** What of a pool is public in GLib, laid out as a GThreadPool. */
struct weft_gpool {
	void (*func)(void *data, void *user_data);
	void *user_data;
	int exclusive;
};

/** g_thread_pool_new_full; NULL when the pool could not be made. */
struct weft_gpool *weft_gpool_new(void (*func)(void *, void *), void *user_data,
				  void (*free_item)(void *), int max, int exclusive);
/** g_thread_pool_push: 0; EAGAIN: no job could be had, and the item waits for another's;
 * ENOMEM, or EINVAL after weft_gpool_free: it is not in the pool. */
int weft_gpool_push(struct weft_gpool *pool, void *data);
/** g_thread_pool_set_max_threads: 0; ENOMEM: max is set, and more start with a later call. */
int weft_gpool_set_max(struct weft_gpool *pool, int max);
int weft_gpool_get_max(struct weft_gpool *pool);
/** g_thread_pool_get_num_threads: items that run now; of an exclusive pool, max if that is
 * more. */
unsigned weft_gpool_threads(struct weft_gpool *pool);
unsigned weft_gpool_unprocessed(struct weft_gpool *pool);
/** 1 when weft_gpool_free was called. */
int weft_gpool_freed(struct weft_gpool *pool);
void weft_gpool_sort(struct weft_gpool *pool, int (*compare)(const void *, const void *, void *),
		     void *data);
/** g_thread_pool_move_to_front: 1 when the item was there. */
int weft_gpool_front(struct weft_gpool *pool, void *data);
void weft_gpool_free(struct weft_gpool *pool, int immediate, int wait);
/** What was set last; WEFT_GPOOL_UNSET before that. */
#define WEFT_GPOOL_UNSET (-2)
void weft_gpool_set_max_unused(int max);
int weft_gpool_get_max_unused(void);
/** Milliseconds. */
void weft_gpool_set_idle_time(unsigned ms);
unsigned weft_gpool_get_idle_time(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
