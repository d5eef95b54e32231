/*
 * Pools of jobs, futures, parallel loops, and groups of tasks.
 *
 * A pool runs jobs, so many at once, in tasks that exist only while there is work: an idle
 * pool costs its memory and nothing else. A group is for tasks that are started together
 * and waited for together.
 *
 * Calls return 0 or an error number, and may be made from tasks and from foreign threads
 * alike; a foreign thread blocks where a task parks. An object that was destroyed gives
 * EINVAL where that can be seen. Timed calls take an absolute CLOCK_MONOTONIC time.
 *
 * Semantics: Weft's own; where Go has the like (errgroup), as there.
 */
#ifndef WEFT_POOL_H
#define WEFT_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Tasks that are waited for, and cancelled, together. */
typedef struct weft_group weft_group_t;
/** Jobs that run so many at once. */
typedef struct weft_pool weft_pool_t;
/** The result of a job, before and after it is there. */
typedef struct weft_future weft_future_t;

/* --- groups ------------------------------------------------------------------ */

enum {
	WEFT_GROUP_CANCEL_ON_ERROR = 1 /**< the first result that is not 0 cancels the group */
};

/**
 * Make a group without tasks.
 *
 * @param group where its handle goes; not NULL
 * @param flags 0 or WEFT_GROUP_CANCEL_ON_ERROR
 * @return 0; EINVAL (NULL, unknown flags), ENOMEM; EAGAIN when the runtime had to be
 *         booted and could not
 * Never parks. The group is the caller's to destroy.
 */
int weft_group_create(weft_group_t **group, unsigned flags);

/**
 * Start a task of the group.
 *
 * Its cancellation state is WEFT_CANCEL_MASKED: when the group is cancelled, the next
 * waiting call of the task fails with ECANCELED, once. In a group that was cancelled the
 * task is skipped.
 *
 * @param group a group
 * @param fn    what to run; its result is the task's error, 0 for none. A task that leaves
 *              by weft_exit counts as 0, or as ECANCELED when it gives WEFT_CANCELED
 * @param arg   handed to fn
 * @return 0; EINVAL (NULL), ENOMEM
 * Never parks. The task sees what the caller did before.
 */
int weft_group_go(weft_group_t *group, int (*fn)(void *), void *arg);

/**
 * Wait until all tasks of the group have ended.
 *
 * Then the group is as new: not cancelled, without an error. What the tasks did happens
 * before the return. Any number of callers may wait.
 *
 * @param group a group
 * @param first where the first result that was not 0 goes, or ECANCELED if there is none
 *              and tasks were skipped, or 0; may be NULL
 * @return 0 when all have ended; ETIMEDOUT at the caller's deadline, ECANCELED when the
 *         caller was cancelled (the tasks go on); EDEADLK in a task of the group; EINVAL
 * A waiting call: parks, and is a cancellation point.
 */
int weft_group_wait(weft_group_t *group, int *first);

/**
 * The same until a time.
 *
 * @param abstime absolute, CLOCK_MONOTONIC; in the past: does not wait
 * @return as weft_group_wait; ETIMEDOUT also when the time came first; EINVAL also for NULL
 *         and nanoseconds not in 0 to 999,999,999
 * A waiting call.
 */
int weft_group_timedwait(weft_group_t *group, int *first, const struct timespec *abstime);

/**
 * Cancel the group: its running tasks are asked to end, those that have not started are
 * skipped, as are others until it was waited for.
 *
 * @return 0, also when it was cancelled before; EINVAL (NULL)
 * Never parks.
 */
int weft_group_cancel(weft_group_t *group);

/**
 * Destroy a group.
 *
 * @return 0; EBUSY while tasks of it run or somebody waits; EINVAL (NULL)
 * Never parks.
 */
int weft_group_destroy(weft_group_t *group);

/* --- pools ------------------------------------------------------------------- */

/** What a submit does when the queue is full. */
enum {
	WEFT_BLOCK = 0,      /**< it waits for room */
	WEFT_REJECT = 1,     /**< it fails with EAGAIN */
	WEFT_CALLER_RUNS = 2 /**< it runs the job itself, and returns then */
};

/** How a pool is destroyed. */
enum {
	WEFT_DRAIN = 0,  /**< what is queued is run */
	WEFT_DISCARD = 1 /**< what is queued is dropped; futures of it give ECANCELED */
};

/** Attributes of a pool; all zero is the default. */
typedef struct {
	const char *name; /**< of its tasks: at most WEFT_NAME_MAX bytes, copied; NULL: none */
	unsigned workers; /**< jobs at once; 0: as many as there are Ps, following weft_procs */
	size_t capacity;  /**< jobs that may be queued, those that run not counted; 0: no bound */
	int overflow;     /**< WEFT_BLOCK, WEFT_REJECT or WEFT_CALLER_RUNS */
	unsigned priorities;  /**< levels; 0 and 1: one */
	size_t stack_size;    /**< of its tasks in bytes; 0: the default */
	uint64_t reserved[8]; /**< zero */
} weft_pool_attr_t;

/**
 * The state of a pool at one moment: submitted = finished + discarded + queued + running.
 */
typedef struct {
	uint64_t workers; /**< the bound on jobs at once, now */
	uint64_t running; /**< now: jobs that a task or their submitter has begun, or is about to */
	uint64_t queued;  /**< now: jobs that wait */
	uint64_t submitted;  /**< jobs that were accepted */
	uint64_t finished;   /**< of those, how many have ended */
	uint64_t rejected;   /**< jobs that were refused with EAGAIN; not in submitted */
	uint64_t discarded;  /**< accepted and never run: cancelled futures, WEFT_DISCARD */
	uint64_t caller_ran; /**< of the finished, those that their submitter ran */
} weft_pool_stats_t;

/**
 * Make a pool.
 *
 * @param pool where its handle goes; not NULL
 * @param attr attributes; NULL for the defaults
 * @return 0; EINVAL (NULL, an overflow that is none, more than INT_MAX priorities, a stack
 *         size that a task can't have, reserved fields that are not zero), ERANGE (the name is too
 * long), ENOMEM; EAGAIN when the runtime had to be booted and could not Never parks. The pool is
 * the caller's to destroy.
 */
int weft_pool_create(weft_pool_t **pool, const weft_pool_attr_t *attr);

/**
 * Submit a job, at priority 0.
 *
 * A job runs in a task of the pool, and may call everything; one that parks gives way to
 * no other job of the pool, as the bound counts it. weft_exit in a job ends the job. A job
 * finds its task as a new one: errno, keys' values, cancellation state and deadline of the
 * job before are gone.
 *
 * When the queue is full the pool's overflow says what happens. A job of the same pool
 * never waits for room: what it submits under WEFT_BLOCK is run in place, as under
 * WEFT_CALLER_RUNS.
 *
 * @param pool a pool
 * @param fn   what to run; not NULL
 * @param arg  handed to fn
 * @return 0; EINVAL (NULL), EAGAIN (full, WEFT_REJECT), ECANCELED (the pool is being
 *         destroyed, and it discards or the caller is no job of it; or the caller was
 *         cancelled while it waited), ETIMEDOUT (at the caller's deadline while it waited),
 *         ENOMEM
 * A waiting call when it waits for room. The job sees what the caller did before.
 */
int weft_pool_submit(weft_pool_t *pool, void (*fn)(void *), void *arg);

/**
 * The same at a priority: jobs of a greater one start first, jobs of the same in the order
 * of their submission.
 *
 * @param prio 0 up to the pool's priorities minus 1; else EINVAL
 * @return as weft_pool_submit
 * A waiting call when it waits for room.
 */
int weft_pool_submit_prio(weft_pool_t *pool, int prio, void (*fn)(void *), void *arg);

/**
 * Submit a job whose result is wanted.
 *
 * @param pool   a pool
 * @param future where a handle for the result goes, to be released by the caller; not NULL
 * @param fn     what to run; its result is the future's value
 * @param arg    handed to fn
 * @return as weft_pool_submit; with an error there is no future
 * A waiting call when it waits for room.
 */
int weft_pool_async(weft_pool_t *pool, weft_future_t **future, void *(*fn)(void *), void *arg);

/**
 * Run a loop's body for all of [begin, end), on several Ps at once.
 *
 * The caller works itself, and gives half of what it has left away whenever workers of
 * the pool have nothing of the loop; so do they. The pool's bound counts the caller. A
 * worker that helps goes to a queued job when there is one; the loop counts as no job.
 * Loops may be nested, and make progress whatever the other workers do.
 *
 * @param pool  the workers; NULL: all Ps
 * @param begin the first index
 * @param end   the one behind the last; begin >= end calls nothing
 * @param grain each call but the last of a share is for so many indexes; 0: automatic, ever
 *              smaller shares of what is left
 * @param fn    called with lo < hi, in any order and from several tasks at once
 * @param arg   handed to fn
 * @return 0 once all is done; EINVAL (fn is NULL), ENOMEM; EAGAIN when the runtime had to
 *         be booted and could not
 * Parks, and is not a cancellation point. What fn did happens before the return. Callable
 * from tasks and from foreign threads, on which fn then runs too.
 */
int weft_pool_for(weft_pool_t *pool, size_t begin, size_t end, size_t grain,
		  void (*fn)(size_t lo, size_t hi, void *arg), void *arg);

/**
 * Wait until nothing is queued and nothing runs. The pool stays usable; on one that is
 * paused and has jobs queued, the call waits until it is resumed.
 *
 * @return 0; EDEADLK in a job of the pool; ETIMEDOUT at the caller's deadline, ECANCELED
 *         when the caller was cancelled; EINVAL (NULL)
 * A waiting call: parks, and is a cancellation point. What the jobs did happens before the
 * return.
 */
int weft_pool_wait(weft_pool_t *pool);

/**
 * The same until a time.
 *
 * @param abstime absolute, CLOCK_MONOTONIC; in the past: does not wait
 * @return as weft_pool_wait; ETIMEDOUT also when the time came first; EINVAL also for NULL
 *         and nanoseconds not in 0 to 999,999,999
 * A waiting call.
 */
int weft_pool_timedwait(weft_pool_t *pool, const struct timespec *abstime);

/**
 * Let no further job start, until weft_pool_resume. Running jobs go on, and what a
 * submitter has to run itself is run.
 *
 * @return 0, also when it was paused before; EINVAL (NULL, or being destroyed)
 * Never parks.
 */
int weft_pool_pause(weft_pool_t *pool);

/**
 * Let jobs start again.
 *
 * @return 0; EINVAL (NULL); ENOMEM: they will, but with a later call
 * Never parks.
 */
int weft_pool_resume(weft_pool_t *pool);

/**
 * Change how many jobs may run at once. More start at once; where there are too many, as
 * many end first.
 *
 * @param workers the bound; 0: as many as there are Ps, following weft_procs
 * @return 0; EINVAL (NULL); ENOMEM: the bound is changed, more will start with a later call
 * Never parks.
 */
int weft_pool_resize(weft_pool_t *pool, unsigned workers);

/**
 * Tell the state of a pool.
 *
 * @param pool  a pool
 * @param stats where it goes
 * @param size  sizeof *stats; as much is filled as the library knows, the rest is zero
 * @return 0; EINVAL (NULL, size 0)
 * Never parks.
 */
int weft_pool_stats(weft_pool_t *pool, weft_pool_stats_t *stats, size_t size);

/**
 * Destroy a pool, once its running jobs have ended.
 *
 * While it drains, its jobs may submit further ones, and a paused pool is resumed. From
 * the beginning of a discarding destruction nothing is accepted. Futures stay good until
 * they are released.
 *
 * @param pool      a pool
 * @param how       WEFT_DRAIN or WEFT_DISCARD
 * @param discarded where the number of jobs goes that were dropped; may be NULL
 * @return 0; EDEADLK in a job of the pool; EINVAL (NULL, unknown how, somebody destroys it)
 * Parks, and is not a cancellation point.
 */
int weft_pool_destroy(weft_pool_t *pool, int how, size_t *discarded);

/* --- futures ------------------------------------------------------------------- */

/**
 * Wait for a job's result.
 *
 * @param future a future; any number of callers may wait
 * @param value  where the job's result goes, or what it gave weft_exit; may be NULL
 * @return 0; ECANCELED when the future was cancelled, its pool discarded it, its job left
 *         by weft_exit(WEFT_CANCELED), or the caller was cancelled; ETIMEDOUT at the
 *         caller's deadline; EINVAL (NULL)
 * A waiting call: parks, and is a cancellation point. What the job did happens before the
 * return.
 */
int weft_future_get(weft_future_t *future, void **value);

/**
 * The same until a time.
 *
 * @param abstime absolute, CLOCK_MONOTONIC; in the past: does not wait
 * @return as weft_future_get; ETIMEDOUT also when the time came first; EINVAL also for NULL
 *         and nanoseconds not in 0 to 999,999,999
 * A waiting call.
 */
int weft_future_timedget(weft_future_t *future, void **value, const struct timespec *abstime);

/**
 * Whether a future has its result or was cancelled.
 *
 * @return 1 or 0; 0 for NULL
 * Never parks.
 */
int weft_future_done(weft_future_t *future);

/**
 * Take a job back that has not started.
 *
 * @return 0: it will not run, and counts as discarded; EALREADY: it runs or ran, or was
 *         cancelled before; EINVAL (NULL)
 * Never parks.
 */
int weft_future_cancel(weft_future_t *future);

/**
 * Give a future's handle back. The job is run all the same.
 *
 * @return 0; EINVAL (NULL)
 * Never parks.
 */
int weft_future_release(weft_future_t *future);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
