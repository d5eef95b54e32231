/*
 * Tasks: creating, joining, ending and naming them, and what belongs to one.
 *
 * Where POSIX threads have a call, weft_X stands for pthread_X with the same
 * arguments, results and edge cases (IEEE Std 1003.1-2024); the bare names of
 * glibc's _np calls are here too. All calls return 0 or an error number unless
 * their description says otherwise, and may be made from tasks and from other
 * (foreign) threads alike. A foreign thread blocks where a task parks.
 */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h> /* clockid_t, in strict C11 too */
#include <time.h>

#include <weft/attribute.h>

#ifdef __cplusplus
extern "C" {
#define WEFT_NORETURN [[noreturn]]
#else
#define WEFT_NORETURN _Noreturn
#endif

#pragma GCC visibility push(default)

/** A task's handle. 0 is none. It carries a generation: a stale one gives ESRCH. */
typedef unsigned long weft_t;

/** Attributes of a task to be made; see weft_attr_init. */
typedef struct {
	uint64_t opaque[7];
} weft_attr_t;

/** A key of task-specific data. */
typedef unsigned weft_key_t;

/** Control of a one-time initialisation; all bytes zero is its initial state. */
typedef int weft_once_t;

#define WEFT_ONCE_INIT 0

/** The result of a task that was cancelled. */
#define WEFT_CANCELED ((void *)-1)

enum {
	WEFT_CANCEL_ENABLE = 0,  /**< a request is acted upon (default) */
	WEFT_CANCEL_DISABLE = 1, /**< a request stays pending */
	WEFT_CANCEL_MASKED = 2   /**< a request makes one waiting call fail with ECANCELED */
};
enum {
	WEFT_CANCEL_DEFERRED = 0,    /**< a request is acted upon in waiting calls (default) */
	WEFT_CANCEL_ASYNCHRONOUS = 1 /**< a request may be acted upon at any instant */
};
enum { WEFT_CREATE_JOINABLE = 0, WEFT_CREATE_DETACHED = 1 };

#define WEFT_KEYS_MAX 1024
#define WEFT_DESTRUCTOR_ITERATIONS 4
#define WEFT_NAME_MAX 31
#define WEFT_STACK_MIN 16384

/**
 * Run a function as a task of its own that nobody joins.
 *
 * The task is queued on the calling P and runs there unless another steals it.
 * It sees what its creator did before.
 *
 * @param fn  what to run; not NULL
 * @param arg handed to fn
 * @return 0; EINVAL (fn is NULL), ENOMEM; EAGAIN when the runtime had to be
 *         booted and could not
 * Never parks. Semantics: Go, "Go statements".
 */
WEFT_NOPLT int weft_go(void (*fn)(void *), void *arg);

/**
 * Create a task.
 *
 * @param task where its handle goes; not NULL
 * @param attr attributes; NULL for the defaults
 * @param fn   what to run; its result is the task's
 * @param arg  handed to fn
 * @return 0; EINVAL (task or fn is NULL, attr was not initialised), ENOMEM;
 *         EAGAIN when the runtime had to be booted and could not
 * Never parks. Semantics: pthread_create.
 */
WEFT_NOPLT int weft_create(weft_t *task, const weft_attr_t *attr, void *(*fn)(void *), void *arg);

/**
 * Wait until a task has ended, and take its result.
 *
 * A child that has not started yet is run at once in the caller's place. What
 * the task did happens before the return.
 *
 * @param task  a joinable task
 * @param value where its result goes (WEFT_CANCELED when it was cancelled); may be NULL
 * @return 0; ESRCH (no such task), EINVAL (detached, a foreign thread, or
 *         another caller joins it), EDEADLK (the caller itself, or a task that
 *         joins the caller: one of the two is told, the other waits); ECANCELED
 *         under WEFT_CANCEL_MASKED; ETIMEDOUT at the caller's deadline
 * A cancellation point; parks. Semantics: pthread_join.
 */
WEFT_NOPLT int weft_join(weft_t task, void **value);

/**
 * Join with a limit to the wait.
 *
 * @param task  a joinable task
 * @param value where its result goes; may be NULL
 * @param clock CLOCK_REALTIME or CLOCK_MONOTONIC; weft_timedjoin's is CLOCK_REALTIME
 * @param abs   until when to wait, absolute; a CLOCK_REALTIME time is converted at the call
 * @return 0; ETIMEDOUT when the task has not ended by then, and is to be joined still;
 *         EINVAL also for NULL, a nanosecond field out of range or another clock; else
 *         as weft_join
 * A cancellation point; parks. Semantics: pthread_timedjoin_np and pthread_clockjoin_np
 * of glibc.
 */
int weft_timedjoin(weft_t task, void **value, const struct timespec *abs);
int weft_clockjoin(weft_t task, void **value, clockid_t clock, const struct timespec *abs);

/**
 * Take the result of a task that has ended.
 *
 * @param task  a joinable task
 * @param value where its result goes; may be NULL
 * @return 0; EBUSY when it has not ended; else as weft_join
 * Never parks. Semantics: pthread_tryjoin_np of glibc.
 */
int weft_tryjoin(weft_t task, void **value);

/**
 * Let a task's memory be reused as soon as it ends, without a join.
 *
 * @param task a joinable task
 * @return 0; ESRCH (no such task), EINVAL (detached already, or a foreign thread)
 * Never parks. Semantics: pthread_detach.
 */
int weft_detach(weft_t task);

/**
 * The handle of the calling task, or one for the calling foreign thread.
 *
 * @return never 0, but where memory for a foreign thread's handle can't be had
 * Never parks. Semantics: pthread_self.
 */
weft_t weft_self(void);

/**
 * A number for a task that no other task of this process ever has.
 *
 * @param task a handle
 * @return its number; 0 for a stale handle
 * Never parks. Semantics: Weft's own.
 */
uint64_t weft_id(weft_t task);

/**
 * Whether two handles are of the same task.
 *
 * @return not 0 when they are
 * Never parks. Semantics: pthread_equal.
 */
int weft_equal(weft_t a, weft_t b);

/**
 * End the calling task.
 *
 * Clean-up handlers run and frames are unwound (C++ destructors, cleanup
 * attributes), innermost first; then key destructors. On a foreign thread:
 * pthread_exit.
 *
 * @param value the task's result
 * Does not return; handlers and destructors may park. Semantics: pthread_exit.
 */
WEFT_NORETURN void weft_exit(void *value);

/**
 * Let the other runnable tasks of this P run first.
 *
 * @return 0, always
 * Gives the P away and stays runnable; no cancellation point. On a foreign thread:
 * sched_yield. Semantics: Go, runtime.Gosched.
 */
WEFT_NOPLT int weft_yield(void);

/**
 * Name a task, for the debugger and for reports.
 *
 * @param task a task
 * @param name at most WEFT_NAME_MAX bytes and the terminating 0; copied
 * @return 0; ESRCH, EINVAL (name is NULL), ERANGE (too long), ENOMEM
 * Never parks. Semantics: pthread_setname_np of glibc.
 */
int weft_setname(weft_t task, const char *name);

/**
 * Tell a task's name; empty when it was never named.
 *
 * @param task a task
 * @param name where it goes
 * @param size of the buffer in bytes
 * @return 0; ESRCH, EINVAL (name is NULL), ERANGE (the buffer is too small)
 * Never parks. Semantics: pthread_getname_np of glibc.
 */
int weft_getname(weft_t task, char *name, size_t size);

/**
 * Ask a task to end.
 *
 * When it acts upon that is its own choice: see weft_setcancelstate.
 *
 * @param task a task
 * @return 0, also when it was asked before; ESRCH (no such task), EINVAL (a
 *         foreign thread)
 * Never parks. Semantics: pthread_cancel.
 */
int weft_cancel(weft_t task);

/**
 * Act upon a pending cancellation, if there is one and the state is
 * WEFT_CANCEL_ENABLE.
 *
 * A cancellation point. Semantics: pthread_testcancel.
 */
void weft_testcancel(void);

/**
 * Set how the calling task takes requests to end.
 *
 * @param state WEFT_CANCEL_ENABLE, WEFT_CANCEL_DISABLE or WEFT_CANCEL_MASKED:
 *              under the last the first waiting call that meets a request
 *              fails with ECANCELED, and the state becomes WEFT_CANCEL_DISABLE
 * @param old   where the state before goes; may be NULL
 * @return 0; EINVAL (unknown state)
 * Never parks. Semantics: pthread_setcancelstate; MASKED as in musl.
 */
int weft_setcancelstate(int state, int *old);

/**
 * Set when the calling task takes requests to end.
 *
 * @param type WEFT_CANCEL_DEFERRED or WEFT_CANCEL_ASYNCHRONOUS
 * @param old  where the type before goes; may be NULL
 * @return 0; EINVAL (unknown type)
 * Never parks. Semantics: pthread_setcanceltype.
 */
int weft_setcanceltype(int type, int *old);

/**
 * Set a time at which the calling task's waiting calls end.
 *
 * It holds for every waiting call (a cancellation point, or one of Weft's own that may
 * wait) until it is set anew: one that would have to wait beyond it fails with ETIMEDOUT.
 * Locks, barriers and weft_once do not heed it. It is not inherited by new tasks. On a
 * foreign thread it governs that thread's waits in Weft.
 *
 * @param abs absolute, CLOCK_MONOTONIC; NULL: none
 * @return 0; EINVAL (a nanosecond field out of range); ENOMEM on a foreign thread
 * Never parks. Semantics: Weft's own.
 */
int weft_deadline(const struct timespec *abs);

/** A clean-up handler's place in its task; for weft_cleanup_push alone. */
struct weft_cleanup {
	void (*fn)(void *);
	void *arg;
	struct weft_cleanup *next;
	int unwound; /**< its frame runs it when it is unwound */
};

/** What weft_cleanup_push and weft_cleanup_pop expand to; not to be called by name. */
void weft_cleanup_enter(struct weft_cleanup *);
void weft_cleanup_leave(int execute);
void weft_cleanup_unwind(struct weft_cleanup *);

/* Where frames have clean-ups of their own (C++, -fexceptions), the handler is one of
 * them, so that it runs in its place among destructors and cleanup attributes. */
#if defined __EXCEPTIONS
#define WEFT_CLEANUP_UNWOUND 1
#define WEFT_CLEANUP_ATTRIBUTE __attribute__((cleanup(weft_cleanup_unwind)))
#else
#define WEFT_CLEANUP_UNWOUND 0
#define WEFT_CLEANUP_ATTRIBUTE
#endif

#define WEFT_CLEANUP_NAME(line) weft_cleanup_of_line_##line
#define WEFT_CLEANUP_AT(line) WEFT_CLEANUP_NAME(line)

/**
 * Install a function that runs when the task is cancelled or ends by
 * weft_exit before the pop that pairs with this push in the same block.
 *
 * @param function what to run; it may park
 * @param argument handed to it
 * Never parks. Semantics: pthread_cleanup_push and pthread_cleanup_pop.
 */
#define weft_cleanup_push(function, argument)                                                      \
	do {                                                                                       \
		struct weft_cleanup WEFT_CLEANUP_AT(__LINE__) WEFT_CLEANUP_ATTRIBUTE = {           \
			(function), (argument), 0, WEFT_CLEANUP_UNWOUND};                          \
	weft_cleanup_enter(&WEFT_CLEANUP_AT(__LINE__))

/** Take the handler off again, and run it when execute is not 0. Parks if that does. */
#define weft_cleanup_pop(execute)                                                                  \
	weft_cleanup_leave(execute);                                                               \
	}                                                                                          \
	while (0)

/**
 * Run a function once, whoever comes first.
 *
 * Others wait until it has returned; what it did happens before their return.
 * When the caller that runs it is cancelled in it, it is as if nobody had called.
 *
 * @param once control, initially WEFT_ONCE_INIT
 * @param fn   the function
 * @return 0; EINVAL (NULL)
 * May park; not a cancellation point. Semantics: pthread_once.
 */
int weft_once(weft_once_t *once, void (*fn)(void));

/**
 * Make a key under which each task has a value of its own, initially NULL.
 *
 * @param key        where it goes
 * @param destructor called with a task's value at its end if that is not NULL,
 *                   up to WEFT_DESTRUCTOR_ITERATIONS rounds; may be NULL
 * @return 0; EINVAL (key is NULL), EAGAIN (WEFT_KEYS_MAX keys exist)
 * Never parks. Semantics: pthread_key_create.
 */
int weft_key_create(weft_key_t *key, void (*destructor)(void *));

/**
 * Delete a key; no destructor is called.
 *
 * @return 0; EINVAL (no such key)
 * Never parks. Semantics: pthread_key_delete.
 */
int weft_key_delete(weft_key_t key);

/**
 * Set the caller's value under a key.
 *
 * @return 0; EINVAL (no such key), ENOMEM
 * Never parks. Semantics: pthread_setspecific.
 */
int weft_setspecific(weft_key_t key, const void *value);

/**
 * The caller's value under a key.
 *
 * @return the value; NULL when none was set or there is no such key
 * Never parks. Semantics: pthread_getspecific.
 */
void *weft_getspecific(weft_key_t key);

/**
 * Attributes of a task, set to the defaults.
 *
 * @return 0; EINVAL (attr is NULL)
 * Never park, and so it is with all calls on attributes. Semantics: pthread_attr_init. Weft's
 * attributes hold no memory of their own; one that was destroyed gives EINVAL where it is used.
 */
int weft_attr_init(weft_attr_t *attr);
int weft_attr_destroy(weft_attr_t *attr);

/**
 * The stack's size: all of it can be used.
 *
 * @param size WEFT_STACK_MIN bytes to 1 GiB; what is told when none was set is
 *             the default that weft_configure or WEFT_STACK give
 * @return 0; EINVAL (NULL, out of range)
 * Semantics: pthread_attr_setstacksize.
 */
int weft_attr_setstacksize(weft_attr_t *attr, size_t size);
int weft_attr_getstacksize(const weft_attr_t *attr, size_t *size);

/**
 * The size in bytes of the region below the stack that faults when touched;
 * rounded up to whole pages; 0 for none, at most 1 GiB.
 *
 * @return 0; EINVAL (NULL, out of range)
 * Semantics: pthread_attr_setguardsize.
 */
int weft_attr_setguardsize(weft_attr_t *attr, size_t size);
int weft_attr_getguardsize(const weft_attr_t *attr, size_t *size);

/**
 * Whether the task can be joined: WEFT_CREATE_JOINABLE (default) or
 * WEFT_CREATE_DETACHED.
 *
 * @return 0; EINVAL (NULL, unknown state)
 * Semantics: pthread_attr_setdetachstate.
 */
int weft_attr_setdetachstate(weft_attr_t *attr, int state);
int weft_attr_getdetachstate(const weft_attr_t *attr, int *state);

/**
 * The task's name from its start: at most WEFT_NAME_MAX bytes; copied.
 *
 * @param size of the buffer in bytes, the terminating 0 included
 * @return 0; EINVAL (NULL), ERANGE (too long, or the buffer too small)
 * Semantics: pthread_setname_np of glibc, at the start.
 */
int weft_attr_setname(weft_attr_t *attr, const char *name);
int weft_attr_getname(const weft_attr_t *attr, char *name, size_t size);

/**
 * Whether the floating-point control words (MXCSR and the x87 control word)
 * are the task's own (1), starting as the creator's are, or its thread's (0, default).
 *
 * @return 0; EINVAL (NULL, neither 0 nor 1)
 * Semantics: Weft's own; a pthread's are always its own.
 */
int weft_attr_setfpenv(weft_attr_t *attr, int own);
int weft_attr_getfpenv(const weft_attr_t *attr, int *own);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
