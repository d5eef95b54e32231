/*
 * Sleeping, and timers that run functions as tasks.
 *
 * The sleeps mirror those of POSIX (IEEE Std 1003.1-2024). A sleeping task costs its
 * stack and no thread. Signals do not end a sleep. Timers are Weft's own, with the settings
 * of POSIX timers and the function of Go's time.AfterFunc.
 */
#ifndef WEFT_TIME_H
#define WEFT_TIME_H

#include <sys/types.h> /* clockid_t, in strict C11 too */
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * Sleep for an interval.
 *
 * @param interval how long; not NULL
 * @param left     where what is left goes when the sleep ends early; may be NULL
 * @return 0; -1 and errno: EINVAL (NULL, negative, a nanosecond field out of range),
 *         ETIMEDOUT at the task's deadline, ECANCELED under WEFT_CANCEL_MASKED
 * A cancellation point; parks. A foreign thread sleeps in the kernel. Semantics: nanosleep.
 */
int weft_nanosleep(const struct timespec *interval, struct timespec *left);

/**
 * Sleep for an interval of a clock, or until a time of it.
 *
 * @param clock CLOCK_MONOTONIC or CLOCK_REALTIME; a time of the latter is converted at
 *              the call: setting the clock meanwhile does not change the sleep
 * @param flags 0, or TIMER_ABSTIME: time is absolute
 * @param time  interval or time; not NULL
 * @param left  as weft_nanosleep's, for an interval; may be NULL
 * @return 0, or an error number: EINVAL (also another flag or an unknown clock), ENOTSUP
 *         (another clock), ETIMEDOUT, ECANCELED
 * A cancellation point; parks. A time that has passed does not park. Semantics:
 * clock_nanosleep.
 */
int weft_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
			 struct timespec *left);

/**
 * Sleep for some microseconds, any number of them.
 *
 * @return 0; -1 and errno: ETIMEDOUT, ECANCELED
 * A cancellation point; parks. Semantics: usleep.
 */
int weft_usleep(unsigned microseconds);

/**
 * Sleep for some seconds.
 *
 * @return 0; the seconds left, rounded up, when the task's deadline or, under
 *         WEFT_CANCEL_MASKED, a cancellation ended the sleep
 * A cancellation point; parks. Semantics: sleep.
 */
unsigned weft_sleep(unsigned seconds);

struct itimerspec;

/** A timer. */
typedef struct weft_timer weft_timer_t;

/**
 * Make a timer, which is not armed.
 *
 * Each time it expires fn runs as a task of its own, one at a time: what expires while
 * fn runs lets it run once more after that, however often it was.
 *
 * @param timer where it goes; not NULL
 * @param fn    what to run; not NULL
 * @param arg   handed to fn
 * @return 0; EINVAL, ENOMEM; EAGAIN when the runtime had to be booted and could not
 * Never parks.
 */
int weft_timer_create(weft_timer_t **timer, void (*fn)(void *), void *arg);

/**
 * Arm a timer anew, or disarm it.
 *
 * What it was armed for before, and has not begun to run, is forgotten.
 *
 * @param timer a timer
 * @param flags 0, or TIMER_ABSTIME: value's it_value is absolute, CLOCK_MONOTONIC
 * @param value it_value: when it expires; 0 disarms. it_interval: how often from then
 *              on; 0: once
 * @param old   where the time left and the interval of before go; may be NULL
 * @return 0; EINVAL (NULL, a negative time, a nanosecond field out of range, another flag)
 * Never parks. Semantics: timer_settime.
 */
int weft_timer_settime(weft_timer_t *timer, int flags, const struct itimerspec *value,
		       struct itimerspec *old);

/**
 * Disarm a timer.
 *
 * @return 0: fn won't begin to run again (it may be running now); EALREADY: nothing was to
 *         be stopped, as fn has begun for what was armed, or nothing was; EINVAL (NULL, or
 *         destroyed)
 * Never parks. Semantics: Go, Timer.Stop.
 */
int weft_timer_stop(weft_timer_t *timer);

/**
 * Stop a timer and free it, once fn does not run any more; called in fn itself, it
 * does not wait for that, and the timer goes when fn returns. Nobody may use it meanwhile.
 *
 * @return 0; EINVAL (NULL, or destroyed)
 * May park; not a cancellation point.
 */
int weft_timer_destroy(weft_timer_t *timer);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
