/*
 * The C-Thread-Pool API on Weft: `pkg-config --cflags --libs weft-thpool` puts this folder
 * first, and a program that includes "thpool.h" needs no change.
 *
 * A threadpool is a pool of Weft's with so many workers; its threads are tasks. Different
 * from the original:
 *
 * - thpool_pause lets running jobs go on, and no other begins. The original stops them where
 *   they are, by a signal: also one that holds a lock (malloc's, stdio's), on which who
 *   paused the pool may then wait for ever. Who needs to know that nothing runs looks at
 *   thpool_num_threads_working.
 * - thpool_destroy of a paused pool does not hang, and does not poll.
 * - thpool_wait in a job of the same pool returns at once, instead of never.
 */
#ifndef WEFT_COMPAT_THPOOL_H
#define WEFT_COMPAT_THPOOL_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct thpool_ *threadpool;

#pragma GCC visibility push(default)

/* What the calls below stand for. */
void *weft_thpool_init(int num_threads);
int weft_thpool_add_work(void *pool, void (*function_p)(void *), void *arg_p);
void weft_thpool_wait(void *pool);
void weft_thpool_pause(void *pool);
void weft_thpool_resume(void *pool);
void weft_thpool_destroy(void *pool);
int weft_thpool_num_threads_working(void *pool);

#pragma GCC visibility pop

/**
 * Make a pool of num_threads threads, ready to work; one below 0 counts as 0, with which
 * nothing is run.
 *
 * @return the pool; NULL when it could not be made
 */
static inline threadpool thpool_init(int num_threads)
{
	return (threadpool)weft_thpool_init(num_threads);
}

/** Queue a job. @return 0; -1 when it could not be queued */
static inline int thpool_add_work(threadpool pool, void (*function_p)(void *), void *arg_p)
{
	return weft_thpool_add_work(pool, function_p, arg_p);
}

/** Wait until the queue is empty and no job runs; on a paused pool with jobs in its queue,
 * until it was resumed and they have run. */
static inline void thpool_wait(threadpool pool)
{
	weft_thpool_wait(pool);
}

/** Start no further job until thpool_resume. Running jobs go on; jobs may be added. */
static inline void thpool_pause(threadpool pool)
{
	weft_thpool_pause(pool);
}

/** Start jobs again; nothing when the pool is not paused. */
static inline void thpool_resume(threadpool pool)
{
	weft_thpool_resume(pool);
}

/** Drop what is queued, wait until the running jobs have ended, and end the pool, whether
 * paused or not. NULL: nothing. Not in a job of the pool. */
static inline void thpool_destroy(threadpool pool)
{
	weft_thpool_destroy(pool);
}

/** How many jobs run now, or are about to. */
static inline int thpool_num_threads_working(threadpool pool)
{
	return weft_thpool_num_threads_working(pool);
}

#ifdef __cplusplus
}
#endif

#endif
